//! Captures whose program died: each event counts once, be it in a chunk or in a ring.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::sample;
use memscope_format::raw::{
    RING_HEADER_LEN, RINGS_HEADER_LEN, RawKind, SLOT_LEN, Slot, SlotHeader, lap_mark, value_id,
};
use memscope_format::rows::{Lifecycle, LifecycleKind};
use memscope_format::{Codec, Error, Reader, rings_path, validate};
use sample::rings::{Ring, drained_rings, rings_file};
use sample::{CAPACITY, CYCLE_EVENTS, CYCLE_SLOTS, RawEvent, Rows, Sample};
use std::fs::File;
use std::path::PathBuf;

/// A capture beside its rings.
struct Scene {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

impl Scene {
    fn new(capture: &[u8], rings: &[Ring]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.memscope");
        std::fs::write(&path, capture).unwrap();
        let scene = Self { _directory: directory, path };
        scene.put_rings(&rings_file(rings));
        scene
    }

    fn put_rings(&self, bytes: &[u8]) {
        std::fs::write(rings_path(&self.path), bytes).unwrap();
    }

    fn open(&self) -> Reader {
        let opened = Reader::open(&self.path);
        sample::twin::agrees(&self.path, &opened);
        opened.unwrap()
    }
}

/// The rows of a capture that was closed after so many cycles.
fn rows_after(cycles: u64) -> Rows {
    let directory = tempfile::tempdir().unwrap();
    let mut sample = Sample::new(Codec::None);
    for _ in 0..cycles {
        sample.chunks();
        sample.commit();
    }
    Rows::of(&sample::open(&directory.path().join("x.memscope"), &sample.finish()).unwrap())
}

#[test]
fn events_that_were_not_drained_are_recovered() {
    let sample = Sample::of_three_cycles(Codec::Zstd);
    let mut rings = drained_rings(3);
    rings[0].put_cycle(0, 5000);
    rings[1].put_cycle(1, 5001);
    rings[1].lost = 5;
    let scene = Scene::new(&sample.killed(), &rings);
    let reader = scene.open();
    assert_eq!(Rows::of(&reader), rows_after(4));
    let health = reader.health();
    assert!(health.recovered && !health.live && !health.complete);
    assert_eq!(health.recovered_events, 2 * CYCLE_EVENTS);
    assert_eq!((health.lost_events, reader.lost()), (2 + 5, 7));
    assert!(health.damage.is_empty() && !health.is_whole());
    assert_eq!(reader.events(), 4 * 2 * CYCLE_EVENTS);
    assert_eq!(reader.rings_bytes(), 2 * CYCLE_SLOTS * SLOT_LEN as u64);
    assert_eq!(reader.clock().last(), sample::reading(9000));
    // The chunks made of the rings are like the others.
    let chunks = reader.chunks::<Lifecycle>();
    let last = chunks.last().unwrap();
    assert_eq!((chunks.len(), last.rows, last.t_min, last.t_max), (4, 10, 5000, 5061));
    assert_eq!(reader.read_chunk::<Lifecycle>(last).unwrap().len(), 10);
    let validation = validate(&scene.path).unwrap();
    assert!(validation.is_valid(), "{:?}", validation.errors);
    assert_eq!(validation.recovered_events, 20);
}

/// The writer died between writing chunks and their commit; half a frame is at the end.
#[test]
fn chunks_behind_the_last_commit_do_not_count_twice() {
    let mut sample = Sample::of_three_cycles(Codec::Zstd);
    let committed = sample.killed().len();
    sample.chunks();
    let bytes = sample.killed();
    let mut rings = drained_rings(3);
    rings[0].put_cycle(0, 5000);
    rings[1].put_cycle(1, 5001);
    for cut in (committed..=bytes.len()).rev().step_by(5) {
        let scene = Scene::new(&bytes[..cut], &rings);
        let reader = scene.open();
        assert_eq!(Rows::of(&reader), rows_after(4), "cut at {cut}");
        assert_eq!(reader.events(), 4 * 2 * CYCLE_EVENTS);
        assert_eq!(reader.health().damage, []);
        assert!(validate(&scene.path).unwrap().is_valid(), "cut at {cut}");
    }
}

/// The writer died between the commit and telling the rings.
#[test]
fn a_commit_counts_before_the_rings_know_of_it() {
    let mut sample = Sample::of_three_cycles(Codec::Zstd);
    sample.chunks();
    sample.commit();
    let mut rings = drained_rings(3);
    rings[0].put_cycle(0, 5000);
    rings[1].put_cycle(1, 5001);
    let reader = Scene::new(&sample.killed(), &rings).open();
    assert_eq!(Rows::of(&reader), rows_after(4));
    assert_eq!((reader.events(), reader.health().recovered_events), (4 * 2 * CYCLE_EVENTS, 0));
}

/// The last commit is damaged; that the rings were drained farther than the one before proves that there was one.
#[test]
fn a_damaged_commit_is_known_by_the_rings() {
    let mut sample = Sample::of_three_cycles(Codec::Zstd);
    sample.chunks();
    let before = sample.killed().len();
    sample.commit();
    let after = sample.killed().len();
    sample.chunks();
    let bytes = sample.killed();
    let mut rings = drained_rings(4);
    rings[0].put_cycle(0, 6000);
    rings[1].put_cycle(1, 6001);
    // In the header, in the payload; with the chunks behind it and with half of them.
    for at in [before + 30, before + 70] {
        for end in [after, bytes.len() - 100, bytes.len()] {
            let mut bytes = bytes[..end].to_vec();
            bytes[at] ^= 1;
            let reader = Scene::new(&bytes, &rings).open();
            let mut rows = Rows::of(&reader);
            assert_eq!(rows.errors, [""; 0]);
            let mut expected = rows_after(5);
            // Chunks are in the order of writing either way.
            rows.errors.clear();
            expected.errors.clear();
            assert_eq!(rows, expected, "flipped {at}, cut at {end}");
            assert_eq!(reader.events(), 5 * 2 * CYCLE_EVENTS, "flipped {at}, cut at {end}");
            assert!(!reader.health().damage.is_empty());
        }
    }
}

#[test]
fn rings_that_start_late_are_not_taken_for_drained() {
    let mut sample = Sample::of_three_cycles(Codec::Zstd);
    let committed = sample.killed().len();
    sample.chunks();
    let mut rings = drained_rings(3);
    rings[0].put_cycle(0, 5000);
    rings[1].put_cycle(1, 5001);
    let mut late = Ring::new(2, 3 * CAPACITY);
    late.put(&sample::born(sample::SESSION, 7777, 0, 0));
    rings.push(late);
    for bytes in [&sample.killed()[..committed], &sample.killed()] {
        let reader = Scene::new(bytes, &rings).open();
        assert_eq!(reader.events(), 4 * 2 * CYCLE_EVENTS + 1);
        let rows = Rows::of(&reader);
        let last = rows.lifecycle.last().unwrap();
        assert_eq!((last.value, last.thread, last.ts), (value_id(2, 48), 2, 7777));
    }
}

/// Cuts the last wide event between its slots, at the end and before the end of the ring.
#[test]
fn a_torn_event_is_no_event() {
    let sample = Sample::of_three_cycles(Codec::Zstd);
    for events_before in 0..CAPACITY - 2 {
        let mut rings = drained_rings(3);
        for ts in 0..events_before {
            rings[0].put(&sample::born(sample::SESSION, 5000 + ts, 0, 0));
        }
        let torn = rings[0].position;
        rings[0].put(&sample::born_wide(sample::VECTOR, 5500, 1 << 40, 1 << 41, 0x1000));
        let whole = Scene::new(&sample.killed(), &rings).open();
        assert_eq!(whole.health().recovered_events, events_before + 1);
        let containers = Rows::of(&whole).container;
        let last = containers.last().unwrap();
        assert_eq!((last.len, last.capacity), (Some(1 << 40), Some(1 << 41)));

        rings[0].slots[((torn + 1) % CAPACITY) as usize] = Slot::default();
        let reader = Scene::new(&sample.killed(), &rings).open();
        assert_eq!(reader.health().recovered_events, events_before);
        assert!(reader.health().damage.is_empty(), "{:?}", reader.health());
        assert_eq!(Rows::of(&reader).lifecycle.len() as u64, 30 + events_before);
    }
}

/// A full ring, over the seam of a lap, with padding.
#[test]
fn laps_and_pads_are_passed() {
    let sample = Sample::of_three_cycles(Codec::Zstd);
    let mut rings = drained_rings(3);
    assert_ne!(rings[0].position % CAPACITY, 0);
    let pad = RawEvent {
        first: Slot { header: SlotHeader::new(0, RawKind::Pad, 0, 0).0, ..Slot::default() },
        second: None,
    };
    for step in 0..CAPACITY {
        let event = sample::born(sample::SESSION, 5000 + step, 0, 0);
        rings[0].put(if step % 5 == 4 { &pad } else { &event });
    }
    let reader = Scene::new(&sample.killed(), &rings).open();
    assert_eq!(reader.health().recovered_events, CAPACITY - CAPACITY / 5);
    let rows = Rows::of(&reader);
    let times: Vec<_> = rows.lifecycle[30..].iter().map(|row| row.ts - 5000).collect();
    assert_eq!(times, [0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 15]);
    assert!(rows.lifecycle[30..].iter().all(|row| row.kind == LifecycleKind::Born));
    let values: Vec<_> =
        rows.lifecycle[30..].iter().map(|row| row.value - rings[0].drained).collect();
    assert_eq!(values, times);
}

#[test]
fn gaps_and_events_that_mean_nothing_are_reported() {
    let sample = Sample::of_three_cycles(Codec::Zstd);
    let mut rings = drained_rings(3);
    for (step, hook) in [(0, sample::SESSION), (1, 99), (2, sample::SESSION), (3, 1), (4, 2)] {
        rings[1].put(&sample::born(hook, 5000 + step, 0, 0));
    }
    let hole = rings[1].drained + 2;
    rings[1].slots[(hole % CAPACITY) as usize] = Slot::default();
    let reader = Scene::new(&sample.killed(), &rings).open();
    assert_eq!(reader.health().recovered_events, 3);
    assert_eq!(reader.health().lost_events, 2 + 1);
    let what: Vec<_> = reader.health().damage.iter().map(|damage| &*damage.what).collect();
    assert_eq!(
        what,
        ["1 events that mean nothing in ring 1", "1 unwritten slots between events in ring 1",]
    );
    assert!(!reader.health().is_whole());
}

#[test]
fn while_the_writer_lives_only_what_is_committed_counts() {
    let mut sample = Sample::of_three_cycles(Codec::Zstd);
    sample.chunks();
    let bytes = sample.killed();
    let mut rings = drained_rings(3);
    rings[0].put_cycle(0, 5000);
    let scene = Scene::new(&bytes[..bytes.len() - 10], &rings);
    let writer = File::options().read(true).write(true).open(rings_path(&scene.path)).unwrap();
    writer.lock().unwrap();
    let reader = scene.open();
    assert!(reader.health().live && !reader.health().recovered && reader.health().is_whole());
    assert_eq!(Rows::of(&reader), rows_after(3));
    assert_eq!(reader.events(), 3 * 2 * CYCLE_EVENTS);
    assert!(validate(&scene.path).unwrap().is_valid());
    drop(writer);
    let reader = scene.open();
    assert!(!reader.health().live && reader.health().recovered);
    assert_eq!(reader.health().recovered_events, CYCLE_EVENTS);
}

#[test]
fn a_closed_capture_with_rings_left_counts_what_is_behind_its_last_commit() {
    let sample = Sample::of_three_cycles(Codec::Zstd);
    let mut rings = drained_rings(3);
    let bytes = sample.finish();
    let reader = Scene::new(&bytes, &rings).open();
    assert!(reader.health().complete);
    assert_eq!((reader.health().recovered_events, Rows::of(&reader)), (0, rows_after(3)));
    rings[1].put(&sample::born(sample::SESSION, 5000, 0, 0));
    let reader = Scene::new(&bytes, &rings).open();
    assert_eq!((reader.health().recovered_events, reader.events()), (1, 61));
}

#[test]
fn rings_of_another_capture_or_damaged_ones_are_not_used() {
    let mut sample = Sample::of_three_cycles(Codec::Zstd);
    sample.chunks();
    let rings = drained_rings(3);
    let scene = Scene::new(&sample.killed(), &rings);
    let bytes = rings_file(&rings);
    let with = |at: usize, value: &[u8]| {
        let mut changed = bytes.clone();
        changed[at..at + value.len()].copy_from_slice(value);
        changed
    };
    // Without usable rings all whole chunks count.
    scene.put_rings(&with(16, b"another"));
    let reader = scene.open();
    assert_eq!((reader.events(), reader.health().recovered), (80, false));
    assert_eq!(reader.health().damage, []);
    for damaged in [
        with(0, b"x"),
        with(8, &7_u32.to_le_bytes()),
        with(32, &u64::MAX.to_le_bytes()),
        with(32, &0_u64.to_le_bytes()),
        with(40, &u64::MAX.to_le_bytes()),
        bytes[..100].to_vec(),
        Vec::new(),
    ] {
        scene.put_rings(&damaged);
        let reader = scene.open();
        assert_eq!((reader.events(), reader.health().recovered), (80, false));
        assert_eq!(reader.health().damage.len(), 1);
        assert!(!validate(&scene.path).unwrap().is_valid());
    }
    // A ring that is cut off, and one that claims to be far ahead.
    scene.put_rings(&bytes[..bytes.len() - 1]);
    let reader = scene.open();
    assert!(
        reader.health().damage[0].what.contains("1 rings are missing"),
        "{:?}",
        reader.health()
    );
    scene.put_rings(&with(RINGS_HEADER_LEN + 8, &u64::MAX.to_le_bytes()));
    assert!(scene.open().health().damage[0].what.contains("claims the position"));
}

/// Every bit of the rings file: nothing panics, and rows are only ever lost or changed within the ring's own events.
#[test]
fn any_damage_in_the_rings_is_survived() {
    let sample = Sample::of_three_cycles(Codec::Zstd);
    let mut rings = drained_rings(3);
    rings[0].put_cycle(0, 5000);
    let scene = Scene::new(&sample.killed(), &rings[..1]);
    let bytes = rings_file(&rings[..1]);
    let committed = rows_after(3);
    let headers = (0..128).chain(RINGS_HEADER_LEN..RINGS_HEADER_LEN + 32);
    let slots = RINGS_HEADER_LEN + RING_HEADER_LEN..bytes.len();
    for at in headers.chain(slots) {
        for bit in [0, 3, 7] {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            scene.put_rings(&changed);
            match Reader::open(&scene.path) {
                Ok(reader) => {
                    let rows = Rows::of(&reader);
                    assert!(committed.are_part_of(&rows), "bit {bit} of byte {at}");
                }
                Err(error) => {
                    assert!(matches!(error, Error::Io(_)), "bit {bit} of byte {at}: {error}")
                }
            }
        }
    }
}

#[test]
fn the_lap_mark_is_never_that_of_an_unwritten_slot() {
    for position in [0, CAPACITY - 1, CAPACITY, CAPACITY * 0xFFFE, CAPACITY * 0xFFFF, u64::MAX] {
        assert_ne!(lap_mark(position, CAPACITY), 0);
    }
}
