//! Definition tables: what the ids in event rows stand for.
//!
//! A definition is written before the first event that names it, and every table is written again as a
//! whole at checkpoints, so that a damaged frame costs names only until the next one.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What kind of place in the source a [`SiteDef`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SiteKind {
    /// A local variable.
    Variable,
    /// A by-value argument of a function.
    Argument,
    /// An annotated type.
    Type,
    /// A `snapshot!` invocation.
    Snapshot,
}

/// A place in source that records events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteDef {
    /// The id that hooks refer to; unique in a capture.
    pub id: u32,
    /// What kind of place it is.
    pub kind: SiteKind,
    /// What the user would call it: `load::raw` for a variable of a function, `Session` for a type.
    pub name: String,
    /// The module that holds it, as `module_path!` says.
    pub module: String,
    /// Source file, as `file!` says.
    pub file: String,
    /// Line in the file, from 1.
    pub line: u32,
    /// Column in the line, from 1.
    pub column: u32,
    /// What the user tagged it with, in the order of the source.
    pub tags: Vec<String>,
}

/// Which container a type is, and how its content is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[non_exhaustive]
pub enum ContainerKind {
    /// `Vec<T>`.
    Vec = 1,
    /// `String`.
    String = 2,
    /// `HashMap<K, V>`; an element is `(K, V)`.
    HashMap = 3,
    /// `BTreeMap<K, V>`; an element is `(K, V)`. Has no capacity.
    BTreeMap = 4,
    /// `VecDeque<T>`.
    VecDeque = 5,
    /// `Box<T>`; length 1, or the length of a boxed slice.
    Box = 6,
    /// `Rc<T>`; has strong and weak counts.
    Rc = 7,
    /// `Arc<T>`; has strong and weak counts.
    Arc = 8,
}

impl ContainerKind {
    /// All kinds, in the order of their ids.
    pub const ALL: [Self; 8] = [
        Self::Vec,
        Self::String,
        Self::HashMap,
        Self::BTreeMap,
        Self::VecDeque,
        Self::Box,
        Self::Rc,
        Self::Arc,
    ];

    /// Returns the kind with this id, if there is one.
    #[must_use]
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id).wrapping_sub(1)).copied()
    }

    /// Whether a value of this kind tells how many elements it has room for.
    #[must_use]
    pub const fn has_capacity(self) -> bool {
        !matches!(self, Self::BTreeMap | Self::Rc | Self::Arc)
    }

    /// Whether values of this kind are handles that share their content and count themselves.
    #[must_use]
    pub const fn is_counted(self) -> bool {
        matches!(self, Self::Rc | Self::Arc)
    }
}

/// What is known at compile time of a container type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContainerDef {
    /// Which container it is.
    pub kind: ContainerKind,
    /// Size of one element in bytes; for `Box`, `Rc` and `Arc` that of the content (of one element, for slices).
    pub element_size: u32,
}

/// A field of an annotated type, as the compiler laid it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDef {
    /// Its name, or its number in a tuple struct.
    pub name: String,
    /// Its type, as [`core::any::type_name`] says.
    pub type_name: String,
    /// For an enum, the variant that holds it.
    pub variant: Option<String>,
    /// Bytes from the start of the value; `None` for an enum, where the compiler does not tell.
    pub offset: Option<u32>,
    /// Size in bytes; 0 for a zero-sized field.
    pub size: u32,
    /// Alignment in bytes.
    pub align: u32,
    /// What it is, when it is a container that snapshots are taken of.
    pub container: Option<ContainerDef>,
}

impl FieldDef {
    /// Whether the field takes no space.
    #[must_use]
    pub const fn is_zero_sized(&self) -> bool {
        self.size == 0
    }

    /// Whether the field is a `PhantomData` marker, by its type name.
    #[must_use]
    pub fn is_marker(&self) -> bool {
        self.type_name.starts_with("core::marker::PhantomData<")
    }
}

/// A type of tracked values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeDef {
    /// The id that hooks refer to; unique in a capture.
    pub id: u32,
    /// Its name, as [`core::any::type_name`] says.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// Alignment in bytes.
    pub align: u32,
    /// Whether dropping a value runs code.
    pub needs_drop: bool,
    /// What it is, when it is a container that snapshots are taken of.
    pub container: Option<ContainerDef>,
    /// Its fields in source order, for an annotated type, of an enum those of all variants; `None` where the layout was
    /// not asked for.
    pub fields: Option<Vec<FieldDef>>,
}

