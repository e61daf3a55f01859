//! The drops of each thread, put back into chains.

use super::super::estimate::Sum;
use super::{DropTotals, Own};
use crate::rows::{DropChain, LeftOut};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

/// Steps of a drop's heaviest path that are kept, from the drop down; a run of drops of one site is one step.
const PATH_STEPS: usize = 12;

/// Drops of one group within another drop: how many, and the time of those that are not within each other.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Within {
    pub(crate) drops: Sum,
    /// Those of them without a duration.
    pub(crate) untimed: Sum,
    pub(crate) time: Sum,
    /// Whether a drop that was left out is around some of them.
    pub(crate) unplaced: bool,
}

/// A step of a path of drops: one drop, or a run of drops of one site, each within the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) site: u32,
    pub(crate) type_id: u32,
    pub(crate) duration: Option<u64>,
    pub(crate) run: u64,
}

/// A drop with what it set off.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ObservedDrop {
    pub(crate) row: DropChain,
    pub(crate) duration: u64,
    pub(crate) own: Own,
    /// Time of the drops directly within it.
    pub(crate) within: Sum,
    /// Drops that it set off, at any depth.
    pub(crate) nested: Sum,
    /// Those of them without a duration.
    pub(crate) untimed: Sum,
    /// How many levels deep they go.
    pub(crate) levels: u32,
    /// The heaviest drop that it set off, the heaviest within that, and so on.
    pub(crate) path: Vec<Step>,
    /// What it set off, by site.
    pub(crate) by_site: BTreeMap<u32, Within>,
}

/// The drops of a thread at one depth whose enclosing drop has not ended yet.
#[derive(Debug, Default)]
struct Siblings {
    /// When the first of them began.
    begin: Option<u64>,
    /// The time of those that no left-out drop encloses.
    time: Sum,
    drops: Sum,
    /// Those of them without a duration.
    untimed: Sum,
    /// Those of the untimed ones that no timed one encloses: their time is not in `time`.
    untold: u64,
    levels: u32,
    by_site: BTreeMap<u32, Within>,
    by_type: BTreeMap<u32, Within>,
    /// The path that starts with the longest of them, from its far end.
    heaviest: Vec<Step>,
}

impl Siblings {
    fn absorb(&mut self, other: Self) {
        self.begin = [self.begin, other.begin].into_iter().flatten().min();
        self.time.absorb(&other.time);
        self.drops.absorb(&other.drops);
        self.untimed.absorb(&other.untimed);
        self.untold += other.untold;
        self.levels = self.levels.max(other.levels);
        absorb_within(&mut self.by_site, other.by_site);
        absorb_within(&mut self.by_type, other.by_type);
        if weight(&other.heaviest) > weight(&self.heaviest) {
            self.heaviest = other.heaviest;
        }
    }
}

fn weight(path: &[Step]) -> Option<Option<u64>> {
    path.last().map(|step| step.duration)
}

/// Adds the smaller map to the greater one, so that a chain of drops costs no more than its rows.
fn absorb_within(into: &mut BTreeMap<u32, Within>, mut other: BTreeMap<u32, Within>) {
    if into.len() < other.len() {
        std::mem::swap(into, &mut other);
    }
    for (id, within) in other {
        let sum = into.entry(id).or_default();
        sum.drops.absorb(&within.drops);
        sum.untimed.absorb(&within.untimed);
        sum.time.absorb(&within.time);
        sum.unplaced |= within.unplaced;
    }
}

/// Where finished drops are added up.
pub(crate) trait DropSink {
    /// The totals of a site's drops.
    fn site(&mut self, id: u32) -> &mut DropTotals;
    /// The totals of a type's drops.
    fn a_type(&mut self, id: u32) -> &mut DropTotals;
    /// Adds the time of drops that no other encloses to that of their thread, which lacks that of so many `untold`.
    fn thread_time(&mut self, id: u32, ticks: &Sum, untold: u64);
}

