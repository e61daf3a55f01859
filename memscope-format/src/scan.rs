//! Finding a capture's frames without an index: hop from header to header, and where one is damaged search for
//! the next.

use crate::error::Error;
use crate::frame::{FRAME_HEADER_LEN, FrameHeader, SYNC};
use crate::header::FILE_HEADER_LEN;
use crate::health::{Damage, list};
use crate::index::IndexEntry;
use crate::layout::Part;
use crate::limits;
use crate::source::Input;

/// Bytes that a search reads at once.
pub(crate) const WINDOW: u64 = 1 << 18;

/// The frames of a file from an offset on, and what is between them.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) frames: Vec<IndexEntry>,
    pub(crate) damage: Vec<Damage>,
    /// The tag in the frames' sync marks; `None` if there is no frame.
    pub(crate) tag: Option<[u8; 4]>,
    /// Where the frames begin that are left out, because there are too many.
    pub(crate) rest: Option<u64>,
}

/// Finds the frames of a part of a file whose sync mark has `tag`, or the tag of the first one found. `before` is the
/// number of the frame before the part.
///
/// Reads headers, and payloads only where a frame is not followed by another.
///
/// # Errors
///
/// If the file cannot be read.
pub(crate) async fn scan(
    source: &impl Input,
    part: Part,
    before: Option<u64>,
    tag: Option<[u8; 4]>,
) -> Result<Scan, Error> {
    let mut scanner = Scanner::new(source, part.start, before, tag);
    scanner.found.frames.reserve_exact(most_frames(source, part));
    let mut at = part.start;
    while at < source.len() {
        if scanner.found.frames.len() >= part.frames {
            scanner.found.rest = Some(at);
            break;
        }
        at = scanner.step(at).await?;
    }
    Ok(scanner.found)
}

/// Frames that a part can have. Memory for so many is only touched when they are there; growing would copy them.
pub(crate) fn most_frames(source: &impl Input, part: Part) -> usize {
    let fit = source.len().saturating_sub(part.start) / FRAME_HEADER_LEN as u64;
    usize::try_from(fit).map_or(part.frames, |fit| fit.min(part.frames))
}

/// Goes from frame to frame of a part of a file.
pub(crate) struct Scanner<'a, I> {
    source: &'a I,
    /// What was found until now. Whoever drives it may take away damage, and frames but for the last.
    pub(crate) found: Scan,
    /// The number that the next frame should have, if that is known.
    seq: Option<u64>,
    /// Where the last damage ends.
    behind_damage: Option<u64>,
    /// Bytes of payload that were read to verify frames.
    verified: u64,
    /// Where the last frame begins that was found to be whole.
    whole: Option<u64>,
}

impl<'a, I: Input> Scanner<'a, I> {
    /// Begins at `start`; see [`scan`].
    pub(crate) fn new(
        source: &'a I,
        start: u64,
        before: Option<u64>,
        tag: Option<[u8; 4]>,
    ) -> Self {
        Self {
            source,
            found: Scan { frames: Vec::new(), damage: Vec::new(), tag, rest: None },
            behind_damage: None,
            seq: match before {
                Some(before) => Some(before.saturating_add(1)),
                // A part that begins in the middle begins with any number.
                None => (start == FILE_HEADER_LEN as u64).then_some(0),
            },
            verified: 0,
            whole: None,
        }
    }

    /// Takes the frame at `at`, or gets over what is there instead; returns where to go on.
    pub(crate) async fn step(&mut self, at: u64) -> Result<u64, Error> {
        match self.header_at(at).await? {
            Some(header) if self.source.has(at, header.frame_len()).await => {
                self.take(at, &header);
                Ok(at + header.frame_len())
            }
            // A frame that was cut off. More may follow, if the writer went on after a failed write.
            Some(header) => {
                let rows = self.rows_of(&header);
                self.skip(at, at + FRAME_HEADER_LEN as u64, rows, "an incomplete frame").await
            }
            None => self.resync(at).await,
        }
    }

    /// There is no header where one should be. Is it this one that is damaged, or is the frame before it not
    /// really so long?
    async fn resync(&mut self, at: u64) -> Result<u64, Error> {
        let before = self.found.frames.last().copied().filter(|frame| frame.end() == at);
        if let Some(frame) = before
            && !self.is_whole(&frame).await?
        {
            self.found.frames.pop();
            // A frame that was not one has no number.
            self.seq = Some(frame.seq);
            let rows = frame.frame_type.rows(frame.rows);
            let what = format!("a damaged {} frame", frame.frame_type);
            let search = frame.offset + FRAME_HEADER_LEN as u64;
            return self.skip(frame.offset, search, Some(rows), &what).await;
        }
        let what = if self.source.has(at, FRAME_HEADER_LEN as u64).await {
            "a damaged frame header"
        } else {
            "an incomplete frame header"
        };
        self.skip(at, at + 1, None, what).await
    }

    /// Reports what lies from `from` to the next frame that begins at `search` or behind it, and goes there.
    async fn skip(
        &mut self,
        from: u64,
        search: u64,
        rows: Option<u64>,
        what: &str,
    ) -> Result<u64, Error> {
        let next = self.search(search).await?;
        let end = next.unwrap_or(self.source.len());
        list(&mut self.found.damage, Damage::new(from, end - from, rows, what));
        self.behind_damage = Some(end);
        Ok(end)
    }

