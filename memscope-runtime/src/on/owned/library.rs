//! What the values of the standard library own.

use super::{Measure, Owns};
use crate::{Probe, Trackable, Tracked};
use core::cell::{Cell, OnceCell, RefCell, UnsafeCell};
use core::ffi::CStr;
use core::marker::{PhantomData, PhantomPinned};
use core::mem::{ManuallyDrop, MaybeUninit, needs_drop, size_of_val};
use core::num::{NonZero, Wrapping};
use core::sync::atomic;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::ffi::{CString, OsStr, OsString};
use std::net;
use std::path::{Path, PathBuf};
use std::rc::{self, Rc};
use std::sync::{self, Arc, Mutex, OnceLock, RwLock};
use std::time::{Duration, Instant, SystemTime};

/// Values that own nothing, each with the parameters of its type.
macro_rules! plain {
    ($(($($parameters:tt)*) $plain:ty),* $(,)?) => {$(
        impl<$($parameters)*> Owns for $plain {
            #[inline]
            fn measure(&self, _: &mut Measure) {}
        }
    )*};
}

/// Numbers, also where they cannot be 0.
macro_rules! numbers {
    ($($number:ident)*) => { plain! { $(() $number, () NonZero<$number>),* } };
}

numbers! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

macro_rules! atomics {
    ($($atomic:ident)*) => { plain! { $(() atomic::$atomic),* } };
}

atomics! {
    AtomicBool AtomicU8 AtomicU16 AtomicU32 AtomicU64 AtomicUsize
    AtomicI8 AtomicI16 AtomicI32 AtomicI64 AtomicIsize
}

plain! {
    () (),
    () bool,
    () char,
    () f32,
    () f64,
    () str,
    () CStr,
    () OsStr,
    () Path,
    () Duration,
    () Instant,
    () SystemTime,
    () net::IpAddr,
    () net::Ipv4Addr,
    () net::Ipv6Addr,
    () net::SocketAddr,
    () net::SocketAddrV4,
    () net::SocketAddrV6,
    () core::any::TypeId,
    () core::cmp::Ordering,
    () std::thread::ThreadId,
    () PhantomPinned,
    (T: ?Sized) PhantomData<T>,
    (T) atomic::AtomicPtr<T>,
    (T: ?Sized) &T,
    (T: ?Sized) &mut T,
    (T: ?Sized) *const T,
    (T: ?Sized) *mut T,
    (R) fn() -> R,
    (A, R) fn(A) -> R,
    (A, B, R) fn(A, B) -> R,
    (A, B, C, R) fn(A, B, C) -> R,
    // They are dropped without what they hold.
    (T: ?Sized) ManuallyDrop<T>,
    (T) MaybeUninit<T>,
}

impl<T: Trackable> Owns for Probe<T> {
    #[inline]
    fn measure(&self, _: &mut Measure) {}
}

impl<T: Owns> Owns for Tracked<T> {
    #[inline]
    fn measure(&self, measure: &mut Measure) {
        self.get().measure(measure);
    }
}

/// Values whose content cannot be looked at without changing what the program can see, such as a lock.
macro_rules! closed {
    ($($closed:ident)*) => {$(
        impl<T> Owns for $closed<T> {
            #[inline]
            fn measure(&self, measure: &mut Measure) {
                measure.opaque::<Self>();
            }
        }
    )*};
}

closed! { Cell UnsafeCell Mutex RwLock }

impl<T: Owns + ?Sized> Owns for RefCell<T> {
    #[inline]
    fn measure(&self, measure: &mut Measure) {
        measure.replaceable::<T>();
        match self.try_borrow() {
            Ok(content) => content.measure(measure),
            Err(_) => measure.not_told(1),
        }
    }
}

impl<T: Owns> Owns for OnceCell<T> {
    #[inline]
    fn measure(&self, measure: &mut Measure) {
        measure.replaceable::<T>();
        if let Some(value) = self.get() {
            value.measure(measure);
        }
    }
}

impl<T: Owns> Owns for OnceLock<T> {
    #[inline]
    fn measure(&self, measure: &mut Measure) {
        measure.replaceable::<T>();
        if let Some(value) = self.get() {
            value.measure(measure);
        }
    }
}

impl<T: Owns> Owns for Wrapping<T> {
    #[inline]
    fn measure(&self, measure: &mut Measure) {
        self.0.measure(measure);
    }
}

impl<T: Owns> Owns for core::cmp::Reverse<T> {
    #[inline]
    fn measure(&self, measure: &mut Measure) {
        self.0.measure(measure);
    }
}

impl<T: Owns> Owns for core::ops::Range<T> {
    #[inline]
    fn measure(&self, measure: &mut Measure) {
        self.start.measure(measure);
        self.end.measure(measure);
    }
}

impl<T: Owns> Owns for Option<T> {
    #[inline]
    fn measure(&self, measure: &mut Measure) {
        if let Some(value) = self {
            value.measure(measure);
        }
    }
}

