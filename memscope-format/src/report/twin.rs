//! The fold against a naive twin, which holds everything in memory and looks at it again and again.

use super::drops::ObservedDrop;
use super::figure::Grounds;
use super::fold::{Fold, Folded};
use super::sweep::{Rank, Row, Span, Timed, sweep};
use crate::defs::{Defs, SiteDef, SiteKind};
use crate::rows::{DropChain, LeftOut, Lifecycle, LifecycleKind, Outcome};
use proptest::prelude::*;
use std::cmp::Reverse;

const SITES: u32 = 4;

/// A value with the values that its drop drops.
#[derive(Debug, Clone)]
struct Value {
    site: u32,
    /// How long before its drop it was born.
    age: u64,
    /// Time its drop takes before each nested drop, and after the last.
    work: u64,
    nested: Vec<Value>,
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = (0..SITES, 1..500_u64, 1..20_u64).prop_map(|(site, age, work)| Value {
        site,
        age,
        work,
        nested: Vec::new(),
    });
    leaf.prop_recursive(6, 40, 4, |nested| {
        (0..SITES, 1..500_u64, 1..20_u64, prop::collection::vec(nested, 0..4))
            .prop_map(|(site, age, work, nested)| Value { site, age, work, nested })
    })
}

/// A value's life as it happened.
#[derive(Debug, Clone)]
struct Life {
    id: u64,
    site: u32,
    thread: u32,
    born: u64,
    began: u64,
    ended: u64,
    depth: u32,
    /// Places, in the list of all lives, of the drops around its own.
    around: Vec<usize>,
}

/// Lives through values one after the other on each thread. A life comes after those that its drop ended.
fn live(threads: &[Vec<Value>]) -> Vec<Life> {
    fn drop_it(
        value: &Value,
        thread: u32,
        depth: u32,
        now: &mut u64,
        lives: &mut Vec<Life>,
    ) -> usize {
        let began = *now;
        let first = lives.len();
        let mut direct = Vec::new();
        for nested in &value.nested {
            *now += value.work;
            direct.push(drop_it(nested, thread, depth + 1, now, lives));
        }
        *now += value.work;
        let place = lives.len();
        let id = (u64::from(thread) << 48) | (place as u64 + 1);
        lives[first..].iter_mut().for_each(|inner| inner.around.push(place));
        let life = Life {
            id,
            site: value.site,
            thread,
            born: began - value.age,
            began,
            ended: *now,
            depth,
            around: Vec::new(),
        };
        lives.push(life);
        // Two ends at one tick would have no order.
        *now += 1;
        place
    }
    let mut lives = Vec::new();
    for (values, thread) in threads.iter().zip(1..) {
        let mut now = 1000;
        for value in values {
            drop_it(value, thread, 0, &mut now, &mut lives);
        }
    }
    lives
}

/// Writes the lives as a drain would: cycle by cycle, in each a chunk a stream, in each thread after thread.
fn chunks(lives: &[Life], cycle: u64) -> Vec<Span<Vec<Row>>> {
    let last = lives.iter().map(|life| life.ended).max().unwrap_or(0);
    let mut spans = Vec::new();
    for begin in (0..=last).step_by(cycle as usize) {
        let cycle = begin..begin + cycle;
        let mut births: Vec<&Life> =
            lives.iter().filter(|life| cycle.contains(&life.born)).collect();
        births.sort_by_key(|life| (life.thread, life.born));
        let mut ends: Vec<&Life> =
            lives.iter().filter(|life| cycle.contains(&life.ended)).collect();
        ends.sort_by_key(|life| (life.thread, life.ended));
        spans.push(span(Rank::Lifecycle, births.into_iter().map(birth).collect()));
        spans.push(span(Rank::DropChain, ends.into_iter().map(end).collect()));
    }
    spans
}

fn span(rank: Rank, rows: Vec<Row>) -> Span<Vec<Row>> {
    Span { rank, t_min: rows.iter().map(Timed::ts).min().unwrap_or(u64::MAX), chunk: rows }
}

