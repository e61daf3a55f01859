//! What the allocator handed out.

use super::copied;
use super::figure::Figure;
use crate::error::Error;
use crate::metadata::{Metadata, Part};
use crate::reader::Reader;
use crate::rows::{HeapUser, Metric, Performance};
use serde::Serialize;
use std::collections::HashMap;

/// Why nothing of the heap is known.
const HOOK_OFF: &str = "allocator hook off, or the recording ended before its first reading";
const NO_READINGS: &str = "the program asked for no readings";
const CUT_OFF: &str =
    "no reading of the heap is of the recording's end; counted up to the last that is there";
const SEVERAL: &str = "readings of several processes that were put together cannot be told apart";

/// What the allocator handed out and took back, from the process's first allocation to its exit.
///
/// Of several captures, these are sums, but for the peak, which is the greatest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeapFigures {
    /// What the program asked for.
    pub program: HeapUse,
    /// What memscope asked for to record it.
    pub memscope: HeapUse,
    /// The most bytes that were the program's at once.
    pub peak_bytes: Figure<u64>,
    /// Where blocks were recorded, what of the program's was only counted; what is live of it is not known.
    pub untold: Option<HeapUse>,
}

/// What one of them asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeapUse {
    /// Blocks that were allocated.
    pub allocations: Figure<u64>,
    /// How often a block got another size.
    pub reallocations: Figure<u64>,
    /// Blocks that were freed.
    pub frees: Figure<u64>,
    /// Bytes that were allocated: the sizes of blocks, and what blocks grew by.
    pub allocated_bytes: Figure<u64>,
    /// Bytes that were freed: the sizes of blocks, and what blocks shrank by.
    pub freed_bytes: Figure<u64>,
    /// Blocks that were not freed at the end.
    pub live_blocks: Figure<u64>,
    /// Bytes of those.
    pub live_bytes: Figure<u64>,
}

impl HeapFigures {
    /// Computes the figures of a capture out of its last readings.
    pub(crate) fn of(reader: &Reader) -> Result<Self, Error> {
        let mut last: HashMap<(Metric, u64), (u64, u64)> = HashMap::new();
        let mut damaged = false;
        for row in reader.rows::<Performance>() {
            match row {
                Ok(Performance { ts, metric, subject, value, .. }) => {
                    let reading = last.entry((metric, subject)).or_insert((ts, value));
                    if ts >= reading.0 {
                        *reading = (ts, value);
                    }
                }
                Err(error @ Error::Io(_)) => return Err(error),
                // What is damaged is told by those who count its rows.
                Err(_) => damaged = true,
            }
        }
        let labels = reader.metadata().map(|metadata| metadata.labels.as_slice());
        let of_several = labels.unwrap_or_default().iter().any(|(key, _)| key == "source.2.pid");
        let without = reader.metadata().map(Metadata::without).unwrap_or_default();
        let unread = without.contains(&Part::Readings).then_some(NO_READINGS);
        let readings = Readings {
            is_last: copied::has_last_reading(reader) && !damaged,
            unknown: of_several.then_some(SEVERAL).or(unread),
            last,
        };
        Ok(readings.figures())
    }

    /// Adds the figures of another capture.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            program: self.program.and(other.program),
            memscope: self.memscope.and(other.memscope),
            peak_bytes: greater(self.peak_bytes, other.peak_bytes),
            untold: match (self.untold, other.untold) {
                (Some(own), Some(other)) => Some(own.and(other)),
                (own, other) => own.or(other),
            },
        }
    }
}

impl Default for HeapFigures {
    /// Of no capture: nothing is known.
    fn default() -> Self {
        Readings { last: HashMap::new(), is_last: true, unknown: None }.figures()
    }
}

impl HeapUse {
    fn and(self, other: Self) -> Self {
        Self {
            allocations: sum(self.allocations, other.allocations),
            reallocations: sum(self.reallocations, other.reallocations),
            frees: sum(self.frees, other.frees),
            allocated_bytes: sum(self.allocated_bytes, other.allocated_bytes),
            freed_bytes: sum(self.freed_bytes, other.freed_bytes),
            live_blocks: sum(self.live_blocks, other.live_blocks),
            live_bytes: sum(self.live_bytes, other.live_bytes),
        }
    }
}

/// The last readings of each kind, with their times.
struct Readings {
    last: HashMap<(Metric, u64), (u64, u64)>,
    /// Whether they are of the recording's end.
    is_last: bool,
    /// Why they say nothing all the same.
    unknown: Option<&'static str>,
}

impl Readings {
    fn figures(&self) -> HeapFigures {
        HeapFigures {
            program: self.uses(HeapUser::Program),
            memscope: self.uses(HeapUser::Recorder),
            peak_bytes: self.peak(),
            untold: self
                .last
                .contains_key(&(Metric::Allocations, HeapUser::Untold as u64))
                .then(|| self.uses(HeapUser::Untold)),
        }
    }

