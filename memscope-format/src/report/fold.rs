//! One capture's rows, added up.

use super::blocks::{BlockTotals, Blocks, For};
use super::calls::{CallTotals, Calls};
use super::containers::{ContainerTotals, Containers, Holder};
use super::drops::{DropForest, DropSink, DropTotals, ObservedDrop};
use super::estimate::Sum;
use super::lives::{Balance, Birth, End, Lives, Living, Matching};
use super::spawns::{SpawnTotals, Spawns};
use super::sweep::Row;
use super::table::Table;
use crate::defs::{ContainerDef, Defs, SiteKind};
use crate::raw::ring_position;
use crate::rows::{Lifecycle, LifecycleKind, Outcome, SnapshotReason, Zst};
use std::collections::{BTreeMap, HashMap};

/// What is summed up of a site.
#[derive(Debug, Clone, Default)]
pub(crate) struct SiteTotals {
    pub(crate) lives: Lives,
    pub(crate) drops: DropTotals,
}

/// What is summed up of a type.
#[derive(Debug, Clone, Default)]
pub(crate) struct TypeTotals {
    /// Values that told of themselves, as those of annotated types do.
    pub(crate) values: Lives,
    /// Variables and arguments of the type.
    pub(crate) variables: Lives,
    pub(crate) drops: DropTotals,
}

/// What is summed up of a thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct ThreadTotals {
    pub(crate) events: u64,
    /// Values that were born on it, wherever they ended.
    pub(crate) balance: Balance,
    pub(crate) drops: Sum,
    /// Those of them that may have been moves.
    pub(crate) unproven: Sum,
    /// Time of its outermost drops; in ticks within a capture, in nanoseconds after it.
    pub(crate) drop_time: Sum,
    /// Drops whose time is not in it, since it is not observed.
    pub(crate) untold: u64,
}

impl ThreadTotals {
    /// Says that of some values one in so many is recorded.
    fn sampled(&mut self, one_in: u64) {
        self.balance.sampled(one_in);
        self.drops.sampled(one_in);
        self.unproven.sampled(one_in);
        self.drop_time.sampled(one_in);
    }
}

/// The sums of all definition tables.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) sites: Table<SiteTotals>,
    pub(crate) types: Table<TypeTotals>,
    pub(crate) threads: Table<ThreadTotals>,
    /// Sites that are annotated types.
    type_sites: Table<bool>,
    /// Sites that are constructors, of whose values no end is known.
    constructors: Table<bool>,
}

impl Tally {
    fn new(defs: &Defs) -> Self {
        let mut type_sites = Table::new(defs.sites.iter().map(|site| site.id));
        for site in &defs.sites {
            *type_sites.at(site.id) = site.kind == SiteKind::Type;
        }
        let mut constructors = Table::new(defs.sites.iter().map(|site| site.id));
        for site in &defs.sites {
            *constructors.at(site.id) = site.kind == SiteKind::Constructor;
        }
        let mut tally = Self {
            sites: Table::new(defs.sites.iter().map(|site| site.id)),
            types: Table::new(defs.types.iter().map(|known| known.id)),
            threads: Table::new(defs.threads.iter().map(|thread| thread.id)),
            type_sites,
            constructors,
        };
        for (hook, one_in) in defs.sampled_hooks().filter(|(hook, _)| hook.type_id != 0) {
            tally.lives(hook.site, hook.type_id, |lives| lives.sampled(one_in));
            tally.sites.at(hook.site).drops.sampled(one_in);
            tally.types.at(hook.type_id).drops.sampled(one_in);
            // Any thread may have had values that were left out.
            for thread in &defs.threads {
                tally.threads.at(thread.id).sampled(one_in);
            }
        }
        tally
    }

    /// Counts a value that a constructor made; whether the site is one.
    fn constructed(&mut self, site: u32, type_id: u32, weight: u64) -> bool {
        let is_constructor = *self.constructors.at(site);
        if is_constructor {
            self.sites.at(site).lives.constructed.count(weight);
            self.types.at(type_id).values.constructed.count(weight);
        }
        is_constructor
    }

    /// Does the same to the lives of a site and to those of its type.
    fn lives(&mut self, site: u32, type_id: u32, mut change: impl FnMut(&mut Lives)) {
        change(&mut self.sites.at(site).lives);
        let of_type = self.types.at(type_id);
        change(if *self.type_sites.at(site) {
            &mut of_type.values
        } else {
            &mut of_type.variables
        });
    }
}

