//! What a body does with its variables, as far as its syntax and the compiler's own checks prove it.
//!
//! Whether a method takes its variable or borrows it, syntax does not show; nor what a macro does. So nothing is concluded from
//! what a name may mean, and what is concluded holds for whatever types and functions the names stand for:
//!
//! * a variable that is only borrowed, in forms that cannot take it, is dropped where its scope ends;
//! * a variable that is borrowed when a statement is run, and by nothing but shared borrows after it, is still there: of a
//!   variable that had been moved the statement would not compile;
//! * a variable that is the first to be moved in a statement is gone once that runs.
//!
//! Variables are told apart by name alone: each mention of a name counts for every variable of that name that may be seen there,
//! and the runtime compares addresses where a mention must be that of one variable.

mod moves;
mod operators;
#[cfg(test)]
mod tests;
mod uses;

use crate::bindings::Binding;
use moves::Move;
use proc_macro2::Ident;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use syn::ext::IdentExt;
use syn::{Block, Signature};
use uses::{Reader, Use, UseKind};

/// Where a value may go, as captures spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escape {
    Dropped,
    Returned,
    Captured,
    Passed,
}

/// A statement of a body; they are numbered in the order in which they begin.
#[derive(Debug)]
struct Statement {
    /// The number behind those of the statements in it.
    end: usize,
    /// The number behind those of its block.
    block_end: usize,
    /// How many closures and async blocks it stands in.
    depth: usize,
    /// Whether it is the last in its block and gives the block's value.
    is_tail: bool,
}

/// What a body does with its variables.
#[derive(Debug, Default)]
pub(crate) struct Ownership {
    statements: Vec<Statement>,
    uses: HashMap<String, Vec<Use>>,
    moves: HashMap<String, Vec<Move>>,
    /// Statements with macros that may do anything, in order.
    opaque: Vec<usize>,
    /// Statements with attributes on them or in them, in order: some of it may not exist.
    conditional: Vec<usize>,
    /// The names that it gives to variables.
    bound: HashSet<String>,
    /// Whether macros are defined in it, which see its variables.
    defines_macros: bool,
    /// Whether it has unsafe code, which can change what it does not name.
    is_unsafe: bool,
}

/// What is proved of a variable's end.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Ending {
    pub(crate) escape: Option<Escape>,
    /// Statements that move it before they can do anything else with it, by number, and the mention that does.
    pub(crate) moves: Vec<(usize, Ident)>,
    /// The statement behind which it stays as it is until its scope ends, and the mention by which that borrows it. `None`
    /// where that is so from the beginning.
    pub(crate) kept: Option<(usize, Ident)>,
}

impl Ending {
    /// Whether there are statements at which something is known of the variable.
    pub(crate) fn has_marks(&self) -> bool {
        !self.moves.is_empty() || self.kept.is_some()
    }
}

impl Ownership {
    /// Reads a function's body.
    pub(crate) fn of(signature: &Signature, body: &Block) -> Self {
        Reader::read(signature, body)
    }

    /// What is proved of the end of a variable that the statement of this number declares.
    pub(crate) fn of_variable(&self, binding: &Binding, declared: usize) -> Ending {
        match self.statements.get(declared) {
            Some(statement) => {
                self.ending(binding, statement.end..statement.block_end, statement.depth)
            }
            None => Ending::default(),
        }
    }

    /// What is proved of the end of an argument.
    pub(crate) fn of_argument(&self, binding: &Binding) -> Ending {
        self.ending(binding, 0..self.statements.len(), 0)
    }

