//! Definition tables: what the ids in event rows stand for.
//!
//! A definition is written before the first event that names it, and every table is written again as a
//! whole at checkpoints, so that a damaged frame costs names only until the next one.

use crate::frame::FrameType;
use crate::limits;
use crate::records;
use crate::word::ids;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;

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
    /// A function, whose calls are recorded.
    Function,
    /// An async function, or one that returns a future, whose tasks and polls are recorded.
    AsyncFunction,
    /// What a function returns.
    Return,
    /// A static.
    Static,
    /// A thread-local.
    ThreadLocal,
    /// Where a function of a type's impl block makes a value of the type that it returns. The births here have ids that no end
    /// names: which value is dropped later is not known.
    Constructor,
}

impl SiteKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Variable,
        Self::Argument,
        Self::Type,
        Self::Snapshot,
        Self::Function,
        Self::AsyncFunction,
        Self::Return,
        Self::Static,
        Self::ThreadLocal,
        Self::Constructor,
    ];
}

/// What a function does with the value of a local variable or argument, as far as its source alone proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Escape {
    /// It is never used by value, so it is dropped where its scope ends.
    Dropped,
    /// It may leave by being returned, and in no other way.
    Returned,
    /// A closure that moves what it captures takes it.
    Captured,
    /// It may be given to other code: an argument, a field, another variable.
    Passed,
}

impl Escape {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Dropped, Self::Returned, Self::Captured, Self::Passed];
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
    /// What becomes of the variable's value; `None` where the source does not prove it.
    pub escape: Option<Escape>,
}

ids! {
    /// Which container a type is, and how its content is to be read.
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
}

impl ContainerKind {
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
    /// For a `PhantomData`, what it does to the type that has it; `None` for other fields.
    pub marker: Option<MarkerDef>,
}

ids! {
    /// How a type varies with one of its parameters.
    pub enum Variance {
        /// A subtype for a subtype.
        Covariant = 1,
        /// A subtype for a supertype.
        Contravariant = 2,
        /// Neither.
        Invariant = 3,
    }
}

/// What a `PhantomData` field makes of its type. `None` is "unknown": the source alone does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkerDef {
    /// The parameters of the annotated type that the marker names, and how it makes the type vary with each.
    pub variance: Vec<(String, Option<Variance>)>,
    /// Whether the marker can be sent to another thread; if not, neither can the type.
    pub send: Option<bool>,
    /// Whether the marker can be shared with another thread; if not, neither can the type.
    pub sync: Option<bool>,
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
    /// Whether an `Option` of it is no larger than it.
    pub has_niche: bool,
    /// What it is, when it is a container that snapshots are taken of.
    pub container: Option<ContainerDef>,
    /// Its fields in source order, for an annotated type, of an enum those of all variants; `None` where the layout was
    /// not asked for, and where a record has no room for so many ([`Definition::fits`]).
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
    /// A [`TypeDef::id`]; 0 for a function, which has no type of its own.
    pub type_id: u32,
}

/// How many of what a hook meets it records, if not all.
///
/// It never changes: a hook that is to record more or fewer becomes another hook of the same site and type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateDef {
    /// The [`HookDef::id`] of the hook.
    pub hook: u32,
    /// Of so many values (calls, tasks) one is recorded, with all that becomes of it: each is chosen by chance, with the same
    /// probability and whatever became of others. An event of the hook stands for so many. More than 1.
    pub one_in: u32,
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

/// A text that rows refer to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StringDef {
    /// The id in rows, from 1; unique in a capture.
    pub id: u32,
    /// The text.
    pub text: String,
}

/// A call stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackDef {
    /// The id in rows, from 1; unique in a capture.
    pub id: u32,
    /// Addresses of instructions in the process, the innermost call first: where each call returns to, but for the first.
    pub addresses: Vec<u64>,
    /// Whether there were more calls outside of these.
    pub truncated: bool,
}

