//! Captures against other ways to write the same rows, as tables for BENCHMARKS.md.
//!
//! `cargo bench -p memscope-format --features codecs,convert --bench formats -- [CAPTURE]`, with a synthetic program of 2
//! million events if no capture is given. The tables come at the end, on an idle machine after a minute. Every time is the
//! least of several rounds that go over all formats in turn, so that what else the machine does falls on all alike.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark is a program that prints"
)]

mod counted;
mod program;

use memscope_format::chunk::CHUNK_ROWS;
use memscope_format::record::StreamVisitor;
use memscope_format::rows::Lifecycle;
use memscope_format::{
    Batch, Chunk, ClockReading, Codec, Commit, Compression, Event, FileHeader, HookTable, Reader,
    Rewrite, Stream, Writer,
};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
/// Rows of a stream that are measured at most: from its beginning.
const STREAM_ROWS: usize = 1 << 20;

/// A way to write the rows of a stream and to read them again.
#[derive(Clone, Copy)]
enum Format {
    Capture(Compression),
    Json(Option<i32>),
    MessagePack(Option<i32>),
    Bincode(Option<i32>),
    /// Each row a message that bincode has encoded, in chunks with zstd.
    Mcap,
}

impl Format {
    /// Writes the rows, which are of so many events.
    fn encode<R: Event>(self, rows: &[R], events: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let config = bincode::config::standard();
        let zstd = match self {
            Self::Capture(compression) => {
                let header = FileHeader::new([7; 16], 0, compression.codec);
                let mut writer = Writer::new(bytes, &header).unwrap();
                let mut chunk = Chunk::<R>::new();
                for part in rows.chunks(CHUNK_ROWS) {
                    part.iter().for_each(|row| chunk.push(row).unwrap());
                    writer.append(&chunk.seal(compression).unwrap()).unwrap();
                }
                // As every recording has: without one, opening counts the events, chunk by chunk.
                let clock = ClockReading::default();
                let commit = Commit { cycle: 1, clock, events, lost: 0, rings: Vec::new() };
                writer.commit(&commit).unwrap();
                return writer.finish().unwrap();
            }
            Self::Mcap => {
                let options = mcap::WriteOptions::new().compression(Some(mcap::Compression::Zstd));
                let mut writer = options.create(Cursor::new(bytes)).unwrap();
                let name = R::STREAM.name();
                let channel = writer.add_channel(0, name, "bincode", &BTreeMap::new()).unwrap();
                let mut message = Vec::new();
                for (sequence, row) in (0..).zip(rows) {
                    message.clear();
                    bincode::serde::encode_into_std_write(row, &mut message, config).unwrap();
                    let time = row.number("ts").unwrap_or(0);
                    let header = mcap::records::MessageHeader {
                        channel_id: channel,
                        sequence,
                        log_time: time,
                        publish_time: time,
                    };
                    writer.write_to_known_channel(&header, &message).unwrap();
                }
                writer.finish().unwrap();
                return writer.into_inner().into_inner();
            }
            Self::Json(zstd) => {
                for row in rows {
                    serde_json::to_writer(&mut bytes, row).unwrap();
                    bytes.push(b'\n');
                }
                zstd
            }
            Self::MessagePack(zstd) => {
                let mut put = |row| rmp_serde::encode::write_named(&mut bytes, row).unwrap();
                rows.iter().for_each(&mut put);
                zstd
            }
            Self::Bincode(zstd) => {
                for row in rows {
                    bincode::serde::encode_into_std_write(row, &mut bytes, config).unwrap();
                }
                zstd
            }
        };
        match zstd {
            Some(level) => zstd::bulk::compress(&bytes, level).unwrap(),
            None => bytes,
        }
    }

