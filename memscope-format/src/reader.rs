//! Reading a capture, whole or damaged, closed or left behind.

use crate::cache::Cache;
use crate::chunk::{Rows, Sealed};
use crate::chunks::{ChunkRef, Place, StreamTotal};
use crate::clock::Clock;
use crate::commit::Commit;
use crate::contents::Contents;
use crate::defs::Defs;
use crate::error::Error;
use crate::files::OpenFiles;
use crate::frame::FrameType;
use crate::header::{FILE_HEADER_LEN, FileHeader};
use crate::health::Health;
use crate::index::IndexEntry;
use crate::layout::Part;
use crate::metadata::Metadata;
use crate::projection::Columns;
use crate::record::Event;
use crate::rows::Stream;
use crate::select::Select;
use crate::source::{Blocking, InMemory, Input, Source, now};
use crate::stored::{StoredChunk, read_rows_cached};
use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// How often a capture that changes while it is opened is opened anew.
const OPEN_ATTEMPTS: u32 = 8;

/// Bytes of decoded columns that a reader keeps unless it is told otherwise.
const CACHE: usize = 32 << 20;

/// A capture that was opened.
///
/// Opening reads the index (or, without one, the frame headers), the definitions and what the rings of a dead
/// program hold; chunks are read when their rows are asked for. A reader never writes, and may be used by several
/// threads. It keeps decoded columns, up to a number of bytes, for whoever asks for them next.
///
/// ```no_run
/// use memscope_format::{Reader, rows::Lifecycle};
///
/// let reader = Reader::open("target/memscope/serve-81234.memscope")?;
/// for row in reader.rows::<Lifecycle>() {
///     let row = row?;
///     println!("{} ns: {:?} of value {:x}", reader.clock().ns(row.ts), row.kind, row.value);
/// }
/// # Ok::<(), memscope_format::Error>(())
/// ```
///
/// `Reader` waits for its bytes; with the feature `tokio` there is `Reader<Async<_>>`, which gives the same rows and columns
/// without holding a thread meanwhile. Whole columns of a selected chunk, and what follows on the part of a very long capture,
/// are to be had of a `Reader` alone.
#[derive(Debug)]
pub struct Reader<I = Blocking> {
    pub(crate) input: I,
    pub(crate) contents: Contents,
    pub(crate) cache: Cache,
    /// What was opened.
    pub(crate) part: Part,
}

/// How a capture is opened.
#[derive(Clone)]
pub struct Opening {
    cache: usize,
    part: Part,
    rings: Option<Arc<dyn Source>>,
    files: Option<OpenFiles>,
}

impl Opening {
    /// Opens what lies from this offset on: what [`Health::rest`] said of a capture that has more than
    /// [`limits::FRAMES`](crate::limits::FRAMES) frames. Reading such a capture part by part takes no more memory than
    /// one of that many frames.
    ///
    /// Definitions are those that are repeated at the end of the file, or else that the part itself has.
    #[must_use]
    pub fn start(mut self, offset: u64) -> Self {
        self.part.start = offset.max(FILE_HEADER_LEN as u64);
        self
    }

    /// Opens so many frames at most, and not [`limits::FRAMES`](crate::limits::FRAMES); at least 1.
    #[must_use]
    pub fn frames(mut self, frames: usize) -> Self {
        self.part.frames = frames.max(1);
        self
    }

    /// Keeps at most so many bytes of decompressed columns, and of chunks made of RAW frames; 32 MiB unless this is called, nothing with 0.
    #[must_use]
    pub const fn cache(mut self, bytes: usize) -> Self {
        self.cache = bytes;
        self
    }

    /// Takes these bytes for the rings file of a program that died, of a capture that is not opened by its path.
    #[must_use]
    pub fn rings(mut self, rings: impl Source + 'static) -> Self {
        self.rings = Some(Arc::new(rings));
        self
    }

    /// Has the capture's file open only while it is among those of `files` that were read last.
    #[must_use]
    pub fn files(mut self, files: &OpenFiles) -> Self {
        self.files = Some(files.clone());
        self
    }

