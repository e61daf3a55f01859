//! What a capture is of.

use crate::clock::ClockReading;
use serde::{Deserialize, Serialize};

/// The program that was recorded, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Metadata {
    /// Name of the program.
    pub program: String,
    /// Its arguments, without the program's name.
    pub args: Vec<String>,
    /// Its process id.
    pub pid: u32,
    /// Path of its executable.
    pub exe: String,
    /// Version of memscope that recorded it.
    pub memscope_version: String,
    /// What it ran on, as `os-arch`.
    pub target: String,
    /// When recording began, in nanoseconds of the Unix epoch.
    pub started_unix_ns: u64,
    /// Which clock the ticks are of.
    pub clock_source: String,
    /// Two readings of it; the second may be as old as the first.
    pub clock: [ClockReading; 2],
    /// Slots of a ring.
    pub ring_capacity: u64,
    /// What the user says of the recording.
    pub labels: Vec<(String, String)>,
}
