//! Reading a part of a capture: what is selected is what a filter would leave, and the rest is not touched.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::sample;
use memscope_format::rows::{Container, Lifecycle, LifecycleKind, Zst};
use memscope_format::writer::{Checkpoints, WriterOptions};
use memscope_format::{Chunk, Codec, Commit, Error, Event, Reader, Source, Writer};
use sample::{Rows, Sample};
use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that count how many of them are read.
#[derive(Clone)]
struct Counted {
    bytes: Arc<Vec<u8>>,
    read: Arc<AtomicU64>,
}

impl Counted {
    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: Arc::new(bytes), read: Arc::default() }
    }

    /// The share of all bytes that was read since this was asked last.
    fn share(&self) -> f64 {
        self.read.swap(0, Ordering::Relaxed) as f64 / self.bytes.len() as f64
    }
}

impl Source for Counted {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self.bytes.get(offset as usize..).unwrap_or_default();
        let len = bytes.len().min(rest.len());
        bytes[..len].copy_from_slice(&rest[..len]);
        self.read.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}

/// The rows of a program of four threads and fifty sites, of which one is only seen near the middle.
const RARE: u32 = 99;

fn row(number: u64) -> Lifecycle {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let rare = number / 64 == 2000;
    let site = if rare { RARE } else { (mixed % 50) as u32 };
    Lifecycle {
        ts: 1000 + number * 10 + mixed % 7,
        kind: LifecycleKind::ALL[(mixed / 50 % 4) as usize],
        site,
        type_id: site + 100,
        value: number * 3 + mixed % 1000,
        origin: 0,
        thread: 1 + (number / 100 % 4) as u32,
    }
}

const ROWS: u64 = 400_000;

/// A large capture for its chunks: a thousand of LIFECYCLE, and CONTAINER and ZST beside them.
fn large(closed: bool, commits: bool) -> Vec<u8> {
    let options = WriterOptions {
        checkpoints: Checkpoints { bytes: 1 << 20, ..Checkpoints::default() },
        ..WriterOptions::default()
    };
    let header = sample::file_header(Codec::Zstd);
    let mut writer = Writer::with(Vec::new(), &header, options).unwrap();
    writer.metadata(&sample::metadata()).unwrap();
    writer.define(&sample::defs()).unwrap();
    let mut lifecycle = Chunk::<Lifecycle>::new();
    let mut zst = Chunk::<Zst>::new();
    let mut container = Chunk::<Container>::new();
    let state =
        Rows::of(&Reader::from_bytes(Sample::of_three_cycles(Codec::None).finish()).unwrap())
            .container[0];
    for number in 0..ROWS {
        let row = row(number);
        lifecycle.push(&row).unwrap();
        zst.push(&Zst(Lifecycle { site: row.site / 2, ..row })).unwrap();
        let Lifecycle { ts, site, type_id, thread, value, .. } = row;
        let addr = Some(value.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20);
        container.push(&Container { ts, site, type_id, thread, value, addr, ..state }).unwrap();
        if number % 400 == 399 {
            writer.append(&lifecycle.seal(Codec::Zstd).unwrap()).unwrap();
            writer.append(&zst.seal(Codec::Zstd).unwrap()).unwrap();
            writer.append(&container.seal(Codec::Zstd).unwrap()).unwrap();
        }
        if number % 8000 == 7999 && commits {
            let events = 2 * number + 2;
            let clock = sample::reading(1000 + number * 10);
            let commit = Commit { cycle: number, clock, events, ..Commit::default() };
            writer.commit(&commit).unwrap();
        }
    }
    if closed { writer.finish().unwrap() } else { writer.sink().clone() }
}

