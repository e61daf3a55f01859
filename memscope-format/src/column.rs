//! Columns: how the words of one field, over all rows of a chunk, become bytes.
//!
//! A row is a fixed number of 64-bit words, one a column. What a column looks like is a table,
//! [`Record::COLUMNS`](crate::record::Record::COLUMNS); nothing here knows any stream. Every chunk stands for
//! itself: no state goes from one to the next.
//!
//! An encoder works as the words come, a block at a time. It begins by keeping runs of equal words, and turns to
//! the column's own encoding when there are too many of them.

use crate::varint;

/// A column of a frame type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// What it is called in the file. An id never changes its meaning within a frame type.
    pub id: u16,
    /// What it is called elsewhere.
    pub name: &'static str,
    /// How a writer encodes it, unless its words are few runs. A reader goes by what the chunk says.
    pub encoding: ColumnEncoding,
    /// Whether its bytes have no repetitions worth searching for: then a codec only codes them by frequency, where it
    /// can be told to.
    pub noisy: bool,
    /// Whether the word 0 stands for "none", and each other for the number before it.
    pub optional: bool,
}

impl Column {
    /// Describes a column.
    #[must_use]
    pub const fn new(id: u16, name: &'static str, encoding: ColumnEncoding) -> Self {
        Self { id, name, encoding, noisy: false, optional: false }
    }

    /// Says that its words come from a clock, an allocator or a counter.
    #[must_use]
    pub const fn noisy(self) -> Self {
        Self { noisy: true, ..self }
    }

    /// Says that the word 0 stands for "none".
    #[must_use]
    pub const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// Whether a chunk stores it as a word for each of its shapes.
    #[must_use]
    pub const fn is_coded(&self) -> bool {
        matches!(self.encoding, ColumnEncoding::Coded)
    }
}

/// The column that says which shape a row has; see [`ColumnEncoding::Coded`].
pub const SHAPE: Column = Column::new(0, "shape", ColumnEncoding::Planes);
/// The column that says how many events a row stands for; a chunk without it is of rows that stand for one.
pub const WEIGHT: Column = Column::new(0x7FFF, "weight", ColumnEncoding::Planes);

/// How words become bytes, before any codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum ColumnEncoding {
    /// All words are equal: one varint (see [`crate::varint`]) for all rows.
    Constant = 0,
    /// The lowest byte of each row's word, then the next of each, as many as the greatest word needs.
    Planes = 1,
    /// One varint a row.
    Varint = 2,
    /// One varint a row: the zigzag difference, modulo 2^64, to the row before; to 0 for the first.
    Delta = 3,
    /// The differences of [`ColumnEncoding::Delta`] as [`ColumnEncoding::Planes`].
    DeltaPlanes = 4,
    /// Runs of equal words: the word and the number of rows, both as varints.
    Runs = 5,
    /// One varint for each shape. A chunk gives each distinct combination of the words of its coded columns a number,
    /// its *shape*, from 0 on; the column with id 0 says each row's. Most rows of a program repeat the site, the type
    /// and so on of others, so that one narrow column stands for many.
    Coded = 6,
}

impl ColumnEncoding {
    /// Returns the encoding with this id, if this version has it.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        Some(match id {
            0 => Self::Constant,
            1 => Self::Planes,
            2 => Self::Varint,
            3 => Self::Delta,
            4 => Self::DeltaPlanes,
            5 => Self::Runs,
            6 => Self::Coded,
            _ => return None,
        })
    }

    /// The bytes that `rows` words can take, from least to most.
    pub(crate) const fn byte_range(self, rows: u32) -> (u64, u64) {
        let rows = rows as u64;
        match self {
            Self::Constant => (1, varint::MAX_LEN as u64),
            Self::Planes | Self::DeltaPlanes => (rows, rows * 8),
            Self::Varint | Self::Delta => (rows, rows * varint::MAX_LEN as u64),
            Self::Runs => (2, rows * 2 * varint::MAX_LEN as u64),
            Self::Coded => (1, rows * varint::MAX_LEN as u64),
        }
    }

    /// Whether differences are stored.
    const fn is_delta(self) -> bool {
        matches!(self, Self::Delta | Self::DeltaPlanes)
    }
}

