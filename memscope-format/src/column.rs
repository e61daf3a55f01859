//! Columns: how the words of one field, over all rows of a chunk, become bytes.
//!
//! A row is a fixed number of 64-bit words, one a column. What a column looks like is a table,
//! [`Record::COLUMNS`](crate::record::Record::COLUMNS); nothing here knows any stream. Every chunk stands for
//! itself: no state goes from one to the next. How words become bytes is the `encoder`'s choice.

mod encoder;
mod planes;

pub(crate) use encoder::{BLOCK, ColumnEncoder, EncodedColumn};
pub(crate) use planes::{Cursor, Planes};

use crate::varint;

/// A column of a frame type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// What it is called in the file. An id never changes its meaning within a frame type.
    pub id: u16,
    /// What it is called elsewhere.
    pub name: &'static str,
    /// What is known of its words.
    pub kind: ColumnKind,
    /// Whether the word 0 stands for "none", and each other for the number before it.
    pub optional: bool,
    /// Whether a chunk may lack it: then its word is 0 in all rows.
    pub additional: bool,
}

/// What is known beforehand of a column's words, for a writer; a reader goes by what the chunk says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// They follow from few things, as the row's site: the chunk stores a word for each shape, see
    /// [`ColumnEncoding::Coded`].
    Coded,
    /// They repeat in patterns, which a codec finds.
    Plain,
    /// They come from a clock, an allocator or a counter: there are no repetitions worth a codec's search.
    Noisy,
}

impl Column {
    /// Describes a column.
    #[must_use]
    pub const fn new(id: u16, name: &'static str, kind: ColumnKind) -> Self {
        Self { id, name, kind, optional: false, additional: false }
    }

    /// Says that the word 0 stands for "none".
    #[must_use]
    pub const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// Says that a chunk lacks it where its word is 0 in all rows. Such a column is a coded one.
    #[must_use]
    pub const fn additional(self) -> Self {
        Self { additional: true, ..self }
    }

    /// Whether a chunk stores it as a word for each of its shapes.
    #[must_use]
    pub const fn is_coded(&self) -> bool {
        matches!(self.kind, ColumnKind::Coded)
    }

    /// Whether a codec's search for repetitions is not worth its time.
    #[must_use]
    pub const fn is_noisy(&self) -> bool {
        matches!(self.kind, ColumnKind::Noisy)
    }
}

/// The column that says which shape a row has; see [`ColumnEncoding::Coded`].
pub const SHAPE: Column = Column::new(0, "shape", ColumnKind::Plain);
/// The column that says how many events a row stands for; a chunk without it is of rows that stand for one.
pub const WEIGHT: Column = Column::new(0x7FFF, "weight", ColumnKind::Plain);

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
    /// Planes of the bytes at some places of each word, runs of what is left of it, and a byte that says which places, a bit
    /// each. Places whose bytes hardly change cost nothing.
    Split = 7,
    /// The differences of [`ColumnEncoding::Delta`] as [`ColumnEncoding::Split`].
    DeltaSplit = 8,
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
            7 => Self::Split,
            8 => Self::DeltaSplit,
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
            // The plane of one byte, a run, and the number of planes.
            Self::Split | Self::DeltaSplit => {
                (rows + 3, rows * (8 + 2 * varint::MAX_LEN as u64) + 1)
            }
        }
    }
}

/// The words of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Words {
    /// The same for all rows.
    Constant(u64),
    /// One for each row.
    Each(Planes),
    /// One for each shape; the row's shape is the word of the column [`SHAPE`].
    Coded(Vec<u64>),
}

impl Words {
    /// A word for each row.
    #[cfg(any(test, feature = "fuzz"))]
    pub(crate) fn each(words: &[u64]) -> Self {
        Self::Each(Planes::of(words, false))
    }

