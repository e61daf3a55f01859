//! What values own in blocks of the heap, counted by going through them.
//!
//! Owned is what is freed when the value is dropped. A type without drop glue owns nothing, whatever it is; of what several
//! owners share nothing is counted; and what does not tell is counted as unknown.

mod library;

use super::inspect::FieldVisitor;
use super::inspect::Sight;

/// Blocks within blocks are followed so far: as deep as that a measurement takes stack.
const LEVELS: u32 = 64;

/// A type that tells what its values own.
///
/// Implemented for what the standard library has, and by [`track`](crate::track) for types.
pub trait Owns {
    /// Adds what the value owns. Runs no code of the user's, and allocates nothing.
    fn measure(&self, measure: &mut Measure);

    /// Adds what the elements of a container own, without the container's own block.
    #[inline]
    fn elements(&self, measure: &mut Measure) {
        self.measure(measure);
    }
}

/// What was found so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measure {
    /// Blocks of the heap.
    pub(super) blocks: u64,
    /// Bytes of them that hold something.
    pub(super) used: u64,
    /// Bytes of them.
    pub(super) room: u64,
    /// Values that do not tell, or not wholly, what they own.
    pub(super) unknown: u64,
    /// Handles whose content has several owners.
    pub(super) shared: u64,
    /// Whether some of it may be replaced while it is borrowed.
    pub(super) may_change: bool,
    /// Blocks that this one is within.
    level: u32,
}

impl Measure {
    /// Adds a block that has room for so many elements, if for any.
    #[inline]
    fn block_of<T>(&mut self, len: usize, capacity: usize) {
        let bytes = |elements: usize| (elements as u64).saturating_mul(size_of::<T>() as u64);
        // A vector of elements without size says that it has room for usize::MAX.
        if capacity != 0 && size_of::<T>() != 0 {
            self.blocks = self.blocks.saturating_add(1);
            self.used = self.used.saturating_add(bytes(len));
            self.room = self.room.saturating_add(bytes(capacity));
        }
    }

    /// Adds so many values that do not tell what they own.
    #[inline]
    pub(super) fn not_told(&mut self, values: u64) {
        self.unknown = self.unknown.saturating_add(values);
    }

    /// Adds a value of a type that does not tell what its values own: nothing, if there is no drop glue.
    #[inline]
    pub(super) fn opaque<T>(&mut self) {
        if const { core::mem::needs_drop::<T>() } {
            self.not_told(1);
        }
    }

    /// Says that a content may be replaced by whoever borrows it: by one that owns something, or by one that does not.
    #[inline]
    fn replaceable<T: ?Sized>(&mut self) {
        self.may_change |= const { core::mem::needs_drop::<T>() };
    }

    /// Adds a handle that shares what it refers to.
    #[inline]
    fn handle(&mut self) {
        self.shared = self.shared.saturating_add(1);
    }

    /// Adds what the values in a block own.
    #[inline]
    fn within<'a, T: Owns + ?Sized + 'a>(&mut self, values: impl IntoIterator<Item = &'a T>) {
        if const { core::mem::needs_drop::<T>() } {
            self.deeper(|measure| {
                for value in values {
                    value.measure(measure);
                }
            });
        }
    }

    /// Goes through what is in a block, or says that it did not: a list may be longer than a thread's stack is deep.
    #[inline]
    fn deeper(&mut self, go: impl FnOnce(&mut Self)) {
        if self.level == LEVELS {
            return self.not_told(1);
        }
        self.level += 1;
        go(self);
        self.level -= 1;
    }
}

