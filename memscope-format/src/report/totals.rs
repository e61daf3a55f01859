//! Several captures' sums, put together by what the ids of each stand for.

use super::blocks::{BlockFigures, BlockOwner, BlockTotals, For};
use super::calls::{CallTotals, FunctionFigures};
use super::containers::{ContainerFigures, ContainerTotals};
use super::drops::{
    DropTotals, MIXED, NONE_WITHIN, OUTERMOST, ObservedDrop, OwnTotals, PathStep, SetOff, SlowDrop,
    Within,
};
use super::figure::{Figure, Grounds};
use super::fold::{Folded, SiteTotals, ThreadTotals, TypeTotals};
use super::lives::Lives;
use super::place::Place;
use super::sites::{SiteFigures, ThreadFigures, TypeFigures};
use super::spawns::{AllSpawns, SpawnFigures};
use super::stacks::{Stack, StackFigures, StackTotals};
use super::zero_sized::{ZeroSizedField, ZeroSizedFigures};
use crate::defs::{Defs, SiteKind, TypeDef};
use crate::rows::LeftOut;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

const NO_PROBE: &str = "births are seen only of types with a `Probe` field";

const NO_IDENTITY: &str = "which of its values are dropped is not known";

const SOME_VARIANTS: &str =
    "of an enum, values of variants without a `Probe` are not seen to be born";

/// The rule by which births of a type without a `Probe` are counted.
const CONSTRUCTORS: &str = "rule `constructors`: values made by literals in tracked impl blocks; others may be made elsewhere";

/// The sums of all captures that were read so far.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    sites: HashMap<Place, SiteEntry>,
    types: HashMap<TypeKey, TypeEntry>,
    containers: HashMap<(Place, String, Option<String>), ContainerTotals>,
    threads: HashMap<Option<String>, ThreadEntry>,
    functions: HashMap<Place, CallTotals>,
    spawns: AllSpawns,
    blocks: HashMap<BlockOwner, BlockTotals>,
    stacks: StackTotals,
    slowest: Vec<SlowDrop>,
    sampled: HashMap<Place, u64>,
    grounds: Grounds,
}

/// What makes types of several captures the same type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct TypeKey {
    name: String,
    size: u64,
}

#[derive(Debug, Default)]
struct SiteEntry {
    totals: SiteTotals,
    types: BTreeSet<String>,
    /// Whether a type that it ran with has a `Probe` field.
    probed: bool,
    /// Whether that type is an enum.
    partly_probed: bool,
}

#[derive(Debug, Default)]
struct TypeEntry {
    totals: TypeTotals,
    def: Option<TypeDef>,
}

#[derive(Debug, Default)]
struct ThreadEntry {
    totals: ThreadTotals,
    threads: u64,
}

/// The tables of a report.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) sites: Vec<SiteFigures>,
    pub(crate) types: Vec<TypeFigures>,
    pub(crate) containers: Vec<ContainerFigures>,
    pub(crate) slowest_drops: Vec<SlowDrop>,
    pub(crate) zero_sized: Vec<ZeroSizedFigures>,
    pub(crate) threads: Vec<ThreadFigures>,
    pub(crate) functions: Vec<FunctionFigures>,
    pub(crate) spawns: Vec<SpawnFigures>,
    pub(crate) blocks: Vec<BlockFigures>,
    pub(crate) stacks: Vec<StackFigures>,
    /// The sites of which one value in some is recorded, and in how many.
    pub(crate) sampled: Vec<(Place, u64)>,
}

/// Looks up what the ids of one capture stand for.
struct Names<'a> {
    sites: HashMap<u32, Place>,
    types: HashMap<u32, &'a TypeDef>,
    threads: HashMap<u32, Option<String>>,
    defs: &'a Defs,
}

