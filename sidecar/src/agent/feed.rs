//! What to do next for one Envoy: a state machine without I/O.
//!
//! The room around it asks [`Feed::step`], carries that one step out and tells what came of it by [`Feed::apply`].
//! Time is what has passed on any steady clock. It knows of a table no more than its digest, and of the xds files no
//! more than which content they hold.
//!
//! The order that the design asks for: what a table names is written to Envoy's files and listed by Envoy before the
//! table is pushed ([`Stage::Bridge`]: old and new together), and leaves the files once every worker has adopted a
//! table without it ([`Stage::Final`]).

mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

use zoneway_core::table::wire::Revision;

use super::backoff::Backoff;
pub(crate) use state::State;

/// Time on a steady clock, since any start.
pub(crate) type Time = Duration;

/// How often a healthy reader is asked: an Envoy that restarted is seen and fed within a second.
const POLL: Duration = Duration::from_millis(250);
/// How often while something is awaited: workers adopt within 100 ms.
const POLL_SOON: Duration = Duration::from_millis(40);
/// How long members may be missing in Envoy's list before the table is pushed without them: an Envoy that refuses its
/// files must not keep a lost exposure alive.
const MEMBERS_GRACE: Duration = Duration::from_secs(5);

/// What an Envoy is to have: the identity of a table and of the files that go with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    /// The table's digest, lower-case hex.
    pub(crate) digest: String,
    /// A number for the rendered files: the same number, the same files.
    pub(crate) files: u64,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask the reader for its status.
    Poll,
    /// Write the xds files of the wanted content.
    Write(Stage),
    /// Ask Envoy's admin whether it lists every member of the wanted content.
    Look,
    /// Push the wanted table with this revision.
    Push(Revision),
    /// Nothing until then, unless the wanted content changes.
    Wait(Time),
}

/// Which files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// What is in the files and what is wanted, together.
    Bridge,
    /// What is wanted alone.
    Final,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// The wanted content, new or again.
    Want(Content),
    /// The reader's status, or why there is none.
    Polled(Result<Reader, String>),
    /// Files of a stage are in place, or why not.
    Wrote(Stage, Result<(), String>),
    /// How many members Envoy does not list yet, or why that is unknown.
    Looked(Result<usize, String>),
    /// The answer to a push.
    Pushed(Revision, Outcome),
}

/// The reader's status, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reader {
    /// Its table: revision and digest.
    pub(crate) table: Option<(Revision, String)>,
    /// Whether it reads this program's version of the table.
    pub(crate) reads_ours: bool,
    /// What each worker has adopted.
    pub(crate) workers: Vec<Option<Revision>>,
}

/// What came of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It serves.
    Accepted,
    /// The reader has something newer, or other content of this revision.
    Conflict,
    /// The reader does not take it, and why.
    Refused(String),
    /// No answer: it may serve or not.
    Failed(String),
}

/// The state machine of one Envoy.
#[derive(Debug)]
pub(crate) struct Feed {
    /// Whether xds files and Envoy's admin are ours to use.
    managed: bool,
    want: Option<Content>,
    /// The highest epoch that this state folder ever used for this Envoy.
    stored_epoch: u64,
    /// What was last sent, whatever came of it: from the first push on, our claim to the epoch.
    sent: Option<(Revision, String)>,
    reader: Option<Result<Reader, String>>,
    /// What the files hold: a content's number and how.
    written: Option<(u64, Stage)>,
    members: Members,
    trouble: Option<Trouble>,
    next_poll: Time,
    push_at: Time,
    files_at: Time,
    look_at: Time,
    backoff: Backoff,
    poll_backoff: Backoff,
}

/// Whether Envoy lists what the wanted table names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Members {
    /// Not asked since the files changed or Envoy started.
    Unasked,
    /// Not yet, asked since then.
    Missing { since: Time, count: usize },
    /// It does.
    Listed,
    /// It does not, and the time for it is over.
    GivenUp,
}

/// What keeps the wanted content from being served.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    Refused(String),
    Push(String),
    Files(String),
    Admin(String),
}