    fn value(&self, metric: Metric, user: HeapUser) -> Result<u64, &'static str> {
        let reading = self.last.get(&(metric, user as u64)).map(|(_, value)| *value);
        self.unknown.map_or(reading.ok_or(HOOK_OFF), Err)
    }

    fn uses(&self, user: HeapUser) -> HeapUse {
        let so_far = |metric| match self.value(metric, user) {
            Ok(value) if self.is_last => Figure::Exact(value),
            Ok(value) => Figure::AtLeast { value, why: CUT_OFF.into() },
            Err(why) => Figure::unknown(why),
        };
        let now = |metric| match self.value(metric, user) {
            Ok(_) if !self.is_last => Figure::unknown(CUT_OFF),
            Ok(value) => Figure::Exact(value),
            Err(HOOK_OFF) if self.last.contains_key(&(Metric::Allocations, user as u64)) => {
                Figure::unknown(
                    "it freed blocks that memscope, or memscope blocks that it, had allocated",
                )
            }
            Err(why) => Figure::unknown(why),
        };
        HeapUse {
            allocations: so_far(Metric::Allocations),
            reallocations: so_far(Metric::Reallocations),
            frees: so_far(Metric::Frees),
            allocated_bytes: so_far(Metric::AllocatedBytes),
            freed_bytes: so_far(Metric::FreedBytes),
            live_blocks: now(Metric::HeapBlocks),
            live_bytes: now(Metric::HeapBytes),
        }
    }

    fn peak(&self) -> Figure<u64> {
        let bound = |metric| self.value(metric, HeapUser::Program);
        match (bound(Metric::HeapPeak), bound(Metric::HeapPeakBound)) {
            (Err(why), _) | (_, Err(why)) => Figure::unknown(why),
            (Ok(value), Ok(_)) if !self.is_last => Figure::AtLeast { value, why: CUT_OFF.into() },
            (Ok(least), Ok(most)) => between(least, most),
        }
    }
}

/// A figure that lies between two bounds.
fn between(least: u64, most: u64) -> Figure<u64> {
    match most.saturating_sub(least) {
        0 => Figure::Exact(least),
        width => Figure::Bounded { value: least + width / 2, error: width.div_ceil(2) },
    }
}

/// The bounds of a figure, as far as it has any.
fn bounds(figure: &Figure<u64>) -> (u64, u64) {
    match *figure {
        Figure::Exact(value) | Figure::Inferred { value, .. } => (value, value),
        Figure::Bounded { value, error } | Figure::Sampled { value, error } => {
            (value.saturating_sub(error), value.saturating_add(error))
        }
        Figure::AtLeast { value, .. } => (value, u64::MAX),
        Figure::Unknown { .. } => (0, u64::MAX),
    }
}

fn sum(a: Figure<u64>, b: Figure<u64>) -> Figure<u64> {
    combine(a, b, u64::saturating_add)
}

fn greater(a: Figure<u64>, b: Figure<u64>) -> Figure<u64> {
    combine(a, b, u64::max)
}

fn combine(a: Figure<u64>, b: Figure<u64>, by: fn(u64, u64) -> u64) -> Figure<u64> {
    let ((least_a, most_a), (least_b, most_b)) = (bounds(&a), bounds(&b));
    let least = by(least_a, least_b);
    match (a, b) {
        (Figure::Unknown { why }, _) | (_, Figure::Unknown { why }) => Figure::Unknown { why },
        (Figure::AtLeast { why, .. }, _) | (_, Figure::AtLeast { why, .. }) => {
            Figure::AtLeast { value: least, why }
        }
        (Figure::Inferred { rule, .. }, _) | (_, Figure::Inferred { rule, .. }) => {
            Figure::Inferred { value: least, rule }
        }
        _ => between(least, by(most_a, most_b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(rows: &[(Metric, HeapUser, u64)], is_last: bool) -> HeapFigures {
        let last = rows.iter().map(|&(metric, user, value)| ((metric, user as u64), (1, value)));
        Readings { last: last.collect(), is_last, unknown: None }.figures()
    }

    const OF_PROGRAM: [(Metric, HeapUser, u64); 6] = [
        (Metric::Allocations, HeapUser::Program, 10),
        (Metric::AllocatedBytes, HeapUser::Program, 1000),
        (Metric::FreedBytes, HeapUser::Program, 900),
        (Metric::HeapBytes, HeapUser::Program, 100),
        (Metric::HeapPeak, HeapUser::Program, 400),
        (Metric::HeapPeakBound, HeapUser::Program, 500),
    ];

    #[test]
    fn without_readings_every_figure_says_that_the_hook_is_off() {
        let heap = readings(&[], true);
        let off = Figure::unknown(HOOK_OFF);
        assert_eq!((&heap.program.live_bytes, &heap.peak_bytes), (&off, &off));
        assert_eq!(heap.memscope.allocations, off);
    }

    #[test]
    fn the_last_readings_are_exact_if_the_recording_ended_by_itself() {
        let heap = readings(&OF_PROGRAM, true);
        assert_eq!(heap.program.allocated_bytes, Figure::Exact(1000));
        assert_eq!(heap.program.live_bytes, Figure::Exact(100));
        assert_eq!(heap.peak_bytes, Figure::Bounded { value: 450, error: 50 });
        let heap = readings(&OF_PROGRAM, false);
        assert!(matches!(heap.program.allocated_bytes, Figure::AtLeast { value: 1000, .. }));
        assert!(matches!(heap.program.live_bytes, Figure::Unknown { .. }));
        assert!(matches!(heap.peak_bytes, Figure::AtLeast { value: 400, .. }));
    }

    #[test]
    fn several_captures_are_no_better_known_than_each() {
        let (whole, cut) = (readings(&OF_PROGRAM, true), readings(&OF_PROGRAM, false));
        let both = whole.clone().and(whole.clone());
        assert_eq!(both.program.allocations, Figure::Exact(20));
        assert_eq!(both.peak_bytes, Figure::Bounded { value: 450, error: 50 });
        let both = whole.clone().and(cut);
        assert!(matches!(both.program.allocations, Figure::AtLeast { value: 20, .. }));
        assert!(matches!(both.program.live_bytes, Figure::Unknown { .. }));
        let both = whole.and(readings(&[], true));
        assert_eq!(both.program.allocations, Figure::unknown(HOOK_OFF));
    }
}
