//! Checking all of a capture against the format, frame by frame.

use crate::checkpoint::{Checkpoint, StreamTally};
use crate::chunk::{Rows, Sealed};
use crate::column::Column;
use crate::commit::Commit;
use crate::contents::read_records;
use crate::defs::{Definition, Defs, HookDef, TableVisitor};
use crate::error::Error;
use crate::frame::{FRAME_HEADER_LEN, FrameType, frame_flags};
use crate::header::{FILE_HEADER_LEN, FileHeader};
use crate::health::Damage;
use crate::hooks::HookTable;
use crate::index::IndexEntry;
use crate::layout::Part;
use crate::metadata::Metadata;
use crate::raw;
use crate::reader::Reader;
use crate::record::{Event, StreamVisitor};
use crate::scan::{Scan, read_frame, scan};
use crate::source::{Blocking, Input, now};
use crate::stored::read_rows;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// What is right and wrong with a capture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Validation {
    /// Whether its last frame is a footer.
    pub complete: bool,
    /// Whether it is still being written.
    pub live: bool,
    /// Raw events found in the rings of a program that died.
    pub recovered_events: u64,
    /// Raw events that are known to be lost.
    pub lost_events: u64,
    /// Each frame that was found.
    pub frames: Vec<FrameVerdict>,
    /// What contradicts the format: bytes that were damaged, or written wrongly.
    pub errors: Vec<Finding>,
    /// What is right, but less than there should be: definitions that are not there, an end that is not.
    pub warnings: Vec<Finding>,
}

/// What is known of a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FrameVerdict {
    /// Where it begins.
    pub offset: u64,
    /// Bytes it takes.
    pub bytes: u64,
    /// Its number.
    pub seq: u64,
    /// What it holds.
    #[serde(rename = "type")]
    pub frame_type: FrameType,
    /// Its rows, definitions or records.
    pub rows: u32,
    /// What is wrong with it; `None` if nothing is.
    pub problem: Option<String>,
}

/// Something about a capture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where it is, in bytes from the start of the file.
    pub offset: u64,
    /// What it is, in a few words.
    pub what: String,
}

/// Reads and checks every byte of a capture.
///
/// # Errors
///
/// If it cannot be opened at all; see [`Reader::open`].
pub fn validate(path: impl AsRef<Path>) -> Result<Validation, Error> {
    Validation::of(&Reader::open(path.as_ref())?)
}

impl Validation {
    /// Reads and checks every byte that a capture had when it was opened.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn of(reader: &Reader) -> Result<Self, Error> {
        let health = reader.health();
        let source = &reader.input;
        let tag = reader.header().tag();
        let Scan { frames, damage, rest, .. } =
            now(scan(source, Part::default(), None, Some(tag)))?;
        let mut check = Check { source, found: Validation::default(), state: State::default() };
        let head = now(source.read(0, FILE_HEADER_LEN as u64))?;
        if head.first_chunk().is_none_or(|head| FileHeader::from_bytes(head).is_err()) {
            check.error(0, "the file header is damaged");
        }
        for damage in &damage {
            check.error(damage.offset, &damage.what);
        }
        // What was not written is missing in other counts too.
        check.state.damaged = !damage.is_empty() || !reader.unwritten().is_empty();
        check.found.frames.reserve_exact(frames.len());
        for frame in &frames {
            let problem = match check.frame(frame) {
                Ok(()) => None,
                Err(error @ Error::Io(_)) => return Err(error),
                Err(error) => {
                    check.state.damaged = true;
                    let what = error.to_string();
                    check.error(frame.offset, &what);
                    Some(what)
                }
            };
            check.found.frames.push(FrameVerdict {
                offset: frame.offset,
                bytes: frame.frame_len(),
                seq: frame.seq,
                frame_type: frame.frame_type,
                rows: frame.rows,
                problem,
            });
        }
        check.index(&frames);
        let mut found = check.found;
        found.complete = health.complete;
        found.live = health.live;
        found.recovered_events = health.recovered_events;
        found.lost_events = health.lost_events;
        if health.live || health.recovered {
            let committed = frames.iter().rev().find(|frame| frame.frame_type == FrameType::COMMIT);
            excuse(&mut found, committed.map_or(FILE_HEADER_LEN as u64, IndexEntry::end));
        }
        for damage in health.damage.iter().filter(|damage| damage.in_rings) {
            let Damage { offset, what, .. } = damage;
            let what = format!("in the rings file: {what}");
            found.errors.push(Finding { offset: *offset, what });
        }
        let end = source.len();
        if let Some(rest) = rest {
            found.warn(rest, "more frames than are checked at once: the rest is not".to_owned());
        }
        if reader.metadata().is_none() {
            found.warn(end, "nothing says what the capture is of: it has no metadata".to_owned());
        }
        if !health.complete && !health.live {
            found.warn(end, "the capture was not closed by its writer".to_owned());
        }
        for (stream, rows) in reader.unwritten() {
            found.warn(end, format!("{rows} rows of {} could not be written", stream.name()));
        }
        if health.lost_events > 0 {
            found
                .warn(end, format!("{} events were lost when it was recorded", health.lost_events));
        }
        Ok(found)
    }
}

