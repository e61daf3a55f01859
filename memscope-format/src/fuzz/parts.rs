//! What captures are made of.

use crate::checkpoint::Checkpoint;
use crate::column::{ColumnEncoding, Words};
use crate::commit::Commit;
use crate::defs::{Definition, Defs, TableVisitor};
use crate::error::Error;
use crate::frame::{FRAME_HEADER_LEN, FrameHeader, FrameType, SYNC};
use crate::header::{FILE_HEADER_LEN, FileHeader, MAGIC, MAJOR, MINOR};
use crate::metadata::Metadata;
use crate::{codec, records};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// The file header: what is accepted comes back, but for what a reader ignores.
pub(super) fn header(data: &[u8]) {
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
pub(super) fn frame(data: &[u8]) {
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
pub(super) fn column(data: &[u8]) {
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
    let Some(words) = Words::decode(encoding, raw.to_vec(), rows) else { return };
    let shapes: Vec<u64> = (0..rows as usize)
        .map(|row| shapes.get(row % shapes.len().max(1)).copied().map_or(0, u64::from))
        .collect();
    let shapes = Words::each(&shapes);
    let all = words.expand(rows as usize, &shapes);
    let numbers: Vec<u32> = (0..rows).collect();
    assert_eq!(all, words.expand_some(&numbers, &shapes), "rows by number are the rows");
    if let Some(all) = all {
        assert_eq!(all.len(), rows as usize, "a word a row");
    }
    let most = raw.len().max(8 * (rows as usize + 1).next_power_of_two());
    assert!(words.bytes() <= 64 + most, "what was stored, or 8 bytes a row");
}

/// A codec: its id and a raw length, then stored bytes. What is decompressed is as long as it was said to be.
pub(super) fn codec(data: &[u8]) {
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

/// The kinds of records that [`records`] tells apart by its first byte.
pub(super) const KINDS: [FrameType; 11] = [
    FrameType::SITES,
    FrameType::TYPES,
    FrameType::HOOKS,
    FrameType::THREADS,
    FrameType::STRINGS,
    FrameType::STACKS,
    FrameType::MODULES,
    FrameType::DERIVATIONS,
    FrameType::METADATA,
    FrameType::COMMIT,
    FrameType::CHECKPOINT,
];

/// Records of each kind: a kind and a count, then their bytes. What is decoded is encoded to something that decodes to
/// the same.
pub(super) fn records(data: &[u8]) {
    let Some((&[kind, count], bytes)) = data.split_first_chunk() else { return };
    let mut table = Table { bytes, count: u32::from(count) };
    match KINDS[usize::from(kind) % KINDS.len()] {
        FrameType::METADATA => table.check::<Metadata>(),
        FrameType::COMMIT => table.check::<Commit>(),
        FrameType::CHECKPOINT => table.check::<Checkpoint>(),
        kind => Defs::visit(kind, &mut table).unwrap_or_default(),
    }
}

struct Table<'a> {
    bytes: &'a [u8],
    count: u32,
}

impl Table<'_> {
    fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(&self) {
        let Ok(decoded) = records::decode::<T>(self.bytes, self.count, 0) else { return };
        assert_eq!(decoded.len(), self.count as usize);
        let mut again = Vec::new();
        for record in &decoded {
            if records::append(&mut again, record, 0).is_err() {
                return;
            }
        }
        assert_eq!(records::decode::<T>(&again, self.count, 0).ok(), Some(decoded));
    }
}

impl TableVisitor for Table<'_> {
    type Output = ();

    fn visit<T: Definition>(&mut self) {
        self.check::<T>();
    }
}
