//! How threads get recorders, and what they are called in captures.

use super::{
    Busy, CORE, Core, NAMED, SESSION, THREAD, count_if_lost, count_lost, in_core, is_active,
    is_closed, start, wake_drain,
};
use crate::on::polling::lock_within;
use crate::on::recorder::{self, Ownership, Recorder};
use crate::on::rings::RingMemory;
use crate::on::{errno, heap, stacks, thread_exit};
use core::sync::atomic::Ordering;
use memscope_format::defs::{Defs, ThreadDef};
use std::time::{Duration, Instant};

/// Recorders of ended threads that may wait for the drain before a new thread waits instead of making another.
const RETIRED_LIMIT: usize = 8;

/// How long nobody asks for another ring when there was no room for one.
const NO_SPACE_PAUSE: Duration = Duration::from_millis(100);

/// Gives this thread a recorder, starting the session with the first, and runs `record` with it.
pub(in crate::on) fn attached<R>(record: impl FnOnce(&'static Recorder) -> R) -> Option<R> {
    if is_closed() {
        count_if_lost();
        return None;
    }
    let (keeps, recorder) = {
        let _errno = errno::Kept::new();
        let keeps = thread_exit::register();
        stacks::know_this_thread();
        (keeps, attach()?)
    };
    if keeps {
        recorder::set_current(Some(recorder));
        heap::use_recorder(recorder);
        return Some(record(recorder));
    }
    // Nothing would give the recorder back: it is borrowed for this event.
    let recorded = record(recorder);
    recorder.retire();
    Some(recorded)
}

/// How long an allocation waits for a recorder: its caller may hold a lock that whoever holds ours waits for.
const ALLOCATION_PATIENCE: Duration = Duration::from_secs(1);

/// Gives this thread, which is within its allocator, a recorder for its blocks, if there is a recording.
///
/// What it is called cannot be asked for there: a hook tells it later, if the thread meets one.
pub(in crate::on) fn attach_allocating_thread() -> Option<&'static Recorder> {
    if let Some(recorder) = recorder::current() {
        return Some(recorder);
    }
    // Elsewhere nothing would give it back.
    if cfg!(not(unix)) {
        return None;
    }
    let _busy = Busy::enter()?;
    let since = Instant::now();
    loop {
        let patience = ALLOCATION_PATIENCE.checked_sub(since.elapsed())?;
        let name = is_main_thread().then(|| Some("main".to_owned()));
        let attempt = lock_within(&CORE, patience)?.as_mut()?.recorder(true, name);
        match attempt {
            Attempt::Attached(recorder) => {
                stacks::know_this_thread();
                return Some(recorder);
            }
            Attempt::Closed | Attempt::Failed => return None,
            Attempt::Wait => {
                wake_drain();
                std::thread::sleep(Duration::from_micros(100));
            }
        }
    }
}

/// Takes a free recorder, or makes one; or that which the thread has for its blocks.
fn attach() -> Option<&'static Recorder> {
    start::by_itself();
    if let Some(recorder) = heap::recorder() {
        in_core(|core| core.name_thread(own_name()));
        return Some(recorder);
    }
    let since = Instant::now();
    loop {
        let may_wait = since.elapsed() < Duration::from_secs(1);
        match in_core(|core| core.recorder(may_wait, Some(own_name()))) {
            Some(Attempt::Attached(recorder)) => return Some(recorder),
            Some(Attempt::Closed) => return None,
            Some(Attempt::Failed) | None => {
                count_lost();
                return None;
            }
            Some(Attempt::Wait) => {
                wake_drain();
                std::thread::sleep(Duration::from_micros(100));
            }
        }
    }
}

/// Gives a recorder that its owner kept from an earlier session a ring of this one. Returns whether it could be done.
#[cold]
pub(in crate::on) fn bind_again(recorder: &Recorder, in_allocator: bool) -> bool {
    let Some(_busy) = Busy::enter() else { return false };
    let patience = if in_allocator { ALLOCATION_PATIENCE } else { Duration::MAX };
    let Some(mut core) = lock_within(&CORE, patience) else { return false };
    let Some(core) = core.as_mut() else { return false };
    let known = core.recorders.iter().find(|known| core::ptr::eq(**known, recorder));
    // SAFETY: the session that it was bound to is over, for it asks; and this is its owner, in an event.
    known.copied().is_some_and(|known| unsafe { core.bind(known) })
}

