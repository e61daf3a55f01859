//! The session: one recording of this process, from its first event, or where the program starts it, to where it is stopped, or
//! the exit. There is one at a time.
//!
//! Locks are taken in one order, [`drain::DRAIN`] before [`CORE`], by [`polling`](super::polling); no hook runs under either: a hook that
//! would (a tracked type in a user's allocator, say) finds [`Busy`] set and counts its event as lost.

mod api;
#[cfg(unix)]
mod fork;
mod start;

pub use api::{Session, SessionBuilder, mark, stats};

use super::capture::Capture;
use super::drain;
use super::errno;
use super::heap;
use super::polling::{lock, lock_within};
use super::recorder::{self, Ownership, Recorder};
use super::registry::Registry;
use super::rings::RingMemory;
use super::settings::Settings;
#[cfg(unix)]
use super::signals::unsignalled;
use super::stacks;
use super::thread_exit;
use crate::session_types::SessionError;
use core::cell::Cell;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, Ordering, fence};
use memscope_format::defs::{Defs, ThreadDef};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Recorders of ended threads that may wait for the drain before a new thread waits instead of making another.
const RETIRED_LIMIT: usize = 8;

/// How long nobody asks for another ring when there was no room for one.
const NO_SPACE_PAUSE: Duration = Duration::from_millis(100);

/// What all threads share, behind one lock; hooks take it only the first time they run.
#[derive(Debug, Default)]
pub(super) struct Core {
    pub(super) registry: Registry,
    /// The recording; `None` before and after.
    pub(super) capture: Option<Capture>,
    /// The position at which new rings start: past all those of earlier sessions of this process and of the one
    /// it was forked from, so that value ids are never used twice.
    first_position: u64,
    /// When there was no space for another ring: the next threads do not ask the disk again at each event.
    no_space: Option<Instant>,
    /// What the session was asked to be, and those of forked children will be.
    settings: Settings,
    /// All recorders there are, of whatever session: ended threads leave theirs to others.
    recorders: Vec<&'static Recorder>,
    /// Why the recording stopped by itself.
    failure: Option<String>,
}

static CORE: Mutex<Option<Core>> = Mutex::new(None);

/// Where the process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum State {
    /// No event has fired yet.
    Unstarted = 0,
    /// Events are recorded.
    Recording = 1,
    /// Nothing is recorded: switched off, or over.
    Closed = 2,
    /// Recording could not go on: events are counted as lost.
    Failed = 3,
}

static STATE: AtomicU8 = AtomicU8::new(State::Unstarted as u8);

fn set_state(state: State) {
    STATE.store(state as u8, Ordering::Release);
    let active = if state == State::Recording { SESSION.load(Ordering::Relaxed) } else { 0 };
    ACTIVE.store(active, Ordering::Release);
}

fn has_state(state: State) -> bool {
    STATE.load(Ordering::Acquire) == state as u8
}

/// The number of the newest session, from 1; a forked child counts on.
static SESSION: AtomicU64 = AtomicU64::new(0);

/// The number of the session whose events are recorded; 0 if there is none.
static ACTIVE: AtomicU64 = AtomicU64::new(0);

/// Whether this is the session whose events are recorded.
pub(super) fn is_active(session: u64) -> bool {
    ACTIVE.load(Ordering::Acquire) == session
}

/// Whether what begins now is not recorded, but only the ends of what was.
static PAUSED: AtomicBool = AtomicBool::new(false);

/// Whether recording is paused.
pub(super) fn is_paused() -> bool {
    PAUSED.load(Ordering::Acquire)
}

/// How long, in nanoseconds, what begins waits for room in a full ring.
static PATIENCE_NS: AtomicU64 = AtomicU64::new(0);

/// How long what begins waits for room in a full ring.
pub(super) fn patience() -> Duration {
    Duration::from_nanos(PATIENCE_NS.load(Ordering::Relaxed))
}

/// Whether nothing is recorded any more.
#[inline(always)]
pub(super) fn is_closed() -> bool {
    STATE.load(Ordering::Acquire) >= State::Closed as u8
}

/// Whether events are recorded.
pub(super) fn is_recording() -> bool {
    has_state(State::Recording)
}

