//! The hooks around a variable: its birth, its drop, the end of its scope.
//!
//! What is generic is thin: it asks whether anything is recorded, and looks at the value. The rest of a hook is compiled once, with
//! this crate: inlined, it would take registers from the program, and time where nothing is recorded.

use super::clock;
use super::deep::Insides;
use super::hooks::{born, emit_end, end_words, is_slow, last_state};
use super::inspect::{Inspected, Reading, Seen, Sight};
use super::recorder::{self, ClosedDrop, Recorder};
use super::sampling::is_left_out;
use super::session;
use super::shape::TypeDesc;
use super::site::{Hook, Site};
use super::standing::Initialising;
use memscope_format::raw::{RawKind, flags};

/// Stands before a tracked variable, so that it is dropped after it: the end of the variable's drop.
#[derive(Debug)]
pub struct Slot {
    site: &'static Site,
    /// `None` if nothing is recorded of the variable.
    bound: Option<Bound>,
    initialising: Initialising,
}

/// A variable that is recorded, and what is known of its end.
#[derive(Debug, Clone, Copy)]
struct Bound {
    hook: &'static Hook,
    /// The value's id, or the number of one that is left out.
    value: u64,
    /// Where the variable lies: the macros tell variables apart by name only.
    addr: usize,
    /// [`flags::DROPPED`] or [`flags::MOVED`] once that is certain.
    outcome: u8,
    /// Whether its drop is timed. What is not is never left out: it is forgotten instead.
    is_timed: bool,
}

impl Bound {
    /// Records the birth of a variable, unless it is left out. There is a drop to be known of, or not, of one that is.
    #[inline(always)]
    fn new<T, S: Sight<T>>(site: &'static Site, place: &T, is_timed: bool) -> Option<Self> {
        if session::is_off() {
            return None;
        }
        let (hook, value) = if const { !<S::Inside as Insides>::ARE_NOTHING } {
            // What is left out is not looked at either: it may take long.
            begin(site, S::DESC, || S::see(place))?
        } else if const { S::SHAPE.container().is_some() } {
            begin_read(recorder::current(), site, S::DESC, &S::read(place))?
        } else {
            begin_plain(recorder::current(), site, S::DESC)?
        };
        if !is_timed && is_left_out(value) {
            return None;
        }
        Some(Self { hook, value, addr: core::ptr::from_ref(place).addr(), outcome: 0, is_timed })
    }

    /// Notes what is certain of the end of a variable. `None` where nothing may be said of it.
    #[inline(always)]
    fn note<T>(bound: &mut Option<Self>, variable: &T, outcome: u8) -> Option<Self> {
        if const { !core::mem::needs_drop::<T>() || size_of::<T>() == 0 } {
            // It may be copied; or two may lie at one address.
            return None;
        }
        Self::note_at(bound, core::ptr::from_ref(variable).addr(), outcome)
    }

    #[inline]
    fn note_at(bound: &mut Option<Self>, addr: usize, outcome: u8) -> Option<Self> {
        let bound = bound.as_mut().filter(|bound| !is_left_out(bound.value))?;
        if bound.addr != addr {
            return None;
        }
        bound.outcome = outcome;
        Some(*bound)
    }

    /// Notes that the variable is moved now, with its last state.
    #[inline(always)]
    fn moves<T, S: Sight<T>>(bound: &mut Option<Self>, variable: &T) {
        if let Some(bound) = Self::note(bound, variable, flags::MOVED)
            && const { S::SHAPE.container().is_some() }
        {
            bound.show(&S::see(variable));
        }
    }

    /// Notes that the variable keeps its state until its scope ends; of what is in it, what nobody can replace who borrows it.
    #[inline(always)]
    fn kept<T, S: Sight<T>>(bound: &mut Option<Self>, variable: &T) -> Last<S::Inside> {
        // How many handles there are may change elsewhere.
        let shows = const {
            matches!(S::SHAPE.container(), Some(container) if !container.kind.is_counted())
        };
        let bound = Self::note(bound, variable, flags::DROPPED).filter(|_| shows);
        Last(bound.map(|bound| (bound, S::look(variable), S::inside(variable).lasting())))
    }

    /// Records the variable's last state.
    #[inline(never)]
    fn show(&self, state: &Seen) {
        let _ = recorder::with(|recorder| {
            last_state(recorder, self.hook, self.value, state, recorder.now());
        });
    }
}

