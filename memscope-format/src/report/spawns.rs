//! Where tasks were spawned: the places at which their async functions were called.

use super::estimate::Sum;
use super::figure::{Figure, Grounds};
use super::place::Place;
use crate::defs::Defs;
use crate::rows::{Task, TaskKind};
use serde::Serialize;
use std::collections::HashMap;

/// The tasks of an async function that were spawned at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpawnFigures {
    /// Which function.
    #[serde(flatten)]
    pub site: Place,
    /// Where it was called, as `file:line:column`; `None` if that is unknown.
    pub spawned_at: Option<String>,
    /// Futures that were polled at least once.
    pub tasks: Figure<u64>,
    /// Those of which no end was recorded.
    pub unfinished: Figure<u64>,
}

/// What is summed up of one place.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SpawnTotals {
    started: Sum,
    unfinished: Sum,
}

/// Adds up the tasks of one capture.
#[derive(Debug, Default)]
pub(crate) struct Spawns {
    /// By the function and the text that says where.
    places: HashMap<(u32, Option<u32>), SpawnTotals>,
    /// Tasks that have not ended, by where they were spawned.
    alive: HashMap<(u32, u64), Option<u32>>,
    /// Functions of which one task in so many is recorded.
    sampled: HashMap<u32, u64>,
}

impl Spawns {
    /// Starts with the definitions of a capture.
    pub(crate) fn new(defs: &Defs) -> Self {
        let functions = defs.sampled_hooks().filter(|(hook, _)| hook.type_id == 0);
        let sampled = functions.map(|(hook, one_in)| (hook.site, one_in)).collect();
        Self { sampled, ..Self::default() }
    }

    /// Adds what happened to a task, which stands for `weight` of them.
    pub(crate) fn task(&mut self, row: &Task, weight: u64) {
        if row.kind == TaskKind::Started {
            let place = self.places.entry((row.site, row.spawned_at)).or_default();
            if let Some(one_in) = self.sampled.get(&row.site) {
                place.started.sampled(*one_in);
                place.unfinished.sampled(*one_in);
            }
            place.started.count(weight);
            place.unfinished.count(weight);
            self.alive.insert((row.site, row.task), row.spawned_at);
        } else if let Some(at) = self.alive.remove(&(row.site, row.task))
            && let Some(place) = self.places.get_mut(&(row.site, at))
        {
            place.unfinished.uncount(weight);
        }
    }

    /// Ends the capture.
    pub(crate) fn finish(self) -> HashMap<(u32, Option<u32>), SpawnTotals> {
        self.places
    }
}

/// The same of all captures, by what the ids stand for.
#[derive(Debug, Default)]
pub(crate) struct AllSpawns(HashMap<(Place, Option<String>), SpawnTotals>);

impl AllSpawns {
    /// Adds those of a capture, whose sites `place` names.
    pub(crate) fn absorb(
        &mut self,
        places: HashMap<(u32, Option<u32>), SpawnTotals>,
        defs: &Defs,
        place: impl Fn(u32) -> Place,
    ) {
        let texts: HashMap<u32, &str> =
            defs.strings.iter().map(|def| (def.id, def.text.as_str())).collect();
        for ((site, at), totals) in places {
            // Where the text is lost, the place is as unknown as one that was never told.
            let at = at.and_then(|at| texts.get(&at)).map(|text| (*text).to_owned());
            let entry = self.0.entry((place(site), at)).or_default();
            entry.started.absorb(&totals.started);
            entry.unfinished.absorb(&totals.unfinished);
        }
    }

    /// Makes the table; the places with most tasks first.
    pub(crate) fn figures(self, grounds: &Grounds) -> Vec<SpawnFigures> {
        let mut figures: Vec<SpawnFigures> = self
            .0
            .into_iter()
            .map(|((site, spawned_at), totals)| SpawnFigures {
                site,
                spawned_at,
                tasks: grounds.count(totals.started),
                unfinished: grounds.balance(totals.unfinished),
            })
            .collect();
        figures.sort_by_cached_key(|known| {
            let Place { name, file, line, column, .. } = known.site.clone();
            let tasks = std::cmp::Reverse(known.tasks.value().copied());
            (tasks, name, file, line, column, known.spawned_at.clone())
        });
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defs::StringDef;

    fn told(kind: TaskKind, task: u64, spawned_at: Option<u32>) -> Task {
        Task {
            ts: 0,
            kind,
            task,
            parent: None,
            site: 1,
            executor_id: None,
            thread: 1,
            spawned_at,
            spawner: None,
        }
    }

    #[test]
    fn tasks_are_told_apart_by_where_they_were_spawned() {
        let mut spawns = Spawns::default();
        for (task, at) in [(1, Some(7)), (2, Some(7)), (3, Some(8)), (4, None)] {
            spawns.task(&told(TaskKind::Started, task, at), 1);
        }
        for task in [1, 3] {
            spawns.task(&told(TaskKind::Completed, task, None), 1);
        }
        // Of one from before.
        spawns.task(&told(TaskKind::Cancelled, 99, None), 1);
        let text = |id, text: &str| StringDef { id, text: text.to_owned() };
        let strings = vec![text(7, "src/a.rs:1:2"), text(8, "src/b.rs:3:4")];
        let defs = Defs { strings, ..Defs::default() };
        let mut all = AllSpawns::default();
        all.absorb(spawns.finish(), &defs, Place::lost);
        let figures = all.figures(&Grounds::default());
        let told: Vec<_> = figures
            .iter()
            .map(|known| {
                let count = |figure: &Figure<u64>| *figure.value().unwrap();
                (known.spawned_at.as_deref(), count(&known.tasks), count(&known.unfinished))
            })
            .collect();
        assert_eq!(
            told,
            [(Some("src/a.rs:1:2"), 2, 1), (None, 1, 1), (Some("src/b.rs:3:4"), 1, 0)]
        );
    }
}
