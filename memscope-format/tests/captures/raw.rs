//! Events that a drain wrote as they were are read as the rows that it would have made of them.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::sample;
use memscope_format::chunks::Place;
use memscope_format::defs::{ContainerKind, Defs, HookDef, RateDef};
use memscope_format::frame::{FRAME_HEADER_LEN, FrameHeader, FrameType};
use memscope_format::header::FILE_HEADER_LEN;
use memscope_format::incoming::{Item, Items};
use memscope_format::raw::{RAW_EVENTS, RawChunk, Slot, lap_mark};
use memscope_format::rows::{Call, Container, DropChain, Heap, Lifecycle, SnapshotReason, Zst};
use memscope_format::{Batch, Codec, Error, HookTable, Reader, compact, limits, recover, validate};
use proptest::prelude::*;
use proptest::sample::select;
use sample::{MARKER, RawEvent, Rows, SESSION, SHARED, Sample, VECTOR, open};
use std::path::Path;

/// Rows that one cycle of one ring of the sample gives.
const CYCLE_ROWS: usize = 12;

fn mixed(codec: Codec) -> Sample {
    let mut sample = Sample::new(codec);
    sample.chunks();
    sample.commit();
    sample.raw(codec);
    sample.commit();
    sample.chunks();
    sample.commit();
    sample
}

/// Where the RAW frames lie.
fn raw_frames(bytes: &[u8]) -> Vec<(usize, FrameHeader)> {
    let mut frames = Vec::new();
    let mut at = FILE_HEADER_LEN;
    while at < bytes.len() {
        let (header, _) = FrameHeader::from_bytes(bytes[at..].first_chunk().unwrap()).unwrap();
        if header.frame_type == FrameType::RAW {
            frames.push((at, header));
        }
        at += header.frame_len() as usize;
    }
    frames
}

#[test]
fn a_capture_with_raw_frames_reads_as_one_with_chunks() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let other = directory.path().join("y.memscope");
    let chunks = open(&other, &Sample::of_three_cycles(Codec::Zstd).finish()).unwrap();
    let (expected, events) = (Rows::of(&chunks), chunks.events());
    for codec in Codec::ALL.into_iter().filter(|codec| codec.is_available()) {
        for bytes in [mixed(codec).finish(), mixed(codec).killed()] {
            let reader = open(&path, &bytes).unwrap();
            assert!(reader.health().is_whole() || !reader.health().complete);
            assert_eq!(Rows::of(&reader), expected, "{codec:?}");
            assert_eq!(reader.events(), events);
            let totals = |reader: &Reader| {
                reader.streams().iter().map(|total| (total.stream, total.rows)).collect::<Vec<_>>()
            };
            assert_eq!(totals(&reader), totals(&chunks));
            let places = reader.chunks::<Container>();
            assert_eq!(
                places.iter().filter(|chunk| matches!(chunk.place, Place::Raw { .. })).count(),
                2
            );
            let names = ["value", "ts", "reason", "weight"];
            let columns = |reader: &Reader| {
                let columns = reader.columns::<Container>(&names).unwrap().map(Result::unwrap);
                columns.fold(vec![Vec::new(); 4], |mut all, chunk| {
                    all.iter_mut().zip(chunk.columns).for_each(|(all, words)| all.extend(words));
                    all
                })
            };
            assert_eq!(columns(&reader), columns(&chunks));
            for chunk in reader.chunks::<DropChain>() {
                let rows = reader.read_chunk::<DropChain>(&chunk).unwrap();
                let times = rows.iter().map(|row| row.ts);
                assert_eq!(times.clone().min(), Some(chunk.t_min));
                assert_eq!(times.max(), Some(chunk.t_max));
                assert_eq!(rows.len(), chunk.rows as usize);
            }
            let selected = reader.select::<Lifecycle>().time(3000..4000).rows().unwrap();
            let selected: Vec<Lifecycle> = selected.map(Result::unwrap).collect();
            let mut wanted = expected.lifecycle.clone();
            wanted.retain(|row| (3000..4000).contains(&row.ts));
            assert_eq!(selected, wanted);
            let validation = validate(&path).unwrap();
            assert_eq!(validation.errors, vec![]);
        }
    }
}

