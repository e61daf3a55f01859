//! The calling thread's counters.

use super::counts::Operation;
use super::slot::{Slot, Telling};
use super::{Mode, blocks, counts, is_sampled, mode, sampled};
use crate::heap_counts::{HeapCounts, ThreadHeap};
use crate::on::recorder::Recorder;
use crate::on::{drain, session, thread_exit};
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::{from_ref, null};
use core::sync::atomic::{Ordering, compiler_fence};
use memscope_format::raw::flags;

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
pub(crate) fn allocated(block: *mut u8, layout: Layout) {
    count(Operation::allocated(layout.size() as u64), Ends::Nothing, |slot| {
        blocks::allocated(slot, block, layout, 0)
    });
}

/// Counts a block that was allocated, of zero bytes.
#[inline(always)]
pub(crate) fn allocated_zeroed(block: *mut u8, layout: Layout) {
    count(Operation::allocated(layout.size() as u64), Ends::Nothing, |slot| {
        blocks::allocated(slot, block, layout, flags::ZEROED);
    });
}

/// Counts a block that will be freed.
#[inline(always)]
pub(crate) fn freed(block: *mut u8, layout: Layout) {
    count(Operation::freed(layout.size() as u64), Ends::Block(block), |slot| {
        blocks::freed(slot, block, layout)
    });
}

/// For how many a block stood that is about to get another size, if it was chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resizing(pub(super) Option<u32>);

/// Takes back what is known of a block by its address, which may be that of another thread's once the block has been moved.
#[inline(always)]
pub(crate) fn resizing(block: *mut u8) -> Resizing {
    Resizing(if is_sampled() { sampled::forget(block.addr() as u64) } else { None })
}

/// Notes that a block did not get another size, for want of memory.
#[cold]
pub(crate) fn stays(block: *mut u8, before: Resizing) {
    blocks::stays(block.addr() as u64, before);
}

/// Counts a block that got another size.
#[inline(always)]
pub(crate) fn resized(chosen: Resizing, before: (*mut u8, Layout), after: (*mut u8, usize)) {
    let (old, new) = (before.1.size() as u64, after.1 as u64);
    count(Operation::resized(old, new), Ends::Resized(chosen), |slot| {
        blocks::resized(slot, chosen, before, after)
    });
}

/// Which block an operation ends.
#[derive(Debug, Clone, Copy)]
enum Ends {
    Nothing,
    Block(*mut u8),
    Resized(Resizing),
}

/// Counts, and records what is to be.
#[inline(always)]
fn count(operation: Operation, ends: Ends, record: impl FnOnce(&'static Slot)) {
    let slot = SLOT.replace(null());
    // The compiler must not count before or after the time in which others find no counters.
    compiler_fence(Ordering::SeqCst);
    // SAFETY: null, or it points to a static.
    let slot = match unsafe { slot.as_ref() } {
        Some(own) => own,
        None => match unusual(operation, ends) {
            Some(first) => first,
            None => return,
        },
    };
    slot.count(operation);
    if slot.tells() {
        record(slot);
    }
    compiler_fence(Ordering::SeqCst);
    SLOT.set(from_ref(slot));
}

/// Counts for memscope itself, for a signal handler, and for a thread that cannot have counters of its own. One that has none
/// yet gets some, in which to count.
#[cold]
#[inline(never)]
fn unusual(operation: Operation, ends: Ends) -> Option<&'static Slot> {
    let mode = mode();
    if mode == Mode::Off {
        return None;
    }
    if session::is_busy() || drain::is_beginning_here() {
        end_untold(mode, ends);
        counts::count_own(operation);
        return None;
    }
    let slot = if matches!(OWNED.get(), Owned::None) { take() } else { None };
    if slot.is_none() {
        end_untold(mode, ends);
        counts::count_shared(operation);
        match mode {
            Mode::Full => counts::count_untold(operation),
            // Of one that grew, what it grew by.
            Mode::Sampled => blocks::allocated_untold(operation.change),
            _ => {}
        }
    }
    slot
}

/// Notes that a block ends of which nobody can tell.
fn end_untold(mode: Mode, ends: Ends) {
    match ends {
        Ends::Block(block) if mode == Mode::Sampled => blocks::freed_untold(block.addr() as u64),
        Ends::Resized(Resizing(Some(_))) => blocks::count_lost(),
        _ => {}
    }
}

/// Gets the thread counters of its own, if there are any left.
fn take() -> Option<&'static Slot> {
    OWNED.set(Owned::Taking);
    // Elsewhere the counters of an ended thread stay its own: a destructor is not to be arranged within an allocator.
    let taken = (cfg!(not(unix)) || thread_exit::register()).then(counts::take).flatten();
    if let Some(slot) = taken {
        BASE.set(slot.counters.read());
    }
    OWNED.set(taken.map_or(Owned::None, Owned::Some));
    taken
}

/// The thread's recorder, if it tells of its blocks.
pub(in crate::on) fn recorder() -> Option<&'static Recorder> {
    let Owned::Some(slot) = OWNED.get() else { return None };
    match slot.telling() {
        Telling::Events(recorder) => Some(recorder),
        Telling::NotYet | Telling::Never => None,
    }
}

/// Gives the thread a recorder, for its blocks if these are to be told of.
pub(in crate::on) fn use_recorder(recorder: &'static Recorder) {
    if let Owned::Some(slot) = OWNED.get()
        && slot.tells()
    {
        slot.tell(Telling::Events(recorder));
    }
}

/// What was recorded is in the parent's capture, and so is this thread's recorder.
#[cfg_attr(not(unix), expect(dead_code, reason = "no process is forked"))]
pub(in crate::on) fn after_fork_in_child() {
    counts::leave_untold();
    sampled::forget_all();
    if let Owned::Some(slot) = OWNED.get() {
        slot.tell_nothing_yet();
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

/// Gives this thread's counters back: it ends. Returns the recorder that it had for its blocks. Should it allocate afterwards
/// all the same, it takes some anew.
pub(in crate::on) fn release() -> Option<&'static Recorder> {
    let recorder = recorder();
    if let Owned::Some(slot) = OWNED.get() {
        SLOT.set(null());
        OWNED.set(Owned::None);
        counts::give_back(slot);
    }
    recorder
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
