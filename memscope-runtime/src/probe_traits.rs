//! What a [`Probe`] must implement to be a field of a struct with derived traits: probes are all equal.

use crate::{Probe, Trackable};
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

impl<T: Trackable> Default for Probe<T> {
    /// The same as [`Probe::new`]: the birth of a value.
    #[inline(always)]
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Trackable> fmt::Debug for Probe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

impl<T: Trackable> PartialEq for Probe<T> {
    #[inline(always)]
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T: Trackable> Eq for Probe<T> {}

impl<T: Trackable> PartialOrd for Probe<T> {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Trackable> Ord for Probe<T> {
    #[inline(always)]
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

impl<T: Trackable> Hash for Probe<T> {
    #[inline(always)]
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
