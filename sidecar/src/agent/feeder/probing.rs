//! What an Envoy's own probes take out of its table: when it is asked for them, what is out now, and what the source wants
//! without that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};
use zoneway_core::name::NodeId;

use super::files::Files;
use crate::agent::feed::Time;
use crate::agent::node_picture::NodePicture;
use crate::agent::probes::{self, Probes, Subject};

/// How often Envoy is asked how its probes went.
const EVERY: Duration = Duration::from_secs(1);
/// And how often where it is slow to answer.
const AT_LEAST_EVERY: Duration = Duration::from_secs(3);

pub(super) struct Probing {
    node: NodeId,
    /// What the source wants, with all that is out at present.
    base: Option<Arc<NodePicture>>,
    probes: Probes,
    next_at: Time,
    /// Whether something went out or came back that no picture that was given shows yet.
    changed: bool,
    /// What the picture that was given last is without.
    out: BTreeSet<Subject>,
}

impl Probing {
    /// Nothing is out. `back_after`: how long what was out has to be well.
    pub(super) fn new(node: NodeId, back_after: Duration) -> Self {
        let (probes, out) = (Probes::new(back_after), BTreeSet::new());
        Self { node, base: None, probes, next_at: Time::ZERO, changed: false, out }
    }

    /// When Envoy is to be asked next.
    pub(super) fn next_at(&self) -> Time {
        self.next_at
    }

    /// What the source wants now, without what is out.
    pub(super) fn of(&mut self, picture: Arc<NodePicture>) -> Arc<NodePicture> {
        self.base = Some(Arc::clone(&picture));
        self.without_what_is_out(picture)
    }

    /// What the source wanted last, without what is out, where that is another picture than was given.
    pub(super) fn changed(&mut self) -> Option<Arc<NodePicture>> {
        let base = self.base.clone().filter(|_| self.changed)?;
        Some(self.without_what_is_out(base))
    }

    /// Asks Envoy how its probes went. `now` is asked before and after: an Envoy that is slow is asked less often.
    pub(super) async fn ask(&mut self, files: Option<&mut Files>, now: impl Fn() -> Time) {
        let begun = now();
        self.next_at = begun + EVERY;
        let (Some(files), Some(base)) = (files, &self.base) else { return };
        let dialled = probes::dialled(base.whole.frame().wire(), &self.node);
        let seen = if dialled.is_empty() { Ok(BTreeMap::new()) } else { files.seen(&dialled).await };
        let answered = now();
        self.next_at = answered + EVERY;
        // An Envoy that does not answer is the feed's to tell of; what is out stays out.
        let Ok(seen) = seen else { return };
        // An Envoy with thousands of clusters takes its time to list them: a twentieth of it, within reason.
        self.next_at = answered + ((answered - begun) * 20).clamp(EVERY, AT_LEAST_EVERY);
        self.changed |= self.probes.saw(&seen, answered);
    }

    /// Whether what is out is not what the picture that was given last shows.
    pub(super) fn has_changed(&self) -> bool {
        self.changed
    }

    /// Envoy has started anew, and has no table.
    pub(super) fn restarted(&mut self, now: Time) {
        self.changed |= self.probes.restarted(now);
    }

    /// What is out, in words.
    pub(super) fn out(&self) -> Vec<String> {
        self.out.iter().map(ToString::to_string).collect()
    }

    fn without_what_is_out(&mut self, picture: Arc<NodePicture>) -> Arc<NodePicture> {
        let out = self.probes.out();
        self.changed = false;
        let (picture, gone) = match (!out.is_empty()).then(|| picture.without(&out)).flatten() {
            Some((without, gone)) => {
                (Arc::new(NodePicture { changed_at: picture.changed_at, ..without }), gone)
            }
            None => (picture, BTreeSet::new()),
        };
        let node = self.node.as_str();
        for subject in gone.difference(&self.out) {
            warn!(node, "{subject} failed three probes in a row: it leaves the table");
        }
        for subject in self.out.difference(&gone) {
            info!(node, "{subject} is back in the table");
        }
        self.out = gone;
        picture
    }
}
