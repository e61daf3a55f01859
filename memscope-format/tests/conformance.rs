//! The captures in `conformance/` mean what is written beside each, to this crate and to the decoder in Python there.
//!
//! Those named for a version are never made again. `cargo test -p memscope-format --test conformance --
//! --ignored` makes the others.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod sample;

use memscope_format::defs::Escape::{Captured, Dropped, Passed, Returned};
use memscope_format::defs::{Defs, SiteDef, SiteKind};
use memscope_format::frame::FRAME_HEADER_LEN;
use memscope_format::raw::{RawChunk, flags};
use memscope_format::rows::{Lifecycle, LifecycleKind, SnapshotReason, Stream};
use memscope_format::writer::Checkpoints;
use memscope_format::{
    Chunk, Codec, Commit, Compression, Event, Reader, StreamVisitor, Writer, WriterOptions,
};
use sample::{RawEvent, Sample, file_header, frames, metadata};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance")
}

fn content(path: &Path) -> Value {
    let reader = Reader::open(path).unwrap();
    let mut rows = RowsAsJson(&reader);
    let mut content = json!({
        "metadata": reader.metadata(),
        "defs": reader.defs(),
        "complete": reader.health().complete,
        "rows": Stream::ALL.map(|stream| stream.visit(&mut rows)).into_iter().collect::<Map<_, _>>(),
    });
    let weights = Stream::ALL.map(|stream| stream.visit(&mut Weights(&reader)));
    let weights: Map<_, _> = weights.into_iter().flatten().collect();
    if !weights.is_empty() {
        content["weights"] = weights.into();
    }
    content
}

/// Gives how many events the rows of a stream stand for, if any is for more than one.
struct Weights<'a>(&'a Reader);

impl StreamVisitor for Weights<'_> {
    type Output = Option<(String, Value)>;

    fn visit<R: Event>(&mut self) -> Self::Output {
        let chunks = self.0.chunks::<R>();
        // Of a chunk that cannot be read there are no rows either.
        let readable = chunks.iter().filter(|chunk| self.0.read_chunk::<R>(chunk).is_ok());
        let weights = readable.flat_map(|chunk| self.0.weights::<R>(chunk).unwrap());
        let weights: Vec<u64> = weights.collect();
        let named = || (R::STREAM.name().to_owned(), weights.as_slice().into());
        weights.iter().any(|&weight| weight != 1).then(named)
    }
}

/// Gives the rows of a stream's chunks that can be read.
struct RowsAsJson<'a>(&'a Reader);

impl StreamVisitor for RowsAsJson<'_> {
    type Output = (String, Value);

    fn visit<R: Event>(&mut self) -> Self::Output {
        let rows = self.0.rows::<R>().filter_map(Result::ok);
        let rows = rows.map(|row| serde_json::to_value(row).unwrap());
        (R::STREAM.name().to_owned(), rows.collect())
    }
}

#[test]
fn every_capture_means_what_is_written_beside_it() {
    let mut captures = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "memscope") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let codec =
                Codec::ALL.into_iter().find(|codec| name == format!("codec-{}", codec.name()));
            if codec.is_some_and(|codec| !codec.is_available()) {
                continue;
            }
            let expected = std::fs::read(path.with_extension("json")).unwrap();
            let expected: Value = serde_json::from_slice(&expected).unwrap();
            assert!(content(&path) == expected, "{}", path.display());
            captures.push(name);
        }
    }
    for name in [
        "version-0.3",
        "codec-none",
        "codec-zstd",
        "encodings",
        "raw",
        "stacks",
        "tasks",
        "contents",
        "variants",
        "streams",
        "sampled",
        "checkpoints",
        "appended",
        "damage-payload",
    ] {
        assert!(captures.iter().any(|capture| capture == name), "{name}");
    }
}

/// The decoder in Python was written from SPEC.md alone. It is run where its packages are installed; the step
/// `conformance` of `cargo xtask ci` installs them, and sets the variable that makes it an error if they are missing.
#[test]
fn an_independent_decoder_finds_the_same() {
    let python = std::env::var("MEMSCOPE_PYTHON");
    let interpreter = python.as_deref().unwrap_or("python3");
    let decode = folder().join("decode.py");
    let check = Command::new(interpreter).args(["-c", "import zstandard, lz4, brotli"]).output();
    if python.is_err() && !check.is_ok_and(|output| output.status.success()) {
        return;
    }
    let output = Command::new(interpreter).arg(decode).arg(folder()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}{}", String::from_utf8_lossy(&output.stdout));
}

