//! How well the keys of a hash map are spread over its buckets.
//!
//! Each key is hashed as the map does it, which is code of the user's: it may panic, take time, and have variables that are
//! tracked. Nothing that it does is recorded.

use super::recorder;
use core::hash::{BuildHasher, Hash};
use memmap2::MmapMut;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The keys of a map with more are not hashed: their hashes take eight bytes each.
const MOST_KEYS: usize = 1 << 22;

/// So many hashes find room on the stack.
const FEW_KEYS: usize = 128;

/// A container of which each element has a hash.
pub trait Hashed {
    /// Hashes its keys.
    fn hashes(&self) -> Hashes;
}

impl<K: Hash, V, S: BuildHasher> Hashed for HashMap<K, V, S> {
    fn hashes(&self) -> Hashes {
        Hashes::of(self.capacity(), self.keys().map(|key| self.hasher().hash_one(key)))
    }
}

/// How the keys of a map are spread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hashes {
    pub(super) keys: u64,
    /// Different hashes; 0, as in the next two, of keys that were not hashed.
    pub(super) distinct: u32,
    /// Buckets that the search for a key begins at.
    pub(super) homes: u32,
    /// The most keys whose search begins at one bucket.
    pub(super) fullest: u32,
    /// All buckets.
    pub(super) buckets: u64,
}

impl Hashes {
    /// Gathers the hashes of all keys of a map that says that it has so much room.
    fn of(capacity: usize, hashes: impl ExactSizeIterator<Item = u64>) -> Self {
        let buckets = buckets(capacity);
        let unknown = Self { keys: hashes.len() as u64, buckets, ..Self::default() };
        match hashes.len() {
            0 => unknown,
            // A second panic would be one within the first.
            _ if std::thread::panicking() => unknown,
            1..=FEW_KEYS => unknown.gather(&mut [[0; 8]; FEW_KEYS], hashes),
            len @ ..=MOST_KEYS => match MmapMut::map_anon(len * size_of::<[u8; 8]>()) {
                // Not from the program's allocator, which is the user's too.
                Ok(mut memory) => unknown.gather(memory.as_chunks_mut().0, hashes),
                Err(_) => unknown,
            },
            _ => unknown,
        }
    }

    /// `memory` has room for all; hashes are kept in big endian, so that they are ordered as numbers.
    fn gather(self, memory: &mut [[u8; 8]], hashes: impl ExactSizeIterator<Item = u64>) -> Self {
        let memory = &mut memory[..hashes.len()];
        let hash_all = AssertUnwindSafe(|| {
            memory.iter_mut().zip(hashes).for_each(|(place, hash)| *place = hash.to_be_bytes());
        });
        if let Err(panic) = recorder::muted(|| catch_unwind(hash_all)) {
            // To drop it would be to run more of the user's code.
            core::mem::forget(panic);
            return self;
        }
        memory.sort_unstable();
        let distinct = memory.chunk_by(|a, b| a == b).count() as u32;
        for hash in &mut *memory {
            // What the standard library does: see `buckets`. On 32 bits it ignores the upper half.
            let home = u64::from_be_bytes(*hash) as usize as u64 & (self.buckets - 1);
            *hash = home.to_be_bytes();
        }
        memory.sort_unstable();
        let homes = || memory.chunk_by(|a, b| a == b);
        let fullest = homes().map(<[_]>::len).max().unwrap_or(0) as u32;
        Self { distinct, homes: homes().count() as u32, fullest, ..self }
    }
}

