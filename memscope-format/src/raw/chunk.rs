//! Events of a ring in a frame as the hooks wrote them, for a drain that has no time to encode them.

use super::{Events, RawKind, SLOT_LEN, Slot, SlotHeader};
use crate::batch::Batch;
use crate::chunk::Sealed;
use crate::codec::{self, Codec, Compressor};
use crate::compression::Compression;
use crate::error::Error;
use crate::event::{UnreadableEvent, streams_of};
use crate::frame::{Encoding, FrameHeader, FrameType};
use crate::header::{u16_at, u32_at, u64_at};
use crate::hooks::HookTable;
use crate::limits;
use crate::rows::Stream;

/// The events that a RAW frame takes: those of no stream are more than a chunk takes then.
pub const RAW_EVENTS: usize = crate::chunk::CHUNK_ROWS;

/// Bytes before the entries.
const HEAD_LEN: usize = 24;
/// Bytes of an entry.
const ENTRY_LEN: usize = 24;
/// The head is no longer than this.
pub(crate) const MAX_HEAD_LEN: usize = head_len(Stream::ALL.len() as u8);

/// Bytes of the head of a frame with rows of so many streams.
pub(crate) const fn head_len(streams: u8) -> usize {
    HEAD_LEN + streams as usize * ENTRY_LEN
}

/// Gathers the events of one ring and one thread for a frame.
///
/// An event costs a copy, and a look at its header for how many rows it gives to which stream. A frame of them takes seven
/// times the bytes of chunks or more; [`compact`](crate::compact) makes chunks of it.
#[derive(Debug)]
pub struct RawChunk {
    ring: u16,
    thread: u32,
    /// The position of the first slot.
    position: u64,
    events: usize,
    /// What of each stream there is.
    streams: Vec<RawStream>,
    slots: Vec<u8>,
}

/// The rows that a RAW frame has of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawStream {
    pub(crate) stream: Stream,
    pub(crate) rows: u32,
    pub(crate) t_min: u64,
    pub(crate) t_max: u64,
}

impl RawChunk {
    /// Makes a chunk without events.
    #[must_use]
    pub const fn new(ring: u16, thread: u32) -> Self {
        Self { ring, thread, position: 0, events: 0, streams: Vec::new(), slots: Vec::new() }
    }

    /// Appends the events in slots that follow one upon another in the ring, from `position` on, until it is full.
    ///
    /// Returns how many slots were taken, and why no more: as [`Batch::push_slots`].
    pub fn push_slots(
        &mut self,
        hooks: &HookTable,
        position: u64,
        slots: &[Slot],
    ) -> (usize, Result<(), UnreadableEvent>) {
        let mut events = Events::new(slots);
        while !self.is_full() {
            let Some((at, first, second)) = events.next() else { break };
            if let Err(error) = self.push(hooks, position + at as u64, first, second) {
                return (at, Err(error));
            }
        }
        (events.taken(), Ok(()))
    }

    /// Appends the event at a position of the ring, which is behind that of the event before.
    ///
    /// # Errors
    ///
    /// If the event means nothing; then it is not appended.
    #[inline]
    pub fn push(
        &mut self,
        hooks: &HookTable,
        position: u64,
        first: &Slot,
        second: Option<&Slot>,
    ) -> Result<(), UnreadableEvent> {
        let (stream, other) = streams_of(hooks, first, second)?;
        self.count(stream, first.w0);
        if let Some(other) = other {
            self.count(other, first.w0);
        }
        if self.events == 0 {
            self.position = position;
        }
        // What was between them are pads.
        let at = position.wrapping_sub(self.position) as usize * SLOT_LEN;
        self.slots.resize(at, 0);
        self.append(first);
        if let Some(second) = second {
            self.append(second);
        }
        self.events += 1;
        Ok(())
    }

    #[inline]
    fn append(&mut self, slot: &Slot) {
        let mut bytes = [0; SLOT_LEN];
        let words = [slot.w0, slot.header, slot.p0, slot.p1];
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        self.slots.extend_from_slice(&bytes);
    }

    #[inline]
    fn count(&mut self, stream: Stream, ts: u64) {
        match self.streams.iter_mut().find(|counted| counted.stream == stream) {
            Some(counted) => {
                counted.rows += 1;
                counted.t_min = counted.t_min.min(ts);
                counted.t_max = counted.t_max.max(ts);
            }
            None => self.streams.push(RawStream { stream, rows: 1, t_min: ts, t_max: ts }),
        }
    }

