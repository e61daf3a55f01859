//! Which variables a statement moves before it can do anything else with them.

use super::operators::Operands;
use super::uses::{declares_one, without_parentheses};
use proc_macro2::Ident;
use std::collections::HashMap;
use std::ops::ControlFlow;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Attribute, BinOp, Expr, Local, Macro, PatIdent, Stmt, UnOp};

/// A variable that a statement moves, whatever it does afterwards, unless it unwinds before.
#[derive(Debug)]
pub(super) struct Move {
    pub(super) statement: usize,
    pub(super) mention: Ident,
    /// The variables of which something is looked at before, and not kept until the move.
    pub(super) copied: Vec<String>,
    /// The variables whose methods take it.
    pub(super) receivers: Vec<String>,
}

/// Finds them, in the order of evaluation, up to where the statement may be left.
pub(super) fn first_moves(statement: &Stmt, number: usize, moves: &mut HashMap<String, Vec<Move>>) {
    let mut order = Order { statement: number, moves, copied: Vec::new(), receivers: Vec::new() };
    let _ = match statement {
        Stmt::Local(Local { attrs, pat, init: Some(init), .. }) if attrs.is_empty() => {
            if declares_one(pat) {
                order.value(&init.expr)
            } else {
                order.place(&init.expr)
            }
        }
        Stmt::Expr(expr, _) => order.value(expr),
        _ => ControlFlow::Continue(()),
    };
}

/// A walk in the order of evaluation. It breaks where what follows may not be evaluated.
struct Order<'a> {
    statement: usize,
    moves: &'a mut HashMap<String, Vec<Move>>,
    copied: Vec<String>,
    receivers: Vec<String>,
}

impl Order<'_> {
    fn moves(&mut self, mention: &Ident) {
        let (copied, receivers) = (self.copied.clone(), self.receivers.clone());
        let one = Move { statement: self.statement, mention: mention.clone(), copied, receivers };
        self.moves.entry(mention.unraw().to_string()).or_default().push(one);
    }

    /// An expression whose value is taken.
    fn value(&mut self, expr: &Expr) -> ControlFlow<()> {
        match without_parentheses(expr) {
            Expr::Path(path) if path.attrs.is_empty() => {
                if let (None, Some(ident)) = (&path.qself, path.path.get_ident()) {
                    self.moves(ident);
                }
                ControlFlow::Continue(())
            }
            other => self.place(other),
        }
    }

    fn values<'e>(&mut self, all: impl IntoIterator<Item = &'e Expr>) -> ControlFlow<()> {
        all.into_iter().try_for_each(|one| self.value(one))
    }

    /// An expression that need not be moved, if it is a variable.
    fn place(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Paren(inner) => self.place(&inner.expr),
            Expr::Group(inner) => self.place(&inner.expr),
            Expr::Lit(_) => ControlFlow::Continue(()),
            Expr::Path(path) => {
                self.copied.extend(path.path.get_ident().map(|ident| ident.unraw().to_string()));
                ControlFlow::Continue(())
            }
            Expr::Field(field) if field.attrs.is_empty() => self.place(&field.base),
            // What is borrowed stays borrowed.
            Expr::Reference(reference) if reference.attrs.is_empty() => {
                match without_parentheses(&reference.expr) {
                    Expr::Path(_) => ControlFlow::Continue(()),
                    other => self.place(other),
                }
            }
            Expr::Call(call) if call.attrs.is_empty() => match without_parentheses(&call.func) {
                Expr::Path(function) => self.call(&call.args, function.path.get_ident()),
                function => {
                    self.place(function)?;
                    self.call(&call.args, None)
                }
            },
            Expr::MethodCall(call) if call.attrs.is_empty() => {
                match root(&call.receiver) {
                    Some(root) => self.receivers.push(root),
                    None => self.place(&call.receiver)?,
                }
                self.call(&call.args, None)
            }
            Expr::Struct(literal) if literal.attrs.is_empty() => {
                if literal.fields.iter().any(|field| !field.attrs.is_empty()) {
                    return ControlFlow::Break(());
                }
                self.values(literal.fields.iter().map(|field| &field.expr))?;
                literal.rest.iter().try_for_each(|rest| self.place(rest))
            }
            Expr::Tuple(tuple) if tuple.attrs.is_empty() => self.values(&tuple.elems),
            Expr::Array(array) if array.attrs.is_empty() => self.values(&array.elems),
            Expr::Cast(cast) if cast.attrs.is_empty() => self.place(&cast.expr),
            Expr::Unary(unary) if unary.attrs.is_empty() => match unary.op {
                UnOp::Deref(_) => self.place(&unary.expr),
                _ => self.value(&unary.expr),
            },
            Expr::Binary(binary) if binary.attrs.is_empty() => {
                self.operator(&binary.left, binary.op, &binary.right)
            }
            Expr::Assign(assignment) if assignment.attrs.is_empty() => {
                match without_parentheses(&assignment.left) {
                    Expr::Path(_) | Expr::Field(_) => self.value(&assignment.right)?,
                    _ => {}
                }
                ControlFlow::Break(())
            }
            Expr::Closure(closure) if closure.attrs.is_empty() => {
                if closure.capture.is_some() {
                    self.captures(expr);
                }
                ControlFlow::Continue(())
            }
            Expr::Async(block) if block.attrs.is_empty() => {
                if block.capture.is_some() {
                    self.captures(expr);
                }
                ControlFlow::Continue(())
            }
            other => self.leaves(other),
        }
    }

    /// An expression after which the statement may be left, or that is not always evaluated as a whole.
    fn leaves(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Try(inner) if inner.attrs.is_empty() => self.value(&inner.expr)?,
            Expr::Await(inner) if inner.attrs.is_empty() => self.value(&inner.base)?,
            Expr::Return(leave) if leave.attrs.is_empty() => {
                leave.expr.iter().try_for_each(|value| self.value(value))?;
            }
            Expr::Break(leave) if leave.attrs.is_empty() => {
                leave.expr.iter().try_for_each(|value| self.value(value))?;
            }
            Expr::ForLoop(each) if each.attrs.is_empty() => self.value(&each.expr)?,
            Expr::If(branches) if branches.attrs.is_empty() => self.place(&branches.cond)?,
            Expr::Let(condition) if condition.attrs.is_empty() => self.place(&condition.expr)?,
            Expr::Match(choice) if choice.attrs.is_empty() => self.place(&choice.expr)?,
            _ => {}
        }
        ControlFlow::Break(())
    }

    /// A call's arguments, whose values are kept until all are there; the call itself may look at what they point to.
    fn call<'e>(
        &mut self,
        arguments: impl IntoIterator<Item = &'e Expr>,
        callee: Option<&Ident>,
    ) -> ControlFlow<()> {
        let arguments: Vec<&Expr> = arguments.into_iter().collect();
        self.values(arguments.iter().copied())?;
        for argument in arguments {
            let mut names = Names::default();
            names.visit_expr(argument);
            self.copied.extend(names.mentioned);
        }
        self.copied.append(&mut self.receivers);
        self.copied.extend(callee.map(|callee| callee.unraw().to_string()));
        ControlFlow::Continue(())
    }

    fn operator(&mut self, left: &Expr, operator: BinOp, right: &Expr) -> ControlFlow<()> {
        match Operands::of(operator) {
            Operands::Lazy => {
                self.place(left)?;
                ControlFlow::Break(())
            }
            Operands::Taken => self.call([left, right], None),
            Operands::Compared => {
                self.place(left)?;
                self.place(right)
            }
            // What is added to is a place.
            Operands::Changed => {
                if let Expr::Path(_) | Expr::Field(_) = without_parentheses(left) {
                    self.place(left)?;
                    self.value(right)?;
                }
                ControlFlow::Break(())
            }
        }
    }

    /// What a closure or async block that moves what it captures takes as a whole, for certain.
    fn captures(&mut self, closure: &Expr) {
        let mut names = Names::default();
        names.visit_expr(closure);
        if names.is_known {
            for mention in names.taken {
                let name = mention.unraw().to_string();
                if !names.bound.contains(&name) {
                    self.moves(&mention);
                }
            }
        }
    }
}

