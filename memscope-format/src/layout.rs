//! Opening: which frames a file has, by its index or by scanning, and what is wrong with it.

use crate::chain::{Chain, read_chain};
use crate::checkpoint::Checkpoint;
use crate::error::Error;
use crate::frame::{FRAME_HEADER_LEN, FrameHeader, FrameType, SYNC, frame_flags};
use crate::header::{FILE_HEADER_LEN, FileHeader, MAGIC, printable};
use crate::health::{Damage, list};
use crate::index::IndexEntry;
use crate::limits;
use crate::scan::{Scan, WINDOW, scan};
use crate::source::Input;

/// The frames of a file.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The file header, if it is readable.
    pub(crate) header: Option<FileHeader>,
    /// The tag of its frames.
    pub(crate) tag: [u8; 4],
    /// All frames, ascending by offset; with an index, some may be damaged.
    pub(crate) frames: Vec<IndexEntry>,
    /// Whether the last frame is a footer.
    pub(crate) complete: bool,
    /// The newest checkpoint, if the frames are as it says.
    pub(crate) checkpoint: Option<Checkpoint>,
    /// Where the frames begin that are left out, because there are too many.
    pub(crate) rest: Option<u64>,
    pub(crate) damage: Vec<Damage>,
}

/// Which of a file's frames are looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// Where the first of them begins, or what lies before it does.
    pub(crate) start: u64,
    /// How many there are at most.
    pub(crate) frames: usize,
}

impl Default for Part {
    fn default() -> Self {
        Self { start: FILE_HEADER_LEN as u64, frames: limits::FRAMES }
    }
}

/// How far from the end of a file the newest checkpoint is searched for: twice what writers put between two of them.
const SEARCHED: u64 = 32 << 20;

impl Layout {
    /// Finds the frames of a file.
    ///
    /// # Errors
    ///
    /// If it is not a capture, or none that this version reads.
    pub(crate) async fn of(source: &impl Input, part: Part) -> Result<Self, Error> {
        let (header, tag) = match read_header(source).await {
            Ok(header) => (Some(header), header.tag()),
            // Frames that follow say the same as the magic number, if it is damaged.
            Err(error @ (Error::NotACapture { .. } | Error::Corrupt { .. })) => {
                (None, tag_behind_damage(source, &error).await?)
            }
            Err(error) => return Err(error),
        };
        let mut layout = Self::of_frames(source, tag, part).await?;
        layout.header = header;
        if header.is_none() {
            layout.damage.insert(
                0,
                Damage::new(0, FILE_HEADER_LEN as u64, Some(0), "a damaged file header"),
            );
        }
        layout.frames.iter().try_for_each(refuse_unknown)?;
        Ok(layout)
    }

    async fn of_frames(source: &impl Input, tag: [u8; 4], part: Part) -> Result<Self, Error> {
        let mut damage = Vec::new();
        let footer = read_footer(source, tag).await;
        let newest = match &footer {
            Some((footer, _)) => Some(footer.t_min),
            None => find_checkpoint(source, tag).await?,
        };
        if let Some(newest) = newest {
            match read_chain(source, newest, part).await {
                Ok(chain) => return Self::of_chain(source, tag, part, chain).await,
                Err(error @ Error::Io(_)) => return Err(error),
                Err(error) => {
                    let end = footer.as_ref().map_or(newest, |(_, entry)| entry.offset);
                    let what = format!("the index cannot be used: {error}");
                    damage.push(Damage::new(newest, end.saturating_sub(newest), Some(0), what));
                }
            }
        }
        let Scan { frames, damage: found, rest, .. } = scan(source, part, None, Some(tag)).await?;
        // A checkpoint that is damaged is found again.
        damage.retain(|index| {
            footer.is_some() || found.iter().all(|other| other.offset != index.offset)
        });
        damage.extend(found);
        let complete = footer.is_some() && rest.is_none();
        Ok(Self { header: None, tag, frames, complete, checkpoint: None, rest, damage })
    }

    /// Takes the frames that the index names, and those behind it.
    async fn of_chain(
        source: &impl Input,
        tag: [u8; 4],
        part: Part,
        Chain { mut frames, checkpoint, rest }: Chain,
    ) -> Result<Self, Error> {
        let checkpoint = Some(checkpoint);
        let mut damage = gaps(part.start, &frames);
        if rest.is_some() {
            return Ok(Self {
                header: None,
                tag,
                frames,
                complete: false,
                checkpoint,
                rest,
                damage,
            });
        }
        let last = frames.last().copied();
        let start = last.map_or(part.start, |last| last.end()).max(part.start);
        let behind = Part { start, frames: part.frames.saturating_sub(frames.len()) };
        let behind = scan(source, behind, last.map(|last| last.seq), Some(tag)).await?;
        frames.extend(behind.frames);
        damage.extend(behind.damage);
        let rest = behind.rest;
        let last = frames.last();
        let complete = rest.is_none()
            && last.is_some_and(|last| {
                last.frame_type == FrameType::FOOTER
                    && last.end() == source.len()
                    && last.t_max == source.len()
            });
        Ok(Self { header: None, tag, frames, complete, checkpoint, rest, damage })
    }
}

