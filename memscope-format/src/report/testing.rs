//! Hand-made recordings for the tests of this module.

use super::captures::CaptureFigures;
use super::contents::{ContentRow, Found, Spread};
use super::figure::Figure;
use super::fold::Fold;
use super::heap::HeapFigures;
use super::sweep::{Rank, Row, Span, Timed, sweep};
use super::totals::{Times, Totals};
use super::{Options, Report};
use crate::defs::{
    ContainerDef, ContainerKind, Defs, FieldDef, HookDef, RateDef, SiteDef, SiteKind, ThreadDef,
    TypeDef,
};
use crate::rows::{
    Container, DropChain, Heap, LeftOut, Lifecycle, LifecycleKind, Outcome, SnapshotReason, Zst,
};
use std::path::PathBuf;

/// A recording in which a tick is a nanosecond. Sites are numbered from 0, and each has a type of its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scene {
    pub(crate) defs: Defs,
    rows: Vec<(Row, u64)>,
    cut: bool,
    lost: u64,
    thread: u32,
    /// How many the rows that follow stand for.
    weight: u64,
}

/// A field of this name, type and size.
pub(crate) fn field(name: &str, type_name: &str, size: u32) -> FieldDef {
    FieldDef {
        name: name.into(),
        type_name: type_name.into(),
        variant: None,
        offset: Some(0),
        size,
        align: size.max(1),
        container: None,
        marker: None,
    }
}

impl Scene {
    /// Makes a recording of a program with one thread, `main`, that did nothing.
    pub(crate) fn new() -> Self {
        let mut scene = Self { weight: 1, ..Self::default() };
        scene.thread("main");
        scene
    }

    /// Adds a thread; what follows happens on it.
    pub(crate) fn thread(&mut self, name: &str) -> &mut Self {
        self.thread = self.defs.threads.len() as u32 + 1;
        self.defs.threads.push(ThreadDef { id: self.thread, name: Some(name.into()), os_id: None });
        self
    }

    /// Adds a site with a type of its own; returns the site's id.
    pub(crate) fn site(&mut self, kind: SiteKind, name: &str, known: TypeDef) -> u32 {
        let id = self.defs.sites.len() as u32;
        self.defs.sites.push(SiteDef {
            id,
            kind,
            name: name.into(),
            module: "app".into(),
            file: "src/main.rs".into(),
            line: id + 1,
            column: 5,
            tags: Vec::new(),
            escape: None,
        });
        self.defs.hooks.push(HookDef { id: id + 1, site: id, type_id: id + 100 });
        self.defs.types.push(TypeDef { id: id + 100, ..known });
        id
    }

    /// Adds an annotated type with these fields.
    pub(crate) fn annotated(&mut self, name: &str, fields: Vec<FieldDef>) -> u32 {
        let size = fields.iter().map(|field| u64::from(field.size)).sum();
        let known = TypeDef {
            id: 0,
            name: format!("app::{name}"),
            size,
            align: 8,
            needs_drop: true,
            has_niche: false,
            container: None,
            fields: Some(fields),
        };
        self.site(SiteKind::Type, name, known)
    }

    pub(crate) fn type_with_probe(&mut self, name: &str) -> u32 {
        self.annotated(
            name,
            vec![field("probe", &format!("memscope::probe::Probe<app::{name}>"), 8)],
        )
    }

    /// Adds an annotated type with a probe and, as field 1, a vector.
    pub(crate) fn type_with_vec(&mut self, name: &str, vec: &str, element_size: u32) -> u32 {
        let container = Some(ContainerDef { kind: ContainerKind::Vec, element_size });
        let vec = FieldDef { container, ..field(vec, "alloc::vec::Vec<u64>", 24) };
        self.annotated(name, vec![vec, field("probe", &format!("memscope::Probe<app::{name}>"), 8)])
    }

    pub(crate) fn variable(&mut self, name: &str, type_name: &str, size: u64) -> u32 {
        let known = TypeDef {
            id: 0,
            name: type_name.into(),
            size,
            align: 1,
            needs_drop: size > 8,
            has_niche: false,
            container: None,
            fields: None,
        };
        self.site(SiteKind::Variable, name, known)
    }

    /// Says that of a site's values one in so many is recorded. What follows is of such values, until this is said again.
    pub(crate) fn sampled(&mut self, site: u32, one_in: u32) -> &mut Self {
        self.weight = one_in.into();
        if one_in > 1 && self.defs.rates.iter().all(|rate| rate.hook != site + 1) {
            self.defs.rates.push(RateDef { hook: site + 1, one_in });
        }
        self
    }

    fn row(&mut self, row: Row) {
        self.rows.push((row, self.weight));
    }

    pub(crate) fn born(&mut self, site: u32, value: u64, ts: u64) -> &mut Self {
        self.lifecycle(site, value, ts, LifecycleKind::Born)
    }

    /// Adds what the allocator did.
    pub(crate) fn heap(&mut self, row: Heap) -> &mut Self {
        self.row(Row::Heap(row));
        self
    }

    pub(crate) fn lifecycle(
        &mut self,
        site: u32,
        value: u64,
        ts: u64,
        kind: LifecycleKind,
    ) -> &mut Self {
        let origin = u64::from(kind == LifecycleKind::Cloned);
        let row =
            Lifecycle { ts, kind, site, type_id: site + 100, value, origin, thread: self.thread };
        let zero_sized = self.defs.types[site as usize].size == 0;
        self.row(if zero_sized { Row::Zst(Zst(row)) } else { Row::Lifecycle(row) });
        self
    }

