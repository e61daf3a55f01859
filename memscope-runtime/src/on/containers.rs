//! The standard library's containers: what each tells of itself, read by its public methods alone.

use super::inspect::{Reading, Trackable};
use super::shape::Shape;
use core::mem::needs_drop;
use memscope_format::defs::{ContainerDef, ContainerKind};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

/// A container of elements of `element` bytes.
const fn shape(kind: ContainerKind, element: usize) -> Shape {
    let element_size = if element > u32::MAX as usize { u32::MAX } else { element as u32 };
    Shape::Container(ContainerDef { kind, element_size })
}

/// The address of a heap block of so many bytes; 0 if nothing was allocated.
#[inline(always)]
fn address<T: ?Sized>(pointer: *const T, bytes: usize) -> u64 {
    if bytes == 0 { 0 } else { pointer.cast::<u8>().addr() as u64 }
}

impl<T> Trackable for Vec<T> {
    const SHAPE: Shape = shape(ContainerKind::Vec, size_of::<T>());
    const ELEMENTS_OWN: bool = needs_drop::<T>();

    #[inline(always)]
    fn read(&self) -> Reading {
        // A vector of zero-sized elements reports usize::MAX and never allocates.
        let capacity = if size_of::<T>() == 0 { self.len() } else { self.capacity() };
        Reading {
            len: self.len() as u64,
            capacity: capacity as u64,
            addr: address(self.as_ptr(), capacity * size_of::<T>()),
        }
    }
}

impl Trackable for String {
    const SHAPE: Shape = shape(ContainerKind::String, 1);
    const ELEMENTS_OWN: bool = false;

    #[inline(always)]
    fn read(&self) -> Reading {
        Reading {
            len: self.len() as u64,
            capacity: self.capacity() as u64,
            addr: address(self.as_ptr(), self.capacity()),
        }
    }
}

impl<K, V, S> Trackable for HashMap<K, V, S> {
    const SHAPE: Shape = shape(ContainerKind::HashMap, size_of::<(K, V)>());
    const ELEMENTS_OWN: bool = needs_drop::<(K, V)>();

    #[inline(always)]
    fn read(&self) -> Reading {
        Reading { len: self.len() as u64, capacity: self.capacity() as u64, addr: 0 }
    }
}

impl<K, V> Trackable for BTreeMap<K, V> {
    const SHAPE: Shape = shape(ContainerKind::BTreeMap, size_of::<(K, V)>());
    const ELEMENTS_OWN: bool = needs_drop::<(K, V)>();

    #[inline(always)]
    fn read(&self) -> Reading {
        Reading { len: self.len() as u64, capacity: 0, addr: 0 }
    }
}

impl<T> Trackable for VecDeque<T> {
    const SHAPE: Shape = shape(ContainerKind::VecDeque, size_of::<T>());
    const ELEMENTS_OWN: bool = needs_drop::<T>();

    #[inline(always)]
    fn read(&self) -> Reading {
        let capacity = if size_of::<T>() == 0 { self.len() } else { self.capacity() };
        // Only the address of the first element can be had, which is not that of the block.
        Reading { len: self.len() as u64, capacity: capacity as u64, addr: 0 }
    }
}

impl<T> Trackable for Box<T> {
    const SHAPE: Shape = shape(ContainerKind::Box, size_of::<T>());
    const ELEMENTS_OWN: bool = needs_drop::<T>();

    #[inline(always)]
    fn read(&self) -> Reading {
        Reading { len: 1, capacity: 1, addr: address(&raw const **self, size_of::<T>()) }
    }
}

impl<T> Trackable for Box<[T]> {
    const SHAPE: Shape = shape(ContainerKind::Box, size_of::<T>());
    const ELEMENTS_OWN: bool = needs_drop::<T>();

    #[inline(always)]
    fn read(&self) -> Reading {
        let len = self.len() as u64;
        Reading { len, capacity: len, addr: address(self.as_ptr(), size_of_val::<[T]>(self)) }
    }
}

impl Trackable for Box<str> {
    const SHAPE: Shape = shape(ContainerKind::Box, 1);
    const ELEMENTS_OWN: bool = false;

    #[inline(always)]
    fn read(&self) -> Reading {
        let len = self.len() as u64;
        Reading { len, capacity: len, addr: address(self.as_ptr(), self.len()) }
    }
}

/// Implements the counted handles for contents of every kind: their block is never empty, since it holds the counts.
macro_rules! counted {
    ($($handle:ident => $content:ty, $element:expr, ($($generic:tt)*);)*) => {$(
        impl<$($generic)*> Trackable for $handle<$content> {
            const SHAPE: Shape = shape(ContainerKind::$handle, $element);

            #[inline(always)]
            fn read(&self) -> Reading {
                Reading {
                    len: $handle::strong_count(self) as u64,
                    capacity: $handle::weak_count(self) as u64,
                    addr: $handle::as_ptr(self).cast::<u8>().addr() as u64,
                }
            }
        }
    )*};
}

counted! {
    Rc => T, size_of::<T>(), (T);
    Rc => [T], size_of::<T>(), (T);
    Rc => str, 1, ();
    Arc => T, size_of::<T>(), (T);
    Arc => [T], size_of::<T>(), (T);
    Arc => str, 1, ();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(reading: Reading) -> (u64, u64) {
        (reading.len, reading.capacity)
    }

    #[test]
    fn vectors_and_strings_tell_length_capacity_and_block() {
        let mut vector = Vec::<u16>::with_capacity(10);
        vector.push(7);
        let reading = vector.read();
        assert_eq!(words(reading), (1, vector.capacity() as u64));
        assert_eq!(reading.addr, vector.as_ptr().addr() as u64);
        assert_eq!(Vec::<u16>::SHAPE.container().map(|c| c.element_size), Some(2));
        assert_eq!(Vec::<u16>::new().read().addr, 0, "nothing is allocated");
        assert_eq!(vec![(), ()].read().addr, 0, "zero-sized elements take no block");
        let string = String::from("abc");
        assert_eq!(words(string.read()), (3, 3));
    }

    #[test]
    fn counted_handles_tell_their_counts() {
        let handle = Rc::new(5_u64);
        let other = Rc::clone(&handle);
        let weak = Rc::downgrade(&handle);
        assert_eq!(words(handle.read()), (2, 1));
        assert_eq!(handle.read().addr, other.read().addr);
        drop((other, weak));
        assert_eq!(words(handle.read()), (1, 0));
        assert_eq!(words(Arc::<str>::from("abc").read()), (1, 0));
    }

    #[test]
    fn maps_tell_what_they_know() {
        let tree = BTreeMap::from([(1, 2)]);
        assert_eq!(words(tree.read()), (1, 0));
        let map = HashMap::from([(1_u8, 2_u32)]);
        assert_eq!(words(map.read()), (1, map.capacity() as u64));
        assert_eq!(HashMap::<u8, u32>::SHAPE.container().map(|c| c.element_size), Some(8));
    }
}
