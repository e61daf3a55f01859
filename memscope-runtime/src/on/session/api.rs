//! Sessions as programs handle them.

use super::{
    ACTIVE, Busy, Core, PAUSED, SESSION, State, end, fail, given, has_state, in_core,
    in_core_already, is_active, is_recording, own_name, start,
};
use crate::on::drain::{self, Drain};
use crate::on::polling::lock;
use crate::on::settings::Settings;
use crate::session_types::{
    Compression, Durability, HeapMode, Overflow, SessionError, Stats, Stream,
};
use core::sync::atomic::{Ordering, fence};
use memscope_format::rows::{Metric, Performance};
use std::path::PathBuf;
use std::time::Duration;

/// One recording: from [`SessionBuilder::start`], or the first event of the process, until it is stopped or the process ends.
///
/// There is one session at a time, and as many one after another as the program likes; each has a capture of its own. What
/// is not started so is started by the first event, with what the environment says. When a session was stopped, nothing is
/// recorded until another is started.
///
/// Dropping this does nothing: a session that is not stopped is completed when the process exits.
///
/// ```
/// use memscope::Session;
///
/// # let dir = std::env::temp_dir().join(format!("memscope-doc-{}", std::process::id()));
/// let session = Session::builder().directory(&dir).name("warm-up").start()?;
/// memscope::track_var!(let buffer = vec![0_u8; 64]);
/// drop(buffer);
/// let capture = session.stop()?.expect("recording is not switched off");
/// assert!(capture.starts_with(&dir));
/// # std::fs::remove_dir_all(&dir).unwrap();
/// # Ok::<(), memscope::SessionError>(())
/// ```
#[derive(Debug)]
#[must_use = "a session goes on without this, but only this stops it"]
pub struct Session {
    /// 0 if recording is switched off.
    number: u64,
}

impl Session {
    /// Returns what says how a session is to be recorded. What it is not told, the environment decides.
    pub fn builder() -> SessionBuilder {
        SessionBuilder { settings: Settings::default() }
    }

    /// Returns the session that is recorded now, whoever started it.
    #[must_use]
    pub fn current() -> Option<Self> {
        let number = ACTIVE.load(Ordering::Acquire);
        (number != 0).then_some(Self { number })
    }

    /// Returns where its capture is written; `None` if it is over, or recording is switched off.
    #[must_use]
    pub fn capture_path(&self) -> Option<PathBuf> {
        let number = self.number;
        given(in_core(|core| core.capture_of(number).map(|capture| capture.path().to_owned()))?)
    }

    /// Stops the session and completes its capture. Returns where that is; `None` if recording is switched off.
    ///
    /// What was born before and lives on is "alive at exit" there. Takes as long as it takes to write what the rings hold:
    /// milliseconds.
    ///
    /// # Errors
    ///
    /// [`SessionError::Stopped`] if it was stopped already, [`SessionError::Failed`] if the recording failed before, or its
    /// last events could not be written.
    pub fn stop(self) -> Result<Option<PathBuf>, SessionError> {
        if self.number == 0 {
            return Ok(None);
        }
        given(end(self.number)).map(Some)
    }

    /// Records nothing of what begins from now on, until [`Session::resume`]: no value, call, task, block or snapshot. The ends
    /// of what was recorded when it began are recorded, so that every figure of the values that are in the capture is true. A
    /// call is recorded when it ends, so that one is left out that ends meanwhile. The capture says when it was paused.
    ///
    /// Nothing happens if it is paused already. Takes as long as [`flush`](super::flush).
    ///
    /// # Errors
    ///
    /// If the session is over.
    pub fn pause(&self) -> Result<(), SessionError> {
        given(self.set_paused(true))
    }

    /// Goes on after [`Session::pause`]; otherwise nothing happens.
    ///
    /// # Errors
    ///
    /// If the session is over.
    pub fn resume(&self) -> Result<(), SessionError> {
        given(self.set_paused(false))
    }

