//! Where the bytes of a capture are: something that is read at offsets, into owned buffers.
//!
//! No mapping: a file that shrinks under a mapping kills the reader. Who accepts that maps it and gives the
//! bytes to [`Reader::from_bytes`](crate::Reader::from_bytes).
//!
//! All that opens and reads a capture is written once, as `async` functions over [`Input`]. A blocking input has its
//! bytes at once, so that [`now`] runs these functions to their end without a runtime; see also `async_input`.

use crate::error::Error;
use crate::files::OpenFiles;
use crate::leftover::rings_path;
use std::fmt;
use std::fs::{File, TryLockError};
use std::future::{Future, ready};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Bytes at offsets, that several threads may read at once.
pub trait Source: Send + Sync {
    /// How many bytes there are now. They may grow.
    ///
    /// # Errors
    ///
    /// If that cannot be told.
    fn len(&self) -> io::Result<u64>;

    /// Whether there are none.
    ///
    /// # Errors
    ///
    /// As [`Source::len`].
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads into `bytes` from `offset` on, and returns how many bytes were read: at least one unless there are none.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl Source for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, bytes, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, bytes, offset)
    }
}

/// Bytes in memory, or mapped by whoever made them.
pub(crate) struct InMemory<B>(pub(crate) B);

impl<B: AsRef<[u8]> + Send + Sync> Source for InMemory<B> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.as_ref().len() as u64)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let all = self.0.as_ref();
        let rest = usize::try_from(offset).ok().and_then(|at| all.get(at..)).unwrap_or_default();
        let len = bytes.len().min(rest.len());
        bytes[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }
}

/// What captures are opened and read from: bytes at offsets that may have to be waited for, and what lies beside them.
pub(crate) trait Input: Sized + Send + Sync {
    /// Bytes there were when it was opened.
    fn len(&self) -> u64;

    /// As [`Source::read_at`].
    fn read_some(
        &self,
        bytes: &mut [u8],
        offset: u64,
    ) -> impl Future<Output = io::Result<usize>> + Send;

    /// Waits until there are so many bytes at `offset`, or no more come; returns how many there are, or `most` if there
    /// are more.
    fn ahead(&self, offset: u64, _least: u64, most: u64) -> impl Future<Output = u64> + Send {
        ready(self.len().saturating_sub(offset).min(most))
    }

    /// Waits until it is known whether there are `len` bytes at `offset`.
    fn has(&self, offset: u64, len: u64) -> impl Future<Output = bool> + Send {
        async move { self.ahead(offset, len, len).await == len }
    }

    /// Is told that nothing before `offset` will be read again by a search.
    fn pass(&self, _offset: u64) {}

    /// Looks how many bytes there are by now; whether they have become more.
    fn grow(&mut self) -> impl Future<Output = io::Result<bool>> + Send;

    /// Opens the rings file beside the capture, if there is one.
    fn rings(&self) -> impl Future<Output = io::Result<Option<Beside<Self>>>> + Send;

    /// Fills `bytes` from `offset` on; [`Error::Truncated`] if the input ends before.
    fn read_exact(
        &self,
        bytes: &mut [u8],
        offset: u64,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        async move {
            let mut filled = 0;
            while filled < bytes.len() {
                match self.read_some(&mut bytes[filled..], offset + filled as u64).await {
                    Ok(0) => {
                        let (expected, found) = (bytes.len() as u64, filled as u64);
                        return Err(Error::Truncated { offset, expected, found });
                    }
                    Ok(read) => filled = bytes.len().min(filled + read),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        }
    }

    /// Reads `len` bytes from `offset` on, which the caller has checked against a limit; [`Error::Truncated`], before
    /// anything is allocated, if the input is not so long.
    fn read(&self, offset: u64, len: u64) -> impl Future<Output = Result<Vec<u8>, Error>> + Send {
        async move {
            let found = self.len().saturating_sub(offset);
            if found < len {
                return Err(Error::Truncated { offset, expected: len, found });
            }
            let mut bytes = vec![0; len as usize];
            self.read_exact(&mut bytes, offset).await?;
            Ok(bytes)
        }
    }
}

/// A rings file.
pub(crate) struct Beside<I> {
    pub(crate) input: I,
    /// Whether its writer holds its lock on it.
    pub(crate) live: bool,
}

/// What a reader that waits for its bytes reads.
#[derive(Clone)]
pub struct Blocking {
    source: Arc<dyn Source>,
    len: u64,
    rings: Rings,
}

/// Where the rings of a capture are.
#[derive(Clone)]
enum Rings {
    Nowhere,
    /// At the place that follows from the capture's, if there are any.
    Beside(PathBuf),
    Given(Arc<dyn Source>),
}

impl Blocking {
    /// Opens a file, beside which rings may lie; one of `files`, if there are some.
    pub(crate) fn open(path: &Path, files: Option<&OpenFiles>) -> io::Result<Self> {
        let source = File::open(path)?;
        #[cfg(unix)]
        if std::os::unix::fs::FileTypeExt::is_fifo(&source.metadata()?.file_type()) {
            let what = "a pipe, in which nothing can be looked up; write it to a file first";
            return Err(io::Error::new(io::ErrorKind::NotSeekable, what));
        }
        let source: Arc<dyn Source> = match files {
            Some(files) => Arc::new(files.take(path, source)?),
            None => Arc::new(source),
        };
        Self::new(source, Rings::Beside(rings_path(path)))
    }

    /// Takes a source, and the rings of the capture in it, if there are any.
    pub(crate) fn of(source: Arc<dyn Source>, rings: Option<Arc<dyn Source>>) -> io::Result<Self> {
        Self::new(source, rings.map_or(Rings::Nowhere, Rings::Given))
    }

    fn new(source: Arc<dyn Source>, rings: Rings) -> io::Result<Self> {
        let len = source.len()?;
        Ok(Self { source, len, rings })
    }
}

impl Input for Blocking {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_some(
        &self,
        bytes: &mut [u8],
        offset: u64,
    ) -> impl Future<Output = io::Result<usize>> + Send {
        ready(self.source.read_at(bytes, offset))
    }

    async fn grow(&mut self) -> io::Result<bool> {
        let len = self.source.len()?;
        Ok(std::mem::replace(&mut self.len, len) != len)
    }

    async fn rings(&self) -> io::Result<Option<Beside<Self>>> {
        let (source, live): (Arc<dyn Source>, bool) = match &self.rings {
            Rings::Nowhere => return Ok(None),
            Rings::Given(source) => (Arc::clone(source), false),
            Rings::Beside(path) => match File::open(path) {
                Ok(file) => {
                    let live = is_live(&file);
                    (Arc::new(file), live)
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        Ok(Some(Beside { input: Self::new(source, Rings::Nowhere)?, live }))
    }
}

impl fmt::Debug for Blocking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocking").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Tells whether the writer of a rings file lives: it holds a lock on it. If not, while the file is open no other writer
/// takes it.
pub(crate) fn is_live(rings: &File) -> bool {
    // Released when the file is closed.
    matches!(rings.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Runs a function of a blocking input, which never waits for anything but its bytes.
///
/// # Errors
///
/// Those of the function.
pub(crate) fn now<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => Err(io::Error::from(io::ErrorKind::WouldBlock).into()),
    }
}
