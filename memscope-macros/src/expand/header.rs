//! The header of an async function, made into that of a function that returns its future: then there is a moment at which it is
//! called, and a caller.
//!
//! That is what the compiler makes of it as well. The return type is emitted with a span of this crate, whose edition says that it
//! captures all lifetimes, as the future of an async function does in each edition.

use super::hook::emitted;
use crate::bindings::conditional;
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::{Attribute, Meta, Signature};

/// Where in a function's tokens what is, counted backwards from its body.
#[derive(Debug)]
pub(super) struct Header {
    /// Tokens of the visibility, and what else stands before the signature.
    qualifiers: usize,
    signature: usize,
    /// The arrow included.
    output: usize,
    where_clause: usize,
    span: Span,
}

impl Header {
    /// Looks at a function with these attributes; `None` if it must stay what it is.
    pub(super) fn of(
        attributes: &[Attribute],
        qualifiers: &impl ToTokens,
        signature: &Signature,
    ) -> Option<Self> {
        // Of another ABI no caller is told.
        if signature.asyncness.is_none() || signature.abi.is_some() || !are_inert(attributes) {
            return None;
        }
        Some(Self {
            qualifiers: count(qualifiers),
            signature: count(signature),
            output: count(&signature.output),
            where_clause: count(&signature.generics.where_clause),
            span: emitted(signature.ident.span()),
        })
    }

    /// Rewrites the header at the end of these tokens; `None` if there is none.
    pub(super) fn rewrite(&self, tokens: &mut Vec<TokenTree>) -> Option<()> {
        let signature = tokens.len().checked_sub(self.signature)?;
        let beginning = signature.checked_sub(self.qualifiers)?;
        let output_end = tokens.len() - self.where_clause;
        let output = output_end - self.output;
        if !matches!(&tokens[signature], TokenTree::Ident(ident) if ident == "async") {
            return None;
        }
        let given: TokenStream = match self.output {
            0 => quote_spanned!(self.span=> ()),
            _ => tokens[output + ARROW..output_end].iter().cloned().collect(),
        };
        let future = quote_spanned!(self.span=> -> impl ::core::future::Future<Output = #given>);
        tokens.splice(output..output_end, future);
        tokens.remove(signature);
        tokens.splice(beginning..beginning, quote_spanned!(self.span=> #[track_caller]));
        Some(())
    }
}

/// Tokens of `->`.
const ARROW: usize = 2;

fn count(tokens: &impl ToTokens) -> usize {
    tokens.to_token_stream().into_iter().count()
}

/// Whether attributes are known to leave an item as it is. Another may be a macro that looks for `async`; what `must_use` says of an async
/// function is about what its future gives.
pub(super) fn are_inert(attributes: &[Attribute]) -> bool {
    attributes.iter().all(|attribute| is_inert(&attribute.meta))
}

fn is_inert(attribute: &Meta) -> bool {
    const INERT: [&str; 11] = [
        "allow",
        "automatically_derived",
        "cfg",
        "cold",
        "deny",
        "deprecated",
        "doc",
        "expect",
        "forbid",
        "inline",
        "warn",
    ];
    const TOOLS: [&str; 2] = ["clippy", "rustfmt"];
    let segments = &attribute.path().segments;
    let is_of_tool =
        || TOOLS.iter().any(|tool| segments.first().is_some_and(|first| first.ident == tool));
    INERT.iter().any(|name| attribute.path().is_ident(name))
        || segments.len() > 1 && is_of_tool()
        || conditional(attribute).is_some_and(|all| all.iter().all(is_inert))
}
