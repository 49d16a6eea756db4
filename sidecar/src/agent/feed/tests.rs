//! The machine against a small model of an Envoy: outcomes, not the order of calls.

use std::collections::BTreeSet;
use std::time::Duration;

use zoneway_core::table::wire::Revision;

use super::{Content, Event, Feed, Outcome, Reader, Stage, State, Step, Time};

/// An Envoy with a table endpoint, as the design describes it, and the files beside it.
struct World {
    feed: Feed,
    now: Time,
    up: bool,
    /// Revision, digest and the members that the table names.
    table: Option<(Revision, String)>,
    workers: [Option<Revision>; 2],
    /// When each worker adopts what is served.
    lag: Duration,
    files: BTreeSet<u64>,
    listed: BTreeSet<u64>,
    files_take: Duration,
    files_at: Time,
    /// What happens to a push, in place of what the design says.
    breaks: Option<Outcome>,
    admin_breaks: bool,
    pushes: Vec<(Time, Revision, String)>,
    steps: usize,
    adopted_at: Time,
    /// Set when the rule of the design is broken: a served table names a member that Envoy does not have.
    missing_member: Option<String>,
}

fn content(n: u64) -> Content {
    Content { digest: format!("digest {n}"), files: n }
}

fn revision(epoch: u64, sequence: u64) -> Revision {
    Revision { epoch, sequence }
}

impl World {
    fn new() -> Self {
        Self::with(Feed::new(true, 0, 7))
    }

    fn with(feed: Feed) -> Self {
        Self {
            feed,
            now: Time::ZERO,
            up: true,
            table: None,
            workers: [None; 2],
            lag: Duration::from_millis(50),
            files: BTreeSet::new(),
            listed: BTreeSet::new(),
            files_take: Duration::from_millis(20),
            files_at: Time::ZERO,
            breaks: None,
            admin_breaks: false,
            pushes: Vec::new(),
            steps: 0,
            adopted_at: Time::ZERO,
            missing_member: None,
        }
    }

    fn want(&mut self, n: u64) -> &mut Self {
        self.feed.apply(Event::Want(content(n)), self.now);
        self
    }

    /// Envoy goes and comes back without a table.
    fn restart_envoy(&mut self) {
        self.table = None;
        self.workers = [None; 2];
        self.listed = self.files.clone();
    }

    fn foreign(&mut self, epoch: u64, sequence: u64, digest: &str) {
        self.table = Some((revision(epoch, sequence), digest.to_owned()));
        self.adopted_at = self.now + self.lag;
    }

    /// Lets time pass. Between steps a step takes a millisecond.
    fn run(&mut self, time: Duration) -> &mut Self {
        let end = self.now + time;
        while self.now < end {
            self.advance();
            match self.feed.step(self.now) {
                Step::Wait(until) => {
                    assert!(until > self.now, "a wait that is over is a busy loop");
                    // The world changes by itself meanwhile, so no leap over its events.
                    self.now = until.min(self.now + Duration::from_millis(10)).min(end);
                }
                step => {
                    self.steps += 1;
                    self.now += Duration::from_millis(1);
                    let event = self.carry_out(step);
                    self.feed.apply(event, self.now);
                }
            }
        }
        self.advance();
        self
    }

    fn advance(&mut self) {
        if self.up && self.now >= self.files_at {
            self.listed = self.files.clone();
        }
        if self.now >= self.adopted_at {
            self.workers = [self.table.as_ref().map(|(revision, _)| *revision); 2];
        }
        // What a worker decides by names members: each must be in Envoy's clusters.
        if let Some((_, digest)) = &self.table
            && let Some(n) = digest.strip_prefix("digest ").and_then(|n| n.parse::<u64>().ok())
            && !self.listed.contains(&n)
        {
            self.missing_member.get_or_insert_with(|| digest.clone());
        }
    }