/// An annotated type owns what its fields do.
impl FieldVisitor for Measure {
    #[inline]
    fn field<T, S: Sight<T>>(&mut self, _: u32, field: &T, _: S) {
        S::measure(field, self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;
    use std::cell::{OnceCell, RefCell};
    use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet, VecDeque};
    use std::mem::ManuallyDrop;
    use std::num::Wrapping;
    use std::rc::Rc;
    use std::sync::{Arc, Mutex, OnceLock};

    /// Blocks, used and room, of which nothing is unknown or shared.
    fn own<T: Owns>(value: &T) -> (u64, u64, u64) {
        let measure = whole(value);
        assert_eq!((measure.unknown, measure.shared), (0, 0));
        (measure.blocks, measure.used, measure.room)
    }

    fn elements<T: Owns>(value: &T) -> (u64, u64, u64) {
        let mut measure = Measure::default();
        value.elements(&mut measure);
        assert_eq!((measure.unknown, measure.shared, measure.level), (0, 0, 0));
        (measure.blocks, measure.used, measure.room)
    }

    fn whole<T: Owns>(value: &T) -> Measure {
        let mut measure = Measure::default();
        value.measure(&mut measure);
        assert_eq!(measure.level, 0);
        measure
    }

    fn text(len: usize, capacity: usize) -> String {
        let mut text = String::with_capacity(capacity);
        text.push_str(&"x".repeat(len));
        assert_eq!(text.capacity(), capacity);
        text
    }

    #[test]
    fn a_block_counts_with_its_use_and_its_room() {
        assert_eq!(own(&7_u64), (0, 0, 0));
        assert_eq!(own(&text(3, 10)), (1, 3, 10));
        assert_eq!(own(&String::new()), (0, 0, 0));
        let mut words = Vec::<u32>::with_capacity(6);
        words.push(1);
        assert_eq!(own(&words), (1, 4, 24));
        assert_eq!(own(&vec![(); 9]), (0, 0, 0), "elements without size take no block");
        assert_eq!(own(&Box::new([0_u8; 5])), (1, 5, 5));
        assert_eq!(own(&Box::new(())), (0, 0, 0));
        assert_eq!(own(&"abc".to_owned().into_boxed_str()), (1, 3, 3));
        assert_eq!(own(&std::path::PathBuf::from("abcd")), (1, 4, 4));
        assert_eq!(own(&std::ffi::CString::from(c"abcd")), (1, 5, 5));
    }

    #[test]
    fn elements_are_gone_through_at_every_depth() {
        let nested = vec![vec![text(1, 4), text(2, 4)], vec![], vec![text(0, 0), text(3, 8)]];
        // Two vectors of two strings each, and three strings with a block.
        let strings = 4 * size_of::<String>() as u64;
        assert_eq!(elements(&nested), (5, strings + 6, strings + 16));
        let (blocks, used, room) = own(&nested);
        let outer = 3 * size_of::<Vec<String>>() as u64;
        assert_eq!((blocks, used), (6, strings + 6 + outer));
        assert_eq!(room, strings + 16 + (nested.capacity() * size_of::<Vec<String>>()) as u64);
    }

    #[test]
    fn every_form_of_a_value_tells_what_it_holds() {
        assert_eq!(own(&(text(1, 2), 5_u8, text(3, 4))), (2, 4, 6));
        assert_eq!(own(&[Some(text(1, 2)), None]), (1, 1, 2));
        assert_eq!(own(&Ok::<String, Box<u64>>(text(1, 2))), (1, 1, 2));
        assert_eq!(own(&Err::<String, Box<u64>>(Box::new(1))), (1, 8, 8));
        assert_eq!(own(&Cow::<str>::Owned(text(1, 2))), (1, 1, 2));
        assert_eq!(own(&Cow::Borrowed("abc")), (0, 0, 0));
        assert_eq!(own(&&text(1, 2)), (0, 0, 0), "a reference owns nothing");
        assert_eq!(own(&VecDeque::from(vec![text(1, 2)])), {
            let bytes = size_of::<String>() as u64;
            (2, bytes + 1, bytes + 2)
        });
        assert_eq!(own(&BinaryHeap::from(vec![1_u16, 2])), (1, 4, 4));
        assert_eq!(own(&RefCell::new(text(1, 2))), (1, 1, 2));
        assert_eq!(own(&OnceCell::from(text(1, 2))), (1, 1, 2));
        assert_eq!(own(&OnceLock::from(text(1, 2))), (1, 1, 2));
        assert_eq!(own(&(text(1, 2)..text(3, 4))), (2, 4, 6));
        assert_eq!(own(&Wrapping(1)), (0, 0, 0));
        assert_eq!(own(&std::cmp::Reverse(text(1, 2))), (1, 1, 2));
        assert_eq!(own(&ManuallyDrop::new(Box::new(1))).0, 0, "it is not freed with it");
    }

    #[test]
    fn tables_count_the_room_for_their_elements() {
        let mut map = HashMap::<u64, Box<[u8]>>::new();
        assert_eq!(own(&map), (0, 0, 0));
        map.insert(1, vec![0; 7].into());
        map.insert(2, vec![0; 9].into());
        let entry = size_of::<(u64, Box<[u8]>)>() as u64;
        assert_eq!(elements(&map), (2, 16, 16));
        assert_eq!(own(&map), (3, 16 + 2 * entry, 16 + map.capacity() as u64 * entry));
        let set = HashSet::from([text(1, 2)]);
        let (blocks, used, _) = own(&set);
        assert_eq!((blocks, used), (2, 1 + size_of::<String>() as u64));
    }

    #[test]
    fn a_tree_tells_its_elements_and_not_its_nodes() {
        let tree = BTreeMap::from([(1_u8, text(1, 2)), (2, text(3, 4))]);
        assert_eq!(elements(&tree), (2, 4, 6));
        let all = whole(&tree);
        assert_eq!((all.blocks, all.used, all.room, all.unknown), (2, 4, 6, 1));
    }

    #[test]
    fn what_is_shared_is_not_counted_twice_nor_followed() {
        let shared = Rc::new(text(1, 2));
        let handles = vec![Rc::clone(&shared), shared];
        let measure = whole(&handles);
        assert_eq!((measure.blocks, measure.shared, measure.unknown), (1, 2, 0));
        assert_eq!(whole(&Arc::<str>::from("abc")).shared, 1);

        struct Ring(RefCell<Option<Rc<Ring>>>);
        impl Owns for Ring {
            fn measure(&self, measure: &mut Measure) {
                self.0.measure(measure);
            }
        }
        let ring = Rc::new(Ring(RefCell::new(None)));
        *ring.0.borrow_mut() = Some(Rc::clone(&ring));
        assert_eq!(whole(&*ring).shared, 1, "a cycle is not followed");
        ring.0.take();
    }

    #[test]
    fn what_does_not_tell_is_unknown_and_never_nothing() {
        assert_eq!(whole(&Mutex::new(text(1, 2))).unknown, 1);
        assert_eq!(whole(&vec![Mutex::new(text(1, 2)), Mutex::default()]).unknown, 2);
        let borrowed = RefCell::new(text(1, 2));
        let _held = borrowed.borrow_mut();
        assert_eq!(whole(&borrowed).unknown, 1);
    }

    #[test]
    fn a_list_longer_than_the_stack_is_deep_is_followed_so_far() {
        struct Link(Option<Box<Link>>);
        impl Owns for Link {
            fn measure(&self, measure: &mut Measure) {
                self.0.measure(measure);
            }
        }
        let mut list = Link(None);
        for _ in 0..10_000 {
            list = Link(Some(Box::new(list)));
        }
        let measure = whole(&list);
        assert_eq!((measure.blocks, measure.unknown), (u64::from(LEVELS) + 1, 1));
        while let Some(next) = list.0.take() {
            list = *next;
        }
    }
}
