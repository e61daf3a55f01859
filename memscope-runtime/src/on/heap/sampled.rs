//! Which blocks are recorded where not all are, and which of those that live were.
//!
//! Points lie on the bytes that a thread allocates, one in so many on average and at random (a Poisson process), and a block is
//! recorded if one lies on it. So a block of `size` bytes is with the probability 1 − e^(−size / mean), whatever became of others.
//! What it stands for is to be a whole number: the reciprocal of that probability, rounded up; so that it is what the block stands
//! for, some of the chosen ones are left out again. Blocks of the mean size or more are all recorded.

use crate::on::clock::Source;
use core::ptr::from_ref;
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// Bytes of which one is chosen on average, if nothing else is said.
pub(super) const DEFAULT_MEAN: u64 = 512 << 10;

/// The greatest mean: what a block of a byte stands for is 32 bits long.
pub(super) const GREATEST_MEAN: u64 = 1 << 31;

/// Bytes of which one is chosen on average.
static MEAN: AtomicU64 = AtomicU64::new(DEFAULT_MEAN);

/// Decides how many bytes that are.
pub(super) fn set_mean(mean: u64) {
    MEAN.store(mean, Ordering::Relaxed);
}

/// How many bytes that are.
pub(super) fn mean() -> u64 {
    MEAN.load(Ordering::Relaxed)
}

/// A thread's choices.
#[derive(Debug)]
pub(super) struct Chooser {
    /// Bytes to the next point; negative behind it.
    left: AtomicU64,
    random: AtomicU64,
}

impl Chooser {
    pub(super) const fn new() -> Self {
        Self { left: AtomicU64::new(0), random: AtomicU64::new(0) }
    }

    /// Begins anew with the next block.
    pub(super) fn forget(&self) {
        self.random.store(0, Ordering::Relaxed);
        self.left.store(0, Ordering::Relaxed);
    }

    /// Begins at a place that nobody can tell.
    fn seed(&self, salt: u64, mean: u64) {
        self.random.store(salt, Ordering::Relaxed);
        self.left.store(self.distance(mean), Ordering::Relaxed);
    }

    /// Decides about a block; for how many it stands, if it is chosen.
    #[inline(always)]
    pub(super) fn choose(&self, size: u64, mean: u64) -> Option<u32> {
        let left = self.left.load(Ordering::Relaxed).wrapping_sub(size);
        // A block on which no point lies leaves some bytes to the next.
        if left.cast_signed() >= 0 && size < mean {
            self.left.store(left, Ordering::Relaxed);
            return None;
        }
        self.chosen(size, mean)
    }

    #[cold]
    #[inline(never)]
    fn chosen(&self, size: u64, mean: u64) -> Option<u32> {
        if size >= mean {
            return Some(1);
        }
        if self.random.load(Ordering::Relaxed) == 0 {
            // No two threads at once have one place, and no two at a time one moment.
            let salt = Source::detect().ticks() ^ (from_ref(self).addr() as u64).rotate_left(40);
            self.seed(salt | 1, mean);
            return self.choose(size, mean);
        }
        // From the end of a block it is as far to the next point as from anywhere.
        self.left.store(self.distance(mean), Ordering::Relaxed);
        let (probability, weight) = probability_and_weight(size, mean);
        (self.unit() * weight * probability < 1.0).then_some(weight as u32)
    }

    /// Bytes from anywhere to the next point.
    fn distance(&self, mean: u64) -> u64 {
        // The number is never 0, and no distance is longer than 45 times the mean.
        (-self.unit().ln() * mean as f64) as u64
    }

    /// A number from 0, exclusive, to 1.
    fn unit(&self) -> f64 {
        let state = self.random.load(Ordering::Relaxed).wrapping_add(STEP);
        self.random.store(state, Ordering::Relaxed);
        unit(state)
    }
}

/// What the states of a generator are apart.
const STEP: u64 = 0xA076_1D64_78BD_642F;

