//! Processes that fork.

use std::sync::atomic::{AtomicBool, Ordering};

/// Forks; the child runs `run`, on the one thread that it has, and exits. Returns its id.
fn forked(run: impl FnOnce()) -> libc::pid_t {
    // SAFETY: the child only runs what the callers say.
    let child = unsafe { libc::fork() };
    if child == 0 {
        super::end_if_it_hangs();
        run();
        // The test harness waits in a thread that the child does not have.
        std::process::exit(0);
    }
    child
}

/// Waits until a child has ended, and well.
fn await_end(child: libc::pid_t) {
    let mut status = 0;
    // SAFETY: the child is this process's own.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
}

fn record() {
    memscope::track_var!(let v = Box::new(1));
    std::hint::black_box(&v);
}

pub(super) fn fork() {
    let child = {
        memscope::track_var!(let before = Box::new(1));
        // SAFETY: the child only runs what this function says, on the one thread that it has.
        let child = unsafe { libc::fork() };
        memscope::track_var!(let after = Box::new(2));
        std::hint::black_box((&before, &after));
        child
    };
    if child == 0 {
        // The test harness waits in a thread that the child does not have.
        std::process::exit(0);
    }
    await_end(child);
}

/// Forks again and again while two threads record without pause. Each child records a value.
pub(super) fn while_others_record() {
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    record();
                }
            });
        }
        for _ in 0..FORKS {
            await_end(forked(record));
        }
        ended.store(true, Ordering::Relaxed);
    });
}

/// Children of [`while_others_record`].
pub(crate) const FORKS: usize = 50;

/// Forks children that fork while a thread of theirs begins to record. Each of them and of their children records a value.
pub(super) fn while_recording_starts() {
    for _ in 0..EARLY_FORKS {
        await_end(forked(|| {
            let begins = AtomicBool::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    begins.store(true, Ordering::Release);
                    record();
                });
                // Before, the new thread holds locks of the standard library, with or without memscope.
                while !begins.load(Ordering::Acquire) {
                    std::thread::yield_now();
                }
                await_end(forked(record));
            });
        }));
    }
}

/// Children of [`while_recording_starts`], each of which has one.
pub(crate) const EARLY_FORKS: usize = 25;