    fn carry_out(&mut self, step: Step) -> Event {
        match step {
            Step::Wait(_) => unreachable!("waiting is no step to carry out"),
            Step::Poll if !self.up => Event::Polled(Err("connection refused".to_owned())),
            Step::Poll => Event::Polled(Ok(Reader {
                table: self.table.clone(),
                reads_ours: true,
                workers: self.workers.to_vec(),
            })),
            Step::Write(stage) => {
                let want = self.feed.want.clone().expect("files are written of something");
                if stage == Stage::Final {
                    self.files.clear();
                }
                self.files.insert(want.files);
                self.files_at = self.now + self.files_take;
                Event::Wrote(stage, Ok(()))
            }
            Step::Look if self.admin_breaks || !self.up => {
                Event::Looked(Err("connection refused".to_owned()))
            }
            Step::Look => {
                let want = self.feed.want.clone().expect("members of something");
                Event::Looked(Ok(usize::from(!self.listed.contains(&want.files))))
            }
            Step::Push(sent) => {
                let digest = self.feed.want.clone().expect("a push of something").digest;
                self.pushes.push((self.now, sent, digest.clone()));
                let outcome = if let Some(broken) = self.breaks.clone() {
                    broken
                } else if !self.up {
                    Outcome::Failed("connection refused".to_owned())
                } else {
                    match &self.table {
                        Some((served, content)) if sent == *served && digest == *content => Outcome::Accepted,
                        Some((served, _)) if sent <= *served => Outcome::Conflict,
                        _ => {
                            self.table = Some((sent, digest));
                            self.adopted_at = self.now + self.lag;
                            Outcome::Accepted
                        }
                    }
                };
                Event::Pushed(sent, outcome)
            }
        }
    }