impl Feed {
    /// A machine that knows nothing of its reader yet. `stored_epoch`: the highest epoch used for it before, 0 for
    /// none; `managed`: whether files and admin are there; `noise`: seeds the random part of delays.
    pub(crate) fn new(managed: bool, stored_epoch: u64, noise: u64) -> Self {
        Self {
            managed,
            want: None,
            stored_epoch,
            sent: None,
            reader: None,
            written: None,
            members: Members::Unasked,
            trouble: None,
            next_poll: Time::ZERO,
            push_at: Time::ZERO,
            files_at: Time::ZERO,
            look_at: Time::ZERO,
            backoff: Backoff::new(POLL, Duration::from_secs(30), noise),
            // A reader that is away is asked nearly as often: it must be fed within a second of its start.
            poll_backoff: Backoff::new(POLL, Duration::from_millis(300), noise.rotate_left(32)),
        }
    }

    /// What to do now.
    pub(crate) fn step(&self, now: Time) -> Step {
        if now >= self.next_poll {
            return Step::Poll;
        }
        let Some(want) = &self.want else { return Step::Wait(self.next_poll) };
        // A foreign writer's members are its own business: hands off.
        if self.foreign().is_some() {
            return Step::Wait(self.next_poll);
        }
        if self.managed && self.written.is_none_or(|(files, _)| files != want.files) {
            return self.at(now, self.files_at, Step::Write(Stage::Bridge));
        }
        let Some(Ok(reader)) = &self.reader else { return Step::Wait(self.next_poll) };
        if !reader.reads_ours {
            return Step::Wait(self.next_poll);
        }
        if !self.serves_wanted(reader) {
            if self.managed && !matches!(self.members, Members::Listed | Members::GivenUp) {
                return self.at(now, self.look_at, Step::Look);
            }
            let Some(revision) = self.next_revision(reader, want) else { return Step::Wait(self.next_poll) };
            return self.at(now, self.push_at, Step::Push(revision));
        }
        let bridge = self.managed && self.written == Some((want.files, Stage::Bridge));
        if bridge && adopted(reader) {
            return self.at(now, self.files_at, Step::Write(Stage::Final));
        }
        Step::Wait(self.next_poll)
    }

    fn at(&self, now: Time, due: Time, step: Step) -> Step {
        if now >= due { step } else { Step::Wait(due.min(self.next_poll)) }
    }

    /// Takes note of what happened.
    pub(crate) fn apply(&mut self, event: Event, now: Time) {
        match event {
            Event::Want(content) => self.wanted(content, now),
            Event::Polled(result) => self.polled(result, now),
            Event::Wrote(stage, Ok(())) => {
                self.written = self.want.as_ref().map(|want| (want.files, stage));
                self.clear(|trouble| matches!(trouble, Trouble::Files(_)));
                if stage == Stage::Bridge {
                    self.members = Members::Unasked;
                    self.look_at = now;
                }
            }
            Event::Wrote(_, Err(message)) => {
                self.files_at = now + self.backoff.after_failure();
                self.trouble = Some(Trouble::Files(message));
            }
            Event::Looked(result) => self.looked(result, now),
            Event::Pushed(revision, outcome) => self.pushed(revision, outcome, now),
        }
    }

    fn wanted(&mut self, content: Content, now: Time) {
        if self.want.as_ref() == Some(&content) {
            return;
        }
        // What was refused or failed was another content: this one is tried at once.
        self.backoff.reset();
        self.trouble = None;
        (self.push_at, self.files_at, self.look_at) = (now, now, now);
        // Of the same files, Envoy lists what it listed before.
        let same_files = self.want.as_ref().is_some_and(|want| want.files == content.files);
        if !(same_files && self.members == Members::Listed) {
            self.members = Members::Unasked;
        }
        self.want = Some(content);
    }

    fn polled(&mut self, result: Result<Reader, String>, now: Time) {
        let was_there = matches!(&self.reader, Some(Ok(_)));
        let had_table = matches!(&self.reader, Some(Ok(reader)) if reader.table.is_some());
        let lost_table = had_table && matches!(&result, Ok(reader) if reader.table.is_none());
        if lost_table || !was_there {
            // A fresh Envoy: what the last one answered says nothing about this one.
            self.members = Members::Unasked;
            (self.push_at, self.look_at) = (now, now);
        }
        self.next_poll = match &result {
            Ok(_) => {
                self.poll_backoff.reset();
                now + POLL
            }
            Err(_) => now + self.poll_backoff.after_failure(),
        };
        self.reader = Some(result);
        if let Some(Ok(reader)) = &self.reader {
            let settling = self.serves_wanted(reader) && !adopted(reader);
            if settling {
                self.next_poll = now + POLL_SOON;
            }
        }
    }

