//! Some columns of a stream, without reading the bytes of the others.

use crate::column::{Column, WEIGHT};
use crate::error::Error;
use crate::record::Event;
use crate::select::{SelectedChunk, SelectedChunks};
use std::fmt;

/// Columns of one chunk: for each row a word of each column that was asked for.
///
/// The words are what the specification says of the column: an optional number is one more than the number, 0 for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnChunk {
    /// Rows, of those in the chunk that were selected.
    pub rows: usize,
    /// The words of each column, in the order they were asked for.
    pub columns: Vec<Vec<u64>>,
}

/// Finds the column of a name.
///
/// # Errors
///
/// [`Error::UnknownColumn`] if the stream has no such column.
pub(crate) fn find<R: Event>(name: &str) -> Result<Column, Error> {
    let known = R::COLUMNS.iter().chain([&WEIGHT]);
    known.clone().find(|column| column.name == name).copied().ok_or_else(|| Error::UnknownColumn {
        name: name.to_owned(),
        known: known.map(|column| column.name).collect::<Vec<_>>().join(", "),
    })
}

/// The columns of a stream, chunk by chunk; see [`Reader::columns`](crate::Reader::columns) and
/// [`Select::columns`](crate::Select::columns).
pub struct Columns<'a, R: Event> {
    columns: Vec<Column>,
    chunks: SelectedChunks<'a, R>,
}

impl<'a, R: Event> Columns<'a, R> {
    pub(crate) fn new(chunks: SelectedChunks<'a, R>, names: &[&str]) -> Result<Self, Error> {
        let columns = names.iter().map(|name| find::<R>(name)).collect::<Result<_, _>>()?;
        Ok(Self { columns, chunks })
    }
}

impl<R: Event> Iterator for Columns<'_, R> {
    type Item = Result<ColumnChunk, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let chunk: SelectedChunk<'_, R> = self.chunks.next()?;
            match chunk.read_columns(&self.columns) {
                Ok(None) => {}
                Ok(Some(columns)) => return Some(Ok(columns)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<R: Event> fmt::Debug for Columns<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Columns")
            .field("stream", &R::STREAM)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}