/// The number from 0, exclusive, to 1 of a generator's state: wyrand (Wang Yi, public domain).
fn unit(state: u64) -> f64 {
    let product = u128::from(state) * u128::from(state ^ 0xE703_7ED1_A0B4_28DB);
    let random = (product >> 64) as u64 ^ product as u64;
    ((random >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

/// With which probability a point lies on a block, and for how many it stands then.
fn probability_and_weight(size: u64, mean: u64) -> (f64, f64) {
    let probability = -(-(size as f64) / mean as f64).exp_m1();
    (probability, (1.0 / probability).ceil())
}

/// Decides about a block of a thread that has no [`Chooser`], or cannot use it now, as one would: of each block alone.
#[cold]
pub(super) fn would_choose(size: u64) -> bool {
    static STATE: AtomicU64 = AtomicU64::new(0);
    let mean = mean();
    if size == 0 || size >= mean {
        return size != 0;
    }
    let state = STATE.fetch_add(STEP, Ordering::Relaxed);
    let (_, weight) = probability_and_weight(size, mean);
    unit(state) * weight < 1.0
}

/// Groups of blocks, a power of two.
const GROUPS: usize = 1 << 15;
/// Blocks of a group.
const PLACES: usize = 8;

/// A recorded block that lives. Nobody looks for an address but whoever has the block.
#[derive(Debug)]
struct Place {
    /// 0 if there is none.
    addr: AtomicU64,
    weight: AtomicU32,
}

/// The recorded blocks that live, by address. It lies in memory that the system gives when it is first written to.
static LIVE: [[Place; PLACES]; GROUPS] =
    [const { [const { Place { addr: AtomicU64::new(0), weight: AtomicU32::new(0) } }; PLACES] };
        GROUPS];

/// How many of each group there are: nearly all blocks that are freed are in a group without any.
static FULL: [AtomicU8; GROUPS] = [const { AtomicU8::new(0) }; GROUPS];

#[inline(always)]
const fn group(addr: u64) -> usize {
    // Fibonacci hashing; the lowest bits of an address say nothing.
    ((addr >> 3).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - GROUPS.ilog2())) as usize
}

/// Remembers a block that is to be recorded. Returns whether there was room.
pub(super) fn remember(addr: u64, weight: u32) -> bool {
    let group = group(addr);
    let claims = |place: &&Place| {
        place.addr.compare_exchange(0, addr, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    };
    let Some(place) = LIVE[group].iter().find(claims) else { return false };
    place.weight.store(weight, Ordering::Relaxed);
    FULL[group].fetch_add(1, Ordering::Relaxed);
    true
}

/// Forgets a block that is freed; returns for how many it stands if it was recorded.
#[inline(always)]
pub(super) fn forget(addr: u64) -> Option<u32> {
    let group = group(addr);
    if FULL[group].load(Ordering::Relaxed) == 0 { None } else { forget_in(group, addr) }
}

#[cold]
#[inline(never)]
fn forget_in(group: usize, addr: u64) -> Option<u32> {
    let is_it = |place: &&Place| place.addr.load(Ordering::Relaxed) == addr;
    let place = LIVE[group].iter().find(is_it)?;
    let weight = place.weight.load(Ordering::Relaxed);
    place.addr.store(0, Ordering::Relaxed);
    FULL[group].fetch_sub(1, Ordering::Relaxed);
    Some(weight)
}

/// Forgets all blocks: those of a forked child were recorded by its parent.
pub(super) fn forget_all() {
    for (group, full) in LIVE.iter().zip(&FULL) {
        if full.swap(0, Ordering::Relaxed) != 0 {
            group.iter().for_each(|place| place.addr.store(0, Ordering::Relaxed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often a block of so many bytes is chosen, and what it stands for.
    fn chosen(size: u64, mean: u64, blocks: u32) -> (u32, Option<u32>) {
        let (chooser, mut weight) = (Chooser::new(), None);
        chooser.seed(size ^ mean, mean);
        let count = (0..blocks).filter(|_| {
            let stands_for = chooser.choose(size, mean);
            weight = weight.or(stands_for);
            stands_for.is_some()
        });
        let count = count.count() as u32;
        (count, weight)
    }

    #[test]
    fn a_block_is_chosen_as_often_as_what_it_stands_for_says() {
        for (size, mean, blocks) in
            [(1, 100, 400_000), (16, 1000, 400_000), (500, 1000, 100_000), (999, 1000, 100_000)]
        {
            let (count, weight) = chosen(size, mean, blocks);
            let weight = f64::from(weight.expect("some are"));
            let expected = f64::from(blocks) / weight;
            let off = (f64::from(count) - expected).abs();
            assert!(off < 4.0 * expected.sqrt(), "{size} of {mean}: {count} for {expected}");
            assert!(weight >= mean as f64 / size as f64, "no more than one point in so many");
        }
        assert_eq!(chosen(1000, 1000, 50), (50, Some(1)));
        assert_eq!(chosen(0, 1000, 50).0, 0);
    }

    #[test]
    fn a_block_without_a_chooser_is_chosen_as_often() {
        set_mean(1000);
        for (size, blocks) in [(16, 400_000), (500, 100_000)] {
            let count = (0..blocks).filter(|_| would_choose(size)).count();
            let expected = f64::from(blocks) / probability_and_weight(size, 1000).1;
            let off = (count as f64 - expected).abs();
            assert!(off < 4.0 * expected.sqrt(), "{size}: {count} for {expected}");
        }
        assert_eq!([0, 1000, 5000].map(would_choose), [false, true, true]);
    }

    #[test]
    fn blocks_are_remembered_until_they_are_freed() {
        let addresses = || (1..20_000_u64).map(|at| 0x7F00_0000_0000 + 48 * at);
        assert!(addresses().all(|addr| remember(addr, (addr % 1000) as u32)));
        assert_eq!(forget(0x1234_5678), None);
        assert!(addresses().step_by(2).all(|addr| forget(addr) == Some((addr % 1000) as u32)));
        assert!(addresses().step_by(2).all(|addr| forget(addr).is_none()));
        // A group that is full takes no more.
        let same = |addr: &u64| group(*addr) == group(0x6000_0000_0000);
        let crowd: Vec<u64> =
            (0..).map(|at| 0x6000_0000_0000 + 16 * at).filter(same).take(9).collect();
        let kept = crowd.iter().filter(|addr| remember(**addr, 1)).count();
        assert!(kept <= PLACES, "{kept}");
        forget_all();
        assert!(addresses().chain(crowd).all(|addr| forget(addr).is_none()));
    }
}
