//! Counts how many values of a type were created and dropped.
//!
//! A type takes part by holding a [`Counted`] field, which takes no space:
//!
//! ```
//! use memscope_examples::census::{Census, Counted, Tally};
//!
//! struct Session {
//!     user: String,
//!     _counted: Counted<Self>,
//! }
//!
//! impl Census for Session {
//!     fn tally() -> &'static Tally {
//!         static TALLY: Tally = Tally::new("Session");
//!         &TALLY
//!     }
//! }
//!
//! let session = Session { user: "ada".to_owned(), _counted: Counted::new() };
//! assert_eq!(Session::tally().counts().alive(), 1);
//! drop(session);
//! assert_eq!(Session::tally().to_string(), "check Session created 1 dropped 1 alive 0");
//! ```
//!
//! Where a struct is also annotated for memscope, the field stands right before its `Probe`, which is the last to be
//! dropped, and is initialised after it. A value that [`announce`] counts has then been recorded.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

/// A type whose values are counted.
pub trait Census {
    /// Returns the counters of this type.
    fn tally() -> &'static Tally;
}

/// The counters of one type.
#[derive(Debug)]
pub struct Tally {
    kind: &'static str,
    created: AtomicU64,
    dropped: AtomicU64,
}

/// What a [`Tally`] said at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Values created so far, clones included.
    pub created: u64,
    /// Values dropped so far.
    pub dropped: u64,
}

impl Counts {
    /// Values that exist.
    #[must_use]
    pub const fn alive(self) -> u64 {
        self.created - self.dropped
    }
}

impl Tally {
    /// Makes counters that print under this name.
    #[must_use]
    pub const fn new(kind: &'static str) -> Self {
        Self { kind, created: AtomicU64::new(0), dropped: AtomicU64::new(0) }
    }

    /// Reads the counters. They belong to one moment only if no other thread creates or drops values.
    #[must_use]
    pub fn counts(&self) -> Counts {
        // Drops first: a value that is dropped in between then counts as alive, and never as dropped alone.
        let dropped = self.dropped.load(Ordering::Acquire);
        Counts { created: self.created.load(Ordering::Acquire), dropped }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts();
        let Counts { created, dropped } = counts;
        write!(
            f,
            "check {} created {created} dropped {dropped} alive {}",
            self.kind,
            counts.alive()
        )
    }
}

/// A field that counts the values of the type it stands in. Takes no space.
#[derive(Debug)]
pub struct Counted<T: Census>(PhantomData<fn() -> T>);

impl<T: Census> Counted<T> {
    /// Counts a value as created.
    #[must_use]
    pub fn new() -> Self {
        T::tally().created.fetch_add(1, Ordering::Release);
        acknowledge_creation();
        Self(PhantomData)
    }
}

impl<T: Census> Default for Counted<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Census> Clone for Counted<T> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<T: Census> Drop for Counted<T> {
    fn drop(&mut self) {
        T::tally().dropped.fetch_add(1, Ordering::Release);
        acknowledge_drop();
    }
}

/// Steps between two printed lines; 0 prints none.
static ANNOUNCE_EVERY: AtomicU64 = AtomicU64::new(0);
/// Values created and dropped, of all kinds; kept only while it is announced.
static ACKNOWLEDGED: AtomicU64 = AtomicU64::new(0);

/// Prints a line `acknowledged COUNT` to standard output whenever another `every` values were created or dropped.
///
/// Each line is flushed. It promises that at least `COUNT` creations and drops are over, whatever becomes of the
/// process afterwards. An `every` of 0 stops it.
pub fn announce(every: u64) {
    ANNOUNCE_EVERY.store(every, Ordering::Relaxed);
}

thread_local! {
    /// Whether the drop that this thread counted last is still to be acknowledged.
    static DROPPING: Cell<bool> = const { Cell::new(false) };
}

fn acknowledge_creation() {
    if ANNOUNCE_EVERY.load(Ordering::Relaxed) != 0 {
        if DROPPING.take() {
            acknowledge();
        }
        acknowledge();
    }
}

/// The drop is not over: what stands behind the [`Counted`] field is still to be dropped. So it is acknowledged when this
/// thread counts the next value; the last one of a thread is not.
fn acknowledge_drop() {
    if ANNOUNCE_EVERY.load(Ordering::Relaxed) != 0 && DROPPING.replace(true) {
        acknowledge();
    }
}

fn acknowledge() {
    let every = ANNOUNCE_EVERY.load(Ordering::Relaxed).max(1);
    let count = ACKNOWLEDGED.fetch_add(1, Ordering::AcqRel) + 1;
    if count.is_multiple_of(every) {
        let mut out = io::stdout().lock();
        // A reader that went away is no reason to stop, and a drop has nobody to tell.
        let _ = writeln!(out, "acknowledged {count}").and_then(|()| out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Token {
        _counted: Counted<Self>,
    }

    impl Census for Token {
        fn tally() -> &'static Tally {
            static TALLY: Tally = Tally::new("Token");
            &TALLY
        }
    }

    #[test]
    fn clones_and_drops_count_and_moves_do_not() {
        let first = Token { _counted: Counted::new() };
        let second = first.clone();
        let moved = vec![first, second];
        assert_eq!(Token::tally().counts(), Counts { created: 2, dropped: 0 });
        std::mem::forget(moved.into_iter().next());
        assert_eq!(Token::tally().to_string(), "check Token created 2 dropped 1 alive 1");
        assert_eq!(size_of::<Token>(), 0);
    }
}
