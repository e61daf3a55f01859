//! Blocks of the heap by what they were allocated for.
//!
//! A block is for the variable that was being initialised on its thread, else for the variable or type whose container is
//! first seen to hold it, or whose drop is seen to free it, else for the function that ran. What becomes of it later, wherever, is
//! counted there.

use super::estimate::Sum;
use super::figure::{Figure, Grounds};
use super::lives::LifeFigures;
use super::place::Place;
use super::stacks::{BlockCalls, StackFigures};
use super::table::Table;
use crate::defs::{ContainerDef, ContainerKind, Defs, SiteKind};
use crate::rows::{Container, DropChain, Heap, HeapKind};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// The rule by which blocks are said to have leaked.
const LEAKED: &str = "rule `leaked`: not freed, though every value of the site was dropped; another owner may be left";
const NO_VARIABLE: &str = "only what variables hold is told of";
const NOT_DROPPED: &str = "not every value of the site is known to have been dropped";

/// How long before its allocation a block of another thread may seem to have been freed: processors may read the clock a
/// little before or after what is around it.
const EARLY_NS: u64 = 10_000;

/// What blocks were for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockOwner {
    /// A variable, type or function.
    Site(Box<Place>),
    /// Nothing that is tracked.
    Nothing,
    /// Unknown: they were allocated before blocks were recorded.
    Unknown,
}

/// What is known of the blocks that were for one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlockFigures {
    /// What they were for.
    pub owner: BlockOwner,
    /// Blocks that were allocated.
    pub allocations: Figure<u64>,
    /// How often one of them got another size.
    pub reallocations: Figure<u64>,
    /// Those of them that were freed.
    pub frees: Figure<u64>,
    /// Bytes that were allocated: their sizes, and what they grew by.
    pub allocated_bytes: Figure<u64>,
    /// Bytes that were freed: their sizes, and what they shrank by.
    pub freed_bytes: Figure<u64>,
    /// Those of them that were not freed at the end.
    pub live_blocks: Figure<u64>,
    /// Bytes of those.
    pub live_bytes: Figure<u64>,
    /// Bytes of these that are not freed though every value of the variable was dropped.
    pub leaked_bytes: Figure<u64>,
}

/// What the blocks for one thing add up to.
#[derive(Debug, Clone, Default)]
pub(crate) struct BlockTotals {
    allocations: Sum,
    reallocations: Sum,
    frees: Sum,
    allocated: Sum,
    freed: Sum,
    live: Sum,
    live_bytes: Sum,
}

impl BlockTotals {
    fn sums(&mut self) -> [&mut Sum; 7] {
        let Self { allocations, reallocations, frees, allocated, freed, live, live_bytes } = self;
        [allocations, reallocations, frees, allocated, freed, live, live_bytes]
    }

    pub(crate) fn absorb(&mut self, mut other: Self) {
        for (sum, other) in self.sums().into_iter().zip(other.sums()) {
            sum.absorb(other);
        }
    }

    /// Tells what is known; `lives` are those of the site's values.
    pub(crate) fn figures(
        &self,
        owner: BlockOwner,
        lives: Option<&LifeFigures>,
        grounds: &Grounds,
    ) -> BlockFigures {
        let live_bytes = grounds.difference(self.live_bytes);
        let all_dropped = lives.map(|lives| match (lives.born.exact(), lives.dropped.exact()) {
            // A variable that owns nothing, as a reference does, has no value that is recorded.
            (Some(born), Some(dropped)) => *born > 0 && born == dropped,
            _ => false,
        });
        let leaked_bytes = match (all_dropped, live_bytes.exact().copied()) {
            (None, _) => Figure::unknown(NO_VARIABLE),
            (_, Some(0)) => Figure::Exact(0),
            (Some(true), Some(value)) => Figure::Inferred { value, rule: LEAKED.into() },
            _ => Figure::unknown(NOT_DROPPED),
        };
        BlockFigures {
            owner,
            allocations: grounds.count(self.allocations),
            reallocations: grounds.count(self.reallocations),
            frees: grounds.count(self.frees),
            allocated_bytes: grounds.amount(self.allocated),
            freed_bytes: grounds.amount(self.freed),
            live_blocks: grounds.balance(self.live),
            live_bytes,
            leaked_bytes,
        }
    }

