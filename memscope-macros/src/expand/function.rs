//! Functions: hooks for by-value arguments, and around every `let`, in the function's own braces.

use super::bindings::Bindings;
use super::expectations::excuse;
use super::graft::Grafts;
use super::hook::{Bind, Hooks, Kind};
use super::inert::{extends_a_temporary, is_inert_initialiser, is_inert_type};
use crate::attr::Options;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::visit_mut::VisitMut;
use syn::{
    AngleBracketedGenericArguments, Attribute, Block, ExprConst, ExprRepeat, FnArg, Item, ItemFn,
    Local, Pat, ReceiverKind, Signature, Stmt, Type,
};

pub(super) fn expand(function: &ItemFn, options: &Options, tokens: TokenStream) -> TokenStream {
    let name = match &options.name {
        Some(name) => name.value(),
        None => function.sig.ident.unraw().to_string(),
    };
    let krate = options.krate.as_ref().map(ToTokens::to_token_stream);
    let mut hooking = Hooking { hooks: Hooks::new(krate, Some(name)), grafts: Grafts::default() };
    let mut function = function.clone();
    let arguments = hooking.arguments(&function.sig);
    hooking.visit_block_mut(&mut function.block);
    if !arguments.is_empty() {
        function.block.stmts.insert(0, hooking.grafts.mark(arguments));
    }
    if hooking.grafts.is_empty() {
        return tokens;
    }
    let mut emitted = excuse(&tokens).unwrap_or_default();
    emitted.extend(hooking.grafts.put_into(tokens, function.into_token_stream()));
    emitted
}

/// A walk over a body that puts hooks around declarations.
struct Hooking {
    hooks: Hooks,
    grafts: Grafts,
}

impl Hooking {
    /// The hooks of all arguments that hold a value.
    fn arguments(&mut self, signature: &Signature) -> TokenStream {
        signature.inputs.iter().flat_map(|argument| self.argument(argument)).collect()
    }

    fn argument(&mut self, argument: &FnArg) -> Vec<TokenStream> {
        let bindings = match argument {
            FnArg::Receiver(receiver) => match &receiver.kind {
                ReceiverKind::Reference(..) => return Vec::new(),
                ReceiverKind::Typed(_, ty) if is_inert_type(ty) => return Vec::new(),
                _ => Bindings::of_self(receiver.self_token, &receiver.attrs),
            },
            FnArg::Typed(argument) if is_inert_type(&argument.ty) => return Vec::new(),
            FnArg::Typed(argument) => Bindings::of(&argument.pat, &argument.attrs),
        };
        let hook = |binding| self.hooks.scoped(Kind::Argument, binding, Bind::IfDropped);
        bindings.values.iter().map(hook).collect()
    }

    /// The statements to put before and after a `let`.
    fn declaration(&mut self, local: &Local) -> (TokenStream, TokenStream) {
        if local.init.as_ref().is_some_and(|init| is_inert_initialiser(&init.expr))
            || declared_type(&local.pat).is_some_and(is_inert_type)
        {
            return Default::default();
        }
        around(&mut self.hooks, local, Bind::IfDropped)
    }
}

impl VisitMut for Hooking {
    fn visit_block_mut(&mut self, block: &mut Block) {
        let statements = std::mem::take(&mut block.stmts);
        for mut statement in statements {
            let (before, after) = match &statement {
                Stmt::Local(local) => self.declaration(local),
                _ => Default::default(),
            };
            self.visit_stmt_mut(&mut statement);
            if !before.is_empty() {
                block.stmts.push(self.grafts.mark(before));
            }
            block.stmts.push(statement);
            if !after.is_empty() {
                block.stmts.push(self.grafts.mark(after));
            }
        }
    }

    fn visit_expr_repeat_mut(&mut self, repeat: &mut ExprRepeat) {
        // The length is computed by the compiler, where nothing can be recorded.
        self.visit_expr_mut(&mut repeat.expr);
    }

    // The same holds in constant blocks, types, patterns and generic arguments.
    fn visit_expr_const_mut(&mut self, _: &mut ExprConst) {}
    fn visit_type_mut(&mut self, _: &mut Type) {}
    fn visit_pat_mut(&mut self, _: &mut Pat) {}
    fn visit_angle_bracketed_generic_arguments_mut(
        &mut self,
        _: &mut AngleBracketedGenericArguments,
    ) {
    }

    // Items in a body are not part of it, and attributes hold no statements.
    fn visit_item_mut(&mut self, _: &mut Item) {}
    fn visit_attribute_mut(&mut self, _: &mut Attribute) {}
}

/// The hooks before and after a `let`: around it for one variable, else after it for each.
pub(super) fn around(hooks: &mut Hooks, local: &Local, bind: Bind) -> (TokenStream, TokenStream) {
    let Some(init) = &local.init else {
        return Default::default();
    };
    let bindings = Bindings::of(&local.pat, &local.attrs);
    match &bindings.values[..] {
        [binding] if !bindings.has_references && !extends_a_temporary(&init.expr) => {
            hooks.enclosing(binding, bind)
        }
        several => {
            let hook = |binding| hooks.scoped(Kind::Variable, binding, bind);
            (TokenStream::new(), several.iter().map(hook).collect())
        }
    }
}

/// The type that a pattern writes out for its whole value.
fn declared_type(pattern: &Pat) -> Option<&Type> {
    match pattern {
        Pat::Type(typed) => Some(&typed.ty),
        Pat::Paren(inner) => declared_type(&inner.pat),
        _ => None,
    }
}
