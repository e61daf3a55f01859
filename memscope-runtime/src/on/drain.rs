//! The drain: the one thread that moves events from the rings into the capture.
//!
//! A cycle reads all rings, encodes what it found, writes it, and only then gives the slots back: at every
//! moment each event is in a ring or in the file, so that a process that is killed loses none. The commit frame
//! that ends a cycle says up to where; a reader that finds the rings ignores what follows the last one.
//!
//! A ring whose thread is about to wait may be copied instead, as a RAW frame, where `pace` has found that to be faster.

use super::clock::Source;
use super::heap;
use super::pace::Pace;
use super::performance::{Cycle, Readings};
use super::polling::{give_way, is_awaited, lock};
use super::recorder::{Ownership, Recorder};
use super::session;
use super::stacks;
use core::sync::atomic::{AtomicBool, Ordering};
use memscope_format::raw::{Events, RawChunk, Slot, Walk};
use memscope_format::{
    Batch, ClockReading, Codec, Commit, Compression, Error, HookTable, RingCommit, Sealed,
    UnreadableEvent,
};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use std::{io, panic};

/// The drain's state, while there is a recording. Whoever holds the lock may run a cycle.
pub(super) static DRAIN: Mutex<Option<Drain>> = Mutex::new(None);

/// Events that a batch takes at most, which bounds its memory; the next cycle starts at once if there are more.
const BATCH: u64 = 1 << 18;

/// Slots that are read from a ring at once, before any of them becomes a row: their cache lines come from another processor, so
/// that many must be under way at a time.
const AT_ONCE: usize = 128;

/// The part of a ring, one in so many, that a cycle reads before it writes. Its thread goes on in the others meanwhile, and finds this
/// one free when it comes to it.
const PARTS: u64 = 2;

/// Events that make a batch worth writing: a chunk of 64 Ki rows is as small as any per row.
const WORTH_WRITING: u64 = 1 << 16;

/// How often an event that was begun before the end is waited for, a millisecond each.
const LAST_EVENT_TRIES: u32 = 50;

/// The longest pause between cycles: what a live reader may lag behind.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The first pause: so that a process that dies young leaves a clock reading that is not only of its start.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Moves events into the capture, cycle by cycle.
#[derive(Debug)]
pub(super) struct Drain {
    clock: Source,
    batch: Batch,
    /// What was copied in this cycle, and how many events that is.
    copied: (Vec<Sealed>, u64),
    pace: Pace,
    hooks: HookTable,
    /// How many types and hooks the table has seen.
    known: (usize, usize),
    /// Up to which position each ring is in the batch. The events stay in the ring until the batch is written.
    taken: HashMap<u16, u64>,
    /// The place in the list of recorders at which the next cycle begins, so that none is always the last.
    first: usize,
    written: Instant,
    cycles: u64,
    events: u64,
    lost: u64,
    /// Events that meant nothing.
    unreadable: u64,
    /// Rows that no event gives.
    pub(super) readings: Readings,
    stacks: stacks::Definitions,
}

/// What a cycle found in one ring.
struct Found {
    recorder: &'static Recorder,
    position: u64,
    /// Whether there may be more.
    is_more: bool,
    /// Whether its thread has ended, and everything was read.
    retired: bool,
}

/// What the drain's thread is called.
const NAME: &str = "memscope-drain";

/// Whether the thread begins, and is not inside memscope yet.
static BEGINS: AtomicBool = AtomicBool::new(false);

/// Whether this thread is that of a drain that begins: the standard library frees what it was started with before any of our code
/// runs there. Takes no lock and allocates nothing.
pub(super) fn is_beginning_here() -> bool {
    BEGINS.load(Ordering::Relaxed) && has_name(NAME)
}

/// Whether this thread has a name of less than 16 bytes, as the system knows it.
#[cfg(target_os = "linux")]
fn has_name(name: &str) -> bool {
    let mut known = [0_u8; 16];
    // SAFETY: the system writes at most 16 bytes there, with a zero at the end.
    let asked = unsafe { libc::prctl(libc::PR_GET_NAME, known.as_mut_ptr()) };
    asked == 0 && known.split(|byte| *byte == 0).next() == Some(name.as_bytes())
}

#[cfg(not(target_os = "linux"))]
fn has_name(_: &str) -> bool {
    false
}

