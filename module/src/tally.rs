//! Counted decisions, until Envoy's main thread takes them over.
//!
//! Each thread counts into memory of its own, twice: the reader holds at most one half at a time, so that a worker finds
//! the other one free and never waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use zoneway_core::decision::{Action, Decision, Reason};
use zoneway_core::traffic::Counters;

/// What every thread has counted.
pub(crate) struct Tally {
    shards: Mutex<Vec<Arc<Shard>>>,
}

/// What one thread has counted.
#[derive(Default)]
pub(crate) struct Shard {
    halves: [Mutex<Counters>; 2],
    is_fresh: AtomicBool,
}

static TALLY: Tally = Tally::new();

thread_local! {
    static MINE: Arc<Shard> = TALLY.shard();
}

/// Counts a decision of this thread.
pub(crate) fn count(decision: &Decision<'_>) {
    // A thread that is ending decides no more.
    let _ = MINE.try_with(|mine| mine.count(decision));
}

/// The counts of the process.
pub(crate) fn all() -> &'static Tally {
    &TALLY
}

impl Tally {
    const fn new() -> Self {
        Self { shards: Mutex::new(Vec::new()) }
    }

    fn shard(&self) -> Arc<Shard> {
        let shard = Arc::new(Shard::default());
        locked(&self.shards).push(Arc::clone(&shard));
        shard
    }

    /// Whether anything was counted since this was asked last.
    pub(crate) fn is_fresh(&self) -> bool {
        // Every shard is asked: `any` would leave the rest marked.
        locked(&self.shards)
            .iter()
            .fold(false, |fresh, shard| shard.is_fresh.swap(false, Ordering::Acquire) | fresh)
    }

    /// Hands over every count that is not 0, as action, reason, zone and count.
    pub(crate) fn drain(&self, mut each: impl FnMut(Action, Reason, &str, u64)) {
        for shard in locked(&self.shards).iter() {
            for half in &shard.halves {
                locked(half).drain(&mut each);
            }
        }
    }
}

impl Shard {
    fn count(&self, decision: &Decision<'_>) {
        // The reader may move to the second half between the two looks; it holds one at a time, so the next pass finds
        // one free, even where the reader was put to sleep in the midst of the other.
        loop {
            if let Some(mut half) = self.halves.iter().find_map(free) {
                half.count(decision);
                break;
            }
            std::hint::spin_loop();
        }
        if !self.is_fresh.load(Ordering::Relaxed) {
            self.is_fresh.store(true, Ordering::Release);
        }
    }
}

/// The counts, where nobody holds them.
fn free<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Counts are whole after every step, so that a panic beside them leaves them well.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use zoneway_core::decision::Outcome;

    use super::*;

    #[test]
    fn what_several_threads_count_while_it_is_read_is_handed_over_once() {
        const EACH: u64 = 20_000;
        let tally = Tally::new();
        let mut total = 0;
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..2)
                .map(|_| {
                    let shard = tally.shard();
                    scope.spawn(move || {
                        for _ in 0..EACH {
                            shard.count(&Decision { outcome: Outcome::Local, revision: None });
                        }
                    })
                })
                .collect();
            while workers.iter().any(|worker| !worker.is_finished()) {
                tally.drain(|_, _, _, count| total += count);
            }
        });
        tally.drain(|action, reason, zone, count| {
            assert_eq!((action, reason, zone), (Action::Local, Reason::Here, "-"));
            total += count;
        });
        assert_eq!(total, 2 * EACH);
        assert!(tally.is_fresh());
        assert!(!tally.is_fresh());
    }
}
