//! Recordings of a program of which all is known, sampled in many ways: what the report says of each, against the truth.

use super::calls::{CallTotals, Calls};
use super::drops::{DropForest, DropSink, DropTotals};
use super::estimate::Sum;
use super::estimate::tests::Numbers;
use super::figure::{Figure, Grounds};
use super::place::Place;
use super::testing::Scene;
use super::{FunctionFigures, Report};
use crate::rows::{Call, CallOutcome, DropChain, LeftOut, LifecycleKind, Outcome};
use std::collections::{BTreeMap, HashMap};

const RUNS: u64 = 200;

/// A call, or a drop, with those that it made; the time that it takes before each and after the last.
#[derive(Debug, Clone)]
struct Node {
    site: u32,
    work: u64,
    within: Vec<Node>,
}

/// What a call took itself, and in all, by its site.
type Times = BTreeMap<u32, (u64, u64)>;

impl Node {
    fn new(site: u32, work: u64, within: Vec<Self>) -> Self {
        Self { site, work, within }
    }

    fn took(&self) -> u64 {
        let within: u64 = self.within.iter().map(Self::took).sum();
        within + self.own()
    }

    fn own(&self) -> u64 {
        self.work * (self.within.len() as u64 + 1)
    }

    /// Adds up what there was; `around` are the sites of the calls around it.
    fn truth(&self, around: &mut Vec<u32>, times: &mut Times) {
        let (own, total) = times.entry(self.site).or_default();
        *own += self.own();
        *total += if around.contains(&self.site) { 0 } else { self.took() };
        around.push(self.site);
        self.within.iter().for_each(|node| node.truth(around, times));
        around.pop();
    }
}

/// What a recorder keeps of the calls that are open.
struct Sampler<'a> {
    numbers: Numbers,
    one_in: &'a HashMap<u32, u64>,
    now: u64,
    rows: Vec<(Recorded, u64)>,
}

/// A call or a drop that was recorded.
#[derive(Debug, Clone, Copy)]
struct Recorded {
    site: u32,
    ended: u64,
    duration: u64,
    depth: u32,
    left_out: LeftOut,
}

impl Sampler<'_> {
    /// Runs through a call within `depth` recorded ones, the innermost of which is left out if that is said. Returns whether
    /// it was recorded.
    fn run(&mut self, node: &Node, depth: u32, around: bool) -> bool {
        let one_in = self.one_in.get(&node.site).copied().unwrap_or(1);
        let chosen = self.numbers.one_in(one_in);
        let begun = self.now;
        let mut left_out = if around { LeftOut::AROUND } else { LeftOut::default() };
        for inner in &node.within {
            self.now += node.work;
            if !self.run(inner, depth + u32::from(chosen), !chosen) {
                left_out = left_out.and(LeftOut::WITHIN);
            }
        }
        self.now += node.work;
        if chosen {
            let (ended, duration) = (self.now, self.now - begun);
            self.rows
                .push((Recorded { site: node.site, ended, duration, depth, left_out }, one_in));
        }
        chosen
    }
}

fn sampled(program: &[Node], one_in: &HashMap<u32, u64>, seed: u64) -> Vec<(Recorded, u64)> {
    let mut sampler = Sampler { numbers: Numbers::new(seed), one_in, now: 1000, rows: Vec::new() };
    for node in program {
        sampler.run(node, 0, false);
        sampler.now += 1;
    }
    sampler.rows
}

/// 500 times: 1 calls 2 twice, which calls 3, and 1 calls 3 and 4, which calls 3 too.
fn program() -> Vec<Node> {
    let leaf = |work| Node::new(3, work, Vec::new());
    let iteration = |at: u64| {
        let middle = || Node::new(2, 10 + at % 3, vec![leaf(20 + at % 5)]);
        let other = Node::new(4, 5, vec![leaf(7), Node::new(2, 4, Vec::new())]);
        Node::new(1, 3, vec![middle(), leaf(15), middle(), other])
    };
    (0..500).map(iteration).collect()
}

