//! Who holds the lease: the usual way of Kubernetes (`coordination.k8s.io`), as a state machine on a clock of its own.
//!
//! No two clocks are compared: another's lease has run out when nobody touched it for its whole duration as seen from
//! here, and one's own is given up well before that, counted from before it was asked for.

use std::time::Duration;

/// How long a lease holds that nobody renews: what its object says.
pub(super) const HOLDS_FOR: Duration = Duration::from_secs(15);
/// How long one's own is relied on: less, so that nobody else has it by then.
const RELIED_ON: Duration = Duration::from_secs(10);
/// How often it is looked at, and renewed.
pub(super) const EVERY: Duration = Duration::from_secs(3);

/// What the lease's object says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Changes whenever the object does.
    pub(super) version: String,
    /// Who holds it; empty: nobody.
    pub(super) holder: String,
    /// How long it holds.
    pub(super) holds_for: Duration,
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There is none: make it, as its holder.
    Create,
    /// It is nobody's, or its holder is gone: take it.
    Take,
    /// It is ours: say so again.
    Renew,
    /// It is another's.
    Wait,
}

/// One candidate.
#[derive(Debug)]
pub(super) struct Election {
    me: String,
    /// What was seen last, and since when it has stood so.
    seen: Option<(Seen, Duration)>,
    held_until: Option<Duration>,
}

impl Election {
    /// A candidate of this name, which is no other's.
    pub(super) fn new(me: String) -> Self {
        Self { me, seen: None, held_until: None }
    }

    /// The lease was looked at.
    pub(super) fn looked(&mut self, lease: Option<Seen>, now: Duration) -> Step {
        let Some(lease) = lease else {
            self.seen = None;
            return Step::Create;
        };
        let since = match &self.seen {
            Some((before, since)) if before.version == lease.version => *since,
            _ => now,
        };
        let step = if lease.holder == self.me {
            Step::Renew
        } else if lease.holder.is_empty() || now >= since + lease.holds_for {
            Step::Take
        } else {
            Step::Wait
        };
        if step == Step::Wait {
            // Another has it, whatever was thought here.
            self.held_until = None;
        }
        self.seen = Some((lease, since));
        step
    }

    /// The server took what a step wrote; it was sent at `asked_at`.
    pub(super) fn wrote(&mut self, asked_at: Duration) {
        self.held_until = Some(asked_at + RELIED_ON);
    }

    /// It is about to be given back.
    pub(super) fn gave_up(&mut self) {
        self.held_until = None;
    }

    /// Whether it is held now.
    pub(super) fn holds(&self, now: Duration) -> bool {
        self.held_until.is_some_and(|until| now < until)
    }

    /// Who holds it, as far as was seen.
    pub(super) fn holder(&self, now: Duration) -> Option<&str> {
        if self.holds(now) {
            return Some(&self.me);
        }
        self.seen.as_ref().map(|(lease, _)| lease.holder.as_str()).filter(|holder| !holder.is_empty())
    }

    /// This candidate's name.
    pub(super) fn me(&self) -> &str {
        &self.me
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Election, HOLDS_FOR, Seen, Step};

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn lease(version: u64, holder: &str) -> Option<Seen> {
        Some(Seen { version: version.to_string(), holder: holder.to_owned(), holds_for: HOLDS_FOR })
    }

    #[test]
    fn the_first_candidate_makes_the_lease_and_renews_it() {
        let mut election = Election::new("a".to_owned());
        assert_eq!(election.looked(None, s(0)), Step::Create);
        assert!(!election.holds(s(0)));
        election.wrote(s(0));
        assert!(election.holds(s(1)));
        assert_eq!(election.looked(lease(1, "a"), s(3)), Step::Renew);
    }

    #[test]
    fn another_s_lease_is_left_alone_while_it_is_renewed() {
        let mut election = Election::new("b".to_owned());
        for at in 0..100 {
            assert_eq!(election.looked(lease(at, "a"), s(at * 5)), Step::Wait);
        }
        assert_eq!(election.holder(s(500)), Some("a"));
    }

    #[test]
    fn a_lease_that_nobody_renews_is_taken_when_it_has_run_out_and_not_before() {
        let mut election = Election::new("b".to_owned());
        assert_eq!(election.looked(lease(1, "a"), s(100)), Step::Wait);
        assert_eq!(election.looked(lease(1, "a"), s(114)), Step::Wait);
        assert_eq!(election.looked(lease(1, "a"), s(115)), Step::Take);
    }

    #[test]
    fn a_lease_that_was_given_back_is_taken_at_once() {
        let mut election = Election::new("b".to_owned());
        assert_eq!(election.looked(lease(1, "a"), s(0)), Step::Wait);
        assert_eq!(election.looked(lease(2, ""), s(1)), Step::Take);
    }

    #[test]
    fn who_gives_it_back_holds_it_no_more() {
        let mut election = Election::new("a".to_owned());
        election.wrote(s(0));
        election.gave_up();
        assert!(!election.holds(s(0)));
    }

    #[test]
    fn two_never_hold_it_at_once() {
        // `a` renews at 0 and is cut off then; `b` looks every second.
        let (mut a, mut b) = (Election::new("a".to_owned()), Election::new("b".to_owned()));
        a.wrote(s(0));
        for at in 0..60 {
            if matches!(b.looked(lease(1, "a"), s(at)), Step::Take) {
                b.wrote(s(at));
            }
            assert!(!(a.holds(s(at)) && b.holds(s(at))), "at {at} s");
        }
        assert!(b.held_until.is_some());
    }

    #[test]
    fn who_lost_it_to_another_knows_when_it_looks() {
        let mut election = Election::new("a".to_owned());
        election.wrote(s(0));
        assert_eq!(election.looked(lease(9, "b"), s(1)), Step::Wait);
        assert!(!election.holds(s(1)));
    }
}