/// Chooses whether the birth of a value is recorded; returns its id, or the number of one that is left out.
#[inline(always)]
fn begin(
    site: &'static Site,
    desc: &'static TypeDesc,
    see: impl FnOnce() -> Seen,
) -> Option<(&'static Hook, u64)> {
    let begun = recorder::with(|recorder| {
        let hook = site.hook(desc)?;
        Some(match recorder.random.choose(hook.chance) {
            Ok(()) => (hook, born(recorder, hook, &see(), recorder.now())?),
            Err(number) => (hook, number),
        })
    });
    begun.flatten()
}

/// The same of what is no container; without any call, if nothing is in the way.
#[inline(never)]
fn begin_plain(
    recorder: Option<&'static Recorder>,
    site: &'static Site,
    desc: &'static TypeDesc,
) -> Option<(&'static Hook, u64)> {
    match begin_quickly(recorder, site, desc, || Some([0; 2])) {
        Quickly::Begun(hook, value) => Some((hook, value)),
        Quickly::Chosen(hook) => begin_chosen(hook, desc, &Reading::NOTHING),
        Quickly::Not => begin_slowly(site, desc, &Reading::NOTHING),
    }
}

/// The same of a container of which nothing is looked at but its state.
#[inline(never)]
fn begin_read(
    recorder: Option<&'static Recorder>,
    site: &'static Site,
    desc: &'static TypeDesc,
    reading: &Reading,
) -> Option<(&'static Hook, u64)> {
    match begin_quickly(recorder, site, desc, || reading.packed()) {
        Quickly::Begun(hook, value) => Some((hook, value)),
        Quickly::Chosen(hook) => begin_chosen(hook, desc, reading),
        Quickly::Not => begin_slowly(site, desc, reading),
    }
}

/// How far a birth came without any call.
enum Quickly {
    /// It is recorded, or left out.
    Begun(&'static Hook, u64),
    /// It is to be recorded.
    Chosen(&'static Hook),
    /// Nothing was done.
    Not,
}

/// Records a birth of one slot, if nothing is in the way; see [`Recorder::try_emit`].
#[inline(always)]
fn begin_quickly(
    recorder: Option<&'static Recorder>,
    site: &'static Site,
    desc: &'static TypeDesc,
    payload: impl FnOnce() -> Option<[u64; 2]>,
) -> Quickly {
    let Some(recorder) = recorder else { return Quickly::Not };
    let Some(hook) = site.find(desc) else { return Quickly::Not };
    if let Err(number) = recorder.random.choose(hook.chance) {
        return Quickly::Begun(hook, number);
    }
    match recorder.try_emit(RawKind::Born, |_| Some((hook.id, 0, payload()?))) {
        Some(position) => Quickly::Begun(hook, recorder.value(position)),
        None => Quickly::Chosen(hook),
    }
}

#[cold]
#[inline(never)]
fn begin_slowly(
    site: &'static Site,
    desc: &'static TypeDesc,
    reading: &Reading,
) -> Option<(&'static Hook, u64)> {
    begin(site, desc, || Seen::outside(desc, *reading))
}

#[cold]
#[inline(never)]
fn begin_chosen(
    hook: &'static Hook,
    desc: &'static TypeDesc,
    reading: &Reading,
) -> Option<(&'static Hook, u64)> {
    let seen = Seen::outside(desc, *reading);
    let value = recorder::with(|recorder| born(recorder, hook, &seen, recorder.now()))??;
    Some((hook, value))
}

/// Stands behind a point from which on a variable keeps its state: records it when the scope ends, before the variable is dropped.
#[derive(Debug)]
#[must_use]
pub struct Last<I: Insides>(Option<(Bound, Inspected, I)>);

impl<I: Insides> Drop for Last<I> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some((bound, inspected, inside)) = self.0 {
            bound.show(&Seen { inspected, inside: inside.get() });
        }
    }
}

/// Stands after a tracked variable, so that it is dropped before it: the start of the variable's drop.
#[derive(Debug)]
#[must_use]
pub struct Exit {
    /// 0 if nothing is recorded of the variable.
    value: u64,
}

impl Slot {
    /// Prepares to track the variable that is declared next, and is initialised from now on.
    #[must_use]
    #[inline]
    pub fn new(site: &'static Site) -> Self {
        Self { site, bound: None, initialising: Initialising::begin(site) }
    }

    /// Records the birth of the variable, if its type has drop glue; for others there is no code, optimised or not, but to note
    /// that they are initialised.
    #[inline(always)]
    pub fn bind<T, S: Sight<T>>(&mut self, variable: &T, sight: S) -> Exit {
        if const { core::mem::needs_drop::<T>() } {
            self.bind_always(variable, sight)
        } else {
            self.initialising.end(self.site);
            Exit { value: 0 }
        }
    }

