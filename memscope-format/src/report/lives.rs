//! Births, ends and what lies between: how many values lived, how many at once, and how long.

use super::distribution::Distribution;
use super::estimate::Sum;
use super::figure::{Figure, Grounds};
use crate::raw::ring_position;
use crate::rows::Outcome;
use serde::Serialize;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

/// How many values live, and how many did at most.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Balance {
    pub(crate) born: Sum,
    pub(crate) alive: Sum,
    /// The most rows of values that lived at once.
    peak: u64,
}

/// Why the most that lived at once cannot be told of sampled values.
const PEAK: &str = "when those lived that sampling left out is unknown";

impl Balance {
    pub(crate) fn birth(&mut self, weight: u64) {
        self.born.count(weight);
        self.alive.count(weight);
        self.peak = self.peak.max(self.alive.recorded());
    }

    pub(crate) fn end(&mut self, weight: u64) {
        self.alive.uncount(weight);
    }

    /// Says that of some of the values one in so many is recorded.
    pub(crate) fn sampled(&mut self, one_in: u64) {
        self.born.sampled(one_in);
        self.alive.sampled(one_in);
    }

    /// The most that lived at once.
    pub(crate) fn peak(&self, grounds: &Grounds) -> Figure<u64> {
        if self.born.is_sampled() { Figure::unknown(PEAK) } else { grounds.balance(self.peak) }
    }

    /// Adds that of another process: values never lived in both at once, so that the greater peak stands.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.born.absorb(&other.born);
        self.alive.absorb(&other.alive);
        self.peak = self.peak.max(other.peak);
    }
}

/// How a value ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By a drop, or by what may have been one.
    Drop(Outcome),
    /// It had been moved out.
    Moved,
    /// Its scope ended, and no drop was to be timed.
    Scope,
}

/// The lives of the values of one site, or of one type.
#[derive(Debug, Clone)]
pub(crate) struct Lives {
    pub(crate) balance: Balance,
    cloned: Sum,
    pub(crate) dropped: Sum,
    moved: Sum,
    scope_ended: Sum,
    unknown: Sum,
    ended: Sum,
    /// Values that constructors made, whose ends are not matched to them.
    pub(crate) constructed: Sum,
    lifetimes: Distribution,
}

/// Lifetimes kept as they are, per site and per type (8 MiB of them); beyond it they become a histogram.
const EXACT_LIFETIMES: usize = 1 << 20;

impl Default for Lives {
    fn default() -> Self {
        Self {
            balance: Balance::default(),
            cloned: Sum::default(),
            dropped: Sum::default(),
            moved: Sum::default(),
            scope_ended: Sum::default(),
            unknown: Sum::default(),
            ended: Sum::default(),
            constructed: Sum::default(),
            lifetimes: Distribution::new(EXACT_LIFETIMES),
        }
    }
}

impl Lives {
    pub(crate) fn birth(&mut self, cloned: bool, weight: u64) {
        self.balance.birth(weight);
        if cloned {
            self.cloned.count(weight);
        }
    }

    /// Counts an end of a value, whether or not its birth is known.
    pub(crate) fn outcome(&mut self, end: End, weight: u64) {
        let counter = match end {
            End::Drop(Outcome::Dropped) => &mut self.dropped,
            End::Drop(Outcome::Unknown) => &mut self.unknown,
            End::Moved => &mut self.moved,
            End::Scope => &mut self.scope_ended,
        };
        counter.count(weight);
    }

    /// Ends the life of a value whose birth is known, and stands for `weight` of them.
    pub(crate) fn end(&mut self, lifetime_ns: u64, weight: u64) {
        self.balance.end(weight);
        self.ended.count(weight);
        self.lifetimes.add(lifetime_ns, weight);
    }

    /// Says that of some of the values one in so many is recorded.
    pub(crate) fn sampled(&mut self, one_in: u64) {
        self.balance.sampled(one_in);
        for sum in self.counts() {
            sum.sampled(one_in);
        }
    }

    fn counts(&mut self) -> [&mut Sum; 7] {
        let Self { cloned, dropped, moved, scope_ended, unknown, ended, constructed, .. } = self;
        [cloned, dropped, moved, scope_ended, unknown, ended, constructed]
    }

    pub(crate) fn absorb(&mut self, other: &Self) {
        self.balance.absorb(other.balance);
        self.cloned.absorb(&other.cloned);
        self.dropped.absorb(&other.dropped);
        self.moved.absorb(&other.moved);
        self.scope_ended.absorb(&other.scope_ended);
        self.unknown.absorb(&other.unknown);
        self.ended.absorb(&other.ended);
        self.constructed.absorb(&other.constructed);
        self.lifetimes.absorb(&other.lifetimes);
    }

