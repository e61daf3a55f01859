//! The session: one recording of this process, from its first event, or where the program starts it, to where it is stopped, or
//! the exit. There is one at a time.
//!
//! Locks are taken in one order, [`drain::DRAIN`] before [`CORE`], by [`polling`](super::polling); no hook runs under either: a hook that
//! would (a tracked type in a user's allocator, say) finds [`Busy`] set and counts its event as lost.

mod api;
#[cfg(unix)]
mod fork;
mod start;
mod threads;

pub use api::{Session, SessionBuilder, mark, stats};
use threads::own_name;
pub(super) use threads::{attach_allocating_thread, attached, bind_again};

use super::capture::Capture;
use super::drain;
use super::errno;
use super::heap;
use super::polling::{lock, lock_within};
use super::recorder::Recorder;
use super::registry::Registry;
use super::settings::Settings;
#[cfg(unix)]
use super::signals::unsignalled;
use crate::session_types::SessionError;
use core::cell::Cell;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, Ordering, fence};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::thread::Thread;
use std::time::{Duration, Instant};

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

/// Whether the session has what the elements of containers own.
static CONTENTS: AtomicBool = AtomicBool::new(true);

/// Whether what the elements of containers own is to be recorded.
pub(super) fn has_contents() -> bool {
    CONTENTS.load(Ordering::Relaxed)
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

impl Core {
    /// Makes all threads ask before they record anything more.
    fn stop_recorders(&self) {
        self.capture.iter().flat_map(|capture| &capture.recorders).for_each(|r| r.stop());
    }
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
        let mut capture = core.leave_capture().ok_or(SessionError::Stopped)?;
        let noted = match session {
            Some(_) => drained.and_then(|()| capture.note_stopped()),
            None => drained,
        };
        capture.finish(noted).map_err(|what| SessionError::Failed { what })
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

/// Something as the program's own. The other was allocated within memscope, so it must not be the program that frees it: the counts
/// of the heap keep the two apart.
fn given<T: Clone>(made: T) -> T {
    let given = made.clone();
    let _busy = Busy::enter();
    drop(made);
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
