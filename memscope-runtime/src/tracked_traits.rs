//! What a [`Tracked`] value has of its value's traits.

use crate::Tracked;
use core::borrow::{Borrow, BorrowMut};
use core::cmp::Ordering;
use core::fmt;
use core::future::Future;
use core::hash::{Hash, Hasher};
use core::ops::{Deref, DerefMut};
use core::pin::Pin;
use core::task::{Context, Poll};
use std::error::Error;
use std::io;

impl<T> Deref for Tracked<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        self.get()
    }
}

impl<T> DerefMut for Tracked<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        self.get_mut()
    }
}

impl<T: Clone> Clone for Tracked<T> {
    #[inline]
    fn clone(&self) -> Self {
        self.cloned()
    }
}

impl<T: Default> Default for Tracked<T> {
    fn default() -> Self {
        Self::unplaced(T::default())
    }
}

impl<T> From<T> for Tracked<T> {
    fn from(value: T) -> Self {
        Self::unplaced(value)
    }
}

impl<T: fmt::Debug> fmt::Debug for Tracked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for Tracked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl<T: PartialEq> PartialEq for Tracked<T> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for Tracked<T> {}

impl<T: PartialOrd> PartialOrd for Tracked<T> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.get().partial_cmp(other.get())
    }
}

impl<T: Ord> Ord for Tracked<T> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.get().cmp(other.get())
    }
}

impl<T: Hash> Hash for Tracked<T> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.get().hash(state);
    }
}

impl<U: ?Sized, T: AsRef<U>> AsRef<U> for Tracked<T> {
    #[inline]
    fn as_ref(&self) -> &U {
        self.get().as_ref()
    }
}

impl<U: ?Sized, T: AsMut<U>> AsMut<U> for Tracked<T> {
    #[inline]
    fn as_mut(&mut self) -> &mut U {
        self.get_mut().as_mut()
    }
}

impl<T> Borrow<T> for Tracked<T> {
    #[inline]
    fn borrow(&self) -> &T {
        self.get()
    }
}

impl<T> BorrowMut<T> for Tracked<T> {
    #[inline]
    fn borrow_mut(&mut self) -> &mut T {
        self.get_mut()
    }
}

/// The value is moved out, and its iterator is no longer tracked.
impl<T: IntoIterator> IntoIterator for Tracked<T> {
    type Item = T::Item;
    type IntoIter = T::IntoIter;

    #[inline]
    fn into_iter(self) -> T::IntoIter {
        self.into_inner().into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Tracked<T>
where
    &'a T: IntoIterator,
{
    type Item = <&'a T as IntoIterator>::Item;
    type IntoIter = <&'a T as IntoIterator>::IntoIter;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        self.get().into_iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Tracked<T>
where
    &'a mut T: IntoIterator,
{
    type Item = <&'a mut T as IntoIterator>::Item;
    type IntoIter = <&'a mut T as IntoIterator>::IntoIter;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        self.get_mut().into_iter()
    }
}

impl<A, T: Extend<A>> Extend<A> for Tracked<T> {
    #[inline]
    fn extend<I: IntoIterator<Item = A>>(&mut self, items: I) {
        self.get_mut().extend(items);
    }
}

impl<A, T: FromIterator<A>> FromIterator<A> for Tracked<T> {
    fn from_iter<I: IntoIterator<Item = A>>(items: I) -> Self {
        Self::unplaced(items.into_iter().collect())
    }
}

impl<T: Error> Error for Tracked<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.get().source()
    }
}

impl<T: io::Read> io::Read for Tracked<T> {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.get_mut().read(buffer)
    }

    #[inline]
    fn read_vectored(&mut self, buffers: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
        self.get_mut().read_vectored(buffers)
    }
}

impl<T: io::Write> io::Write for Tracked<T> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.get_mut().write(bytes)
    }

    #[inline]
    fn write_vectored(&mut self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.get_mut().write_vectored(buffers)
    }

    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        self.get_mut().flush()
    }
}

/// A future that must stay in place is pinned in a `Box` first.
impl<T: Future + Unpin> Future for Tracked<T> {
    type Output = T::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T::Output> {
        Pin::new(Self::get_mut(Pin::into_inner(self))).poll(context)
    }
}

#[cfg(feature = "serde")]
impl<T: serde::Serialize> serde::Serialize for Tracked<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.get().serialize(serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Tracked<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::unplaced)
    }
}
