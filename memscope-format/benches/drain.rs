//! What a row costs on its way from the rings into a frame, and back.
//!
//! `cargo bench -p memscope-format --bench drain`. The first lines say how many bytes the same rows take.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark is a program that prints"
)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use memscope_format::defs::{
    ContainerDef, ContainerKind, Defs, HookDef, SiteDef, SiteKind, ThreadDef, TypeDef,
};
use memscope_format::raw::{RawKind, Slot, SlotHeader, flags, value_id};
use memscope_format::rows::{Container, DropChain, Lifecycle};
use memscope_format::{
    Batch, ClockReading, Codec, Commit, FileHeader, HookTable, Metadata, Reader, Writer,
};
use std::hint::black_box;

const HOOKS: u32 = 48;
const EVENTS: u64 = 1 << 18;
/// Events that a drain finds in one ring before it goes to the next.
const STRETCH: u64 = 1 << 14;

/// A third of the variables are vectors, a third strings, a third of no known kind.
fn defs() -> Defs {
    let container = |id: u32| match id % 3 {
        0 => Some(ContainerDef { kind: ContainerKind::Vec, element_size: 8 << (id % 4) }),
        1 => Some(ContainerDef { kind: ContainerKind::String, element_size: 1 }),
        _ => None,
    };
    Defs {
        sites: (1..=HOOKS)
            .map(|id| SiteDef {
                id,
                kind: SiteKind::Variable,
                name: format!("module::function_{id}::variable"),
                module: "program::module".to_owned(),
                file: "src/module.rs".to_owned(),
                line: id,
                column: 9,
                tags: Vec::new(),
                escape: None,
            })
            .collect(),
        types: (1..=HOOKS)
            .map(|id| TypeDef {
                id,
                name: format!("alloc::vec::Vec<program::module::Type{id}>"),
                size: 24,
                align: 8,
                needs_drop: true,
                has_niche: false,
                container: container(id),
                fields: None,
            })
            .collect(),
        hooks: (1..=HOOKS).map(|id| HookDef { id, site: id, type_id: id }).collect(),
        threads: (1..=4).map(|id| ThreadDef { id, name: None, os_id: None }).collect(),
        ..Defs::default()
    }
}

struct Event {
    ring: u16,
    position: u64,
    slot: Slot,
}

/// A small random number generator, so that every run has the same events.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

struct Thread {
    position: u64,
    ts: u64,
    live: Vec<(u32, u64, u64)>,
}

/// Four threads whose functions call each other: variables are born, and dropped in the reverse order, most of
/// them soon. Containers have power-of-two capacities and addresses from an allocator's size classes.
fn program() -> Vec<Event> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut threads: Vec<_> = (0..4)
        .map(|number| Thread { position: 0, ts: 1_000_000_000 + number * 517, live: Vec::new() })
        .collect();
    let mut events = Vec::new();
    for turn in 0..EVENTS / STRETCH {
        let ring = (turn % 4) as u16;
        let thread = &mut threads[usize::from(ring)];
        let mut hook = 1 + random.below(u64::from(HOOKS)) as u32;
        for _ in 0..STRETCH {
            thread.ts += 25 + random.below(30) + random.below(2) * random.below(400);
            let grow = thread.live.len() < 4 || (thread.live.len() < 40 && random.below(2) == 0);
            let position = thread.position;
            let slot = if grow {
                // The next variable of the function, or another function.
                hook = if random.below(4) > 0 {
                    1 + hook % HOOKS
                } else {
                    1 + random.below(u64::from(HOOKS)) as u32
                };
                let (p0, p1) = if hook % 3 == 2 {
                    (0, 0)
                } else {
                    let capacity = 4_u64 << random.below(7);
                    let len = capacity / 2 + random.below(capacity / 2);
                    (len | capacity << 32, 0x7F00_0000_0000 + capacity * 8 * random.below(512))
                };
                thread.live.push((hook, value_id(ring, position), thread.ts));
                Slot { w0: thread.ts, header: SlotHeader::new(hook, RawKind::Born, 0, 1).0, p0, p1 }
            } else {
                let depth = thread.live.len() as u64 % 3;
                let (hook, value, _) = thread.live.pop().unwrap();
                let duration = 12 + random.below(40);
                let kind = if hook % 3 == 2 { flags::EXIT } else { flags::DROPPED };
                Slot {
                    w0: thread.ts,
                    header: SlotHeader::new(hook, RawKind::End, kind, 1).0,
                    p0: value,
                    p1: duration | depth << 48,
                }
            };
            events.push(Event { ring, position, slot });
            thread.position += 1;
        }
    }
    events
}

fn fill(batch: &mut Batch, hooks: &HookTable, events: &[Event]) {
    for event in events {
        let thread = u32::from(event.ring) + 1;
        batch.push(hooks, event.ring, thread, event.position, &event.slot, None).unwrap();
    }
}

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
    let reader = Reader::open(&path).unwrap();
    (directory, reader)
}

fn bench(criterion: &mut Criterion) {
    let events = program();
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
    let (directory, _) = capture(Codec::Zstd, &hooks, &events);
    let path = directory.path().join("x.memscope");
    group.throughput(Throughput::Elements(1));
    group.bench_function("open", |bencher| {
        bencher.iter_batched(|| (), |()| Reader::open(&path).unwrap(), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
