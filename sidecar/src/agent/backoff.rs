//! Waiting longer after each failure, never twice the same.

use std::time::Duration;

/// Delays that double from a first to a largest one, each cut by a random part so that many writers do not knock at
/// the same moment.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    largest: Duration,
    failures: u32,
    noise: u64,
}

impl Backoff {
    /// Delays between `first` and `largest`; `noise` seeds the random part.
    pub(crate) fn new(first: Duration, largest: Duration, noise: u64) -> Self {
        // xorshift stays at zero for ever once it is there.
        Self { first, largest, failures: 0, noise: noise | 1 }
    }

    /// All is well again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// One more failure: how long to wait, between half of the doubled delay and all of it.
    pub(crate) fn after_failure(&mut self) -> Duration {
        let doubled = self.first.saturating_mul(1_u32.checked_shl(self.failures.min(16)).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        let whole = doubled.min(self.largest);
        // xorshift64 (Marsaglia, 2003): spread is asked for here, not secrecy.
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        let part = u32::try_from(self.noise >> 48).unwrap_or(0);
        whole / 2 + (whole / 2).saturating_mul(part) / (1 << 16)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;

    #[test]
    fn delays_double_up_to_the_largest_and_start_over_when_all_is_well() {
        let (first, largest) = (Duration::from_millis(250), Duration::from_secs(30));
        let mut backoff = Backoff::new(first, largest, 42);
        let mut whole = first;
        for _ in 0..40 {
            let delay = backoff.after_failure();
            assert!(delay >= whole / 2 && delay <= whole, "{delay:?} of {whole:?}");
            whole = (whole * 2).min(largest);
        }
        backoff.reset();
        assert!(backoff.after_failure() <= first);
    }

    #[test]
    fn two_writers_do_not_wait_alike() {
        let delays = |noise| {
            let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30), noise);
            (0..5).map(|_| backoff.after_failure()).collect::<Vec<_>>()
        };
        assert_ne!(delays(1 << 40 | 7), delays(1 << 50 | 9));
    }
}
