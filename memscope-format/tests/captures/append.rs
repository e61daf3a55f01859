//! A capture is gone on with, whatever it was left as, and nothing that was there is lost.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::sample;
use memscope_format::rows::{Lifecycle, LifecycleKind};
use memscope_format::writer::{AsyncWriter, Checkpoints};
use memscope_format::{
    Chunk, Codec, Commit, Error, Health, Reader, Sealed, Writer, WriterOptions, rings_path,
    validate,
};
use sample::rings::{drained_rings, rings_file};
use sample::{CYCLE_EVENTS, Rows, Sample, open};
use std::fs::File;
use std::io;
use std::path::Path;
use tokio::io::AsyncWrite;

/// The rows that [`append`] adds.
fn births() -> Vec<Lifecycle> {
    let kind = LifecycleKind::Born;
    let birth = |ts| Lifecycle { ts, kind, site: 1, type_id: 11, value: ts, origin: 0, thread: 1 };
    (90_000..90_030).map(birth).collect()
}

fn chunk() -> Sealed {
    let mut chunk = Chunk::new();
    births().iter().for_each(|birth| chunk.push(birth).unwrap());
    chunk.seal(Codec::Zstd).unwrap()
}

fn commit_behind(before: &Commit) -> Commit {
    Commit {
        cycle: before.cycle + 1,
        clock: sample::reading(100_000),
        events: before.events + 30,
        lost: before.lost,
        rings: Vec::new(),
    }
}

/// Goes on with a capture, and closes it; with tokio the same comes of it.
fn append(path: &Path) -> (Health, u64) {
    let before = std::fs::read(path).unwrap();
    let twin = path.with_file_name("twin.memscope");
    std::fs::write(&twin, &before).unwrap();
    let has_rings = rings_path(path).exists();
    if has_rings {
        std::fs::copy(rings_path(path), rings_path(&twin)).unwrap();
    }
    let (mut writer, health) = Writer::append_to(path, WriterOptions::default()).unwrap();
    let commit = writer.last_commit().cloned().unwrap_or_default();
    writer.define(&sample::defs()).unwrap();
    writer.append(&chunk()).unwrap();
    writer.commit(&commit_behind(&commit)).unwrap();
    writer.finish().unwrap();
    let after = std::fs::read(path).unwrap();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        let opened = AsyncWriter::append_to(&twin, WriterOptions::default()).await.unwrap();
        append_async(opened.0, &commit).await;
        assert_eq!(opened.1, health);
        assert!(std::fs::read(&twin).unwrap() == after);
        if !has_rings {
            let stream = io::Cursor::new(before);
            let options = WriterOptions::default();
            let opened = AsyncWriter::append_to_stream(stream, options).await.unwrap();
            assert!(append_async(opened.0, &commit).await.into_inner() == after);
            assert_eq!(opened.1, health);
        }
    });
    assert!(!rings_path(&twin).exists());
    std::fs::remove_file(twin).unwrap();
    (health, commit.events)
}

async fn append_async<W: AsyncWrite + Unpin>(mut writer: AsyncWriter<W>, before: &Commit) -> W {
    assert_eq!(writer.last_commit().cloned().unwrap_or_default(), *before);
    writer.define(&sample::defs()).await.unwrap();
    writer.append(&chunk()).await.unwrap();
    writer.commit(&commit_behind(before)).await.unwrap();
    writer.finish().await.unwrap()
}

fn with_births(mut rows: Rows, times: usize) -> Rows {
    (0..times).for_each(|_| rows.lifecycle.extend(births()));
    rows
}

