//! A capture written anew: in another codec, only some of it, or what is left of a damaged one.

use crate::commit::Commit;
use crate::compression::Compression;
use crate::error::Error;
use crate::header::FileHeader;
use crate::health::Damage;
use crate::metadata::{CUT_STREAMS, CUT_TICKS, Metadata, Origin};
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
    /// What else of the capture could not be read, in all of its parts.
    pub damage: Vec<Damage>,
    /// Bytes of the new capture.
    pub bytes: u64,
}

impl Rewrite {
    /// Reads a capture and writes it anew; returns the sink too.
    ///
    /// Chunk by chunk, in the memory of one of each stream, and those of the threads. Chunks that cannot be read are left
    /// out and counted. `progress` is called after each chunk with the rows read so far and the rows in all; of a capture
    /// that has more frames than are opened at once, those of the parts that were opened.
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
        let mut origin = Origin::of(reader.health());
        let has_more = reader.health().rest.is_some();
        if let Some(metadata) = reader.metadata() {
            // In which state the recording is, its last part says.
            let metadata = if has_more { metadata.clone() } else { metadata.copied(origin) };
            writer.metadata(&self.labelled(metadata))?;
        }
        for &(stream, rows) in reader.unwritten() {
            writer.count_lost(stream, rows);
        }
        let sealer = match NonZeroUsize::new(self.threads) {
            Some(threads) => Sealer::on_threads(self.compression, threads)?,
            None => Sealer::new(self.compression),
        };
        let seal_at = SealAt { rows: self.chunk_rows.max(1), ..SealAt::default() };
        let sealer = sealer.seal_at(seal_at);
        let mut copy = Copy {
            rewrite: self,
            writer,
            sealer,
            done: Rewritten::default(),
            read: 0,
            total: 0,
            progress,
        };
        let mut end = Commit::default();
        reader.each_part(|part| {
            copy.writer.define(part.defs())?;
            origin = origin.and_then(Origin::of(part.health()));
            copy.done.damage.extend(part.damage_beside_chunks().cloned());
            copy.total += part.streams().iter().map(|stream| stream.rows).sum::<u64>();
            let mut copy = CopyPart { copy: &mut copy, part };
            Stream::ALL.iter().try_for_each(|stream| stream.visit(&mut copy))?;
            end = Commit {
                cycle: part.last_commit().map_or(1, |commit| commit.cycle.saturating_add(1)),
                clock: part.clock().last(),
                events: 0,
                lost: part.lost(),
                // Should it replace the old one, with the rings still beside it, nothing in those may count again.
                rings: part.contents.taken_rings().to_vec(),
            };
            Ok(())
        })?;
        let Copy { mut writer, mut sealer, mut done, .. } = copy;
        for frame in sealer.seal_all()? {
            writer.append(&frame)?;
        }
        if let Some(metadata) = reader.metadata().filter(|_| has_more) {
            writer.metadata(&self.labelled(metadata.copied(origin)))?;
        }
        let lost = done.damage.iter().map(Damage::lost_rows).fold(end.lost, u64::saturating_add);
        writer.commit(&Commit { events: done.events, lost, ..end })?;
        let (sink, bytes) = writer.finish_counted()?;
        done.bytes = bytes;
        Ok((done, sink))
    }
}

impl Rewrite {
    /// Metadata that says what was cut away: what is missing in a part must not pass for what never was.
    fn labelled(&self, mut metadata: Metadata) -> Metadata {
        let mut label = |name: &str, value| metadata.labels.push((name.to_owned(), value));
        if Stream::ALL.iter().any(|stream| !self.streams.contains(stream)) {
            let names: Vec<&str> = self.streams.iter().map(|stream| stream.name()).collect();
            label(CUT_STREAMS, names.join(", "));
        }
        if self.ticks != (0..=u64::MAX) {
            label(CUT_TICKS, format!("{} to {}", self.ticks.start(), self.ticks.end()));
        }
        metadata
    }
}

struct Copy<'a, W: Write, P> {
    rewrite: &'a Rewrite,
    writer: Writer<W>,
    sealer: Sealer,
    done: Rewritten,
    read: u64,
    total: u64,
    progress: P,
}

/// The copying of one part of a capture.
struct CopyPart<'a, 'b, W: Write, P> {
    copy: &'a mut Copy<'b, W, P>,
    part: &'a Reader,
}

impl<W: Write, P: FnMut(u64, u64)> StreamVisitor for CopyPart<'_, '_, W, P> {
    type Output = Result<(), Error>;

    fn visit<R: Event>(&mut self) -> Self::Output {
        let Self { copy, part } = self;
        if !copy.rewrite.streams.contains(&R::STREAM) {
            return Ok(());
        }
        for source in part.chunks::<R>() {
            copy.read += u64::from(source.rows);
            let (first, last) = (*copy.rewrite.ticks.start(), *copy.rewrite.ticks.end());
            if source.t_max < first || source.t_min > last {
                continue;
            }
            match part.weighted_rows::<R>(&source) {
                Ok(rows) => {
                    for (row, weight) in rows {
                        let time = R::TIME.map_or(first, |place| row.to_words().as_ref()[place]);
                        if !copy.rewrite.ticks.contains(&time) {
                            continue;
                        }
                        if let Some(frame) = copy.sealer.push(&row, weight)? {
                            copy.writer.append(&frame)?;
                        }
                        copy.done.rows += 1;
                        copy.done.events += u64::from(row.is_event());
                    }
                }
                Err(error @ Error::Io(_)) => return Err(error),
                Err(_) => {
                    let rows = u64::from(source.rows);
                    copy.done.unreadable_rows += rows;
                    copy.writer.count_lost(R::STREAM, rows);
                }
            }
            (copy.progress)(copy.read, copy.total);
        }
        Ok(())
    }
}

/// Writes what can be read of a capture to a new file, reads that again and checks it.
///
/// The new file is complete: it has all rows of all chunks that are whole, those recovered from the rings of a program
/// that died too, the events that are known to be lost as a number, and labels that say what else it lacks.
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
