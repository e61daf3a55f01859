//! What a capture holds besides the rows: definitions, totals, health, and which of its chunks count.

use crate::cache::Cache;
use crate::checkpoint::Checkpoint;
use crate::chunk::{Rows, Sealed};
use crate::chunks::{ChunkRef, Place};
use crate::clock::{Clock, ClockReading};
use crate::codec;
use crate::commit::{Commit, RingCommit};
use crate::defs::{DefTables, Definition, Defs, TableVisitor};
use crate::error::Error;
use crate::frame::{FRAME_HEADER_LEN, FrameHeader, FrameType, frame_flags};
use crate::header::{FILE_HEADER_LEN, FileHeader};
use crate::health::{Damage, Health, list};
use crate::hooks::HookTable;
use crate::index::IndexEntry;
use crate::layout::{Layout, Part};
use crate::leftover::{Leftover, Recovery};
use crate::limits;
use crate::metadata::Metadata;
use crate::projection::find;
use crate::raw::{self, MAX_HEAD_LEN, RawHead, RawStream};
use crate::record::{Event, StreamVisitor};
use crate::records;
use crate::rows::{Container, SnapshotReason, Stream};
use crate::scan::read_frame;
use crate::source::Input;
use crate::stored::StoredChunk;
use std::collections::BTreeMap;

/// So many frames behind the last commit are read, and so verified, to count their events. Where there are more, what
/// wrote the capture does not commit, and to read them all would take as long as to read the capture.
const COUNTED_WHOLE: usize = 256;

/// What opening a capture brings up.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) header: FileHeader,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) defs: Defs,
    pub(crate) commit: Option<Commit>,
    pub(crate) clock: Clock,
    pub(crate) health: Health,
    pub(crate) events: u64,
    /// Bytes of the file.
    pub(crate) bytes: u64,
    pub(crate) rings_bytes: u64,
    /// Rows that the writer was given, and that are not in the file.
    pub(crate) unwritten: Vec<(Stream, u64)>,
    /// Chunks made of what was in the rings.
    pub(crate) recovered: Vec<Sealed>,
    /// The newest checkpoint, if the frames are as it says.
    checkpoint: Option<Checkpoint>,
    /// The positions of rings that commits say.
    committed_rings: BTreeMap<u16, RingCommit>,
    /// Positions behind all that the rings of a dead program hold.
    taken_rings: Vec<RingCommit>,
    /// The RAW frames that can be read, by where they begin.
    raw: BTreeMap<u64, RawHead>,
    /// What the events in them name.
    hooks: HookTable,
    frames: Vec<IndexEntry>,
    /// Event frames from this place in `frames` on do not count: their events are in the rings.
    end: usize,
}

impl Contents {
    /// Brings up what a capture holds.
    pub(crate) async fn of(source: &impl Input, part: Part) -> Result<Self, Error> {
        let layout = Layout::of(source, part).await?;
        let mut health =
            Health { complete: layout.complete, rest: layout.rest, ..Health::default() };
        let mut reading = Reading { source, layout: &layout, damage: Vec::new() };
        let (metadata, header) = reading.metadata().await?;
        let defs = reading.defs().await?;
        let header = match layout.header.or(header) {
            Some(header) => header,
            // What is left of it: the start of the id, which each frame has.
            None => header_with_tag(layout.tag),
        };
        let leftover = match Leftover::open(source, header.file_id).await {
            // What is in the rings follows on the last part.
            Ok(_) if layout.rest.is_some() => None,
            Ok(leftover) => leftover,
            Err(error @ Error::Io(_)) => return Err(error),
            Err(error) => {
                reading.damage.push(Damage::of_rings(
                    0,
                    0,
                    None,
                    format!("the rings beside the capture cannot be used: {error}"),
                ));
                None
            }
        };
        health.live = leftover.as_ref().is_some_and(|leftover| leftover.live);
        let commits = reading.commits(leftover.is_some() && !health.live).await?;
        let mut damage = std::mem::take(&mut reading.damage);
        let end = match &leftover {
            None => layout.frames.len(),
            Some(leftover) if !leftover.live && leftover.is_ahead_of(&commits.rings) => {
                end_without_commit(&layout, &commits, source.len())
            }
            Some(_) => commits.end,
        };
        let mut contents = Self {
            header,
            metadata,
            defs,
            commit: commits.last,
            clock: Clock::new(ClockReading::default(), ClockReading::default()),
            health,
            events: 0,
            bytes: source.len(),
            rings_bytes: 0,
            unwritten: unwritten(layout.checkpoint.as_ref()),
            checkpoint: layout.checkpoint,
            committed_rings: commits.rings.clone(),
            taken_rings: Vec::new(),
            recovered: Vec::new(),
            raw: BTreeMap::new(),
            hooks: HookTable::new(),
            frames: layout.frames,
            end,
        };
        contents.hooks.extend(&contents.defs);
        contents.read_raw_heads(source, &mut damage).await?;
        damage.extend(layout.damage);
        contents.count_events(source, commits.end, &mut damage).await?;
        if leftover.is_some() {
            contents.forgive(&mut damage, commits.end);
        }
        if let Some(leftover) = leftover.filter(|leftover| !leftover.live) {
            contents.recover(&leftover, &commits.rings, &mut damage).await?;
        } else {
            let lost = contents.commit.as_ref().map_or(0, |commit| commit.lost);
            contents.health.lost_events = lost;
            contents.set_clock(None);
        }
        contents.health.unwritten_rows = contents
            .checkpoint
            .iter()
            .flat_map(|checkpoint| &checkpoint.streams)
            .fold(0, |rows, tally| rows.saturating_add(tally.lost));
        damage.sort_by_key(|damage| (damage.in_rings, damage.offset));
        for damage in damage {
            list(&mut contents.health.damage, damage);
        }
        Ok(contents)
    }

