//! Which chunks a capture has, and where.

use crate::rows::Stream;

/// A chunk of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRef {
    /// The stream of its rows.
    pub stream: Stream,
    /// Rows in it.
    pub rows: u32,
    /// Earliest time in it, in ticks.
    pub t_min: u64,
    /// Latest time in it, in ticks.
    pub t_max: u64,
    /// Bytes it takes in the file; 0 for a recovered one. Of a RAW frame, its share by rows.
    pub bytes: u64,
    /// Where it is.
    pub place: Place,
}

/// Where a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the file.
    Frame {
        /// Where the frame begins.
        offset: u64,
        /// The number of the frame.
        seq: u64,
    },
    /// In the file, as events in a RAW frame.
    Raw {
        /// Where the frame begins.
        offset: u64,
        /// The number of the frame.
        seq: u64,
    },
    /// In memory, made of the events that a dead program left in its rings; the chunks are numbered.
    Recovered(usize),
}

/// What a capture has of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamTotal {
    /// The stream.
    pub stream: Stream,
    /// Rows, with those in chunks that turn out to be damaged.
    pub rows: u64,
    /// Bytes in the file; rows that were recovered from rings have none.
    pub bytes: u64,
    /// Chunks.
    pub chunks: u64,
}
