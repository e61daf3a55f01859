//! The calls into the runtime that hooks consist of.
//!
//! No method is called by its bare name, which a trait of the user's could have too.
//!
//! Every emitted token resolves at the macro's own site (hygiene keeps guards apart from the user's names, and
//! lints from looking at them) and is located at the user's variable (where errors point). Only the user's
//! identifiers keep their own resolution.

use super::bindings::Binding;
use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::Ident;
use syn::ext::IdentExt;

/// What emitted code has in common: the way to memscope, and what its sites are called.
#[derive(Debug)]
pub(super) struct Hooks {
    krate: Option<TokenStream>,
    /// The function, for its variables; they are called `function::variable`.
    scope: Option<String>,
    /// How many variables have been hooked: a number for each guard, for those who read expansions.
    count: usize,
}

/// Which kind of place a site is, as the runtime spells it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Variable,
    Argument,
    Type,
}

/// How a guard is bound to its variable.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bind {
    /// Only where dropping the variable runs code.
    IfDropped,
    /// Always: the user asked for this variable.
    Always,
}

impl Hooks {
    /// Emits code for the memscope at `krate`, by default `::memscope`.
    pub(super) fn new(krate: Option<TokenStream>, scope: Option<String>) -> Self {
        Self { krate, scope, count: 0 }
    }

    /// The path to memscope.
    pub(super) fn krate(&self, span: Span) -> TokenStream {
        self.krate.clone().unwrap_or_else(|| quote_spanned!(span=> ::memscope))
    }

    /// An expression for the `&'static Site` of a place.
    pub(super) fn site(&self, kind: Kind, name: &str, at: Span) -> TokenStream {
        let span = emitted(at);
        let krate = self.krate(span);
        let kind = Ident::new(
            match kind {
                Kind::Variable => "Variable",
                Kind::Argument => "Argument",
                Kind::Type => "Type",
            },
            span,
        );
        let name = match &self.scope {
            Some(scope) => format!("{scope}::{name}"),
            None => name.to_owned(),
        };
        // Not `file!`, which is where the outermost macro was called: the variable may stand in another's definition.
        let file = at.file();
        let start = at.start();
        let line = Literal::usize_unsuffixed(start.line);
        // proc_macro2 counts columns from 0, `column!` and captures from 1.
        let column = Literal::usize_unsuffixed(start.column + 1);
        quote_spanned!(span=> #krate::__private::site!(#kind, #name, #file, #line, #column))
    }

    /// An expression that looks at a place.
    pub(super) fn inspect(&self, place: impl ToTokens, at: Span) -> TokenStream {
        let span = emitted(at);
        let krate = self.krate(span);
        quote_spanned!(span=> #krate::__private::inspect!(&#place))
    }

    /// A statement after a binding whose guard only marks where the scope ends.
    pub(super) fn scoped(&mut self, kind: Kind, binding: &Binding, bind: Bind) -> TokenStream {
        let at = binding.ident.span();
        let span = emitted(at);
        let krate = self.krate(span);
        let exit = self.guard("exit", span);
        let site = self.site(kind, &binding.ident.unraw().to_string(), at);
        let inspected = self.inspect(&binding.ident, at);
        let attributes = attributes(binding, span);
        let scoped = Ident::new(
            match bind {
                Bind::IfDropped => "scoped",
                Bind::Always => "scoped_always",
            },
            span,
        );
        self.count += 1;
        quote_spanned!(span=> #attributes let #exit = #krate::__private::#scoped(#site, #inspected);)
    }

    /// The statements before and after a declaration, whose guards enclose the variable's drop.
    pub(super) fn enclosing(
        &mut self,
        binding: &Binding,
        bind: Bind,
    ) -> (TokenStream, TokenStream) {
        let at = binding.ident.span();
        let span = emitted(at);
        let krate = self.krate(span);
        let (slot, exit) = (self.guard("slot", span), self.guard("exit", span));
        let site = self.site(Kind::Variable, &binding.ident.unraw().to_string(), at);
        let inspected = self.inspect(&binding.ident, at);
        let cfgs = &binding.cfgs;
        let attributes = attributes(binding, span);
        let bind = Ident::new(
            match bind {
                Bind::IfDropped => "bind",
                Bind::Always => "bind_always",
            },
            span,
        );
        self.count += 1;
        (
            quote_spanned!(span=> #(#cfgs)* let mut #slot = #krate::__private::Slot::new(#site);),
            quote_spanned!(span=> #attributes let #exit = #krate::__private::Slot::#bind(&mut #slot, #inspected);),
        )
    }

    fn guard(&self, role: &str, span: Span) -> Ident {
        format_ident!("__memscope_{role}_{}", self.count, span = span)
    }
}

/// The attributes of a statement that looks at a variable.
fn attributes(binding: &Binding, span: Span) -> TokenStream {
    let cfgs = &binding.cfgs;
    // `_v` keeps the user's resolution, so that clippy sees a use where there is only ours.
    let allow = binding
        .ident
        .to_string()
        .starts_with('_')
        .then(|| quote_spanned!(span=> #[allow(clippy::used_underscore_binding)]));
    quote_spanned!(span=> #(#cfgs)* #allow)
}

/// The span of emitted tokens: found in the macro, shown at the user's token.
pub(super) fn emitted(at: Span) -> Span {
    Span::mixed_site().located_at(at)
}