    /// The chunks of a stream that the file has and that count.
    pub(crate) fn chunks(&self, stream: Stream) -> impl Iterator<Item = ChunkRef> {
        let frame_type = stream.frame_type();
        self.frames[..self.end].iter().filter_map(move |frame| {
            let IndexEntry { offset, seq, rows, t_min, t_max, .. } = *frame;
            let bytes = frame.frame_len();
            if frame.frame_type == frame_type {
                let place = Place::Frame { offset, seq };
                return Some(ChunkRef { stream, rows, t_min, t_max, bytes, place });
            }
            if frame.frame_type != FrameType::RAW {
                return None;
            }
            let head = self.raw.get(&offset)?;
            let RawStream { rows, t_min, t_max, .. } =
                *head.streams.iter().find(|counted| counted.stream == stream)?;
            let bytes = bytes * u64::from(rows) / head.rows().max(1);
            Some(ChunkRef { stream, rows, t_min, t_max, bytes, place: Place::Raw { offset, seq } })
        })
    }

    /// Reads what the RAW frames that count say before their events.
    async fn read_raw_heads(
        &mut self,
        source: &impl Input,
        damage: &mut Vec<Damage>,
    ) -> Result<(), Error> {
        let frames = &self.frames[..self.end];
        for frame in frames.iter().filter(|frame| frame.frame_type == FrameType::RAW) {
            let most = FRAME_HEADER_LEN + MAX_HEAD_LEN;
            let bytes = source.read(frame.offset, frame.frame_len().min(most as u64)).await?;
            let header = bytes.first_chunk().and_then(FrameHeader::from_bytes);
            let parsed = match header.filter(|(header, _)| frame.describes(header)) {
                Some((header, _)) => {
                    let payload = &bytes[FRAME_HEADER_LEN..];
                    RawHead::parse(&header, payload, frame.offset + FRAME_HEADER_LEN as u64)
                }
                None => {
                    Err(Error::corrupt(frame.offset, "the header of a RAW frame", "damaged bytes"))
                }
            };
            match parsed {
                Ok(head) => _ = self.raw.insert(frame.offset, head),
                Err(error) => list(damage, frame_damage(frame, &error)),
            }
        }
        Ok(())
    }

    /// Makes chunks of the RAW frame that begins at `offset`.
    ///
    /// # Errors
    ///
    /// If it is damaged, or there is none.
    pub(crate) async fn raw_chunks(
        &self,
        source: &impl Input,
        offset: u64,
    ) -> Result<Vec<Sealed>, Error> {
        let frame = self.frame_at(offset).filter(|frame| frame.frame_type == FrameType::RAW);
        let frame = frame.ok_or_else(|| Error::corrupt(offset, "a RAW frame", "none"))?;
        let (header, payload) = read_frame(source, frame).await?;
        raw::decode(&header, &payload, offset + FRAME_HEADER_LEN as u64, &self.hooks)
    }

    /// All frames that were found, ascending.
    pub(crate) fn frames(&self) -> &[IndexEntry] {
        &self.frames
    }