/// The variable that a place belongs to.
fn root(expr: &Expr) -> Option<String> {
    match without_parentheses(expr) {
        Expr::Path(path) => path.path.get_ident().map(|ident| ident.unraw().to_string()),
        Expr::Field(field) => root(&field.base),
        _ => None,
    }
}

/// The names in an expression.
struct Names {
    mentioned: Vec<String>,
    /// Those that are the receiver of a method, an argument of a call, or borrowed: a closure captures all of them.
    taken: Vec<Ident>,
    bound: Vec<String>,
    /// Whether there is nothing that may name what it likes, or need not exist.
    is_known: bool,
}

impl Default for Names {
    fn default() -> Self {
        Self { mentioned: Vec::new(), taken: Vec::new(), bound: Vec::new(), is_known: true }
    }
}

impl Names {
    fn take(&mut self, expr: &Expr) {
        if let Expr::Path(path) = expr
            && path.attrs.is_empty()
        {
            self.taken.extend(path.path.get_ident().cloned());
        }
    }
}

impl Visit<'_> for Names {
    fn visit_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Path(path) => {
                self.mentioned.extend(path.path.get_ident().map(|ident| ident.unraw().to_string()));
            }
            Expr::Call(call) => call.args.iter().for_each(|argument| self.take(argument)),
            Expr::MethodCall(call) => {
                self.take(&call.receiver);
                call.args.iter().for_each(|argument| self.take(argument));
            }
            Expr::Reference(reference) => self.take(&reference.expr),
            _ => {}
        }
        visit::visit_expr(self, expr);
    }

    fn visit_pat_ident(&mut self, binding: &PatIdent) {
        self.bound.push(binding.ident.unraw().to_string());
        visit::visit_pat_ident(self, binding);
    }

    fn visit_macro(&mut self, _: &Macro) {
        self.is_known = false;
    }

    fn visit_item(&mut self, _: &syn::Item) {
        self.is_known = false;
    }

    fn visit_attribute(&mut self, _: &Attribute) {
        self.is_known = false;
    }
}
