//! Threads that come, go and record without pause, and what that takes of memory.

use super::harness::{self, run, run_with};
use super::scenarios::MANY;
use super::scenarios::threads::{BURST, ENDLESS_THREADS, FLUSHED, FLUSHES, SHORT};
use memscope_format::chunks::Place;
use memscope_format::rows::{DropChain, Lifecycle, Metric, Performance};
use std::collections::HashSet;

#[test]
fn thousands_of_short_threads_share_a_few_rings() {
    let run = run("threads");
    let capture = run.capture();
    let [all, at_once] = SHORT;
    assert_eq!((capture.health().complete, capture.lost()), (true, 0));
    assert_eq!(capture.events(), 2 * all);
    let births = harness::rows::<Lifecycle>(&capture);
    let threads: HashSet<u32> = births.iter().map(|row| row.thread).collect();
    assert_eq!(threads.len() as u64, all);
    let rings = births.iter().map(|row| row.value >> 48).collect::<HashSet<u64>>().len() as u64;
    assert!(rings <= at_once + 10, "{rings} rings for {at_once} threads at a time");
    // Besides the rings: what is known of a thread, and the drain's own.
    let grew = run.number("grew ");
    assert!(grew <= rings * 1024 + all / 4 + (16 << 10), "{grew} KiB with {rings} rings");
}

/// However fast it goes: what waits for the drain is in the rings, and what it works on is what they hold, 2^18 events at most.
#[test]
fn endless_recording_takes_no_more_memory_than_rings_and_what_the_drain_takes_from_them() {
    const EVENTS_AT_ONCE: u64 = 1 << 18;
    const SLOT_LEN: u64 = 32;
    // An event's rows, and what they are compressed to; and what does not depend on how many there are.
    const EACH_EVENT: u64 = 128;
    const BESIDES_KIB: u64 = 16 << 10;
    for ring_kib in [64, 4096] {
        let ring = ring_kib.to_string();
        let run = run_with("endless", |command| command.env("MEMSCOPE_RING_KIB", ring));
        let capture = run.capture();
        assert_eq!((capture.health().complete, capture.lost()), (true, 0));
        let values = run.number("values ");
        assert_eq!(capture.events(), 2 * values);
        let rings_kib = ENDLESS_THREADS * ring_kib;
        let events = EVENTS_AT_ONCE.min((rings_kib << 10) / SLOT_LEN);
        let bound = rings_kib + events * EACH_EVENT / 1024 + BESIDES_KIB;
        let grew = run.number("grew ");
        assert!(grew <= bound, "{grew} KiB for {values} values, and may have {bound}");
    }
}

/// The child looks into its own file behind each flush; what it found there then must be what it has recorded by then.
#[test]
fn what_was_flushed_can_be_read_while_the_program_runs() {
    let run = run("flush");
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    let said = run.stdout();
    let read = said.lines().filter_map(|line| line.strip_prefix("read ")).map(|line| {
        let mut words = line.split(' ').map(|word| word.parse::<u64>().unwrap());
        std::array::from_fn::<_, 3, _>(|_| words.next().unwrap())
    });
    let read: Vec<[u64; 3]> = read.collect();
    // Events, births and ends: each flush is of one value more, which no cycle of the drain would have written in the meantime of
    // all of them.
    let expected = (1..=FLUSHED).map(|more| [2 * (MANY + more), MANY + more, MANY + more]);
    assert_eq!(read, expected.collect::<Vec<_>>());
    let capture = run.capture();
    assert!(capture.health().complete, "{:?}", capture.health());
    assert_eq!(capture.events(), 2 * (MANY + FLUSHED));
}

#[test]
fn a_flush_takes_what_is_there_while_other_threads_go_on() {
    let run = run_with("flushed", |command| command.env("MEMSCOPE_RING_KIB", "64"));
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    // What is in the rings is not looked at: a flush is for the file.
    let rings =
        run.files().into_iter().filter(|path| path.extension() != Some("memscope".as_ref()));
    rings.for_each(|path| std::fs::remove_file(path).expect("it was there"));
    let capture = run.capture();
    let births = harness::rows::<Lifecycle>(&capture);
    let mine = births.iter().filter(|row| {
        capture.defs().site(row.site).is_some_and(|site| site.name.ends_with("mine"))
    });
    assert_eq!(mine.count() as u64, FLUSHES);
}

#[test]
fn events_in_the_destructors_of_thread_locals_are_kept() {
    let run = run("teardown");
    let capture = run.capture();
    assert_eq!((capture.health().complete, capture.lost()), (true, 0));
    assert_eq!(capture.events(), 6);
    let timed =
        harness::rows::<DropChain>(&capture).iter().filter(|row| row.duration.is_some()).count();
    assert_eq!(timed, 3, "a thread keeps its recorder until its thread-locals are gone");
}

#[test]
fn a_small_ring_makes_the_program_wait_and_loses_nothing() {
    let run = run_with("burst", |command| command.env("MEMSCOPE_RING_KIB", "64"));
    let capture = run.capture();
    assert_eq!((capture.health().complete, capture.lost()), (true, 0));
    assert_eq!(capture.events(), 4 * BURST);
    // And says how long it waited.
    let held_up = |run: &harness::Run| {
        let rows = harness::rows::<Performance>(&run.capture());
        rows.iter().filter(|row| row.metric == Metric::HeldUp).map(|row| row.value).next_back()
    };
    assert!(held_up(&run).is_some_and(|ns| ns > 10_000), "{:?}", held_up(&run));
    assert_eq!(held_up(&run_with("ordered", |command| command)), Some(0));
}

/// Two threads that do nothing but record, on rings of two thousand slots, press the drain.
#[test]
fn a_drain_that_falls_behind_copies_events_and_the_rows_are_the_same() {
    let run = run_with("burst", |command| command.env("MEMSCOPE_RING_KIB", "64"));
    let capture = run.capture();
    let births = capture.chunks::<Lifecycle>();
    let copied = births.iter().filter(|chunk| matches!(chunk.place, Place::Raw { .. })).count();
    assert!(copied > 0, "all of {} chunks are encoded", births.len());
    assert_eq!(capture.lost(), 0);
    assert_eq!(memscope_format::Validation::of(&capture).unwrap().errors, vec![]);
    // Each thread's values were born one after another, and each was dropped before the next was born.
    let mut lives: Vec<_> = harness::rows::<Lifecycle>(&capture)
        .iter()
        .map(|row| (row.thread, row.ts, row.value, false))
        .chain(
            harness::rows::<DropChain>(&capture)
                .iter()
                .map(|row| (row.thread, row.ts, row.value, true)),
        )
        .collect();
    lives.sort_by_key(|&(thread, ts, ..)| (thread, ts));
    assert_eq!(lives.len() as u64, 4 * BURST);
    for life in lives.chunks_exact(2) {
        let [(thread, _, born, false), (same_thread, _, dropped, true)] = life else {
            panic!("{life:?}")
        };
        assert_eq!((thread, born), (same_thread, dropped));
    }
    let values: HashSet<u64> = lives.iter().map(|life| life.2).collect();
    assert_eq!(values.len() as u64, 2 * BURST);
}

#[test]
fn the_drain_takes_no_signal_from_those_who_wait_for_it() {
    let run = run("drain_mask");
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
}