/// Starts the drain's thread.
///
/// With all signals blocked, as a new thread inherits it: a signal that the program waits for by `sigwait` or
/// `signalfd`, which it blocks in the threads that it knows of, must not find one that takes it.
pub(super) fn spawn() -> io::Result<Thread> {
    #[cfg(unix)]
    let before = set_signal_mask(None);
    BEGINS.store(true, Ordering::Relaxed);
    let spawned = thread::Builder::new().name(NAME.to_owned()).spawn(|| {
        // Nothing that this thread does may be recorded.
        let _busy = session::Busy::enter();
        BEGINS.store(false, Ordering::Release);
        run();
    });
    #[cfg(unix)]
    set_signal_mask(Some(before));
    if spawned.is_err() {
        BEGINS.store(false, Ordering::Relaxed);
    }
    Ok(spawned?.thread().clone())
}

/// Waits until the drain's thread, if one was started just now, runs what it is for.
///
/// Before, it holds locks of the standard library. Whoever starts it lets no process be forked meanwhile, so that no child
/// finds these locks held by a thread that it does not have.
pub(super) fn await_begin() {
    while BEGINS.load(Ordering::Acquire) {
        thread::sleep(Duration::from_micros(20));
    }
}

/// Blocks the signals of a set in this thread, all if none is given; returns the set that was blocked before.
#[cfg(unix)]
fn set_signal_mask(mask: Option<libc::sigset_t>) -> libc::sigset_t {
    // SAFETY: a signal set is plain data, for which all zeros are a value; the calls write to variables of this
    // function, and fail for nothing but a wrong first argument.
    unsafe {
        let mut all: libc::sigset_t = core::mem::zeroed();
        libc::sigfillset(&raw mut all);
        let mut before: libc::sigset_t = core::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_SETMASK, &mask.unwrap_or(all), &raw mut before);
        before
    }
}

/// Runs cycles while there is a session; else waits for the next, so that one thread serves all.
fn run() {
    loop {
        until_the_end();
        thread::park();
    }
}

fn until_the_end() {
    let cycles = panic::catch_unwind(|| -> Result<(), Error> {
        let mut pause = FIRST_PAUSE;
        loop {
            thread::park_timeout(pause);
            let mut state = lock(&DRAIN);
            // At the end the last cycle is run by whoever ends the session.
            let Some(drain) = state.as_mut().filter(|_| !session::is_closed()) else {
                return Ok(());
            };
            let cycle = Cycle::begin();
            let is_more = drain.cycle(Urgency::WhenWorthIt);
            drain.readings.ended(&cycle);
            pause = match is_more? {
                true => Duration::ZERO,
                false => {
                    // The loader's lock may be held by a thread that waits for room.
                    drain.look();
                    (pause.max(FIRST_PAUSE) * 2).min(LONGEST_PAUSE)
                }
            };
            drop(state);
            give_way();
        }
    });
    let failed = match &cycles {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error as &dyn core::fmt::Display,
        Err(_) => &"the thread that writes the capture has panicked",
    };
    session::in_core_already(|core| session::fail(core, failed));
}

/// Whether a cycle must write what it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Urgency {
    /// Only a batch that is large or old, or that a thread waits for.
    WhenWorthIt,
    /// Everything.
    Now,
}

impl Drain {
    /// Begins with an empty recording.
    pub(super) fn new(clock: Source, compression: Compression) -> Self {
        Self {
            clock,
            batch: Batch::new(compression),
            copied: (Vec::new(), 0),
            pace: if compression.level > Compression::balanced().level {
                Pace::of_small()
            } else {
                Pace::default()
            },
            hooks: HookTable::new(),
            known: (0, 0),
            taken: HashMap::new(),
            first: 0,
            written: Instant::now(),
            cycles: 0,
            events: 0,
            lost: 0,
            unreadable: 0,
            readings: Readings::default(),
            stacks: stacks::Definitions::default(),
        }
    }

    /// Looks what is loaded, so that stacks can go through it.
    pub(super) fn look(&mut self) {
        self.stacks.look();
    }

    /// The time, as rows have it.
    pub(super) fn now(&self) -> u64 {
        self.clock.ticks()
    }

