//! Following a capture that is still being written.

use crate::chunks::{ChunkRef, Place};
use crate::error::Error;
use crate::header::FILE_HEADER_LEN;
use crate::reader::Reader;
use crate::record::Event;
use std::path::{Path, PathBuf};

/// Gives the rows of a capture as they are written: each once.
///
/// Of a capture of more than [`limits::FRAMES`](crate::limits::FRAMES) frames it gives the rows of that many; then
/// [`Reader::unread`] of [`Follow::reader`] says that there is more, [`Follow::has_ended`] stays `false`, and
/// [`Reader::next_part`] reads on once the writer is done.
///
/// ```no_run
/// use memscope_format::{Follow, rows::Lifecycle};
///
/// let mut follow = Follow::new("target/memscope/serve-81234.memscope");
/// while !follow.has_ended() {
///     std::thread::sleep(std::time::Duration::from_millis(200));
///     follow.poll()?;
///     for row in follow.rows::<Lifecycle>() {
///         println!("{:?}", row?);
///     }
/// }
/// # Ok::<(), memscope_format::Error>(())
/// ```
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    reader: Option<Reader>,
    /// Where the frames begin that came with the last poll.
    new: u64,
    /// Whether what was left in the rings was given with an earlier poll.
    spent: bool,
}

impl Follow {
    /// Follows the capture at a path from its beginning; nothing is read yet.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            reader: None,
            new: FILE_HEADER_LEN as u64,
            spent: false,
        }
    }

    /// Looks what has been written since this was called last. While the writer lives, that is what it committed; when
    /// it has died, what it left in its rings comes last.
    ///
    /// Takes as long as opening the capture, which reads on from its newest checkpoint.
    ///
    /// # Errors
    ///
    /// As [`Reader::open`]; what was not given yet comes with the next poll that succeeds.
    pub fn poll(&mut self) -> Result<(), Error> {
        let reader = Reader::open(&self.path)?;
        if let Some(before) = &self.reader {
            self.new = self.new.max(before.contents.counted_end());
            self.spent |= before.health().recovered;
        }
        self.reader = Some(reader);
        Ok(())
    }

    /// The capture as it was at the last poll; `None` before the first.
    #[must_use]
    pub const fn reader(&self) -> Option<&Reader> {
        self.reader.as_ref()
    }

    /// Whether nothing more will come: the capture was closed, or its writer died.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| {
            let health = reader.health();
            !health.live && (health.complete || health.recovered)
        })
    }

    /// The chunks of a stream that came with the last poll.
    pub fn chunks<R: Event>(&self) -> impl Iterator<Item = ChunkRef> {
        let chunks = self.reader.iter().flat_map(Reader::chunks::<R>);
        chunks.filter(|chunk| match chunk.place {
            Place::Frame { offset, .. } | Place::Raw { offset, .. } => offset >= self.new,
            // They are there only when the writer has died.
            Place::Recovered(_) => !self.spent,
        })
    }

    /// Reads the rows of a stream that came with the last poll. A damaged chunk is one error, after which come the rows
    /// of the next.
    pub fn rows<R: Event>(&self) -> impl Iterator<Item = Result<R, Error>> {
        let new = self.chunks::<R>().zip(self.reader.iter().cycle());
        new.flat_map(|(chunk, reader)| {
            let (rows, error) = match reader.read_chunk::<R>(&chunk) {
                Ok(rows) => (rows, None),
                Err(error) => (Vec::new(), Some(Err(error))),
            };
            rows.into_iter().map(Ok).chain(error)
        })
    }
}
