//! Any rows become bytes and the same rows again, whatever the stream, the codec and the cut into chunks.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::sample;
use memscope_format::rows::Lifecycle;
use memscope_format::{Chunk, Codec, Compression, Event, Reader, Stream, StreamVisitor, Writer};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use std::fmt::Debug;

/// Numbers of all sizes, small ones and neighbours often.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0_u64..4,
        (any::<u64>(), 0_u32..64).prop_map(|(number, shift)| number >> shift),
        Just(u64::MAX),
    ]
}

/// Rows of any stream: words of all sizes, as far as the columns take them.
fn row<R: Event>() -> impl Strategy<Value = R> {
    prop::collection::vec(number(), R::COLUMNS.len()).prop_map(|numbers| {
        let mut words = R::Words::default();
        words.as_mut().copy_from_slice(&numbers);
        let mut attempts = 0;
        loop {
            match R::from_words(&words) {
                Ok(row) => return row,
                Err(place) => {
                    let word = &mut words.as_mut()[place];
                    // An id of 32 bits, else one of a variant; 1 is one everywhere.
                    *word = match *word {
                        0 => 1,
                        _ if attempts > 2 * R::COLUMNS.len() => 1,
                        large if large > u64::from(u32::MAX) => large & u64::from(u32::MAX),
                        other => 1 + other % 17,
                    };
                    attempts += 1;
                }
            }
        }
    })
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
            .map(|row| R::TIME.map_or(0, |place| row.to_words().as_ref()[place]))
            .collect();
        prop_assert_eq!(times.iter().min(), Some(&chunk.t_min));
        prop_assert_eq!(times.iter().max(), Some(&chunk.t_max));
    }
    Ok(())
}

/// All codecs of this build, and the presets.
fn codec() -> impl Strategy<Value = Compression> {
    let codecs = Codec::ALL.into_iter().filter(|codec| codec.is_available());
    let presets =
        [Compression::high_performance(), Compression::auto(), Compression::memory_efficient()];
    select(codecs.map(Compression::from).chain(presets).collect::<Vec<_>>())
}

/// Checks random rows of a stream, as random chunks in random codecs.
struct ComeBack;

impl StreamVisitor for ComeBack {
    type Output = ();

    fn visit<R: Event>(&mut self) {
        let cases = (rows(row::<R>()), codec(), 1_usize..700);
        let mut runner = TestRunner::new(ProptestConfig::with_cases(40));
        let result = runner.run(&cases, |(rows, codec, chunk)| comes_back(&rows, codec, chunk));
        if let Err(error) = result {
            panic!("{}: {error}", R::STREAM.name());
        }
    }
}

#[test]
fn rows_of_every_stream_come_back() {
    for stream in Stream::ALL {
        stream.visit(&mut ComeBack);
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
        batch.push(&hooks, 3, 1, position, &slot, None).unwrap();
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
