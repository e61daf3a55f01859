//! The sizes beyond which a reader refuses, and a writer does not go.
//!
//! They are checked before anything is allocated for what they bound.

/// Stored bytes of a frame's payload.
pub const STORED_LEN: u32 = 16 << 20;
/// Bytes of a frame's payload when nothing in it is compressed.
pub const RAW_LEN: u32 = 64 << 20;
/// Rows of a frame.
pub const ROWS: u32 = 1 << 20;
/// Frames of a capture that are opened at once; see [`Opening::start`](crate::Opening::start).
pub const FRAMES: usize = 1 << 20;
/// Checkpoints that follow on each other.
pub(crate) const CHECKPOINTS: usize = 1 << 20;
/// Words of a chunk: its rows times the columns of its stream.
pub const WORDS: u64 = 1 << 22;
/// Columns of a chunk.
pub const COLUMNS: u16 = 64;
/// Bytes of one encoded definition, of the metadata or of a commit; so also of any string in them. Every integer counts as
/// long as its type is, though small ones are written in a byte.
pub const RECORD_LEN: usize = 1 << 20;
/// Bytes of all records of a frame.
pub const RECORDS_LEN: u32 = 4 << 20;
/// Definitions of a kind in a capture that a reader keeps.
pub const DEFINITIONS: usize = 1 << 20;
/// Bytes of memory of all definitions that a reader keeps, by a count that is never too low.
pub(crate) const DEFINITIONS_LEN: usize = 64 << 20;
/// Base-2 logarithm of the zstd window.
pub const ZSTD_WINDOW_LOG: u32 = 26;
/// Slots of a RAW frame: two for each of its events, and as many again for pads and what was left out between them.
pub const RAW_SLOTS: u32 = 4 * crate::raw::RAW_EVENTS as u32;
/// Slots of a ring in a rings file.
pub const RING_CAPACITY: u64 = 1 << 28;
/// Rings of a rings file: as many as a value id can name.
pub const RINGS: u64 = 1 << 16;
/// Bytes of chunks made of the events in the rings of a dead program.
pub(crate) const RECOVERED_LEN: u64 = 64 << 20;
