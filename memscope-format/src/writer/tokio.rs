//! Writing a capture with tokio: what [`WriterCore`] says is done without blocking.

mod append;

use super::{Action, Durability, WriterCore, WriterOptions};
use crate::checkpoint::StreamTally;
use crate::chunk::Sealed;
use crate::commit::Commit;
use crate::defs::Defs;
use crate::error::Error;
use crate::header::FileHeader;
use crate::metadata::Metadata;
use crate::rows::Stream;
use std::fmt;
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::time::Instant;
use tokio::io::{AsyncSeek, AsyncSeekExt, AsyncWrite, AsyncWriteExt};

/// As [`Writer`](super::Writer), for a sink of tokio: the same bytes, from the same [`WriterCore`].
///
/// A future of it that is dropped before it is ready loses nothing: the next one goes on where it stopped. If writes are to
/// be repeated after a [pause](super::Retry), the runtime must have its clock enabled.
///
/// A file of tokio takes what it is given and tells later that it could not write it, not how much of it. By its
/// [length](AsyncWriter::seekable) the writer knows, and goes on there; without, a sink that fails so is written to no more:
/// the capture goes on elsewhere, or each call fails.
///
/// ```
/// use memscope_format::rows::{Lifecycle, LifecycleKind};
/// use memscope_format::writer::AsyncWriter;
/// use memscope_format::{Chunk, Codec, FileHeader};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), memscope_format::Error> {
/// let header = FileHeader::new(*b"an id of 16 byte", 0, Codec::Zstd);
/// let mut writer = AsyncWriter::new(Vec::new(), &header).await?;
/// let mut chunk = Chunk::new();
/// let kind = LifecycleKind::Born;
/// let birth = Lifecycle { ts: 1, kind, site: 1, type_id: 1, value: 1, origin: 0, thread: 1 };
/// chunk.push(&birth).expect("it is empty");
/// for frame in chunk.seal(Codec::Zstd) {
///     writer.append(&frame).await?;
/// }
/// let capture: Vec<u8> = writer.finish().await?;
/// # Ok(()) }
/// ```
pub struct AsyncWriter<W> {
    core: WriterCore,
    sink: W,
    unflushed: Option<Unflushed>,
    length: Option<Length<W>>,
    sync: Option<Sync<W>>,
    elsewhere: Option<Elsewhere<W>>,
    started: Instant,
}

/// A write that is not known to have reached the sink.
#[derive(Debug)]
struct Unflushed {
    /// Bytes that the sink accepted.
    accepted: usize,
    /// Why it has not all of them. It is told once, so it is kept until their number is known.
    error: Option<io::Error>,
}

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Length<W> = fn(&mut W) -> Later<'_, io::Result<u64>>;
type Sync<W> = fn(&mut W) -> Later<'_, io::Result<()>>;
type Elsewhere<W> = Box<dyn FnMut(&io::Error) -> Later<'static, Option<W>> + Send>;

/// A sink that can bring what it took to the device.
pub trait AsyncSyncData: Sized {
    /// Returns when everything that was written is on the device.
    ///
    /// # Errors
    ///
    /// If that fails.
    fn sync_data(&mut self) -> impl Future<Output = io::Result<()>> + Send;
}

impl AsyncSyncData for tokio::fs::File {
    async fn sync_data(&mut self) -> io::Result<()> {
        self.flush().await?;
        Self::sync_data(self).await
    }
}

impl<W: AsyncWrite + AsyncSyncData + Unpin + Send> AsyncSyncData for tokio::io::BufWriter<W> {
    async fn sync_data(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.get_mut().sync_data().await
    }
}

impl<W: AsyncWrite + Unpin> AsyncWriter<W> {
    /// As [`Writer::new`](super::Writer::new).
    ///
    /// # Errors
    ///
    /// If the sink fails.
    pub async fn new(sink: W, header: &FileHeader) -> Result<Self, Error> {
        Self::with(sink, header, WriterOptions::default()).await
    }

    /// As [`Writer::with`](super::Writer::with).
    ///
    /// # Errors
    ///
    /// If the sink fails.
    pub async fn with(sink: W, header: &FileHeader, options: WriterOptions) -> Result<Self, Error> {
        let mut writer = Self::of(WriterCore::new(header, options), sink);
        writer.run().await?;
        Ok(writer)
    }

    fn of(core: WriterCore, sink: W) -> Self {
        let started = Instant::now();
        Self { core, sink, unflushed: None, length: None, sync: None, elsewhere: None, started }
    }

    /// Sets that the sink has nothing but the capture, as each that it goes on in, so that its length tells how much it took
    /// of a write that failed. It costs nothing until one does.
    #[must_use]
    pub fn seekable(mut self) -> Self
    where
        W: AsyncSeek + Send,
    {
        self.length = Some(|sink| Box::pin(sink.seek(SeekFrom::End(0))));
        self
    }

    /// As [`Writer::durable`](super::Writer::durable).
    #[must_use]
    pub fn durable(mut self, durability: Durability) -> Self
    where
        W: AsyncSyncData,
    {
        self.core.set_durability(durability);
        self.sync = Some(|sink| Box::pin(sink.sync_data()));
        self
    }

