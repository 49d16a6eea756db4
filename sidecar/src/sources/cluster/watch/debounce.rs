//! When a changed picture is drawn: soon after a single change, and no oftener than it can be carried in a storm.

use std::time::Duration;

/// How long a change waits for others that belong to it: a rollout touches several objects at once.
const GATHER: Duration = Duration::from_millis(10);
/// How long nothing has to have been drawn for a change to go at once: what comes with it is gathered into the next.
const QUIET: Duration = Duration::from_millis(200);
/// The longest rest after a picture, however long it took.
const LONGEST_REST: Duration = Duration::from_secs(2);

/// A state machine on a clock that is handed in.
#[derive(Debug, Clone, Default)]
pub(super) struct Debounce {
    /// The first change that is in no picture yet.
    first: Option<Duration>,
    /// Before then none is drawn: the machine has other things to do as well.
    rest_until: Duration,
    /// When the last one was dealt with; `None` before there was one.
    drawn_at: Option<Duration>,
}

impl Debounce {
    /// Something changed.
    pub(super) fn changed(&mut self, now: Duration) {
        self.first.get_or_insert(now);
    }

    /// When the picture is to be drawn; `None` while there is nothing new.
    pub(super) fn due(&self) -> Option<Duration> {
        let gather = |first: Duration| {
            let was_quiet = self.drawn_at.is_some_and(|drawn_at| first >= drawn_at + QUIET);
            if was_quiet { Duration::ZERO } else { GATHER }
        };
        self.first.map(|first| (first + gather(first)).max(self.rest_until))
    }

    /// The picture is drawn now. Gives when the first change of it was.
    pub(super) fn draw(&mut self) -> Option<Duration> {
        self.first.take()
    }

    /// Drawing it, and all that followed from it here, took so long: as long is left to others.
    pub(super) fn took(&mut self, took: Duration, now: Duration) {
        self.rest_until = now + took.min(LONGEST_REST);
        self.drawn_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Debounce;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_single_change_waits_no_more_than_twenty_milliseconds() {
        let mut debounce = Debounce::default();
        assert_eq!(debounce.due(), None);
        debounce.changed(ms(1000));
        let due = debounce.due().unwrap();
        assert!(due > ms(1000) && due <= ms(1020), "{due:?}");
        assert_eq!(debounce.draw(), Some(ms(1000)));
        assert_eq!(debounce.due(), None);
    }

    #[test]
    fn after_a_while_without_changes_one_goes_at_once_and_what_follows_is_gathered() {
        let mut debounce = Debounce::default();
        debounce.took(ms(5), ms(1000));
        debounce.changed(ms(1300));
        assert_eq!(debounce.due(), Some(ms(1300)));
        debounce.draw();
        debounce.took(ms(5), ms(1305));
        debounce.changed(ms(1306));
        assert_eq!(debounce.due(), Some(ms(1316)));
    }

    #[test]
    fn changes_that_go_on_do_not_put_it_off() {
        let mut debounce = Debounce::default();
        for at in 0..100 {
            debounce.changed(ms(at));
        }
        assert!(debounce.due().unwrap() <= ms(20));
    }

    #[test]
    fn in_a_storm_half_of_the_time_is_left_to_others() {
        let (mut debounce, mut now, mut drawing) = (Debounce::default(), ms(0), ms(0));
        // A change each millisecond, pictures that take 40 ms.
        while now < ms(10_000) {
            debounce.changed(now);
            if debounce.due().is_some_and(|due| due <= now) {
                debounce.draw();
                drawing += ms(40);
                now += ms(40);
                debounce.took(ms(40), now);
            }
            now += ms(1);
        }
        assert!(drawing <= ms(5_000), "{drawing:?}");
        assert!(drawing >= ms(4_000), "{drawing:?}");
    }

    #[test]
    fn a_picture_that_took_long_does_not_put_the_next_off_for_ever() {
        let mut debounce = Debounce::default();
        debounce.took(ms(60_000), ms(60_000));
        debounce.changed(ms(60_001));
        assert!(debounce.due().unwrap() <= ms(62_020));
    }
}
