//! What a program that died left behind: the rings beside its capture, with the events that no commit covers.

use crate::batch::Batch;
use crate::chunk::Sealed;
use crate::clock::ClockReading;
use crate::codec::Codec;
use crate::commit::RingCommit;
use crate::error::Error;
use crate::header::{u32_at, u64_at};
use crate::health::Damage;
use crate::hooks::HookTable;
use crate::limits;
use crate::raw::{
    Events, RING_HEADER_LEN, RINGS_HEADER_LEN, RINGS_MAGIC, RINGS_VERSION, RawKind, SLOT_LEN, Slot,
    SlotHeader, Walk, lap_mark, ring_offset,
};
use crate::source::{Beside, Input};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Slots that are read at once.
const BLOCK: u64 = 2048;

/// Slots whose events become rows before the next are looked at.
const AT_ONCE: usize = 128;

/// The rings file of a capture, and whether its writer lives.
#[derive(Debug)]
pub(crate) struct Leftover<I> {
    source: I,
    capacity: u64,
    /// That the recorder counted outside of any ring.
    lost: u64,
    rings: Vec<Ring>,
    /// The newest clock reading.
    pub(crate) clock: ClockReading,
    /// Whether the writer holds its lock on the file.
    pub(crate) live: bool,
    /// Rings that the file should have and does not.
    missing: u64,
}

#[derive(Debug)]
struct Ring {
    thread: u32,
    drained: u64,
    lost: u64,
    start: u64,
}

/// The events that were found in the rings.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    pub(crate) frames: Vec<Sealed>,
    pub(crate) events: u64,
    /// Events that mean nothing.
    pub(crate) unreadable: u64,
    /// Bytes of the rings that hold the events.
    pub(crate) bytes: u64,
    pub(crate) damage: Vec<Damage>,
}

/// The name of the rings file of a capture.
#[must_use]
pub fn rings_path(capture: &Path) -> PathBuf {
    let mut path = OsString::from(capture);
    path.push("-rings");
    PathBuf::from(path)
}

impl<I: Input> Leftover<I> {
    /// Opens the rings of the capture with this id; `None` if there are none.
    ///
    /// # Errors
    ///
    /// If there is a rings file of this capture that cannot be read, or one that is damaged.
    pub(crate) async fn open(capture: &I, file_id: [u8; 16]) -> Result<Option<Self>, Error> {
        let Some(Beside { input: source, live }) = capture.rings().await? else { return Ok(None) };
        if live {
            // Nothing in it is needed, and not all of it need be there yet.
            let clock = ClockReading::default();
            let rings = Vec::new();
            return Ok(Some(Self { source, capacity: 1, lost: 0, rings, clock, live, missing: 0 }));
        }
        let head = source.read(0, RINGS_HEADER_LEN as u64).await?;
        if head[..8] != RINGS_MAGIC {
            return Err(Error::corrupt(
                0,
                "a rings file",
                crate::header::printable(&head[..RINGS_MAGIC.len()]),
            ));
        }
        let version = u32_at(&head, 8);
        if version != RINGS_VERSION {
            return Err(Error::TooNew {
                supported: format!("rings of version {RINGS_VERSION}"),
                found: format!("version {version}"),
            });
        }
        if head[16..32] != file_id {
            return Ok(None);
        }
        let capacity = u64_at(&head, 32);
        if !capacity.is_power_of_two() || capacity > limits::RING_CAPACITY {
            return Err(Error::corrupt(32, "a power of two of slots a ring", capacity.to_string()));
        }
        let claimed = u64_at(&head, 40);
        if claimed > limits::RINGS {
            return Err(Error::Limit {
                offset: 40,
                what: "rings",
                limit: limits::RINGS,
                found: claimed,
            });
        }
        let mut rings = Vec::new();
        let present =
            (0..claimed).take_while(|&ring| ring_offset(ring + 1, capacity) <= source.len());
        for ring in present {
            let mut bytes = [0; size_of::<crate::raw::RingHeader>()];
            source.read_exact(&mut bytes, ring_offset(ring, capacity)).await?;
            rings.push(Ring {
                thread: u32_at(&bytes, 0),
                drained: u64_at(&bytes, 8),
                lost: u64_at(&bytes, 16),
                start: u64_at(&bytes, 24),
            });
        }
        Ok(Some(Self {
            capacity,
            lost: u64_at(&head, 64),
            missing: claimed - rings.len() as u64,
            rings,
            clock: ClockReading { ticks: u64_at(&head, 48), mono_ns: u64_at(&head, 56) },
            live,
            source,
        }))
    }