    /// Events in it.
    #[must_use]
    pub const fn events(&self) -> usize {
        self.events
    }

    /// Whether a frame takes no more: [`RAW_EVENTS`] of them, or twice as many slots.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.events >= RAW_EVENTS || self.slots.len() >= 2 * RAW_EVENTS * SLOT_LEN
    }

    /// Makes a frame of the events; `None` if there are none.
    #[must_use]
    pub fn seal(mut self, compression: impl Into<Compression>) -> Option<Sealed> {
        if self.events == 0 {
            return None;
        }
        self.streams.sort_by_key(|counted| counted.stream);
        let head_len = head_len(self.streams.len() as u8);
        let mut payload = Vec::with_capacity(head_len + self.slots.len());
        payload.resize(head_len, 0);
        let codec = Compressor::new(compression.into()).append(&self.slots, &mut payload);
        payload[..2].copy_from_slice(&self.ring.to_le_bytes());
        payload[2] = codec as u8;
        payload[3] = self.streams.len() as u8;
        payload[8..12].copy_from_slice(&self.thread.to_le_bytes());
        payload[12..16].copy_from_slice(&((self.slots.len() / SLOT_LEN) as u32).to_le_bytes());
        payload[16..24].copy_from_slice(&self.position.to_le_bytes());
        let entries = payload[HEAD_LEN..head_len].chunks_exact_mut(ENTRY_LEN);
        for (entry, counted) in entries.zip(&self.streams) {
            entry[..2].copy_from_slice(&counted.stream.frame_type().0.to_le_bytes());
            entry[4..8].copy_from_slice(&counted.rows.to_le_bytes());
            entry[8..16].copy_from_slice(&counted.t_min.to_le_bytes());
            entry[16..].copy_from_slice(&counted.t_max.to_le_bytes());
        }
        let crc = checksum(&payload[..head_len]);
        payload[4..8].copy_from_slice(&crc.to_le_bytes());
        let times = || self.streams.iter();
        let header = FrameHeader {
            raw_len: (head_len + self.slots.len()) as u32,
            rows: self.events as u32,
            t_min: times().map(|counted| counted.t_min).min().unwrap_or(0),
            t_max: times().map(|counted| counted.t_max).max().unwrap_or(0),
            ..Sealed::template(FrameType::RAW, Encoding::Slots)
        };
        Some(Sealed::new(header, payload))
    }
}

/// The checksum of a head, over all of it but the place of the checksum.
fn checksum(head: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&head[..4]);
    hasher.update(&head[8..]);
    hasher.finalize()
}

/// What a RAW frame says before its slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawHead {
    ring: u16,
    codec: u8,
    thread: u32,
    slots: u32,
    position: u64,
    /// Each stream once, ascending.
    pub(crate) streams: Vec<RawStream>,
}

impl RawHead {
    /// Reads and checks the head at the start of a payload that begins at `offset`; the slots need not be in `payload`.
    ///
    /// # Errors
    ///
    /// If it is damaged, of another version, or contradicts the frame's header.
    pub(crate) fn parse(header: &FrameHeader, payload: &[u8], offset: u64) -> Result<Self, Error> {
        if (header.version, header.encoding) != (1, Encoding::Slots as u8) {
            return Err(Error::TooNew {
                supported: format!("{} of version 1", FrameType::RAW),
                found: format!("version {}, encoding {}", header.version, header.encoding),
            });
        }
        let truncated = |expected: usize| Error::Truncated {
            offset,
            expected: expected as u64,
            found: payload.len() as u64,
        };
        let len = head_len(*payload.get(3).ok_or(truncated(HEAD_LEN))?);
        let head = payload.get(..len).ok_or(truncated(len))?;
        let (found, computed) = (u32_at(head, 4), checksum(head));
        if found != computed {
            let expected = format!("a head of slots with checksum {computed:08x}");
            return Err(Error::corrupt(offset, expected, format!("{found:08x}")));
        }
        let mut streams: Vec<RawStream> = Vec::new();
        for entry in head[HEAD_LEN..].chunks_exact(ENTRY_LEN) {
            let frame_type = FrameType(u16_at(entry, 0));
            let stream = frame_type.stream().ok_or_else(|| Error::TooNew {
                supported: format!("the streams of format {}.{}", crate::MAJOR, crate::MINOR),
                found: format!("events of {frame_type}"),
            })?;
            if streams.last().is_some_and(|last| last.stream >= stream) {
                let found = format!("{} out of order", stream.name());
                return Err(Error::corrupt(offset, "each stream once", found));
            }
            let (rows, t_min, t_max) = (u32_at(entry, 4), u64_at(entry, 8), u64_at(entry, 16));
            if rows == 0 {
                let found = format!("none of {}", stream.name());
                return Err(Error::corrupt(offset, "streams that have rows", found));
            }
            if rows > limits::ROWS {
                return Err(Error::Limit {
                    offset,
                    what: "rows of a stream in a RAW frame",
                    limit: limits::ROWS.into(),
                    found: rows.into(),
                });
            }
            streams.push(RawStream { stream, rows, t_min, t_max });
        }
        let slots = u32_at(head, 12);
        if slots > limits::RAW_SLOTS {
            return Err(Error::Limit {
                offset,
                what: "slots of a RAW frame",
                limit: u64::from(limits::RAW_SLOTS),
                found: u64::from(slots),
            });
        }
        let expected = len as u64 + u64::from(slots) * SLOT_LEN as u64;
        if header.rows as usize > RAW_EVENTS || u64::from(header.raw_len) != expected {
            return Err(Error::corrupt(
                offset,
                format!("at most {RAW_EVENTS} events, in {expected} raw bytes"),
                format!("{} in {}", header.rows, header.raw_len),
            ));
        }
        Ok(Self {
            ring: u16_at(head, 0),
            codec: head[2],
            thread: u32_at(head, 8),
            slots,
            position: u64_at(head, 16),
            streams,
        })
    }

