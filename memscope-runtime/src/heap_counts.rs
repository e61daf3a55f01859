//! What was counted of the heap.

use core::ops::RangeInclusive;

/// Blocks and bytes that an [`Allocator`](crate::Allocator) handed out and took back.
///
/// A reallocation is none of an allocation and none of a free: the bytes by which the block grew or shrank are among those
/// allocated or freed. A request that failed is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct HeapCounts {
    /// Blocks that were allocated.
    pub allocations: u64,
    /// How often a block got another size.
    pub reallocations: u64,
    /// Blocks that were freed.
    pub frees: u64,
    /// Bytes that were asked for: the sizes of allocated blocks, and what blocks grew by.
    pub allocated_bytes: u64,
    /// Bytes that were given back: the sizes of freed blocks, and what blocks shrank by.
    pub freed_bytes: u64,
}

impl HeapCounts {
    /// Returns how many blocks are allocated and not freed; negative where others' blocks were freed.
    #[must_use]
    pub const fn live_blocks(&self) -> i64 {
        self.allocations.wrapping_sub(self.frees).cast_signed()
    }

    /// Returns the bytes of these blocks.
    #[must_use]
    pub const fn live_bytes(&self) -> i64 {
        self.allocated_bytes.wrapping_sub(self.freed_bytes).cast_signed()
    }
}

/// The heap of the process, as [`heap`](crate::heap()) returns it.
///
/// What program and memscope allocated is told apart by who asked: a block that one allocated and the other freed, such as the path
/// that [`Session::stop`](crate::Session::stop) returns, is in the balance of both.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heap {
    /// What the program asked for.
    pub program: HeapCounts,
    /// What memscope asked for to record it.
    pub memscope: HeapCounts,
    /// The most bytes that were the program's at once lie between these, both included.
    ///
    /// They are the same as long as one thread alone has used the heap. Otherwise they are apart by up to 32 KiB for each
    /// thread that runs at the same time: to be exact, threads would have to share a counter at every allocation.
    pub peak_bytes: RangeInclusive<u64>,
}

/// What the calling thread did with the heap, as [`thread_heap`](crate::thread_heap) returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThreadHeap {
    /// What the thread asked for. The balance is negative if it freed more of others' than is left of its own.
    pub counts: HeapCounts,
    /// The most bytes that its balance was at.
    pub peak_bytes: u64,
}
