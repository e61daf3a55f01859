//! Captures of several processes as one.
//!
//! In the new capture ids are unique again: definitions that say the same become one, the others and all values get new
//! ids, and times are of one clock. Each chunk names the process that its rows come from, as frames' `source`: 1 for the
//! first capture given, and so on; the labels of the metadata say which is which.

mod ids;
mod recording;
mod time;

#[cfg(feature = "report")]
pub(crate) use self::recording::numbers;
pub use self::time::Alignment;

use self::ids::Ids;
use self::recording::Recording;
use self::time::Timeline;
use crate::chunk::Sealed;
use crate::commit::Commit;
use crate::compression::Compression;
use crate::error::Error;
use crate::header::FileHeader;
use crate::metadata::Metadata;
use crate::reader::Reader;
use crate::record::{Event, StreamVisitor};
use crate::rows::Stream;
use crate::sealer::Sealer;
use crate::writer::Writer;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::num::NonZeroUsize;

/// How captures are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Merge {
    /// How the new capture is compressed.
    pub compression: Compression,
    /// As [`Rewrite::threads`](crate::Rewrite::threads).
    pub threads: usize,
}

/// What a merged capture has, and lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Recordings that it was made of; several files of one count once.
    pub sources: u32,
    /// How times of different recordings compare.
    pub alignment: Alignment,
    /// Rows written.
    pub rows: u64,
    /// Raw events that they stand for.
    pub events: u64,
    /// Rows of chunks that could not be read, and so are missing.
    pub unreadable_rows: u64,
    /// The places, among the captures that were given, of those of which something cannot be read, or is missing; that a file of a
    /// recording lacks what is in the others is none of that.
    pub damaged: BTreeSet<usize>,
    /// Bytes of the new capture.
    pub bytes: u64,
}

impl Merge {
    /// Writes a capture of all rows of several; returns the sink too.
    ///
    /// Files of one recording (a capture that went on in another directory) are put together as what they were. Its memory
    /// is that of all definitions, of a chunk of each stream, and of those that threads have. `progress` is called after
    /// each chunk with the rows read so far and the rows in all.
    ///
    /// Addresses, of blocks and of code, are greater by a multiple of 2^48 that each recording has for itself. What is put together
    /// of the files of one recording has its metadata; what is merged of several has those of all as labels.
    ///
    /// # Errors
    ///
    /// [`Error::NoData`] if there are no captures, [`Error::Corrupt`] if one is given twice, [`Error::Limit`] if they have
    /// more rings together than a value id can name, or one has more frames than are opened at once, and if one cannot be read for other reasons than damage, or the sink
    /// fails.
    pub fn write<W: Write>(
        &self,
        captures: &[Reader],
        sink: W,
        progress: impl FnMut(u64, u64),
    ) -> Result<(Merged, W), Error> {
        captures.iter().try_for_each(|reader| reader.health().opened_whole())?;
        let recordings = Recording::all(captures)?;
        let firsts: Vec<&Reader> = recordings.iter().map(Recording::first).collect();
        let Some(&first) = firsts.first() else { return Err(Error::NoData) };
        let timeline = Timeline::of(&recordings);
        let created = firsts.iter().map(|reader| reader.header().created_unix_ns).min();
        let header = FileHeader::new(
            merged_id(&firsts),
            created.unwrap_or(first.header().created_unix_ns),
            self.compression.codec,
        );
        let mut writer = Writer::new(sink, &header)?;
        writer.metadata(&metadata(&recordings, &timeline))?;
        let sealer = match NonZeroUsize::new(self.threads) {
            Some(threads) => Sealer::on_threads(self.compression, threads)?,
            None => Sealer::new(self.compression),
        };
        let rows = |reader: &Reader| reader.streams().iter().map(|total| total.rows).sum::<u64>();
        let total = captures.iter().map(rows).sum();
        let mut ids = Ids::default();
        let done = Merged {
            sources: firsts.len() as u32,
            alignment: timeline.alignment,
            rows: 0,
            events: 0,
            unreadable_rows: 0,
            damaged: recordings.iter().flat_map(Recording::damaged).collect(),
            bytes: 0,
        };
        let mut lost = 0;
        let mut copy = Copy {
            writer,
            sealer,
            ids: &mut ids,
            timeline: &timeline,
            source: 0,
            reader: first,
            place: 0,
            done,
            read: 0,
            total,
            progress,
        };
        for (number, recording) in recordings.iter().enumerate() {
            copy.source = number;
            copy.ids.next_recording();
            lost += recording.lost();
            for (stream, rows) in recording.unwritten() {
                copy.writer.count_lost(stream, rows);
            }
            for (&reader, &place) in recording.files.iter().zip(&recording.places) {
                copy.reader = reader;
                copy.place = place;
                copy.writer.define(&copy.ids.define(reader.defs()))?;
                Stream::ALL.iter().try_for_each(|stream| stream.visit(&mut copy))?;
            }
            // A chunk has rows of one source.
            for frame in copy.sealer.seal_all()? {
                copy.put(frame)?;
            }
        }
        let Copy { mut writer, mut done, .. } = copy;
        writer.commit(&Commit {
            cycle: 1,
            clock: timeline.last,
            events: done.events,
            lost,
            rings: Vec::new(),
        })?;
        let (sink, bytes) = writer.finish_counted()?;
        done.bytes = bytes;
        Ok((done, sink))
    }
}

