//! What sessions ask of the heap, where the environment says nothing of it.

use crate::blocks::{RECORDS, captures};
use crate::{holds_with, play};
use memscope::{HeapMode, Session, SessionError};
use memscope_format::Reader;
use memscope_format::report::Report;
use memscope_format::rows::Heap;
use std::hint::black_box;

/// What this child's session is to ask for, if there is to be one.
pub(crate) fn mode() -> Option<HeapMode> {
    let asked = std::env::var(RECORDS).ok()?;
    match asked.as_str() {
        "full" => Some(HeapMode::Full),
        "off" => Some(HeapMode::Off),
        "counters" => Some(HeapMode::Counters),
        other => other.strip_prefix("sampled=")?.parse().ok().map(HeapMode::Sampled),
    }
}

/// The child's side: what cannot be is an error, which says what is.
pub(crate) fn refused() {
    let none = Session::builder().heap(HeapMode::Sampled(0)).start();
    assert_eq!(none.err(), Some(SessionError::HeapSampling { bytes: 0 }));
    let asked = Session::builder().heap(HeapMode::Full).start();
    if std::env::var_os("MEMSCOPE_ALLOC").is_some() {
        let mode = HeapMode::Sampled(77);
        assert_eq!(asked.err(), Some(SessionError::HeapDecided { mode }));
        // Nothing starts by itself where the program wanted something else.
        for _ in 0..3 {
            memscope::track_var!(let value = vec![1_u8]);
            black_box(&value);
        }
        assert!(Session::current().is_none());
        Session::builder().heap(mode).start().expect("it is so").stop().expect("it ends");
        return;
    }
    asked.expect("nothing was decided").stop().expect("it ends");
    let later = Session::builder().heap(HeapMode::Counters).start();
    assert_eq!(later.err(), Some(SessionError::HeapDecided { mode: HeapMode::Full }));
    // One that asks for nothing, or for the same, goes on as before.
    Session::builder().start().expect("it asks for nothing").stop().expect("it ends");
    let same = Session::builder().heap(HeapMode::Full).start();
    same.expect("it is so").stop().expect("it ends");
    black_box(memscope::heap().expect("it is counted"));
}

/// The child's side: what sessions are told and what they give is the program's from its allocation to its end.
pub(crate) fn told_and_given() {
    let dir = std::env::var_os("MEMSCOPE_DIR").expect("it is set");
    let balance = || {
        let counts = memscope::thread_heap().expect("it is counted").counts;
        (counts.live_blocks(), counts.live_bytes())
    };
    let before = balance();
    for name in ["first", "second"] {
        let builder = Session::builder().name(name).label("number", name).directory(&dir);
        let session = builder.start().expect("it starts");
        let again = Session::current().expect("it is recorded");
        assert!(matches!(Session::builder().start(), Err(SessionError::AlreadyRecording { .. })));
        assert!(matches!(Session::builder().name("").start(), Err(SessionError::Name { .. })));
        assert!(session.capture_path().is_some());
        assert!(session.stop().expect("it ends").is_some());
        assert_eq!(again.stop(), Err(SessionError::Stopped));
    }
    assert_eq!(balance(), before);
}

#[test]
fn what_sessions_are_told_and_give_is_the_programs() {
    assert_eq!(holds_with("told_and_given", &[]), "");
}

#[test]
fn what_was_decided_stays() {
    for environment in [&[][..], &[("MEMSCOPE_ALLOC", "sampled=77")]] {
        assert_eq!(holds_with("refused", environment), "");
    }
}

#[test]
fn a_session_may_ask_for_nothing_of_the_heap() {
    let of = |mode: &str| {
        let dir = tempfile::tempdir().expect("a directory");
        let output = play("estimated", &[(RECORDS, mode)], dir.path());
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let path = captures(dir.path()).remove(0);
        assert_eq!(Reader::open(&path).expect("a capture").rows::<Heap>().count(), 0);
        Report::open(&[path]).expect("a report").heap.program.allocations
    };
    assert_eq!(of("off").fidelity(), "unknown");
    assert_eq!(of("counters").fidelity(), "exact");
}
