//! A chunk whose columns are read one by one.

use crate::cache::Cache;
use crate::chunk::{Rows, check_version};
use crate::column::{Column, SHAPE, WEIGHT, Words};
use crate::directory::{Directory, directory_len};
use crate::error::Error;
use crate::frame::{FRAME_HEADER_LEN, FrameHeader};
use crate::header::u16_at;
use crate::index::IndexEntry;
use crate::limits;
use crate::record::Record;
use crate::scan::read_frame;
use crate::source::Input;
use std::borrow::Cow;
use std::sync::Arc;

/// The directory of a chunk, and where its columns are.
pub(crate) struct StoredChunk<'a, I> {
    bytes: Bytes<'a, I>,
    directory: Directory,
    rows: u32,
    /// Where the payload begins in the file.
    offset: u64,
}

enum Bytes<'a, I> {
    /// In a file: columns are read as they are asked for, and kept under the offset of the frame.
    InFile {
        input: &'a I,
        cache: &'a Cache,
        frame: u64,
    },
    InMemory(Cow<'a, [u8]>),
}

impl<'a, I: Input> StoredChunk<'a, I> {
    /// Reads the header and the directory of a chunk in a file.
    ///
    /// # Errors
    ///
    /// If they are damaged, or of a version that this one does not know.
    pub(crate) async fn in_file<R: Record>(
        input: &'a I,
        cache: &'a Cache,
        entry: &IndexEntry,
    ) -> Result<Self, Error> {
        let frame = entry.offset;
        let guess = FRAME_HEADER_LEN + directory_len(R::COLUMNS.len() + 2);
        let len = entry.frame_len().min(guess as u64);
        let mut bytes = input.read(frame, len).await?;
        let header = bytes.first_chunk().and_then(FrameHeader::from_bytes);
        let Some((header, _)) = header.filter(|(header, _)| entry.describes(header)) else {
            let expected = format!("the header of frame {}, {}", entry.seq, entry.frame_type);
            return Err(Error::corrupt(frame, expected, "damaged bytes"));
        };
        if let Some((what, limit, found)) = header.beyond_limit() {
            return Err(Error::Limit { offset: frame, what, limit, found });
        }
        let columns = u16_at(&bytes, FRAME_HEADER_LEN).min(limits::COLUMNS);
        let len = FRAME_HEADER_LEN + directory_len(usize::from(columns));
        if bytes.len() < len && len as u64 <= entry.frame_len() {
            bytes = input.read(frame, len as u64).await?;
        }
        let payload = bytes.get(FRAME_HEADER_LEN..).unwrap_or_default();
        let offset = frame + FRAME_HEADER_LEN as u64;
        check_version::<R>(&header)?;
        let directory = Directory::parse(&header, payload, offset)?;
        let bytes = Bytes::InFile { input, cache, frame };
        Ok(Self { bytes, directory, rows: header.rows, offset })
    }

    /// Takes the whole payload of a chunk.
    ///
    /// # Errors
    ///
    /// As [`StoredChunk::in_file`].
    pub(crate) fn in_memory<R: Record>(
        header: &FrameHeader,
        payload: Cow<'a, [u8]>,
    ) -> Result<Self, Error> {
        check_version::<R>(header)?;
        let directory = Directory::parse(header, &payload, 0)?;
        let (rows, bytes) = (header.rows, Bytes::InMemory(payload));
        Ok(Self { bytes, directory, rows, offset: 0 })
    }

    /// Rows of the chunk.
    pub(crate) const fn rows(&self) -> u32 {
        self.rows
    }

