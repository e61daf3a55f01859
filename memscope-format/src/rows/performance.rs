//! What recording, and the process, cost: readings taken by the recorder itself.

use crate::record::{Event, columns};
use crate::rows::Stream;
use crate::word::ids;
use serde::{Deserialize, Serialize};

ids! {
    /// What a reading is of, and so the unit of its value and what its subject is.
    pub enum Metric {
        /// Bytes of the process that are in memory.
        ResidentBytes = 1,
        /// Page faults of the process so far that needed no input.
        MinorFaults = 2,
        /// Page faults of the process so far that did.
        MajorFaults = 3,
        /// Nanoseconds that the process ran in user mode.
        UserTime = 4,
        /// Nanoseconds that the process ran in the kernel.
        SystemTime = 5,
        /// Slots of a ring that were not drained yet; the subject is the ring.
        RingFill = 6,
        /// Nanoseconds that the drain's last cycle took.
        DrainCycle = 7,
        /// Nanoseconds of processor time of the drain so far.
        DrainTime = 8,
        /// Raw events in the capture so far.
        Events = 9,
        /// Raw events that could not be recorded so far.
        Lost = 10,
        /// Bytes of the capture so far.
        CaptureBytes = 11,
        /// Bytes on the heap. Of this and the other readings of the heap the subject is who asked for them: a [`HeapUser`].
        HeapBytes = 12,
        /// Blocks on the heap.
        HeapBlocks = 13,
        /// What the most bytes that were on the heap at once are at least, so far.
        HeapPeak = 14,
        /// Blocks allocated so far.
        Allocations = 15,
        /// Bytes allocated so far: the sizes of blocks, and what blocks grew by.
        AllocatedBytes = 16,
        /// The program marked a phase; the subject is a [`crate::defs::StringDef::id`], the value counts the marks.
        Mark = 17,
        /// Blocks freed so far.
        Frees = 18,
        /// Bytes freed so far: the sizes of blocks, and what blocks shrank by.
        FreedBytes = 19,
        /// How often a block got another size so far.
        Reallocations = 20,
        /// What the most bytes that were on the heap at once are at most, so far.
        HeapPeakBound = 21,
        /// The program paused the recording (the value is 1), or went on with it (0). What began meanwhile was not recorded.
        Paused = 22,
        /// Nanoseconds that threads of the program waited for room in their rings so far, all threads together.
        HeldUp = 23,
    }
}

ids! {
    /// Who asked for the blocks that a reading is of.
    pub enum HeapUser {
        /// The program.
        Program = 0,
        /// What recorded it.
        Recorder = 1,
        /// The program, as far as no row of [`Stream::Heap`] tells of it. Read where there is a row for each other thing that
        /// the allocator did.
        Untold = 2,
    }
}

/// One reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Performance {
    /// When, in ticks.
    pub ts: u64,
    /// What was read.
    pub metric: Metric,
    /// What it was read of, see [`Metric`]; else 0.
    pub subject: u64,
    /// What was read.
    pub value: u64,
    /// The thread that read it.
    pub thread: Option<u32>,
}

columns! {
    Performance: Stream::Performance.frame_type(), time Some(0);
    1 "ts" ts Noisy;
    2 "metric" metric Coded;
    3 "subject" subject Plain;
    4 "value" value Plain;
    5 "thread" thread Plain;
}

impl Event for Performance {
    const STREAM: Stream = Stream::Performance;

    /// No raw event says it.
    fn is_event(&self) -> bool {
        false
    }
}
