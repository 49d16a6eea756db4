//! Which hosts stay for now although they went from the source: a reload that loses over half of at least 20 is more
//! likely a broken source than a wish.
//!
//! It knows names and times alone; whoever holds the hosts themselves keeps them.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::feed::Time;

/// The fewest hosts of which a loss is held (DESIGN, "What happens when").
const FEWEST: usize = 20;

/// The hosts that are held, each until when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hold {
    until: BTreeMap<String, Time>,
}

impl Hold {
    /// What an earlier run of this program held, with the time that is left for each.
    pub(crate) fn restored(left: impl IntoIterator<Item = (String, Duration)>, now: Time) -> Self {
        Self { until: left.into_iter().map(|(host, left)| (host, now.saturating_add(left))).collect() }
    }

    /// Compares what served (held hosts among it) with what the source has now. Gives the number of hosts that are
    /// held from now on and were not before.
    pub(crate) fn compare<H: Borrow<str> + Ord>(
        &mut self,
        served: &BTreeSet<H>,
        source: &BTreeSet<H>,
        now: Time,
        hold: Duration,
    ) -> usize {
        let own = served.iter().map(Borrow::borrow).filter(|host| !self.until.contains_key(*host));
        let own = own.collect::<Vec<&str>>();
        let gone = own.iter().filter(|host| !source.contains(**host)).map(|host| (*host).to_owned());
        let gone = gone.collect::<Vec<_>>();
        self.until.retain(|host, _| !source.contains(host.as_str()));
        if own.len() < FEWEST || gone.len() * 2 <= own.len() || hold.is_zero() {
            return 0;
        }
        let count = gone.len();
        self.until.extend(gone.into_iter().map(|host| (host, now.saturating_add(hold))));
        count
    }

    /// Lets those go whose time is over; gives their number.
    pub(crate) fn expire(&mut self, now: Time) -> usize {
        let before = self.until.len();
        self.until.retain(|_, until| *until > now);
        before - self.until.len()
    }

    /// Lets all go: a person has confirmed. Gives their number.
    pub(crate) fn confirm(&mut self) -> usize {
        std::mem::take(&mut self.until).len()
    }

    /// When the next one goes.
    pub(crate) fn next(&self) -> Option<Time> {
        self.until.values().min().copied()
    }

    /// Each held host, and the time that is left for it.
    pub(crate) fn left(&self, now: Time) -> impl Iterator<Item = (&str, Duration)> {
        self.until.iter().map(move |(host, until)| (host.as_str(), until.saturating_sub(now)))
    }

    /// How many are held.
    pub(crate) fn len(&self) -> usize {
        self.until.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::Hold;

    const HOUR: Duration = Duration::from_secs(3600);

    fn hosts(range: std::ops::Range<usize>) -> BTreeSet<String> {
        range.map(|n| format!("h{n}.example")).collect()
    }

    #[track_caller]
    fn check(served: usize, source: std::ops::Range<usize>, held: usize) {
        let mut hold = Hold::default();
        assert_eq!(
            hold.compare(&hosts(0..served), &hosts(source.clone()), Duration::ZERO, HOUR),
            held,
            "{source:?}"
        );
        assert_eq!(hold.len(), held);
    }

    #[test]
    fn losing_over_half_of_at_least_twenty_is_held() {
        check(20, 0..9, 11);
        check(20, 0..10, 0);
        check(21, 0..10, 11);
        check(19, 0..0, 0);
        check(100, 0..0, 100);
        // The same number of others is a loss too.
        check(40, 40..80, 40);
    }

    #[test]
    fn single_deletions_always_pass() {
        let mut hold = Hold::default();
        for n in (0..40).rev() {
            assert_eq!(hold.compare(&hosts(0..n + 1), &hosts(0..n), Duration::ZERO, HOUR), 0);
        }
    }

    #[test]
    fn a_held_host_stays_until_its_time_is_over() {
        let mut hold = Hold::default();
        hold.compare(&hosts(0..30), &hosts(0..5), Duration::ZERO, HOUR);
        // The same short source again, and single deletions from it, hold nothing anew and let nothing go.
        assert_eq!(hold.compare(&hosts(0..30), &hosts(0..4), HOUR / 2, HOUR), 0);
        assert_eq!((hold.len(), hold.next()), (25, Some(HOUR)));
        assert_eq!(hold.expire(HOUR - Duration::from_secs(1)), 0);
        assert_eq!(hold.expire(HOUR), 25);
        assert_eq!(hold.len(), 0);
    }

    #[test]
    fn a_host_that_comes_back_is_held_no_longer_and_counts_again() {
        let mut hold = Hold::default();
        hold.compare(&hosts(0..30), &hosts(0..5), Duration::ZERO, HOUR);
        hold.compare(&hosts(0..30), &hosts(0..28), Duration::ZERO, HOUR);
        assert_eq!(hold.len(), 2);
        assert_eq!(hold.compare(&hosts(0..30), &hosts(0..3), Duration::ZERO, HOUR), 25);
        assert_eq!(hold.len(), 27);
    }

    #[test]
    fn a_person_may_confirm() {
        let mut hold = Hold::default();
        hold.compare(&hosts(0..30), &hosts(0..5), Duration::ZERO, HOUR);
        assert_eq!(hold.confirm(), 25);
        assert_eq!(hold.len(), 0);
    }

    #[test]
    fn a_restart_keeps_the_time_that_was_left() {
        let mut hold = Hold::default();
        hold.compare(&hosts(0..20), &hosts(0..0), Duration::ZERO, HOUR);
        let left = hold.left(HOUR / 2).map(|(host, left)| (host.to_owned(), left)).collect::<Vec<_>>();
        let restored = Hold::restored(left, Duration::from_secs(7));
        assert_eq!(restored.next(), Some(Duration::from_secs(7) + HOUR / 2));
    }

    #[test]
    fn a_hold_of_no_time_holds_nothing() {
        let mut hold = Hold::default();
        assert_eq!(hold.compare(&hosts(0..30), &hosts(0..0), Duration::ZERO, Duration::ZERO), 0);
    }
}
