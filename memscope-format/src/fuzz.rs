//! What is run on bytes that someone made up: the bodies of the fuzz targets, so that `fuzz/` and the replay of its corpus
//! under `cargo test` are the same. Not for others; there only with the feature `fuzz`.
//!
//! Each says by a panic that a promise was broken. Bytes that are refused are fine.

use crate::column::{ColumnEncoding, Words};
use crate::commit::Commit;
use crate::defs::{Defs, HookDef, SiteDef, ThreadDef, TypeDef};
use crate::directory;
use crate::error::Error;
use crate::frame::{FRAME_HEADER_LEN, FrameHeader, SYNC};
use crate::header::{FILE_HEADER_LEN, FileHeader, MAGIC, MAJOR, MINOR, u16_at, u32_at};
use crate::limits;
use crate::metadata::Metadata;
use crate::reader::Reader;
use crate::record::Event;
use crate::rewrite::Rewrite;
use crate::rows::{Container, DropChain, Lifecycle, Zst};
use crate::source::InMemory;
use crate::validate::Validation;
use crate::{Codec, codec, records};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// A target: what its folder of the corpus is called, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 10] = [
    ("header", header),
    ("frame", frame),
    ("column", column),
    ("codec", codec),
    ("records", records),
    ("reader", reader),
    ("repaired", repaired),
    ("recover", recover),
    ("rings", rings),
    ("import", import),
];

/// The file header: what is accepted comes back, but for what a reader ignores.
pub fn header(data: &[u8]) {
    let Some(bytes) = data.first_chunk::<FILE_HEADER_LEN>() else { return };
    let mut bytes = *bytes;
    let _ = FileHeader::from_bytes(&bytes);
    bytes[..12].copy_from_slice(&MAGIC);
    let crc = crc32fast::hash(&bytes[..60]);
    bytes[60..].copy_from_slice(&crc.to_le_bytes());
    match FileHeader::from_bytes(&bytes) {
        Ok(header) => {
            assert_eq!((header.major, header.minor), (MAJOR, MINOR));
            let back = FileHeader::from_bytes(&header.to_bytes());
            assert_eq!(back.ok(), Some(header), "a header comes back");
        }
        Err(error) => assert!(matches!(error, Error::TooNew { .. }), "{error}"),
    }
}

/// A frame header: it comes back to the byte.
pub fn frame(data: &[u8]) {
    let Some(bytes) = data.first_chunk::<FRAME_HEADER_LEN>() else { return };
    let mut bytes = *bytes;
    let _ = FrameHeader::from_bytes(&bytes);
    bytes[..4].copy_from_slice(&SYNC);
    let crc = crc32fast::hash(&bytes[..60]);
    bytes[60..].copy_from_slice(&crc.to_le_bytes());
    let back = FrameHeader::from_bytes(&bytes).map(|(header, tag)| header.to_bytes(tag));
    assert_eq!(back, Some(bytes), "a frame header comes back");
}

/// A column: encoding, rows and bytes of the shapes, then the raw bytes. Each row has a word, however it is asked for.
pub fn column(data: &[u8]) {
    let Some((&[encoding, rows_low, rows_high, shapes_len], rest)) = data.split_first_chunk()
    else {
        return;
    };
    let rows = u32::from(u16::from_le_bytes([rows_low, rows_high]));
    let Some(encoding) = ColumnEncoding::from_id(encoding % 10) else { return };
    let (shapes, raw) = rest.split_at(usize::from(shapes_len).min(rest.len()));
    let (least, most) = encoding.byte_range(rows);
    if !(least..=most).contains(&(raw.len() as u64)) {
        return;
    }
    let Some(words) = Words::decode(encoding, raw, rows) else { return };
    let shapes = (0..rows as usize)
        .map(|row| shapes.get(row % shapes.len().max(1)).copied().map_or(0, u64::from))
        .collect();
    let shapes = Words::Each(shapes);
    let all = words.expand(rows as usize, &shapes);
    let numbers: Vec<u32> = (0..rows).collect();
    assert_eq!(all, words.expand_some(&numbers, &shapes), "rows by number are the rows");
    if let Some(all) = all {
        assert_eq!(all.len(), rows as usize, "a word a row");
    }
    assert!(words.bytes() <= 64 + 8 * (rows as usize + 1).next_power_of_two(), "8 bytes a row");
}

