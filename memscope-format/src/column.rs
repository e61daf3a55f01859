//! Columns: how the words of one field, over all rows of a chunk, become bytes.
//!
//! A row is a fixed number of 64-bit words, one a column. What a column looks like is a table,
//! [`Record::COLUMNS`](crate::record::Record::COLUMNS); nothing here knows any stream. Every chunk stands for
//! itself: no state goes from one to the next.

use crate::varint;

/// A column of a frame type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// What it is called in the file. An id never changes its meaning within a frame type.
    pub id: u16,
    /// What it is called elsewhere.
    pub name: &'static str,
    /// How a writer encodes it, unless all its words are equal. A reader goes by what the chunk says.
    pub encoding: ColumnEncoding,
}

impl Column {
    /// Describes a column.
    #[must_use]
    pub const fn new(id: u16, name: &'static str, encoding: ColumnEncoding) -> Self {
        Self { id, name, encoding }
    }
}

/// How words become bytes, before any codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum ColumnEncoding {
    /// All words are equal: one varint (see [`crate::varint`]) for all rows.
    Constant = 0,
    /// One byte a row.
    Byte = 1,
    /// One varint a row.
    Varint = 2,
    /// One varint a row: the zigzag difference, modulo 2^64, to the row before; to 0 for the first.
    Delta = 3,
}

impl ColumnEncoding {
    /// Returns the encoding with this id, if this version has it.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        Some(match id {
            0 => Self::Constant,
            1 => Self::Byte,
            2 => Self::Varint,
            3 => Self::Delta,
            _ => return None,
        })
    }

    /// The bytes that `rows` words can take, from least to most.
    pub(crate) const fn byte_range(self, rows: u32) -> (u64, u64) {
        let rows = rows as u64;
        match self {
            Self::Constant => (1, varint::MAX_LEN as u64),
            Self::Byte => (rows, rows),
            Self::Varint | Self::Delta => (rows, rows * varint::MAX_LEN as u64),
        }
    }
}

/// Words whose differences are computed before they are written.
const GROUP: usize = 256;

/// Encodes a column as its words come.
#[derive(Debug)]
pub(crate) struct ColumnEncoder {
    encoding: ColumnEncoding,
    /// The first word, and whether all since were equal to it: then there are no bytes yet.
    first: u64,
    uniform: bool,
    rows: usize,
    previous: u64,
    bytes: Vec<u8>,
}

impl ColumnEncoder {
    pub(crate) const fn new(encoding: ColumnEncoding) -> Self {
        Self { encoding, first: 0, uniform: true, rows: 0, previous: 0, bytes: Vec::new() }
    }

    /// Makes it as new, but for its memory.
    pub(crate) fn clear(&mut self) {
        self.uniform = true;
        self.rows = 0;
        self.previous = 0;
        self.bytes.clear();
    }

    /// Appends words.
    pub(crate) fn push(&mut self, words: &[u64]) {
        let Some(&head) = words.first() else { return };
        if self.rows == 0 {
            self.first = head;
        }
        if self.uniform {
            // Without an early end, which would keep the compiler from comparing several at once.
            if words.iter().fold(0, |differences, &word| differences | (word ^ self.first)) == 0 {
                self.rows += words.len();
                return;
            }
            self.uniform = false;
            self.write_uniform_rows();
        }
        self.rows += words.len();
        self.write(words);
    }

    /// Writes the rows so far, which were all equal and so not written.
    fn write_uniform_rows(&mut self) {
        if self.rows == 0 {
            return;
        }
        let first = [self.first];
        self.write(&first);
        let encoded = self.bytes.len();
        if self.encoding == ColumnEncoding::Delta {
            self.bytes.resize(encoded + self.rows - 1, 0);
        } else {
            for _ in 1..self.rows {
                self.bytes.extend_from_within(..encoded);
            }
        }
    }

    fn write(&mut self, words: &[u64]) {
        match self.encoding {
            ColumnEncoding::Constant => {}
            ColumnEncoding::Byte => self.bytes.extend(words.iter().map(|&word| word as u8)),
            ColumnEncoding::Varint => varint::put_all(&mut self.bytes, words),
            ColumnEncoding::Delta => {
                let mut zigzags = [0; GROUP];
                for words in words.chunks(GROUP) {
                    let before = std::iter::once(&self.previous).chain(words);
                    for ((zigzag, &word), &before) in zigzags.iter_mut().zip(words).zip(before) {
                        *zigzag = varint::zigzag(word.wrapping_sub(before));
                    }
                    varint::put_all(&mut self.bytes, &zigzags[..words.len()]);
                    self.previous = words[words.len() - 1];
                }
            }
        }
    }

