//! The allocator that watches another one.

use crate::mode::heap;
use core::alloc::{GlobalAlloc, Layout};
use std::alloc::System;

/// An allocator that hands everything on to another one, and counts it.
///
/// With the feature `alloc`, which is part of `on`, memscope makes one the program's global allocator. A program that has
/// a global allocator of its own takes the feature `record` instead of `on` and puts its allocator in here:
///
/// ```
/// use memscope::Allocator;
/// use std::alloc::System; // or that of another crate
///
/// # #[cfg(not(feature = "alloc"))]
/// #[global_allocator]
/// static ALLOCATOR: Allocator<System> = Allocator::of(System);
///
/// let bytes = vec![0_u8; 1000];
/// # #[cfg(feature = "record")]
/// assert!(memscope::heap().is_some_and(|heap| heap.program.live_bytes() >= 1000));
/// # drop(bytes);
/// ```
///
/// What it does is for the environment's `MEMSCOPE_ALLOC` to say, once in a process: `off` hands on alone; `counters`, as by
/// default, counts blocks and bytes in each thread, for [`heap`](crate::heap()) and for the capture; `full` besides records each
/// block, from the first hook that the process meets on, into the ring of its thread, and waits for room there as hooks do;
/// `sampled` records some of them, by chance, one in 512 KiB that are allocated on average, or in as many bytes as `sampled=65536` says.
/// All allocators of this type in a process count together. Without the feature `record` it only hands on.
///
/// Counting takes no lock, allocates nothing, and works at every moment of a thread and of the process: before `main`,
/// in destructors of thread-locals, in signal handlers (as far as the inner allocator does), after a fork.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allocator<A = System> {
    inner: A,
}

impl Allocator {
    /// Watches the system's allocator.
    #[must_use]
    pub const fn new() -> Self {
        Self::of(System)
    }
}

impl<A> Allocator<A> {
    /// Watches an allocator.
    #[must_use]
    pub const fn of(inner: A) -> Self {
        Self { inner }
    }

    /// Returns the allocator that is watched. What it is asked for by this way is not counted.
    pub const fn inner(&self) -> &A {
        &self.inner
    }
}

#[cfg_attr(
    any(not(feature = "record"), target_family = "wasm"),
    expect(unsafe_code, reason = "an allocator cannot be handed on to without")
)]
// SAFETY: every call is handed on with what it was given, and its result returned; what is done besides does not unwind.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Allocator<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let block = unsafe { self.inner.alloc(layout) };
        if !block.is_null() {
            heap::allocated(block, layout);
        }
        block
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let block = unsafe { self.inner.alloc_zeroed(layout) };
        if !block.is_null() {
            heap::allocated_zeroed(block, layout);
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // Before the block is given back: afterwards its address may be that of another thread's.
        heap::freed(block, layout);
        // SAFETY: as the caller promises.
        unsafe { self.inner.dealloc(block, layout) };
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // As in `dealloc`; if there is no such block, this one stays.
        let before = heap::resizing(block);
        // SAFETY: as the caller promises.
        let new = unsafe { self.inner.realloc(block, layout, new_size) };
        if new.is_null() {
            heap::stays(block, before);
        } else {
            heap::resized(before, (block, layout), (new, new_size));
        }
        new
    }
}
