//! Frames: what a capture consists of after its file header.
//!
//! A frame is a 64-byte header and a payload, padded with zero bytes to a multiple of 8. The header has a
//! checksum of its own, so that a reader hops from frame to frame without touching payloads, and a sync mark
//! to find it by where the one before is damaged.

use crate::defs::Defs;
use crate::header::{u16_at, u32_at, u64_at};
use crate::limits;
use crate::rows::Stream;
use crate::word::Word;
use serde::{Serialize, Serializer};
use std::fmt;

/// Bytes of a frame header.
pub const FRAME_HEADER_LEN: usize = 64;
/// First half of a frame's sync mark; the second is the first four bytes of the file's id.
///
/// No byte of it is printable text or common in small integers.
pub const SYNC: [u8; 4] = [0xF7, 0x9B, 0xC3, 0xA5];

/// What a frame holds. The set is open: a reader skips frames of types that it does not know.
///
/// The types of the frames that hold rows are those of the streams: [`Stream::frame_type`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameType(pub u16);

impl FrameType {
    /// Events of a ring as the hooks wrote them: [`crate::raw::RawChunk`].
    pub const RAW: Self = Self(0x10);
    /// Definitions: [`crate::defs::SiteDef`].
    pub const SITES: Self = Self(0x0201);
    /// Definitions: [`crate::defs::TypeDef`].
    pub const TYPES: Self = Self(0x0202);
    /// Definitions: [`crate::defs::HookDef`].
    pub const HOOKS: Self = Self(0x0203);
    /// Definitions: [`crate::defs::ThreadDef`].
    pub const THREADS: Self = Self(0x0204);
    /// Definitions: [`crate::defs::StringDef`].
    pub const STRINGS: Self = Self(0x0205);
    /// Definitions: [`crate::defs::StackDef`].
    pub const STACKS: Self = Self(0x0207);
    /// Definitions: [`crate::defs::ModuleDef`].
    pub const MODULES: Self = Self(0x0208);
    /// Definitions: [`crate::defs::DerivationDef`].
    pub const DERIVATIONS: Self = Self(0x0209);
    /// Definitions: [`crate::defs::RateDef`].
    pub const RATES: Self = Self(0x020A);
    /// What the capture is of: [`crate::metadata::Metadata`], after a copy of the file header.
    pub const METADATA: Self = Self(0x0301);
    /// The frames before it are whole: [`crate::commit::Commit`].
    pub const COMMIT: Self = Self(0x0302);
    /// Where each frame lies: [`crate::index::IndexEntry`] rows.
    pub const INDEX: Self = Self(0x0303);
    /// The last frame of a capture that was closed: it has no payload; `t_min` is the offset of the last checkpoint and
    /// `t_max` the file's length.
    pub const FOOTER: Self = Self(0x0304);
    /// Where the index is, and totals: [`crate::checkpoint::Checkpoint`].
    pub const CHECKPOINT: Self = Self(0x0305);

    /// Name of the type, as the specification has it.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        if let Some(stream) = self.stream() {
            return Some(stream.name());
        }
        Some(match self {
            Self::RAW => "RAW",
            Self::SITES => "SITES",
            Self::TYPES => "TYPES",
            Self::HOOKS => "HOOKS",
            Self::THREADS => "THREADS",
            Self::STRINGS => "STRINGS",
            Self::STACKS => "STACKS",
            Self::MODULES => "MODULES",
            Self::DERIVATIONS => "DERIVATIONS",
            Self::RATES => "RATES",
            Self::METADATA => "METADATA",
            Self::COMMIT => "COMMIT",
            Self::INDEX => "INDEX",
            Self::FOOTER => "FOOTER",
            Self::CHECKPOINT => "CHECKPOINT",
            _ => return None,
        })
    }

    /// The stream whose rows frames of this type hold, if they hold rows.
    #[must_use]
    pub const fn stream(self) -> Option<Stream> {
        Stream::of_frames(self)
    }

    /// Whether frames of this type hold rows, or events that rows are made of.
    #[must_use]
    pub fn holds_events(self) -> bool {
        self == Self::RAW || self.stream().is_some()
    }

    /// The rows that are lost with a frame of this type whose header says so many; of events in slots those are the least.
    pub(crate) fn rows(self, rows: u32) -> u64 {
        if self.holds_events() { rows.into() } else { 0 }
    }

    /// Whether frames of this type hold definitions.
    #[must_use]
    pub fn is_definitions(self) -> bool {
        Defs::FRAMES.contains(&self)
    }

    /// The encoding that this version gives to frames of this type.
    #[must_use]
    pub fn encoding(self) -> Option<Encoding> {
        Some(match self {
            Self::INDEX => Encoding::Columns,
            Self::RAW => Encoding::Slots,
            Self::METADATA | Self::COMMIT | Self::CHECKPOINT => Encoding::Bincode,
            Self::FOOTER => Encoding::Empty,
            _ if self.stream().is_some() => Encoding::Columns,
            _ if self.is_definitions() => Encoding::Bincode,
            _ => return None,
        })
    }
}

impl Word for FrameType {
    fn to_word(&self) -> u64 {
        self.0.to_word()
    }

    fn from_word(word: u64) -> Option<Self> {
        u16::from_word(word).map(Self)
    }
}

impl Serialize for FrameType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for FrameType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for FrameType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#06x}", self.0),
        }
    }
}

