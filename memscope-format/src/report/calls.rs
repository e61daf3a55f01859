//! What calls cost, and what became of tasks.
//!
//! The rows of a thread come in the order in which calls ended, each with its depth: a call comes behind those that it
//! made, which are one deeper. So what lies one deeper and was not claimed yet is what it made.

use super::drops::{Own, OwnTotals};
use super::estimate::Sum;
use super::figure::{Figure, Grounds};
use super::place::Place;
use crate::defs::{Defs, SiteKind};
use crate::rows::{Call, CallOutcome, LeftOut, Task, TaskKind};
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
    /// Those that unwound; unknown where calls began while their thread was unwinding already.
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
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct CallTotals {
    calls: Sum,
    unwound: Sum,
    total: Sum,
    /// Whether some lie within calls that were left out.
    unplaced: bool,
    /// Whether of some it is unknown how they ended.
    untold: bool,
    own: OwnTotals,
    longest: u64,
    started: Sum,
    completed: Sum,
    cancelled: Sum,
    failed: Sum,
    unfinished: Sum,
}

/// Why the total of sampled calls is unknown.
const OUTERMOST: &str = "some may lie within calls of it that sampling left out";
/// Why the number of calls that unwound is unknown.
const UNTOLD: &str =
    "some began while their thread was unwinding: those that unwound themselves cannot be told";
/// Why the total of polls of sampled tasks is unknown.
const OF_TASKS: &str = "some polls may lie within those of tasks that sampling left out";

impl CallTotals {
    /// The same, with ticks as nanoseconds.
    pub(crate) fn in_ns(self, ns: impl Fn(u64) -> u64) -> Self {
        let longest = ns(self.longest);
        Self { total: self.total.scaled(&ns), own: self.own.in_ns(ns), longest, ..self }
    }

    /// Adds those of another capture.
    pub(crate) fn absorb(&mut self, other: Self) {
        let theirs = [other.calls, other.unwound, other.total];
        let theirs = theirs.into_iter().chain([
            other.started,
            other.completed,
            other.cancelled,
            other.failed,
            other.unfinished,
        ]);
        self.sums().into_iter().zip(theirs).for_each(|(sum, other)| sum.absorb(&other));
        self.unplaced |= other.unplaced;
        self.untold |= other.untold;
        self.own.absorb(&other.own);
        self.longest = self.longest.max(other.longest);
    }

    fn sums(&mut self) -> [&mut Sum; 8] {
        let Self {
            calls, unwound, total, started, completed, cancelled, failed, unfinished, ..
        } = self;
        [calls, unwound, total, started, completed, cancelled, failed, unfinished]
    }

    /// Says that one call in so many is recorded.
    fn sampled(&mut self, one_in: u64) {
        self.own.sum.sampled(one_in);
        self.sums().into_iter().for_each(|sum| sum.sampled(one_in));
    }

    pub(crate) fn figures(self, site: Place, grounds: &Grounds) -> FunctionFigures {
        let sampled = self.calls.is_sampled();
        let has_tasks =
            self.started.recorded() > 0 || sampled && site.kind == Some(SiteKind::AsyncFunction);
        let total = match sampled {
            true if has_tasks => Figure::unknown(OF_TASKS),
            true if self.unplaced => Figure::unknown(OUTERMOST),
            _ => grounds.amount(self.total),
        };
        FunctionFigures {
            site,
            calls: grounds.count(self.calls),
            unwound: if self.untold {
                Figure::unknown(UNTOLD)
            } else {
                grounds.count(self.unwound)
            },
            total_ns: grounds.time(total),
            // A call that is missing leaves its time to the one around it.
            self_ns: grounds.time(self.own.figure(grounds)),
            longest_ns: grounds.time(grounds.most(self.longest, sampled)),
            tasks: has_tasks.then(|| TaskFigures {
                started: grounds.count(self.started),
                completed: grounds.count(self.completed),
                cancelled: grounds.count(self.cancelled),
                unwound: grounds.count(self.failed),
                unfinished: grounds.balance(self.unfinished),
            }),
        }
    }
}

/// Adds up the calls of one capture.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    functions: HashMap<u32, CallTotals>,
    threads: HashMap<u32, Vec<Level>>,
    /// Sampled tasks that have not ended, by the function that they are of.
    tasks: HashMap<(u32, u64), Polls>,
}

/// What calls of one depth have cost since one less deep ended.
#[derive(Debug, Default)]
struct Level {
    /// The time of those that no left-out call encloses.
    time: Sum,
    /// The outermost calls of each function.
    by_function: HashMap<u32, Outermost>,
}

/// The outermost calls of a function within another.
#[derive(Debug, Clone, Copy, Default)]
struct Outermost {
    time: Sum,
    /// Whether a call that was left out is around some of them.
    unplaced: bool,
}

/// The polls of a task, which was chosen as a whole.
#[derive(Debug, Clone, Copy, Default)]
struct Polls {
    polls: u64,
    unwound: u64,
    own: OwnTotals,
    /// How many tasks it stands for.
    weight: u64,
}

