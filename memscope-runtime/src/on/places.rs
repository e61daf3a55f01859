//! The places that an async function is called at, as texts of the capture.

use super::registry;
use super::site::{Described, Site};
use core::panic::Location;
use core::sync::atomic::{AtomicPtr, Ordering};

/// Those of one function, newest first: a list that only grows.
#[derive(Debug, Default)]
pub(super) struct Places(AtomicPtr<Place>);

/// One of them. Lives as long as the process.
#[derive(Debug)]
struct Place {
    at: &'static Location<'static>,
    /// A [`StringDef::id`](memscope_format::defs::StringDef::id); `None` if it is not where the program calls it.
    text: Option<u32>,
    next: Option<&'static Self>,
}

impl Places {
    /// Returns the text that says where the async function of a site was called; `None` if that is unknown.
    ///
    /// A load and a comparison for each place that it is called at, but for the first time.
    pub(super) fn text(
        &'static self,
        site: &'static Site,
        at: &'static Location<'static>,
        definition: &Location<'_>,
    ) -> Option<u32> {
        self.find(at).unwrap_or_else(|| registry::intern_place(self, site, at, definition))
    }

    /// Looks for a place among those that are known.
    pub(super) fn find(&self, at: &'static Location<'static>) -> Option<Option<u32>> {
        // SAFETY: places are leaked boxes, published with Release after they were written.
        let mut next: Option<&'static Place> = unsafe { self.0.load(Ordering::Acquire).as_ref() };
        while let Some(place) = next {
            if core::ptr::eq(place.at, at) {
                return Some(place.text);
            }
            next = place.next;
        }
        None
    }

    /// Adds a place. The registry's lock makes the caller the only one that does.
    pub(super) fn publish(&self, at: &'static Location<'static>, text: Option<u32>) {
        // SAFETY: as in `find`.
        let next = unsafe { self.0.load(Ordering::Relaxed).as_ref() };
        let place: &'static Place = Box::leak(Box::new(Place { at, text, next }));
        self.0.store(core::ptr::from_ref(place).cast_mut(), Ordering::Release);
    }
}

/// Whether a location is where the program calls a function. One that is called as a value, by a pointer or as an `impl Fn` or
/// `impl AsyncFn`, is called by the compiler, in the source of those traits or where the function is defined: that is where its
/// signature begins, or where the outermost macro was called that has made some of it, which may be the attribute.
pub(super) fn is_call(function: &Described, at: &Location<'_>, definition: &Location<'_>) -> bool {
    let in_signature =
        at.file() == function.file && at.line() == function.line && at.column() <= function.column;
    let in_definition = in_signature || at == definition;
    let in_library = at.file().replace('\\', "/").contains("library/core/src/ops/");
    !in_definition && !in_library
}