    /// Reads columns, those that lie side by side at once; `None` for one that the chunk does not have.
    ///
    /// # Errors
    ///
    /// If one is damaged.
    pub(crate) async fn columns(&self, ids: &[u16]) -> Result<Vec<Option<Arc<Words>>>, Error> {
        let mut found = vec![None; ids.len()];
        let mut missing = Vec::new();
        for (place, &id) in ids.iter().enumerate() {
            let Some((entry, start)) = self.directory.find(id) else { continue };
            match &self.bytes {
                Bytes::InMemory(payload) => {
                    let stored = payload.get(start..start + entry.stored_len as usize);
                    let words = self.directory.decode(&entry, start, stored.unwrap_or_default())?;
                    found[place] = Some(Arc::new(words));
                }
                Bytes::InFile { cache, frame, .. } => match cache.get((*frame, id)) {
                    Some(words) => found[place] = Some(words),
                    None => missing.push((start, entry, place)),
                },
            }
        }
        let Bytes::InFile { input, cache, frame } = &self.bytes else { return Ok(found) };
        missing.sort_unstable_by_key(|&(start, ..)| start);
        let end = |&(start, entry, _): &(usize, crate::directory::ColumnEntry, usize)| {
            start + entry.stored_len as usize
        };
        for run in missing.chunk_by(|left, right| end(left) == right.0) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
            let len = end(last) - first.0;
            let bytes = input.read(self.offset + first.0 as u64, len as u64).await?;
            for (start, entry, place) in run {
                let at = start - first.0;
                let stored = bytes.get(at..at + entry.stored_len as usize).unwrap_or_default();
                let words = Arc::new(self.directory.decode(entry, *start, stored)?);
                cache.put((*frame, entry.id), &words);
                found[*place] = Some(words);
            }
        }
        Ok(found)
    }

    /// Reads a column that all chunks have, or the weights.
    ///
    /// # Errors
    ///
    /// If it is damaged, or there is none.
    pub(crate) async fn column(&self, column: Column) -> Result<Arc<Words>, Error> {
        let found = self.columns(&[column.id]).await?;
        self.present(column, found.into_iter().next().flatten())
    }

    /// Refuses a chunk that lacks a column, unless all rows have the same word then.
    fn present(&self, column: Column, words: Option<Arc<Words>>) -> Result<Arc<Words>, Error> {
        match words {
            Some(words) => Ok(words),
            None if column.id == WEIGHT.id => Ok(Arc::new(Words::Constant(1))),
            None if column.id == SHAPE.id || column.additional => Ok(Arc::new(Words::Constant(0))),
            None => {
                let expected = format!("the column {}", column.name);
                Err(Error::corrupt(self.offset, expected, "none"))
            }
        }
    }

    /// Reads columns as they are stored, and the shapes too if one of them needs these.
    ///
    /// # Errors
    ///
    /// If one is damaged, or there is none.
    pub(crate) async fn words(
        &self,
        columns: &[Column],
    ) -> Result<(Vec<Arc<Words>>, Arc<Words>), Error> {
        let ids: Vec<u16> = columns.iter().map(|column| column.id).collect();
        let found = self.columns(&ids).await?;
        let words = columns.iter().zip(found).map(|(column, words)| self.present(*column, words));
        let words = words.collect::<Result<Vec<_>, Error>>()?;
        let coded = words.iter().any(|words| matches!(**words, Words::Coded(_)));
        let shapes = if coded { self.column(SHAPE).await? } else { Arc::new(Words::Constant(0)) };
        Ok((words, shapes))
    }

    /// Reads how many events each row stands for.
    ///
    /// # Errors
    ///
    /// If the weights are damaged.
    pub(crate) async fn weights(&self) -> Result<Vec<u64>, Error> {
        let (words, shapes) = self.words(&[WEIGHT]).await?;
        let weights = words.first().and_then(|words| words.expand(self.rows as usize, &shapes));
        weights.ok_or_else(|| self.unknown_shape(WEIGHT))
    }

    /// The error for a column that lacks a word for a shape.
    pub(crate) fn unknown_shape(&self, column: Column) -> Error {
        let expected = format!("a word of {} for each shape", column.name);
        Error::corrupt(self.offset, expected, "a shape without")
    }

    /// Reads all columns of the rows.
    ///
    /// # Errors
    ///
    /// If one is damaged, or there is none.
    pub(crate) async fn decode<R: Record>(&self) -> Result<Rows<R>, Error> {
        let mut ids = vec![SHAPE.id];
        ids.extend(R::COLUMNS.iter().map(|column| column.id));
        let columns = self.columns(&ids).await?;
        let columns: Vec<_> = ids.into_iter().zip(columns).collect();
        Rows::of_columns(self.rows, self.offset, |id| {
            let found = columns.iter().find(|(known, _)| *known == id);
            Ok(found.and_then(|(_, words)| words.clone()))
        })
    }
}

/// Reads a chunk of a file as a whole, and verifies all of it.
///
/// # Errors
///
/// If it is damaged.
pub(crate) async fn read_rows<R: Record>(
    input: &impl Input,
    entry: &IndexEntry,
) -> Result<Rows<R>, Error> {
    let (header, payload) = read_frame(input, entry).await?;
    Rows::decode(&header, &payload, entry.offset + FRAME_HEADER_LEN as u64)
}

/// As [`read_rows`], keeping the columns. If all of them are kept, nothing is read.
///
/// # Errors
///
/// If it is damaged.
pub(crate) async fn read_rows_cached<R: Record>(
    input: &impl Input,
    cache: &Cache,
    entry: &IndexEntry,
) -> Result<Rows<R>, Error> {
    let offset = entry.offset + FRAME_HEADER_LEN as u64;
    let key = |id| (entry.offset, id);
    // What a chunk lacks because it is 0 in all rows was kept so.
    let ids = || std::iter::once(SHAPE.id).chain(R::COLUMNS.iter().map(|column| column.id));
    let kept: Option<Vec<_>> = ids().map(|id| Some((id, cache.get(key(id))?))).collect();
    if let Some(kept) = kept {
        return Rows::of_columns(entry.rows, offset, |id| {
            let found = kept.iter().find(|(known, _)| *known == id);
            Ok(found.map(|(_, words)| Arc::clone(words)))
        });
    }
    let (header, payload) = read_frame(input, entry).await?;
    check_version::<R>(&header)?;
    let directory = Directory::parse(&header, &payload, offset)?;
    Rows::of_columns(header.rows, offset, |id| {
        let words = directory.read(&payload, id)?.map(Arc::new);
        let words = words.or_else(|| may_lack::<R>(id).then(|| Arc::new(Words::Constant(0))));
        if let Some(words) = &words {
            cache.put(key(id), words);
        }
        Ok(words)
    })
}

/// Whether a chunk lacks a column where it is 0 in all rows.
fn may_lack<R: Record>(id: u16) -> bool {
    id == SHAPE.id || R::COLUMNS.iter().any(|column| column.id == id && column.additional)
}