/// How a payload is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Encoding {
    /// There is no payload.
    Empty = 0,
    /// Records in bincode 2's standard configuration, back to back; the frame's codec compresses them as a whole.
    Bincode = 1,
    /// A column directory and columns, each compressed by itself; the frame's codec is none.
    Columns = 2,
    /// Slots of a ring, which a codec may compress as a whole, behind a head of their own; the frame's codec is none.
    Slots = 3,
}

impl Encoding {
    /// Returns the encoding with this id, if this version has it.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            0 => Some(Self::Empty),
            1 => Some(Self::Bincode),
            2 => Some(Self::Columns),
            3 => Some(Self::Slots),
            _ => None,
        }
    }
}

/// Bits of [`FrameHeader::flags`].
pub mod frame_flags {
    /// A reader that does not know the frame's type must not ignore it.
    pub const CRITICAL: u16 = 1;
    /// Repeats what earlier frames said: a definition table as a whole, the metadata, the last commit.
    pub const REPEAT: u16 = 2;
}

/// What the 64 bytes before a payload say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the payload holds.
    pub frame_type: FrameType,
    /// See [`frame_flags`].
    pub flags: u16,
    /// Id of the [`crate::Codec`] that the payload as a whole is compressed with.
    pub codec: u8,
    /// Id of the [`Encoding`] of the payload.
    pub encoding: u8,
    /// Version of the type's record.
    pub version: u16,
    /// Frames before this one in the file; a gap proves a loss.
    pub seq: u64,
    /// Bytes of the payload, without padding.
    pub stored_len: u32,
    /// Bytes of the payload when nothing in it is compressed.
    pub raw_len: u32,
    /// Rows, definitions or records in it.
    pub rows: u32,
    /// The process that the rows come from, when captures were merged; else 0.
    pub source: u32,
    /// Earliest time in the rows, in ticks; 0 where rows have no time.
    pub t_min: u64,
    /// Latest time in the rows, in ticks; 0 where rows have no time.
    pub t_max: u64,
    /// CRC-32 of the payload with its padding.
    pub payload_crc: u32,
}

impl FrameHeader {
    /// Encodes the header for the file with this [tag](crate::FileHeader::tag).
    #[must_use]
    pub fn to_bytes(&self, tag: [u8; 4]) -> [u8; FRAME_HEADER_LEN] {
        let mut bytes = [0; FRAME_HEADER_LEN];
        bytes[..4].copy_from_slice(&SYNC);
        bytes[4..8].copy_from_slice(&tag);
        bytes[8..10].copy_from_slice(&self.frame_type.0.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.flags.to_le_bytes());
        bytes[12] = self.codec;
        bytes[13] = self.encoding;
        bytes[14..16].copy_from_slice(&self.version.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.seq.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.stored_len.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.raw_len.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.rows.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.source.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.t_min.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.t_max.to_le_bytes());
        bytes[56..60].copy_from_slice(&self.payload_crc.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Decodes a header and the tag of the file it belongs to; `None` if the sync mark or the checksum is wrong.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; FRAME_HEADER_LEN]) -> Option<(Self, [u8; 4])> {
        if bytes[..4] != SYNC || u32_at(bytes, 60) != crc32fast::hash(&bytes[..60]) {
            return None;
        }
        let header = Self {
            frame_type: FrameType(u16_at(bytes, 8)),
            flags: u16_at(bytes, 10),
            codec: bytes[12],
            encoding: bytes[13],
            version: u16_at(bytes, 14),
            seq: u64_at(bytes, 16),
            stored_len: u32_at(bytes, 24),
            raw_len: u32_at(bytes, 28),
            rows: u32_at(bytes, 32),
            source: u32_at(bytes, 36),
            t_min: u64_at(bytes, 40),
            t_max: u64_at(bytes, 48),
            payload_crc: u32_at(bytes, 56),
        };
        Some((header, [bytes[4], bytes[5], bytes[6], bytes[7]]))
    }

    /// Bytes of the payload with its padding.
    #[must_use]
    pub const fn padded_len(&self) -> u64 {
        (self.stored_len as u64).next_multiple_of(8)
    }

    /// Bytes of the whole frame.
    #[must_use]
    pub const fn frame_len(&self) -> u64 {
        FRAME_HEADER_LEN as u64 + self.padded_len()
    }

    /// The first size in the header that is beyond its limit, as name, limit and value.
    #[must_use]
    pub fn beyond_limit(&self) -> Option<(&'static str, u64, u64)> {
        [
            ("stored length", limits::STORED_LEN, self.stored_len),
            ("raw length", limits::RAW_LEN, self.raw_len),
            ("rows", limits::ROWS, self.rows),
        ]
        .into_iter()
        .find(|(_, limit, found)| found > limit)
        .map(|(what, limit, found)| (what, u64::from(limit), u64::from(found)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_and_each_of_its_bits_counts() {
        let header = FrameHeader {
            frame_type: Stream::Container.frame_type(),
            flags: 0x0102,
            codec: 3,
            encoding: 4,
            version: 0x0506,
            seq: 0x0708_090A_0B0C_0D0E,
            stored_len: 0x0F10_1112,
            raw_len: 0x1314_1516,
            rows: 0x1718_191A,
            source: 0x1B1C_1D1E,
            t_min: 0x1F20_2122_2324_2526,
            t_max: 0x2728_292A_2B2C_2D2E,
            payload_crc: 0x2F30_3132,
        };
        let bytes = header.to_bytes(*b"abcd");
        assert_eq!(FrameHeader::from_bytes(&bytes), Some((header, *b"abcd")));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(FrameHeader::from_bytes(&damaged), None, "bit {bit}");
        }
    }
}