    fn served(&self) -> Option<(u64, u64, &str)> {
        self.table.as_ref().map(|(r, digest)| (r.epoch, r.sequence, digest.as_str()))
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_fresh_envoy_is_fed_and_every_worker_adopts() {
    let mut world = World::new();
    world.want(1).run(SECOND);
    assert_eq!(world.served(), Some((1, 0, "digest 1")));
    assert_eq!(world.feed.state(), State::InSync);
    assert_eq!(world.files, BTreeSet::from([1]));
}

#[test]
fn nothing_is_pushed_twice_while_nothing_changes() {
    let mut world = World::new();
    world.want(1).run(SECOND);
    world.want(1).run(60 * SECOND);
    assert_eq!(world.pushes.len(), 1);
    assert!(world.steps < 60 * 4 + 40, "{} steps in a minute are busy polling", world.steps);
}

#[test]
fn a_change_reaches_the_workers_within_a_second() {
    let mut world = World::new();
    world.want(1).run(SECOND);
    world.want(2).run(SECOND);
    assert_eq!(world.served(), Some((1, 1, "digest 2")));
    assert_eq!(world.feed.state(), State::InSync);
}

#[test]
fn the_first_push_starts_at_the_epoch_after_the_readers_own_even_with_the_same_content() {
    let mut world = World::new();
    world.foreign(7, 42, "digest 1");
    world.listed.insert(1);
    world.files.insert(1);
    world.want(1).run(SECOND);
    assert_eq!(world.served(), Some((8, 0, "digest 1")));
}

#[test]
fn an_empty_reader_is_given_an_epoch_after_any_that_was_used_before() {
    let mut world = World::with(Feed::new(true, 11, 7));
    world.want(1).run(SECOND);
    assert_eq!(world.served(), Some((12, 0, "digest 1")));
}

#[test]
fn an_envoy_that_restarted_is_fed_the_same_revision_within_a_second() {
    let mut world = World::new();
    world.want(1).run(SECOND);
    world.want(2).run(SECOND);
    world.restart_envoy();
    world.run(SECOND);
    assert_eq!(world.served(), Some((1, 1, "digest 2")));
}

#[test]
fn an_envoy_that_was_away_for_long_is_fed_within_a_second_of_its_return() {
    let mut world = World::new();
    world.want(1).run(SECOND);
    world.up = false;
    world.want(2).run(600 * SECOND);
    assert!(matches!(world.feed.state(), State::Unreachable(_)));
    world.restart_envoy();
    world.up = true;
    world.run(SECOND);
    assert_eq!(world.served().map(|served| served.2), Some("digest 2"));
    assert_eq!(world.feed.state(), State::InSync);
}

#[test]
fn members_are_listed_before_the_table_and_leave_after_every_worker_has_the_next() {
    let mut world = World::new();
    world.want(1).run(SECOND);
    world.files_take = Duration::from_millis(700);
    world.lag = Duration::from_millis(900);
    world.want(2).run(Duration::from_millis(500));
    assert_eq!(
        world.served().map(|served| served.2),
        Some("digest 1"),
        "pushed before Envoy listed its members"
    );
    assert_eq!(world.files, BTreeSet::from([1, 2]));
    world.run(Duration::from_millis(600));
    assert_eq!(world.served().map(|served| served.2), Some("digest 2"));
    assert_eq!(world.files, BTreeSet::from([1, 2]), "members left while a worker decides by the old table");
    world.run(SECOND);
    assert_eq!(world.files, BTreeSet::from([2]));
    assert_eq!(world.missing_member, None);
}

#[test]
fn the_order_holds_through_any_mix_of_edits_restarts_and_failures() {
    for seed in 1..=300_u64 {
        let mut dice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut throw = |sides: u64| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            (dice >> 33) % sides
        };
        let mut world = World::with(Feed::new(true, throw(3), seed));
        for _ in 0..40 {
            match throw(8) {
                0 => world.restart_envoy(),
                1 => world.up = !world.up,
                2 => world.files_take = Duration::from_millis(throw(1500)),
                3 => world.lag = Duration::from_millis(throw(1500)),
                4 => world.breaks = Some(Outcome::Failed("reset".to_owned())),
                5 => world.breaks = Some(Outcome::Refused("too large".to_owned())),
                _ => {
                    world.breaks = None;
                    world.want(throw(5) + 1);
                }
            }
            world.run(Duration::from_millis(throw(900)));
        }
        (world.breaks, world.up) = (None, true);
        world.want(9).run(40 * SECOND);
        assert_eq!(world.missing_member, None, "seed {seed}");
        assert_eq!(world.feed.state(), State::InSync, "seed {seed}");
        assert_eq!(world.files, BTreeSet::from([9]), "seed {seed}");
        let mut sent =
            world.pushes.iter().map(|(_, revision, digest)| (*revision, digest)).collect::<Vec<_>>();
        assert!(sent.is_sorted_by_key(|(revision, _)| *revision), "seed {seed}: a revision went back");
        sent.dedup();
        assert!(
            sent.windows(2).all(|pair| pair[0].0 != pair[1].0),
            "seed {seed}: one revision, two contents"
        );
    }
}

#[test]
fn a_foreign_higher_epoch_stops_all_pushes_and_every_touch_of_the_files() {
    let mut world = World::new();
    world.want(1).run(SECOND);
    world.foreign(9, 3, "elsewhere");
    world.run(SECOND);
    let pushes = world.pushes.len();
    world.want(2).run(60 * SECOND);
    assert_eq!(world.pushes.len(), pushes);
    assert_eq!(world.files, BTreeSet::from([1]));
    assert_eq!(world.feed.state(), State::Foreign(revision(9, 3)));
}

#[test]
fn a_writer_that_took_our_epoch_stops_us_too() {
    for (sequence, digest) in [(1, "elsewhere"), (0, "elsewhere"), (5, "digest 1")] {
        let mut world = World::new();
        world.want(1).run(SECOND);
        world.foreign(1, sequence, digest);
        world.run(SECOND);
        world.want(2).run(SECOND);
        assert_eq!(world.feed.state(), State::Foreign(revision(1, sequence)));
    }
}

#[test]
fn an_older_foreign_table_is_replaced() {
    let mut world = World::with(Feed::new(true, 5, 7));
    world.want(1).run(SECOND);
    world.foreign(2, 0, "elsewhere");
    world.run(SECOND);
    assert_eq!(world.served(), Some((6, 0, "digest 1")));
}

#[test]
fn an_empty_reader_is_taken_again_after_a_foreign_writer() {
    let mut world = World::new();
    world.want(1).run(SECOND);
    world.foreign(9, 0, "elsewhere");
    world.run(SECOND);
    world.restart_envoy();
    world.run(SECOND);
    assert_eq!(world.served(), Some((1, 0, "digest 1")));
}

#[test]
fn a_push_whose_answer_was_lost_is_sent_again_as_it_was() {
    let mut world = World::new();
    world.want(1).run(SECOND);
    world.breaks = Some(Outcome::Failed("timed out".to_owned()));
    world.want(2).run(Duration::from_millis(200));
    // It did arrive.
    world.foreign(1, 1, "digest 2");
    world.breaks = None;
    world.run(2 * SECOND);
    assert_eq!(world.feed.state(), State::InSync);
    assert_eq!(world.served(), Some((1, 1, "digest 2")));
}

#[test]
fn failures_back_off_and_a_new_content_is_tried_at_once() {
    let mut world = World::new();
    world.breaks = Some(Outcome::Refused("hosts[3]: too many".to_owned()));
    world.want(1).run(120 * SECOND);
    assert!(world.pushes.len() < 16, "{} pushes of a refused table", world.pushes.len());
    assert_eq!(world.feed.state(), State::Refused("hosts[3]: too many".to_owned()));
    world.breaks = None;
    world.want(2).run(SECOND);
    assert_eq!(world.feed.state(), State::InSync);
}

#[test]
fn what_is_refused_leaves_the_old_table_and_its_members() {
    let mut world = World::new();
    world.want(1).run(SECOND);
    world.breaks = Some(Outcome::Refused("no".to_owned()));
    world.want(2).run(10 * SECOND);
    assert_eq!(world.served().map(|served| served.2), Some("digest 1"));
    assert_eq!(world.files, BTreeSet::from([1, 2]));
    world.want(1).run(10 * SECOND);
    assert_eq!(world.feed.state(), State::InSync);
    assert_eq!(world.files, BTreeSet::from([1]));
}

#[test]
fn members_that_never_show_up_delay_a_table_but_do_not_keep_the_old_one_alive() {
    let mut world = World::new();
    world.want(1).run(SECOND);
    world.files_take = Duration::from_secs(3600);
    world.want(2).run(4 * SECOND);
    assert!(matches!(world.feed.state(), State::Members(_)));
    world.run(3 * SECOND);
    assert_eq!(world.served().map(|served| served.2), Some("digest 2"));
    assert!(world.feed.members_given_up());
}

#[test]
fn an_admin_that_is_away_delays_a_table_but_does_not_keep_the_old_one_alive() {
    let mut world = World::new();
    world.want(1).run(SECOND);
    world.admin_breaks = true;
    world.want(2).run(2 * SECOND);
    assert!(matches!(world.feed.state(), State::Members(_)));
    world.run(5 * SECOND);
    assert_eq!(world.served().map(|served| served.2), Some("digest 2"));
}

#[test]
fn files_that_change_alone_push_nothing() {
    let mut world = World::new();
    world.want(1).run(SECOND);
    world.feed.apply(Event::Want(Content { files: 5, ..content(1) }), world.now);
    world.listed.insert(1);
    world.run(SECOND);
    assert_eq!(world.pushes.len(), 1);
    assert_eq!(world.files, BTreeSet::from([5]));
}

#[test]
fn without_files_of_its_own_it_pushes_alone() {
    let mut world = World::with(Feed::new(false, 0, 7));
    world.want(1).run(SECOND);
    assert_eq!(world.feed.state(), State::InSync);
    assert_eq!(world.files, BTreeSet::new());
}

#[test]
fn files_that_cannot_be_written_hold_the_table_back_and_are_told() {
    let mut feed = Feed::new(true, 0, 7);
    feed.apply(Event::Want(content(1)), Time::ZERO);
    feed.apply(Event::Polled(Ok(Reader { table: None, reads_ours: true, workers: vec![] })), Time::ZERO);
    assert_eq!(feed.step(Time::ZERO), Step::Write(Stage::Bridge));
    feed.apply(Event::Wrote(Stage::Bridge, Err("read-only file system".to_owned())), Time::ZERO);
    assert!(matches!(feed.step(Time::ZERO), Step::Wait(_)));
    assert_eq!(feed.state(), State::Files("read-only file system".to_owned()));
}

#[test]
fn a_reader_of_other_versions_is_sent_nothing() {
    let mut feed = Feed::new(false, 0, 7);
    feed.apply(Event::Want(content(1)), Time::ZERO);
    feed.apply(Event::Polled(Ok(Reader { table: None, reads_ours: false, workers: vec![] })), Time::ZERO);
    assert!(matches!(feed.step(Time::ZERO), Step::Wait(_)));
    assert_eq!(feed.state(), State::OtherVersion);
}

#[test]
fn no_epoch_after_the_last_one_is_made_up() {
    let mut feed = Feed::new(false, u64::MAX, 7);
    feed.apply(Event::Want(content(1)), Time::ZERO);
    feed.apply(Event::Polled(Ok(Reader { table: None, reads_ours: true, workers: vec![] })), Time::ZERO);
    assert!(matches!(feed.step(Time::ZERO), Step::Wait(_)));
}
