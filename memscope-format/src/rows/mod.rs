//! The rows of each stream.
//!
//! Times are raw clock ticks; the capture's clock turns them into nanoseconds. A value id names one value in
//! its whole life: the ring that its birth was recorded in (upper 16 bits) and its position there.

mod call;
mod container;
mod content;
mod derived;
mod drop_chain;
mod heap;
mod left_out;
mod lifecycle;
mod performance;
mod task;

pub use call::{Call, CallOutcome};
pub use container::{Container, SnapshotReason};
pub use content::Content;
pub use derived::{
    CrossingKind, FragmentationMap, MemoryAnalysis, SecurityViolation, Severity, TypeDistribution,
    UnsafeFfi, ViolationKind,
};
pub use drop_chain::{DropChain, Outcome};
pub use heap::{Heap, HeapKind};
pub use left_out::LeftOut;
pub use lifecycle::{Lifecycle, LifecycleKind, Zst};
pub use performance::{HeapUser, Metric, Performance};
pub use task::{Task, TaskKind};

use crate::frame::FrameType;
use crate::record::StreamVisitor;
use serde::{Deserialize, Serialize};

macro_rules! streams {
    ($($(#[$about:meta])* $stream:ident = $id:literal, $name:literal, $row:ident;)*) => {
        /// One kind of row.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum Stream {
            $($(#[$about])* $stream = $id,)*
        }

        impl Stream {
            /// All streams, in the order of their ids.
            pub const ALL: [Self; [$($id),*].len()] = [$(Self::$stream),*];

            /// Its name, as the specification has it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$stream => $name,)*
                }
            }

            /// Calls the visitor with the type of the stream's rows.
            pub fn visit<V: StreamVisitor>(self, visitor: &mut V) -> V::Output {
                match self {
                    $(Self::$stream => visitor.visit::<$row>(),)*
                }
            }

            /// The stream whose rows frames of this type hold.
            pub(crate) const fn of_frames(frame_type: FrameType) -> Option<Self> {
                Some(match frame_type.0 {
                    $($id => Self::$stream,)*
                    _ => return None,
                })
            }
        }
    };
}

streams! {
    /// Births and ends of values: [`Lifecycle`].
    Lifecycle = 0x01, "LIFECYCLE", Lifecycle;
    /// States of containers: [`Container`].
    Container = 0x02, "CONTAINER", Container;
    /// Births and ends of zero-sized values: [`Zst`].
    Zst = 0x03, "ZST", Zst;
    /// Drops: [`DropChain`].
    DropChain = 0x04, "DROP_CHAIN", DropChain;
    /// Calls and polls: [`Call`].
    Call = 0x05, "CALL", Call;
    /// Blocks of the heap: [`Heap`].
    Heap = 0x06, "HEAP", Heap;
    /// What recording and the process cost: [`Performance`].
    Performance = 0x07, "PERFORMANCE", Performance;
    /// Tasks: [`Task`].
    Tasks = 0x08, "TASKS", Task;
    /// Contents of containers: [`Content`].
    Content = 0x09, "CONTENT", Content;
    /// Derived: what became of the values of each type: [`TypeDistribution`].
    TypeDistribution = 0x0101, "TYPE_DISTRIBUTION", TypeDistribution;
    /// Derived: how full the heap's ranges were: [`FragmentationMap`].
    FragmentationMap = 0x0102, "FRAGMENTATION_MAP", FragmentationMap;
    /// Derived: unsafe uses of memory: [`SecurityViolation`].
    SecurityViolations = 0x0103, "SECURITY_VIOLATIONS", SecurityViolation;
    /// Derived: what crossed the border to foreign code: [`UnsafeFfi`].
    UnsafeFfi = 0x0104, "UNSAFE_FFI", UnsafeFfi;
    /// Derived: what rules concluded: [`MemoryAnalysis`].
    MemoryAnalysis = 0x0105, "MEMORY_ANALYSIS", MemoryAnalysis;
}

impl Stream {
    /// The type of the frames that hold its rows.
    #[must_use]
    pub const fn frame_type(self) -> FrameType {
        FrameType(self as u16)
    }

    /// Whether its rows are what an analysis found, not what was recorded.
    #[must_use]
    pub const fn is_derived(self) -> bool {
        self as u16 >= 0x0100
    }
}
