//! A small capture that the tests cut, flip and tear: several chunks of every stream, several commits.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part of this module")]

pub mod rings;

use memscope_format::defs::{
    ContainerDef, ContainerKind, Defs, DerivationDef, Escape, FieldDef, HookDef, MarkerDef,
    ModuleDef, RateDef, SiteDef, SiteKind, StackDef, StringDef, ThreadDef, TypeDef, Variance,
};
use memscope_format::frame::FrameHeader;
use memscope_format::header::FILE_HEADER_LEN;
use memscope_format::raw::{
    RawChunk, RawKind, Slot, SlotHeader, flags, lap_mark, second_word, value_id,
};
use memscope_format::rows::{
    Container, Content, DropChain, Lifecycle, SnapshotReason, TaskKind, Zst,
};
use memscope_format::{
    Batch, ClockReading, Codec, Commit, Error, FileHeader, HookTable, Metadata, Reader, RingCommit,
    Writer,
};
use std::fmt::Debug;
use std::path::Path;

pub const FILE_ID: [u8; 16] = *b"memscope-sample!";
/// Slots of the rings that the sample's events lie in.
pub const CAPACITY: u64 = 16;

/// A variable of type `Vec<u16>`.
pub const VECTOR: u32 = 1;
/// An annotated struct with a `String` as its second field.
pub const SESSION: u32 = 2;
/// A type without size.
pub const MARKER: u32 = 3;
/// A variable of type `Rc<u64>`.
pub const SHARED: u32 = 4;

pub fn defs() -> Defs {
    let site = |id, kind, name: &str| SiteDef {
        id,
        kind,
        name: name.to_owned(),
        module: "sample".to_owned(),
        file: "src/main.rs".to_owned(),
        line: 10 * id,
        column: 5,
        tags: Vec::new(),
        escape: (id == 1).then_some(Escape::Captured),
    };
    let of = |kind, element_size| Some(ContainerDef { kind, element_size });
    let type_def = |id, name: &str, size, container| TypeDef {
        id,
        name: name.to_owned(),
        size,
        align: 8,
        needs_drop: true,
        has_niche: size > 8,
        container,
        fields: None,
    };
    let field = |name: &str, type_name: &str, offset, size, container| FieldDef {
        name: name.to_owned(),
        type_name: type_name.to_owned(),
        variant: None,
        offset: Some(offset),
        size,
        align: 8,
        container,
        marker: name.starts_with("mark").then(|| MarkerDef {
            variance: vec![("T".to_owned(), Some(Variance::Covariant)), ("U".to_owned(), None)],
            send: Some(true),
            sync: None,
        }),
    };
    let session = TypeDef {
        fields: Some(vec![
            field("id", "u64", 0, 8, None),
            field("user", "alloc::string::String", 8, 24, of(ContainerKind::String, 1)),
            field("mark", "core::marker::PhantomData<u8>", 32, 0, None),
        ]),
        ..type_def(12, "sample::Session", 32, None)
    };
    Defs {
        sites: vec![
            site(1, SiteKind::Variable, "main::vector"),
            site(2, SiteKind::Type, "Session"),
            site(3, SiteKind::Argument, "main::marker"),
            site(4, SiteKind::Variable, "main::shared"),
        ],
        types: vec![
            type_def(11, "alloc::vec::Vec<u16>", 24, of(ContainerKind::Vec, 2)),
            session,
            type_def(13, "sample::Marker", 0, None),
            type_def(14, "alloc::rc::Rc<u64>", 8, of(ContainerKind::Rc, 8)),
        ],
        hooks: (1..=4).map(|id| HookDef { id, site: id, type_id: id + 10 }).collect(),
        threads: vec![
            ThreadDef { id: 1, name: Some("main".to_owned()), os_id: Some(4711) },
            ThreadDef { id: 2, name: None, os_id: None },
        ],
        strings: vec![StringDef { id: 1, text: "too_large".to_owned() }],
        rates: Vec::new(),
        modules: vec![ModuleDef {
            id: 1,
            path: "/usr/bin/sample".to_owned(),
            build_id: Some("0123abcd".to_owned()),
            start: 0x5555_0000,
            end: 0x5556_0000,
            bias: 0x5554_0000,
        }],
        stacks: vec![StackDef {
            id: 1,
            addresses: vec![0x5555_1234, 0x5555_0456],
            truncated: true,
        }],
        derivations: vec![DerivationDef {
            id: 1,
            tool: "memscope".to_owned(),
            version: "0.1.0".to_owned(),
            frames: vec![(5, 9), (11, 11)],
            made_unix_ns: 1_700_000_009_000_000_000,
        }],
    }
}

