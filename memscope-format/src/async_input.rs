//! Reading with tokio: the functions that open and read a capture, over bytes that are waited for without a thread.

use crate::chunks::ChunkRef;
use crate::error::Error;
use crate::leftover::rings_path;
use crate::projection::{ColumnChunk, find};
use crate::reader::{Opening, Reader};
use crate::record::Event;
use crate::select::{ChunkRows, Select, SelectedChunk, SelectedChunks};
use crate::source::{Beside, Input, is_live};
use std::fmt;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt};
use tokio::sync::Mutex;

/// What a reader that does not block reads: something of tokio that can be read and seeked in.
///
/// Reads take turns, because there is one position.
pub struct Async<S> {
    stream: Mutex<S>,
    len: u64,
    rings: Option<OpenRings<S>>,
}

/// Opens the rings file beside a capture, and tells whether its writer lives.
type OpenRings<S> = Box<dyn Fn() -> Later<io::Result<Option<(S, bool)>>> + Send + Sync>;
type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A [`Reader`] that does not block: `rows`, `columns`, `select` and the like are there, and what they give is awaited.
///
/// ```no_run
/// use memscope_format::{Reader, rows::Lifecycle};
///
/// # async fn example() -> Result<(), memscope_format::Error> {
/// let reader = Reader::open_async("target/memscope/serve-81234.memscope").await?;
/// let mut rows = reader.select::<Lifecycle>().site(17).rows()?;
/// while let Some(row) = rows.next().await {
///     println!("{:?}", row?);
/// }
/// # Ok(()) }
/// ```
pub type AsyncReader<S = File> = Reader<Async<S>>;

impl<S: AsyncRead + AsyncSeek + Unpin + Send> Async<S> {
    async fn new(mut stream: S, rings: Option<OpenRings<S>>) -> io::Result<Self> {
        let len = stream.seek(SeekFrom::End(0)).await?;
        Ok(Self { stream: Mutex::new(stream), len, rings })
    }

    /// What is read from, at any position.
    pub(crate) fn into_stream(self) -> S {
        self.stream.into_inner()
    }
}

impl Async<File> {
    async fn open(path: PathBuf) -> io::Result<Self> {
        let file = File::open(&path).await?;
        let rings = rings_path(&path);
        let open_rings = move || -> Later<_> {
            let rings = rings.clone();
            Box::pin(async move {
                let file = match File::open(rings).await {
                    Ok(file) => file.into_std().await,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(error),
                };
                let live = is_live(&file);
                Ok(Some((File::from_std(file), live)))
            })
        };
        Self::new(file, Some(Box::new(open_rings))).await
    }
}

impl<S: AsyncRead + AsyncSeek + Unpin + Send> Input for Async<S> {
    fn len(&self) -> u64 {
        self.len
    }

    async fn read_some(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut stream = self.stream.lock().await;
        stream.seek(SeekFrom::Start(offset)).await?;
        stream.read(bytes).await
    }

    async fn rings(&self) -> io::Result<Option<Beside<Self>>> {
        let Some(open) = &self.rings else { return Ok(None) };
        let Some((stream, live)) = open().await? else { return Ok(None) };
        Ok(Some(Beside { input: Self::new(stream, None).await?, live }))
    }

    async fn grow(&mut self) -> io::Result<bool> {
        let len = self.stream.get_mut().seek(SeekFrom::End(0)).await?;
        Ok(std::mem::replace(&mut self.len, len) != len)
    }
}

impl<S> fmt::Debug for Async<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Async").field("len", &self.len).finish_non_exhaustive()
    }
}

impl Opening {
    /// As [`Opening::open`], without blocking.
    ///
    /// # Errors
    ///
    /// As [`Reader::open`].
    pub async fn open_async(&self, path: impl AsRef<Path>) -> Result<AsyncReader, Error> {
        let path = path.as_ref().to_owned();
        self.read(Async::open(path).await?).await
    }

    /// As [`Opening::source`], of something that can be read and seeked in. Rings are not looked for.
    ///
    /// # Errors
    ///
    /// As [`Reader::open`].
    pub async fn source_async<S>(&self, stream: S) -> Result<AsyncReader<S>, Error>
    where
        S: AsyncRead + AsyncSeek + Unpin + Send,
    {
        self.read(Async::new(stream, None).await?).await
    }
}

impl Reader {
    /// As [`Reader::open`], without blocking.
    ///
    /// # Errors
    ///
    /// As [`Reader::open`].
    pub async fn open_async(path: impl AsRef<Path>) -> Result<AsyncReader, Error> {
        Self::opening().open_async(path).await
    }
}