/// A thousand rows of every stream, so that there is something to compress, and rows of every size of word.
fn many_rows(compression: Compression) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &file_header(compression.codec)).unwrap();
    writer.metadata(&metadata()).unwrap();
    writer.define(&sample::defs()).unwrap();
    let mut hooks = memscope_format::HookTable::new();
    hooks.extend(&sample::defs());
    let mut batch = memscope_format::Batch::new(compression);
    for ring in [0, 1] {
        let mut position = 0;
        for cycle in 0..25 {
            let start = 2000 + 70 * cycle + u64::from(ring) * 13;
            for event in sample::cycle(ring, position, start) {
                let (first, second) = sample::marked(&event, position, 1 << 12);
                let thread = u32::from(ring) + 1;
                batch.push(&hooks, ring, thread, position, &first, second.as_ref()).unwrap();
                position += 1 + u64::from(second.is_some());
            }
        }
    }
    for frame in batch.seal() {
        writer.append(&frame).unwrap();
    }
    writer.finish().unwrap()
}

/// Contents and hashes, in chunks and as they were written.
fn contents() -> Vec<u8> {
    let (field, value) = (SnapshotReason::Drop, SnapshotReason::Asked);
    let events = [
        sample::content(sample::SESSION, 3000, 77, 2, field, [40, 64, 3, 0, 0]),
        sample::content(sample::VECTOR, 3001, 0, 0, value, [1 << 40, 2 << 40, 0xFFFF_FFFF, 2, 5]),
        sample::hashes(sample::VECTOR, 3001, 0, 0, value, [100, 99, 70, 4, 128]),
        sample::hashes(
            sample::VECTOR,
            3002,
            1,
            0,
            SnapshotReason::Birth,
            [1 << 33, 0, 0, 0, 1 << 34],
        ),
        sample::hashes(sample::VECTOR, 3003, 1, 0, value, [0, 0, 0, 0, 0]),
    ];
    in_both_forms(&sample::defs(), &events, 2)
}

/// Blocks of the heap, in chunks and as they were written.
fn heap() -> Vec<u8> {
    in_both_forms(&sample::defs(), &sample::blocks(), 2)
}

/// Blocks and drops with call stacks, and without.
fn stacks() -> Vec<u8> {
    in_both_forms(&sample::sampled_defs(), &sample::with_stacks(), 2)
}

/// Tasks, with where they were spawned, and without.
fn tasks() -> Vec<u8> {
    in_both_forms(&sample::sampled_defs(), &sample::tasks(), 2)
}

/// Events as chunks and in a RAW frame, each `apart` slots from the next.
fn in_both_forms(defs: &Defs, events: &[RawEvent], apart: usize) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &file_header(Codec::Zstd)).unwrap();
    writer.metadata(&metadata()).unwrap();
    writer.define(defs).unwrap();
    let mut hooks = memscope_format::HookTable::new();
    hooks.extend(defs);
    let mut batch = memscope_format::Batch::new(Codec::Zstd);
    let mut raw = RawChunk::new(1, 2);
    for (event, position) in events.iter().zip((0..).step_by(apart)) {
        let (first, second) = sample::marked(event, position, 1 << 12);
        batch.push(&hooks, 0, 1, position, &first, second.as_ref()).unwrap();
        raw.push(&hooks, position, &first, second.as_ref()).unwrap();
    }
    for frame in batch.seal().into_iter().chain(raw.seal(Codec::None)) {
        writer.append(&frame).unwrap();
    }
    writer.finish().unwrap()
}