/// Words that are encoded at once: few enough to stay in the first cache.
pub(crate) const BLOCK: usize = 256;

/// Rows to a run, from which on runs are not worth keeping.
const ROWS_PER_RUN: usize = 32;
/// Runs that are kept in any case.
const FEW_RUNS: usize = 8;

/// Encodes a column as its words come.
#[derive(Debug)]
pub(crate) struct ColumnEncoder {
    column: Column,
    rows: usize,
    /// The last word.
    previous: u64,
    /// Words and how often they come in a row; `None` once there are too many.
    runs: Option<Vec<(u64, u32)>>,
    /// The word before the next to be encoded.
    encoded: u64,
    /// For planes: the bytes of each place, up to the highest that is not 0 in all rows.
    planes: Vec<Vec<u8>>,
    /// Planes in use.
    width: usize,
    /// What is not stored as planes.
    bytes: Vec<u8>,
    /// The runs of the column before, for their memory.
    spare: Vec<(u64, u32)>,
}

/// A column as bytes: parts that follow each other.
#[derive(Debug)]
pub(crate) struct EncodedColumn<'a> {
    pub(crate) encoding: ColumnEncoding,
    pub(crate) parts: Parts<'a>,
}

/// The bytes of a column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Parts<'a> {
    One(&'a [u8]),
    Planes(&'a [Vec<u8>]),
}

impl<'a> Parts<'a> {
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let (one, planes) = match self {
            Self::One(bytes) => (Some(bytes), [].as_slice()),
            Self::Planes(planes) => (None, planes),
        };
        one.into_iter().chain(planes.iter().map(Vec::as_slice))
    }

    pub(crate) fn len(self) -> usize {
        self.iter().map(<[u8]>::len).sum()
    }
}