    fn looked(&mut self, result: Result<usize, String>, now: Time) {
        let since = if let Members::Missing { since, .. } = self.members { since } else { now };
        self.look_at = now + POLL_SOON;
        self.members = match &result {
            Ok(0) => Members::Listed,
            _ if now.saturating_sub(since) >= MEMBERS_GRACE => Members::GivenUp,
            Ok(count) => Members::Missing { since, count: *count },
            Err(_) => Members::Missing { since, count: 0 },
        };
        match result {
            Ok(_) => self.clear(|trouble| matches!(trouble, Trouble::Admin(_))),
            Err(message) => {
                self.trouble = Some(Trouble::Admin(message));
                self.look_at = now + POLL;
            }
        }
    }

    fn pushed(&mut self, revision: Revision, outcome: Outcome, now: Time) {
        let Some(want) = &self.want else { return };
        let digest = want.digest.clone();
        self.stored_epoch = self.stored_epoch.max(revision.epoch);
        self.sent = Some((revision, digest.clone()));
        // What came of it shows in the reader's status, whatever the answer was.
        self.next_poll = now;
        match outcome {
            Outcome::Accepted => {
                self.backoff.reset();
                self.trouble = None;
                // Known at once, so that nothing is sent twice should the next poll fail.
                if let Some(Ok(reader)) = &mut self.reader {
                    reader.table = Some((revision, digest));
                    reader.workers.clear();
                }
                return;
            }
            Outcome::Conflict => {
                let message = format!("the reader has something newer than revision {revision}");
                self.trouble = Some(Trouble::Push(message));
            }
            Outcome::Refused(message) => self.trouble = Some(Trouble::Refused(message)),
            Outcome::Failed(message) => self.trouble = Some(Trouble::Push(message)),
        }
        self.push_at = now + self.backoff.after_failure();
    }

    fn clear(&mut self, which: impl Fn(&Trouble) -> bool) {
        if self.trouble.as_ref().is_some_and(which) {
            self.trouble = None;
        }
    }

    /// The revision of a table that another writer pushed after us; from then on its reader is that writer's. An empty
    /// reader takes any revision, so one that comes back empty is ours again until the other writer shows.
    fn foreign(&self) -> Option<Revision> {
        let Some(Ok(Reader { table: Some((revision, digest)), .. })) = &self.reader else { return None };
        let (sent, sent_digest) = self.sent.as_ref()?;
        let other = revision > sent || (revision == sent && digest != sent_digest);
        other.then_some(*revision)
    }

    /// Whether the reader serves the wanted content, in an epoch that is ours.
    fn serves_wanted(&self, reader: &Reader) -> bool {
        let Some((revision, digest)) = &reader.table else { return false };
        let claimed = self.sent.as_ref().is_some_and(|(sent, _)| sent.epoch == revision.epoch);
        claimed && self.want.as_ref().is_some_and(|want| want.digest == *digest)
    }

    /// The revision to send the wanted content with. The first one claims the epoch after the reader's own; the same
    /// content again keeps its revision; `None` where no higher epoch exists.
    fn next_revision(&self, reader: &Reader, want: &Content) -> Option<Revision> {
        match &self.sent {
            Some((sent, digest)) if *digest == want.digest => Some(*sent),
            Some((sent, _)) => Some(Revision { epoch: sent.epoch, sequence: sent.sequence.checked_add(1)? }),
            None => {
                let served = reader.table.as_ref().map_or(0, |(revision, _)| revision.epoch);
                Some(Revision { epoch: served.max(self.stored_epoch).checked_add(1)?, sequence: 0 })
            }
        }
    }
}

/// Whether every worker has adopted the reader's table.
fn adopted(reader: &Reader) -> bool {
    let table = reader.table.as_ref().map(|(revision, _)| *revision);
    !reader.workers.is_empty() && reader.workers.iter().all(|worker| *worker >= table)
}
