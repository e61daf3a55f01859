//! Any rows become bytes and the same rows again, whatever the stream, the codec and the cut into chunks.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod sample;

use memscope_format::defs::ContainerKind;
use memscope_format::rows::{
    Container, DropChain, Lifecycle, LifecycleKind, Outcome, SnapshotReason, Zst,
};
use memscope_format::{Chunk, Codec, Compression, Event, Reader, Writer};
use proptest::prelude::*;
use proptest::sample::select;
use std::fmt::Debug;

/// Numbers of all sizes, small ones and neighbours often.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0_u64..4,
        (any::<u64>(), 0_u32..64).prop_map(|(number, shift)| number >> shift),
        Just(u64::MAX),
    ]
}

/// What an optional number can be: the greatest is not told from none.
fn optional() -> impl Strategy<Value = Option<u64>> {
    prop::option::of(number().prop_map(|number| number.min(u64::MAX - 1)))
}

fn id() -> impl Strategy<Value = u32> {
    prop_oneof![0_u32..9, any::<u32>()]
}

prop_compose! {
    fn lifecycle()(
        ts in number(),
        kind in select(LifecycleKind::ALL.to_vec()),
        site in id(),
        type_id in id(),
        value in number(),
        origin in number(),
        thread in id(),
    ) -> Lifecycle {
        Lifecycle { ts, kind, site, type_id, value, origin, thread }
    }
}

prop_compose! {
    fn container()(
        (ts, value, element_size, thread) in (number(), number(), id(), id()),
        (site, type_id, field) in (id(), id(), id()),
        kind in select(ContainerKind::ALL.to_vec()),
        reason in select(SnapshotReason::ALL.to_vec()),
        (len, capacity, addr) in (optional(), optional(), optional()),
        (strong, weak) in (optional(), optional()),
    ) -> Container {
        Container {
            ts, value, site, type_id, field, kind, reason, len, capacity, element_size, addr, strong, weak,
            thread,
        }
    }
}

prop_compose! {
    fn drop_chain()(
        (ts, value) in (number(), number()),
        duration in optional(),
        (site, type_id, depth, thread) in (id(), id(), id(), id()),
        outcome in select(Outcome::ALL.to_vec()),
        panicking: bool,
    ) -> DropChain {
        DropChain { ts, duration, value, site, type_id, depth, outcome, panicking, thread }
    }
}

/// Runs of equal rows, as programs make them, between all others.
fn rows<R: Debug + Clone>(row: impl Strategy<Value = R>) -> impl Strategy<Value = Vec<R>> {
    prop::collection::vec((row, 1_usize..40), 0..60).prop_map(|runs| {
        runs.into_iter().flat_map(|(row, times)| std::iter::repeat_n(row, times)).collect()
    })
}

fn comes_back<R: Event + Debug + PartialEq>(
    rows: &[R],
    compression: Compression,
    chunk_rows: usize,
) -> Result<(), TestCaseError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let mut writer = Writer::new(Vec::new(), &sample::file_header(compression.codec)).unwrap();
    let mut chunk = Chunk::new();
    let mut chunks = 0;
    for part in rows.chunks(chunk_rows) {
        for row in part {
            chunk.push(row).unwrap();
        }
        prop_assert_eq!(chunk.len(), part.len());
        writer.append(&chunk.seal(compression).unwrap()).unwrap();
        prop_assert!(chunk.is_empty() && chunk.seal(compression).is_none());
        chunks += 1;
    }
    let reader = sample::open(&path, &writer.finish().unwrap()).unwrap();
    let back = reader.rows().collect::<Result<Vec<R>, _>>().unwrap();
    prop_assert_eq!(back.as_slice(), rows);
    prop_assert_eq!(reader.chunks::<R>().len(), chunks);
    for chunk in reader.chunks::<R>() {
        let times: Vec<u64> = reader
            .read_chunk::<R>(&chunk)
            .unwrap()
            .iter()
            .map(|row| row.to_words().as_ref()[R::TIME.unwrap()])
            .collect();
        prop_assert_eq!(times.iter().min(), Some(&chunk.t_min));
        prop_assert_eq!(times.iter().max(), Some(&chunk.t_max));
    }
    Ok(())
}

/// All codecs of this build, and the presets.
fn codec() -> impl Strategy<Value = Compression> {
    let codecs = Codec::ALL.into_iter().filter(|codec| codec.is_available());
    let presets = [Compression::high_performance(), Compression::memory_efficient()];
    select(codecs.map(Compression::from).chain(presets).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lifecycle_rows(rows in rows(lifecycle()), codec in codec(), chunk in 1_usize..700) {
        comes_back(&rows, codec, chunk)?;
    }

    #[test]
    fn zst_rows(rows in rows(lifecycle().prop_map(Zst)), codec in codec(), chunk in 1_usize..700) {
        comes_back(&rows, codec, chunk)?;
    }

    #[test]
    fn container_rows(rows in rows(container()), codec in codec(), chunk in 1_usize..700) {
        comes_back(&rows, codec, chunk)?;
    }

    #[test]
    fn drop_chain_rows(rows in rows(drop_chain()), codec in codec(), chunk in 1_usize..700) {
        comes_back(&rows, codec, chunk)?;
    }
}

/// A chunk takes 65,536 rows; a batch goes on with the next.
#[test]
fn a_full_chunk_is_sealed_by_the_batch() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let mut hooks = memscope_format::HookTable::new();
    hooks.extend(&sample::defs());
    let mut batch = memscope_format::Batch::new(Codec::Zstd);
    let events = 200_000;
    for position in 0..events {
        let (slot, _) =
            sample::marked(&sample::born(sample::VECTOR, 5 * position, 0, 0), position, 1 << 20);
        batch.push(&hooks, 3, 1, position, slot, None).unwrap();
    }
    assert_eq!(batch.events, events);
    let mut writer = Writer::new(Vec::new(), &sample::file_header(Codec::Zstd)).unwrap();
    for frame in batch.seal() {
        writer.append(&frame).unwrap();
    }
    assert_eq!((batch.events, batch.seal()), (0, vec![]));
    std::fs::write(&path, writer.sink()).unwrap();
    let reader = Reader::open(&path).unwrap();
    let rows: Vec<_> = reader.chunks::<Lifecycle>().iter().map(|chunk| chunk.rows).collect();
    assert_eq!(rows, [65_536, 65_536, 65_536, 3_392]);
    for (position, row) in (0..).zip(reader.rows::<Lifecycle>()) {
        let row = row.unwrap();
        assert_eq!((row.ts, row.value & 0xFFFF_FFFF_FFFF), (5 * position, position));
    }
}
