//! What is made to harm its reader is refused, or read, in bounded memory: measured of a process that does nothing else.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod sample;

use memscope_format::column::{ColumnEncoding, SHAPE};
use memscope_format::defs::{Defs, FieldDef, ThreadDef, TypeDef};
use memscope_format::frame::{FrameHeader, FrameType};
use memscope_format::rows::{Container, DropChain, Lifecycle, Zst};
use memscope_format::{Codec, Error, Event, Reader, Record, Rewrite, Writer, limits, validate};
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;

/// The capture that a child reads.
const CAPTURE: &str = "MEMSCOPE_HOSTILE_CAPTURE";
/// Where it says how much memory that took.
const PEAK: &str = "MEMSCOPE_HOSTILE_PEAK";
/// What reading may take at most, of any capture.
const MOST: u64 = 256 << 20;

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// A column of a forged chunk.
struct Column {
    id: u16,
    encoding: ColumnEncoding,
    codec: Codec,
    raw_len: u32,
    stored: Vec<u8>,
}

impl Column {
    fn raw(id: u16, encoding: ColumnEncoding, stored: Vec<u8>) -> Self {
        Self { id, encoding, codec: Codec::None, raw_len: stored.len() as u32, stored }
    }

    /// Many bytes in few.
    fn bomb(id: u16, encoding: ColumnEncoding, raw: &[u8]) -> Self {
        let stored = zstd::bulk::compress(raw, 3).unwrap();
        Self { id, encoding, codec: Codec::Zstd, raw_len: raw.len() as u32, stored }
    }
}

/// A capture of one forged chunk of CONTAINER, all checksums right.
fn forged(rows: u32, columns: &[Column]) -> Vec<u8> {
    let mut payload = vec![0; 8];
    payload[..2].copy_from_slice(&(columns.len() as u16).to_le_bytes());
    for column in columns {
        payload.extend(column.id.to_le_bytes());
        payload.extend([column.encoding as u8, column.codec as u8]);
        payload.extend((column.stored.len() as u32).to_le_bytes());
        payload.extend(column.raw_len.to_le_bytes());
        payload.extend(crc32fast::hash(&column.stored).to_le_bytes());
    }
    let crc = crc32fast::hash(&[&payload[..4], &payload[8..]].concat());
    payload[4..8].copy_from_slice(&crc.to_le_bytes());
    let raw_len =
        columns.iter().fold(payload.len() as u32, |sum, column| sum.saturating_add(column.raw_len));
    columns.iter().for_each(|column| payload.extend(&column.stored));
    let stored_len = payload.len() as u32;
    payload.resize(payload.len().next_multiple_of(8), 0);
    let mut writer = Writer::new(Vec::new(), &sample::file_header(Codec::None)).unwrap();
    writer.metadata(&sample::metadata()).unwrap();
    writer.define(&sample::defs()).unwrap();
    let mut bytes = writer.sink().clone();
    let header = FrameHeader {
        frame_type: Container::FRAME,
        flags: 0,
        codec: 0,
        encoding: 2,
        version: 1,
        seq: 100,
        stored_len,
        raw_len,
        rows,
        source: 0,
        t_min: 0,
        t_max: 0,
        payload_crc: crc32fast::hash(&payload),
    };
    bytes.extend(header.to_bytes(sample::file_header(Codec::None).tag()));
    bytes.extend(payload);
    bytes
}

fn of_each_column(column: impl Fn(u16) -> Column) -> Vec<Column> {
    Container::COLUMNS.iter().map(|known| column(known.id)).collect()
}

/// The most rows that a chunk of CONTAINER may have.
const ROWS: u32 = (limits::WORDS / Container::COLUMNS.len() as u64) as u32;

