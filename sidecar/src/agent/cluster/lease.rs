//! The lease in the cluster: looked at, taken, renewed, and given back at the end.

mod election;

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::agent::config::LeaseName;
use crate::sources::cluster::watch::said;
use election::{EVERY, Election, HOLDS_FOR, Seen, Step};

/// How long one request may take: less than an own lease is relied on.
const WITHIN: Duration = Duration::from_secs(3);

/// What is known of the lease.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LeaseNow {
    /// Whether this sidecar holds it: then it writes what is written once for the whole cluster.
    pub(crate) held: bool,
    /// Who does.
    pub(crate) holder: Option<String>,
    /// Why it cannot be looked at, or written.
    pub(crate) error: Option<String>,
}

impl LeaseNow {
    /// The node of a candidate, by its name.
    pub(crate) fn node_of(candidate: &str) -> &str {
        candidate.rsplit_once('_').map_or(candidate, |(node, _)| node)
    }
}

/// One candidate for a lease.
pub(crate) struct LeaseRoom {
    api: Api<Lease>,
    name: String,
    start: Instant,
    election: Election,
    /// What the server has, as it was read or written last, for its version and its count of holders.
    object: Option<Lease>,
    error: Option<String>,
    tell: watch::Sender<LeaseNow>,
}

impl LeaseRoom {
    /// A candidate; `node` is a part of its name.
    pub(crate) fn new(client: Client, lease: &LeaseName, node: &str) -> (Self, watch::Receiver<LeaseNow>) {
        let (tell, now) = watch::channel(LeaseNow::default());
        let room = Self {
            api: Api::namespaced(client, &lease.namespace),
            name: lease.name.clone(),
            start: Instant::now(),
            election: Election::new(format!("{node}_{:08x}", suffix())),
            object: None,
            error: None,
            tell,
        };
        (room, now)
    }

    /// Stands for it until `stop` says so, and gives it back then.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            // What was held may have run out meanwhile, and the server may be silent.
            self.publish();
            self.turn().await;
            self.publish();
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        if self.election.holds(self.start.elapsed()) {
            // Nothing is written here any more when another may begin to.
            self.election.gave_up();
            self.publish();
            // Nobody waits for it to run out then.
            if let Err(error) = self.write(Step::Renew, "").await {
                warn!(lease = self.name, "is not given back, it runs out instead: {}", said(&error));
            }
        }
    }

    async fn turn(&mut self) {
        let result = timeout(WITHIN, self.look_and_write()).await;
        let error = match result {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(said(&error)),
            Err(_) => Some(format!("no answer within {} s", WITHIN.as_secs())),
        };
        if let Some(message) = error.as_ref().filter(|_| error != self.error) {
            warn!(lease = self.name, "cannot be looked at or written: {message}");
        }
        self.error = error;
    }

    async fn look_and_write(&mut self) -> Result<(), kube::Error> {
        self.object = self.api.get_opt(&self.name).await?;
        let step = self.election.looked(self.object.as_ref().map(seen), self.start.elapsed());
        if step == Step::Wait {
            return Ok(());
        }
        let asked_at = self.start.elapsed();
        let me = self.election.me().to_owned();
        match self.write(step, &me).await {
            Ok(()) => {
                self.election.wrote(asked_at);
                Ok(())
            }
            // Another was faster: the next look says who.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn write(&mut self, step: Step, holder: &str) -> Result<(), kube::Error> {
        let now = MicroTime(Timestamp::now());
        let before = self.object.as_ref().and_then(|lease| lease.spec.clone()).unwrap_or_default();
        let is_new = step != Step::Renew;
        let transitions = before.lease_transitions.unwrap_or(0);
        let spec = LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: i32::try_from(HOLDS_FOR.as_secs()).ok(),
            acquire_time: if is_new { Some(now.clone()) } else { before.acquire_time },
            lease_transitions: Some(transitions.saturating_add(i32::from(step == Step::Take))),
            renew_time: Some(now),
            ..LeaseSpec::default()
        };
        let version = self.object.as_ref().and_then(|lease| lease.metadata.resource_version.clone());
        let metadata =
            ObjectMeta { name: Some(self.name.clone()), resource_version: version, ..ObjectMeta::default() };
        let lease = Lease { metadata, spec: Some(spec) };
        let written = match step {
            Step::Create => self.api.create(&PostParams::default(), &lease).await?,
            _ => self.api.replace(&self.name, &PostParams::default(), &lease).await?,
        };
        // Its version is what the next write has to name: the last one, which gives it back, comes without a look.
        self.object = Some(written);
        Ok(())
    }

    fn publish(&self) {
        let now = self.start.elapsed();
        let next = LeaseNow {
            held: self.election.holds(now),
            holder: self.election.holder(now).map(str::to_owned),
            error: self.error.clone(),
        };
        self.tell.send_if_modified(|before| {
            if *before == next {
                return false;
            }
            if before.held != next.held {
                let who = next.holder.as_deref().unwrap_or("nobody");
                info!(
                    lease = self.name,
                    holder = who,
                    "{}",
                    if next.held { "is held here now" } else { "is not held here" }
                );
            }
            *before = next;
            true
        });
    }
}

fn seen(lease: &Lease) -> Seen {
    let spec = lease.spec.as_ref();
    let seconds =
        spec.and_then(|spec| spec.lease_duration_seconds).and_then(|seconds| u64::try_from(seconds).ok());
    Seen {
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
        holder: spec.and_then(|spec| spec.holder_identity.clone()).unwrap_or_default(),
        holds_for: seconds.map_or(HOLDS_FOR, Duration::from_secs),
    }
}

/// Two processes of one node, an old and a new one, are two candidates.
fn suffix() -> u32 {
    use std::hash::{BuildHasher, RandomState};
    u32::try_from(RandomState::new().hash_one(std::process::id()) >> 32).unwrap_or(0)
}