/// A half frame behind the last commit is what a writer that died, or is at work, leaves; the rings have its events.
fn excuse(found: &mut Validation, committed: u64) {
    let (errors, excused) =
        std::mem::take(&mut found.errors).into_iter().partition(|error| error.offset < committed);
    found.errors = errors;
    if !found.live {
        found.warnings.extend(excused);
    }
}

impl Validation {
    /// Whether nothing contradicts the format.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    fn warn(&mut self, offset: u64, what: String) {
        note(&mut self.warnings, offset, what);
    }
}

/// Findings that are listed one by one.
const MOST_FINDINGS: usize = 4096;

/// Adds a finding.
fn note(findings: &mut Vec<Finding>, offset: u64, what: String) {
    match findings.len() {
        ..MOST_FINDINGS => findings.push(Finding { offset, what }),
        MOST_FINDINGS => {
            findings.push(Finding { offset, what: "more than are listed one by one".to_owned() });
        }
        _ => {}
    }
}

/// What the frames so far have said.
#[derive(Debug, Default)]
struct State {
    /// The ids in each definition table.
    defined: BTreeMap<FrameType, HashSet<u32>>,
    events: u64,
    drained: BTreeMap<u16, u64>,
    cycle: Option<u64>,
    index: Vec<IndexEntry>,
    checkpoints: HashSet<u64>,
    /// What raw events name.
    hooks: HookTable,
    tallies: BTreeMap<u16, StreamTally>,
    /// Whether something was lost, so that what follows may lack it.
    damaged: bool,
}

impl State {
    /// Whether a table has a definition with this id.
    fn defines(&self, table: FrameType, id: u64) -> bool {
        let ids = self.defined.get(&table);
        ids.zip(u32::try_from(id).ok()).is_some_and(|(ids, id)| ids.contains(&id))
    }
}

struct Check<'a> {
    source: &'a Blocking,
    found: Validation,
    state: State,
}

