//! Events of hooks that record one value in some: what they stand for stays with their rows, whatever becomes of the capture.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::sample;
use memscope_format::raw::{RawChunk, flags};
use memscope_format::rows::{DropChain, LeftOut, Lifecycle};
use memscope_format::{
    Batch, Codec, Commit, Defs, Event, FileHeader, HookTable, Merge, Metadata, Reader, Writer,
};
use sample::{CAPACITY, SESSION, SHARED, Sample, VECTOR, sampled_defs};
use std::path::Path;

/// The rows of a stream, with what each stands for.
fn weighted<R: Event>(reader: &Reader) -> Vec<(R, u64)> {
    let chunks = reader.chunks::<R>();
    let rows = chunks.iter().flat_map(|chunk| {
        let rows = reader.read_chunk::<R>(chunk).unwrap();
        rows.into_iter().zip(reader.weights::<R>(chunk).unwrap())
    });
    rows.collect()
}

fn weight_of(site: u32) -> u64 {
    match site {
        VECTOR => 7,
        SESSION => 3,
        _ => 1,
    }
}

fn open(directory: &Path, name: &str, bytes: &[u8]) -> Reader {
    sample::open(&directory.join(name), bytes).unwrap()
}

#[test]
fn rows_of_sampled_hooks_have_the_weight_of_their_rate() {
    let directory = tempfile::tempdir().unwrap();
    for raw in [false, true] {
        let mut sample = Sample::with(Codec::Zstd, &sampled_defs());
        if raw {
            sample.raw(Codec::Zstd)
        } else {
            sample.chunks()
        }
        sample.commit();
        let reader = open(directory.path(), "x.memscope", &sample.finish());
        assert_eq!(reader.defs().rates, sampled_defs().rates);
        let births = weighted::<Lifecycle>(&reader);
        assert!(births.iter().any(|(row, _)| row.site == SHARED));
        assert!(births.iter().all(|(row, weight)| *weight == weight_of(row.site)), "{births:?}");
        let drops = weighted::<DropChain>(&reader);
        assert!(drops.iter().all(|(row, weight)| *weight == weight_of(row.site)), "{drops:?}");
        let states = weighted::<memscope_format::rows::Container>(&reader);
        assert!(states.iter().all(|(row, weight)| *weight == weight_of(row.site)), "{states:?}");
    }
}

#[test]
fn a_rate_that_comes_before_or_after_its_hook_is_known() {
    let all = sampled_defs();
    let rates = Defs { rates: all.rates.clone(), ..Default::default() };
    let rest = Defs { rates: Vec::new(), ..all };
    for order in [[&rates, &rest], [&rest, &rates]] {
        let mut hooks = HookTable::new();
        order.iter().for_each(|defs| hooks.extend(defs));
        // As a checkpoint repeats them.
        hooks.extend(&rest);
        let mut batch = Batch::new(Codec::None);
        let (first, second) = sample::marked(&sample::born(VECTOR, 5, 0, 0), 1, CAPACITY);
        batch.push(&hooks, 0, 1, 1, &first, second.as_ref()).unwrap();
        let mut writer = Writer::new(Vec::new(), &sample::file_header(Codec::None)).unwrap();
        for frame in batch.seal() {
            writer.append(&frame).unwrap();
        }
        let directory = tempfile::tempdir().unwrap();
        let reader = open(directory.path(), "x.memscope", &writer.finish().unwrap());
        assert_eq!(weighted::<Lifecycle>(&reader)[0].1, 7);
    }
}