impl<'a> Names<'a> {
    fn new(defs: &'a Defs) -> Self {
        Self {
            sites: defs.sites.iter().map(|site| (site.id, Place::of(site))).collect(),
            types: defs.types.iter().map(|known| (known.id, known)).collect(),
            threads: defs.threads.iter().map(|thread| (thread.id, thread.name.clone())).collect(),
            defs,
        }
    }

    fn site(&self, id: u32) -> Place {
        self.sites.get(&id).cloned().unwrap_or_else(|| Place::lost(id))
    }

    fn type_name(&self, id: u32) -> String {
        self.types
            .get(&id)
            .map_or_else(|| format!("type {id} (definition lost)"), |known| known.name.clone())
    }

    fn type_key(&self, id: u32) -> TypeKey {
        TypeKey {
            name: self.type_name(id),
            size: self.types.get(&id).map_or(0, |known| known.size),
        }
    }

    fn field(&self, type_id: u32, field: u32) -> Option<String> {
        let at = (field as usize).checked_sub(1)?;
        let fields = self.types.get(&type_id).and_then(|known| known.fields.as_deref());
        let name = fields.and_then(|fields| fields.get(at)).map(|field| match &field.variant {
            Some(variant) => format!("{variant}.{}", field.name),
            None => field.name.clone(),
        });
        Some(name.unwrap_or_else(|| format!("field {at}")))
    }

    fn thread(&self, id: u32) -> Option<String> {
        self.threads.get(&id).cloned().flatten()
    }

    fn slow_drop(
        &self,
        capture: usize,
        slow: &ObservedDrop,
        times: Times<'_>,
        grounds: &Grounds,
    ) -> SlowDrop {
        let ns = times.duration;
        // Of several that are partly timed, the sum is a lower bound.
        let sum = |within: &Within| match within.untimed.recorded() {
            _ if within.unplaced && within.time.is_sampled() => Figure::unknown(OUTERMOST),
            0 => grounds.amount(within.time.scaled(ns)),
            untimed if untimed == within.drops.recorded() => Figure::unknown(MIXED),
            _ => Figure::AtLeast { value: ns(within.time.recorded()), why: MIXED.into() },
        };
        let mut set_off: Vec<SetOff> = slow
            .by_site
            .iter()
            .map(|(site, within)| SetOff {
                site: self.site(*site).name,
                drops: grounds.count(within.drops),
                total_ns: sum(within),
            })
            .collect();
        set_off.sort_by(|a, b| {
            let key = |set_off: &SetOff| Reverse(set_off.total_ns.value().copied());
            (key(a), &a.site).cmp(&(key(b), &b.site))
        });
        let path = slow.path.iter().map(|step| PathStep {
            site: self.site(step.site).name,
            type_name: self.type_name(step.type_id),
            run: step.run,
            duration_ns: step.duration.map(ns),
        });
        SlowDrop {
            capture,
            site: self.site(slow.row.site),
            type_name: self.type_name(slow.row.type_id),
            value: slow.row.value,
            thread: self.thread(slow.row.thread),
            began_ns: (times.since_start)(slow.row.ts.saturating_sub(slow.duration)),
            duration_ns: ns(slow.duration),
            self_ns: match slow.own.exact {
                true => {
                    let mut own = OwnTotals::default();
                    own.add(&slow.own, 1);
                    own.in_ns(ns).figure(grounds)
                }
                false => Figure::unknown(MIXED),
            },
            nested_ns: match (slow.own.exact, slow.within.recorded()) {
                (true, 0) if slow.row.left_out.has(LeftOut::WITHIN) => Figure::unknown(NONE_WITHIN),
                (true, _) => grounds.amount(slow.within.scaled(ns)),
                (false, 0) => Figure::unknown(MIXED),
                (false, time) => Figure::AtLeast { value: ns(time), why: MIXED.into() },
            },
            depth: slow.row.depth,
            levels: slow.levels,
            nested: grounds.count(slow.nested),
            nested_untimed: grounds.count(slow.untimed),
            outcome: slow.row.outcome,
            panicking: slow.row.panicking,
            stack: slow.row.stack.and_then(|id| Stack::find(id, self.defs)),
            set_off,
            path: path.collect(),
        }
    }
}