struct Copy<'a, W: Write, P> {
    writer: Writer<W>,
    sealer: Sealer,
    ids: &'a mut Ids,
    timeline: &'a Timeline,
    /// The place of the recording.
    source: usize,
    reader: &'a Reader,
    /// Its place among the captures that were given.
    place: usize,
    done: Merged,
    read: u64,
    total: u64,
    progress: P,
}

impl<W: Write, P: FnMut(u64, u64)> StreamVisitor for Copy<'_, W, P> {
    type Output = Result<(), Error>;

    fn visit<R: Event>(&mut self) -> Self::Output {
        let columns = ids::columns::<R>();
        for chunk in self.reader.chunks::<R>() {
            match self.reader.weighted_rows::<R>(&chunk) {
                Ok(rows) => {
                    for (row, weight) in rows {
                        let mut words = row.to_words();
                        let time = self.timeline.of_recording(self.source);
                        self.ids.translate::<R>(&columns, &time, words.as_mut())?;
                        // Other ids, but such as a row may have.
                        let Ok(row) = R::from_words(&words) else { continue };
                        if let Some(frame) = self.sealer.push(&row, weight)? {
                            self.put(frame)?;
                        }
                        self.done.rows += 1;
                        self.done.events += u64::from(row.is_event());
                    }
                }
                Err(error @ Error::Io(_)) => return Err(error),
                Err(_) => {
                    let rows = u64::from(chunk.rows);
                    self.done.unreadable_rows += rows;
                    self.done.damaged.insert(self.place);
                    self.writer.count_lost(R::STREAM, rows);
                }
            }
            self.read += u64::from(chunk.rows);
            (self.progress)(self.read, self.total);
        }
        Ok(())
    }
}

impl<W: Write, P> Copy<'_, W, P> {
    fn put(&mut self, mut frame: Sealed) -> Result<(), Error> {
        frame.header.source = self.source as u32 + 1;
        self.writer.append(&frame)
    }
}

/// An id that follows from those of the recordings.
fn merged_id(firsts: &[&Reader]) -> [u8; 16] {
    let half = |salt: u64| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        firsts.iter().for_each(|reader| reader.header().file_id.hash(&mut hasher));
        hasher.finish().to_le_bytes()
    };
    let mut id = [0; 16];
    id[..8].copy_from_slice(&half(1));
    id[8..].copy_from_slice(&half(2));
    id
}

/// What the merged capture is of: what all have in common, and as labels what each is.
fn metadata(recordings: &[Recording<'_>], timeline: &Timeline) -> Metadata {
    let nothing = Metadata::default();
    let all: Vec<&Metadata> = recordings
        .iter()
        .map(|recording| recording.first().metadata().unwrap_or(&nothing))
        .collect();
    let common = |part: fn(&Metadata) -> &str| {
        let mut parts: Vec<&str> = all.iter().map(|metadata| part(metadata)).collect();
        parts.dedup();
        parts.join(", ")
    };
    if let ([only], [recording]) = (all.as_slice(), recordings) {
        return Metadata {
            clock: [timeline.first, timeline.first],
            ..only.copied(recording.origin())
        };
    }
    let mut labels = vec![("merged.clock".to_owned(), timeline.alignment.to_string())];
    for (number, (metadata, recording)) in all.iter().zip(recordings).enumerate() {
        let mut label = |what: &str, value: String| {
            labels.push((format!("source.{}.{what}", number + 1), value));
        };
        let id = recording.first().header().file_id;
        label("file_id", id.iter().map(|byte| format!("{byte:02x}")).collect());
        label("program", metadata.program.clone());
        label("pid", metadata.pid.to_string());
        label("exe", metadata.exe.clone());
        for arg in &metadata.args {
            label("arg", arg.clone());
        }
        label("started_unix_ns", metadata.started_unix_ns.to_string());
        label("memscope_version", metadata.memscope_version.clone());
        label("target", metadata.target.clone());
        label("clock_source", metadata.clock_source.clone());
        for (name, value) in &metadata.copied(recording.origin()).labels {
            label(&format!("label.{name}"), value.clone());
        }
    }
    Metadata {
        program: common(|metadata| &metadata.program),
        args: Vec::new(),
        pid: 0,
        exe: common(|metadata| &metadata.exe),
        memscope_version: env!("CARGO_PKG_VERSION").to_owned(),
        target: common(|metadata| &metadata.target),
        started_unix_ns: all.iter().map(|metadata| metadata.started_unix_ns).min().unwrap_or(0),
        clock_source: timeline.clock_source(&common(|metadata| &metadata.clock_source)),
        clock: [timeline.first, timeline.first],
        ring_capacity: all.iter().map(|metadata| metadata.ring_capacity).max().unwrap_or(0),
        labels,
    }
}
