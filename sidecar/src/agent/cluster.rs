//! What a sidecar has to do with a cluster besides watching it: how it is, for status and metrics; the lease of who
//! writes into it; and what is written there.

mod lease;
mod notes;
mod writer;
mod zone_status;

use std::time::Duration;

use kube::Client;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::config::LeaseName;
use super::report::{ClusterStatus, KindStatus, LeaseStatus};
use crate::sources::cluster::watch::{SharedPulse, title};
pub(crate) use lease::LeaseNow;
use lease::LeaseRoom;
pub(crate) use writer::Report;
use writer::Writer;

/// How long giving the lease back may take when the sidecar stops, with the look at it that is under way then. A server
/// that is silent holds nobody up for longer, and until the lease runs out others would wait five times as long.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// What writes into a cluster while this sidecar holds the lease, and stands for the lease all the time.
pub(crate) struct Hand {
    reports: watch::Sender<Option<Report>>,
    lease: watch::Receiver<LeaseNow>,
    stop: watch::Sender<bool>,
    candidate: JoinHandle<()>,
}

impl Hand {
    /// Starts to stand for the lease. `who`: a part of this candidate's name.
    pub(crate) fn start(client: &Client, lease: &LeaseName, who: &str, rooms: &mut JoinSet<()>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (reports, reported) = watch::channel(None);
        let (room, lease) = LeaseRoom::new(client.clone(), lease, who);
        let candidate = tokio::spawn(room.run(stopped));
        rooms.spawn(Writer::new(client.clone(), who.to_owned(), lease.clone(), reported).run());
        Self { reports, lease, stop, candidate }
    }

    /// This is to be told from now on.
    pub(crate) fn report(&self, report: Report) {
        self.reports.send_replace(Some(report));
    }

    /// Who holds the lease.
    pub(crate) fn lease(&self) -> watch::Receiver<LeaseNow> {
        self.lease.clone()
    }

    /// Gives the lease back.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        let _ = tokio::time::timeout(STOP_WITHIN, self.candidate).await;
    }
}

/// Who knows how the cluster is.
#[derive(Debug, Clone)]
pub(crate) struct ClusterNow {
    pulse: SharedPulse,
    lease: Option<watch::Receiver<LeaseNow>>,
}

impl ClusterNow {
    /// These know.
    pub(crate) fn new(pulse: SharedPulse, lease: Option<watch::Receiver<LeaseNow>>) -> Self {
        Self { pulse, lease }
    }

    /// How it is now.
    pub(crate) fn status(&self) -> ClusterStatus {
        let pulse = self.pulse.now();
        let kinds = pulse.kinds.iter().map(|(kind, now)| KindStatus {
            kind: title(*kind),
            objects: now.objects().map(|objects| objects as u64),
            error: now.error().map(str::to_owned),
        });
        let lease = self.lease.as_ref().map(|lease| {
            let LeaseNow { held, holder, error } = lease.borrow().clone();
            LeaseStatus { held, holder, error }
        });
        ClusterStatus {
            server: pulse.server.clone(),
            reachable: pulse.reachable == Some(true),
            error: pulse.away.clone(),
            event_age_s: pulse.last_event.map(|at| at.elapsed().as_secs()),
            kinds: kinds.collect(),
            notes: pulse.notes.iter().map(|(reason, count)| ((*reason).to_owned(), *count as u64)).collect(),
            lease,
        }
    }
}
