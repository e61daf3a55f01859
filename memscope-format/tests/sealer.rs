//! Rows become chunks that are sealed in time, in the same bytes on any number of threads.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod sample;

use memscope_format::rows::{DropChain, LeftOut, Lifecycle, LifecycleKind, Outcome, Stream, Zst};
use memscope_format::{Codec, Compression, Reader, Rewrite, SealAt, Sealed, Sealer, Writer};
use sample::{Rows, open};
use std::num::NonZeroUsize;
use std::time::Duration;

fn birth(row: u64) -> Lifecycle {
    Lifecycle {
        ts: row * 17 % 1000 + row * 40,
        kind: LifecycleKind::Born,
        site: (row % 7) as u32,
        type_id: 1,
        value: row * row,
        origin: 0,
        thread: (row / 1000 % 3) as u32,
    }
}

fn drop_row(row: u64) -> DropChain {
    DropChain {
        ts: row * 50,
        duration: Some(row % 100),
        value: row,
        site: (row % 7) as u32,
        type_id: 1,
        depth: 0,
        outcome: Outcome::Dropped,
        panicking: false,
        thread: 1,
        left_out: LeftOut::default(),
        stack: None,
    }
}

/// Rows of three streams, weighted and not; more of one than a chunk takes.
fn seal(mut sealer: Sealer, rows: u64) -> Vec<Sealed> {
    let mut sealed = Vec::new();
    for row in 0..rows {
        sealed.extend(sealer.push(&birth(row), 1 + row % 2).unwrap());
        if row % 3 == 0 {
            sealed.extend(sealer.push(&Zst(birth(row)), 1).unwrap());
        }
        if row % 2 == 0 {
            sealed.extend(sealer.push(&drop_row(row), 1).unwrap());
        }
    }
    sealed.extend(sealer.seal_all().unwrap());
    assert!(sealer.seal_all().unwrap().is_empty());
    sealed
}

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

#[test]
fn chunks_are_the_same_bytes_in_the_same_order_on_any_number_of_threads() {
    let seal_at = SealAt { rows: 1000, ..SealAt::default() };
    for compression in [Compression::balanced(), Compression::memory_efficient()] {
        let here = seal(Sealer::new(compression).seal_at(seal_at), 20_000);
        assert_eq!(here.len(), 20 + 7 + 10);
        for count in [1, 2, 5] {
            let sealer = Sealer::on_threads(compression, threads(count)).unwrap();
            assert!(seal(sealer.seal_at(seal_at), 20_000) == here, "{count}");
        }
    }
}

#[test]
fn a_capture_is_written_anew_on_threads_with_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(Vec::new(), &sample::file_header(Codec::None)).unwrap();
    writer.define(&sample::defs()).unwrap();
    for frame in seal(Sealer::new(Codec::None), 10_000) {
        writer.append(&frame).unwrap();
    }
    let path = directory.path().join("x.memscope");
    let reader = open(&path, &writer.finish().unwrap()).unwrap();
    let written = |threads| {
        let rewrite = Rewrite { chunk_rows: 300, threads, ..Rewrite::default() };
        rewrite.write(&reader, Vec::new(), |_, _| {}).unwrap()
    };
    let here = written(0);
    assert!(here == written(1) && here == written(3));
    let again = open(&directory.path().join("y.memscope"), &here.1).unwrap();
    assert!(Rows::of(&again) == Rows::of(&reader));
}

/// The names of this process's threads.
#[cfg(target_os = "linux")]
fn sealing_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|name| name.trim() == "memscope-seal").count()
}

/// In a process of its own, since other tests have such threads too.
#[cfg(target_os = "linux")]
#[test]
fn threads_are_there_only_while_they_were_asked_for() {
    const CHILD: &str = "MEMSCOPE_TEST_SEALER_CHILD";
    let name = "threads_are_there_only_while_they_were_asked_for";
    if std::env::var_os(CHILD).is_none() {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        let status = command.args(["--exact", name]).env(CHILD, "1").output().unwrap().status;
        assert!(status.success());
        return;
    }
    let sealer = Sealer::new(Codec::Zstd);
    assert_eq!(sealing_threads(), 0);
    drop(sealer);
    let mut sealer = Sealer::on_threads(Codec::Zstd, threads(3)).unwrap();
    // A thread has its name once it runs.
    let named = || {
        (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            sealing_threads() == 3
        })
    };
    assert!(named());
    sealer.push(&birth(1), 1).unwrap();
    drop(sealer);
    assert_eq!(sealing_threads(), 0);
}