/// The same, where of vectors one in 7 and of sessions one in 3 was recorded.
pub fn sampled_defs() -> Defs {
    let rates = vec![RateDef { hook: VECTOR, one_in: 7 }, RateDef { hook: SESSION, one_in: 3 }];
    Defs { rates, ..defs() }
}

pub fn metadata() -> Metadata {
    Metadata {
        program: "sample".to_owned(),
        args: vec!["--fast".to_owned()],
        pid: 4711,
        exe: "/usr/bin/sample".to_owned(),
        memscope_version: "0.1.0".to_owned(),
        target: "linux-x86_64".to_owned(),
        started_unix_ns: 1_700_000_000_000_000_000,
        clock_source: "tsc".to_owned(),
        clock: [reading(1000), reading(1000)],
        ring_capacity: CAPACITY,
        labels: vec![("commit".to_owned(), "abc".to_owned())],
    }
}

/// The sample's clock makes two ticks a nanosecond.
pub fn reading(ticks: u64) -> ClockReading {
    ClockReading { ticks, mono_ns: 7 + ticks / 2 }
}

pub fn file_header(codec: Codec) -> FileHeader {
    FileHeader::new(FILE_ID, 1_700_000_000_000_000_123, codec)
}

/// An event of a ring: its slots, without the lap marks.
#[derive(Debug, Clone)]
pub struct RawEvent {
    pub first: Slot,
    pub second: Option<Slot>,
}

fn slot(hook: u32, kind: RawKind, flags: u8, words: [u64; 3]) -> Slot {
    Slot {
        w0: words[0],
        header: SlotHeader::new(hook, kind, flags, 0).0,
        p0: words[1],
        p1: words[2],
    }
}

pub fn born(hook: u32, ts: u64, p0: u64, p1: u64) -> RawEvent {
    RawEvent { first: slot(hook, RawKind::Born, 0, [ts, p0, p1]), second: None }
}

pub fn cloned(hook: u32, ts: u64, origin: u64) -> RawEvent {
    RawEvent { first: slot(hook, RawKind::Born, flags::CLONED, [ts, origin, 0]), second: None }
}

pub fn born_wide(hook: u32, ts: u64, len: u64, capacity: u64, addr: u64) -> RawEvent {
    RawEvent {
        first: slot(hook, RawKind::Born, flags::WIDE, [ts, len, addr]),
        second: Some(slot(hook, RawKind::Cont, 0, [capacity, 0, 0])),
    }
}

pub fn end(hook: u32, flags: u8, ts: u64, value: u64, duration: u64, depth: u64) -> RawEvent {
    let words = [ts, value, duration | depth << 48];
    RawEvent { first: slot(hook, RawKind::End, flags, words), second: None }
}

pub fn snapshot(
    hook: u32,
    ts: u64,
    value: u64,
    field: u64,
    reason: SnapshotReason,
    words: [u64; 3],
) -> RawEvent {
    let [len, capacity, addr] = words;
    RawEvent {
        first: slot(hook, RawKind::Snapshot, flags::WIDE, [ts, value, addr]),
        second: Some(slot(hook, RawKind::Cont, 0, [len, capacity, field | (reason as u64) << 32])),
    }
}

