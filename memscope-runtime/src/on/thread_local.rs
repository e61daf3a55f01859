//! Thread-locals: the value of each thread, from its making to the thread's end.

use super::content::{Contents, Follow};
use super::inspect::Sight;
use super::site::Site;
use super::tracked::Tracked;
use core::cell::{Cell, RefCell};
use core::fmt;
use memscope_format::rows::SnapshotReason;
use std::thread::{AccessError, LocalKey};

/// The value of a thread. Its birth and its drop are recorded as those of any [`Tracked`], and before the drop the containers in it.
pub struct Held<T> {
    // Dropped after `drop` has looked at it.
    value: Tracked<T>,
    site: &'static Site,
    show: fn(&T, Contents),
}

impl<T> Held<T> {
    /// Makes the value, unless one was set `first`.
    pub fn make<S: Sight<T>, F: Follow<T>>(
        site: &'static Site,
        first: &'static LocalKey<Cell<Option<T>>>,
        init: impl FnOnce() -> T,
        _: S,
        _: F,
    ) -> Self {
        let value = first.take().unwrap_or_else(init);
        // A container's own state is recorded with its end.
        let show = if S::SHAPE.container().is_some() { |_: &T, _| {} } else { F::follow };
        Self { value: Tracked::at(site, S::see, value, None), site, show }
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        (self.show)(&self.value, Contents::at(self.site, SnapshotReason::Drop));
    }
}

impl<T> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("site", self.site).finish_non_exhaustive()
    }
}

/// What an annotated thread-local is with hooks on: it has all stable methods of [`LocalKey`], and is none.
pub struct ThreadLocal<T: 'static> {
    value: &'static LocalKey<Held<T>>,
    /// What `set` gives a thread that has no value yet, so that none need be made before.
    first: &'static LocalKey<Cell<Option<T>>>,
}

impl<T: 'static> ThreadLocal<T> {
    /// Wraps the two.
    #[must_use]
    pub const fn new(
        value: &'static LocalKey<Held<T>>,
        first: &'static LocalKey<Cell<Option<T>>>,
    ) -> Self {
        Self { value, first }
    }

    /// As [`LocalKey::with`].
    pub fn with<F: FnOnce(&T) -> R, R>(&'static self, run: F) -> R {
        self.value.with(|held| run(&held.value))
    }

    /// As [`LocalKey::try_with`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn try_with<F: FnOnce(&T) -> R, R>(&'static self, run: F) -> Result<R, AccessError> {
        self.value.try_with(|held| run(&held.value))
    }

    /// Gives a thread that has no value yet this one; returns it if it has one.
    fn begin_with(&'static self, value: T) -> Option<T> {
        self.first.set(Some(value));
        self.with(|_| self.first.take())
    }
}

impl<T: 'static> ThreadLocal<Cell<T>> {
    /// As [`LocalKey::set`].
    pub fn set(&'static self, value: T) {
        if let Some(unused) = self.begin_with(Cell::new(value)) {
            self.with(|cell| cell.set(unused.into_inner()));
        }
    }

    /// As [`LocalKey::get`].
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// As [`LocalKey::take`].
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// As [`LocalKey::replace`].
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> ThreadLocal<RefCell<T>> {
    /// As [`LocalKey::with_borrow`].
    pub fn with_borrow<F: FnOnce(&T) -> R, R>(&'static self, run: F) -> R {
        self.with(|cell| run(&cell.borrow()))
    }

    /// As [`LocalKey::with_borrow_mut`].
    pub fn with_borrow_mut<F: FnOnce(&mut T) -> R, R>(&'static self, run: F) -> R {
        self.with(|cell| run(&mut cell.borrow_mut()))
    }

    /// As [`LocalKey::set`].
    pub fn set(&'static self, value: T) {
        if let Some(unused) = self.begin_with(RefCell::new(value)) {
            self.with(|cell| *cell.borrow_mut() = unused.into_inner());
        }
    }

    /// As [`LocalKey::take`].
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(RefCell::take)
    }

    /// As [`LocalKey::replace`].
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> fmt::Debug for ThreadLocal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadLocal").finish_non_exhaustive()
    }
}
