//! A thread's recorder: where its events go.
//!
//! The hot path. An event is one or two slots of the thread's ring: no lock, no allocation, no system call. Each
//! slot's header, with its lap mark, is written last, so that whoever reads the ring (the drain, or a reader after
//! a crash) knows the written slots by themselves.
//! The position is thus this thread's own, and no cache line goes back and forth between threads.

mod emission;
mod nesting;
#[cfg(test)]
mod tests;

pub(super) use nesting::ClosedDrop;

use super::clock::Source;
use super::rings::RingMemory;
use super::sampling::Random;
use super::session;
use core::cell::Cell;
use core::ptr::null;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use memscope_format::raw::value_id;
use nesting::OpenDrop;

/// How many open drops of a thread are kept; those nested deeper are recorded with an unknown duration.
const OPEN_DROPS: usize = 256;

/// Who owns a recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Ownership {
    /// Nobody: all its events are in the capture.
    Free = 0,
    /// A thread.
    Owned = 1,
    /// A thread that has ended; some of its events may not be in the capture yet.
    Retired = 2,
}

/// The recorder of one ring in each session. Made once, owned by one thread after another, never freed.
#[derive(Debug)]
pub(super) struct Recorder {
    /// Where the next event goes. Only the owner writes it.
    position: AtomicU64,
    /// Up to where the owner may write without asking; 0 when the session is over.
    limit: AtomicU64,
    /// The lap mark of the positions below the limit, in its place in the slot header.
    lap: Cell<u64>,
    mask: Cell<u64>,
    memory: Cell<RingMemory>,
    ring: Cell<u16>,
    /// What the ids of all values of the ring have in common. Made of `ring` with each event, it would be read with `in_event`
    /// beside it in one load, which has to wait until that was written.
    ids: Cell<u64>,
    /// The session that the ring is of.
    session: AtomicU64,
    pub(super) clock: Source,
    /// Whether the owner is writing an event. A signal handler that records in between would write to the same
    /// slots: its events are counted as lost.
    in_event: Cell<bool>,
    /// Nanoseconds that owners have waited for room in this session. Only the owner writes it.
    held_up: AtomicU64,
    /// Whether the owner has given up waiting for room, until there is some.
    stalled: Cell<bool>,
    /// Drops that have begun and not ended.
    depth: Cell<u32>,
    /// Those of them that are left out.
    left_out_drops: Cell<u32>,
    /// Recorded calls that have begun and not ended. Were it as wide as `at`, both would be given back by one load of what was
    /// stored in two, which waits until that is in the cache.
    calls: Cell<u64>,
    /// Of the innermost call, bits of [`left_out`](memscope_format::raw::left_out): whether it is left out, and whether calls directly within it were.
    call_left_out: Cell<u8>,
    pub(super) random: Random,
    /// The task that is being polled; 0 if none is.
    task: Cell<u64>,
    /// Where the owner stands: the id of the site that is being initialised, or runs, the innermost; 0 if none is.
    at: Cell<u32>,
    open: [OpenDrop; OPEN_DROPS],
    shared: Shared,
}

/// What the drain writes, away from the owner's cache lines.
#[derive(Debug)]
#[repr(align(128))]
struct Shared {
    drained: AtomicU64,
    ownership: AtomicU8,
    thread: AtomicU64,
}

// SAFETY: `mask`, `memory`, `ring` and `ids` are only written by `bind`, when no session is that which the recorder was bound to, by its
// owner, or under the session's lock where it has none; others read them only in the session that it is bound to, which they
// are told of under that lock. `lap`, `in_event`, `stalled`, `depth`, `left_out_drops`, `calls`, `call_left_out`, `random`, `task`, `at` and `open` are only touched by the owner (there is one at a time,
// handed on through `ownership` with Release and Acquire); everything else is atomic or never changes.
unsafe impl Sync for Recorder {}