/// `words` are used and room bytes, blocks, unknown values and shared handles.
pub fn content(
    hook: u32,
    ts: u64,
    value: u64,
    field: u64,
    reason: SnapshotReason,
    words: [u64; 5],
) -> RawEvent {
    let [used, room, blocks, unknown, shared] = words;
    RawEvent {
        first: slot(hook, RawKind::Content, flags::WIDE | reason as u8, [ts, value, used]),
        second: Some(slot(
            hook,
            RawKind::Cont,
            0,
            [room, blocks | field << 32, unknown | shared << 32],
        )),
    }
}

/// `words` are keys, distinct hashes, homes, the most keys of a home, and buckets.
pub fn hashes(
    hook: u32,
    ts: u64,
    value: u64,
    field: u64,
    reason: SnapshotReason,
    words: [u64; 5],
) -> RawEvent {
    let [keys, distinct, homes, fullest, buckets] = words;
    RawEvent {
        first: slot(hook, RawKind::Hashes, flags::WIDE | reason as u8, [ts, value, keys]),
        second: Some(slot(
            hook,
            RawKind::Cont,
            0,
            [distinct | fullest << 32, homes | field << 32, buckets],
        )),
    }
}

/// A call, or a poll of a task that is not 0.
pub fn call(hook: u32, flags: u8, ts: u64, task: u64, duration: u64, depth: u64) -> RawEvent {
    let first = slot(hook, RawKind::Call, flags, [ts, task, duration | depth << 48]);
    RawEvent { first, second: None }
}

/// Begins and ends of tasks, with what is known of where they were spawned, and without.
pub fn tasks() -> Vec<RawEvent> {
    let task = |hook, kind: TaskKind, words, second: Option<[u64; 3]>| {
        let wide = second.map_or(0, |_| flags::WIDE);
        RawEvent {
            first: slot(hook, RawKind::Task, kind as u8 | wide, words),
            second: second.map(|words| slot(hook, RawKind::Cont, 0, words)),
        }
    };
    vec![
        task(VECTOR, TaskKind::Started, [3000, 0, 0], None),
        task(SESSION, TaskKind::Started, [3001, 0, 8], Some([1, 0, 0])),
        task(SESSION, TaskKind::Started, [3002, 7, 0], Some([1, 7, 0])),
        // Of an unknown place it is unknown, too, who it was spawned by.
        task(SHARED, TaskKind::Started, [3003, 1 << 50, 0], Some([1 << 32, 5, 0])),
        task(SESSION, TaskKind::Completed, [3004, 2, 8], None),
        task(VECTOR, TaskKind::Cancelled, [3005, 0, 0], Some([1, 7, 0])),
        task(SHARED, TaskKind::Unwound, [3006, 6, 0], None),
    ]
}

/// A block at an address, while a site ran, aligned to 2 to a power; with a weight it takes a second slot.
pub fn block(
    site: u32,
    kind: RawKind,
    flags: u8,
    [ts, addr, size]: [u64; 3],
    weight: Option<u64>,
) -> RawEvent {
    let wide = weight.map_or(0, |_| flags::WIDE);
    RawEvent {
        first: slot(site, kind, flags | wide, [ts, addr, size]),
        second: weight.map(|weight| slot(site, RawKind::Cont, 0, [weight, 0, 0])),
    }
}

/// A block that was moved: `before` and `after` are address and size.
pub fn moved_block(site: u32, ts: u64, before: [u64; 2], after: [u64; 2], weight: u64) -> RawEvent {
    RawEvent {
        first: slot(site, RawKind::Realloc, flags::WIDE | 3, [ts, after[0], after[1]]),
        second: Some(slot(site, RawKind::Cont, 0, [weight, before[0], before[1]])),
    }
}