#[test]
fn a_stream_or_a_time_is_read_without_the_bytes_of_the_others() {
    for (closed, commits) in [(true, true), (false, true), (true, false), (false, false)] {
        let bytes = Counted::new(large(closed, commits));
        let reader = Reader::opening().cache(0).source(bytes.clone()).unwrap();
        let opened = bytes.share();

        // Without commits, the column that tells births from other snapshots is read to count events.
        let limit = match (closed, commits) {
            (true, true) => 0.01,
            (false, true) => 0.15,
            _ => 0.25,
        };
        assert!(opened < limit, "{opened}");
        assert_eq!(reader.events(), 2 * ROWS);
        assert_eq!(reader.rows::<Lifecycle>().filter(Result::is_ok).count() as u64, ROWS);
        let stream = bytes.share();

        assert!(stream + if closed && commits { opened } else { 0.0 } <= 0.30, "{stream}");

        // A hundredth of the time.
        let (first, last) = (1000 + ROWS * 10 / 3, 1000 + ROWS * 10 / 3 + ROWS * 10 / 100);
        let selected = reader.select::<Lifecycle>().time(first..last).rows().unwrap();
        let selected: Vec<_> = selected.map(Result::unwrap).collect();
        let expected: Vec<_> =
            (0..ROWS).map(row).filter(|row| (first..last).contains(&row.ts)).collect();
        assert_eq!(selected, expected);
        let time = bytes.share();

        assert!(
            time + if closed && commits { opened } else { 0.0 } <= 0.02,
            "{time} after {opened}"
        );

        // A site that a few chunks have: of the others only what says so is read.
        let selected = reader.select::<Lifecycle>().site(RARE).rows().unwrap();
        assert_eq!(selected.filter(Result::is_ok).count(), 64);
        let site = bytes.share();
        assert!(site < stream / 2.0, "{site} of {stream}");

        // One column of many.
        let chunks = reader.columns::<Container>(&["site"]).unwrap();
        assert_eq!(chunks.map(|chunk| chunk.unwrap().rows as u64).sum::<u64>(), ROWS);
        let column = bytes.share();
        assert!(column < 0.25, "{column}");
    }
}