impl<S: AsyncRead + AsyncSeek + Unpin + Send> Reader<Async<S>> {
    /// Reads all rows of a chunk.
    ///
    /// # Errors
    ///
    /// If the chunk is damaged, or of another stream.
    pub async fn read_chunk<R: Event>(&self, chunk: &ChunkRef) -> Result<Vec<R>, Error> {
        self.chunk_rows(chunk).await?.collect()
    }

    /// Reads how many events each row of a chunk stands for: 1 unless it was sampled.
    ///
    /// # Errors
    ///
    /// If the chunk is damaged, or of another stream.
    pub async fn weights<R: Event>(&self, chunk: &ChunkRef) -> Result<Vec<u64>, Error> {
        self.chunk_weights::<R>(chunk).await
    }

    /// Reads all rows of a stream, as [`Reader::rows`] does.
    #[must_use]
    pub fn rows<R: Event>(&self) -> AsyncRows<'_, R, S> {
        AsyncRows { chunks: self.select::<R>().all_chunks(), current: None }
    }

    /// Reads some columns of a stream, as [`Reader::columns`] does.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownColumn`] if the stream has no such column.
    pub fn columns<R: Event>(&self, names: &[&str]) -> Result<AsyncColumns<'_, R, S>, Error> {
        self.select::<R>().columns(names)
    }
}

impl<'a, R: Event, S: AsyncRead + AsyncSeek + Unpin + Send> Select<'a, R, Async<S>> {
    /// Reads the rows. A damaged chunk is one error, after which come the rows of the next.
    ///
    /// # Errors
    ///
    /// As [`Select::chunks`].
    pub fn rows(self) -> Result<AsyncRows<'a, R, S>, Error> {
        Ok(AsyncRows { chunks: self.chunks()?, current: None })
    }

    /// Reads columns of the rows, by their names in the specification, chunk by chunk.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownColumn`] if the stream has no such column.
    pub fn columns(self, names: &[&str]) -> Result<AsyncColumns<'a, R, S>, Error> {
        let columns = names.iter().map(|name| find::<R>(name)).collect::<Result<_, _>>()?;
        Ok(AsyncColumns { columns, chunks: self.chunks()? })
    }
}

impl<R: Event, S: AsyncRead + AsyncSeek + Unpin + Send> SelectedChunk<'_, R, Async<S>> {
    /// Reads the rows of the chunk that are selected.
    ///
    /// # Errors
    ///
    /// If the chunk is damaged.
    pub async fn rows(&self) -> Result<ChunkRows<R>, Error> {
        self.select_rows().await
    }
}

/// The rows of a stream, or of a selection, one by one.
pub struct AsyncRows<'a, R: Event, S> {
    chunks: SelectedChunks<'a, R, Async<S>>,
    current: Option<ChunkRows<R>>,
}

impl<R: Event, S: AsyncRead + AsyncSeek + Unpin + Send> AsyncRows<'_, R, S> {
    /// The next row; `None` after the last. A damaged chunk is one error, after which come the rows of the next.
    ///
    /// If the future is dropped while it reads a chunk, that chunk is passed over.
    pub async fn next(&mut self) -> Option<Result<R, Error>> {
        loop {
            match self.current.as_mut().and_then(Iterator::next) {
                Some(Ok(row)) => return Some(Ok(row)),
                Some(Err(error)) => {
                    self.current = None;
                    return Some(Err(error));
                }
                None => {}
            }
            match self.chunks.next()?.select_rows().await {
                Ok(rows) => self.current = Some(rows),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<R: Event, S> fmt::Debug for AsyncRows<'_, R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncRows").field("chunks", &self.chunks).finish_non_exhaustive()
    }
}

/// Columns of a stream, or of a selection, chunk by chunk.
pub struct AsyncColumns<'a, R: Event, S> {
    columns: Vec<crate::column::Column>,
    chunks: SelectedChunks<'a, R, Async<S>>,
}

impl<R: Event, S: AsyncRead + AsyncSeek + Unpin + Send> AsyncColumns<'_, R, S> {
    /// The columns of the next chunk that has selected rows; `None` after the last. A damaged chunk is one error, after
    /// which comes the next.
    pub async fn next(&mut self) -> Option<Result<ColumnChunk, Error>> {
        loop {
            match self.chunks.next()?.select_columns(&self.columns).await {
                Ok(None) => {}
                Ok(Some(columns)) => return Some(Ok(columns)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<R: Event, S> fmt::Debug for AsyncColumns<'_, R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncColumns").field("chunks", &self.chunks).finish_non_exhaustive()
    }
}
