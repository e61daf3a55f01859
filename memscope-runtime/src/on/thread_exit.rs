//! Noticing that a thread ends, so that its ring can serve another.
//!
//! Where there are POSIX threads it is the destructor of a thread-specific key, which the C library runs after
//! those of Rust's thread-locals: what these record still finds the thread's recorder. If another key's destructor
//! records later, the thread registers anew and the destructor runs again, in the next round.

use super::{heap, recorder};

/// Gives back what this thread has: its recorder, and its counters of the heap.
fn retire() {
    // Its hooks have the same recorder as its blocks, if it has met any.
    let of_blocks = heap::release();
    if let Some(recorder) = recorder::current().or(of_blocks) {
        recorder::set_current(None);
        recorder.retire();
    }
}

/// Arranges that what this thread has is given back when it ends. Returns whether that could be done; if not, the thread
/// can only borrow it. Within an allocator it can be called as well: it takes no lock and allocates nothing of Rust's.
#[cfg(unix)]
pub(super) fn register() -> bool {
    // A key's destructor runs in threads whose value is not null; the value itself means nothing.
    let value = core::ptr::without_provenance(1);
    // SAFETY: the key was created and is never deleted.
    key().is_some_and(|key| unsafe { libc::pthread_setspecific(key, value) } == 0)
}

/// The key, made when it is first asked for.
#[cfg(unix)]
fn key() -> Option<libc::pthread_key_t> {
    use core::sync::atomic::{AtomicU64, Ordering};

    extern "C" fn destructor(_: *mut libc::c_void) {
        retire();
    }
    /// The key and one; 0 before there is one.
    static KEY: AtomicU64 = AtomicU64::new(0);

    let known = |word: u64| libc::pthread_key_t::try_from(word - 1).ok();
    match KEY.load(Ordering::Acquire) {
        0 => {}
        word => return known(word),
    }
    let mut key = 0;
    // SAFETY: the pointer is to a variable, and the destructor is a function of this program.
    if unsafe { libc::pthread_key_create(&raw mut key, Some(destructor)) } != 0 {
        return None;
    }
    let word = u64::from(key) + 1;
    match KEY.compare_exchange(0, word, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Some(key),
        Err(other) => {
            // SAFETY: it was made above, and no thread has a value for it.
            unsafe { libc::pthread_key_delete(key) };
            known(other)
        }
    }
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
