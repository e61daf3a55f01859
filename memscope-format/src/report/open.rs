//! From files to a report.

/// What a report keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How many of the slowest drops are listed.
    pub slowest_drops: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { slowest_drops: 20 }
    }
}

/// How far reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Events that were read.
    pub rows: u64,
}
