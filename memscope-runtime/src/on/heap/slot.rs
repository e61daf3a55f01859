//! Counters of one thread.

use super::counts::{self, Counters, Operation};
use super::sampled::Chooser;
use super::{Mode, mode};
use crate::on::recorder::Recorder;
use crate::on::stacks;
use core::ptr::{from_ref, null_mut, without_provenance_mut};
use core::sync::atomic::{AtomicI64, AtomicPtr, AtomicU64, Ordering};

/// By how much a thread's balance may differ from what the process knows of it.
pub(super) const STEP: i64 = 16 << 10;

/// The counters of one thread after another. Only its owner writes to them, so that no instruction is a locked one.
#[derive(Debug)]
#[repr(C, align(128))]
pub(super) struct Slot {
    // What is needed at each count lies in one cache line.
    pub(super) counters: Counters,
    /// The greatest balance since the thread has it.
    peak: AtomicI64,
    /// The balance that the process knows.
    known: AtomicI64,
    /// Where the thread's events go: null if there are to be none, [`NOT_YET`] or [`NEVER`], or else the thread's recorder, with
    /// [`SLOWLY`] if more is to be done than to write an event.
    recorder: AtomicPtr<Recorder>,
    /// The greatest balance of threads before.
    earlier_peak: AtomicI64,
    /// Which of its owner's blocks are recorded, where not all are.
    pub(super) chooser: Chooser,
}

/// What a thread tells of its blocks beside counting them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Telling {
    /// Nothing so far.
    NotYet,
    /// Nothing: it could not get a recorder.
    Never,
    /// An event for each.
    Events(&'static Recorder),
}

// No recorders: these are where nothing lies.
const NOT_YET: *mut Recorder = without_provenance_mut(1);
const NEVER: *mut Recorder = without_provenance_mut(2);

/// Added to the address of a recorder that is for some blocks only, or for their stacks too. Recorders are aligned to more than
/// that.
const SLOWLY: usize = 4;

/// The bits of an address that is not that of a recorder for all blocks, and for nothing but these.
const OTHERWISE: usize = 7;
const _: () = assert!(align_of::<Recorder>() > OTHERWISE);

/// A recorder, with [`SLOWLY`] if more is to be done than to write an event.
fn marked(recorder: *mut Recorder) -> *mut Recorder {
    let slowly = mode() == Mode::Sampled || stacks::of_each_block();
    let mark = if slowly { SLOWLY } else { 0 };
    recorder.map_addr(|addr| addr & !OTHERWISE | mark)
}

impl Slot {
    pub(super) const fn new() -> Self {
        Self {
            counters: Counters::new(),
            peak: AtomicI64::new(0),
            earlier_peak: AtomicI64::new(0),
            known: AtomicI64::new(0),
            recorder: AtomicPtr::new(null_mut()),
            chooser: Chooser::new(),
        }
    }

    /// Begins with the counts of another thread.
    pub(super) fn begin(&self) {
        let earlier = self.highest();
        self.earlier_peak.store(earlier, Ordering::Relaxed);
        self.peak.store(self.counters.balance(), Ordering::Relaxed);
        self.tell_nothing_yet();
        self.chooser.forget();
    }

    /// Has its owner, whoever it is, tell of its blocks, which it did not.
    pub(super) fn begin_to_tell(&self) {
        let (silent, order) = (null_mut(), Ordering::Relaxed);
        // Else it has just begun to do so.
        let _ = self.recorder.compare_exchange(silent, NOT_YET, order, order);
    }

    /// Whether there is an event for each block.
    #[inline(always)]
    pub(super) fn tells(&self) -> bool {
        !self.recorder.load(Ordering::Relaxed).is_null()
    }

