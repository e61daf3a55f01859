//! Ids that are unique in all recordings together.

use super::time::Time;
use crate::defs::{
    Defs, DerivationDef, HookDef, ModuleDef, RateDef, SiteDef, StackDef, StringDef, ThreadDef,
    TypeDef,
};
use crate::error::Error;
use crate::frame::FrameType;
use crate::limits;
use crate::raw::value_id;
use crate::record::{Event, Record};
use crate::records;
use crate::rows::{Metric, Performance};
use serde::Serialize;
use std::collections::HashMap;

/// What the words of a column are, for whoever gives things other ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Something that is the same in every recording.
    Plain,
    Ticks,
    Duration,
    /// The id of a definition.
    Definition(FrameType),
    /// The ring and position at which something began; of a value 0 if it has no identity.
    Event,
    /// Where something lies in the memory of its process.
    Address,
}

/// What a column means, by its name; see the specification.
fn meaning(name: &str) -> Meaning {
    match name {
        "ts" => Meaning::Ticks,
        "duration" => Meaning::Duration,
        "site" => Meaning::Definition(FrameType::SITES),
        "type" => Meaning::Definition(FrameType::TYPES),
        "thread" => Meaning::Definition(FrameType::THREADS),
        "stack" => Meaning::Definition(FrameType::STACKS),
        "derivation" => Meaning::Definition(FrameType::DERIVATIONS),
        "rule" | "detail" | "spawned_at" => Meaning::Definition(FrameType::STRINGS),
        "value" | "origin" | "block" | "task" | "parent" | "spawner" => Meaning::Event,
        "addr" | "old_addr" => Meaning::Address,
        _ => Meaning::Plain,
    }
}

/// What the columns of a stream mean.
pub(super) fn columns<R: Record>() -> Vec<Meaning> {
    let of_reading = R::FRAME == Performance::FRAME;
    let meaning = |name| if of_reading && name == "value" { Meaning::Plain } else { meaning(name) };
    R::COLUMNS.iter().map(|column| meaning(column.name)).collect()
}

/// The ids of the merged capture.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// Of definitions that say the same wherever they come from, by what they say.
    known: HashMap<(FrameType, Vec<u8>), u32>,
    /// The greatest that was given, by kind.
    last: HashMap<FrameType, u32>,
    rings: u32,
    /// Those of the recording that is being read, by their old ids.
    definitions: HashMap<(FrameType, u32), u32>,
    its_rings: HashMap<u64, u16>,
    /// What is added to its addresses, in [`SPACE`]s: in another process other blocks lie at the same, and other files of code.
    shift: u64,
    /// The highest space that anything lies in so far.
    highest: Option<u64>,
}

/// Addresses that a process can have.
const SPACE: u64 = 1 << 48;

impl Ids {
    /// What comes now is of another recording.
    pub(super) fn next_recording(&mut self) {
        self.shift = self.highest.map_or(0, |highest| highest + 1);
        self.definitions.clear();
        self.its_rings.clear();
    }