/// How the ticks of a capture become nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct Times<'a> {
    /// Turns a number of ticks into nanoseconds.
    pub(crate) duration: &'a dyn Fn(u64) -> u64,
    /// Turns a moment into nanoseconds since the recording began.
    pub(crate) since_start: &'a dyn Fn(u64) -> u64,
}

impl Totals {
    /// Adds what another capture, in this place of the report's list, adds up to.
    pub(crate) fn absorb(
        &mut self,
        capture: usize,
        defs: &Defs,
        folded: Folded,
        times: Times<'_>,
        grounds: Grounds,
    ) {
        let names = Names::new(defs);
        let timed = !grounds.no_clock;
        // Without a clock there is no telling how slow they were.
        let slowest = folded.slowest.iter().filter(|_| timed);
        self.slowest.extend(slowest.map(|slow| names.slow_drop(capture, slow, times, &grounds)));
        self.grounds = std::mem::take(&mut self.grounds).and(grounds);

        for (hook, one_in) in defs.sampled_hooks() {
            let most = self.sampled.entry(names.site(hook.site)).or_default();
            *most = one_in.max(*most);
        }
        // Functions have a table of their own.
        let functions: HashSet<u32> =
            defs.sites.iter().filter(|site| is_function(site.kind)).map(|site| site.id).collect();
        for (id, totals) in folded.tally.sites.into_entries() {
            if functions.contains(&id) {
                self.functions.entry(names.site(id)).or_default();
                continue;
            }
            let entry = self.sites.entry(names.site(id)).or_default();
            entry.totals.lives.absorb(&totals.lives);
            entry.totals.drops.absorb(totals.drops.in_ns(times.duration));
        }
        for hook in defs.hooks.iter().filter(|hook| !functions.contains(&hook.site)) {
            let entry = self.sites.entry(names.site(hook.site)).or_default();
            entry.types.insert(names.type_name(hook.type_id));
            let known = names.types.get(&hook.type_id).filter(|known| has_probe(known));
            entry.probed |= known.is_some();
            // Variables of it are seen, whatever variant they hold.
            entry.partly_probed |= known.is_some_and(|known| is_enum(known));
        }
        for (id, totals) in folded.tally.types.into_entries() {
            let entry = self.types.entry(names.type_key(id)).or_default();
            entry.totals.values.absorb(&totals.values);
            entry.totals.variables.absorb(&totals.variables);
            entry.totals.drops.absorb(totals.drops.in_ns(times.duration));
            if entry.def.is_none() {
                entry.def = names.types.get(&id).map(|known| (*known).clone());
            }
        }
        for (holder, totals) in folded.containers {
            let key = (
                names.site(holder.site),
                names.type_name(holder.type_id),
                names.field(holder.type_id, holder.field),
            );
            match self.containers.get_mut(&key) {
                Some(entry) => entry.absorb(&totals),
                None => {
                    self.containers.insert(key, totals);
                }
            }
        }
        for (id, totals) in folded.functions {
            let entry = self.functions.entry(names.site(id)).or_default();
            entry.absorb(totals.in_ns(times.duration));
        }
        self.spawns.absorb(folded.spawns, defs, |id| names.site(id));
        self.stacks.absorb(folded.stacks, defs);
        for (what, totals) in folded.blocks {
            let owner = match what {
                For::Site(id) => BlockOwner::Site(Box::new(names.site(id))),
                For::Nothing => BlockOwner::Nothing,
                For::Unknown => BlockOwner::Unknown,
            };
            self.blocks.entry(owner).or_default().absorb(totals);
        }
        for (id, totals) in folded.tally.threads.into_entries() {
            let entry = self.threads.entry(names.thread(id)).or_default();
            entry.threads += 1;
            entry.totals.events += totals.events;
            entry.totals.balance.absorb(totals.balance);
            entry.totals.drops.absorb(&totals.drops);
            entry.totals.unproven.absorb(&totals.unproven);
            entry.totals.drop_time.absorb(&totals.drop_time.scaled(times.duration));
            entry.totals.untold += totals.untold;
        }
    }

