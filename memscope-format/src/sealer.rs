//! Rows of any stream into chunks, sealed when they are large or old enough; on several threads, if asked for.

mod threads;

use self::threads::Threads;
use crate::chunk::{CHUNK_ROWS, Chunk, Sealed};
use crate::codec::Compressor;
use crate::compression::Compression;
use crate::error::Error;
use crate::record::Event;
use crate::rows::Stream;
use std::any::Any;
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

/// When a chunk is sealed: whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealAt {
    /// Rows in it, at most [`CHUNK_ROWS`].
    pub rows: usize,
    /// Bytes of its rows, at eight for each column: before they are encoded, which makes them about a tenth.
    pub bytes: usize,
    /// Time since its first row. It is looked at by [`Sealer::seal_aged`].
    pub age: Duration,
}

impl Default for SealAt {
    /// [`CHUNK_ROWS`] rows, however old.
    fn default() -> Self {
        Self { rows: CHUNK_ROWS, bytes: usize::MAX, age: Duration::MAX }
    }
}

/// Gathers the rows of all streams, each in its chunk, and seals these.
///
/// It holds one chunk for each stream, and with threads two for each of them: a row that fills a chunk waits until one of
/// those is sealed. Frames come in the order in which their chunks were full, whatever the number of threads, and have the
/// same bytes.
///
/// ```
/// use memscope_format::rows::{Lifecycle, LifecycleKind};
/// use memscope_format::{Codec, FileHeader, Sealer, Writer};
///
/// let mut writer = Writer::new(Vec::new(), &FileHeader::new([7; 16], 0, Codec::Zstd))?;
/// let mut sealer = Sealer::new(Codec::Zstd);
/// for ts in 0..100_000 {
///     let kind = LifecycleKind::Born;
///     let birth = Lifecycle { ts, kind, site: 1, type_id: 1, value: ts, origin: 0, thread: 1 };
///     if let Some(frame) = sealer.push(&birth, 1)? {
///         writer.append(&frame)?;
///     }
/// }
/// for frame in sealer.seal_all()? {
///     writer.append(&frame)?;
/// }
/// let capture = writer.finish()?;
/// # Ok::<(), memscope_format::Error>(())
/// ```
pub struct Sealer {
    seal_at: SealAt,
    open: Vec<Open>,
    sealing: Sealing,
    now: Duration,
}

/// The chunk of a stream that takes rows.
struct Open {
    chunk: Box<dyn AnyChunk>,
    /// When its first row came.
    since: Duration,
}

/// Who seals.
enum Sealing {
    Here(Compressor),
    Threads(Threads),
}

/// A chunk of any stream.
trait AnyChunk: Send {
    fn seal(&mut self, compressor: &mut Compressor) -> Option<Sealed>;
    fn is_empty(&self) -> bool;
    fn stream(&self) -> Stream;
    fn as_any(&mut self) -> &mut dyn Any;
    /// Another one of the same stream.
    fn another(&self) -> Box<dyn AnyChunk>;
}

impl<R: Event> AnyChunk for Chunk<R> {
    fn seal(&mut self, compressor: &mut Compressor) -> Option<Sealed> {
        self.seal_with(compressor)
    }

    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }

    fn stream(&self) -> Stream {
        R::STREAM
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn another(&self) -> Box<dyn AnyChunk> {
        Box::new(Self::new())
    }
}

impl Sealer {
    /// Makes a sealer that seals full chunks, on the thread that uses it.
    #[must_use]
    pub fn new(compression: impl Into<Compression>) -> Self {
        Self {
            seal_at: SealAt::default(),
            open: Vec::new(),
            sealing: Sealing::Here(Compressor::new(compression.into())),
            now: Duration::ZERO,
        }
    }

    /// Seals chunks earlier.
    #[must_use]
    pub fn seal_at(mut self, seal_at: SealAt) -> Self {
        self.seal_at = seal_at;
        self
    }

    /// Makes a sealer with threads of its own, which end with it.
    ///
    /// # Errors
    ///
    /// If a thread cannot be started.
    pub fn on_threads(
        compression: impl Into<Compression>,
        threads: NonZeroUsize,
    ) -> io::Result<Self> {
        let compression = compression.into();
        let sealing = Sealing::Threads(Threads::start(compression, threads)?);
        Ok(Self { sealing, ..Self::new(compression) })
    }

    /// Adds a row that stands for `weight` events, 1 unless it was sampled. Returns a frame that is to be written now.
    ///
    /// # Errors
    ///
    /// If a thread has ended by a panic; the rows that it had are lost.
    pub fn push<R: Event>(&mut self, row: &R, weight: u64) -> Result<Option<Sealed>, Error> {
        let place = self.open.iter().position(|open| open.chunk.stream() == R::STREAM);
        let place = place.unwrap_or_else(|| {
            let chunk = Box::new(Chunk::<R>::new());
            self.open.push(Open { chunk, since: self.now });
            self.open.len() - 1
        });
        let Self { seal_at, open, now, .. } = self;
        let open = &mut open[place];
        let Some(chunk) = open.chunk.as_any().downcast_mut::<Chunk<R>>() else { return Ok(None) };
        if chunk.is_empty() {
            open.since = *now;
        }
        // It is not full: it would have been sealed.
        let _ = match weight {
            1 => chunk.push(row),
            weight => chunk.push_weighted(row, weight),
        };
        let rows = chunk.len();
        let bytes = rows.saturating_mul(8 * R::COLUMNS.len());
        if rows >= seal_at.rows.min(CHUNK_ROWS) || bytes >= seal_at.bytes {
            self.seal(place)
        } else {
            Ok(None)
        }
    }

    /// Seals the chunks whose first row is older than [`SealAt::age`]; `now` is the time since any moment, the same for all
    /// calls. Returns frames that are to be written now, which with threads may be others.
    ///
    /// # Errors
    ///
    /// As [`Sealer::push`].
    pub fn seal_aged(&mut self, now: Duration) -> Result<Vec<Sealed>, Error> {
        self.now = now;
        let mut sealed = Vec::new();
        for place in 0..self.open.len() {
            let open = &self.open[place];
            if now.saturating_sub(open.since) >= self.seal_at.age {
                sealed.extend(self.seal(place)?);
            }
        }
        Ok(sealed)
    }

    /// Seals all chunks, and waits for all threads. Returns the frames, in their order.
    ///
    /// # Errors
    ///
    /// As [`Sealer::push`].
    pub fn seal_all(&mut self) -> Result<Vec<Sealed>, Error> {
        let mut sealed = Vec::new();
        self.open.sort_by_key(|open| open.chunk.stream());
        for place in 0..self.open.len() {
            sealed.extend(self.seal(place)?);
        }
        if let Sealing::Threads(threads) = &mut self.sealing {
            while let Some(frame) = threads.oldest()? {
                sealed.push(frame);
            }
        }
        Ok(sealed)
    }

    /// Seals a chunk, or gives it to a thread and returns what another has sealed.
    fn seal(&mut self, place: usize) -> Result<Option<Sealed>, Error> {
        let chunk = &mut self.open[place].chunk;
        if chunk.is_empty() {
            return Ok(None);
        }
        match &mut self.sealing {
            Sealing::Here(compressor) => Ok(chunk.seal(compressor)),
            Sealing::Threads(threads) => {
                let empty = threads.spare(&**chunk);
                let full = std::mem::replace(chunk, empty);
                threads.seal(full)
            }
        }
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("seal_at", &self.seal_at).finish_non_exhaustive()
    }
}