    /// The rows of all streams.
    pub(crate) fn rows(&self) -> u64 {
        self.streams.iter().map(|counted| u64::from(counted.rows)).sum()
    }
}

/// Makes chunks of a RAW frame whose payload begins at `offset`: one for each of its streams.
///
/// # Errors
///
/// If the payload is damaged, is not what its head says, or names hooks that are not defined.
pub(crate) fn decode(
    header: &FrameHeader,
    payload: &[u8],
    offset: u64,
    hooks: &HookTable,
) -> Result<Vec<Sealed>, Error> {
    let head = RawHead::parse(header, payload, offset)?;
    let stored = &payload[head_len(head.streams.len() as u8)..];
    let codec = codec::available(head.codec)?;
    // No more than the limit that the head was checked against.
    let raw_len = head.slots as usize * SLOT_LEN;
    let raw = codec::decompress(codec, stored, raw_len).ok_or_else(|| {
        Error::corrupt(offset, format!("{} slots", head.slots), "bytes that do not decode to that")
    })?;
    let mut slots = raw.chunks_exact(SLOT_LEN).map(slot).enumerate();
    let mut batch = Batch::new(Codec::None);
    while let Some((at, first)) = slots.next() {
        let word = SlotHeader(first.header);
        if word.kind() == Some(RawKind::Pad) {
            continue;
        }
        // Rows are made of no more events than the limit that this was checked against.
        if batch.events >= u64::from(header.rows) {
            return Err(Error::corrupt(offset, format!("{} events", header.rows), "more"));
        }
        let is_wide = word.is_wide();
        let second = if is_wide { slots.next().map(|(_, second)| second) } else { None };
        let position = head.position.wrapping_add(at as u64);
        let pushed = match (is_wide, &second) {
            (true, None) => Err(UnreadableEvent::UnknownKind(first.header)),
            (_, second) => {
                batch.push(hooks, head.ring, head.thread, position, &first, second.as_ref())
            }
        };
        pushed.map_err(|error| {
            Error::corrupt(offset, "events that mean something", error.to_string())
        })?;
    }
    let events = batch.events;
    let frames = batch.seal();
    let found = frames.iter().filter_map(|frame| {
        let FrameHeader { frame_type, rows, t_min, t_max, .. } = frame.header;
        Some(RawStream { stream: frame_type.stream()?, rows, t_min, t_max })
    });
    let mut found: Vec<RawStream> = found.collect();
    found.sort_by_key(|counted| counted.stream);
    if events != u64::from(header.rows) || found != head.streams {
        return Err(Error::corrupt(
            offset,
            format!("{} events, {:?}", header.rows, head.streams),
            format!("{events} events, {found:?}"),
        ));
    }
    Ok(frames)
}

fn slot(bytes: &[u8]) -> Slot {
    Slot {
        w0: u64_at(bytes, 0),
        header: u64_at(bytes, 8),
        p0: u64_at(bytes, 16),
        p1: u64_at(bytes, 24),
    }
}
