//! What is open on a thread: drops within drops, calls within calls, the task and the site that it is at.

use super::{OPEN_DROPS, Recorder};
use crate::on::sampling::is_left_out;
use core::cell::Cell;
use core::sync::atomic::{Ordering, compiler_fence};
use memscope_format::raw::left_out;

/// A drop that has begun and not ended. Its words are read one by one, where they are needed: together they would take registers that
/// the hooks do not have.
#[derive(Debug)]
pub(in crate::on) struct OpenDrop {
    value: Cell<u64>,
    start: Cell<u64>,
    /// The type of the first drop hook that ran directly in it; 0 if none has.
    first_hook: Cell<u32>,
    /// What was left out directly within it: bits of [`left_out`].
    left_out_within: Cell<u8>,
}

impl OpenDrop {
    pub(super) const fn new() -> Self {
        Self {
            value: Cell::new(0),
            start: Cell::new(0),
            first_hook: Cell::new(0),
            left_out_within: Cell::new(0),
        }
    }

    #[inline(always)]
    fn begin(&self, value: u64, start: u64) {
        self.value.set(value);
        self.start.set(start);
        self.first_hook.set(0);
        self.left_out_within.set(0);
    }

    /// When it began.
    #[inline(always)]
    pub(in crate::on) fn start(&self) -> u64 {
        self.start.get()
    }
}

impl Recorder {
    /// Notes that the drop of a value begins now.
    #[inline(always)]
    pub(in crate::on) fn open_drop(&self, value: u64, start: u64) {
        let depth = self.depth.get();
        // The depth first: a signal handler that drops something then uses the entries above this one.
        self.depth.set(depth + 1);
        compiler_fence(Ordering::SeqCst);
        if let Some(open) = self.open_slot(depth) {
            open.begin(value, start);
        }
    }

    /// Notes that the innermost drop, that of `value`, has ended. Returns it; `None` if it is not
    /// the innermost one (too deeply nested, or begun when nothing was recorded).
    #[inline(always)]
    pub(in crate::on) fn close_drop(&self, value: u64) -> Option<ClosedDrop> {
        let depth = self.depth.get().checked_sub(1)?;
        match self.open_slot(depth) {
            Some(open) if open.value.get() == value => {
                self.depth.set(depth);
                Some(ClosedDrop::of(open))
            }
            // Beyond the kept ones only the count is known.
            None => {
                self.depth.set(depth);
                Some(ClosedDrop { start: None, first_hook: 0, left_out_within: 0 })
            }
            Some(_) => self.close_out_of_order(value),
        }
    }

    /// The innermost drop, if it is that of `value` and kept, and what [`Self::close_to`] is to be given to close it.
    #[inline(always)]
    pub(in crate::on) fn innermost_drop(&self, value: u64) -> Option<(&OpenDrop, u32)> {
        let depth = self.depth.get().checked_sub(1)?;
        let open = self.open_slot(depth)?;
        (open.value.get() == value).then_some((open, depth))
    }

    /// Notes that the drops deeper than this have ended.
    #[inline(always)]
    pub(in crate::on) fn close_to(&self, depth: u32) {
        self.depth.set(depth);
    }

    /// Closes a drop that is not the innermost: those within it were abandoned by a panic.
    #[cold]
    fn close_out_of_order(&self, value: u64) -> Option<ClosedDrop> {
        let depth = self.depth.get().min(OPEN_DROPS as u32);
        for outer in (0..depth).rev() {
            let open = self.open_slot(outer)?;
            if open.value.get() == value {
                self.depth.set(outer);
                let kept = (0..=outer).filter_map(|at| self.open_slot(at));
                let left_out = kept.filter(|open| is_left_out(open.value.get())).count();
                self.left_out_drops.set(left_out as u32);
                return Some(ClosedDrop::of(open));
            }
        }
        None
    }

    /// Notes that the drop of a value begins that is left out.
    #[inline(always)]
    pub(in crate::on) fn open_left_out(&self, value: u64) {
        self.left_out_drops.set(self.left_out_drops.get() + 1);
        self.open_drop(value, 0);
    }

    /// Notes that the drop of a value has ended that is left out.
    #[inline(always)]
    pub(in crate::on) fn close_left_out(&self, value: u64) {
        if self.close_drop(value).is_some() {
            self.left_out_drops.set(self.left_out_drops.get().saturating_sub(1));
            self.leave_out_within(left_out::WITHIN);
        } else {
            // Where it begins is not seen, of such values.
            self.leave_out_within(left_out::UNTIMED_WITHIN);
        }
    }

