//! What the corpus begins with.

use super::parts::KINDS;
use crate::convert::{Notation, export};
use crate::frame::{FRAME_HEADER_LEN, FrameHeader, FrameType};
use crate::header::FILE_HEADER_LEN;
use crate::raw::{SLOT_LEN, head_len};
use crate::reader::Reader;
use crate::{Codec, codec};
use std::collections::{BTreeMap, BTreeSet};

/// The fuzzer takes no longer inputs.
const MOST_BYTES: usize = 16 << 10;

/// The inputs that the corpus begins with, by target: whole captures, and the parts of them that each target takes.
pub fn seeds(captures: &[Vec<u8>]) -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let mut seeds: BTreeMap<&'static str, Vec<Vec<u8>>> = BTreeMap::new();
    let mut add = |target, parts: &[&[u8]]| {
        let input = parts.concat();
        if input.len() <= MOST_BYTES {
            seeds.entry(target).or_default().push(input);
        }
    };
    let mut of_each_type = BTreeSet::new();
    for capture in captures {
        for target in ["reader", "repaired", "recover"] {
            add(target, &[capture]);
        }
        add("incoming", &[&[3, 7, 64, 0], capture]);
        add("append", &[&[0], capture]);
        let Ok(reader) = Reader::from_bytes(capture.clone()) else { continue };
        add("header", &[&capture[..FILE_HEADER_LEN]]);
        for (header, payload) in frames(capture) {
            if of_each_type.insert(header.frame_type) {
                add("frame", &[&header.to_bytes(reader.header().tag())]);
            } else if header.frame_type != FrameType::RAW {
                continue;
            }
            let decompressed = |stored: &[u8], len| {
                let codec = Codec::from_id(header.codec)?;
                codec::decompress(codec, stored, len)
            };
            let kind = KINDS.iter().position(|&kind| kind == header.frame_type);
            if let Some(kind) = kind
                && let Some(records) = decompressed(payload, header.raw_len as usize)
            {
                // Metadata come behind a copy of the file header.
                let begin =
                    if header.frame_type == FrameType::METADATA { FILE_HEADER_LEN } else { 0 };
                let records = records.get(begin..).unwrap_or_default();
                add("records", &[&[kind as u8, header.rows as u8], records]);
            }
            if header.frame_type == FrameType::RAW {
                add("raw", &[&(header.rows as u16).to_le_bytes(), payload]);
                let head = head_len(payload[3]);
                let codec = Codec::from_id(payload[2]);
                let len = (header.raw_len as usize).saturating_sub(head) / SLOT_LEN * SLOT_LEN;
                let slots = codec.and_then(|codec| codec::decompress(codec, &payload[head..], len));
                add("slots", &[&slots.unwrap_or_default()]);
            }
        }
        for (first, notation) in [(0, Notation::JsonLines), (1, Notation::MessagePack)] {
            let mut items = Vec::new();
            if export(&reader, notation, &mut items, |_, _| {}).is_ok() {
                add("import", &[&[first], &items]);
            }
        }
    }
    seeds
}

/// The frames of a capture, as far as they follow on each other, with their payloads without padding.
fn frames(capture: &[u8]) -> Vec<(FrameHeader, &[u8])> {
    let mut rest = &capture[FILE_HEADER_LEN..];
    let mut frames = Vec::new();
    while let Some((header, _)) = rest.first_chunk().and_then(FrameHeader::from_bytes)
        && let Some((frame, behind)) = rest.split_at_checked(header.frame_len() as usize)
    {
        let payload = &frame[FRAME_HEADER_LEN..][..header.stored_len as usize];
        frames.push((header, payload));
        rest = behind;
    }
    frames
}
