//! Writing a capture.
//!
//! What is written, when, and what is done when the sink fails is decided in [`WriterCore`], which does no I/O. The
//! writers around it do what it says: [`Writer`] with a blocking sink, `AsyncWriter` (feature `tokio`) with one of tokio's.

mod append;
mod core;
mod index;
mod options;
mod tables;
#[cfg(feature = "tokio")]
mod tokio;

use crate::chunk::Sealed;
use crate::commit::Commit;
use crate::defs::Defs;
use crate::error::Error;
use crate::header::FileHeader;
use crate::metadata::Metadata;
use crate::rows::Stream;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::time::Instant;

pub use self::core::{Action, WriterCore};
pub use self::options::{Checkpoints, Durability, Retry, Thinning, WriterOptions};
#[cfg(feature = "tokio")]
pub use self::tokio::{AsyncSyncData, AsyncWriter};

/// Writes a capture to any sink, front to back, without going back.
///
/// Each frame reaches the sink in one write. After an error the writer can be used on: the count of bytes is what the
/// sink took, the half frame is found by readers, and the gap in the numbers of the frames proves the loss.
pub struct Writer<W: Write> {
    core: WriterCore,
    sink: W,
    sync: Option<Sync<W>>,
    elsewhere: Option<Elsewhere<W>>,
    started: Instant,
}

type Sync<W> = fn(&mut W) -> io::Result<()>;
type Elsewhere<W> = Box<dyn FnMut(&io::Error) -> Option<W> + Send>;

/// A sink that can bring what it took to the device.
pub trait SyncData {
    /// Returns when everything that was written is on the device.
    ///
    /// # Errors
    ///
    /// If that fails.
    fn sync_data(&mut self) -> io::Result<()>;
}

impl SyncData for File {
    fn sync_data(&mut self) -> io::Result<()> {
        Self::sync_data(self)
    }
}

impl<W: Write + SyncData> SyncData for io::BufWriter<W> {
    fn sync_data(&mut self) -> io::Result<()> {
        self.flush()?;
        self.get_mut().sync_data()
    }
}

impl<W: Write> Writer<W> {
    /// Writes the file header. Checkpoints come as they do by default; a failed write is an error.
    ///
    /// # Errors
    ///
    /// If the sink fails.
    pub fn new(sink: W, header: &FileHeader) -> Result<Self, Error> {
        Self::with(sink, header, WriterOptions::default())
    }

    /// Writes the file header, and then as the options say.
    ///
    /// # Errors
    ///
    /// If the sink fails.
    pub fn with(sink: W, header: &FileHeader, options: WriterOptions) -> Result<Self, Error> {
        let mut writer = Self::of(WriterCore::new(header, options), sink);
        writer.run()?;
        Ok(writer)
    }

    fn of(core: WriterCore, sink: W) -> Self {
        Self { core, sink, sync: None, elsewhere: None, started: Instant::now() }
    }

    /// Sets when what was written must be on the device.
    #[must_use]
    pub fn durable(mut self, durability: Durability) -> Self
    where
        W: SyncData,
    {
        self.core.set_durability(durability);
        self.sync = Some(W::sync_data);
        self
    }

    /// Sets where the capture goes on when a write fails and repeating it does not help; `None` if nowhere, which is not
    /// asked again.
    ///
    /// What is in the new sink is a capture that can be read by itself: it begins with the header, the metadata and all
    /// definitions. It has the same file id, and the numbers of its frames say how many came before.
    #[must_use]
    pub fn or_elsewhere(
        mut self,
        elsewhere: impl FnMut(&io::Error) -> Option<W> + Send + 'static,
    ) -> Self {
        self.core.set_movable(true);
        self.elsewhere = Some(Box::new(elsewhere));
        self
    }

    /// Writes what the capture is of. It is written again at checkpoints.
    ///
    /// # Errors
    ///
    /// If the sink fails, or the metadata is longer than [`crate::limits::RECORD_LEN`].
    pub fn metadata(&mut self, metadata: &Metadata) -> Result<(), Error> {
        self.core.metadata(metadata)?;
        self.run()
    }

    /// Writes definitions. This must come before the first event that names them. They are written again at checkpoints;
    /// what the sink did not take is written before the next frame.
    ///
    /// # Errors
    ///
    /// If the sink fails, or a definition is longer than [`crate::limits::RECORD_LEN`].
    pub fn define(&mut self, defs: &Defs) -> Result<(), Error> {
        let added = self.core.define(defs);
        self.run()?;
        added
    }

    /// Writes a chunk.
    ///
    /// # Errors
    ///
    /// If the sink fails: [`Error::Unwritten`] says how many rows are lost by it.
    pub fn append(&mut self, chunk: &Sealed) -> Result<(), Error> {
        self.core.chunk(chunk, self.started.elapsed());
        self.run()
    }

    /// Writes that all chunks so far are whole, and flushes the sink.
    ///
    /// # Errors
    ///
    /// If the sink fails, or the commit is longer than [`crate::limits::RECORD_LEN`], as one of 48,000 rings is.
    /// What it says of rings is said by the next one then, too.
    pub fn commit(&mut self, commit: &Commit) -> Result<(), Error> {
        self.core.commit(commit, self.started.elapsed())?;
        self.run()
    }

    /// Counts rows as lost that the writer is never given, so that the capture says so from the next checkpoint on.
    pub fn count_lost(&mut self, stream: Stream, rows: u64) {
        self.core.count_lost(stream, rows);
    }

    /// Writes a checkpoint now. Those that are due are written without being asked for.
    ///
    /// # Errors
    ///
    /// If the sink fails.
    pub fn checkpoint(&mut self) -> Result<(), Error> {
        self.core.checkpoint(self.started.elapsed());
        self.run()
    }

    /// Closes the capture: writes the last checkpoint, which repeats metadata, definitions and commit, and the footer.
    /// Returns the sink, flushed.
    ///
    /// # Errors
    ///
    /// If the sink fails. The capture lacks its footer then, and is otherwise whole.
    pub fn finish(self) -> Result<W, Error> {
        self.finish_counted().map(|(sink, _)| sink)
    }

    /// As [`Writer::finish`]; returns also the bytes that the sink has taken.
    pub(crate) fn finish_counted(mut self) -> Result<(W, u64), Error> {
        self.core.finish(self.started.elapsed());
        self.run()?;
        Ok((self.sink, self.core.bytes()))
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
    pub fn tallies(&self) -> impl Iterator<Item = &crate::checkpoint::StreamTally> {
        self.core.tallies()
    }

    /// Refers to the sink, for what only its type can do; writing to it would spoil the capture.
    #[must_use]
    pub const fn sink(&self) -> &W {
        &self.sink
    }

    /// Does what the core says, until there is nothing more to do.
    fn run(&mut self) -> Result<(), Error> {
        loop {
            let done = match self.core.action() {
                Action::Write(bytes) => match self.sink.write(bytes) {
                    Ok(taken) => {
                        self.core.taken(taken);
                        continue;
                    }
                    Err(error) => Err(error),
                },
                Action::Flush => self.sink.flush(),
                Action::Sync => self.sync.map_or(Ok(()), |sync| sync(&mut self.sink)),
                Action::Wait(pause) => {
                    std::thread::sleep(pause);
                    Ok(())
                }
                Action::Move(error) => {
                    match self.elsewhere.as_mut().and_then(|elsewhere| elsewhere(error)) {
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

impl<W: Write + fmt::Debug> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("sink", &self.sink)
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}
