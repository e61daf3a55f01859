//! What a call stack adds to a sampled block.
//!
//! `cargo bench -p memscope-runtime --bench stacks` runs itself with `MEMSCOPE_STACKS=off` and `sampled` in turn, and prints the
//! medians of one run beside each other. Each block is chosen, so that the figures are of a block that is: most are not, and
//! cost what they do without.
#![expect(clippy::print_stdout, reason = "the figures")]

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

// With the feature `alloc` there is one already.
#[cfg(not(feature = "alloc"))]
#[global_allocator]
static ALLOCATOR: memscope::Allocator = memscope::Allocator::new();

/// Says that this process measures.
const MEASURES: &str = "BENCH_MEASURES";
/// Blocks between which the drain is waited for: they find room in the ring.
const BURST: u32 = 2_000;
const BURSTS: usize = 60;
const ROUNDS: usize = 7;
/// Calls between the thread's first function and the allocation, beside those of the standard library.
const DEPTHS: [u32; 3] = [1, 16, 64];

fn main() {
    // Not asked for by `cargo test --benches`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    if std::env::var_os(MEASURES).is_some() {
        return DEPTHS.iter().for_each(|depth| println!("{}", measure(*depth)));
    }
    let dir = std::env::temp_dir().join(format!("memscope-bench-{}", std::process::id()));
    let mut found = vec![[const { Vec::new() }; 2]; DEPTHS.len()];
    for round in 0..ROUNDS {
        for (at, stacks) in ["off", "sampled"].into_iter().enumerate() {
            let figures = child(stacks, &dir.join(format!("{round}-{stacks}")));
            found.iter_mut().zip(figures).for_each(|(found, ns)| found[at].push(ns));
        }
    }
    // What was recorded is of no use to anybody.
    let _ = std::fs::remove_dir_all(dir);
    println!("calls  without  with a stack  (ns for a chosen block and its free)");
    for (depth, [without, with]) in DEPTHS.iter().zip(found) {
        println!("{depth:5}  {:7.0}  {:12.0}", median(without), median(with));
    }
}

fn child(stacks: &str, dir: &std::path::Path) -> Vec<f64> {
    let exe = std::env::current_exe().expect("this program has a path");
    let output = Command::new(exe)
        .arg("--bench")
        .env(MEASURES, "1")
        .env("MEMSCOPE_DIR", dir)
        .env("MEMSCOPE_ALLOC", "sampled=1")
        .env("MEMSCOPE_STACKS", stacks)
        .output()
        .expect("this program can be run");
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines().map(|line| line.parse().expect("a number")).collect()
}

/// Nanoseconds for a block and its free, the median of bursts.
fn measure(depth: u32) -> f64 {
    // The first hook starts the recording.
    memscope::track_var!(let first = vec![1_u8]);
    drop(first);
    let burst = || {
        memscope::flush();
        std::thread::sleep(Duration::from_millis(1));
        call(depth) / f64::from(BURST)
    };
    median((0..BURSTS).map(|_| burst()).collect())
}

#[inline(never)]
fn call(depth: u32) -> f64 {
    if depth > 1 {
        return black_box(call(black_box(depth - 1)));
    }
    let begun = Instant::now();
    for _ in 0..BURST {
        drop(black_box(Box::new([0_u8; 64])));
    }
    begun.elapsed().as_nanos() as f64
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
