//! A capture that nothing happened to.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::sample;
use memscope_format::chunks::Place;
use memscope_format::defs::ContainerKind;
use memscope_format::frame::{FRAME_HEADER_LEN, FrameHeader, FrameType, frame_flags};
use memscope_format::header::FILE_HEADER_LEN;
use memscope_format::raw::value_id;
use memscope_format::rows::{
    Container, DropChain, LeftOut, Lifecycle, LifecycleKind, Outcome, SnapshotReason, Stream, Zst,
};
use memscope_format::{Chunk, Codec, Error, Reader, Writer, validate};
use sample::{CYCLE_EVENTS, Rows, Sample, open};

#[test]
fn rows_definitions_and_totals_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    for codec in Codec::ALL.into_iter().filter(|codec| codec.is_available()) {
        let bytes = Sample::of_three_cycles(codec).finish();
        let reader = open(&path, &bytes).unwrap();
        assert!(reader.health().complete && reader.health().is_whole(), "{:?}", reader.health());
        assert_eq!(reader.header(), &sample::file_header(codec));
        assert_eq!(reader.metadata(), Some(&sample::metadata()));
        assert_eq!(reader.defs(), &sample::defs());
        assert_eq!(reader.events(), 3 * 2 * CYCLE_EVENTS);
        assert_eq!((reader.lost(), reader.rings_bytes()), (0, 0));
        assert_eq!(reader.bytes(), bytes.len() as u64);
        assert_eq!(reader.clock().first(), sample::reading(1000));
        assert_eq!(reader.clock().last(), sample::reading(6000));
        assert_eq!(reader.clock().ns(2000), 500);

        let rows = Rows::of(&reader);
        assert_eq!(rows.errors, [""; 0]);
        let streams = reader.streams().into_iter().filter(|total| total.rows > 0);
        let totals: Vec<_> =
            streams.map(|total| (total.stream, total.rows, total.chunks)).collect();
        assert_eq!(
            totals,
            [
                (Stream::Lifecycle, 30, 3),
                (Stream::Container, 18, 3),
                (Stream::Zst, 12, 3),
                (Stream::DropChain, 12, 3),
            ]
        );
        assert_eq!(rows.len(), 72);
    }
}

/// The rows of the first ring's first cycle, spelled out.
#[test]
fn each_raw_event_becomes_its_rows() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = Sample::of_three_cycles(Codec::Zstd).finish();
    let reader = open(&directory.path().join("x.memscope"), &bytes).unwrap();
    let rows = Rows::of(&reader);
    let lifecycle = |ts, kind, hook: u32, value, origin| Lifecycle {
        ts,
        kind,
        site: hook,
        type_id: hook + 10,
        value: value_id(0, value),
        origin,
        thread: 1,
    };
    assert_eq!(
        rows.lifecycle[..5],
        [
            lifecycle(2000, LifecycleKind::Born, sample::VECTOR, 0, 0),
            lifecycle(2010, LifecycleKind::Born, sample::SESSION, 1, 0),
            lifecycle(2020, LifecycleKind::Born, sample::SHARED, 3, 0),
            lifecycle(2025, LifecycleKind::Cloned, sample::SESSION, 4, 1),
            lifecycle(2060, LifecycleKind::Moved, sample::SHARED, 3, 0),
        ]
    );
    assert_eq!(
        rows.zst[..2],
        [
            Zst(lifecycle(2011, LifecycleKind::Born, sample::MARKER, 2, 0)),
            Zst(lifecycle(2051, LifecycleKind::Exit, sample::MARKER, 2, 0)),
        ]
    );
    let vector = Container {
        ts: 2000,
        value: 0,
        site: 1,
        type_id: 11,
        field: 0,
        kind: ContainerKind::Vec,
        reason: SnapshotReason::Birth,
        len: Some(3),
        capacity: Some(8),
        element_size: 2,
        addr: Some(0x5000 + 2000),
        strong: None,
        weak: None,
        thread: 1,
    };
    let shared = Container {
        ts: 2020,
        value: 3,
        site: 4,
        type_id: 14,
        kind: ContainerKind::Rc,
        len: None,
        capacity: None,
        element_size: 8,
        addr: Some(0x9000),
        strong: Some(1),
        weak: Some(2),
        ..vector
    };
    let user = Container {
        ts: 2040,
        value: 1,
        site: 2,
        type_id: 12,
        field: 2,
        kind: ContainerKind::String,
        reason: SnapshotReason::Drop,
        len: Some(5),
        capacity: Some(16),
        element_size: 1,
        addr: Some(0x7000 + 2000),
        ..vector
    };
    assert_eq!(rows.container[..3], [vector, shared, user]);
    let session = DropChain {
        ts: 2045,
        duration: Some(5),
        value: 1,
        site: 2,
        type_id: 12,
        depth: 1,
        outcome: Outcome::Dropped,
        panicking: false,
        thread: 1,
        left_out: LeftOut::default(),
        stack: None,
    };
    let vector = DropChain {
        ts: 2050,
        duration: Some(30),
        value: 0,
        site: 1,
        type_id: 11,
        depth: 0,
        panicking: true,
        ..session
    };
    assert_eq!(rows.drop_chain[..2], [session, vector]);
}