    /// Makes the tables, with so many slow drops.
    pub(crate) fn into_tables(self, slowest_drops: usize) -> Tables {
        let Self {
            sites,
            types,
            containers,
            threads,
            functions,
            spawns,
            blocks,
            stacks,
            mut slowest,
            sampled,
            grounds,
        } = self;
        slowest.sort_by_key(|slow| (Reverse(slow.duration_ns), slow.capture, slow.began_ns));
        slowest.truncate(slowest_drops);

        let of_values = grounds.of_values();
        let mut sites: Vec<SiteFigures> = sites
            .into_iter()
            .map(|(place, entry)| site_figures(place, entry, &of_values))
            .collect();
        sites.sort_by_cached_key(|site| {
            (
                Reverse(site.lives.born.value().copied().max(site.lives.dropped.value().copied())),
                order(&site.site),
            )
        });

        let mut zero_sized: Vec<_> = types
            .iter()
            .filter_map(|(key, entry)| zero_sized_figures(key, entry, &of_values))
            .collect();
        zero_sized.sort_by(|a, b| a.type_name.cmp(&b.type_name));
        let mut types: Vec<_> =
            types.into_iter().map(|(key, entry)| type_figures(key, &entry, &of_values)).collect();
        types.sort_by_cached_key(|known| (Reverse(known.seen()), known.name.clone(), known.size));

        let figures = containers
            .into_iter()
            .map(|((place, name, field), totals)| totals.figures(place, name, field, &of_values));
        let mut containers: Vec<ContainerFigures> = figures.collect();
        containers.sort_by_cached_key(|known| {
            let waste =
                known.last.iter().filter_map(|last| last.waste_bytes.value()).max().copied();
            (Reverse(waste), order(&known.site), known.field.clone(), known.type_name.clone())
        });

        let mut threads: Vec<_> = threads
            .into_iter()
            .map(|(name, entry)| thread_figures(name, &entry, &of_values))
            .collect();
        threads.sort_by_cached_key(|thread| {
            (Reverse(thread.events.value().copied()), thread.name.clone())
        });

        let of_calls = grounds.of_calls();
        let mut functions: Vec<_> =
            functions.into_iter().map(|(place, totals)| totals.figures(place, &of_calls)).collect();
        functions.sort_by_cached_key(|known| {
            (Reverse(known.self_ns.value().copied()), order(&known.site))
        });

        let blocks = block_figures(blocks, &sites, &grounds);
        let mut sampled: Vec<_> = sampled.into_iter().collect();
        sampled.sort_by_cached_key(|(place, one_in)| (Reverse(*one_in), order(place)));

        let slowest_drops = slowest;
        Tables {
            sites,
            types,
            containers,
            slowest_drops,
            zero_sized,
            threads,
            functions,
            spawns: spawns.figures(&of_calls),
            blocks,
            stacks: stacks.figures(&grounds),
            sampled,
        }
    }
}

/// The table of blocks, those first of which most bytes were allocated.
fn block_figures(
    blocks: HashMap<BlockOwner, BlockTotals>,
    sites: &[SiteFigures],
    grounds: &Grounds,
) -> Vec<BlockFigures> {
    let lives: HashMap<&Place, &super::LifeFigures> = sites
        .iter()
        .filter(|known| known.site.kind == Some(SiteKind::Variable))
        .map(|known| (&known.site, &known.lives))
        .collect();
    let mut blocks: Vec<_> = blocks.into_iter().collect();
    blocks.sort_by_cached_key(|(owner, totals)| {
        let place = match owner {
            BlockOwner::Site(place) => Some(order(place)),
            BlockOwner::Nothing | BlockOwner::Unknown => None,
        };
        (Reverse(totals.allocated()), place, *owner == BlockOwner::Unknown)
    });
    let figures = |(owner, totals): (BlockOwner, BlockTotals)| {
        let lives = match &owner {
            BlockOwner::Site(place) => lives.get(&**place).copied(),
            BlockOwner::Nothing | BlockOwner::Unknown => None,
        };
        totals.figures(owner, lives, grounds)
    };
    blocks.into_iter().map(figures).collect()
}

