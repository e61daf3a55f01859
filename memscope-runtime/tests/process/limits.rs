//! Limits of the system, and directories that cannot be written to: the program goes on as without memscope, which says so in one
//! line, and counts what it loses.

use super::harness::{self, Run, run_with};
use super::scenarios::MANY;
use super::scenarios::limits::{EACH, RECORDED_MORE, THREADS};
use memscope_format::rows::{DropChain, Lifecycle};
use std::os::unix::process::ExitStatusExt;

/// What a child said, in one line.
fn one_line(run: &Run) -> String {
    let said = run.stderr();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

/// Plays a scenario whose program must not notice.
fn goes_on(scenario: &str, ring_kib: u64) -> Run {
    let run = run_with(scenario, |command| command.env("MEMSCOPE_RING_KIB", ring_kib.to_string()));
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    run
}

/// Asserts that recording did not start, which is said with these words, and left nothing.
fn does_not_start(run: &Run, words: &str) {
    let said = one_line(run);
    assert!(said.starts_with("memscope: not recording: ") && said.contains(words), "{said}");
    assert_eq!(run.files(), Vec::<std::path::PathBuf>::new());
}

/// Asserts that the threads that were there before the limit was met lost what they would have recorded, and nobody else.
fn lost_of_others(run: &Run) {
    let capture = run.capture();
    assert!(capture.health().complete, "{:?}", capture.health());
    let births = harness::rows::<Lifecycle>(&capture);
    assert_eq!(births.len() as u64, MANY);
    assert_eq!(capture.lost(), THREADS as u64 * EACH);
    assert_eq!(run.stderr(), "");
}

#[test]
fn a_directory_that_cannot_be_made_is_said_once_and_stops_nothing() {
    let run = run_with("many", |command| command.env("MEMSCOPE_DIR", "/dev/null/captures"));
    assert!(run.status.success());
    let said = one_line(&run);
    assert!(said.starts_with("memscope: not recording: cannot make the directory"), "{said}");
    assert!(said.contains("MEMSCOPE_DIR"), "{said}");
}

#[test]
fn a_directory_that_is_read_only_is_said_once_and_stops_nothing() {
    does_not_start(&goes_on("limit_read_only", 64), "Permission denied");
}

#[test]
fn a_program_that_gives_up_its_rights_records_on_and_says_what_it_could_not_remove() {
    let run = goes_on("limit_read_only_later", 64);
    let said = one_line(&run);
    assert!(said.contains("Permission denied") && said.contains("-rings"), "{said}");
    let capture = run.capture();
    assert!(capture.health().is_whole(), "{:?}", capture.health());
    assert_eq!((capture.events(), capture.lost()), (4 * MANY, 0));
}

#[test]
fn a_directory_that_is_removed_is_said_once_and_stops_nothing() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("captures");
    let run = run_with("limit_removed", |command| command.env("MEMSCOPE_DIR", &dir));
    assert!(run.status.success());
    let said = one_line(&run);
    assert!(said.contains("the capture is gone") && said.contains("was removed"), "{said}");
    assert!(!dir.exists());
}

#[test]
fn without_a_descriptor_nothing_is_recorded_and_the_program_goes_on() {
    does_not_start(&goes_on("limit_no_descriptors", 64), "Too many open files");
}

#[test]
fn once_it_records_no_descriptor_is_needed() {
    let run = goes_on("limit_no_more_descriptors", 64);
    let capture = run.capture();
    assert!(capture.health().complete, "{:?}", capture.health());
    assert_eq!((capture.events(), capture.lost()), (2 * (MANY + THREADS as u64 * EACH), 0));
    assert_eq!((run.stderr().as_str(), run.files().len()), ("", 1));
}

#[test]
fn a_line_that_nobody_reads_does_not_end_the_program() {
    // Where nobody reads, `SIGPIPE` would.
    let (nobody, stderr) = std::io::pipe().unwrap();
    drop(nobody);
    let run = run_with("limit_no_listener", |command| {
        command.env("MEMSCOPE_ALOC", "full").stderr(stderr)
    });
    assert!(run.status.success(), "{:?}", run.status);
    run.holds_all_of_many(false);
}

