//! Calls of functions, and polls.

use super::clock;
use super::recorder::{self, Recorder};
use super::session;
use super::shape::NO_TYPE;
use super::site::{Hook, Site};
use super::standing::stand_at;
use memscope_format::raw::{DURATION_UNKNOWN, RawKind, flags};

/// Stands at the beginning of a function's body, so that it is dropped last: the call's end.
#[derive(Debug)]
#[must_use]
pub struct Call {
    begun: Begun,
}

/// What has begun: a call, or a poll.
#[derive(Debug, Clone, Copy)]
pub(super) enum Begun {
    /// Nothing that is known of: there was no recorder.
    Nothing,
    /// A call that is left out.
    LeftOut {
        /// What was left out of the call around it.
        outer: u8,
        /// Where the thread stood before.
        stood: u32,
    },
    /// A call that is recorded.
    Recorded {
        hook: &'static Hook,
        start: u64,
        depth: u32,
        /// What was left out of the call around it.
        outer: u8,
        /// Where the thread stood before.
        stood: u32,
        /// Whether the thread was unwinding already.
        panicking: bool,
    },
}

impl Call {
    /// Notes that a function begins.
    #[inline]
    pub fn enter(site: &'static Site) -> Self {
        // Made in its place: to copy it would take longer than all the rest, since it is read otherwise than it was written.
        Self { begun: begin(recorder::current(), site) }
    }
}

impl Drop for Call {
    #[inline]
    fn drop(&mut self) {
        if !matches!(self.begun, Begun::Nothing) {
            end(recorder::current(), &self.begun);
        }
    }
}

/// Chooses whether a call is recorded, and notes that it begins; without any call, if nothing is in the way.
#[inline(never)]
fn begin(recorder: Option<&'static Recorder>, site: &'static Site) -> Begun {
    if session::is_off() {
        return Begun::Nothing;
    }
    let Some(recorder) = recorder else { return begin_slowly(site) };
    let Some(hook) = site.find(&NO_TYPE) else { return begin_slowly(site) };
    match recorder.random.choose(hook.chance) {
        Ok(()) if recorder.clock.is_counter() && !std::thread::panicking() => {
            Begun::at(recorder, site, hook, clock::counter(), false)
        }
        Ok(()) => begin_recorded(recorder, site, hook),
        Err(_) => Begun::left_out(recorder, site),
    }
}

#[cold]
#[inline(never)]
fn begin_recorded(recorder: &Recorder, site: &'static Site, hook: &'static Hook) -> Begun {
    Begun::now(recorder, site, hook)
}

/// Where there is no recorder yet, or the site has not run.
#[cold]
#[inline(never)]
fn begin_slowly(site: &'static Site) -> Begun {
    let begun = recorder::with(|recorder| {
        let hook = site.hook(&NO_TYPE)?;
        Some(match recorder.random.choose(hook.chance) {
            Ok(()) => Begun::now(recorder, site, hook),
            Err(_) => Begun::left_out(recorder, site),
        })
    });
    begun.flatten().unwrap_or(Begun::Nothing)
}

/// Notes that a call has ended; without any call, if nothing is in the way.
#[inline(never)]
fn end(recorder: Option<&'static Recorder>, begun: &Begun) {
    // It may take a call. Behind it no register is needed that would have to be saved for that.
    match recorder {
        Some(recorder) if !std::thread::panicking() => end_quickly(recorder, begun),
        _ => end_slowly(begun),
    }
}

#[inline(never)]
fn end_quickly(recorder: &Recorder, begun: &Begun) {
    let is_done = match *begun {
        Begun::Nothing => true,
        Begun::LeftOut { outer, stood } => {
            recorder.stand_at(stood);
            recorder.close_left_out_call(outer);
            true
        }
        Begun::Recorded { hook, start, depth, outer, stood, .. } => {
            let recorded = recorder.try_emit(RawKind::Call, |end| {
                recorder.stand_at(stood);
                let left_out = recorder.close_call(depth, outer) << flags::LEFT_OUT_SHIFT;
                let (flags, payload) = end_words([start, end], depth, 0, left_out);
                Some((hook.id, flags, payload))
            });
            recorded.is_some()
        }
    };
    if !is_done {
        end_slowly(begun);
    }
}

#[cold]
#[inline(never)]
fn end_slowly(begun: &Begun) {
    let _ = recorder::with(|recorder| begun.end(recorder, 0, None));
}

/// The flags and the payload of a call.
#[inline(always)]
fn end_words([start, end]: [u64; 2], depth: u32, task: u64, flags: u8) -> (u8, [u64; 2]) {
    let duration = end.saturating_sub(start).min(DURATION_UNKNOWN - 1);
    let depth = u64::from(depth.min(u32::from(u16::MAX)));
    (flags, [task, duration | depth << 48])
}

/// How a call ends that is dropped now, by whether its thread was unwinding when it began. A thread does not tell how many panics it
/// is in: a call within a drop that unwinding runs may return, or unwind as far as a `catch_unwind` in that drop.
#[inline(always)]
fn outcome_now(was_panicking: bool) -> u8 {
    match was_panicking {
        true => flags::UNTOLD,
        false if std::thread::panicking() => flags::PANICKING,
        false => 0,
    }
}

impl Begun {
    #[inline(always)]
    pub(super) fn now(recorder: &Recorder, site: &'static Site, hook: &'static Hook) -> Self {
        Self::at(recorder, site, hook, recorder.now(), std::thread::panicking())
    }

    #[inline(always)]
    fn at(
        recorder: &Recorder,
        site: &'static Site,
        hook: &'static Hook,
        start: u64,
        panicking: bool,
    ) -> Self {
        let (depth, outer) = recorder.open_call();
        let stood = stand_at(recorder, site);
        Self::Recorded { hook, start, depth, outer, stood, panicking }
    }

    #[inline(always)]
    pub(super) fn left_out(recorder: &Recorder, site: &'static Site) -> Self {
        let stood = stand_at(recorder, site);
        Self::LeftOut { outer: recorder.open_left_out_call(), stood }
    }

    /// Records the end, on the thread that it began on. What is not known of the outcome is what the thread shows.
    #[inline(always)]
    pub(super) fn end(&self, recorder: &Recorder, task: u64, outcome: Option<u8>) {
        let (hook, start, depth, outer, panicking) = match *self {
            Self::Nothing => return,
            Self::LeftOut { outer, stood } => {
                recorder.stand_at(stood);
                return recorder.close_left_out_call(outer);
            }
            Self::Recorded { hook, start, depth, outer, stood, panicking } => {
                recorder.stand_at(stood);
                (hook, start, depth, outer, panicking)
            }
        };
        let end = recorder.now();
        let left_out = recorder.close_call(depth, outer);
        let flags =
            outcome.unwrap_or_else(|| outcome_now(panicking)) | left_out << flags::LEFT_OUT_SHIFT;
        let (flags, payload) = end_words([start, end], depth, task, flags);
        recorder.emit(hook.id, RawKind::Call, flags, end, payload);
    }
}
