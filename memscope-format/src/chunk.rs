//! Chunks: rows of one kind as columns, on their way to a frame and back.

mod rows;

pub(crate) use rows::{Rows, check_version};

use crate::codec::{Codec, Compressor};
use crate::column::{BLOCK, ColumnEncoder, ColumnEncoding, EncodedColumn, SHAPE, WEIGHT};
use crate::compression::Compression;
use crate::directory::{self, ColumnEntry};
use crate::frame::{Encoding, FrameHeader, FrameType};
use crate::record::Record;
use crate::shapes::Shapes;
use std::fmt;
use std::marker::PhantomData;

/// The rows that a chunk takes. Larger ones are hardly smaller on disk, and cost memory and precision of selection.
pub const CHUNK_ROWS: usize = 1 << 16;

/// Words from a column of a block to the next. Were it a power of two, the places of a row in all columns would compete
/// for a few lines of the first cache.
const BLOCK_STRIDE: usize = BLOCK + 8;

/// A chunk has [`CHUNK_ROWS`] rows; it must be sealed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the chunk is full")]
pub struct ChunkFull;

/// Gathers rows as columns.
///
/// Rows become bytes as they come, at a few nanoseconds each and without allocating, once the buffers have grown.
pub struct Chunk<R: Record> {
    /// The newest rows, column by column.
    block: Vec<[u64; BLOCK_STRIDE]>,
    /// The shapes of the newest rows.
    block_shapes: [u64; BLOCK],
    /// Rows in `block`.
    gathered: usize,
    columns: Vec<ColumnEncoder>,
    shapes: Shapes<R>,
    shape: ColumnEncoder,
    weight: ColumnEncoder,
    /// Rows in `columns`.
    encoded: usize,
    t_min: u64,
    t_max: u64,
    /// The bytes of one column.
    bytes: Vec<u8>,
    /// What [`Chunk::seal`] compressed with.
    compressor: Option<Compressor>,
    rows: PhantomData<fn(R)>,
}