impl DropSink for Tally {
    fn site(&mut self, id: u32) -> &mut DropTotals {
        &mut self.sites.at(id).drops
    }

    fn a_type(&mut self, id: u32) -> &mut DropTotals {
        &mut self.types.at(id).drops
    }

    fn thread_time(&mut self, id: u32, ticks: &Sum, untold: u64) {
        let thread = self.threads.at(id);
        thread.drop_time.absorb(ticks);
        thread.untold += untold;
    }
}

/// Adds up the rows of one capture, which come in the order of time.
pub(crate) struct Fold<'a> {
    ns: &'a dyn Fn(u64) -> u64,
    tally: Tally,
    matching: Matching,
    forest: DropForest,
    containers: Containers,
    calls: Calls,
    spawns: Spawns,
    blocks: Blocks,
    /// Which fields of a type are containers, as in [`crate::rows::Container::field`].
    container_fields: Table<Vec<u32>>,
    /// Types that are containers.
    own_containers: Table<Option<ContainerDef>>,
    /// Types whose values are dropped without running code.
    without_glue: Table<bool>,
    /// Where the positions of values begin that were born in this recording.
    first_position: u64,
}

/// What a capture's rows add up to; times of drops still in ticks.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) tally: Tally,
    pub(crate) containers: HashMap<Holder, ContainerTotals>,
    pub(crate) slowest: Vec<ObservedDrop>,
    pub(crate) functions: HashMap<u32, CallTotals>,
    /// Tasks by their functions and the texts that say where they were spawned.
    pub(crate) spawns: HashMap<(u32, Option<u32>), SpawnTotals>,
    pub(crate) blocks: BTreeMap<For, BlockTotals>,
    /// The same by the ids of stacks.
    pub(crate) stacks: BTreeMap<Option<u32>, BlockTotals>,
    /// Events that do not fit the others.
    pub(crate) unmatched: u64,
    /// Ends of values that were born before the recording began.
    pub(crate) from_before: u64,
}

impl<'a> Fold<'a> {
    /// Starts with the definitions of a capture; `ns` turns a number of its ticks into nanoseconds.
    /// `all_frees` is whether there is a row of each block that was freed.
    pub(crate) fn new(
        defs: &Defs,
        slowest_drops: usize,
        all_frees: bool,
        ns: &'a dyn Fn(u64) -> u64,
    ) -> Self {
        let mut container_fields = Table::<Vec<u32>>::new(defs.types.iter().map(|known| known.id));
        for known in &defs.types {
            let own = known.container.map(|_| 0);
            let fields = known.fields.iter().flatten().zip(1..);
            let fields = fields.filter_map(|(field, number)| field.container.map(|_| number));
            *container_fields.at(known.id) = own.into_iter().chain(fields).collect();
        }
        let mut own_containers = Table::new(defs.types.iter().map(|known| known.id));
        for known in &defs.types {
            *own_containers.at(known.id) = known.container;
        }
        let mut without_glue = Table::new(defs.types.iter().map(|known| known.id));
        for known in &defs.types {
            *without_glue.at(known.id) = !known.needs_drop;
        }
        Self {
            ns,
            without_glue,
            tally: Tally::new(defs),
            matching: Matching::default(),
            forest: DropForest::new(slowest_drops),
            containers: Containers::default(),
            calls: Calls::new(defs),
            spawns: Spawns::new(defs),
            blocks: Blocks::new(defs, all_frees),
            container_fields,
            own_containers,
            first_position: 0,
        }
    }

    /// Says where the positions of values begin that were born in this recording.
    pub(crate) fn beginning_at(self, first_position: u64) -> Self {
        Self { first_position, ..self }
    }

