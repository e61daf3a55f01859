//! Rows of a chunk that was read: its columns, row by row.
//!
//! A row begins as that of its shape, which is right in all columns that are coded by shape or the same for all rows; those
//! few in which rows differ otherwise are set, column by column, in some rows at once.

use crate::column::{Column, Cursor, SHAPE, Words};
use crate::directory::Directory;
use crate::error::Error;
use crate::frame::FrameHeader;
use crate::limits;
use crate::record::Record;
use std::sync::Arc;

/// Rows that are made at once: as many as stay in the first cache, with their words.
const BLOCK: usize = 128;

/// The rows of a chunk, one after another.
pub(crate) struct Rows<R: Record> {
    /// A row of each shape. None if a word of them means nothing: then each row is made by itself.
    models: Vec<R>,
    shapes: ReadColumn,
    /// In the order of `R::COLUMNS`.
    columns: Vec<ReadColumn>,
    rows: u32,
    next: u32,
    /// Rows whose words were read, with those before them: whole blocks.
    read: u32,
    /// The rows of the last block that was read. None if a word of them means nothing.
    block: Vec<R>,
    offset: u64,
}

/// A column, and some of its words.
struct ReadColumn {
    words: Arc<Words>,
    cursor: Cursor,
    /// Those of the last block that was read, if each row has its own.
    block: Vec<u64>,
}

impl ReadColumn {
    fn new(words: Arc<Words>) -> Self {
        Self { words, cursor: Cursor::default(), block: Vec::new() }
    }

    /// Reads the words of the next rows.
    fn read(&mut self, rows: usize) {
        if let Words::Each(planes) = &*self.words {
            self.block.resize(rows, 0);
            planes.read(&mut self.cursor, &mut self.block);
        }
    }

    /// The word of a row of the block, which has this shape.
    fn word(&self, at: usize, shape: u64) -> u64 {
        let word = match &*self.words {
            Words::Constant(word) => Some(word),
            Words::Each(_) => self.block.get(at),
            Words::Coded(table) => table.get(shape as usize),
        };
        word.copied().unwrap_or(0)
    }
}

impl<R: Record> Rows<R> {
    /// Decodes the columns of a payload (without padding) that begins at `offset` and whose checksum is right.
    ///
    /// # Errors
    ///
    /// If a column that `R` needs is missing or damaged, or the chunk is of another version.
    pub(crate) fn decode(header: &FrameHeader, payload: &[u8], offset: u64) -> Result<Self, Error> {
        check_version::<R>(header)?;
        let directory = Directory::parse(header, payload, offset)?;
        Self::of_columns(header.rows, offset, |id| Ok(directory.read(payload, id)?.map(Arc::new)))
    }

    /// Puts together the columns of a chunk whose payload begins at `offset`; `read` gives each by its id.
    ///
    /// # Errors
    ///
    /// If a column that `R` needs is missing, or contradicts another.
    pub(crate) fn of_columns(
        rows: u32,
        offset: u64,
        mut read: impl FnMut(u16) -> Result<Option<Arc<Words>>, Error>,
    ) -> Result<Self, Error> {
        let words = u64::from(rows) * R::COLUMNS.len() as u64;
        if words > limits::WORDS {
            let (what, limit) = ("words of a chunk", limits::WORDS);
            return Err(Error::Limit { offset, what, limit, found: words });
        }
        let shapes = read(SHAPE.id)?.unwrap_or_else(|| Arc::new(Words::Constant(0)));
        let last_shape = match &*shapes {
            Words::Constant(shape) => *shape,
            Words::Each(shapes) => shapes.greatest(),
            Words::Coded(_) => u64::MAX,
        };
        let shape_count = last_shape.saturating_add(1);
        let unknown_shape = || {
            Error::corrupt(offset, "shapes that all columns know", format!("{shape_count} shapes"))
        };
        // Each shape is some row's.
        if shape_count > u64::from(rows.max(1)) {
            return Err(unknown_shape());
        }
        let column = |column: &Column| {
            let words = match read(column.id)? {
                Some(words) => words,
                None if column.additional => Arc::new(Words::Constant(0)),
                None => {
                    let expected = format!("the column {}", column.name);
                    return Err(Error::corrupt(offset, expected, "none"));
                }
            };
            match &*words {
                Words::Coded(table) if (table.len() as u64) < shape_count => Err(unknown_shape()),
                _ => Ok(ReadColumn::new(words)),
            }
        };
        let columns = R::COLUMNS.iter().map(column).collect::<Result<_, _>>()?;
        let shapes = ReadColumn::new(shapes);
        let (models, block) = (Vec::new(), Vec::with_capacity(BLOCK.min(rows as usize)));
        let mut rows = Self { models, shapes, columns, rows, next: 0, read: 0, block, offset };
        rows.read_words();
        // Columns that are set later are those of the first row until then.
        let models = (0..shape_count).map(|shape| R::from_words(&rows.words(0, shape)).ok());
        rows.models = models.collect::<Option<_>>().unwrap_or_default();
        Ok(rows)
    }

    /// Reads the words of the next block.
    fn read_words(&mut self) {
        let rows = BLOCK.min((self.rows - self.read) as usize);
        for column in self.columns.iter_mut().chain([&mut self.shapes]) {
            column.read(rows);
        }
        self.read += rows as u32;
    }

