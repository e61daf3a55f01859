//! The heap: what an [`Allocator`](crate::Allocator) tells.
//!
//! All of it runs within calls of the allocator: it takes no lock, allocates nothing, never unwinds, and asks nothing of
//! the standard library that may (the current thread's handle, the environment).

mod blocks;
mod counts;
mod reading;
mod sampled;
mod slot;
mod thread;

use counts::total;
pub(super) use counts::{begin_session, leave_untold};
pub(super) use reading::reading;
#[cfg(unix)]
pub(super) use thread::after_fork_in_child;
pub(super) use thread::{Inside, read as thread_counts, recorder, release, use_recorder};
pub(crate) use thread::{allocated, allocated_zeroed, freed, resized, resizing, stays};

use super::{session, standing};
use crate::heap_counts::{Heap, ThreadHeap};
use crate::session_types::{HeapMode, SessionError};
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// What is done with what the allocator tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Mode {
    Undecided = 0,
    Off = 1,
    /// It is counted.
    Counters = 2,
    /// It is counted, and some blocks are events.
    Sampled = 3,
    /// It is counted, and each block is an event.
    Full = 4,
}

impl Mode {
    const fn of(asked: HeapMode) -> Self {
        match asked {
            HeapMode::Off => Self::Off,
            HeapMode::Counters => Self::Counters,
            HeapMode::Sampled(_) => Self::Sampled,
            HeapMode::Full => Self::Full,
        }
    }

    /// The same as a program knows it.
    fn told(self) -> HeapMode {
        match self {
            Self::Undecided | Self::Off => HeapMode::Off,
            Self::Counters => HeapMode::Counters,
            Self::Sampled => HeapMode::Sampled(sampled::mean()),
            Self::Full => HeapMode::Full,
        }
    }

    /// Whether blocks are events.
    const fn tells(self) -> bool {
        matches!(self, Self::Sampled | Self::Full)
    }
}

static MODE: AtomicU8 = AtomicU8::new(Mode::Undecided as u8);

/// Whether the environment, or a session, has said what the mode is to be.
static IS_CHOSEN: AtomicBool = AtomicBool::new(false);

/// Whether captures are to have readings of the counts.
static IS_READ: AtomicBool = AtomicBool::new(true);

/// Says whether the capture that begins is to have readings of the counts.
pub(super) fn read_it(is_read: bool) {
    IS_READ.store(is_read, Ordering::Relaxed);
}

fn is_read() -> bool {
    IS_READ.load(Ordering::Relaxed)
}

/// The mode, decided by the first call of an allocator.
fn mode() -> Mode {
    match MODE.load(Ordering::Relaxed) {
        0 => decide(),
        1 => Mode::Off,
        2 => Mode::Counters,
        3 => Mode::Sampled,
        _ => Mode::Full,
    }
}

/// Whether some blocks are events. Before the first allocation none is.
#[inline(always)]
fn is_sampled() -> bool {
    MODE.load(Ordering::Relaxed) == Mode::Sampled as u8
}

/// Decides by the environment, as it is at the first allocation: mostly that is before `main`, on the only thread.
#[cold]
fn decide() -> Mode {
    let set = variable(c"MEMSCOPE_ALLOC");
    if set.is_some_and(|set| !set.is_empty()) {
        IS_CHOSEN.store(true, Ordering::Relaxed);
    }
    let (mode, odd) = match set {
        _ if matches!(variable(c"MEMSCOPE"), Some(b"off" | b"0")) => (Mode::Off, None),
        Some(b"off" | b"0") => (Mode::Off, None),
        Some(b"counters" | b"") | None => (Mode::Counters, None),
        Some(b"full") => (Mode::Full, None),
        Some(b"sampled") => (Mode::Sampled, None),
        Some(set) => match set.strip_prefix(b"sampled=").and_then(mean) {
            Some(mean) => {
                sampled::set_mean(mean);
                (Mode::Sampled, None)
            }
            None => (Mode::Counters, Some(set)),
        },
    };
    let undecided = Mode::Undecided as u8;
    let first = MODE.compare_exchange(undecided, mode as u8, Ordering::Relaxed, Ordering::Relaxed);
    if mode.tells() {
        standing::matters();
    }
    if let (Ok(_), Some(odd)) = (first, odd) {
        // What this allocates is memscope's own.
        let _busy = session::Busy::enter();
        let odd = String::from_utf8_lossy(odd);
        session::report(format_args!(
            "MEMSCOPE_ALLOC={odd} is not known (`off`, `counters`, `sampled`, `sampled=BYTES` or `full`); counting"
        ));
    }
    mode
}

