//! Containers: what they held and what they had room for, by the last that is known of each.

use super::contents::{
    ContentFigures, ContentRow, ContentTotals, Found, HashFigures, Owned, SpreadTotals,
};
use super::estimate::Sum;
use super::figure::{Figure, Grounds};
use super::place::Place;
use crate::defs::ContainerKind;
use crate::rows::{Container, SnapshotReason};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// The rule by which the room of containers is known that were not read when they were dropped.
const FREED_LAST: &str =
    "rule `freed-last`: the last block that the drop freed was the container's own";

/// The containers that one field (or the values themselves) of one site and type are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Holder {
    pub(crate) site: u32,
    pub(crate) type_id: u32,
    /// As in [`Container::field`].
    pub(crate) field: u32,
}

/// Last known states, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct StateTotals {
    pub(crate) containers: Sum,
    /// Those of them that tell their length; and so on.
    pub(crate) with_len: u64,
    pub(crate) len: Sum,
    pub(crate) len_max: u64,
    pub(crate) with_capacity: u64,
    pub(crate) capacity_bytes: Sum,
    /// Those whose capacity follows from the block that they freed.
    pub(crate) by_block: u64,
    /// Those that tell both.
    pub(crate) with_waste: u64,
    pub(crate) waste_bytes: Sum,
    pub(crate) waste_max_bytes: u64,
    pub(crate) content: ContentTotals,
}

impl StateTotals {
    fn add(&mut self, row: &Container, weight: u64) {
        let bytes = |elements: u64| elements.saturating_mul(u64::from(row.element_size));
        self.containers.count(weight);
        if let Some(len) = row.len {
            self.with_len += 1;
            self.len.add(len, weight);
            self.len_max = self.len_max.max(len);
        }
        if let Some(capacity) = row.capacity {
            self.with_capacity += 1;
            self.capacity_bytes.add(bytes(capacity), weight);
        }
        if let (Some(len), Some(capacity)) = (row.len, row.capacity) {
            let waste = bytes(capacity.saturating_sub(len));
            self.with_waste += 1;
            self.waste_bytes.add(waste, weight);
            self.waste_max_bytes = self.waste_max_bytes.max(waste);
        }
    }

    fn absorb(&mut self, other: Self) {
        self.containers.absorb(&other.containers);
        self.with_len += other.with_len;
        self.len.absorb(&other.len);
        self.len_max = self.len_max.max(other.len_max);
        self.with_capacity += other.with_capacity;
        self.capacity_bytes.absorb(&other.capacity_bytes);
        self.by_block += other.by_block;
        self.with_waste += other.with_waste;
        self.waste_bytes.absorb(&other.waste_bytes);
        self.waste_max_bytes = self.waste_max_bytes.max(other.waste_max_bytes);
        self.content.absorb(other.content);
    }
}

/// What is summed up of a [`Holder`]'s containers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ContainerTotals {
    pub(crate) kind: ContainerKind,
    pub(crate) element_size: u32,
    pub(crate) snapshots: Sum,
    /// Readings that do not tell which container they are of.
    pub(crate) anonymous: u64,
    /// Containers that were read more than once.
    pub(crate) read_again: u64,
    /// Readings that found a greater capacity than the one before.
    pub(crate) growths: Sum,
    pub(crate) strong_max: Option<u64>,
    pub(crate) weak_max: Option<u64>,
    /// The most bytes that the elements of one owned.
    pub(crate) content_max: Option<u64>,
    pub(crate) spread: SpreadTotals,
    pub(crate) last: BTreeMap<u8, (SnapshotReason, StateTotals)>,
}

impl ContainerTotals {
    fn new(row: &Container) -> Self {
        Self {
            kind: row.kind,
            element_size: row.element_size,
            snapshots: Sum::default(),
            anonymous: 0,
            read_again: 0,
            growths: Sum::default(),
            strong_max: None,
            weak_max: None,
            content_max: None,
            spread: SpreadTotals::default(),
            last: BTreeMap::new(),
        }
    }

    fn state(&mut self, reason: SnapshotReason) -> &mut StateTotals {
        &mut self.last.entry(reason as u8).or_insert((reason, StateTotals::default())).1
    }

    fn settle(&mut self, row: &Container, owned: Option<Owned>, weight: u64) {
        let state = self.state(row.reason);
        state.add(row, weight);
        owned.iter().for_each(|owned| state.content.add(owned, weight));
    }