    /// Opens the capture at a path; see [`Reader::open`].
    ///
    /// # Errors
    ///
    /// As [`Reader::open`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Reader, Error> {
        now(self.read(Blocking::open(path.as_ref(), self.files.as_ref())?))
    }

    /// Opens a capture wherever its bytes are.
    ///
    /// # Errors
    ///
    /// As [`Reader::open`].
    pub fn source(&self, source: impl Source + 'static) -> Result<Reader, Error> {
        now(self.read(Blocking::of(Arc::new(source), self.rings.clone())?))
    }

    /// Opens what follows on a part of a capture, as that was.
    pub(crate) fn of_next(before: &Reader, start: u64) -> Result<Reader, Error> {
        let part = Part { start, ..before.part };
        let opening = Self { cache: before.cache.most(), part, rings: None, files: None };
        now(opening.read(before.input.clone()))
    }

    /// Opens what an input has.
    pub(crate) async fn read<I: Input>(&self, mut input: I) -> Result<Reader<I>, Error> {
        let mut attempts = 0;
        loop {
            let contents = Contents::of(&input, self.part).await?;
            attempts += 1;
            // A writer that closes the capture meanwhile takes its rings away: then the file has all of it now.
            if contents.health.live || attempts == OPEN_ATTEMPTS || !input.grow().await? {
                let cache = Cache::new(self.cache);
                return Ok(Reader { input, contents, cache, part: self.part });
            }
        }
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens a capture, with the rings beside it if its writer died or is still at work.
    ///
    /// # Errors
    ///
    /// If it is not a capture, needs a newer reader, or cannot be read. A damaged capture opens; see
    /// [`Reader::health`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::opening().open(path)
    }

    /// Opens a capture that is in memory, or was mapped by the caller: this crate maps no files, because one that is
    /// truncated while it is mapped kills who reads it.
    ///
    /// # Errors
    ///
    /// As [`Reader::open`].
    pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Self, Error> {
        Self::opening().source(InMemory(bytes))
    }

    /// Opens a capture with a say in how.
    #[must_use]
    pub fn opening() -> Opening {
        Opening { cache: CACHE, part: Part::default(), rings: None, files: None }
    }

    /// Reads all rows of a chunk.
    ///
    /// # Errors
    ///
    /// If the chunk is damaged, or of another stream.
    pub fn read_chunk<R: Event>(&self, chunk: &ChunkRef) -> Result<Vec<R>, Error> {
        now(self.chunk_rows(chunk))?.collect()
    }

    /// Reads all rows of a stream, chunk by chunk; within a ring they come in the order of recording, which is not
    /// that of time over all threads.
    ///
    /// A damaged chunk is one error, after which come the rows of the next.
    pub fn rows<R: Event>(&self) -> StreamRows<'_, R> {
        StreamRows { reader: self, chunks: self.chunks::<R>().into_iter(), current: None }
    }

    /// Reads how many events each row of a chunk stands for: 1 unless it was sampled.
    ///
    /// # Errors
    ///
    /// As [`Reader::read_chunk`].
    pub fn weights<R: Event>(&self, chunk: &ChunkRef) -> Result<Vec<u64>, Error> {
        now(self.chunk_weights::<R>(chunk))
    }

    /// Reads some columns of a stream, by their names in the specification, chunk by chunk; the bytes of the others are
    /// not touched.
    ///
    /// ```no_run
    /// use memscope_format::{Reader, rows::Lifecycle};
    ///
    /// let reader = Reader::open("target/memscope/serve-81234.memscope")?;
    /// for chunk in reader.columns::<Lifecycle>(&["ts", "site"])? {
    ///     let chunk = chunk?;
    ///     let latest = chunk.columns[0].iter().max();
    ///     println!("{} rows, the latest at {latest:?}", chunk.rows);
    /// }
    /// # Ok::<(), memscope_format::Error>(())
    /// ```
    ///
    /// A column is verified by its own checksum. A damaged one is one error for its chunk, after which comes the next.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownColumn`] if the stream has no such column.
    pub fn columns<R: Event>(&self, names: &[&str]) -> Result<Columns<'_, R>, Error> {
        self.select::<R>().columns(names)
    }
}