    /// The newest checkpoint, if the frames are as it says.
    pub(crate) const fn checkpoint(&self) -> Option<&Checkpoint> {
        self.checkpoint.as_ref()
    }

    /// The positions of rings that commits say.
    pub(crate) fn committed_rings(&self) -> impl Iterator<Item = RingCommit> {
        self.committed_rings.values().copied()
    }

    /// What a commit says of the rings of a dead program once the recovered chunks are in the file.
    pub(crate) fn taken_rings(&self) -> &[RingCommit] {
        &self.taken_rings
    }

    /// Whether there are chunks in the file whose events are counted in the rings.
    pub(crate) fn has_chunks_that_do_not_count(&self) -> bool {
        let behind = self.frames.get(self.end..).unwrap_or_default();
        behind
            .iter()
            .any(|frame| frame.frame_type.stream().is_some() || frame.frame_type == FrameType::RAW)
    }

    /// Where the frames end that count.
    pub(crate) fn counted_end(&self) -> u64 {
        self.frames[..self.end].last().map_or(FILE_HEADER_LEN as u64, IndexEntry::end)
    }

    /// The frame that begins at `offset`.
    pub(crate) fn frame_at(&self, offset: u64) -> Option<&IndexEntry> {
        let place = self.frames.binary_search_by_key(&offset, |frame| frame.offset).ok()?;
        self.frames.get(place)
    }

    /// Whether a frame that begins at `offset` is among [`Contents::chunks`], or several of these are in it.
    pub(crate) fn has_chunk_at(&self, offset: u64) -> bool {
        let frames = &self.frames[..self.end];
        let place = frames.binary_search_by_key(&offset, |frame| frame.offset);
        place.is_ok_and(|place| {
            frames[place].frame_type.stream().is_some() || self.raw.contains_key(&offset)
        })
    }

    /// Adds to the committed events those in the frames behind the last commit, at `committed`.
    ///
    /// Every event is one row, but a container's birth has a second one in CONTAINER.
    async fn count_events(
        &mut self,
        source: &impl Input,
        committed: usize,
        damage: &mut Vec<Damage>,
    ) -> Result<(), Error> {
        self.events = self.commit.as_ref().map_or(0, |commit| commit.events);
        let frames = self.frames.get(committed..self.end).unwrap_or_default();
        let few = frames.len() <= COUNTED_WHOLE;
        for frame in frames {
            let counted = match frame.frame_type.stream() {
                None if frame.frame_type == FrameType::RAW => {
                    read_frame(source, frame).await.map(|_| u64::from(frame.rows))
                }
                None => Ok(0),
                Some(stream) if few => {
                    read_frame(source, frame).await.and_then(|(header, payload)| {
                        let mut count = CountEvents { header: &header, payload: &payload, frame };
                        stream.visit(&mut count)
                    })
                }
                Some(Stream::Container) => count_container_events(source, frame).await,
                Some(stream) if stream.is_derived() || stream == Stream::Performance => Ok(0),
                Some(_) => Ok(u64::from(frame.rows)),
            };
            match counted {
                Ok(events) => self.events = self.events.saturating_add(events),
                Err(error @ Error::Io(_)) => return Err(error),
                Err(error) => list(damage, frame_damage(frame, &error)),
            }
        }
        Ok(())
    }

    /// Forgets damage behind the last commit where its events are in the rings, or will be written again: a half
    /// frame is what a writer that dies, or is at work, leaves there.
    fn forgive(&self, damage: &mut Vec<Damage>, committed: usize) {
        if self.end > committed {
            return;
        }
        let end = committed
            .checked_sub(1)
            .and_then(|last| self.frames.get(last))
            .map_or(FILE_HEADER_LEN as u64, IndexEntry::end);
        damage.retain(|damage| damage.in_rings || damage.offset < end);
    }

    async fn recover(
        &mut self,
        leftover: &Leftover<impl Input>,
        commits: &BTreeMap<u16, RingCommit>,
        damage: &mut Vec<Damage>,
    ) -> Result<(), Error> {
        let Recovery { frames, events, unreadable, bytes, damage: found } =
            leftover.recover(commits, &self.hooks).await?;
        damage.extend(found);
        self.recovered = frames;
        self.rings_bytes = bytes;
        self.events = self.events.saturating_add(events);
        self.taken_rings = leftover.taken(commits);
        self.health.recovered = true;
        self.health.recovered_events = events;
        let committed = self.commit.as_ref().map_or(0, |commit| commit.lost);
        self.health.lost_events = leftover.lost().max(committed).saturating_add(unreadable);
        self.set_clock(Some(leftover.clock));
        Ok(())
    }