/// What a capture was made to do, the capture, and the rows of CONTAINER that it has nevertheless.
type Hostile = (&'static str, Vec<u8>, u32);

fn chunks() -> Vec<Hostile> {
    let run_of = |rows: u32| {
        let mut run = Vec::new();
        // A word that every column takes.
        varint(&mut run, 1);
        varint(&mut run, u64::from(rows));
        run
    };
    let run = run_of(ROWS);
    let mut endless = Vec::new();
    varint(&mut endless, 1);
    varint(&mut endless, u64::MAX);
    let mut far = Vec::new();
    varint(&mut far, u64::MAX);
    let runs = |bytes: &Vec<u8>| {
        let bytes = bytes.clone();
        of_each_column(move |id| Column::raw(id, ColumnEncoding::Runs, bytes.clone()))
    };
    let mut shaped = runs(&run);
    shaped.insert(0, Column::raw(SHAPE.id, ColumnEncoding::Constant, far));
    let mut shapes = runs(&run);
    // Each one more than the one before.
    let mut steps = vec![2; ROWS as usize];
    steps[0] = 0;
    shapes.insert(0, Column::bomb(SHAPE.id, ColumnEncoding::Delta, &steps));
    for column in &mut shapes[1..] {
        *column = Column::bomb(column.id, ColumnEncoding::Coded, &vec![1; ROWS as usize]);
    }
    let mut twice = runs(&run);
    twice.push(Column::raw(1, ColumnEncoding::Runs, run.clone()));
    let mut coded = runs(&run);
    coded[2] = Column::bomb(3, ColumnEncoding::Coded, &vec![0; ROWS as usize + 1]);
    let mut many = runs(&run);
    many.extend((100..160).map(|id| Column::raw(id, ColumnEncoding::Runs, run.clone())));
    let bombs =
        |rows: usize| of_each_column(|id| Column::bomb(id, ColumnEncoding::Planes, &vec![0; rows]));
    let mut window = runs(&run);
    // A frame without a length whose window is 2^31, and a block of zeros that never ends.
    window[0] = Column {
        stored: vec![0x28, 0xB5, 0x2F, 0xFD, 0, 21 << 3, 0x03, 0, 0x10, 0],
        codec: Codec::Zstd,
        ..Column::raw(1, ColumnEncoding::Planes, vec![0; ROWS as usize])
    };
    vec![
        ("rows in two bytes a column", forged(ROWS, &runs(&run)), ROWS),
        ("a shape for each row", forged(ROWS, &shapes), ROWS),
        ("more words than may be", forged(1 << 20, &runs(&run_of(1 << 20))), 0),
        ("more rows than may be", forged((1 << 20) + 1, &runs(&run_of((1 << 20) + 1))), 0),
        ("endless runs", forged(ROWS, &runs(&endless)), 0),
        ("bombs", forged(ROWS, &bombs(4 * ROWS as usize)), 0),
        ("bombs of more than there may be", forged(1 << 20, &bombs(8 << 20)), 0),
        ("a huge window", forged(ROWS, &window), 0),
        ("a shape without end", forged(ROWS, &shaped), 0),
        ("more words than shapes", forged(ROWS, &coded), 0),
        ("a column twice", forged(ROWS, &twice), 0),
        ("more columns than may be", forged(ROWS, &many), 0),
        ("brotli without end", forged(ROWS, &brotli(&run)), 0),
    ]
}

#[test]
fn tables_need_words_for_the_shapes_that_are_used_and_no_others() {
    let capture = |sites: &[u8], types: &[u8]| {
        let mut columns = of_each_column(|id| match id {
            3 => Column::raw(id, ColumnEncoding::Coded, sites.to_vec()),
            4 => Column::raw(id, ColumnEncoding::Coded, types.to_vec()),
            _ => Column::raw(id, ColumnEncoding::Constant, vec![1]),
        });
        columns.insert(0, Column::raw(SHAPE.id, ColumnEncoding::Planes, vec![0, 1, 1, 1]));
        Reader::from_bytes(forged(4, &columns)).unwrap()
    };
    let select = |reader: &Reader, site, type_id| -> Result<Vec<Container>, Error> {
        reader.select::<Container>().site(site).type_id(type_id).rows().unwrap().collect()
    };
    for (sites, types) in
        [(&[5, 6, 9][..], &[7, 8][..]), (&[5, 6], &[7, 8, 8]), (&[5, 6, 9, 9], &[7, 8, 8])]
    {
        let reader = capture(sites, types);
        assert_eq!(reader.rows::<Container>().map(Result::unwrap).count(), 4);
        assert_eq!(select(&reader, 5, 7).unwrap().len(), 1);
        assert_eq!(select(&reader, 6, 8).unwrap().len(), 3);
        assert_eq!(select(&reader, 5, 8).unwrap(), []);
    }
    for (sites, types) in [(&[5, 6][..], &[7][..]), (&[5], &[7, 8])] {
        let reader = capture(sites, types);
        let error = select(&reader, 5, 7).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    }
    // All words of the column are asked for, but not all rows have one.
    let reader = capture(&[5], &[7, 8]);
    let mut columns = reader.select::<Container>().site(5).columns(&["ts"]).unwrap();
    assert!(matches!(columns.next(), Some(Err(Error::Corrupt { .. }))));
}

/// A column that brotli makes of few bytes longer than it says.
fn brotli(run: &[u8]) -> Vec<Column> {
    let mut stored = Vec::new();
    let mut source = io::repeat(0).take(1 << 28);
    // As quickly as it can: that the best compression finds no more takes half a minute.
    let fast = brotli::enc::BrotliEncoderParams { quality: 1, ..Default::default() };
    brotli::BrotliCompress(&mut source, &mut stored, &fast).unwrap();
    let mut columns = of_each_column(|id| Column::raw(id, ColumnEncoding::Runs, run.to_vec()));
    let raw_len = ROWS;
    columns[0] =
        Column { id: 1, encoding: ColumnEncoding::Planes, codec: Codec::Brotli, raw_len, stored };
    columns
}

/// A frame of records, or of anything, all checksums right.
fn frame(bytes: &mut Vec<u8>, frame_type: FrameType, seq: u64, rows: u32, raw: &[u8]) {
    let mut payload = zstd::bulk::compress(raw, 3).unwrap();
    let stored_len = payload.len() as u32;
    payload.resize(payload.len().next_multiple_of(8), 0);
    let header = FrameHeader {
        frame_type,
        flags: 0,
        codec: Codec::Zstd as u8,
        encoding: 1,
        version: 1,
        seq,
        stored_len,
        raw_len: raw.len() as u32,
        rows,
        source: 0,
        t_min: 0,
        t_max: 0,
        payload_crc: crc32fast::hash(&payload),
    };
    bytes.extend(header.to_bytes(sample::file_header(Codec::None).tag()));
    bytes.extend(payload);
}

/// Files of many frames: each small, and as many as may be.
fn frames() -> Vec<Hostile> {
    let start = || sample::file_header(Codec::None).to_bytes().to_vec();
    let defined = |defs: &mut dyn Iterator<Item = Defs>| {
        let mut writer = Writer::new(Vec::new(), &sample::file_header(Codec::Zstd)).unwrap();
        defs.for_each(|defs| writer.define(&defs).unwrap());
        writer.sink().clone()
    };
    // What takes the most memory for its bytes: fields without names.
    let field = FieldDef {
        name: String::new(),
        type_name: String::new(),
        variant: None,
        offset: None,
        size: 0,
        align: 0,
        marker: None,
        container: None,
    };
    let types = defined(&mut (0..60).map(|id| {
        let fields = Some(vec![field.clone(); 30_000]);
        let types = vec![TypeDef { id, fields, ..sample::defs().types[0].clone() }];
        Defs { types, ..Defs::default() }
    }));
    // More than are kept.
    let threads = defined(&mut (0..8).map(|number| {
        let ids = number * 100_000..(number + 1) * 100_000;
        let threads = ids.map(|id| ThreadDef { id, name: None, os_id: None }).collect();
        Defs { threads, ..Defs::default() }
    }));
    // A record that says it is longer than anything, and one that has no end.
    let mut long = start();
    let mut name = vec![1, 1, 0xFD];
    name.extend((1_u64 << 62).to_le_bytes());
    frame(&mut long, FrameType::THREADS, 0, 1, &name);
    frame(&mut long, FrameType::THREADS, 1, u32::MAX, &[0; 100]);
    frame(&mut long, FrameType::METADATA, 2, 1, &vec![0xFF; 4 << 20]);
    // Empty frames, one directly after another, and damage between them.
    let empty = FrameHeader {
        frame_type: FrameType(0x8000),
        flags: 0,
        codec: 0,
        encoding: 0,
        version: 1,
        seq: 0,
        stored_len: 0,
        raw_len: 0,
        rows: 0,
        source: 0,
        t_min: 0,
        t_max: 0,
        payload_crc: 0,
    };
    let mut many = start();
    let mut torn = start();
    let tag = sample::file_header(Codec::None).tag();
    for seq in 0..limits::FRAMES as u64 + 1000 {
        many.extend(FrameHeader { seq, ..empty }.to_bytes(tag));
    }
    for seq in 0..30_000 {
        torn.extend(FrameHeader { seq: 2 * seq, ..empty }.to_bytes(tag));
        torn.extend([0; 8]);
    }
    // Each says that it reaches to the end, where no frame is.
    let mut nested = start();
    for seq in 0..10_000 {
        let stored_len = (8 << 20) - 64 * seq as u32;
        nested.extend(FrameHeader { seq, stored_len, raw_len: 1, ..empty }.to_bytes(tag));
    }
    nested.resize(16 << 20, 0);
    vec![
        ("types of fields without number", types, 0),
        ("threads without number", threads, 0),
        ("records without end", long, 0),
        ("frames without number", many, 0),
        ("damage without number", torn, 0),
        ("frames in frames", nested, 0),
    ]
}

/// Checkpoints that name each other.
fn loops() -> Vec<Hostile> {
    let mut captures = Vec::new();
    for (what, previous, index) in [
        ("a checkpoint that is its own", Some(64), 64),
        ("a checkpoint that follows on a later one", Some(1 << 40), 64),
        ("an index behind its checkpoint", None, 1 << 40),
        ("an index without end", None, 64),
    ] {
        let mut bytes = sample::file_header(Codec::None).to_bytes().to_vec();
        for seq in 0..1000 {
            let mut record = Vec::new();
            for number in [previous, Some(index)].into_iter() {
                match number {
                    None => record.push(0),
                    Some(number) => {
                        if record.is_empty() {
                            record.push(1);
                        }
                        record.push(0xFD);
                        record.extend(u64::to_le_bytes(number));
                    }
                }
            }
            record.extend([0, 0]);
            frame(&mut bytes, FrameType::CHECKPOINT, seq, 1, &record);
        }
        captures.push((what, bytes, 0));
    }
    captures
}

/// What a child does: reads all that can be read, in each way.
#[test]
fn child() {
    let Ok(path) = std::env::var(CAPTURE) else { return };
    fn read<R: Event>(reader: &Reader) -> usize {
        reader.rows::<R>().filter(Result::is_ok).count()
    }
    if let Ok(reader) = Reader::open(&path) {
        read::<Lifecycle>(&reader);
        read::<Container>(&reader);
        read::<Zst>(&reader);
        read::<DropChain>(&reader);
        reader.columns::<Container>(&["ts", "site", "addr"]).unwrap().for_each(drop);
        reader.select::<Container>().site(1).time(1..).rows().unwrap().for_each(drop);
        let _ = Rewrite::default().write(&reader, io::sink(), |_, _| {});
        let _ = validate(&path);
    }
    std::fs::write(std::env::var(PEAK).unwrap(), peak_of_this_process().to_string()).unwrap();
}

/// Runs a child; returns the greatest memory it took, in bytes.
fn peak_of_reading(path: &Path) -> u64 {
    let peak = path.with_extension("peak");
    let output = Command::new("sh")
        .args(["-c", "ulimit -t 60; exec \"$0\" --exact child"])
        .arg(std::env::current_exe().unwrap())
        .envs([(CAPTURE, path), (PEAK, &peak)])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    std::fs::read_to_string(peak).unwrap().parse().unwrap()
}

/// The greatest memory that this process took, in bytes.
fn peak_of_this_process() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

fn read_in_bounded_memory(captures: Vec<Hostile>) {
    let directory = tempfile::tempdir().unwrap();
    for (what, bytes, rows) in captures {
        let path = directory.path().join("x.memscope");
        std::fs::write(&path, &bytes).unwrap();
        let peak = peak_of_reading(&path);
        assert!(peak > 1 << 20 && peak < MOST, "{what}: {peak} bytes");
        let reader = Reader::open(&path).unwrap();
        let (found, errors): (Vec<_>, Vec<_>) = reader.rows::<Container>().partition(Result::is_ok);
        assert_eq!(found.len(), rows as usize, "{what}");
        // Nothing is lost in silence.
        let reported = !errors.is_empty() || !reader.health().is_whole();
        assert!(reported, "{what}");
    }
}

#[test]
fn hostile_chunks_are_read_in_bounded_memory() {
    read_in_bounded_memory(chunks());
}

#[test]
fn hostile_frames_and_definitions_are_read_in_bounded_memory() {
    read_in_bounded_memory(frames());
}

#[test]
fn checkpoints_in_loops_are_left() {
    read_in_bounded_memory(loops());
}
