//! What the writers promise, of the blocking one and of that of tokio alike.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::sample;
use memscope_format::frame::{FrameHeader, FrameType, frame_flags};
use memscope_format::header::FILE_HEADER_LEN;
use memscope_format::rows::{Container, Lifecycle, LifecycleKind, SnapshotReason, Stream};
use memscope_format::writer::{
    AsyncSyncData, AsyncWriter, Checkpoints, Durability, Retry, SyncData, Thinning, WriterOptions,
};
use memscope_format::{
    Chunk, Codec, Commit, Defs, Error, Metadata, Reader, RingCommit, Sealed, StreamTally, Writer,
    validate,
};
use sample::{Rows, frames, open};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite};

/// A sink in memory that does what it is told to at its writes.
#[derive(Clone, Default)]
struct Sink {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    /// Writes so far.
    writes: usize,
    /// How many writes fail, from this one on. Before each it takes a few bytes.
    fail: Option<(usize, usize)>,
    /// Most bytes of a write.
    most: Option<usize>,
    synced: Vec<usize>,
}

impl Sink {
    fn failing(from: usize, times: usize) -> Self {
        let sink = Self::default();
        sink.state.lock().unwrap().fail = Some((from, times));
        sink
    }

    fn bytes(&self) -> Vec<u8> {
        self.state.lock().unwrap().bytes.clone()
    }

