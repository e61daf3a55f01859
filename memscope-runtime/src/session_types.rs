//! What users say of a session, and what it tells them.

use core::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How the rows of a capture are compressed. They can be compressed anew later, with `memscope compact`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Zstandard at level 1: a few bytes an event.
    #[default]
    Balanced,
    /// Zstandard in haste, and not on what hardly repeats: less work for the drain, and files of about twice the size.
    Fast,
    /// Zstandard at level 12: the smallest files, for programs that record little. The drain takes several times as long.
    Small,
    /// None: files of two to three times the size. Whether that is faster than `Fast` depends on the disk.
    None,
}

/// What a session records, as far as it can be chosen; all of it, if nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stream {
    /// Births and ends of values: of variables, arguments, annotated types and what functions return. Statics and thread-locals
    /// are recorded always, and so is what `snapshot!` asks for.
    Values,
    /// Calls of functions, and tasks: where much is annotated, they are most of all events.
    Calls,
    /// What the elements of containers own, and how keys are spread: what `deep` asks for, and `snapshot!(v, deep)`.
    Contents,
    /// Readings of the process, its heap and the recorder, once a second. Marks and pauses are noted always.
    Readings,
}

impl Stream {
    /// All of them, with what they are called in `MEMSCOPE_STREAMS`.
    #[cfg(all(feature = "record", not(target_family = "wasm")))]
    pub(crate) const ALL: [(Self, &'static str); 4] = [
        (Self::Values, "values"),
        (Self::Calls, "calls"),
        (Self::Contents, "contents"),
        (Self::Readings, "readings"),
    ];
}

/// What is done with what the allocator hands out, as far as [`Allocator`](crate::Allocator) watches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeapMode {
    /// Captures have nothing of it, and [`heap`](crate::heap()) gives none. Until the session that says so begins it was counted; with
    /// `MEMSCOPE_ALLOC=off` it never is.
    Off,
    /// It is counted.
    Counters,
    /// Some blocks are recorded besides, by chance: one in so many bytes that are allocated, from 1 to 2^31, on average.
    Sampled(u64),
    /// Each block is recorded besides.
    Full,
}

impl HeapMode {
    /// One in so many bytes, if nothing else is said.
    pub const SAMPLED: Self = Self::Sampled(512 << 10);
}

/// When the bytes of a capture must be on the device. What the program wrote outlives the program in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// When the system sees fit.
    #[default]
    System,
    /// Every five seconds of writing: what is older outlives the machine.
    Checkpoint,
    /// After each batch of events, a second at most.
    Commit,
}

/// What a thread does whose ring is full, because the drain is slower than it records.
///
/// Either way what is left out is counted, and the end of a value whose birth was recorded waits for ten seconds before it is
/// given up: a value that seems to live for ever would be a wrong figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// Waits for room; after this time what would have been recorded is counted as lost.
    Wait(Duration),
    /// Does not wait: values, calls and snapshots that begin meanwhile are counted as lost.
    Discard,
}

impl Default for Overflow {
    fn default() -> Self {
        Self::Wait(Duration::from_secs(10))
    }
}

impl Overflow {
    /// How long something that begins waits.
    #[cfg(all(feature = "record", not(target_family = "wasm")))]
    pub(crate) const fn patience(self) -> Duration {
        match self {
            Self::Wait(patience) => patience,
            Self::Discard => Duration::ZERO,
        }
    }
}

/// What a session has recorded so far, and how far the drain is behind: see [`stats`](crate::stats).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Events in the capture file. Those that wait in rings are not among them.
    pub events: u64,
    /// Events that could not be recorded.
    pub lost: u64,
    /// Bytes of the capture file.
    pub bytes: u64,
    /// Rings: one for each thread that records, and those that ended threads left for others.
    pub rings: u32,
    /// How much of the fullest ring waits for the drain, from 0 to 1000 thousandths.
    pub fullest_ring_permille: u32,
    /// How old the oldest event that is not in the file may be; zero if none is waiting.
    pub lag: Duration,
    /// Whether the session is paused.
    pub paused: bool,
}

/// Why a session could not be started, or used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// There is a session already, which the first event of the process may have started.
    AlreadyRecording {
        /// Where it is recorded.
        capture: PathBuf,
    },
    /// A ring cannot have this size.
    RingSize {
        /// What was asked for, in KiB.
        kib: u64,
    },
    /// Not one value in so many can be recorded.
    Sampling {
        /// What was asked for.
        one_in: u32,
    },
    /// The first session of the process decided otherwise how many values, and whether values and calls are recorded.
    Decided {
        /// One value in so many is recorded.
        one_in: u32,
        /// Whether values are.
        values: bool,
        /// Whether calls and tasks are.
        calls: bool,
    },
    /// Blocks cannot be chosen so: one in so many bytes.
    HeapSampling {
        /// What was asked for.
        bytes: u64,
    },
    /// What is done with the heap was decided otherwise: by `MEMSCOPE_ALLOC`, or an earlier session of the process.
    HeapDecided {
        /// What is done.
        mode: HeapMode,
    },
    /// A session cannot have this name.
    Name {
        /// What was asked for.
        name: String,
    },
    /// The files of the recording could not be made, or its thread not started.
    CannotStart {
        /// What failed, of which file, and why.
        what: String,
    },
    /// The session was stopped before.
    Stopped,
    /// The recording could not go on, or its capture not be completed. What was recorded until then is kept.
    Failed {
        /// Of which file, and why.
        what: String,
    },
    /// It was asked for from within memscope, by the program's allocator.
    Within,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRecording { capture } => write!(
                f,
                "a session is recorded already, to {}: the first event of a process starts one. Start yours before it, or stop \
                 that one: `if let Some(session) = Session::current() {{ session.stop()?; }}`",
                capture.display()
            ),
            Self::RingSize { kib } => {
                write!(f, "a ring of {kib} KiB cannot be: it has from 64 to 65536")
            }
            Self::Sampling { one_in } => {
                write!(f, "one value in {one_in} cannot be recorded: 1 records all of them")
            }
            Self::Decided { one_in, values, calls } => {
                let with = |wanted: &bool| if *wanted { "with" } else { "without" };
                write!(
                    f,
                    "this process records one value in {one_in}, {} values, {} calls and tasks, as its first session was to: values \
                     outlive sessions, and count as they were chosen, so that a later one cannot choose otherwise",
                    with(values),
                    with(calls)
                )
            }
            Self::HeapSampling { bytes } => {
                write!(f, "one in {bytes} bytes cannot be chosen: it is one in 1 to 2147483648")
            }
            Self::HeapDecided { mode } => write!(
                f,
                "the heap mode of this process is {mode:?}: `MEMSCOPE_ALLOC`, where it is set, and else the first session decide it, \
                 since blocks outlive sessions"
            ),
            Self::Name { name } => write!(
                f,
                "{name:?} cannot be a session's name, which begins the name of a file: it has from 1 to 100 bytes, and no `/`, \
                 `\\` or control character"
            ),
            Self::CannotStart { what } => write!(f, "not recording: {what}"),
            Self::Stopped => f.write_str("the session was stopped before"),
            Self::Failed { what } => write!(f, "the recording failed: {what}"),
            Self::Within => f.write_str("a session cannot be used within the program's allocator"),
        }
    }
}

impl core::error::Error for SessionError {}