/// Refuses a frame that a reader must not ignore and that this one does not know.
pub(crate) fn refuse_unknown(frame: &IndexEntry) -> Result<(), Error> {
    if frame.flags & frame_flags::CRITICAL == 0 || frame.frame_type.name().is_some() {
        return Ok(());
    }
    Err(Error::TooNew {
        supported: format!("the frames of format {}.{}", crate::MAJOR, crate::MINOR),
        found: format!("a critical frame of type {}", frame.frame_type),
    })
}

/// Finds the newest checkpoint of a file that does not end in a footer.
async fn find_checkpoint(source: &impl Input, tag: [u8; 4]) -> Result<Option<u64>, Error> {
    let mut end = source.len();
    let first = end.saturating_sub(SEARCHED).max(FILE_HEADER_LEN as u64);
    let mut sync = SYNC.to_vec();
    sync.extend(tag);
    let finder = memchr::memmem::FinderRev::new(&sync);
    while end > first {
        let start = end.saturating_sub(WINDOW).max(first);
        // A header may begin in one window and end in the next.
        let len = (end - start + FRAME_HEADER_LEN as u64 - 1).min(source.len() - start);
        let window = source.read(start, len).await?;
        for at in finder.rfind_iter(&window) {
            let header = window[at..].first_chunk().and_then(FrameHeader::from_bytes);
            if header.is_some_and(|(header, _)| header.frame_type == FrameType::CHECKPOINT) {
                return Ok(Some(start + at as u64));
            }
        }
        end = start;
    }
    Ok(None)
}

/// Reads the file header.
pub(crate) async fn read_header(source: &impl Input) -> Result<FileHeader, Error> {
    let len = source.ahead(0, FILE_HEADER_LEN as u64, FILE_HEADER_LEN as u64).await;
    if len == 0 {
        return Err(Error::NoData);
    }
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
    if let Some(tag) = tag_of_first(source).await {
        return Ok(tag);
    }
    // A foreign file is not searched for frames; one that bears the mark is.
    match error {
        Error::Corrupt { offset, expected, found } => {
            scan(source, Part::default(), None, None).await?.tag.ok_or_else(|| Error::Corrupt {
                offset: *offset,
                expected: expected.clone(),
                found: found.clone(),
            })
        }
        Error::NotACapture { found } => Err(Error::NotACapture { found: found.clone() }),
        _ => Err(Error::NoData),
    }
}

/// The tag of the frame that follows on the file header, if one does.
pub(crate) async fn tag_of_first(source: &impl Input) -> Option<[u8; 4]> {
    let (offset, len) = (FILE_HEADER_LEN as u64, FRAME_HEADER_LEN as u64);
    if !source.has(offset, len).await {
        return None;
    }
    let bytes = source.read(offset, len).await.ok()?;
    bytes.first_chunk().and_then(FrameHeader::from_bytes).map(|(_, tag)| tag)
}

/// Reads the footer, if the file ends in one.
async fn read_footer(source: &impl Input, tag: [u8; 4]) -> Option<(FrameHeader, IndexEntry)> {
    let offset = source.len().checked_sub(FRAME_HEADER_LEN as u64)?;
    let bytes = source.read(offset, FRAME_HEADER_LEN as u64).await.ok()?;
    let (footer, found) = FrameHeader::from_bytes(bytes.first_chunk()?)?;
    let is_footer = footer.frame_type == FrameType::FOOTER
        && footer.stored_len == 0
        && footer.t_max == source.len()
        && tag == found;
    is_footer.then(|| (footer, IndexEntry::new(offset, &footer)))
}

/// What lies between frames that should follow each other (half frames, after which the writer went on), and frames whose
/// numbers say that others are missing.
fn gaps(start: u64, frames: &[IndexEntry]) -> Vec<Damage> {
    let mut before = start;
    // A part that begins in the middle begins with any number.
    let first = frames.first().map_or(0, |frame| frame.seq);
    let mut seq = if start == FILE_HEADER_LEN as u64 { 0 } else { first };
    let mut damage = Vec::new();
    for frame in frames {
        if frame.offset > before {
            let what = "an incomplete frame";
            list(&mut damage, Damage::new(before, frame.offset - before, None, what));
        } else if frame.seq > seq {
            list(&mut damage, Damage::missing(frame.offset, frame.seq - seq));
        }
        before = frame.end();
        seq = frame.seq.saturating_add(1);
    }
    damage
}