    /// Scales by the first reading and the latest of all. One in the rings of which only half was written has no
    /// nanoseconds.
    fn set_clock(&mut self, rings: Option<ClockReading>) {
        let begun = self.metadata.as_ref().map(|metadata| metadata.clock);
        let committed = self.commit.as_ref().map(|commit| commit.clock);
        let all = || {
            begun
                .into_iter()
                .flatten()
                .chain(committed)
                .chain(rings.filter(|reading| reading.mono_ns != 0))
        };
        let first = begun
            .map(|[first, _]| first)
            .or_else(|| all().min_by_key(|reading| reading.ticks))
            .unwrap_or_default();
        let last = all().max_by_key(|reading| reading.ticks).unwrap_or_default();
        self.clock = Clock::new(first, last);
    }
}

/// What a checkpoint says was lost, by stream.
fn unwritten(checkpoint: Option<&Checkpoint>) -> Vec<(Stream, u64)> {
    let tallies = checkpoint.map(|checkpoint| checkpoint.streams.as_slice()).unwrap_or_default();
    let lost = tallies.iter().filter(|tally| tally.lost > 0);
    lost.filter_map(|tally| Some((FrameType(tally.frame_type).stream()?, tally.lost))).collect()
}

/// The commits of a capture.
struct Commits {
    last: Option<Commit>,
    /// The place behind the last readable commit, where it was written first; 0 without one.
    end: usize,
    /// Places of commits behind it that could not be read.
    damaged: Vec<usize>,
    rings: BTreeMap<u16, RingCommit>,
}

/// Reads the frames that opening needs.
struct Reading<'a, I> {
    source: &'a I,
    layout: &'a Layout,
    damage: Vec<Damage>,
}

impl<I: Input> Reading<'_, I> {
    /// Decodes the records of a frame; damage is noted and gives `None`.
    async fn records<T: serde::de::DeserializeOwned>(
        &mut self,
        frame: &IndexEntry,
        skip: usize,
    ) -> Result<Option<Vec<T>>, Error> {
        match read_records(self.source, frame, skip).await {
            Ok((_, records)) => Ok(Some(records)),
            Err(error @ Error::Io(_)) => Err(error),
            Err(error) => {
                list(&mut self.damage, frame_damage(frame, &error));
                Ok(None)
            }
        }
    }

    /// The newest metadata that can be read, and the copy of the file header before it.
    async fn metadata(&mut self) -> Result<(Option<Metadata>, Option<FileHeader>), Error> {
        let layout = self.layout;
        let frames = layout.frames.iter().rev();
        for frame in frames.filter(|frame| frame.frame_type == FrameType::METADATA) {
            match read_records::<Metadata>(self.source, frame, FILE_HEADER_LEN).await {
                Ok((before, mut records)) => {
                    let header =
                        before.first_chunk().and_then(|bytes| FileHeader::from_bytes(bytes).ok());
                    return Ok((records.pop(), header));
                }
                Err(error @ Error::Io(_)) => return Err(error),
                Err(error) => list(&mut self.damage, frame_damage(frame, &error)),
            }
        }
        Ok((None, None))
    }

    /// All definitions: those from the newest repetition on or, if one of them is damaged, all there are.
    async fn defs(&mut self) -> Result<Defs, Error> {
        let layout = self.layout;
        let is_defs = |frame: &&IndexEntry| frame.frame_type.is_definitions();
        if let Some(repeated) = layout.checkpoint.as_ref().and_then(|last| last.repeated) {
            let begin = layout.frames.partition_point(|frame| frame.offset < repeated);
            // Where only a part of the file was opened, they may be outside of it.
            let outside = if layout.frames.get(begin).is_some_and(|frame| frame.offset == repeated)
            {
                Vec::new()
            } else {
                repetition(self.source, repeated).await?
            };
            let mut tables = DefTables::limited();
            let mut whole = true;
            let noted = self.damage.len();
            for frame in outside.iter().chain(&layout.frames[begin..]).filter(is_defs) {
                whole &= self.add_defs(&mut tables, frame).await?;
            }
            if whole && !tables.is_empty() {
                return Ok(tables.into_defs());
            }
            // It is found again among all.
            self.damage.truncate(noted);
        }
        let mut tables = DefTables::limited();
        for frame in layout.frames.iter().filter(is_defs) {
            self.add_defs(&mut tables, frame).await?;
        }
        Ok(tables.into_defs())
    }

    /// Adds the definitions in a frame; `false` if it is damaged.
    async fn add_defs(
        &mut self,
        tables: &mut DefTables,
        frame: &IndexEntry,
    ) -> Result<bool, Error> {
        let (added, is_whole) = match read_frame(self.source, frame)
            .await
            .and_then(|(header, payload)| decode_defs(&header, &payload, frame))
        {
            Ok(added) => (added, true),
            Err(error @ Error::Io(_)) => return Err(error),
            Err(error) => {
                list(&mut self.damage, frame_damage(frame, &error));
                (Defs::default(), false)
            }
        };
        let left_out = tables.add(added);
        if left_out > 0 {
            list(&mut self.damage, too_many_defs(frame, left_out));
        }
        Ok(is_whole)
    }

    /// The commits: the last, or all if the positions of rings are needed.
    async fn commits(&mut self, all: bool) -> Result<Commits, Error> {
        let layout = self.layout;
        let mut commits =
            Commits { last: None, end: 0, damaged: Vec::new(), rings: BTreeMap::new() };
        // Whether it is known where the newest was written first: what it says is of the chunks before there.
        let mut in_place = false;
        let mut rings_known = false;
        let frames = layout.frames.iter().enumerate().rev();
        for (place, frame) in frames.filter(|(_, frame)| frame.frame_type == FrameType::COMMIT) {
            let found = self.records::<Commit>(frame, 0).await?;
            let Some(commit) = found.and_then(|mut found| found.pop()) else {
                if commits.last.is_none() {
                    commits.damaged.push(place);
                }
                continue;
            };
            let repeated = frame.flags & frame_flags::REPEAT != 0;
            for ring in &commit.rings {
                let known = commits.rings.entry(ring.ring).or_insert(*ring);
                if known.drained < ring.drained {
                    *known = *ring;
                }
            }
            match &commits.last {
                None => {
                    commits.end = place + 1;
                    in_place = !repeated;
                    // A repeated one has all rings.
                    rings_known = repeated;
                    commits.last = Some(commit);
                }
                Some(last) => {
                    if !in_place && !repeated && last.cycle == commit.cycle {
                        commits.end = place + 1;
                    }
                    in_place |= !repeated;
                    rings_known |= repeated;
                }
            }
            if in_place && (rings_known || !all) {
                break;
            }
        }
        Ok(commits)
    }
}

