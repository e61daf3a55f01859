//! How well a figure is known.

use super::estimate::Sum;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use std::borrow::Cow;

/// A figure together with how well it is known.
///
/// In JSON it is an object that always has `value` and `fidelity`, and `error`, `why` or `rule` where they apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Figure<T> {
    /// Computed from events that are all there.
    Exact(T),
    /// At most `error` away from the truth, in either direction.
    Bounded {
        /// What was computed.
        value: T,
        /// The most it can be wrong by.
        error: T,
    },
    /// Estimated from values that were chosen by chance: within `error` of the truth, in either direction, in about 95 of 100
    /// recordings. What events that were lost may change is part of the error.
    Sampled {
        /// The estimate.
        value: T,
        /// Two standard errors, and somewhat more where few values were chosen.
        error: T,
    },
    /// No more than the truth: events that would add to it are missing, and nobody counted them.
    AtLeast {
        /// What was computed.
        value: T,
        /// What is missing.
        why: Cow<'static, str>,
    },
    /// Follows from what was recorded by a rule that need not hold.
    Inferred {
        /// What follows.
        value: T,
        /// The rule.
        rule: Cow<'static, str>,
    },
    /// Cannot be told from the capture.
    Unknown {
        /// What would be needed to tell.
        why: Cow<'static, str>,
    },
}

impl<T> Figure<T> {
    /// Makes a figure that is not known, for a reason.
    pub fn unknown(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Unknown { why: why.into() }
    }

    /// Returns what was computed, however well it is known.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Exact(value)
            | Self::Bounded { value, .. }
            | Self::Sampled { value, .. }
            | Self::AtLeast { value, .. }
            | Self::Inferred { value, .. } => Some(value),
            Self::Unknown { .. } => None,
        }
    }

    /// Returns the figure if it is exact.
    pub fn exact(&self) -> Option<&T> {
        match self {
            Self::Exact(value) => Some(value),
            _ => None,
        }
    }

    /// Whether it is exact.
    pub fn is_exact(&self) -> bool {
        matches!(self, Self::Exact(_))
    }

    /// Says how well it is known in one word: `exact`, `bounded`, `sampled`, `at_least`, `inferred` or `unknown`.
    pub fn fidelity(&self) -> &'static str {
        match self {
            Self::Exact(_) => "exact",
            Self::Bounded { .. } => "bounded",
            Self::Sampled { .. } => "sampled",
            Self::AtLeast { .. } => "at_least",
            Self::Inferred { .. } => "inferred",
            Self::Unknown { .. } => "unknown",
        }
    }
}

impl<T: Serialize> Serialize for Figure<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let extra = usize::from(!self.is_exact());
        let mut object = serializer.serialize_struct("Figure", 2 + extra)?;
        object.serialize_field("value", &self.value())?;
        object.serialize_field("fidelity", self.fidelity())?;
        match self {
            Self::Exact(_) => {}
            Self::Bounded { error, .. } | Self::Sampled { error, .. } => {
                object.serialize_field("error", error)?
            }
            Self::AtLeast { why, .. } | Self::Unknown { why } => {
                object.serialize_field("why", why)?
            }
            Self::Inferred { rule, .. } => object.serialize_field("rule", rule)?,
        }
        object.end()
    }
}

/// What a recording lacks, as far as the report can tell: it decides how well counts are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Nothing.
    #[default]
    Nothing,
    /// At most this many events.
    Events(u64),
    /// An unknown number of events.
    Uncounted(&'static str),
}

impl Missing {
    /// Combines what two recordings lack.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Uncounted(why), _) | (_, Self::Uncounted(why)) => Self::Uncounted(why),
            (Self::Nothing, other) => other,
            (own, Self::Nothing) => own,
            (Self::Events(a), Self::Events(b)) => Self::Events(a.saturating_add(b)),
        }
    }
}

/// What the figures of a report stand on: what is missing, and whether ticks can be told in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Grounds {
    /// What the recordings lack.
    pub(crate) missing: Missing,
    /// Whether a recording lacks the clock readings that times need.
    pub(crate) no_clock: bool,
    /// Whether a recording was to have no calls and tasks.
    pub(crate) no_calls: bool,
    /// Whether one was to have no births and ends of values.
    pub(crate) no_values: bool,
}

/// Why figures of calls are unknown in a recording that was to have none.
pub(crate) const NO_CALLS: &str = "the program asked for no calls and tasks";

/// The same of values.
pub(crate) const NO_VALUES: &str = "the program asked for no births and ends of values";

/// Why times are unknown without clock readings.
pub(crate) const NO_CLOCK: &str =
    "the recording lacks the clock readings that tell the length of a tick";

