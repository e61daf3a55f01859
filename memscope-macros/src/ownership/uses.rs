//! Every mention of a name in a body, and what it does with the variable.

use super::moves::first_moves;
use super::operators::Operands;
use super::{Escape, Ownership, Statement};
use crate::bindings::decides;
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{
    AngleBracketedGenericArguments, Attribute, BinOp, Block, Expr, ExprConst, ExprRepeat, Item,
    Local, Macro, Pat, PatIdent, Safety, Signature, Stmt, Type, UnOp,
};

/// A mention of a name.
#[derive(Debug)]
pub(super) struct Use {
    /// The innermost statement that it stands in.
    pub(super) statement: usize,
    pub(super) kind: UseKind,
    /// Where the statement cannot end without it, and it is of the whole variable, the mention.
    pub(super) always: Option<Ident>,
    /// Of the closures around it, from the outermost on, whether each moves what it captures.
    closures: Vec<bool>,
}

/// What a mention does with the variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UseKind {
    /// Borrows it, so that it cannot be changed.
    Shared,
    /// Borrows it, or changes it without taking it.
    Borrowed,
    /// Takes it.
    Moved(Escape),
    /// Gives it another value.
    Assigned,
    /// Declares a variable of its name.
    Bound,
    /// Any of these.
    Unknown,
}

impl Use {
    /// What it does with a variable that is declared within so many closures.
    pub(super) fn kind_in(&self, depth: usize) -> UseKind {
        let crossed = self.closures.get(depth..).unwrap_or_default();
        match self.kind {
            UseKind::Shared | UseKind::Borrowed | UseKind::Moved(_) if crossed.contains(&true) => {
                UseKind::Moved(Escape::Captured)
            }
            UseKind::Moved(_) if !crossed.is_empty() => UseKind::Unknown,
            kind => kind,
        }
    }
}

/// What the expression around another does with the value or the place that this is.
#[derive(Debug, Clone, Copy)]
enum Role {
    /// Takes the value.
    Value(Escape),
    /// Does this with the place.
    Whole(UseKind),
    /// Does this with the place that this is a part of, or points to.
    Part(UseKind),
    /// Cannot be told.
    Unknown,
}

/// What is known of an expression before it is visited.
struct Expected {
    expr: *const Expr,
    role: Role,
    /// Whether the statement may be run without it.
    optional: bool,
}

/// Reads a body, statement by statement, in the order in which hooks are put in.
pub(super) struct Reader {
    known: Ownership,
    expected: Vec<Expected>,
    /// What becomes of the values of blocks that are yet to be visited.
    values: Vec<(*const Block, Escape)>,
    statement: usize,
    closures: Vec<bool>,
    optional: bool,
    /// Whether what is visited is assigned to.
    assigned: bool,
}

impl Reader {
    pub(super) fn read(signature: &Signature, body: &Block) -> Ownership {
        let known = Ownership {
            is_unsafe: matches!(signature.safety, Safety::Unsafe(_)),
            ..Ownership::default()
        };
        let mut reader = Self {
            known,
            expected: Vec::new(),
            values: vec![(body, Escape::Returned)],
            statement: 0,
            closures: Vec::new(),
            optional: false,
            assigned: false,
        };
        reader.visit_block(body);
        let mut known = reader.known;
        known.opaque.sort_unstable();
        known.conditional.sort_unstable();
        known.uses.values_mut().for_each(|uses| uses.sort_by_key(|one| one.statement));
        known.moves.values_mut().for_each(|moves| moves.sort_by_key(|one| one.statement));
        let is_bound = |uses: &Vec<Use>| uses.iter().any(|one| one.kind == UseKind::Bound);
        let bound = known.uses.iter().filter(|(_, uses)| is_bound(uses));
        known.bound = bound.map(|(name, _)| name.clone()).collect();
        known
    }

    fn expect(&mut self, expr: &Expr, role: Role) {
        self.expected.push(Expected { expr, role, optional: false });
    }

