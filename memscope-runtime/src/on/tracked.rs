//! A value that owns its history.

use super::hooks;
use super::inspect::{Seen, Sight};
use super::site::{self, Hook, Site};
use core::mem::ManuallyDrop;

/// A value whose whole life is recorded, wherever it is moved: birth, moves out, drop, and what it held at the end.
///
/// [`track_var!(own ...)`](crate::track_var) makes one. A variable that is tracked in place can be moved out of
/// unseen; a `Tracked` cannot, so that what is recorded of it is exact: it was dropped, in so much time and with so many elements,
/// or given back by [`into_inner`](Tracked::into_inner).
///
/// It derefs to its value and has the value's common traits. A clone is another tracked value. Values made by
/// `Default`, `From` or `collect` are recorded at a common site, `Tracked`, as opaque ones: only where
/// the type is known is its content looked into.
///
/// Without the feature `on` it is the value alone, without a destructor of its own. With it, it has one, and so what the
/// value borrows must outlive it.
///
/// ```
/// let mut inbox = memscope::track_var!(own Vec::with_capacity(4));
/// inbox.push("a");
/// let letters = inbox.into_inner(); // recorded as moved out, with one element and room for four
/// assert_eq!(letters, ["a"]);
/// ```
pub struct Tracked<T> {
    value: ManuallyDrop<T>,
    life: Life<T>,
}

/// Where and as what the value is recorded.
struct Life<T> {
    site: &'static Site,
    look: fn(&T) -> Seen,
    /// The hook and the value's id; or the number of one that is left out; `None` if nothing is recorded of it.
    born: Option<(&'static Hook, u64)>,
}

impl<T> Life<T> {
    #[inline]
    fn begin(site: &'static Site, look: fn(&T) -> Seen, value: &T, origin: Option<u64>) -> Self {
        Self { site, look, born: hooks::born_tracked(site, &look(value), origin) }
    }
}

/// Makes a tracked value.
#[inline]
#[must_use = "a tracked value that nothing holds is dropped at once: write `let v = ...`"]
pub fn tracked<T, S: Sight<T>>(site: &'static Site, value: T, _: S) -> Tracked<T> {
    Tracked::at(site, S::see, value, None)
}

impl<T> Tracked<T> {
    /// Makes a tracked value, looked at in this way.
    #[inline]
    pub(super) fn at(
        site: &'static Site,
        look: fn(&T) -> Seen,
        value: T,
        origin: Option<u64>,
    ) -> Self {
        let life = Life::begin(site, look, &value, origin);
        Self { value: ManuallyDrop::new(value), life }
    }

    /// Makes a tracked value at the common site.
    pub(crate) fn unplaced(value: T) -> Self {
        // Not listed: a program that has no such value has no such site.
        static SITES: [Site; 1] = site::sites(concat!(
            module_path!(),
            "\nVariable\t\t1\t",
            file!(),
            "\t",
            line!(),
            "\t",
            column!(),
            "\t\tTracked"
        ));
        Self::at(&SITES[0], <u8 as Sight<T>>::see, value, None)
    }

    /// Gives the value back, which is recorded as moved out.
    #[inline]
    #[must_use = "to drop the value, drop the `Tracked`: then its drop is recorded"]
    pub fn into_inner(self) -> T {
        let mut this = ManuallyDrop::new(self);
        if let Some((hook, id)) = this.life.born {
            hooks::tracked_moves(hook, id, &(this.life.look)(&this.value));
        }
        // SAFETY: neither `this` nor its value is touched or dropped again.
        unsafe { ManuallyDrop::take(&mut this.value) }
    }

    /// The value.
    pub(crate) fn get(&self) -> &T {
        &self.value
    }

    /// The value.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// A clone of the value, recorded as one.
    pub(crate) fn cloned(&self) -> Self
    where
        T: Clone,
    {
        let origin = self.life.born.map_or(0, |(_, id)| id);
        Self::at(self.life.site, self.life.look, T::clone(&self.value), Some(origin))
    }
}

impl<T> Drop for Tracked<T> {
    #[inline]
    fn drop(&mut self) {
        /// Records the end also when the value's drop panics.
        struct End(Option<(&'static Hook, u64)>);
        impl Drop for End {
            fn drop(&mut self) {
                if let Some((hook, id)) = self.0 {
                    hooks::tracked_ends(hook, id);
                }
            }
        }
        if let Some((hook, id)) = self.life.born {
            hooks::tracked_drops(hook, id, &(self.life.look)(&self.value));
        }
        let _end = End(self.life.born);
        // SAFETY: the value is not touched again, and dropped only here.
        unsafe { ManuallyDrop::drop(&mut self.value) }
    }
}