    /// As [`Writer::or_elsewhere`](super::Writer::or_elsewhere).
    #[must_use]
    pub fn or_elsewhere<F>(
        mut self,
        mut elsewhere: impl FnMut(&io::Error) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Option<W>> + Send + 'static,
    {
        self.core.set_movable(true);
        self.elsewhere = Some(Box::new(move |error| Box::pin(elsewhere(error))));
        self
    }

    /// As [`Writer::metadata`](super::Writer::metadata).
    ///
    /// # Errors
    ///
    /// If the sink fails, or the metadata is longer than [`crate::limits::RECORD_LEN`].
    pub async fn metadata(&mut self, metadata: &Metadata) -> Result<(), Error> {
        self.core.metadata(metadata)?;
        self.run().await
    }

    /// As [`Writer::define`](super::Writer::define).
    ///
    /// # Errors
    ///
    /// If the sink fails, or a definition is longer than [`crate::limits::RECORD_LEN`].
    pub async fn define(&mut self, defs: &Defs) -> Result<(), Error> {
        let added = self.core.define(defs);
        self.run().await?;
        added
    }

    /// Writes a chunk.
    ///
    /// # Errors
    ///
    /// If the sink fails: [`Error::Unwritten`] says how many rows are lost by it.
    pub async fn append(&mut self, chunk: &Sealed) -> Result<(), Error> {
        self.core.chunk(chunk, self.started.elapsed());
        self.run().await
    }

    /// As [`Writer::commit`](super::Writer::commit).
    ///
    /// # Errors
    ///
    /// As [`Writer::commit`](super::Writer::commit).
    pub async fn commit(&mut self, commit: &Commit) -> Result<(), Error> {
        self.core.commit(commit, self.started.elapsed())?;
        self.run().await
    }

    /// As [`Writer::count_lost`](super::Writer::count_lost).
    pub fn count_lost(&mut self, stream: Stream, rows: u64) {
        self.core.count_lost(stream, rows);
    }

    /// Writes a checkpoint now.
    ///
    /// # Errors
    ///
    /// If the sink fails.
    pub async fn checkpoint(&mut self) -> Result<(), Error> {
        self.core.checkpoint(self.started.elapsed());
        self.run().await
    }

    /// As [`Writer::finish`](super::Writer::finish). The sink is flushed, not shut down.
    ///
    /// # Errors
    ///
    /// If the sink fails. The capture lacks its footer then, and is otherwise whole.
    pub async fn finish(mut self) -> Result<W, Error> {
        self.core.finish(self.started.elapsed());
        self.run().await?;
        Ok(self.sink)
    }

    /// The last commit that is in the file.
    #[must_use]
    pub const fn last_commit(&self) -> Option<&Commit> {
        self.core.last_commit()
    }

    /// Bytes of the file: those that the sink has taken.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.core.bytes()
    }

    /// What was written, and what was lost, of each kind of event frames.
    pub fn tallies(&self) -> impl Iterator<Item = &StreamTally> {
        self.core.tallies()
    }

    /// Refers to the sink, for what only its type can do; writing to it would spoil the capture.
    #[must_use]
    pub const fn sink(&self) -> &W {
        &self.sink
    }

    /// Finds out what became of the last write: a file of tokio tells only when it is flushed that one failed.
    async fn settle(&mut self) {
        let Some(unflushed) = &mut self.unflushed else { return };
        while unflushed.error.is_none() {
            match self.sink.flush().await {
                Ok(()) => {
                    self.core.taken(unflushed.accepted);
                    self.unflushed = None;
                    return;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => unflushed.error = Some(error),
            }
        }
        let length = match self.length {
            Some(length) => length(&mut self.sink).await.ok(),
            None => None,
        };
        let Some(Unflushed { accepted, error: Some(error) }) = self.unflushed.take() else {
            return;
        };
        match length.and_then(|length| length.checked_sub(self.core.bytes())) {
            Some(0) => self.core.failed(error),
            Some(taken) if taken < accepted as u64 => {
                self.core.taken(taken as usize);
                self.core.failed(error);
            }
            Some(taken) if taken == accepted as u64 => self.core.taken(accepted),
            _ => self.core.failed_astray(error),
        }
    }

    /// Does what the core says, until there is nothing more to do.
    async fn run(&mut self) -> Result<(), Error> {
        loop {
            self.settle().await;
            let done = match self.core.action() {
                Action::Write(bytes) => match self.sink.write(bytes).await {
                    Ok(accepted) => {
                        self.unflushed = Some(Unflushed { accepted, error: None });
                        continue;
                    }
                    Err(error) => Err(error),
                },
                Action::Flush => self.sink.flush().await,
                Action::Sync => match self.sync {
                    Some(sync) => sync(&mut self.sink).await,
                    None => Ok(()),
                },
                Action::Wait(pause) => {
                    tokio::time::sleep(pause).await;
                    Ok(())
                }
                Action::Move(error) => {
                    let found = match &mut self.elsewhere {
                        Some(elsewhere) => elsewhere(error).await,
                        None => None,
                    };
                    match found {
                        Some(sink) => {
                            self.sink = sink;
                            self.core.moved();
                        }
                        None => self.core.not_moved(),
                    }
                    continue;
                }
                Action::Nothing(result) => return result,
            };
            match done {
                Ok(()) => self.core.done(),
                Err(error) => self.core.failed(error),
            }
        }
    }
}

impl<W: fmt::Debug> fmt::Debug for AsyncWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncWriter")
            .field("sink", &self.sink)
            .field("bytes", &self.core.bytes())
            .finish_non_exhaustive()
    }
}
