//! Births, ends and what lies between: how many values lived, how many at once, and how long.

use super::distribution::Distribution;
use super::figure::{Figure, Grounds};
use crate::rows::Outcome;
use serde::Serialize;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

/// How many values live, and how many did at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) born: u64,
    pub(crate) alive: u64,
    pub(crate) peak: u64,
}

impl Balance {
    pub(crate) fn birth(&mut self) {
        self.born += 1;
        self.alive += 1;
        self.peak = self.peak.max(self.alive);
    }

    pub(crate) fn end(&mut self) {
        self.alive = self.alive.saturating_sub(1);
    }

    /// Adds that of another process: values never lived in both at once, so that the greater peak stands.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.born += other.born;
        self.alive += other.alive;
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
    pub(crate) cloned: u64,
    pub(crate) dropped: u64,
    pub(crate) moved: u64,
    pub(crate) scope_ended: u64,
    pub(crate) unknown: u64,
    /// Values that constructors made, whose ends are not matched to them.
    pub(crate) constructed: u64,
    pub(crate) lifetimes: Distribution,
}

/// Lifetimes kept as they are, per site and per type (8 MiB of them); beyond it they become a histogram.
const EXACT_LIFETIMES: usize = 1 << 20;

impl Default for Lives {
    fn default() -> Self {
        Self {
            balance: Balance::default(),
            cloned: 0,
            dropped: 0,
            moved: 0,
            scope_ended: 0,
            unknown: 0,
            constructed: 0,
            lifetimes: Distribution::new(EXACT_LIFETIMES),
        }
    }
}

impl Lives {
    pub(crate) fn birth(&mut self, cloned: bool) {
        self.balance.birth();
        self.cloned += u64::from(cloned);
    }

    /// Counts an end of a value, whether or not its birth is known.
    pub(crate) fn outcome(&mut self, end: End) {
        let counter = match end {
            End::Drop(Outcome::Dropped) => &mut self.dropped,
            End::Drop(Outcome::Unknown) => &mut self.unknown,
            End::Moved => &mut self.moved,
            End::Scope => &mut self.scope_ended,
        };
        *counter += 1;
    }

    /// Ends the life of a value whose birth is known.
    pub(crate) fn end(&mut self, lifetime_ns: u64) {
        self.balance.end();
        self.lifetimes.add(lifetime_ns);
    }

    pub(crate) fn absorb(&mut self, other: &Self) {
        self.balance.absorb(other.balance);
        self.cloned += other.cloned;
        self.dropped += other.dropped;
        self.moved += other.moved;
        self.scope_ended += other.scope_ended;
        self.unknown += other.unknown;
        self.constructed += other.constructed;
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
            peak_alive: seen(grounds.balance(self.balance.peak)),
            ended: seen(grounds.count(self.lifetimes.count())),
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

    /// Returns how many events do not fit the others: ends without birth, repeated births.
    pub(crate) fn unmatched(&self) -> u64 {
        self.early.len() as u64 + self.repeated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BORN: Living = Living { born: 5, site: 1, type_id: 1, thread: 1 };

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
        (0..3).for_each(|_| first.birth());
        first.end();
        let mut second = Balance::default();
        second.birth();
        first.absorb(second);
        assert_eq!(first, Balance { born: 4, alive: 3, peak: 3 });
    }
}
