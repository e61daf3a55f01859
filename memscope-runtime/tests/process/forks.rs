//! What is recorded by processes that fork, and by those that they fork.

use super::harness::{self, run};
use super::scenarios::forks::{EARLY_FORKS, FORKS};
use memscope_format::rows::Lifecycle;

#[test]
fn a_forked_child_records_into_a_capture_of_its_own() {
    let run = run("fork");
    let mut counts: Vec<u64> = run.captures().iter().map(|capture| capture.events()).collect();
    counts.sort_unstable();
    // The parent's two variables, before and after; the child's one, and the end of the parent's that it inherited.
    assert_eq!(counts, [3, 4]);
    assert!(run.captures().iter().all(|capture| capture.health().complete));
}

#[test]
fn a_process_forks_while_its_threads_record() {
    let run = run("busy_fork");
    let mut events = Vec::new();
    for capture in run.captures() {
        assert_eq!((capture.health().complete, capture.lost()), (true, 0), "{}", run.stderr());
        let births = harness::rows::<Lifecycle>(&capture).len() as u64;
        assert_eq!(capture.events(), 2 * births);
        events.push(capture.events());
    }
    events.sort_unstable();
    // Each child made one value and dropped it.
    let (parent, children) = events.split_last().unwrap();
    assert_eq!(children, [2; FORKS]);
    assert!(*parent > 2 * FORKS as u64);
}

#[test]
fn a_process_forks_while_recording_starts() {
    let run = run("early_fork");
    let captures = run.captures();
    // A thread need not have come to record before its process forked; it does afterwards.
    assert_eq!(captures.len(), 2 * EARLY_FORKS);
    for capture in captures {
        assert_eq!((capture.health().complete, capture.lost()), (true, 0), "{}", run.stderr());
        assert_eq!(capture.events(), 2);
    }
}