impl<R: Record> Chunk<R> {
    /// Makes an empty chunk.
    #[must_use]
    pub fn new() -> Self {
        Self {
            block: vec![[0; BLOCK_STRIDE]; R::COLUMNS.len()],
            block_shapes: [0; BLOCK],
            gathered: 0,
            columns: R::COLUMNS.iter().map(|_| ColumnEncoder::default()).collect(),
            shapes: Shapes::new(),
            shape: ColumnEncoder::default(),
            weight: ColumnEncoder::default(),
            encoded: 0,
            t_min: u64::MAX,
            t_max: 0,
            bytes: Vec::new(),
            compressor: None,
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
        if self.is_block_full() {
            self.make_room()?;
        }
        let words = row.to_words();
        self.put(&words);
        if Shapes::<R>::CODED {
            self.block_shapes[self.gathered] = self.shapes.shape(&words);
        }
        self.gathered += 1;
        Ok(())
    }

    /// Appends a row that stands for `weight` events: it was sampled.
    ///
    /// # Errors
    ///
    /// As [`Chunk::push`].
    pub fn push_weighted(&mut self, row: &R, weight: u64) -> Result<(), ChunkFull> {
        self.push(row)?;
        self.weigh(weight);
        Ok(())
    }

    /// As [`Chunk::push`], for rows of which all with the same `key` have the same words in the coded columns: their shape is
    /// found by it. There must be room, see [`Chunk::make_room`].
    #[inline(always)]
    pub(crate) fn push_keyed(&mut self, key: u64, row: impl Fn() -> R) {
        let shape = match self.shape_of(key) {
            Some(shape) => shape,
            None if Shapes::<R>::CODED => self.shapes.learn(key, &row().to_words()),
            None => 0,
        };
        self.push_shaped(shape, row());
    }

    /// The shape of the rows with a key, if one was pushed since the chunk was empty (and it was not forgotten).
    #[inline(always)]
    pub(crate) fn shape_of(&self, key: u64) -> Option<u64> {
        self.shapes.keyed(key)
    }

    /// As [`Chunk::push_keyed`], for rows whose shape is known: what `row` has in the coded columns does not matter.
    #[inline(always)]
    pub(crate) fn push_shaped(&mut self, shape: u64, row: R) {
        self.put(&row.to_words());
        if Shapes::<R>::CODED {
            self.block_shapes[self.gathered] = shape;
        }
        self.gathered += 1;
    }

    /// Says what the last row stands for; the rows before it, as far as nothing is said of them, for one each.
    pub(crate) fn weigh(&mut self, weight: u64) {
        self.weigh_rest(self.len() - 1);
        self.weight.push(&[weight]);
    }

    /// Says that of so many rows those of which nothing is said stand for one each.
    fn weigh_rest(&mut self, rows: usize) {
        let ones = [1; BLOCK];
        while self.weight.len() < rows {
            let missing = rows - self.weight.len();
            self.weight.push(&ones[..missing.min(BLOCK)]);
        }
    }

    /// Whether rows must become bytes before there is room for another.
    #[inline(always)]
    pub(crate) const fn is_block_full(&self) -> bool {
        self.gathered >= BLOCK
    }

    /// Makes room for a block of rows.
    #[cold]
    #[inline(never)]
    pub(crate) fn make_room(&mut self) -> Result<(), ChunkFull> {
        if self.len() >= CHUNK_ROWS {
            return Err(ChunkFull);
        }
        self.encode_block();
        Ok(())
    }

    /// Stores the words of the columns that are not coded.
    #[inline(always)]
    fn put(&mut self, words: &R::Words) {
        let at = self.gathered;
        // The length is known here, so that the loop becomes one store for each column.
        let block = &mut self.block[..R::COLUMNS.len()];
        for ((column, &word), block) in R::COLUMNS.iter().zip(words.as_ref()).zip(block) {
            if !column.is_coded() {
                block[at] = word;
            }
        }
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
        self.shapes.clear();
        self.shape.clear();
        self.weight.clear();
        for column in &mut self.columns {
            column.clear();
        }
    }

    /// Makes a frame of the rows and clears the chunk; `None` if there are no rows.
    #[must_use]
    pub fn seal(&mut self, compression: impl Into<Compression>) -> Option<Sealed> {
        let compression = compression.into();
        let kept = self.compressor.take().filter(|kept| kept.is_for(compression));
        let mut compressor = kept.unwrap_or_else(|| Compressor::new(compression));
        let sealed = self.seal_with(&mut compressor);
        self.compressor = Some(compressor);
        sealed
    }

    /// As [`Chunk::seal`], with a compressor that others use too.
    pub(crate) fn seal_with(&mut self, compressor: &mut Compressor) -> Option<Sealed> {
        self.encode_block();
        if self.encoded == 0 {
            return None;
        }
        if !self.weight.is_empty() {
            self.weigh_rest(self.encoded);
        }
        let weighted = !self.weight.is_all(1);
        let shaped = self.shapes.len() > 1;
        let lacking: Vec<bool> =
            (0..R::COLUMNS.len()).map(|place| self.is_lacking(place)).collect();
        let stored = lacking.iter().filter(|&&lacking| !lacking).count();
        let columns = stored + usize::from(weighted) + usize::from(shaped);
        let directory_len = directory::directory_len(columns);
        let mut payload = vec![0; directory_len];
        let mut entries = Vec::with_capacity(columns);
        let mut raw_len = directory_len;
        let rows = self.encoded;
        let mut put = |id, column: EncodedColumn<'_>, noisy| {
            let start = payload.len();
            let codec = compressor.append_planes(column.bytes, rows, noisy, &mut payload);
            raw_len += column.bytes.len();
            entries.push(ColumnEntry {
                id,
                encoding: column.encoding as u8,
                codec: codec as u8,
                // A chunk has at most 64 columns of 2^16 rows of 28 bytes.
                stored_len: (payload.len() - start) as u32,
                raw_len: column.bytes.len() as u32,
                crc: crc32fast::hash(&payload[start..]),
            });
        };
        if shaped {
            put(SHAPE.id, self.shape.finish(), SHAPE.is_noisy());
        }
        for (place, (column, encoder)) in R::COLUMNS.iter().zip(&mut self.columns).enumerate() {
            if lacking[place] {
                continue;
            }
            let encoded = if column.is_coded() {
                let equal = self.shapes.write(place, &mut self.bytes);
                let encoding = if equal { ColumnEncoding::Constant } else { ColumnEncoding::Coded };
                EncodedColumn { encoding, bytes: &self.bytes }
            } else {
                encoder.finish()
            };
            put(column.id, encoded, column.is_noisy());
        }
        if weighted {
            put(WEIGHT.id, self.weight.finish(), WEIGHT.is_noisy());
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

    /// Whether the column at this place need not be stored, since it says nothing.
    fn is_lacking(&self, place: usize) -> bool {
        let column = &R::COLUMNS[place];
        column.additional
            && if column.is_coded() {
                self.shapes.is_zero(place)
            } else {
                self.columns[place].is_all(0)
            }
    }

    /// Turns the gathered rows into bytes.
    fn encode_block(&mut self) {
        let rows = self.gathered;
        for (place, (column, encoder)) in R::COLUMNS.iter().zip(&mut self.columns).enumerate() {
            if column.is_coded() {
                continue;
            }
            let words = &self.block[place][..rows];
            if R::TIME == Some(place) {
                let (least, most) = range(words);
                self.t_min = self.t_min.min(least);
                self.t_max = self.t_max.max(most);
            }
            encoder.push(words);
        }
        if Shapes::<R>::CODED {
            self.shape.push(&self.block_shapes[..rows]);
        }
        self.encoded += rows;
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

/// The least and the greatest of some words.
fn range(words: &[u64]) -> (u64, u64) {
    let [first, .., last] = words else {
        return words.first().map_or((u64::MAX, 0), |&word| (word, word));
    };
    // Times ascend nearly always, and are near each other. That is seen of several at once, a comparison of each is not.
    let union = words.iter().fold(first ^ last, |union, word| union | (word ^ first));
    let descents =
        words.windows(2).fold(union, |found, pair| found | pair[1].wrapping_sub(pair[0]));
    if descents >> 63 == 0 {
        return (*first, *last);
    }
    words.iter().fold((u64::MAX, 0), |(least, most), &word| (least.min(word), most.max(word)))
}
