//! Taking a lock without queueing for it.
//!
//! A thread that forks takes memscope's locks before and releases them after, in the parent and in the child. Had
//! threads queued for them, the child would inherit a queue of threads that it does not have, and hand them the
//! lock. So a thread that finds a lock taken asks again a little later; only slow paths take locks.

use core::sync::atomic::{AtomicUsize, Ordering};
use parking_lot::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// Threads that ask for a lock in vain.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Whether a thread waits for a lock: whoever holds one for long should let go of it.
#[inline(always)]
pub(super) fn is_awaited() -> bool {
    WAITING.load(Ordering::Relaxed) != 0
}

/// Lets those who wait for a lock have it. For a thread that takes one again and again.
pub(super) fn give_way() {
    if is_awaited() {
        thread::sleep(10 * BRIEF);
    }
}

/// Forgets those who wait: a forked child has none of them.
#[cfg(unix)]
pub(super) fn forget_waiting() {
    WAITING.store(0, Ordering::Relaxed);
}

/// How long a thread only yields between tries; then it sleeps.
const BRIEF: Duration = Duration::from_micros(20);

/// Takes a lock.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    loop {
        if let Some(guard) = lock_within(mutex, Duration::MAX) {
            return guard;
        }
    }
}

/// Takes a lock, unless that takes longer than a limit.
pub(super) fn lock_within<T>(mutex: &Mutex<T>, limit: Duration) -> Option<MutexGuard<'_, T>> {
    if let Some(guard) = mutex.try_lock() {
        return Some(guard);
    }
    WAITING.fetch_add(1, Ordering::Relaxed);
    let guard = poll(mutex, limit);
    WAITING.fetch_sub(1, Ordering::Relaxed);
    guard
}

fn poll<T>(mutex: &Mutex<T>, limit: Duration) -> Option<MutexGuard<'_, T>> {
    let since = Instant::now();
    loop {
        if let Some(guard) = mutex.try_lock() {
            return Some(guard);
        }
        match since.elapsed() {
            waited if waited >= limit => return None,
            waited if waited < BRIEF => thread::yield_now(),
            _ => thread::sleep(BRIEF),
        }
    }
}
