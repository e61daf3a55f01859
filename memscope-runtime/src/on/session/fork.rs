//! Forks: the locks are taken before and released after, so that a child does not inherit them from threads that it does not
//! have; and the child disowns its parent's recording.

use super::{Busy, CORE, DRAIN_THREAD, LOST_BEFORE, NAMED, STATE, State, THREAD, set_state};
use crate::on::polling::{forget_waiting, lock};
use crate::on::{drain, heap, recorder};
use core::cell::Cell;
use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicBool, Ordering};
use parking_lot::lock_api::GuardNoSend;

thread_local! {
    /// That this thread is forking, has taken the locks, and is inside memscope meanwhile.
    static FORKING: Cell<Option<ManuallyDrop<Option<Busy>>>> = const { Cell::new(None) };
}

/// Has the locks taken around every fork from now on. Nobody takes one before.
///
/// Not by a `Once`: a child may be forked while another thread is in it, and would wait for that thread. Two may register the
/// same, which makes no difference.
pub(super) fn prepare() {
    static PREPARED: AtomicBool = AtomicBool::new(false);
    if !PREPARED.load(Ordering::Acquire) {
        // SAFETY: the handlers are plain functions that live as long as the program; they are called around every fork, in the
        // thread that forks.
        let refused = unsafe {
            libc::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child))
        };
        // Without memory for them the next to come asks again.
        PREPARED.store(refused == 0, Ordering::Release);
    }
}

extern "C" fn before() {
    let busy = match FORKING.take() {
        None => {
            // What others do around a fork may allocate, and must not wait for these locks.
            let busy = ManuallyDrop::new(Busy::enter());
            core::mem::forget((lock(&drain::DRAIN), lock(&CORE)));
            busy
        }
        Some(busy) => busy,
    };
    FORKING.set(Some(busy));
}

extern "C" fn after_in_parent() {
    if let Some(busy) = FORKING.take() {
        unlock();
        drop(ManuallyDrop::into_inner(busy));
    }
}

extern "C" fn after_in_child() {
    if let Some(busy) = FORKING.take() {
        unlock();
        disown();
        drop(ManuallyDrop::into_inner(busy));
    }
}

fn unlock() {
    let held = GuardNoSend::new;
    // SAFETY: `before` locked both on this thread, in the parent or in what the child is a copy of.
    unsafe {
        CORE.force_unlock(held());
        drain::DRAIN.force_unlock(held());
    }
}

/// Disowns the parent's recording: the child records into a capture of its own, from its next event on.
fn disown() {
    recorder::set_current(None);
    // The parent's drain state is abandoned, not dropped: nothing of it may be written or freed here.
    core::mem::forget(lock(&drain::DRAIN).take());
    DRAIN_THREAD.store(core::ptr::null_mut(), Ordering::Release);
    LOST_BEFORE.store(0, Ordering::Relaxed);
    forget_waiting();
    THREAD.set(0);
    NAMED.set(false);
    let mut core = lock(&CORE);
    if let Some(core) = core.as_mut() {
        core.registry.forget_threads();
    }
    if let Some(core) = core.as_mut() {
        // Closing the inherited descriptors touches neither the files nor the parent's lock on them.
        drop(core.leave_capture());
        // Their owners are threads of the parent.
        core.recorders.clear();
    }
    drop(core);
    if STATE.load(Ordering::Acquire) != State::Closed as u8 {
        set_state(State::Unstarted);
    }
    heap::after_fork_in_child();
}
