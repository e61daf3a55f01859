//! A key-value store that forgets the values that were not used for longest.
//!
//! The entries form a list from the newest to the oldest. Each holds the next older one, so cutting the list frees
//! all that is behind the cut. The links back are weak - unless [`BackLinks::Strong`] asks for the classic mistake:
//! then two neighbours hold each other, and what is cut off is never freed.

use memscope::Probe;
use memscope_examples::census::{Census, Counted, Tally};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};

/// What the link from an entry to the next newer one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BackLinks {
    Weak,
    Strong,
}

/// A value and its place in the list.
#[memscope::track]
#[derive(Debug)]
pub(crate) struct Entry {
    key: Rc<str>,
    value: RefCell<Vec<u8>>,
    newer: RefCell<Newer>,
    older: RefCell<Option<Rc<Entry>>>,
    _counted: Counted<Self>,
    _probe: Probe<Self>,
}

#[derive(Debug, Default)]
enum Newer {
    #[default]
    None,
    Weak(Weak<Entry>),
    Strong(Rc<Entry>),
}

impl Newer {
    fn get(&self) -> Option<Rc<Entry>> {
        match self {
            Self::None => None,
            Self::Weak(entry) => entry.upgrade(),
            Self::Strong(entry) => Some(Rc::clone(entry)),
        }
    }
}

impl Entry {
    fn new(key: &Rc<str>) -> Rc<Self> {
        Rc::new(Self {
            key: Rc::clone(key),
            value: RefCell::default(),
            newer: RefCell::default(),
            older: RefCell::default(),
            _probe: Probe::new(),
            _counted: Counted::new(),
        })
    }

    /// Bytes that count against the store's capacity.
    fn bytes(&self) -> usize {
        self.key.len() + self.value.borrow().len()
    }
}

impl Census for Entry {
    fn tally() -> &'static Tally {
        static TALLY: Tally = Tally::new("Entry");
        &TALLY
    }
}

/// What a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) entries: usize,
    /// Bytes of keys and values.
    pub(crate) bytes: usize,
    /// Bytes that the values have room for.
    pub(crate) reserved: usize,
    /// Bytes of those that hold nothing.
    pub(crate) unused: usize,
}

/// The store.
#[derive(Debug)]
pub(crate) struct Store {
    entries: HashMap<Rc<str>, Rc<Entry>>,
    newest: Option<Rc<Entry>>,
    oldest: Weak<Entry>,
    back_links: BackLinks,
    /// Bytes of keys and values.
    bytes: usize,
    capacity: usize,
    pub(crate) evicted: u64,
}

impl Store {
    /// A full store makes room by an eighth of its capacity, so that it does not evict at every write.
    const ROOM: usize = 8;
    /// Entries cut off at a time: they free each other one inside the other, on the stack.
    const CUT_MAX: usize = 64;

    pub(crate) fn new(capacity: usize, back_links: BackLinks) -> Self {
        Self {
            entries: HashMap::new(),
            newest: None,
            oldest: Weak::new(),
            back_links,
            bytes: 0,
            capacity,
            evicted: 0,
        }
    }

    /// Returns the length of a value and makes it the newest.
    pub(crate) fn get(&mut self, key: &str) -> Option<usize> {
        let entry = Rc::clone(self.entries.get(key)?);
        self.unlink(&entry);
        self.link_newest(&entry);
        let bytes = entry.value.borrow().len();
        Some(bytes)
    }

    pub(crate) fn put(&mut self, key: &str, value: Vec<u8>) {
        self.write(key, |old| *old = value);
    }

    pub(crate) fn append(&mut self, key: &str, more: &[u8]) {
        self.write(key, |value| value.extend_from_slice(more));
    }

    pub(crate) fn remove(&mut self, key: &str) -> bool {
        let Some(entry) = self.entries.remove(key) else { return false };
        self.unlink(&entry);
        self.bytes -= entry.bytes();
        true
    }

    pub(crate) fn usage(&self) -> Usage {
        let mut usage =
            Usage { entries: self.entries.len(), bytes: self.bytes, reserved: 0, unused: 0 };
        memscope::snapshot!(self.entries);
        for entry in self.entries.values() {
            let value = entry.value.borrow();
            memscope::snapshot!(*value);
            usage.reserved += value.capacity();
            usage.unused += value.capacity() - value.len();
        }
        usage
    }

    fn write(&mut self, key: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let entry = match self.entries.get(key) {
            Some(entry) => {
                let entry = Rc::clone(entry);
                self.bytes -= entry.bytes();
                self.unlink(&entry);
                entry
            }
            None => {
                let key: Rc<str> = key.into();
                let entry = Entry::new(&key);
                self.entries.insert(key, Rc::clone(&entry));
                entry
            }
        };
        change(&mut entry.value.borrow_mut());
        self.bytes += entry.bytes();
        self.link_newest(&entry);
        if self.bytes > self.capacity {
            self.evict();
        }
    }

    /// Forgets the oldest entries, but never the newest.
    #[memscope::track]
    fn evict(&mut self) {
        let keep = self.capacity - self.capacity / Self::ROOM;
        while self.bytes > keep {
            // Walks back from the oldest to the last entry that stays.
            let mut last = self.oldest.upgrade();
            for _ in 0..Self::CUT_MAX {
                let Some(entry) = last.take() else { return };
                let Some(newer) = entry.newer.borrow().get() else {
                    last = Some(entry);
                    break;
                };
                self.bytes -= entry.bytes();
                self.entries.remove(&entry.key);
                self.evicted += 1;
                last = Some(newer);
                if self.bytes <= keep {
                    break;
                }
            }
            let Some(last) = last else { return };
            self.oldest = Rc::downgrade(&last);
            let cut_off = last.older.borrow_mut().take();
            if cut_off.is_none() {
                return;
            }
        }
    }

