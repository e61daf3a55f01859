//! The rows of each event stream.
//!
//! Times are raw clock ticks; the capture's clock turns them into nanoseconds. A value id names one value in
//! its whole life: the ring that its birth was recorded in (upper 16 bits) and its position there.

use crate::defs::ContainerKind;
use crate::frame::FrameType;
use serde::{Deserialize, Serialize};

/// An event stream: one kind of row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[repr(u16)]
#[non_exhaustive]
pub enum Stream {
    /// Births and ends of values: [`Lifecycle`].
    Lifecycle = 0x01,
    /// States of containers: [`Container`].
    Container = 0x02,
    /// Births and ends of zero-sized values: [`Zst`].
    Zst = 0x03,
    /// Drops: [`DropChain`].
    DropChain = 0x04,
}

impl Stream {
    /// All streams, in the order of their ids.
    pub const ALL: [Self; 4] = [Self::Lifecycle, Self::Container, Self::Zst, Self::DropChain];

    /// The type of the frames that hold its rows.
    #[must_use]
    pub const fn frame_type(self) -> FrameType {
        FrameType(self as u16)
    }

    /// Its name, as the specification has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lifecycle => "LIFECYCLE",
            Self::Container => "CONTAINER",
            Self::Zst => "ZST",
            Self::DropChain => "DROP_CHAIN",
        }
    }
}

/// What happened to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[non_exhaustive]
pub enum LifecycleKind {
    /// It was made.
    Born = 1,
    /// It was made as a clone of another value.
    Cloned = 2,
    /// Its variable went out of scope, and no drop was to be timed: its type has no drop glue, or the scope ends
    /// in a way that a drop cannot be told apart (arguments, patterns with several bindings).
    Exit = 3,
    /// Its variable went out of scope after the value had been moved out, with proof.
    Moved = 4,
}

impl LifecycleKind {
    /// All kinds, in the order of their ids.
    pub const ALL: [Self; 4] = [Self::Born, Self::Cloned, Self::Exit, Self::Moved];

    /// Returns the kind with this id, if there is one.
    #[must_use]
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id).wrapping_sub(1)).copied()
    }
}

/// A birth or an end of a value that takes space. The ends that are drops, or may be, are [`DropChain`] rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// When, in ticks.
    pub ts: u64,
    /// What happened.
    pub kind: LifecycleKind,
    /// The site of the value.
    pub site: u32,
    /// The type of the value.
    #[serde(rename = "type")]
    pub type_id: u32,
    /// The value.
    pub value: u64,
    /// For [`LifecycleKind::Cloned`], the value it was cloned from; else 0.
    pub origin: u64,
    /// The thread it happened on.
    pub thread: u32,
}

/// A birth or an end of a zero-sized value; as [`Lifecycle`] in every field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Zst(pub Lifecycle);

/// Why a container's state was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[non_exhaustive]
pub enum SnapshotReason {
    /// The variable that holds it was born.
    Birth = 1,
    /// It, or the value that holds it as a field, begins to be dropped, or leaves what tracked it.
    Drop = 2,
    /// The program asked, by `snapshot!`.
    Asked = 3,
}

impl SnapshotReason {
    /// All reasons, in the order of their ids.
    pub const ALL: [Self; 3] = [Self::Birth, Self::Drop, Self::Asked];

    /// Returns the reason with this id, if there is one.
    #[must_use]
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id).wrapping_sub(1)).copied()
    }
}

/// The state of a container at one moment. `None` is "unknown", or "has none".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// When, in ticks.
    pub ts: u64,
    /// The value that is the container, or holds it as a field; 0 where the value has no identity.
    pub value: u64,
    /// The site of that value.
    pub site: u32,
    /// The type of that value.
    #[serde(rename = "type")]
    pub type_id: u32,
    /// 0 if the value is the container, else one more than the field's place in [`crate::defs::TypeDef::fields`].
    pub field: u32,
    /// Which container.
    pub kind: ContainerKind,
    /// Why it was read.
    pub reason: SnapshotReason,
    /// Elements it holds; for a string, bytes.
    pub len: Option<u64>,
    /// Elements it has room for.
    pub capacity: Option<u64>,
    /// Size of one element in bytes.
    pub element_size: u32,
    /// Address of its heap block; `None` where it has none or does not tell.
    pub addr: Option<u64>,
    /// Strong handles, for `Rc` and `Arc`.
    pub strong: Option<u64>,
    /// Weak handles, for `Rc` and `Arc`.
    pub weak: Option<u64>,
    /// The thread that read it.
    pub thread: u32,
}

/// What the end of a variable's scope did with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[non_exhaustive]
pub enum Outcome {
    /// It was dropped here, or had been moved out before: there is no proof of either.
    Unknown = 0,
    /// It was dropped, with proof.
    Dropped = 1,
}

impl Outcome {
    /// All outcomes, in the order of their ids.
    pub const ALL: [Self; 2] = [Self::Unknown, Self::Dropped];

    /// Returns the outcome with this id, if there is one.
    #[must_use]
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id)).copied()
    }
}

/// A drop, or the end of a scope that may have been one. Rows of a thread come in the order of their ends, so a
/// value's row follows those of the drops that it set off, which have a greater depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropChain {
    /// When it ended, in ticks; where the end is not observed, when it began.
    pub ts: u64,
    /// Ticks it took, with everything it set off; `None` where its begin or end is not observed.
    pub duration: Option<u64>,
    /// The value; 0 where it has no identity (a type without a `Probe`).
    pub value: u64,
    /// The site of the value.
    pub site: u32,
    /// The type of the value.
    #[serde(rename = "type")]
    pub type_id: u32,
    /// How many observed drops enclose this one on its thread.
    pub depth: u32,
    /// Whether the value was dropped here.
    pub outcome: Outcome,
    /// Whether the thread was unwinding.
    pub panicking: bool,
    /// The thread it ran on.
    pub thread: u32,
}