    fn take(&self, bytes: &[u8]) -> io::Result<usize> {
        let state = &mut *self.state.lock().unwrap();
        state.writes += 1;
        let mut len = bytes.len().min(state.most.unwrap_or(usize::MAX));
        if let Some((from, times)) = state.fail {
            // First half of what is given, then nothing.
            if state.writes == from && bytes.len() > 1 {
                len = bytes.len() / 2;
            } else if state.writes >= from && state.writes - from < times {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        state.bytes.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn sync(&self) {
        let state = &mut *self.state.lock().unwrap();
        state.synced.push(state.bytes.len());
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SyncData for Sink {
    fn sync_data(&mut self) -> io::Result<()> {
        self.sync();
        Ok(())
    }
}

impl AsyncWrite for Sink {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.take(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncSyncData for Sink {
    async fn sync_data(&mut self) -> io::Result<()> {
        self.sync();
        Ok(())
    }
}

/// How a capture is to be written.
#[derive(Default)]
struct How {
    options: WriterOptions,
    durability: Durability,
    elsewhere: Vec<Sink>,
}

/// Either writer, as the tests use it.
trait AnyWriter: Sized {
    async fn begin(sink: Sink, how: How) -> Result<Self, Error>;
    async fn metadata(&mut self, metadata: &Metadata) -> Result<(), Error>;
    async fn define(&mut self, defs: &Defs) -> Result<(), Error>;
    async fn append(&mut self, chunk: &Sealed) -> Result<(), Error>;
    async fn commit(&mut self, commit: &Commit) -> Result<(), Error>;
    async fn finish(self) -> Result<Sink, Error>;
    fn tallies(&self) -> BTreeMap<u16, StreamTally>;
}

macro_rules! any_writer {
    ($writer:ty, $($await:tt)*) => {
        impl AnyWriter for $writer {
            async fn begin(sink: Sink, how: How) -> Result<Self, Error> {
                let How { options, durability, mut elsewhere } = how;
                let header = sample::file_header(Codec::Zstd);
                let writer = <$writer>::with(sink, &header, options)$($await)*?;
                let writer = writer.durable(durability);
                elsewhere.reverse();
                let mut next = move |_: &io::Error| elsewhere.pop();
                Ok(any_writer!(@elsewhere writer, next, $($await)*))
            }
            async fn metadata(&mut self, metadata: &Metadata) -> Result<(), Error> {
                self.metadata(metadata)$($await)*
            }
            async fn define(&mut self, defs: &Defs) -> Result<(), Error> {
                self.define(defs)$($await)*
            }
            async fn append(&mut self, chunk: &Sealed) -> Result<(), Error> {
                self.append(chunk)$($await)*
            }
            async fn commit(&mut self, commit: &Commit) -> Result<(), Error> {
                self.commit(commit)$($await)*
            }
            async fn finish(self) -> Result<Sink, Error> {
                self.finish()$($await)*
            }
            fn tallies(&self) -> BTreeMap<u16, StreamTally> {
                self.tallies().map(|tally| (tally.frame_type, *tally)).collect()
            }
        }
    };
    (@elsewhere $writer:ident, $next:ident, .await) => {
        $writer.or_elsewhere(move |error| std::future::ready($next(error)))
    };
    (@elsewhere $writer:ident, $next:ident, ) => {
        $writer.or_elsewhere(move |error| $next(error))
    };
}

any_writer!(Writer<Sink>,);
any_writer!(AsyncWriter<Sink>, .await);

/// Runs a test of both writers.
macro_rules! of_both_writers {
    ($($(#[$meta:meta])* async fn $name:ident<$writer:ident>() $body:block)*) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            async fn run<$writer: AnyWriter>() $body
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(run::<Writer<Sink>>());
            runtime.block_on(run::<AsyncWriter<Sink>>());
        }
    )*};
}

/// Rows of LIFECYCLE and of CONTAINER in a chunk.
const ROWS: u64 = 40;

/// Chunks of two streams, and the commit that follows them.
fn cycle(number: u64) -> ([Sealed; 2], Commit) {
    let mut lifecycle = Chunk::new();
    let mut container = Chunk::new();
    for row in 0..ROWS {
        let ts = 1000 * number + row;
        let value = ts * 0x9E37_79B9;
        let kind = LifecycleKind::Born;
        lifecycle
            .push(&Lifecycle { ts, kind, site: 1, type_id: 11, value, origin: 0, thread: 1 })
            .unwrap();
        container
            .push(&Container {
                ts,
                value,
                site: 1,
                type_id: 11,
                field: 0,
                kind: memscope_format::defs::ContainerKind::Vec,
                reason: SnapshotReason::Asked,
                len: Some(row),
                capacity: None,
                element_size: 2,
                addr: None,
                strong: None,
                weak: None,
                thread: 1,
            })
            .unwrap();
    }
    let chunks = [lifecycle.seal(Codec::Zstd).unwrap(), container.seal(Codec::Zstd).unwrap()];
    let ring = (number % 3) as u16;
    let commit = Commit {
        cycle: number + 1,
        clock: sample::reading(1000 * number + 1000),
        events: 2 * ROWS * (number + 1),
        lost: 0,
        rings: vec![RingCommit { ring, thread: 1, drained: number + 1, lost: 0 }],
    };
    (chunks, commit)
}

/// Writes some cycles; returns the errors.
async fn write_cycles<W: AnyWriter>(writer: &mut W, cycles: u64) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut note = |result: Result<(), Error>| errors.extend(result.err());
    note(writer.metadata(&sample::metadata()).await);
    note(writer.define(&sample::defs()).await);
    for number in 0..cycles {
        let (chunks, commit) = cycle(number);
        for chunk in &chunks {
            note(writer.append(chunk).await);
        }
        note(writer.commit(&commit).await);
    }
    errors
}

fn often() -> WriterOptions {
    let checkpoints = Checkpoints { bytes: 8 << 10, ..Checkpoints::default() };
    WriterOptions { checkpoints, ..WriterOptions::default() }
}

fn count(bytes: &[u8], frame_type: FrameType) -> usize {
    frames(bytes).iter().filter(|(_, header)| header.frame_type == frame_type).count()
}

/// Opens a capture, and asserts that nothing in it contradicts the format.
fn valid(path: &Path, bytes: &[u8]) -> Reader {
    let reader = open(path, bytes).unwrap();
    assert_eq!(validate(path).unwrap().errors, []);
    reader
}

/// The rows of several files of one capture.
fn rows_of_all<'a>(path: &Path, files: impl IntoIterator<Item = &'a Sink>) -> Rows {
    let mut all = Rows::default();
    for sink in files {
        let rows = Rows::of(&open(path, &sink.bytes()).unwrap());
        assert_eq!(rows.errors, [""; 0]);
        all.lifecycle.extend(rows.lifecycle);
        all.container.extend(rows.container);
    }
    all
}

fn all_rows(path: &Path, cycles: u64) -> Rows {
    let mut writer = Writer::new(Vec::new(), &sample::file_header(Codec::None)).unwrap();
    for chunk in (0..cycles).flat_map(|number| cycle(number).0) {
        writer.append(&chunk).unwrap();
    }
    Rows::of(&open(path, writer.sink()).unwrap())
}

#[tokio::test(flavor = "current_thread")]
async fn both_writers_write_the_same_bytes() {
    let mut files = Vec::new();
    async fn bytes<W: AnyWriter>(most: Option<usize>) -> Vec<u8> {
        let sink = Sink::default();
        sink.state.lock().unwrap().most = most;
        let mut writer = W::begin(sink, How { options: often(), ..How::default() }).await.unwrap();
        assert!(write_cycles(&mut writer, 60).await.is_empty());
        writer.finish().await.unwrap().bytes()
    }
    for most in [None, Some(1000), Some(7)] {
        files.push(bytes::<Writer<Sink>>(most).await);
        files.push(bytes::<AsyncWriter<Sink>>(most).await);
    }
    assert!(files.iter().all(|file| *file == files[0]));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let reader = valid(&path, &files[0]);
    assert!(reader.health().is_whole(), "{:?}", reader.health());
    assert_eq!((reader.defs(), reader.metadata()), (&sample::defs(), Some(&sample::metadata())));
    assert!(Rows::of(&reader) == all_rows(&path, 60));
}

of_both_writers! {
    /// With a footer, without one, and cut anywhere behind a checkpoint.
    async fn checkpoints_carry_the_index<W>() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.memscope");
        let checkpoints = Checkpoints { bytes: 2 << 10, ..Checkpoints::default() };
        let options = WriterOptions { checkpoints, ..WriterOptions::default() };
        let how = How { options, ..How::default() };
        let mut writer = W::begin(Sink::default(), how).await.unwrap();
        assert!(write_cycles(&mut writer, 100).await.is_empty());
        let bytes = writer.finish().await.unwrap().bytes();
        let all = Rows::of(&valid(&path, &bytes));
        let frames = frames(&bytes);
        let checkpoints: Vec<_> =
            frames.iter().filter(|(_, header)| header.frame_type == FrameType::CHECKPOINT).collect();
        assert!(checkpoints.len() > 20, "{}", checkpoints.len());
        let distance = checkpoints.windows(2).map(|two| two[1].0 - two[0].0).max().unwrap();
        assert!(distance < 3 * (2 << 10), "{distance}");
        for (offset, _) in checkpoints {
            // Damage in the header of a chunk before it, which is found through the checkpoint alone.
            let (at, header) = frames
                .iter()
                .rev()
                .find(|(at, header)| at < offset && header.frame_type == Stream::Lifecycle.frame_type())
                .unwrap();
            let mut cut = bytes[..offset + header_len(&bytes, *offset)].to_vec();
            cut[at + 20] ^= 1;
            let reader = open(&path, &cut).unwrap();
            let whole = frames.iter().take_while(|(at, _)| at < offset);
            let rows: u64 = whole.map(|(_, header)| event_rows(header)).sum();
            let read = Rows::of(&reader);
            assert_eq!(read.len() as u64, rows - event_rows(header));
            assert!(read.are_part_of(&all));
            assert_eq!(reader.defs(), &sample::defs());
        }
    }

    /// Definitions, with metadata and the commit, take a small part of the file, however often there is a checkpoint.
    async fn what_names_things_is_repeated_but_not_too_often<W>() {
        let checkpoints = Checkpoints { bytes: 1, time: Duration::MAX };
        let options = WriterOptions { checkpoints, ..WriterOptions::default() };
        let mut writer = W::begin(Sink::default(), How { options, ..How::default() }).await.unwrap();
        assert!(write_cycles(&mut writer, 300).await.is_empty());
        let bytes = writer.finish().await.unwrap().bytes();
        assert!(count(&bytes, FrameType::CHECKPOINT) > 290);
        let frames = frames(&bytes);
        let repeated = frames.iter().filter(|(_, header)| header.flags & frame_flags::REPEAT != 0);
        let sites = repeated.clone().filter(|(_, header)| header.frame_type == FrameType::SITES);
        assert!((10..200).contains(&sites.count()));
        let len: u64 = repeated.map(|(_, header)| header.frame_len()).sum();
        assert!(len < bytes.len() as u64 / 2, "{len} of {}", bytes.len());
    }

    async fn a_repeated_commit_lists_all_rings<W>() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.memscope");
        let mut writer = W::begin(Sink::default(), How::default()).await.unwrap();
        assert!(write_cycles(&mut writer, 5).await.is_empty());
        let reader = valid(&path, &writer.finish().await.unwrap().bytes());
        let drained: Vec<_> =
            reader.last_commit().unwrap().rings.iter().map(|r| (r.ring, r.drained)).collect();
        assert_eq!(drained, [(0, 4), (1, 5), (2, 3)]);
    }

    /// Nothing is done about it: what fails is lost, counted, and the rest is in the file.
    async fn of_a_sink_that_fails_at_any_write_the_loss_is_known<W>() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.memscope");
        let all = all_rows(&path, 4);
        for times in [1, 3] {
            for from in 1.. {
                let sink = Sink::failing(from, times);
                let begun = W::begin(sink.clone(), How { options: often(), ..How::default() }).await;
                let mut writer = match begun {
                    Ok(writer) => writer,
                    Err(error) => {
                        assert!(from <= 2 && matches!(error, Error::Io(_)), "{from} {error}");
                        continue;
                    }
                };
                let errors = write_cycles(&mut writer, 4).await;
                let lost: u64 = errors
                    .iter()
                    .map(|error| match error {
                        Error::Unwritten { rows, .. } => *rows,
                        Error::Io(_) => 0,
                        error => panic!("{error}"),
                    })
                    .sum();
                let tallied: u64 = writer.tallies().values().map(|tally| tally.lost).sum();
                let missed = sink.state.lock().unwrap().writes < from;
                let finished = writer.finish().await;
                let reader = open(&path, &sink.bytes()).unwrap();
                let rows = Rows::of(&reader);
                let context = || format!("{times} from {from}: {errors:?} {:?}", reader.health());
                assert_eq!(rows.errors, [""; 0], "{}", context());
                assert!(rows.are_part_of(&all), "{}", context());
                assert_eq!((all.len() - rows.len()) as u64, lost, "{}", context());
                assert_eq!(tallied, lost, "{}", context());
                assert_eq!(reader.defs(), &sample::defs(), "{}", context());
                if finished.is_ok() {
                    assert!(reader.health().complete, "{}", context());
                    assert_eq!(reader.metadata(), Some(&sample::metadata()), "{}", context());
                    let unwritten: u64 = reader.unwritten().iter().map(|(_, rows)| rows).sum();
                    assert_eq!(unwritten, lost, "{}", context());
                    assert!(lost == 0 || !reader.health().is_whole(), "{}", context());
                    let rings = &reader.last_commit().unwrap().rings;
                    let drained: Vec<_> = rings.iter().map(|ring| ring.drained).collect();
                    assert_eq!(drained, [4, 2, 3], "{}", context());
                }
                if missed && finished.is_ok() {
                    break;
                }
            }
        }
    }

    /// A failure that passes costs nothing.
    async fn a_write_is_repeated_until_the_sink_takes_it<W>() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.memscope");
        let pause = Duration::from_millis(1);
        let retry = Retry { tries: 4, first_pause: Duration::ZERO, longest_pause: pause };
        let expected = {
            let mut writer = W::begin(Sink::default(), How::default()).await.unwrap();
            write_cycles(&mut writer, 3).await;
            writer.finish().await.unwrap().bytes()
        };
        for from in 1.. {
            let sink = Sink::failing(from, 5);
            let options = WriterOptions { retry, ..WriterOptions::default() };
            let mut writer = W::begin(sink.clone(), How { options, ..How::default() }).await.unwrap();
            assert!(write_cycles(&mut writer, 3).await.is_empty(), "{from}");
            writer.finish().await.unwrap();
            assert!(sink.bytes() == expected, "{from}");
            if sink.state.lock().unwrap().writes < from {
                break;
            }
        }
        // One more than is tried.
        let options = WriterOptions { retry, ..WriterOptions::default() };
        let sink = Sink::failing(8, 6);
        let mut writer = W::begin(sink.clone(), How { options, ..How::default() }).await.unwrap();
        assert_eq!(write_cycles(&mut writer, 3).await.len(), 1);
        writer.finish().await.unwrap();
        valid_but_for_the_half_frame(&open(&path, &sink.bytes()).unwrap());
    }

    /// The files together have everything, and each can be read by itself.
    async fn a_capture_goes_on_in_another_sink<W>() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.memscope");
        let all = all_rows(&path, 6);
        // The sink that the writer is made with must take the file header.
        for from in 3..50 {
            let first = Sink::failing(from, usize::MAX);
            // The second one fails too, and then there is a third.
            let [second, third] = [Sink::failing(14, usize::MAX), Sink::default()];
            let elsewhere = vec![second.clone(), third.clone()];
            let how = How { options: often(), elsewhere, ..How::default() };
            let mut writer = W::begin(first.clone(), how).await.unwrap();
            let errors = write_cycles(&mut writer, 6).await;
            assert!(errors.is_empty(), "{from}: {errors:?}");
            let last = writer.finish().await.unwrap();
            let files: Vec<_> = [first, second, third]
                .into_iter()
                .filter(|sink| sink.bytes().len() > FILE_HEADER_LEN)
                .collect();
            let rows = rows_of_all(&path, &files);
            assert_eq!((rows.lifecycle.len(), rows.container.len()), (240, 240), "{from}");
            assert!(rows == all, "{from}");
            let reader = open(&path, &last.bytes()).unwrap();
            assert!(reader.health().complete);
            assert_eq!(reader.defs(), &sample::defs());
            assert_eq!(reader.metadata(), Some(&sample::metadata()));
            assert_eq!(reader.header().file_id, sample::FILE_ID);
            // What is in the others makes this one not whole.
            let is_all = Rows::of(&reader).len() == all.len();
            assert!(is_all || !reader.health().is_whole(), "{from}: {:?}", reader.health());
        }
    }

