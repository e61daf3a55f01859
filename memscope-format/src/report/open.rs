//! From files to a report.

use super::Report;
use super::captures::{CaptureFigures, DamageFigures, OtherFile, Unreadable};
use super::copied;
use super::figure::{Figure, NO_CLOCK};
use super::fold::{Fold, Folded};
use super::heap::HeapFigures;
use super::readings::Readings;
use super::sweep::{Rank, Row, Span, sweep};
use super::totals::{Times, Totals};
use crate::chunks::ChunkRef;
use crate::error::Error;
use crate::health::Damage;
use crate::merge::numbers;
use crate::metadata::{FIRST_POSITION, Metadata};
use crate::reader::Reader;
use crate::record::Event;
use crate::rows::{Call, Container, Content, DropChain, Heap, Lifecycle, Stream, Task, Zst};
use crate::second_file::{FIRST_FILE, SECOND_FILE};
use std::path::{Path, PathBuf};

/// What a report keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How many of the slowest drops are listed.
    pub slowest_drops: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { slowest_drops: 20 }
    }
}

impl Options {
    /// Keeps so many of the slowest drops.
    #[must_use]
    pub const fn slowest_drops(mut self, count: usize) -> Self {
        self.slowest_drops = count;
        self
    }
}

/// How far reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of captures that were read.
    pub bytes: u64,
    /// Bytes of all captures.
    pub bytes_in_all: u64,
}

impl Report {
    /// Computes the report of one capture, or of several together.
    ///
    /// What cannot be read of a capture is skipped and told in [`CaptureFigures::damage`]; a capture that cannot be
    /// opened, if there are others, in [`Report::unreadable`].
    ///
    /// # Errors
    ///
    /// If no capture could be opened, that of the first; and if a capture that was opened cannot be read for another
    /// reason than damage.
    pub fn open(paths: &[PathBuf]) -> Result<Self, Error> {
        Self::open_with(paths, &Options::default(), |_| {})
    }

    /// As [`Report::open`], with a say in what is kept, and telling `progress` how far it has come.
    ///
    /// # Errors
    ///
    /// As [`Report::open`].
    pub fn open_with(
        paths: &[PathBuf],
        options: &Options,
        mut progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        let sizes: Vec<u64> =
            paths.iter().map(|path| path.metadata().map_or(0, |file| file.len())).collect();
        let bytes_in_all = sizes.iter().sum();
        let mut bytes = 0;
        let mut totals = Totals::default();
        let mut captures = Vec::new();
        let mut known: Vec<Known> = Vec::new();
        let mut copies = Vec::new();
        let mut unreadable = Vec::new();
        let mut first_error = None;
        for (path, size) in paths.iter().zip(sizes) {
            match Reader::open(path) {
                Ok(reader) => {
                    let tell = |share: f64| {
                        let read = (size as f64 * share) as u64;
                        progress(Progress { bytes: bytes + read, bytes_in_all });
                    };
                    let own = Known::of(path, &reader)?;
                    if let Some(same) = known.iter().find(|known| known.has_events_of(&own)) {
                        copies.push((own.path, same.path.clone()));
                        bytes += size;
                        continue;
                    }
                    let (capture, folded) =
                        fold_capture(path, &reader, options, all_frees(&reader, &own.heap), tell)?;
                    known.push(own);
                    let clock = reader.clock();
                    let times = Times {
                        duration: &|ticks| clock.duration_ns(ticks),
                        since_start: &|ticks| u64::try_from(clock.ns(ticks)).unwrap_or(0),
                    };
                    totals.absorb(captures.len(), reader.defs(), folded, times, capture.grounds());
                    captures.push(capture);
                }
                Err(error) => {
                    unreadable.push(Unreadable { path: path.clone(), what: error.to_string() });
                    first_error.get_or_insert(error);
                }
            }
            bytes += size;
            progress(Progress { bytes, bytes_in_all });
        }
        match (first_error, captures.is_empty()) {
            (Some(error), true) => Err(error),
            _ => {
                let tables = totals.into_tables(options.slowest_drops);
                let heap = heap_of_all(known).unwrap_or_default();
                let mut report = Self::assemble(captures, unreadable, heap, tables);
                report.caveats.extend(copies.iter().map(|(copy, of)| {
                    let (copy, of) = (copy.display(), of.display());
                    format!("not read: {copy}: it is a copy of what is in {of}")
                }));
                Ok(report)
            }
        }
    }
}