    /// Events that the recorder says it lost, in all.
    pub(crate) fn lost(&self) -> u64 {
        self.rings.iter().fold(self.lost, |lost, ring| lost.saturating_add(ring.lost))
    }

    /// Whether a ring was drained farther than the commits say, so that a commit must be missing.
    pub(crate) fn is_ahead_of(&self, commits: &BTreeMap<u16, RingCommit>) -> bool {
        self.rings.iter().zip(0..=u16::MAX).any(|(ring, number)| {
            ring.drained > commits.get(&number).map_or(ring.start, |commit| commit.drained)
        })
    }

    /// Positions of the rings behind all that they hold: what a commit says when it was all brought into the file.
    pub(crate) fn taken(&self, commits: &BTreeMap<u16, RingCommit>) -> Vec<RingCommit> {
        let taken = self.rings.iter().zip(0..=u16::MAX).filter_map(|(ring, number)| {
            let committed = commits.get(&number).map_or(0, |commit| commit.drained);
            let from = ring.drained.max(committed);
            let drained = from.saturating_add(self.capacity);
            let commit = RingCommit { ring: number, thread: ring.thread, drained, lost: ring.lost };
            // Others are forged.
            (from < 1 << 48).then_some(commit)
        });
        taken.collect()
    }

    /// Makes rows of the events that neither the commits nor the rings' own headers say to be in the file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub(crate) async fn recover(
        &self,
        commits: &BTreeMap<u16, RingCommit>,
        hooks: &HookTable,
    ) -> Result<Recovery, Error> {
        let mut batch = Batch::new(Codec::Zstd);
        let mut recovery = Recovery::default();
        if self.missing > 0 {
            recovery.damage.push(Damage::of_rings(
                self.source.len(),
                0,
                None,
                format!("{} rings are missing", self.missing),
            ));
        }
        for (ring, number) in self.rings.iter().zip(0..=u16::MAX) {
            let committed = commits.get(&number).map_or(0, |commit| commit.drained);
            let from = ring.drained.max(committed);
            // No position that was written is so far on; a forged one must not overflow.
            if from >= 1 << 48 {
                recovery.damage.push(Damage::of_rings(
                    ring_offset(u64::from(number), self.capacity),
                    RING_HEADER_LEN as u64,
                    None,
                    format!("ring {number} claims the position {from}"),
                ));
                continue;
            }
            let slots = Slots::new(&self.source, u64::from(number), self.capacity);
            let found = self.walk(number, ring.thread, from, slots, hooks, &mut batch).await?;
            recovery.add(ring_offset(u64::from(number), self.capacity), number, &found);
            if batch.sealed_len() > limits::RECOVERED_LEN {
                recovery.damage.push(Damage::of_rings(
                    ring_offset(u64::from(number) + 1, self.capacity),
                    self.source
                        .len()
                        .saturating_sub(ring_offset(u64::from(number) + 1, self.capacity)),
                    None,
                    "more events in rings than are kept in memory",
                ));
                break;
            }
        }
        recovery.events = batch.events;
        recovery.frames = batch.seal();
        Ok(recovery)
    }

    /// Makes rows of the events of a ring, from a position on.
    async fn walk(
        &self,
        number: u16,
        thread: u32,
        from: u64,
        mut slots: Slots<'_, I>,
        hooks: &HookTable,
        batch: &mut Batch,
    ) -> Result<Found, Error> {
        let end = from + self.capacity;
        let mut found = Found::default();
        let mut walk = Walk::new(self.capacity, from);
        let mut room = [Slot::default(); AT_ONCE];
        loop {
            let mut events = Events::new(walk.read(&mut room, |index| slots.load(index)));
            for (at, first, second) in events.by_ref() {
                let position = walk.position() + at as u64;
                match batch.push(hooks, number, thread, position, first, second) {
                    Ok(()) => found.slots += 1 + u64::from(second.is_some()),
                    Err(_) => found.unreadable += 1,
                }
            }
            let taken = events.taken();
            walk.advance(taken);
            if slots.fetch().await? || taken > 0 {
                continue;
            }
            // A crash of the machine, unlike that of the program, can leave gaps.
            let gap = walk.position();
            let mut next = gap + 1;
            while next < end && !slots.begins_event(next) {
                if !slots.fetch().await? {
                    next += 1;
                }
            }
            if next >= end {
                return Ok(found);
            }
            found.holes += next - gap;
            walk = Walk::new(self.capacity, next);
        }
    }
}