    /// Tells what is known of those that some calls led to.
    pub(crate) fn by_stack(&self, calls: BlockCalls, grounds: &Grounds) -> StackFigures {
        StackFigures {
            calls,
            allocations: grounds.count(self.allocations),
            allocated_bytes: grounds.amount(self.allocated),
            live_blocks: grounds.balance(self.live),
            live_bytes: grounds.difference(self.live_bytes),
        }
    }

    /// Bytes that were allocated, as far as rows tell: what the tables are ordered by.
    pub(crate) fn allocated(&self) -> u64 {
        self.allocated.estimate()
    }

    /// Adds what became of a block.
    fn add(&mut self, block: &Block, freed: bool) {
        let weight = block.weight;
        if block.is_whole {
            self.allocations.count(weight);
        }
        for _ in 0..block.reallocations {
            self.reallocations.count(weight);
        }
        self.allocated.add(block.allocated, weight);
        self.freed.add(block.freed + if freed { block.size } else { 0 }, weight);
        if freed {
            self.frees.count(weight);
        } else if block.is_whole {
            self.live.count(weight);
            self.live_bytes.add(block.size, weight);
        }
    }
}

/// What blocks are for, while the ids are those of one capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum For {
    Site(u32),
    Nothing,
    Unknown,
}

/// A block that lives.
#[derive(Debug, Clone, Copy)]
struct Block {
    of: For,
    /// Whether that is settled: a container that holds it changes nothing.
    settled: bool,
    /// Whether its allocation is known.
    is_whole: bool,
    /// The calls that allocated it.
    stack: Option<u32>,
    size: u64,
    allocated: u64,
    freed: u64,
    reallocations: u64,
    weight: u64,
}

/// Whether a container that is dropped has one block at most, and frees it behind all that its elements own. Not a hash map, whose hasher
/// may own something, nor a handle, whose block may stay.
const fn frees_its_block_last(kind: ContainerKind) -> bool {
    use ContainerKind::{Box, String, Vec, VecDeque};
    matches!(kind, Vec | String | VecDeque | Box)
}

/// A block that was freed before it seems to have been allocated.
#[derive(Debug, Clone, Copy)]
struct Early {
    ts: u64,
    thread: u32,
    block: Block,
}

/// The last block that was freed on a thread.
#[derive(Debug, Clone, Copy)]
struct Freed {
    ts: u64,
    size: u64,
    /// `None` once it is counted.
    block: Option<Block>,
}

/// Follows blocks from row to row.
pub(crate) struct Blocks {
    /// By address, of several the one that was allocated first at the front.
    live: HashMap<u64, VecDeque<Block>>,
    early: HashMap<u64, Early>,
    /// By thread, where each free is told: what a block was for may be told by the drop that freed it.
    freed: Option<HashMap<u32, Freed>>,
    totals: BTreeMap<For, BlockTotals>,
    by_stack: BTreeMap<Option<u32>, BlockTotals>,
    /// Sites that are variables.
    variables: Table<bool>,
}

impl Blocks {
    /// Starts with the definitions of a capture; `all_frees` is whether there is a row of each block that was
    /// freed: behind the last of a drop there may be one that is not told, else.
    pub(crate) fn new(defs: &Defs, all_frees: bool) -> Self {
        let mut variables = Table::new(defs.sites.iter().map(|site| site.id));
        for site in &defs.sites {
            let function = matches!(site.kind, SiteKind::Function | SiteKind::AsyncFunction);
            *variables.at(site.id) = !function;
        }
        Self {
            live: HashMap::new(),
            early: HashMap::new(),
            freed: all_frees.then(HashMap::new),
            totals: BTreeMap::new(),
            by_stack: BTreeMap::new(),
            variables,
        }
    }