    /// Adds an outermost drop that ended at `ts`.
    pub(crate) fn dropped(&mut self, site: u32, value: u64, ts: u64, duration: u64) -> &mut Self {
        self.drop_row(site, value, ts, Some(duration), 0, Outcome::Dropped)
    }

    /// Adds a drop of a value without identity within another drop.
    pub(crate) fn nested(&mut self, site: u32, ts: u64, duration: u64, depth: u32) -> &mut Self {
        self.drop_row(site, 0, ts, Some(duration), depth, Outcome::Dropped)
    }

    pub(crate) fn drop_row(
        &mut self,
        site: u32,
        value: u64,
        ts: u64,
        duration: Option<u64>,
        depth: u32,
        outcome: Outcome,
    ) -> &mut Self {
        let (type_id, thread) = (site + 100, self.thread);
        self.row(Row::DropChain(DropChain {
            ts,
            duration,
            value,
            site,
            type_id,
            depth,
            outcome,
            panicking: false,
            thread,
            left_out: LeftOut::default(),
            stack: None,
        }));
        self
    }

    /// Adds a reading of a vector of 8-byte elements.
    #[expect(clippy::too_many_arguments, reason = "a row in one line")]
    pub(crate) fn read(
        &mut self,
        site: u32,
        value: u64,
        field: u32,
        ts: u64,
        reason: SnapshotReason,
        len: u64,
        capacity: u64,
    ) -> &mut Self {
        self.row(Row::Container(Container {
            ts,
            value,
            site,
            type_id: site + 100,
            field,
            kind: ContainerKind::Vec,
            reason,
            len: Some(len),
            capacity: Some(capacity),
            element_size: 8,
            addr: None,
            strong: None,
            weak: None,
            thread: self.thread,
        }));
        self
    }

    /// Adds how the keys of a map are spread: keys, distinct hashes, homes, most keys of a home, buckets.
    pub(crate) fn hashed(
        &mut self,
        site: u32,
        value: u64,
        field: u32,
        ts: u64,
        reason: SnapshotReason,
        [keys, distinct, homes, fullest, buckets]: [u64; 5],
    ) -> &mut Self {
        let spread = Spread { keys, distinct, homes, fullest, buckets };
        self.found(site, value, field, ts, reason, Found::Keys { keys, spread: Some(spread) })
    }

    /// Adds what was found in a container.
    pub(crate) fn found(
        &mut self,
        site: u32,
        value: u64,
        field: u32,
        ts: u64,
        reason: SnapshotReason,
        found: Found,
    ) -> &mut Self {
        let (type_id, thread) = (site + 100, self.thread);
        self.row(Row::Content(ContentRow {
            ts,
            value,
            site,
            type_id,
            field,
            reason,
            thread,
            found,
        }));
        self
    }

    /// Cuts the recording off here.
    pub(crate) fn cut(mut self) -> Self {
        self.cut = true;
        self
    }

    /// Loses so many further events.
    pub(crate) fn lost(mut self, events: u64) -> Self {
        self.lost = events;
        self
    }

    pub(crate) fn report(&self) -> Report {
        Self::merged(&[self])
    }

    /// Makes one report of several processes.
    pub(crate) fn merged(scenes: &[&Self]) -> Report {
        let options = Options::default();
        let mut totals = Totals::default();
        let mut captures = Vec::new();
        for scene in scenes {
            let capture = scene.fold_into(&mut totals, captures.len(), &options);
            captures.push(capture);
        }
        Report::assemble(
            captures,
            Vec::new(),
            HeapFigures::default(),
            totals.into_tables(options.slowest_drops),
        )
    }

    fn fold_into(&self, totals: &mut Totals, place: usize, options: &Options) -> CaptureFigures {
        let same = |ticks: u64| ticks;
        let mut fold = Fold::new(&self.defs, options.slowest_drops, true, &same);
        let chunks = self.rows.chunks(7).map(|rows| Span {
            rank: Rank::Lifecycle,
            t_min: rows.iter().map(Timed::ts).min().unwrap_or(0),
            chunk: rows.to_vec(),
        });
        sweep(chunks.collect(), Clone::clone, |(row, weight)| fold.add(row, weight));
        let folded = fold.finish();
        let capture = CaptureFigures {
            path: PathBuf::from(format!("app-{place}.memscope")),
            program: Some("app".into()),
            args: Vec::new(),
            pid: Some(place as u32 + 1),
            recordings: 1,
            started_unix_ns: Some(0),
            duration_ns: Figure::Exact(self.rows.iter().map(Timed::ts).max().unwrap_or(0)),
            events: self.rows.len() as u64,
            lost: self.lost,
            bytes: 0,
            recovered: 0,
            complete: !self.cut,
            cut_off: u64::from(self.cut),
            stopped: false,
            is_part: false,
            is_of_damaged: false,
            other_file: None,
            without: Vec::new(),
            live: false,
            rings: self.cut,
            whole: self.lost == 0,
            damage: Vec::new(),
            unmatched: folded.unmatched,
            from_before: folded.from_before,
            pauses: 0,
            paused_ns: 0,
            marks: Vec::new(),
            performance: super::readings::PerformanceFigures::default(),
        };
        let times = Times { duration: &same, since_start: &same };
        totals.absorb(place, &self.defs, folded, times, capture.grounds());
        capture
    }
}
