//! Commits: which events are in the file, and so no longer needed in the rings.

use crate::clock::ClockReading;
use serde::{Deserialize, Serialize};

/// Ends a group of chunks: the events in all frames before it are in the file for good.
///
/// A reader that finds the rings of a program that died takes chunks up to the last commit, and the events from
/// the rings' committed positions on; so it counts each event once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Commit {
    /// Counts the commits.
    pub cycle: u64,
    /// The clock at this moment.
    pub clock: ClockReading,
    /// Raw events in the file, in all.
    pub events: u64,
    /// Raw events that could not be recorded, in all.
    pub lost: u64,
    /// The rings whose position changed since the commit before.
    pub rings: Vec<RingCommit>,
}

/// How far a ring is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RingCommit {
    /// The ring's number in the rings file.
    pub ring: u16,
    /// The thread that owned it.
    pub thread: u32,
    /// The position up to which its events are in the file.
    pub drained: u64,
    /// Events that were lost because it was full, in all.
    pub lost: u64,
}
