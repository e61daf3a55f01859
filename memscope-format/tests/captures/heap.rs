//! Events of the allocator mean what the specification says.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::sample;
use memscope_format::defs::Defs;
use memscope_format::raw::{RawChunk, RawKind, value_id};
use memscope_format::rows::{DropChain, Heap, HeapKind};
use memscope_format::{Batch, Chunk, Codec, Event, HookTable, Reader, Sealed, Writer};

fn capture(defs: &Defs, frames: impl IntoIterator<Item = Sealed>) -> Reader {
    let mut writer = Writer::new(Vec::new(), &sample::file_header(Codec::None)).unwrap();
    writer.define(defs).unwrap();
    for frame in frames {
        writer.append(&frame).unwrap();
    }
    Reader::from_bytes(writer.finish().unwrap()).unwrap()
}

fn weights<R: Event>(reader: &Reader) -> Vec<u64> {
    reader.chunks::<R>().iter().flat_map(|chunk| reader.weights::<R>(chunk).unwrap()).collect()
}

/// The rows of frames, and what each stands for.
fn rows(frames: impl IntoIterator<Item = Sealed>) -> Vec<(Heap, u64)> {
    let reader = capture(&Defs::default(), frames);
    reader.rows::<Heap>().map(Result::unwrap).zip(weights::<Heap>(&reader)).collect()
}

fn expected() -> Vec<(Heap, u64)> {
    let plain = |ts, kind, addr, size| Heap {
        ts,
        kind,
        block: None,
        addr,
        size,
        old_size: None,
        align: 8,
        site: None,
        stack: None,
        thread: 6,
        old_addr: None,
    };
    let begins = |position| Some(value_id(3, position));
    let moved = |row, addr, size| Heap { old_addr: Some(addr), old_size: Some(size), ..row };
    let alloc = plain(3000, HeapKind::Alloc, 0x7F00_0010, 64);
    let zeroed = plain(3001, HeapKind::AllocZeroed, 0x7F00_1000, 1 << 40);
    let grown = moved(plain(3002, HeapKind::Realloc, 0x7F00_0010, 256), 0x7F00_0010, 64);
    let elsewhere = moved(plain(3003, HeapKind::Realloc, 0x7F00_9000, 1 << 33), 0x7F00_0010, 256);
    let sampled = plain(3004, HeapKind::Alloc, 0x7F00_0010, 24);
    let freed = plain(3005, HeapKind::Free, 0x7F00_0010, 24);
    let last = plain(3006, HeapKind::Free, 0x7F00_9000, 1 << 33);
    let odd = plain(3007, HeapKind::Alloc, 0x7F00_0000, 0);
    vec![
        (Heap { block: begins(0), site: Some(1), ..alloc }, 1),
        (Heap { block: begins(2), align: 4096, ..zeroed }, 1),
        (Heap { site: Some(2), ..grown }, 1),
        (Heap { site: Some(2), ..elsewhere }, 1),
        (Heap { block: begins(8), site: Some(1), align: 1, ..sampled }, 21_000),
        (Heap { align: 1, ..freed }, 21_000),
        (Heap { site: Some(4), ..last }, 1),
        (Heap { block: begins(14), site: Some(4), align: 1 << 31, ..odd }, 1),
    ]
}

#[test]
fn a_block_is_told_of_without_a_hook_in_chunks_and_as_it_was_written() {
    // No hook is defined: blocks need none.
    let hooks = HookTable::new();
    let mut batch = Batch::new(Codec::Zstd);
    let mut raw = RawChunk::new(3, 6);
    for (event, position) in sample::blocks().iter().zip((0..).step_by(2)) {
        let (first, second) = sample::marked(event, position, 64);
        batch.push(&hooks, 3, 6, position, &first, second.as_ref()).unwrap();
        raw.push(&hooks, position, &first, second.as_ref()).unwrap();
    }
    assert_eq!(batch.events, 8);
    assert_eq!(rows(batch.seal()), expected());
    assert_eq!(rows(raw.seal(Codec::Zstd)), expected());
}

#[test]
fn a_weight_that_no_row_can_have_is_the_greatest() {
    let mut batch = Batch::new(Codec::None);
    let event = sample::block(0, RawKind::Free, 0, [1, 2, 3], Some(u64::MAX));
    batch.push(&HookTable::new(), 0, 1, 0, &event.first, event.second.as_ref()).unwrap();
    assert_eq!(rows(batch.seal())[0].1, u64::from(u32::MAX));
}

#[test]
fn old_addresses_take_no_place_where_there_are_none() {
    let row = expected()[0].0;
    let stored = |row: Heap| {
        let mut chunk = Chunk::new();
        (0..1000).for_each(|ts| chunk.push(&Heap { ts, ..row }).unwrap());
        let sealed = chunk.seal(Codec::None).unwrap();
        (sealed.frame_len(), rows([sealed]).into_iter().map(|(row, _)| row.old_addr).next_back())
    };
    let (without, none) = stored(row);
    let (with, some) = stored(Heap { old_addr: Some(1 << 40), ..row });
    assert_eq!((none, some), (Some(None), Some(Some(1 << 40))));
    assert!(without < with, "{without} {with}");
}

#[test]
fn blocks_and_slow_drops_name_their_stacks_in_chunks_and_as_they_were_written() {
    let mut hooks = HookTable::new();
    hooks.extend(&sample::sampled_defs());
    let mut batch = Batch::new(Codec::Zstd);
    let mut raw = RawChunk::new(3, 6);
    for (event, position) in sample::with_stacks().iter().zip((0..).step_by(2)) {
        let (first, second) = sample::marked(event, position, 64);
        batch.push(&hooks, 3, 6, position, &first, second.as_ref()).unwrap();
        raw.push(&hooks, position, &first, second.as_ref()).unwrap();
    }
    for frames in [batch.seal(), raw.seal(Codec::Zstd).into_iter().collect()] {
        let reader = capture(&sample::sampled_defs(), frames);
        let blocks = reader.rows::<Heap>().map(|row| row.unwrap().stack);
        assert_eq!(blocks.collect::<Vec<_>>(), [Some(1), Some(2), Some(1), None]);
        assert_eq!(weights::<Heap>(&reader), [700, 1, 1, 700]);
        let drops = reader.rows::<DropChain>().map(|row| row.unwrap().stack);
        let stacks = [Some(1), None, Some(u32::MAX), Some(2), None];
        assert_eq!(drops.collect::<Vec<_>>(), stacks);
        assert_eq!(weights::<DropChain>(&reader), [1, 1, 1, 3, 3]);
    }
}
