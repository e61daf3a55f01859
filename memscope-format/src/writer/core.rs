//! What a writer does, without doing it: a state machine that turns what is recorded into bytes, and is told what became
//! of them.

mod failure;
mod frames;
mod resume;

use super::index::{FRAMES, OpenIndex};
use super::options::{Durability, WriterOptions};
use super::tables::{Key, Tables};
use crate::checkpoint::{Checkpoint, StreamTally};
use crate::chunk::{CHUNK_ROWS, Chunk, Sealed};
use crate::codec::Compressor;
use crate::commit::{Commit, RingCommit};
use crate::compression::Compression;
use crate::defs::Defs;
use crate::error::Error;
use crate::frame::{Encoding, FRAME_HEADER_LEN, FrameHeader, FrameType, frame_flags};
use crate::header::FileHeader;
use crate::index::IndexEntry;
use crate::metadata::Metadata;
use crate::records;
use crate::rows::Stream;
use frames::{Frame, Then};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::Duration;

/// Rings that a repeated commit can list without exceeding [`crate::limits::RECORD_LEN`].
const REPEATED_RINGS: usize = 1 << 15;

/// What is to be done next by whoever has the sink.
#[derive(Debug)]
#[non_exhaustive]
pub enum Action<'a> {
    /// Write the first of these bytes, as many as the sink takes; then say [`WriterCore::taken`].
    Write(&'a [u8]),
    /// Flush the sink; then say [`WriterCore::done`].
    Flush,
    /// Bring what was written to the device; then say [`WriterCore::done`].
    Sync,
    /// Wait so long; then say [`WriterCore::done`].
    Wait(Duration),
    /// Find another sink, since this one failed so; then say [`WriterCore::moved`], or [`WriterCore::not_moved`] if there
    /// is none.
    Move(&'a io::Error),
    /// Nothing: what was asked for is done, or has failed.
    Nothing(Result<(), Error>),
}

/// Turns what is recorded into the bytes of a capture.
///
/// It does no I/O, and reads no clock: [`Writer`](super::Writer) and the asynchronous writer ask it for the next
/// [`Action`], do that with their sink, and tell what came of it, until it says [`Action::Nothing`]. What is asked for
/// in between (a chunk, a commit) is done in the order of asking. Its memory is that of the definitions, of the frame
/// that is being written, and of the index of at most 80 Ki frames.
#[derive(Debug)]
pub struct WriterCore {
    header: FileHeader,
    options: WriterOptions,
    durability: Durability,
    /// Whether there may be another sink.
    movable: bool,
    /// Bytes that the sink has taken.
    offset: u64,
    seq: u64,
    steps: VecDeque<Step>,
    /// What is being written, and how much of it was taken.
    current: Current,
    failed: Option<Error>,
    pause: Option<Duration>,
    repetitions: u32,
    moving: Option<io::Error>,
    /// Whether it is unknown what the sink has taken.
    astray: bool,
    compressor: Compressor,
    index: OpenIndex,
    tallies: BTreeMap<u16, StreamTally>,
    tables: Tables,
    /// Encoded, behind the file header.
    metadata: Option<Vec<u8>>,
    metadata_written: bool,
    commit: Option<Commit>,
    /// The newest position of each ring, and whether a commit in the file says it.
    rings: BTreeMap<u16, (RingCommit, bool)>,
    thinned: bool,
    /// The offset behind the last checkpoint, and when it was written.
    checkpointed: (u64, Duration),
    /// Where a repetition that is being written begins.
    repeating: u64,
    /// Where the newest repetition begins and ends.
    repeated: Option<(u64, u64)>,
}

/// Something to be written, or done, when its turn comes.
#[derive(Debug)]
enum Step {
    Header,
    Frame(Frame),
    /// What was defined and is not in the file.
    Unwritten,
    /// A checkpoint, if one is due at this time.
    CheckpointIfDue(Duration),
    BeginRepetition,
    /// All definitions behind a key.
    Definitions(Option<Key>),
    RepeatedCommit,
    EndRepetition,
    /// The index frames of a checkpoint, and the checkpoint; the last of a file or one in between.
    Index {
        now: Duration,
        last: bool,
    },
    Footer,
    Call(Call),
}

#[derive(Debug, Clone, Copy)]
enum Call {
    Flush,
    Sync,
}

/// What is being done.
#[derive(Debug, Default)]
struct Current {
    bytes: Vec<u8>,
    taken: usize,
    frame: Option<(FrameHeader, Then)>,
    call: Option<Call>,
}

impl WriterCore {
    /// Begins a capture: the file header is the first thing to be written.
    #[must_use]
    pub fn new(header: &FileHeader, options: WriterOptions) -> Self {
        Self {
            header: *header,
            options,
            durability: Durability::None,
            movable: false,
            offset: 0,
            seq: 0,
            steps: VecDeque::from([Step::Header]),
            current: Current::default(),
            failed: None,
            pause: None,
            repetitions: 0,
            moving: None,
            astray: false,
            compressor: Compressor::new(Compression::text(header.codec)),
            index: OpenIndex::default(),
            tallies: BTreeMap::new(),
            tables: Tables::default(),
            metadata: None,
            metadata_written: true,
            commit: None,
            rings: BTreeMap::new(),
            thinned: false,
            checkpointed: (0, Duration::ZERO),
            repeating: 0,
            repeated: None,
        }
    }

    /// Sets when [`Action::Sync`] is to be done.
    pub const fn set_durability(&mut self, durability: Durability) {
        self.durability = durability;
    }

    /// Sets whether [`Action::Move`] makes sense.
    pub const fn set_movable(&mut self, movable: bool) {
        self.movable = movable;
    }

    /// Bytes that the sink has taken; if that is [not known](WriterCore::failed_astray), those that it is known to have.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.offset
    }

    /// The last commit that is in the file.
    #[must_use]
    pub const fn last_commit(&self) -> Option<&Commit> {
        self.commit.as_ref()
    }

    /// What was written, and lost, of each kind of event frames.
    pub fn tallies(&self) -> impl Iterator<Item = &StreamTally> {
        self.tallies.values()
    }

    /// Counts rows as lost that the writer is never given: the next checkpoint says so.
    pub fn count_lost(&mut self, stream: Stream, rows: u64) {
        let tally = self.tally(stream.frame_type());
        tally.lost = tally.lost.saturating_add(rows);
    }

    /// Asks for what the capture is of to be written. It is written again at checkpoints.
    ///
    /// # Errors
    ///
    /// If it is longer than [`crate::limits::RECORD_LEN`].
    pub fn metadata(&mut self, metadata: &Metadata) -> Result<(), Error> {
        let mut payload = self.header.to_bytes().to_vec();
        records::append(&mut payload, metadata, self.offset)?;
        self.metadata = Some(payload);
        self.metadata_written = false;
        self.steps.push_back(Step::Unwritten);
        Ok(())
    }

    /// Asks for definitions to be written. They are written again at checkpoints.
    ///
    /// # Errors
    ///
    /// If one is longer than [`crate::limits::RECORD_LEN`]; those before it will be written.
    pub fn define(&mut self, defs: &Defs) -> Result<(), Error> {
        self.steps.push_back(Step::Unwritten);
        self.tables.add(defs, self.offset)
    }

    /// Asks for a chunk to be written; `now` is the time since any moment, the same for all calls.
    pub fn chunk(&mut self, chunk: &Sealed, now: Duration) {
        if self.thinned && self.may_go(&chunk.header) {
            self.lose(&chunk.header);
        } else {
            self.steps.push_back(Step::Unwritten);
            self.steps.push_back(Step::Frame(Frame::new(chunk, Then::Nothing)));
        }
        // Where there are commits, a checkpoint follows on one.
        if self.commit.is_none() {
            self.steps.push_back(Step::CheckpointIfDue(now));
        }
    }

    /// Asks for a commit to be written, and the sink to be flushed; `now` as in [`WriterCore::chunk`].
    ///
    /// # Errors
    ///
    /// If it is longer than [`crate::limits::RECORD_LEN`].
    pub fn commit(&mut self, commit: &Commit, now: Duration) -> Result<(), Error> {
        for ring in &commit.rings {
            self.rings.insert(ring.ring, (*ring, false));
        }
        // With those of commits that could not be written.
        let unwritten = self.rings.values().filter(|(_, written)| !written);
        let rings = unwritten.map(|(ring, _)| *ring).collect();
        let commit = Commit { rings, ..commit.clone() };
        let frame = self.commit_frame(commit, 0)?;
        self.steps.push_back(Step::Unwritten);
        self.steps.push_back(Step::Frame(frame));
        self.steps.push_back(Step::Call(Call::Flush));
        if self.durability == Durability::Commit {
            self.steps.push_back(Step::Call(Call::Sync));
        }
        self.steps.push_back(Step::CheckpointIfDue(now));
        Ok(())
    }

    /// Asks for a checkpoint, due or not; `now` as in [`WriterCore::chunk`].
    pub fn checkpoint(&mut self, now: Duration) {
        let steps = self.checkpoint_steps(now, false);
        self.steps.extend(steps);
    }

    /// Asks for the capture to be closed: with a last checkpoint and the footer. `now` as in [`WriterCore::chunk`].
    pub fn finish(&mut self, now: Duration) {
        let steps = self.checkpoint_steps(now, true);
        self.steps.extend(steps);
        self.steps.push_back(Step::Footer);
        self.push_flush();
    }

    fn push_flush(&mut self) {
        self.steps.push_back(Step::Call(Call::Flush));
        if self.durability != Durability::None {
            self.steps.push_back(Step::Call(Call::Sync));
        }
    }

    /// Says what to do next; see [`Action`].
    pub fn action(&mut self) -> Action<'_> {
        loop {
            if self.pause.is_some() || self.moving.is_some() {
                break;
            }
            if self.current.is_busy() {
                if !self.astray {
                    break;
                }
                self.give_up(io::Error::other("it is unknown how much the sink has taken"));
                continue;
            }
            match self.steps.pop_front() {
                Some(step) => {
                    if let Err(error) = self.begin(step) {
                        self.abandon(error);
                    }
                }
                None => return Action::Nothing(self.failed.take().map_or(Ok(()), Err)),
            }
        }
        match (self.pause, &self.moving, self.current.call) {
            (Some(pause), _, _) => Action::Wait(pause),
            (None, Some(error), _) => Action::Move(error),
            (None, None, Some(Call::Flush)) => Action::Flush,
            (None, None, Some(Call::Sync)) => Action::Sync,
            (None, None, None) => {
                Action::Write(self.current.bytes.get(self.current.taken..).unwrap_or_default())
            }
        }
    }

    /// Tells that the sink took so many bytes of an [`Action::Write`]; none is a failure.
    pub fn taken(&mut self, bytes: usize) {
        let left = self.current.bytes.len() - self.current.taken;
        let bytes = bytes.min(left);
        if bytes == 0 {
            return self.failed(io::ErrorKind::WriteZero.into());
        }
        self.repetitions = 0;
        self.offset += bytes as u64;
        self.current.taken += bytes;
        if bytes == left {
            self.completed();
        }
    }

    /// Tells that an action without a result of its own is done.
    pub fn done(&mut self) {
        if self.pause.take().is_none() {
            self.current.call = None;
            self.repetitions = 0;
        }
    }

    /// Takes up a step when its turn comes; it may turn out to be several.
    fn begin(&mut self, step: Step) -> Result<(), Error> {
        match step {
            Step::Header => self.current.bytes = self.header.to_bytes().to_vec(),
            Step::Frame(Frame { mut header, mut bytes, then }) => {
                header.seq = self.seq;
                self.seq += 1;
                bytes[..FRAME_HEADER_LEN].copy_from_slice(&header.to_bytes(self.header.tag()));
                self.current = Current { bytes, taken: 0, frame: Some((header, then)), call: None };
            }
            Step::Call(call) => self.current.call = Some(call),
            Step::Unwritten => {
                let frame = if self.metadata_written {
                    let part = self.tables.part(None, false);
                    part.map(|part| self.definitions(part, 0))
                } else {
                    self.metadata_frame(0)
                };
                if let Some(frame) = frame {
                    self.push_front([Step::Frame(frame), Step::Unwritten]);
                }
            }
            Step::CheckpointIfDue(now) => {
                if self.is_checkpoint_due(now) {
                    let steps = self.checkpoint_steps(now, false);
                    self.push_front(steps);
                }
            }
            Step::BeginRepetition => {
                self.repeating = self.offset;
                if let Some(frame) = self.metadata_frame(frame_flags::REPEAT) {
                    self.push_front([Step::Frame(frame)]);
                }
            }
            Step::Definitions(behind) => {
                if let Some(part) = self.tables.part(behind, true) {
                    let last = part.keys.last().copied();
                    let frame = self.definitions(part, frame_flags::REPEAT);
                    self.push_front([Step::Frame(frame), Step::Definitions(last)]);
                }
            }
            Step::RepeatedCommit => {
                if let Some(commit) = self.commit.clone()
                    && self.rings.len() <= REPEATED_RINGS
                {
                    let rings = self.rings.values().map(|(ring, _)| *ring).collect();
                    let commit = Commit { rings, ..commit };
                    let frame = self.commit_frame(commit, frame_flags::REPEAT)?;
                    self.push_front([Step::Frame(frame)]);
                }
            }
            Step::EndRepetition => {
                if self.offset > self.repeating {
                    self.repeated = Some((self.repeating, self.offset));
                }
            }
            Step::Index { now, last } => self.begin_index(now, last)?,
            Step::Footer => {
                let footer = FrameHeader {
                    t_min: self.index.last().unwrap_or(0),
                    t_max: self.offset + FRAME_HEADER_LEN as u64,
                    ..Sealed::template(FrameType::FOOTER, Encoding::Empty)
                };
                let sealed = Sealed::new(footer, Vec::new());
                self.push_front([Step::Frame(Frame::new(&sealed, Then::Nothing))]);
            }
        }
        Ok(())
    }

    fn push_front(&mut self, steps: impl IntoIterator<Item = Step, IntoIter: DoubleEndedIterator>) {
        for step in steps.into_iter().rev() {
            self.steps.push_front(step);
        }
    }

    fn is_checkpoint_due(&self, now: Duration) -> bool {
        let (offset, time) = self.checkpointed;
        let written = self.offset - offset;
        written >= self.options.checkpoints.bytes
            || self.index.new_frames() >= FRAMES
            || written > 0 && now.saturating_sub(time) >= self.options.checkpoints.time
    }

    fn checkpoint_steps(&self, now: Duration, last: bool) -> Vec<Step> {
        let written = self.offset - self.repeated.map_or(0, |(_, end)| end);
        // Repetitions stay a small part of the file: names are text, of which a codec leaves a third or less.
        let repeats = last || written / 4 >= self.tables.len();
        let mut steps = vec![Step::Unwritten];
        if repeats {
            steps.extend([
                Step::BeginRepetition,
                Step::Definitions(None),
                Step::RepeatedCommit,
                Step::EndRepetition,
            ]);
        }
        steps.push(Step::Index { now, last });
        steps
    }

    /// Makes the frames of the index and the checkpoint behind them, now that it is known where they will be.
    fn begin_index(&mut self, now: Duration, last: bool) -> Result<(), Error> {
        let link = self.index.link(last);
        let mut steps = Vec::new();
        let mut chunk = Chunk::<IndexEntry>::new();
        for part in self.index.named(link).chunks(CHUNK_ROWS) {
            for entry in part {
                // A part is no longer than a chunk.
                let _ = chunk.push(entry);
            }
            if let Some(sealed) = chunk.seal_with(&mut self.compressor) {
                steps.push(Step::Frame(Frame::new(&sealed, Then::Nothing)));
            }
        }
        let checkpoint = Checkpoint {
            previous: link.previous,
            index: self.offset,
            repeated: self.repeated.map(|(start, _)| start),
            streams: self.tallies.values().copied().collect(),
        };
        let frame = self.records_frame(FrameType::CHECKPOINT, 0, &checkpoint)?;
        steps.push(Step::Frame(Frame { then: Then::Checkpointed { link, now }, ..frame }));
        if !last {
            steps.push(Step::Call(Call::Flush));
            if self.durability != Durability::None {
                steps.push(Step::Call(Call::Sync));
            }
        }
        self.push_front(steps);
        Ok(())
    }

    /// The sink has all of what was being written.
    fn completed(&mut self) {
        let Current { bytes, frame, .. } = std::mem::take(&mut self.current);
        let Some((header, then)) = frame else { return };
        let start = self.offset - bytes.len() as u64;
        self.index.push(IndexEntry::new(start, &header));
        if header.frame_type.holds_events() {
            let tally = self.tally(header.frame_type);
            tally.chunks += 1;
            tally.rows += u64::from(header.rows);
            tally.bytes += header.frame_len();
        }
        match then {
            Then::Nothing => {}
            Then::Metadata => self.metadata_written = true,
            Then::Defined(keys) => self.tables.written(&keys),
            Then::Committed(commit) => {
                for ring in &commit.rings {
                    if let Some((newest, written)) = self.rings.get_mut(&ring.ring) {
                        *written |= newest == ring;
                    }
                }
                self.commit = Some(commit);
            }
            Then::Checkpointed { link, now } => {
                self.index.checkpointed(link, start);
                self.checkpointed = (self.offset, now);
                self.thinned = false;
            }
        }
    }

    fn tally(&mut self, frame_type: FrameType) -> &mut StreamTally {
        let FrameType(frame_type) = frame_type;
        let nothing = StreamTally { frame_type, ..StreamTally::default() };
        self.tallies.entry(frame_type).or_insert(nothing)
    }
}

impl Current {
    const fn is_busy(&self) -> bool {
        self.call.is_some() || self.taken < self.bytes.len()
    }
}
