//! The slowest drops, as a report tells of them.

use super::super::figure::Figure;
use crate::rows::Outcome;
use serde::Serialize;

/// Drops of one site that another drop set off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetOff {
    /// Their site's name.
    pub site: String,
    /// How many.
    pub drops: Figure<u64>,
    /// Time they took in nanoseconds, with all that they set off; one within another counts once.
    pub total_ns: Figure<u64>,
}

/// A step on the way from a drop to the heaviest drop it set off, to the heaviest that this one did, and so on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PathStep {
    /// The site's name.
    pub site: String,
    /// The type's name.
    #[serde(rename = "type")]
    pub type_name: String,
    /// How many drops of this site and type are within one another here.
    pub run: u64,
    /// Time in nanoseconds that the first of them took; `None` if its end is not observed.
    pub duration_ns: Option<u64>,
}

/// One of the slowest outermost drops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlowDrop {
    /// The process it ran in, by the place of its capture in [`Report::captures`](crate::report::Report::captures).
    pub capture: usize,
    /// The site of the value.
    pub site: crate::report::Place,
    /// The type of the value.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The value; 0 where it has no identity (a type without a `Probe`).
    pub value: u64,
    /// The thread it ran on, by name.
    pub thread: Option<String>,
    /// When it began, in nanoseconds since the recording did.
    pub began_ns: u64,
    /// Time it took in nanoseconds, with all that it set off.
    pub duration_ns: u64,
    /// Time it took in nanoseconds, without the observed drops that it set off.
    pub self_ns: Figure<u64>,
    /// Time in nanoseconds of the drops that it set off.
    pub nested_ns: Figure<u64>,
    /// Drops that enclose it.
    pub depth: u32,
    /// How many levels deep the drops that it set off go.
    pub levels: u32,
    /// How many drops it set off.
    pub nested: Figure<u64>,
    /// Those of them whose begin or end is not observed.
    pub nested_untimed: Figure<u64>,
    /// Whether it is proven that the value was dropped.
    pub outcome: Outcome,
    /// Whether its thread was unwinding.
    pub panicking: bool,
    /// The calls that it ended in, where they were recorded and are not lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<crate::report::Stack>,
    /// What it set off, by site, heaviest first.
    pub set_off: Vec<SetOff>,
    /// The heaviest drop that it set off, the heaviest within that, and so on.
    pub path: Vec<PathStep>,
}