/// A codec: its id and a raw length, then stored bytes. What is decompressed is as long as it was said to be.
pub fn codec(data: &[u8]) {
    let Some((&[id, len @ ..], stored)) = data.split_first_chunk::<4>() else { return };
    let len = u32::from_le_bytes([len[0], len[1], len[2], 0]) as usize;
    let Ok(codec) = codec::available(id % 5) else { return };
    if let Some(raw) = codec::decompress(codec, stored, len) {
        assert_eq!(raw.len(), len, "exactly the raw length");
        let mut again = Vec::new();
        let used = codec::Compressor::new(codec.into()).append(&raw, &mut again);
        assert_eq!(codec::decompress(used, &again, len), Some(raw), "compressed bytes come back");
    }
}

/// Records of each kind: a kind and a count, then their bytes. What is decoded is encoded to something that decodes to
/// the same.
pub fn records(data: &[u8]) {
    fn table<T>(bytes: &[u8], count: u32)
    where
        T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + Debug,
    {
        let Ok(decoded) = records::decode::<T>(bytes, count, 0) else { return };
        assert_eq!(decoded.len(), count as usize);
        let mut again = Vec::new();
        for record in &decoded {
            if records::append(&mut again, record, 0).is_err() {
                return;
            }
        }
        assert_eq!(records::decode::<T>(&again, count, 0).ok(), Some(decoded));
    }
    let Some((&[kind, count], bytes)) = data.split_first_chunk() else { return };
    let count = u32::from(count);
    match kind % 6 {
        0 => table::<SiteDef>(bytes, count),
        1 => table::<TypeDef>(bytes, count),
        2 => table::<HookDef>(bytes, count),
        3 => table::<ThreadDef>(bytes, count),
        4 => table::<Metadata>(bytes, count),
        _ => table::<Commit>(bytes, count),
    }
}

/// A file, as it is.
pub fn reader(data: &[u8]) {
    if let Ok(reader) = Reader::from_bytes(data.to_vec()) {
        read_all(&reader);
    }
}

/// A file whose checksums are made right first, so that what is behind them is reached.
pub fn repaired(data: &[u8]) {
    reader(&repair(data));
}

/// A file written anew: what could be read is in it, and it is valid.
pub fn recover(data: &[u8]) {
    let Ok(reader) = Reader::from_bytes(repair(data)) else { return };
    let Ok((done, bytes)) = Rewrite::default().write(&reader, Vec::new(), |_, _| {}) else {
        return;
    };
    assert_eq!(done.bytes, bytes.len() as u64);
    let again = Reader::from_bytes(bytes).unwrap_or_else(|error| panic!("{error}"));
    // What the first writer could not write is said again.
    let whole = again.health().damage.iter().all(|damage| damage.bytes == 0);
    assert!(again.health().complete && whole, "{:?}", again.health());
    let rows: u64 = again.streams().iter().map(|stream| stream.rows).sum();
    assert_eq!(rows, done.rows);
    assert_eq!(again.defs(), reader.defs());
    // Rows that name what is not defined, or no time of their chunk, are kept, and no damage.
    let verdict = Validation::of(&again).unwrap_or_else(|error| panic!("{error}"));
    assert!(verdict.frames.iter().all(|frame| frame.problem.is_none()), "{:?}", verdict.errors);
}

/// The rings of a program that died: the number of bytes of a capture, in 256ths of the bytes, then the capture and the
/// rings file.
pub fn rings(data: &[u8]) {
    let Some((&share, data)) = data.split_first() else { return };
    let (capture, rings) = data.split_at(data.len() * usize::from(share) / 256);
    let opening = Reader::opening().rings(InMemory(rings.to_vec()));
    if let Ok(reader) = opening.source(InMemory(capture.to_vec())) {
        read_all(&reader);
    }
}

