//! Errors, gathered so that a user sees all of them at once, each at the token that is wrong.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// What is wrong with an annotated item, so far.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds an error at the user's tokens, with what to write instead.
    pub(crate) fn push(&mut self, at: impl ToTokens, wrong: &str, help: &str) {
        self.0.push(syn::Error::new_spanned(at, with_help(wrong, help)));
    }

    /// Adds an error where there is no token to point at, such as the end of the input.
    pub(crate) fn push_at(&mut self, at: Span, wrong: &str, help: &str) {
        self.0.push(syn::Error::new(at, with_help(wrong, help)));
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// One `compile_error!` for each error; nothing if there are none.
    pub(crate) fn to_compile_errors(&self) -> TokenStream {
        self.0.iter().map(syn::Error::to_compile_error).collect()
    }
}

/// rustc indents the second line to the first, where its own notes stand.
fn with_help(wrong: &str, help: &str) -> String {
    format!("{wrong}\nhelp: {help}")
}