    /// Records the birth of the variable.
    #[inline(always)]
    pub fn bind_always<T, S: Sight<T>>(&mut self, variable: &T, _: S) -> Exit {
        self.initialising.end(self.site);
        // Without drop glue there is no drop to time: the end of the scope is one event, when the slot goes.
        let Some(bound) = Bound::new::<T, S>(self.site, variable, S::DESC.needs_drop) else {
            return Exit { value: 0 };
        };
        self.bound = Some(bound);
        Exit { value: if bound.is_timed { bound.value } else { 0 } }
    }

    /// Notes that the variable is moved by what comes next.
    #[inline(always)]
    pub fn leaves<T>(&mut self, variable: &T) {
        let _ = Bound::note(&mut self.bound, variable, flags::MOVED);
    }

    /// Notes that the variable stays until its scope ends.
    #[inline(always)]
    pub fn stays<T>(&mut self, variable: &T) {
        let _ = Bound::note(&mut self.bound, variable, flags::DROPPED);
    }

    /// As [`Self::leaves`], and records its state.
    #[inline(always)]
    pub fn moves<T, S: Sight<T>>(&mut self, variable: &T, _: S) {
        Bound::moves::<T, S>(&mut self.bound, variable);
    }

    /// As [`Self::stays`], and records its state when the scope ends.
    #[inline(always)]
    pub fn kept<T, S: Sight<T>>(&mut self, variable: &T, _: S) -> Last<S::Inside> {
        Bound::kept::<T, S>(&mut self.bound, variable)
    }
}

impl Drop for Exit {
    #[inline]
    fn drop(&mut self) {
        if self.value != 0 {
            begin_drop(recorder::current(), self.value);
        }
    }
}

/// Notes that the drop of a value begins; without any call, if nothing is in the way.
#[inline(never)]
fn begin_drop(recorder: Option<&'static Recorder>, value: u64) {
    match recorder {
        Some(recorder) if !is_left_out(value) && recorder.clock.is_counter() => {
            recorder.open_drop(value, clock::counter());
        }
        _ => begin_drop_slowly(value),
    }
}

#[cold]
#[inline(never)]
fn begin_drop_slowly(value: u64) {
    let _ = recorder::with(|recorder| {
        if is_left_out(value) {
            recorder.open_left_out(value);
        } else {
            recorder.open_drop(value, recorder.now());
        }
    });
}

impl Drop for Slot {
    #[inline]
    fn drop(&mut self) {
        if let Some(Bound { hook, value, outcome, is_timed, .. }) = self.bound {
            if is_timed {
                end_drop(recorder::current(), hook, value, outcome);
            } else {
                end_scope(recorder::current(), hook, value, outcome);
            }
        } else {
            // Where there is a way out of the initialiser.
            self.initialising.end(self.site);
        }
    }
}

/// Records that the drop of a variable has ended; without any call, if nothing is in the way. `noted` is what the body noted of
/// its outcome. What is told of the variable comes in registers, so that it need not be in memory.
#[inline(never)]
fn end_drop(recorder: Option<&'static Recorder>, hook: &'static Hook, value: u64, noted: u8) {
    // It may take a call. Behind it no register is needed that would have to be saved for that.
    match recorder {
        Some(recorder) if !std::thread::panicking() => {
            end_drop_quickly(recorder, hook, value, noted);
        }
        _ => end_drop_slowly(hook, value, noted),
    }
}

#[inline(never)]
fn end_drop_quickly(recorder: &Recorder, hook: &'static Hook, value: u64, noted: u8) {
    let recorded = recorder.try_emit(RawKind::End, |end| {
        if recorder.leaves_out_drops() {
            return None;
        }
        let (open, depth) = recorder.innermost_drop(value)?;
        // Of a clock that went back it is more than any slow drop's.
        let took = Some(end.wrapping_sub(open.start()));
        if is_slow(took) {
            return None;
        }
        recorder.close_to(depth);
        let closed = Some(ClosedDrop::of(open));
        let outcome = outcome_of_variable(hook, noted, closed, false);
        let (flags, payload) = end_words((depth, 0), outcome, value, took, closed);
        Some((hook.id, flags, payload))
    });
    if recorded.is_none() {
        end_drop_slowly(hook, value, noted);
    }
}

#[cold]
#[inline(never)]
fn end_drop_slowly(hook: &'static Hook, value: u64, noted: u8) {
    let _ = recorder::with(|recorder| {
        if is_left_out(value) {
            return recorder.close_left_out(value);
        }
        let end = recorder.now();
        let closed = recorder.close_drop(value);
        let outcome = outcome_of_variable(hook, noted, closed, std::thread::panicking());
        emit_end(recorder, hook, outcome, value, end, closed);
    });
}

