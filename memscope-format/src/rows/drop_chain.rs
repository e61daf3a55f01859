//! Drops.

use crate::record::{Event, columns};
use crate::rows::{LeftOut, Stream};
use crate::word::ids;
use serde::{Deserialize, Serialize};

ids! {
    /// What the end of a variable's scope did with its value.
    pub enum Outcome {
        /// It was dropped here, or had been moved out before: there is no proof of either.
        Unknown = 0,
        /// It was dropped, with proof.
        Dropped = 1,
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
    /// How many observed drops enclose this one on its thread; those that were left out are not counted.
    pub depth: u32,
    /// Whether the value was dropped here.
    pub outcome: Outcome,
    /// Whether the thread was unwinding.
    pub panicking: bool,
    /// The thread it ran on.
    pub thread: u32,
    /// Which drops around and within it were left out when they were sampled.
    #[serde(default, skip_serializing_if = "LeftOut::is_nothing")]
    pub left_out: LeftOut,
    /// The call stack at its end, of one that took long: a [`crate::defs::StackDef::id`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<u32>,
}

columns! {
    DropChain: Stream::DropChain.frame_type(), time Some(0);
    1 "ts" ts Noisy;
    2 "duration" duration Noisy;
    3 "value" value Noisy;
    4 "site" site Coded;
    5 "type" type_id Coded;
    6 "depth" depth Coded;
    7 "outcome" outcome Coded;
    8 "panicking" panicking Coded;
    9 "thread" thread Plain;
    10 "left_out" left_out Coded additional;
    11 "stack" stack Coded additional;
}

impl Event for DropChain {
    const STREAM: Stream = Stream::DropChain;
}