#[test]
fn compacted_a_capture_has_chunks_alone_and_the_same_rows() {
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("x.memscope"), directory.path().join("y.memscope"));
    let before = open(&from, &mixed(Codec::None).finish()).unwrap();
    let mut seen = Vec::new();
    let (done, validation) =
        compact(&from, &to, Codec::Zstd, |rows, all| seen.push((rows, all))).unwrap();
    let after = Reader::open(&to).unwrap();
    assert_eq!(Rows::of(&after), Rows::of(&before));
    assert_eq!((after.events(), done.events), (before.events(), before.events()));
    assert!(validation.is_valid() && raw_frames(&std::fs::read(&to).unwrap()).is_empty());
    assert_eq!(raw_frames(&std::fs::read(&from).unwrap()).len(), 2);
    assert!(after.bytes() < before.bytes());
    let rows = Rows::of(&before).len() as u64;
    assert_eq!(seen.last(), Some(&(rows, rows)));
    // It is not written over, and nothing is left out without a word.
    assert!(matches!(compact(&from, &to, Codec::Zstd, |_, _| {}), Err(Error::Io(_))));
    let mut bytes = std::fs::read(&from).unwrap();
    let (at, _) = raw_frames(&bytes)[0];
    bytes[at + FRAME_HEADER_LEN + 300] ^= 1;
    std::fs::write(&from, &bytes).unwrap();
    let other = directory.path().join("z.memscope");
    assert!(compact(&from, &other, Codec::Zstd, |_, _| {}).is_err());
    let (recovered, _) = recover(&from, directory.path().join("r.memscope"), |_, _| {}).unwrap();
    assert_eq!(recovered.rows, rows - CYCLE_ROWS as u64);
    assert_eq!(recovered.unreadable_rows, CYCLE_ROWS as u64);
}

#[test]
fn a_truncated_raw_frame_is_reported_and_costs_itself_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let bytes = mixed(Codec::Zstd).killed();
    let all = Rows::of(&open(&path, &bytes).unwrap());
    let raw = raw_frames(&bytes);
    for (number, (at, header)) in raw.iter().enumerate() {
        for cut in *at..at + header.frame_len() as usize {
            let reader = open(&path, &bytes[..cut]).unwrap();
            let rows = Rows::of(&reader);
            assert_eq!(rows.len(), (2 + number) * CYCLE_ROWS, "cut at {cut}");
            assert!(rows.errors.is_empty() && rows.are_part_of(&all), "cut at {cut}");
            let damage = reader.health().damage.len();
            assert_eq!(damage, usize::from(cut > *at), "cut at {cut}");
        }
    }
}

#[test]
fn a_flipped_bit_in_a_raw_frame_costs_it_alone_and_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    for mut bytes in [mixed(Codec::Zstd).finish(), mixed(Codec::None).killed()] {
        let all = Rows::of(&open(&path, &bytes).unwrap());
        let (start, header) = raw_frames(&bytes)[0];
        for at in start..start + header.frame_len() as usize {
            let bit = 1 << (at % 8);
            bytes[at] ^= bit;
            let reader = open(&path, &bytes).unwrap();
            let rows = Rows::of(&reader);
            assert_eq!(rows.len(), all.len() - CYCLE_ROWS, "byte {at}");
            assert!(rows.are_part_of(&all), "byte {at}");
            let reported = !rows.errors.is_empty() || !reader.health().damage.is_empty();
            assert!(reported && !validate(&path).unwrap().is_valid(), "byte {at}");
            bytes[at] ^= bit;
        }
    }
}

/// A head that was made to fit its checksums must still be what the slots say.
#[test]
fn a_head_that_lies_is_found_out() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let bytes = mixed(Codec::None).killed();
    let (at, header) = raw_frames(&bytes)[0];
    let payload = at + FRAME_HEADER_LEN;
    let head_len = 24 + 24 * usize::from(bytes[payload + 3]);
    // The rows of the first stream, then more than a frame may have; the time of its first; the position; the slots.
    for place in [24 + 4, 24 + 7, 24 + 8, 16, 12] {
        let mut forged = bytes.clone();
        forged[payload + place] ^= 1;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&forged[payload..payload + 4]);
        hasher.update(&forged[payload + 8..payload + head_len]);
        forged[payload + 4..payload + 8].copy_from_slice(&hasher.finalize().to_le_bytes());
        let padded = payload + header.padded_len() as usize;
        let header =
            FrameHeader { payload_crc: crc32fast::hash(&forged[payload..padded]), ..header };
        let tag = *bytes[at + 4..].first_chunk().unwrap();
        forged[at..payload].copy_from_slice(&header.to_bytes(tag));
        let reader = open(&path, &forged).unwrap();
        assert!(reader.chunks::<Lifecycle>().iter().all(|chunk| chunk.rows <= limits::ROWS));
        let rows = Rows::of(&reader);
        let reported = !rows.errors.is_empty() || !reader.health().damage.is_empty();
        // That a value is another one is not to be seen from the frame alone.
        assert!(reported || place == 16, "{place}");
    }
}