impl Calls {
    /// Starts with the definitions of a capture.
    pub(crate) fn new(defs: &Defs) -> Self {
        let mut calls = Self::default();
        for (hook, one_in) in defs.sampled_hooks().filter(|(hook, _)| hook.type_id == 0) {
            calls.functions.entry(hook.site).or_default().sampled(one_in);
        }
        calls
    }

    /// Adds a call that stands for `weight` calls.
    pub(crate) fn call(&mut self, row: &Call, weight: u64) {
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
        let duration = row.duration.unwrap_or(0);
        let own = Own::of(duration, &within.time, true, row.left_out);
        let function = self.functions.entry(row.site).or_default();
        function.longest = function.longest.max(duration);
        function.untold |= row.outcome == CallOutcome::Unknown;
        let ended = u64::from(row.outcome != CallOutcome::Open);
        let unwound = u64::from(row.outcome == CallOutcome::Unwound);
        match row.task {
            Some(task) if weight > 1 => {
                let polls = self.tasks.entry((row.site, task)).or_default();
                polls.weight = weight;
                polls.polls += ended;
                polls.unwound += unwound;
                polls.own.add(&own, 1);
            }
            _ => {
                function.calls.add_if(ended, weight);
                function.unwound.add_if(unwound, weight);
                function.own.add(&own, weight);
            }
        }
        let mut took = Sum::default();
        took.add(duration, weight);
        let around = row.left_out.has(LeftOut::AROUND);
        let level = &mut levels[depth];
        if !around {
            level.time.absorb(&took);
        }
        for (site, inner) in within.by_function {
            if site != row.site {
                let outer = level.by_function.entry(site).or_default();
                outer.time.absorb(&inner.time);
                outer.unplaced |= inner.unplaced || around;
            }
        }
        let outer = level.by_function.entry(row.site).or_default();
        outer.time.absorb(&took);
        outer.unplaced |= around;
        if depth == 0 {
            let Level { by_function, .. } = std::mem::take(level);
            self.outermost(by_function);
        }
    }

    /// Adds what happened to a task, which stands for `weight` of them. One from before the recording was never counted as
    /// unfinished.
    pub(crate) fn task(&mut self, row: &Task, weight: u64, is_from_before: bool) {
        let function = self.functions.entry(row.site).or_default();
        let count = match row.kind {
            TaskKind::Started => &mut function.started,
            TaskKind::Completed => &mut function.completed,
            TaskKind::Cancelled => &mut function.cancelled,
            TaskKind::Unwound => &mut function.failed,
        };
        count.count(weight);
        match row.kind {
            TaskKind::Started => function.unfinished.count(weight),
            _ if is_from_before => {}
            _ => function.unfinished.uncount(weight),
        }
        if row.kind != TaskKind::Started
            && let Some(polls) = self.tasks.remove(&(row.site, row.task))
        {
            function.polled(&polls);
        }
    }

    /// Ends the capture: calls within others that have not ended are counted too.
    pub(crate) fn finish(mut self) -> HashMap<u32, CallTotals> {
        for levels in std::mem::take(&mut self.threads).into_values() {
            for level in levels {
                self.outermost(level.by_function);
            }
        }
        for ((site, _), polls) in std::mem::take(&mut self.tasks) {
            self.functions.entry(site).or_default().polled(&polls);
        }
        self.functions
    }

    fn outermost(&mut self, by_function: HashMap<u32, Outermost>) {
        for (site, outermost) in by_function {
            let function = self.functions.entry(site).or_default();
            function.total.absorb(&outermost.time);
            function.unplaced |= outermost.unplaced;
        }
    }
}

impl CallTotals {
    /// Adds the polls of a task.
    fn polled(&mut self, polls: &Polls) {
        self.calls.add(polls.polls, polls.weight);
        self.unwound.add_if(polls.unwound, polls.weight);
        self.own.add_totals(&polls.own, polls.weight);
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
            left_out: LeftOut::default(),
        }
    }

    fn totals(rows: &[Call]) -> Vec<(u32, u64, u64, u64)> {
        let mut calls = Calls::default();
        rows.iter().for_each(|row| calls.call(row, 1));
        let mut found: Vec<_> = calls
            .finish()
            .into_iter()
            .map(|(site, totals)| {
                let CallTotals { calls, total, own, .. } = totals;
                (site, calls.estimate(), total.estimate(), own.sum.estimate())
            })
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

    #[test]
    fn how_many_unwound_is_unknown_where_one_began_while_its_thread_unwound() {
        let untold = |outcome| {
            let mut calls = Calls::default();
            calls.call(&Call { outcome, ..call(1, 0, 10) }, 1);
            calls.call(&call(1, 0, 10), 1);
            let (_, totals) = calls.finish().into_iter().next().unwrap();
            let mut sum = CallTotals::default();
            sum.absorb(totals);
            sum.untold
        };
        assert!(untold(CallOutcome::Unknown));
        assert!(!untold(CallOutcome::Unwound));
    }
}