/// Counts the events in a chunk.
struct CountEvents<'a> {
    header: &'a FrameHeader,
    payload: &'a [u8],
    frame: &'a IndexEntry,
}

impl StreamVisitor for CountEvents<'_> {
    type Output = Result<u64, Error>;

    fn visit<R: Event>(&mut self) -> Self::Output {
        let offset = self.frame.offset + FRAME_HEADER_LEN as u64;
        let mut rows = Rows::<R>::decode(self.header, self.payload, offset)?;
        rows.try_fold(0, |events, row| Ok(events + u64::from(row?.is_event())))
    }
}

/// Counts the events of a chunk of CONTAINER by one of its columns: the birth of a container is one of LIFECYCLE.
async fn count_container_events(source: &impl Input, frame: &IndexEntry) -> Result<u64, Error> {
    let nothing_kept = Cache::new(0);
    let stored = StoredChunk::in_file::<Container>(source, &nothing_kept, frame).await?;
    let reason = find::<Container>("reason")?;
    let (words, shapes) = stored.words(&[reason]).await?;
    let words = words.first().and_then(|words| words.expand(frame.rows as usize, &shapes));
    let words = words.ok_or_else(|| stored.unknown_shape(reason))?;
    Ok(words.iter().filter(|&&word| word != SnapshotReason::Birth as u64).count() as u64)
}

/// Decodes a frame of definitions; another holds none.
///
/// # Errors
///
/// If it is damaged, or too new.
pub(crate) fn decode_defs(
    header: &FrameHeader,
    payload: &[u8],
    frame: &IndexEntry,
) -> Result<Defs, Error> {
    let mut table = ReadTable { header, payload, frame };
    Defs::visit(frame.frame_type, &mut table).unwrap_or_else(|| Ok(Defs::default()))
}

/// Decodes a frame of definitions.
struct ReadTable<'a> {
    header: &'a FrameHeader,
    payload: &'a [u8],
    frame: &'a IndexEntry,
}

impl TableVisitor for ReadTable<'_> {
    type Output = Result<Defs, Error>;

    fn visit<T: Definition>(&mut self) -> Self::Output {
        let (_, records) = decode_records::<T>(self.header, self.payload, self.frame, 0)?;
        let mut defs = Defs::default();
        *T::table_mut(&mut defs) = records;
        Ok(defs)
    }
}

