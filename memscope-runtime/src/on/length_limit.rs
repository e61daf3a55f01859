//! Writing files where their length is limited (`RLIMIT_FSIZE`). The system ends by a signal whoever writes beyond the limit; the
//! program has not written, so that it must not be ended: for our files writing beyond it is an error and nothing else.

/// Runs what may make a file longer. The signal that says it is too long (to the thread that does it, setrlimit(2)) is
/// blocked meanwhile, and taken if it comes.
#[cfg(unix)]
pub(super) fn unsignalled<R>(write: impl FnOnce() -> R) -> R {
    // SAFETY: a signal set is plain data, for which all zeros are a value; the calls write to variables of this function, and
    // fail for nothing but a wrong first argument.
    let (too_long, before) = unsafe {
        let mut too_long: libc::sigset_t = core::mem::zeroed();
        libc::sigemptyset(&raw mut too_long);
        libc::sigaddset(&raw mut too_long, libc::SIGXFSZ);
        let mut before: libc::sigset_t = core::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const too_long, &raw mut before);
        (too_long, before)
    };
    // One that waits already is the program's.
    let waits = is_waiting();
    let written = write();
    if !waits && is_waiting() {
        take(&too_long);
    }
    // SAFETY: as above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, core::ptr::null_mut()) };
    written
}

#[cfg(not(unix))]
pub(super) fn unsignalled<R>(write: impl FnOnce() -> R) -> R {
    write()
}

/// Whether the signal is blocked and waits for this thread.
#[cfg(unix)]
fn is_waiting() -> bool {
    // SAFETY: as in `unsignalled`.
    unsafe {
        let mut waiting: libc::sigset_t = core::mem::zeroed();
        libc::sigpending(&raw mut waiting);
        libc::sigismember(&raw const waiting, libc::SIGXFSZ) == 1
    }
}

/// Takes the signal, which waits.
#[cfg(unix)]
fn take(signal: &libc::sigset_t) {
    #[cfg(not(target_vendor = "apple"))]
    // SAFETY: the set and the time are variables that are only read, and nobody wants to know more of the signal.
    unsafe {
        let at_once: libc::timespec = core::mem::zeroed();
        libc::sigtimedwait(signal, core::ptr::null_mut(), &raw const at_once);
    }
    #[cfg(target_vendor = "apple")]
    // SAFETY: the set is only read, and the number is a variable of this function.
    unsafe {
        let mut taken = 0;
        libc::sigwait(signal, &raw mut taken);
    }
}

#[cfg(all(test, unix, not(miri)))]
mod tests {
    use super::*;

    /// Sends the signal to this thread, as the system does.
    fn raise() {
        // SAFETY: the call takes a number.
        assert_eq!(unsafe { libc::raise(libc::SIGXFSZ) }, 0);
    }

    #[test]
    fn what_comes_while_it_is_written_is_taken_and_what_waited_before_is_left() {
        // By default it would end this process.
        unsignalled(raise);
        assert!(!is_waiting());
        unsignalled(|| {
            raise();
            unsignalled(raise);
            assert!(is_waiting(), "that of the program");
        });
        assert!(!is_waiting());
    }
}
