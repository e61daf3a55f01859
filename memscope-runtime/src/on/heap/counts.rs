//! The counts of all threads, and what the process knows of their sum.

use super::slot::{STEP, Slot};
use crate::heap_counts::{Heap, HeapCounts};
use core::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering, fence};

/// Threads that can have counters of their own at once; the others share some.
const SLOTS: usize = 1024;

/// Places for the counters of threads. They lie in memory that the system gives when it is first written to.
static ALL: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];

/// Which of them are taken, a bit for each.
static TAKEN: [AtomicU64; SLOTS / 64] = [const { AtomicU64::new(0) }; SLOTS / 64];

/// Places up to here have been taken at some time.
static EVER_TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Counters of whoever has none to itself: threads beyond [`SLOTS`], and signal handlers that interrupt counting.
static SHARED: Counters = Counters::new();

/// Counters of memscope itself.
static OWN: Counters = Counters::new();

/// Of what the program asked for, what no event tells of, where there is an event for each block.
static UNTOLD: Counters = Counters::new();

/// The balance of all threads, never less than it is but for [`STEP`] for each, and never more.
///
/// What a thread adds is in the first before it is counted, and in the second afterwards; what it takes away the other way
/// round. So the greatest that each has been says between which bounds the greatest balance was.
static AT_MOST: Balance = Balance::new();
static AT_LEAST: Balance = Balance::new();

#[derive(Debug)]
struct Balance {
    now: AtomicI64,
    greatest: AtomicI64,
}

impl Balance {
    const fn new() -> Self {
        Self { now: AtomicI64::new(0), greatest: AtomicI64::new(0) }
    }

    fn change(&self, by: i64) {
        let now = self.now.fetch_add(by, Ordering::Relaxed).wrapping_add(by);
        if by > 0 {
            self.greatest.fetch_max(now, Ordering::Relaxed);
        }
    }
}

/// Changes the balance that the process knows while `count` changes that of a thread.
pub(super) fn change_balance(by: i64, count: impl FnOnce()) {
    let (before, after) = if by >= 0 { (&AT_MOST, &AT_LEAST) } else { (&AT_LEAST, &AT_MOST) };
    before.change(by);
    count();
    after.change(by);
}

/// What is counted, as atomics.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) allocations: AtomicU64,
    pub(super) reallocations: AtomicU64,
    pub(super) frees: AtomicU64,
    pub(super) allocated_bytes: AtomicU64,
    pub(super) freed_bytes: AtomicU64,
}

impl Counters {
    pub(super) const fn new() -> Self {
        Self {
            allocations: AtomicU64::new(0),
            reallocations: AtomicU64::new(0),
            frees: AtomicU64::new(0),
            allocated_bytes: AtomicU64::new(0),
            freed_bytes: AtomicU64::new(0),
        }
    }

    /// Bytes allocated and not freed.
    #[inline(always)]
    pub(super) fn balance(&self) -> i64 {
        let (allocated, freed) = (&self.allocated_bytes, &self.freed_bytes);
        allocated.load(Ordering::Relaxed).wrapping_sub(freed.load(Ordering::Relaxed)).cast_signed()
    }

    pub(super) fn are_any(&self) -> bool {
        [&self.allocations, &self.reallocations, &self.frees]
            .iter()
            .any(|counter| counter.load(Ordering::Relaxed) != 0)
    }

    /// Counts from any thread.
    pub(super) fn count(&self, operation: Operation) {
        self.counter(operation.kind).fetch_add(1, Ordering::Release);
        let bytes = if operation.change >= 0 { &self.allocated_bytes } else { &self.freed_bytes };
        bytes.fetch_add(operation.change.unsigned_abs(), Ordering::Release);
    }

    #[inline(always)]
    pub(super) fn counter(&self, kind: Kind) -> &AtomicU64 {
        match kind {
            Kind::Allocated => &self.allocations,
            Kind::Freed => &self.frees,
            Kind::Resized => &self.reallocations,
        }
    }

    /// Sets what was counted, while nobody counts.
    fn set(&self, to: &HeapCounts) {
        self.allocations.store(to.allocations, Ordering::Relaxed);
        self.reallocations.store(to.reallocations, Ordering::Relaxed);
        self.frees.store(to.frees, Ordering::Relaxed);
        self.allocated_bytes.store(to.allocated_bytes, Ordering::Relaxed);
        self.freed_bytes.store(to.freed_bytes, Ordering::Relaxed);
    }

    /// What was given back so far; to be read before [`Self::read_allocated`].
    fn read_freed(&self, into: &mut HeapCounts) {
        into.frees = into.frees.wrapping_add(self.frees.load(Ordering::Acquire));
        into.freed_bytes = into.freed_bytes.wrapping_add(self.freed_bytes.load(Ordering::Acquire));
    }