/// Every kind of site with every way its values go, every reason of a reading, and births of containers that were not read.
fn variants() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &file_header(Codec::Zstd)).unwrap();
    writer.metadata(&metadata()).unwrap();
    let mut defs = sample::defs();
    let site = defs.sites[0].clone();
    let escapes = [None, Some(Dropped), Some(Returned), Some(Captured), Some(Passed)];
    defs.sites.extend(SiteKind::ALL.into_iter().zip(100..).map(|(kind, id)| {
        let escape = escapes[id as usize % escapes.len()];
        SiteDef { id, kind, escape, ..site.clone() }
    }));
    writer.define(&defs).unwrap();
    let mut hooks = memscope_format::HookTable::new();
    hooks.extend(&defs);
    let mut events = vec![sample::born(sample::VECTOR, 5000, 0, 0)];
    events[0].first.header |= u64::from(flags::UNREAD) << 40;
    for (reason, ts) in SnapshotReason::ALL.into_iter().zip(5001..) {
        events.push(sample::snapshot(sample::VECTOR, ts, 7, 0, reason, [1, 2, 3]));
        events.push(sample::content(sample::VECTOR, ts, 7, 0, reason, [1, 2, 3, 4, 5]));
    }
    let mut batch = memscope_format::Batch::new(Codec::Zstd);
    let mut raw = RawChunk::new(1, 2);
    let mut position = 0;
    for event in &events {
        let (first, second) = sample::marked(event, position, 1 << 12);
        batch.push(&hooks, 0, 1, position, &first, second.as_ref()).unwrap();
        raw.push(&hooks, position, &first, second.as_ref()).unwrap();
        position += 1 + u64::from(second.is_some());
    }
    for frame in batch.seal().into_iter().chain(raw.seal(Codec::None)) {
        writer.append(&frame).unwrap();
    }
    writer.finish().unwrap()
}

/// Rows that need every encoding of a column, two chunks, one of them with weights.
fn encodings() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &file_header(Codec::None)).unwrap();
    writer.metadata(&metadata()).unwrap();
    writer.define(&sample::defs()).unwrap();
    for codec in [Codec::None, Codec::Zstd] {
        let mut chunk = Chunk::<Lifecycle>::new();
        for row in 0..700_u64 {
            let kind = LifecycleKind::ALL[(row / 3 % 4) as usize];
            let birth = Lifecycle {
                ts: if row == 300 { 1 << 50 } else { 1000 + row * row % 991 },
                kind,
                site: (row % 5) as u32,
                type_id: 11,
                value: row << (row % 64),
                origin: if row > 500 { u64::MAX - row } else { 0 },
                thread: 1 + (row / 200) as u32,
            };
            let weight = if codec == Codec::None { 1 } else { 1 + row % 3 };
            chunk.push_weighted(&birth, weight).unwrap();
        }
        writer.append(&chunk.seal(codec).unwrap()).unwrap();
    }
    writer.finish().unwrap()
}

/// Events of hooks that record one in some, as chunks and as they were written.
fn sampled() -> Vec<u8> {
    let mut sample = Sample::with(Codec::Zstd, &sample::sampled_defs());
    sample.chunks();
    sample.commit();
    sample.raw(Codec::Zstd);
    sample.commit();
    sample.finish()
}

/// Rows of every stream: each variant of each field, optional ones with and without a number.
fn every_stream() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &file_header(Codec::Zstd)).unwrap();
    writer.metadata(&metadata()).unwrap();
    writer.define(&sample::defs()).unwrap();
    for stream in Stream::ALL {
        stream.visit(&mut WriteRows(&mut writer));
    }
    writer.finish().unwrap()
}

/// Writes a chunk of rows whose words count up, each column in its own measure.
struct WriteRows<'a>(&'a mut Writer<Vec<u8>>);

impl StreamVisitor for WriteRows<'_> {
    type Output = ();

    fn visit<R: Event>(&mut self) {
        let mut chunk = Chunk::<R>::new();
        for number in 0..20_u64 {
            let mut words = R::Words::default();
            for (place, column) in R::COLUMNS.iter().enumerate() {
                words.as_mut()[place] = match column.name {
                    "ts" => 1000 + 7 * number,
                    "rule" | "derivation" => 1,
                    "stack" | "detail" | "spawned_at" => 2 * (number % 2),
                    "thread" => 1 + number % 2,
                    "site" => 1 + number % 4,
                    "type" => 11 + u64::from(column.optional) + number % 4,
                    _ => number * (place as u64) % 19,
                };
            }
            // A word that means nothing becomes the id of a variant.
            let row = loop {
                match R::from_words(&words) {
                    Ok(row) => break row,
                    Err(place) => words.as_mut()[place] = 1 + words.as_ref()[place] % 3,
                }
            };
            chunk.push(&row).unwrap();
        }
        self.0.append(&chunk.seal(Codec::Zstd).unwrap()).unwrap();
    }
}

