//! Constructors: where a function of a type's impl block makes a value of the type that it returns.
//!
//! A function that returns `Self` need not have made it: a builder's methods hand it on, and `default` may call `new`. A literal
//! does make one. So what is looked for are literals, in what the function returns and in the variables that that is made of.

use super::graft::{Call, Grafts};
use super::inert::extends_a_temporary;
use super::returns::{each_giving, each_returned};
use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::visit::Visit;
use syn::{
    Block, Expr, Path, ReturnType, Signature, Stmt, TypeFnPtr, TypeImplTrait, TypePath, TypePtr,
    TypeReference, TypeTraitObject,
};

/// Makes each literal of the type `own` that a constructor returns the argument of a call.
pub(super) fn show_constructed(
    own: &str,
    signature: &Signature,
    body: &mut Block,
    grafts: &mut Grafts,
    call: &dyn Fn(Span) -> Call,
) {
    if !returns_own(own, signature) {
        return;
    }
    let mut literals = Literals { own, grafts, call, variables: Vec::new() };
    each_returned(body, &mut |expression, _| literals.look(expression));
    for variable in std::mem::take(&mut literals.variables) {
        for statement in &mut body.stmts {
            if let Stmt::Local(local) = statement
                && super::future::declares(&local.pat, &variable)
                && let Some(init) = &mut local.init
                && !extends_a_temporary(&init.expr)
            {
                literals.look(&mut init.expr);
            }
        }
    }
}

/// Whether a function gives a value of the type, in whatever wrapper.
fn returns_own(own: &str, signature: &Signature) -> bool {
    let mut finds = FindsOwn { own, found: false };
    if let ReturnType::Type(_, ty) = &signature.output {
        finds.visit_type(ty);
    }
    finds.found
}

struct FindsOwn<'a> {
    own: &'a str,
    found: bool,
}

impl Visit<'_> for FindsOwn<'_> {
    fn visit_type_path(&mut self, ty: &TypePath) {
        self.found |= ty.path.segments.len() == 1 && is_own(&ty.path, self.own);
        syn::visit::visit_type_path(self, ty);
    }

    // These hold no value of the type.
    fn visit_type_reference(&mut self, _: &TypeReference) {}
    fn visit_type_ptr(&mut self, _: &TypePtr) {}
    fn visit_type_fn_ptr(&mut self, _: &TypeFnPtr) {}
    fn visit_type_impl_trait(&mut self, _: &TypeImplTrait) {}
    fn visit_type_trait_object(&mut self, _: &TypeTraitObject) {}
}

/// Whether a path begins with the type.
fn is_own(path: &Path, own: &str) -> bool {
    path.segments.first().is_some_and(|first| first.ident == "Self" || first.ident.unraw() == own)
}

struct Literals<'a> {
    own: &'a str,
    grafts: &'a mut Grafts,
    call: &'a dyn Fn(Span) -> Call,
    /// Variables that are returned, each once.
    variables: Vec<Ident>,
}

impl Literals<'_> {
    fn look(&mut self, expression: &mut Expr) {
        each_giving(expression, &mut |expression| self.look_at(expression));
    }

    fn look_at(&mut self, expression: &mut Expr) {
        match expression {
            Expr::Struct(literal) if literal.qself.is_none() && is_own(&literal.path, self.own) => {
                self.show(expression);
            }
            Expr::Call(call) if self.is_tuple(&call.func) => self.show(expression),
            Expr::Call(call) => call.args.iter_mut().for_each(|argument| self.look(argument)),
            Expr::MethodCall(call) => {
                self.look(&mut call.receiver);
                call.args.iter_mut().for_each(|argument| self.look(argument));
            }
            Expr::Tuple(tuple) => tuple.elems.iter_mut().for_each(|element| self.look(element)),
            Expr::Array(array) => array.elems.iter_mut().for_each(|element| self.look(element)),
            Expr::Try(inner) => self.look(&mut inner.expr),
            Expr::Path(path) => {
                if let Some(ident) = path.path.get_ident()
                    && !self.variables.contains(ident)
                {
                    self.variables.push(ident.clone());
                }
            }
            _ => {}
        }
    }

    /// Whether a callee is the type as a tuple struct, or, as the naming lints have it, one of its variants.
    fn is_tuple(&self, callee: &Expr) -> bool {
        let Expr::Path(callee) = callee else { return false };
        let is_variant = |name: String| {
            name.starts_with(char::is_uppercase)
                && (name.len() == 1 || name.contains(char::is_lowercase))
        };
        is_own(&callee.path, self.own)
            && match callee.path.segments.len() {
                1 => true,
                2 => is_variant(callee.path.segments[1].ident.unraw().to_string()),
                _ => false,
            }
    }

    fn show(&mut self, literal: &mut Expr) {
        let at = syn::spanned::Spanned::span(&*literal);
        self.grafts.mark_call(literal, (self.call)(at));
    }
}