    /// Moves everything that the rings hold now into the capture; what threads add meanwhile is not waited for.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        let recorders = session::recorders();
        let held: Vec<_> = recorders.into_iter().map(|ring| (ring, ring.reached())).collect();
        let is_held = |(ring, position): &(&Recorder, u64)| ring.drained() < *position;
        while self.cycle(Urgency::Now)? && held.iter().any(is_held) {}
        Ok(())
    }

    /// Moves the last events into the capture, when no new ones begin.
    ///
    /// A thread may be in the middle of its last event: it is waited for, and if it does not end (it may have been
    /// stopped for good), the event is counted as lost.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        let unfinished = || {
            let recorders = session::recorders();
            recorders.into_iter().filter(|recorder| recorder.has_unwritten()).collect::<Vec<_>>()
        };
        for _ in 0..LAST_EVENT_TRIES {
            self.flush()?;
            if unfinished().is_empty() {
                return self.last_reading();
            }
            thread::sleep(Duration::from_millis(1));
        }
        unfinished().iter().for_each(|recorder| recorder.memory().add_lost(1));
        self.flush()?;
        self.last_reading()
    }

    /// Writes what is read at the end.
    fn last_reading(&mut self) -> Result<(), Error> {
        let recorders = session::recorders();
        self.readings.read(self.clock.ticks(), &recorders, true, true);
        self.write(&[], self.clock.reading(), self.lost)
    }

    /// Reads the rings, and moves what is due into the capture. Returns whether there is more than a batch takes.
    fn cycle(&mut self, urgency: Urgency) -> Result<bool, Error> {
        let clock = self.clock.reading();
        let recorders = session::in_core_already(|core| {
            let capture = core.capture.as_mut()?;
            capture.rings.stay_locked();
            capture.rings.set_clock(clock);
            Some(capture.recorders.clone())
        });
        let Some(recorders) = recorders else { return Ok(false) };
        let begun = (self.batch.events == 0).then(Instant::now);
        let found = self.collect(&recorders, urgency);
        let moving = (self.batch.events, self.copied.1);
        let full = self.gathered() >= BATCH;
        if !full && urgency == Urgency::WhenWorthIt && !self.is_due(&found) {
            return Ok(false);
        }
        let lost = session::in_core_already(|core| core.capture.as_ref().map(|c| c.lost()));
        let Some(lost) = lost.map(|lost| lost + self.unreadable) else { return Ok(false) };
        let moved = found.iter().any(|found| found.position != found.recorder.drained());
        self.readings.read(clock.ticks, &recorders, moved, false);
        if moved || lost != self.lost || self.readings.wait() {
            self.write(&found, clock, lost)?;
        }
        if let Some(begun) = begun {
            self.pace.note(moving.0, moving.1, begun.elapsed());
        }
        for Found { recorder, position, retired, .. } in &found {
            recorder.set_drained(*position);
            if *retired {
                recorder.free();
            }
        }
        self.written = Instant::now();
        Ok(full || found.iter().any(|found| found.is_more))
    }

    /// Whether what was found should be written now: it is much, or old, or its place in a ring is needed.
    fn is_due(&self, found: &[Found]) -> bool {
        let pressing = |found: &Found| {
            let waiting = found.position - found.recorder.drained();
            found.retired || waiting >= found.recorder.capacity() / PARTS
        };
        self.batch.events >= WORTH_WRITING
            || self.copied.1 > 0
            || self.written.elapsed() >= LONGEST_PAUSE
            || self.cycles == 0
            || found.iter().any(pressing)
    }

    /// Reads the rings into the batch, from where the last cycle left each.
    fn collect(&mut self, recorders: &[&'static Recorder], urgency: Urgency) -> Vec<Found> {
        let mut found = Vec::with_capacity(recorders.len());
        let count = recorders.len();
        self.first = (self.first + 1) % count.max(1);
        let mut copies = None;
        let mut room = [Slot::default(); AT_ONCE];
        for &recorder in recorders.iter().cycle().skip(self.first).take(count) {
            // Before the ring is read, so that all events of an ended thread are.
            let ownership = recorder.ownership();
            if ownership == Ownership::Free {
                continue;
            }
            let (ring, thread, drained) = (recorder.ring(), recorder.thread(), recorder.drained());
            let from = self.taken.get(&ring).copied().unwrap_or(0).max(drained);
            let mut walk = Walk::new(recorder.capacity(), from);
            // Not by way of the recorder with each slot: the thread writes to its cache lines with each event.
            let slots = recorder.memory().slots;
            // The thread writes into the last quarter that is free, and waits at its end.
            let is_pressed = recorder.waiting_from(from) > recorder.capacity() / 4 * 3;
            let copies = is_pressed && *copies.get_or_insert_with(|| self.pace.copies());
            let mut copy = copies.then(|| RawChunk::new(ring, thread));
            let mut is_more = true;
            // Whoever waits, to fork or to begin recording, need not wait for a whole batch.
            let may_go_on = || urgency == Urgency::Now || !is_awaited();
            let end = drained + recorder.capacity() / PARTS;
            while is_more && walk.position() < end && self.gathered() < BATCH && may_go_on() {
                let read = walk.read(&mut room, |index| slots[index as usize].load());
                let position = walk.position();
                let (mut taken, meant) = self.take((ring, thread, position), read, copy.as_mut());
                if meant.is_err() {
                    taken += self.take_again((ring, thread, position), read, taken, copy.as_mut());
                }
                if copy.as_ref().is_some_and(RawChunk::is_full) {
                    self.keep(copy.replace(RawChunk::new(ring, thread)));
                }
                // Where the thread writes now is not read on: it would have to fetch the cache line back for each event.
                let is_at_end = taken == read.len() && taken < AT_ONCE;
                is_more = taken > 0 && !is_at_end;
                walk.advance(taken);
            }
            self.keep(copy);
            self.taken.insert(ring, walk.position());
            let retired = !is_more && ownership == Ownership::Retired;
            found.push(Found { recorder, position: walk.position(), is_more, retired });
        }
        found
    }

    /// Events that the next write will move.
    const fn gathered(&self) -> u64 {
        self.batch.events + self.copied.1
    }

    /// Takes the events in slots of a ring, a thread and from a position on: into the copy, or else into the batch. Returns how
    /// many slots were taken, and whether the next event means nothing.
    fn take(
        &mut self,
        (ring, thread, position): (u16, u32, u64),
        slots: &[Slot],
        copy: Option<&mut RawChunk>,
    ) -> (usize, Result<(), UnreadableEvent>) {
        match copy {
            None => self.batch.push_slots(&self.hooks, ring, thread, position, slots),
            Some(copy) => {
                let before = copy.events();
                let taken = copy.push_slots(&self.hooks, position, slots);
                self.copied.1 += (copy.events() - before) as u64;
                taken
            }
        }
    }

    /// Takes the event that meant nothing, the next one behind those `taken`, when more hooks are known. Returns how many slots
    /// it has.
    #[cold]
    fn take_again(
        &mut self,
        (ring, thread, position): (u16, u32, u64),
        slots: &[Slot],
        taken: usize,
        copy: Option<&mut RawChunk>,
    ) -> usize {
        self.learn_hooks();
        let mut event = Events::new(&slots[taken..]);
        event.next();
        let slots = &slots[taken..taken + event.taken()];
        // A hook is interned before its first event, so that it is known now. Were it not, the event would be lost, and is
        // counted.
        let (_, meant) = self.take((ring, thread, position + taken as u64), slots, copy);
        self.unreadable += u64::from(meant.is_err());
        slots.len()
    }

    /// Keeps a copy to be written.
    fn keep(&mut self, copy: Option<RawChunk>) {
        self.copied.0.extend(copy.and_then(|copy| copy.seal(Codec::None)));
    }

    /// Brings the table of hooks up to date.
    fn learn_hooks(&mut self) {
        let (types, hooks) = self.known;
        let new = session::in_core_already(|core| core.registry.defs_since(types, hooks));
        self.known = (types + new.types.len(), hooks + new.hooks.len());
        self.hooks.extend(&new);
    }

    /// Writes the batch and the commit that makes it count.
    fn write(&mut self, found: &[Found], clock: ClockReading, lost: u64) -> Result<(), Error> {
        self.cycles += 1;
        self.events += self.gathered();
        self.lost = lost;
        let rings = found
            .iter()
            .filter(|found| found.position != found.recorder.drained())
            .map(|found| RingCommit {
                ring: found.recorder.ring(),
                thread: found.recorder.thread(),
                drained: found.position,
                lost: found.recorder.memory().lost(),
            })
            .collect();
        let commit = Commit { cycle: self.cycles, clock, events: self.events, lost, rings };
        // Encoding, the long part, is done without the lock.
        let mut frames = self.batch.seal();
        // What was copied of a ring is later than what of it was in the batch.
        let (copied, _) = std::mem::take(&mut self.copied);
        frames.extend(copied);
        frames.extend(heap::reading(clock.ticks));
        frames.extend(self.readings.seal());
        let defs = self.stacks.take();
        session::in_core_already(|core| {
            let Some(capture) = core.capture.as_mut() else { return Ok(()) };
            if !defs.is_empty() {
                capture.writer.define(&defs)?;
            }
            for frame in &frames {
                capture.writer.append(frame)?;
            }
            capture.writer.commit(&commit)
        })
    }
}