    /// Follows a row of the allocator; `ns` turns ticks into nanoseconds.
    pub(crate) fn add(&mut self, row: &Heap, weight: u64, ns: &dyn Fn(u64) -> u64) {
        match row.kind {
            HeapKind::Alloc | HeapKind::AllocZeroed => {
                let block = Block {
                    of: row.site.map_or(For::Nothing, For::Site),
                    settled: row.site.is_some_and(|site| *self.variables.at(site)),
                    is_whole: true,
                    stack: row.stack,
                    size: row.size,
                    allocated: row.size,
                    freed: 0,
                    reallocations: 0,
                    weight,
                };
                let is_its_end = |early: &Early| {
                    (early.block.size, early.block.weight) == (row.size, weight)
                        && early.thread != row.thread
                        && ns(row.ts.saturating_sub(early.ts)) < EARLY_NS
                };
                match self.early.remove(&row.addr) {
                    Some(early) if is_its_end(&early) => self.end(&block),
                    Some(other) => {
                        self.end(&other.block);
                        self.begin(row.addr, block);
                    }
                    None => self.begin(row.addr, block),
                }
            }
            HeapKind::Free => match self.take(row.addr, row.size) {
                Some(block) => self.freed(row, Some(block)),
                None => {
                    self.freed(row, None);
                    let block = Self::unknown(row.size, weight);
                    let early = Early { ts: row.ts, thread: row.thread, block };
                    if let Some(before) = self.early.insert(row.addr, early) {
                        self.end(&before.block);
                    }
                }
            },
            HeapKind::Realloc => {
                let old = row.old_size.unwrap_or(0);
                let known = self.take(row.old_addr.unwrap_or(row.addr), old);
                let mut block = known.unwrap_or_else(|| Self::unknown(old, weight));
                block.size = row.size;
                block.allocated += row.size.saturating_sub(old);
                block.freed += old.saturating_sub(row.size);
                block.reallocations += 1;
                self.begin(row.addr, block);
            }
        }
    }

    /// Follows a free on its thread; of which block, if that is known.
    fn freed(&mut self, row: &Heap, block: Option<Block>) {
        let before = match &mut self.freed {
            Some(freed) => {
                let now = Freed { ts: row.ts, size: row.size, block };
                freed.insert(row.thread, now).and_then(|before| before.block)
            }
            None => block,
        };
        before.iter().for_each(|block| self.end(block));
    }

    /// Follows the drop of a value that is a container. Returns how many elements it had room for in the end, if a block of its own
    /// was freed: what it holds is dropped first, so that the last block that is freed is its own.
    pub(crate) fn dropped(&mut self, row: &DropChain, container: ContainerDef) -> Option<u64> {
        let begin = row.ts.checked_sub(row.duration?)?;
        let element_size = u64::from(container.element_size);
        let freed = self.freed.as_mut()?.get_mut(&row.thread)?;
        let is_own = frees_its_block_last(container.kind)
            && element_size > 0
            && freed.size % element_size == 0
            && (begin + 1..=row.ts).contains(&freed.ts);
        if !is_own {
            return None;
        }
        let room = freed.size / element_size;
        if let Some(mut block) = freed.block.take() {
            if !block.settled && block.is_whole {
                block.of = For::Site(row.site);
            }
            self.end(&block);
        }
        Some(room)
    }

    /// Follows a reading of a container, which holds the block at its address.
    pub(crate) fn hold(&mut self, row: &Container) {
        let block = row.addr.and_then(|addr| self.live.get_mut(&addr)).and_then(VecDeque::back_mut);
        if let Some(block) = block.filter(|block| !block.settled && block.is_whole) {
            block.of = For::Site(row.site);
            block.settled = true;
        }
    }

    /// What all blocks add up to: by what they were for, and by the calls that allocated them, where that was recorded.
    pub(crate) fn finish(
        mut self,
    ) -> (BTreeMap<For, BlockTotals>, BTreeMap<Option<u32>, BlockTotals>) {
        for early in std::mem::take(&mut self.early).into_values() {
            self.end(&early.block);
        }
        let freed = self.freed.take().into_iter().flat_map(HashMap::into_values);
        freed.filter_map(|freed| freed.block).for_each(|block| self.end(&block));
        for block in std::mem::take(&mut self.live).into_values().flatten() {
            self.total(&block, false);
        }
        // Of what was sampled any may have left something out.
        let one_in = self.totals.values().map(|totals| totals.allocations.one_in()).max();
        for totals in self.totals.values_mut().chain(self.by_stack.values_mut()) {
            totals.sums().into_iter().for_each(|sum| sum.sampled(one_in.unwrap_or(0)));
        }
        (self.totals, self.by_stack)
    }

