//! The column directory at the start of a chunk: which columns it has and where their bytes lie.
//!
//! It has a checksum of its own, and so has each column, so that one column can be read and verified without
//! the others.

use crate::codec;
use crate::column::{ColumnEncoding, Words};
use crate::error::Error;
use crate::frame::FrameHeader;
use crate::header::{u16_at, u32_at};
use crate::limits;

/// Bytes before the entries.
const HEAD_LEN: usize = 8;
/// Bytes of an entry.
const ENTRY_LEN: usize = 16;

/// Bytes of the directory of so many columns.
pub(crate) const fn directory_len(columns: usize) -> usize {
    HEAD_LEN + columns * ENTRY_LEN
}

/// What the directory says of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnEntry {
    /// The [`crate::column::Column::id`].
    pub id: u16,
    /// Id of the [`ColumnEncoding`].
    pub encoding: u8,
    /// Id of the [`crate::Codec`].
    pub codec: u8,
    /// Bytes in the payload.
    pub stored_len: u32,
    /// Bytes before the codec.
    pub raw_len: u32,
    /// CRC-32 of the stored bytes.
    pub crc: u32,
}

/// Writes a directory over the first bytes of `payload`, which are there for it.
pub(crate) fn write(payload: &mut [u8], entries: impl Iterator<Item = ColumnEntry>) {
    let mut columns = 0_u16;
    let mut end = HEAD_LEN;
    for entry in entries {
        let bytes = &mut payload[end..end + ENTRY_LEN];
        bytes[..2].copy_from_slice(&entry.id.to_le_bytes());
        bytes[2] = entry.encoding;
        bytes[3] = entry.codec;
        bytes[4..8].copy_from_slice(&entry.stored_len.to_le_bytes());
        bytes[8..12].copy_from_slice(&entry.raw_len.to_le_bytes());
        bytes[12..].copy_from_slice(&entry.crc.to_le_bytes());
        columns += 1;
        end += ENTRY_LEN;
    }
    payload[..2].copy_from_slice(&columns.to_le_bytes());
    payload[2..4].copy_from_slice(&[0; 2]);
    let crc = checksum(&payload[..end]);
    payload[4..8].copy_from_slice(&crc.to_le_bytes());
}

/// The checksum of a directory, over all of it but the place of the checksum.
fn checksum(directory: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&directory[..4]);
    hasher.update(&directory[HEAD_LEN..]);
    hasher.finalize()
}

/// A chunk's directory, checked against the chunk's header.
#[derive(Debug)]
pub(crate) struct Directory {
    /// Where the payload begins in the file.
    offset: u64,
    rows: u32,
    /// Each column, with where its bytes begin in the payload.
    entries: Vec<(ColumnEntry, usize)>,
}

impl Directory {
    /// Reads and checks the directory at the start of a payload that begins at `offset`; the columns need not be in
    /// `payload`.
    ///
    /// # Errors
    ///
    /// If sizes, checksum or the set of columns contradict the header or each other.
    pub(crate) fn parse(header: &FrameHeader, payload: &[u8], offset: u64) -> Result<Self, Error> {
        let truncated = |expected: usize| Error::Truncated {
            offset,
            expected: expected as u64,
            found: payload.len() as u64,
        };
        if payload.len() < HEAD_LEN {
            return Err(truncated(HEAD_LEN));
        }
        let columns = u16_at(payload, 0);
        if columns > limits::COLUMNS {
            return Err(Error::Limit {
                offset,
                what: "columns",
                limit: u64::from(limits::COLUMNS),
                found: u64::from(columns),
            });
        }
        let len = directory_len(usize::from(columns));
        let Some(directory) = payload.get(..len) else { return Err(truncated(len)) };
        let (found, computed) = (u32_at(payload, 4), checksum(directory));
        if found != computed {
            return Err(Error::corrupt(
                offset,
                format!("a column directory with checksum {computed:08x}"),
                format!("{found:08x}"),
            ));
        }
        let mut entries = Vec::with_capacity(usize::from(columns));
        let (mut end, mut raw) = (len as u64, len as u64);
        for bytes in directory[HEAD_LEN..].chunks_exact(ENTRY_LEN) {
            let entry = ColumnEntry {
                id: u16_at(bytes, 0),
                encoding: bytes[2],
                codec: bytes[3],
                stored_len: u32_at(bytes, 4),
                raw_len: u32_at(bytes, 8),
                crc: u32_at(bytes, 12),
            };
            if entries.iter().any(|(other, _): &(ColumnEntry, usize)| other.id == entry.id) {
                return Err(Error::corrupt(
                    offset,
                    "each column once",
                    format!("column {} twice", entry.id),
                ));
            }
            entries.push((entry, end as usize));
            end += u64::from(entry.stored_len);
            raw += u64::from(entry.raw_len);
        }
        for (what, expected, found) in [
            ("stored bytes", u64::from(header.stored_len), end),
            ("raw bytes", u64::from(header.raw_len), raw),
        ] {
            if expected != found {
                return Err(Error::corrupt(
                    offset,
                    format!("columns of {expected} {what}"),
                    format!("columns of {found}"),
                ));
            }
        }
        Ok(Self { offset, rows: header.rows, entries })
    }

    /// Decodes a column of a payload that [`Directory::parse`] accepted; `None` if the chunk has no such column.
    ///
    /// # Errors
    ///
    /// If its bytes are damaged, or need a codec or encoding that this version does not have.
    pub(crate) fn read(&self, payload: &[u8], id: u16) -> Result<Option<Words>, Error> {
        let Some((entry, start)) = self.find(id) else { return Ok(None) };
        let stored = payload.get(start..start + entry.stored_len as usize).unwrap_or_default();
        self.decode(&entry, start, stored).map(Some)
    }

    /// What the directory says of a column, and where its bytes begin in the payload.
    pub(crate) fn find(&self, id: u16) -> Option<(ColumnEntry, usize)> {
        self.entries.iter().find(|(entry, _)| entry.id == id).copied()
    }

    /// Decodes the stored bytes of a column.
    ///
    /// # Errors
    ///
    /// As [`Directory::read`].
    pub(crate) fn decode(
        &self,
        entry: &ColumnEntry,
        start: usize,
        stored: &[u8],
    ) -> Result<Words, Error> {
        let id = entry.id;
        let offset = self.offset + start as u64;
        let computed = crc32fast::hash(stored);
        if computed != entry.crc {
            return Err(Error::corrupt(
                offset,
                format!("column {id} with checksum {:08x}", entry.crc),
                format!("{computed:08x}"),
            ));
        }
        let unknown = |what: &str, id: u8| Error::TooNew {
            supported: format!("the {what}s of format {}.{}", crate::MAJOR, crate::MINOR),
            found: format!("{what} {id}"),
        };
        let codec = codec::available(entry.codec)?;
        let encoding = ColumnEncoding::from_id(entry.encoding)
            .ok_or_else(|| unknown("column encoding", entry.encoding))?;
        let (least, most) = encoding.byte_range(self.rows);
        if !(least..=most).contains(&u64::from(entry.raw_len)) {
            return Err(Error::corrupt(
                offset,
                format!("column {id} of {least} to {most} raw bytes"),
                entry.raw_len.to_string(),
            ));
        }
        codec::decompress(codec, stored, entry.raw_len as usize)
            .and_then(|raw| Words::decode(encoding, raw, self.rows))
            .ok_or_else(|| {
                Error::corrupt(
                    offset,
                    format!("column {id} of {} rows in {} bytes", self.rows, entry.raw_len),
                    "bytes that do not decode to that",
                )
            })
    }
}