    /// Notes that drops were left out directly in the innermost open one.
    #[inline(always)]
    pub(in crate::on) fn leave_out_within(&self, what: u8) {
        if let Some(open) = self.innermost() {
            open.left_out_within.set(open.left_out_within.get() | what);
        }
    }

    /// How many drops are open, recorded or left out.
    #[inline(always)]
    pub(in crate::on) fn open_drops(&self) -> u32 {
        self.depth.get()
    }

    /// Whether any of them is left out.
    #[inline(always)]
    pub(in crate::on) fn leaves_out_drops(&self) -> bool {
        self.left_out_drops.get() != 0
    }

    /// How many recorded drops are open, and whether the innermost open one is left out.
    #[inline(always)]
    pub(in crate::on) fn enclosing(&self) -> (u32, u8) {
        let (depth, left_out) = (self.depth.get(), self.left_out_drops.get());
        if left_out == 0 {
            return (depth, 0);
        }
        // Of one that is not kept nothing is known.
        let around = self.innermost().is_none_or(|open| is_left_out(open.value.get()));
        (depth.saturating_sub(left_out), if around { left_out::AROUND } else { 0 })
    }

    /// Notes in the innermost open drop that the drop hook of a type ran in it.
    #[inline(always)]
    pub(in crate::on) fn note_hook(&self, type_id: u32) {
        if let Some(open) = self.innermost()
            && open.first_hook.get() == 0
        {
            open.first_hook.set(type_id);
        }
    }

    /// Notes that a call begins; returns how many recorded ones enclose it, and what [`Self::close_call`] is to be given.
    #[inline(always)]
    pub(in crate::on) fn open_call(&self) -> (u32, u8) {
        let depth = self.calls.get();
        self.calls.set(depth + 1);
        (depth as u32, self.call_left_out.replace(0))
    }

    /// Notes that the call with this depth has ended, and with it those within that were abandoned. Returns what was left
    /// out around and within it.
    #[inline(always)]
    pub(in crate::on) fn close_call(&self, depth: u32, outer: u8) -> u8 {
        self.calls.set(depth.into());
        self.call_left_out.replace(outer) & left_out::WITHIN | outer & left_out::AROUND
    }

    /// Notes that a call begins that is left out; returns what [`Self::close_left_out_call`] is to be given.
    #[inline(always)]
    pub(in crate::on) fn open_left_out_call(&self) -> u8 {
        self.call_left_out.replace(left_out::AROUND)
    }

    /// Notes that a call has ended that is left out.
    #[inline(always)]
    pub(in crate::on) fn close_left_out_call(&self, outer: u8) {
        self.call_left_out.set(outer | left_out::WITHIN);
    }

    /// The task that is polled; 0 if none is, or one that is left out.
    #[inline(always)]
    pub(in crate::on) fn task(&self) -> u64 {
        self.task.get()
    }

    /// Says which task is polled from now on; returns the one before.
    #[inline(always)]
    pub(in crate::on) fn swap_task(&self, task: u64) -> u64 {
        self.task.replace(task)
    }

    /// Says where the owner stands from now on; returns where it stood before.
    #[inline(always)]
    pub(in crate::on) fn stand_at(&self, site: u32) -> u32 {
        self.at.replace(site)
    }

    /// Where the owner stands.
    #[inline(always)]
    pub(in crate::on) fn at(&self) -> u32 {
        self.at.get()
    }

    /// The innermost open drop, if it is kept.
    #[inline(always)]
    fn innermost(&self) -> Option<&OpenDrop> {
        self.depth.get().checked_sub(1).and_then(|depth| self.open_slot(depth))
    }

    #[inline(always)]
    fn open_slot(&self, depth: u32) -> Option<&OpenDrop> {
        self.open.get(depth as usize)
    }
}

/// What is known of a drop that has ended.
#[derive(Debug, Clone, Copy)]
pub(in crate::on) struct ClosedDrop {
    /// When it began; `None` if it was too deeply nested to be kept.
    pub(in crate::on) start: Option<u64>,
    /// The type of the first drop hook that ran directly in it; 0 if none has.
    pub(in crate::on) first_hook: u32,
    /// What was left out directly within it.
    pub(in crate::on) left_out_within: u8,
}

impl ClosedDrop {
    #[inline(always)]
    pub(in crate::on) fn of(open: &OpenDrop) -> Self {
        let OpenDrop { start, first_hook, left_out_within, .. } = open;
        Self {
            start: Some(start.get()),
            first_hook: first_hook.get(),
            left_out_within: left_out_within.get(),
        }
    }
}
