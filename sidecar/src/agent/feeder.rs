//! One Envoy's room: carries out what its feed says, one step at a time, and brings back what came of it.

mod files;
mod probing;

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::body::Bytes;
use tokio::sync::watch;
use tracing::{debug, error, info, warn};
use zoneway_core::table::wire::Revision;

use super::board::NodeNow;
use super::client::{Ask, Client};
use super::config::EnvoyPlaces;
use super::feed::{Event, Feed, Outcome, Reader, Stage, State, Step, Time};
use super::narrow;
use super::node_picture::NodePicture;
use super::report::NodeStatus;
use super::shared::Shared;
use super::table_endpoint::{self, Pushed, ReaderStatus};
use files::Files;
use probing::Probing;

/// What a node is to have, or why that is not known.
pub(crate) type Wanted = Option<Result<Arc<NodePicture>, String>>;

/// How long an Envoy may take to adopt a table that only closes what the next one closes.
const NARROW_WITHIN: Duration = Duration::from_secs(3);

/// How long a picture that is on its way may keep the next one waiting. Without that, a source that changes faster than an
/// Envoy is fed would never have it fed at all.
const MIDWAY: Duration = Duration::from_secs(1);

/// The room of one Envoy.
pub(crate) struct Feeder {
    node: String,
    places: EnvoyPlaces,
    shared: Arc<Shared>,
    wanted: watch::Receiver<Wanted>,
    feed: Feed,
    table: Client,
    files: Option<Files>,
    want: Option<Arc<NodePicture>>,
    probing: Probing,
    /// What comes after what is wanted now, and since when it waits: see [`narrow`].
    next: Option<(Arc<NodePicture>, Time)>,
    /// When what is wanted now began to be.
    fed_at: Time,
    /// Why there is nothing new to have, where there is not.
    no_picture: Option<String>,
    status: Option<ReaderStatus>,
    polled_at: Instant,
    pushes: u64,
    failures: u64,
    told: Option<State>,
}

impl Feeder {
    /// A room for one Envoy. `before`: what an earlier run of this program had for it.
    pub(crate) fn new(
        places: EnvoyPlaces,
        before: Option<Arc<NodePicture>>,
        wanted: watch::Receiver<Wanted>,
        shared: Arc<Shared>,
    ) -> Self {
        let node = places.node.to_string();
        let epoch = shared.state.lock().unwrap_or_else(PoisonError::into_inner).epoch(&node);
        let noise = noise();
        let probing = Probing::new(places.node.clone(), shared.back_after);
        Self {
            feed: Feed::new(places.files.is_some(), epoch, noise),
            table: Client::new(places.table.clone(), places.tls.clone()),
            files: places.files.clone().map(|places_of| Files::new(places.node.clone(), places_of, before)),
            node,
            places,
            shared,
            wanted,
            want: None,
            probing,
            next: None,
            fed_at: Time::ZERO,
            no_picture: None,
            status: None,
            polled_at: Instant::now(),
            pushes: 0,
            failures: 0,
            told: None,
        }
    }