    /// Gives definitions their new ids; returns those that are not defined yet.
    pub(super) fn define(&mut self, defs: &Defs) -> Defs {
        let Defs { strings, threads, sites, types, hooks, rates, modules, stacks, derivations } =
            defs;
        let mut new = Defs::default();
        for string in strings {
            let def = |id| StringDef { id, ..string.clone() };
            new.strings.extend(self.shared(FrameType::STRINGS, string.id, def));
        }
        for thread in threads {
            let def = |id| ThreadDef { id, ..thread.clone() };
            new.threads.extend(self.own(FrameType::THREADS, thread.id, def));
        }
        for site in sites {
            let def = |id| SiteDef { id, ..site.clone() };
            new.sites.extend(self.shared(FrameType::SITES, site.id, def));
        }
        for type_def in types {
            let def = |id| TypeDef { id, ..type_def.clone() };
            new.types.extend(self.shared(FrameType::TYPES, type_def.id, def));
        }
        for hook in hooks {
            let site = self.definition(FrameType::SITES, hook.site);
            let type_id = self.definition(FrameType::TYPES, hook.type_id);
            let def = |id| HookDef { id, site, type_id };
            let rate = rates.iter().find(|rate| rate.hook == hook.id);
            let one_in = rate.map_or(1, |rate| rate.one_in);
            let Some(hook) = self.shared_if(FrameType::HOOKS, hook.id, one_in, def) else {
                continue;
            };
            new.hooks.push(hook);
            new.rates.extend(rate.map(|_| RateDef { hook: hook.id, one_in }));
        }
        let shift = self.shift.wrapping_mul(SPACE);
        let moved = |address: u64| address.wrapping_add(shift);
        for module in modules {
            let (start, end, bias) = (moved(module.start), moved(module.end), moved(module.bias));
            self.occupy(end.saturating_sub(1));
            let def = |id| ModuleDef { id, start, end, bias, ..module.clone() };
            new.modules.extend(self.shared(FrameType::MODULES, module.id, def));
        }
        for stack in stacks {
            let addresses: Vec<u64> = stack.addresses.iter().copied().map(moved).collect();
            let def =
                |id| StackDef { id, addresses: addresses.clone(), truncated: stack.truncated };
            new.stacks.extend(self.own(FrameType::STACKS, stack.id, def));
        }
        for derivation in derivations {
            let def = |id| DerivationDef { id, ..derivation.clone() };
            new.derivations.extend(self.own(FrameType::DERIVATIONS, derivation.id, def));
        }
        new
    }

    /// A definition that is the same for all recordings that have one that says the same.
    fn shared<T: Serialize>(
        &mut self,
        table: FrameType,
        old: u32,
        def: impl Fn(u32) -> T,
    ) -> Option<T> {
        self.shared_if(table, old, 1, def)
    }

    /// As [`Ids::shared`], of those of which something else is equal too.
    fn shared_if<T: Serialize>(
        &mut self,
        table: FrameType,
        old: u32,
        equal: u32,
        def: impl Fn(u32) -> T,
    ) -> Option<T> {
        let mut says = Vec::new();
        // One that is too long to be written was not read.
        records::append(&mut says, &(equal, def(0)), 0).ok()?;
        if let Some(&id) = self.known.get(&(table, says.clone())) {
            self.definitions.insert((table, old), id);
            return None;
        }
        let new = self.own(table, old, def)?;
        let id = self.definition(table, old);
        self.known.insert((table, says), id);
        Some(new)
    }

    /// A definition of this recording alone; `None` if another of its files has it.
    fn own<T>(&mut self, table: FrameType, old: u32, def: impl Fn(u32) -> T) -> Option<T> {
        let is_known = self.definitions.contains_key(&(table, old));
        let id = self.definition(table, old);
        (!is_known).then(|| def(id))
    }

    /// The new id of a definition; one that was lost gets an id too, that nothing defines.
    fn definition(&mut self, table: FrameType, old: u32) -> u32 {
        let last = &mut self.last;
        *self.definitions.entry((table, old)).or_insert_with(|| {
            let last = last.entry(table).or_insert(0);
            *last = last.saturating_add(1);
            *last
        })
    }

    /// The new number of a ring.
    fn ring(&mut self, old: u64) -> Result<u16, Error> {
        if let Some(&ring) = self.its_rings.get(&old) {
            return Ok(ring);
        }
        let ring = u16::try_from(self.rings).map_err(|_| Error::Limit {
            offset: 0,
            what: "rings of all captures",
            limit: limits::RINGS,
            found: u64::from(self.rings) + 1,
        })?;
        self.rings += 1;
        self.its_rings.insert(old, ring);
        Ok(ring)
    }

    /// Gives the words of a row their new ids and times.
    ///
    /// # Errors
    ///
    /// If there are too many rings.
    pub(super) fn translate<R: Event>(
        &mut self,
        columns: &[Meaning],
        time: &Time,
        words: &mut [u64],
    ) -> Result<(), Error> {
        for ((column, meaning), word) in R::COLUMNS.iter().zip(columns).zip(words.iter_mut()) {
            // 0 is "none", or "no identity".
            let none = *word == 0 && (column.optional || *meaning == Meaning::Event);
            if none {
                continue;
            }
            let old = *word - u64::from(column.optional);
            let new = match *meaning {
                Meaning::Plain => old,
                Meaning::Ticks => time.ticks(old),
                Meaning::Duration => time.duration(old),
                Meaning::Definition(table) => match u32::try_from(old) {
                    Ok(old) => self.definition(table, old).into(),
                    Err(_) => old,
                },
                Meaning::Event => self.event(old)?,
                Meaning::Address => self.address(old),
            };
            *word = new.saturating_add(u64::from(column.optional));
        }
        if R::STREAM == Performance::STREAM {
            self.subject::<R>(words)?;
        }
        Ok(())
    }