    pub(crate) fn absorb(&mut self, other: &Self) {
        self.snapshots.absorb(&other.snapshots);
        self.anonymous += other.anonymous;
        self.read_again += other.read_again;
        self.growths.absorb(&other.growths);
        self.strong_max = self.strong_max.max(other.strong_max);
        self.weak_max = self.weak_max.max(other.weak_max);
        self.content_max = self.content_max.max(other.content_max);
        self.spread.absorb(other.spread);
        for (reason, totals) in other.last.values() {
            self.state(*reason).absorb(*totals);
        }
    }

    pub(crate) fn figures(
        &self,
        site: Place,
        type_name: String,
        field: Option<String>,
        grounds: &Grounds,
    ) -> ContainerFigures {
        let last = self
            .last
            .values()
            .map(|(reason, totals)| LastKnown::of(*reason, totals, self.anonymous > 0, grounds))
            .collect();
        let sampled = self.snapshots.is_sampled();
        let handles = |most: Option<u64>| {
            most.map_or(Figure::unknown("not a counted handle"), |most| grounds.most(most, sampled))
        };
        ContainerFigures {
            site,
            type_name,
            field,
            kind: self.kind,
            element_size: self.element_size,
            snapshots: grounds.count(self.snapshots),
            last,
            growth_seen: match self.read_again {
                0 => Figure::unknown("no container was read twice"),
                _ => grounds.count(self.growths),
            },
            strong_max: handles(self.strong_max),
            weak_max: handles(self.weak_max),
            content_max_bytes: self.content_max.map(|most| grounds.amount(most)),
            hashes: self.spread.figures(grounds),
        }
    }
}

/// Follows containers to the last reading of each.
#[derive(Debug, Default)]
pub(crate) struct Containers {
    totals: HashMap<Holder, ContainerTotals>,
    last: HashMap<(u64, u32), LastReading>,
}

#[derive(Debug)]
struct LastReading {
    row: Container,
    owned: Option<Owned>,
    weight: u64,
    again: bool,
}

impl Containers {
    /// Adds a reading that stands for `weight` readings; `identity` is whether it tells which value it is of.
    pub(crate) fn add(&mut self, row: &Container, identity: bool, weight: u64) {
        let totals = self.totals.entry(holder(row)).or_insert_with(|| ContainerTotals::new(row));
        totals.snapshots.count(weight);
        totals.strong_max = totals.strong_max.max(row.strong);
        totals.weak_max = totals.weak_max.max(row.weak);
        if !identity {
            // A value is dropped once, and the program ends once: each such reading is of another container.
            totals.anonymous += u64::from(!row.reason.is_final());
            totals.settle(row, None, weight);
            return;
        }
        let again = match self.last.remove(&(row.value, row.field)) {
            Some(before) => {
                totals.read_again += u64::from(!before.again);
                totals.growths.add_if(u64::from(row.capacity > before.row.capacity), weight);
                true
            }
            None => false,
        };
        self.last
            .insert((row.value, row.field), LastReading { row: *row, owned: None, weight, again });
    }

    /// Adds what was found in a container when it was read, which was added before.
    pub(crate) fn add_content(&mut self, row: &ContentRow, identity: bool, weight: u64) {
        let ContentRow { ts, value, site, type_id, field, reason, .. } = *row;
        // Without its state it is not known what it is: that row is lost.
        let Some(totals) = self.totals.get_mut(&Holder { site, type_id, field }) else { return };
        match row.found {
            Found::Owned(owned) => {
                totals.content_max = totals.content_max.max(Some(owned.room));
                if !identity {
                    totals.state(reason).content.add(&owned, weight);
                } else if let Some(last) = self.last.get_mut(&(value, field))
                    && (last.row.ts, last.row.reason) == (ts, reason)
                {
                    last.owned = Some(owned);
                }
            }
            Found::Keys { spread, .. } => totals.spread.add(spread),
            Found::Nothing => {}
        }
    }

    /// Ends a value: what is known of its container in a field by now is the last.
    pub(crate) fn end(&mut self, value: u64, field: u32) {
        if let Some(LastReading { row, owned, weight, .. }) = self.last.remove(&(value, field)) {
            self.settle(&row, owned, weight);
        }
    }

