//! How a session begins.

use super::api::pausing;
use super::{
    ACTIVE, Busy, CONTENTS, Core, DRAIN_THREAD, LOST, LOST_BEFORE, PATIENCE_NS, PAUSED, SESSION,
    STATE, State, has_state, in_core_already, is_paused, register_exit, report, set_state,
};
use crate::on::capture::Capture;
use crate::on::drain::{self, Drain};
use crate::on::heap;
use crate::on::polling::lock;
use crate::on::settings::{self, Settings};
use crate::on::stacks;
use crate::session_types::{SessionError, Stream};
use core::sync::atomic::Ordering;
use std::io;

/// Starts recording because of an event, the first of this process, unless another thread has done so, or nothing is to be
/// recorded.
pub(super) fn by_itself() {
    if !has_state(State::Unstarted) {
        return;
    }
    let Some(_busy) = Busy::enter() else { return };
    let mut drain = lock(&drain::DRAIN);
    in_core_already(|core| {
        if !has_state(State::Unstarted) {
            return;
        }
        if settings::is_switched_off() {
            return set_state(State::Closed);
        }
        if let Err(error) = core.start(&mut drain) {
            report(format_args!("{error}"));
            never_by_itself();
        }
    });
    drain::await_begin();
}

/// Starts recording as the program says. Returns the session's number, 0 if it is switched off.
pub(super) fn as_asked(asked: &Settings) -> Result<u64, SessionError> {
    let _busy = Busy::enter().ok_or(SessionError::Within)?;
    let mut drain = lock(&drain::DRAIN);
    let started = in_core_already(|core| core.start_as_asked(asked, &mut drain));
    if started.is_err() {
        // The program wanted something else.
        never_by_itself();
    }
    drain::await_begin();
    started
}

/// Has no event start a recording any more. For a caller that holds the drain's lock, under which others start one.
fn never_by_itself() {
    if has_state(State::Unstarted) {
        set_state(State::Closed);
    }
}

impl Core {
    fn start_as_asked(
        &mut self,
        asked: &Settings,
        drain: &mut Option<Drain>,
    ) -> Result<u64, SessionError> {
        asked.check()?;
        if has_state(State::Recording)
            && let Some(capture) = &self.capture
        {
            let capture = capture.path().to_owned();
            return Err(SessionError::AlreadyRecording { capture });
        }
        if settings::is_switched_off() {
            set_state(State::Closed);
            return Ok(0);
        }
        // That of a recording that failed stays as it is.
        *drain = None;
        drop(self.leave_capture());
        PAUSED.store(false, Ordering::Release);
        // A copy, which is not the program's: see `given`.
        self.settings = asked.clone();
        self.start(drain)?;
        Ok(ACTIVE.load(Ordering::Relaxed))
    }

    /// Starts recording, and the drain.
    fn start(&mut self, drain: &mut Option<Drain>) -> Result<(), SessionError> {
        settings::report_unknown();
        self.registry.list_sites();
        let settings = self.settings.with_environment();
        let choice = settings.choice(self.registry.choice())?;
        if let Some(mode) = settings.heap {
            heap::choose(mode)?;
        }
        self.registry.decide(choice);
        let created = Capture::create(&self.registry, &settings, self.first_position);
        let capture = created.map_err(|failure| {
            set_state(State::Closed);
            SessionError::CannotStart { what: failure.to_string() }
        })?;
        let lost = capture.rings.lost_counter();
        LOST.store(core::ptr::from_ref(lost).cast_mut(), Ordering::Release);
        let lost_before = LOST_BEFORE.swap(0, Ordering::Relaxed);
        if STATE.load(Ordering::Acquire) == State::Unstarted as u8 {
            lost.fetch_add(lost_before, Ordering::Relaxed);
        }
        if SESSION.fetch_add(1, Ordering::Relaxed) > 0 {
            heap::leave_untold();
        }
        let patience = settings.overflow.patience().as_nanos();
        PATIENCE_NS.store(u64::try_from(patience).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.failure = None;
        self.no_space = None;
        CONTENTS.store(settings.records(Stream::Contents), Ordering::Relaxed);
        heap::read_it(settings.records(Stream::Readings));
        stacks::take_of(settings.stacks());
        heap::begin_session();
        stacks::slow_from(capture.ticks(settings.slow_drop()));
        let begun = drain.insert(Drain::new(capture.clock, settings.compression()));
        begun.readings.switch(settings.records(Stream::Readings));
        begun.look();
        if is_paused() {
            // That from which this process was forked is.
            begun.readings.note(pausing(begun.now(), true, None));
        }
        self.capture = Some(capture);
        // Before there is a thread: what its first allocations set off must not take this for a process that records nothing yet,
        // and wait for the lock of the drain.
        set_state(State::Recording);
        if let Err(error) = Self::wake_or_spawn_drain() {
            *drain = None;
            set_state(State::Closed);
            self.leave_capture().into_iter().for_each(Capture::discard);
            return Err(SessionError::CannotStart {
                what: format!("cannot start a thread: {error}"),
            });
        }
        register_exit();
        Ok(())
    }

    /// Has the drain's thread, one for all sessions, look for something to do.
    fn wake_or_spawn_drain() -> io::Result<()> {
        if !DRAIN_THREAD.load(Ordering::Acquire).is_null() {
            super::wake_drain();
            return Ok(());
        }
        let thread = drain::spawn()?;
        DRAIN_THREAD.store(Box::into_raw(Box::new(thread)), Ordering::Release);
        Ok(())
    }

    /// Leaves the capture of a session that is over: what begins next has other ids.
    pub(super) fn leave_capture(&mut self) -> Option<Capture> {
        LOST.store((&raw const LOST_BEFORE).cast_mut(), Ordering::Release);
        let capture = self.capture.take()?;
        let bounds = capture.recorders.iter().map(|recorder| recorder.position_bound());
        self.first_position = bounds.fold(self.first_position, u64::max);
        Some(capture)
    }
}