impl ColumnEncoder {
    pub(crate) const fn new(column: Column) -> Self {
        Self {
            column,
            rows: 0,
            previous: 0,
            runs: Some(Vec::new()),
            encoded: 0,
            planes: Vec::new(),
            width: 0,
            bytes: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Makes it as new, but for its memory.
    pub(crate) fn clear(&mut self) {
        self.rows = 0;
        self.previous = 0;
        self.encoded = 0;
        self.width = 0;
        self.planes.iter_mut().for_each(Vec::clear);
        self.bytes.clear();
        let runs = self.runs.get_or_insert_with(|| std::mem::take(&mut self.spare));
        runs.clear();
    }

    /// Words so far.
    pub(crate) const fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Appends words.
    pub(crate) fn push(&mut self, words: &[u64]) {
        for words in words.chunks(BLOCK) {
            self.push_block(words);
        }
    }

    /// Appends a block of words.
    fn push_block(&mut self, words: &[u64]) {
        let (Some(&first), Some(&last)) = (words.first(), words.last()) else { return };
        if let Some(runs) = &mut self.runs {
            // Without an early end, which would keep the compiler from comparing several at once.
            let changes: usize = words.windows(2).map(|pair| usize::from(pair[0] != pair[1])).sum();
            let rows = self.rows + words.len();
            if runs.len() + changes < FEW_RUNS + rows / ROWS_PER_RUN {
                if self.rows > 0 && first == self.previous && changes == 0 {
                    if let Some((_, times)) = runs.last_mut() {
                        *times += words.len() as u32;
                    }
                } else {
                    for run in words.chunk_by(u64::eq) {
                        let times = run.len() as u32;
                        match runs.last_mut() {
                            Some((word, before)) if *word == run[0] => *before += times,
                            _ => runs.push((run[0], times)),
                        }
                    }
                }
                self.previous = last;
                self.rows = rows;
                return;
            }
            self.write_runs();
        }
        self.write(words);
        self.previous = last;
    }

    /// Gives up runs: writes the rows so far in the column's own encoding.
    fn write_runs(&mut self) {
        let Some(mut runs) = self.runs.take() else { return };
        self.rows = 0;
        let mut block = [0; BLOCK];
        for &(word, times) in &runs {
            block.fill(word);
            let mut left = times as usize;
            while left > 0 {
                let part = left.min(BLOCK);
                self.write(&block[..part]);
                left -= part;
            }
        }
        runs.clear();
        self.spare = runs;
    }

    /// Writes at most [`BLOCK`] words.
    fn write(&mut self, words: &[u64]) {
        let mut zigzags = [0; BLOCK];
        let words = if self.column.encoding.is_delta() {
            let before = std::iter::once(&self.encoded).chain(words);
            for ((zigzag, &word), &before) in zigzags.iter_mut().zip(words).zip(before) {
                *zigzag = varint::zigzag(word.wrapping_sub(before));
            }
            if let Some(&last) = words.last() {
                self.encoded = last;
            }
            &zigzags[..words.len()]
        } else {
            words
        };
        match self.column.encoding {
            ColumnEncoding::Varint | ColumnEncoding::Delta => {
                varint::put_all(&mut self.bytes, words);
            }
            _ => self.write_planes(words),
        }
        self.rows += words.len();
    }

    fn write_planes(&mut self, words: &[u64]) {
        let union = words.iter().fold(0, |union, word| union | word);
        let width = byte_width(union);
        if width > self.width {
            self.planes.resize_with(self.planes.len().max(width), Vec::new);
            for plane in &mut self.planes[self.width..width] {
                plane.clear();
                plane.resize(self.rows, 0);
            }
            self.width = width;
        }
        for (place, plane) in self.planes[..self.width].iter_mut().enumerate() {
            if place < width {
                plane.extend(words.iter().map(|&word| (word >> (8 * place)) as u8));
            } else {
                plane.resize(self.rows + words.len(), 0);
            }
        }
    }

    /// Whether all words so far were `word`.
    pub(crate) fn is_all(&self, word: u64) -> bool {
        self.runs.as_ref().is_some_and(|runs| runs.iter().all(|run| run.0 == word))
    }

    /// Returns the column's bytes and how they are encoded. With `compact`, they are as few as they can be; without,
    /// they are what a codec makes smallest.
    pub(crate) fn finish(&mut self, compact: bool) -> EncodedColumn<'_> {
        if let Some(runs) = &self.runs {
            self.bytes.clear();
            if let [(word, _)] = runs.as_slice() {
                varint::put(&mut self.bytes, *word);
                return EncodedColumn {
                    encoding: ColumnEncoding::Constant,
                    parts: Parts::One(&self.bytes),
                };
            }
            // In a short chunk even few runs can be longer than its words.
            if runs.len() <= FEW_RUNS.min(self.rows / 2) || runs.len() * FEW_RUNS <= self.rows {
                for &(word, times) in runs {
                    varint::put(&mut self.bytes, word);
                    varint::put(&mut self.bytes, u64::from(times));
                }
                return EncodedColumn {
                    encoding: ColumnEncoding::Runs,
                    parts: Parts::One(&self.bytes),
                };
            }
            self.write_runs();
        }
        let encoding = self.column.encoding;
        if matches!(encoding, ColumnEncoding::Varint | ColumnEncoding::Delta) {
            return EncodedColumn { encoding, parts: Parts::One(&self.bytes) };
        }
        let delta = encoding.is_delta();
        if compact && self.width > 1 {
            self.planes_to_varints();
            if self.bytes.len() < self.width * self.rows {
                let encoding = if delta { ColumnEncoding::Delta } else { ColumnEncoding::Varint };
                return EncodedColumn { encoding, parts: Parts::One(&self.bytes) };
            }
        }
        let encoding = if delta { ColumnEncoding::DeltaPlanes } else { ColumnEncoding::Planes };
        EncodedColumn { encoding, parts: Parts::Planes(&self.planes[..self.width]) }
    }

    /// Writes what the planes hold as varints: a few great words among small ones cost every row bytes as planes.
    fn planes_to_varints(&mut self) {
        self.bytes.clear();
        let mut words = [0; BLOCK];
        let mut start = 0;
        while start < self.rows {
            let end = self.rows.min(start + BLOCK);
            let words = &mut words[..end - start];
            words.fill(0);
            for (place, plane) in self.planes[..self.width].iter().enumerate() {
                add_plane(words, &plane[start..end], place);
            }
            varint::put_all(&mut self.bytes, words);
            start = end;
        }
    }
}

/// Bytes that a word needs, at least one.
const fn byte_width(word: u64) -> usize {
    (64 - (word | 1).leading_zeros() as usize).div_ceil(8)
}

/// Puts bytes at their place in words.
fn add_plane(words: &mut [u64], plane: &[u8], place: usize) {
    for (word, &byte) in words.iter_mut().zip(plane) {
        *word |= u64::from(byte) << (8 * place);
    }
}

/// The words of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// The same for all rows.
    Constant(u64),
    /// One for each row.
    Each(Vec<u64>),
    /// One for each shape; the row's shape is the word of the column [`SHAPE`].
    Coded(Vec<u64>),
}

