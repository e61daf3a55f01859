//! Return values: born when a function returns them, and moved out at once.

use super::hooks::{born, emit_end};
use super::inspect::{Seen, Sight};
use super::recorder::{self, Recorder};
use super::shape::TypeDesc;
use super::site::{Hook, Site};
use core::marker::PhantomData;
use memscope_format::raw::{RawKind, flags};

/// Stands at the beginning of a function's body, so that it is dropped when everything else in it is: if the thread does not
/// unwind then, the function has returned a `T`.
///
/// No expression need be looked at to know that, be it a `?` or a `return` in somebody's macro; only the states of containers
/// are what [`returned`] has read.
#[derive(Debug)]
#[must_use]
pub struct Return<T> {
    site: &'static Site,
    desc: &'static TypeDesc,
    seen: Option<Seen>,
    returns: PhantomData<fn() -> T>,
}

impl<T> Return<T> {
    /// Prepares to record what the function returns.
    #[inline(always)]
    pub fn at<S: Sight<T>>(site: &'static Site, _: S) -> Self {
        Self { site, desc: S::DESC, seen: None, returns: PhantomData }
    }

    /// Is never called: its type says that the function's is that of the guard.
    pub fn given(&self) -> T {
        unreachable!("called by nobody: {:?}", self.site)
    }
}

impl<T> Drop for Return<T> {
    #[inline(always)]
    fn drop(&mut self) {
        // Of a call in a destructor, while the thread unwinds, nothing tells whether it unwinds too.
        if !std::thread::panicking() {
            record(self.site, self.desc, self.seen.as_ref());
        }
    }
}

/// Reads a value that is about to be returned, and gives it back.
#[inline(always)]
pub fn returned<T, S: Sight<T>>(value: T, guard: &mut Return<T>, _: S) -> T {
    guard.seen = Some(S::see(&value));
    value
}

/// What is done with the value that a future gives.
pub trait RecordReturned<T> {
    /// Records it, or does not.
    fn record(&self, value: &T);
}

/// Nothing is.
#[derive(Debug)]
pub struct Unrecorded;

impl<T> RecordReturned<T> for Unrecorded {
    #[inline(always)]
    fn record(&self, _: &T) {}
}

/// It is recorded at a site.
#[derive(Debug)]
pub struct ReturnsTo<S> {
    site: &'static Site,
    sight: PhantomData<fn() -> S>,
}

impl<S> ReturnsTo<S> {
    pub(super) const fn at(site: &'static Site) -> Self {
        Self { site, sight: PhantomData }
    }
}

impl<T, S: Sight<T>> RecordReturned<T> for ReturnsTo<S> {
    #[inline(always)]
    fn record(&self, value: &T) {
        record(self.site, S::DESC, Some(&S::see(value)));
    }
}

/// Records that a value was returned; `None` if it was not read.
fn record(site: &'static Site, desc: &'static TypeDesc, seen: Option<&Seen>) {
    let _ = recorder::with(|recorder| {
        let hook = site.hook(desc)?;
        recorder.random.choose(hook.chance).ok()?;
        let now = recorder.now();
        let value = match seen {
            Some(seen) => born(recorder, hook, seen, now)?,
            None => born_unread(recorder, hook, now)?,
        };
        emit_end(recorder, hook, flags::MOVED, value, now, None);
        Some(())
    });
}

fn born_unread(recorder: &Recorder, hook: &Hook, now: u64) -> Option<u64> {
    let position = recorder.emit(hook.id, RawKind::Born, flags::UNREAD, now, [0; 2])?;
    Some(recorder.value(position))
}