#[test]
fn a_closed_capture_goes_on_as_if_it_had_not_been_closed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let bytes = Sample::of_three_cycles(Codec::Zstd).finish();
    let before = Rows::of(&open(&path, &bytes).unwrap());
    for times in 1..=70 {
        let (health, events) = append(&path);
        assert!(health.is_whole());
        assert_eq!(events, 3 * 2 * CYCLE_EVENTS + 30 * (times - 1));
        assert!(std::fs::read(&path).unwrap().starts_with(&bytes), "nothing is changed");
    }
    let reader = Reader::open(&path).unwrap();
    assert!(reader.health().is_whole(), "{:?}", reader.health());
    assert_eq!(Rows::of(&reader), with_births(before, 70));
    assert_eq!((reader.defs(), reader.metadata()), (&sample::defs(), Some(&sample::metadata())));
    assert_eq!(reader.events(), 3 * 2 * CYCLE_EVENTS + 70 * 30);
    let validation = validate(&path).unwrap();
    assert_eq!((validation.errors, validation.warnings), (vec![], vec![]));
    let numbers: Vec<u64> = validation.frames.iter().map(|frame| frame.seq).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
}

/// A directory in memory, where there is one: a disk would be waited for at the end of each of a thousand captures.
fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

#[test]
fn a_capture_that_ends_anywhere_goes_on_there() {
    let directory = in_memory();
    let path = directory.path().join("x.memscope");
    let bytes = Sample::of_three_cycles(Codec::Zstd).finish();
    for cut in (64..bytes.len()).rev().step_by(11) {
        let reader = open(&path, &bytes[..cut]).unwrap();
        let (before, damage) = (Rows::of(&reader), reader.health().damage.clone());
        let (health, _) = append(&path);
        assert_eq!(health.damage, damage);
        assert!(!health.complete);
        let reader = Reader::open(&path).unwrap();
        let context = || format!("cut at {cut}: {:?}", reader.health());
        assert_eq!(Rows::of(&reader), with_births(before, 1), "{}", context());
        assert!(reader.health().complete, "{}", context());
        // What was cut off is still known to be.
        assert_eq!(reader.health().damage.len(), damage.len(), "{}", context());
        let known = reader.defs().sites.len() + reader.defs().threads.len();
        assert_eq!(known, 6, "{}", context());
        assert!(std::fs::read(&path).unwrap().starts_with(&bytes[..cut]));
        // By hopping the same is found as by the index; where half a frame happens to end where one begins, it is
        // taken for whole, and that it is not is an error.
        let closed = std::fs::read(&path).unwrap();
        let hopped = Rows::of(&open(&path, &closed[..closed.len() - 200]).unwrap());
        let all = Rows::of(&open(&path, &closed).unwrap());
        assert!(hopped.are_part_of(&all), "cut at {cut}");
        assert!(hopped == all || !hopped.errors.is_empty(), "cut at {cut}");
        if damage.is_empty() {
            assert_eq!(validate(&path).unwrap().errors, [], "{}", context());
        }
    }
}

#[test]
fn damage_in_the_middle_stays_what_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let whole = Sample::of_three_cycles(Codec::Zstd).finish();
    for at in [20, 70, 1000, whole.len() / 2, whole.len() - 200, whole.len() - 30] {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        let before = Rows::of(&open(&path, &bytes).unwrap());
        append(&path);
        let after = Rows::of(&Reader::open(&path).unwrap());
        assert_eq!(after.errors, before.errors);
        assert_eq!(after, with_births(before, 1), "{at}");
    }
}

/// What only the rings had is in the file then, once, also if the rings could not be removed.
#[test]
fn what_a_dead_program_left_in_its_rings_is_brought_in() {
    let mut rings = drained_rings(3);
    rings[0].put_cycle(0, 5000);
    rings[1].put_cycle(1, 5001);
    let rings = rings_file(&rings);
    let committed = Sample::of_three_cycles(Codec::Zstd).killed();
    let uncommitted = {
        let mut sample = Sample::of_three_cycles(Codec::Zstd);
        sample.chunks();
        sample.killed()
    };
    for (bytes, in_place) in [(committed, true), (uncommitted, false)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.memscope");
        std::fs::write(rings_path(&path), &rings).unwrap();
        let before = open(&path, &bytes).unwrap();
        assert!(before.health().recovered_events > 0);
        let (rows, lost) = (Rows::of(&before), before.lost());
        let (health, events) = append(&path);
        assert_eq!(health.recovered_events, 2 * CYCLE_EVENTS);
        assert_eq!(events, 4 * 2 * CYCLE_EVENTS);
        assert!(!rings_path(&path).exists());
        assert_eq!(std::fs::read(&path).unwrap().starts_with(&bytes), in_place);
        for rings_are_back in [false, true] {
            if rings_are_back {
                std::fs::write(rings_path(&path), &rings).unwrap();
            }
            let reader = Reader::open(&path).unwrap();
            let mut found = Rows::of(&reader);
            // Where it was written anew, rows of a stream are in the same order, too.
            found.errors.clear();
            assert_eq!(found, with_births(rows.clone(), 1), "{rings_are_back}");
            assert_eq!(reader.events(), 4 * 2 * CYCLE_EVENTS + 30);
            assert_eq!((reader.lost(), reader.health().recovered_events), (lost, 0));
            assert_eq!(validate(&path).unwrap().errors, []);
        }
        let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }
}

