//! The allocator that is watched: it counts by itself, in the plainest way.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// What was really asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) allocations: u64,
    pub(crate) reallocations: u64,
    pub(crate) frees: u64,
    pub(crate) allocated_bytes: u64,
    pub(crate) freed_bytes: u64,
}

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static REALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static FREES: AtomicU64 = AtomicU64::new(0);
static ALLOCATED_BYTES: AtomicU64 = AtomicU64::new(0);
static FREED_BYTES: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);

/// What was asked for so far.
pub(crate) fn truth() -> Truth {
    Truth {
        allocations: ALLOCATIONS.load(SeqCst),
        reallocations: REALLOCATIONS.load(SeqCst),
        frees: FREES.load(SeqCst),
        allocated_bytes: ALLOCATED_BYTES.load(SeqCst),
        freed_bytes: FREED_BYTES.load(SeqCst),
    }
}

/// The most bytes that there were at once.
pub(crate) fn peak() -> u64 {
    PEAK.load(SeqCst)
}

fn grow(bytes: usize) {
    ALLOCATED_BYTES.fetch_add(bytes as u64, SeqCst);
    let live = LIVE.fetch_add(bytes as u64, SeqCst) + bytes as u64;
    PEAK.fetch_max(live, SeqCst);
}

fn shrink(bytes: usize) {
    FREED_BYTES.fetch_add(bytes as u64, SeqCst);
    LIVE.fetch_sub(bytes as u64, SeqCst);
}

fn allocated(block: *mut u8, size: usize) -> *mut u8 {
    if !block.is_null() {
        ALLOCATIONS.fetch_add(1, SeqCst);
        grow(size);
    }
    block
}

/// Counts, and hands on to the system's allocator.
pub(crate) struct Counting;

// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        allocated(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        allocated(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        FREES.fetch_add(1, SeqCst);
        shrink(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        let new = unsafe { System.realloc(block, layout, new_size) };
        if !new.is_null() {
            REALLOCATIONS.fetch_add(1, SeqCst);
            match new_size.checked_sub(layout.size()) {
                Some(more) => grow(more),
                None => shrink(layout.size() - new_size),
            }
        }
        new
    }
}

/// An allocator that signal handlers can use: a block of static memory after another, none ever given back.
pub(crate) struct Arena;

const ARENA: usize = 1 << 20;
static NEXT: AtomicU64 = AtomicU64::new(0);

#[repr(align(4096))]
struct Memory(std::cell::UnsafeCell<[u8; ARENA]>);

// SAFETY: no byte is given out twice.
unsafe impl Sync for Memory {}

static MEMORY: Memory = Memory(std::cell::UnsafeCell::new([0; ARENA]));

// SAFETY: blocks are aligned to 16 bytes, do not overlap, and lie in a static.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size().next_multiple_of(16);
        let at = NEXT.fetch_add(size as u64, SeqCst) as usize;
        if at + size > ARENA || layout.align() > 16 {
            return std::ptr::null_mut();
        }
        allocated(MEMORY.0.get().cast::<u8>().wrapping_add(at), layout.size())
    }

    unsafe fn dealloc(&self, _: *mut u8, layout: Layout) {
        FREES.fetch_add(1, SeqCst);
        shrink(layout.size());
    }
}