    fn total(&mut self, block: &Block, freed: bool) {
        self.totals.entry(block.of).or_default().add(block, freed);
        if block.is_whole {
            self.by_stack.entry(block.stack).or_default().add(block, freed);
        }
    }

    /// A block of which no allocation is known.
    const fn unknown(size: u64, weight: u64) -> Block {
        let (of, settled, is_whole) = (For::Unknown, true, false);
        let (stack, allocated, freed, reallocations) = (None, 0, 0, 0);
        Block { of, settled, is_whole, stack, size, allocated, freed, reallocations, weight }
    }

    fn begin(&mut self, addr: u64, block: Block) {
        self.live.entry(addr).or_default().push_back(block);
    }

    /// Takes the block of a size from an address: of several the first, since rows of another thread may come late.
    fn take(&mut self, addr: u64, size: u64) -> Option<Block> {
        let blocks = self.live.get_mut(&addr)?;
        let place = blocks.iter().position(|block| block.size == size)?;
        let block = blocks.remove(place);
        if blocks.is_empty() {
            self.live.remove(&addr);
        }
        block
    }

    fn end(&mut self, block: &Block) {
        self.total(block, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defs::SiteDef;
    use crate::report::testing::Scene;
    use crate::rows::SnapshotReason;

    const FUNCTION: u32 = 0;
    const VARIABLE: u32 = 1;
    const OTHER: u32 = 2;

    fn defs() -> Defs {
        let mut scene = Scene::new();
        scene.variable("f", "fn", 0);
        scene.variable("v", "Vec<u8>", 24);
        scene.variable("w", "Vec<u8>", 24);
        let function = SiteDef { kind: SiteKind::Function, ..scene.defs.sites[0].clone() };
        scene.defs.sites[0] = function;
        scene.defs
    }

    const ROW: Heap = Heap {
        ts: 0,
        kind: HeapKind::Alloc,
        block: None,
        addr: 0,
        size: 0,
        old_size: None,
        align: 1,
        site: None,
        stack: None,
        thread: 1,
        old_addr: None,
    };

    fn alloc(ts: u64, addr: u64, size: u64, site: Option<u32>) -> Heap {
        Heap { ts, addr, size, site, block: Some(ts), ..ROW }
    }

    fn free(ts: u64, addr: u64, size: u64) -> Heap {
        Heap { ts, kind: HeapKind::Free, addr, size, ..ROW }
    }

    fn resized(ts: u64, from: (u64, u64), to: (u64, u64)) -> Heap {
        let (old_addr, old_size) = (Some(from.0), Some(from.1));
        let (kind, addr, size) = (HeapKind::Realloc, to.0, to.1);
        Heap { ts, kind, addr, size, old_addr, old_size, ..ROW }
    }

    /// A reading of a vector.
    fn read(site: u32, addr: u64) -> Container {
        Container {
            ts: 0,
            value: 1,
            site,
            type_id: 1,
            field: 0,
            kind: ContainerKind::Vec,
            reason: SnapshotReason::Birth,
            len: Some(0),
            capacity: Some(1),
            element_size: 1,
            addr: Some(addr),
            strong: None,
            weak: None,
            thread: 1,
        }
    }

    /// Allocations, reallocations, frees, bytes allocated and freed, blocks and bytes left.
    fn sums(totals: &mut BlockTotals) -> [u64; 7] {
        totals.sums().map(|sum| sum.estimate())
    }

    fn folded(rows: &[Heap]) -> BTreeMap<For, [u64; 7]> {
        let mut blocks = Blocks::new(&defs(), false);
        rows.iter().for_each(|row| blocks.add(row, 1, &|ticks| ticks));
        summed(blocks)
    }

    fn summed(blocks: Blocks) -> BTreeMap<For, [u64; 7]> {
        let totals = blocks.finish().0.into_iter();
        totals.map(|(what, mut totals)| (what, sums(&mut totals))).collect()
    }

    #[test]
    fn what_becomes_of_a_block_counts_where_it_was_allocated() {
        let rows = [
            alloc(1, 0x10, 100, Some(VARIABLE)),
            resized(2, (0x10, 100), (0x50, 300)),
            resized(3, (0x50, 300), (0x50, 200)),
            alloc(4, 0x10, 7, None),
            free(5, 0x50, 200),
            // Older than the recording.
            resized(6, (0x90, 5), (0x99, 6)),
            free(7, 0x77, 1),
        ];
        let sums = folded(&rows);
        assert_eq!(sums[&For::Site(VARIABLE)], [1, 2, 1, 300, 300, 0, 0]);
        assert_eq!(sums[&For::Nothing], [1, 0, 0, 7, 0, 1, 7]);
        assert_eq!(sums[&For::Unknown], [0, 1, 1, 1, 1, 0, 0]);
    }

    #[test]
    fn the_first_container_that_holds_a_block_of_a_function_has_it() {
        let mut blocks = Blocks::new(&defs(), false);
        let ns = |ticks| ticks;
        blocks.add(&alloc(1, 0x10, 10, Some(FUNCTION)), 1, &ns);
        blocks.add(&alloc(2, 0x20, 20, Some(FUNCTION)), 1, &ns);
        blocks.add(&alloc(3, 0x30, 30, Some(OTHER)), 1, &ns);
        for addr in [0x10, 0x30, 0x40] {
            blocks.hold(&read(VARIABLE, addr));
            blocks.hold(&read(OTHER, addr));
        }
        let sums = summed(blocks);
        assert_eq!(sums[&For::Site(VARIABLE)], [1, 0, 0, 10, 0, 1, 10]);
        assert_eq!(sums[&For::Site(FUNCTION)], [1, 0, 0, 20, 0, 1, 20]);
        assert_eq!(sums[&For::Site(OTHER)], [1, 0, 0, 30, 0, 1, 30]);
    }

    /// The drop of a value of a variable, from one time to another.
    fn dropped(site: u32, begin: u64, end: u64) -> DropChain {
        DropChain {
            ts: end,
            duration: Some(end - begin),
            value: 1,
            site,
            type_id: 1,
            depth: 0,
            outcome: crate::rows::Outcome::Unknown,
            panicking: false,
            thread: 1,
            left_out: crate::rows::LeftOut::default(),
            stack: None,
        }
    }

    #[test]
    fn the_block_that_a_container_frees_last_was_for_it() {
        let vec = |element_size| ContainerDef { kind: ContainerKind::Vec, element_size };
        let ns = |ticks| ticks;
        let run = |all, container, drop: DropChain| {
            let mut blocks = Blocks::new(&defs(), all);
            for (at, size) in [(0x10, 10), (0x20, 64)] {
                blocks.add(&alloc(at, at, size, Some(FUNCTION)), 1, &ns);
            }
            // An element's, then its own.
            blocks.add(&free(50, 0x10, 10), 1, &ns);
            blocks.add(&free(51, 0x20, 64), 1, &ns);
            let room = blocks.dropped(&drop, container);
            (room, summed(blocks))
        };
        let (room, sums) = run(true, vec(8), dropped(VARIABLE, 49, 60));
        assert_eq!(room, Some(8));
        assert_eq!(sums[&For::Site(VARIABLE)], [1, 0, 1, 64, 64, 0, 0]);
        assert_eq!(sums[&For::Site(FUNCTION)], [1, 0, 1, 10, 10, 0, 0]);
        // Where not each block is recorded, before or behind that drop, on another thread, by something that does not free its own
        // block last or has elements that do not fit, it was not.
        let counted = ContainerDef { kind: ContainerKind::Rc, element_size: 8 };
        for (all, container, drop) in [
            (false, vec(8), dropped(VARIABLE, 49, 60)),
            (true, vec(8), dropped(VARIABLE, 51, 60)),
            (true, vec(8), dropped(VARIABLE, 30, 50)),
            (true, vec(8), DropChain { thread: 2, ..dropped(VARIABLE, 49, 60) }),
            (true, vec(8), DropChain { duration: None, ..dropped(VARIABLE, 49, 60) }),
            (true, vec(7), dropped(VARIABLE, 49, 60)),
            (true, vec(0), dropped(VARIABLE, 49, 60)),
            (true, counted, dropped(VARIABLE, 49, 60)),
        ] {
            let (room, sums) = run(all, container, drop);
            assert_eq!(room, None, "{container:?} {drop:?}");
            assert_eq!(sums[&For::Site(FUNCTION)], [2, 0, 2, 74, 74, 0, 0]);
        }
    }

    #[test]
    fn rows_of_another_thread_that_come_late_find_their_block() {
        let elsewhere = |row| Heap { thread: 2, ..row };
        // The block is handed out again before its free is told; and one is freed before its allocation is.
        let rows = [
            alloc(1, 0x10, 64, Some(VARIABLE)),
            elsewhere(alloc(9, 0x10, 64, Some(OTHER))),
            free(10, 0x10, 64),
            elsewhere(free(20, 0x20, 8)),
            alloc(21, 0x20, 8, Some(FUNCTION)),
        ];
        let sums = folded(&rows);
        assert_eq!(sums[&For::Site(VARIABLE)], [1, 0, 1, 64, 64, 0, 0]);
        assert_eq!(sums[&For::Site(OTHER)], [1, 0, 0, 64, 0, 1, 64]);
        assert_eq!(sums[&For::Site(FUNCTION)], [1, 0, 1, 8, 8, 0, 0]);
        // On one thread, long before, or of another size it was another block.
        for other in [
            alloc(21, 0x20, 8, None),
            elsewhere(alloc(20 + EARLY_NS, 0x20, 8, None)),
            elsewhere(alloc(21, 0x20, 9, None)),
        ] {
            let sums = folded(&[free(20, 0x20, 8), other]);
            assert_eq!(sums[&For::Unknown], [0, 0, 1, 0, 8, 0, 0]);
            assert_eq!(sums[&For::Nothing][5], 1);
        }
    }

    #[test]
    fn only_what_outlives_dropped_values_has_leaked() {
        let mut scene = Scene::new();
        let kept = scene.variable("kept", "Vec<u8>", 24);
        let lost = scene.variable("lost", "Vec<u8>", 24);
        let fine = scene.variable("fine", "Vec<u8>", 24);
        for (site, value) in [(kept, 1), (lost, 2), (fine, 3)] {
            scene.heap(alloc(5 + value, 0x10 * value, 100, Some(site)));
            scene.born(site, value, 10 + value);
        }
        scene.dropped(lost, 2, 30, 1).heap(free(31, 0x30, 100)).dropped(fine, 3, 32, 1);
        let report = scene.report();
        let leaked = |name: &str| {
            let of = |known: &&BlockFigures| matches!(&known.owner, BlockOwner::Site(site) if site.name == name);
            report.blocks.iter().find(of).expect("a row").leaked_bytes.clone()
        };
        assert!(matches!(leaked("kept"), Figure::Unknown { .. }));
        assert!(matches!(leaked("lost"), Figure::Inferred { value: 100, .. }));
        assert_eq!(leaked("fine"), Figure::Exact(0));
    }

    #[test]
    fn sampled_blocks_are_estimates_for_all() {
        let mut blocks = Blocks::new(&defs(), false);
        blocks.add(&alloc(1, 0x10, 10, Some(VARIABLE)), 100, &|ticks| ticks);
        blocks.add(&alloc(2, 0x20, 1 << 20, None), 1, &|ticks| ticks);
        blocks.add(&free(3, 0x10, 10), 100, &|ticks| ticks);
        let (mut totals, _) = blocks.finish();
        let of =
            |totals: &BlockTotals| totals.figures(BlockOwner::Nothing, None, &Grounds::default());
        let (variable, nothing) =
            (totals.remove(&For::Site(VARIABLE)), totals.remove(&For::Nothing));
        let variable = of(&variable.expect("a row"));
        assert!(
            matches!(variable.allocated_bytes, Figure::Sampled { value: 1000, error } if error > 1000)
        );
        assert!(matches!(variable.frees, Figure::Sampled { value: 100, .. }));
        // What else there was may have been left out.
        let nothing = of(&nothing.expect("a row"));
        assert!(matches!(nothing.allocations, Figure::Sampled { value: 1, error } if error >= 99));
    }
}