/// What was found in a ring.
#[derive(Debug, Default)]
struct Found {
    /// Slots of events that gave rows.
    slots: u64,
    /// Events that mean nothing.
    unreadable: u64,
    /// Slots between events that were not written.
    holes: u64,
}

impl Recovery {
    fn add(&mut self, offset: u64, ring: u16, found: &Found) {
        self.bytes += found.slots * SLOT_LEN as u64;
        self.unreadable += found.unreadable;
        for (count, rows, what) in [
            (found.unreadable, Some(found.unreadable), "events that mean nothing"),
            (found.holes, None, "unwritten slots between events"),
        ] {
            if count > 0 {
                let what = format!("{count} {what} in ring {ring}");
                self.damage.push(Damage::of_rings(offset, count * SLOT_LEN as u64, rows, what));
            }
        }
    }
}

/// The slots of a ring, read by the block.
struct Slots<'a, I> {
    source: &'a I,
    /// Where the slots begin in the file.
    start: u64,
    capacity: u64,
    /// The two blocks that were read last: a wide event may lie in both.
    blocks: [(Option<u64>, Vec<u8>); 2],
    /// A block that was asked for and not there.
    wanted: Option<u64>,
}

impl<'a, I: Input> Slots<'a, I> {
    fn new(source: &'a I, ring: u64, capacity: u64) -> Self {
        let start = ring_offset(ring, capacity) + RING_HEADER_LEN as u64;
        Self { source, start, capacity, blocks: Default::default(), wanted: None }
    }

    /// The slot at an index. If it was not read yet, it is as one that was never written, until [`Slots::fetch`].
    fn load(&mut self, index: u64) -> Slot {
        let block = index / BLOCK;
        let Some((_, bytes)) = self.blocks.iter().find(|(number, _)| *number == Some(block)) else {
            self.wanted = Some(block);
            return Slot::default();
        };
        let at = (index % BLOCK) as usize * SLOT_LEN;
        let word = |number: usize| u64_at(bytes, at + 8 * number);
        Slot { w0: word(0), header: word(1), p0: word(2), p1: word(3) }
    }

    /// Reads what was asked for; `false` if all of it was there.
    async fn fetch(&mut self) -> Result<bool, Error> {
        let Some(block) = self.wanted.take() else { return Ok(false) };
        let slots = BLOCK.min(self.capacity - block * BLOCK);
        let offset = self.start + block * BLOCK * SLOT_LEN as u64;
        let bytes = self.source.read(offset, slots * SLOT_LEN as u64).await?;
        self.blocks.rotate_right(1);
        self.blocks[0] = (Some(block), bytes);
        Ok(true)
    }

    /// Whether the slot of a position was written for it, as the first of an event.
    fn begins_event(&mut self, position: u64) -> bool {
        let header = SlotHeader(self.load(position % self.capacity).header);
        header.lap() == lap_mark(position, self.capacity)
            && !matches!(header.kind(), Some(RawKind::Cont | RawKind::Pad))
    }
}