    fn ending(&self, binding: &Binding, scope: Range<usize>, depth: usize) -> Ending {
        if self.defines_macros {
            return Ending::default();
        }
        let name = binding.ident.unraw().to_string();
        let uses: Vec<&Use> = within(self.uses.get(&name), &scope, |one| one.statement);
        let is_opaque = !within(Some(&self.opaque), &scope, |one| *one).is_empty();
        let is_mutable = binding.mutability.is_some();
        let kinds = || uses.iter().map(|one| one.kind_in(depth));
        if kinds().any(|kind| kind == UseKind::Assigned) || is_mutable && is_opaque {
            return Ending::default();
        }
        let rebound = kinds().any(|kind| kind == UseKind::Bound);
        Ending {
            escape: if is_opaque { None } else { escape(kinds()) },
            moves: self.first_moves(&name, &scope, depth, is_mutable),
            kept: if self.is_unsafe || rebound { None } else { self.kept(&uses, &scope, depth) },
        }
    }

    /// The statements that move a variable first, up to the one that gives its name to another.
    fn first_moves(
        &self,
        name: &str,
        scope: &Range<usize>,
        depth: usize,
        is_mutable: bool,
    ) -> Vec<(usize, Ident)> {
        let bound = |name: &str| {
            let mut uses = within(self.uses.get(name), scope, |one| one.statement).into_iter();
            uses.find(|one| one.kind == UseKind::Bound).map(|one| one.statement)
        };
        let renamed = bound(name).unwrap_or(usize::MAX);
        within(self.moves.get(name), scope, |one| one.statement)
            .into_iter()
            .filter(|one| self.statements[one.statement].depth == depth && one.statement <= renamed)
            // The mark looks at the variable: not while it is borrowed for change, as it may be where the statement uses
            // another variable, but for the function's arguments, before the move.
            .filter(|one| {
                !is_mutable
                    || one.copied.iter().all(|root| !self.bound.contains(root))
                        && one.receivers.iter().all(|root| bound(root).is_none())
            })
            .map(|one| (one.statement, one.mention.clone()))
            .collect()
    }

    /// The statement behind which a variable stays as it is until its scope ends.
    fn kept(&self, uses: &[&Use], scope: &Range<usize>, depth: usize) -> Option<(usize, Ident)> {
        let other = uses.iter().filter(|one| one.kind_in(depth) != UseKind::Shared);
        let opaque = within(Some(&self.opaque), scope, |one| *one).last().copied().copied();
        let last = other.map(|one| one.statement).max().max(opaque)?;
        self.siblings(scope)
            .filter(|range| range.start > last && !self.statements[range.start].is_tail)
            .filter(|range| within(Some(&self.conditional), range, |one| *one).is_empty())
            .find_map(|range| {
                let own = uses.iter().filter(|one| one.statement == range.start);
                let mention = own.filter_map(|one| one.always.as_ref()).next()?;
                Some((range.start, mention.clone()))
            })
    }

    /// The statements that a scope consists of, each with those in it.
    fn siblings(&self, scope: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let end = scope.end;
        let range = move |start: usize| (start < end).then(|| start..self.statements[start].end);
        std::iter::successors(range(scope.start), move |before| range(before.end))
    }
}

/// The class of a variable of which all uses are known.
fn escape(kinds: impl Iterator<Item = UseKind>) -> Option<Escape> {
    let mut escape = Escape::Dropped;
    for kind in kinds {
        escape = match (kind, escape) {
            (UseKind::Shared | UseKind::Borrowed, escape) => escape,
            (UseKind::Moved(to), Escape::Dropped) => to,
            (UseKind::Moved(to), escape) if to == escape => escape,
            (UseKind::Moved(_), _) => Escape::Passed,
            // A name that is given again is that of another variable from then on.
            (UseKind::Bound | UseKind::Assigned | UseKind::Unknown, _) => return None,
        };
    }
    Some(escape)
}

/// Those of an ordered list that lie in a range of statements.
fn within<'a, T>(
    all: Option<&'a Vec<T>>,
    range: &Range<usize>,
    statement: impl Fn(&T) -> usize,
) -> Vec<&'a T> {
    let all = all.map(Vec::as_slice).unwrap_or_default();
    let start = all.partition_point(|one| statement(one) < range.start);
    all[start..].iter().take_while(|one| statement(one) < range.end).collect()
}