/// A capture that is in the report.
struct Known {
    path: PathBuf,
    file_id: [u8; 16],
    /// The numbers of its first and last frame of rows.
    frames: Option<(u64, u64)>,
    /// The process, if it is of one.
    process: Option<(String, u32)>,
    first_position: u64,
    heap: HeapFigures,
}

impl Known {
    fn of(path: &Path, reader: &Reader) -> Result<Self, Error> {
        Ok(Self {
            path: path.to_owned(),
            file_id: reader.header().file_id,
            frames: numbers(reader),
            process: reader
                .metadata()
                .and_then(|metadata| Some((metadata.exe.clone(), metadata.process()?))),
            first_position: number(reader, FIRST_POSITION),
            heap: HeapFigures::of(reader)?,
        })
    }

    /// Whether another file has the same events: those of a recording that goes on in a second file are others.
    fn has_events_of(&self, other: &Self) -> bool {
        self.file_id == other.file_id
            && match (self.frames, other.frames) {
                (Some((first, last)), Some((others_first, others_last))) => {
                    first <= others_last && others_first <= last
                }
                _ => false,
            }
    }

    /// Whether another is of a later session of the same process. A process that got the number of another begins anew.
    fn is_before(&self, other: &Self) -> bool {
        self.process.is_some()
            && self.process == other.process
            && self.file_id != other.file_id
            && self.first_position < other.first_position
    }
}

/// What the heap held: readings are of a whole process so far, so that of several sessions the last has all.
fn heap_of_all(mut known: Vec<Known>) -> Option<HeapFigures> {
    known.sort_by_key(|known| known.first_position);
    let is_last = |place: usize| !known[place..].iter().any(|later| known[place].is_before(later));
    let last: Vec<bool> = (0..known.len()).map(is_last).collect();
    let heaps = known.into_iter().zip(last).filter(|(_, is_last)| *is_last);
    heaps.map(|(known, _)| known.heap).reduce(HeapFigures::and)
}

/// The number that a label says of a single recording; 0 if there is none, as in merged ones, which have ids of their own.
fn number(reader: &Reader, label: &str) -> u64 {
    let mut labels = reader.metadata().into_iter().flat_map(|metadata| &metadata.labels);
    let said = labels.find(|(key, _)| key == label);
    said.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
}

/// Whether there is a row of each block that a thread freed while it dropped a value of which there is a row, as far as is known
/// before rows are read: each block was to be recorded, and nothing is missing. What is untold beside was freed before the
/// recording or behind it, or on threads that have no rows at all, unless it is counted as lost.
fn all_frees(reader: &Reader, heap: &HeapFigures) -> bool {
    let each_block = heap.untold.as_ref().is_some_and(|of| of.allocations.value().is_some());
    each_block && reader.health().is_whole() && !copied::lacks_rows(reader)
}

/// Adds up the rows of one capture; `all_frees` is whether there is a row of each block that was freed.
fn fold_capture(
    path: &Path,
    reader: &Reader,
    options: &Options,
    all_frees: bool,
    mut progress: impl FnMut(f64),
) -> Result<(CaptureFigures, Folded), Error> {
    let (capture, folded) = fold_rows(path, reader, options, all_frees, &mut progress)?;
    if all_frees && !capture.damage.is_empty() {
        // Frees may be among the rows that could not be read.
        return fold_rows(path, reader, options, false, &mut progress);
    }
    Ok((capture, folded))
}

fn fold_rows(
    path: &Path,
    reader: &Reader,
    options: &Options,
    all_frees: bool,
    progress: &mut impl FnMut(f64),
) -> Result<(CaptureFigures, Folded), Error> {
    let clock = *reader.clock();
    let ns = |ticks| clock.duration_ns(ticks);
    let first_position = number(reader, FIRST_POSITION);
    let mut fold = Fold::new(reader.defs(), options.slowest_drops, all_frees, &ns)
        .beginning_at(first_position);
    let chunks = spans(reader);
    let rows_in_all: u64 = chunks.iter().map(|span| u64::from(span.chunk.rows)).sum();
    let mut rows_read = 0;
    let mut damage = Vec::new();
    let mut failure = None;
    let load = |(rank, chunk): &(Rank, ChunkRef)| {
        progress(rows_read as f64 / rows_in_all.max(1) as f64);
        rows_read += u64::from(chunk.rows);
        load(reader, *rank, chunk).unwrap_or_else(|error| {
            match error {
                Error::Io(_) => failure = Some(error),
                error => damage.push(chunk_damage(chunk, &error)),
            }
            Vec::new()
        })
    };
    let chunks = chunks.into_iter().map(|Span { rank, t_min, chunk }| Span {
        rank,
        t_min,
        chunk: (rank, chunk),
    });
    sweep(chunks.collect(), load, |(row, weight)| fold.add(row, weight));
    if let Some(error) = failure {
        return Err(error);
    }
    let folded = fold.finish();
    let capture = capture_figures(path, reader, damage, &folded, Readings::of(reader)?);
    Ok((capture, folded))
}