    fn set_paused(&self, pause: bool) -> Result<(), SessionError> {
        if self.number == 0 {
            return Ok(());
        }
        let _busy = Busy::enter().ok_or(SessionError::Within)?;
        let mut drain = lock(&drain::DRAIN);
        let Some(drain) = drain.as_mut().filter(|_| is_active(self.number)) else {
            return Err(in_core_already(|core| core.why_over(self.number)));
        };
        if PAUSED.swap(pause, Ordering::AcqRel) == pause {
            return Ok(());
        }
        // See `Recorder::open_quarter`.
        fence(Ordering::SeqCst);
        let thread = in_core_already(|core| {
            if pause {
                core.stop_recorders();
            }
            core.this_thread(Some(own_name()))
        });
        note(drain, pausing(drain.now(), pause, Some(thread)))
            .map_err(|what| SessionError::Failed { what })
    }
}

/// Says how a session is to be recorded. Made by [`Session::builder`].
#[derive(Debug, Clone)]
#[must_use = "a session begins with `start`"]
pub struct SessionBuilder {
    settings: Settings,
}

impl SessionBuilder {
    /// Writes the capture into this directory, which is made if there is none. Instead of `MEMSCOPE_DIR`.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.settings.directory = Some(directory.into());
        self
    }

    /// Begins the capture in this directory, or goes on there, if it cannot be written in the first. Instead of
    /// `MEMSCOPE_FALLBACK_DIR`.
    pub fn fallback_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.settings.fallback = Some(directory.into());
        self
    }

    /// Names the session: its capture is called so, in place of the program's name, and has the label `session`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = Some(name.into());
        self
    }

    /// Adds something that the capture is to say of itself: a version, a load, a seed.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.labels.push((key.into(), value.into()));
        self
    }

    /// Gives each thread a ring of so many KiB, 64 to 65536, rounded up to a power of two. Instead of `MEMSCOPE_RING_KIB`.
    pub fn ring_kib(mut self, kib: u64) -> Self {
        self.settings.ring_kib = Some(kib);
        self
    }

    /// Says when what is written must be on the device. Instead of `MEMSCOPE_DURABILITY`.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.settings.durability = Some(durability);
        self
    }

    /// Says how the capture is compressed. Instead of `MEMSCOPE_COMPRESSION`.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.settings.compression = Some(compression);
        self
    }

    /// Records one in so many values, calls and tasks, chosen at random, where the source says nothing of it: `sample = …` in an
    /// attribute stands before this. Statics and thread-locals are recorded always. Instead of `MEMSCOPE_SAMPLE`.
    ///
    /// The first session of a process decides it for all: values outlive sessions.
    pub fn sample(mut self, one_in: u32) -> Self {
        self.settings.one_in = Some(one_in);
        self
    }

    /// Says whether a stream is recorded. What a report says of one that is not is unknown, not zero. Instead of `MEMSCOPE_STREAMS`.
    ///
    /// Of [`Stream::Values`] and [`Stream::Calls`] the first session decides for all: values outlive sessions.
    pub fn stream(mut self, stream: Stream, recorded: bool) -> Self {
        self.settings.streams[stream as usize] = Some(recorded);
        self
    }

    /// Says whether calls of functions, and tasks, are recorded: [`Self::stream`] of [`Stream::Calls`]. Instead of `MEMSCOPE_CALLS`, too.
    pub fn calls(self, calls: bool) -> Self {
        self.stream(Stream::Calls, calls)
    }

    /// Says what is done with what the allocator hands out, if `MEMSCOPE_ALLOC` does not: that is read by the first
    /// allocation of the process. The first session decides it for all, since blocks outlive sessions.
    ///
    /// Blocks are recorded from here on; what was allocated before is counted alone. Where other threads allocate while the session
    /// starts, what is said to be counted alone may be off by what each of them was just doing.
    pub fn heap(mut self, mode: HeapMode) -> Self {
        self.settings.heap = Some(mode);
        self
    }

    /// Says how long a drop takes at least of which the calls that led to it are recorded. Instead of `MEMSCOPE_SLOW_DROP`.
    pub fn slow_drop(mut self, time: Duration) -> Self {
        self.settings.slow_drop = Some(time);
        self
    }

    /// Says what a thread does whose ring is full.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.settings.overflow = overflow;
        self
    }

    /// Starts the session. With `MEMSCOPE=off` nothing is recorded, which is no error: its capture has no path then.
    ///
    /// Takes some milliseconds: it makes two files, and reserves room for the first ring. If it fails where nothing was recorded before,
    /// nothing is until another session is started. Forked children record as this session does, into captures of their own.
    ///
    /// # Errors
    ///
    /// [`SessionError::AlreadyRecording`] if there is a session, [`SessionError::RingSize`], [`SessionError::Sampling`],
    /// [`SessionError::Decided`], [`SessionError::HeapSampling`], [`SessionError::HeapDecided`] and [`SessionError::Name`] if it was told what cannot be, [`SessionError::CannotStart`] if a file could not be made.
    pub fn start(self) -> Result<Session, SessionError> {
        given(start::as_asked(&self.settings)).map(|number| Session { number })
    }
}

