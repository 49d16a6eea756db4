//! What the rooms of the agent have in common: one clock, what is known and counted, what is kept.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::board::Board;
use super::certificates::Certificates;
use super::envoy_metrics::EnvoyMetrics;
use super::feed::Time;
use super::metrics::Metrics;
use super::report::SidecarStatus;
use super::state_folder::StateFolder;

/// What every room shares.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The clock of all state machines.
    pub(crate) start: Instant,
    /// What is known now.
    pub(crate) board: Board,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// How long what failed its probes has to be well before it is in a table again.
    pub(crate) back_after: Duration,
    /// What outlives a restart.
    pub(crate) state: Mutex<StateFolder>,
    /// How long certificates are good.
    pub(crate) certificates: Certificates,
    /// What the Envoys count.
    pub(crate) envoys: EnvoyMetrics,
}

impl Shared {
    /// The time of the state machines.
    pub(crate) fn now(&self) -> Time {
        self.start.elapsed()
    }

    /// All that is known now.
    pub(crate) fn status(&self) -> SidecarStatus {
        SidecarStatus { certificates: self.certificates.status(), ..self.board.status() }
    }
}
