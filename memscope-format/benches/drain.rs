//! What a row costs on its way from the rings into a frame, and back.
//!
//! `cargo bench -p memscope-format --bench drain`. The first lines say how many bytes the same rows take.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark is a program that prints"
)]

mod program;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use memscope_format::rows::{Container, DropChain, Lifecycle};
use memscope_format::{
    Batch, ClockReading, Codec, Commit, FileHeader, HookTable, Metadata, Reader, Writer,
};
use program::{Event, Program, defs, fill};
use std::hint::black_box;

const EVENTS: u64 = 1 << 18;

fn capture(codec: Codec, hooks: &HookTable, events: &[Event]) -> (tempfile::TempDir, Reader) {
    let mut writer = Writer::new(Vec::new(), &FileHeader::new([7; 16], 0, codec)).unwrap();
    writer.metadata(&Metadata::default()).unwrap();
    writer.define(&defs()).unwrap();
    let mut batch = Batch::new(codec);
    fill(&mut batch, hooks, events);
    let commit = Commit {
        cycle: 1,
        clock: ClockReading::default(),
        events: batch.events,
        lost: 0,
        rings: Vec::new(),
    };
    for frame in batch.seal() {
        writer.append(&frame).unwrap();
    }
    writer.commit(&commit).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    std::fs::write(&path, writer.finish().unwrap()).unwrap();
    let reader = Reader::opening().cache(0).open(&path).unwrap();
    (directory, reader)
}

fn bench(criterion: &mut Criterion) {
    let events = Program::new().events(EVENTS);
    let mut hooks = HookTable::new();
    hooks.extend(&defs());
    let mut rows = 0;
    for codec in [Codec::None, Codec::Zstd] {
        let (_directory, reader) = capture(codec, &hooks, &events);
        rows = reader.streams().iter().map(|stream| stream.rows).sum();
        println!(
            "{codec:?}: {:.2} bytes an event, {:.2} a row, in all of the file",
            reader.bytes() as f64 / events.len() as f64,
            reader.bytes() as f64 / rows as f64,
        );
        for stream in reader.streams().iter().filter(|stream| stream.rows > 0) {
            let per_row = stream.bytes as f64 / stream.rows as f64;
            println!("  {}: {} rows, {per_row:.2} bytes each", stream.stream.name(), stream.rows);
        }
    }

    let mut group = criterion.benchmark_group("drain");
    group.throughput(Throughput::Elements(rows));
    for codec in [Codec::None, Codec::Zstd] {
        let mut batch = Batch::new(codec);
        group.bench_function(format!("push and seal, {codec:?}"), |bencher| {
            bencher.iter(|| {
                fill(&mut batch, &hooks, &events);
                black_box(batch.seal())
            });
        });
    }
    // With the chunks cleared before they are full, this is push alone.
    let mut batch = Batch::new(Codec::None);
    group.bench_function("push", |bencher| {
        bencher.iter(|| {
            for part in events.chunks(1 << 14) {
                fill(&mut batch, &hooks, part);
                batch.lifecycle.clear();
                batch.container.clear();
                batch.drop_chain.clear();
            }
        });
    });
    // What a drain does when little happens: cycles of a few hundred events.
    let mut batch = Batch::new(Codec::Zstd);
    group.bench_function("push and seal, 512 events a cycle, Zstd", |bencher| {
        bencher.iter(|| {
            for part in events.chunks(512) {
                fill(&mut batch, &hooks, part);
                black_box(batch.seal());
            }
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Elements(rows));
    for codec in [Codec::None, Codec::Zstd] {
        let (_directory, reader) = capture(codec, &hooks, &events);
        group.bench_function(format!("all rows, {codec:?}"), |bencher| {
            bencher.iter(|| {
                let births = reader.rows::<Lifecycle>().map(|row| row.unwrap().ts & 1);
                let states = reader.rows::<Container>().map(|row| row.unwrap().ts & 1);
                let drops = reader.rows::<DropChain>().map(|row| row.unwrap().ts & 1);
                births.chain(states).chain(drops).sum::<u64>()
            });
        });
    }
    let (directory, reader) = capture(Codec::Zstd, &hooks, &events);
    let births = reader.chunks::<Lifecycle>();
    group.throughput(Throughput::Elements(births.iter().map(|chunk| u64::from(chunk.rows)).sum()));
    group.bench_function("two columns of LIFECYCLE", |bencher| {
        bencher.iter(|| {
            let chunks = reader.columns::<Lifecycle>(&["ts", "kind"]).unwrap();
            chunks.map(|chunk| black_box(chunk.unwrap()).rows).sum::<usize>()
        });
    });
    group.bench_function("the stream LIFECYCLE", |bencher| {
        bencher.iter(|| reader.rows::<Lifecycle>().map(|row| row.unwrap().ts & 1).sum::<u64>());
    });
    let first = births.iter().map(|chunk| chunk.t_min).min().unwrap();
    let last = births.iter().map(|chunk| chunk.t_max).max().unwrap();
    let moment = first..first + (last - first) / 100;
    let select = || reader.select::<Lifecycle>().time(moment.clone()).rows().unwrap();
    group.throughput(Throughput::Elements(select().count() as u64));
    group.bench_function("1 % of the time of LIFECYCLE", |bencher| {
        bencher.iter(|| select().map(|row| row.unwrap().ts & 1).sum::<u64>());
    });
    let path = directory.path().join("x.memscope");
    group.throughput(Throughput::Elements(1));
    group.bench_function("open", |bencher| {
        bencher.iter_batched(|| (), |()| Reader::open(&path).unwrap(), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