    fn read_allocated(&self, into: &mut HeapCounts) {
        let add = |sum: &mut u64, counter: &AtomicU64| {
            *sum = sum.wrapping_add(counter.load(Ordering::Acquire));
        };
        add(&mut into.allocations, &self.allocations);
        add(&mut into.reallocations, &self.reallocations);
        add(&mut into.allocated_bytes, &self.allocated_bytes);
    }

    /// What was counted so far.
    pub(super) fn read(&self) -> HeapCounts {
        let mut counts = HeapCounts::default();
        self.read_freed(&mut counts);
        self.read_allocated(&mut counts);
        counts
    }
}

/// Something that an allocator did, and by how many bytes it changed the balance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    pub(super) kind: Kind,
    pub(super) change: i64,
}

impl Operation {
    pub(super) const fn allocated(size: u64) -> Self {
        Self { kind: Kind::Allocated, change: size.cast_signed() }
    }

    pub(super) const fn freed(size: u64) -> Self {
        Self { kind: Kind::Freed, change: -size.cast_signed() }
    }

    pub(super) const fn resized(old: u64, new: u64) -> Self {
        Self { kind: Kind::Resized, change: new.cast_signed() - old.cast_signed() }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Allocated,
    Freed,
    Resized,
}

/// Counts something in counters that are shared.
pub(super) fn count_shared(operation: Operation) {
    change_balance(operation.change, || SHARED.count(operation));
}

/// Counts something of which no event tells.
pub(super) fn count_untold(operation: Operation) {
    UNTOLD.count(operation);
}

/// Of what the program asked for so far, what no event tells of.
pub(super) fn untold() -> HeapCounts {
    UNTOLD.read()
}

/// Says that no event tells of anything so far: another capture has the events, that of an earlier session, or of the process
/// that this one was forked from.
pub(in crate::on) fn leave_untold() {
    UNTOLD.set(&total().program);
}

/// Has all threads tell of their blocks from now on, of which nothing was told before.
pub(super) fn tell_from_now_on() {
    // With the fence in `take`: either that thread sees the mode that was set before, or it is among those here.
    fence(Ordering::SeqCst);
    slots().iter().for_each(Slot::begin_to_tell);
    leave_untold();
}

/// Tells all threads that another session begins.
pub(in crate::on) fn begin_session() {
    slots().iter().for_each(Slot::begin_session);
}

/// Counts something that memscope asked for.
pub(super) fn count_own(operation: Operation) {
    OWN.count(operation);
}

/// Takes a place for a thread's counters, if there is one.
pub(super) fn take() -> Option<&'static Slot> {
    for (word, taken) in TAKEN.iter().enumerate() {
        let mut bits = taken.load(Ordering::Relaxed);
        while bits != u64::MAX {
            let bit = (!bits).trailing_zeros();
            bits = taken.fetch_or(1 << bit, Ordering::Acquire);
            if bits & 1 << bit == 0 {
                let place = word * 64 + bit as usize;
                EVER_TAKEN.fetch_max(place + 1, Ordering::Release);
                // See `tell_from_now_on`.
                fence(Ordering::SeqCst);
                let slot = &ALL[place];
                slot.begin();
                return Some(slot);
            }
        }
    }
    None
}

/// Gives a place back.
pub(super) fn give_back(slot: &'static Slot) {
    let place = (core::ptr::from_ref(slot).addr() - ALL.as_ptr().addr()) / size_of::<Slot>();
    TAKEN[place / 64].fetch_and(!(1 << (place % 64)), Ordering::Release);
}

fn slots() -> &'static [Slot] {
    &ALL[..EVER_TAKEN.load(Ordering::Acquire)]
}

/// Whether anything was counted.
pub(in crate::on) fn are_any() -> bool {
    !slots().is_empty() || SHARED.are_any() || OWN.are_any()
}

/// The counts of the process.
pub(in crate::on) fn total() -> Heap {
    let all = || slots().iter().map(|slot| &slot.counters).chain([&SHARED]);
    let mut program = HeapCounts::default();
    all().for_each(|counters| counters.read_freed(&mut program));
    all().for_each(|counters| counters.read_allocated(&mut program));
    Heap { program, memscope: OWN.read(), peak_bytes: peak() }
}

/// Between which bounds the greatest balance was.
fn peak() -> core::ops::RangeInclusive<u64> {
    let bytes = |balance: i64| u64::try_from(balance).unwrap_or(0);
    let mut used = slots().iter().filter(|slot| slot.is_used());
    let (first, others) = (used.next(), used.count());
    if let (Some(only), 0, false) = (first, others, SHARED.are_any()) {
        let peak = bytes(only.highest());
        return peak..=peak;
    }
    let error = i64::try_from(others + usize::from(first.is_some())).unwrap_or(0) * (STEP - 1);
    let greatest = |balance: &Balance| balance.greatest.load(Ordering::Relaxed);
    let (least, most) = (greatest(&AT_LEAST) - error, greatest(&AT_MOST) + error);
    bytes(least)..=bytes(most)
}