    /// Feeds the Envoy for ever. May be dropped at any time: whatever was under way can be done again.
    pub(crate) async fn run(mut self) {
        // What is served now has a say in how the first picture is fed.
        self.note_served().await;
        loop {
            self.go_on();
            if !self.is_midway() {
                self.take_wanted();
            }
            let step = self.feed.step(self.shared.now());
            if let Step::Wait(until) = step {
                if self.shared.now() >= self.probing.next_at() {
                    self.probe().await;
                    continue;
                }
                let pause = until.min(self.probing.next_at()).saturating_sub(self.shared.now());
                let is_midway = self.is_midway();
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    changed = self.wanted.changed(), if !is_midway => match changed {
                        // Waiting for it has marked it as seen: it is looked at above.
                        Ok(()) => self.wanted.mark_changed(),
                        Err(_) => return,
                    },
                }
                continue;
            }
            debug!(node = self.node, ?step, "next");
            self.carry_out(step).await;
        }
    }

    fn take_wanted(&mut self) {
        if !self.wanted.has_changed().unwrap_or(false) {
            return;
        }
        let wanted = self.wanted.borrow_and_update().clone();
        match wanted {
            None => {}
            Some(Err(message)) => {
                if self.no_picture.as_ref() != Some(&message) {
                    error!(node = self.node, "{message}: what it has serves on");
                }
                self.no_picture = Some(message);
            }
            Some(Ok(picture)) => {
                self.no_picture = None;
                let picture = self.probing.of(picture);
                let now = self.shared.now();
                let before = self.narrower(&picture);
                self.next = before.is_some().then(|| (Arc::clone(&picture), now + NARROW_WITHIN));
                self.feed_with(before.unwrap_or(picture));
            }
        }
        self.tell();
    }

    /// Asks Envoy how its probes went; what went out or came back changes the table.
    async fn probe(&mut self) {
        self.probing.ask(self.files.as_mut(), || self.shared.now()).await;
        if self.probing.has_changed() {
            // Perhaps it was a new Envoy that answered: that one has no table.
            self.note_served().await;
        }
    }

    /// Asks the endpoint what is served. What probes changed is fed here and nowhere else: between a step and what came of it
    /// the feed would take the one content for the other.
    async fn note_served(&mut self) {
        let polled = Event::Polled(self.poll().await);
        // Before the feed learns that Envoy has started anew: it pushes the table that is right for that one, and no other before.
        if !self.is_midway()
            && let Some(picture) = self.probing.changed()
        {
            self.feed_with(picture);
        }
        self.feed.apply(polled, self.shared.now());
        self.tell();
    }

    fn feed_with(&mut self, picture: Arc<NodePicture>) {
        let content = picture.content(self.files.as_mut().map_or(0, |files| files.wanted(&picture)));
        self.want = Some(picture);
        self.fed_at = self.shared.now();
        self.feed.apply(Event::Want(content), self.fed_at);
    }

    /// Whether a picture is on its way, and is to arrive before the next one sets out.
    fn is_midway(&self) -> bool {
        self.next.is_some()
            || is_on_its_way(&self.feed.state(), self.shared.now().saturating_sub(self.fed_at))
    }

    /// What has to be adopted before a picture's routes are written; `None` where its routes are those that are there,
    /// or would not meet the served table.
    fn narrower(&self, picture: &NodePicture) -> Option<Arc<NodePicture>> {
        let served = self.status.as_ref()?.table.as_ref()?;
        let files = self.files.as_ref()?;
        let old = files.serving(&served.digest).filter(|old| old.zone == picture.zone)?;
        if !files.routes_change(old, picture) {
            return None;
        }
        Some(Arc::new(old.with_view(narrow::narrowed(&old.view, &picture.view)?)))
    }

    /// Goes on to what comes next, once what is wanted now is adopted; or if that is not to be had soon: an Envoy that
    /// does not answer must not keep the next from being tried.
    fn go_on(&mut self) {
        let Some((_, until)) = &self.next else { return };
        if (self.feed.state() == State::InSync || self.shared.now() >= *until)
            && let Some((picture, _)) = self.next.take()
        {
            self.feed_with(picture);
        }
    }

    async fn carry_out(&mut self, step: Step) {
        let event = match step {
            // Waited for by the caller.
            Step::Wait(_) | Step::Poll => return self.note_served().await,
            Step::Write(stage) => {
                let written = self.write(stage).await;
                Event::Wrote(stage, written)
            }
            Step::Look => Event::Looked(match &mut self.files {
                Some(files) => files.missing().await,
                None => Ok(0),
            }),
            Step::Push(revision) => {
                let outcome = self.push(revision).await;
                Event::Pushed(revision, outcome)
            }
        };
        self.feed.apply(event, self.shared.now());
        self.tell();
    }

    async fn poll(&mut self) -> Result<Reader, String> {
        let status = table_endpoint::status(&mut self.table).await;
        self.polled_at = Instant::now();
        match status {
            Ok(status) => {
                if status.table.is_none() {
                    self.probing.restarted(self.shared.now());
                }
                let reader = Reader {
                    table: status.table.as_ref().map(|table| (table.revision, table.digest.clone())),
                    reads_ours: status.versions.contains(&zoneway_core::table::TABLE_VERSION),
                    workers: status.workers.iter().map(|worker| worker.revision).collect(),
                };
                self.status = Some(status);
                Ok(reader)
            }
            Err(error) => {
                self.status = None;
                Err(error.to_string())
            }
        }
    }

    async fn write(&mut self, stage: Stage) -> Result<(), String> {
        let Some(files) = &mut self.files else { return Ok(()) };
        // What an earlier writer's table names has members too: they stay until a table without them is adopted.
        let foreign = self.status.as_ref().and_then(|status| status.table.as_ref());
        if stage == Stage::Bridge
            && let Some(table) = foreign
            && !files.knows(&table.digest)
        {
            let ask = Ask::get("/v1/table", Duration::from_secs(5));
            if let Ok(answer) = self.table.ask(&ask).await
                && answer.status == StatusCode::OK
            {
                files.served_before(&answer.body);
            }
        }
        files.write(stage).await
    }

    async fn push(&mut self, revision: Revision) -> Outcome {
        let Some(want) = self.want.clone() else { return Outcome::Failed("nothing to push".to_owned()) };
        let kept = {
            let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.keep_epoch(&self.node, revision.epoch)
        };
        if let Err(error) = kept {
            // The epoch is only ever raised above the reader's own as well: pushing goes on.
            warn!(node = self.node, "the epoch is not kept: {error}");
        }
        let json = Bytes::from(want.json(revision));
        let outcome = match table_endpoint::push(&mut self.table, json).await {
            Ok(Pushed::Accepted(_)) => Outcome::Accepted,
            Ok(Pushed::Conflict(_)) => Outcome::Conflict,
            Ok(Pushed::Refused(answer)) => {
                let errors = answer.errors.iter().map(ToString::to_string).collect::<Vec<_>>();
                Outcome::Refused(errors.join("; "))
            }
            Err(error) => Outcome::Failed(error.to_string()),
        };
        if let (Some(files), Outcome::Accepted | Outcome::Failed(_)) = (&mut self.files, &outcome) {
            files.may_be_served(&want);
        }
        if outcome == Outcome::Accepted {
            self.pushes += 1;
            self.shared.metrics.pushed(&self.node, want.changed_at.map(|at| at.elapsed()));
            let hosts = want.view.hosts();
            info!(node = self.node, zone = want.zone, %revision, hosts, digest = want.digest, "pushed");
        } else {
            self.failures += 1;
            self.shared.metrics.push_failed(&self.node);
        }
        outcome
    }

    /// Writes to the board where the feed stands, and to the log what is new about that.
    fn tell(&mut self) {
        let state = self.feed.state();
        if let (State::InSync, Some(files), Some(want)) = (&state, &mut self.files, &self.want) {
            files.adopted(want);
        }
        let message = self.no_picture.clone().unwrap_or_else(|| state.to_string());
        let status = NodeStatus {
            node: self.node.clone(),
            zone: self.want.as_ref().map(|want| want.zone.clone()),
            endpoint: self.places.table.to_string(),
            state: state.name().to_owned(),
            message,
            trouble: state.is_trouble() || self.no_picture.is_some(),
            sent: self.feed.sent(),
            table: self.status.as_ref().and_then(|status| status.table.clone()),
            workers: self.status.as_ref().map(|status| status.workers.clone()).unwrap_or_default(),
            pushes: self.pushes,
            failures: self.failures,
            out: self.probing.out(),
        };
        self.shared.board.set_node(NodeNow { status, polled_at: self.polled_at });
        if self.told.as_ref() == Some(&state) {
            return;
        }
        let node = &self.node;
        match &state {
            State::Foreign(_) | State::Refused(_) | State::OtherVersion | State::Files(_) => {
                error!(node, state = state.name(), "{state}");
            }
            State::Unreachable(_) | State::Pushing(Some(_)) => warn!(node, state = state.name(), "{state}"),
            State::InSync => info!(node, state = state.name(), "{state}"),
            _ => debug!(node, state = state.name(), "{state}"),
        }
        if self.feed.members_given_up() && state == State::Pushing(None) {
            warn!(
                node,
                "pushed although Envoy does not list every member: look at its log for refused files"
            );
        }
        self.told = Some(state);
    }
}

/// Whether a picture that has been wanted for so long is still to arrive before the next one sets out.
fn is_on_its_way(state: &State, wanted_for: Duration) -> bool {
    matches!(state, State::Members(_) | State::Pushing(None)) && wanted_for < MIDWAY
}

/// A seed for the random part of delays, another one in each process and room.
fn noise() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MIDWAY, State, is_on_its_way};

    #[test]
    fn a_picture_on_its_way_arrives_before_the_next_one_and_never_keeps_it_for_ever() {
        let on_its_way = [State::Members("2 of 3".to_owned()), State::Pushing(None)];
        for state in &on_its_way {
            assert!(is_on_its_way(state, Duration::ZERO) && is_on_its_way(state, MIDWAY / 2), "{state:?}");
            assert!(!is_on_its_way(state, MIDWAY), "{state:?}");
        }
        for state in [State::InSync, State::NoSource, State::Pushing(Some("no answer".to_owned()))] {
            assert!(!is_on_its_way(&state, Duration::ZERO), "{state:?}");
        }
    }
}