/// Whether values do not live at such a site: it is called.
const fn is_function(kind: SiteKind) -> bool {
    matches!(kind, SiteKind::Function | SiteKind::AsyncFunction)
}

/// The order of places that have nothing else to be ordered by.
fn order(place: &Place) -> (String, String, u32, u32) {
    (place.name.clone(), place.file.clone(), place.line, place.column)
}

/// Whether values of an annotated type record their births.
fn has_probe(known: &TypeDef) -> bool {
    known.fields.iter().flatten().any(|field| {
        let path = field.type_name.split('<').next().unwrap_or_default();
        path.starts_with("memscope::") && path.ends_with("::Probe")
    })
}

/// Whether only values of some variants may record their births: which variants there are, a capture does not tell.
fn is_enum(known: &TypeDef) -> bool {
    known.fields.iter().flatten().any(|field| field.variant.is_some())
}

/// The figures of values, some of which may not have been seen to be born.
fn at_least(figures: super::LifeFigures, why: &'static str) -> super::LifeFigures {
    let bound = |figure: Figure<u64>| match figure {
        Figure::Exact(value) => Figure::AtLeast { value, why: why.into() },
        other => other,
    };
    super::LifeFigures {
        born: bound(figures.born),
        alive_at_exit: bound(figures.alive_at_exit),
        peak_alive: bound(figures.peak_alive),
        ..figures
    }
}

fn births_of(is_type: bool, probed: bool, born: u64) -> Result<(), &'static str> {
    if is_type && !probed && born == 0 { Err(NO_PROBE) } else { Ok(()) }
}

fn site_figures(place: Place, entry: SiteEntry, grounds: &Grounds) -> SiteFigures {
    let SiteEntry { totals, types, probed, partly_probed } = entry;
    let lives = if place.kind == Some(SiteKind::Constructor) {
        let born = grounds.count(totals.lives.constructed);
        super::LifeFigures { born, ..totals.lives.figures(grounds, Err(NO_IDENTITY)) }
    } else {
        let births = births_of(place.is_type(), probed, totals.lives.balance.born.recorded());
        let figures = totals.lives.figures(grounds, births);
        if partly_probed && place.is_type() { at_least(figures, SOME_VARIANTS) } else { figures }
    };
    SiteFigures {
        lives,
        drops: totals.drops.figures(grounds),
        types: types.into_iter().collect(),
        site: place,
    }
}

/// Adds what constructors tell of a type's values: at least so many were made, and at least those live that have not been
/// dropped, if drops are seen at all.
fn with_constructors(
    figures: super::LifeFigures,
    lives: &Lives,
    grounds: &Grounds,
) -> super::LifeFigures {
    let at_least = |value| Figure::AtLeast { value, why: CONSTRUCTORS.into() };
    let (constructed, dropped) = (lives.constructed.recorded(), lives.dropped.recorded());
    let certain = matches!(grounds.count(constructed), Figure::Exact(_));
    if constructed == 0 || !certain {
        return figures;
    }
    // Of those that sampling left out nobody knows which are the same.
    let matches = !lives.constructed.is_sampled() && !lives.dropped.is_sampled() && dropped > 0;
    let alive = constructed.checked_sub(dropped).filter(|_| matches);
    super::LifeFigures {
        born: at_least(constructed),
        alive_at_exit: alive.map_or(figures.alive_at_exit, at_least),
        ..figures
    }
}