/// Compares figures of simulated recordings with the truth: the mean without bias, and within the error often enough.
fn compare(what: &str, truth: u64, figures: &[Figure<u64>]) {
    let (mut within, mut sum, mut squares) = (0, 0.0, 0.0);
    for figure in figures {
        let (value, error) = match figure {
            Figure::Exact(value) => (*value, 0),
            Figure::Sampled { value, error } => (*value, *error),
            figure => panic!("{what}: {figure:?}"),
        };
        within += u64::from(value.abs_diff(truth) <= error);
        let off = value as f64 - truth as f64;
        (sum, squares) = (sum + off, squares + off * off);
    }
    let runs = figures.len() as f64;
    let (mean, deviation) = (sum / runs, (squares / runs).sqrt());
    assert!(mean.abs() <= 4.0 * deviation / runs.sqrt(), "{what}: {mean} off of {truth}");
    assert!(within as f64 >= 0.93 * runs, "{what}: {within} of {runs} within the error");
}

fn functions(rows: &[(Recorded, u64)]) -> HashMap<u32, FunctionFigures> {
    let mut calls = Calls::default();
    for (row, weight) in rows {
        let Recorded { site, ended, duration, depth, left_out } = *row;
        let row = Call {
            ts: ended,
            duration: Some(duration),
            site,
            task: None,
            depth,
            outcome: CallOutcome::Returned,
            thread: 1,
            left_out,
        };
        calls.call(&row, *weight);
    }
    let figures = |(site, totals): (u32, CallTotals)| {
        (site, totals.figures(Place::lost(site), &Grounds::default()))
    };
    calls.finish().into_iter().map(figures).collect()
}

#[test]
fn times_of_sampled_calls_and_of_those_around_them_are_unbiased() {
    let program = program();
    let mut truth = Times::new();
    program.iter().for_each(|node| node.truth(&mut Vec::new(), &mut truth));
    for one_in in [
        HashMap::from([(3, 10)]),
        HashMap::from([(2, 10)]),
        HashMap::from([(1, 5), (2, 7), (4, 3)]),
        HashMap::from([(1, 5), (2, 7), (3, 4), (4, 3)]),
    ] {
        let runs: Vec<_> =
            (0..RUNS).map(|run| functions(&sampled(&program, &one_in, run))).collect();
        for (site, (own, total)) in &truth {
            let of = |figure: fn(&FunctionFigures) -> &Figure<u64>| -> Vec<Figure<u64>> {
                runs.iter().map(|run| figure(&run[site]).clone()).collect()
            };
            compare(&format!("own time of {site}, {one_in:?}"), *own, &of(|known| &known.self_ns));
            // Of a sampled function within others that were left out no total can be told.
            let totals = of(|known| &known.total_ns);
            if totals.iter().any(|total| total.value().is_some()) {
                compare(&format!("total of {site}, {one_in:?}"), *total, &totals);
            } else {
                assert!(one_in.contains_key(site), "{site} is not sampled");
            }
        }
    }
}

#[test]
fn the_total_of_a_sampled_function_is_known_where_all_around_it_is() {
    let program = program();
    let runs = functions(&sampled(&program, &HashMap::from([(2, 10)]), 1));
    assert_eq!(runs[&2].total_ns.fidelity(), "sampled");
    assert_eq!(runs[&1].total_ns.fidelity(), "exact");
    assert_eq!(runs[&1].self_ns.fidelity(), "sampled", "calls of 2 were left out within it");
    assert_eq!(runs[&3].self_ns.fidelity(), "exact");
    assert_eq!(runs[&3].total_ns.fidelity(), "exact", "all of its calls were recorded");
    let runs = functions(&sampled(&program, &HashMap::from([(1, 10), (2, 10)]), 1));
    assert_eq!(runs[&2].total_ns.fidelity(), "unknown", "1 that was left out may have been a 2");
}

#[derive(Default)]
struct Sums(BTreeMap<u32, DropTotals>, Sum);

impl DropSink for Sums {
    fn site(&mut self, id: u32) -> &mut DropTotals {
        self.0.entry(id).or_default()
    }

