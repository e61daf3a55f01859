//! Noticing that a thread ends, so that its ring can serve another.
//!
//! Where there are POSIX threads it is the destructor of a thread-specific key, which the C library runs after
//! those of Rust's thread-locals: what these record still finds the thread's recorder. If another key's destructor
//! records later, the thread registers anew and the destructor runs again, in the next round.

use super::recorder;

/// Gives this thread's recorder back.
fn retire() {
    if let Some(recorder) = recorder::current() {
        recorder::set_current(None);
        recorder.retire();
    }
}

/// Arranges that this thread's recorder is given back when it ends. Returns whether that could be done; if not,
/// the thread can only borrow a recorder.
#[cfg(unix)]
pub(super) fn register() -> bool {
    use once_cell::sync::OnceCell;

    extern "C" fn destructor(_: *mut libc::c_void) {
        retire();
    }
    static KEY: OnceCell<libc::pthread_key_t> = OnceCell::new();

    let key = KEY.get_or_try_init(|| {
        let mut key = 0;
        // SAFETY: the pointer is to a variable, and the destructor is a function of this program.
        match unsafe { libc::pthread_key_create(&raw mut key, Some(destructor)) } {
            0 => Ok(key),
            error => Err(error),
        }
    });
    // A key's destructor runs in threads whose value is not null; the value itself means nothing.
    let value = core::ptr::without_provenance(1);
    // SAFETY: the key was created and is never deleted.
    key.is_ok_and(|key| unsafe { libc::pthread_setspecific(*key, value) } == 0)
}

/// As on Unix, by a thread-local: recorders can only be borrowed once it has been destroyed.
#[cfg(not(unix))]
pub(super) fn register() -> bool {
    struct OnExit;

    impl Drop for OnExit {
        fn drop(&mut self) {
            retire();
        }
    }

    thread_local! {
        static ON_EXIT: OnExit = const { OnExit };
    }
    ON_EXIT.try_with(|_| ()).is_ok()
}