#[test]
fn a_chunk_is_read_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = Sample::of_three_cycles(Codec::Zstd).finish();
    let reader = open(&directory.path().join("x.memscope"), &bytes).unwrap();
    let chunks = reader.chunks::<DropChain>();
    let rows: Vec<DropChain> = reader.read_chunk(&chunks[1]).unwrap();
    assert_eq!((rows.len(), chunks[1].rows), (4, 4));
    assert!(rows.iter().all(|row| (chunks[1].t_min..=chunks[1].t_max).contains(&row.ts)));
    assert_eq!((chunks[1].t_min, chunks[1].t_max), (3045, 3051));
    assert!(matches!(reader.read_chunk::<Zst>(&chunks[1]), Err(Error::Corrupt { .. })));
}

#[test]
fn columns_are_read_without_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    for codec in Codec::ALL.into_iter().filter(|codec| codec.is_available()) {
        let mut bytes = Sample::of_three_cycles(codec).finish();
        let reader = open(&path, &bytes).unwrap();
        let rows: Vec<Container> = reader.rows().collect::<Result<_, _>>().unwrap();
        let columns = |reader: &Reader| {
            let names = ["addr", "ts", "site", "weight", "thread"];
            let chunks = reader.columns::<Container>(&names).unwrap();
            chunks.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())
        };
        let expected: Vec<[u64; 5]> = rows
            .iter()
            .map(|row| {
                let addr = row.addr.map_or(0, |addr| addr + 1);
                [addr, row.ts, u64::from(row.site), 1, u64::from(row.thread)]
            })
            .collect();
        let found = columns(&reader).unwrap();
        let found: Vec<[u64; 5]> = found
            .iter()
            .flat_map(|chunk| {
                (0..chunk.rows).map(|row| std::array::from_fn(|column| chunk.columns[column][row]))
            })
            .collect();
        assert_eq!(found, expected);
        let error = reader.columns::<Container>(&["size"]).unwrap_err();
        assert!(matches!(error, Error::UnknownColumn { .. }), "{error}");

        // Damage in another column is not met.
        let Place::Frame { offset, .. } = reader.chunks::<Container>()[0].place else { panic!() };
        let payload = offset as usize + FRAME_HEADER_LEN;
        let entries = usize::from(bytes[payload]);
        let (mut start, mut len) = (payload + 8 + 16 * entries, 0);
        for entry in bytes[payload + 8..payload + 8 + 16 * entries].chunks_exact(16) {
            len = usize::from(entry[4]);
            // The column value.
            if entry[0] == 2 {
                break;
            }
            start += len;
        }
        assert!(len > 0);
        bytes[start] ^= 1;
        let reader = open(&path, &bytes).unwrap();
        assert!(reader.rows::<Container>().any(|row| row.is_err()));
        assert_eq!(columns(&reader).unwrap().len(), 3);
        let damaged = reader.columns::<Container>(&["value"]).unwrap();
        assert_eq!(damaged.filter(Result::is_err).count(), 1);
    }
}

#[test]
fn weights_of_sampled_rows_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let mut writer = Writer::new(Vec::new(), &sample::file_header(Codec::Zstd)).unwrap();
    let mut chunk = Chunk::<Lifecycle>::new();
    let weights: Vec<u64> = (0..1000).map(|row| if row < 300 { 1 } else { row % 7 + 1 }).collect();
    for (row, &weight) in (0..).zip(&weights) {
        let kind = LifecycleKind::Born;
        let birth =
            Lifecycle { ts: row, kind, site: 1, type_id: 11, value: row, origin: 0, thread: 1 };
        if weight == 1 {
            chunk.push(&birth).unwrap();
        } else {
            chunk.push_weighted(&birth, weight).unwrap();
        }
    }
    writer.append(&chunk.seal(Codec::Zstd).unwrap()).unwrap();
    let reader = open(&path, writer.sink()).unwrap();
    let found: Vec<_> =
        reader.columns::<Lifecycle>(&["weight"]).unwrap().map(Result::unwrap).collect();
    assert_eq!(found[0].columns, [weights]);
    assert_eq!(reader.rows::<Lifecycle>().count(), 1000);
}