/// A capture that can only be gone on with by writing it anew.
fn to_be_written_anew(path: &Path) -> Vec<u8> {
    let mut sample = Sample::of_three_cycles(Codec::Zstd);
    sample.chunks();
    let mut rings = drained_rings(3);
    rings[0].put_cycle(0, 5000);
    std::fs::write(rings_path(path), rings_file(&rings)).unwrap();
    let bytes = sample.killed();
    std::fs::write(path, &bytes).unwrap();
    bytes
}

#[test]
fn a_file_of_another_where_it_would_be_written_anew_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let bytes = to_be_written_anew(&path);
    let other = directory.path().join("x.memscope-new");
    std::fs::write(&other, "another's").unwrap();
    let Err(Error::Io(error)) = Writer::append_to(&path, WriterOptions::default()) else {
        panic!()
    };
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&other).unwrap(), b"another's");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert!(rings_path(&path).exists());
}

#[cfg(unix)]
#[test]
fn what_is_written_anew_has_the_permissions_of_what_was_there() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    for mode in [0o600, 0o666] {
        let bytes = to_be_written_anew(&path);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        append(&path);
        assert!(!std::fs::read(&path).unwrap().starts_with(&bytes), "it was written anew");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
    }
}

#[test]
fn a_capture_that_is_being_written_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let bytes = Sample::of_three_cycles(Codec::Zstd).killed();
    std::fs::write(&path, &bytes).unwrap();
    std::fs::write(rings_path(&path), rings_file(&drained_rings(3))).unwrap();
    let rings = File::open(rings_path(&path)).unwrap();
    rings.lock().unwrap();
    let error = Writer::append_to(&path, WriterOptions::default()).unwrap_err();
    let Error::Io(error) = error else { panic!("{error}") };
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    let opened = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(AsyncWriter::append_to(&path, WriterOptions::default()));
    let Err(Error::Io(error)) = opened else { panic!("{:?}", opened.err()) };
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    drop(rings);
    append(&path);
    assert!(matches!(
        Writer::append_to(directory.path().join("y"), WriterOptions::default()),
        Err(Error::Io(_))
    ));
}

/// Without a footer in between, by the newest checkpoint and what came behind it.
#[test]
fn the_index_goes_on_behind_the_newest_checkpoint() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let checkpoints = Checkpoints { bytes: 500, ..Checkpoints::default() };
    let options = WriterOptions { checkpoints, ..WriterOptions::default() };
    std::fs::write(&path, Sample::of_three_cycles(Codec::Zstd).killed()).unwrap();
    for _ in 0..20 {
        let (mut writer, _) = Writer::append_to(&path, options.clone()).unwrap();
        for _ in 0..4 {
            writer.append(&chunk()).unwrap();
            let before = writer.last_commit().unwrap().clone();
            let (cycle, events) = (before.cycle + 1, before.events + 30);
            writer.commit(&Commit { cycle, events, rings: Vec::new(), ..before }).unwrap();
        }
    }
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.health().damage, []);
    assert_eq!(Rows::of(&reader).lifecycle.len(), 30 + 80 * 30);
    assert_eq!(reader.defs(), &sample::defs());
    assert_eq!(validate(&path).unwrap().errors, []);
    append(&path);
    assert!(Reader::open(&path).unwrap().health().is_whole());
    assert_eq!(validate(&path).unwrap().errors, []);
}
