//! The times of several recordings on one line.

use super::recording::Recording;
use crate::clock::{Clock, ClockReading};
use crate::reader::Reader;
use std::fmt;

/// How the times of several recordings were made to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Alignment {
    /// All ticks are of one counter, and are as they were.
    SameCounter,
    /// By the monotonic clock, which all read: ticks are nanoseconds now, each rounded to the nearest.
    MonotonicClock,
    /// By the wall clock, since they are of several machines, or of one that was started in between: ticks are nanoseconds
    /// now, and between recordings as exact as those clocks.
    WallClock,
}

impl fmt::Display for Alignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SameCounter => "one counter, times are as they were recorded",
            Self::MonotonicClock => "by the monotonic clock, times are rounded to nanoseconds",
            Self::WallClock => "by the wall clock, times are rounded to nanoseconds",
        })
    }
}

/// Wall clock and monotonic clock are read one after the other, and the wall clock may be set.
const SAME_BOOT_NS: u128 = 1_000_000_000;

/// Where the first recording begins, in nanoseconds: events may come before its first reading.
const LEAD_NS: u64 = 1_000_000_000;

/// The line.
#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) alignment: Alignment,
    pub(super) first: ClockReading,
    pub(super) last: ClockReading,
    recordings: Vec<Time>,
}

/// The time of one recording on the line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Time {
    Same,
    Nanoseconds {
        clock: Clock,
        /// Where its first reading is.
        start: u64,
    },
}

impl Time {
    /// A time on the line; saturates.
    pub(super) fn ticks(&self, ticks: u64) -> u64 {
        match self {
            Self::Same => ticks,
            Self::Nanoseconds { clock, start } => start.saturating_add_signed(clock.ns(ticks)),
        }
    }

    /// A number of ticks, in those of the line.
    pub(super) fn duration(&self, ticks: u64) -> u64 {
        match self {
            Self::Same => ticks,
            Self::Nanoseconds { clock, .. } => clock.duration_ns(ticks),
        }
    }
}

impl Timeline {
    /// Finds the line of recordings.
    pub(super) fn of(recordings: &[Recording<'_>]) -> Self {
        let clocks: Vec<Clock> = recordings.iter().map(|of| clock(&of.files)).collect();
        let unix: Vec<u64> = recordings.iter().map(|of| started(of.first())).collect();
        let boot =
            |place: usize| i128::from(unix[place]) - i128::from(clocks[place].first().mono_ns);
        let all = 0..recordings.len();
        let same_boot = all.clone().all(|place| boot(place).abs_diff(boot(0)) <= SAME_BOOT_NS);
        let source = |place: usize| {
            let metadata = recordings[place].first().metadata();
            metadata.map(|metadata| metadata.clock_source.as_str())
        };
        let same_source =
            all.clone().all(|place| source(place) == source(0) && source(0).is_some());
        let same_counter = recordings.len() == 1
            || same_boot && same_source && clocks.iter().all(|clock| agree(&clocks[0], clock));
        if same_counter {
            let first = clocks.iter().map(Clock::first).min_by_key(|reading| reading.ticks);
            let last = clocks.iter().map(Clock::last).max_by_key(|reading| reading.ticks);
            return Self {
                alignment: Alignment::SameCounter,
                first: first.unwrap_or_default(),
                last: last.unwrap_or_default(),
                recordings: vec![Time::Same; recordings.len()],
            };
        }
        let alignment = if same_boot { Alignment::MonotonicClock } else { Alignment::WallClock };
        let begin =
            |place: usize| if same_boot { clocks[place].first().mono_ns } else { unix[place] };
        let earliest = all.clone().map(begin).min().unwrap_or(0);
        let time = |place: usize| Time::Nanoseconds {
            clock: clocks[place],
            start: (begin(place) - earliest).saturating_add(LEAD_NS),
        };
        let times: Vec<Time> = all.map(time).collect();
        let reading = |ns| ClockReading { ticks: ns, mono_ns: ns };
        let last =
            times.iter().zip(&clocks).map(|(time, clock)| time.ticks(clock.last().ticks)).max();
        Self {
            alignment,
            first: reading(LEAD_NS),
            last: reading(last.unwrap_or(LEAD_NS)),
            recordings: times,
        }
    }

    /// The time of a recording, by its place.
    pub(super) fn of_recording(&self, place: usize) -> Time {
        self.recordings.get(place).copied().unwrap_or(Time::Same)
    }

    /// What the ticks are of, if they are not what they were.
    pub(super) fn clock_source(&self, before: &str) -> String {
        match self.alignment {
            Alignment::SameCounter => before.to_owned(),
            Alignment::MonotonicClock => "monotonic".to_owned(),
            Alignment::WallClock => "unix".to_owned(),
        }
    }
}

/// The clock of a recording, through the farthest readings that its files have.
fn clock(files: &[&Reader]) -> Clock {
    let clocks = || files.iter().map(|reader| *reader.clock());
    let first = clocks().map(|clock| clock.first()).min_by_key(|reading| reading.ticks);
    let last = clocks().map(|clock| clock.last()).max_by_key(|reading| reading.ticks);
    Clock::new(first.unwrap_or_default(), last.unwrap_or_default())
}

/// When a recording began, by the wall clock.
fn started(first: &Reader) -> u64 {
    let metadata = first.metadata().map(|metadata| metadata.started_unix_ns);
    metadata.unwrap_or(first.header().created_unix_ns)
}

/// Whether two clocks of one boot read the same counter: they then lie on one line, but for what their readings are not
/// exact.
fn agree(one: &Clock, other: &Clock) -> bool {
    if !(one.is_calibrated() && other.is_calibrated()) {
        return false;
    }
    let close = |reading: ClockReading| {
        let found = i128::from(one.ns(reading.ticks));
        let expected = i128::from(reading.mono_ns) - i128::from(one.first().mono_ns);
        let away = expected.unsigned_abs();
        // A millisecond, and a ten thousandth of how far the line must be drawn.
        found.abs_diff(expected) <= 1_000_000 + away / 10_000
    };
    close(other.first()) && close(other.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn reading(ticks: u64, mono_ns: u64) -> ClockReading {
        ClockReading { ticks, mono_ns }
    }

    #[test]
    fn clocks_of_one_counter_lie_on_one_line() {
        let one = Clock::new(reading(3_000, 1_000), reading(3_000_003_000, 1_000_001_000));
        let line = |ns: u64| reading(3 * ns, ns);
        assert!(agree(&one, &Clock::new(line(5_000_000_000), line(6_000_000_000))));
        // Another counter that happens to be as fast.
        let shifted = |ns: u64| reading(3 * ns + 30_000_000, ns);
        assert!(!agree(&one, &Clock::new(shifted(5_000_000), shifted(6_000_000))));
        // And one that is faster.
        let faster = |ns: u64| reading(4 * ns, ns);
        assert!(!agree(&one, &Clock::new(faster(5_000_000_000), faster(6_000_000_000))));
        // One that was read once tells nothing.
        assert!(!agree(&one, &Clock::new(line(5), line(5))));
    }

    #[test]
    fn times_are_moved_and_scaled() {
        let clock = Clock::new(reading(1000, 0), reading(4000, 1000));
        let time = Time::Nanoseconds { clock, start: 500 };
        assert_eq!([1000, 4000, 700, 0].map(|ticks| time.ticks(ticks)), [500, 1500, 400, 167]);
        assert_eq!(time.duration(3000), 1000);
        let early = Time::Nanoseconds { clock, start: 50 };
        assert_eq!(early.ticks(0), 0);
    }
}
