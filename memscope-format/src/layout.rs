//! Opening: which frames a file has, by its index or by scanning, and what is wrong with it.

use crate::chain::{Chain, read_chain};
use crate::checkpoint::Checkpoint;
use crate::error::Error;
use crate::frame::{FRAME_HEADER_LEN, FrameHeader, FrameType};
use crate::header::{FILE_HEADER_LEN, FileHeader, MAGIC, printable};
use crate::health::Damage;
use crate::index::IndexEntry;
use crate::scan::{Scan, scan};
use crate::source::Input;

/// The frames of a file.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The file header, if it is readable.
    pub(crate) header: Option<FileHeader>,
    /// All frames, ascending by offset; with an index, some may be damaged.
    pub(crate) frames: Vec<IndexEntry>,
    /// Whether the last frame is a footer.
    pub(crate) complete: bool,
    /// Whether the frames are as the index says, and so may be damaged.
    pub(crate) indexed: bool,
    /// The newest checkpoint, if the frames are as it says.
    pub(crate) checkpoint: Option<Checkpoint>,
    pub(crate) damage: Vec<Damage>,
}

impl Layout {
    /// Finds the frames of a file.
    ///
    /// # Errors
    ///
    /// If it is not a capture, or none that this version reads.
    pub(crate) async fn of(source: &impl Input) -> Result<Self, Error> {
        let (header, damage) = match read_header(source).await {
            Ok(header) => (Some(header), None),
            // Frames that follow say the same as the magic number, if it is damaged.
            Err(error @ (Error::NotACapture { .. } | Error::Corrupt { .. })) => (None, Some(error)),
            Err(error) => return Err(error),
        };
        let tag = match &damage {
            None => header.map(|header| header.tag()),
            Some(error) => Some(tag_behind_damage(source, error).await?),
        };
        let mut layout = Self::of_frames(source, tag).await?;
        layout.header = header;
        if damage.is_some() {
            layout.damage.insert(
                0,
                Damage::new(0, FILE_HEADER_LEN as u64, Some(0), "a damaged file header"),
            );
        }
        let unknown = layout.frames.iter().find(|frame| {
            frame.flags & crate::frame::frame_flags::CRITICAL != 0
                && frame.frame_type.name().is_none()
        });
        match unknown {
            Some(frame) => Err(Error::TooNew {
                supported: format!("the frames of format {}.{}", crate::MAJOR, crate::MINOR),
                found: format!("a critical frame of type {}", frame.frame_type),
            }),
            None => Ok(layout),
        }
    }

    async fn of_frames(source: &impl Input, tag: Option<[u8; 4]>) -> Result<Self, Error> {
        let mut index_damage = None;
        if let Some((footer, entry)) = read_footer(source, tag).await {
            match read_chain(source, footer.t_min).await {
                Ok(Chain { mut frames, checkpoint }) => {
                    frames.push(entry);
                    let damage = gaps(&frames);
                    return Ok(Self {
                        header: None,
                        frames,
                        complete: true,
                        indexed: true,
                        checkpoint: Some(checkpoint),
                        damage,
                    });
                }
                Err(error @ Error::Io(_)) => return Err(error),
                Err(error) => {
                    index_damage = Some(Damage::new(
                        footer.t_min,
                        entry.offset.saturating_sub(footer.t_min),
                        Some(0),
                        format!("the index cannot be used: {error}"),
                    ));
                }
            }
        }
        let Scan { frames, mut damage, .. } = scan(source, FILE_HEADER_LEN as u64, tag).await?;
        // Without its footer, an index still knows the frames whose headers are damaged.
        let newest = frames.iter().rposition(|frame| frame.frame_type == FrameType::CHECKPOINT);
        if let (None, Some(newest)) = (&index_damage, newest)
            && let Ok(Chain { frames: mut indexed, checkpoint }) =
                read_chain(source, frames[newest].offset).await
        {
            let end = frames[newest].end();
            damage.retain(|damage| damage.offset >= end);
            indexed.extend_from_slice(&frames[newest + 1..]);
            let mut known = gaps(&indexed[..=indexed.len() - (frames.len() - newest)]);
            known.append(&mut damage);
            return Ok(Self {
                header: None,
                frames: indexed,
                complete: false,
                indexed: true,
                checkpoint: Some(checkpoint),
                damage: known,
            });
        }
        damage.extend(index_damage);
        let complete = frames
            .last()
            .is_some_and(|last| last.frame_type == FrameType::FOOTER && last.end() == source.len());
        Ok(Self { header: None, frames, complete, indexed: false, checkpoint: None, damage })
    }
}

/// Reads the file header.
async fn read_header(source: &impl Input) -> Result<FileHeader, Error> {
    if source.len() == 0 {
        return Err(Error::NoData);
    }
    let len = (FILE_HEADER_LEN as u64).min(source.len());
    let bytes = source.read(0, len).await?;
    if let Some(bytes) = bytes.first_chunk() {
        return FileHeader::from_bytes(bytes);
    }
    let magic = &bytes[..bytes.len().min(MAGIC.len())];
    if MAGIC.starts_with(magic) {
        return Err(Error::Truncated { offset: 0, expected: FILE_HEADER_LEN as u64, found: len });
    }
    Err(Error::NotACapture { found: printable(magic) })
}

/// Finds the tag of the frames behind a header that is damaged; if there are none, `error` is what the file is.
async fn tag_behind_damage(source: &impl Input, error: &Error) -> Result<[u8; 4], Error> {
    let first = source.read(FILE_HEADER_LEN as u64, FRAME_HEADER_LEN as u64).await;
    if let Ok(bytes) = first
        && let Some((_, tag)) = bytes.first_chunk().and_then(FrameHeader::from_bytes)
    {
        return Ok(tag);
    }
    // A foreign file is not searched for frames; one that bears the mark is.
    match error {
        Error::Corrupt { offset, expected, found } => {
            scan(source, FILE_HEADER_LEN as u64, None).await?.tag.ok_or_else(|| Error::Corrupt {
                offset: *offset,
                expected: expected.clone(),
                found: found.clone(),
            })
        }
        Error::NotACapture { found } => Err(Error::NotACapture { found: found.clone() }),
        _ => Err(Error::NoData),
    }
}

/// Reads the footer, if the file ends in one.
async fn read_footer(
    source: &impl Input,
    tag: Option<[u8; 4]>,
) -> Option<(FrameHeader, IndexEntry)> {
    let offset = source.len().checked_sub(FRAME_HEADER_LEN as u64)?;
    let bytes = source.read(offset, FRAME_HEADER_LEN as u64).await.ok()?;
    let (footer, found) = FrameHeader::from_bytes(bytes.first_chunk()?)?;
    let is_footer = footer.frame_type == FrameType::FOOTER
        && footer.stored_len == 0
        && footer.t_max == source.len()
        && tag.is_none_or(|tag| tag == found);
    is_footer.then(|| (footer, IndexEntry::new(offset, &footer)))
}

/// What lies between frames that should follow each other (half frames, after which the writer went on), and frames whose
/// numbers say that others are missing.
fn gaps(frames: &[IndexEntry]) -> Vec<Damage> {
    let (mut before, mut seq) = (FILE_HEADER_LEN as u64, 0);
    let mut damage = Vec::new();
    for frame in frames {
        if frame.offset > before {
            damage.push(Damage::new(before, frame.offset - before, None, "an incomplete frame"));
        } else if frame.seq > seq {
            damage.push(Damage::missing(frame.offset, frame.seq - seq));
        }
        before = frame.end();
        seq = frame.seq.saturating_add(1);
    }
    damage
}
