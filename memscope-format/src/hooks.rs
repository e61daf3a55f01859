//! What raw events name: hooks, resolved to what rows need of them.

use crate::defs::{ContainerDef, Defs, HookDef};
use std::collections::HashMap;

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
    /// Hooks whose type was not known when they came.
    waiting: Vec<HookDef>,
    types: HashMap<u32, TypeShape>,
    /// How many events those of a hook stand for, where that is not one.
    rates: HashMap<u32, u32>,
    fields: Vec<Box<[Option<ContainerDef>]>>,
}

#[derive(Debug, Clone, Copy)]
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

    /// Adds definitions.
    pub fn extend(&mut self, defs: &Defs) {
        for type_def in &defs.types {
            let fields = type_def.fields.iter().flatten().map(|field| field.container);
            self.types.insert(
                type_def.id,
                TypeShape {
                    zero_sized: type_def.size == 0,
                    container: type_def.container,
                    place: self.fields.len() as u32,
                },
            );
            self.fields.push(fields.collect());
        }
        for rate in &defs.rates {
            let weight = rate.one_in.max(1);
            self.rates.insert(rate.hook, weight);
            if let Some(Some(known)) = self.hooks.get_mut(rate.hook as usize) {
                known.weight = weight;
            }
        }
        let mut hooks = std::mem::take(&mut self.waiting);
        hooks.extend_from_slice(&defs.hooks);
        for def in hooks {
            let shape = match def.type_id {
                0 => Some(&TypeShape::NONE),
                type_id => self.types.get(&type_id),
            };
            let Some(shape) = shape else {
                self.waiting.push(def);
                continue;
            };
            if def.id >= HOOK_LIMIT {
                continue;
            }
            let place = def.id as usize;
            if self.hooks.len() <= place {
                self.hooks.resize(place + 1, None);
            }
            self.hooks[place] = Some(Hook {
                site: def.site,
                type_id: def.type_id,
                zero_sized: shape.zero_sized,
                container: shape.container,
                type_place: shape.place,
                weight: self.rates.get(&def.id).copied().unwrap_or(1),
            });
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
