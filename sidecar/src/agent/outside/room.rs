//! The room of one public node: dials it, looks who it is, sees to its certificate, and delivers.

mod signing;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};
use tokio::sync::watch;
use tracing::{error, info, warn};
use zoneway_core::name::NodeId;
use zoneway_core::table::wire::Revision;

use super::Want;
use super::content::content;
use super::line::Line;
use crate::agent::backoff::Backoff;
use crate::agent::cluster::LeaseNow;
use crate::agent::config::Outside;
use crate::agent::delivery::{self, CRL, Content, Delivery, ENVOY_METRICS, Held, Hello};
use crate::agent::mutual::{self, Judge, Refused};
use crate::agent::report::{OutsideStatus, SidecarStatus};
use crate::agent::shared::Shared;
use crate::agent::table_endpoint::PushAnswer;
use crate::pki::{Facts, now};

/// How often a node is asked whether it has what it is to have: one that was restarted has it again within a second.
const POLL: Duration = Duration::from_millis(500);
/// How often it is asked how it is.
const STATUS_EVERY: Duration = Duration::from_secs(2);
/// How often it is asked what it counts, and home's own files are looked at for a change.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How long an answer may take: a line that died without a word is dialled anew after it.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// How long a delivery may take: a table may be large, and a line slow.
const DELIVERY_WITHIN: Duration = Duration::from_secs(60);

/// How long this node's own Envoy may be away before public nodes are told: as long as it takes to start anew.
const OWN_AWAY: Duration = Duration::from_secs(2);
/// How often it is looked whether it was asked for the first time.
const OWN_ASKED: Duration = Duration::from_millis(20);

/// One public node's.
pub(super) struct Room {
    node: NodeId,
    /// The node whose sidecar this is.
    own: NodeId,
    config: Arc<Outside>,
    writer: String,
    wanted: watch::Receiver<Arc<Want>>,
    lease: Option<watch::Receiver<LeaseNow>>,
    shared: Arc<Shared>,
    line: Option<Line>,
    /// What was made of which want, for a node that keeps things where.
    made: Option<Made>,
    /// When this node's own Envoy was seen to serve last.
    own_served: Option<Instant>,
    status: OutsideStatus,
    told: String,
    asked_at: Option<Instant>,
    looked_at: Option<Instant>,
    /// When it was looked at last which authority signs.
    signer_looked_at: Option<Instant>,
}

struct Made {
    of: Arc<Want>,
    hello: (std::path::PathBuf, std::path::PathBuf),
    at: Instant,
    own_serves: bool,
    content: Content,
    digest: String,
}

