//! Memory does not grow with the length of a capture: measured of child processes.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod sample;

use memscope_format::convert::{Notation, export, import};
use memscope_format::frame::{FrameHeader, FrameType};
use memscope_format::incoming::{Incoming, Item, Items};
use memscope_format::rows::{Lifecycle, LifecycleKind};
use memscope_format::{Chunk, Codec, Compression, Reader, Rewrite, Sealer, Writer, limits};
use std::fs::File;
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::Command;

const CHILD: &str = "MEMSCOPE_TEST_MEMORY_CHILD";
const ROWS: u64 = 2_000_000;

fn birth(row: u64) -> Lifecycle {
    let value = row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    let (site, type_id, thread) = ((row % 4) as u32 + 1, (row % 4) as u32 + 11, 1);
    Lifecycle { ts: row * 30, kind: LifecycleKind::Born, site, type_id, value, origin: 0, thread }
}

/// The most memory that this process had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Runs a test again in a process of its own, in which this returns the directory.
fn in_a_process(test: &str, directory: &Path) -> Option<PathBuf> {
    if let Some(directory) = std::env::var_os(CHILD) {
        return Some(PathBuf::from(directory));
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", test]).env(CHILD, directory).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    None
}

/// Asserts that this process never had more than so many MiB.
fn assert_peak(most: u64) {
    let peak = peak() / 1024;
    assert!(peak < most, "{peak} MiB");
}

/// Writes a capture of all births.
fn write_births(path: &Path) {
    let file = BufWriter::new(File::create(path).unwrap());
    let mut writer = Writer::new(file, &sample::file_header(Codec::Zstd)).unwrap();
    writer.metadata(&sample::metadata()).unwrap();
    writer.define(&sample::defs()).unwrap();
    let mut sealer = Sealer::new(Codec::Zstd);
    for row in 0..ROWS {
        if let Some(frame) = sealer.push(&birth(row), 1).unwrap() {
            writer.append(&frame).unwrap();
        }
    }
    for frame in sealer.seal_all().unwrap() {
        writer.append(&frame).unwrap();
    }
    writer.finish().unwrap();
}

/// Two million rows: as objects in memory they would take 96 MB, as JSON they are 250 MB.
#[test]
fn millions_of_rows_become_json_and_a_capture_again_in_the_memory_of_some_chunks() {
    let name = "millions_of_rows_become_json_and_a_capture_again_in_the_memory_of_some_chunks";
    let parent = tempfile::tempdir().unwrap();
    let Some(directory) = in_a_process(name, parent.path()) else { return };
    let path = directory.join("x.memscope");
    write_births(&path);
    let reader = Reader::open(&path).unwrap();
    let lines = directory.join("x.jsonl");
    let mut told = Vec::new();
    let sink = BufWriter::new(File::create(&lines).unwrap());
    let progress = |rows, all| told.push((rows, all));
    let done = export(&reader, Notation::JsonLines, sink, progress).unwrap();
    assert_eq!((done.rows, done.unreadable_rows), (ROWS, 0));
    assert!(told.len() >= 30 && told.is_sorted(), "progress is told of each chunk");
    assert_eq!(told.last(), Some(&(ROWS, ROWS)));
    assert!(lines.metadata().unwrap().len() > 150 << 20);
    assert_peak(64);

    let source = BufReader::new(File::open(&lines).unwrap());
    let back = directory.join("y.memscope");
    let sink = BufWriter::new(File::create(&back).unwrap());
    let rows = import(source, Notation::JsonLines, sink, Compression::default()).unwrap();
    assert_eq!(rows, ROWS);
    let (done, _) = Rewrite::default().write(&reader, io::sink(), |_, _| {}).unwrap();
    assert_eq!(done.rows, ROWS);
    assert_peak(64);
    let last = Reader::open(&back).unwrap().rows::<Lifecycle>().last().unwrap().unwrap();
    assert_eq!(last, birth(ROWS - 1));
}

/// Frames as long as may be, of which none is whole: 192 MiB of them, and those of a capture of two million rows.
#[test]
fn a_capture_arrives_in_the_memory_of_some_frames() {
    let name = "a_capture_arrives_in_the_memory_of_some_frames";
    let parent = tempfile::tempdir().unwrap();
    let Some(directory) = in_a_process(name, parent.path()) else { return };
    let path = directory.join("x.memscope");
    write_births(&path);
    let mut rows = 0;
    for item in Items::new(File::open(&path).unwrap()) {
        if let Item::Chunk(chunk) = item.unwrap() {
            rows += chunk.rows::<Lifecycle>().unwrap().map(Result::unwrap).count() as u64;
        }
    }
    assert_eq!(rows, ROWS);
    assert_peak(64);

    let header = FrameHeader {
        frame_type: FrameType(1),
        flags: 0,
        codec: 0,
        encoding: 2,
        version: 1,
        seq: 0,
        stored_len: limits::STORED_LEN,
        raw_len: 1000,
        rows: 1,
        source: 0,
        t_min: 0,
        t_max: 0,
        payload_crc: 1,
    };
    let file_header = sample::file_header(Codec::None);
    let payload = vec![7; limits::STORED_LEN as usize];
    let mut incoming = Incoming::new();
    incoming.feed(&file_header.to_bytes());
    let mut damage = 0;
    for seq in 0..12 {
        incoming.feed(&FrameHeader { seq, ..header }.to_bytes(file_header.tag()));
        for part in payload.chunks(1 << 16) {
            incoming.feed(part);
            while let Some(item) = incoming.next_item() {
                damage += u64::from(matches!(item.unwrap(), Item::Damage(_)));
            }
        }
    }
    assert!(damage >= 10, "{damage}");
    assert_peak(140);
}

/// The index of a million frames would take 64 MB.
#[test]
fn a_writer_does_not_keep_the_index_of_the_whole_file() {
    let name = "a_writer_does_not_keep_the_index_of_the_whole_file";
    let parent = tempfile::tempdir().unwrap();
    if in_a_process(name, parent.path()).is_none() {
        return;
    }
    let mut writer = Writer::new(io::sink(), &sample::file_header(Codec::None)).unwrap();
    writer.define(&sample::defs()).unwrap();
    let mut chunk = Chunk::new();
    chunk.push(&birth(1)).unwrap();
    let frame = chunk.seal(Codec::None).unwrap();
    for _ in 0..1_000_000 {
        writer.append(&frame).unwrap();
    }
    assert_eq!(writer.tallies().map(|tally| tally.chunks).sum::<u64>(), 1_000_000);
    writer.finish().unwrap();
    assert_peak(40);
}