    /// Bytes that they take in memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Constant(_) => 0,
                Self::Each(planes) => planes.bytes(),
                Self::Coded(table) => table.capacity() * size_of::<u64>(),
            }
    }

    /// Returns a word for each row, given those of the column [`SHAPE`]; `None` if a shape has none.
    pub(crate) fn expand(&self, rows: usize, shapes: &Self) -> Option<Vec<u64>> {
        match (self, shapes) {
            (Self::Constant(word), _) => Some(vec![*word; rows]),
            (Self::Each(planes), _) => Some(planes.all()),
            (Self::Coded(table), Self::Constant(shape)) => {
                Some(vec![*table.get(usize::try_from(*shape).ok()?)?; rows])
            }
            (Self::Coded(table), Self::Each(shapes)) => look_up_all(table, shapes),
            (Self::Coded(_), Self::Coded(_)) => None,
        }
    }

    /// As [`Words::expand`], for the rows with these numbers, which ascend.
    pub(crate) fn expand_some(&self, rows: &[u32], shapes: &Self) -> Option<Vec<u64>> {
        match (self, shapes) {
            (Self::Constant(word), _) => Some(vec![*word; rows.len()]),
            (Self::Each(planes), _) => planes.some(rows),
            (Self::Coded(table), Self::Constant(shape)) => {
                Some(vec![*table.get(usize::try_from(*shape).ok()?)?; rows.len()])
            }
            (Self::Coded(table), Self::Each(shapes)) => {
                let shapes = shapes.some(rows)?.into_iter();
                shapes.map(|shape| table.get(usize::try_from(shape).ok()?).copied()).collect()
            }
            (Self::Coded(_), Self::Coded(_)) => None,
        }
    }

    /// Takes the bytes of `rows` words; `None` if they are not exactly so many.
    ///
    /// The caller has checked `rows` and the length of `bytes` against [`ColumnEncoding::byte_range`]. What is allocated is
    /// 8 bytes a row at most.
    pub(crate) fn decode(encoding: ColumnEncoding, bytes: Vec<u8>, rows: u32) -> Option<Self> {
        let rows = rows as usize;
        match encoding {
            ColumnEncoding::Constant => {
                let mut bytes = bytes.as_slice();
                let word = varint::take(&mut bytes)?;
                bytes.is_empty().then_some(Self::Constant(word))
            }
            ColumnEncoding::Coded => table(&bytes, rows).map(Self::Coded),
            ColumnEncoding::Planes => Planes::whole(bytes, rows, false).map(Self::Each),
            ColumnEncoding::DeltaPlanes => Planes::whole(bytes, rows, true).map(Self::Each),
            ColumnEncoding::Split => Planes::split(bytes, rows, false).map(Self::Each),
            ColumnEncoding::DeltaSplit => Planes::split(bytes, rows, true).map(Self::Each),
            ColumnEncoding::Runs => Planes::runs(bytes, rows).map(Self::Each),
            ColumnEncoding::Varint => Planes::varints(&bytes, rows, false).map(Self::Each),
            ColumnEncoding::Delta => Planes::varints(&bytes, rows, true).map(Self::Each),
        }
    }
}

/// The word of each row's shape; `None` if a shape has none.
fn look_up_all(table: &[u64], shapes: &Planes) -> Option<Vec<u64>> {
    // A table of 256 is indexed by a byte without a check.
    let mut small = [0; 256];
    let small =
        small.get_mut(..table.len()).map(|start| start.copy_from_slice(table)).map(|()| small);
    let mut words = Vec::with_capacity(shapes.rows());
    let mut known = true;
    shapes.visit(|_, shapes| {
        known &= greatest(shapes) < table.len() as u64;
        if !known {
            return;
        }
        match &small {
            Some(small) => {
                words.extend(shapes.iter().map(|&shape| small[usize::from(shape as u8)]))
            }
            None => words.extend(shapes.iter().map(|&shape| table[shape as usize])),
        }
    });
    known.then_some(words)
}

