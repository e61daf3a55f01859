//! From ticks to nanoseconds.

use serde::{Deserialize, Serialize};

/// The event clock and the monotonic clock, read at the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClockReading {
    /// The event clock.
    pub ticks: u64,
    /// Nanoseconds of the monotonic clock, from any start.
    pub mono_ns: u64,
}

/// Scales ticks by two readings, the farthest apart that a capture has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    first: ClockReading,
    last: ClockReading,
}

impl Clock {
    /// Makes the clock that goes through two readings.
    #[must_use]
    pub const fn new(first: ClockReading, last: ClockReading) -> Self {
        Self { first, last }
    }

    /// Whether the readings tell the length of a tick. If not, a tick is taken for a nanosecond.
    #[must_use]
    pub const fn is_calibrated(&self) -> bool {
        self.last.ticks > self.first.ticks && self.last.mono_ns > self.first.mono_ns
    }

    /// The first reading, which is the zero of [`Clock::ns`].
    #[must_use]
    pub const fn first(&self) -> ClockReading {
        self.first
    }

    /// The last reading.
    #[must_use]
    pub const fn last(&self) -> ClockReading {
        self.last
    }

    /// Nanoseconds from the first reading to a time in ticks; negative before it. Saturates.
    #[must_use]
    pub fn ns(&self, ticks: u64) -> i64 {
        if ticks >= self.first.ticks {
            i64::try_from(self.duration_ns(ticks - self.first.ticks)).unwrap_or(i64::MAX)
        } else {
            let before = self.duration_ns(self.first.ticks - ticks);
            i64::try_from(before).map_or(i64::MIN, |before| -before)
        }
    }

    /// The tick that is so many nanoseconds after the first reading, or before it if that is negative: the inverse of
    /// [`Clock::ns`], rounded to the nearest. Saturates.
    #[must_use]
    pub fn ticks(&self, ns: i64) -> u64 {
        let mut ticks = u128::from(ns.unsigned_abs());
        if self.is_calibrated() {
            let ticks_between = u128::from(self.last.ticks - self.first.ticks);
            let ns_between = u128::from(self.last.mono_ns - self.first.mono_ns);
            ticks = (ticks * ticks_between + ns_between / 2) / ns_between;
        }
        let ticks = u64::try_from(ticks).unwrap_or(u64::MAX);
        if ns < 0 {
            self.first.ticks.saturating_sub(ticks)
        } else {
            self.first.ticks.saturating_add(ticks)
        }
    }

    /// Nanoseconds that a number of ticks takes, rounded to the nearest. Saturates.
    #[must_use]
    pub fn duration_ns(&self, ticks: u64) -> u64 {
        if !self.is_calibrated() {
            return ticks;
        }
        let ticks_between = u128::from(self.last.ticks - self.first.ticks);
        let ns_between = u128::from(self.last.mono_ns - self.first.mono_ns);
        let ns = (u128::from(ticks) * ns_between + ticks_between / 2) / ticks_between;
        u64::try_from(ns).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn reading(ticks: u64, mono_ns: u64) -> ClockReading {
        ClockReading { ticks, mono_ns }
    }

    #[test]
    fn time_is_scaled_through_both_readings() {
        let clock = Clock::new(reading(1000, 50), reading(4000, 1050));
        assert_eq!([0, 1000, 1003, 4000, 7000].map(|t| clock.ns(t)), [-333, 0, 1, 1000, 2000]);
        assert_eq!([1, 2, 3].map(|t| clock.duration_ns(t)), [0, 1, 1]);
        assert_eq!([-333, 0, 1, 1000, 2000].map(|ns| clock.ticks(ns)), [1, 1000, 1003, 4000, 7000]);
        assert_eq!(
            [i64::MIN, i64::MAX].map(|ns| clock.ticks(ns)),
            [0, 27_670_116_110_564_328_421]
                .map(|ticks: u128| u64::try_from(ticks).unwrap_or(u64::MAX))
        );
    }

    #[test]
    fn extremes_saturate() {
        let clock = Clock::new(reading(1, 1), reading(2, u64::MAX));
        assert_eq!(clock.duration_ns(u64::MAX), u64::MAX);
        assert_eq!(clock.ns(u64::MAX), i64::MAX);
        let clock = Clock::new(reading(u64::MAX - 1, 1), reading(u64::MAX, u64::MAX));
        assert_eq!(clock.ns(0), i64::MIN);
    }

    #[test]
    fn without_two_readings_a_tick_is_a_nanosecond() {
        let clock = Clock::new(reading(10, 5), reading(10, 5));
        assert!(!clock.is_calibrated());
        assert_eq!(clock.ns(25), 15);
    }
}
