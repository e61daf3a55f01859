//! However a process ends: what it recorded before is in its capture, and it ends as it would without memscope.

use super::harness::{self, run, run_with};
use super::scenarios::deaths::NODES;
use super::scenarios::{self, MANY};
use memscope_format::rows::{DropChain, Lifecycle, Zst};
use std::os::unix::process::ExitStatusExt;

#[test]
fn an_ordinary_end_leaves_a_complete_capture_and_no_rings() {
    let run = run("many");
    assert_eq!(run.files().len(), 1);
    run.holds_all_of_many(false);
}

#[test]
fn process_exit_leaves_a_complete_capture() {
    let run = run("dies_by_exit");
    assert_eq!(run.status.code(), Some(7));
    run.holds_all_of_many(false);
}

#[test]
fn immediate_exit_loses_nothing() {
    let run = run("dies_at_once");
    assert_eq!(run.status.code(), Some(8));
    run.holds_all_of_many(true);
}

#[test]
fn abort_loses_nothing() {
    let run = run("dies_by_abort");
    assert_eq!(run.status.signal(), Some(libc::SIGABRT));
    run.holds_all_of_many(true);
}

#[test]
fn a_signal_loses_nothing() {
    for signal in [libc::SIGKILL, libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT] {
        let run = run(&format!("dies_{signal}"));
        assert_eq!(run.status.signal(), Some(signal));
        run.holds_all_of_many(true);
    }
}

#[test]
fn a_segmentation_fault_loses_nothing() {
    let run = run("dies_by_access");
    assert_eq!(run.status.signal(), Some(libc::SIGSEGV));
    run.holds_all_of_many(true);
}

/// As with `panic = "abort"`: what begins to unwind never gets anywhere.
#[test]
fn a_panic_that_aborts_loses_nothing() {
    let run = run("dies_by_hook");
    assert_eq!(run.status.signal(), Some(libc::SIGABRT), "{}", run.stderr());
    let capture = run.capture();
    assert_eq!((capture.health().complete, capture.lost()), (false, 0));
    // Another value; and that whose drop panics, which has no size.
    assert_eq!(harness::rows::<Lifecycle>(&capture).len() as u64, MANY + 1);
    assert_eq!(harness::rows::<Zst>(&capture).len(), 1);
    assert_eq!(harness::rows::<DropChain>(&capture).len() as u64, MANY, "and neither was dropped");
}

#[test]
fn a_panic_in_a_drop_is_recorded_as_unwinding() {
    let run = run("panic");
    let capture = run.capture();
    let drops = harness::rows::<DropChain>(&capture);
    assert!(drops.iter().any(|row| row.panicking), "{drops:?}");
    assert!(drops.iter().any(|row| !row.panicking), "{drops:?}");
}

#[test]
fn a_stack_that_overflows_ends_the_program_as_ever_and_loses_nothing() {
    let plain = run_with("dies_by_stack_overflow", |command| command.env("MEMSCOPE", "off"));
    let run = run("dies_by_stack_overflow");
    assert_eq!(plain.status.signal(), Some(libc::SIGABRT), "{}", plain.stderr());
    assert_eq!(run.status.signal(), plain.status.signal());
    assert!(run.stderr().contains("has overflowed its stack"), "{}", run.stderr());
    let capture = run.capture();
    assert_eq!((capture.health().is_whole(), capture.lost()), (true, 0), "{:?}", capture.health());
    let births = harness::rows::<Lifecycle>(&capture);
    assert_eq!(births.len() as u64, NODES, "and no node's drop came to its end");
    assert!(harness::rows::<DropChain>(&capture).is_empty());
}

#[test]
fn what_runs_at_exit_is_recorded_until_memscope_ends_the_capture() {
    let run = run("at_exit");
    assert_eq!((run.status.code(), run.stderr().as_str()), (Some(7), ""));
    let capture = run.capture();
    assert_eq!((capture.health().complete, capture.lost()), (true, 0));
    // The last handler to be registered runs first, and thread-locals are destroyed before all of them.
    assert_eq!(capture.events(), 2 * (MANY + 2));
    assert_eq!(run.files().len(), 1);
}

#[test]
fn a_thread_that_runs_on_after_main_has_returned_does_not_hurt() {
    let run = run("runs_on");
    assert!(run.status.success());
    let capture = run.capture();
    assert!(capture.health().complete);
    assert!(capture.events() >= 2 * scenarios::threads::ACKNOWLEDGED_RUN_ON);
}
