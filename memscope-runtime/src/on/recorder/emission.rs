//! Writing events into the ring, and what is done when it is full.

use super::Recorder;
use crate::on::clock;
use crate::on::errno;
use crate::on::rings::SharedSlot;
use crate::on::session;
use core::sync::atomic::{Ordering, compiler_fence, fence};
use memscope_format::raw::{RawKind, SlotHeader, flags, lap_mark, value_id};
use memscope_format::rows::TaskKind;
use std::time::{Duration, Instant};

/// How long at least a full ring makes its thread wait for the drain with an end, whatever the policy: without it a value would
/// live for ever in the report.
const LEAST_PATIENCE_OF_ENDS: Duration = Duration::from_secs(10);

/// What becomes of an event where not all of them are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// Something begins by it, or is told once: whole values are left out, never their ends.
    Begin,
    /// The end of what was recorded when it began.
    End,
    /// A block of the heap is allocated. Of blocks an allocator tells, whose caller may hold locks.
    Allocated,
    /// One is freed, or gets another size.
    Block,
}

impl Sort {
    #[inline(always)]
    fn of(kind: RawKind, flags: u8, payload: u64) -> Self {
        match kind {
            // Without an identity it is an event by itself.
            RawKind::End if payload != 0 => Self::End,
            RawKind::Task if flags & flags::TASK_KIND != TaskKind::Started as u8 => Self::End,
            RawKind::Alloc => Self::Allocated,
            RawKind::Free | RawKind::Realloc => Self::Block,
            _ => Self::Begin,
        }
    }

    const fn begins(self) -> bool {
        matches!(self, Self::Begin | Self::Allocated)
    }

    const fn is_of_allocator(self) -> bool {
        matches!(self, Self::Allocated | Self::Block)
    }
}

impl Recorder {
    /// Records an event of one slot. Returns its position, or `None` if it was lost (and counted).
    #[inline(always)]
    pub(in crate::on) fn emit(
        &self,
        hook: u32,
        kind: RawKind,
        flags: u8,
        w0: u64,
        payload: [u64; 2],
    ) -> Option<u64> {
        let position = self.reserve(1, Sort::of(kind, flags, payload[0]))?;
        self.write(position, hook, kind, flags, w0, payload);
        self.end_event();
        Some(position)
    }

    /// Records an event of two slots; as [`Self::emit`].
    #[inline(always)]
    pub(in crate::on) fn emit_wide(
        &self,
        hook: u32,
        kind: RawKind,
        flags: u8,
        w0: u64,
        payload: [u64; 2],
        (second_w0, second): (u64, [u64; 2]),
    ) -> Option<u64> {
        let position = self.reserve(2, Sort::of(kind, flags, payload[0]))?;
        // The first slot, which makes the event valid, is written last.
        self.write(position + 1, hook, RawKind::Cont, 0, second_w0, second);
        self.write(position, hook, kind, flags | flags::WIDE, w0, payload);
        self.end_event();
        Some(position)
    }

    /// Records what became of a block of the heap, where the thread stands; as [`Self::emit`].
    #[inline(always)]
    pub(in crate::on) fn emit_block(
        &self,
        kind: RawKind,
        flags: u8,
        payload: [u64; 2],
    ) -> Option<u64> {
        self.emit(self.at.get(), kind, flags, self.now(), payload)
    }

    /// As [`Self::emit_block`], if nothing is in the way; else it does nothing, and says so.
    #[inline(always)]
    pub(in crate::on) fn try_emit_block(
        &self,
        kind: RawKind,
        flags: u8,
        payload: [u64; 2],
    ) -> bool {
        self.try_emit(kind, |_| Some((self.at.get(), flags, payload))).is_some()
    }

    /// As [`Self::emit`], of an event that happens now, if nothing is in the way: no clock that takes a call, no event that a signal
    /// handler came in between, no end of the room. Else it does nothing, and returns `None`.
    ///
    /// `words` is given the time, and says hook, flags and payload, or that something else is in the way. What it changes is
    /// changed only if the event is recorded, if it does so last.
    ///
    /// It makes no call, for which any hook that it is inlined in would have to save registers.
    #[inline(always)]
    pub(in crate::on) fn try_emit(
        &self,
        kind: RawKind,
        words: impl FnOnce(u64) -> Option<(u32, u8, [u64; 2])>,
    ) -> Option<u64> {
        if !self.clock.is_counter() || self.in_event.replace(true) {
            return None;
        }
        // As in `reserve`.
        compiler_fence(Ordering::SeqCst);
        let position = self.position.load(Ordering::Relaxed);
        let has_room = position < self.limit.load(Ordering::Relaxed);
        let written = has_room.then(clock::counter).and_then(|now| {
            let (hook, flags, payload) = words(now)?;
            self.position.store(position + 1, Ordering::Relaxed);
            self.write(position, hook, kind, flags, now, payload);
            Some(position)
        });
        self.end_event();
        written
    }

    /// As [`Self::emit_block`], of one that stands for others or has a stack, as the [`second_word`] says, or was moved: then with
    /// address and size before that.
    ///
    /// [`second_word`]: memscope_format::raw::second_word
    #[inline(always)]
    pub(in crate::on) fn emit_wide_block(
        &self,
        kind: RawKind,
        flags: u8,
        payload: [u64; 2],
        second_word: u64,
        before: [u64; 2],
    ) -> Option<u64> {
        let second = (second_word, before);
        self.emit_wide(self.at.get(), kind, flags, self.now(), payload, second)
    }

    /// The id of the value that was born at a position of this ring.
    #[inline(always)]
    pub(in crate::on) fn value(&self, position: u64) -> u64 {
        self.ids.get() | value_id(0, position)
    }