/// What stands in the way. Its name is the state in `/v1/status`.
struct Trouble(&'static str, String);

impl Room {
    pub(super) fn new(
        node: NodeId,
        own: NodeId,
        config: Arc<Outside>,
        writer: String,
        wanted: watch::Receiver<Arc<Want>>,
        lease: Option<watch::Receiver<LeaseNow>>,
        shared: Arc<Shared>,
    ) -> Self {
        let status = OutsideStatus { node: node.to_string(), ..OutsideStatus::default() };
        Self {
            node,
            own,
            config,
            writer,
            wanted,
            lease,
            shared,
            line: None,
            made: None,
            own_served: None,
            status,
            told: String::new(),
            asked_at: None,
            looked_at: None,
            signer_looked_at: None,
        }
    }

    /// Feeds the node for ever. May be dropped at any time: whatever was under way can be done again.
    pub(super) async fn run(mut self) {
        use std::hash::{BuildHasher, RandomState};
        let mut backoff = Backoff::new(
            Duration::from_millis(250),
            Duration::from_millis(800),
            RandomState::new().hash_one(0),
        );
        // A sidecar that was started anew need not take its Envoy, which serves, for one that has just started.
        while self.shared.board.serves(self.own.as_str()).is_none() {
            tokio::time::sleep(OWN_ASKED).await;
        }
        loop {
            let want = Arc::clone(&self.wanted.borrow_and_update());
            if let Some(why) = self.stands_by(&want) {
                self.line = None;
                self.tell("standby", why.to_owned(), false);
                let Some(lease) = &mut self.lease else { return };
                let changed = tokio::select! {
                    changed = lease.changed() => changed,
                    changed = self.wanted.changed() => changed,
                };
                if changed.is_err() {
                    return;
                }
                continue;
            }
            let pause = match self.turn(&want).await {
                Ok(()) => {
                    backoff.reset();
                    POLL
                }
                Err(Trouble(state, message)) => {
                    self.line = None;
                    self.tell(state, message, state != "standby");
                    backoff.after_failure()
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                changed = self.wanted.changed() => match changed {
                    Ok(()) => self.wanted.mark_changed(),
                    Err(_) => return,
                },
            }
        }
    }

    /// Why another is to deliver, where there is a lease: its holder does, if the public node lets it in. It may be no gateway of
    /// the public node's zone; then each gateway may that sees so, and the public node keeps to one of them.
    fn stands_by(&self, want: &Want) -> Option<&'static str> {
        let lease = self.lease.as_ref()?.borrow();
        if !want.has_gateway(self.own.as_str()) {
            return Some("this node is no gateway of its zone: one that is delivers");
        }
        // Who cannot look at the lease may not know the cluster either.
        let seen = lease.holder.as_deref().filter(|_| lease.error.is_none());
        let holder = seen.map(LeaseNow::node_of);
        let is_free = holder.is_some_and(|holder| !want.has_gateway(holder));
        (!lease.held && !is_free).then_some("another sidecar holds the lease and delivers")
    }

    async fn turn(&mut self, want: &Arc<Want>) -> Result<(), Trouble> {
        let local = |message| Trouble("home_files", message);
        let away = |message: String| Trouble("away", format!("{}: {message}", want.address));
        self.status.address.clone_from(&want.address);
        self.status.zone = want.zone.to_string();
        let crl = want.files.get(CRL).map(PathBuf::as_path);
        let judge = mutual::judge_of(&self.config.ca, crl).map_err(local)?;
        let mut line = match self.line.take().filter(Line::is_open) {
            Some(line) => line,
            None => Line::open(&want.address, &self.config.identity, &self.writer).await.map_err(away)?,
        };
        let certificate = Facts::of_der(&line.certificate)
            .map_err(|what| Trouble("refused", format!("what it shows is {what}")))?;
        let stranger = stranger(&judge, &line, &certificate, want);
        if let Some(why) = &stranger {
            // Before anything is asked: nobody but who may be enrolled hears more than a handshake.
            self.may_enrol(why, &certificate, want)?;
        }
        let (status, body) =
            line.ask(Method::GET, delivery::HELLO, Vec::new(), ANSWER_WITHIN).await.map_err(away)?;
        let hello: Hello = serde_json::from_slice(&body)
            .map_err(|error| away(format!("it answered {status}, and no greeting: {error}")))?;
        self.greeted(&hello, want)?;
        let leaf = match stranger {
            Some(why) => Some(self.enrol(&mut line, &hello, &certificate, want, &why).await?),
            None => self.renewed(&hello, &certificate, want)?,
        };
        self.status.certificate_left_s = Some(certificate.left(now()).as_secs());
        self.make(want, &hello).map_err(local)?;
        let Some(made) = &self.made else { return Ok(()) };
        let has_it = hello.held.as_ref().is_some_and(|held| held.digest == made.digest);
        if leaf.is_none() && !has_it && hello.is_taken {
            // It would be refused, and a view may be large.
            self.tell("standby", "another gateway delivers, and was heard of just now".to_owned(), false);
            self.line = Some(line);
            return Ok(());
        }
        if leaf.is_some() || !has_it {
            let is_new_leaf = leaf.is_some();
            self.deliver(&mut line, &hello, leaf).await?;
            if is_new_leaf {
                // The next one is with the new certificate.
                return Ok(());
            }
        } else {
            self.status.revision = hello.held.as_ref().map(|held| held.revision);
        }
        self.look(&mut line).await.map_err(away)?;
        match self.overdue(&certificate) {
            Some(message) => self.tell("delivered", message, true),
            None => self.tell("delivered", "it has what it is to have".to_owned(), false),
        }
        self.line = Some(line);
        Ok(())
    }

    fn greeted(&self, hello: &Hello, want: &Want) -> Result<(), Trouble> {
        let other = |message| Err(Trouble("refused", message));
        if hello.version != delivery::VERSION {
            return other(format!("it speaks version {}: upgrade the older of the two", hello.version));
        }
        if (hello.node.as_str(), hello.zone.as_str()) != (self.node.as_str(), want.zone.as_str()) {
            return other(format!("it is set up as node {} of zone {}", hello.node, hello.zone));
        }
        Ok(())
    }

    /// Makes the content anew where anything that it comes of may have changed.
    fn make(&mut self, want: &Arc<Want>, hello: &Hello) -> Result<(), String> {
        let places = (hello.xds.clone(), hello.certificates.clone());
        let own_serves = self.own_serves();
        let holds = self.made.as_ref().is_some_and(|made| {
            Arc::ptr_eq(&made.of, want)
                && made.hello == places
                && made.own_serves == own_serves
                && made.at.elapsed() < LOOK_EVERY
        });
        if !holds {
            let (content, digest) = content(want, &self.node, hello, own_serves)?;
            let (of, at) = (Arc::clone(want), Instant::now());
            self.made = Some(Made { of, hello: places, at, own_serves, content, digest });
        }
        Ok(())
    }

    /// Whether this node's own Envoy serves, or did until a moment ago.
    fn own_serves(&mut self) -> bool {
        if self.shared.board.serves(self.own.as_str()) == Some(true) {
            self.own_served = Some(Instant::now());
        }
        self.own_served.is_some_and(|at| at.elapsed() < OWN_AWAY)
    }

    async fn deliver(&mut self, line: &mut Line, hello: &Hello, leaf: Option<String>) -> Result<(), Trouble> {
        let Some(made) = &self.made else { return Ok(()) };
        let revision = match &hello.held {
            None => Revision { epoch: 1, sequence: 0 },
            Some(held) if held.writer == self.writer => {
                Revision { sequence: held.revision.sequence.saturating_add(1), ..held.revision }
            }
            Some(held) => Revision { epoch: held.revision.epoch.saturating_add(1), sequence: 0 },
        };
        let held = Held { writer: self.writer.clone(), revision, digest: made.digest.clone() };
        let delivery = Delivery { version: delivery::VERSION, held, leaf, content: made.content.clone() };
        let body = serde_json::to_vec(&delivery).map_err(|error| Trouble("home_files", error.to_string()))?;
        let answer = line.ask(Method::PUT, delivery::DELIVERY, body, DELIVERY_WITHIN).await;
        let (status, body) = answer.map_err(|message| Trouble("away", message))?;
        let errors = serde_json::from_slice::<PushAnswer>(&body).map(|answer| {
            let errors = answer.errors.iter().map(ToString::to_string).collect::<Vec<_>>();
            errors.join("; ")
        });
        let errors = errors.unwrap_or_else(|_| format!("it answered {status}"));
        match status {
            StatusCode::OK => {
                self.status.deliveries += 1;
                self.status.revision = Some(revision);
                let hosts = delivery.content.table.hosts.len();
                info!(node = %self.node, %revision, hosts, "delivered");
                Ok(())
            }
            StatusCode::CONFLICT => Err(Trouble("standby", errors)),
            _ => {
                self.status.failures += 1;
                Err(Trouble("refused", format!("it refuses what is delivered: {errors}")))
            }
        }
    }

    /// Asks how the node is, and what it counts, every so often.
    async fn look(&mut self, line: &mut Line) -> Result<(), String> {
        let is_due = |at: Option<Instant>, every| at.is_none_or(|at| at.elapsed() >= every);
        if is_due(self.asked_at, STATUS_EVERY) {
            let (_, body) = line.ask(Method::GET, "/v1/status", Vec::new(), ANSWER_WITHIN).await?;
            self.status.sidecar = serde_json::from_slice::<SidecarStatus>(&body).ok().map(Box::new);
            self.asked_at = Some(Instant::now());
        }
        if is_due(self.looked_at, LOOK_EVERY) {
            for (name, path) in [("metrics", "/metrics"), ("envoy-metrics", ENVOY_METRICS)] {
                let (status, body) = line.ask(Method::GET, path, Vec::new(), ANSWER_WITHIN).await?;
                if status == StatusCode::OK {
                    self.shared.board.set_outside_page(self.node.as_str(), name, body);
                }
            }
            self.looked_at = Some(Instant::now());
        }
        Ok(())
    }

    /// Writes to the board how the node is, and to the log what is new about that.
    fn tell(&mut self, state: &str, message: String, trouble: bool) {
        if trouble && state == "away" {
            self.status.sidecar = None;
        }
        if self.told != message {
            match (trouble, state) {
                (true, "stranger" | "refused" | "home_files") => {
                    error!(node = %self.node, state, "public node: {message}");
                }
                (true, _) => warn!(node = %self.node, state, "public node: {message}"),
                (false, _) => info!(node = %self.node, state, "public node: {message}"),
            }
            self.told.clone_from(&message);
        }
        (self.status.state, self.status.message, self.status.trouble) = (state.to_owned(), message, trouble);
        self.shared.board.set_outside(self.status.clone());
    }
}

/// Why the other end is not believed to be the node; `None` where it is.
fn stranger(judge: &Judge, line: &Line, shown: &Facts, want: &Want) -> Option<Refused> {
    if let Some(refused) = mutual::refused(judge, &line.certificate) {
        return Some(refused);
    }
    (shown.identity.as_ref() != Some(&want.identity))
        .then(|| Refused::OtherNode { is: shown.whose().to_owned(), expected: want.identity.clone() })
}