/// Blocks in every form that there is, the sampled ones included.
pub fn blocks() -> Vec<RawEvent> {
    vec![
        block(1, RawKind::Alloc, 3, [3000, 0x7F00_0010, 64], None),
        block(0, RawKind::Alloc, flags::ZEROED | 12, [3001, 0x7F00_1000, 1 << 40], None),
        block(2, RawKind::Realloc, 3, [3002, 0x7F00_0010, 64 << 32 | 256], None),
        moved_block(2, 3003, [0x7F00_0010, 256], [0x7F00_9000, 1 << 33], 0),
        block(1, RawKind::Alloc, 0, [3004, 0x7F00_0010, 24], Some(21_000)),
        block(0, RawKind::Free, 0, [3005, 0x7F00_0010, 24], Some(21_000)),
        block(4, RawKind::Free, 3, [3006, 0x7F00_9000, 1 << 33], None),
        block(4, RawKind::Alloc, 0x3F, [3007, 0x7F00_0000, 0], None),
    ]
}

/// Blocks and drops with call stacks, and without.
pub fn with_stacks() -> Vec<RawEvent> {
    let slow = |hook, ts, stack| {
        let end = end(hook, flags::DROPPED | flags::WIDE, ts, 9, 2000, 1);
        let second = slot(hook, RawKind::Cont, 0, [second_word(0, stack), 0, 0]);
        RawEvent { second: Some(second), ..end }
    };
    vec![
        block(1, RawKind::Alloc, 3, [3000, 0x10, 64], Some(second_word(700, 1))),
        block(0, RawKind::Alloc, 3, [3001, 0x50, 64], Some(second_word(0, 2))),
        moved_block(0, 3002, [0x50, 64], [0x90, 9], second_word(0, 1)),
        block(0, RawKind::Free, 3, [3003, 0x10, 64], Some(second_word(700, 0))),
        slow(SHARED, 9000, 1),
        end(SHARED, flags::DROPPED, 9001, 8, 20, 1),
        slow(SHARED, 9002, u32::MAX),
        // One that stands for three, and one without a stack.
        slow(SESSION, 9003, 2),
        slow(SESSION, 9004, 0),
    ]
}

/// Puts lap marks on an event's slots, as the recorder does.
pub fn marked(event: &RawEvent, position: u64, capacity: u64) -> (Slot, Option<Slot>) {
    let mark = |slot: Slot, position| Slot {
        header: slot.header | u64::from(lap_mark(position, capacity)) << 48,
        ..slot
    };
    (mark(event.first, position), event.second.map(|second| mark(second, position + 1)))
}

/// The events of one cycle of the sample: every kind, in 11 slots.
pub fn cycle(ring: u16, position: u64, start: u64) -> Vec<RawEvent> {
    let value = |offset| value_id(ring, position + offset);
    vec![
        born(VECTOR, start, 3 | 8 << 32, 0x5000 + start),
        born(SESSION, start + 10, 0, 0),
        born(MARKER, start + 11, 0, 0),
        born(SHARED, start + 20, 1 | 2 << 32, 0x9000),
        cloned(SESSION, start + 25, value(1)),
        snapshot(SESSION, start + 40, value(1), 2, SnapshotReason::Drop, [5, 16, 0x7000 + start]),
        end(SESSION, flags::DROPPED, start + 45, value(1), 5, 1),
        end(VECTOR, flags::DROPPED | flags::PANICKING, start + 50, value(0), 30, 0),
        end(MARKER, flags::EXIT, start + 51, value(2), 0, 0),
        end(SHARED, flags::MOVED, start + 60, value(3), 0, 0),
    ]
}

/// Slots that a cycle takes.
pub const CYCLE_SLOTS: u64 = 11;
/// Events of a cycle.
pub const CYCLE_EVENTS: u64 = 10;

/// Writes the sample: three commits of two rings each, definitions before them.
pub struct Sample {
    pub writer: Writer<Vec<u8>>,
    pub batch: Batch,
    pub hooks: HookTable,
    pub cycles: u64,
}

impl Sample {
    pub fn new(codec: Codec) -> Self {
        Self::with(codec, &defs())
    }