    /// Reads all rows; returns how many.
    fn decode<R: Event>(self, bytes: &[u8]) -> usize {
        let config = bincode::config::standard();
        let whole = |zstd: Option<i32>| match zstd {
            Some(_) => {
                let mut raw = Vec::new();
                zstd::Decoder::new(bytes).unwrap().read_to_end(&mut raw).unwrap();
                raw
            }
            None => bytes.to_vec(),
        };
        let mut rows = 0;
        match self {
            Self::Capture(_) => {
                let reader = Reader::from_bytes(bytes.to_vec()).unwrap();
                rows = reader.rows::<R>().inspect(|row| assert!(black_box(row).is_ok())).count();
            }
            Self::Mcap => {
                for message in mcap::MessageStream::new(bytes).unwrap() {
                    let message = message.unwrap();
                    let data = &message.data;
                    black_box(bincode::serde::decode_from_slice::<R, _>(data, config).unwrap());
                    rows += 1;
                }
            }
            Self::Json(zstd) => {
                let raw = whole(zstd);
                for line in raw.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
                    black_box(serde_json::from_slice::<R>(line).unwrap());
                    rows += 1;
                }
            }
            Self::MessagePack(zstd) => {
                let raw = whole(zstd);
                let mut source = Cursor::new(raw.as_slice());
                while source.position() < raw.len() as u64 {
                    black_box(rmp_serde::from_read::<_, R>(&mut source).unwrap());
                    rows += 1;
                }
            }
            Self::Bincode(zstd) => {
                let raw = whole(zstd);
                let mut rest = raw.as_slice();
                while !rest.is_empty() {
                    let (row, used) =
                        bincode::serde::decode_from_slice::<R, _>(rest, config).unwrap();
                    black_box(row);
                    rest = &rest[used..];
                    rows += 1;
                }
            }
        }
        rows
    }
}

/// What was measured of one format.
#[derive(Default, Clone)]
struct Figures {
    bytes: usize,
    encode: Duration,
    decode: Duration,
}

/// Measures all formats on the rows of stream after stream.
struct Measure<'a> {
    reader: &'a Reader,
    formats: &'a [(&'static str, Format)],
    figures: Vec<Figures>,
    /// What it takes to have the rows in hand: they come from memory, which a recorder's do not.
    rows_alone: Duration,
    rows: usize,
    events: u64,
}

impl StreamVisitor for Measure<'_> {
    type Output = ();

    fn visit<R: Event>(&mut self) {
        let rows: Vec<R> = self.reader.rows().take(STREAM_ROWS).map(Result::unwrap).collect();
        if rows.is_empty() {
            return;
        }
        self.rows += rows.len();
        let events = rows.iter().filter(|row| row.is_event()).count() as u64;
        self.events += events;
        let least = Figures { bytes: 0, encode: Duration::MAX, decode: Duration::MAX };
        let mut found = vec![least; self.formats.len()];
        let mut rows_alone = Duration::MAX;
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            for row in &rows {
                black_box(*row);
            }
            rows_alone = rows_alone.min(begun.elapsed());
            for ((_, format), found) in self.formats.iter().zip(&mut found) {
                let begun = Instant::now();
                let bytes = format.encode(&rows, events);
                found.encode = found.encode.min(begun.elapsed());
                found.bytes = bytes.len();
                let begun = Instant::now();
                assert_eq!(format.decode::<R>(&bytes), rows.len());
                found.decode = found.decode.min(begun.elapsed());
            }
        }
        self.rows_alone += rows_alone;
        for (sum, found) in self.figures.iter_mut().zip(found) {
            sum.bytes += found.bytes;
            sum.encode += found.encode;
            sum.decode += found.decode;
        }
    }
}