#[test]
fn what_was_left_out_around_a_drop_is_told_by_chunks_and_raw_frames() {
    let mut hooks = HookTable::new();
    hooks.extend(&sampled_defs());
    let left_out = LeftOut::AROUND.and(LeftOut::UNTIMED_WITHIN);
    let bits = flags::DROPPED | 5 << flags::LEFT_OUT_SHIFT;
    let events =
        [sample::end(SHARED, bits, 50, 9, 3, 0), sample::end(SHARED, flags::DROPPED, 60, 8, 3, 0)];
    let mut batch = Batch::new(Codec::None);
    let mut raw = RawChunk::new(0, 1);
    for (event, position) in events.iter().zip(1..) {
        let (first, second) = sample::marked(event, position, CAPACITY);
        batch.push(&hooks, 0, 1, position, &first, second.as_ref()).unwrap();
        raw.push(&hooks, position, &first, second.as_ref()).unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    for frame in [batch.seal().remove(0), raw.seal(Codec::None).unwrap()] {
        let mut writer = Writer::new(Vec::new(), &sample::file_header(Codec::None)).unwrap();
        writer.metadata(&sample::metadata()).unwrap();
        writer.define(&sampled_defs()).unwrap();
        writer.append(&frame).unwrap();
        let reader = open(directory.path(), "x.memscope", &writer.finish().unwrap());
        let found: Vec<_> = reader.rows::<DropChain>().map(|row| row.unwrap().left_out).collect();
        assert_eq!(found, [left_out, LeftOut::default()]);
    }
}

#[test]
fn a_chunk_of_which_nothing_was_left_out_has_no_column_for_it() {
    let chunk = |left_out| {
        let mut chunk = memscope_format::Chunk::new();
        let mut sample = Sample::new(Codec::None);
        sample.chunks();
        let directory = tempfile::tempdir().unwrap();
        let reader = open(directory.path(), "x.memscope", &sample.finish());
        for row in reader.rows::<DropChain>() {
            chunk.push(&DropChain { left_out, ..row.unwrap() }).unwrap();
        }
        chunk.seal(Codec::None).unwrap().frame_len()
    };
    // An entry of the directory is 16 bytes.
    assert!(chunk(LeftOut::WITHIN) >= chunk(LeftOut::default()) + 16);
}

#[test]
fn two_recordings_with_other_rates_are_merged_with_both() {
    let directory = tempfile::tempdir().unwrap();
    let recording = |number: u8, defs: &Defs| {
        let mut writer =
            Writer::new(Vec::new(), &FileHeader::new([number; 16], 0, Codec::Zstd)).unwrap();
        writer.metadata(&Metadata { pid: number.into(), ..sample::metadata() }).unwrap();
        writer.define(defs).unwrap();
        let mut hooks = HookTable::new();
        hooks.extend(defs);
        let mut batch = Batch::new(Codec::Zstd);
        for (hook, position) in [(VECTOR, 1), (SHARED, 2)] {
            let (first, _) = sample::marked(&sample::born(hook, 5, 0, 0), position, CAPACITY);
            batch.push(&hooks, 0, 1, position, &first, None).unwrap();
        }
        for frame in batch.seal() {
            writer.append(&frame).unwrap();
        }
        let clock = sample::reading(1000);
        let commit = Commit { cycle: 1, clock, events: 2, lost: 0, rings: Vec::new() };
        writer.commit(&commit).unwrap();
        open(directory.path(), &format!("{number}.memscope"), &writer.finish().unwrap())
    };
    let captures = [recording(1, &sample::defs()), recording(2, &sampled_defs())];
    let (_, bytes) = Merge::default().write(&captures, Vec::new(), |_, _| {}).unwrap();
    let merged = open(directory.path(), "merged.memscope", &bytes);
    let defs = merged.defs();
    let rate = |hook: u32| defs.rates.iter().find(|rate| rate.hook == hook).map(|rate| rate.one_in);
    let name = |site| defs.site(site).unwrap().name.clone();
    let hooks = defs.hooks.iter().map(|hook| (name(hook.site), rate(hook.id)));
    let mut hooks: Vec<_> = hooks.filter(|(name, _)| name != "Session").collect();
    hooks.sort();
    let expected = [
        ("main::marker", None),
        ("main::shared", None),
        ("main::vector", None),
        ("main::vector", Some(7)),
    ];
    assert_eq!(hooks, expected.map(|(name, rate)| (name.to_owned(), rate)));
    let births = weighted::<Lifecycle>(&merged);
    let births = births.iter().map(|(row, weight)| (name(row.site), *weight));
    let mut births: Vec<_> = births.collect();
    births.sort();
    let expected =
        [("main::shared", 1), ("main::shared", 1), ("main::vector", 1), ("main::vector", 7)];
    assert_eq!(births, expected.map(|(name, weight)| (name.to_owned(), weight)));
}