impl Words {
    /// Bytes that they take in memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Constant(_) => 0,
                Self::Each(words) | Self::Coded(words) => words.capacity() * size_of::<u64>(),
            }
    }

    /// The words of the rows, if each has its own.
    pub(crate) fn each(&self) -> &[u64] {
        match self {
            Self::Each(words) => words,
            Self::Constant(_) | Self::Coded(_) => &[],
        }
    }

    /// Returns a word for each row, given those of the column [`SHAPE`]; `None` if a shape has none.
    pub(crate) fn expand(&self, rows: usize, shapes: &Self) -> Option<Vec<u64>> {
        let table = match self {
            Self::Constant(word) => return Some(vec![*word; rows]),
            Self::Each(words) => return Some(words.clone()),
            Self::Coded(table) => table,
        };
        let shapes = match shapes {
            Self::Constant(shape) => {
                return Some(vec![*table.get(usize::try_from(*shape).ok()?)?; rows]);
            }
            Self::Each(shapes) => shapes,
            Self::Coded(_) => return None,
        };
        if greatest(shapes) >= table.len() as u64 {
            return None;
        }
        // A table of 256 is indexed by a byte without a check.
        let mut small = [0; 256];
        if let Some(start) = small.get_mut(..table.len()) {
            start.copy_from_slice(table);
            return Some(shapes.iter().map(|&shape| small[usize::from(shape as u8)]).collect());
        }
        shapes.iter().map(|&shape| table.get(shape as usize).copied()).collect()
    }

    /// As [`Words::expand`], for the rows with these numbers.
    pub(crate) fn expand_some(&self, rows: &[u32], shapes: &Self) -> Option<Vec<u64>> {
        let table = match self {
            Self::Constant(word) => return Some(vec![*word; rows.len()]),
            Self::Each(words) => {
                return rows.iter().map(|&row| words.get(row as usize).copied()).collect();
            }
            Self::Coded(table) => table,
        };
        let word = |shape: u64| table.get(usize::try_from(shape).ok()?).copied();
        match shapes {
            Self::Constant(shape) => Some(vec![word(*shape)?; rows.len()]),
            Self::Each(shapes) => {
                rows.iter().map(|&row| word(*shapes.get(row as usize)?)).collect()
            }
            Self::Coded(_) => None,
        }
    }

    /// Decodes `rows` words; `None` if the bytes are not exactly so many.
    ///
    /// Allocates 8 bytes a row at most; the caller has checked `rows` and the length of `bytes` against
    /// [`ColumnEncoding::byte_range`].
    pub(crate) fn decode(encoding: ColumnEncoding, mut bytes: &[u8], rows: u32) -> Option<Self> {
        let rows = rows as usize;
        let words = match encoding {
            ColumnEncoding::Constant => {
                let word = varint::take(&mut bytes)?;
                return bytes.is_empty().then_some(Self::Constant(word));
            }
            ColumnEncoding::Planes => from_planes(bytes, rows)?,
            ColumnEncoding::DeltaPlanes => {
                let mut words = from_planes(bytes, rows)?;
                sum_up(&mut words);
                words
            }
            ColumnEncoding::Varint => from_varints(bytes, rows)?,
            ColumnEncoding::Delta => {
                let mut words = from_varints(bytes, rows)?;
                sum_up(&mut words);
                words
            }
            ColumnEncoding::Runs => {
                let mut words = Vec::with_capacity(rows);
                while !bytes.is_empty() {
                    let word = varint::take(&mut bytes)?;
                    let times = usize::try_from(varint::take(&mut bytes)?).ok()?;
                    if times == 0 || times > rows - words.len() {
                        return None;
                    }
                    words.resize(words.len() + times, word);
                }
                (words.len() == rows).then_some(words)?
            }
            ColumnEncoding::Coded => return table(bytes, rows).map(Self::Coded),
        };
        Some(Self::Each(words))
    }
}

