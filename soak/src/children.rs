//! What the children do, and what they say of it on stdout: a line is a word and numbers.

use memscope::Probe;
use std::hint::black_box;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// What the threads of both children are called.
pub(crate) const THREADS: [&str; 2] = ["one", "two"];

/// Values between two acknowledgements: few enough that they are always recent, and enough that they cost nothing.
const ACKNOWLEDGED_AT_ONCE: u64 = 500;

/// Says something in one write, so that lines of threads do not mix; what is read of it has been said before any kill.
fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.flush()
}

/// Records values as fast as it can on all threads; each says how many there were so far. Ends when nobody listens.
pub(crate) fn record() -> ExitCode {
    thread::scope(|scope| {
        for name in THREADS {
            let run = move || {
                for round in 1.. {
                    for number in 0..ACKNOWLEDGED_AT_ONCE {
                        memscope::track_var!(let value = Box::new(number));
                        black_box(&value);
                    }
                    if say(&format!("{name} {}\n", round * ACKNOWLEDGED_AT_ONCE)).is_err() {
                        return;
                    }
                }
            };
            if thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, run).is_err() {
                std::process::exit(1);
            }
        }
    });
    ExitCode::SUCCESS
}

/// What blocks of [`work`] consist of. By its alignment they are known among all others.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "its size is what counts")] [u8; 64]);

/// Alignment of the blocks of [`work`], and what their sizes are multiples of.
pub(crate) const ALIGN: u32 = align_of::<Line>() as u32;

/// A value with an identity, that lives until its place is needed, or for ever.
#[memscope::track]
struct Item {
    lines: Vec<Line>,
    probe: Probe<Self>,
}

/// What a child of [`work`] did, by its own account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// Variables that were born, all of which were dropped.
    pub(crate) scratch: u64,
    /// Items that were born.
    pub(crate) items: u64,
    /// Items that were dropped.
    pub(crate) dropped: u64,
    /// Blocks of lines that were allocated.
    pub(crate) blocks: u64,
    /// Bytes of them, and what they grew by.
    pub(crate) allocated: u64,
    /// Bytes of blocks that were freed.
    pub(crate) freed: u64,
}

impl Done {
    /// The account as a line; the word before it is `done`.
    fn line(self) -> String {
        let Self { scratch, items, dropped, blocks, allocated, freed } = self;
        format!("done {scratch} {items} {dropped} {blocks} {allocated} {freed}\n")
    }

    /// Reads what [`Self::line`] makes.
    pub(crate) fn read(said: &str) -> Option<Self> {
        let line = said.lines().find_map(|line| line.strip_prefix("done "))?;
        let numbers: Vec<u64> = line.split(' ').map_while(|number| number.parse().ok()).collect();
        let [scratch, items, dropped, blocks, allocated, freed] = numbers.try_into().ok()?;
        Some(Self { scratch, items, dropped, blocks, allocated, freed })
    }

    fn plus(self, other: Self) -> Self {
        Self {
            scratch: self.scratch + other.scratch,
            items: self.items + other.items,
            dropped: self.dropped + other.dropped,
            blocks: self.blocks + other.blocks,
            allocated: self.allocated + other.allocated,
            freed: self.freed + other.freed,
        }
    }

    fn allocate(&mut self, lines: usize) -> Vec<Line> {
        let lines = Vec::with_capacity(lines);
        self.blocks += 1;
        self.allocated += bytes(&lines);
        lines
    }
}

fn bytes(lines: &Vec<Line>) -> u64 {
    (lines.capacity() * size_of::<Line>()) as u64
}

/// Places for items on each thread.
const PLACES: usize = 512;

/// Makes, grows and drops values as fast as it can on all threads, for so long; says what it did.
pub(crate) fn work(time: Duration) -> ExitCode {
    let done = thread::scope(|scope| {
        let spawn = |(seed, name): (u64, &str)| {
            let run = move || work_on_this_thread(seed, time);
            thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, run).ok()
        };
        let threads: Vec<_> = (1..).zip(THREADS).map(spawn).collect();
        let done = threads.into_iter().map(|thread| thread?.join().ok());
        done.collect::<Option<Vec<Done>>>()
    });
    let said = done.map(|done| say(&done.into_iter().fold(Done::default(), Done::plus).line()));
    if matches!(said, Some(Ok(()))) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn work_on_this_thread(seed: u64, time: Duration) -> Done {
    let began = Instant::now();
    let mut done = Done::default();
    let mut places: Vec<Option<Item>> = (0..PLACES).map(|_| None).collect();
    let mut random = seed;
    let mut next = || {
        // Marsaglia, "Xorshift RNGs", 2003.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    while began.elapsed() < time {
        for _ in 0..256 {
            let chosen = next();
            memscope::track_var!(let scratch = done.allocate(1 + chosen as usize % 8));
            black_box(&scratch);
            done.scratch += 1;
            done.freed += bytes(&scratch);
            if chosen & 0x300 == 0 {
                let mut lines = done.allocate(1 + (chosen >> 10) as usize % 8);
                if chosen & 0xC00 == 0 {
                    let before = bytes(&lines);
                    lines.reserve_exact(lines.capacity() + 3);
                    done.allocated += bytes(&lines) - before;
                }
                done.items += 1;
                let item = Item { lines, probe: Probe::new() };
                let place = &mut places[(chosen >> 16) as usize % PLACES];
                if let Some(before) = place.replace(item) {
                    done.dropped += 1;
                    done.freed += bytes(&before.lines);
                    black_box(&before.probe);
                }
            }
        }
    }
    // What is left is alive at the end.
    std::mem::forget(places);
    done
}
