//! What raw events name: hooks, resolved to what rows need of them.

use crate::defs::{ContainerDef, Defs, HookDef};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Hook ids from here on are not accepted: they index a table.
pub const HOOK_LIMIT: u32 = 1 << 22;

/// What a row needs to know of a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hook {
    pub(crate) site: u32,
    pub(crate) type_id: u32,
    pub(crate) zero_sized: bool,
    pub(crate) container: Option<ContainerDef>,
    /// The place of the type in [`HookTable::fields`].
    type_place: u32,
    /// How many events each of its events stands for.
    pub(crate) weight: u32,
}

/// Resolves the hook ids in raw events.
#[derive(Debug, Clone, Default)]
pub struct HookTable {
    hooks: Vec<Option<Hook>>,
    /// Hooks whose type was not known when they came, by id.
    waiting: BTreeMap<u32, HookDef>,
    types: HashMap<u32, TypeShape>,
    /// How many events those of a hook stand for, where that is not one.
    rates: HashMap<u32, u32>,
    fields: Vec<Box<[Option<ContainerDef>]>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TypeShape {
    zero_sized: bool,
    container: Option<ContainerDef>,
    place: u32,
}

impl TypeShape {
    /// What stands for the type of a hook that has none: of a function.
    const NONE: Self = Self { zero_sized: false, container: None, place: u32::MAX };
}

impl HookTable {
    /// Makes an empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds definitions; those whose id is known replace the ones before, for every event that is looked up from here on.
    pub fn extend(&mut self, defs: &Defs) {
        let mut replaced = HashSet::new();
        for type_def in &defs.types {
            let fields = type_def.fields.iter().flatten().map(|field| field.container).collect();
            let known = self.types.get(&type_def.id).copied();
            let place = known.map_or(self.fields.len() as u32, |known| known.place);
            let shape =
                TypeShape { zero_sized: type_def.size == 0, container: type_def.container, place };
            match self.fields.get_mut(place as usize) {
                Some(before) => *before = fields,
                None => self.fields.push(fields),
            }
            self.types.insert(type_def.id, shape);
            if known.is_some_and(|known| known != shape) {
                replaced.insert(type_def.id);
            }
        }
        if !replaced.is_empty() {
            let known = self.hooks.iter_mut().flatten();
            for hook in known.filter(|hook| replaced.contains(&hook.type_id)) {
                if let Some(shape) = shape_of(&self.types, hook.type_id) {
                    hook.zero_sized = shape.zero_sized;
                    hook.container = shape.container;
                }
            }
        }
        for rate in &defs.rates {
            let weight = rate.one_in.max(1);
            self.rates.insert(rate.hook, weight);
            if let Some(Some(known)) = self.hooks.get_mut(rate.hook as usize) {
                known.weight = weight;
            }
        }
        let waiting = std::mem::take(&mut self.waiting);
        for def in waiting.into_values().chain(defs.hooks.iter().copied()) {
            if def.id >= HOOK_LIMIT {
                continue;
            }
            let place = def.id as usize;
            if self.hooks.len() <= place {
                self.hooks.resize(place + 1, None);
            }
            let shape = shape_of(&self.types, def.type_id);
            self.hooks[place] = shape.map(|shape| Hook {
                site: def.site,
                type_id: def.type_id,
                zero_sized: shape.zero_sized,
                container: shape.container,
                type_place: shape.place,
                weight: self.rates.get(&def.id).copied().unwrap_or(1),
            });
            if shape.is_none() {
                self.waiting.insert(def.id, def);
            } else {
                self.waiting.remove(&def.id);
            }
        }
    }

    /// Finds a hook.
    #[inline]
    pub(crate) fn get(&self, id: u32) -> Option<&Hook> {
        self.hooks.get(id as usize)?.as_ref()
    }

    /// The container that a snapshot of a hook's value read: field 0 is the value, the others its fields from 1.
    #[inline]
    pub(crate) fn container(&self, hook: &Hook, field: u32) -> Option<ContainerDef> {
        match field.checked_sub(1) {
            None => hook.container,
            Some(field) => {
                self.fields.get(hook.type_place as usize)?.get(field as usize).copied().flatten()
            }
        }
    }
}

/// What is known of a type; of the type 0, which a function's hook has, nothing is to be known.
fn shape_of(types: &HashMap<u32, TypeShape>, type_id: u32) -> Option<TypeShape> {
    match type_id {
        0 => Some(TypeShape::NONE),
        type_id => types.get(&type_id).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defs::{ContainerKind, TypeDef};

    fn type_def(id: u32, size: u64, container: bool) -> TypeDef {
        let def = ContainerDef { kind: ContainerKind::Vec, element_size: 2 };
        TypeDef {
            id,
            name: String::new(),
            size,
            align: 1,
            needs_drop: false,
            has_niche: false,
            container: container.then_some(def),
            fields: None,
        }
    }

    fn of(types: Vec<TypeDef>, hooks: &[(u32, u32, u32)]) -> Defs {
        let hooks = hooks.iter().map(|&(id, site, type_id)| HookDef { id, site, type_id });
        Defs { types, hooks: hooks.collect(), ..Defs::default() }
    }

    fn known(table: &HookTable, id: u32) -> Option<(u32, bool, bool)> {
        table.get(id).map(|hook| (hook.site, hook.zero_sized, hook.container.is_some()))
    }

    #[test]
    fn the_last_definition_of_a_hook_and_of_its_type_holds() {
        let mut table = HookTable::new();
        table.extend(&of(
            vec![type_def(1, 8, true), type_def(2, 0, false)],
            &[(0, 5, 1), (1, 5, 0)],
        ));
        assert_eq!(known(&table, 0), Some((5, false, true)));
        // The type alone comes again, and takes the place of the one before.
        for size in [8, 0, 8, 0] {
            table.extend(&of(vec![type_def(1, size, false)], &[]));
            assert_eq!(known(&table, 0), Some((5, size == 0, false)));
        }
        assert_eq!(table.fields.len(), 2);
        assert_eq!(known(&table, 1), Some((5, false, false)));
        table.extend(&of(vec![], &[(0, 6, 2)]));
        assert_eq!(known(&table, 0), Some((6, true, false)));
        // Until its new type comes it means nothing, and what came last is what it means then.
        table.extend(&of(vec![], &[(0, 7, 3)]));
        assert_eq!(known(&table, 0), None);
        table.extend(&of(vec![], &[(0, 8, 3)]));
        table.extend(&of(vec![type_def(3, 8, true)], &[]));
        assert_eq!(known(&table, 0), Some((8, false, true)));
        table.extend(&of(vec![], &[(0, 9, 4)]));
        table.extend(&of(vec![], &[(0, 10, 2)]));
        table.extend(&of(vec![type_def(4, 8, true)], &[]));
        assert_eq!(known(&table, 0), Some((10, true, false)));
    }
}