    pub fn with(codec: Codec, defs: &Defs) -> Self {
        let mut writer = Writer::new(Vec::new(), &file_header(codec)).unwrap();
        writer.metadata(&metadata()).unwrap();
        writer.define(defs).unwrap();
        let mut hooks = HookTable::new();
        hooks.extend(defs);
        Self { writer, batch: Batch::new(codec), hooks, cycles: 0 }
    }

    pub fn drained(&self) -> u64 {
        self.cycles * CYCLE_SLOTS
    }

    /// Writes the chunks of one more cycle of both rings.
    pub fn chunks(&mut self) {
        for ring in [0, 1] {
            let mut position = self.drained();
            let start = 2000 + 1000 * self.cycles + u64::from(ring);
            for event in cycle(ring, position, start) {
                let thread = u32::from(ring) + 1;
                let (first, second) = marked(&event, position, CAPACITY);
                self.batch
                    .push(&self.hooks, ring, thread, position, &first, second.as_ref())
                    .unwrap();
                position += 1 + u64::from(second.is_some());
            }
        }
        assert_eq!(self.batch.events, 2 * CYCLE_EVENTS);
        for frame in self.batch.seal() {
            self.writer.append(&frame).unwrap();
        }
        self.cycles += 1;
    }

    /// Writes the events of one more cycle of both rings as the hooks wrote them.
    pub fn raw(&mut self, codec: Codec) {
        for ring in [0, 1] {
            let mut position = self.drained();
            let start = 2000 + 1000 * self.cycles + u64::from(ring);
            let mut chunk = RawChunk::new(ring, u32::from(ring) + 1);
            for event in cycle(ring, position, start) {
                let (first, second) = marked(&event, position, CAPACITY);
                chunk.push(&self.hooks, position, &first, second.as_ref()).unwrap();
                position += 1 + u64::from(second.is_some());
            }
            self.writer.append(&chunk.seal(codec).unwrap()).unwrap();
        }
        self.cycles += 1;
    }

    /// Commits what was written.
    pub fn commit(&mut self) {
        let drained = self.drained();
        let ring = |ring| RingCommit { ring, thread: u32::from(ring) + 1, drained, lost: 0 };
        self.writer
            .commit(&Commit {
                cycle: self.cycles,
                clock: reading(3000 + 1000 * self.cycles),
                events: 2 * CYCLE_EVENTS * self.cycles,
                lost: 0,
                rings: vec![ring(0), ring(1)],
            })
            .unwrap();
    }

    /// The sample as the tests take it: three committed cycles.
    pub fn of_three_cycles(codec: Codec) -> Self {
        let mut sample = Self::new(codec);
        for _ in 0..3 {
            sample.chunks();
            sample.commit();
        }
        sample
    }

    pub fn finish(self) -> Vec<u8> {
        self.writer.finish().unwrap()
    }

    /// The bytes so far, as a program that is killed leaves them.
    pub fn killed(&self) -> Vec<u8> {
        self.writer.sink().clone()
    }
}

/// All rows of a capture, and the errors met on the way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    pub lifecycle: Vec<Lifecycle>,
    pub container: Vec<Container>,
    pub zst: Vec<Zst>,
    pub drop_chain: Vec<DropChain>,
    pub content: Vec<Content>,
    pub errors: Vec<String>,
}

impl Rows {
    pub fn of(reader: &Reader) -> Self {
        let mut all = Self::default();
        let errors = &mut all.errors;
        all.lifecycle = split(reader.rows(), errors);
        all.container = split(reader.rows(), errors);
        all.zst = split(reader.rows(), errors);
        all.drop_chain = split(reader.rows(), errors);
        all.content = split(reader.rows(), errors);
        all
    }

    pub fn len(&self) -> usize {
        self.lifecycle.len()
            + self.container.len()
            + self.zst.len()
            + self.drop_chain.len()
            + self.content.len()
    }

