//! What users see without the feature `on`: the same names, no code and no bytes.

mod session;

pub use session::{Session, SessionBuilder, mark, stats};

use core::marker::PhantomData;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// A type whose values memscope can look into. Implemented for the containers of the standard library, and by
/// [`track`](crate::track) for types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that memscope can look into",
    label = "needs `#[memscope::track]` on the type"
)]
pub trait Trackable {
    /// Does nothing, but compiles only if the probe among an annotated type's fields is its own.
    #[doc(hidden)]
    fn has_own_probe() {}
}

/// Implements it for what it is implemented for with the feature `on`, so that code with such bounds compiles either way.
macro_rules! trackable {
    ($([$($generic:tt)*] $ty:ty;)*) => {$(
        impl<$($generic)*> Trackable for $ty {}
    )*};
}

trackable! {
    [] ();
    [] String;
    [T] Vec<T>;
    [T] VecDeque<T>;
    [K, V, S] HashMap<K, V, S>;
    [K, V] BTreeMap<K, V>;
    [T] Box<T>;
    [T] Box<[T]>;
    [] Box<str>;
    [T] Rc<T>;
    [T] Rc<[T]>;
    [] Rc<str>;
    [T] Arc<T>;
    [T] Arc<[T]>;
    [] Arc<str>;
    [T: Trackable] Probe<T>;
}

/// The identity of a value; zero-sized without the feature `on`.
///
/// See the same type with the feature on for what it records.
pub struct Probe<T: Trackable>(PhantomData<fn() -> T>);

impl<T: Trackable> Probe<T> {
    /// Returns a new identity, which takes no space.
    #[must_use]
    #[inline(always)]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Trackable> Clone for Probe<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

/// A value whose whole life is recorded with the feature `on`; without it, the value.
///
/// See the same type with the feature on for what it records.
#[repr(transparent)]
pub struct Tracked<T>(T);

impl<T> Tracked<T> {
    #[inline(always)]
    pub(crate) fn unplaced(value: T) -> Self {
        Self(value)
    }

    /// Gives the value back.
    #[inline(always)]
    #[must_use = "to drop the value, drop the `Tracked`"]
    pub fn into_inner(self) -> T {
        self.0
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> &T {
        &self.0
    }

    #[inline(always)]
    pub(crate) fn get_mut(&mut self) -> &mut T {
        &mut self.0
    }

    #[inline(always)]
    pub(crate) fn cloned(&self) -> Self
    where
        T: Clone,
    {
        Self(self.0.clone())
    }
}

/// Makes a tracked value.
#[doc(hidden)]
#[inline(always)]
#[must_use = "a tracked value that nothing holds is dropped at once: write `let v = ...`"]
pub fn tracked<T>(value: T) -> Tracked<T> {
    Tracked(value)
}

/// `tracked!`, not recording.
#[doc(hidden)]
#[macro_export]
macro_rules! __tracked {
    ($value:expr) => {
        $crate::__private::tracked($value)
    };
}

pub(crate) mod heap {
    //! What an allocator is watched by: nothing.

    use crate::heap_counts::{Heap, ThreadHeap};
    use core::alloc::Layout;

    #[inline(always)]
    pub(crate) fn allocated(_: *mut u8, _: Layout) {}

    #[inline(always)]
    pub(crate) fn allocated_zeroed(_: *mut u8, _: Layout) {}

    #[inline(always)]
    pub(crate) fn freed(_: *mut u8, _: Layout) {}

    /// A block that may get another size.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Resizing;

    #[inline(always)]
    pub(crate) fn resizing(_: *mut u8) -> Resizing {
        Resizing
    }

    #[inline(always)]
    pub(crate) fn stays(_: *mut u8, _: Resizing) {}

    #[inline(always)]
    pub(crate) fn resized(_: Resizing, _: (*mut u8, Layout), _: (*mut u8, usize)) {}

    /// Returns `None`: nothing counts.
    #[must_use]
    #[inline(always)]
    pub fn heap() -> Option<Heap> {
        None
    }

    /// Returns `None`: nothing counts.
    #[must_use]
    #[inline(always)]
    pub fn thread_heap() -> Option<ThreadHeap> {
        None
    }
}

/// Does nothing: there is no recording.
#[inline(always)]
pub fn flush() {}

/// Returns `None`: there is no recording.
#[must_use]
#[inline(always)]
pub fn capture_path() -> Option<PathBuf> {
    None
}

/// `snapshot!`, not recording.
#[doc(hidden)]
#[macro_export]
macro_rules! __snapshot {
    ($hook:ident, $place:expr $(, $sight:expr)?) => {{
        let _ = &$place;
    }};
}
