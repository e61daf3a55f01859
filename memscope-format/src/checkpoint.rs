//! Checkpoints: what lets a file that was never closed be opened from its end.

use serde::{Deserialize, Serialize};

/// Ends a part of the index: the INDEX frames directly before it name the frames that came since [`Checkpoint::previous`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Where the CHECKPOINT begins that ends the part of the index before this one; `None` if this is the first.
    pub previous: Option<u64>,
    /// Where the first INDEX frame of this part begins; where the CHECKPOINT itself does, if there is none.
    pub index: u64,
    /// Where the newest repetition of metadata, definitions and commit begins; `None` if there was none.
    pub repeated: Option<u64>,
    /// What was written of each kind of event frames.
    pub streams: Vec<StreamTally>,
}

/// What was written of one kind of event frames, since the beginning of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StreamTally {
    /// The [frame type](crate::frame::FrameType).
    pub frame_type: u16,
    /// Frames.
    pub chunks: u64,
    /// Rows in them.
    pub rows: u64,
    /// Their bytes, with headers and padding.
    pub bytes: u64,
    /// Rows that were to be written and are not in the file.
    pub lost: u64,
}