/// The greatest word; 0 if there are none.
pub(crate) fn greatest(words: &[u64]) -> u64 {
    words.iter().fold(0, |greatest, &word| greatest.max(word))
}

fn from_varints(mut bytes: &[u8], rows: usize) -> Option<Vec<u64>> {
    let mut words = Vec::with_capacity(rows);
    varint::take_all(&mut bytes, rows, &mut words)?;
    bytes.is_empty().then_some(words)
}

fn from_planes(bytes: &[u8], rows: usize) -> Option<Vec<u64>> {
    if rows == 0 {
        return bytes.is_empty().then(Vec::new);
    }
    let width = bytes.len() / rows;
    if !(1..=8).contains(&width) || bytes.len() != width * rows {
        return None;
    }
    let mut planes = bytes.chunks_exact(rows);
    let first = planes.next()?;
    let (mut words, done): (Vec<u64>, usize) = match planes.next() {
        // The width of most noisy columns, in one pass.
        Some(second) => {
            let pairs = first.iter().zip(second);
            (pairs.map(|(&low, &high)| u64::from(low) | u64::from(high) << 8).collect(), 2)
        }
        None => (first.iter().map(|&byte| u64::from(byte)).collect(), 1),
    };
    for (place, plane) in planes.enumerate() {
        add_plane(&mut words, plane, done + place);
    }
    Some(words)
}

/// Turns differences into words.
fn sum_up(words: &mut [u64]) {
    let mut previous = 0_u64;
    for word in words {
        previous = previous.wrapping_add(varint::unzigzag(*word));
        *word = previous;
    }
}

