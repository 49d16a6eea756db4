//! What is made of what a source said: people are told, and the disk has it for the next start.

use std::sync::PoisonError;
use std::time::Duration;

use tokio::task::JoinHandle;
use tracing::{debug, error, info, warn};

use super::Agent;
use crate::agent::feed::Time;
use crate::agent::intake::Notice;
use crate::agent::picture::Kind;
use crate::agent::report::Serving;
use crate::agent::state_folder::StateError;

/// How long what a cluster says may serve before it is kept on the disk too.
const KEPT_WITHIN: Duration = Duration::from_secs(3);

/// What is being written to the disk.
pub(super) type Keeping = JoinHandle<Result<(), StateError>>;

impl Agent {
    /// Logs what happened to the source, and keeps it.
    pub(super) async fn heed(&mut self, notices: Vec<Notice>) {
        let file = self.name.as_str();
        let refused = matches!(notices[..], [Notice::Refused(..)]);
        for notice in &notices {
            match notice {
                Notice::Refused(faults, serving) => {
                    for fault in faults {
                        error!("{file}: {fault}");
                    }
                    let meanwhile = match serving {
                        Serving::Nothing => "nothing serves: Envoys keep what they have",
                        Serving::Kept => "what was kept from before this start serves",
                        Serving::File | Serving::LastGood => "its last good state serves on",
                    };
                    error!("{file} is refused whole, {meanwhile}: mend it, it is read again when it changes");
                }
                // A cluster changes many times a second, and each push is logged anyway.
                Notice::Serves(hosts) if self.kind == Kind::Cluster => debug!(hosts, "{file} serves"),
                Notice::Serves(hosts) => info!(hosts, "{file} serves"),
                Notice::Holds(new, all) => error!(
                    held = all,
                    "{new} hosts went from {file} at once, over half of it: they stay for {} s, all else takes effect. \
                     If they are meant to go, confirm with SIGHUP, or start with --allow-shrink",
                    self.config.hold.as_secs()
                ),
                Notice::Releases(hosts) => warn!(hosts, "hosts that were held go now"),
                Notice::GivesUp(hosts) => {
                    error!(hosts, "what {file} has now does not go together with the held hosts: they go");
                }
            }
        }
        if notices.is_empty() || refused {
            return;
        }
        // A file changes when somebody writes it, and is kept before it serves. A cluster may change many times a
        // second, and the disk is slow.
        let now = self.shared.now();
        match self.kind {
            Kind::Site | Kind::Table | Kind::Delivered => {
                self.keep_at = Some(now);
                self.kept().await;
            }
            Kind::Cluster => self.keep_at = self.keep_at.or(Some(now + KEPT_WITHIN)),
        }
    }

    /// Begins to keep what serves, where it is time for that. Nothing waits for the disk.
    pub(super) fn keep(&mut self) {
        let now = self.shared.now();
        if self.keeping.as_ref().is_some_and(|keeping| !keeping.is_finished()) {
            self.keep_at = self.keep_at.map(|at| at.max(now + KEPT_WITHIN));
            return;
        }
        if self.keep_at.is_none_or(|at| now < at) {
            return;
        }
        self.keep_at = None;
        let Some(to_keep) = self.intake.to_keep(self.kind, now) else { return };
        let last_good = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).last_good();
        self.keeping = Some(tokio::task::spawn_blocking(move || {
            let result = last_good.keep(&to_keep.kept());
            if let Err(error) = &result {
                error!("what serves is not kept over a restart: {error}");
            }
            result
        }));
    }

    /// Returns when what serves, and was not kept yet, is.
    pub(super) async fn kept(&mut self) {
        if let Some(keeping) = self.keeping.take() {
            let _ = keeping.await;
        }
        self.keep_at = self.keep_at.map(|_| Time::ZERO);
        self.keep();
        if let Some(keeping) = self.keeping.take() {
            let _ = keeping.await;
        }
    }
}
