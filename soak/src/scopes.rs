//! Scopes of which the instructions are counted, by `cargo xtask instructions`: `memscope-scopes RUNS` runs each so often in [`counted`],
//! and once before, so that nothing is the first of its kind there.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "the command's output")]

use std::hint::black_box;
use std::process::ExitCode;

#[inline(never)]
fn bare(x: u64) -> u64 {
    let y = black_box(x);
    black_box(y + 1)
}

#[inline(never)]
fn tracked(x: u64) -> u64 {
    memscope::track_var!(let y = black_box(x));
    black_box(y + 1)
}

/// What has a drop that does next to nothing.
struct Dropped(u64);

impl Drop for Dropped {
    #[inline(always)]
    fn drop(&mut self) {
        black_box(self.0);
    }
}

#[inline(never)]
fn bare_with_drop(x: u64) -> u64 {
    let y = Dropped(black_box(x));
    black_box(y.0 + 1)
}

#[inline(never)]
fn tracked_with_drop(x: u64) -> u64 {
    memscope::track_var!(let y = Dropped(black_box(x)));
    black_box(y.0 + 1)
}

#[inline(never)]
fn counted(runs: u64) {
    for run in [bare, tracked, bare_with_drop, tracked_with_drop] {
        for x in 0..runs {
            black_box(run(black_box(x)));
        }
    }
}

fn main() -> ExitCode {
    let Some(runs) = std::env::args().nth(1).and_then(|runs| runs.parse().ok()) else {
        eprintln!("usage: memscope-scopes RUNS");
        return ExitCode::FAILURE;
    };
    for run in [tracked, tracked_with_drop] {
        black_box(run(black_box(0)));
    }
    counted(runs);
    ExitCode::SUCCESS
}