impl Check<'_> {
    fn error(&mut self, offset: u64, what: &str) {
        note(&mut self.found.errors, offset, what.to_owned());
    }

    /// Reads and checks a frame.
    fn frame(&mut self, frame: &IndexEntry) -> Result<(), Error> {
        let source = self.source;
        if let Some(stream) = frame.frame_type.stream() {
            return stream.visit(&mut CheckFrame { check: self, frame });
        }
        if let Some(checked) = Defs::visit(frame.frame_type, &mut CheckFrame { check: self, frame })
        {
            return checked;
        }
        match frame.frame_type {
            FrameType::METADATA => {
                now(read_records::<Metadata>(source, frame, FILE_HEADER_LEN)).map(|_| ())
            }
            FrameType::COMMIT => {
                let (_, commits) = now(read_records::<Commit>(source, frame, 0))?;
                commits.iter().try_for_each(|commit| self.commit(frame, commit))
            }
            FrameType::INDEX => {
                for entry in now(read_rows::<IndexEntry>(source, frame))? {
                    self.state.index.push(entry?);
                }
                Ok(())
            }
            FrameType::CHECKPOINT => {
                let (_, checkpoints) = now(read_records::<Checkpoint>(source, frame, 0))?;
                checkpoints.iter().try_for_each(|checkpoint| self.checkpoint(frame, checkpoint))
            }
            FrameType::RAW => self.raw(frame),
            FrameType::FOOTER => self.footer(frame),
            unknown => {
                now(read_frame(source, frame))?;
                let what = format!("a frame of the unknown type {unknown} is skipped");
                self.found.warn(frame.offset, what);
                Ok(())
            }
        }
    }

    /// Checks the rows of a chunk.
    fn chunk<R: Event>(&mut self, frame: &IndexEntry) -> Result<(), Error> {
        let (header, payload) = now(read_frame(self.source, frame))?;
        let rows = Rows::<R>::decode(&header, &payload, frame.offset + FRAME_HEADER_LEN as u64)?;
        self.tally(frame);
        let (t_min, t_max) = self.rows(frame.offset, rows)?;
        if frame.rows > 0 && (t_min, t_max) != (frame.t_min, frame.t_max) {
            return Err(Error::corrupt(
                frame.offset,
                format!("rows from {} to {}", frame.t_min, frame.t_max),
                format!("rows from {t_min} to {t_max}"),
            ));
        }
        Ok(())
    }

    /// Checks the rows that a RAW frame makes; decoding has compared them with its head.
    fn raw(&mut self, frame: &IndexEntry) -> Result<(), Error> {
        let (header, payload) = now(read_frame(self.source, frame))?;
        let offset = frame.offset + FRAME_HEADER_LEN as u64;
        let chunks = raw::decode(&header, &payload, offset, &self.state.hooks)?;
        self.tally(frame);
        for chunk in &chunks {
            if let Some(stream) = chunk.frame_type().stream() {
                stream.visit(&mut CheckRaw { check: self, frame, chunk })?;
            }
        }
        Ok(())
    }

    /// Counts a frame of events.
    fn tally(&mut self, frame: &IndexEntry) {
        let FrameType(frame_type) = frame.frame_type;
        let nothing = StreamTally { frame_type, ..StreamTally::default() };
        let tally = self.state.tallies.entry(frame_type).or_insert(nothing);
        tally.chunks += 1;
        tally.rows += u64::from(frame.rows);
        tally.bytes += frame.frame_len();
    }

    /// Checks the rows of the frame at `offset`; returns their least and greatest time.
    fn rows<R: Event>(&mut self, offset: u64, rows: Rows<R>) -> Result<(u64, u64), Error> {
        let (mut t_min, mut t_max) = if R::TIME.is_some() { (u64::MAX, 0) } else { (0, 0) };
        // For each column of ids: rows that name an undefined one, and the first of these.
        let mut undefined = vec![(0_u64, 0); R::COLUMNS.len()];
        let tables: Vec<_> = R::COLUMNS.iter().map(named_by).collect();
        let mut events = 0;
        for row in rows {
            let row = row?;
            let words = row.to_words();
            if let Some(place) = R::TIME {
                let time = words.as_ref()[place];
                t_min = t_min.min(time);
                t_max = t_max.max(time);
            }
            events += u64::from(row.is_event());
            for (place, table) in tables.iter().enumerate() {
                let Some(table) = table else { continue };
                let word = words.as_ref()[place];
                let id = if R::COLUMNS[place].optional { word.checked_sub(1) } else { Some(word) };
                if let Some(id) = id
                    && !self.state.defines(*table, id)
                {
                    let (rows, first) = &mut undefined[place];
                    *first = if *rows == 0 { id } else { *first };
                    *rows += 1;
                }
            }
        }
        self.state.events += events;
        for (column, (rows, first)) in R::COLUMNS.iter().zip(undefined) {
            if rows == 0 {
                continue;
            }
            let what = format!(
                "{rows} rows name a {} that is not defined before them, the first of them {first}",
                column.name
            );
            self.found.warn(offset, what);
        }
        Ok((t_min, t_max))
    }

    fn hooks(&mut self, frame: &IndexEntry, hooks: &[HookDef]) {
        let state = &self.state;
        let mut undefined = hooks.iter().filter(|hook| {
            !state.defines(FrameType::SITES, u64::from(hook.site))
                || (hook.type_id != 0 && !state.defines(FrameType::TYPES, u64::from(hook.type_id)))
        });
        if let Some(HookDef { id, site, type_id }) = undefined.next() {
            let others = undefined.count();
            let what = format!(
                "hook {id}, and {others} others, are of a site and a type that are not both defined before \
                 them: {site} and {type_id}"
            );
            self.found.warn(frame.offset, what);
        }
    }

    fn commit(&mut self, frame: &IndexEntry, commit: &Commit) -> Result<(), Error> {
        let repeated = frame.flags & frame_flags::REPEAT != 0;
        if self.state.cycle.is_some_and(|cycle| cycle >= commit.cycle) && !repeated {
            return Err(Error::corrupt(
                frame.offset,
                format!("a commit after number {}", self.state.cycle.unwrap_or(0)),
                format!("number {}", commit.cycle),
            ));
        }
        self.state.cycle = Some(commit.cycle);
        if !self.state.damaged && self.state.events != commit.events {
            return Err(Error::corrupt(
                frame.offset,
                format!("{} committed events", commit.events),
                format!("{} in the chunks before", self.state.events),
            ));
        }
        for ring in &commit.rings {
            let before = self.state.drained.insert(ring.ring, ring.drained).unwrap_or(0);
            if ring.drained < before {
                return Err(Error::corrupt(
                    frame.offset,
                    format!("ring {} drained to {before} or farther", ring.ring),
                    ring.drained.to_string(),
                ));
            }
        }
        Ok(())
    }

    /// Checks that a checkpoint says what was before it.
    fn checkpoint(&mut self, frame: &IndexEntry, checkpoint: &Checkpoint) -> Result<(), Error> {
        let Checkpoint { previous, index, repeated, streams } = checkpoint;
        let known = &self.state.checkpoints;
        let possible = *index <= frame.offset
            && previous.is_none_or(|previous| previous < *index && known.contains(&previous))
            && repeated.is_none_or(|repeated| repeated < *index);
        self.state.checkpoints.insert(frame.offset);
        if self.state.damaged {
            return Ok(());
        }
        if !possible {
            return Err(Error::corrupt(
                frame.offset,
                "a checkpoint that refers to frames before it",
                format!("{previous:?}, {index}, {repeated:?}"),
            ));
        }
        let counted: BTreeMap<u16, StreamTally> = streams
            .iter()
            .filter(|tally| tally.chunks > 0)
            .map(|tally| (tally.frame_type, StreamTally { lost: 0, ..*tally }))
            .collect();
        if counted != self.state.tallies {
            return Err(Error::corrupt(
                frame.offset,
                format!("{:?}", self.state.tallies),
                format!("{counted:?}"),
            ));
        }
        Ok(())
    }

    fn footer(&mut self, frame: &IndexEntry) -> Result<(), Error> {
        now(read_frame(self.source, frame))?;
        let is_last = frame.end() == self.source.len();
        if is_last && frame.t_max != self.source.len() {
            return Err(Error::corrupt(
                frame.offset,
                format!("a file of {} bytes", frame.t_max),
                format!("{} bytes", self.source.len()),
            ));
        }
        Ok(())
    }

    /// Checks that the index and the footer say what is there.
    fn index(&mut self, frames: &[IndexEntry]) {
        let indexed = |frame: &&IndexEntry| {
            !matches!(
                frame.frame_type,
                FrameType::INDEX | FrameType::CHECKPOINT | FrameType::FOOTER
            )
        };
        let mut footers = frames.iter().filter(|frame| frame.frame_type == FrameType::FOOTER);
        let Some(footer) = footers.next_back().copied() else { return };
        let named: HashSet<u64> = self.state.index.iter().map(|entry| entry.offset).collect();
        let mut wrong = Vec::new();
        for frame in frames.iter().filter(indexed) {
            if !named.contains(&frame.offset) {
                wrong.push((frame.offset, "a frame that the index does not name".to_owned()));
            }
        }
        for entry in &self.state.index {
            let found = frames.binary_search_by_key(&entry.offset, |frame| frame.offset);
            match found.ok().and_then(|place| frames.get(place)) {
                Some(frame) if frame == entry => {}
                Some(_) => {
                    wrong.push((entry.offset, "a frame other than the index says".to_owned()))
                }
                // That it is damaged was said.
                None if self.state.damaged => {}
                None => wrong.push((entry.offset, "no frame where the index names one".to_owned())),
            }
        }
        let mut checkpoints = frames.iter().rev().skip_while(|frame| frame.offset >= footer.offset);
        let newest = checkpoints.find(|frame| frame.frame_type == FrameType::CHECKPOINT);
        if !self.state.damaged && newest.map(|newest| newest.offset) != Some(footer.t_min) {
            wrong.push((footer.offset, "a footer that points to another checkpoint".to_owned()));
        }
        for (offset, what) in wrong {
            self.error(offset, &what);
        }
    }
}

