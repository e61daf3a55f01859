//! Checksums made right, so that what is behind them is reached.

use crate::directory;
use crate::frame::{Encoding, FRAME_HEADER_LEN, SYNC};
use crate::header::{FILE_HEADER_LEN, MAGIC, MAJOR, MINOR, u16_at, u32_at};
use crate::limits;
use crate::raw::head_len;

/// Makes the checksums and sizes of a file right, frame by frame, as far as it has any.
pub(super) fn repair(data: &[u8]) -> Vec<u8> {
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
        match Encoding::from_id(head[13]) {
            Some(Encoding::Columns) => repair_columns(&mut rest[..stored]),
            Some(Encoding::Slots) => repair_head(&mut rest[..stored]),
            _ => {}
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
    repair_checksum(directory);
}

/// Makes the checksum of the head of a RAW frame right.
pub(super) fn repair_head(payload: &mut [u8]) {
    let len = payload.get(3).map_or(usize::MAX, |&streams| head_len(streams));
    if let Some(head) = payload.get_mut(..len) {
        repair_checksum(head);
    }
}

/// Makes a checksum right that lies behind the first four bytes of what it is of.
fn repair_checksum(bytes: &mut [u8]) {
    let crc = crc32fast::hash(&[&bytes[..4], &bytes[8..]].concat());
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
}