    /// Whether the rows are those of `other` without some, in the same order.
    pub fn are_part_of(&self, other: &Self) -> bool {
        is_part(&self.lifecycle, &other.lifecycle)
            && is_part(&self.container, &other.container)
            && is_part(&self.zst, &other.zst)
            && is_part(&self.drop_chain, &other.drop_chain)
            && is_part(&self.content, &other.content)
    }
}

fn is_part<T: PartialEq>(part: &[T], whole: &[T]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|row| rest.any(|other| other == row))
}

fn split<T: Debug>(
    rows: impl Iterator<Item = Result<T, Error>>,
    errors: &mut Vec<String>,
) -> Vec<T> {
    let (good, bad): (Vec<_>, Vec<_>) = rows.partition(Result::is_ok);
    errors.extend(bad.into_iter().map(|error| error.unwrap_err().to_string()));
    good.into_iter().map(Result::unwrap).collect()
}

/// Writes bytes to a file and opens it, in each way there is: they agree.
pub fn open(path: &Path, bytes: &[u8]) -> Result<Reader, Error> {
    std::fs::write(path, bytes).unwrap();
    let opened = Reader::open(path);
    twin::agrees(path, &opened);
    opened
}

/// The reader that does not block, beside the one that does.
pub mod twin {
    use super::{Error, Reader, Rows, split};
    use memscope_format::{AsyncReader, Event};
    use std::path::Path;

    async fn rows<R: Event>(reader: &AsyncReader, errors: &mut Vec<String>) -> Vec<R> {
        let mut rows = reader.rows::<R>();
        let mut all = Vec::new();
        while let Some(row) = rows.next().await {
            all.push(row);
        }
        split(all.into_iter(), errors)
    }

    /// Opens a capture with tokio, and compares all that there is to be had.
    pub fn agrees(path: &Path, blocking: &Result<Reader, Error>) {
        // On a thread of its own: a test may run within a runtime, where no other can be started.
        std::thread::scope(|scope| scope.spawn(|| compare(path, blocking)).join().unwrap());
    }

    fn compare(path: &Path, blocking: &Result<Reader, Error>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            match (Reader::open_async(path).await, blocking) {
                (Ok(reader), Ok(blocking)) => {
                    assert_eq!(reader.header(), blocking.header());
                    assert_eq!(reader.metadata(), blocking.metadata());
                    assert_eq!(reader.defs(), blocking.defs());
                    assert_eq!(reader.health(), blocking.health());
                    assert_eq!(reader.events(), blocking.events());
                    assert_eq!(reader.last_commit(), blocking.last_commit());
                    assert_eq!(reader.streams(), blocking.streams());
                    let mut all = Rows::default();
                    all.lifecycle = rows(&reader, &mut all.errors).await;
                    all.container = rows(&reader, &mut all.errors).await;
                    all.zst = rows(&reader, &mut all.errors).await;
                    all.drop_chain = rows(&reader, &mut all.errors).await;
                    all.content = rows(&reader, &mut all.errors).await;
                    assert_eq!(all, Rows::of(blocking));
                    for chunk in blocking.chunks::<super::Lifecycle>() {
                        let weights = reader.weights::<super::Lifecycle>(&chunk).await;
                        assert_eq!(weights.ok(), blocking.weights::<super::Lifecycle>(&chunk).ok());
                    }
                }
                (Err(error), Err(other)) => assert_eq!(error.to_string(), other.to_string()),
                (found, other) => panic!("{:?} {:?}", found.err(), other.as_ref().err()),
            }
        });
    }
}

/// Where each frame of a whole capture begins, and its header.
pub fn frames(bytes: &[u8]) -> Vec<(usize, FrameHeader)> {
    let mut frames = Vec::new();
    let mut at = FILE_HEADER_LEN;
    while at < bytes.len() {
        let (header, _) = FrameHeader::from_bytes(bytes[at..].first_chunk().unwrap()).unwrap();
        frames.push((at, header));
        at += header.frame_len() as usize;
    }
    frames
}
