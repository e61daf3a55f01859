//! Writing without the signals that the system raises for it: that a file is longer than it may be (`RLIMIT_FSIZE`), and that nobody
//! reads a pipe. By default each ends the process; the program has not written, so that it must not be ended. For what we
//! write these are errors and nothing else.

#[cfg(unix)]
use libc::{c_int, sigset_t};

/// The signals, which the system sends to the thread that writes (setrlimit(2), pipe(7)).
#[cfg(unix)]
const SIGNALS: [c_int; 2] = [libc::SIGXFSZ, libc::SIGPIPE];

/// Runs what writes. The signals are blocked meanwhile, and taken if they come.
#[cfg(unix)]
pub(super) fn unsignalled<R>(write: impl FnOnce() -> R) -> R {
    let (ours, mut before) = (set_of(&SIGNALS), set_of(&[]));
    // SAFETY: the call reads one variable and writes to another, and fails for nothing but a wrong first argument.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const ours, &raw mut before) };
    // One that waits already is the program's.
    let waited = SIGNALS.map(is_waiting);
    let written = write();
    for (signal, waited) in SIGNALS.into_iter().zip(waited) {
        if !waited && is_waiting(signal) {
            take(signal);
        }
    }
    // SAFETY: as above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, core::ptr::null_mut()) };
    written
}

#[cfg(not(unix))]
pub(super) fn unsignalled<R>(write: impl FnOnce() -> R) -> R {
    write()
}

#[cfg(unix)]
fn set_of(signals: &[c_int]) -> sigset_t {
    // SAFETY: a signal set is plain data, for which all zeros are a value; the calls write to that variable alone.
    unsafe {
        let mut set: sigset_t = core::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, *signal);
        }
        set
    }
}

/// Whether a signal is blocked and waits for this thread.
#[cfg(unix)]
fn is_waiting(signal: c_int) -> bool {
    let mut waiting = set_of(&[]);
    // SAFETY: the calls read and write that variable alone.
    unsafe {
        libc::sigpending(&raw mut waiting);
        libc::sigismember(&raw const waiting, signal) == 1
    }
}

/// Takes a signal, which waits.
#[cfg(unix)]
fn take(signal: c_int) {
    let signal = set_of(&[signal]);
    #[cfg(not(target_vendor = "apple"))]
    // SAFETY: the set and the time are variables that are only read, and nobody wants to know more of the signal.
    unsafe {
        let at_once: libc::timespec = core::mem::zeroed();
        libc::sigtimedwait(&raw const signal, core::ptr::null_mut(), &raw const at_once);
    }
    #[cfg(target_vendor = "apple")]
    // SAFETY: the set is only read, and the number is a variable of this function.
    unsafe {
        let mut taken = 0;
        libc::sigwait(&raw const signal, &raw mut taken);
    }
}

#[cfg(all(test, unix, not(miri)))]
mod tests {
    use super::*;

    /// Sends a signal to this thread, as the system does.
    fn raise(signal: c_int) {
        // SAFETY: the call takes a number.
        assert_eq!(unsafe { libc::raise(signal) }, 0);
    }

    #[test]
    fn what_comes_while_it_is_written_is_taken_and_what_waited_before_is_left() {
        // By default it would end this process.
        unsignalled(|| raise(libc::SIGXFSZ));
        assert!(!is_waiting(libc::SIGXFSZ));
        unsignalled(|| {
            raise(libc::SIGXFSZ);
            unsignalled(|| SIGNALS.into_iter().for_each(raise));
            assert_eq!(SIGNALS.map(is_waiting), [true, false], "the first is the program's");
        });
        assert_eq!(SIGNALS.map(is_waiting), [false; 2]);
    }
}
