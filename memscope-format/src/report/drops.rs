//! Drops: what they cost, and what they set off.

mod forest;
mod slowest;

pub(crate) use forest::{DropForest, DropSink, ObservedDrop, Within};
pub use slowest::{PathStep, SetOff, SlowDrop};

use super::estimate::Sum;
use super::figure::{Figure, Grounds};
use crate::rows::{DropChain, LeftOut};
use serde::Serialize;

/// Why the time of drops is unknown where only the ends of scopes are seen.
const UNSEEN: &str = "only that their scopes ended is observed, not their drops";
/// Why the time that a drop took itself is unknown although its duration is known.
pub(crate) const MIXED: &str = "of the drops that were set off, some have no observed end";

/// Why the time of the outermost of sampled drops is unknown.
pub(crate) const OUTERMOST: &str = "some may lie within drops of it that sampling left out";
/// Why the rest of a time is unknown that has samples, of what is within it none.
pub(crate) const NONE_WITHIN: &str = "sampling left out all that it set off, or called";

/// What the drops of one site, or of one type, cost; in ticks within a capture, in nanoseconds after it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct DropTotals {
    /// Drops with a duration.
    pub(crate) timed: Sum,
    /// Drops without.
    pub(crate) untimed: Sum,
    /// Scopes that ended where it is not observed whether they dropped their value, nor how long that took.
    pub(crate) unseen: u64,
    /// Drops with a duration that set off drops without one: what they took themselves cannot be told.
    pub(crate) mixed: u64,
    /// Those that ran while the thread was unwinding.
    pub(crate) panicking: Sum,
    /// With all they set off; one within another of the same group counts once.
    pub(crate) total: Sum,
    /// Whether some of them lie within drops that were left out.
    pub(crate) unplaced: bool,
    /// Without the observed drops they set off.
    pub(crate) own: OwnTotals,
    pub(crate) longest: u64,
}

/// What is left of the durations of drops, or calls, without those directly within them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct OwnTotals {
    /// The sum of what is left.
    pub(crate) sum: Sum,
    /// Rows within that stand for others that were left out.
    chosen_within: u64,
    /// Whether some within were left out.
    left_out_within: bool,
}

impl OwnTotals {
    /// Adds what is left of a row that stands for `weight`.
    pub(crate) fn add(&mut self, own: &Own, weight: u64) {
        self.sum.add_estimate(&own.time, weight);
        self.chosen_within += own.chosen_within;
        self.left_out_within |= own.left_out_within;
    }

    /// Adds what is left of rows that stand for `weight` of their kind together.
    pub(crate) fn add_totals(&mut self, own: &Self, weight: u64) {
        self.sum.add_estimate(&own.sum, weight);
        self.chosen_within += own.chosen_within;
        self.left_out_within |= own.left_out_within;
    }

    pub(crate) fn absorb(&mut self, other: &Self) {
        self.sum.absorb(&other.sum);
        self.chosen_within += other.chosen_within;
        self.left_out_within |= other.left_out_within;
    }

    pub(crate) fn in_ns(self, ns: impl Fn(u64) -> u64) -> Self {
        Self { sum: self.sum.scaled(ns), ..self }
    }

    pub(crate) fn figure(&self, grounds: &Grounds) -> Figure<u64> {
        // What was left out within is subtracted by way of those within that were not.
        if self.left_out_within && self.chosen_within == 0 {
            return Figure::unknown(NONE_WITHIN);
        }
        grounds.difference(self.sum)
    }
}

impl DropTotals {
    pub(crate) fn in_ns(self, ns: impl Fn(u64) -> u64) -> Self {
        let longest = ns(self.longest);
        Self { total: self.total.scaled(&ns), own: self.own.in_ns(ns), longest, ..self }
    }

    pub(crate) fn absorb(&mut self, other: Self) {
        self.timed.absorb(&other.timed);
        self.untimed.absorb(&other.untimed);
        self.unseen += other.unseen;
        self.mixed += other.mixed;
        self.panicking.absorb(&other.panicking);
        self.total.absorb(&other.total);
        self.unplaced |= other.unplaced;
        self.own.absorb(&other.own);
        self.longest = self.longest.max(other.longest);
    }