impl Grounds {
    /// Combines what the figures of two recordings stand on.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            missing: self.missing.and(other.missing),
            no_clock: self.no_clock || other.no_clock,
            no_calls: self.no_calls || other.no_calls,
            no_values: self.no_values || other.no_values,
        }
    }

    /// What figures of calls stand on.
    pub(crate) fn of_calls(&self) -> Self {
        self.without(self.no_calls, NO_CALLS)
    }

    /// What figures of values stand on.
    pub(crate) fn of_values(&self) -> Self {
        self.without(self.no_values, NO_VALUES)
    }

    fn without(&self, lacks: bool, why: &'static str) -> Self {
        let missing = if lacks { Missing::Uncounted(why) } else { Missing::Nothing };
        Self { missing: self.missing.clone().and(missing), ..self.clone() }
    }

    /// A time that is `figure` if times can be told.
    pub(crate) fn time(&self, figure: Figure<u64>) -> Figure<u64> {
        if self.no_clock { Figure::unknown(NO_CLOCK) } else { figure }
    }

    /// A figure that missing events can only have made too small.
    pub(crate) fn count(&self, sum: impl Into<Sum>) -> Figure<u64> {
        let sum = sum.into();
        match self.missing {
            Missing::Uncounted(why) => Figure::AtLeast { value: sum.recorded(), why: why.into() },
            Missing::Nothing => Self::counted(&sum, 0),
            Missing::Events(lost) => Self::counted(&sum, lost),
        }
    }

    /// A figure that a missing event can have made too small or too great by one.
    pub(crate) fn balance(&self, sum: impl Into<Sum>) -> Figure<u64> {
        match self.missing {
            Missing::Uncounted(why) => Figure::unknown(why),
            _ => self.count(sum),
        }
    }

    /// A count of which so many events were lost, each of which may have stood for as many as any.
    fn counted(sum: &Sum, lost: u64) -> Figure<u64> {
        let value = sum.estimate();
        match (sum.is_sampled(), lost) {
            (false, 0) => Figure::Exact(value),
            (false, error) => Figure::Bounded { value, error },
            (true, lost) => {
                let lost = lost.saturating_mul(sum.one_in());
                Figure::Sampled { value, error: sum.error_of_count().saturating_add(lost) }
            }
        }
    }

    /// A sum of amounts that missing events can have made too small or too great, by any amount.
    pub(crate) fn difference(&self, sum: impl Into<Sum>) -> Figure<u64> {
        let sum = sum.into();
        match self.missing {
            Missing::Nothing if !sum.is_sampled() => Figure::Exact(sum.estimate()),
            Missing::Nothing if sum.has_none() => Figure::unknown(NONE_CHOSEN),
            Missing::Nothing => Figure::Sampled { value: sum.estimate(), error: sum.error() },
            Missing::Events(_) => Figure::unknown("events were lost"),
            Missing::Uncounted(why) => Figure::unknown(why),
        }
    }

    /// A sum of amounts, of which each missing event may have had one of any size.
    pub(crate) fn amount(&self, sum: impl Into<Sum>) -> Figure<u64> {
        let sum = sum.into();
        let at_least = |why: &'static str| match (sum.is_sampled(), sum.recorded()) {
            (true, 0) => Figure::unknown(why),
            (_, value) => Figure::AtLeast { value, why: why.into() },
        };
        match self.missing {
            Missing::Nothing if !sum.is_sampled() => Figure::Exact(sum.estimate()),
            Missing::Nothing if sum.has_none() => at_least(NONE_CHOSEN),
            Missing::Nothing => Figure::Sampled { value: sum.estimate(), error: sum.error() },
            Missing::Events(_) => at_least("events were lost"),
            Missing::Uncounted(why) => at_least(why),
        }
    }

    /// The greatest of amounts, of which some may not have been recorded because they were `sampled`.
    pub(crate) fn most(&self, value: u64, sampled: bool) -> Figure<u64> {
        match (sampled, value) {
            (false, value) => self.amount(value),
            (true, 0) => Figure::unknown(GREATEST),
            (true, value) => Figure::AtLeast { value, why: GREATEST.into() },
        }
    }
}

/// Why a sum is unknown of which not one sample is there.
pub(crate) const NONE_CHOSEN: &str = "no sample is in it, and what was left out is unknown";
/// Why a greatest amount is a lower bound.
const GREATEST: &str = "the greatest may be one that sampling left out";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_events_bound_counts_and_make_amounts_lower_bounds() {
        let missing = Missing::Events(2).and(Missing::Nothing).and(Missing::Events(1));
        let grounds = Grounds { missing, ..Grounds::default() };
        assert_eq!(grounds.count(10), Figure::Bounded { value: 10, error: 3 });
        assert_eq!(grounds.balance(10), Figure::Bounded { value: 10, error: 3 });
        assert!(matches!(grounds.amount(10), Figure::AtLeast { value: 10, .. }));
    }

    #[test]
    fn uncounted_loss_leaves_no_balance() {
        let missing = Missing::Events(2).and(Missing::Uncounted("a frame is gone"));
        let grounds = Grounds { missing, ..Grounds::default() };
        assert_eq!(grounds.balance(10), Figure::unknown("a frame is gone"));
        assert_eq!(grounds.count(10), Figure::AtLeast { value: 10, why: "a frame is gone".into() });
    }

    #[test]
    fn without_a_clock_no_time_is_known() {
        let lacking = Grounds::default().and(Grounds { no_clock: true, ..Grounds::default() });
        assert_eq!(lacking.time(Figure::Exact(5)), Figure::unknown(NO_CLOCK));
        assert_eq!(lacking.count(5), Figure::Exact(5));
        assert_eq!(Grounds::default().time(Figure::Exact(5)), Figure::Exact(5));
    }

    #[test]
    fn json_always_has_value_and_fidelity() {
        let json = |figure: Figure<u64>| serde_json::to_string(&figure).unwrap();
        assert_eq!(json(Figure::Exact(3)), r#"{"value":3,"fidelity":"exact"}"#);
        assert_eq!(
            json(Figure::Bounded { value: 3, error: 1 }),
            r#"{"value":3,"fidelity":"bounded","error":1}"#
        );
        assert_eq!(
            json(Figure::unknown("no births")),
            r#"{"value":null,"fidelity":"unknown","why":"no births"}"#
        );
    }
}