thread_local! {
    /// This thread's recorder; null if it has none (yet, any more, or at all). Const and without a destructor, so
    /// that it can be read at any time, in the destructors of other thread-locals and in signal handlers too.
    static RECORDER: Cell<*const Recorder> = const { Cell::new(null()) };
    /// Whether nothing that runs on this thread is recorded, since it runs within a hook.
    static MUTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `record` with this thread's recorder; gives up (counting, where an event is lost) if it can have none.
#[inline(always)]
pub(super) fn with<R>(record: impl FnOnce(&'static Recorder) -> R) -> Option<R> {
    let recorder = RECORDER.get();
    if recorder.is_null() {
        return if session::is_off() { None } else { without(record) };
    }
    // SAFETY: recorders are leaked boxes.
    Some(record(unsafe { &*recorder }))
}

#[cold]
#[inline(never)]
fn without<R>(record: impl FnOnce(&'static Recorder) -> R) -> Option<R> {
    if MUTED.get() { None } else { session::attached(record) }
}

/// Whether a hook may go through the values of a container: not where nothing is recorded, and not while this thread holds
/// locks of ours, or hashes keys.
pub(super) fn may_look() -> bool {
    !session::is_off() && !session::is_busy() && !MUTED.get()
}

/// Runs code of the user's that the program itself does not run, so that nothing of it must be recorded.
pub(super) fn muted<R>(run: impl FnOnce() -> R) -> R {
    struct Unmute(*const Recorder);
    impl Drop for Unmute {
        fn drop(&mut self) {
            // In a child that was forked meanwhile the recorder is its parent's.
            if MUTED.replace(false) {
                RECORDER.set(self.0);
            }
        }
    }
    let _unmute = Unmute(RECORDER.replace(null()));
    MUTED.set(true);
    run()
}

/// Makes `recorder` this thread's own.
pub(super) fn set_current(recorder: Option<&'static Recorder>) {
    MUTED.set(false);
    RECORDER.set(recorder.map_or(null(), core::ptr::from_ref));
}

/// This thread's recorder, if it has one.
#[inline(always)]
pub(super) fn current() -> Option<&'static Recorder> {
    // SAFETY: recorders are leaked boxes.
    unsafe { RECORDER.get().as_ref() }
}

impl Recorder {
    /// Makes the recorder of a ring whose first position is `start`, a multiple of the ring's capacity.
    pub(super) fn new(
        session: u64,
        ring: u16,
        memory: RingMemory,
        start: u64,
        clock: Source,
    ) -> Self {
        Self {
            position: AtomicU64::new(start),
            limit: AtomicU64::new(0),
            lap: Cell::new(0),
            mask: Cell::new(memory.slots.len() as u64 - 1),
            memory: Cell::new(memory),
            ring: Cell::new(ring),
            ids: Cell::new(value_id(ring, 0)),
            session: AtomicU64::new(session),
            clock,
            in_event: Cell::new(false),
            held_up: AtomicU64::new(0),
            stalled: Cell::new(false),
            depth: Cell::new(0),
            left_out_drops: Cell::new(0),
            calls: Cell::new(0),
            call_left_out: Cell::new(0),
            random: Random::new(),
            task: Cell::new(0),
            at: Cell::new(0),
            open: [const { OpenDrop::new() }; OPEN_DROPS],
            shared: Shared {
                drained: AtomicU64::new(start),
                ownership: AtomicU8::new(Ownership::Free as u8),
                thread: AtomicU64::new(0),
            },
        }
    }

    /// Makes this the recorder of a ring of another session, as [`Self::new`].
    ///
    /// # Safety
    ///
    /// The session that it was bound to is over. The caller is the owner, within [`Self::reserve`], or holds the session's lock
    /// and there is no owner.
    pub(super) unsafe fn bind(&self, session: u64, ring: u16, memory: RingMemory, start: u64) {
        self.limit.store(0, Ordering::Relaxed);
        self.position.store(start, Ordering::Relaxed);
        self.shared.drained.store(start, Ordering::Relaxed);
        self.held_up.store(0, Ordering::Relaxed);
        self.mask.set(memory.slots.len() as u64 - 1);
        self.ring.set(ring);
        self.ids.set(value_id(ring, 0));
        let before = self.memory.replace(memory);
        self.stalled.set(false);
        memory.set_thread(self.thread());
        self.session.store(session, Ordering::Release);
        // SAFETY: whoever else read it did so in a session that is over; and a signal handler on this thread, which finds an
        // event begun, reads the header alone, which is the new one by now.
        unsafe { before.unmap() };
    }

    /// The session that the ring is of.
    pub(super) fn session(&self) -> u64 {
        self.session.load(Ordering::Acquire)
    }

    /// The ring's memory.
    #[inline(always)]
    pub(super) fn memory(&self) -> RingMemory {
        self.memory.get()
    }

    /// The ring's number.
    #[inline(always)]
    pub(super) fn ring(&self) -> u16 {
        self.ring.get()
    }

    /// Nanoseconds that owners have waited for room in this session.
    pub(super) fn held_up_ns(&self) -> u64 {
        self.held_up.load(Ordering::Relaxed)
    }

    /// Slots of the ring.
    pub(super) fn capacity(&self) -> u64 {
        self.mask.get() + 1
    }

    /// Hands a free recorder to this thread.
    pub(super) fn take(&self, thread: u32) {
        self.shared.thread.store(thread.into(), Ordering::Relaxed);
        self.memory().set_thread(thread);
        self.depth.set(0);
        self.left_out_drops.set(0);
        self.calls.set(0);
        self.call_left_out.set(0);
        self.random.seed((self.clock.ticks(), self.ring()));
        self.task.set(0);
        self.at.set(0);
        self.stalled.set(false);
        self.in_event.set(false);
        self.limit.store(0, Ordering::Relaxed);
        self.shared.ownership.store(Ownership::Owned as u8, Ordering::Release);
    }

    /// Gives the recorder up: the thread records nothing any more.
    pub(super) fn retire(&self) {
        self.shared.ownership.store(Ownership::Retired as u8, Ordering::Release);
    }

    /// Marks a retired recorder whose events are all in the capture as free.
    pub(super) fn free(&self) {
        self.shared.ownership.store(Ownership::Free as u8, Ordering::Release);
    }

    /// Who owns the recorder.
    pub(super) fn ownership(&self) -> Ownership {
        match self.shared.ownership.load(Ordering::Acquire) {
            0 => Ownership::Free,
            1 => Ownership::Owned,
            _ => Ownership::Retired,
        }
    }

    /// The thread whose events the ring holds.
    pub(super) fn thread(&self) -> u32 {
        self.shared.thread.load(Ordering::Relaxed) as u32
    }

    /// Up to which position the events are in the capture.
    pub(super) fn drained(&self) -> u64 {
        self.shared.drained.load(Ordering::Acquire)
    }

    /// A position that the ring has not reached and that begins a lap.
    pub(super) fn position_bound(&self) -> u64 {
        (self.position.load(Ordering::Relaxed) / self.capacity() + 1) * self.capacity()
    }

    /// Whether an event has been begun that no reader can see yet.
    pub(super) fn has_unwritten(&self) -> bool {
        self.position.load(Ordering::Acquire) != self.drained()
    }

    /// Up to which position the owner has begun to write.
    pub(super) fn reached(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// Slots that the owner has begun to write from a position on.
    pub(super) fn waiting_from(&self, position: u64) -> u64 {
        self.position.load(Ordering::Relaxed).saturating_sub(position)
    }

    /// Says that the events up to a position are in the capture, so that their slots can be used again.
    pub(super) fn set_drained(&self, position: u64) {
        self.memory().set_drained(position);
        self.shared.drained.store(position, Ordering::Release);
    }

    /// Makes the owner ask before it writes its next event.
    pub(super) fn stop(&self) {
        self.limit.store(0, Ordering::Release);
    }

    /// Reads the clock.
    #[inline(always)]
    pub(super) fn now(&self) -> u64 {
        self.clock.ticks()
    }
}