    /// As [`Self::end`] of a value that is a container and, when it was dropped, freed a block with room for so many elements. If it
    /// was read at its birth alone, and had other room then, that is what is known of its end.
    pub(crate) fn end_with_room(&mut self, value: u64, room: u64) {
        let is_grown = |last: &LastReading| {
            last.row.reason == SnapshotReason::Birth && last.row.capacity != Some(room)
        };
        let Some(LastReading { row, weight, .. }) =
            self.last.get(&(value, 0)).filter(|last| is_grown(last))
        else {
            return self.end(value, 0);
        };
        let (row, weight) = (*row, *weight);
        self.last.remove(&(value, 0));
        let reason = SnapshotReason::Drop;
        self.settle(&Container { reason, len: None, capacity: Some(room), ..row }, None, weight);
        if let Some(totals) = self.totals.get_mut(&holder(&row)) {
            totals.state(reason).by_block += 1;
        }
    }

    /// Ends the recording.
    pub(crate) fn finish(mut self) -> HashMap<Holder, ContainerTotals> {
        for (_, LastReading { row, owned, weight, .. }) in std::mem::take(&mut self.last) {
            self.settle(&row, owned, weight);
        }
        for totals in self.totals.values_mut().filter(|totals| totals.snapshots == 1.into()) {
            // A single reading is of a single container. Of several, not even equal addresses would tell that: a
            // container that grows gets another, and what it leaves is given to the next.
            totals.anonymous = 0;
        }
        self.totals
    }

    fn settle(&mut self, row: &Container, owned: Option<Owned>, weight: u64) {
        if let Some(totals) = self.totals.get_mut(&holder(row)) {
            totals.settle(row, owned, weight);
        }
    }
}

fn holder(row: &Container) -> Holder {
    Holder { site: row.site, type_id: row.type_id, field: row.field }
}

/// The containers of one site and type, or of one field of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContainerFigures {
    /// The site of the values that are the containers, or hold them.
    pub site: Place,
    /// The type of those values.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The field that holds them, of an enum with its variant, as `Text.0`; `None` if the values are the containers.
    pub field: Option<String>,
    /// Which container it is.
    pub kind: ContainerKind,
    /// Size of an element in bytes.
    pub element_size: u32,
    /// How often one was read.
    pub snapshots: Figure<u64>,
    /// The last known states, by why they were read: those read when their variable was born say nothing of what
    /// became of it, those read when they were dropped are final.
    pub last: Vec<LastKnown>,
    /// How often a reading found a greater capacity than the one before it.
    pub growth_seen: Figure<u64>,
    /// The most strong handles seen, for `Rc` and `Arc`.
    pub strong_max: Figure<u64>,
    /// The most weak handles seen, for `Rc` and `Arc`.
    pub weak_max: Figure<u64>,
    /// The most bytes of blocks that the elements of one owned when it was read; `None` if no contents were read.
    pub content_max_bytes: Option<Figure<u64>>,
    /// How the keys of hash maps are spread; `None` if no contents were read, or it is none.
    pub hashes: Option<HashFigures>,
}

impl ContainerFigures {
    /// Returns what the user would call it: `Session.pages`, or `load::raw`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.field {
            Some(field) if field.contains('.') => format!("{}::{field}", self.site.name),
            Some(field) => format!("{}.{field}", self.site.name),
            None => self.site.name.clone(),
        }
    }

    /// Returns the last known states of containers that were last read for this reason.
    #[must_use]
    pub fn last_known(&self, reason: SnapshotReason) -> Option<&LastKnown> {
        self.last.iter().find(|last| last.reason == reason)
    }
}

/// The last known states of containers, added up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastKnown {
    /// Why they were read.
    pub reason: SnapshotReason,
    /// How many containers.
    pub containers: Figure<u64>,
    /// Elements they held; for strings, bytes.
    pub len_total: Figure<u64>,
    /// The most elements one held.
    pub len_max: Figure<u64>,
    /// Bytes they had room for: capacity times element size. What a hash table needs beside is not in it.
    pub capacity_bytes: Figure<u64>,
    /// Bytes of it that no element used: (capacity - length) times element size.
    pub waste_bytes: Figure<u64>,
    /// The most bytes one had room for and did not use.
    pub waste_max_bytes: Figure<u64>,
    /// What their elements owned; `None` if no contents were read.
    pub content: Option<ContentFigures>,
}

