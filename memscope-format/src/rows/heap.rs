//! Blocks of the heap, as the allocator hook sees them.

use crate::record::{Event, columns};
use crate::rows::Stream;
use crate::word::ids;
use serde::{Deserialize, Serialize};

ids! {
    /// What was asked of the allocator.
    pub enum HeapKind {
        /// A block was allocated.
        Alloc = 1,
        /// A block was allocated, filled with zero bytes.
        AllocZeroed = 2,
        /// A block got another size, and perhaps another address.
        Realloc = 3,
        /// A block was freed.
        Free = 4,
    }
}

/// What the allocator did with a block. A block keeps its id through every reallocation.
///
/// A recorder need not know which block it is that is reallocated or freed: it is the one that lies at [`Heap::old_addr`], or
/// at [`Heap::addr`], at that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heap {
    /// When, in ticks.
    pub ts: u64,
    /// What happened.
    pub kind: HeapKind,
    /// The block: the ring and position of its allocation, as a value id; `None` where that is not told.
    pub block: Option<u64>,
    /// Where it is, after this.
    pub addr: u64,
    /// Bytes that were asked for; of a freed block, those it had.
    pub size: u64,
    /// Bytes that the block had before a reallocation.
    pub old_size: Option<u64>,
    /// Alignment in bytes; 2^31 may be more.
    pub align: u32,
    /// The site that was being initialised, or ran, on the thread: the innermost.
    pub site: Option<u32>,
    /// The call stack: a [`crate::defs::StackDef::id`].
    pub stack: Option<u32>,
    /// The thread that asked.
    pub thread: u32,
    /// Where the block was before a reallocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_addr: Option<u64>,
}

columns! {
    Heap: Stream::Heap.frame_type(), time Some(0);
    1 "ts" ts Noisy;
    2 "kind" kind Coded;
    3 "block" block Noisy;
    4 "addr" addr Noisy;
    5 "size" size Noisy;
    6 "old_size" old_size Noisy;
    7 "align" align Coded;
    8 "site" site Coded;
    9 "stack" stack Plain;
    10 "thread" thread Plain;
    11 "old_addr" old_addr Noisy additional;
}

impl Event for Heap {
    const STREAM: Stream = Stream::Heap;
}
