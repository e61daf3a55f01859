//! Call stacks: the calls that led to a sampled block, or that a slow drop ended in.
//!
//! A stack is taken from within the allocator and from signal handlers, so nothing here takes a lock, allocates, or reads
//! memory that it has not shown to be there. It [`walk`]s the thread's own frames by the [`rules`] that the compiler wrote for
//! unwinding: of code that keeps frame pointers these say to follow them, of other code where else the frame ends. What a
//! rule says of an address is kept, so that of calls that were seen before no table is read. A stack gets an id in the
//! [`table`], and the drain writes what it is before the rows that name it. Addresses stay as they are: the [`modules`] say
//! what of which file lay there, and names are for who reads the capture.

#[cfg(all(target_os = "linux", target_arch = "x86_64", not(miri)))]
mod modules;
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(miri)))]
mod rules;
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(miri)))]
mod table;
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(miri)))]
mod walk;

#[cfg(not(all(target_os = "linux", target_arch = "x86_64", not(miri))))]
mod elsewhere;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64", not(miri))))]
use elsewhere::{modules, table, walk};

pub(super) use walk::know_this_thread;

use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use memscope_format::defs::{Defs, ModuleDef};
use memscope_format::raw::DURATION_UNKNOWN;
use std::time::{Duration, Instant};

/// Of what stacks are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stacks {
    /// Of nothing.
    Off = 0,
    /// Of blocks that are chosen, and of slow drops.
    Sampled = 1,
    /// Of each block, and of slow drops.
    All = 2,
}

/// The time from one look at what is loaded to the next.
const LOOKING: Duration = Duration::from_secs(1);
/// The same, if a stack went through code of no known file: it may be of none at all, made by the program.
const AGAIN: Duration = Duration::from_millis(20);

static TAKEN_OF: AtomicU8 = AtomicU8::new(Stacks::Off as u8);

/// More ticks than an event can say: no drop takes so long.
const NEVER: u64 = DURATION_UNKNOWN - 1;

/// Ticks from which on a drop is slow; at most [`NEVER`].
static SLOW: AtomicU64 = AtomicU64::new(NEVER);

/// Says of what stacks are taken from now on.
pub(super) fn take_of(what: Stacks) {
    TAKEN_OF.store(what as u8, Ordering::Relaxed);
}

/// Whether one is taken of each block.
pub(super) fn of_each_block() -> bool {
    TAKEN_OF.load(Ordering::Relaxed) == Stacks::All as u8
}

/// Says from how many ticks on a drop is slow.
pub(super) fn slow_from(ticks: u64) {
    SLOW.store(ticks.min(NEVER), Ordering::Relaxed);
}

/// From how many ticks on a drop is slow.
#[inline(always)]
pub(super) fn slow() -> u64 {
    SLOW.load(Ordering::Relaxed)
}

/// Takes the stack of this thread. Returns its id, 0 if none is to be taken, or could be.
#[cold]
#[inline(never)]
pub(super) fn here() -> u32 {
    if TAKEN_OF.load(Ordering::Relaxed) == Stacks::Off as u8 {
        return 0;
    }
    let mut room = [0; walk::MOST];
    walk::take(&mut room).map_or(0, |(addresses, truncated)| table::id(addresses, truncated))
}

/// What a capture defines of stacks, and of the files that their addresses are in.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    modules: modules::Known,
    stacks: table::Known,
    /// Files that are known and not in the capture yet.
    new: Vec<ModuleDef>,
    looked: Option<Instant>,
}

impl Definitions {
    /// Looks which files the process has loaded, so that stacks can go through them: once a second, sooner if one went elsewhere, and
    /// not where none are taken.
    pub(super) fn look(&mut self) {
        let pause = if modules::is_missing() { AGAIN } else { LOOKING };
        let is_due = self.looked.is_none_or(|looked| looked.elapsed() >= pause);
        if is_due && TAKEN_OF.load(Ordering::Relaxed) != Stacks::Off as u8 {
            self.new.extend(self.modules.learn());
            self.looked = Some(Instant::now());
        }
    }

    /// Returns what is not in the capture yet, of all that events name which were read before.
    pub(super) fn take(&mut self) -> Defs {
        let stacks = self.stacks.learn();
        let modules = core::mem::take(&mut self.new);
        Defs { modules, stacks, ..Defs::default() }
    }
}