/// Bytes of which one can be chosen.
pub(super) const MEANS: core::ops::RangeInclusive<u64> = 1..=sampled::GREATEST_MEAN;

/// A number of bytes of which one is to be chosen.
fn mean(text: &[u8]) -> Option<u64> {
    let mean = core::str::from_utf8(text).ok()?.parse().ok()?;
    MEANS.contains(&mean).then_some(mean)
}

/// Does as a session asks; not where it was said otherwise before. For a caller within memscope, before the session begins.
pub(super) fn choose(asked: HeapMode) -> Result<(), SessionError> {
    let now = mode();
    let is_so = match asked {
        HeapMode::Sampled(mean) => now == Mode::Sampled && sampled::mean() == mean,
        _ => now == Mode::of(asked),
    };
    if IS_CHOSEN.swap(true, Ordering::Relaxed) || is_so {
        return match is_so {
            true => Ok(()),
            false => Err(SessionError::HeapDecided { mode: now.told() }),
        };
    }
    if let HeapMode::Sampled(mean) = asked {
        sampled::set_mean(mean);
    }
    let mode = Mode::of(asked);
    MODE.store(mode as u8, Ordering::Relaxed);
    if mode.tells() {
        standing::matters();
        counts::tell_from_now_on();
    }
    Ok(())
}

/// A variable of the environment. Not by `std::env`, which takes a lock that this thread may hold.
fn variable(name: &CStr) -> Option<&'static [u8]> {
    // SAFETY: the name ends with a zero byte. Whoever changes the environment while other threads run (which Rust calls
    // unsafe for this reason) has allocated before, and this is called by the first allocation alone.
    let value = unsafe { libc::getenv(name.as_ptr()) };
    // SAFETY: what is not null is a string that ends with a zero byte; it stays where it is for the same reason.
    (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) }.to_bytes())
}

/// The counts of the process; `None` if nothing counts.
fn read() -> Option<Heap> {
    (mode() != Mode::Off && counts::are_any()).then(total)
}

/// Whether an allocator of ours is in use, which none need be. Asks the global one for a block to see.
fn is_watched() -> bool {
    if mode() == Mode::Off {
        return false;
    }
    if counts::are_any() {
        return true;
    }
    let busy = session::Busy::enter();
    drop(core::hint::black_box(Box::new(0_u8)));
    drop(busy);
    counts::are_any()
}

/// Returns what the program has allocated and freed so far, in all threads, those that have ended included.
///
/// `None` if nothing counts it: no [`Allocator`](crate::Allocator) is in use, or `MEMSCOPE_ALLOC=off` or `MEMSCOPE=off` is
/// set, or the feature `record` is off.
///
/// Counts of threads that allocate meanwhile are of slightly different moments; what was freed was allocated in them, though.
/// Takes a microsecond or less.
///
/// ```
/// # #[cfg(not(feature = "alloc"))]
/// #[global_allocator]
/// static ALLOCATOR: memscope::Allocator = memscope::Allocator::new();
///
/// let before = memscope::heap().expect("the allocator is watched").program;
/// let bytes = vec![7_u8; 4096];
/// let after = memscope::heap().expect("the allocator is watched").program;
/// assert!(after.allocated_bytes >= before.allocated_bytes + 4096);
/// # drop(bytes);
/// ```
#[must_use]
pub fn heap() -> Option<Heap> {
    is_watched().then(total)
}

/// Returns what the calling thread has allocated and freed since it began to.
///
/// `None` as for [`heap`]; and for a thread beyond the thousandth that runs at the same time, which is counted in the
/// process alone.
#[must_use]
pub fn thread_heap() -> Option<ThreadHeap> {
    is_watched().then(thread_counts)?
}