    /// Makes rows of the words that were read.
    fn make_block(&mut self) {
        self.block.clear();
        if self.models.is_empty() {
            return;
        }
        // The greatest shape is known to have a model.
        match &*self.shapes.words {
            Words::Each(_) => {
                let models = self.shapes.block.iter().map(|&shape| self.models[shape as usize]);
                self.block.extend(models);
            }
            Words::Constant(_) | Words::Coded(_) => {
                let rows = self.read as usize - self.next as usize;
                let shape = self.shapes.word(0, 0);
                self.block.resize(rows, self.models[shape as usize]);
            }
        }
        for (column, read) in R::COLUMNS.iter().zip(&self.columns) {
            if matches!(*read.words, Words::Each(_))
                && !R::set(self.block.iter_mut(), column.id, &read.block)
            {
                self.block.clear();
                return;
            }
        }
    }

    /// The words of a row of the block, which has this shape.
    fn words(&self, at: usize, shape: u64) -> R::Words {
        let mut words = R::Words::default();
        for (word, column) in words.as_mut().iter_mut().zip(&self.columns) {
            *word = column.word(at, shape);
        }
        words
    }

    /// Makes a row of the block by itself.
    fn row(&self, row: u32) -> Result<R, Error> {
        let at = row as usize % BLOCK;
        let words = self.words(at, self.shapes.word(at, 0));
        R::from_words(&words).map_err(|place| {
            let expected = format!("a known {} in row {row}", R::COLUMNS[place].name);
            Error::corrupt(self.offset, expected, words.as_ref()[place].to_string())
        })
    }

    /// Makes one row, instead of those one after another; the caller knows that there are so many, and asks for none in a
    /// block before that of the last.
    ///
    /// # Errors
    ///
    /// If a word of it means nothing.
    pub(crate) fn get(&mut self, row: u32) -> Result<R, Error> {
        while self.read <= row {
            self.read_words();
        }
        self.row(row)
    }
}

impl<R: Record> Iterator for Rows<R> {
    type Item = Result<R, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.rows {
            return None;
        }
        let at = self.next as usize % BLOCK;
        if at == 0 {
            if self.next == self.read {
                self.read_words();
            }
            self.make_block();
        }
        let row = self.next;
        self.next += 1;
        Some(match self.block.get(at) {
            Some(row) => Ok(*row),
            None => self.row(row),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.rows - self.next) as usize;
        (left, Some(left))
    }
}

/// Refuses a chunk whose columns may mean something else.
pub(crate) fn check_version<R: Record>(header: &FrameHeader) -> Result<(), Error> {
    if header.version == R::VERSION {
        return Ok(());
    }
    Err(Error::TooNew {
        supported: format!("{} of version {}", R::FRAME, R::VERSION),
        found: format!("version {}", header.version),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Chunk;
    use crate::codec::Codec;
    use crate::record::columns;
    use crate::rows::{Lifecycle, Stream};
    use proptest::prelude::*;

    /// A row of LIFECYCLE whose words may be any.
    #[derive(Debug, Clone, Copy)]
    struct Wild {
        ts: u64,
        kind: u64,
        site: u64,
        type_id: u64,
        value: u64,
        origin: u64,
        thread: u64,
    }

    columns! {
        Wild: Stream::Lifecycle.frame_type(), time Some(0);
        1 "ts" ts Noisy;
        2 "kind" kind Coded;
        3 "site" site Coded;
        4 "type" type_id Coded;
        5 "value" value Plain;
        6 "origin" origin Plain;
        7 "thread" thread Plain;
    }

    /// Rows whose kinds and threads mean something, mean nothing in a few rows, or in many.
    fn rows() -> impl Strategy<Value = Vec<Wild>> {
        let kinds = prop_oneof![Just(1..5_u64), Just(0..6_u64)];
        let threads = prop_oneof![Just(0), Just(2), Just(300)];
        (kinds, threads, 1_usize..500, any::<u64>()).prop_map(|(kinds, wild, rows, seed)| {
            let mut noise = seed | 1;
            let row = |number: usize| {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                let thread = if noise % 1000 < wild { 1 << 40 } else { noise >> 60 };
                Wild {
                    ts: number as u64 * 50 + noise % 7,
                    kind: kinds.start + (noise >> 20) % (kinds.end - kinds.start),
                    site: noise % 5,
                    type_id: noise % 5,
                    value: noise >> 30,
                    origin: 0,
                    thread,
                }
            };
            (0..rows).map(row).collect()
        })
    }

    proptest! {
        #[test]
        fn rows_are_those_that_their_words_make_or_errors_that_name_a_column(
            rows in rows(),
            step in 1_usize..40,
        ) {
            let mut chunk = Chunk::new();
            rows.iter().for_each(|row| chunk.push(row).expect("it is not full"));
            let sealed = chunk.seal(Codec::None).expect("it has rows");
            let payload = &sealed.padded[..sealed.header.stored_len as usize];
            let decode = || Rows::<Lifecycle>::decode(&sealed.header, payload, 0);
            let expected: Vec<Result<Lifecycle, String>> = rows
                .iter()
                .enumerate()
                .map(|(number, row)| {
                    Lifecycle::from_words(&row.to_words()).map_err(|place| {
                        format!("a known {} in row {number}", Lifecycle::COLUMNS[place].name)
                    })
                })
                .collect();
            let agree = |found: &Result<Lifecycle, Error>, expected: &Result<_, String>| {
                match (found, expected) {
                    (Ok(found), Ok(expected)) => found == expected,
                    (Err(found), Err(expected)) => found.to_string().contains(expected),
                    _ => false,
                }
            };
            let found: Vec<_> = decode().expect("just encoded").collect();
            prop_assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert!(agree(found, expected), "{found:?} {expected:?}");
            }
            let mut some = decode().expect("just encoded");
            for (number, expected) in expected.iter().enumerate().step_by(step) {
                let found = some.get(number as u32);
                prop_assert!(agree(&found, expected), "{found:?} {expected:?}");
            }
        }
    }
}
