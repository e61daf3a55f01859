//! What users see without the feature `on`: the same names, no code and no bytes.

use core::marker::PhantomData;
use std::path::PathBuf;

/// A type whose values memscope can look into. Implemented by [`track`](crate::track) on a type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that memscope can look into",
    label = "needs `#[memscope::track]` on the type"
)]
pub trait Trackable {}

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

/// Does nothing: there is no recording.
#[inline(always)]
pub fn flush() {}

/// Returns `None`: there is no recording.
#[must_use]
#[inline(always)]
pub fn capture_path() -> Option<PathBuf> {
    None
}

/// Records the state of a container now; without the feature `on`, evaluates to nothing.
#[macro_export]
macro_rules! snapshot {
    ($place:expr $(,)?) => {{
        let _ = &$place;
    }};
}
