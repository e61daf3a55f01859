//! Processes that fork.

use std::ffi::{CString, c_char, c_int, c_void};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::ptr::null;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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

/// Programs that [`other_programs`] runs in each way.
pub(crate) const PROGRAMS: u64 = 20;

/// Runs other programs while two threads record without pause: by `posix_spawn`, by `fork` and `exec`, and as `vfork` does, on
/// the memory of this process. Each says which files it was given.
pub(super) fn other_programs() {
    let ended = AtomicBool::new(false);
    let values = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    record();
                    values.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..PROGRAMS {
            let mut spawned = listing();
            assert!(spawned.status().unwrap().success());
            let mut forked = listing();
            // SAFETY: what is run before `exec` is nothing.
            unsafe { forked.pre_exec(|| Ok(())) };
            assert!(forked.status().unwrap().success());
            on_our_memory();
        }
        ended.store(true, Ordering::Relaxed);
    });
    println!("values {}", values.into_inner());
}

/// The program that lists the files that it has open.
const LIST: [&str; 3] = ["ls", "-l", "/proc/self/fd"];

fn listing() -> Command {
    let mut command = Command::new(LIST[0]);
    command.args(&LIST[1..]).stdin(Stdio::null());
    command
}

/// Runs the program in a process that has this one's memory until then.
fn on_our_memory() {
    extern "C" fn child(arguments: *mut c_void) -> c_int {
        let arguments = arguments.cast::<*const c_char>();
        // SAFETY: they are those that the function below has made, a null behind them.
        unsafe {
            libc::execvp(*arguments, arguments);
            libc::_exit(127)
        }
    }
    let texts = LIST.map(|text| CString::new(text).unwrap());
    let [program, option, path] = texts.each_ref().map(|text| text.as_ptr());
    let mut arguments = [program, option, path, null()];
    let mut stack = vec![0_u128; 1 << 14];
    // SAFETY: the stack grows from its end downwards, and this waits until the child does not use it any more.
    let child = unsafe {
        let top = stack.as_mut_ptr_range().end.cast();
        let how = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        libc::clone(child, top, how, arguments.as_mut_ptr().cast())
    };
    assert!(child > 0);
    await_end(child);
}

/// Forks a child that records and then becomes another program.
pub(super) fn becomes_another() {
    record();
    await_end(forked(|| {
        record();
        let error = listing().exec();
        panic!("{error}");
    }));
    record();
}
