//! Blocks as events in the thread's ring, one for each thing that an allocator does.
//!
//! Recording of blocks begins with the session, which a hook starts: an allocator could not start one. What it does before, and
//! what finds no place in a ring, is counted as untold, so that rows and counts add up to the same.

use super::counts::{self, Operation};
use super::slot::{Slot, Telling};
use super::thread::Resizing;
use super::{Mode, mode, sampled};
use crate::on::recorder::Recorder;
use crate::on::{session, stacks};
use core::alloc::Layout;
use memscope_format::raw::{RawKind, flags, second_word};

/// Records that the owner of the counters has allocated a block.
#[inline(always)]
pub(super) fn allocated(slot: &'static Slot, block: *mut u8, layout: Layout, zeroed: u8) {
    let flags = align_log2(layout) | zeroed;
    in_one_slot(slot, RawKind::Alloc, flags, block.addr() as u64, layout.size() as u64);
}

/// Records that it frees one.
#[inline(always)]
pub(super) fn freed(slot: &'static Slot, block: *mut u8, layout: Layout) {
    let flags = align_log2(layout);
    in_one_slot(slot, RawKind::Free, flags, block.addr() as u64, layout.size() as u64);
}

/// Records that one has got another size, and may have been moved.
#[inline(always)]
pub(super) fn resized(
    slot: &'static Slot,
    chosen: Resizing,
    before: (*mut u8, Layout),
    after: (*mut u8, usize),
) {
    let (block, layout) = before;
    let addrs = [block.addr() as u64, after.0.addr() as u64];
    moved(slot, chosen, align_log2(layout), addrs, [layout.size() as u64, after.1 as u64]);
}

#[inline(always)]
const fn align_log2(layout: Layout) -> u8 {
    layout.align().trailing_zeros() as u8 & flags::ALIGN
}

/// Out of line: a program of which only counts are taken is not to carry it in each of its allocations.
#[inline(never)]
fn in_one_slot(slot: &'static Slot, kind: RawKind, flags: u8, addr: u64, size: u64) {
    match slot.recorder_of_all() {
        Some(recorder) if recorder.try_emit_block(kind, flags, [addr, size]) => {}
        _ => in_one_slot_if_possible(slot, kind, flags, addr, size),
    }
}

#[cold]
#[inline(never)]
fn in_one_slot_if_possible(slot: &'static Slot, kind: RawKind, flags: u8, addr: u64, size: u64) {
    if mode() == Mode::Sampled {
        return match kind {
            RawKind::Free => sampled_free(slot, flags, addr, size),
            _ => sampled_alloc(slot, flags, addr, size),
        };
    }
    let told = recorder(slot).and_then(|recorder| match stack_of(kind) {
        0 => recorder.emit_block(kind, flags, [addr, size]),
        stack => recorder.emit_wide_block(kind, flags, [addr, size], stack, [0; 2]),
    });
    if told.is_none() {
        let operation = match kind {
            RawKind::Free => Operation::freed(size),
            _ => Operation::allocated(size),
        };
        counts::count_untold(operation);
    }
}

#[inline(never)]
fn moved(
    slot: &'static Slot,
    chosen: Resizing,
    flags: u8,
    [old_addr, addr]: [u64; 2],
    [old, new]: [u64; 2],
) {
    if mode() == Mode::Sampled {
        // A block that grows is to be found by what it grows to, and not by what it was once.
        if let Resizing(Some(weight)) = chosen {
            sampled_end(slot, flags, [old_addr, old], weight);
        }
        return sampled_alloc(slot, flags, addr, new);
    }
    let small = u64::from(u32::MAX);
    let stays = old_addr == addr && old <= small && new <= small;
    let kind = RawKind::Realloc;
    let told = recorder(slot).and_then(|recorder| match stack_of(kind) {
        0 if stays => recorder.emit_block(kind, flags, [addr, new | old << 32]),
        stack => recorder.emit_wide_block(kind, flags, [addr, new], stack, [old_addr, old]),
    });
    if told.is_none() {
        counts::count_untold(Operation::resized(old, new));
    }
}

/// The second word of an event with the calls that led to it, where such are taken of each block; else 0.
fn stack_of(kind: RawKind) -> u64 {
    match stacks::of_each_block() && kind != RawKind::Free {
        true => second_word(0, stacks::here()),
        false => 0,
    }
}

/// Records a block if it is chosen.
#[inline(always)]
fn sampled_alloc(slot: &'static Slot, flags: u8, addr: u64, size: u64) {
    let Some(weight) = slot.chooser.choose(size, sampled::mean()) else { return };
    let Some(recorder) = recorder(slot) else { return count_lost_begin() };
    if !sampled::remember(addr, weight) {
        return session::count_lost();
    }
    let second = second_word(weight, stacks::here());
    if recorder.emit_wide_block(RawKind::Alloc, flags, [addr, size], second, [0; 2]).is_none() {
        sampled::forget(addr);
    }
}

/// Records that a block is freed if it was chosen.
#[inline(always)]
fn sampled_free(slot: &'static Slot, flags: u8, addr: u64, size: u64) {
    if let Some(weight) = sampled::forget(addr) {
        sampled_end(slot, flags, [addr, size], weight);
    }
}

/// Records that a block is freed that was chosen.
fn sampled_end(slot: &'static Slot, flags: u8, addr_and_size: [u64; 2], weight: u32) {
    match recorder(slot) {
        Some(recorder) => {
            let second = second_word(weight, 0);
            recorder.emit_wide_block(RawKind::Free, flags, addr_and_size, second, [0; 2]);
        }
        None => count_lost(),
    }
}

/// As for a block that was to get another size, and did not.
pub(super) fn stays(addr: u64, Resizing(chosen): Resizing) {
    if chosen.is_some_and(|weight| !sampled::remember(addr, weight)) {
        count_lost();
    }
}

/// As for a block of so many bytes that nobody is there to record: if it would be chosen, it is lost.
pub(super) fn allocated_untold(bytes: i64) {
    if u64::try_from(bytes).is_ok_and(sampled::would_choose) {
        count_lost_begin();
    }
}

/// Counts a block that nobody records, but not while recording is paused: then none is to be.
#[cold]
fn count_lost_begin() {
    if !session::is_paused() {
        count_lost();
    }
}

/// As for a free of a block that nobody is there to record: if it was chosen, its end is lost.
pub(super) fn freed_untold(addr: u64) {
    if sampled::forget(addr).is_some() {
        count_lost();
    }
}

/// Counts a block, or its end, that nobody records though there is a recording.
#[cold]
pub(super) fn count_lost() {
    if session::is_recording() {
        session::count_lost();
    }
}

/// Where the thread's events go; `None` while nothing is recorded.
fn recorder(slot: &'static Slot) -> Option<&'static Recorder> {
    match slot.telling() {
        Telling::Events(recorder) if !session::is_closed() => Some(recorder),
        Telling::NotYet => attach(slot),
        Telling::Events(_) | Telling::Never => None,
    }
}

/// Gets the thread a recorder, if there is a recording.
#[cold]
#[inline(never)]
fn attach(slot: &'static Slot) -> Option<&'static Recorder> {
    if !session::is_recording() {
        return None;
    }
    let recorder = session::attach_allocating_thread();
    // One that gets none may wait for a lock that its own caller holds: it is not to wait at each block.
    slot.tell(recorder.map_or(Telling::Never, Telling::Events));
    recorder
}
