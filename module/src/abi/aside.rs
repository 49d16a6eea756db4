//! Work on a thread that gives way to every other, in memory that goes back to the system as a whole.
//!
//! What judging a table takes for a moment, ten times the table, Envoy's allocator would keep for ever; and a thread that is put
//! aside at any moment must not hold a lock of that allocator which a worker waits for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::verdict::contained;

unsafe extern "C" {
    fn mmap(
        at: *mut c_void,
        size: usize,
        protection: c_int,
        flags: c_int,
        file: c_int,
        from: isize,
    ) -> *mut c_void;
    fn munmap(start: *mut c_void, size: usize) -> c_int;
    fn madvise(start: *mut c_void, size: usize, advice: c_int) -> c_int;
    fn sched_setscheduler(thread: c_int, policy: c_int, parameters: *const c_int) -> c_int;
}

// Of Linux, the same on x86-64 and arm64.
const PROT_READ_WRITE: c_int = 1 | 2;
const MAP_PRIVATE_ANONYMOUS: c_int = 0x2 | 0x20;
const MAP_NORESERVE: c_int = 0x4000;
const MADV_DONTNEED: c_int = 4;
const SCHED_IDLE: c_int = 5;

/// Addresses, not memory. What does not fit is taken where all else is.
const SIZE: usize = 1 << 30;
/// Where they begin; 0 before the first work.
static START: AtomicUsize = AtomicUsize::new(0);
/// How many of them the work has taken.
static USED: AtomicUsize = AtomicUsize::new(0);
/// How many were taken since they were last given back.
static TOUCHED: AtomicUsize = AtomicUsize::new(0);
/// Whether a thread works, or is not joined yet.
static IS_BUSY: AtomicBool = AtomicBool::new(false);

thread_local! {
    static IS_ASIDE: Cell<bool> = const { Cell::new(false) };
}

/// The allocator of this library: Envoy's own, but for work aside.
struct Memory;

#[global_allocator]
static MEMORY: Memory = Memory;

/// Whether this is the thread that works aside. What a panic writes down may be there for longer.
fn is_aside() -> bool {
    IS_BUSY.load(Ordering::Relaxed) && IS_ASIDE.get() && !thread::panicking()
}

fn is_ours(block: *mut u8) -> bool {
    let start = START.load(Ordering::Relaxed);
    start != 0 && block.addr().wrapping_sub(start) < SIZE
}

/// The next bytes of this size; `None` where there are no more. Called by the one thread that works aside.
fn take(layout: Layout) -> Option<*mut u8> {
    let start = START.load(Ordering::Relaxed);
    let at = USED.load(Ordering::Relaxed).checked_next_multiple_of(layout.align())?;
    let end = at.checked_add(layout.size()).filter(|end| *end <= SIZE)?;
    USED.store(end, Ordering::Relaxed);
    Some(ptr::with_exposed_provenance_mut(start + at))
}

/// Whether nothing was taken behind this block.
fn is_last(block: *mut u8, size: usize) -> bool {
    block.addr() + size == START.load(Ordering::Relaxed) + USED.load(Ordering::Relaxed)
}

/// A block of this size is the system's own mapping: Envoy's allocator would keep its pages when it is free.
const LARGE: usize = 256 << 10;

/// Memory of the system's, of pages of its own.
fn map(size: usize, flags: c_int) -> *mut c_void {
    // SAFETY: it takes addresses that nobody has.
    let start = unsafe { mmap(ptr::null_mut(), size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS | flags, -1, 0) };
    if start.addr() == usize::MAX { ptr::null_mut() } else { start }
}

// SAFETY: a block is a part of the scratch that no other block has, since `take` never gives bytes twice while a work lasts and
// only its thread takes any; or it is a mapping of its own, where it is large; or it is the system allocator's. Its address and
// its size say which, and it goes back to where it is from.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_aside()
            && let Some(block) = take(layout)
        {
            return block;
        }
        if layout.size() >= LARGE {
            // Pages are aligned as anything of this program is.
            return map(layout.size(), 0).cast();
        }
        // SAFETY: the caller's word.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_ours(block) {
            if is_aside() && is_last(block, layout.size()) {
                USED.fetch_sub(layout.size(), Ordering::Relaxed);
            }
        } else if layout.size() >= LARGE {
            // SAFETY: `alloc` mapped it, of this size.
            unsafe { munmap(block.cast(), layout.size()) };
        } else {
            // SAFETY: the caller's word.
            unsafe { System.dealloc(block, layout) }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if is_ours(block) {
            let grown = USED.load(Ordering::Relaxed).saturating_sub(layout.size()).saturating_add(size);
            if is_aside() && is_last(block, layout.size()) && grown <= SIZE {
                USED.store(grown, Ordering::Relaxed);
                return block;
            }
        } else if layout.size() < LARGE && size < LARGE {
            // SAFETY: the caller's word.
            return unsafe { System.realloc(block, layout, size) };
        }
        // SAFETY: the caller's word: the size is not 0, and does not overflow with the alignment.
        let other = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: as above.
        let moved = unsafe { self.alloc(other) };
        if !moved.is_null() {
            // SAFETY: both have as many bytes, and no two blocks overlap.
            unsafe { ptr::copy_nonoverlapping(block, moved, layout.size().min(size)) };
            // SAFETY: the caller's word.
            unsafe { self.dealloc(block, layout) };
        }
        moved
    }
}

