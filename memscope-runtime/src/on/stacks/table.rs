//! The stacks that were seen, each once, by their ids.
//!
//! Threads enter them without a lock: the words of a stack are written before its entry, and that before the index names it.
//! Two threads that enter one at once may give it two ids, which mean the same. Nothing is ever taken out; what finds no room
//! is not entered, and so unknown.

use core::sync::atomic::{AtomicU64, Ordering};
use memscope_format::defs::StackDef;

/// Addresses of all stacks. With so many a reader needs less than half the memory that it grants to definitions.
const WORDS: usize = 1 << 19;
/// Stacks.
const STACKS: usize = 1 << 15;
/// Places of the index, a power of two: more than there are stacks, so that few are asked for one.
const PLACES: usize = 1 << 16;
/// How many places are asked.
const TRIES: usize = 64;

/// An entry is there.
const PRESENT: u64 = 1 << 63;
/// There were more calls.
const TRUNCATED: u64 = 1 << 62;

// They lie in memory that the system gives when it is first written to.
static ADDRESSES: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];
/// By id, from 1: where the addresses begin, their number from bit 32 on, and the bits above.
static ENTRIES: [AtomicU64; STACKS] = [const { AtomicU64::new(0) }; STACKS];
/// By hash: an id, and the upper half of the hash.
static INDEX: [AtomicU64; PLACES] = [const { AtomicU64::new(0) }; PLACES];
/// Addresses that are taken, and from bit 32 on entries.
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// The id of a stack, entered if it is new; 0 if there is no room.
pub(super) fn id(addresses: &[u64], truncated: bool) -> u32 {
    let hash = hash(addresses, truncated);
    for at in 0..TRIES {
        let place = &INDEX[(hash as usize + at) % PLACES];
        let found = place.load(Ordering::Acquire);
        if found == 0 {
            let id = enter(addresses, truncated);
            if id != 0 {
                let named = hash & !u64::from(u32::MAX) | u64::from(id);
                // Should another be there by now, nobody finds this one again.
                let _ = place.compare_exchange(0, named, Ordering::Release, Ordering::Relaxed);
            }
            return id;
        }
        if found >> 32 == hash >> 32 && is(found as u32, addresses, truncated) {
            return found as u32;
        }
    }
    0
}

fn hash(addresses: &[u64], truncated: bool) -> u64 {
    // As rustc's own hash, with what is left mixed well: both ends of it are used.
    let add =
        |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let hash = addresses.iter().fold(u64::from(truncated), |hash, address| add(hash, *address));
    let hash = (hash ^ hash >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    hash ^ hash >> 32
}

/// Whether a stack has this id.
fn is(id: u32, addresses: &[u64], truncated: bool) -> bool {
    let (known, more) = entry(ENTRIES[id as usize - 1].load(Ordering::Acquire));
    let same = |(known, address): (&AtomicU64, &u64)| known.load(Ordering::Relaxed) == *address;
    more == truncated && known.len() == addresses.len() && known.iter().zip(addresses).all(same)
}

/// What an entry says: the addresses, and whether there were more.
fn entry(entry: u64) -> (&'static [AtomicU64], bool) {
    let (start, len) = (entry as u32 as usize, (entry >> 32) as u16 as usize);
    (&ADDRESSES[start..start + len], entry & TRUNCATED != 0)
}

fn enter(addresses: &[u64], truncated: bool) -> u32 {
    let len = addresses.len() as u64;
    let room = |taken: u64| {
        let fits = (taken >> 32) < STACKS as u64 && (taken as u32 as u64 + len) <= WORDS as u64;
        fits.then_some(taken + (1 << 32 | len))
    };
    let Ok(taken) = TAKEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room) else {
        return 0;
    };
    let (start, place) = (taken as u32, (taken >> 32) as usize);
    let words = &ADDRESSES[start as usize..][..addresses.len()];
    words.iter().zip(addresses).for_each(|(word, to)| word.store(*to, Ordering::Relaxed));
    let more = if truncated { TRUNCATED } else { 0 };
    ENTRIES[place].store(PRESENT | more | len << 32 | u64::from(start), Ordering::Release);
    place as u32 + 1
}

/// Which stacks a capture defines.
#[derive(Debug, Default)]
pub(in crate::on) struct Known {
    /// All up to this place were looked at.
    seen: usize,
    /// Those of them that were not there yet: whoever entered them was interrupted.
    missing: Vec<usize>,
}

impl Known {
    /// Returns the stacks that are new. Of what was recorded before, none that it names is missing.
    pub(in crate::on) fn learn(&mut self) -> Vec<StackDef> {
        let end = (TAKEN.load(Ordering::Relaxed) >> 32) as usize;
        let mut missing = core::mem::take(&mut self.missing);
        missing.extend(self.seen..end);
        self.seen = end;
        let mut new = Vec::new();
        for place in missing {
            match ENTRIES[place].load(Ordering::Acquire) {
                0 => self.missing.push(place),
                found => {
                    let (addresses, truncated) = entry(found);
                    let addresses = addresses.iter().map(|word| word.load(Ordering::Relaxed));
                    let id = place as u32 + 1;
                    new.push(StackDef { id, addresses: addresses.collect(), truncated });
                }
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// All of the table's tests, since it is one for the process.
    #[test]
    fn a_stack_has_one_id_whoever_enters_it_until_there_is_no_room() {
        let mut known = Known::default();
        let of = |number: u64| [number, number / 3, 7];
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(move || {
                    let ids = (0..2000).map(|number| id(&of(number % 1000), number % 2 == 0));
                    ids.collect::<Vec<_>>()
                })
            })
            .collect();
        let ids: Vec<Vec<u32>> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let defs: HashMap<u32, StackDef> =
            known.learn().into_iter().map(|def| (def.id, def)).collect();
        for ids in &ids {
            for (number, id) in (0..).zip(ids) {
                let def = &defs[id];
                assert_eq!(def.addresses, of(number % 1000));
                assert_eq!(def.truncated, number % 2 == 0);
            }
        }
        assert_eq!(known.learn(), []);
        assert_ne!(id(&[1, 2], false), id(&[1, 2], true));
        assert_eq!(known.learn().len(), 2);
        let full = (5000..).map(|number| id(&[number; 60], false)).position(|id| id == 0).unwrap();
        assert!(full > 8000, "{full}");
        assert_eq!(known.learn().len(), full);
        assert_eq!(id(&[4242; 60], true), 0);
        // What is there is still found.
        let found = id(&of(2), true);
        assert_eq!(found, id(&of(2), true));
        assert!(ids.iter().any(|ids| ids[2] == found));
    }
}
