//! Chunks: rows of one kind as columns, on their way to a frame and back.

use crate::codec::{Codec, Compressor};
use crate::column::{ColumnEncoder, Words};
use crate::directory::{self, ColumnEntry, Directory};
use crate::error::Error;
use crate::frame::{Encoding, FrameHeader, FrameType};
use crate::record::Record;
use std::fmt;
use std::marker::PhantomData;

/// Rows that are turned into columns at once: few enough to stay in the first cache.
const BLOCK: usize = 256;

/// The rows that a chunk takes. Larger ones are hardly smaller on disk, and cost memory and precision of selection.
pub const CHUNK_ROWS: usize = 1 << 16;

/// A chunk has [`CHUNK_ROWS`] rows; it must be sealed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the chunk is full")]
pub struct ChunkFull;

/// Gathers rows as columns.
///
/// Rows become bytes as they come, at a few nanoseconds each and without allocating, once the buffers have grown.
pub struct Chunk<R: Record> {
    /// The newest rows, column by column.
    block: Vec<R::Words>,
    /// Rows in `block`.
    gathered: usize,
    columns: Vec<ColumnEncoder>,
    /// Rows in `columns`.
    encoded: usize,
    t_min: u64,
    t_max: u64,
    rows: PhantomData<fn(R)>,
}

impl<R: Record> Chunk<R> {
    /// Makes an empty chunk.
    #[must_use]
    pub fn new() -> Self {
        Self {
            block: vec![R::Words::default(); BLOCK],
            gathered: 0,
            columns: R::COLUMNS.iter().map(|column| ColumnEncoder::new(column.encoding)).collect(),
            encoded: 0,
            t_min: u64::MAX,
            t_max: 0,
            rows: PhantomData,
        }
    }

    /// Appends a row.
    ///
    /// # Errors
    ///
    /// If the chunk is full; the row is not in it.
    #[inline]
    pub fn push(&mut self, row: &R) -> Result<(), ChunkFull> {
        if self.gathered >= BLOCK {
            self.encode_block();
        }
        if self.encoded == CHUNK_ROWS {
            return Err(ChunkFull);
        }
        self.block[self.gathered] = row.to_words();
        self.gathered += 1;
        Ok(())
    }

    /// Rows in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.encoded + self.gathered
    }

    /// Whether it has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the rows and keeps the memory.
    pub fn clear(&mut self) {
        self.gathered = 0;
        self.encoded = 0;
        self.t_min = u64::MAX;
        self.t_max = 0;
        for column in &mut self.columns {
            column.clear();
        }
    }

    /// Makes a frame of the rows and clears the chunk; `None` if there are no rows.
    #[must_use]
    pub fn seal(&mut self, codec: Codec) -> Option<Sealed> {
        self.seal_with(&mut Compressor::new(codec, Compressor::EVENTS))
    }

    /// As [`Chunk::seal`], with a compressor that others use too.
    pub(crate) fn seal_with(&mut self, compressor: &mut Compressor) -> Option<Sealed> {
        self.encode_block();
        if self.encoded == 0 {
            return None;
        }
        let directory_len = directory::directory_len(R::COLUMNS.len());
        let mut payload = vec![0; directory_len];
        let mut entries = Vec::with_capacity(R::COLUMNS.len());
        let mut raw_len = directory_len;
        for (column, encoder) in R::COLUMNS.iter().zip(&mut self.columns) {
            let (encoding, raw) = encoder.finish();
            let start = payload.len();
            let codec = compressor.append(raw, &mut payload);
            raw_len += raw.len();
            entries.push(ColumnEntry {
                id: column.id,
                encoding: encoding as u8,
                codec: codec as u8,
                // A chunk has at most 64 columns of 2^16 rows of 10 bytes.
                stored_len: (payload.len() - start) as u32,
                raw_len: raw.len() as u32,
                crc: crc32fast::hash(&payload[start..]),
            });
        }
        directory::write(&mut payload, entries.into_iter());
        let (t_min, t_max) = R::TIME.map_or((0, 0), |_| (self.t_min, self.t_max));
        let rows = self.encoded as u32;
        self.clear();
        Some(Sealed::new(
            FrameHeader {
                raw_len: raw_len as u32,
                rows,
                t_min,
                t_max,
                version: R::VERSION,
                ..Sealed::template(R::FRAME, Encoding::Columns)
            },
            payload,
        ))
    }

    /// Turns the gathered rows into bytes.
    fn encode_block(&mut self) {
        let rows = &self.block[..self.gathered];
        let mut words = [0_u64; BLOCK];
        let words = &mut words[..rows.len()];
        for (place, encoder) in self.columns.iter_mut().enumerate() {
            for (word, row) in words.iter_mut().zip(rows) {
                *word = row.as_ref()[place];
            }
            if R::TIME == Some(place) {
                self.t_min = words.iter().fold(self.t_min, |least, &word| least.min(word));
                self.t_max = words.iter().fold(self.t_max, |most, &word| most.max(word));
            }
            encoder.push(words);
        }
        self.encoded += self.gathered;
        self.gathered = 0;
    }
}