/// A checkpoint behind each commit, and no footer: more of them than one names by itself.
fn checkpoints() -> Vec<u8> {
    let checkpoints = Checkpoints { bytes: 1, ..Checkpoints::default() };
    let options = WriterOptions { checkpoints, ..WriterOptions::default() };
    let header = file_header(Codec::Zstd);
    let mut writer = Writer::with(Vec::new(), &header, options).unwrap();
    writer.metadata(&metadata()).unwrap();
    writer.define(&sample::defs()).unwrap();
    let kind = LifecycleKind::Born;
    for cycle in 1..=70 {
        let mut chunk = Chunk::new();
        let (site, type_id, thread) = (1, 11, 1);
        let birth =
            Lifecycle { ts: 1000 + cycle, kind, site, type_id, value: cycle, origin: 0, thread };
        chunk.push(&birth).unwrap();
        writer.append(&chunk.seal(Codec::Zstd).unwrap()).unwrap();
        let clock = sample::reading(1000 + cycle);
        let commit = Commit { cycle, clock, events: cycle, lost: 0, rings: Vec::new() };
        writer.commit(&commit).unwrap();
    }
    writer.sink().clone()
}

/// A capture that was cut off in a frame, and gone on with.
fn appended() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let bytes = Sample::of_three_cycles(Codec::Zstd).killed();
    std::fs::write(&path, &bytes[..bytes.len() - 20]).unwrap();
    let (mut writer, _) = Writer::append_to(&path, WriterOptions::default()).unwrap();
    let mut chunk = Chunk::new();
    let kind = LifecycleKind::Born;
    let birth = Lifecycle { ts: 9000, kind, site: 1, type_id: 11, value: 99, origin: 0, thread: 1 };
    chunk.push(&birth).unwrap();
    writer.append(&chunk.seal(Codec::Zstd).unwrap()).unwrap();
    writer.finish().unwrap();
    std::fs::read(path).unwrap()
}

/// What is new in the format must be in a capture, or the decoder in Python could lack it unseen.
#[test]
fn every_variant_is_in_a_capture() {
    let json = std::fs::read_to_string(folder().join("variants.json")).unwrap();
    let kinds = SiteKind::ALL.map(|kind| serde_json::to_string(&kind).unwrap());
    let reasons = SnapshotReason::ALL.map(|reason| serde_json::to_string(&reason).unwrap());
    let escapes = [Dropped, Returned, Captured, Passed];
    let escapes = escapes.map(|escape| serde_json::to_string(&escape).unwrap());
    for name in kinds.iter().chain(&reasons).chain(&escapes) {
        assert!(json.contains(name), "{name}");
    }
}

#[test]
#[ignore = "writes the files"]
fn remake() {
    let write = |name: &str, bytes: &[u8]| {
        let path = folder().join(format!("{name}.memscope"));
        std::fs::write(&path, bytes).unwrap();
        let mut text = serde_json::to_string(&content(&path)).unwrap();
        text.push('\n');
        std::fs::write(path.with_extension("json"), text).unwrap();
    };
    for codec in Codec::ALL {
        write(&format!("codec-{}", codec.name()), &many_rows(codec.into()));
    }
    write("encodings", &encodings());
    let mut raw = Sample::new(Codec::Zstd);
    raw.chunks();
    for codec in [Codec::None, Codec::Zstd] {
        raw.raw(codec);
        raw.commit();
    }
    write("raw", &raw.finish());
    write("contents", &contents());
    write("heap", &heap());
    write("stacks", &stacks());
    write("tasks", &tasks());
    write("variants", &variants());
    write("sampled", &sampled());
    write("streams", &every_stream());
    let whole = Sample::of_three_cycles(Codec::Zstd).finish();
    let frames = frames(&whole);
    let second = |frame_type| {
        frames.iter().filter(|(_, header)| header.frame_type == frame_type).nth(1).unwrap().0
    };
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    write(
        "damage-payload",
        &flipped(second(Stream::Container.frame_type()) + FRAME_HEADER_LEN + 100),
    );
    write("damage-frame-header", &flipped(second(Stream::Lifecycle.frame_type()) + 20));
    write("damage-file-header", &flipped(20));
    write("damage-index", &flipped(frames[frames.len() - 2].0 + FRAME_HEADER_LEN + 9));
    write("damage-truncated", &whole[..second(Stream::DropChain.frame_type()) + 100]);
    write("killed", &Sample::of_three_cycles(Codec::Zstd).killed());
    write("checkpoints", &checkpoints());
    write("appended", &appended());
    let version = folder().join("version-0.3.memscope");
    if !version.exists() {
        write("version-0.3", &whole);
    }
}
