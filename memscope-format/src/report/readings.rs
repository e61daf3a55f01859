//! What the recorder read of the process, of its rings and of its own work, and what the program marked.

use super::copied;
use super::figure::Figure;
use crate::error::Error;
use crate::reader::Reader;
use crate::rows::{Metric, Performance};
use serde::Serialize;

/// Why nothing is known.
const NOT_READ: &str = "the recorder took no reading";
/// Why what lay between readings is not.
const BETWEEN: &str = "read once a second at most";
/// Why the last reading is not of the end.
const CUT_OFF: &str = "no reading is of the recording's end; as last read";

/// The moment at which the program said that a phase begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// What the program called it.
    pub phase: String,
    /// How many marks of this name there were with it.
    pub count: u64,
    /// When, in nanoseconds since recording began.
    pub at_ns: u64,
}

/// How the process and the recorder did, by readings of which there is one a second at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PerformanceFigures {
    /// The most bytes of the process that were in memory at a reading.
    pub peak_resident_bytes: Figure<u64>,
    /// Time of the process in user mode, in nanoseconds, all its threads together.
    pub user_ns: Figure<u64>,
    /// Time of the process in the kernel, in nanoseconds.
    pub system_ns: Figure<u64>,
    /// Page faults that needed no input.
    pub minor_faults: Figure<u64>,
    /// Page faults that did.
    pub major_faults: Figure<u64>,
    /// The most slots of a ring that waited for the drain at a reading.
    pub fullest_ring_slots: Figure<u64>,
    /// Slots that each ring has.
    pub ring_slots: Figure<u64>,
    /// The longest cycle of the drain, in nanoseconds, of those that were read.
    pub longest_cycle_ns: Figure<u64>,
    /// Processor time of the drain, in nanoseconds.
    pub drain_ns: Figure<u64>,
    /// Time that threads of the program waited for the recorder, in nanoseconds, all threads together. Drops and calls that they
    /// waited in took so much longer than they would.
    pub held_up_ns: Figure<u64>,
}

/// What the rows of PERFORMANCE of a capture say, but for those of the heap.
#[derive(Debug)]
pub(crate) struct Readings {
    pub(crate) performance: PerformanceFigures,
    pub(crate) marks: Vec<Mark>,
    /// How often recording was paused.
    pub(crate) pauses: u64,
    /// How long it was, in ticks.
    pub(crate) paused: u64,
}

impl Readings {
    /// Reads a capture; what is damaged is told by those who count its rows.
    pub(crate) fn of(reader: &Reader) -> Result<Self, Error> {
        let mut rows = Vec::new();
        for row in reader.rows::<Performance>() {
            match row {
                Ok(row) => rows.push(row),
                Err(error @ Error::Io(_)) => return Err(error),
                Err(_) => {}
            }
        }
        rows.sort_by_key(|row| row.ts);
        let (pauses, paused) = pauses(&rows);
        Ok(Self {
            performance: performance(&rows, reader),
            marks: rows.iter().filter_map(|row| mark(row, reader)).collect(),
            pauses,
            paused,
        })
    }
}

fn mark(row: &Performance, reader: &Reader) -> Option<Mark> {
    if row.metric != Metric::Mark {
        return None;
    }
    let id = u32::try_from(row.subject).ok();
    let text = id.and_then(|id| reader.defs().strings.iter().find(|text| text.id == id));
    Some(Mark {
        phase: text.map_or_else(|| "?".to_owned(), |text| text.text.clone()),
        count: row.value,
        at_ns: u64::try_from(reader.clock().ns(row.ts)).unwrap_or(0),
    })
}

/// How often recording was paused, and for how many ticks; a pause that has no end lasts to the last row.
fn pauses(rows: &[Performance]) -> (u64, u64) {
    let (mut pauses, mut ticks, mut since) = (0, 0, None);
    for row in rows.iter().filter(|row| row.metric == Metric::Paused) {
        if row.value == 0 {
            ticks += since.take().map_or(0, |since| row.ts - since);
        } else if since.is_none() {
            pauses += 1;
            since = Some(row.ts);
        }
    }
    let end = rows.last().map_or(0, |row| row.ts);
    (pauses, ticks + since.map_or(0, |since| end - since))
}

fn performance(rows: &[Performance], reader: &Reader) -> PerformanceFigures {
    let of = |metric| {
        let values = rows.iter().filter(move |row| row.metric == metric);
        values.map(|row| row.value)
    };
    let most = |metric| match of(metric).max() {
        Some(value) => Figure::AtLeast { value, why: BETWEEN.into() },
        None => Figure::unknown(NOT_READ),
    };
    let ended = copied::has_last_reading(reader);
    let last = |metric| match of(metric).next_back() {
        Some(value) if ended => Figure::Exact(value),
        Some(value) => Figure::AtLeast { value, why: CUT_OFF.into() },
        None => Figure::unknown(NOT_READ),
    };
    PerformanceFigures {
        peak_resident_bytes: most(Metric::ResidentBytes),
        user_ns: last(Metric::UserTime),
        system_ns: last(Metric::SystemTime),
        minor_faults: last(Metric::MinorFaults),
        major_faults: last(Metric::MajorFaults),
        fullest_ring_slots: most(Metric::RingFill),
        ring_slots: reader.metadata().map_or_else(
            || Figure::unknown("the metadata is lost"),
            |metadata| Figure::Exact(metadata.ring_capacity),
        ),
        longest_cycle_ns: most(Metric::DrainCycle),
        drain_ns: last(Metric::DrainTime),
        held_up_ns: last(Metric::HeldUp),
    }
}

impl Default for PerformanceFigures {
    /// Of no capture: nothing is known.
    fn default() -> Self {
        let unknown = || Figure::unknown(NOT_READ);
        Self {
            peak_resident_bytes: unknown(),
            user_ns: unknown(),
            system_ns: unknown(),
            minor_faults: unknown(),
            major_faults: unknown(),
            fullest_ring_slots: unknown(),
            ring_slots: unknown(),
            longest_cycle_ns: unknown(),
            drain_ns: unknown(),
            held_up_ns: unknown(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_counted_once_and_the_last_need_not_end() {
        let row = |ts, metric, value| Performance { ts, metric, subject: 0, value, thread: None };
        let pause = |ts, value| row(ts, Metric::Paused, value);
        assert_eq!(pauses(&[]), (0, 0));
        let rows = [pause(5, 1), pause(6, 1), pause(9, 0), pause(10, 0), pause(20, 1)];
        assert_eq!(pauses(&rows), (2, 4));
        let end = row(27, Metric::Mark, 1);
        assert_eq!(pauses(&[&rows[..], &[end]].concat()), (2, 11));
    }
}
