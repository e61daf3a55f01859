//! What recording costs in all: time on the clock and time of all processors, the drain's included, beside the floor.
//!
//! `cargo bench -p memscope-runtime --bench sustained -- [rounds] [what]` runs rounds of each, or of those whose names have
//! `what` in them, in turn, each long enough that the rings are full all the time, and prints the median of each figure. The
//! floor is that of the bench `hooks`.

#![expect(clippy::print_stdout, reason = "a benchmark is a program that prints")]

#[path = "hooks/floor.rs"]
mod floor;

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Runs of each in a round; a ring holds 2^15 slots.
const RUNS: u64 = 1 << 22;

#[inline(never)]
fn scope_floor(x: u64) -> u64 {
    floor::record(1, x);
    let y = black_box(x);
    let z = black_box(y + 1);
    floor::record(2, z);
    z
}

#[inline(never)]
fn scope_tracked(x: u64) -> u64 {
    memscope::track_var!(let y = black_box(x));
    black_box(y + 1)
}

#[inline(never)]
fn call_floor(x: u64) -> u64 {
    floor::record(1, x);
    let y = black_box(x + 1);
    floor::record(2, y);
    y
}

#[memscope::track]
#[inline(never)]
fn call_tracked(x: u64) -> u64 {
    black_box(x + 1)
}

#[inline(never)]
fn vec_floor(_: u64) -> u64 {
    let v = vec![0_u8; 64];
    floor::record(1, v.len() as u64);
    black_box(&v);
    floor::record(2, v.len() as u64);
    0
}

#[inline(never)]
fn vec_tracked(_: u64) -> u64 {
    memscope::track_var!(let v = vec![0_u8; 64]);
    black_box(&v);
    0
}

/// Nanoseconds a run: on the clock, of this thread, and of all threads.
#[derive(Clone, Copy)]
struct Cost {
    wall: f64,
    thread: f64,
    process: f64,
}

fn cpu(clock: libc::clockid_t) -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes to the variable alone.
    assert_eq!(unsafe { libc::clock_gettime(clock, &raw mut now) }, 0);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// What is measured.
type Run = fn(u64) -> u64;

fn measure(run: Run) -> Cost {
    // What is still to be drained belongs to whoever recorded it.
    memscope::flush();
    let clocks = [libc::CLOCK_THREAD_CPUTIME_ID, libc::CLOCK_PROCESS_CPUTIME_ID];
    let ([thread, process], wall) = (clocks.map(cpu), Instant::now());
    for x in 0..RUNS {
        black_box(run(x));
    }
    memscope::flush();
    let each = |time: Duration| time.as_secs_f64() * 1e9 / RUNS as f64;
    Cost {
        wall: each(wall.elapsed()),
        thread: each(cpu(clocks[0]) - thread),
        process: each(cpu(clocks[1]) - process),
    }
}

fn median(of: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = of.collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn main() {
    let rounds = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(9);
    // The recording begins before anything is measured.
    scope_tracked(1);
    let what = std::env::args()
        .skip(1)
        .find(|word| !word.starts_with('-') && word.parse::<u32>().is_err());
    let mut kinds: Vec<(&str, Run)> = vec![
        ("scope, floor", scope_floor),
        ("scope, tracked", scope_tracked),
        ("call, floor", call_floor),
        ("call, tracked", call_tracked),
        ("vec64, floor", vec_floor),
        ("vec64, tracked", vec_tracked),
    ];
    kinds.retain(|(name, _)| what.as_ref().is_none_or(|what| name.contains(what)));
    let mut costs = vec![Vec::new(); kinds.len()];
    for _ in 0..rounds {
        for ((_, run), costs) in kinds.iter().zip(&mut costs) {
            costs.push(measure(*run));
        }
    }
    println!("medians of {rounds} rounds of {RUNS} runs each, nanoseconds a run");
    println!("{:<16} {:>8} {:>8} {:>8}", "", "wall", "thread", "all CPU");
    for ((name, _), costs) in kinds.iter().zip(&costs) {
        let of = |part: fn(&Cost) -> f64| median(costs.iter().map(part));
        let (wall, thread, process) = (of(|c| c.wall), of(|c| c.thread), of(|c| c.process));
        println!("{name:<16} {wall:>8.1} {thread:>8.1} {process:>8.1}");
    }
}