    /// Says that of some of the values one in so many is recorded.
    pub(crate) fn sampled(&mut self, one_in: u64) {
        let Self { timed, untimed, panicking, total, own, .. } = self;
        for sum in [timed, untimed, panicking, total, &mut own.sum] {
            sum.sampled(one_in);
        }
    }

    fn count(&mut self, row: &DropChain, weight: u64, own: Option<Own>) {
        match row.duration {
            Some(duration) => {
                self.timed.count(weight);
                self.longest = self.longest.max(duration);
            }
            None => self.untimed.count(weight),
        }
        if let Some(own) = own {
            self.own.add(&own, weight);
            self.mixed += u64::from(!own.exact);
        }
        if row.panicking {
            self.panicking.count(weight);
        }
    }

    pub(crate) fn figures(&self, grounds: &Grounds) -> DropFigures {
        let untimed = self.untimed.recorded();
        let time = |known: u64, whole: Figure<u64>| {
            grounds.time(match (self.timed.recorded(), untimed + self.unseen) {
                (_, 0) => whole,
                (0, _) if untimed == 0 => Figure::unknown(UNSEEN),
                (0, _) => Figure::unknown("the ends of these drops are not observed"),
                (_, _) => Figure::AtLeast {
                    value: known,
                    why: "the ends of some drops are not observed".into(),
                },
            })
        };
        let sampled = self.timed.is_sampled();
        let total = match sampled && self.unplaced {
            true => Figure::unknown(OUTERMOST),
            false => time(self.total.recorded(), grounds.amount(self.total)),
        };
        DropFigures {
            timed: grounds.count(self.timed),
            untimed: grounds.count(self.untimed),
            panicking: grounds.count(self.panicking),
            total_ns: total,
            // The time of a nested drop that was lost is in that of the one around it.
            self_ns: match self.mixed {
                0 if sampled && untimed + self.unseen > 0 => {
                    grounds.time(Figure::unknown("the ends of some drops are not observed"))
                }
                0 => time(self.own.sum.estimate(), self.own.figure(grounds)),
                _ => grounds.time(Figure::unknown(MIXED)),
            },
            longest_ns: time(self.longest, grounds.most(self.longest, sampled)),
        }
    }
}

/// What is known of the drops of a group of values, those that may have been drops included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DropFigures {
    /// Drops whose duration is known.
    pub timed: Figure<u64>,
    /// Drops whose begin or end is not observed.
    pub untimed: Figure<u64>,
    /// Drops that ran while their thread was unwinding.
    pub panicking: Figure<u64>,
    /// Time they took in nanoseconds, with all that they set off. A drop within another of the same group is part
    /// of that one and counts once.
    pub total_ns: Figure<u64>,
    /// Time they took in nanoseconds, without the observed drops that they set off.
    pub self_ns: Figure<u64>,
    /// The longest, in nanoseconds.
    pub longest_ns: Figure<u64>,
}

/// The time of a drop, or a call, without those directly within it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Own {
    pub(crate) time: Sum,
    /// Whether it is that, as far as sampling goes: all drops directly within it have a duration.
    pub(crate) exact: bool,
    /// Rows directly within it that stand for others that were left out.
    chosen_within: u64,
    /// Whether some directly within it were left out.
    left_out_within: bool,
}

impl Own {
    /// What is left of a duration.
    pub(crate) fn of(duration: u64, within: &Sum, exact: bool, left_out: LeftOut) -> Self {
        let mut time = Sum::from(duration);
        time.subtract(within);
        // Clocks of two cores may disagree by a few ticks; what is estimated may be more than all there was.
        if time.is_negative() && !time.is_sampled() {
            time = Sum::default();
        }
        Self {
            time: time.of_difference(),
            exact: exact && !left_out.has(LeftOut::UNTIMED_WITHIN),
            chosen_within: within.chosen(),
            left_out_within: left_out.has(LeftOut::WITHIN),
        }
    }
}
