//! Some columns of a stream, without reading the bytes of the others.

use crate::chunk::check_version;
use crate::column::{Column, ColumnEncoding, SHAPE, WEIGHT, Words};
use crate::directory::{ColumnEntry, Directory, directory_len};
use crate::error::Error;
use crate::frame::{FRAME_HEADER_LEN, FrameHeader};
use crate::header::u16_at;
use crate::index::IndexEntry;
use crate::limits;
use crate::reader::{ChunkRef, Reader};
use crate::record::Event;
use crate::source::Source;
use std::fmt;
use std::marker::PhantomData;

/// Columns of one chunk: for each row a word of each column that was asked for.
///
/// The words are what the specification says of the column: an optional number is one more than the number, 0 for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnChunk {
    /// Rows in the chunk.
    pub rows: usize,
    /// The words of each column, in the order they were asked for.
    pub columns: Vec<Vec<u64>>,
}

/// The columns of a stream, chunk by chunk; see [`Reader::columns`].
pub struct Columns<'a, R: Event> {
    reader: &'a Reader,
    columns: Vec<Column>,
    chunks: std::vec::IntoIter<ChunkRef>,
    stream: PhantomData<fn() -> R>,
}

impl<'a, R: Event> Columns<'a, R> {
    /// Begins at the first chunk.
    pub(crate) fn new(reader: &'a Reader, names: &[&str]) -> Result<Self, Error> {
        let columns = names.iter().map(|name| find::<R>(name)).collect::<Result<_, _>>()?;
        let chunks = reader.chunks::<R>().into_iter();
        Ok(Self { reader, columns, chunks, stream: PhantomData })
    }
}

/// Finds the column of a name.
fn find<R: Event>(name: &str) -> Result<Column, Error> {
    let known = R::COLUMNS.iter().chain([&WEIGHT]);
    known.clone().find(|column| column.name == name).copied().ok_or_else(|| Error::UnknownColumn {
        name: name.to_owned(),
        known: known.map(|column| column.name).collect::<Vec<_>>().join(", "),
    })
}

impl<R: Event> Iterator for Columns<'_, R> {
    type Item = Result<ColumnChunk, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let chunk = self.chunks.next()?;
        Some(self.reader.with_chunk::<R, _>(&chunk, |bytes| {
            let mut columns = Vec::with_capacity(self.columns.len());
            let rows = bytes.rows();
            let shapes = std::cell::OnceCell::new();
            for column in &self.columns {
                columns.push(bytes.words(*column, &shapes)?);
            }
            Ok(ColumnChunk { rows, columns })
        }))
    }
}

impl<R: Event> fmt::Debug for Columns<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Columns")
            .field("stream", &R::STREAM)
            .field("columns", &self.columns)
            .field("chunks", &self.chunks)
            .finish()
    }
}

/// A chunk whose columns are read one by one.
pub(crate) struct ChunkBytes<'a> {
    bytes: Bytes<'a>,
    directory: Directory,
    rows: usize,
    offset: u64,
}

enum Bytes<'a> {
    /// In a file, from this offset on.
    InFile(&'a Source, u64),
    InMemory(&'a [u8]),
}

impl<'a> ChunkBytes<'a> {
    /// Reads the header and the directory of a chunk in a file.
    ///
    /// # Errors
    ///
    /// If they are damaged, or of a version that this one does not know.
    pub(crate) fn in_file<R: Event>(source: &'a Source, entry: &IndexEntry) -> Result<Self, Error> {
        let offset = entry.offset;
        let payload_offset = offset + FRAME_HEADER_LEN as u64;
        let guess = FRAME_HEADER_LEN + directory_len(R::COLUMNS.len() + 2);
        let len = entry.frame_len().min(guess as u64);
        let mut bytes = source.read(offset, len)?;
        let header = bytes.first_chunk().and_then(FrameHeader::from_bytes);
        let Some((header, _)) = header.filter(|(header, _)| entry.describes(header)) else {
            let expected = format!("the header of frame {}, {}", entry.seq, entry.frame_type);
            return Err(Error::corrupt(offset, expected, "damaged bytes"));
        };
        if let Some((what, limit, found)) = header.beyond_limit() {
            return Err(Error::Limit { offset, what, limit, found });
        }
        let columns = u16_at(&bytes, FRAME_HEADER_LEN).min(limits::COLUMNS);
        let len = FRAME_HEADER_LEN + directory_len(usize::from(columns));
        if bytes.len() < len && len as u64 <= entry.frame_len() {
            bytes = source.read(offset, len as u64)?;
        }
        let payload = &bytes[FRAME_HEADER_LEN..];
        Self::new::<R>(&header, payload, payload_offset, Bytes::InFile(source, payload_offset))
    }

    /// Takes the whole payload of a chunk.
    ///
    /// # Errors
    ///
    /// As [`ChunkBytes::in_file`].
    pub(crate) fn in_memory<R: Event>(
        header: &FrameHeader,
        payload: &'a [u8],
    ) -> Result<Self, Error> {
        Self::new::<R>(header, payload, 0, Bytes::InMemory(payload))
    }

    fn new<R: Event>(
        header: &FrameHeader,
        payload: &[u8],
        offset: u64,
        bytes: Bytes<'a>,
    ) -> Result<Self, Error> {
        check_version::<R>(header)?;
        let directory = Directory::parse(header, payload, offset)?;
        Ok(Self { bytes, directory, rows: header.rows as usize, offset })
    }

    /// Rows of the chunk.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// Reads a column; `None` if there is none of this id.
    ///
    /// # Errors
    ///
    /// If it is damaged.
    pub(crate) fn column(&self, id: u16) -> Result<Option<Words>, Error> {
        let Some((entry, start)) = self.directory.find(id) else { return Ok(None) };
        let ColumnEntry { stored_len, .. } = entry;
        let end = start + stored_len as usize;
        match self.bytes {
            Bytes::InMemory(payload) => {
                let stored = payload.get(start..end).unwrap_or_default();
                self.directory.decode(&entry, start, stored)
            }
            Bytes::InFile(source, offset) => {
                let stored = source.read(offset + start as u64, u64::from(stored_len))?;
                self.directory.decode(&entry, start, &stored)
            }
        }
        .map(Some)
    }

    /// Reads a word for each row; `shapes` keeps those of the rows for the next column that needs them.
    ///
    /// # Errors
    ///
    /// If the column is damaged, or there is none.
    pub(crate) fn words(
        &self,
        column: Column,
        shapes: &std::cell::OnceCell<Words>,
    ) -> Result<Vec<u64>, Error> {
        let words = match self.column(column.id)? {
            Some(words) => words,
            None if column.id == WEIGHT.id => Words::Constant(1),
            None => {
                let expected = format!("the column {}", column.name);
                return Err(Error::corrupt(self.offset, expected, "none"));
            }
        };
        if matches!(words, Words::Coded(_)) && shapes.get().is_none() {
            let _ = shapes.set(self.column(SHAPE.id)?.unwrap_or(Words::Constant(0)));
        }
        let shapes = shapes.get().unwrap_or(&Words::Constant(0));
        words.expand(self.rows, shapes).ok_or_else(|| {
            let expected = format!("a word of {} for each shape", column.name);
            Error::corrupt(self.offset, expected, format!("{:?}", ColumnEncoding::Coded))
        })
    }
}
