//! The index: where each frame lies. A cache of the frame headers, never the truth.

use crate::column::{Column, ColumnEncoding};
use crate::frame::{FRAME_HEADER_LEN, FrameHeader, FrameType};
use crate::record::Record;

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

impl Record for IndexEntry {
    type Words = [u64; 9];

    const FRAME: FrameType = FrameType::INDEX;
    const COLUMNS: &'static [Column] = &[
        Column::new(1, "offset", ColumnEncoding::Delta),
        Column::new(2, "frame_type", ColumnEncoding::Varint),
        Column::new(3, "flags", ColumnEncoding::Varint),
        Column::new(4, "seq", ColumnEncoding::Delta),
        Column::new(5, "stored_len", ColumnEncoding::Varint),
        Column::new(6, "rows", ColumnEncoding::Varint),
        Column::new(7, "source", ColumnEncoding::Varint),
        Column::new(8, "t_min", ColumnEncoding::Delta),
        Column::new(9, "t_max", ColumnEncoding::Delta),
    ];
    const TIME: Option<usize> = None;

    fn to_words(&self) -> Self::Words {
        [
            self.offset,
            u64::from(self.frame_type.0),
            u64::from(self.flags),
            self.seq,
            u64::from(self.stored_len),
            u64::from(self.rows),
            u64::from(self.source),
            self.t_min,
            self.t_max,
        ]
    }

    fn from_words(words: &Self::Words) -> Result<Self, usize> {
        Ok(Self {
            offset: words[0],
            frame_type: FrameType(u16::try_from(words[1]).map_err(|_| 1_usize)?),
            flags: u16::try_from(words[2]).map_err(|_| 2_usize)?,
            seq: words[3],
            stored_len: u32::try_from(words[4]).map_err(|_| 4_usize)?,
            rows: u32::try_from(words[5]).map_err(|_| 5_usize)?,
            source: u32::try_from(words[6]).map_err(|_| 6_usize)?,
            t_min: words[7],
            t_max: words[8],
        })
    }
}