    /// Tells what is known of these lives; `births` says why births are not seen, where they are not.
    pub(crate) fn figures(
        &self,
        grounds: &Grounds,
        births: Result<(), &'static str>,
    ) -> LifeFigures {
        let seen = |figure: Figure<u64>| births.map_or_else(Figure::unknown, |()| figure);
        let time =
            |percent| seen(grounds.time(self.lifetimes.percentile(percent, &grounds.missing)));
        LifeFigures {
            born: seen(grounds.count(self.balance.born)),
            cloned: seen(grounds.count(self.cloned)),
            alive_at_exit: seen(grounds.balance(self.balance.alive)),
            peak_alive: seen(self.balance.peak(grounds)),
            ended: seen(grounds.count(self.ended)),
            median_life_ns: time(50),
            p99_life_ns: time(99),
            dropped: grounds.count(self.dropped),
            moved: grounds.count(self.moved),
            scope_ended: grounds.count(self.scope_ended),
            unknown_end: grounds.count(self.unknown),
        }
    }
}

/// What is known of the lives of a group of values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LifeFigures {
    /// Values made, clones included.
    pub born: Figure<u64>,
    /// Those of them that were made by cloning.
    pub cloned: Figure<u64>,
    /// Values that had not ended when the recording did. A value that was moved out of a variable has ended there.
    /// What a static holds is alive at exit, too: this is no list of leaks.
    pub alive_at_exit: Figure<u64>,
    /// The most that were alive at once; for several captures, in one process.
    pub peak_alive: Figure<u64>,
    /// Values whose birth and end are both known: what the lifetimes below are taken from.
    pub ended: Figure<u64>,
    /// The lifetime, in nanoseconds, that half of the ended values did not exceed.
    pub median_life_ns: Figure<u64>,
    /// The lifetime, in nanoseconds, that 99 % of the ended values did not exceed.
    pub p99_life_ns: Figure<u64>,
    /// Ends that were drops, with proof.
    pub dropped: Figure<u64>,
    /// Scopes that ended after the value had been moved out, with proof.
    pub moved: Figure<u64>,
    /// Scopes that ended where no drop was to be timed.
    pub scope_ended: Figure<u64>,
    /// Scopes whose end either dropped the value or found it moved out.
    pub unknown_end: Figure<u64>,
}

/// What is remembered of a living value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Living {
    pub(crate) born: u64,
    pub(crate) site: u32,
    pub(crate) type_id: u32,
    pub(crate) thread: u32,
    /// How many values it stands for.
    pub(crate) weight: u64,
}

/// Matches ends to births.
#[derive(Debug, Default)]
pub(crate) struct Matching {
    living: HashMap<u64, Living>,
    /// Ends that came before their birth: those whose birth is lost, or, where the clocks of two cores disagree by
    /// a few ticks, those that were seen on another core than it.
    early: HashSet<u64>,
    /// Births of values that already lived.
    repeated: u64,
}

/// What a birth led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Birth {
    /// The value lives.
    Lives,
    /// Its end is already known.
    Ended,
    /// It lives already; this birth does not count.
    Repeated,
}

impl Matching {
    pub(crate) fn birth(&mut self, value: u64, living: Living) -> Birth {
        if self.early.remove(&value) {
            return Birth::Ended;
        }
        match self.living.entry(value) {
            Entry::Vacant(place) => {
                place.insert(living);
                Birth::Lives
            }
            Entry::Occupied(_) => {
                self.repeated += 1;
                Birth::Repeated
            }
        }
    }

    /// Whether a value of this id, site and type lives.
    ///
    /// Ends of values that have no identity carry the id 0; where a birth gave that id to a value, all other values of
    /// its site and type have ids as well, so that an end with the id 0 is its own.
    pub(crate) fn is_alive(&self, value: u64, site: u32, type_id: u32) -> bool {
        self.living
            .get(&value)
            .is_some_and(|living| living.site == site && living.type_id == type_id)
    }

    /// Returns the value's birth, if it is known by now.
    pub(crate) fn end(&mut self, value: u64) -> Option<Living> {
        let living = self.living.remove(&value);
        if living.is_none() {
            self.early.insert(value);
        }
        living
    }

    /// Returns how many values ended whose ids are of a position before this one.
    pub(crate) fn born_before(&self, position: u64) -> u64 {
        self.early.iter().filter(|value| ring_position(**value) < position).count() as u64
    }

    /// Returns how many events do not fit the others: ends without birth, repeated births.
    pub(crate) fn unmatched(&self) -> u64 {
        self.early.len() as u64 + self.repeated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BORN: Living = Living { born: 5, site: 1, type_id: 1, thread: 1, weight: 1 };

    #[test]
    fn an_end_meets_its_birth_in_either_order() {
        let mut matching = Matching::default();
        assert_eq!(matching.birth(1, BORN), Birth::Lives);
        assert_eq!(matching.end(1), Some(BORN));
        assert_eq!(matching.end(2), None);
        assert_eq!(matching.unmatched(), 1, "an end without birth");
        assert_eq!(matching.birth(2, BORN), Birth::Ended);
        assert_eq!(matching.unmatched(), 0);
        matching.birth(3, BORN);
        assert_eq!(matching.birth(3, BORN), Birth::Repeated);
        assert_eq!(matching.unmatched(), 1);
    }

    #[test]
    fn peaks_of_processes_do_not_add_up() {
        let mut first = Balance::default();
        (0..3).for_each(|_| first.birth(1));
        first.end(1);
        let mut second = Balance::default();
        second.birth(1);
        first.absorb(second);
        assert_eq!(first, Balance { born: 4.into(), alive: 3.into(), peak: 3 });
    }
}