    fn a_type(&mut self, id: u32) -> &mut DropTotals {
        self.0.entry(100 + id).or_default()
    }

    fn thread_time(&mut self, _: u32, ticks: &Sum, _: u64) {
        self.1.absorb(ticks);
    }
}

#[test]
fn times_of_sampled_drops_and_of_those_around_them_are_unbiased() {
    let program = program();
    let mut truth = Times::new();
    program.iter().for_each(|node| node.truth(&mut Vec::new(), &mut truth));
    let whole: u64 = program.iter().map(Node::took).sum();
    for one_in in [HashMap::from([(3, 10)]), HashMap::from([(1, 5), (2, 7), (4, 3)])] {
        let runs: Vec<Sums> = (0..RUNS)
            .map(|run| {
                let (mut sums, mut forest) = (Sums::default(), DropForest::new(3));
                for (row, weight) in sampled(&program, &one_in, run) {
                    let Recorded { site, ended, duration, depth, left_out } = row;
                    let row = DropChain {
                        ts: ended,
                        duration: Some(duration),
                        value: ended,
                        site,
                        type_id: site,
                        depth,
                        outcome: Outcome::Dropped,
                        panicking: false,
                        thread: 1,
                        left_out,
                        stack: None,
                    };
                    forest.add(&row, weight, &mut sums);
                }
                let slowest = forest.finish(&mut sums);
                assert!(slowest.iter().all(|slow| slow.row.site == 1), "none is within another");
                sums
            })
            .collect();
        let grounds = Grounds::default();
        for (site, (own, total)) in &truth {
            let figures: Vec<_> = runs.iter().map(|run| run.0[site].figures(&grounds)).collect();
            let owns: Vec<_> = figures.iter().map(|drops| drops.self_ns.clone()).collect();
            compare(&format!("own time of {site}, {one_in:?}"), *own, &owns);
            let totals: Vec<_> = figures.iter().map(|drops| drops.total_ns.clone()).collect();
            if totals.iter().any(|total| total.value().is_some()) {
                compare(&format!("total of {site}, {one_in:?}"), *total, &totals);
            } else {
                assert!(one_in.contains_key(site), "{site} is not sampled");
            }
        }
        let of_thread: Vec<_> = runs.iter().map(|run| grounds.amount(run.1)).collect();
        compare(&format!("drops of the thread, {one_in:?}"), whole, &of_thread);
    }
}

/// Values of a sampled variable, each alive for another time, some of them to the end.
fn lives(one_in: u32, values: u64, seed: u64) -> Report {
    let mut numbers = Numbers::new(seed);
    let mut scene = Scene::new();
    let sampled = scene.variable("load::text", "alloc::string::String", 24);
    let whole = scene.variable("load::whole", "alloc::string::String", 24);
    scene.defs.hooks[whole as usize].type_id = sampled + 100;
    for value in 1..=values {
        let ended = 100 * value + 10 + value * value % 1009;
        if numbers.one_in(one_in.into()) {
            scene.sampled(sampled, one_in).born(sampled, value, 100 * value);
            if value % 5 > 0 {
                scene.lifecycle(sampled, value, ended, LifecycleKind::Exit);
            }
        }
    }
    scene.sampled(whole, 1).born(whole, values + 1, 5).lifecycle(
        whole,
        values + 1,
        9,
        LifecycleKind::Moved,
    );
    scene.sampled(sampled, one_in);
    scene.report()
}

