//! Which values are recorded, where not all are to be.
//!
//! Each value is chosen when it is born (a call when it begins, a task at its first poll), by chance and whatever became of
//! others: what is chosen by counting would keep step with a program that repeats itself. One that is not chosen is *left
//! out*: none of its hooks records anything. Where its drop must be known all the same (what is dropped within it is not
//! directly within what is around it), it goes by a number of its own, which is no value's id.

use core::cell::Cell;
use core::hash::BuildHasher;
use std::hash::RandomState;

/// Numbers from here on stand for values that were left out: ids of a ring that there is never.
const LEFT_OUT: u64 = 0xFFFF << 48;

/// Whether a value's number says that it was left out.
#[inline(always)]
pub(super) const fn is_left_out(value: u64) -> bool {
    value >= LEFT_OUT
}

/// The probability with which a hook chooses a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance {
    /// A random number below it chooses; the greatest number: all are chosen, without a random number.
    below: u64,
}

impl Chance {
    /// One in so many; none for 0.
    pub(super) const fn one_in(one_in: u32) -> Self {
        match one_in {
            0 => Self { below: 0 },
            1 => Self { below: u64::MAX },
            one_in => Self { below: u64::MAX / one_in as u64 + 1 },
        }
    }
}

/// A thread's random numbers: wyrand (Wang Yi, public domain), which is one multiplication.
#[derive(Debug)]
pub(super) struct Random(Cell<u64>);

impl Random {
    pub(super) const fn new() -> Self {
        Self(Cell::new(0))
    }

    /// Begins anew, at a place that nobody can tell.
    pub(super) fn seed(&self, distinct: (u64, u16)) {
        // A forked child inherits the keys of the hasher.
        self.0.set(RandomState::new().hash_one((distinct, std::process::id())));
    }

    #[inline(always)]
    fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0xA076_1D64_78BD_642F);
        self.0.set(state);
        let product = u128::from(state) * u128::from(state ^ 0xE703_7ED1_A0B4_28DB);
        (product >> 64) as u64 ^ product as u64
    }

    /// Decides about a value; `Err` with a number that stands for it if it is left out.
    #[inline(always)]
    pub(super) fn choose(&self, chance: Chance) -> Result<(), u64> {
        if chance.below == u64::MAX {
            return Ok(());
        }
        let random = self.next();
        if random < chance.below { Ok(()) } else { Err(LEFT_OUT | random) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `values` are chosen.
    fn chosen(random: &Random, one_in: u32, values: u32) -> u32 {
        let chance = Chance::one_in(one_in);
        (0..values).map(|_| u32::from(random.choose(chance).is_ok())).sum()
    }

    #[test]
    fn so_many_are_chosen_as_the_rate_says() {
        let random = Random::new();
        for (one_in, values) in [(2, 100_000), (3, 100_000), (10, 100_000), (1000, 10_000_000)] {
            let expected = f64::from(values) / f64::from(one_in);
            let off = f64::from(chosen(&random, one_in, values)) - expected;
            assert!(off.abs() < 4.0 * expected.sqrt(), "one in {one_in}: {off} off");
        }
        assert_eq!(chosen(&random, 1, 1000), 1000);
        assert_eq!(chosen(&random, 0, 1000), 0);
    }

    #[test]
    fn one_choice_says_nothing_of_the_next() {
        let (random, chance) = (Random::new(), Chance::one_in(4));
        let choices: Vec<bool> = (0..100_000).map(|_| random.choose(chance).is_ok()).collect();
        for distance in 1..20 {
            let both = choices.iter().zip(&choices[distance..]).filter(|(a, b)| **a && **b).count();
            let off = both as f64 - (100_000 - distance) as f64 / 16.0;
            assert!(off.abs() < 400.0, "{distance} apart: {off} off");
        }
    }

    #[test]
    fn what_is_left_out_is_no_value() {
        let (random, chance) = (Random::new(), Chance::one_in(u32::MAX));
        let Err(number) = random.choose(chance) else { panic!("one in four thousand million") };
        assert!(is_left_out(number));
        assert!(!is_left_out(0));
        assert!(!is_left_out((0xFFFF << 48) - 1));
    }

    #[test]
    fn two_threads_choose_differently() {
        let (first, second) = (Random::new(), Random::new());
        first.seed((1, 0));
        second.seed((1, 1));
        assert_ne!(first.next(), second.next());
    }
}