impl<T: Owns, E: Owns> Owns for Result<T, E> {
    #[inline]
    fn measure(&self, measure: &mut Measure) {
        match self {
            Ok(value) => value.measure(measure),
            Err(value) => value.measure(measure),
        }
    }
}

impl<B: ToOwned + ?Sized> Owns for Cow<'_, B>
where
    B::Owned: Owns,
{
    #[inline]
    fn measure(&self, measure: &mut Measure) {
        if let Self::Owned(value) = self {
            value.measure(measure);
        }
    }
}

impl<T: Owns> Owns for [T] {
    #[inline]
    fn measure(&self, measure: &mut Measure) {
        if const { needs_drop::<T>() } {
            for value in self {
                value.measure(measure);
            }
        }
    }
}

impl<T: Owns, const N: usize> Owns for [T; N] {
    #[inline]
    fn measure(&self, measure: &mut Measure) {
        self.as_slice().measure(measure);
    }
}

macro_rules! tuples {
    ($(($($element:ident)+))*) => {$(
        impl<$($element: Owns),+> Owns for ($($element,)+) {
            #[inline]
            #[expect(non_snake_case, reason = "each variable is called as its type")]
            fn measure(&self, measure: &mut Measure) {
                let ($($element,)+) = self;
                $($element.measure(measure);)+
            }
        }
    )*};
}

tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
    (A B C D E F G H I) (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L)
}

/// Texts: their bytes, and the room for them.
macro_rules! texts {
    ($($text:ty: |$this:ident| $len:expr, $capacity:expr;)*) => {$(
        impl Owns for $text {
            #[inline]
            fn measure(&self, measure: &mut Measure) {
                let $this = self;
                measure.block_of::<u8>($len, $capacity);
            }

            #[inline]
            fn elements(&self, _: &mut Measure) {}
        }
    )*};
}

texts! {
    String: |this| this.len(), this.capacity();
    OsString: |this| this.len(), this.capacity();
    PathBuf: |this| this.as_os_str().len(), this.capacity();
    CString: |this| this.count_bytes() + 1, this.count_bytes() + 1;
}

/// Containers: the number of their elements, the room for them, what they are, and how to go through them.
macro_rules! containers {
    ($(($($parameters:tt)*) $container:ty: $element:ty,
        |$this:ident, $measure:ident| $len:expr, $capacity:expr, $elements:expr;)*) => {$(
        impl<$($parameters)*> Owns for $container {
            #[inline]
            fn measure(&self, $measure: &mut Measure) {
                let $this = self;
                $measure.block_of::<$element>($len, $capacity);
                $elements
            }

            #[inline]
            fn elements(&self, $measure: &mut Measure) {
                let $this = self;
                $elements
            }
        }
    )*};
}

containers! {
    (T: Owns) Vec<T>: T, |this, measure| this.len(), this.capacity(), measure.within(this);
    (T: Owns) VecDeque<T>: T, |this, measure| this.len(), this.capacity(), measure.within(this);
    (T: Owns) BinaryHeap<T>: T, |this, measure| this.len(), this.capacity(), measure.within(this);
    (K: Owns, V: Owns, S) HashMap<K, V, S>: (K, V), |this, measure| this.len(), this.capacity(), {
        measure.within(this.keys());
        measure.within(this.values());
        measure.opaque::<S>();
    };
    (K: Owns, S) HashSet<K, S>: K, |this, measure| this.len(), this.capacity(), {
        measure.within(this);
        measure.opaque::<S>();
    };
}

/// How many nodes a tree has, and how large they are, it does not tell; nor does an empty one, whether it has any.
impl<K: Owns, V: Owns> Owns for BTreeMap<K, V> {
    #[inline]
    fn measure(&self, measure: &mut Measure) {
        measure.not_told(1);
        self.elements(measure);
    }

    #[inline]
    fn elements(&self, measure: &mut Measure) {
        measure.within(self.keys());
        measure.within(self.values());
    }
}

impl<K: Owns> Owns for BTreeSet<K> {
    #[inline]
    fn measure(&self, measure: &mut Measure) {
        measure.not_told(1);
        self.elements(measure);
    }

    #[inline]
    fn elements(&self, measure: &mut Measure) {
        measure.within(self);
    }
}

impl<T: Owns + ?Sized> Owns for Box<T> {
    #[inline]
    fn measure(&self, measure: &mut Measure) {
        let bytes = size_of_val::<T>(self);
        measure.block_of::<u8>(bytes, bytes);
        self.elements(measure);
    }

    #[inline]
    fn elements(&self, measure: &mut Measure) {
        measure.within([&**self]);
    }
}

/// Handles of what several owners share.
macro_rules! handles {
    ($($handle:path)*) => {$(
        impl<T: ?Sized> Owns for $handle {
            #[inline]
            fn measure(&self, measure: &mut Measure) {
                measure.handle();
            }
        }
    )*};
}

handles! { Rc<T> Arc<T> rc::Weak<T> sync::Weak<T> }