fn event() -> impl Strategy<Value = RawEvent> {
    let hook = select(vec![VECTOR, SESSION, MARKER, SHARED]);
    let words = (any::<u64>(), 0_u32..64).prop_map(|(word, shift)| word >> shift);
    let blocks = sample::blocks();
    (0_u8..11, hook, words.clone(), words.clone(), words).prop_map(
        move |(kind, hook, ts, p0, p1)| match kind {
            8 => sample::call(hook, (p1 % 8) as u8, ts, p0 % 3, p1 >> 16, p1 % 9),
            9.. => {
                let block = &blocks[(p0 % blocks.len() as u64) as usize];
                let first = Slot { w0: ts, p0, p1, ..block.first };
                RawEvent { first, second: block.second }
            }
            0 => sample::born(hook, ts, p0, p1),
            1 => sample::cloned(hook, ts, p0),
            2 => sample::born_wide(hook, ts, p0, p1, p0 ^ p1),
            3 => sample::end(hook, (p1 % 16) as u8, ts, p0, p1 >> 16, p1 % 9),
            4 => sample::snapshot(SESSION, ts, p0, 2, SnapshotReason::Drop, [p0, p1, p0 ^ p1]),
            5 => sample::snapshot(VECTOR, ts, p0, 0, SnapshotReason::Asked, [p1, p0, p1]),
            6 => {
                let small = p1 >> 32;
                let words = [p0, p1, small, small / 3, p0 >> 32];
                sample::content(SESSION, ts, p0, 2, SnapshotReason::Drop, words)
            }
            _ => {
                let small = p1 >> 32;
                let words = [p0, small, p0 >> 32, small / 3, p1];
                sample::hashes(VECTOR, ts, p0, 0, SnapshotReason::Birth, words)
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A batch remembers what it has seen an event of; of one it has seen none.
    #[test]
    fn an_event_gives_the_rows_that_it_gives_alone(
        events in prop::collection::vec((event(), 1_usize..4), 1..100),
        weighted in select(vec![VECTOR, SHARED]),
        per_read in 2_usize..200,
    ) {
        let mut hooks = HookTable::new();
        let rates = vec![RateDef { hook: weighted, one_in: 7 }];
        hooks.extend(&Defs { rates, ..sample::defs() });
        let mut alone = Sample::new(Codec::None).writer;
        let again = events.iter().flat_map(|(event, times)| std::iter::repeat_n(event, *times));
        let mut slots = Vec::new();
        for event in again {
            let position = 5 + slots.len() as u64;
            let (first, second) = sample::marked(event, position, 1 << 20);
            let mut batch = Batch::new(Codec::None);
            batch.push(&hooks, 7, 1, position, &first, second.as_ref()).unwrap();
            prop_assert_eq!(batch.events, 1);
            batch.seal().iter().for_each(|frame| alone.append(frame).unwrap());
            slots.extend([Some(first), second].into_iter().flatten());
        }
        let (mut together, mut at) = (Batch::new(Codec::None), 0);
        while at < slots.len() {
            let some = &slots[at..slots.len().min(at + per_read)];
            let (taken, meant) = together.push_slots(&hooks, 7, 1, 5 + at as u64, some);
            prop_assert_eq!(meant, Ok(()));
            prop_assert!(taken == some.len() || taken + 1 == some.len(), "{} of {:?}", taken, some);
            at += taken;
        }
        let mut writer = Sample::new(Codec::None).writer;
        together.seal().iter().for_each(|frame| writer.append(frame).unwrap());
        let directory = tempfile::tempdir().unwrap();
        let found = [("1.memscope", alone), ("2.memscope", writer)].map(|(name, writer)| {
            let reader = open(&directory.path().join(name), &writer.finish().unwrap()).unwrap();
            let weights = |chunks: Vec<Vec<Vec<u64>>>| chunks.concat().concat();
            let births = reader.columns::<Lifecycle>(&["weight"]).unwrap();
            let births = births.map(|chunk| chunk.unwrap().columns).collect();
            let drops = reader.columns::<DropChain>(&["weight"]).unwrap();
            let drops = drops.map(|chunk| chunk.unwrap().columns).collect();
            let states = reader.columns::<Container>(&["weight"]).unwrap();
            let states = states.map(|chunk| chunk.unwrap().columns).collect();
            let blocks = reader.columns::<Heap>(&["weight"]).unwrap();
            let blocks = blocks.map(|chunk| chunk.unwrap().columns).collect();
            let calls = reader.columns::<Call>(&["weight"]).unwrap();
            let calls = calls.map(|chunk| chunk.unwrap().columns).collect();
            let of_heap: Vec<Heap> = reader.rows().collect::<Result<_, _>>().unwrap();
            let of_calls: Vec<Call> = reader.rows().collect::<Result<_, _>>().unwrap();
            let weights = [births, drops, states, blocks, calls].map(weights);
            (Rows::of(&reader), of_heap, of_calls, weights)
        });
        prop_assert_eq!(&found[0], &found[1]);
        prop_assert_eq!(&found[0].0.errors, &Vec::<String>::new());
    }

    #[test]
    fn any_events_are_the_same_rows_however_they_were_written(
        events in prop::collection::vec((event(), 0_u64..3), 1..300),
        codec in select(Codec::ALL.to_vec()),
        per_frame in 1_usize..200,
        start in 0_u64..(1 << 48) - 2000,
    ) {
        let mut hooks = HookTable::new();
        hooks.extend(&sample::defs());
        let mut chunks = Sample::new(codec).writer;
        let mut raw = Sample::new(codec).writer;
        let mut batch = Batch::new(codec);
        let mut chunk = RawChunk::new(7, 1);
        let mut position = start;
        for (event, pads) in &events {
            position += pads;
            let (first, second) = sample::marked(event, position, 1 << 20);
            batch.push(&hooks, 7, 1, position, &first, second.as_ref()).unwrap();
            chunk.push(&hooks, position, &first, second.as_ref()).unwrap();
            position += 1 + u64::from(second.is_some());
            if chunk.events() >= per_frame {
                let full = std::mem::replace(&mut chunk, RawChunk::new(7, 1));
                raw.append(&full.seal(codec).unwrap()).unwrap();
            }
        }
        for frame in batch.seal() {
            chunks.append(&frame).unwrap();
        }
        if let Some(frame) = chunk.seal(codec) {
            raw.append(&frame).unwrap();
        }
        let directory = tempfile::tempdir().unwrap();
        let (one, other) = (directory.path().join("1.memscope"), directory.path().join("2.memscope"));
        let chunks = open(&one, &chunks.finish().unwrap()).unwrap();
        let raw = open(&other, &raw.finish().unwrap()).unwrap();
        let (expected, found) = (Rows::of(&chunks), Rows::of(&raw));
        prop_assert_eq!(&found.errors, &Vec::<String>::new());
        prop_assert_eq!(found, expected);
        prop_assert_eq!(raw.events(), events.len() as u64);
    }
}

#[test]
fn a_raw_frame_takes_as_many_events_as_a_chunk_rows() {
    let mut hooks = HookTable::new();
    hooks.extend(&sample::defs());
    let mut chunk = RawChunk::new(0, 1);
    let mut position = 0;
    while !chunk.is_full() {
        let (first, _) = sample::marked(&sample::born(VECTOR, position, 0, 0), position, 1 << 20);
        chunk.push(&hooks, position, &first, None).unwrap();
        position += 1;
    }
    assert_eq!((chunk.events(), lap_mark(position, 1 << 20)), (RAW_EVENTS, 1));
    let directory = tempfile::tempdir().unwrap();
    let path: &Path = &directory.path().join("x.memscope");
    let mut writer = Sample::new(Codec::None).writer;
    writer.append(&chunk.seal(Codec::Zstd).unwrap()).unwrap();
    let reader = open(path, &writer.finish().unwrap()).unwrap();
    assert_eq!(reader.rows::<Container>().map(Result::unwrap).count(), RAW_EVENTS);
}

#[test]
fn a_frame_of_more_slots_than_may_be_is_refused_before_they_are_decoded() {
    let mut hooks = HookTable::new();
    hooks.extend(&sample::defs());
    for (gap, fits) in [(limits::RAW_SLOTS - 1, true), (limits::RAW_SLOTS, false)] {
        let mut chunk = RawChunk::new(0, 1);
        for position in [0, u64::from(gap)] {
            let event = sample::born(VECTOR, position, 0, 0);
            let (first, _) = sample::marked(&event, position, 1 << 20);
            chunk.push(&hooks, position, &first, None).unwrap();
        }
        let mut writer = Sample::new(Codec::None).writer;
        writer.append(&chunk.seal(Codec::Zstd).unwrap()).unwrap();
        let reader = Reader::from_bytes(writer.finish().unwrap()).unwrap();
        let rows = reader.rows::<Container>().map(Result::unwrap).count();
        assert_eq!((rows, reader.health().is_whole()), (if fits { 2 } else { 0 }, fits));
        let refused = reader.health().damage.iter().filter(|damage| damage.what.contains("slots"));
        assert_eq!(refused.count(), usize::from(!fits));
    }
}

#[test]
fn a_frame_of_more_events_than_it_says_is_not_decoded_to_its_end() {
    let mut bytes = mixed(Codec::None).killed();
    let (at, header) = raw_frames(&bytes)[0];
    let payload = at + FRAME_HEADER_LEN..at + header.frame_len() as usize;
    // The last slot names a hook that there is not: whoever came to it would say so.
    bytes[payload.end - 24..payload.end - 20].fill(0xFF);
    let payload_crc = crc32fast::hash(&bytes[payload]);
    let header = FrameHeader { rows: 1, payload_crc, ..header };
    let tag = sample::file_header(Codec::None).tag();
    bytes[at..at + FRAME_HEADER_LEN].copy_from_slice(&header.to_bytes(tag));
    let reader = Reader::from_bytes(bytes).unwrap();
    let errors: Vec<_> = reader.rows::<Container>().filter_map(Result::err).collect();
    let [Error::Corrupt { expected, found, .. }] = errors.as_slice() else { panic!("{errors:?}") };
    assert_eq!((expected.as_str(), found.as_str()), ("1 events", "more"));
}

#[test]
fn raw_events_that_arrive_are_of_the_last_definitions() {
    let mut sample = Sample::new(Codec::Zstd);
    let mut types = sample::defs().types;
    types.retain(|def| def.container.is_some_and(|def| def.kind == ContainerKind::Vec));
    let [vector] = types.as_mut_slice() else { panic!("{types:?}") };
    vector.container = None;
    let hooks = vec![HookDef { id: MARKER, site: 9, type_id: 13 }];
    // The frame says what its events give by then.
    let defs = Defs { types, hooks, ..Defs::default() };
    sample.hooks.extend(&defs);
    sample.writer.define(&defs).unwrap();
    sample.raw(Codec::Zstd);
    sample.commit();
    let bytes = sample.finish();
    let reader = Reader::from_bytes(bytes.clone()).unwrap();
    let (container, zst) = (reader.rows::<Container>(), reader.rows::<Zst>());
    let expected: (Vec<Container>, Vec<Zst>) =
        (container.map(Result::unwrap).collect(), zst.map(Result::unwrap).collect());
    assert!(!expected.1.is_empty() && expected.1.iter().all(|row| row.0.site == 9));
    assert!(expected.0.iter().all(|row| row.type_id != 11));
    let mut found = (Vec::new(), Vec::new());
    for item in Items::new(bytes.as_slice()) {
        match item.unwrap() {
            Item::Chunk(chunk) => {
                found.0.extend(chunk.rows::<Container>().into_iter().flatten().map(Result::unwrap));
                found.1.extend(chunk.rows::<Zst>().into_iter().flatten().map(Result::unwrap));
            }
            Item::Damage(damage) => panic!("{damage:?}"),
            _ => {}
        }
    }
    assert_eq!(found, expected);
}

/// A capture of its own of three cycles of the sample, as they came or in columns.
fn recording(id: u8, raw: bool) -> Reader {
    let mut sample = Sample::new(Codec::Zstd);
    let header = memscope_format::FileHeader::new([id; 16], u64::from(id), Codec::Zstd);
    sample.writer = memscope_format::Writer::new(Vec::new(), &header).unwrap();
    sample.writer.metadata(&sample::metadata()).unwrap();
    sample.writer.define(&sample::defs()).unwrap();
    for _ in 0..3 {
        if raw {
            sample.raw(Codec::Zstd);
        } else {
            sample.chunks();
        }
        sample.commit();
    }
    Reader::from_bytes(sample.finish()).unwrap()
}

#[test]
fn captures_of_raw_events_are_merged_as_those_of_columns() {
    let merged = |raw: [bool; 2]| {
        let captures = [recording(1, raw[0]), recording(2, raw[1])];
        let merge = memscope_format::Merge::default();
        let (done, bytes) = merge.write(&captures, Vec::new(), |_, _| {}).unwrap();
        assert_eq!((done.sources, done.unreadable_rows), (2, 0));
        assert_eq!(done.events, 2 * 3 * 2 * sample::CYCLE_EVENTS);
        let reader = Reader::from_bytes(bytes).unwrap();
        assert!(reader.health().is_whole());
        (Rows::of(&reader), reader.defs().clone())
    };
    let columns = merged([false, false]);
    assert!(columns.0.errors.is_empty() && !columns.0.container.is_empty());
    for raw in [[true, true], [true, false], [false, true]] {
        assert!(merged(raw) == columns, "{raw:?}");
    }
}