/// Returns the figures of an annotated type's own values, and of variables of a type.
fn lives_of_type(
    entry: &TypeEntry,
    grounds: &Grounds,
) -> (Option<super::LifeFigures>, super::LifeFigures) {
    let TypeEntry { totals, def } = entry;
    let annotated = def.as_ref().is_some_and(|known| known.fields.is_some());
    let probed = def.as_ref().is_some_and(has_probe);
    let values = annotated.then(|| {
        let births = births_of(true, probed, totals.values.balance.born.recorded());
        let figures = totals.values.figures(grounds, births);
        match births {
            Err(_) => with_constructors(figures, &totals.values, grounds),
            Ok(()) if probed && def.as_ref().is_some_and(is_enum) => {
                at_least(figures, SOME_VARIANTS)
            }
            Ok(()) => figures,
        }
    });
    (values, totals.variables.figures(grounds, Ok(())))
}

fn type_figures(key: TypeKey, entry: &TypeEntry, grounds: &Grounds) -> TypeFigures {
    let (values, variables) = lives_of_type(entry, grounds);
    TypeFigures {
        name: key.name,
        size: key.size,
        align: entry.def.as_ref().map(|known| known.align),
        needs_drop: entry.def.as_ref().map(|known| known.needs_drop),
        container: entry
            .def
            .as_ref()
            .and_then(|known| known.container.map(|container| container.kind)),
        values,
        variables,
        drops: drops_of_type(entry).figures(grounds),
    }
}

/// Returns what drops of a type cost: where its values tell of their drops themselves, nothing of them is missing
/// because a variable that held one does not.
fn drops_of_type(entry: &TypeEntry) -> DropTotals {
    let TypeTotals { values, drops, .. } = &entry.totals;
    DropTotals { unseen: if values.dropped.recorded() > 0 { 0 } else { drops.unseen }, ..*drops }
}

fn zero_sized_figures(
    key: &TypeKey,
    entry: &TypeEntry,
    grounds: &Grounds,
) -> Option<ZeroSizedFigures> {
    let def = entry.def.as_ref()?;
    let fields: Vec<ZeroSizedField> = def
        .fields
        .iter()
        .flatten()
        .filter(|field| field.is_zero_sized())
        .map(ZeroSizedField::of)
        .collect();
    let zero_sized = def.size == 0;
    if fields.is_empty() && !zero_sized {
        return None;
    }
    let (values, variables) = if zero_sized {
        let (values, variables) = lives_of_type(entry, grounds);
        (values, Some(variables))
    } else {
        (None, None)
    };
    Some(ZeroSizedFigures {
        type_name: key.name.clone(),
        size: def.size,
        align: def.align,
        fields,
        values,
        variables,
    })
}

fn thread_figures(name: Option<String>, entry: &ThreadEntry, grounds: &Grounds) -> ThreadFigures {
    let ThreadEntry { totals, threads } = entry;
    ThreadFigures {
        name,
        threads: *threads,
        events: grounds.count(totals.events),
        born: grounds.count(totals.balance.born),
        alive_at_exit: grounds.balance(totals.balance.alive),
        peak_alive: totals.balance.peak(grounds),
        drops: match (grounds.count(totals.drops), totals.unproven.recorded()) {
            (Figure::Exact(all), unproven @ 1..) => {
                Figure::Bounded { value: all - unproven / 2, error: unproven.div_ceil(2) }
            }
            (drops, _) => drops,
        },
        drop_ns: grounds.time(match (totals.untold, totals.drop_time.recorded()) {
            (0, _) => grounds.amount(totals.drop_time),
            (_, 0) => Figure::unknown("the ends of these drops are not observed"),
            (_, value) => {
                Figure::AtLeast { value, why: "the ends of some drops are not observed".into() }
            }
        }),
    }
}
