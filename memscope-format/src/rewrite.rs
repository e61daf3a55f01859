//! A capture written anew: in another codec, only some of it, or what is left of a damaged one.

use crate::chunks::ChunkRef;
use crate::commit::Commit;
use crate::compression::Compression;
use crate::error::Error;
use crate::header::FileHeader;
use crate::metadata::Metadata;
use crate::reader::Reader;
use crate::record::{Event, StreamVisitor};
use crate::rows::Stream;
use crate::sealer::{SealAt, Sealer};
use crate::validate::{Validation, validate};
use crate::writer::Writer;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::Path;

/// Which rows are kept, and how they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// How the new capture is compressed.
    pub compression: Compression,
    /// The streams that are kept.
    pub streams: Vec<Stream>,
    /// The times that are kept, in ticks.
    pub ticks: RangeInclusive<u64>,
    /// Rows of a chunk, at most [`crate::chunk::CHUNK_ROWS`].
    pub chunk_rows: usize,
    /// Threads that compress besides the one that reads, each in the memory of three chunks; the new capture has the same
    /// bytes whatever their number.
    pub threads: usize,
}

impl Default for Rewrite {
    /// Keeps everything.
    fn default() -> Self {
        Self {
            compression: Compression::default(),
            streams: Stream::ALL.to_vec(),
            ticks: 0..=u64::MAX,
            chunk_rows: crate::chunk::CHUNK_ROWS,
            threads: 0,
        }
    }
}

/// What a capture that was written anew has, and lacks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rewritten {
    /// Rows written.
    pub rows: u64,
    /// Raw events that they stand for.
    pub events: u64,
    /// Rows of chunks that could not be read, and so are missing.
    pub unreadable_rows: u64,
    /// Bytes of the new capture.
    pub bytes: u64,
}

impl Rewrite {
    /// Reads a capture and writes it anew; returns the sink too.
    ///
    /// Chunk by chunk, in the memory of one of each stream, and those of the threads. Chunks that cannot be read are left
    /// out and counted. `progress` is called after each chunk with the rows read so far and the rows in all.
    ///
    /// # Errors
    ///
    /// If the capture cannot be read for other reasons than damage, or the sink fails.
    pub fn write<W: Write>(
        &self,
        reader: &Reader,
        sink: W,
        progress: impl FnMut(u64, u64),
    ) -> Result<(Rewritten, W), Error> {
        let header = FileHeader {
            codec: self.compression.codec,
            ..FileHeader::new(
                reader.header().file_id,
                reader.header().created_unix_ns,
                self.compression.codec,
            )
        };
        let mut writer = Writer::new(sink, &header)?;
        if let Some(metadata) = reader.metadata() {
            writer.metadata(&self.labelled(metadata))?;
        }
        writer.define(reader.defs())?;
        for &(stream, rows) in reader.unwritten() {
            writer.count_lost(stream, rows);
        }
        let total = reader.streams().iter().map(|stream| stream.rows).sum();
        let sealer = match NonZeroUsize::new(self.threads) {
            Some(threads) => Sealer::on_threads(self.compression, threads)?,
            None => Sealer::new(self.compression),
        };
        let seal_at = SealAt { rows: self.chunk_rows.max(1), ..SealAt::default() };
        let sealer = sealer.seal_at(seal_at);
        let mut copy = Copy {
            rewrite: self,
            reader,
            writer,
            sealer,
            done: Rewritten::default(),
            read: 0,
            total,
            progress,
        };
        Stream::ALL.iter().try_for_each(|stream| stream.visit(&mut copy))?;
        let Copy { mut writer, mut sealer, mut done, .. } = copy;
        for frame in sealer.seal_all()? {
            writer.append(&frame)?;
        }
        writer.commit(&Commit {
            cycle: reader.last_commit().map_or(1, |commit| commit.cycle.saturating_add(1)),
            clock: reader.clock().last(),
            events: done.events,
            lost: reader.lost(),
            // Should it replace the old one, with the rings still beside it, nothing in those may count again.
            rings: reader.contents.taken_rings().to_vec(),
        })?;
        let (sink, bytes) = writer.finish_counted()?;
        done.bytes = bytes;
        Ok((done, sink))
    }
}

