//! Call stacks, and the blocks that they led to.

use super::blocks::BlockTotals;
use super::figure::{Figure, Grounds};
use crate::defs::{Defs, ModuleDef, StackDef};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

const NO_MODULE: &str = "no file that is known was loaded there";
const SEVERAL_MODULES: &str = "several files were loaded there, one after another";

/// The calls that led to something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Stack {
    /// The calls, the innermost first.
    pub calls: Vec<StackCall>,
    /// Whether there were, or may have been, more calls outside of these.
    pub truncated: bool,
}

/// A call, as it was recorded, and what functions it is in, as far as that was looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct StackCall {
    /// The address behind the instruction that it is at, in the process.
    pub address: u64,
    /// The file of machine code; `None` if it is not known.
    pub module: Option<Module>,
    /// The address in that file.
    pub offset: Option<u64>,
    /// The functions that the compiler made this code of, the innermost first: all but the last were inlined.
    pub frames: Vec<StackFrame>,
    /// Why no function is known, if that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

/// A file of machine code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Module {
    /// Where it was.
    pub path: String,
    /// The linker's id of its content, in hexadecimal, where there is one.
    pub build_id: Option<String>,
}

/// A function, or one that was inlined into the one outside of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct StackFrame {
    /// Its name, without the hash that the compiler adds.
    pub function: String,
    /// Where in the source it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line there, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl Stack {
    /// Finds the files that the addresses of a stack are in.
    fn of(def: &StackDef, modules: &[ModuleDef]) -> Self {
        let calls = def.addresses.iter().map(|address| StackCall::of(*address, modules));
        Self { calls: calls.collect(), truncated: def.truncated }
    }

    /// Finds a stack by its id; `None` if its definition was lost.
    pub(crate) fn find(id: u32, defs: &Defs) -> Option<Self> {
        defs.get::<StackDef>(id).map(|def| Self::of(def, &defs.modules))
    }
}

impl StackCall {
    fn of(address: u64, modules: &[ModuleDef]) -> Self {
        // The address is behind the call: it may be that of another function.
        let at = address.wrapping_sub(1);
        let mut around = modules.iter().filter(|module| (module.start..module.end).contains(&at));
        let unknown = |why: &str| Self {
            address,
            module: None,
            offset: None,
            frames: Vec::new(),
            unknown: Some(why.to_owned()),
        };
        match (around.next(), around.next()) {
            (None, _) => unknown(NO_MODULE),
            (Some(module), None) => Self {
                address,
                module: Some(Module {
                    path: module.path.clone(),
                    build_id: module.build_id.clone(),
                }),
                offset: Some(address.wrapping_sub(module.bias)),
                frames: Vec::new(),
                unknown: None,
            },
            (Some(_), Some(_)) => unknown(SEVERAL_MODULES),
        }
    }
}

/// Which calls led to blocks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockCalls {
    /// These.
    Known(Stack),
    /// Unknown: of a process that was killed the newest are lost.
    Lost,
    /// Unknown: they could not be taken, or there was no room for more.
    NotTaken,
}

/// What is known of the blocks that one stack led to, in one recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StackFigures {
    /// The calls.
    pub calls: BlockCalls,
    /// Blocks that were allocated.
    pub allocations: Figure<u64>,
    /// Bytes that were allocated: their sizes, and what they grew by.
    pub allocated_bytes: Figure<u64>,
    /// Those of the blocks that were not freed at the end.
    pub live_blocks: Figure<u64>,
    /// Bytes of those.
    pub live_bytes: Figure<u64>,
}

/// The sums of blocks by the stacks that led to them, of all captures.
#[derive(Debug, Default)]
pub(crate) struct StackTotals(Vec<(BlockCalls, BlockTotals)>);

impl StackTotals {
    /// Adds those of a capture, by the ids of stacks; of blocks without one only if others have one.
    pub(crate) fn absorb(&mut self, totals: BTreeMap<Option<u32>, BlockTotals>, defs: &Defs) {
        if totals.keys().all(Option::is_none) {
            return;
        }
        for (id, totals) in totals {
            let calls = match id {
                None => BlockCalls::NotTaken,
                Some(id) => Stack::find(id, defs).map_or(BlockCalls::Lost, BlockCalls::Known),
            };
            let known = self.0.iter_mut().find(|(known, _)| *known == calls);
            match known.filter(|_| !matches!(calls, BlockCalls::Known(_))) {
                Some((_, known)) => known.absorb(totals),
                None => self.0.push((calls, totals)),
            }
        }
    }

    /// Tells what is known, of those first of which most bytes were allocated.
    pub(crate) fn figures(mut self, grounds: &Grounds) -> Vec<StackFigures> {
        self.0.sort_by_key(|(_, totals)| Reverse(totals.allocated()));
        let figures = self.0.into_iter().map(|(calls, totals)| totals.by_stack(calls, grounds));
        figures.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(id: u32, path: &str, start: u64, bias: u64) -> ModuleDef {
        let path = path.to_owned();
        ModuleDef { id, path, build_id: None, start, end: start + 0x100, bias }
    }

    #[test]
    fn an_address_is_of_the_one_file_that_was_there() {
        let modules = [
            module(1, "/a", 0x1000, 0x800),
            module(2, "/b", 0x2000, 0),
            module(3, "/c", 0x2080, 0),
        ];
        let def = StackDef {
            id: 1,
            addresses: vec![0x1000, 0x1001, 0x1100, 0x1101, 0x2010, 0x2090, 0],
            truncated: true,
        };
        let stack = Stack::of(&def, &modules);
        assert!(stack.truncated);
        let found = stack.calls.iter().map(|call| {
            let path = call.module.as_ref().map(|module| module.path.as_str());
            (path, call.offset, call.unknown.as_deref())
        });
        // The instruction is the one before the address.
        let expected = [
            (None, None, Some(NO_MODULE)),
            (Some("/a"), Some(0x801), None),
            (Some("/a"), Some(0x900), None),
            (None, None, Some(NO_MODULE)),
            (Some("/b"), Some(0x2010), None),
            (None, None, Some(SEVERAL_MODULES)),
            (None, None, Some(NO_MODULE)),
        ];
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn lost_stacks_and_those_that_were_not_taken_are_told_apart() {
        let stacks = vec![StackDef { id: 1, addresses: vec![7], truncated: false }];
        let defs = Defs { stacks, ..Defs::default() };
        let of = |ids: &[Option<u32>]| {
            let totals = ids.iter().map(|id| (*id, BlockTotals::default())).collect();
            let mut all = StackTotals::default();
            all.absorb(totals, &defs);
            all.0.into_iter().map(|(calls, _)| calls).collect::<Vec<_>>()
        };
        let known = BlockCalls::Known(Stack::find(1, &defs).unwrap());
        let all = [BlockCalls::NotTaken, known, BlockCalls::Lost];
        // Two that are lost are told together.
        assert_eq!(of(&[None, Some(1), Some(2), Some(3)]), all);
        assert_eq!(of(&[None]), []);
    }
}