/// The greatest word; 0 if there are none.
pub(crate) fn greatest(words: &[u64]) -> u64 {
    words.iter().fold(0, |greatest, &word| greatest.max(word))
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

    fn encoded(words: &[u64]) -> (ColumnEncoding, Vec<u8>) {
        let mut encoder = ColumnEncoder::default();
        encoder.push(words);
        let EncodedColumn { encoding, bytes } = encoder.finish();
        (encoding, bytes.to_vec())
    }

    /// Counters, noise of every width, few values, and runs, one after another.
    fn words() -> impl Strategy<Value = Vec<u64>> {
        let stretch = (any::<u64>(), 0_u32..64, 0_u64..4, 1_usize..700, any::<u64>());
        let stretches = prop::collection::vec(stretch, 1..8);
        stretches.prop_map(|stretches| {
            let mut words = Vec::new();
            for (word, shift, step, rows, seed) in stretches {
                let mut noise = seed | 1;
                words.extend((0..rows as u64).map(|row| {
                    noise ^= noise << 13;
                    noise ^= noise >> 7;
                    noise ^= noise << 17;
                    match step {
                        0 => word,
                        1 => word.wrapping_add(row * (seed % 5000)),
                        2 => noise >> shift,
                        _ => {
                            if noise % 50 == 0 {
                                noise
                            } else {
                                word ^ (noise >> 58)
                            }
                        }
                    }
                }));
            }
            words
        })
    }

    proptest! {
        #[test]
        fn words_come_back_however_they_are_pushed(words in words(), step in 1_usize..500) {
            let mut encoder = ColumnEncoder::default();
            for _ in 0..2 {
                encoder.clear();
                for part in words.chunks(step) {
                    encoder.push(part);
                }
                prop_assert_eq!(encoder.len(), words.len());
                let EncodedColumn { encoding, bytes } = encoder.finish();
                let rows = words.len() as u32;
                let (least, most) = encoding.byte_range(rows);
                prop_assert!((least..=most).contains(&(bytes.len() as u64)));
                let decoded = Words::decode(encoding, bytes.to_vec(), rows).expect("just encoded");
                let back = decoded.expand(words.len(), &Words::Constant(0));
                prop_assert_eq!(back.as_ref(), Some(&words));
                let numbers: Vec<u32> = (0..rows).step_by(step).collect();
                let some = decoded.expand_some(&numbers, &Words::Constant(0));
                prop_assert_eq!(some, Some(words.iter().copied().step_by(step).collect()));
            }
        }

        #[test]
        fn any_bytes_decode_or_are_refused(
            encoding in 0_u8..10,
            bytes: Vec<u8>,
            rows in 0_u32..300,
            shapes in prop::collection::vec(0_u64..9, 0..300),
        ) {
            if let Some(encoding) = ColumnEncoding::from_id(encoding) {
                let shapes = Words::each(&shapes);
                let expanded = Words::decode(encoding, bytes, rows)
                    .and_then(|words| words.expand(rows as usize, &shapes));
                if let Some(words) = expanded {
                    prop_assert!(encoding == ColumnEncoding::Coded || words.len() == rows as usize);
                }
            }
        }
    }

    #[test]
    fn equal_words_cost_one_varint_in_all() {
        assert_eq!(encoded(&[300; 5000]), (ColumnEncoding::Constant, vec![0xAC, 0x02]));
    }

    #[test]
    fn a_few_runs_cost_two_varints_each() {
        let words = [[7; 300], [9; 300]].concat();
        assert_eq!(encoded(&words), (ColumnEncoding::Runs, vec![7, 0xAC, 2, 9, 0xAC, 2]));
    }

    #[test]
    fn one_great_word_costs_the_others_nothing() {
        let mut words: Vec<u64> = (0..1000).map(|word| word * word * 37 % 101).collect();
        words[500] = 1 << 60;
        let (encoding, bytes) = encoded(&words);
        // A plane, three runs of what is above it, and which place the plane has.
        assert_eq!((encoding, bytes.len()), (ColumnEncoding::Split, 1000 + 3 + (9 + 1) + 3 + 1));
    }

    #[test]
    fn only_the_bytes_that_change_are_planes() {
        // A value's id: a position, and a ring in the upper 16 bits.
        let words: Vec<u64> = (0..1000)
            .map(|n: u64| ((n % 3) << 48) | ((n.wrapping_mul(0x9E37_79B9) >> 7) % 5000))
            .collect();
        let (encoding, bytes) = encoded(&words);
        assert_eq!((encoding, bytes.last()), (ColumnEncoding::Split, Some(&0b0100_0011)));
    }

    #[test]
    fn neighbours_that_are_near_each_other_are_stored_as_differences() {
        let words: Vec<u64> = (0..5000).map(|n: u64| (1 << 40) + n * 100 + n % 7).collect();
        let (encoding, bytes) = encoded(&words);
        assert_eq!((encoding, bytes.last()), (ColumnEncoding::DeltaSplit, Some(&1)));
    }

    #[test]
    fn planes_and_what_is_left_must_not_overlap() {
        let decode = |bytes: &[u8]| match Words::decode(ColumnEncoding::Split, bytes.to_vec(), 2)? {
            Words::Each(planes) => Some(planes.all()),
            other => panic!("{other:?}"),
        };
        assert_eq!(decode(&[5, 6, 0x80, 2, 2, 1]), Some(vec![0x105, 0x106]));
        // The run's word has a bit where the plane is; there is no plane; the runs are of three rows.
        assert_eq!(decode(&[5, 6, 0x81, 2, 2, 1]), None);
        assert_eq!(decode(&[0x80, 2, 2, 0]), None);
        assert_eq!(decode(&[5, 6, 0x80, 2, 3, 1]), None);
    }

    /// No writer of this crate makes them.
    #[test]
    fn the_plain_encodings_are_read() {
        let decode = |encoding, bytes: &[u8]| match Words::decode(encoding, bytes.to_vec(), 3) {
            Some(Words::Each(planes)) => planes.all(),
            other => panic!("{other:?}"),
        };
        assert_eq!(decode(ColumnEncoding::Planes, &[1, 2, 3, 0, 1, 0]), [1, 0x102, 3]);
        assert_eq!(decode(ColumnEncoding::Varint, &[0x80, 1, 0, 9]), [128, 0, 9]);
        assert_eq!(decode(ColumnEncoding::Delta, &[4, 1, 2]), [2, 1, 2]);
        assert_eq!(decode(ColumnEncoding::DeltaPlanes, &[4, 1, 2, 2, 0, 0]), [258, 257, 258]);
    }

    #[test]
    fn coded_words_are_those_of_the_shapes() {
        let decode = |shapes: Vec<u64>, bytes: &[u8]| {
            Words::decode(ColumnEncoding::Coded, bytes.to_vec(), 4)?
                .expand(4, &Words::each(&shapes))
        };
        assert_eq!(decode(vec![1, 0, 1, 1], &[5, 6]), Some(vec![6, 5, 6, 6]));
        assert_eq!(decode(vec![1, 0, 2, 1], &[5, 6]), None);
        assert_eq!(decode(vec![0; 4], &[1; 5]), None);
    }
}
