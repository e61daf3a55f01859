//! The drain: the one thread that moves events from the rings into the capture.
//!
//! A cycle reads all rings, encodes what it found, writes it, and only then gives the slots back: at every
//! moment each event is in a ring or in the file, so that a process that is killed loses none. The commit frame
//! that ends a cycle says up to where; a reader that finds the rings ignores what follows the last one.

use super::clock::Source;
use super::recorder::{Ownership, Recorder};
use super::session;
use memscope_format::raw::Walk;
use memscope_format::{Batch, ClockReading, Codec, Commit, Error, HookTable, RingCommit};
use parking_lot::Mutex;
use std::io;
use std::thread::{self, Thread};
use std::time::Duration;

/// The drain's state, while there is a recording. Whoever holds the lock may run a cycle.
pub(super) static DRAIN: Mutex<Option<Drain>> = Mutex::new(None);

/// Events that a cycle takes at most, which bounds its memory; it starts anew at once if there are more.
const BATCH: u64 = 1 << 18;

/// The longest pause between cycles: what a live reader may lag behind.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The first pause: so that a process that dies young leaves a clock reading that is not only of its start.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Moves events into the capture, cycle by cycle.
#[derive(Debug)]
pub(super) struct Drain {
    clock: Source,
    batch: Batch,
    hooks: HookTable,
    /// How many types and hooks the table has seen.
    known: (usize, usize),
    cycles: u64,
    events: u64,
    lost: u64,
    /// Events that meant nothing.
    unreadable: u64,
}

/// What a cycle found in one ring.
struct Found {
    recorder: &'static Recorder,
    position: u64,
    retired: bool,
}

/// Starts the drain's thread.
pub(super) fn spawn() -> io::Result<Thread> {
    let thread = thread::Builder::new().name("memscope-drain".to_owned()).spawn(|| {
        // Nothing that this thread does may be recorded.
        let _busy = session::Busy::enter();
        run();
    })?;
    Ok(thread.thread().clone())
}

fn run() {
    let mut pause = FIRST_PAUSE;
    loop {
        thread::park_timeout(pause);
        let mut state = DRAIN.lock();
        // At exit the last cycle is run by whoever exits.
        let Some(drain) = state.as_mut().filter(|_| !session::is_closed()) else { return };
        match drain.cycle() {
            Ok(true) => pause = Duration::ZERO,
            Ok(false) => pause = (pause.max(FIRST_PAUSE) * 2).min(LONGEST_PAUSE),
            Err(error) => {
                drop(state);
                session::in_core_already(|core| session::fail(core, &error));
                return;
            }
        }
    }
}

impl Drain {
    /// Begins with an empty recording.
    pub(super) fn new(clock: Source) -> Self {
        Self {
            clock,
            batch: Batch::new(Codec::Zstd),
            hooks: HookTable::new(),
            known: (0, 0),
            cycles: 0,
            events: 0,
            lost: 0,
            unreadable: 0,
        }
    }

    /// Runs cycles until the rings are empty.
    pub(super) fn run_to_the_end(&mut self) -> Result<(), Error> {
        while self.cycle()? {}
        // A thread that was in the middle of its last event when recording stopped has written it by now.
        thread::yield_now();
        self.cycle().map(|_| ())
    }

    /// Moves what the rings hold into the capture. Returns whether there is more than a cycle takes.
    pub(super) fn cycle(&mut self) -> Result<bool, Error> {
        let clock = self.clock.reading();
        let recorders = session::in_core_already(|core| {
            let capture = core.capture.as_ref()?;
            capture.rings.set_clock(clock);
            Some(capture.recorders.clone())
        });
        let Some(recorders) = recorders else { return Ok(false) };
        let found = self.collect(&recorders);
        let full = self.batch.events >= BATCH;
        let lost = session::in_core_already(|core| core.capture.as_ref().map(|c| c.lost()));
        let Some(lost) = lost.map(|lost| lost + self.unreadable) else { return Ok(false) };
        let moved = found.iter().any(|found| found.position != found.recorder.drained());
        if moved || lost != self.lost {
            self.write(&found, clock, lost)?;
        }
        for Found { recorder, position, retired } in &found {
            recorder.set_drained(*position);
            if *retired {
                recorder.free();
            }
        }
        Ok(full)
    }

    /// Reads the rings into the batch.
    fn collect(&mut self, recorders: &[&'static Recorder]) -> Vec<Found> {
        let mut found = Vec::with_capacity(recorders.len());
        for &recorder in recorders {
            let ownership = recorder.ownership();
            if ownership == Ownership::Free || self.batch.events >= BATCH {
                continue;
            }
            let (ring, thread) = (recorder.ring, recorder.thread());
            let mut walk = Walk::new(recorder.capacity(), recorder.drained());
            while let Some((position, first, second)) =
                walk.next(|index| recorder.memory.slots[index as usize].load())
            {
                let push = self.batch.push(&self.hooks, ring, thread, position, first, second);
                if push.is_err() {
                    self.learn_hooks();
                    // A hook is interned before its first event, so that it is known now. Were it not, the event
                    // would be lost, and is counted.
                    let again = self.batch.push(&self.hooks, ring, thread, position, first, second);
                    debug_assert!(again.is_ok(), "{again:?}");
                    self.unreadable += u64::from(again.is_err());
                }
            }
            let retired = ownership == Ownership::Retired;
            found.push(Found { recorder, position: walk.position(), retired });
        }
        found
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
        self.events += self.batch.events;
        self.lost = lost;
        let rings = found
            .iter()
            .filter(|found| found.position != found.recorder.drained())
            .map(|found| RingCommit {
                ring: found.recorder.ring,
                thread: found.recorder.thread(),
                drained: found.position,
                lost: found.recorder.memory.lost(),
            })
            .collect();
        let commit = Commit { cycle: self.cycles, clock, events: self.events, lost, rings };
        // Encoding, the long part, is done without the lock.
        let frames = self.batch.seal();
        session::in_core_already(|core| {
            let Some(capture) = core.capture.as_mut() else { return Ok(()) };
            for frame in &frames {
                capture.writer.append(frame)?;
            }
            capture.writer.commit(&commit)
        })
    }
}
