//! The identity of a value that moves.

use super::hooks;
use super::inspect::{Reading, Trackable};
use super::shape::{DescOf, Shape};
use core::marker::PhantomData;

/// A field that gives every value of an annotated struct an identity of its own, however it is moved.
///
/// Making one with [`Probe::new`] records the birth of a value, cloning one (as a derived `Clone` does) the birth
/// of a clone, and dropping it the end. As the *last* field it is dropped last, so that the time from the
/// struct's drop hook to it is the whole drop, fields included.
///
/// Eight bytes with the feature `on`, none without. All probes are equal, so that derived comparisons and hashes
/// stay what they were.
///
/// ```
/// use memscope::Probe;
///
/// #[memscope::track]
/// #[derive(Clone, Debug, Default, PartialEq)]
/// struct Page {
///     text: String,
///     probe: Probe<Self>,
/// }
///
/// let page = Page { text: "x".into(), probe: Probe::new() }; // born
/// let copy = page.clone(); // a clone of `page` is born
/// assert_eq!(page, copy);
/// drop(page); // dropped; `copy` follows at the end of its scope
/// ```
pub struct Probe<T: Trackable> {
    /// 0 if the birth could not be recorded; of a value that is left out a number that stands for it.
    value: u64,
    owner: PhantomData<fn() -> T>,
}

impl<T: Trackable> Probe<T> {
    /// Records the birth of a value, and returns its identity.
    #[must_use]
    #[inline]
    pub fn new() -> Self {
        Self::born(None)
    }

    #[inline]
    fn born(origin: Option<u64>) -> Self {
        let value =
            T::site().map_or(0, |site| hooks::born_with_probe(site, DescOf::<T>::DESC, origin));
        Self { value, owner: PhantomData }
    }
}

impl<T: Trackable> Clone for Probe<T> {
    /// Records the birth of a clone.
    #[inline]
    fn clone(&self) -> Self {
        Self::born(Some(self.value))
    }
}

impl<T: Trackable> Drop for Probe<T> {
    #[inline]
    fn drop(&mut self) {
        if self.value != 0
            && let Some(site) = T::site()
        {
            hooks::end_of_probe(site, DescOf::<T>::DESC, self.value);
        }
    }
}

impl<T: Trackable> Trackable for Probe<T> {
    const SHAPE: Shape = Shape::Probe;

    #[inline(always)]
    fn read(&self) -> Reading {
        Reading { len: self.value, ..Reading::NOTHING }
    }
}