/// The least number of buckets of a table that says that it has room for so many elements.
///
/// The rule is that of `bucket_mask_to_capacity` in hashbrown 0.17, `src/raw.rs`, whose table is the standard library's: a power of two,
/// of which one stays free up to 8 and an eighth above. A table counts places of removed elements as taken, and may then
/// have more buckets than it says. The search for a key begins at its hash modulo the buckets (`probe_seq` there).
fn buckets(capacity: usize) -> u64 {
    match capacity as u64 {
        0 => 0,
        1..=3 => 4,
        4..=7 => 8,
        room => room.saturating_mul(8).div_ceil(7).next_power_of_two(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::hash::Hasher;
    use std::collections::HashSet;

    /// A hash that is the number itself.
    #[derive(Clone, Default)]
    struct Same(u64);

    impl Hasher for Same {
        fn finish(&self) -> u64 {
            self.0
        }

        fn write(&mut self, _: &[u8]) {}

        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }
    }

    type Table = HashMap<u64, (), core::hash::BuildHasherDefault<Same>>;

    fn spread(keys: impl IntoIterator<Item = u64>) -> Hashes {
        keys.into_iter().map(|key| (key, ())).collect::<Table>().hashes()
    }

    #[test]
    fn the_buckets_of_a_table_follow_from_its_room() {
        let mut room: Vec<usize> = (0..5000)
            .map(|n| Table::with_capacity_and_hasher(n, Default::default()).capacity())
            .collect();
        room.dedup();
        assert_eq!(room[..5], [0, 3, 7, 14, 28]);
        let found: Vec<u64> = room.iter().map(|room| buckets(*room)).collect();
        let doubled = (2..).map(|power| 1 << power);
        assert_eq!(found, [0].into_iter().chain(doubled).take(room.len()).collect::<Vec<u64>>());
    }

    #[test]
    fn collisions_are_those_of_the_map_itself() {
        assert_eq!(spread([]), Hashes::default());
        let spread_evenly = Hashes { keys: 7, distinct: 7, homes: 7, fullest: 1, buckets: 8 };
        assert_eq!(spread(0..7), spread_evenly);
        // Multiples of the number of buckets all begin at the first.
        let colliding = Hashes { keys: 7, distinct: 7, homes: 1, fullest: 7, buckets: 8 };
        assert_eq!(spread((0..7).map(|n| n * 8)), colliding);
        let some = spread([0, 16, 1, 17, 33, 2, 3, 4]);
        assert_eq!((some.homes, some.fullest, some.buckets), (5, 3, 16));
    }

    #[test]
    fn many_keys_are_counted_as_few_are() {
        let keys = (0..10_000_u64).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 3);
        let keys: Vec<u64> = keys.collect();
        let found = spread(keys.iter().copied());
        let homes: HashSet<u64> = keys.iter().map(|key| key % found.buckets).collect();
        let mut of_home = HashMap::<u64, u32>::new();
        keys.iter().for_each(|key| *of_home.entry(key % found.buckets).or_default() += 1);
        assert_eq!((found.keys, found.distinct), (10_000, 10_000));
        assert_eq!(found.homes as usize, homes.len());
        assert_eq!(Some(found.fullest), of_home.into_values().max());
    }

    #[test]
    fn equal_hashes_are_not_distinct() {
        #[derive(PartialEq, Eq)]
        struct Alike(u8);
        impl Hash for Alike {
            fn hash<H: Hasher>(&self, state: &mut H) {
                state.write_u8(0);
            }
        }
        let map: HashMap<Alike, ()> = (0..20).map(|n| (Alike(n), ())).collect();
        let found = map.hashes();
        assert_eq!((found.keys, found.distinct, found.homes, found.fullest), (20, 1, 1, 20));
    }

    #[test]
    fn a_hash_that_panics_leaves_the_keys_uncounted() {
        use std::sync::atomic::{AtomicBool, Ordering};
        static PANICS: AtomicBool = AtomicBool::new(false);
        #[derive(PartialEq, Eq)]
        struct Fragile(u8);
        impl Hash for Fragile {
            fn hash<H: Hasher>(&self, state: &mut H) {
                assert!(!PANICS.load(Ordering::Relaxed), "as it is to");
                self.0.hash(state);
            }
        }
        let map: HashMap<Fragile, ()> = (0..20).map(|n| (Fragile(n), ())).collect();
        PANICS.store(true, Ordering::Relaxed);
        let found = map.hashes();
        assert_eq!((found.keys, found.distinct, found.buckets), (20, 0, buckets(map.capacity())));
        PANICS.store(false, Ordering::Relaxed);
        assert_ne!(map.hashes().distinct, 0);
    }
}