    fn take(&mut self, at: u64, header: &FrameHeader) {
        let damaged_before = self.behind_damage == Some(at);
        let seq = self.seq.unwrap_or(header.seq);
        if header.seq < seq {
            let what = format!("frame {} again, or out of order", header.seq);
            list(&mut self.found.damage, Damage::new(at, header.frame_len(), Some(0), what));
            self.behind_damage = Some(at + header.frame_len());
            return;
        }
        if header.seq > seq && !damaged_before {
            list(&mut self.found.damage, Damage::missing(at, header.seq - seq));
        }
        self.seq = Some(header.seq.saturating_add(1));
        self.found.frames.push(IndexEntry::new(at, header));
    }

    fn rows_of(&self, header: &FrameHeader) -> Option<u64> {
        Some(header.frame_type.rows(header.rows))
    }

    /// Reads the header at `at`, if there is one of this file whose sizes are within the limits.
    pub(crate) async fn header_at(&mut self, at: u64) -> Result<Option<FrameHeader>, Error> {
        if !self.source.has(at, FRAME_HEADER_LEN as u64).await {
            return Ok(None);
        }
        let mut bytes = [0; FRAME_HEADER_LEN];
        self.source.read_exact(&mut bytes, at).await?;
        Ok(self.accept(&bytes))
    }

    fn accept(&mut self, bytes: &[u8; FRAME_HEADER_LEN]) -> Option<FrameHeader> {
        let (header, tag) = FrameHeader::from_bytes(bytes)?;
        if self.found.tag.is_some_and(|known| known != tag) || header.beyond_limit().is_some() {
            return None;
        }
        self.found.tag = Some(tag);
        Some(header)
    }

    /// Finds the first frame header at `from` or behind it.
    async fn search(&mut self, from: u64) -> Result<Option<u64>, Error> {
        let mut window_start = from;
        loop {
            self.source.pass(window_start);
            let len = self.source.ahead(window_start, FRAME_HEADER_LEN as u64, WINDOW).await;
            if len < FRAME_HEADER_LEN as u64 {
                return Ok(None);
            }
            let window = self.source.read(window_start, len).await?;
            let last_start = window.len() - FRAME_HEADER_LEN;
            for at in memchr::memmem::find_iter(&window[..last_start + SYNC.len()], &SYNC) {
                if let Some(bytes) = window[at..].first_chunk()
                    && self.accept(bytes).is_some()
                {
                    return Ok(Some(window_start + at as u64));
                }
            }
            window_start += last_start as u64 + 1;
        }
    }

    /// Whether the payload of a frame is what its header says.
    async fn is_whole(&mut self, frame: &IndexEntry) -> Result<bool, Error> {
        Ok(self.whole == Some(frame.offset) || self.verify(frame).await?.is_some())
    }

    /// Reads a frame that was found; `None` if its payload is not what its header says, or if too much was read for this.
    pub(crate) async fn verify(
        &mut self,
        frame: &IndexEntry,
    ) -> Result<Option<(FrameHeader, Vec<u8>)>, Error> {
        // Forged headers could make every payload overlap the others.
        let most = self.source.len().saturating_mul(2).saturating_add(1 << 26);
        let verified = self.verified.saturating_add(frame.frame_len());
        if verified > most {
            return Ok(None);
        }
        self.verified = verified;
        match read_frame(self.source, frame).await {
            Ok(read) => {
                self.whole = Some(frame.offset);
                Ok(Some(read))
            }
            Err(error @ Error::Io(_)) => Err(error),
            Err(_) => Ok(None),
        }
    }
}

/// Reads a frame, and verifies that it is the one that the entry describes; returns its header and its payload
/// without padding.
///
/// # Errors
///
/// If it is not, is damaged, or exceeds a limit.
pub(crate) async fn read_frame(
    source: &impl Input,
    entry: &IndexEntry,
) -> Result<(FrameHeader, Vec<u8>), Error> {
    let offset = entry.offset;
    if entry.stored_len > limits::STORED_LEN {
        return Err(Error::Limit {
            offset,
            what: "stored length",
            limit: u64::from(limits::STORED_LEN),
            found: u64::from(entry.stored_len),
        });
    }
    let mut bytes = source.read(offset, entry.frame_len()).await?;
    let Some((header, _)) = bytes.first_chunk().and_then(FrameHeader::from_bytes) else {
        return Err(Error::corrupt(offset, "a frame header", "damaged bytes"));
    };
    if !entry.describes(&header) {
        return Err(Error::corrupt(
            offset,
            format!("frame {}, {}", entry.seq, entry.frame_type),
            format!("frame {}, {}", header.seq, header.frame_type),
        ));
    }
    if let Some((what, limit, found)) = header.beyond_limit() {
        return Err(Error::Limit { offset, what, limit, found });
    }
    let computed = crc32fast::hash(&bytes[FRAME_HEADER_LEN..]);
    if computed != header.payload_crc {
        return Err(Error::corrupt(
            offset,
            format!("a {} payload with checksum {:08x}", header.frame_type, header.payload_crc),
            format!("{computed:08x}"),
        ));
    }
    bytes.truncate(FRAME_HEADER_LEN + header.stored_len as usize);
    bytes.drain(..FRAME_HEADER_LEN);
    Ok((header, bytes))
}