    fn unlink(&mut self, entry: &Rc<Entry>) {
        let newer = entry.newer.take();
        let older = entry.older.take();
        match (&older, newer.get()) {
            (Some(older), _) => *older.newer.borrow_mut() = Newer::None,
            (None, Some(newer)) => self.oldest = Rc::downgrade(&newer),
            (None, None) => self.oldest = Weak::new(),
        }
        match newer.get() {
            Some(newer) => {
                if let Some(older) = &older {
                    *older.newer.borrow_mut() = self.back_link(&newer);
                }
                *newer.older.borrow_mut() = older;
            }
            None => self.newest = older,
        }
    }

    fn link_newest(&mut self, entry: &Rc<Entry>) {
        let older = self.newest.replace(Rc::clone(entry));
        match &older {
            Some(older) => *older.newer.borrow_mut() = self.back_link(entry),
            None => self.oldest = Rc::downgrade(entry),
        }
        *entry.older.borrow_mut() = older;
    }

    fn back_link(&self, entry: &Rc<Entry>) -> Newer {
        match self.back_links {
            BackLinks::Weak => Newer::Weak(Rc::downgrade(entry)),
            BackLinks::Strong => Newer::Strong(Rc::clone(entry)),
        }
    }
}

impl Drop for Store {
    /// Takes the list apart from its newest entry on. Left to themselves the entries would be dropped one inside the
    /// other, and a long list would overflow the stack.
    fn drop(&mut self) {
        let mut newest = self.newest.take();
        while let Some(entry) = newest {
            entry.newer.take();
            newest = entry.older.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys from the newest to the oldest, and the same read backwards.
    fn keys(store: &Store) -> (Vec<String>, Vec<String>) {
        let mut forwards = Vec::new();
        let mut next = store.newest.clone();
        while let Some(entry) = next {
            forwards.push(entry.key.to_string());
            next = entry.older.borrow().clone();
        }
        let mut backwards = Vec::new();
        let mut next = store.oldest.upgrade();
        while let Some(entry) = next {
            backwards.push(entry.key.to_string());
            next = entry.newer.borrow().get();
        }
        (forwards, backwards)
    }

    fn assert_order(store: &Store, newest_first: &[&str]) {
        let (forwards, mut backwards) = keys(store);
        assert_eq!(forwards, newest_first);
        backwards.reverse();
        assert_eq!(backwards, newest_first);
        let mut held: Vec<_> = store.entries.keys().map(|key| &**key).collect();
        held.sort_unstable();
        let mut listed = newest_first.to_vec();
        listed.sort_unstable();
        assert_eq!(held, listed);
    }

    #[test]
    fn use_renews_in_every_position() {
        for back_links in [BackLinks::Weak, BackLinks::Strong] {
            let mut store = Store::new(1_000, back_links);
            for key in ["a", "b", "c"] {
                store.put(key, vec![0; 10]);
            }
            assert_order(&store, &["c", "b", "a"]);
            assert_eq!(store.get("b"), Some(10));
            assert_order(&store, &["b", "c", "a"]);
            store.append("a", b"xyz");
            assert_order(&store, &["a", "b", "c"]);
            assert_eq!(store.get("a"), Some(13));
            assert_order(&store, &["a", "b", "c"]);
            assert!(store.remove("c"));
            assert!(!store.remove("c"));
            assert_order(&store, &["a", "b"]);
            assert!(store.remove("a") && store.remove("b"));
            assert_order(&store, &[]);
            assert_eq!(store.usage(), Usage { entries: 0, bytes: 0, reserved: 0, unused: 0 });
        }
    }

    #[test]
    fn a_full_store_forgets_the_oldest_down_to_its_mark() {
        for back_links in [BackLinks::Weak, BackLinks::Strong] {
            let mut store = Store::new(80, back_links);
            for key in ["a", "b", "c", "d", "e", "f", "g", "h"] {
                store.put(key, vec![0; 9]);
            }
            assert_eq!((store.bytes, store.evicted), (80, 0));
            store.put("i", vec![0; 9]);
            assert_eq!((store.bytes, store.evicted), (70, 2));
            assert_order(&store, &["i", "h", "g", "f", "e", "d", "c"]);
            store.put("large", vec![0; 500]);
            assert_order(&store, &["large"]);
        }
    }

    #[test]
    fn what_is_evicted_is_freed_unless_the_back_links_are_strong() {
        let survivors = |back_links| {
            let mut store = Store::new(1_000, back_links);
            let mut evicted = Vec::new();
            for number in 0..300 {
                let key = format!("{number:03}");
                store.put(&key, vec![0; 7]);
                evicted.push(Rc::downgrade(&store.entries[key.as_str()]));
            }
            drop(store);
            evicted.iter().filter(|entry| entry.upgrade().is_some()).count()
        };
        assert_eq!(survivors(BackLinks::Weak), 0);
        assert!(survivors(BackLinks::Strong) > 100);
    }

    #[test]
    fn a_long_list_is_freed_without_recursion() {
        let mut store = Store::new(usize::MAX, BackLinks::Strong);
        for number in 0..200_000 {
            store.put(&number.to_string(), Vec::new());
        }
        let first = Rc::downgrade(&store.entries["0"]);
        drop(store);
        assert!(first.upgrade().is_none());
    }
}