/// What came of asking for a recorder.
enum Attempt {
    Attached(&'static Recorder),
    /// Nothing is recorded.
    Closed,
    /// There is no memory for another ring.
    Failed,
    /// Many recorders of ended threads wait for the drain: one of them will be free soon.
    Wait,
}

impl Core {
    /// Finds a recorder for this thread, which tells what it is called if that can be asked now.
    fn recorder(&mut self, may_wait: bool, name: Option<Option<String>>) -> Attempt {
        if is_closed() {
            return Attempt::Closed;
        }
        let thread = self.this_thread(name);
        let Some(capture) = &mut self.capture else { return Attempt::Closed };
        let owned = |ownership| move |r: &&&'static Recorder| r.ownership() == ownership;
        if let Some(free) = capture.recorders.iter().find(owned(Ownership::Free)) {
            free.take(thread);
            return Attempt::Attached(free);
        }
        let retired = capture.recorders.iter().filter(owned(Ownership::Retired)).count();
        if retired >= RETIRED_LIMIT && may_wait {
            return Attempt::Wait;
        }
        let unowned =
            |r: &&&'static Recorder| !is_active(r.session()) && r.ownership() != Ownership::Owned;
        let attached = match self.recorders.iter().find(unowned).copied() {
            // SAFETY: its session is over, and it has no owner; others look for one under the same lock.
            Some(unowned) => unsafe { self.bind(unowned) }.then_some(unowned),
            None => self.add_recorder(),
        };
        let Some(recorder) = attached else { return Attempt::Failed };
        recorder.take(thread);
        Attempt::Attached(recorder)
    }

    fn add_recorder(&mut self) -> Option<&'static Recorder> {
        let (ring, memory, start) = self.add_ring()?;
        let capture = self.capture.as_mut()?;
        let session = SESSION.load(Ordering::Relaxed);
        let recorder = Recorder::new(session, ring, memory, start, capture.clock);
        let recorder: &'static Recorder = Box::leak(Box::new(recorder));
        capture.recorders.push(recorder);
        self.recorders.push(recorder);
        Some(recorder)
    }

    /// Gives a recorder of an earlier session a ring of this one.
    ///
    /// # Safety
    ///
    /// As of [`Recorder::bind`].
    unsafe fn bind(&mut self, recorder: &'static Recorder) -> bool {
        let Some((ring, memory, start)) = self.add_ring() else { return false };
        let Some(capture) = self.capture.as_mut() else { return false };
        // SAFETY: as the caller promises.
        unsafe { recorder.bind(SESSION.load(Ordering::Relaxed), ring, memory, start) };
        capture.recorders.push(recorder);
        true
    }

    /// Adds a ring to the rings file; with where its positions begin. `None` if there is no room for it.
    fn add_ring(&mut self) -> Option<(u16, RingMemory, u64)> {
        if self.no_space.is_some_and(|since| since.elapsed() < NO_SPACE_PAUSE) {
            return None;
        }
        let capture = self.capture.as_mut()?;
        let start = capture.first_position;
        match capture.rings.add_ring(start) {
            Ok((ring, memory)) => Some((ring, memory, start)),
            Err(_) => {
                self.no_space = Some(Instant::now());
                None
            }
        }
    }

    /// This thread's id, defined in the capture the first time, and when it is known what it is called.
    pub(super) fn this_thread(&mut self, name: Option<Option<String>>) -> u32 {
        if THREAD.get() == 0 {
            let id = u32::try_from(self.registry.defs().threads.len() + 1).unwrap_or(u32::MAX);
            THREAD.set(id);
            NAMED.set(name.is_some());
            self.define_thread(ThreadDef { id, name: name.flatten(), os_id: os_thread_id() });
        } else if let Some(name) = name {
            self.name_thread(name);
        }
        THREAD.get()
    }

    /// Says what this thread is called, where that is not known.
    fn name_thread(&mut self, name: Option<String>) {
        if !NAMED.replace(true) && name.is_some() {
            self.define_thread(ThreadDef { id: THREAD.get(), name, os_id: os_thread_id() });
        }
    }

    fn define_thread(&mut self, thread: ThreadDef) {
        self.registry.set_thread(thread.clone());
        self.define(&Defs { threads: vec![thread], ..Defs::default() });
    }
}

/// What this thread is called. Not to be asked within an allocator: it may be the very name that is being allocated.
pub(super) fn own_name() -> Option<String> {
    std::thread::current().name().map(str::to_owned)
}

/// Whether this is the thread that `main` runs on, whose name is known.
#[cfg(target_os = "linux")]
fn is_main_thread() -> bool {
    os_thread_id() == Some(std::process::id().into())
}

#[cfg(not(target_os = "linux"))]
fn is_main_thread() -> bool {
    false
}

#[cfg(target_os = "linux")]
fn os_thread_id() -> Option<u64> {
    // SAFETY: the call has no preconditions.
    u64::try_from(unsafe { libc::gettid() }).ok()
}

#[cfg(not(target_os = "linux"))]
fn os_thread_id() -> Option<u64> {
    None
}