/// A capture in another notation: the first byte says which. What is accepted is a valid capture, and comes back as the
/// same items.
#[cfg(feature = "convert")]
pub fn import(data: &[u8]) {
    use crate::convert::{Notation, export, import};
    let Some((&notation, data)) = data.split_first() else { return };
    let notation = if notation % 2 == 0 { Notation::JsonLines } else { Notation::MessagePack };
    let mut bytes = Vec::new();
    let Ok(rows) = import(data, notation, &mut bytes, Codec::None.into()) else { return };
    let reader = Reader::from_bytes(bytes).unwrap_or_else(|error| panic!("{error}"));
    assert!(reader.health().complete && reader.health().damage.is_empty());
    let mut items = Vec::new();
    let exported = export(&reader, notation, &mut items, |_, _| {});
    let exported = exported.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((exported.rows, exported.unreadable_rows), (rows, 0));
    let mut again = Vec::new();
    let rows_again = import(items.as_slice(), notation, &mut again, Codec::None.into());
    assert_eq!(rows_again.ok(), Some(rows), "what was exported is imported");
}

/// Without the conversion there is nothing to run.
#[cfg(not(feature = "convert"))]
pub fn import(_: &[u8]) {}

/// Reads all that a capture has, in each way there is; they agree.
fn read_all(reader: &Reader) {
    stream::<Lifecycle>(reader);
    stream::<Container>(reader);
    stream::<Zst>(reader);
    stream::<DropChain>(reader);
    let _ = reader.clock().ns(u64::MAX);
    let _ = Validation::of(reader);
}

fn stream<R: Event + PartialEq + Debug>(reader: &Reader) {
    let names: Vec<&str> = R::COLUMNS.iter().map(|column| column.name).collect();
    for chunk in reader.chunks::<R>() {
        assert!(chunk.rows <= limits::ROWS);
        let rows = reader.read_chunk::<R>(&chunk);
        if let Ok(rows) = &rows {
            assert_eq!(rows.len(), chunk.rows as usize, "as many rows as were said");
        }
        let _ = reader.weights::<R>(&chunk);
    }
    let columns = reader.columns::<R>(&names).into_iter().flatten();
    for chunk in columns.flatten() {
        assert!(chunk.columns.iter().all(|words| words.len() == chunk.rows));
    }
    // A selection is what a filter of all rows would leave.
    let all: Vec<R> = reader.rows::<R>().flatten().collect();
    let Some(row) = all.get(all.len() / 2) else { return };
    let word = |row: &R, name: &str| {
        let place = R::COLUMNS.iter().position(|column| column.name == name);
        place.map(|place| row.to_words().as_ref()[place])
    };
    let (Some(site), Some(ts)) = (word(row, "site"), word(row, "ts")) else { return };
    let expected =
        all.iter().filter(|row| word(row, "site") == Some(site) && word(row, "ts") >= Some(ts));
    let selected = reader.select::<R>().site(site as u32).time(ts..).rows();
    let selected: Vec<R> = selected.into_iter().flatten().flatten().collect();
    // Chunks whose header says other times than their rows have are passed over by the header.
    if in_chunk_order(reader, &all) {
        assert!(expected.eq(&selected), "a selection is a filter");
    }
}

/// Whether the rows of each chunk lie within the times that its header says, and all chunks can be read.
fn in_chunk_order<R: Event>(reader: &Reader, all: &[R]) -> bool {
    let time = |row: &R| R::TIME.map_or(0, |place| row.to_words().as_ref()[place]);
    let mut rest = all.iter();
    reader.chunks::<R>().iter().all(|chunk| {
        reader.read_chunk::<R>(chunk).is_ok_and(|rows| {
            rows.iter().all(|row| (chunk.t_min..=chunk.t_max).contains(&time(row)))
                && rest.by_ref().take(rows.len()).count() == rows.len()
        })
    })
}