/// Puts the drops of each thread, which arrive in the order of their ends, back into chains.
///
/// Of drops that wait for the end of an enclosing one only sums are kept, so that memory grows with the depth of
/// a chain and not with its length.
#[derive(Debug)]
pub(crate) struct DropForest {
    waiting: HashMap<u32, BTreeMap<u32, Siblings>>,
    slowest: BinaryHeap<Reverse<Ranked>>,
    keep: usize,
}

/// An outermost drop, ordered by duration; of equal ones the earlier is greater.
#[derive(Debug)]
struct Ranked(ObservedDrop);

impl Ranked {
    fn rank(&self) -> (u64, Reverse<u64>, Reverse<u32>) {
        (self.0.duration, Reverse(self.0.row.ts), Reverse(self.0.row.thread))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl DropForest {
    /// Makes a forest that keeps so many of the slowest outermost drops.
    pub(crate) fn new(keep: usize) -> Self {
        Self { waiting: HashMap::new(), slowest: BinaryHeap::new(), keep }
    }

    /// Adds a drop that stands for `weight` drops; those of a thread come in the order of their ends.
    pub(crate) fn add(&mut self, row: &DropChain, weight: u64, sink: &mut impl DropSink) {
        let children = self.take_children(row, sink);
        let exact = children.untold == 0;
        let own = row.duration.map(|time| Own::of(time, &children.time, exact, row.left_out));
        sink.site(row.site).count(row, weight, own);
        sink.a_type(row.type_id).count(row, weight, own);
        if row.depth == 0 {
            self.finish_outermost(row, weight, own, children, sink);
        } else {
            let siblings =
                self.waiting.entry(row.thread).or_default().entry(row.depth).or_default();
            siblings.absorb(enclosed_by(row, weight, children));
        }
    }

    /// Ends the recording: drops whose enclosing one never ended count as outermost.
    ///
    /// Returns the slowest outermost drops, slowest first.
    pub(crate) fn finish(mut self, sink: &mut impl DropSink) -> Vec<ObservedDrop> {
        for (thread, levels) in std::mem::take(&mut self.waiting) {
            for siblings in levels.into_values() {
                count_outermost(thread, &siblings, sink);
            }
        }
        let mut slowest: Vec<_> = self.slowest.into_iter().map(|Reverse(ranked)| ranked).collect();
        slowest.sort_by(|a, b| b.cmp(a));
        slowest.into_iter().map(|ranked| ranked.0).collect()
    }

    /// Takes the waiting drops that this one encloses.
    ///
    /// Deeper drops that began before it did belong to one whose row is lost: they count as outermost. A drop without
    /// a duration was nested too deeply to be timed, and encloses them like any other; but one of a value without
    /// identity is recorded as it begins, before what it sets off.
    fn take_children(&mut self, row: &DropChain, sink: &mut impl DropSink) -> Siblings {
        let mut children = Siblings::default();
        let Some(levels) = self.waiting.get_mut(&row.thread) else { return children };
        let begin = row.duration.map(|duration| row.ts.saturating_sub(duration));
        for (_, siblings) in levels.split_off(&row.depth.saturating_add(1)) {
            let encloses = match begin {
                Some(begin) => siblings.begin.is_none_or(|first| first >= begin),
                None => row.value != 0,
            };
            if encloses {
                children.absorb(siblings);
            } else {
                count_outermost(row.thread, &siblings, sink);
            }
        }
        children
    }

    fn finish_outermost(
        &mut self,
        row: &DropChain,
        weight: u64,
        own: Option<Own>,
        children: Siblings,
        sink: &mut impl DropSink,
    ) {
        if let (Some(duration), Some(own)) = (row.duration, own)
            && self.keep > 0
            && !row.left_out.has(LeftOut::AROUND)
        {
            let mut path = children.heaviest.clone();
            path.reverse();
            let ranked = Ranked(ObservedDrop {
                row: *row,
                duration,
                own,
                within: children.time,
                nested: children.drops,
                untimed: children.untimed,
                levels: children.levels,
                path,
                by_site: BTreeMap::new(),
            });
            let full = self.slowest.len() >= self.keep;
            if !full || self.slowest.peek().is_some_and(|Reverse(least)| ranked > *least) {
                if full {
                    self.slowest.pop();
                }
                let drop = ObservedDrop { by_site: children.by_site.clone(), ..ranked.0 };
                self.slowest.push(Reverse(Ranked(drop)));
            }
        }
        count_outermost(row.thread, &enclosed_by(row, weight, children), sink);
    }
}

/// Adds the times of a thread's drops that no further drop encloses.
fn count_outermost(thread: u32, siblings: &Siblings, sink: &mut impl DropSink) {
    for (site, within) in &siblings.by_site {
        let totals = sink.site(*site);
        totals.total.absorb(&within.time);
        totals.unplaced |= within.unplaced;
    }
    for (type_id, within) in &siblings.by_type {
        let totals = sink.a_type(*type_id);
        totals.total.absorb(&within.time);
        totals.unplaced |= within.unplaced;
    }
    sink.thread_time(thread, &siblings.time, siblings.untold);
}

/// Puts a drop's children under it.
fn enclosed_by(row: &DropChain, weight: u64, children: Siblings) -> Siblings {
    let Siblings { mut drops, levels, mut by_site, mut by_type, mut heaviest, .. } = children;
    let mut untimed = children.untimed;
    let mut time = children.time;
    drops.count(weight);
    if row.duration.is_none() {
        untimed.count(weight);
    }
    let took = row.duration.map(|duration| {
        let mut took = Sum::default();
        took.add(duration, weight);
        took
    });
    for (map, id) in [(&mut by_site, row.site), (&mut by_type, row.type_id)] {
        let within = map.entry(id).or_default();
        within.drops.count(weight);
        if row.duration.is_none() {
            within.untimed.count(weight);
        }
        // Those of the same group within it are part of it.
        if let Some(took) = took {
            (within.time, within.unplaced) = (took, false);
        }
    }
    let mut untold = if row.duration.is_some() { 0 } else { children.untold + 1 };
    if let Some(took) = took {
        time = took;
    }
    if row.left_out.has(LeftOut::AROUND) {
        // Its time is part of that of the one that was left out, which others like it stand for.
        (time, untold) = (Sum::default(), 0);
        by_site.values_mut().chain(by_type.values_mut()).for_each(|within| within.unplaced = true);
    }
    let duration = row.duration;
    match heaviest.last_mut() {
        Some(step) if step.site == row.site && step.type_id == row.type_id => {
            *step = Step { duration, run: step.run + 1, ..*step };
        }
        _ => heaviest.push(Step { site: row.site, type_id: row.type_id, duration, run: 1 }),
    }
    if heaviest.len() > PATH_STEPS {
        heaviest.remove(0);
    }
    Siblings {
        // Without a duration it began no later than the first of those that it encloses.
        begin: Some(match duration {
            Some(duration) => row.ts.saturating_sub(duration),
            None => children.begin.map_or(row.ts, |first| first.min(row.ts)),
        }),
        time,
        drops,
        untimed,
        untold,
        levels: levels + 1,
        by_site,
        by_type,
        heaviest,
    }
}

#[cfg(test)]
mod tests {
    use super::super::MIXED;
    use super::*;
    use crate::report::figure::{Figure, Grounds};
    use crate::rows::Outcome;

    #[derive(Default)]
    struct Sums {
        sites: BTreeMap<u32, DropTotals>,
        types: BTreeMap<u32, DropTotals>,
        threads: BTreeMap<u32, Sum>,
    }

    impl DropSink for Sums {
        fn site(&mut self, id: u32) -> &mut DropTotals {
            self.sites.entry(id).or_default()
        }

        fn a_type(&mut self, id: u32) -> &mut DropTotals {
            self.types.entry(id).or_default()
        }

        fn thread_time(&mut self, id: u32, ticks: &Sum, _untold: u64) {
            self.threads.entry(id).or_default().absorb(ticks);
        }
    }

    /// A drop of a site that began and ended then; its type has the site's id plus 100.
    fn drop(site: u32, began: u64, ended: u64, depth: u32) -> DropChain {
        DropChain {
            ts: ended,
            duration: Some(ended - began),
            value: u64::from(site) * 1000 + began,
            site,
            type_id: site + 100,
            depth,
            outcome: Outcome::Dropped,
            panicking: false,
            thread: 1,
            left_out: LeftOut::default(),
            stack: None,
        }
    }

    fn fold(keep: usize, rows: &[DropChain]) -> (Sums, Vec<ObservedDrop>) {
        let mut sums = Sums::default();
        let mut forest = DropForest::new(keep);
        rows.iter().for_each(|row| forest.add(row, 1, &mut sums));
        let slowest = forest.finish(&mut sums);
        (sums, slowest)
    }

    fn times(totals: &DropTotals) -> (u64, u64, u64) {
        (totals.total.estimate(), totals.own.sum.estimate(), totals.longest)
    }

    /// A tree of site 1 holds two nodes of site 2, of which the second holds another node 2 and a leaf 3.
    fn tree() -> Vec<DropChain> {
        vec![
            drop(2, 110, 120, 1),
            drop(2, 132, 137, 2),
            drop(3, 140, 160, 2),
            drop(2, 130, 170, 1),
            drop(1, 100, 200, 0),
        ]
    }

    #[test]
    fn self_and_total_time_count_recursion_once() {
        let (sums, _) = fold(4, &tree());
        assert_eq!(times(&sums.sites[&1]), (100, 100 - 10 - 40, 100));
        // 110..120 and 130..170; 132..137 lies within the latter.
        assert_eq!(times(&sums.sites[&2]), (50, 10 + 5 + (40 - 5 - 20), 40));
        assert_eq!(times(&sums.sites[&3]), (20, 20, 20));
        assert_eq!(sums.types[&102], sums.sites[&2]);
        assert_eq!(sums.threads[&1], 100.into());
        let own: u64 = sums.sites.values().map(|totals| totals.own.sum.estimate()).sum();
        assert_eq!(own, 100, "self times add up to the outermost drop");
    }

    fn within(drops: u64, time: u64) -> Within {
        Within { drops: drops.into(), time: time.into(), ..Within::default() }
    }

    #[test]
    fn a_slow_drop_knows_what_it_set_off() {
        let (_, slowest) = fold(4, &tree());
        let [slow] = slowest.as_slice() else {
            panic!("only the outermost drop is listed: {slowest:?}")
        };
        assert_eq!((slow.duration, slow.nested, slow.levels), (100, 4.into(), 2));
        assert_eq!((slow.own.time.estimate(), slow.own.exact), (50, true));
        assert_eq!(slow.by_site[&2], within(3, 50));
        assert_eq!(slow.by_site[&3], within(1, 20));
        let path: Vec<_> =
            slow.path.iter().map(|step| (step.site, step.duration, step.run)).collect();
        assert_eq!(path, [(2, Some(40), 1), (3, Some(20), 1)]);
    }

    #[test]
    fn a_list_dropped_node_by_node_is_one_step() {
        const NODES: u64 = 100_000;
        let rows: Vec<_> =
            (0..NODES).map(|i| drop(1, NODES - i, NODES + i + 1, (NODES - 1 - i) as u32)).collect();
        let (sums, slowest) = fold(1, &rows);
        assert_eq!(slowest[0].nested, (NODES - 1).into());
        assert_eq!(slowest[0].levels as u64, NODES - 1);
        assert_eq!(
            slowest[0].path,
            [Step { site: 1, type_id: 101, duration: Some(2 * NODES - 3), run: NODES - 1 }]
        );
        assert_eq!(times(&sums.sites[&1]).0, 2 * NODES - 1);
    }

    #[test]
    fn threads_do_not_nest_in_each_other() {
        let mut rows = tree();
        rows.insert(2, DropChain { thread: 2, ..drop(9, 0, 165, 0) });
        let (sums, slowest) = fold(4, &rows);
        assert_eq!(times(&sums.sites[&9]), (165, 165, 165));
        assert_eq!(times(&sums.sites[&1]), (100, 50, 100));
        assert_eq!(slowest.iter().map(|slow| slow.row.site).collect::<Vec<_>>(), [9, 1]);
    }

    #[test]
    fn only_the_slowest_are_kept_in_order() {
        let rows: Vec<_> = (0..50).map(|i| drop(1, 1000 * i, 1000 * i + (i * 7) % 50, 0)).collect();
        let (_, slowest) = fold(3, &rows);
        assert_eq!(slowest.iter().map(|slow| slow.duration).collect::<Vec<_>>(), [49, 48, 47]);
        assert!(fold(0, &rows).1.is_empty());
    }

    #[test]
    fn drops_without_an_observed_end_make_the_time_around_them_unknown() {
        let unobserved = DropChain { duration: None, value: 0, ..drop(5, 105, 105, 1) };
        let rows = [unobserved, drop(2, 110, 120, 1), drop(1, 100, 200, 0)];
        let (sums, slowest) = fold(1, &rows);
        assert_eq!(sums.sites[&5], DropTotals { untimed: 1.into(), ..DropTotals::default() });
        assert_eq!(sums.sites[&1].mixed, 1);
        assert_eq!((slowest[0].own.time.estimate(), slowest[0].own.exact), (90, false));
        assert_eq!((slowest[0].nested, slowest[0].untimed), (2.into(), 1.into()));
        let outer = sums.sites[&1].figures(&Grounds::default());
        assert_eq!(outer.total_ns, Figure::Exact(100));
        assert_eq!(outer.self_ns, Figure::unknown(MIXED));
        assert!(matches!(
            sums.sites[&5].figures(&Grounds::default()).total_ns,
            Figure::Unknown { .. }
        ));
    }

    #[test]
    fn a_chain_too_deep_to_be_timed_is_counted_whole() {
        // Innermost first: the levels from 256 on are recorded at their end, and without a duration.
        let rows: Vec<_> = (0..1000_u64)
            .rev()
            .map(|depth| {
                let row = drop(1, depth, 3000 - depth, depth as u32);
                if depth < 256 { row } else { DropChain { duration: None, ..row } }
            })
            .collect();
        let (sums, slowest) = fold(1, &rows);
        assert_eq!((slowest[0].nested, slowest[0].untimed), (999.into(), 744.into()));
        assert_eq!(slowest[0].levels, 999);
        assert_eq!(slowest[0].path[0].run, 999);
        assert!(slowest[0].own.exact, "what it set off itself was timed");
        let figures = sums.sites[&1].figures(&Grounds::default());
        assert_eq!(figures.self_ns, Figure::unknown(MIXED), "that of level 255 cannot be told");
        assert_eq!(sums.threads[&1], 3000.into());
    }

    #[test]
    fn drops_whose_enclosing_row_is_lost_are_not_given_to_the_next_one() {
        // Of a first tree the outermost row is lost; the second one began after its nodes.
        let rows = [drop(2, 10, 20, 1), drop(3, 110, 120, 0)];
        let (sums, slowest) = fold(1, &rows);
        assert_eq!(times(&sums.sites[&2]), (10, 10, 10));
        assert_eq!(times(&sums.sites[&3]), (10, 10, 10));
        assert_eq!(slowest[0].nested, 0.into());
    }

    #[test]
    fn a_drop_cut_off_by_the_end_leaves_its_children_counted() {
        let (sums, _) = fold(1, &[drop(2, 10, 20, 1), drop(2, 20, 25, 1)]);
        assert_eq!(times(&sums.sites[&2]), (15, 15, 10));
        assert_eq!(sums.threads[&1], 15.into());
    }
}
