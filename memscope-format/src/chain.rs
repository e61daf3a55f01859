//! The index of a file, as its checkpoints have it: from the newest back, each a part.

use crate::checkpoint::Checkpoint;
use crate::chunk::Rows;
use crate::contents::read_records;
use crate::error::Error;
use crate::frame::{FRAME_HEADER_LEN, FrameHeader, FrameType};
use crate::header::FILE_HEADER_LEN;
use crate::index::IndexEntry;
use crate::layout::Part;
use crate::limits;
use crate::scan::{most_frames, read_frame};
use crate::source::Input;

/// What the checkpoints of a file say.
#[derive(Debug)]
pub(crate) struct Chain {
    /// The frames that they name, the index frames and the checkpoints, ascending.
    pub(crate) frames: Vec<IndexEntry>,
    /// The newest.
    pub(crate) checkpoint: Checkpoint,
    /// Where the frames begin that are left out, because there are too many.
    pub(crate) rest: Option<u64>,
}

/// A checkpoint, and where its part of the index begins.
struct Link {
    index: u64,
    checkpoint: IndexEntry,
}

/// Reads the parts of the index that end with the checkpoint at `newest`, as far as they are of `part`, and checks that
/// what they say is possible.
///
/// # Errors
///
/// If one cannot be read.
pub(crate) async fn read_chain(
    source: &impl Input,
    newest: u64,
    part: Part,
) -> Result<Chain, Error> {
    let mut links = Vec::new();
    let mut newest_found = None;
    let mut next = Some(newest);
    while let Some(at) = next {
        let checkpoint = entry_at(source, at, FrameType::CHECKPOINT).await?;
        let (_, mut found) = read_records::<Checkpoint>(source, &checkpoint, 0).await?;
        let Some(found) = found.pop() else {
            return Err(Error::corrupt(at, "a checkpoint", "none"));
        };
        let Checkpoint { previous, index, .. } = found;
        newest_found.get_or_insert(found);
        if index > at || previous.is_some_and(|previous| previous >= index) {
            return Err(Error::corrupt(
                at,
                "a checkpoint behind its index, which is behind the checkpoint before",
                format!("an index at {index}, behind a checkpoint at {previous:?}"),
            ));
        }
        links.push(Link { index, checkpoint });
        if links.len() > limits::CHECKPOINTS {
            return Err(Error::Limit {
                offset: at,
                what: "checkpoints",
                limit: limits::CHECKPOINTS as u64,
                found: links.len() as u64,
            });
        }
        // What is before the part is not needed.
        next = previous.filter(|&previous| previous >= part.start);
    }
    let frames = Vec::with_capacity(most_frames(source, part));
    let checkpoint = newest_found.unwrap_or_default();
    let mut chain = Chain { frames, checkpoint, rest: None };
    for link in links.iter().rev() {
        read_part(source, link, part, &mut chain).await?;
        if chain.rest.is_some() {
            break;
        }
    }
    let mut before = FILE_HEADER_LEN as u64;
    for frame in &chain.frames {
        if frame.offset < before {
            return Err(Error::corrupt(
                newest,
                format!("a frame at {before} or behind it"),
                format!("one at {}", frame.offset),
            ));
        }
        before = frame.end();
    }
    Ok(chain)
}

/// Reads the index frames before a checkpoint; adds the frames that they name, the index frames and the checkpoint.
async fn read_part(
    source: &impl Input,
    link: &Link,
    part: Part,
    chain: &mut Chain,
) -> Result<(), Error> {
    let (start, end) = (link.index, link.checkpoint.offset);
    let mut index_frames = Vec::new();
    let mut at = start;
    while at < end {
        let entry = entry_at(source, at, FrameType::INDEX).await?;
        let (header, payload) = read_frame(source, &entry).await?;
        let rows = Rows::<IndexEntry>::decode(&header, &payload, at + FRAME_HEADER_LEN as u64)?;
        for row in rows {
            add(chain, part, row?);
            if chain.rest.is_some() {
                return Ok(());
            }
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
    for entry in index_frames.into_iter().chain([link.checkpoint]) {
        add(chain, part, entry);
    }
    Ok(())
}

/// Adds a frame, if it is one of the part.
fn add(chain: &mut Chain, part: Part, entry: IndexEntry) {
    if entry.offset < part.start || chain.rest.is_some() {
        return;
    }
    if chain.frames.len() >= part.frames {
        chain.rest = Some(entry.offset);
    } else {
        chain.frames.push(entry);
    }
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