    fn expect_optional(&mut self, expr: &Expr, role: Role) {
        self.expected.push(Expected { expr, role, optional: true });
    }

    fn expect_value(&mut self, expr: &Expr) {
        self.expect(expr, Role::Value(Escape::Passed));
    }

    fn note(&mut self, name: String, kind: UseKind, always: Option<Ident>) {
        let kind = if self.assigned { UseKind::Assigned } else { kind };
        let (statement, closures) = (self.statement, self.closures.clone());
        let always = always.filter(|_| !self.optional);
        self.known.uses.entry(name).or_default().push(Use { statement, kind, always, closures });
    }

    fn note_path(&mut self, mention: &Ident, role: Role) {
        let (kind, always) = match role {
            Role::Value(escape) => (UseKind::Moved(escape), None),
            Role::Whole(UseKind::Shared) => (UseKind::Shared, Some(mention.clone())),
            Role::Whole(kind) => (kind, None),
            // What a part is assigned to is changed.
            Role::Part(UseKind::Assigned) => (UseKind::Borrowed, None),
            Role::Part(kind) => (kind, None),
            Role::Unknown => (UseKind::Unknown, None),
        };
        self.note(mention.unraw().to_string(), kind, always);
    }

    /// Notes every name in tokens that are not expressions, those in texts included.
    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    self.note(ident.unraw().to_string(), UseKind::Unknown, None);
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    let text = literal.to_string();
                    for word in text.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
                        if word.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                            self.note(word.to_owned(), UseKind::Unknown, None);
                        }
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }

    /// Says what an expression does with those in it.
    fn expect_within(&mut self, expr: &Expr, role: Role) {
        match expr {
            Expr::Paren(inner) => self.expect(&inner.expr, role),
            Expr::Group(inner) => self.expect(&inner.expr, role),
            Expr::Field(field) => self.expect(&field.base, part(role)),
            Expr::Index(index) => {
                let base = match role {
                    Role::Whole(UseKind::Shared) | Role::Part(UseKind::Shared) => UseKind::Shared,
                    // Nothing can be moved out of what is indexed.
                    _ => UseKind::Borrowed,
                };
                self.expect(&index.expr, Role::Part(base));
                self.expect_value(&index.index);
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => {
                self.expect(&unary.expr, part(role));
            }
            Expr::Unary(unary) => self.expect_value(&unary.expr),
            Expr::Reference(reference) => {
                let kind = match reference.mutability {
                    None => UseKind::Shared,
                    Some(_) => UseKind::Borrowed,
                };
                self.expect(&reference.expr, Role::Whole(kind));
            }
            Expr::RawAddr(raw) => self.expect(&raw.expr, Role::Whole(UseKind::Borrowed)),
            Expr::Binary(binary) => self.expect_operands(&binary.left, binary.op, &binary.right),
            Expr::Call(call) => call.args.iter().for_each(|one| self.expect_value(one)),
            Expr::MethodCall(call) => call.args.iter().for_each(|one| self.expect_value(one)),
            Expr::Struct(literal) => {
                literal.fields.iter().for_each(|field| self.expect_value(&field.expr));
            }
            Expr::Tuple(tuple) => tuple.elems.iter().for_each(|one| self.expect_value(one)),
            Expr::Array(array) => array.elems.iter().for_each(|one| self.expect_value(one)),
            Expr::Cast(cast) => self.expect_value(&cast.expr),
            Expr::Range(range) => {
                range.start.iter().chain(&range.end).for_each(|end| self.expect_value(end));
            }
            Expr::Try(inner) => self.expect_value(&inner.expr),
            Expr::Await(inner) => self.expect_value(&inner.base),
            Expr::ForLoop(each) => self.expect_value(&each.expr),
            Expr::Break(leave) => leave.expr.iter().for_each(|value| self.expect_value(value)),
            Expr::Return(leave) => {
                let to = if self.closures.is_empty() { Escape::Returned } else { Escape::Passed };
                leave.expr.iter().for_each(|value| self.expect(value, Role::Value(to)));
            }
            Expr::Closure(closure) => {
                self.expect_optional(&closure.body, Role::Value(Escape::Passed));
            }
            Expr::Block(block) => self.values.push((&raw const block.block, value(role))),
            Expr::Unsafe(block) => self.values.push((&raw const block.block, value(role))),
            Expr::If(branches) => {
                self.values.push((&raw const branches.then_branch, value(role)));
                if let Some((_, other)) = &branches.else_branch {
                    self.expect_optional(other, Role::Value(value(role)));
                }
            }
            Expr::Match(choice) => {
                for arm in &choice.arms {
                    self.expect_optional(&arm.body, Role::Value(value(role)));
                }
            }
            // Of all others nothing is known.
            _ => {}
        }
    }

    fn expect_operands(&mut self, left: &Expr, operator: BinOp, right: &Expr) {
        match Operands::of(operator) {
            Operands::Compared => {
                self.expect(left, Role::Whole(UseKind::Shared));
                self.expect(right, Role::Whole(UseKind::Shared));
            }
            Operands::Lazy => self.expect_optional(right, Role::Unknown),
            Operands::Taken => {
                self.expect_value(left);
                self.expect_value(right);
            }
            Operands::Changed => {
                self.expect(left, Role::Whole(UseKind::Borrowed));
                self.expect_value(right);
            }
        }
    }
}

