//! What is recorded by processes that fork, and by those that they fork.

use super::harness::{self, run};
use super::scenarios::forks::{EARLY_FORKS, FORKS, PROGRAMS};
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

#[test]
fn other_programs_are_run_and_have_nothing_of_the_recording() {
    let run = run("other_programs");
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    let capture = run.capture();
    assert_eq!((capture.health().complete, capture.lost()), (true, 0));
    assert_eq!(capture.events(), 2 * run.number("values "));
    assert_eq!((run.stderr().as_str(), run.files().len()), ("", 1));
    // Each lists the directory that it reads.
    let listed = run.stdout();
    assert_eq!(listed.matches("/fd\n").count() as u64, 3 * PROGRAMS, "{listed}");
    assert!(!listed.contains(".memscope"), "{listed}");
}

#[test]
fn a_child_that_becomes_another_program_leaves_what_it_recorded() {
    let run = run("becomes_another");
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    let captures = run.captures();
    let mut found: Vec<_> =
        captures.iter().map(|capture| (capture.health().complete, capture.events())).collect();
    found.sort_unstable();
    assert_eq!(found, [(false, 2), (true, 4)]);
    assert!(captures.iter().all(|capture| capture.health().is_whole() && capture.lost() == 0));
    assert!(!run.stdout().contains(".memscope"), "{}", run.stdout());
}