impl<I> Reader<I> {
    /// Selects rows of a stream by time, thread, site and type.
    #[must_use]
    pub const fn select<R: Event>(&self) -> Select<'_, R, I> {
        Select::new(self)
    }

    /// The file header. Where it is damaged and no copy is left, only version and the start of the id are right.
    #[must_use]
    pub const fn header(&self) -> &FileHeader {
        &self.contents.header
    }

    /// What the capture is of; `None` if that was lost.
    #[must_use]
    pub const fn metadata(&self) -> Option<&Metadata> {
        self.contents.metadata.as_ref()
    }

    /// All definitions, each table sorted by id.
    #[must_use]
    pub const fn defs(&self) -> &Defs {
        &self.contents.defs
    }

    /// Turns ticks into nanoseconds since recording began.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.contents.clock
    }

    /// How whole the capture is.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.contents.health
    }

    /// The last commit that could be read.
    #[must_use]
    pub const fn last_commit(&self) -> Option<&Commit> {
        self.contents.commit.as_ref()
    }

    /// Raw events recorded (hook firings), with those recovered from rings. If frames after the last commit are
    /// damaged, those in them are not counted; [`Reader::health`] lists such frames.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.contents.events
    }

    /// Raw events that are known to be lost.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.contents.health.lost_events
    }

    /// Rows that whoever wrote the capture had and could not write, or left out, by stream. [`Reader::health`] has
    /// their sum.
    #[must_use]
    pub fn unwritten(&self) -> &[(Stream, u64)] {
        &self.contents.unwritten
    }

    /// Bytes of the capture file.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.contents.bytes
    }

    /// Bytes of decompressed columns, and of chunks made of RAW frames, that are kept now; see [`Opening::cache`].
    #[must_use]
    pub fn cached_bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// Bytes of the rings that hold recovered events.
    #[must_use]
    pub const fn rings_bytes(&self) -> u64 {
        self.contents.rings_bytes
    }

    /// What there is of each stream.
    #[must_use]
    pub fn streams(&self) -> Vec<StreamTotal> {
        Stream::ALL
            .into_iter()
            .map(|stream| {
                let nothing = StreamTotal { stream, rows: 0, bytes: 0, chunks: 0 };
                self.stream_chunks(stream).fold(nothing, |total, chunk| StreamTotal {
                    stream,
                    rows: total.rows + u64::from(chunk.rows),
                    bytes: total.bytes + chunk.bytes,
                    chunks: total.chunks + 1,
                })
            })
            .collect()
    }

    /// The chunks of a stream, in the order they were written, recovered ones last. Their times may overlap.
    #[must_use]
    pub fn chunks<R: Event>(&self) -> Vec<ChunkRef> {
        self.stream_chunks(R::STREAM).collect()
    }

    fn stream_chunks(&self, stream: Stream) -> impl Iterator<Item = ChunkRef> {
        let in_file = self.contents.chunks(stream);
        let recovered = self.contents.recovered.iter().enumerate();
        let recovered = recovered
            .filter(move |(_, frame)| frame.frame_type() == stream.frame_type())
            .map(move |(number, frame)| ChunkRef {
                stream,
                rows: frame.header.rows,
                t_min: frame.header.t_min,
                t_max: frame.header.t_max,
                bytes: 0,
                place: Place::Recovered(number),
            });
        in_file.chain(recovered)
    }

    fn recovered<R: Event>(&self, number: usize, chunk: &ChunkRef) -> Result<&Sealed, Error> {
        let frame = self.contents.recovered.get(number);
        frame
            .filter(|frame| frame.frame_type() == R::FRAME)
            .ok_or_else(|| other_stream(0, R::FRAME, chunk))
    }

    fn frame<R: Event>(&self, offset: u64, chunk: &ChunkRef) -> Result<&IndexEntry, Error> {
        let entry = self.contents.frame_at(offset);
        entry
            .filter(|entry| entry.frame_type == R::FRAME)
            .ok_or_else(|| other_stream(offset, R::FRAME, chunk))
    }
}