#[test]
fn what_is_not_a_capture_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    assert!(matches!(Reader::open(&path), Err(Error::Io(_))));
    assert!(matches!(open(&path, b""), Err(Error::NoData)));
    let error = open(&path, b"\x7FELF and so on").unwrap_err();
    assert!(matches!(error, Error::NotACapture { .. }), "{error:?}");
    let error = open(&path, &[b'x'; 10_000]).unwrap_err();
    assert!(matches!(error, Error::NotACapture { .. }), "{error:?}");
    let header = sample::file_header(Codec::Zstd);
    let error = open(&path, &header.to_bytes()[..50]).unwrap_err();
    assert!(matches!(error, Error::Truncated { offset: 0, expected: 64, found: 50 }), "{error:?}");
    let newer = memscope_format::FileHeader { major: 9, ..header };
    let error = open(&path, &newer.to_bytes()).unwrap_err();
    assert!(matches!(error, Error::TooNew { .. }), "{error:?}");
    let reader = open(&path, &header.to_bytes()).unwrap();
    assert_eq!(reader.events(), 0);
    assert!(!reader.health().complete);
}

/// The sample without index and footer, with the header of its first CONTAINER frame changed.
fn changed(change: impl Fn(&mut FrameHeader)) -> Vec<u8> {
    let mut bytes = Sample::of_three_cycles(Codec::None).killed();
    let mut at = FILE_HEADER_LEN;
    loop {
        let head = bytes[at..].first_chunk().unwrap();
        let (mut header, tag) = FrameHeader::from_bytes(head).unwrap();
        if header.frame_type == Stream::Container.frame_type() {
            change(&mut header);
            bytes[at..at + FRAME_HEADER_LEN].copy_from_slice(&header.to_bytes(tag));
            return bytes;
        }
        at += header.frame_len() as usize;
    }
}

#[test]
fn what_a_later_version_adds_is_passed_over_and_what_it_changes_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    // An unknown type of frame.
    let reader = open(&path, &changed(|header| header.frame_type = FrameType(0x01F0))).unwrap();
    let rows = Rows::of(&reader);
    assert_eq!((rows.container.len(), rows.len(), rows.errors.len()), (12, 66, 0));
    let warnings = validate(&path).unwrap().warnings;
    assert_eq!(warnings[0].what, "a frame of the unknown type 0x01f0 is skipped");
    // One that must not be ignored.
    let critical = changed(|header| {
        header.frame_type = FrameType(0x01F0);
        header.flags = frame_flags::CRITICAL;
    });
    assert!(matches!(open(&path, &critical), Err(Error::TooNew { .. })));
    // A known type in a new version.
    let reader = open(&path, &changed(|header| header.version = 2)).unwrap();
    let rows = Rows::of(&reader);
    assert_eq!((rows.container.len(), rows.len(), rows.errors.len()), (12, 66, 1));
    assert!(rows.errors[0].contains("CONTAINER of version 1"), "{}", rows.errors[0]);
}

/// A column that this version does not know is ignored, one in an unknown codec costs its chunk.
#[test]
fn unknown_columns_and_codecs_cost_no_more_than_they_must() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    // The second column's id, and its codec, in the directory of the first ZST frame; the first is of the shapes.
    for (at, value, what) in [(24, 99, "the column ts"), (27, 9, "codec 9")] {
        let mut bytes = Sample::of_three_cycles(Codec::None).killed();
        let frame = |bytes: &[u8]| {
            let mut at = FILE_HEADER_LEN;
            loop {
                let (header, tag) =
                    FrameHeader::from_bytes(bytes[at..].first_chunk().unwrap()).unwrap();
                if header.frame_type == Stream::Zst.frame_type() {
                    return (at, header, tag);
                }
                at += header.frame_len() as usize;
            }
        };
        let (start, mut header, tag) = frame(&bytes);
        let payload = start + FRAME_HEADER_LEN;
        bytes[payload + at] = value;
        let columns = usize::from(bytes[payload]);
        let directory_end = payload + 8 + 16 * columns;
        let checked = [&bytes[payload..payload + 4], &bytes[payload + 8..directory_end]].concat();
        bytes[payload + 4..payload + 8].copy_from_slice(&crc32fast::hash(&checked).to_le_bytes());
        let end = start + header.frame_len() as usize;
        header.payload_crc = crc32fast::hash(&bytes[payload..end]);
        bytes[start..payload].copy_from_slice(&header.to_bytes(tag));
        let rows = Rows::of(&open(&path, &bytes).unwrap());
        assert_eq!((rows.zst.len(), rows.len(), rows.errors.len()), (8, 68, 1));
        assert!(rows.errors[0].contains(what), "{}", rows.errors[0]);
    }
}