    /// Adds a row that stands for so many.
    pub(crate) fn add(&mut self, row: Row, weight: u64) {
        match row {
            Row::Lifecycle(row) | Row::Zst(Zst(row)) => {
                self.tally.threads.at(row.thread).events += 1;
                match row.kind {
                    LifecycleKind::Born | LifecycleKind::Cloned => self.birth(&row, weight),
                    LifecycleKind::Moved => {
                        self.end(row.ts, row.site, row.type_id, row.value, End::Moved, weight)
                    }
                    LifecycleKind::Exit => {
                        self.end(row.ts, row.site, row.type_id, row.value, End::Scope, weight)
                    }
                }
            }
            Row::Container(row) => {
                // A reading at birth is part of the birth's event.
                self.tally.threads.at(row.thread).events +=
                    u64::from(row.reason != SnapshotReason::Birth);
                let identity = self.has_identity(row.value, row.site, row.type_id);
                self.containers.add(&row, identity, weight);
                self.blocks.hold(&row);
            }
            Row::Content(row) => {
                self.tally.threads.at(row.thread).events += 1;
                let identity = self.has_identity(row.value, row.site, row.type_id);
                self.containers.add_content(&row, identity, weight);
            }
            Row::DropChain(row) => {
                let thread = self.tally.threads.at(row.thread);
                thread.events += 1;
                thread.drops.count(weight);
                if row.outcome == Outcome::Unknown {
                    thread.unproven.count(weight);
                }
                self.forest.add(&row, weight, &mut self.tally);
                let container = *self.own_containers.at(row.type_id);
                if let Some(room) = container.and_then(|known| self.blocks.dropped(&row, known))
                    && self.has_identity(row.value, row.site, row.type_id)
                {
                    self.containers.end_with_room(row.value, room);
                }
                let end = End::Drop(row.outcome);
                self.end(row.ts, row.site, row.type_id, row.value, end, weight);
            }
            Row::Call(row) => {
                self.tally.threads.at(row.thread).events += 1;
                self.calls.call(&row, weight);
            }
            Row::Task(row) => {
                self.tally.threads.at(row.thread).events += 1;
                let is_from_before = ring_position(row.task) < self.first_position;
                self.calls.task(&row, weight, is_from_before);
                self.spawns.task(&row, weight);
            }
            Row::Heap(row) => {
                self.tally.threads.at(row.thread).events += 1;
                self.blocks.add(&row, weight, self.ns);
            }
        }
    }

    /// Ends the capture.
    pub(crate) fn finish(mut self) -> Folded {
        let slowest = self.forest.finish(&mut self.tally);
        let from_before = self.matching.born_before(self.first_position);
        let (blocks, stacks) = self.blocks.finish();
        Folded {
            from_before,
            containers: self.containers.finish(),
            functions: self.calls.finish(),
            spawns: self.spawns.finish(),
            blocks,
            stacks,
            slowest,
            unmatched: self.matching.unmatched() - from_before,
            tally: self.tally,
        }
    }

    fn has_identity(&self, value: u64, site: u32, type_id: u32) -> bool {
        value != 0 || self.matching.is_alive(0, site, type_id)
    }

    fn birth(&mut self, row: &Lifecycle, weight: u64) {
        let Lifecycle { ts, site, type_id, thread, .. } = *row;
        if self.tally.constructed(site, type_id, weight) {
            return;
        }
        let birth =
            self.matching.birth(row.value, Living { born: ts, site, type_id, thread, weight });
        if birth == Birth::Repeated {
            return;
        }
        let cloned = row.kind == LifecycleKind::Cloned;
        self.tally.lives(site, type_id, |lives| lives.birth(cloned, weight));
        self.tally.threads.at(thread).balance.birth(weight);
        if birth == Birth::Ended {
            self.tally.lives(site, type_id, |lives| lives.end(0, weight));
            self.tally.threads.at(thread).balance.end(weight);
        }
    }

    fn end(&mut self, ts: u64, site: u32, type_id: u32, value: u64, end: End, weight: u64) {
        self.tally.lives(site, type_id, |lives| lives.outcome(end, weight));
        if end == End::Scope && !*self.without_glue.at(type_id) {
            self.tally.site(site).unseen += 1;
            self.tally.a_type(type_id).unseen += 1;
        }
        if !self.has_identity(value, site, type_id) {
            return;
        }
        for field in self.container_fields.at(type_id).iter() {
            self.containers.end(value, *field);
        }
        if let Some(born) = self.matching.end(value) {
            let lifetime = (self.ns)(ts.saturating_sub(born.born));
            self.tally.lives(born.site, born.type_id, |lives| {
                lives.end(lifetime, born.weight);
            });
            self.tally.threads.at(born.thread).balance.end(born.weight);
        }
    }
}
