//! What calls cost, and what became of tasks.
//!
//! The rows of a thread come in the order in which calls ended, each with its depth: a call comes behind those that it
//! made, which are one deeper. So what lies one deeper and was not claimed yet is what it made.

use super::figure::{Figure, Grounds};
use super::place::Place;
use crate::rows::{Call, CallOutcome, Task, TaskKind};
use serde::Serialize;
use std::collections::HashMap;

/// What is known of the calls of a function; of an async one, of its tasks and their polls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionFigures {
    /// Which function.
    #[serde(flatten)]
    pub site: Place,
    /// Calls that ended; of an async function, polls.
    pub calls: Figure<u64>,
    /// Those that unwound.
    pub unwound: Figure<u64>,
    /// Time from begin to end. A call within another of the same function is part of that one, and counts once.
    pub total_ns: Figure<u64>,
    /// Time without that of the recorded calls within.
    pub self_ns: Figure<u64>,
    /// The longest call.
    pub longest_ns: Figure<u64>,
    /// Of an async function: what became of the futures that were polled.
    pub tasks: Option<TaskFigures>,
}

/// What became of the tasks of an async function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskFigures {
    /// Futures that were polled at least once.
    pub started: Figure<u64>,
    /// Those that gave their result.
    pub completed: Figure<u64>,
    /// Those that were dropped before.
    pub cancelled: Figure<u64>,
    /// Those that unwound.
    pub unwound: Figure<u64>,
    /// Those of which no end was recorded.
    pub unfinished: Figure<u64>,
}

/// What is summed up of a function; times in ticks within a capture, in nanoseconds after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CallTotals {
    calls: u64,
    unwound: u64,
    total: u64,
    own: u64,
    longest: u64,
    started: u64,
    completed: u64,
    cancelled: u64,
    failed: u64,
}

impl CallTotals {
    /// The same, with ticks as nanoseconds.
    pub(crate) fn in_ns(self, ns: impl Fn(u64) -> u64) -> Self {
        Self { total: ns(self.total), own: ns(self.own), longest: ns(self.longest), ..self }
    }

    /// Adds those of another capture.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.calls += other.calls;
        self.unwound += other.unwound;
        self.total += other.total;
        self.own += other.own;
        self.longest = self.longest.max(other.longest);
        self.started += other.started;
        self.completed += other.completed;
        self.cancelled += other.cancelled;
        self.failed += other.failed;
    }

    pub(crate) fn figures(self, site: Place, grounds: &Grounds) -> FunctionFigures {
        let ended = self.completed + self.cancelled + self.failed;
        FunctionFigures {
            site,
            calls: grounds.count(self.calls),
            unwound: grounds.count(self.unwound),
            total_ns: grounds.time(grounds.amount(self.total)),
            // A call that is missing leaves its time to the one around it.
            self_ns: grounds.time(grounds.difference(self.own)),
            longest_ns: grounds.time(grounds.amount(self.longest)),
            tasks: (self.started > 0).then(|| TaskFigures {
                started: grounds.count(self.started),
                completed: grounds.count(self.completed),
                cancelled: grounds.count(self.cancelled),
                unwound: grounds.count(self.failed),
                unfinished: grounds.balance(self.started.saturating_sub(ended)),
            }),
        }
    }
}

/// Adds up the calls of one capture.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    functions: HashMap<u32, CallTotals>,
    threads: HashMap<u32, Vec<Level>>,
}

/// What calls of one depth have cost since one less deep ended.
#[derive(Debug, Default)]
struct Level {
    /// The time of all.
    time: u64,
    /// The time of the outermost calls of each function.
    by_function: HashMap<u32, u64>,
}

impl Calls {
    /// Adds a call.
    pub(crate) fn call(&mut self, row: &Call) {
        let levels = self.threads.entry(row.thread).or_default();
        let depth = row.depth as usize;
        let within = if levels.len() > depth + 1 {
            // Deeper ones than that are left over where a call between was lost.
            let mut rest = levels.split_off(depth + 1).into_iter();
            rest.next().unwrap_or_default()
        } else {
            Level::default()
        };
        levels.resize_with(depth + 1, Level::default);
        let function = self.functions.entry(row.site).or_default();
        function.calls += u64::from(row.outcome != CallOutcome::Open);
        function.unwound += u64::from(row.outcome == CallOutcome::Unwound);
        let duration = row.duration.unwrap_or(0);
        function.own += duration.saturating_sub(within.time);
        function.longest = function.longest.max(duration);
        let level = &mut levels[depth];
        level.time += duration;
        for (site, time) in within.by_function {
            if site != row.site {
                *level.by_function.entry(site).or_default() += time;
            }
        }
        *level.by_function.entry(row.site).or_default() += duration;
        if depth == 0 {
            let Level { by_function, .. } = std::mem::take(level);
            self.outermost(by_function);
        }
    }

    /// Adds what happened to a task.
    pub(crate) fn task(&mut self, row: &Task) {
        let function = self.functions.entry(row.site).or_default();
        let count = match row.kind {
            TaskKind::Started => &mut function.started,
            TaskKind::Completed => &mut function.completed,
            TaskKind::Cancelled => &mut function.cancelled,
            TaskKind::Unwound => &mut function.failed,
        };
        *count += 1;
    }

    /// Ends the capture: calls within others that have not ended are counted too.
    pub(crate) fn finish(mut self) -> HashMap<u32, CallTotals> {
        for levels in std::mem::take(&mut self.threads).into_values() {
            for level in levels {
                self.outermost(level.by_function);
            }
        }
        self.functions
    }

    fn outermost(&mut self, by_function: HashMap<u32, u64>) {
        for (site, time) in by_function {
            self.functions.entry(site).or_default().total += time;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(site: u32, depth: u32, duration: u64) -> Call {
        Call {
            ts: 0,
            duration: Some(duration),
            site,
            task: None,
            depth,
            outcome: CallOutcome::Returned,
            thread: 1,
        }
    }

    fn totals(rows: &[Call]) -> Vec<(u32, u64, u64, u64)> {
        let mut calls = Calls::default();
        rows.iter().for_each(|row| calls.call(row));
        let mut found: Vec<_> = calls
            .finish()
            .into_iter()
            .map(|(site, totals)| (site, totals.calls, totals.total, totals.own))
            .collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn what_a_call_made_is_not_its_own_time() {
        // 1 calls 2 twice, one of which calls 3.
        let rows = [call(2, 1, 10), call(3, 2, 4), call(2, 1, 20), call(1, 0, 50), call(1, 0, 7)];
        assert_eq!(totals(&rows), [(1, 2, 57, 27), (2, 2, 30, 26), (3, 1, 4, 4)]);
    }

    #[test]
    fn a_call_within_one_of_the_same_function_counts_once() {
        // 1 calls 2, which calls 1, which calls 1.
        let rows = [call(1, 3, 5), call(1, 2, 20), call(2, 1, 30), call(1, 0, 100)];
        assert_eq!(totals(&rows), [(1, 3, 100, 5 + 15 + 70), (2, 1, 30, 10)]);
    }

    #[test]
    fn what_was_called_by_a_call_that_never_ended_is_counted() {
        let rows = [call(3, 2, 5), call(2, 1, 8), call(2, 1, 1)];
        assert_eq!(totals(&rows), [(2, 2, 9, 4), (3, 1, 5, 5)]);
    }
}
