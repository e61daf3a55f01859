//! What an analysis found out, kept beside what it was found in.
//!
//! No raw event says such a row. Each names the [`crate::defs::DerivationDef`] that tells which tool made it, and of which
//! frames; without them the row proves nothing.

use crate::record::{Event, columns};
use crate::rows::Stream;
use crate::word::ids;
use serde::{Deserialize, Serialize};

/// What became of the values of one type at one site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeDistribution {
    /// How this was found: a [`crate::defs::DerivationDef::id`].
    pub derivation: u32,
    /// The type.
    #[serde(rename = "type")]
    pub type_id: u32,
    /// The site.
    pub site: u32,
    /// Values born; `None` is "unknown", here and below.
    pub born: Option<u64>,
    /// Values dropped, or that left what tracked them.
    pub ended: Option<u64>,
    /// Values that were alive when the recording ended.
    pub alive: Option<u64>,
    /// Bytes that those took, with what they hold on the heap.
    pub alive_bytes: Option<u64>,
    /// The most bytes that values took at once.
    pub peak_bytes: Option<u64>,
}

columns! {
    TypeDistribution: Stream::TypeDistribution.frame_type(), time None;
    1 "derivation" derivation Coded;
    2 "type" type_id Coded;
    3 "site" site Coded;
    4 "born" born Plain;
    5 "ended" ended Plain;
    6 "alive" alive Plain;
    7 "alive_bytes" alive_bytes Plain;
    8 "peak_bytes" peak_bytes Plain;
}

impl Event for TypeDistribution {
    const STREAM: Stream = Stream::TypeDistribution;

    fn is_event(&self) -> bool {
        false
    }
}

/// How full a range of the heap's addresses was at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FragmentationMap {
    /// How this was found: a [`crate::defs::DerivationDef::id`].
    pub derivation: u32,
    /// When, in ticks.
    pub ts: u64,
    /// First address of the range.
    pub addr: u64,
    /// Bytes of the range.
    pub len: u64,
    /// Blocks in it.
    pub blocks: u64,
    /// Bytes of those blocks in the range.
    pub live_bytes: u64,
    /// Bytes of the largest hole between them.
    pub largest_hole: u64,
}

columns! {
    FragmentationMap: Stream::FragmentationMap.frame_type(), time Some(1);
    1 "derivation" derivation Coded;
    2 "ts" ts Plain;
    3 "addr" addr Plain;
    4 "len" len Noisy;
    5 "blocks" blocks Plain;
    6 "live_bytes" live_bytes Plain;
    7 "largest_hole" largest_hole Plain;
}

impl Event for FragmentationMap {
    const STREAM: Stream = Stream::FragmentationMap;

    fn is_event(&self) -> bool {
        false
    }
}

ids! {
    /// What a program did that is not safe.
    pub enum ViolationKind {
        /// A pointer was used after its target had ended.
        UseAfterEnd = 1,
        /// A pointer outlived its target.
        Dangling = 2,
        /// A value ended twice.
        DoubleEnd = 3,
        /// A block was freed that was not allocated, or by another layout.
        BadFree = 4,
        /// A value that must be wiped left its bytes behind.
        NotWiped = 5,
    }
}

/// An unsafe use of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityViolation {
    /// How this was found: a [`crate::defs::DerivationDef::id`].
    pub derivation: u32,
    /// When, in ticks.
    pub ts: u64,
    /// What happened.
    pub kind: ViolationKind,
    /// Where.
    pub site: Option<u32>,
    /// The type of the value.
    #[serde(rename = "type")]
    pub type_id: Option<u32>,
    /// The value.
    pub value: Option<u64>,
    /// The address.
    pub addr: Option<u64>,
    /// What there is to say of it: a [`crate::defs::StringDef::id`].
    pub detail: Option<u32>,
    /// The thread that did it.
    pub thread: Option<u32>,
}

columns! {
    SecurityViolation: Stream::SecurityViolations.frame_type(), time Some(1);
    1 "derivation" derivation Coded;
    2 "ts" ts Plain;
    3 "kind" kind Coded;
    4 "site" site Coded;
    5 "type" type_id Coded;
    6 "value" value Plain;
    7 "addr" addr Plain;
    8 "detail" detail Coded;
    9 "thread" thread Plain;
}

impl Event for SecurityViolation {
    const STREAM: Stream = Stream::SecurityViolations;

    fn is_event(&self) -> bool {
        false
    }
}

ids! {
    /// What crossed the border to foreign code.
    pub enum CrossingKind {
        /// A foreign function was called.
        Called = 1,
        /// Foreign code called in.
        CalledBack = 2,
        /// A pointer was given to foreign code.
        Given = 3,
        /// A pointer came from foreign code.
        Taken = 4,
        /// Memory of one side was freed by the other.
        FreedAcross = 5,
    }
}

/// Memory, or control, that crossed the border to foreign code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsafeFfi {
    /// How this was found: a [`crate::defs::DerivationDef::id`].
    pub derivation: u32,
    /// When, in ticks.
    pub ts: u64,
    /// What crossed it.
    pub kind: CrossingKind,
    /// Where.
    pub site: Option<u32>,
    /// The value.
    pub value: Option<u64>,
    /// The address.
    pub addr: Option<u64>,
    /// Bytes at that address.
    pub size: Option<u64>,
    /// What there is to say of it: a [`crate::defs::StringDef::id`].
    pub detail: Option<u32>,
    /// The thread that did it.
    pub thread: Option<u32>,
}

columns! {
    UnsafeFfi: Stream::UnsafeFfi.frame_type(), time Some(1);
    1 "derivation" derivation Coded;
    2 "ts" ts Plain;
    3 "kind" kind Coded;
    4 "site" site Coded;
    5 "value" value Plain;
    6 "addr" addr Plain;
    7 "size" size Noisy;
    8 "detail" detail Coded;
    9 "thread" thread Plain;
}

impl Event for UnsafeFfi {
    const STREAM: Stream = Stream::UnsafeFfi;

    fn is_event(&self) -> bool {
        false
    }
}

ids! {
    /// How much a finding matters.
    pub enum Severity {
        /// Worth knowing.
        Note = 1,
        /// Worth a change.
        Warning = 2,
        /// Wrong.
        Error = 3,
    }
}

/// What a rule concluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryAnalysis {
    /// How this was found: a [`crate::defs::DerivationDef::id`].
    pub derivation: u32,
    /// The rule's name: a [`crate::defs::StringDef::id`].
    pub rule: u32,
    /// How much it matters.
    pub severity: Severity,
    /// Where.
    pub site: Option<u32>,
    /// Of which type.
    #[serde(rename = "type")]
    pub type_id: Option<u32>,
    /// Of which value, if it is one.
    pub value: Option<u64>,
    /// How often it was found.
    pub count: u64,
    /// Bytes that it concerns.
    pub bytes: Option<u64>,
    /// What there is to say of it: a [`crate::defs::StringDef::id`].
    pub detail: Option<u32>,
}

columns! {
    MemoryAnalysis: Stream::MemoryAnalysis.frame_type(), time None;
    1 "derivation" derivation Coded;
    2 "rule" rule Coded;
    3 "severity" severity Coded;
    4 "site" site Coded;
    5 "type" type_id Coded;
    6 "value" value Plain;
    7 "count" count Plain;
    8 "bytes" bytes Plain;
    9 "detail" detail Coded;
}

impl Event for MemoryAnalysis {
    const STREAM: Stream = Stream::MemoryAnalysis;

    fn is_event(&self) -> bool {
        false
    }
}