    /// When all is refused, the chunks that matter are given to the sink, the others are not.
    async fn what_matters_less_is_left_out_first<W>() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.memscope");
        let all = all_rows(&path, 6);
        let mut thinned = 0;
        for from in 3..40 {
            let thinning = Some(Thinning { keep: vec![Stream::Lifecycle] });
            let checkpoints = Checkpoints { bytes: u64::MAX, time: Duration::MAX };
            let options = WriterOptions { checkpoints, thinning, ..WriterOptions::default() };
            let sink = Sink::failing(from, 2);
            let how = How { options, ..How::default() };
            let Ok(mut writer) = W::begin(sink.clone(), how).await else { continue };
            let errors = write_cycles(&mut writer, 6).await;
            let tallies = writer.tallies();
            // That may fail as well.
            let finished = writer.finish().await.is_ok();
            let reader = open(&path, &sink.bytes()).unwrap();
            let unwritten = BTreeMap::from_iter(reader.unwritten().iter().copied());
            let rows = Rows::of(&reader);
            let lost = |stream: Stream, found: usize, all: usize| {
                let lost = tallies.get(&(stream as u16)).map_or(0, |tally| tally.lost);
                assert_eq!((all - found) as u64, lost, "{from} {stream:?}");
                assert_eq!(unwritten.get(&stream).copied().unwrap_or(0), if finished { lost } else { 0 });
                lost
            };
            let lifecycle = lost(Stream::Lifecycle, rows.lifecycle.len(), all.lifecycle.len());
            let container = lost(Stream::Container, rows.container.len(), all.container.len());
            assert!(rows.are_part_of(&all));
            // Lost without an error is only what was left out on purpose.
            assert!(lifecycle == 0 || !errors.is_empty());
            thinned += u64::from(container > ROWS && lifecycle == 0);
        }
        assert!(thinned > 3, "{thinned}");
    }

    async fn bytes_are_synced_as_often_as_was_asked_for<W>() {
        for (durability, expected) in [
            (Durability::None, 0..=0),
            (Durability::Checkpoint, 10..=100),
            (Durability::Commit, 150..=1000),
        ] {
            let sink = Sink::default();
            let how = How { options: often(), durability, ..How::default() };
            let mut writer = W::begin(sink.clone(), how).await.unwrap();
            write_cycles(&mut writer, 150).await;
            writer.finish().await.unwrap();
            let synced = sink.state.lock().unwrap().synced.clone();
            assert!(expected.contains(&synced.len()), "{durability:?} {}", synced.len());
            let bytes = sink.bytes();
            if durability != Durability::None {
                assert_eq!(synced.last(), Some(&bytes.len()));
                let ends: Vec<usize> = frames(&bytes)
                    .iter()
                    .filter(|(_, header)| {
                        header.frame_type == FrameType::CHECKPOINT
                            || durability == Durability::Commit
                                && header.frame_type == FrameType::COMMIT
                                && header.flags & frame_flags::REPEAT == 0
                    })
                    .map(|(at, header)| at + header.frame_len() as usize)
                    .collect();
                // The last checkpoint is synced with the footer.
                assert!(ends[..ends.len() - 1].iter().all(|end| synced.contains(end)));
            }
        }
    }
}

