//! The index of a file, as its checkpoints have it: from the newest back, each a part.

use crate::checkpoint::Checkpoint;
use crate::chunk::Rows;
use crate::contents::read_records;
use crate::error::Error;
use crate::frame::{FRAME_HEADER_LEN, FrameHeader, FrameType};
use crate::header::FILE_HEADER_LEN;
use crate::index::IndexEntry;
use crate::limits;
use crate::scan::read_frame;
use crate::source::Input;

/// What the newest checkpoint and those before it say.
#[derive(Debug)]
pub(crate) struct Chain {
    /// The frames that they name, the index frames and the checkpoints, ascending.
    pub(crate) frames: Vec<IndexEntry>,
    /// The newest.
    pub(crate) checkpoint: Checkpoint,
}

/// Reads the parts of the index that end with the checkpoint at `newest`, and checks that what they say is possible.
///
/// # Errors
///
/// If a part cannot be read, or the file has more than [`limits::FRAMES`] frames.
pub(crate) async fn read_chain(source: &impl Input, newest: u64) -> Result<Chain, Error> {
    let mut parts = Vec::new();
    let mut count = 0;
    let mut next = Some(newest);
    let mut first_read = None;
    while let Some(at) = next {
        let entry = entry_at(source, at, FrameType::CHECKPOINT).await?;
        let (_, mut found) = read_records::<Checkpoint>(source, &entry, 0).await?;
        let Some(checkpoint) = found.pop() else {
            return Err(Error::corrupt(at, "a checkpoint", "none"));
        };
        let Checkpoint { previous, index, .. } = checkpoint;
        first_read.get_or_insert(checkpoint);
        if index > at || previous.is_some_and(|previous| previous >= index) {
            return Err(Error::corrupt(
                at,
                "a checkpoint behind its index, which is behind the checkpoint before",
                format!("an index at {index}, behind a checkpoint at {previous:?}"),
            ));
        }
        let mut frames = read_part(source, index, at).await?;
        frames.push(entry);
        count += frames.len();
        if count > limits::FRAMES {
            return Err(Error::Limit {
                offset: at,
                what: "frames",
                limit: limits::FRAMES as u64,
                found: count as u64,
            });
        }
        parts.push(frames);
        next = previous;
    }
    let frames: Vec<IndexEntry> = parts.into_iter().rev().flatten().collect();
    let mut before = FILE_HEADER_LEN as u64;
    for frame in &frames {
        if frame.offset < before {
            return Err(Error::corrupt(
                newest,
                format!("a frame at {before} or behind it"),
                format!("one at {}", frame.offset),
            ));
        }
        before = frame.end();
    }
    Ok(Chain { frames, checkpoint: first_read.unwrap_or_default() })
}

/// Reads the index frames from `start` to `end`; returns the frames that they name, and the index frames.
async fn read_part(source: &impl Input, start: u64, end: u64) -> Result<Vec<IndexEntry>, Error> {
    let mut named = Vec::new();
    let mut index_frames = Vec::new();
    let mut at = start;
    while at < end {
        let entry = entry_at(source, at, FrameType::INDEX).await?;
        let (header, payload) = read_frame(source, &entry).await?;
        let rows = Rows::<IndexEntry>::decode(&header, &payload, at + FRAME_HEADER_LEN as u64)?;
        for row in rows {
            named.push(row?);
        }
        if named.len() > limits::FRAMES {
            return Err(Error::Limit {
                offset: at,
                what: "frames",
                limit: limits::FRAMES as u64,
                found: named.len() as u64,
            });
        }
        at = entry.end();
        index_frames.push(entry);
    }
    if at != end {
        return Err(Error::corrupt(
            start,
            format!("index frames up to {end}"),
            format!("up to {at}"),
        ));
    }
    named.append(&mut index_frames);
    Ok(named)
}

/// Reads the header of the frame at `at`, which must be of this type.
async fn entry_at(
    source: &impl Input,
    at: u64,
    frame_type: FrameType,
) -> Result<IndexEntry, Error> {
    let bytes = source.read(at, FRAME_HEADER_LEN as u64).await?;
    let header = bytes.first_chunk().and_then(FrameHeader::from_bytes).map(|(header, _)| header);
    header
        .filter(|header| header.frame_type == frame_type && header.beyond_limit().is_none())
        .map(|header| IndexEntry::new(at, &header))
        .ok_or_else(|| Error::corrupt(at, format!("a {frame_type} frame"), "something else"))
}