/// A file of machine code that the process had in its memory: what makes the addresses of a [`StackDef`] into names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleDef {
    /// Unique in a capture.
    pub id: u32,
    /// The file.
    pub path: String,
    /// The linker's id of its content, in hexadecimal, where there is one.
    pub build_id: Option<String>,
    /// The first address that its code takes in the process.
    pub start: u64,
    /// The address behind the last.
    pub end: u64,
    /// What is to be subtracted from an address in the process to get one of the file.
    pub bias: u64,
}

/// How derived rows were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivationDef {
    /// The id in rows, from 1; unique in a capture.
    pub id: u32,
    /// The tool.
    pub tool: String,
    /// The tool's version.
    pub version: String,
    /// The frames that were looked at: the first and the last number of each run of frames.
    pub frames: Vec<(u64, u64)>,
    /// When, in nanoseconds of the Unix epoch.
    pub made_unix_ns: u64,
}

/// A definition that has a table of its own.
pub trait Definition:
    Debug + Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The type of the frames that hold such definitions.
    const FRAME: FrameType;

    /// The id by which others name it, unique in its table.
    fn id(&self) -> u32;

    /// Whether a record holds it, by the count of [`limits::RECORD_LEN`]: a writer refuses one that is longer. Takes as long
    /// as writing it.
    fn fits(&self) -> bool {
        records::counted_len(self) <= limits::RECORD_LEN
    }

    /// Its table.
    fn table(defs: &Defs) -> &[Self];

    /// Its table, to be changed.
    fn table_mut(defs: &mut Defs) -> &mut Vec<Self>;
}

/// Does the same for definitions of any kind; see [`Defs::visit`].
pub trait TableVisitor {
    /// What it gives.
    type Output;

    /// Is called with the type of a table's definitions.
    fn visit<T: Definition>(&mut self) -> Self::Output;
}