/// The frames that define what a column of ids names.
fn named_by(column: &Column) -> Option<FrameType> {
    Some(match column.name {
        "site" => FrameType::SITES,
        "type" => FrameType::TYPES,
        "thread" => FrameType::THREADS,
        "stack" => FrameType::STACKS,
        "rule" | "detail" | "spawned_at" => FrameType::STRINGS,
        "derivation" => FrameType::DERIVATIONS,
        _ => return None,
    })
}

/// Checks a frame of rows or definitions.
struct CheckFrame<'a, 'b> {
    check: &'a mut Check<'b>,
    frame: &'a IndexEntry,
}

impl StreamVisitor for CheckFrame<'_, '_> {
    type Output = Result<(), Error>;

    fn visit<R: Event>(&mut self) -> Self::Output {
        self.check.chunk::<R>(self.frame)
    }
}

/// Checks what a RAW frame has of a stream.
struct CheckRaw<'a, 'b> {
    check: &'a mut Check<'b>,
    frame: &'a IndexEntry,
    chunk: &'a Sealed,
}

impl StreamVisitor for CheckRaw<'_, '_> {
    type Output = Result<(), Error>;

    fn visit<R: Event>(&mut self) -> Self::Output {
        let Sealed { header, padded } = self.chunk;
        let rows = Rows::<R>::decode(header, &padded[..header.stored_len as usize], 0)?;
        self.check.rows(self.frame.offset, rows).map(|_| ())
    }
}

impl TableVisitor for CheckFrame<'_, '_> {
    type Output = Result<(), Error>;

    fn visit<T: Definition>(&mut self) -> Self::Output {
        let (_, found) = now(read_records::<T>(self.check.source, self.frame, 0))?;
        let mut defs = Defs::default();
        let ids = self.check.state.defined.entry(T::FRAME).or_default();
        ids.extend(found.iter().map(T::id));
        T::table_mut(&mut defs).extend(found);
        self.check.hooks(self.frame, &defs.hooks);
        self.check.state.hooks.extend(&defs);
        Ok(())
    }
}