#[test]
fn a_selection_is_what_a_filter_leaves() {
    let reader = Reader::from_bytes(large(true, true)).unwrap();
    let all: Vec<Lifecycle> = (0..ROWS).map(row).collect();
    let middle = 1000 + ROWS * 5;
    let select = || reader.select::<Lifecycle>();
    type Keep = fn(&Lifecycle, u64) -> bool;
    let cases: [(_, Keep); 8] = [
        (select().site(7), |row, _| row.site == 7),
        (select().site(7).site(9).thread(2), |row, _| {
            [7, 9].contains(&row.site) && row.thread == 2
        }),
        (select().type_id(107), |row, _| row.type_id == 107),
        (select().type_id(107).site(8), |_, _| false),
        (select().time(..middle).thread(3), |row, middle| row.ts < middle && row.thread == 3),
        (select().time(middle..).time(..=middle + 50), |row, middle| {
            (middle..=middle + 50).contains(&row.ts)
        }),
        (select().time(middle..middle), |_, _| false),
        (select(), |_, _| true),
    ];
    for (number, (selection, keep)) in cases.into_iter().enumerate() {
        let found: Vec<_> = selection.rows().unwrap().map(Result::unwrap).collect();
        let expected: Vec<_> = all.iter().filter(|row| keep(row, middle)).copied().collect();
        assert!(found == expected, "{number}: {} and {} rows", found.len(), expected.len());
    }
    // Columns of the same rows.
    let columns = select().site(7).time(middle..).columns(&["ts", "weight", "kind"]).unwrap();
    let found: Vec<[u64; 3]> = columns
        .map(Result::unwrap)
        .flat_map(|chunk| {
            (0..chunk.rows)
                .map(move |row| [0, 1, 2].map(|column: usize| chunk.columns[column][row]))
        })
        .collect();
    let expected: Vec<[u64; 3]> = all
        .iter()
        .filter(|row| row.site == 7 && row.ts >= middle)
        .map(|row| [row.ts, 1, row.kind as u64])
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_condition_on_a_column_that_a_stream_lacks_is_refused() {
    let reader = Reader::from_bytes(Sample::of_three_cycles(Codec::Zstd).finish()).unwrap();
    let error = reader.select::<memscope_format::rows::Performance>().site(1).rows().err();
    assert!(matches!(error, Some(Error::UnknownColumn { .. })), "{error:?}");
    let error = reader.columns::<Lifecycle>(&["size"]).err();
    assert!(matches!(error, Some(Error::UnknownColumn { .. })), "{error:?}");
}

#[test]
fn threads_share_a_reader_and_find_what_one_finds() {
    let reader = Reader::from_bytes(large(true, true)).unwrap();
    let mut expected = BTreeMap::new();
    for row in (0..ROWS).map(row) {
        *expected.entry(row.site).or_insert(0_u64) += 1;
    }
    for threads in [1, 2, 7] {
        let threads = NonZeroUsize::new(threads).unwrap();
        let counts = reader.select::<Lifecycle>().par_map(threads, |chunk| {
            let mut counts = BTreeMap::new();
            for row in chunk.rows().unwrap() {
                *counts.entry(row.unwrap().site).or_insert(0_u64) += 1;
            }
            (chunk.chunk().t_min, counts)
        });
        let counts = counts.unwrap();
        assert_eq!(counts.len(), 1000);
        assert!(counts.is_sorted_by_key(|(t_min, _)| *t_min), "in the order of the chunks");
        let mut found = BTreeMap::new();
        for (site, rows) in counts.into_iter().flat_map(|(_, counts)| counts) {
            *found.entry(site).or_insert(0_u64) += rows;
        }
        assert_eq!(found, expected);
    }
}

#[test]
fn what_is_kept_is_not_read_again_and_bounded() {
    fn times<R: Event>(reader: &Reader) -> u64 {
        reader.rows::<R>().map(|row| row.unwrap().number("ts").unwrap()).sum()
    }
    let bytes = Counted::new(large(true, true));
    let reader = Reader::opening().cache(256 << 20).source(bytes.clone()).unwrap();
    let first = times::<Lifecycle>(&reader);
    bytes.share();
    assert_eq!(times::<Lifecycle>(&reader), first);
    assert_eq!(bytes.share(), 0.0, "all of it was kept");
    let columns = reader.columns::<Lifecycle>(&["ts"]).unwrap();
    assert_eq!(
        columns.map(|chunk| chunk.unwrap().columns[0].iter().sum::<u64>()).sum::<u64>(),
        first
    );
    assert!(bytes.share() < 0.2, "no more than the directories");

    let limit = 1 << 20;
    let reader = Reader::opening().cache(limit).source(bytes.clone()).unwrap();
    for _ in 0..2 {
        assert_eq!(times::<Lifecycle>(&reader), first);
        assert!(reader.cached_bytes() <= limit && reader.cached_bytes() > limit / 2);
    }
    let reader = Reader::opening().cache(0).source(bytes).unwrap();
    assert_eq!((times::<Lifecycle>(&reader), reader.cached_bytes()), (first, 0));
}

#[test]
fn a_raw_frame_is_decoded_once_for_all_its_streams() {
    let mut sample = Sample::new(Codec::Zstd);
    sample.raw(Codec::Zstd);
    sample.commit();
    let bytes = Counted::new(sample.finish());
    let reader = Reader::opening().cache(1 << 20).source(bytes.clone()).unwrap();
    bytes.share();
    let lifecycle: Vec<Lifecycle> = reader.rows().map(Result::unwrap).collect();
    let once = bytes.share();
    assert!(once > 0.0 && !lifecycle.is_empty());
    let rows = Rows::of(&reader);
    assert_eq!((bytes.share(), &rows.lifecycle), (0.0, &lifecycle), "all of it was kept");
    let columns = reader.columns::<Container>(&["ts"]).unwrap().map(Result::unwrap);
    let times: Vec<u64> = columns.flat_map(|chunk| chunk.columns[0].clone()).collect();
    assert!(times.iter().eq(rows.container.iter().map(|row| &row.ts)));
    assert!(bytes.share() == 0.0 && reader.cached_bytes() > 0);

    let reader = Reader::opening().cache(0).source(bytes.clone()).unwrap();
    bytes.share();
    assert_eq!((Rows::of(&reader), reader.cached_bytes()), (rows, 0));
    assert!(bytes.share() > 2.0 * once, "the frames are read for each stream");
}

/// However many frames there are, all rows are read, part by part.
#[test]
fn a_capture_of_too_many_frames_is_read_in_parts() {
    for closed in [true, false] {
        let bytes = Arc::new(large(closed, true));
        let whole = Reader::from_bytes(Arc::clone(&bytes).to_vec()).unwrap();
        let mut opening = Reader::opening().frames(700);
        let mut rows = Vec::new();
        let mut parts = 0;
        loop {
            let part = opening.source(Counted::new(bytes.to_vec())).unwrap();
            assert_eq!(part.defs(), whole.defs());
            assert_eq!(part.health().damage, [], "{:?}", part.health());
            rows.extend(part.rows::<Lifecycle>().map(Result::unwrap));
            parts += 1;
            let Some(rest) = part.health().rest else { break };
            assert!(!part.health().is_whole() && !part.health().complete);
            opening = opening.start(rest);
        }
        assert_eq!(parts, 5);
        assert!(rows.iter().copied().eq((0..ROWS).map(row)));
    }
}
