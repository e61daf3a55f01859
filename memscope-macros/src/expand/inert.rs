//! What the syntax alone shows to be without a drop, so that no hook is emitted for it.
//!
//! A hook on such a variable would record nothing; leaving it out saves compile time and a site that could
//! never be hit. What the syntax does not show, the compiler finds out: hooks vanish where the type needs no
//! drop.

use syn::ext::IdentExt;
use syn::{Expr, ExprLit, FnArg, Lit, Local, Pat, Path, ReceiverKind, Stmt, Type};

/// Whether an argument, as it is written, holds nothing to drop.
pub(crate) fn is_inert_argument(argument: &FnArg) -> bool {
    match argument {
        FnArg::Receiver(receiver) => match &receiver.kind {
            ReceiverKind::Reference(..) => true,
            ReceiverKind::Typed(_, ty) => is_inert_type(ty),
            _ => false,
        },
        FnArg::Typed(argument) => is_inert_type(&argument.ty),
    }
}

/// Whether the variables of a `let`, as it is written, hold nothing to drop.
pub(crate) fn is_inert_declaration(local: &Local) -> bool {
    local.init.as_ref().is_some_and(|init| is_inert_initialiser(&init.expr))
        || declared_type(&local.pat).is_some_and(is_inert_type)
}

/// The type that a pattern writes out for its whole value.
fn declared_type(pattern: &Pat) -> Option<&Type> {
    match pattern {
        Pat::Type(typed) => Some(&typed.ty),
        Pat::Paren(inner) => declared_type(&inner.pat),
        _ => None,
    }
}

/// Whether values of a type, as it is written, run no code when dropped.
///
/// A name such as `u64` is taken for the primitive.
pub(super) fn is_inert_type(ty: &Type) -> bool {
    match ty {
        Type::Reference(_) | Type::Ptr(_) | Type::FnPtr(_) | Type::Never(_) => true,
        Type::Paren(inner) => is_inert_type(&inner.elem),
        Type::Group(inner) => is_inert_type(&inner.elem),
        Type::Array(array) => is_inert_type(&array.elem),
        Type::Tuple(tuple) => tuple.elems.iter().all(is_inert_type),
        Type::Path(path) => {
            path.qself.is_none()
                && path
                    .path
                    .get_ident()
                    .is_some_and(|ident| PRIMITIVES.iter().any(|primitive| ident == primitive))
        }
        _ => false,
    }
}

const PRIMITIVES: [&str; 16] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32",
    "u64", "u128", "usize",
];

/// Whether an initialiser gives a reference or a literal, or never gives anything.
fn is_inert_initialiser(init: &Expr) -> bool {
    match init {
        Expr::Reference(_) | Expr::RawAddr(_) => true,
        Expr::Lit(ExprLit { lit, .. }) => !matches!(lit, Lit::Verbatim(_)),
        // A negative number.
        Expr::Unary(unary) => matches!(*unary.expr, Expr::Lit(_)),
        Expr::Paren(inner) => is_inert_initialiser(&inner.expr),
        Expr::Group(inner) => is_inert_initialiser(&inner.expr),
        Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) => true,
        // A hook after these could not be reached.
        Expr::Macro(expr) => {
            let name = expr.mac.path.segments.last().map(|segment| segment.ident.to_string());
            matches!(name.as_deref(), Some("panic" | "todo" | "unimplemented" | "unreachable"))
        }
        _ => false,
    }
}

/// Whether an initialiser holds a temporary that lives as long as the variable, such as that in `(&f(), v)`: it
/// is dropped right after the variable, and guards around the drop would count it in.
///
/// The places are those of the Rust reference, "temporary lifetime extension".
pub(super) fn extends_a_temporary(init: &Expr) -> bool {
    match init {
        Expr::Reference(reference) => !is_place(&reference.expr),
        Expr::RawAddr(raw) => !is_place(&raw.expr),
        Expr::Array(array) => array.elems.iter().any(extends_a_temporary),
        Expr::Tuple(tuple) => tuple.elems.iter().any(extends_a_temporary),
        Expr::Struct(literal) => {
            literal.fields.iter().any(|field| extends_a_temporary(&field.expr))
        }
        Expr::Call(call) if is_constructor(&call.func) => call.args.iter().any(extends_a_temporary),
        Expr::Cast(cast) => extends_a_temporary(&cast.expr),
        Expr::Paren(inner) => extends_a_temporary(&inner.expr),
        Expr::Group(inner) => extends_a_temporary(&inner.expr),
        Expr::Block(block) => tail(&block.block.stmts).is_some_and(extends_a_temporary),
        Expr::Unsafe(block) => tail(&block.block.stmts).is_some_and(extends_a_temporary),
        Expr::If(branches) => {
            tail(&branches.then_branch.stmts).is_some_and(extends_a_temporary)
                || branches
                    .else_branch
                    .as_ref()
                    .is_some_and(|(_, other)| extends_a_temporary(other))
        }
        Expr::Match(arms) => arms.arms.iter().any(|arm| extends_a_temporary(&arm.body)),
        // What a macro makes of its tokens may be any of these.
        Expr::Macro(expr) => {
            let last = expr.mac.path.segments.last();
            !last.is_some_and(|last| EXTEND_NOTHING.iter().any(|known| last.ident.unraw() == known))
        }
        _ => false,
    }
}

/// Macros of the standard library that give values and extend no temporary; `pin!` and `format_args!` do.
const EXTEND_NOTHING: [&str; 8] =
    ["dbg", "format", "matches", "ready", "try", "vec", "write", "writeln"];

/// Whether a callee is a tuple struct or variant: those extend, functions do not.
fn is_constructor(callee: &Expr) -> bool {
    matches!(callee, Expr::Path(callee) if is_upper_case(&callee.path))
}

/// Whether a path names a type, a variant or a constant, as the naming lints have it.
fn is_upper_case(path: &Path) -> bool {
    let last = path.segments.last().map(|segment| segment.ident.unraw().to_string());
    last.is_some_and(|name| name.trim_start_matches('_').starts_with(char::is_uppercase))
}

fn tail(statements: &[Stmt]) -> Option<&Expr> {
    match statements.last() {
        Some(Stmt::Expr(expr, None)) => Some(expr),
        _ => None,
    }
}

/// Whether an expression surely names a place that exists by itself.
fn is_place(expr: &Expr) -> bool {
    match expr {
        // A constant or unit struct is a value, and so a temporary; a static is a place, but looks the same.
        Expr::Path(path) => !is_upper_case(&path.path),
        Expr::Field(field) => is_place(&field.base),
        Expr::Index(index) => is_place(&index.expr),
        Expr::Paren(inner) => is_place(&inner.expr),
        Expr::Group(inner) => is_place(&inner.expr),
        Expr::Lit(_) => true,
        _ => false,
    }
}