impl Rewrite {
    /// Metadata that says what was cut away: what is missing in a part must not pass for what never was.
    fn labelled(&self, metadata: &Metadata) -> Metadata {
        let mut metadata = metadata.clone();
        let mut label = |name: &str, value| metadata.labels.push((name.to_owned(), value));
        if Stream::ALL.iter().any(|stream| !self.streams.contains(stream)) {
            let names: Vec<&str> = self.streams.iter().map(|stream| stream.name()).collect();
            label("cut.streams", names.join(", "));
        }
        if self.ticks != (0..=u64::MAX) {
            label("cut.ticks", format!("{} to {}", self.ticks.start(), self.ticks.end()));
        }
        metadata
    }
}

struct Copy<'a, W: Write, P> {
    rewrite: &'a Rewrite,
    reader: &'a Reader,
    writer: Writer<W>,
    sealer: Sealer,
    done: Rewritten,
    read: u64,
    total: u64,
    progress: P,
}

impl<W: Write, P: FnMut(u64, u64)> StreamVisitor for Copy<'_, W, P> {
    type Output = Result<(), Error>;

    fn visit<R: Event>(&mut self) -> Self::Output {
        if !self.rewrite.streams.contains(&R::STREAM) {
            return Ok(());
        }
        for source in self.reader.chunks::<R>() {
            self.read += u64::from(source.rows);
            let (first, last) = (*self.rewrite.ticks.start(), *self.rewrite.ticks.end());
            if source.t_max < first || source.t_min > last {
                continue;
            }
            match self.rows::<R>(&source) {
                Ok(rows) => {
                    for (row, weight) in rows {
                        let time = R::TIME.map_or(first, |place| row.to_words().as_ref()[place]);
                        if !self.rewrite.ticks.contains(&time) {
                            continue;
                        }
                        if let Some(frame) = self.sealer.push(&row, weight)? {
                            self.writer.append(&frame)?;
                        }
                        self.done.rows += 1;
                        self.done.events += u64::from(row.is_event());
                    }
                }
                Err(error @ Error::Io(_)) => return Err(error),
                Err(_) => {
                    let rows = u64::from(source.rows);
                    self.done.unreadable_rows += rows;
                    self.writer.count_lost(R::STREAM, rows);
                }
            }
            (self.progress)(self.read, self.total);
        }
        Ok(())
    }
}

impl<W: Write, P> Copy<'_, W, P> {
    fn rows<R: Event>(
        &self,
        source: &ChunkRef,
    ) -> Result<impl Iterator<Item = (R, u64)> + use<R, W, P>, Error> {
        let weights = self.reader.weights::<R>(source)?;
        Ok(self.reader.read_chunk::<R>(source)?.into_iter().zip(weights))
    }
}

/// Writes what can be read of a capture to a new file, reads that again and checks it.
///
/// The new file is complete: it has all rows of all chunks that are whole, those recovered from the rings of a program
/// that died too, and the events that are known to be lost as a number.
///
/// # Errors
///
/// If the capture cannot be opened, the file exists or cannot be written, or it is not valid when it is read again.
pub fn recover(
    capture: impl AsRef<Path>,
    to: impl AsRef<Path>,
    progress: impl FnMut(u64, u64),
) -> Result<(Rewritten, Validation), Error> {
    let reader = Reader::open(capture)?;
    let file = BufWriter::new(File::create_new(to.as_ref())?);
    let (done, file) = Rewrite::default().write(&reader, file, progress)?;
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    let validation = validate(to.as_ref())?;
    if let Some(error) = validation.errors.first() {
        return Err(Error::corrupt(error.offset, "a capture as it was written", &error.what));
    }
    Ok((done, validation))
}