/// Records that the scope of a variable has ended, of which no drop is timed; as [`end_drop`].
#[inline(never)]
fn end_scope(recorder: Option<&'static Recorder>, hook: &'static Hook, value: u64, noted: u8) {
    // As in `end_drop`.
    match recorder {
        Some(recorder) if !std::thread::panicking() => {
            end_scope_quickly(recorder, hook, value, noted);
        }
        _ => end_scope_slowly(hook, value, noted),
    }
}

#[inline(never)]
fn end_scope_quickly(recorder: &Recorder, hook: &'static Hook, value: u64, noted: u8) {
    let recorded = recorder.try_emit(RawKind::End, |_| {
        if recorder.leaves_out_drops() {
            return None;
        }
        let (around, outcome) = ((recorder.open_drops(), 0), outcome_of_scope(hook, noted, false));
        let (flags, payload) = end_words(around, outcome, value, None, None);
        Some((hook.id, flags, payload))
    });
    if recorded.is_none() {
        end_scope_slowly(hook, value, noted);
    }
}

#[cold]
#[inline(never)]
fn end_scope_slowly(hook: &'static Hook, value: u64, noted: u8) {
    let _ = recorder::with(|recorder| {
        let outcome = outcome_of_scope(hook, noted, std::thread::panicking());
        emit_end(recorder, hook, outcome, value, recorder.now(), None);
    });
}

/// How a variable ended whose drop was timed.
///
/// If every drop of the variable's type runs a drop hook, then one has run directly in this drop, or the value
/// had been moved out: proof of either. Of other types the body may prove it.
#[inline(always)]
fn outcome_of_variable(
    hook: &Hook,
    noted: u8,
    closed: Option<ClosedDrop>,
    is_unwinding: bool,
) -> u8 {
    match closed {
        Some(closed) if hook.has_drop_hook && closed.start.is_some() => {
            if closed.first_hook == hook.type_id { flags::DROPPED } else { flags::MOVED }
        }
        _ => proved(hook, noted, is_unwinding),
    }
}

/// How a variable ended of which no drop is timed.
#[inline(always)]
fn outcome_of_scope(hook: &Hook, noted: u8, is_unwinding: bool) -> u8 {
    if proved(hook, noted, is_unwinding) == flags::MOVED { flags::MOVED } else { flags::EXIT }
}

/// What is proved of a variable's end. A statement that was to move it may have unwound before.
#[inline(always)]
fn proved(hook: &Hook, noted: u8, is_unwinding: bool) -> u8 {
    match noted {
        0 if hook.stays => flags::DROPPED,
        flags::MOVED if is_unwinding => 0,
        noted => noted,
    }
}

/// Stands for an argument, or for one of several variables of a pattern: its end is that of its scope, and its
/// drop cannot be told apart from that of its neighbours.
#[derive(Debug)]
#[must_use]
pub struct Scoped {
    bound: Option<Bound>,
}

impl Scoped {
    /// As [`Slot::leaves`].
    #[inline(always)]
    pub fn leaves<T>(&mut self, variable: &T) {
        let _ = Bound::note(&mut self.bound, variable, flags::MOVED);
    }

    /// As [`Slot::stays`].
    #[inline(always)]
    pub fn stays<T>(&mut self, variable: &T) {
        let _ = Bound::note(&mut self.bound, variable, flags::DROPPED);
    }

    /// As [`Slot::moves`].
    #[inline(always)]
    pub fn moves<T, S: Sight<T>>(&mut self, variable: &T, _: S) {
        Bound::moves::<T, S>(&mut self.bound, variable);
    }

    /// As [`Slot::kept`].
    #[inline(always)]
    pub fn kept<T, S: Sight<T>>(&mut self, variable: &T, _: S) -> Last<S::Inside> {
        Bound::kept::<T, S>(&mut self.bound, variable)
    }
}

/// Records the birth of an argument or of one variable of a pattern, if its type has drop glue.
#[inline(always)]
pub fn scoped<T, S: Sight<T>>(site: &'static Site, variable: &T, sight: S) -> Scoped {
    if const { core::mem::needs_drop::<T>() } {
        scoped_always(site, variable, sight)
    } else {
        Scoped { bound: None }
    }
}

/// Records the birth of a variable of which only the scope's end is to be seen.
#[inline(always)]
pub fn scoped_always<T, S: Sight<T>>(site: &'static Site, variable: &T, _: S) -> Scoped {
    Scoped { bound: Bound::new::<T, S>(site, variable, false) }
}

impl Drop for Scoped {
    #[inline]
    fn drop(&mut self) {
        if let Some(Bound { hook, value, outcome, .. }) = self.bound {
            end_scope(recorder::current(), hook, value, outcome);
        }
    }
}