fn birth(life: &Life) -> Row {
    Row::Lifecycle(Lifecycle {
        ts: life.born,
        kind: LifecycleKind::Born,
        site: life.site,
        type_id: life.site,
        value: life.id,
        origin: 0,
        thread: life.thread,
    })
}

fn end(life: &Life) -> Row {
    Row::DropChain(DropChain {
        ts: life.ended,
        duration: Some(life.ended - life.began),
        value: life.id,
        site: life.site,
        type_id: life.site,
        depth: life.depth,
        outcome: Outcome::Dropped,
        panicking: false,
        thread: life.thread,
        left_out: LeftOut::default(),
        stack: None,
    })
}

fn fold(spans: Vec<Span<Vec<Row>>>) -> Folded {
    let site = |id| SiteDef {
        id,
        kind: SiteKind::Type,
        name: id.to_string(),
        module: String::new(),
        file: String::new(),
        line: id,
        column: 1,
        tags: Vec::new(),
        escape: None,
    };
    let defs = Defs { sites: (0..SITES).map(site).collect(), ..Defs::default() };
    let mut fold = Fold::new(&defs, 5, false, &|ticks| ticks);
    sweep(spans, Clone::clone, |row| fold.add(row, 1));
    fold.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_naive_twin(
        threads in prop::collection::vec(prop::collection::vec(value(), 0..6), 1..4),
        cycle in 1..600_u64,
    ) {
        let lives = live(&threads);
        let mut folded = fold(chunks(&lives, cycle));
        prop_assert_eq!(folded.unmatched, 0);
        for site in 0..SITES {
            let of_site: Vec<&Life> = lives.iter().filter(|life| life.site == site).collect();
            let alive_at = |ts| of_site.iter().filter(|life| life.born <= ts && ts <= life.ended).count() as u64;
            let took = |life: &Life| life.ended - life.began;
            let outermost_of_site = |life: &&&Life| !life.around.iter().any(|place| lives[*place].site == site);
            let nested_directly = |life: &Life| {
                let inner = lives.iter().filter(|inner| inner.around.first().is_some_and(|place| lives[*place].id == life.id));
                inner.map(took).sum::<u64>()
            };

            let totals = folded.tally.sites.at(site);
            prop_assert_eq!(totals.lives.balance.born.estimate(), of_site.len() as u64);
            prop_assert_eq!(totals.lives.balance.alive.estimate(), 0);
            prop_assert_eq!(totals.lives.balance.peak(&Grounds::default()).exact().copied().unwrap_or(0), of_site.iter().map(|life| alive_at(life.born)).max().unwrap_or(0));
            prop_assert_eq!(totals.drops.total.estimate(), of_site.iter().filter(outermost_of_site).map(|life| took(life)).sum::<u64>());
            prop_assert_eq!(totals.drops.own.sum.estimate(), of_site.iter().map(|life| took(life) - nested_directly(life)).sum::<u64>());
            prop_assert_eq!(totals.drops.longest, of_site.iter().map(|life| took(life)).max().unwrap_or(0));
        }
        let mut outermost: Vec<(usize, &Life)> = lives.iter().enumerate().filter(|(_, life)| life.depth == 0).collect();
        outermost.sort_by_key(|(_, life)| (Reverse(life.ended - life.began), life.ended, life.thread));
        let told: Vec<_> = folded.slowest.iter().map(facts).collect();
        let expected = outermost.iter().take(5).map(|(place, life)| {
            let inner: Vec<&Life> = lives.iter().filter(|inner| inner.around.contains(place)).collect();
            let levels = inner.iter().map(|inner| inner.depth).max().unwrap_or(0);
            (life.id, life.ended - life.began, inner.len() as u64, levels)
        });
        prop_assert_eq!(told, expected.collect::<Vec<_>>());
    }
}

fn facts(slow: &ObservedDrop) -> (u64, u64, u64, u32) {
    (slow.row.value, slow.duration, slow.nested.estimate(), slow.levels)
}
