//! The index: where each frame lies. A cache of the frame headers, never the truth.

use crate::frame::{FRAME_HEADER_LEN, FrameHeader, FrameType};
use crate::record::columns;

/// What the index says of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexEntry {
    /// Where its header begins.
    pub offset: u64,
    /// See [`FrameHeader::frame_type`].
    pub frame_type: FrameType,
    /// See [`FrameHeader::flags`].
    pub flags: u16,
    /// See [`FrameHeader::seq`].
    pub seq: u64,
    /// See [`FrameHeader::stored_len`].
    pub stored_len: u32,
    /// See [`FrameHeader::rows`].
    pub rows: u32,
    /// See [`FrameHeader::source`].
    pub source: u32,
    /// See [`FrameHeader::t_min`].
    pub t_min: u64,
    /// See [`FrameHeader::t_max`].
    pub t_max: u64,
}

impl IndexEntry {
    /// Makes the entry of a frame.
    #[must_use]
    pub const fn new(offset: u64, header: &FrameHeader) -> Self {
        Self {
            offset,
            frame_type: header.frame_type,
            flags: header.flags,
            seq: header.seq,
            stored_len: header.stored_len,
            rows: header.rows,
            source: header.source,
            t_min: header.t_min,
            t_max: header.t_max,
        }
    }

    /// Whether this is what the index says of the frame with this header, at the same offset.
    #[must_use]
    pub fn describes(&self, header: &FrameHeader) -> bool {
        *self == Self::new(self.offset, header)
    }

    /// Bytes of the whole frame.
    #[must_use]
    pub const fn frame_len(&self) -> u64 {
        FRAME_HEADER_LEN as u64 + (self.stored_len as u64).next_multiple_of(8)
    }

    /// Where the frame ends; saturates.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset.saturating_add(self.frame_len())
    }
}

columns! {
    IndexEntry: FrameType::INDEX, time None;
    1 "offset" offset Plain;
    2 "frame_type" frame_type Plain;
    3 "flags" flags Plain;
    4 "seq" seq Plain;
    5 "stored_len" stored_len Plain;
    6 "rows" rows Plain;
    7 "source" source Plain;
    8 "t_min" t_min Plain;
    9 "t_max" t_max Plain;
}