#[expect(private_bounds, reason = "what readers of both kinds do is not called from outside")]
impl<I: Input> Reader<I> {
    /// Opens a chunk to read its columns one by one.
    pub(crate) async fn stored<R: Event>(
        &self,
        chunk: &ChunkRef,
    ) -> Result<StoredChunk<'_, I>, Error> {
        match chunk.place {
            Place::Recovered(number) => {
                let Sealed { header, padded } = self.recovered::<R>(number, chunk)?;
                let payload = &padded[..header.stored_len as usize];
                StoredChunk::in_memory::<R>(header, Cow::Borrowed(payload))
            }
            Place::Raw { offset, .. } => {
                let Sealed { header, mut padded } = self.raw::<R>(offset, chunk).await?;
                padded.truncate(header.stored_len as usize);
                StoredChunk::in_memory::<R>(&header, Cow::Owned(padded))
            }
            Place::Frame { offset, .. } => {
                let entry = self.frame::<R>(offset, chunk)?;
                StoredChunk::in_file::<R>(&self.input, &self.cache, entry).await
            }
        }
    }

    /// Reads a chunk as a whole.
    pub(crate) async fn chunk_rows<R: Event>(&self, chunk: &ChunkRef) -> Result<Rows<R>, Error> {
        match chunk.place {
            Place::Recovered(number) => {
                let Sealed { header, padded } = self.recovered::<R>(number, chunk)?;
                Rows::decode(header, &padded[..header.stored_len as usize], 0)
            }
            Place::Raw { offset, .. } => {
                let Sealed { header, padded } = self.raw::<R>(offset, chunk).await?;
                Rows::decode(&header, &padded[..header.stored_len as usize], 0)
            }
            Place::Frame { offset, .. } => {
                read_rows_cached(&self.input, &self.cache, self.frame::<R>(offset, chunk)?).await
            }
        }
    }

    /// Makes the chunk of a stream of a RAW frame.
    async fn raw<R: Event>(&self, offset: u64, chunk: &ChunkRef) -> Result<Sealed, Error> {
        let frames = match self.cache.chunks(offset) {
            Some(frames) => frames,
            None => {
                let frames = self.contents.raw_chunks(&self.input, offset).await?.into();
                self.cache.put_chunks(offset, &frames);
                frames
            }
        };
        let frame = frames.iter().find(|frame| frame.frame_type() == R::FRAME);
        frame.cloned().ok_or_else(|| other_stream(offset, R::FRAME, chunk))
    }

    pub(crate) async fn chunk_weights<R: Event>(
        &self,
        chunk: &ChunkRef,
    ) -> Result<Vec<u64>, Error> {
        self.stored::<R>(chunk).await?.weights().await
    }
}

fn other_stream(offset: u64, frame_type: FrameType, chunk: &ChunkRef) -> Error {
    Error::corrupt(
        offset,
        format!("a {frame_type} chunk of this capture"),
        format!("a reference to one of {}", chunk.stream.name()),
    )
}

/// The rows of a stream; see [`Reader::rows`].
pub struct StreamRows<'a, R: Event> {
    reader: &'a Reader,
    chunks: std::vec::IntoIter<ChunkRef>,
    current: Option<Rows<R>>,
}

impl<R: Event> Iterator for StreamRows<'_, R> {
    type Item = Result<R, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(rows) = &mut self.current {
                match rows.next() {
                    Some(Ok(row)) => return Some(Ok(row)),
                    Some(Err(error)) => {
                        self.current = None;
                        return Some(Err(error));
                    }
                    None => self.current = None,
                }
            }
            match now(self.reader.chunk_rows(&self.chunks.next()?)) {
                Ok(rows) => self.current = Some(rows),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<R: Event> fmt::Debug for StreamRows<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamRows")
            .field("stream", &R::STREAM)
            .field("chunks", &self.chunks)
            .finish_non_exhaustive()
    }
}