impl<R: Record> Default for Chunk<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Record> fmt::Debug for Chunk<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk")
            .field("frame", &R::FRAME)
            .field("rows", &self.len())
            .finish_non_exhaustive()
    }
}

/// A frame that lacks only its number: what a writer appends with two writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The header, with the sequence number 0.
    pub(crate) header: FrameHeader,
    /// The payload with its padding.
    pub(crate) padded: Vec<u8>,
}

impl Sealed {
    /// A header of a frame type with nothing else set.
    pub(crate) const fn template(frame_type: FrameType, encoding: Encoding) -> FrameHeader {
        FrameHeader {
            frame_type,
            flags: 0,
            codec: Codec::None as u8,
            encoding: encoding as u8,
            version: 1,
            seq: 0,
            stored_len: 0,
            raw_len: 0,
            rows: 0,
            source: 0,
            t_min: 0,
            t_max: 0,
            payload_crc: 0,
        }
    }

    /// Completes a header with what follows from the payload.
    pub(crate) fn new(mut header: FrameHeader, mut payload: Vec<u8>) -> Self {
        // Those who make payloads keep them below limits::STORED_LEN.
        header.stored_len = payload.len() as u32;
        payload.resize(payload.len().next_multiple_of(8), 0);
        header.payload_crc = crc32fast::hash(&payload);
        Self { header, padded: payload }
    }

    /// What the frame holds.
    #[must_use]
    pub const fn frame_type(&self) -> FrameType {
        self.header.frame_type
    }

    /// Rows in it.
    #[must_use]
    pub const fn rows(&self) -> u32 {
        self.header.rows
    }

    /// Bytes it takes in a file.
    #[must_use]
    pub const fn frame_len(&self) -> u64 {
        self.header.frame_len()
    }
}

/// The columns of a chunk that was read, row by row.
pub(crate) struct Rows<R: Record> {
    columns: Vec<Words>,
    rows: u32,
    next: u32,
    offset: u64,
    kind: PhantomData<fn() -> R>,
}

impl<R: Record> Rows<R> {
    /// Decodes the columns of a payload (without padding) that begins at `offset` and whose checksum is right.
    ///
    /// # Errors
    ///
    /// If a column that `R` needs is missing or damaged, or the chunk is of another version.
    pub(crate) fn decode(header: &FrameHeader, payload: &[u8], offset: u64) -> Result<Self, Error> {
        if header.version != R::VERSION {
            return Err(Error::TooNew {
                supported: format!("{} of version {}", R::FRAME, R::VERSION),
                found: format!("version {}", header.version),
            });
        }
        let directory = Directory::parse(header, payload, offset)?;
        let columns = R::COLUMNS
            .iter()
            .map(|column| {
                directory.read(payload, column.id)?.ok_or_else(|| {
                    Error::corrupt(offset, format!("the column {}", column.name), "none")
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { columns, rows: header.rows, next: 0, offset, kind: PhantomData })
    }
}

impl<R: Record> Iterator for Rows<R> {
    type Item = Result<R, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.rows {
            return None;
        }
        let row = self.next as usize;
        self.next += 1;
        let mut words = R::Words::default();
        for (word, column) in words.as_mut().iter_mut().zip(&self.columns) {
            *word = column.get(row);
        }
        Some(R::from_words(&words).map_err(|place| {
            Error::corrupt(
                self.offset,
                format!("a known {} in row {row}", R::COLUMNS[place].name),
                self.columns[place].get(row).to_string(),
            )
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.rows - self.next) as usize;
        (left, Some(left))
    }
}