/// Marks the moment at which a phase of the program begins: `memscope summary` names the marks on its axis of time.
///
/// It is in the capture file when this returns, with all that this thread recorded before, as after
/// [`flush`](super::flush), whose cost it has. Starts the recording if nothing has yet; does nothing if nothing is recorded.
///
/// ```
/// memscope::mark("load");
/// let words: Vec<&str> = "to be or not to be".split(' ').collect();
/// memscope::mark("sort");
/// # drop(words);
/// ```
pub fn mark(phase: &str) {
    start::by_itself();
    let Some(_busy) = Busy::enter() else { return };
    let mut drain = lock(&drain::DRAIN);
    let Some(drain) = drain.as_mut().filter(|_| is_recording()) else { return };
    let ts = drain.now();
    let row = in_core_already(|core| {
        let thread = Some(core.this_thread(Some(own_name())));
        let subject = core.define_text(phase);
        let marks = core.capture.as_mut()?.marks.entry(subject).or_default();
        *marks += 1;
        let (subject, value) = (subject.into(), *marks);
        Some(Performance { ts, metric: Metric::Mark, subject, value, thread })
    });
    if let Some(row) = row {
        // What fails is said by whoever writes.
        let _ = note(drain, row);
    }
}

/// The row that says that recording is paused, or goes on.
pub(super) fn pausing(ts: u64, paused: bool, thread: Option<u32>) -> Performance {
    Performance { ts, metric: Metric::Paused, subject: 0, value: paused.into(), thread }
}

/// Writes a row, with all that the rings hold.
fn note(drain: &mut Drain, row: Performance) -> Result<(), String> {
    drain.readings.note(row);
    drain.flush().map_err(|error| {
        in_core_already(|core| fail(core, &error));
        error.to_string()
    })
}

/// Returns what the session has recorded so far, and how far the drain is behind; `None` while nothing is recorded.
///
/// Takes some microseconds, up to a millisecond while the drain writes.
///
/// ```
/// memscope::track_var!(let page = vec![0_u8; 4096]);
/// memscope::flush();
/// let stats = memscope::stats().expect("it records");
/// assert!(stats.events >= 1 && stats.lost == 0);
/// # drop(page);
/// ```
#[must_use]
pub fn stats() -> Option<Stats> {
    in_core(|core| core.stats())?
}

impl Core {
    fn stats(&self) -> Option<Stats> {
        let capture = self.capture.as_ref().filter(|_| is_recording())?;
        let waiting = |recorder: &&super::Recorder| recorder.waiting_from(recorder.drained());
        let fullest = capture.recorders.iter().map(waiting).max().unwrap_or(0);
        let capacity = capture.rings.capacity;
        let commit = capture.writer.last_commit();
        let lag = commit.filter(|_| fullest > 0).map_or(Duration::ZERO, |commit| {
            let since = capture.clock.reading().mono_ns.saturating_sub(commit.clock.mono_ns);
            Duration::from_nanos(since)
        });
        Some(Stats {
            events: commit.map_or(0, |commit| commit.events),
            lost: capture.lost(),
            bytes: capture.writer.bytes(),
            rings: u32::try_from(capture.recorders.len()).unwrap_or(u32::MAX),
            fullest_ring_permille: u32::try_from(fullest * 1000 / capacity).unwrap_or(u32::MAX),
            lag,
            paused: super::is_paused(),
        })
    }

    /// The capture of a session, if it is recorded now.
    fn capture_of(&self, session: u64) -> Option<&super::Capture> {
        self.capture.as_ref().filter(|_| is_active(session))
    }

    /// Why a session is not recorded any more.
    pub(super) fn why_over(&self, session: u64) -> SessionError {
        match &self.failure {
            Some(what)
                if has_state(State::Failed) && SESSION.load(Ordering::Relaxed) == session =>
            {
                SessionError::Failed { what: what.clone() }
            }
            _ => SessionError::Stopped,
        }
    }
}