/// Lists the chunks of all streams.
fn spans(reader: &Reader) -> Vec<Span<ChunkRef>> {
    fn of<R: Event>(reader: &Reader, rank: Rank) -> impl Iterator<Item = Span<ChunkRef>> {
        reader.chunks::<R>().into_iter().map(move |chunk| Span { rank, t_min: chunk.t_min, chunk })
    }
    of::<Lifecycle>(reader, Rank::Lifecycle)
        .chain(of::<Zst>(reader, Rank::Zst))
        .chain(of::<Container>(reader, Rank::Container))
        .chain(of::<Content>(reader, Rank::Content))
        .chain(of::<DropChain>(reader, Rank::DropChain))
        .chain(of::<Call>(reader, Rank::Call))
        .chain(of::<Task>(reader, Rank::Task))
        .chain(of::<Heap>(reader, Rank::Heap))
        .collect()
}

fn load(reader: &Reader, rank: Rank, chunk: &ChunkRef) -> Result<Vec<(Row, u64)>, Error> {
    fn rows<R: Event>(
        reader: &Reader,
        chunk: &ChunkRef,
        row: impl Fn(R) -> Row,
    ) -> Result<Vec<(Row, u64)>, Error> {
        let rows = reader.read_chunk::<R>(chunk)?;
        // What events of a ring stand for follows from definitions alone, but for those of the heap, and to read them again
        // costs as much as the first time.
        let is_raw = matches!(chunk.place, crate::chunks::Place::Raw { .. });
        let is_one = is_raw && R::STREAM != Stream::Heap && reader.defs().rates.is_empty();
        let weights = match is_one {
            true => vec![1; rows.len()],
            false => reader.weights::<R>(chunk)?,
        };
        Ok(rows.into_iter().map(row).zip(weights).collect())
    }
    match rank {
        Rank::Lifecycle => rows(reader, chunk, Row::Lifecycle),
        Rank::Zst => rows(reader, chunk, Row::Zst),
        Rank::Container => rows(reader, chunk, Row::Container),
        Rank::Content => rows(reader, chunk, |row: Content| Row::Content(row.into())),
        Rank::DropChain => rows(reader, chunk, Row::DropChain),
        Rank::Call => rows(reader, chunk, Row::Call),
        Rank::Task => rows(reader, chunk, Row::Task),
        Rank::Heap => rows(reader, chunk, Row::Heap),
    }
}

fn chunk_damage(chunk: &ChunkRef, error: &Error) -> DamageFigures {
    let offset = match chunk.place {
        crate::chunks::Place::Frame { offset, .. } | crate::chunks::Place::Raw { offset, .. } => {
            offset
        }
        crate::chunks::Place::Recovered(_) => 0,
    };
    DamageFigures {
        offset,
        bytes: chunk.bytes,
        rows: Some(u64::from(chunk.rows)),
        what: error.to_string(),
    }
}