#[test]
fn a_program_that_closes_every_descriptor_is_recorded_on_and_its_own_files_are_left_alone() {
    let run = goes_on("limit_closed_files", 64);
    assert_eq!((run.stderr().as_str(), run.files().len()), ("", 2));
    let capture = run.capture();
    assert!(capture.health().complete, "{:?}", capture.health());
    assert_eq!((capture.events(), capture.lost()), (2 * 3 * MANY, 0));
}

#[test]
fn a_program_that_goes_to_another_directory_leaves_its_capture_where_it_began() {
    let outer = tempfile::tempdir().unwrap();
    let run = run_with("limit_other_directory", |command| {
        command.current_dir(outer.path()).env("MEMSCOPE_DIR", "captures")
    });
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    assert_eq!(run.stderr(), "");
    let entries = std::fs::read_dir(outer.path().join("captures")).unwrap();
    let [path] = entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>().try_into().unwrap();
    let capture = memscope_format::Reader::open(path).unwrap();
    assert_eq!((capture.events(), capture.health().complete), (4 * MANY, true));
}

#[test]
fn files_too_short_for_a_capture_stop_the_recording_and_not_the_program() {
    // Whoever writes: memscope's thread, or one of the program's.
    for scenario in ["limit_short_files", "limit_short_files_flushed"] {
        let run = goes_on(scenario, 64);
        let said = one_line(&run);
        assert!(said.starts_with("memscope: recording stopped"), "{said}");
        assert!(said.contains("File too large"), "{said}");
        let capture = run.capture();
        assert!(!capture.health().complete);
        assert!(capture.events() > 0);
        // The second records nothing more when the recording has stopped.
        let goes_on = scenario == "limit_short_files";
        assert_eq!((capture.lost() > 0, capture.health().is_whole()), (goes_on, !goes_on));
        // Of each value the drop is there, or one event is counted as lost: its birth, without which nothing else is recorded, or
        // the drop.
        let dropped = harness::rows::<DropChain>(&capture).len() as u64;
        assert!(!goes_on || dropped + capture.lost() == RECORDED_MORE, "{dropped} dropped");
    }
}

#[test]
fn files_too_short_for_a_ring_are_said_once_and_stop_nothing() {
    does_not_start(&goes_on("limit_shorter_files", 64), "File too large");
}

#[test]
fn on_a_full_disk_nothing_is_mapped_that_has_no_blocks() {
    does_not_start(&goes_on("limit_full_disk", 64), "No space left on device");
    // Rings that come later.
    lost_of_others(&goes_on("limit_full_disk_later", 64));
    let other = tempfile::tempdir().unwrap();
    let run = run_with("limit_full_disk_of_captures", |command| {
        command.env("MEMSCOPE_FALLBACK_DIR", other.path())
    });
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    let said = one_line(&run);
    assert!(said.contains("No space left on device") && said.contains("instead"), "{said}");
    assert_eq!(run.files(), Vec::<std::path::PathBuf>::new());
    let entries = std::fs::read_dir(other.path()).unwrap();
    let [path] = entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>().try_into().unwrap();
    let capture = memscope_format::Reader::open(path).unwrap();
    assert_eq!((capture.events(), capture.health().complete), (2 * MANY, true));
}

#[test]
fn threads_without_room_for_their_rings_lose_their_events_and_count_them() {
    lost_of_others(&goes_on("limit_no_longer_files", 1024));
    lost_of_others(&goes_on("limit_no_more_memory", 65536));
}

#[test]
fn the_system_still_ends_a_program_whose_own_file_gets_too_long() {
    let run = run_with("limit_own_short_files", |command| command.env("MEMSCOPE_RING_KIB", "64"));
    assert_eq!(run.status.signal(), Some(libc::SIGXFSZ), "{}", run.stderr());
    assert!(run.capture().events() > 0);
}

#[test]
fn without_memory_for_a_ring_events_are_counted_as_lost() {
    let run = goes_on("limit_no_memory", 65536);
    let capture = run.capture();
    assert!(capture.health().complete, "{:?}", capture.health());
    assert_eq!((capture.events(), capture.lost()), (0, MANY));
}

#[test]
fn without_a_thread_for_the_drain_nothing_is_recorded_and_the_program_goes_on() {
    does_not_start(&goes_on("limit_no_more_threads", 64), "cannot start a thread");
}