#[test]
fn lives_of_sampled_values_are_estimated() {
    let reports: Vec<Report> = (0..RUNS / 2).map(|run| lives(20, 2000, run)).collect();
    let of = |figure: fn(&Report) -> &Figure<u64>| -> Vec<Figure<u64>> {
        reports.iter().map(|report| figure(report).clone()).collect()
    };
    compare("born", 2000, &of(|report| &report.site("load::text").unwrap().lives.born));
    compare("alive", 400, &of(|report| &report.site("load::text").unwrap().lives.alive_at_exit));
    compare("ended", 1600, &of(|report| &report.site("load::text").unwrap().lives.ended));
    compare("of the thread", 2001, &of(|report| &report.threads[0].born));
    let mut lifetimes: Vec<u64> =
        (1..=2000).filter(|value| value % 5 > 0).map(|value| 10 + value * value % 1009).collect();
    lifetimes.sort_unstable();
    let medians = of(|report| &report.site("load::text").unwrap().lives.median_life_ns);
    let within = medians.iter().filter(|median| match median {
        Figure::Sampled { value, error } => value.abs_diff(lifetimes[799]) <= *error,
        figure => panic!("{figure:?}"),
    });
    assert!(within.count() as u64 * 100 >= 93 * RUNS / 2);
    let report = &reports[0];
    let whole = &report.site("load::whole").unwrap().lives;
    assert_eq!((&whole.born, &whole.peak_alive), (&Figure::Exact(1), &Figure::Exact(1)));
    assert_eq!(report.site("load::text").unwrap().lives.peak_alive.fidelity(), "unknown");
    assert_eq!(
        report.caveats,
        [
            "sampled: of load::text, one in 20 was recorded, chosen by chance; figures with ~ are estimates, within their error in about 95 of 100 recordings"
        ]
    );
}

#[test]
fn a_sampled_site_of_which_nothing_was_chosen_is_not_said_to_have_had_no_values() {
    let report = lives(u32::MAX, 3, 7);
    let lives = &report.site("load::text").unwrap().lives;
    assert_eq!(lives.born, Figure::Sampled { value: 0, error: 4 * u64::from(u32::MAX - 1) });
    assert_eq!(lives.median_life_ns.fidelity(), "unknown");
}

#[test]
fn lost_events_of_sampled_values_count_as_many() {
    let mut scene = Scene::new();
    let text = scene.variable("load::text", "alloc::string::String", 24);
    scene.sampled(text, 10);
    for value in 1..=50 {
        scene.born(text, value, value);
    }
    let whole = scene.report();
    let Figure::Sampled { value: 500, error } = whole.site("load::text").unwrap().lives.born else {
        panic!("{:?}", whole.sites)
    };
    let lost = scene.lost(3).report();
    let lives = &lost.site("load::text").unwrap().lives;
    assert_eq!(lives.born, Figure::Sampled { value: 500, error: error + 30 });
}

#[test]
fn polls_of_a_sampled_task_are_one_sample() {
    use crate::rows::{Task, TaskKind};
    // Task 1 was polled 40 times, the other nine once each; of ten one was recorded.
    let figures = |polls: &[u64]| {
        let mut calls = Calls::default();
        for (task, polls) in (1..).zip(polls) {
            let event = |kind| Task {
                ts: 0,
                kind,
                task,
                parent: None,
                site: 1,
                executor_id: None,
                thread: 1,
                spawned_at: None,
                spawner: None,
            };
            calls.task(&event(TaskKind::Started), 10, false);
            for _ in 0..*polls {
                let row = Call {
                    ts: 0,
                    duration: Some(5),
                    site: 1,
                    task: Some(task),
                    depth: 0,
                    outcome: CallOutcome::Pending,
                    thread: 1,
                    left_out: LeftOut::default(),
                };
                calls.call(&row, 10);
            }
            calls.task(&event(TaskKind::Cancelled), 10, false);
        }
        calls.finish().remove(&1).unwrap().figures(Place::lost(1), &Grounds::default())
    };
    let (even, uneven) = (figures(&[7; 7]), figures(&[40, 1, 1, 1, 1, 1, 4]));
    assert_eq!(even.calls.value(), Some(&490));
    assert_eq!(uneven.calls.value(), Some(&490));
    let error = |figures: &FunctionFigures| match figures.calls {
        Figure::Sampled { error, .. } => error,
        ref figure => panic!("{figure:?}"),
    };
    assert!(error(&uneven) > 2 * error(&even));
    assert_eq!(uneven.tasks.unwrap().cancelled.value(), Some(&70));
    assert_eq!(uneven.total_ns.fidelity(), "unknown");
}