/// A capture of the synthetic program.
fn synthetic(path: &Path) {
    let events = program::Program::new().events(2_000_000);
    let mut hooks = HookTable::new();
    hooks.extend(&program::defs());
    let mut batch = Batch::new(Codec::Zstd);
    let mut writer = Writer::new(Vec::new(), &FileHeader::new([7; 16], 0, Codec::Zstd)).unwrap();
    writer.define(&program::defs()).unwrap();
    program::fill(&mut batch, &hooks, &events);
    for frame in batch.seal() {
        writer.append(&frame).unwrap();
    }
    std::fs::write(path, writer.finish().unwrap()).unwrap();
}

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let path = given.map_or_else(
        || {
            let path = directory.path().join("synthetic.memscope");
            synthetic(&path);
            path
        },
        PathBuf::from,
    );
    let reader = Reader::open(&path).unwrap();
    let formats = [
        ("capture, balanced", Format::Capture(Compression::balanced())),
        ("capture, high_performance", Format::Capture(Compression::high_performance())),
        ("capture, auto", Format::Capture(Compression::auto())),
        ("capture, lz4", Format::Capture(Codec::Lz4.into())),
        ("capture, none", Format::Capture(Codec::None.into())),
        ("JSON lines", Format::Json(None)),
        ("JSON lines, zstd 3", Format::Json(Some(3))),
        ("MessagePack, named, zstd 3", Format::MessagePack(Some(3))),
        ("bincode 2 by row, zstd 3", Format::Bincode(Some(3))),
        ("MCAP of bincode, zstd", Format::Mcap),
    ];
    let figures = vec![Figures::default(); formats.len()];
    let mut measure = Measure {
        reader: &reader,
        formats: &formats,
        figures,
        rows_alone: Duration::ZERO,
        rows: 0,
        events: 0,
    };
    Stream::ALL.iter().for_each(|stream| stream.visit(&mut measure));
    let Measure { figures, rows_alone, rows, events, .. } = measure;
    let each = |time: Duration| time.as_nanos() as f64 / rows as f64;
    println!("{events} events, {rows} rows\n");
    println!(
        "| format | bytes an event | times balanced | write, ns a row | read, ns a row | read, M events/s |"
    );
    println!("|---|--:|--:|--:|--:|--:|");
    for ((name, _), Figures { bytes, encode, decode }) in formats.iter().zip(&figures) {
        println!(
            "| {name} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} |",
            *bytes as f64 / events as f64,
            *bytes as f64 / figures[0].bytes as f64,
            each(*encode),
            each(*decode),
            events as f64 / decode.as_secs_f64() / 1e6,
        );
    }
    println!("\nTo have a row in hand takes {:.1} ns of each writing.\n", each(rows_alone));
    parts(&reader, &directory.path().join("whole.memscope"));
}

/// A part of a capture, as a line of the table.
struct Part<'a> {
    path: &'a Path,
    what: String,
}

impl Part<'_> {
    /// Opens the capture and reads the part, which is so many rows, several times.
    fn print(&self, read: impl Fn(&Reader) -> usize) {
        let (mut least, mut rows, mut bytes) = (Duration::MAX, 0, 0);
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            (rows, bytes) = counted::read(self.path, &read);
            least = least.min(begun.elapsed());
        }
        let whole = std::fs::metadata(self.path).unwrap().len();
        println!(
            "| {} | {:.2} | {rows} | {:.0} | {:.1} |",
            self.what,
            least.as_secs_f64() * 1e3,
            rows as f64 / least.as_secs_f64() / 1e6,
            100.0 * bytes as f64 / whole as f64,
        );
    }
}

/// All rows of a stream, and those in a hundredth of the time.
struct StreamParts<'a> {
    path: &'a Path,
    whole: &'a Reader,
}

impl StreamVisitor for StreamParts<'_> {
    type Output = ();

    fn visit<R: Event>(&mut self) {
        let chunks = self.whole.chunks::<R>();
        let Some(first) = chunks.iter().map(|chunk| chunk.t_min).min() else { return };
        let last = chunks.iter().map(|chunk| chunk.t_max).max().unwrap_or(first);
        let middle = first + (last - first) / 2;
        let end = middle + (last - first) / 100;
        let part = |what| Part { path: self.path, what: format!("{}, {what}", R::STREAM.name()) };
        part("all rows").print(|reader| {
            reader.rows::<R>().inspect(|row| assert!(black_box(row).is_ok())).count()
        });
        part("1 % of the time").print(|reader| {
            let rows = reader.select::<R>().time(middle..end).rows().unwrap();
            rows.inspect(|row| assert!(black_box(row).is_ok())).count()
        });
    }
}

/// What reading only a part costs, each time with opening the capture.
fn parts(reader: &Reader, path: &Path) {
    let (_, bytes) = Rewrite::default().write(reader, Vec::new(), |_, _| {}).unwrap();
    std::fs::write(path, &bytes).unwrap();
    let whole = Reader::open(path).unwrap();
    println!("Parts of the {:.1} MB:\n", bytes.len() as f64 / 1e6);
    println!("| part | ms | rows | M rows/s | % of the bytes read |\n|---|--:|--:|--:|--:|");
    Part { path, what: "nothing: opening it".to_owned() }.print(|_| 0);
    let part = Part { path, what: "`ts` and `kind` of LIFECYCLE".to_owned() };
    part.print(|reader| {
        let chunks = reader.columns::<Lifecycle>(&["ts", "kind"]).unwrap();
        chunks.map(|chunk| black_box(chunk.unwrap()).rows).sum()
    });
    let mut parts = StreamParts { path, whole: &whole };
    Stream::ALL.iter().for_each(|stream| stream.visit(&mut parts));
}