fn capture_figures(
    path: &Path,
    reader: &Reader,
    in_chunks: Vec<DamageFigures>,
    folded: &Folded,
    readings: Readings,
) -> CaptureFigures {
    let health = reader.health();
    let metadata = reader.metadata();
    let clock = reader.clock();
    let mut damage: Vec<DamageFigures> = health
        .damage
        .iter()
        .map(|damage| DamageFigures {
            offset: damage.offset,
            bytes: damage.bytes,
            rows: damage.rows,
            what: damage.what.clone(),
        })
        .collect();
    // Some of the chunks were already found to be damaged when the capture was opened.
    let unread = reader.unread().map(|Damage { offset, bytes, rows, what, .. }| DamageFigures {
        offset,
        bytes,
        rows,
        what,
    });
    for found in in_chunks.into_iter().chain(unread) {
        if damage.iter().all(|known| known.offset != found.offset) {
            damage.push(found);
        }
    }
    let cut_off = copied::cut_off(reader);
    CaptureFigures {
        path: path.to_owned(),
        program: metadata.map(|metadata| metadata.program.clone()),
        args: metadata.map(|metadata| metadata.args.clone()).unwrap_or_default(),
        pid: metadata.and_then(Metadata::process),
        recordings: metadata.map_or(1, Metadata::recordings),
        started_unix_ns: metadata.map(|metadata| metadata.started_unix_ns),
        duration_ns: if clock.is_calibrated() {
            Figure::Exact(clock.last().mono_ns - clock.first().mono_ns)
        } else {
            Figure::unknown(NO_CLOCK)
        },
        events: reader.events(),
        // A row is an event at most.
        lost: reader.lost().saturating_add(health.unwritten_rows),
        bytes: reader.bytes(),
        recovered: health.recovered_events,
        complete: health.complete && cut_off == 0,
        cut_off: cut_off.max(u64::from(!health.complete && !health.live)),
        stopped: copied::was_stopped(reader),
        is_part: copied::is_part(reader),
        is_of_damaged: copied::is_of_damaged(reader),
        other_file: other_file(path, reader),
        without: metadata.map(Metadata::without).unwrap_or_default(),
        live: health.live,
        rings: health.recovered || copied::has_last_events(reader),
        whole: health.is_whole() && damage.is_empty() && !copied::lacks_rows(reader),
        damage,
        unmatched: folded.unmatched,
        from_before: folded.from_before,
        pauses: readings.pauses,
        paused_ns: clock.duration_ns(readings.paused),
        marks: readings.marks,
        performance: readings.performance,
    }
}

/// Where the rest of a recording is that could not be written any more where it began.
fn other_file(path: &Path, reader: &Reader) -> Option<OtherFile> {
    let health = reader.health();
    let said = |label| copied::says(reader, label).next().map(PathBuf::from);
    if health.damage.iter().any(Damage::is_missing_beginning) {
        return said(FIRST_FILE).filter(|first| !is_same(first, path)).map(OtherFile::First);
    }
    // Its name is this recording's alone. The rings stay beside the first file, whatever becomes of the program.
    said(SECOND_FILE).filter(|second| !health.complete && second.exists()).map(OtherFile::Second)
}

