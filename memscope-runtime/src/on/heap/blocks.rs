//! Blocks as events in the thread's ring, one for each thing that an allocator does.
//!
//! Recording of blocks begins with the session, which a hook starts: an allocator could not start one. What it does before, and
//! what finds no place in a ring, is counted as untold, so that rows and counts add up to the same.

use super::counts::{self, Operation};
use super::slot::{Slot, Telling};
use crate::on::recorder::Recorder;
use crate::on::session;
use core::alloc::Layout;
use memscope_format::raw::{RawKind, flags};

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
pub(super) fn resized(slot: &'static Slot, before: (*mut u8, Layout), after: (*mut u8, usize)) {
    let (block, layout) = before;
    let addrs = [block.addr() as u64, after.0.addr() as u64];
    moved(slot, align_log2(layout), addrs, [layout.size() as u64, after.1 as u64]);
}

#[inline(always)]
const fn align_log2(layout: Layout) -> u8 {
    layout.align().trailing_zeros() as u8 & flags::ALIGN
}

/// Out of line: a program of which only counts are taken is not to carry it in each of its allocations.
#[inline(never)]
fn in_one_slot(slot: &'static Slot, kind: RawKind, flags: u8, addr: u64, size: u64) {
    let told = recorder(slot).and_then(|recorder| recorder.emit_block(kind, flags, [addr, size]));
    if told.is_none() {
        let operation = match kind {
            RawKind::Free => Operation::freed(size),
            _ => Operation::allocated(size),
        };
        counts::count_untold(operation);
    }
}

#[inline(never)]
fn moved(slot: &'static Slot, flags: u8, [old_addr, addr]: [u64; 2], [old, new]: [u64; 2]) {
    let small = u64::from(u32::MAX);
    let stays = old_addr == addr && old <= small && new <= small;
    let told = recorder(slot).and_then(|recorder| match stays {
        true => recorder.emit_block(RawKind::Realloc, flags, [addr, new | old << 32]),
        false => recorder.emit_moved_block(flags, [addr, new], [old_addr, old]),
    });
    if told.is_none() {
        counts::count_untold(Operation::resized(old, new));
    }
}

/// Where the thread's events go; `None` while nothing is recorded.
#[inline(always)]
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