/// Whether nothing is recorded and nothing is lost by it: the one test of a hook that is switched off.
#[inline(always)]
pub(super) fn is_off() -> bool {
    STATE.load(Ordering::Relaxed) == State::Closed as u8
}

/// Where events are counted that found no recorder: in the rings file once there is one.
static LOST: AtomicPtr<AtomicU64> = AtomicPtr::new((&raw const LOST_BEFORE).cast_mut());

/// Events that were lost while there was no rings file.
static LOST_BEFORE: AtomicU64 = AtomicU64::new(0);

/// Counts an event that came when nothing was recorded, unless that is as it should be.
pub(super) fn count_if_lost() {
    if !is_off() {
        count_lost();
    }
}

/// Counts an event that found no recorder, or no name.
pub(super) fn count_lost() {
    // SAFETY: it points to a static, or to the mapped header of a rings file, which is never unmapped.
    unsafe { &*LOST.load(Ordering::Acquire) }.fetch_add(1, Ordering::Relaxed);
}

/// The drain's thread, to be woken; null if there is none. What it points to is never freed.
static DRAIN_THREAD: AtomicPtr<Thread> = AtomicPtr::new(core::ptr::null_mut());

/// Wakes the drain.
pub(super) fn wake_drain() {
    // SAFETY: null, or a leaked box.
    if let Some(thread) = unsafe { DRAIN_THREAD.load(Ordering::Acquire).as_ref() } {
        thread.unpark();
    }
}

thread_local! {
    /// Whether this thread is inside memscope.
    static BUSY: Cell<bool> = const { Cell::new(false) };
    /// This thread's id in captures; 0 until it records.
    static THREAD: Cell<u32> = const { Cell::new(0) };
    /// Whether captures know what this thread is called.
    static NAMED: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as being inside memscope.
#[derive(Debug)]
pub(super) struct Busy {
    #[expect(dead_code, reason = "it ends with this")]
    inside: heap::Inside,
    #[expect(dead_code, reason = "it ends with this")]
    errno: errno::Kept,
}

impl Busy {
    /// `None` if the thread is inside already.
    pub(super) fn enter() -> Option<Self> {
        let errno = errno::Kept::new();
        #[cfg(unix)]
        fork::prepare();
        (!BUSY.replace(true)).then(|| Self { inside: heap::Inside::enter(), errno })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        // What is dropped behind this is not memscope's any more.
        BUSY.set(false);
    }
}

/// Whether this thread is inside memscope.
pub(super) fn is_busy() -> bool {
    BUSY.get()
}

/// Runs something under the lock of [`Core`]; `None` if this thread is inside memscope already.
pub(super) fn in_core<R>(run: impl FnOnce(&mut Core) -> R) -> Option<R> {
    let _busy = Busy::enter()?;
    Some(run(lock(&CORE).get_or_insert_default()))
}

/// As [`in_core`], for a caller that is known to be inside already.
pub(super) fn in_core_already<R>(run: impl FnOnce(&mut Core) -> R) -> R {
    run(lock(&CORE).get_or_insert_default())
}

/// The recorders of the session, for a caller that is known to be inside.
pub(super) fn recorders() -> Vec<&'static Recorder> {
    in_core_already(|core| core.capture.iter().flat_map(|c| &c.recorders).copied().collect())
}