/// The frames of a repetition that begins at an offset, by their headers.
async fn repetition(source: &impl Input, mut at: u64) -> Result<Vec<IndexEntry>, Error> {
    let mut frames = Vec::new();
    while frames.len() < limits::FRAMES
        && source.len().saturating_sub(at) >= FRAME_HEADER_LEN as u64
    {
        let bytes = source.read(at, FRAME_HEADER_LEN as u64).await?;
        let header = bytes.first_chunk().and_then(FrameHeader::from_bytes);
        let Some((header, _)) = header.filter(|(header, _)| {
            header.flags & frame_flags::REPEAT != 0 && header.beyond_limit().is_none()
        }) else {
            break;
        };
        frames.push(IndexEntry::new(at, &header));
        at = at.saturating_add(header.frame_len());
    }
    Ok(frames)
}

/// Where the chunks that count end, when the rings say that a commit behind the last readable one is missing: at
/// the commit that is damaged or, if none is known as such, at the last damage that is not the half frame a dying
/// writer leaves at the end.
fn end_without_commit(layout: &Layout, commits: &Commits, len: u64) -> usize {
    let behind = |place: &usize| *place > commits.end;
    let damaged_commit = commits.damaged.first().map(|&place| place + 1);
    damaged_commit
        .or_else(|| {
            let inner = layout.damage.iter().filter(|damage| damage.offset + damage.bytes < len);
            inner
                .map(|damage| layout.frames.partition_point(|frame| frame.offset < damage.offset))
                .filter(behind)
                .max()
        })
        .unwrap_or(layout.frames.len())
}

/// Reads a frame of records; returns the first `skip` bytes of its payload, decompressed, and the records after
/// them.
pub(crate) async fn read_records<T: serde::de::DeserializeOwned>(
    source: &impl Input,
    frame: &IndexEntry,
    skip: usize,
) -> Result<(Vec<u8>, Vec<T>), Error> {
    let (header, payload) = read_frame(source, frame).await?;
    decode_records(&header, &payload, frame, skip)
}

/// As [`read_records`], from the frame's header and payload.
pub(crate) fn decode_records<T: serde::de::DeserializeOwned>(
    header: &FrameHeader,
    payload: &[u8],
    frame: &IndexEntry,
    skip: usize,
) -> Result<(Vec<u8>, Vec<T>), Error> {
    let offset = frame.offset;
    if header.version != 1
        || Some(header.encoding) != frame.frame_type.encoding().map(|id| id as u8)
    {
        return Err(Error::TooNew {
            supported: format!("{} of version 1", frame.frame_type),
            found: format!("version {}, encoding {}", header.version, header.encoding),
        });
    }
    if header.raw_len > limits::RECORDS_LEN {
        return Err(Error::Limit {
            offset,
            what: "bytes of records",
            limit: u64::from(limits::RECORDS_LEN),
            found: u64::from(header.raw_len),
        });
    }
    let codec = codec::available(header.codec)?;
    let mut raw = codec::decompress(codec, payload, header.raw_len as usize).ok_or_else(|| {
        Error::corrupt(offset, format!("{} raw bytes", header.raw_len), "something else")
    })?;
    if raw.len() < skip {
        return Err(Error::Truncated { offset, expected: skip as u64, found: raw.len() as u64 });
    }
    let records = records::decode(&raw[skip..], header.rows, offset)?;
    raw.truncate(skip);
    Ok((raw, records))
}

/// Tells of definitions in a frame for which there is no room.
pub(crate) fn too_many_defs(frame: &IndexEntry, left_out: usize) -> Damage {
    let what = format!("{left_out} definitions more than are kept");
    Damage::new(frame.offset, 0, Some(0), what)
}

/// What the damage of a whole frame costs.
pub(crate) fn frame_damage(frame: &IndexEntry, error: &Error) -> Damage {
    let rows = frame.frame_type.rows(frame.rows);
    Damage::new(
        frame.offset,
        frame.frame_len(),
        Some(rows),
        format!("a {} frame: {error}", frame.frame_type),
    )
}

/// What is left of a header that was lost with its copies.
fn header_with_tag(tag: [u8; 4]) -> FileHeader {
    let mut file_id = [0; 16];
    file_id[..4].copy_from_slice(&tag);
    FileHeader::new(file_id, 0, codec::Codec::None)
}