    /// The recorder, if there is one that is for all blocks, and for nothing but these.
    #[inline(always)]
    pub(super) fn recorder_of_all(&self) -> Option<&'static Recorder> {
        let recorder = self.recorder.load(Ordering::Relaxed);
        let is_one = recorder.addr() & OTHERWISE == 0;
        // SAFETY: null, or a recorder, and these are leaked boxes.
        if is_one { unsafe { recorder.as_ref() } } else { None }
    }

    /// What its owner tells, if it is to tell anything.
    pub(super) fn telling(&self) -> Telling {
        let recorder = self.recorder.load(Ordering::Relaxed);
        if recorder == NOT_YET {
            Telling::NotYet
        } else if recorder == NEVER {
            Telling::Never
        } else {
            // SAFETY: null, or a recorder, and these are leaked boxes.
            let recorder = unsafe { recorder.map_addr(|addr| addr & !OTHERWISE).as_ref() };
            recorder.map_or(Telling::Never, Telling::Events)
        }
    }

    /// Decides what its owner tells from now on.
    pub(super) fn tell(&self, telling: Telling) {
        let recorder = match telling {
            Telling::NotYet => NOT_YET,
            Telling::Never => NEVER,
            Telling::Events(recorder) => marked(from_ref(recorder).cast_mut()),
        };
        self.recorder.store(recorder, Ordering::Relaxed);
    }

    /// Notes that another session begins, which may take other stacks, or none, and have room for a ring where there was none.
    pub(super) fn begin_session(&self) {
        let order = Ordering::Relaxed;
        let told = self.recorder.load(order);
        let now = if told == NEVER {
            NOT_YET
        } else if told.addr() > OTHERWISE {
            marked(told)
        } else {
            return;
        };
        // Else its owner has just told anew.
        let _ = self.recorder.compare_exchange(told, now, order, order);
    }

    /// Begins without a recorder.
    pub(super) fn tell_nothing_yet(&self) {
        if mode().tells() {
            self.tell(Telling::NotYet);
        }
    }

    /// The greatest balance since the thread has it.
    pub(super) fn peak(&self) -> i64 {
        self.peak.load(Ordering::Relaxed)
    }

    /// The greatest balance that it ever had.
    pub(super) fn highest(&self) -> i64 {
        self.peak().max(self.earlier_peak.load(Ordering::Relaxed))
    }

    /// Whether the program has used it.
    pub(super) fn is_used(&self) -> bool {
        self.counters.are_any()
    }

    /// Counts what its owner did.
    #[inline(always)]
    pub(super) fn count(&self, operation: Operation) {
        add(self.counters.counter(operation.kind), 1);
        if operation.change >= 0 {
            self.grow(operation.change.unsigned_abs());
        } else {
            self.shrink(operation.change.unsigned_abs());
        }
    }

    #[inline(always)]
    fn grow(&self, bytes: u64) {
        let balance = self.counters.balance().wrapping_add_unsigned(bytes);
        if balance > self.peak.load(Ordering::Relaxed) {
            self.peak.store(balance, Ordering::Relaxed);
        }
        if balance.wrapping_sub(self.known.load(Ordering::Relaxed)) >= STEP {
            self.count_and_tell(balance, &self.counters.allocated_bytes, bytes);
        } else {
            add(&self.counters.allocated_bytes, bytes);
        }
    }

    #[inline(always)]
    fn shrink(&self, bytes: u64) {
        let balance = self.counters.balance().wrapping_sub_unsigned(bytes);
        if self.known.load(Ordering::Relaxed).wrapping_sub(balance) >= STEP {
            self.count_and_tell(balance, &self.counters.freed_bytes, bytes);
        } else {
            add(&self.counters.freed_bytes, bytes);
        }
    }

    /// Counts, and tells the process the balance that comes of it.
    #[cold]
    #[inline(never)]
    fn count_and_tell(&self, balance: i64, counter: &AtomicU64, bytes: u64) {
        let change = balance.wrapping_sub(self.known.load(Ordering::Relaxed));
        self.known.store(balance, Ordering::Relaxed);
        counts::change_balance(change, || add(counter, bytes));
    }
}

/// Adds to a counter that nobody else writes to.
#[inline(always)]
fn add(counter: &AtomicU64, amount: u64) {
    let sum = counter.load(Ordering::Relaxed).wrapping_add(amount);
    // With Release, so that who sees a free also sees the allocation.
    counter.store(sum, Ordering::Release);
}