/// Gives this thread a recorder, starting the session with the first, and runs `record` with it.
pub(super) fn attached<R>(record: impl FnOnce(&'static Recorder) -> R) -> Option<R> {
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
pub(super) fn attach_allocating_thread() -> Option<&'static Recorder> {
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
pub(super) fn bind_again(recorder: &Recorder, in_allocator: bool) -> bool {
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
    fn this_thread(&mut self, name: Option<Option<String>>) -> u32 {
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

    /// Makes all threads ask before they record anything more.
    fn stop_recorders(&self) {
        self.capture.iter().flat_map(|capture| &capture.recorders).for_each(|r| r.stop());
    }

    fn define_thread(&mut self, thread: ThreadDef) {
        self.registry.set_thread(thread.clone());
        self.define(&Defs { threads: vec![thread], ..Defs::default() });
    }
}

/// What this thread is called. Not to be asked within an allocator: it may be the very name that is being allocated.
fn own_name() -> Option<String> {
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

/// Says on stderr, in one line, why nothing more is recorded, or why it goes elsewhere: all that the library ever prints. Not by `eprintln!`, whose
/// lock another thread may hold while it waits for one of ours.
pub(super) fn report(message: fmt::Arguments<'_>) {
    let line = format!("memscope: {message}\n");
    #[cfg(unix)]
    // SAFETY: the pointer and the length are those of the string. If it cannot be written there is nobody to tell.
    unsignalled(|| unsafe {
        libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len());
    });
    #[cfg(not(unix))]
    {
        use std::io::Write;
        // If it cannot be written there is nobody to tell.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

/// Stops recording because it cannot go on. The rings file stays: what it holds can be recovered.
pub(super) fn fail(core: &mut Core, error: &dyn fmt::Display) {
    if is_closed() {
        return;
    }
    set_state(State::Failed);
    core.stop_recorders();
    if let Some(capture) = &core.capture {
        let path = capture.path().display();
        report(format_args!("recording stopped, {path}: {error} (what was recorded is kept)"));
        core.failure = Some(format!("{path}: {error}"));
    }
}

/// Registers what must run when the process exits, once.
fn register_exit() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        extern "C" fn at_exit() {
            if !is_recording() {
                return;
            }
            super::statics::look();
            // What this allocates and frees is memscope's own.
            let Some(_busy) = Busy::enter() else { return };
            // A drain that hangs must not hang the program: the rings file stays then, and nothing is lost.
            if let Err(SessionError::Failed { what }) = end_already(None, Duration::from_secs(10)) {
                report(format_args!("{what}"));
            }
        }
        // SAFETY: the handler is a plain function that lives as long as the program.
        unsafe { libc::atexit(at_exit) };
    });
}

/// Ends a session: moves what the rings hold into the capture and completes it. Returns where it is.
fn end(session: u64) -> Result<PathBuf, SessionError> {
    // What is in statics is of no interest where nothing else was recorded.
    if is_active(session) {
        super::statics::look();
    }
    let _busy = Busy::enter().ok_or(SessionError::Within)?;
    end_already(Some(session), Duration::MAX)
}

/// As [`end`], for a caller that is known to be inside; if no session is given, of that which is recorded.
fn end_already(session: Option<u64>, patience: Duration) -> Result<PathBuf, SessionError> {
    let mut drain = lock_within(&drain::DRAIN, patience).ok_or(SessionError::Within)?;
    let number = session.unwrap_or(SESSION.load(Ordering::Relaxed));
    let Some(state) = drain.as_mut().filter(|_| is_active(number)) else {
        return Err(in_core_already(|core| core.why_over(number)));
    };
    set_state(State::Closed);
    // See `Recorder::open_quarter`.
    fence(Ordering::SeqCst);
    in_core_already(|core| core.stop_recorders());
    let drained = state.finish();
    *drain = None;
    PAUSED.store(false, Ordering::Release);
    in_core_already(|core| {
        let capture = core.leave_capture().ok_or(SessionError::Stopped)?;
        capture.finish(drained).map_err(|what| SessionError::Failed { what })
    })
}

/// Moves every event that this thread has recorded so far into the capture file.
///
/// Not needed at exit or before a crash: nothing is lost there. It is for reading a capture while the program
/// still runs. Does nothing while nothing is recorded.
pub fn flush() {
    let Some(_busy) = Busy::enter() else { return };
    if let Some(drain) = lock(&drain::DRAIN).as_mut()
        && !is_closed()
        && let Err(error) = drain.flush()
    {
        in_core_already(|core| fail(core, &error));
    }
}

/// Returns where the capture of this process is being written; `None` while nothing is recorded.
#[must_use]
pub fn capture_path() -> Option<PathBuf> {
    given(in_core(|core| core.capture.as_ref().map(|capture| capture.path().to_owned()))?)
}

/// A path as the program's own. The other was allocated within memscope, so it must not be the program that frees it: the counts of
/// the heap keep the two apart.
fn given(path: Option<PathBuf>) -> Option<PathBuf> {
    let given = path.clone();
    let _busy = Busy::enter();
    drop(path);
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_refused_does_not_open_the_door_for_the_next() {
        let inside = Busy::enter();
        assert!(inside.is_some());
        assert!(Busy::enter().is_none());
        assert!(Busy::enter().is_none());
        drop(inside);
        assert!(Busy::enter().is_some());
    }
}
