//! What is counted of the heap is what the watched allocator was asked for, to the byte.
//!
//! Each test runs this very binary again as a child, so that it counts from the process's first allocation on.
#![cfg(not(feature = "alloc"))]

mod blocks;
#[path = "../chance/mod.rs"]
mod chance;
mod chosen;
mod left;
mod reused;
mod ringless;
mod scenarios;
mod truth;
mod valgrind;

use memscope_format::Reader;
use memscope_format::rows::{HeapUser, Metric, Performance};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Names the scenario that a child plays.
const SCENARIO: &str = "TEST_SCENARIO";

#[global_allocator]
static ALLOCATOR: memscope::Allocator<truth::Counting> = memscope::Allocator::of(truth::Counting);

/// The child's side; does nothing in the run that the user started.
#[test]
fn child() {
    if let Ok(scenario) = std::env::var(SCENARIO) {
        await_harness();
        blocks::begin();
        scenarios::play(&scenario);
        // While the harness still waits for this thread.
        std::process::exit(0);
    }
}

/// Waits until the harness's own thread waits for this one: what it frees meanwhile may fall between the last readings.
fn await_harness() {
    let harness = format!("/proc/self/task/{}/stat", std::process::id());
    let sleeps = || {
        let stat = std::fs::read_to_string(&harness).expect("it runs");
        stat.rsplit(')').next().is_some_and(|state| state.trim_start().starts_with('S'))
    };
    while !sleeps() {
        std::thread::yield_now();
    }
}

/// Plays a scenario in a child.
fn play(scenario: &str, environment: &[(&str, &str)], dir: &Path) -> Output {
    play_under(Command::new(this_binary()), scenario, environment, dir)
}

fn this_binary() -> PathBuf {
    std::env::current_exe().expect("this binary has a path")
}

/// As [`play`], by a command that runs this binary.
fn play_under(
    mut command: Command,
    scenario: &str,
    environment: &[(&str, &str)],
    dir: &Path,
) -> Output {
    command
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(SCENARIO, scenario)
        .env("MEMSCOPE_DIR", dir)
        .env_remove("MEMSCOPE")
        .env_remove("MEMSCOPE_ALLOC")
        .env("RUST_BACKTRACE", "0")
        .envs(environment.iter().copied());
    command.output().expect("this binary can be run")
}

/// Plays a scenario, whose assertions must hold; returns what it said on stderr.
fn holds_with(scenario: &str, environment: &[(&str, &str)]) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    let output = play(scenario, environment, dir.path());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{:?}\n{out}\n{said}", output.status);
    said
}

fn holds(scenario: &str) {
    assert_eq!(holds_with(scenario, &[]), "");
}

#[test]
fn each_kind_of_request_is_counted_by_what_it_asks_for() {
    holds("kinds");
}

#[test]
fn what_threads_allocate_and_others_free_adds_up() {
    holds("threads");
}

#[test]
fn threads_beyond_those_that_have_counters_of_their_own_are_counted_too() {
    holds("many_threads");
}

#[test]
fn destructors_of_thread_locals_and_of_keys_are_counted() {
    holds("teardown");
}

#[test]
fn allocations_before_main_and_in_exit_handlers_are_counted() {
    holds("before_and_after");
}

#[test]
fn a_signal_handler_that_allocates_while_the_program_does_loses_no_count() {
    holds("signals");
}

#[test]
fn a_forked_child_goes_on_counting_and_its_parent_does_not_see_it() {
    holds("fork");
}

#[test]
fn what_memscope_allocates_is_counted_apart() {
    holds("recording");
}

/// What a capture says of the program's heap: in the order of [`OF_PROGRAM`].
fn readings_of(heap: &memscope::Heap) -> Vec<u64> {
    let counts = heap.program;
    vec![
        counts.allocations,
        counts.reallocations,
        counts.frees,
        counts.allocated_bytes,
        counts.freed_bytes,
        counts.live_blocks().cast_unsigned(),
        counts.live_bytes().cast_unsigned(),
        *heap.peak_bytes.start(),
        *heap.peak_bytes.end(),
    ]
}

const OF_PROGRAM: [Metric; 9] = [
    Metric::Allocations,
    Metric::Reallocations,
    Metric::Frees,
    Metric::AllocatedBytes,
    Metric::FreedBytes,
    Metric::HeapBlocks,
    Metric::HeapBytes,
    Metric::HeapPeak,
    Metric::HeapPeakBound,
];

#[test]
fn the_capture_holds_the_counts_of_the_programs_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = play("recording", &[], dir.path());
    let files = std::fs::read_dir(dir.path()).expect("it is there");
    let paths: Vec<_> = files.map(|file| file.expect("it can be read").path()).collect();
    let [capture] = paths.as_slice() else { panic!("{paths:?}") };
    let capture = Reader::open(capture).expect("a capture");
    assert!(capture.health().complete);
    let rows: Vec<Performance> =
        capture.rows().map(|row| row.expect("nothing is damaged")).collect();
    let last = |metric, user| {
        let row = rows.iter().rfind(|row| (row.metric, row.subject) == (metric, user as u64));
        row.map(|row| row.value).expect("a reading")
    };
    let read: Vec<u64> = OF_PROGRAM.iter().map(|&metric| last(metric, HeapUser::Program)).collect();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.trim_end().ends_with(&format!("{read:?}")), "{read:?}: {told}");
    assert!(last(Metric::Allocations, HeapUser::Recorder) > 100);
}

#[test]
fn the_peak_lies_between_the_bounds() {
    holds("peak");
}

#[test]
fn counting_can_be_switched_off() {
    for environment in [("MEMSCOPE_ALLOC", "off"), ("MEMSCOPE", "off")] {
        assert_eq!(holds_with("off", &[environment]), "");
    }
}

#[test]
fn an_odd_mode_is_told_in_one_line_and_counts() {
    let said = holds_with("kinds", &[("MEMSCOPE_ALLOC", "everything")]);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("memscope: MEMSCOPE_ALLOC=everything is not known"), "{said}");
    for odd in ["sampled=", "sampled=0", "sampled=64K", "sampled=99999999999", "Full"] {
        let said = holds_with("kinds", &[("MEMSCOPE_ALLOC", odd)]);
        assert!(
            said.starts_with(&format!("memscope: MEMSCOPE_ALLOC={odd} is not known")),
            "{said}"
        );
    }
}