/// Work that was begun.
pub(crate) struct Aside<T> {
    result: Receiver<T>,
    kept: fn(T) -> T,
    thread: JoinHandle<()>,
}

impl<T: Send + 'static> Aside<T> {
    /// Begins it. `work` must leave nothing behind in the process that it allocated, and `kept` is to copy of its result what it allocated.
    ///
    /// # Errors
    /// When other work is not over yet, or the system gives no thread or no addresses.
    pub(crate) fn begin(work: impl FnOnce() -> T + Send + 'static, kept: fn(T) -> T) -> io::Result<Self> {
        reserve()?;
        if IS_BUSY.swap(true, Ordering::Acquire) {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        let (sender, result) = channel();
        let begun = thread::Builder::new().name("zoneway-aside".to_owned()).spawn(move || {
            give_way();
            IS_ASIDE.set(true);
            let done = contained(work);
            IS_ASIDE.set(false);
            if let Some(done) = done {
                // Nobody may wait for it any more.
                let _ = sender.send(done);
            }
        });
        match begun {
            Ok(thread) => Ok(Self { result, kept, thread }),
            Err(error) => {
                IS_BUSY.store(false, Ordering::Release);
                Err(error)
            }
        }
    }

    /// What came of it, where it comes within this time and without a panic. What has to be copied is copied here and not there: a
    /// thread that may be put aside for long must not be while it has the system map memory, for which others would wait.
    pub(crate) fn result(&self, within: Duration) -> Option<T> {
        self.result.recv_timeout(within).ok().map(self.kept)
    }

    /// Makes room for other work where this one's thread has ended.
    pub(crate) fn end(self) -> Option<Self> {
        if !self.thread.is_finished() {
            return Some(self);
        }
        // The thread is gone, and with it whatever pointed into its memory: what nobody has fetched too.
        let _ = self.thread.join();
        drop(self.result);
        TOUCHED.fetch_max(USED.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        IS_BUSY.store(false, Ordering::Release);
        None
    }
}

/// Gives the memory of work that is over back to the system.
pub(crate) fn give_back() {
    if IS_BUSY.load(Ordering::Acquire) {
        return;
    }
    let start = ptr::with_exposed_provenance_mut(START.load(Ordering::Relaxed));
    let touched = TOUCHED.swap(0, Ordering::Relaxed);
    if touched > 0 {
        // SAFETY: it is this module's mapping, and nobody has a block of it: no work is begun, and the last is over.
        unsafe { madvise(start, touched, MADV_DONTNEED) };
    }
}

/// Takes the addresses, once.
fn reserve() -> io::Result<()> {
    if START.load(Ordering::Relaxed) == 0 {
        let start = map(SIZE, MAP_NORESERVE);
        if start.is_null() {
            return Err(io::Error::last_os_error());
        }
        START.store(start.expose_provenance(), Ordering::Relaxed);
    }
    Ok(())
}

/// Has this thread run where no other wants to, and put aside as soon as one does. Where the system refuses, it runs as any.
fn give_way() {
    let priority = 0;
    // SAFETY: 0 is this thread; the kernel reads one number.
    unsafe { sched_setscheduler(0, SCHED_IDLE, &raw const priority) };
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Aside, give_back};

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Begins work as soon as no other is under way: tests run side by side.
    fn begun(work: fn() -> Vec<String>) -> Aside<Vec<String>> {
        let since = Instant::now();
        loop {
            match Aside::begin(work, |result| result.clone()) {
                Ok(begun) => return begun,
                Err(error) => assert!(since.elapsed() < PATIENCE, "{error}"),
            }
            std::thread::yield_now();
        }
    }

    fn ended(mut work: Aside<Vec<String>>) {
        let since = Instant::now();
        while let Some(same) = work.end() {
            assert!(since.elapsed() < PATIENCE, "its thread does not end");
            work = same;
            std::thread::yield_now();
        }
    }

    fn numbers(from: usize) -> Vec<String> {
        (from..from + 50_000).map(|number| number.to_string()).collect()
    }

    #[test]
    fn what_is_kept_of_work_aside_outlives_its_memory() {
        let first = begun(|| numbers(0));
        let kept = first.result(PATIENCE).unwrap();
        ended(first);
        give_back();
        let second = begun(|| numbers(7));
        let other = second.result(PATIENCE).unwrap();
        ended(second);
        assert_eq!(kept, numbers(0));
        assert_eq!(other, numbers(7));
    }

    #[test]
    fn work_aside_that_panics_has_no_result_and_makes_room_for_other() {
        let broken = begun(|| panic!("a mistake of this program"));
        assert_eq!(broken.result(PATIENCE), None);
        ended(broken);
        ended(begun(|| numbers(1)));
    }
}