impl LastKnown {
    fn of(
        reason: SnapshotReason,
        totals: &StateTotals,
        anonymous: bool,
        grounds: &Grounds,
    ) -> Self {
        // What was read last of all is final; any other reading may have been followed by one that was lost.
        let is_final = reason.is_final();
        let sampled = totals.containers.is_sampled();
        let known = |with: u64, sum: Sum, why: &'static str| match with {
            0 => Figure::unknown(why),
            with if with < totals.containers.recorded() => {
                Figure::AtLeast { value: sum.recorded(), why: "some do not tell".into() }
            }
            _ if is_final => grounds.amount(sum),
            _ => grounds.difference(sum),
        };
        let most = |figure: Figure<u64>, value| match figure {
            Figure::Exact(_) => grounds.most(value, sampled),
            figure => figure,
        };
        // One container may have been read many times: there is no sum over containers then.
        let sum = |figure: Figure<u64>| match anonymous && !is_final {
            true => Figure::unknown("the readings do not tell which container they are of"),
            false => figure,
        };
        let len = |sum| known(totals.with_len, sum, "no length is known");
        let capacity = |sum| known(totals.with_capacity, sum, "no capacity is known");
        let no_waste = match totals.with_capacity {
            0 => "no capacity is known",
            _ => "no length is known",
        };
        let waste = |sum| known(totals.with_waste, sum, no_waste);
        let by_block = |figure| match totals.by_block {
            0 => figure,
            _ => figure_by(FREED_LAST, figure),
        };
        let containers = match is_final {
            true => grounds.count(totals.containers),
            false => grounds.balance(totals.containers),
        };
        Self {
            reason,
            containers: sum(containers),
            len_total: sum(len(totals.len)),
            len_max: most(len(totals.len_max.into()), totals.len_max),
            capacity_bytes: by_block(sum(capacity(totals.capacity_bytes))),
            waste_bytes: sum(waste(totals.waste_bytes)),
            waste_max_bytes: most(waste(totals.waste_max_bytes.into()), totals.waste_max_bytes),
            content: totals.content.figures(totals.containers, |value: Sum| {
                sum(if is_final { grounds.amount(value) } else { grounds.difference(value) })
            }),
        }
    }
}