/// The words of a coded column, one for each shape; `None` if the bytes are not varints, or more than `rows`.
fn table(mut bytes: &[u8], rows: usize) -> Option<Vec<u64>> {
    let mut table = Vec::new();
    while !bytes.is_empty() {
        if table.len() == rows {
            return None;
        }
        table.push(varint::take(&mut bytes)?);
    }
    Some(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encodings() -> impl Strategy<Value = ColumnEncoding> {
        prop_oneof![
            Just(ColumnEncoding::Planes),
            Just(ColumnEncoding::Varint),
            Just(ColumnEncoding::Delta),
            Just(ColumnEncoding::DeltaPlanes),
        ]
    }

    proptest! {
        #[test]
        fn words_come_back_however_they_are_pushed(
            encoding in encodings(),
            runs in prop::collection::vec((any::<u64>(), 0_u32..64, 1_usize..400), 1..20),
            step in 1_usize..500,
            compact: bool,
        ) {
            let words: Vec<u64> =
                runs.iter().flat_map(|&(word, shift, times)| vec![word >> shift; times]).collect();
            let mut encoder = ColumnEncoder::new(Column::new(1, "x", encoding));
            for _ in 0..2 {
                encoder.clear();
                for part in words.chunks(step) {
                    encoder.push(part);
                }
                let EncodedColumn { encoding, parts } = encoder.finish(compact);
                let bytes = parts.iter().collect::<Vec<_>>().concat();
                let rows = words.len() as u32;
                let (least, most) = encoding.byte_range(rows);
                prop_assert!((least..=most).contains(&(bytes.len() as u64)));
                let decoded = Words::decode(encoding, &bytes, rows).expect("just encoded");
                let back = decoded.expand(words.len(), &Words::Constant(0));
                prop_assert_eq!(back.as_ref(), Some(&words));
            }
        }

        #[test]
        fn any_bytes_decode_or_are_refused(
            encoding in 0_u8..8,
            bytes: Vec<u8>,
            rows in 0_u32..300,
            shapes in prop::collection::vec(0_u64..9, 0..300),
        ) {
            if let Some(encoding) = ColumnEncoding::from_id(encoding) {
                let shapes = Words::Each(shapes);
                let expanded = Words::decode(encoding, &bytes, rows)
                    .and_then(|words| words.expand(rows as usize, &shapes));
                if let Some(words) = expanded {
                    prop_assert!(encoding == ColumnEncoding::Coded || words.len() == rows as usize);
                }
            }
        }
    }

    fn encoded(
        encoding: ColumnEncoding,
        words: &[u64],
        compact: bool,
    ) -> (ColumnEncoding, Vec<u8>) {
        let mut encoder = ColumnEncoder::new(Column::new(1, "x", encoding));
        encoder.push(words);
        let EncodedColumn { encoding, parts } = encoder.finish(compact);
        (encoding, parts.iter().collect::<Vec<_>>().concat())
    }

    #[test]
    fn equal_words_cost_one_varint_in_all() {
        assert_eq!(
            encoded(ColumnEncoding::Delta, &[300; 5000], false),
            (ColumnEncoding::Constant, vec![0xAC, 0x02])
        );
    }

    #[test]
    fn a_few_runs_cost_two_varints_each() {
        let words = [[7; 300], [9; 300]].concat();
        assert_eq!(
            encoded(ColumnEncoding::Planes, &words, false),
            (ColumnEncoding::Runs, vec![7, 0xAC, 2, 9, 0xAC, 2])
        );
    }

    #[test]
    fn one_great_word_costs_the_others_bytes_only_before_a_codec() {
        let mut words: Vec<u64> = (0..1000).map(|word| word % 100).collect();
        words[500] = 1 << 60;
        let (encoding, bytes) = encoded(ColumnEncoding::Planes, &words, false);
        assert_eq!((encoding, bytes.len()), (ColumnEncoding::Planes, 8000));
        let (encoding, bytes) = encoded(ColumnEncoding::Planes, &words, true);
        assert_eq!((encoding, bytes.len()), (ColumnEncoding::Varint, 1008));
    }

    #[test]
    fn coded_words_are_those_of_the_shapes() {
        let decode = |shapes, bytes: &[u8]| {
            Words::decode(ColumnEncoding::Coded, bytes, 4)?.expand(4, &Words::Each(shapes))
        };
        assert_eq!(decode(vec![1, 0, 1, 1], &[5, 6]), Some(vec![6, 5, 6, 6]));
        assert_eq!(decode(vec![1, 0, 2, 1], &[5, 6]), None);
        assert_eq!(decode(vec![0; 4], &[1; 5]), None);
    }
}
