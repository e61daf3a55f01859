//! Decompressed columns, and chunks made of events, that are kept for the next who asks, up to a number of bytes.

use crate::chunk::Sealed;
use crate::column::Words;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// Which column of which chunk: where its frame begins, and the column's id.
pub(crate) type Key = (u64, u16);

/// Where what was made of a RAW frame is kept: at the frame's offset, where no chunk has columns.
const RAW: u16 = 0;

/// What was used last. Several threads may use it at once.
#[derive(Debug)]
pub(crate) struct Cache {
    most: usize,
    kept: Mutex<Kept>,
}

/// What is kept under a key.
#[derive(Debug, Clone)]
enum Value {
    Column(Arc<Words>),
    /// Those of all streams of a RAW frame: who reads one stream reads the next as a rule.
    Chunks(Arc<[Sealed]>),
}

impl Value {
    fn bytes(&self) -> usize {
        match self {
            Self::Column(words) => words.bytes(),
            Self::Chunks(chunks) => {
                chunks.iter().map(|chunk| size_of::<Sealed>() + chunk.padded.capacity()).sum()
            }
        }
    }
}

#[derive(Debug, Default)]
struct Kept {
    values: HashMap<Key, (Value, u64)>,
    /// When each was used, from the first to the last.
    used: BTreeMap<u64, Key>,
    clock: u64,
    bytes: usize,
}

impl Cache {
    /// Makes a cache that keeps at most so many bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, kept: Mutex::default() }
    }

    /// The bytes that it keeps at most.
    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// Finds a column.
    pub(crate) fn get(&self, key: Key) -> Option<Arc<Words>> {
        match self.find(key)? {
            Value::Column(words) => Some(words),
            Value::Chunks(_) => None,
        }
    }

    /// Keeps a column.
    pub(crate) fn put(&self, key: Key, words: &Arc<Words>) {
        self.keep(key, Value::Column(Arc::clone(words)));
    }

    /// Finds the chunks that were made of the RAW frame at an offset.
    pub(crate) fn chunks(&self, frame: u64) -> Option<Arc<[Sealed]>> {
        match self.find((frame, RAW))? {
            Value::Chunks(chunks) => Some(chunks),
            Value::Column(_) => None,
        }
    }

    /// Keeps the chunks that were made of the RAW frame at an offset.
    pub(crate) fn put_chunks(&self, frame: u64, chunks: &Arc<[Sealed]>) {
        self.keep((frame, RAW), Value::Chunks(Arc::clone(chunks)));
    }

    fn find(&self, key: Key) -> Option<Value> {
        if self.most == 0 {
            return None;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        let (value, used) = kept.values.get_mut(&key)?;
        kept.used.remove(used);
        kept.clock += 1;
        *used = kept.clock;
        kept.used.insert(kept.clock, key);
        Some(value.clone())
    }

    /// Keeps a value, and forgets those that were not used for longest. One that is greater than a quarter of the whole is
    /// not kept: it would push out all others.
    fn keep(&self, key: Key, value: Value) {
        let bytes = value.bytes();
        if bytes > self.most / 4 {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        kept.clock += 1;
        if let Some((before, used)) = kept.values.insert(key, (value, kept.clock)) {
            kept.bytes -= before.bytes();
            kept.used.remove(&used);
        }
        kept.used.insert(kept.clock, key);
        kept.bytes += bytes;
        while kept.bytes > self.most
            && let Some((_, key)) = kept.used.pop_first()
        {
            if let Some((value, _)) = kept.values.remove(&key) {
                kept.bytes -= value.bytes();
            }
        }
    }

    /// Bytes that it keeps.
    pub(crate) fn bytes(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_is_forgotten_first() {
        let words = |word| Arc::new(Words::each(&[1 + word; 100]));
        let each = words(0).bytes();
        let cache = Cache::new(5 * each);
        for offset in 0..5 {
            cache.put((offset, 1), &words(offset));
        }
        assert!(cache.get((0, 1)).is_some());
        cache.put((5, 1), &words(5));
        let kept: Vec<bool> = (0..6).map(|offset| cache.get((offset, 1)).is_some()).collect();
        assert_eq!(kept, [true, false, true, true, true, true]);
        assert_eq!(cache.bytes(), 5 * each);
        cache.put((5, 1), &words(7));
        assert_eq!((cache.bytes(), cache.get((5, 1))), (5 * each, Some(words(7))));
        assert_eq!(cache.get((5, 2)), None);
    }

    #[test]
    fn nothing_is_kept_in_no_bytes_and_nothing_that_fills_it() {
        let words = Arc::new(Words::each(&[1; 100]));
        for most in [0, words.bytes(), 3 * words.bytes()] {
            let cache = Cache::new(most);
            cache.put((0, 1), &words);
            assert_eq!((cache.get((0, 1)), cache.bytes()), (None, 0));
        }
    }
}