/// A figure that part of follows by a rule: what else it is said to be, it is if the rule holds.
fn figure_by(rule: &'static str, figure: Figure<u64>) -> Figure<u64> {
    let inferred =
        |value, also: &str| Figure::Inferred { value, rule: format!("{rule}{also}").into() };
    match figure {
        Figure::Exact(value) | Figure::Inferred { value, .. } => inferred(value, ""),
        Figure::Bounded { value, error } => inferred(value, &format!("; within {error}")),
        Figure::Sampled { value, error } => {
            inferred(value, &format!("; an estimate, within {error} in about 95 of 100 recordings"))
        }
        Figure::AtLeast { value, why } => inferred(value, &format!("; at least so much: {why}")),
        unknown @ Figure::Unknown { .. } => unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vec_of(value: u64, reason: SnapshotReason, len: u64, capacity: u64) -> Container {
        Container {
            ts: 0,
            value,
            site: 1,
            type_id: 2,
            field: 3,
            kind: ContainerKind::Vec,
            reason,
            len: Some(len),
            capacity: Some(capacity),
            element_size: 8,
            addr: None,
            strong: None,
            weak: None,
            thread: 1,
        }
    }

    fn fold(rows: &[Container]) -> ContainerTotals {
        let mut containers = Containers::default();
        rows.iter().for_each(|row| containers.add(row, row.value != 0, 1));
        let totals: Vec<_> = containers.finish().into_values().collect();
        let [totals] = totals.try_into().unwrap();
        totals
    }

    fn figures(totals: &ContainerTotals) -> ContainerFigures {
        let place = Place::lost(1);
        totals.figures(place, "S".into(), Some("pages".into()), &Grounds::default())
    }

    #[test]
    fn only_the_last_reading_of_a_container_counts_as_its_state() {
        let totals = fold(&[
            vec_of(7, SnapshotReason::Birth, 0, 100),
            vec_of(7, SnapshotReason::Asked, 50, 200),
            vec_of(7, SnapshotReason::Drop, 150, 200),
            vec_of(8, SnapshotReason::Drop, 1, 4),
        ]);
        let figures = figures(&totals);
        assert_eq!(figures.snapshots, Figure::Exact(4));
        assert_eq!(figures.growth_seen, Figure::Exact(1), "100 to 200, then no change");
        let [last] = figures.last.as_slice() else { panic!("both were last read at their drop") };
        assert_eq!(last.reason, SnapshotReason::Drop);
        assert_eq!(last.containers, Figure::Exact(2));
        assert_eq!(last.len_total, Figure::Exact(151));
        assert_eq!(last.capacity_bytes, Figure::Exact(204 * 8));
        assert_eq!(last.waste_bytes, Figure::Exact((50 + 3) * 8));
        assert_eq!(last.waste_max_bytes, Figure::Exact(50 * 8));
    }

    #[test]
    fn a_container_that_has_grown_since_its_birth_has_the_room_of_the_block_that_it_freed() {
        let at_birth = |value, capacity| Container {
            field: 0,
            ..vec_of(value, SnapshotReason::Birth, 0, capacity)
        };
        let mut containers = Containers::default();
        for (value, capacity) in [(1, 0), (2, 4), (3, 2)] {
            containers.add(&at_birth(value, capacity), true, 1);
            containers.end_with_room(value, 4);
        }
        let totals = containers.finish().into_values().next().unwrap();
        let place = || Place::lost(1);
        let figures = totals.figures(place(), String::new(), None, &Grounds::default());
        let at_drop = figures.last_known(SnapshotReason::Drop).unwrap();
        assert_eq!(at_drop.containers, Figure::Exact(2));
        let inferred = Figure::Inferred { value: 64, rule: FREED_LAST.into() };
        assert_eq!(at_drop.capacity_bytes, inferred);
        assert_eq!(at_drop.waste_bytes.fidelity(), "unknown");
        assert_eq!(at_drop.len_max.fidelity(), "unknown");
        // What else is said of the figure does not hide the rule.
        let mut estimated = totals.clone();
        estimated.state(SnapshotReason::Drop).capacity_bytes.add(32, 10);
        estimated.state(SnapshotReason::Drop).containers.count(10);
        let untold = estimated.clone();
        estimated.state(SnapshotReason::Drop).with_capacity += 1;
        for (totals, value, also) in [(estimated, 384, "; an estimate"), (untold, 96, "; at least")]
        {
            let figures = totals.figures(place(), String::new(), None, &Grounds::default());
            let room = &figures.last_known(SnapshotReason::Drop).unwrap().capacity_bytes;
            let Figure::Inferred { value: room, rule } = room else { panic!("{room:?}") };
            assert!(
                *room == value && rule.starts_with(FREED_LAST) && rule.contains(also),
                "{rule}"
            );
        }
        // One that has not grown is as it was.
        let at_birth = figures.last_known(SnapshotReason::Birth).unwrap();
        assert_eq!(
            (&at_birth.containers, at_birth.capacity_bytes.value()),
            (&Figure::Exact(1), Some(&32))
        );
    }

    #[test]
    fn states_are_kept_apart_by_why_they_were_read() {
        let totals = fold(&[
            vec_of(7, SnapshotReason::Birth, 0, 100),
            vec_of(8, SnapshotReason::Drop, 1, 4),
        ]);
        let figures = figures(&totals);
        assert_eq!(
            figures.last_known(SnapshotReason::Birth).unwrap().waste_bytes,
            Figure::Exact(800)
        );
        assert_eq!(
            figures.last_known(SnapshotReason::Drop).unwrap().waste_bytes,
            Figure::Exact(24)
        );
        assert_eq!(figures.growth_seen, Figure::unknown("no container was read twice"));
    }

    #[test]
    fn values_without_identity_are_not_taken_for_one_value() {
        let totals =
            fold(&[vec_of(0, SnapshotReason::Drop, 1, 2), vec_of(0, SnapshotReason::Drop, 1, 10)]);
        let figures = figures(&totals);
        assert_eq!(figures.last_known(SnapshotReason::Drop).unwrap().containers, Figure::Exact(2));
        assert!(!figures.growth_seen.is_exact(), "they are two containers");
    }

    #[test]
    fn readings_that_do_not_tell_of_what_have_a_maximum_and_no_sum() {
        // The same container twice, or two: nobody knows.
        let totals = fold(&[
            vec_of(0, SnapshotReason::Asked, 1, 4),
            vec_of(0, SnapshotReason::Asked, 1, 10),
        ]);
        let last = figures(&totals).last.remove(0);
        assert_eq!(last.waste_max_bytes, Figure::Exact(72));
        for sum in [last.containers, last.waste_bytes, last.capacity_bytes, last.len_total] {
            assert_eq!(sum.fidelity(), "unknown");
        }
    }

    #[test]
    fn one_reading_is_of_one_container() {
        let mut one = fold(&[vec_of(0, SnapshotReason::Asked, 1, 10)]);
        let last = figures(&one).last.remove(0);
        assert_eq!((last.containers, last.waste_bytes), (Figure::Exact(1), Figure::Exact(72)));
        // One in each of two processes is two.
        one.absorb(&fold(&[vec_of(0, SnapshotReason::Asked, 1, 4)]));
        let last = figures(&one).last.remove(0);
        assert_eq!((last.containers, last.waste_bytes), (Figure::Exact(2), Figure::Exact(96)));
    }

    #[test]
    fn no_capacity_means_no_waste_figure() {
        let map = Container {
            kind: ContainerKind::BTreeMap,
            capacity: None,
            ..vec_of(1, SnapshotReason::Drop, 5, 0)
        };
        let last = figures(&fold(&[map])).last.remove(0);
        assert_eq!(last.len_total, Figure::Exact(5));
        assert_eq!(last.waste_bytes, Figure::unknown("no capacity is known"));
    }

    #[test]
    fn a_vector_of_zero_sized_elements_wastes_nothing() {
        let units = Container { element_size: 0, ..vec_of(1, SnapshotReason::Drop, 5, u64::MAX) };
        assert_eq!(figures(&fold(&[units])).last[0].waste_bytes, Figure::Exact(0));
    }

    fn owned(row: &Container, room: u64) -> ContentRow {
        let owned = Owned { blocks: Some(1), used: room / 2, room, unknown: 0, shared: 0 };
        let Container { ts, value, site, type_id, field, reason, thread, .. } = *row;
        let found = Found::Owned(owned);
        ContentRow { ts, value, site, type_id, field, reason, thread, found }
    }

    fn fold_deep(rows: &[(Container, u64)]) -> ContainerFigures {
        let mut containers = Containers::default();
        for (row, room) in rows {
            containers.add(row, row.value != 0, 1);
            containers.add_content(&owned(row, *room), row.value != 0, 1);
        }
        let totals: Vec<_> = containers.finish().into_values().collect();
        let [totals] = totals.try_into().unwrap();
        figures(&totals)
    }

    #[test]
    fn contents_are_those_of_the_last_reading_and_the_most_of_any() {
        let figures = fold_deep(&[
            (vec_of(7, SnapshotReason::Birth, 0, 100), 5_000),
            (vec_of(7, SnapshotReason::Drop, 150, 200), 300),
            (vec_of(8, SnapshotReason::Drop, 1, 4), 20),
            (vec_of(0, SnapshotReason::Drop, 1, 4), 2),
        ]);
        assert_eq!(figures.content_max_bytes, Some(Figure::Exact(5_000)));
        let [last] = figures.last.as_slice() else { panic!("all were last read at their drop") };
        let content = last.content.as_ref().unwrap();
        assert_eq!((&content.containers, &content.blocks), (&Figure::Exact(3), &Figure::Exact(3)));
        assert_eq!(content.room_bytes, Figure::Exact(322));
        assert_eq!(content.used_bytes, Figure::Exact(161));
    }

    #[test]
    fn contents_of_readings_that_do_not_tell_of_what_have_no_sum() {
        let row = vec_of(0, SnapshotReason::Asked, 1, 4);
        let figures = fold_deep(&[(row, 10), (row, 30)]);
        assert_eq!(figures.last[0].content.as_ref().unwrap().room_bytes.fidelity(), "unknown");
        assert_eq!(figures.content_max_bytes, Some(Figure::Exact(30)));
    }

    #[test]
    fn a_later_reading_without_contents_leaves_none() {
        let mut containers = Containers::default();
        let (first, second) =
            (vec_of(7, SnapshotReason::Birth, 0, 1), vec_of(7, SnapshotReason::Drop, 0, 1));
        containers.add(&first, true, 1);
        containers.add_content(&owned(&first, 10), true, 1);
        containers.add(&second, true, 1);
        let totals = containers.finish().into_values().next().unwrap();
        assert_eq!(figures(&totals).last[0].content, None);
    }

    #[test]
    fn the_most_handles_are_reported() {
        let rc = |strong, weak| Container {
            kind: ContainerKind::Rc,
            len: None,
            capacity: None,
            strong: Some(strong),
            weak: Some(weak),
            ..vec_of(strong, SnapshotReason::Birth, 0, 0)
        };
        let figures = figures(&fold(&[rc(1, 0), rc(3, 2), rc(2, 5)]));
        assert_eq!((figures.strong_max, figures.weak_max), (Figure::Exact(3), Figure::Exact(5)));
    }
}
