//! A capture of more frames than are opened at once is said to be one, and loses nothing when it is written anew.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::sample;
use memscope_format::convert::{Notation, export};
use memscope_format::frame::{FrameHeader, FrameType};
use memscope_format::rows::{Lifecycle, LifecycleKind};
use memscope_format::{
    Chunk, Codec, Error, Merge, Reader, Rewrite, Writer, WriterOptions, compact, limits, validate,
};
use sample::{Rows, Sample, frames};

/// Rows that stand for more events than one.
fn weighted(sample: &mut Sample) {
    let mut chunk = Chunk::new();
    for ts in 50_000..50_100 {
        let kind = LifecycleKind::Born;
        let row = Lifecycle { ts, kind, site: 1, type_id: 11, value: ts, origin: 0, thread: 1 };
        chunk.push_weighted(&row, ts % 7 + 1).unwrap();
    }
    sample.writer.append(&chunk.seal(Codec::Zstd).unwrap()).unwrap();
}

fn weights(reader: &Reader) -> Vec<u64> {
    let chunks = reader.chunks::<Lifecycle>();
    chunks.iter().flat_map(|chunk| reader.weights::<Lifecycle>(chunk).unwrap()).collect()
}

/// A capture of a program that died, in the middle of which there are so many frames of a type of somebody's own.
fn with_frames_between(count: usize) -> (Vec<u8>, Vec<u8>) {
    let mut sample = Sample::of_three_cycles(Codec::Zstd);
    weighted(&mut sample);
    sample.commit();
    let bytes = sample.killed();
    let tag = sample::file_header(Codec::Zstd).tag();
    let all = frames(&bytes);
    let (middle, first) = all[all.len() / 2];
    let mut long = bytes[..middle].to_vec();
    let empty = FrameHeader {
        frame_type: FrameType(0x8000),
        flags: 0,
        codec: 0,
        encoding: 0,
        stored_len: 0,
        raw_len: 0,
        rows: 0,
        t_min: 0,
        t_max: 0,
        payload_crc: 0,
        ..first
    };
    for number in 0..count as u64 {
        long.extend(FrameHeader { seq: first.seq + number, ..empty }.to_bytes(tag));
    }
    for (at, header) in &all[all.len() / 2..] {
        let moved = FrameHeader { seq: header.seq + count as u64, ..*header };
        long.extend(moved.to_bytes(tag));
        long.extend(&bytes[at + 64..at + header.frame_len() as usize]);
    }
    (bytes, long)
}

#[test]
fn what_is_written_anew_is_read_part_by_part() {
    let (bytes, long) = with_frames_between(20);
    let whole = Reader::from_bytes(bytes).unwrap();
    assert!(weights(&whole).contains(&7));
    let source = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(source.path(), long).unwrap();
    for most in [3, 10, 30] {
        let reader = Reader::opening().frames(most).open(source.path()).unwrap();
        let unread = reader.unread().unwrap();
        assert_eq!(Some(unread.offset), reader.health().rest);
        assert_eq!(unread.offset + unread.bytes, reader.bytes());
        let (done, written) = Rewrite::default().write(&reader, Vec::new(), |_, _| {}).unwrap();
        assert_eq!((done.unreadable_rows, done.rows), (0, Rows::of(&whole).len() as u64));
        let written = Reader::from_bytes(written).unwrap();
        assert_eq!(Rows::of(&written), Rows::of(&whole), "{most}");
        assert_eq!(weights(&written), weights(&whole));
        assert_eq!((written.defs(), written.lost()), (whole.defs(), whole.lost()));
        assert_eq!(written.last_commit().unwrap().clock, whole.last_commit().unwrap().clock);
        let mut parts = 1;
        let mut next = reader.next_part().unwrap();
        while let Some(part) = next {
            parts += 1;
            next = part.next_part().unwrap();
        }
        assert_eq!(parts, frames(&std::fs::read(source.path()).unwrap()).len().div_ceil(most));
        // These would leave out what follows, and so do nothing.
        let refused = |error| matches!(error, Some(Error::Limit { what: "frames", .. }));
        let exported = export(&reader, Notation::JsonLines, Vec::new(), |_, _| {});
        assert!(refused(exported.err()));
        assert!(refused(Merge::default().write(&[reader], Vec::new(), |_, _| {}).err()));
    }
}

#[test]
fn a_capture_of_more_than_a_million_frames_is_compacted_whole() {
    let (bytes, long) = with_frames_between(limits::FRAMES);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    std::fs::write(&path, long).unwrap();
    let reader = Reader::open(&path).unwrap();
    assert!(reader.unread().is_some() && !reader.health().is_whole());
    let verdict = validate(&path).unwrap();
    assert!(!verdict.errors.is_empty() || !verdict.warnings.is_empty(), "it is said");
    assert!(Writer::append_to(&path, WriterOptions::default()).is_err());
    let to = directory.path().join("y.memscope");
    let mut told = Vec::new();
    compact(&path, &to, Codec::Zstd, |done, all| told.push((done, all))).unwrap();
    let (whole, written) = (Reader::from_bytes(bytes).unwrap(), Reader::open(&to).unwrap());
    assert_eq!(Rows::of(&written), Rows::of(&whole));
    assert_eq!(weights(&written), weights(&whole));
    assert!(written.health().is_whole() && written.unread().is_none());
    let rows = Rows::of(&whole).len() as u64;
    assert_eq!(told.last(), Some(&(rows, rows)));
}