/// Makes the checksums and sizes of a file right, frame by frame, as far as it has any.
fn repair(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    let Some(head) = bytes.first_chunk_mut::<FILE_HEADER_LEN>() else { return bytes };
    head[..12].copy_from_slice(&MAGIC);
    head[12..14].copy_from_slice(&MAJOR.to_le_bytes());
    head[14..16].copy_from_slice(&MINOR.to_le_bytes());
    head[16..24].fill(0);
    let crc = crc32fast::hash(&head[..60]);
    head[60..].copy_from_slice(&crc.to_le_bytes());
    let tag = [head[32], head[33], head[34], head[35]];
    let mut at = FILE_HEADER_LEN;
    while let Some((head, rest)) =
        bytes.get_mut(at..).and_then(<[u8]>::split_first_chunk_mut::<FRAME_HEADER_LEN>)
    {
        let stored = (u32_at(head, 24) as usize).min(rest.len());
        let padded = stored.next_multiple_of(8).min(rest.len());
        let stored = stored.min(padded);
        if head[13] == 2 {
            repair_columns(&mut rest[..stored]);
        }
        head[..4].copy_from_slice(&SYNC);
        head[4..8].copy_from_slice(&tag);
        head[24..28].copy_from_slice(&(stored as u32).to_le_bytes());
        let crc = crc32fast::hash(&rest[..padded]);
        head[56..60].copy_from_slice(&crc.to_le_bytes());
        let crc = crc32fast::hash(&head[..60]);
        head[60..].copy_from_slice(&crc.to_le_bytes());
        at += FRAME_HEADER_LEN + padded;
    }
    bytes
}

/// Makes the checksums of a directory and of its columns right.
fn repair_columns(payload: &mut [u8]) {
    let columns = usize::from(u16_at(payload, 0)).min(usize::from(limits::COLUMNS));
    let end = directory::directory_len(columns);
    if payload.len() < end {
        return;
    }
    let (directory, stored) = payload.split_at_mut(end);
    let mut at = 0;
    for entry in directory[8..].chunks_exact_mut(16) {
        let len = (u32_at(entry, 4) as usize).min(stored.len() - at);
        entry[4..8].copy_from_slice(&(len as u32).to_le_bytes());
        let crc = crc32fast::hash(&stored[at..at + len]);
        entry[12..].copy_from_slice(&crc.to_le_bytes());
        at += len;
    }
    let crc = crc32fast::hash(&[&directory[..4], &directory[8..]].concat());
    directory[4..8].copy_from_slice(&crc.to_le_bytes());
}

/// The inputs that the corpus begins with, by target: the parts of whole captures that each target takes.
pub fn seeds(captures: &[Vec<u8>]) -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let mut seeds: BTreeMap<&'static str, Vec<Vec<u8>>> = BTreeMap::new();
    for capture in captures {
        let mut add = |target, bytes: Vec<u8>| seeds.entry(target).or_default().push(bytes);
        for target in ["reader", "repaired", "recover"] {
            add(target, capture.clone());
        }
        let Ok(reader) = Reader::from_bytes(capture.clone()) else { continue };
        add("header", capture[..FILE_HEADER_LEN].to_vec());
        if let Some(frame) = capture[FILE_HEADER_LEN..].first_chunk::<FRAME_HEADER_LEN>() {
            add("frame", frame.to_vec());
        }
        kind_of_records(&mut add, reader.defs(), reader.metadata(), reader.last_commit());
        #[cfg(feature = "convert")]
        for (first, notation) in
            [(0, crate::convert::Notation::JsonLines), (1, crate::convert::Notation::MessagePack)]
        {
            let mut items = vec![first];
            if crate::convert::export(&reader, notation, &mut items, |_, _| {}).is_ok() {
                add("import", items);
            }
        }
    }
    seeds
}

fn kind_of_records(
    add: &mut impl FnMut(&'static str, Vec<u8>),
    defs: &Defs,
    metadata: Option<&Metadata>,
    commit: Option<&Commit>,
) {
    fn put<T: serde::Serialize>(
        add: &mut impl FnMut(&'static str, Vec<u8>),
        kind: u8,
        items: &[T],
    ) {
        let mut bytes = vec![kind, items.len() as u8];
        if items.iter().all(|item| records::append(&mut bytes, item, 0).is_ok()) {
            add("records", bytes);
        }
    }
    put(add, 0, &defs.sites);
    put(add, 1, &defs.types);
    put(add, 2, &defs.hooks);
    put(add, 3, &defs.threads);
    put(add, 4, metadata.map(std::slice::from_ref).unwrap_or_default());
    put(add, 5, commit.map(std::slice::from_ref).unwrap_or_default());
}