fn header_len(bytes: &[u8], offset: usize) -> usize {
    let (header, _) = FrameHeader::from_bytes(bytes[offset..].first_chunk().unwrap()).unwrap();
    header.frame_len() as usize
}

fn event_rows(header: &FrameHeader) -> u64 {
    header.frame_type.stream().map_or(0, |_| u64::from(header.rows))
}

fn valid_but_for_the_half_frame(reader: &Reader) {
    let [damage] = reader.health().damage.as_slice() else { panic!("{:?}", reader.health()) };
    assert_eq!(damage.what, "an incomplete frame");
}

/// Through a pipe that holds a few bytes at a time, and with futures that are dropped half way.
#[tokio::test(flavor = "current_thread")]
async fn a_future_that_is_dropped_loses_nothing() {
    let (near, mut far) = tokio::io::duplex(100);
    let header = sample::file_header(Codec::Zstd);
    let collect = tokio::spawn(async move {
        let mut bytes = Vec::new();
        let mut part = [0; 37];
        loop {
            let read = far.read(&mut part).await.unwrap();
            if read == 0 {
                return bytes;
            }
            bytes.extend_from_slice(&part[..read]);
            tokio::task::yield_now().await;
        }
    });
    let mut writer = AsyncWriter::new(near, &header).await.unwrap();
    writer.metadata(&sample::metadata()).await.unwrap();
    writer.define(&sample::defs()).await.unwrap();
    let mut dropped = 0;
    for number in 0..20 {
        let (chunks, commit) = cycle(number);
        for chunk in &chunks {
            tokio::select! {
                biased;
                result = writer.append(chunk) => result.unwrap(),
                () = tokio::task::yield_now() => dropped += 1,
            }
        }
        writer.commit(&commit).await.unwrap();
    }
    assert!(dropped > 10, "{dropped}");
    drop(writer.finish().await.unwrap());
    let bytes = collect.await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let reader = valid(&path, &bytes);
    assert!(reader.health().is_whole());
    assert!(Rows::of(&reader) == all_rows(&path, 20));
}

#[tokio::test(flavor = "current_thread")]
async fn a_file_of_tokio_is_written_to() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let file = tokio::fs::File::create_new(&path).await.unwrap();
    let header = sample::file_header(Codec::Zstd);
    let mut writer = AsyncWriter::new(file, &header).await.unwrap().durable(Durability::Checkpoint);
    writer.define(&sample::defs()).await.unwrap();
    for chunk in (0..9).flat_map(|number| cycle(number).0) {
        writer.append(&chunk).await.unwrap();
    }
    writer.finish().await.unwrap();
    let reader = Reader::open(&path).unwrap();
    assert!(reader.health().is_whole());
    let found = Rows::of(&reader);
    assert!(found == all_rows(&directory.path().join("y.memscope"), 9));
}