/// What is done with a place of which this is done with a part.
const fn part(role: Role) -> Role {
    match role {
        Role::Whole(kind) | Role::Part(kind) => Role::Part(kind),
        // The part may be moved out.
        Role::Value(_) | Role::Unknown => Role::Unknown,
    }
}

/// Where the value of a block goes.
const fn value(role: Role) -> Escape {
    match role {
        Role::Value(escape) => escape,
        _ => Escape::Passed,
    }
}

impl Visit<'_> for Reader {
    fn visit_block(&mut self, block: &Block) {
        let at = self.values.iter().rposition(|(known, _)| std::ptr::eq(*known, block));
        let escape = at.map_or(Escape::Passed, |at| self.values.swap_remove(at).1);
        let outer = (self.statement, std::mem::take(&mut self.optional));
        let mut own = Vec::new();
        for (place, statement) in block.stmts.iter().enumerate() {
            let number = self.known.statements.len();
            own.push(number);
            self.statement = number;
            let is_last = place + 1 == block.stmts.len();
            let is_tail = is_last
                && match statement {
                    Stmt::Expr(_, semicolon) => semicolon.is_none(),
                    Stmt::Macro(call) => call.semi_token.is_none(),
                    Stmt::Local(_) | Stmt::Item(_) => false,
                };
            let depth = self.closures.len();
            self.known.statements.push(Statement { end: 0, block_end: 0, depth, is_tail });
            first_moves(statement, number, &mut self.known.moves);
            if let Stmt::Expr(expr, _) = statement {
                self.expect(expr, Role::Value(if is_tail { escape } else { Escape::Passed }));
            }
            self.visit_stmt(statement);
            self.known.statements[number].end = self.known.statements.len();
        }
        let block_end = self.known.statements.len();
        own.into_iter().for_each(|own| self.known.statements[own].block_end = block_end);
        (self.statement, self.optional) = outer;
    }

    fn visit_expr(&mut self, expr: &Expr) {
        let at = self.expected.iter().rposition(|known| std::ptr::eq(known.expr, expr));
        let (role, optional) = match at.map(|at| self.expected.swap_remove(at)) {
            Some(known) => (known.role, known.optional),
            None => (Role::Unknown, false),
        };
        let outer = self.optional;
        self.optional |= optional;
        match expr {
            Expr::Path(path) => {
                if let (None, Some(ident)) = (&path.qself, path.path.get_ident()) {
                    self.note_path(ident, role);
                }
            }
            Expr::Assign(assignment) => {
                match without_parentheses(&assignment.left) {
                    Expr::Path(_) | Expr::Field(_) | Expr::Index(_) | Expr::Unary(_) => {
                        self.expect(&assignment.left, Role::Whole(UseKind::Assigned));
                        self.expect_value(&assignment.right);
                        self.visit_expr(&assignment.left);
                    }
                    // A pattern.
                    _ => {
                        let outer = std::mem::replace(&mut self.assigned, true);
                        self.visit_expr(&assignment.left);
                        self.assigned = outer;
                    }
                }
                self.visit_expr(&assignment.right);
            }
            Expr::Closure(closure) => {
                self.expect_within(expr, role);
                self.closures.push(closure.capture.is_some());
                visit::visit_expr(self, expr);
                self.closures.pop();
            }
            Expr::Async(block) => {
                self.closures.push(block.capture.is_some());
                visit::visit_expr(self, expr);
                self.closures.pop();
            }
            Expr::Unsafe(_) => {
                self.known.is_unsafe = true;
                self.expect_within(expr, role);
                visit::visit_expr(self, expr);
            }
            _ => {
                self.expect_within(expr, role);
                visit::visit_expr(self, expr);
            }
        }
        self.optional = outer;
    }

    fn visit_local(&mut self, local: &Local) {
        if let Some(init) = &local.init
            && declares_one(&local.pat)
        {
            self.expect_value(&init.expr);
        }
        visit::visit_local(self, local);
    }

    fn visit_pat(&mut self, pattern: &Pat) {
        match pattern {
            Pat::Const(_) | Pat::Lit(_) | Pat::Range(_) | Pat::Path(_) => {}
            Pat::Macro(_) | Pat::Guard(_) => {
                self.known.opaque.push(self.statement);
                self.tokens(pattern.to_token_stream());
                if let Pat::Guard(guarded) = pattern {
                    self.visit_pat(&guarded.pat);
                }
            }
            _ => visit::visit_pat(self, pattern),
        }
    }

    fn visit_pat_ident(&mut self, binding: &PatIdent) {
        self.note(binding.ident.unraw().to_string(), UseKind::Bound, None);
        visit::visit_pat_ident(self, binding);
    }

    fn visit_macro(&mut self, call: &Macro) {
        if !is_known(call) {
            self.known.opaque.push(self.statement);
        }
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &Attribute) {
        if decides(&attribute.meta) {
            self.known.conditional.push(self.statement);
        }
    }

    fn visit_item(&mut self, item: &Item) {
        self.known.defines_macros |= matches!(item, Item::Macro(_));
    }

    // As where hooks are put in: what the compiler runs has no variables of the body's.
    fn visit_expr_repeat(&mut self, repeat: &ExprRepeat) {
        self.visit_expr(&repeat.expr);
    }
    fn visit_expr_const(&mut self, _: &ExprConst) {}
    fn visit_type(&mut self, _: &Type) {}
    fn visit_angle_bracketed_generic_arguments(&mut self, _: &AngleBracketedGenericArguments) {}
}

/// Whether a pattern is a name that takes the whole value.
pub(super) fn declares_one(pattern: &Pat) -> bool {
    match pattern {
        Pat::Ident(binding) => binding.by_ref.is_none() && binding.subpat.is_none(),
        Pat::Type(typed) => declares_one(&typed.pat),
        Pat::Paren(inner) => declares_one(&inner.pat),
        _ => false,
    }
}

pub(super) fn without_parentheses(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => without_parentheses(&inner.expr),
        Expr::Group(inner) => without_parentheses(&inner.expr),
        expr => expr,
    }
}

/// Whether a macro is one of the standard library, or writes to a log: these see no variable that is not named in their tokens.
fn is_known(call: &Macro) -> bool {
    call.path.segments.last().is_some_and(|last| KNOWN.iter().any(|known| last.ident == known))
}

const KNOWN: [&str; 31] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "cfg",
    "column",
    "concat",
    "dbg",
    "debug",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "env",
    "eprint",
    "eprintln",
    "error",
    "file",
    "format",
    "format_args",
    "info",
    "line",
    "matches",
    "panic",
    "print",
    "println",
    "todo",
    "trace",
    "unreachable",
    "vec",
    "warn",
    "write",
    "writeln",
];
