//! Columns with a word for each row, kept as they lie in a chunk, and made words a few rows at a time.
//!
//! Whoever reads rows needs the words of a few of them at once, of all columns: these stay in the first cache, where whole
//! columns of words would not fit the second.

use crate::varint;

/// Words that are made at once.
const AT_ONCE: usize = 256;

/// A word for each row: the bytes at some places of it are planes, what is left are runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planes {
    rows: usize,
    /// Whether words are differences, as [`ColumnEncoding::Delta`](super::ColumnEncoding::Delta) has them.
    is_delta: bool,
    /// The places whose bytes are planes, a bit each.
    places: u8,
    /// The planes, the lowest first, then the runs of what is left; where these end, it is 0.
    bytes: Vec<u8>,
}

/// How far a column was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cursor {
    row: usize,
    /// The word before the next, if words are differences.
    previous: u64,
    /// What is not in planes, and in how many rows more.
    rest: u64,
    rest_rows: usize,
    /// Where the next run lies.
    next_run: usize,
}

impl Planes {
    /// Takes planes of the lowest bytes, and nothing else; `None` if there are not so many rows.
    pub(super) fn whole(bytes: Vec<u8>, rows: usize, is_delta: bool) -> Option<Self> {
        let width = bytes.len().checked_div(rows).unwrap_or(0);
        if bytes.len() != width * rows || width > 8 || (width == 0) != (rows == 0) {
            return None;
        }
        Some(Self { rows, is_delta, places: lowest(width), bytes })
    }

    /// Takes planes, runs, and the byte that says which places the planes have; `None` if that is not what the bytes are.
    pub(super) fn split(mut bytes: Vec<u8>, rows: usize, is_delta: bool) -> Option<Self> {
        let places = bytes.pop()?;
        let planes = Self { rows, is_delta, places, bytes };
        let mut apart = places != 0;
        let taken = bytes_of(places);
        planes.check_runs(|rest| apart &= rest & taken == 0)?;
        apart.then_some(planes)
    }

    /// Takes runs.
    pub(super) fn runs(bytes: Vec<u8>, rows: usize) -> Option<Self> {
        let planes = Self { rows, is_delta: false, places: 0, bytes };
        planes.check_runs(|_| {})?;
        Some(planes)
    }

    /// Takes varints, which no writer of this crate makes: their words have to be made first.
    pub(super) fn varints(mut bytes: &[u8], rows: usize, is_delta: bool) -> Option<Self> {
        let mut words = Vec::with_capacity(rows);
        varint::take_all(&mut bytes, rows, &mut words)?;
        bytes.is_empty().then(|| Self::of(&words, is_delta))
    }

    /// Takes words, or the differences that stand for words.
    pub(super) fn of(words: &[u64], is_delta: bool) -> Self {
        let width = (64 - super::greatest(words).leading_zeros()).div_ceil(8) as usize;
        let mut bytes = Vec::with_capacity(width * words.len());
        for place in 0..width {
            bytes.extend(words.iter().map(|word| (word >> (8 * place)) as u8));
        }
        Self { rows: words.len(), is_delta, places: lowest(width), bytes }
    }

    /// Gives the words of the runs; `None` if they are not runs of all rows.
    fn check_runs(&self, mut word: impl FnMut(u64)) -> Option<()> {
        let mut runs = self.bytes.get(self.runs_begin()..)?;
        let mut left = self.rows;
        while !runs.is_empty() {
            word(varint::take(&mut runs)?);
            let rows = usize::try_from(varint::take(&mut runs)?).ok()?;
            left = left.checked_sub(rows).filter(|_| rows > 0)?;
        }
        (left == 0).then_some(())
    }

    const fn runs_begin(&self) -> usize {
        self.places.count_ones() as usize * self.rows
    }

    /// How many words there are.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes that they take in memory.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Makes the next words, of which there are so many.
    pub(crate) fn read(&self, cursor: &mut Cursor, words: &mut [u64]) {
        self.read_runs(cursor, words);
        let rows = cursor.row..cursor.row + words.len();
        for (index, place) in places(self.places).enumerate() {
            let plane = &self.bytes[index * self.rows..][rows.clone()];
            for (word, &byte) in words.iter_mut().zip(plane) {
                *word |= u64::from(byte) << (8 * place);
            }
        }
        if self.is_delta {
            for word in words {
                cursor.previous = cursor.previous.wrapping_add(varint::unzigzag(*word));
                *word = cursor.previous;
            }
        }
        cursor.row = rows.end;
    }

    /// Sets words to what is not in planes.
    fn read_runs(&self, cursor: &mut Cursor, mut words: &mut [u64]) {
        while !words.is_empty() {
            if cursor.rest_rows == 0 {
                self.next_run(cursor);
            }
            let (run, rest) = words.split_at_mut(cursor.rest_rows.min(words.len()));
            run.fill(cursor.rest);
            cursor.rest_rows -= run.len();
            words = rest;
        }
    }

    fn next_run(&self, cursor: &mut Cursor) {
        let runs = &self.bytes[self.runs_begin() + cursor.next_run..];
        let mut left = runs;
        let run = varint::take(&mut left).zip(varint::take(&mut left));
        let (rest, rows) = run.unwrap_or((0, u64::MAX));
        cursor.rest = rest;
        cursor.rest_rows = usize::try_from(rows).unwrap_or(usize::MAX);
        cursor.next_run += runs.len() - left.len();
    }

    /// Calls `visit` with the number of a row and the words from there on, a few at a time.
    pub(crate) fn visit(&self, mut visit: impl FnMut(usize, &[u64])) {
        let mut cursor = Cursor::default();
        let mut words = [0; AT_ONCE];
        while cursor.row < self.rows {
            let row = cursor.row;
            let words = &mut words[..AT_ONCE.min(self.rows - row)];
            self.read(&mut cursor, words);
            visit(row, words);
        }
    }

    /// All words.
    pub(crate) fn all(&self) -> Vec<u64> {
        let mut all = Vec::with_capacity(self.rows);
        self.visit(|_, words| all.extend_from_slice(words));
        all
    }

    /// The words of some rows, whose numbers ascend; `None` if there is no such row.
    pub(crate) fn some(&self, rows: &[u32]) -> Option<Vec<u64>> {
        let mut some = Vec::with_capacity(rows.len());
        let mut rows_left = rows;
        self.visit(|first, words| {
            let here = rows_left.partition_point(|&row| (row as usize) < first + words.len());
            let (picked, left) = rows_left.split_at(here);
            some.extend(picked.iter().map(|&row| words[row as usize - first]));
            rows_left = left;
        });
        rows_left.is_empty().then_some(some)
    }

    /// The greatest word; 0 if there are none.
    pub(crate) fn greatest(&self) -> u64 {
        let mut greatest = 0;
        self.visit(|_, words| greatest = greatest.max(super::greatest(words)));
        greatest
    }
}

/// The places of the bytes in a set, the lowest first.
pub(super) fn places(set: u8) -> impl Iterator<Item = usize> {
    (0..8).filter(move |place| set & 1 << place != 0)
}

/// All ones in the bytes at the places of a set.
pub(super) fn bytes_of(set: u8) -> u64 {
    places(set).fold(0, |bytes, place| bytes | 0xFF << (8 * place))
}

/// The set of so many places, from the lowest on.
fn lowest(width: usize) -> u8 {
    (0..width).fold(0, |set, place| set | 1 << place)
}