macro_rules! tables {
    ($($(#[$about:meta])* $table:ident: $definition:ident by $id:ident, $frame:ident;)*) => {
        /// All definition tables of a capture, or an addition to them.
        ///
        /// In the definitions of a whole capture each table is sorted by id and has each id once.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Defs {
            $($(#[$about])* #[serde(default)] pub $table: Vec<$definition>,)*
        }

        impl Defs {
            /// The types of the frames that hold definitions, in the order in which tables are written: what is named
            /// comes before what names it.
            pub const FRAMES: &[FrameType] = &[$(FrameType::$frame),*];

            /// Calls the visitor with the type of the definitions in frames of this type, if those hold definitions.
            pub fn visit<V: TableVisitor>(
                frame_type: FrameType,
                visitor: &mut V,
            ) -> Option<V::Output> {
                Some(match frame_type {
                    $(FrameType::$frame => visitor.visit::<$definition>(),)*
                    _ => return None,
                })
            }

            /// Whether there are no definitions.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                $(self.$table.is_empty())&&*
            }
        }

        $(impl Definition for $definition {
            const FRAME: FrameType = FrameType::$frame;

            fn id(&self) -> u32 {
                self.$id
            }

            fn table(defs: &Defs) -> &[Self] {
                &defs.$table
            }

            fn table_mut(defs: &mut Defs) -> &mut Vec<Self> {
                &mut defs.$table
            }
        })*

        /// Definition tables as they grow, frame by frame: in any order, with the same id any number of times.
        #[derive(Debug, Default)]
        pub(crate) struct DefTables {
            $($table: BTreeMap<u32, $definition>,)*
            /// The memory that may still be taken; `None` if that does not matter.
            left: Option<usize>,
        }

        impl DefTables {
            /// Adds definitions; those whose id is known replace the ones before. Returns how many were left out, because
            /// there are as many as a reader keeps.
            pub(crate) fn add(&mut self, defs: Defs) -> usize {
                let mut left_out = 0;
                $(for def in defs.$table {
                    left_out += usize::from(!insert(&mut self.$table, &mut self.left, def));
                })*
                left_out
            }

            /// Adds definitions; returns those of new ids, those that differ from the ones with the same ids before, and
            /// how many were left out.
            pub(crate) fn add_news(&mut self, defs: Defs) -> (Defs, Defs, usize) {
                let (mut new, mut changed, mut left_out) = (Defs::default(), Defs::default(), 0);
                $(for def in defs.$table {
                    let news = match self.$table.get(&def.id()) {
                        Some(known) if *known == def => continue,
                        Some(_) => &mut changed,
                        None => &mut new,
                    };
                    if insert(&mut self.$table, &mut self.left, def.clone()) {
                        news.$table.push(def);
                    } else {
                        left_out += 1;
                    }
                })*
                (new, changed, left_out)
            }

            /// Whether there are none.
            pub(crate) fn is_empty(&self) -> bool {
                $(self.$table.is_empty())&&*
            }

            /// Returns the tables, sorted by id.
            pub(crate) fn into_defs(self) -> Defs {
                Defs {
                    $($table: self.$table.into_values().collect(),)*
                }
            }
        }
    };
}

impl DefTables {
    /// Makes tables that take no more than a reader grants them.
    pub(crate) fn limited() -> Self {
        Self { left: Some(limits::DEFINITIONS_LEN), ..Self::default() }
    }
}

/// Adds a definition to its table; `false` if there is no room.
fn insert<T: Definition>(table: &mut BTreeMap<u32, T>, left: &mut Option<usize>, def: T) -> bool {
    if let Some(left) = left {
        let known = table.get(&def.id());
        if known.is_none() && table.len() >= limits::DEFINITIONS {
            return false;
        }
        let Some(rest) = (*left + known.map_or(0, memory)).checked_sub(memory(&def)) else {
            return false;
        };
        *left = rest;
    }
    table.insert(def.id(), def);
    true
}

/// No less than the memory that a definition takes: four times what its numbers, texts and lists take in a file without
/// variable lengths, and its place in the table.
fn memory<T: Definition>(def: &T) -> usize {
    records::counted_len(def)
        .saturating_mul(4)
        .saturating_add(size_of::<T>() + size_of::<usize>() * 4)
}

tables! {
    /// Texts, by id.
    strings: StringDef by id, STRINGS;
    /// Threads, by id.
    threads: ThreadDef by id, THREADS;
    /// Places in source, by id.
    sites: SiteDef by id, SITES;
    /// Types of tracked values, by id.
    types: TypeDef by id, TYPES;
    /// Sites instantiated for types, by id.
    hooks: HookDef by id, HOOKS;
    /// How many of what hooks meet is recorded, by hook; nothing of those that record all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rates: RateDef by hook, RATES;
    /// Files of machine code, by id.
    modules: ModuleDef by id, MODULES;
    /// Call stacks, by id.
    stacks: StackDef by id, STACKS;
    /// How derived rows were found, by id.
    derivations: DerivationDef by id, DERIVATIONS;
}

impl Defs {
    /// Adds definitions, and sorts the tables; those whose id is known replace the ones before.
    pub fn extend(&mut self, others: Self) {
        let mut tables = DefTables::default();
        tables.add(std::mem::take(self));
        tables.add(others);
        *self = tables.into_defs();
    }

    /// Finds a definition by its id, in sorted tables.
    #[must_use]
    pub fn get<T: Definition>(&self, id: u32) -> Option<&T> {
        let table = T::table(self);
        table.binary_search_by_key(&id, T::id).ok().map(|place| &table[place])
    }

    /// Returns the hooks that record one value in some, each with how many that are.
    pub fn sampled_hooks(&self) -> impl Iterator<Item = (&HookDef, u64)> {
        let rates = self.rates.iter().filter(|rate| rate.one_in > 1);
        rates.filter_map(|rate| Some((self.get(rate.hook)?, rate.one_in.into())))
    }

    /// Finds a site by its id, in sorted tables.
    #[must_use]
    pub fn site(&self, id: u32) -> Option<&SiteDef> {
        self.get(id)
    }

    /// Finds a type by its id, in sorted tables.
    #[must_use]
    pub fn type_def(&self, id: u32) -> Option<&TypeDef> {
        self.get(id)
    }

    /// Finds a thread by its id, in sorted tables.
    #[must_use]
    pub fn thread(&self, id: u32) -> Option<&ThreadDef> {
        self.get(id)
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