/// A site instantiated for one type: what a raw event names.
///
/// Most sites have one; a site in a generic function has one for each type it ran with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookDef {
    /// The id in raw events, from 1; unique in a capture.
    pub id: u32,
    /// A [`SiteDef::id`].
    pub site: u32,
    /// A [`TypeDef::id`].
    pub type_id: u32,
}

/// A thread that recorded events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadDef {
    /// The id in event rows, from 1; unique in a capture.
    pub id: u32,
    /// Its name when it recorded its first event; under libtest that of the test.
    pub name: Option<String>,
    /// The operating system's id, where there is one.
    pub os_id: Option<u64>,
}

/// All definition tables of a capture, or an addition to them.
///
/// In the definitions of a whole capture each table is sorted by id and has each id once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defs {
    /// Places in source, by id.
    pub sites: Vec<SiteDef>,
    /// Types of tracked values, by id.
    pub types: Vec<TypeDef>,
    /// Sites instantiated for types, by id.
    pub hooks: Vec<HookDef>,
    /// Threads, by id.
    pub threads: Vec<ThreadDef>,
}

impl Defs {
    /// Whether there are no definitions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty()
            && self.types.is_empty()
            && self.hooks.is_empty()
            && self.threads.is_empty()
    }

    /// Adds definitions, and sorts the tables; those whose id is known replace the ones before.
    pub fn extend(&mut self, others: Self) {
        let mut tables = DefTables::default();
        tables.add(std::mem::take(self));
        tables.add(others);
        *self = tables.into_defs();
    }

    /// Finds a site by its id, in sorted tables.
    #[must_use]
    pub fn site(&self, id: u32) -> Option<&SiteDef> {
        find(&self.sites, id, |site| site.id)
    }

    /// Finds a type by its id, in sorted tables.
    #[must_use]
    pub fn type_def(&self, id: u32) -> Option<&TypeDef> {
        find(&self.types, id, |type_def| type_def.id)
    }

    /// Finds a thread by its id, in sorted tables.
    #[must_use]
    pub fn thread(&self, id: u32) -> Option<&ThreadDef> {
        find(&self.threads, id, |thread| thread.id)
    }
}

fn find<T>(table: &[T], id: u32, id_of: impl Fn(&T) -> u32) -> Option<&T> {
    table.binary_search_by_key(&id, id_of).ok().map(|place| &table[place])
}

/// Definition tables as they grow, frame by frame: in any order, with the same id any number of times.
#[derive(Debug, Default)]
pub(crate) struct DefTables {
    sites: BTreeMap<u32, SiteDef>,
    types: BTreeMap<u32, TypeDef>,
    hooks: BTreeMap<u32, HookDef>,
    threads: BTreeMap<u32, ThreadDef>,
}

impl DefTables {
    /// Adds definitions; those whose id is known replace the ones before.
    pub(crate) fn add(&mut self, defs: Defs) {
        self.sites.extend(defs.sites.into_iter().map(|site| (site.id, site)));
        self.types.extend(defs.types.into_iter().map(|type_def| (type_def.id, type_def)));
        self.hooks.extend(defs.hooks.into_iter().map(|hook| (hook.id, hook)));
        self.threads.extend(defs.threads.into_iter().map(|thread| (thread.id, thread)));
    }

    /// Definitions in the longest table.
    pub(crate) fn longest(&self) -> usize {
        [self.sites.len(), self.types.len(), self.hooks.len(), self.threads.len()]
            .into_iter()
            .fold(0, usize::max)
    }

    /// Returns the tables, sorted by id.
    pub(crate) fn into_defs(self) -> Defs {
        Defs {
            sites: self.sites.into_values().collect(),
            types: self.types.into_values().collect(),
            hooks: self.hooks.into_values().collect(),
            threads: self.threads.into_values().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(id: u32, name: &str) -> ThreadDef {
        ThreadDef { id, name: Some(name.to_owned()), os_id: None }
    }

    #[test]
    fn a_later_definition_replaces_the_one_before() {
        let mut defs = Defs::default();
        for threads in [
            vec![thread(1, "a"), thread(3, "b")],
            vec![thread(2, "c"), thread(1, "d")],
            vec![thread(4, "e")],
        ] {
            defs.extend(Defs { threads, ..Defs::default() });
        }
        assert_eq!(defs.threads, [thread(1, "d"), thread(2, "c"), thread(3, "b"), thread(4, "e")]);
        assert_eq!(defs.thread(2), Some(&thread(2, "c")));
        assert_eq!(defs.thread(5), None);
    }
}