/// Whether two paths lead to one file, or would if it were there.
fn is_same(a: &Path, b: &Path) -> bool {
    a == b || a.canonicalize().ok().zip(b.canonicalize().ok()).is_some_and(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defs::{ContainerDef, ContainerKind};
    use crate::frame::FRAME_HEADER_LEN;
    use crate::report::testing::Scene;
    use crate::rows::{
        HeapKind, HeapUser, LeftOut, LifecycleKind, Metric, Outcome, Performance, SnapshotReason,
    };
    use crate::{Chunk, Codec, Commit, FileHeader, Sealed, Writer};

    fn known(file: u8, pid: u32, first_position: u64, frames: (u64, u64), bytes: u64) -> Known {
        let mut heap = HeapFigures::default();
        heap.program.live_bytes = Figure::Exact(bytes);
        let process = Some(("/bin/program".to_owned(), pid));
        let (file_id, frames) = ([file; 16], Some(frames));
        Known { path: PathBuf::new(), file_id, frames, process, first_position, heap }
    }

    #[test]
    fn the_heap_of_a_process_is_that_of_its_last_session() {
        let bytes = |known: Vec<Known>| heap_of_all(known).unwrap().program.live_bytes;
        let sessions = |pid| {
            [(1, 64, 10), (3, 320, 30), (2, 192, 20)].map(|(file, position, bytes)| {
                known(pid as u8 * 10 + file, pid, position, (0, 9), bytes)
            })
        };
        assert_eq!(bytes(sessions(1).into()), Figure::Exact(30));
        // Two processes; and one that has the number of another, and begins at the first position.
        assert_eq!(bytes(sessions(1).into_iter().chain(sessions(2)).collect()), Figure::Exact(60));
        assert_eq!(
            bytes(vec![known(1, 7, 64, (0, 9), 5), known(2, 7, 64, (0, 9), 6)]),
            Figure::Exact(11)
        );
        // The second file of a recording has readings of its own, which were made later.
        assert!(!known(1, 7, 64, (0, 9), 5).has_events_of(&known(1, 7, 64, (10, 12), 5)));
        assert!(known(1, 7, 64, (0, 9), 5).has_events_of(&known(1, 7, 64, (0, 4), 5)));
        assert!(!known(1, 7, 64, (0, 9), 5).has_events_of(&known(2, 7, 64, (0, 9), 5)));
    }

    fn chunk<R: Event>(rows: &[R]) -> Sealed {
        let mut chunk = Chunk::new();
        rows.iter().for_each(|row| chunk.push(row).unwrap());
        chunk.seal(Codec::None).unwrap()
    }

    /// A vector of strings that was read at its birth alone, and the frees of its drop: a string's with room for two elements, and its
    /// own with room for four, unless that is lost.
    fn with_frees(own_is_lost: bool) -> Vec<u8> {
        let mut scene = Scene::new();
        scene.variable("v", "Vec<String>", 24);
        let container = ContainerDef { kind: ContainerKind::Vec, element_size: 24 };
        scene.defs.types[0].container = Some(container);
        let (site, type_id, value, thread) = (0, 100, 1, 1);
        let birth = Lifecycle {
            ts: 10,
            kind: LifecycleKind::Born,
            site,
            type_id,
            value,
            origin: 0,
            thread,
        };
        let read = Container {
            ts: 10,
            value,
            site,
            type_id,
            field: 0,
            kind: container.kind,
            reason: SnapshotReason::Birth,
            len: Some(0),
            capacity: Some(0),
            element_size: 24,
            addr: None,
            strong: None,
            weak: None,
            thread,
        };
        let free = |ts, addr, size| Heap {
            ts,
            kind: HeapKind::Free,
            block: None,
            addr,
            size,
            old_size: None,
            align: 8,
            site: None,
            stack: None,
            thread,
            old_addr: None,
        };
        let dropped = DropChain {
            ts: 60,
            duration: Some(15),
            value,
            site,
            type_id,
            depth: 0,
            outcome: Outcome::Dropped,
            panicking: false,
            thread,
            left_out: LeftOut::default(),
            stack: None,
        };
        // As in each recording: what was freed before it began is untold.
        let untold = [Metric::Allocations, Metric::Frees].map(|metric| Performance {
            ts: 70,
            metric,
            subject: HeapUser::Untold as u64,
            value: 9,
            thread: None,
        });
        let mut frees = vec![free(50, 0x200, 48), free(51, 0x100, 96)];
        frees.truncate(if own_is_lost { 1 } else { 2 });
        let lost = u64::from(own_is_lost);
        let header = FileHeader::new([7; 16], 0, Codec::None);
        let mut writer = Writer::new(Vec::new(), &header).unwrap();
        writer.define(&scene.defs).unwrap();
        for frame in [
            chunk(&[birth]),
            chunk(&[read]),
            chunk(&[free(40, 0x300, 48)]),
            chunk(&frees[..1]),
            chunk(&[dropped]),
            chunk(&untold),
        ] {
            writer.append(&frame).unwrap();
        }
        if let Some(own) = frees.get(1) {
            writer.append(&chunk(&[*own])).unwrap();
        }
        writer.commit(&Commit { cycle: 1, lost, ..Commit::default() }).unwrap();
        writer.finish().unwrap()
    }

    /// How well the room is known that the vector had when it was dropped, and how much that is.
    fn room_at_drop(bytes: &[u8]) -> Option<(&'static str, Option<u64>)> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.memscope");
        std::fs::write(&path, bytes).unwrap();
        let report = Report::open(&[path]).unwrap();
        let known = report.containers[0].last_known(SnapshotReason::Drop)?;
        Some((known.capacity_bytes.fidelity(), known.capacity_bytes.value().copied()))
    }

    #[test]
    fn which_block_a_drop_freed_last_is_told_where_each_free_is_there_alone() {
        let mut whole = with_frees(false);
        assert_eq!(room_at_drop(&whole), Some(("inferred", Some(96))));
        assert_eq!(room_at_drop(&with_frees(true)), None);
        // Or if it cannot be read, which is found when it is to be.
        let reader = Reader::from_bytes(whole.clone()).unwrap();
        let chunks = reader.chunks::<Heap>();
        let own = chunks.iter().max_by_key(|chunk| chunk.t_min).unwrap();
        let crate::chunks::Place::Frame { offset, .. } = own.place else { panic!("{own:?}") };
        whole[offset as usize + FRAME_HEADER_LEN] ^= 1;
        assert!(Reader::from_bytes(whole.clone()).unwrap().health().is_whole());
        assert_eq!(room_at_drop(&whole), None);
    }
}
