//! Return values: which expressions of a body are returned.

use super::graft::{Call, Grafts};
use super::inert::is_inert_type;
use proc_macro2::TokenTree;
use quote::ToTokens;
use syn::visit_mut::{VisitMut, visit_expr_mut};
use syn::{Block, Expr, Item, MacroDelimiter, Stmt, Type};

/// Whether a type, as it is written, can be one of the containers that states are read of. What a `?` returns is none; and what
/// has a part that is inferred, such as a closure, may not be passed on, since its own type is inferred from where it goes.
pub(super) fn may_be_container(ty: &Type) -> bool {
    match ty {
        Type::Paren(inner) => may_be_container(&inner.elem),
        Type::Group(inner) => may_be_container(&inner.elem),
        Type::Tuple(_) | Type::Array(_) => false,
        Type::Path(path) => {
            let fallible = |name| path.path.segments.last().is_some_and(|last| last.ident == name);
            !is_inert_type(ty) && !fallible("Result") && !fallible("Option") && !is_inferred(ty)
        }
        other => !is_inert_type(other) && !is_inferred(other),
    }
}

/// Whether a type has a part that is left to be inferred.
pub(super) fn is_inferred(ty: &Type) -> bool {
    let mut finds = FindsInferred(false);
    finds.visit_type_mut(&mut ty.clone());
    finds.0
}

struct FindsInferred(bool);

impl VisitMut for FindsInferred {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        self.0 |= matches!(ty, Type::Infer(_));
        syn::visit_mut::visit_type_mut(self, ty);
    }
}

/// The calls that take what a body returns, and give it back.
pub(super) struct Shown {
    pub(super) by_return: Call,
    pub(super) at_end: Call,
}

/// Makes each expression that a body returns the argument of a call. Those in other macros' arguments are not seen.
pub(super) fn show_returned(body: &mut Block, calls: &Shown, grafts: &mut Grafts) {
    each_returned(body, &mut |expression, place| {
        let call = match place {
            Place::Return => &calls.by_return,
            Place::End => &calls.at_end,
        };
        let first = expression.to_token_stream().into_iter().next();
        let has_attribute =
            matches!(first, Some(TokenTree::Punct(punct)) if punct.as_char() == '#');
        // An argument cannot have one.
        if !has_attribute {
            grafts.mark_call(expression, call.clone());
        }
    });
}

/// Where an expression stands whose value a body returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind a `return`.
    Return,
    /// Last in the body.
    End,
}

/// Does something with each expression whose value a body returns; with those within another first.
pub(super) fn each_returned(body: &mut Block, each: &mut dyn FnMut(&mut Expr, Place)) {
    let mut returned = Returned { each };
    returned.visit_block_mut(body);
    match body.stmts.last_mut() {
        // These give nothing, and what a `return` gives is known already.
        Some(Stmt::Expr(Expr::Return(_) | Expr::Break(_) | Expr::Continue(_), None)) => {}
        Some(Stmt::Expr(last, None)) => each(last, Place::End),
        // In braces it may write statements, which are no expression.
        Some(Stmt::Macro(last))
            if last.semi_token.is_none()
                && !matches!(last.mac.delimiter, MacroDelimiter::Brace(_)) =>
        {
            let mac = last.mac.clone();
            let mut expression = Expr::Macro(syn::ExprMacro { attrs: last.attrs.clone(), mac });
            each(&mut expression, Place::End);
            let at = body.stmts.len() - 1;
            body.stmts[at] = Stmt::Expr(expression, None);
        }
        _ => {}
    }
}

/// Does something with each expression that gives the value of this one, at the ends of its blocks and branches: with itself, if
/// it has none.
pub(super) fn each_giving(expression: &mut Expr, each: &mut dyn FnMut(&mut Expr)) {
    let at_end = |block: &mut Block, each: &mut dyn FnMut(&mut Expr)| {
        if let Some(Stmt::Expr(last, None)) = block.stmts.last_mut() {
            each_giving(last, each);
        }
    };
    match expression {
        Expr::Paren(inner) => each_giving(&mut inner.expr, each),
        Expr::Group(inner) => each_giving(&mut inner.expr, each),
        Expr::Cast(cast) => each_giving(&mut cast.expr, each),
        Expr::Block(block) => at_end(&mut block.block, each),
        Expr::Unsafe(block) => at_end(&mut block.block, each),
        Expr::If(branches) => {
            at_end(&mut branches.then_branch, each);
            if let Some((_, other)) = &mut branches.else_branch {
                each_giving(other, each);
            }
        }
        Expr::Match(arms) => arms.arms.iter_mut().for_each(|arm| each_giving(&mut arm.body, each)),
        other => each(other),
    }
}

struct Returned<'a> {
    each: &'a mut dyn FnMut(&mut Expr, Place),
}

impl VisitMut for Returned<'_> {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        match expression {
            // What these return is not the function's.
            Expr::Closure(_) | Expr::Async(_) | Expr::Const(_) => {}
            Expr::Return(returns) => {
                if let Some(expression) = &mut returns.expr {
                    self.visit_expr_mut(expression);
                    (self.each)(expression, Place::Return);
                }
            }
            other => visit_expr_mut(self, other),
        }
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
    fn visit_type_mut(&mut self, _: &mut Type) {}
}