    /// Returns the column's bytes and how they are encoded.
    pub(crate) fn finish(&mut self) -> (ColumnEncoding, &[u8]) {
        if self.uniform {
            self.bytes.clear();
            varint::put(&mut self.bytes, self.first);
            return (ColumnEncoding::Constant, &self.bytes);
        }
        (self.encoding, &self.bytes)
    }
}

/// The words of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// The same for all rows.
    Constant(u64),
    /// One for each row.
    Each(Vec<u64>),
}

impl Words {
    /// Returns the word of a row; 0 beyond the last.
    #[must_use]
    #[inline]
    pub fn get(&self, row: usize) -> u64 {
        match self {
            Self::Constant(word) => *word,
            Self::Each(words) => words.get(row).copied().unwrap_or(0),
        }
    }

    /// Decodes `rows` words; `None` if the bytes are not exactly so many.
    ///
    /// Allocates 8 bytes a row at most; the caller has checked `rows` and the length of `bytes` against
    /// [`ColumnEncoding::byte_range`].
    pub(crate) fn decode(encoding: ColumnEncoding, mut bytes: &[u8], rows: u32) -> Option<Self> {
        let words = match encoding {
            ColumnEncoding::Constant => Self::Constant(varint::take(&mut bytes)?),
            ColumnEncoding::Byte => {
                let words = bytes.iter().map(|&byte| u64::from(byte)).collect::<Vec<_>>();
                bytes = &[];
                (words.len() == rows as usize).then_some(Self::Each(words))?
            }
            ColumnEncoding::Varint => {
                let mut words = Vec::with_capacity(rows as usize);
                varint::take_all(&mut bytes, rows as usize, &mut words)?;
                Self::Each(words)
            }
            ColumnEncoding::Delta => {
                let mut words = Vec::with_capacity(rows as usize);
                varint::take_all(&mut bytes, rows as usize, &mut words)?;
                let mut previous = 0_u64;
                for word in &mut words {
                    previous = previous.wrapping_add(varint::unzigzag(*word));
                    *word = previous;
                }
                Self::Each(words)
            }
        };
        bytes.is_empty().then_some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encodings() -> impl Strategy<Value = ColumnEncoding> {
        prop_oneof![
            Just(ColumnEncoding::Byte),
            Just(ColumnEncoding::Varint),
            Just(ColumnEncoding::Delta),
        ]
    }

    proptest! {
        #[test]
        fn words_come_back_however_they_are_pushed(
            encoding in encodings(),
            runs in prop::collection::vec((any::<u64>(), 0_u32..64, 1_usize..40), 1..20),
            step in 1_usize..50,
        ) {
            let limit = if encoding == ColumnEncoding::Byte { 0xFF } else { u64::MAX };
            let words: Vec<u64> =
                runs.iter().flat_map(|&(word, shift, times)| vec![(word >> shift) & limit; times]).collect();
            let mut encoder = ColumnEncoder::new(encoding);
            for _ in 0..2 {
                encoder.clear();
                for part in words.chunks(step) {
                    encoder.push(part);
                }
                let (encoding, bytes) = encoder.finish();
                let rows = words.len() as u32;
                let (least, most) = encoding.byte_range(rows);
                prop_assert!((least..=most).contains(&(bytes.len() as u64)));
                let decoded = Words::decode(encoding, bytes, rows).expect("just encoded");
                let back: Vec<u64> = (0..words.len()).map(|row| decoded.get(row)).collect();
                prop_assert_eq!(&back, &words);
            }
        }

        #[test]
        fn any_bytes_decode_or_are_refused(encoding in 0_u8..5, bytes: Vec<u8>, rows in 0_u32..300) {
            if let Some(encoding) = ColumnEncoding::from_id(encoding) {
                let _ = Words::decode(encoding, &bytes, rows);
            }
        }
    }

    #[test]
    fn equal_words_cost_one_varint_in_all() {
        let mut encoder = ColumnEncoder::new(ColumnEncoding::Delta);
        encoder.push(&[300; 5000]);
        assert_eq!(encoder.finish(), (ColumnEncoding::Constant, [0xAC, 0x02].as_slice()));
    }
}
