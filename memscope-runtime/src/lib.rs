//! memscope: lifecycle and drop hooks for Rust values, recorded into a `.memscope` capture.
//!
//! Annotate a type or a function with [`track`], or one variable with [`track_var!`], and build with the
//! feature `on`. The program then writes one capture file, which `memscope summary` reads: which variable and
//! type holds the memory, how containers grew, what drops cost and set off.
//!
//! ```
//! use memscope::Probe;
//!
//! #[memscope::track]
//! struct Session {
//!     user: String,
//!     pages: Vec<u32>,
//!     probe: Probe<Self>, // identity: births, clones and drops of every Session
//! }
//!
//! #[memscope::track]
//! fn load(user: &str) -> Session {
//!     let pages: Vec<u32> = (0..10).collect();
//!     Session { user: user.to_owned(), pages, probe: Probe::new() }
//! }
//!
//! memscope::track_var!(let mut inbox = Vec::new());
//! inbox.push(load("ada"));
//! memscope::snapshot!(inbox);
//! # assert_eq!((inbox[0].user.as_str(), inbox[0].pages.len()), ("ada", 10));
//! # let _ = &inbox[0].probe;
//! ```
//!
//! # Switching it on
//!
//! Without the feature `on` every macro emits its input unchanged and [`Probe`] takes no space: the program is
//! the one you would have had without memscope. With it, recording starts at the first event. The environment
//! decides the rest:
//!
//! | variable | meaning |
//! |---|---|
//! | `MEMSCOPE=off` | record nothing |
//! | `MEMSCOPE_ALLOC` | `counters`, the default, `full` (each block is recorded), `sampled` or `sampled=BYTES` (blocks by chance, one in so many bytes), or `off`: what is done with what the [`Allocator`] sees |
//! | `MEMSCOPE_DIR` | the directory for captures; by default `memscope` in the cargo target directory that the program lies in, else the current directory |
//! | `MEMSCOPE_FALLBACK_DIR` | the directory where the capture begins, or goes on, when it cannot be written in the first; by default none |
//! | `MEMSCOPE_DURABILITY` | `commit` or `checkpoint`: when events must be on the disk; by default when the system sees fit |
//! | `MEMSCOPE_CALLS` | `off`: record no calls and no tasks |
//! | `MEMSCOPE_STREAMS` | some of `values,calls,contents,readings`: record no others |
//! | `MEMSCOPE_COMPRESSION` | `balanced`, the default, `fast`, `small` or `none`: see [`Compression`] |
//! | `MEMSCOPE_STACKS` | `sampled`, the default, `all` or `off`: whether call stacks are taken of blocks that are chosen and of slow drops, or of each block too, or not at all; on Linux on x86-64 |
//! | `MEMSCOPE_SLOW_DROP` | from how long on a drop is slow, by default `100us`; `off`: none is |
//! | `MEMSCOPE_RING_KIB` | size of a thread's ring, 64 to 65536, by default 1024 |
//! | `MEMSCOPE_SAMPLE` | `1/100`: record one value in so many where the source does not say; by default all |
//!
//! What else is called `MEMSCOPE_` and something is ignored, which one line on stderr says.
//!
//! A program that would rather decide itself uses a [`Session`]: where and how to record, from when to when, with pauses; and it
//! can [`mark`] moments and read live counters, [`stats`].
//!
//! `on` is two features, `record` and `alloc`: the second makes an [`Allocator`] the program's global one. A program that has
//! its own takes `record` alone.
//!
//! On WebAssembly (`wasm32-unknown-unknown`, `wasm32-wasip1` and their like) there is nothing that outlives the program, and no clock
//! that is always there: nothing is recorded, and the features `on`, `record` and `alloc` do nothing. The program is then the one that it is
//! without them, so that a manifest in which they are on serves such a target too.
//!
//! With the feature `tokio` too, a task of an async function carries the id that tokio gave the task it was first polled in.
//!
//! The library never prints, except one line on stderr when it could not record, could not remove what it no longer needs, or was
//! set to what it does not know. It never stops the program: what could not be recorded is counted, and the capture says how much.
#![cfg_attr(any(not(feature = "record"), target_family = "wasm"), deny(unsafe_code))]

#[cfg(any(not(feature = "record"), target_family = "wasm"))]
mod off;
#[cfg(all(feature = "record", not(target_family = "wasm")))]
mod on;

#[cfg(any(not(feature = "record"), target_family = "wasm"))]
use off as mode;
#[cfg(all(feature = "record", not(target_family = "wasm")))]
use on as mode;

mod allocator;
mod heap_counts;
mod probe_owner;
mod probe_traits;
mod session_types;
mod statements;
mod tracked_traits;

pub use allocator::Allocator;
pub use heap_counts::{Heap, HeapCounts, ThreadHeap};
#[cfg(not(target_family = "wasm"))]
pub use memscope_macros::track;
#[cfg(target_family = "wasm")]
pub use memscope_macros::track_off as track;
pub use mode::heap::{heap, thread_heap};
pub use mode::{
    Probe, Session, SessionBuilder, Trackable, Tracked, capture_path, flush, mark, stats,
};
pub use session_types::{Compression, Durability, HeapMode, Overflow, SessionError, Stats, Stream};

/// The allocator of a program that has none of its own.
#[cfg(all(feature = "alloc", not(target_family = "wasm")))]
#[global_allocator]
static ALLOCATOR: Allocator = Allocator::new();

#[doc(hidden)]
pub mod __private {
    //! What the macros' output names. Not for users: it changes without notice.
    #[cfg(all(feature = "record", not(target_family = "wasm")))]
    pub use crate::mode::private::*;
    #[cfg(any(not(feature = "record"), target_family = "wasm"))]
    pub use crate::mode::tracked;
    pub use crate::probe_owner::{FieldOf, ProbeOf};
    #[cfg(not(target_family = "wasm"))]
    pub use memscope_macros::track_var;
    #[cfg(target_family = "wasm")]
    pub use memscope_macros::track_var_off as track_var;
}
