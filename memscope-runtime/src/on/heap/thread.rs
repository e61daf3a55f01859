//! The calling thread's counters.

use super::counts::{self, Kind, Operation};
use super::slot::Slot;
use super::{Mode, mode};
use crate::heap_counts::{HeapCounts, ThreadHeap};
use crate::on::{session, thread_exit};
use core::cell::Cell;
use core::ptr::{from_ref, null};
use core::sync::atomic::{Ordering, compiler_fence};

/// Whether a thread has counters.
#[derive(Debug, Clone, Copy)]
enum Owned {
    None,
    /// Not yet: it is getting some.
    Taking,
    Some(&'static Slot),
}

// Const and without destructors, so that they can be used at any time.
thread_local! {
    /// This thread's counters, where the next call of the allocator may write to them. Null if it has none; while they are
    /// written to, so that a signal handler which allocates in between finds none; and while the thread is inside memscope.
    static SLOT: Cell<*const Slot> = const { Cell::new(null()) };
    /// This thread's counters, wherever they are used.
    static OWNED: Cell<Owned> = const { Cell::new(Owned::None) };
    /// What they had counted when the thread got them.
    static BASE: Cell<HeapCounts> = const {
        Cell::new(HeapCounts {
            allocations: 0,
            reallocations: 0,
            frees: 0,
            allocated_bytes: 0,
            freed_bytes: 0,
        })
    };
}

/// Counts a block that was allocated.
#[inline(always)]
pub(crate) fn allocated(size: usize) {
    count(Operation { kind: Kind::Allocated, change: size as i64 });
}

/// Counts a block that will be freed.
#[inline(always)]
pub(crate) fn freed(size: usize) {
    count(Operation { kind: Kind::Freed, change: -(size as i64) });
}

/// Counts a block that got another size.
#[inline(always)]
pub(crate) fn resized(old: usize, new: usize) {
    count(Operation { kind: Kind::Resized, change: new as i64 - old as i64 });
}

/// Counts; sizes of blocks are at most `isize::MAX`.
#[inline(always)]
fn count(operation: Operation) {
    let slot = SLOT.replace(null());
    // The compiler must not count before or after the time in which others find no counters.
    compiler_fence(Ordering::SeqCst);
    // SAFETY: null, or it points to a static.
    match unsafe { slot.as_ref() } {
        Some(own) => {
            own.count(operation);
            compiler_fence(Ordering::SeqCst);
            SLOT.set(slot);
        }
        None => unusual(operation),
    }
}

/// Counts for a thread without counters, for memscope itself, and for a signal handler.
#[cold]
#[inline(never)]
fn unusual(operation: Operation) {
    if mode() == Mode::Off {
        return;
    }
    if session::is_busy() {
        return counts::count_own(operation);
    }
    if !matches!(OWNED.get(), Owned::None) {
        return counts::count_shared(operation);
    }
    OWNED.set(Owned::Taking);
    // Elsewhere the counters of an ended thread stay its own: a destructor is not to be arranged within an allocator.
    let taken = (cfg!(not(unix)) || thread_exit::register()).then(counts::take).flatten();
    match taken {
        Some(slot) => {
            BASE.set(slot.counters.read());
            slot.count(operation);
            OWNED.set(Owned::Some(slot));
            SLOT.set(from_ref(slot));
        }
        None => {
            counts::count_shared(operation);
            OWNED.set(Owned::None);
        }
    }
}

/// The time in which a thread is inside memscope, and what it asks for is not counted as the program's.
#[derive(Debug)]
pub(in crate::on) struct Inside(*const Slot);

impl Inside {
    /// Begins it.
    pub(in crate::on) fn enter() -> Self {
        Self(SLOT.replace(null()))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        SLOT.set(self.0);
    }
}

/// Gives this thread's counters back: it ends. Should it allocate afterwards all the same, it takes some anew.
pub(in crate::on) fn release() {
    if let Owned::Some(slot) = OWNED.get() {
        SLOT.set(null());
        OWNED.set(Owned::None);
        counts::give_back(slot);
    }
}

/// What this thread has counted; `None` if it has no counters to itself.
pub(in crate::on) fn read() -> Option<ThreadHeap> {
    let Owned::Some(slot) = OWNED.get() else { return None };
    let (now, base) = (slot.counters.read(), BASE.get());
    let since = |now: u64, base: u64| now.wrapping_sub(base);
    let counts = HeapCounts {
        allocations: since(now.allocations, base.allocations),
        reallocations: since(now.reallocations, base.reallocations),
        frees: since(now.frees, base.frees),
        allocated_bytes: since(now.allocated_bytes, base.allocated_bytes),
        freed_bytes: since(now.freed_bytes, base.freed_bytes),
    };
    let peak = slot.peak().wrapping_sub(base.live_bytes());
    Some(ThreadHeap { counts, peak_bytes: u64::try_from(peak).unwrap_or(0) })
}