    /// Takes the next slots and begins an event, which [`Self::end_event`] must end.
    #[inline(always)]
    fn reserve(&self, slots: u64, sort: Sort) -> Option<u64> {
        if self.in_event.replace(true) {
            self.memory().add_lost(1);
            return None;
        }
        // The compiler must not move what follows out of the guarded part; the processor cannot, for a signal
        // handler runs on the same one.
        compiler_fence(Ordering::SeqCst);
        let position = self.position.load(Ordering::Relaxed);
        if position + slots > self.limit.load(Ordering::Relaxed) {
            return self.make_room(slots, sort);
        }
        self.position.store(position + slots, Ordering::Relaxed);
        Some(position)
    }

    #[inline(always)]
    fn end_event(&self) {
        compiler_fence(Ordering::SeqCst);
        self.in_event.set(false);
    }

    #[inline(always)]
    fn slot(&self, position: u64) -> &SharedSlot {
        // SAFETY: the mask is the number of slots less one, a power of two.
        unsafe { self.memory.get().slots.get_unchecked((position & self.mask.get()) as usize) }
    }

    #[inline(always)]
    fn write(
        &self,
        position: u64,
        hook: u32,
        kind: RawKind,
        flags: u8,
        w0: u64,
        payload: [u64; 2],
    ) {
        let slot = self.slot(position);
        slot.w0.store(w0, Ordering::Relaxed);
        slot.p0.store(payload[0], Ordering::Relaxed);
        slot.p1.store(payload[1], Ordering::Relaxed);
        let header = SlotHeader::new(hook, kind, flags, 0).0 | self.lap.get();
        slot.header.store(header, Ordering::Release);
    }

    /// Opens the next quarter of the ring, waiting for the drain if it is not free yet. If there is no room the event
    /// is counted as lost, and has ended; so has one that is not to be recorded.
    #[cold]
    #[inline(never)]
    fn make_room(&self, slots: u64, sort: Sort) -> Option<u64> {
        let _errno = errno::Kept::new();
        let position = if self.is_bound(sort) { self.open_quarter(slots, sort) } else { None };
        if position.is_none() {
            self.end_event();
        }
        position
    }

    /// Whether the ring is of the session that records, after it was made to be where there is one.
    fn is_bound(&self, sort: Sort) -> bool {
        if session::is_active(self.session()) {
            return true;
        }
        if !session::is_recording() {
            session::count_if_lost();
            return false;
        }
        let bound = session::bind_again(self, sort.is_of_allocator());
        if !bound {
            session::count_lost();
        }
        bound
    }

    fn open_quarter(&self, slots: u64, sort: Sort) -> Option<u64> {
        let paused = session::is_paused();
        if paused && sort.begins() {
            return None;
        }
        let quarter = self.capacity() / 4;
        let mut position = self.position.load(Ordering::Relaxed);
        let mut boundary = (position / quarter + 1) * quarter;
        if !position.is_multiple_of(quarter) && position + slots > boundary {
            // A wide event must not lie on both sides of a boundary: fill up.
            for pad in position..boundary {
                self.write(pad, 0, RawKind::Pad, 0, 0, [0; 2]);
            }
            position = boundary;
            boundary += quarter;
            self.position.store(position, Ordering::Relaxed);
        }
        let begin = session::patience();
        let patience = if sort.begins() { begin } else { begin.max(LEAST_PATIENCE_OF_ENDS) };
        // While recording is paused each event comes here, and need not wake the drain.
        let has_room = paused && self.has_room(boundary);
        if !has_room && !self.wait_for(boundary, patience) {
            self.memory().add_lost(1);
            return None;
        }
        let lap = lap_mark(position, self.capacity());
        self.lap.set(u64::from(lap) << 48);
        self.limit.store(boundary, Ordering::Relaxed);
        // Closing and pausing say so, then set every limit to 0, with the same fence in between: either that comes after the
        // line above, or what was said is seen here.
        fence(Ordering::SeqCst);
        if session::is_paused() {
            self.limit.store(0, Ordering::Relaxed);
        }
        if !session::is_active(self.session()) {
            self.limit.store(0, Ordering::Relaxed);
            session::count_if_lost();
            return None;
        }
        self.position.store(position + slots, Ordering::Relaxed);
        Some(position)
    }

    fn has_room(&self, boundary: u64) -> bool {
        boundary - self.drained() <= self.capacity()
    }

    /// Notes that the owner has waited since then, if it has.
    fn note_held_up(&self, since: Option<Instant>) {
        if let Some(since) = since {
            let waited = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let before = self.held_up.load(Ordering::Relaxed);
            self.held_up.store(before.saturating_add(waited), Ordering::Relaxed);
        }
    }

    /// Waits until the slots below `boundary` can be written to.
    fn wait_for(&self, boundary: u64, patience: Duration) -> bool {
        let mut since: Option<Instant> = None;
        loop {
            if !session::is_active(self.session()) {
                // It is said by whoever asks why.
                return true;
            }
            // The drain is woken at each quarter, so that it is done before the ring is full.
            session::wake_drain();
            if self.has_room(boundary) {
                self.stalled.set(false);
                self.note_held_up(since);
                return true;
            }
            // Inside memscope this thread may hold a lock that the drain needs.
            if self.stalled.get() || session::is_busy() || patience.is_zero() {
                return false;
            }
            let waited = since.get_or_insert_with(Instant::now).elapsed();
            if waited > patience {
                // A shorter one is no reason for ends not to wait.
                self.stalled.set(patience >= LEAST_PATIENCE_OF_ENDS);
                self.note_held_up(since);
                return false;
            }
            if waited < Duration::from_micros(50) {
                std::thread::yield_now();
            } else {
                std::thread::sleep(Duration::from_micros(50));
            }
        }
    }
}