    /// The address at which something lies in no other process.
    fn address(&mut self, old: u64) -> u64 {
        let new = old.wrapping_add(self.shift.wrapping_mul(SPACE));
        self.occupy(new);
        new
    }

    fn occupy(&mut self, address: u64) {
        self.highest = self.highest.max(Some(address / SPACE));
    }

    fn event(&mut self, old: u64) -> Result<u64, Error> {
        Ok(value_id(self.ring(old >> 48)?, old & ((1 << 48) - 1)))
    }

    /// What a reading is of depends on the reading.
    fn subject<R: Record>(&mut self, words: &mut [u64]) -> Result<(), Error> {
        let place = |name| R::COLUMNS.iter().position(|column| column.name == name);
        let (Some(metric), Some(subject)) = (place("metric"), place("subject")) else {
            return Ok(());
        };
        match u8::try_from(words[metric]).ok().and_then(Metric::from_id) {
            Some(Metric::RingFill) => words[subject] = self.ring(words[subject])?.into(),
            Some(Metric::Mark) => {
                if let Ok(old) = u32::try_from(words[subject]) {
                    words[subject] = self.definition(FrameType::STRINGS, old).into();
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::StreamVisitor;
    use crate::rows::Stream;

    /// A column that is added must be looked at: is it an id, or a time?
    #[test]
    fn what_each_column_means_is_known() {
        const PLAIN: &[&str] = &[
            "kind",
            "field",
            "reason",
            "len",
            "capacity",
            "element_size",
            "strong",
            "weak",
            "depth",
            "outcome",
            "panicking",
            "left_out",
            "size",
            "old_size",
            "align",
            "metric",
            "subject",
            "executor_id",
            "born",
            "ended",
            "alive",
            "alive_bytes",
            "peak_bytes",
            "blocks",
            "live_bytes",
            "largest_hole",
            "severity",
            "count",
            "bytes",
            "used_bytes",
            "room_bytes",
            "unknown",
            "shared",
            "keys",
            "distinct",
            "homes",
            "fullest",
            "buckets",
        ];
        struct Check;
        impl StreamVisitor for Check {
            type Output = ();

            fn visit<R: Event>(&mut self) {
                for column in R::COLUMNS {
                    let plain = meaning(column.name) == Meaning::Plain;
                    assert_eq!(plain, PLAIN.contains(&column.name), "{} {}", R::FRAME, column.name);
                }
            }
        }
        Stream::ALL.iter().for_each(|stream| stream.visit(&mut Check));
    }

    #[test]
    fn code_of_several_processes_lies_at_different_addresses() {
        let defs = |spaces: &[u64]| {
            let at = |(id, space): (u32, &u64)| ModuleDef {
                id,
                path: format!("{space}"),
                build_id: None,
                start: space * SPACE + 0x5000,
                end: (space + 1) * SPACE,
                bias: space * SPACE + 0x4000,
            };
            let modules: Vec<_> = (1..).zip(spaces).map(at).collect();
            let addresses = modules.iter().map(|module| module.start + 1).collect();
            let stacks = vec![StackDef { id: 1, addresses, truncated: false }];
            Defs { modules, stacks, ..Defs::default() }
        };
        let mut ids = Ids::default();
        // The second is a merged one.
        let recordings: [(&[u64], &[u64]); 3] = [(&[0], &[0]), (&[0, 1], &[1, 2]), (&[0], &[3])];
        for (before, after) in recordings {
            ids.next_recording();
            let merged = ids.define(&defs(before));
            let starts = merged.modules.iter().map(|module| module.start / SPACE);
            assert_eq!(starts.collect::<Vec<_>>(), after);
            for (module, address) in merged.modules.iter().zip(&merged.stacks[0].addresses) {
                assert_eq!(address - module.bias, 0x1001);
                assert!((module.start..module.end).contains(address));
            }
        }
    }
}