#[test]
fn a_chunk_is_sealed_when_it_has_enough_rows_or_bytes() {
    // A row of LIFECYCLE has seven columns.
    for seal_at in [
        SealAt { rows: 50, ..SealAt::default() },
        SealAt { bytes: 50 * 7 * 8, ..SealAt::default() },
        SealAt { rows: 50, bytes: 1 << 20, ..SealAt::default() },
    ] {
        let mut sealer = Sealer::new(Codec::Zstd).seal_at(seal_at);
        let sealed: Vec<_> =
            (0..120).filter_map(|row| Some((row, sealer.push(&birth(row), 1).unwrap()?))).collect();
        let found: Vec<_> = sealed.iter().map(|(row, frame)| (*row, frame.rows())).collect();
        assert_eq!(found, [(49, 50), (99, 50)]);
        assert_eq!(sealer.seal_all().unwrap()[0].rows(), 20);
    }
    let mut sealer =
        Sealer::new(Codec::Zstd).seal_at(SealAt { rows: usize::MAX, ..SealAt::default() });
    let first = (0..1 << 20).find_map(|row| sealer.push(&birth(row), 1).unwrap()).unwrap();
    assert_eq!(first.rows() as usize, memscope_format::chunk::CHUNK_ROWS);
}

#[test]
fn a_chunk_is_sealed_when_its_first_row_is_old_enough() {
    let age = Duration::from_secs(2);
    let mut sealer = Sealer::new(Codec::Zstd).seal_at(SealAt { age, ..SealAt::default() });
    let mut at = |seconds: f64, rows: &[u64]| {
        let sealed = sealer.seal_aged(Duration::from_secs_f64(seconds)).unwrap();
        for &row in rows {
            assert!(sealer.push(&birth(row), 1).unwrap().is_none());
        }
        sealed.iter().map(Sealed::rows).collect::<Vec<_>>()
    };
    assert_eq!(at(1.0, &[1]), [0_u32; 0]);
    assert_eq!(at(2.9, &[2]), [0_u32; 0]);
    assert_eq!(at(3.0, &[]), [2]);
    assert_eq!(at(9.0, &[3]), [0_u32; 0]);
    assert_eq!(at(10.9, &[]), [0_u32; 0]);
    assert_eq!(at(11.0, &[]), [1]);
}

/// A capture whose chunks a busy and a quiet stream share is in the order of their ends.
#[test]
fn rows_of_all_streams_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let mut writer = Writer::new(Vec::new(), &sample::file_header(Codec::Zstd)).unwrap();
    let sealer = Sealer::on_threads(Codec::Zstd, threads(2)).unwrap();
    for frame in seal(sealer.seal_at(SealAt { rows: 700, ..SealAt::default() }), 5000) {
        writer.append(&frame).unwrap();
    }
    let reader: Reader = open(&path, &writer.finish().unwrap()).unwrap();
    let rows = Rows::of(&reader);
    assert!(rows.lifecycle == (0..5000).map(birth).collect::<Vec<_>>());
    assert!(rows.zst == (0..5000).step_by(3).map(birth).map(Zst).collect::<Vec<_>>());
    assert!(rows.drop_chain == (0..5000).step_by(2).map(drop_row).collect::<Vec<_>>());
    let chunks = reader.streams();
    let lifecycle = chunks.iter().find(|total| total.stream == Stream::Lifecycle).unwrap();
    assert_eq!(lifecycle.chunks, 8);
    let weights: Vec<u64> = reader
        .chunks::<Lifecycle>()
        .iter()
        .flat_map(|chunk| reader.weights::<Lifecycle>(chunk).unwrap())
        .collect();
    assert!(weights == (0..5000).map(|row| 1 + row % 2).collect::<Vec<_>>());
}
