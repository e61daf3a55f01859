//! Lint expectations in annotated items.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::quote_spanned;

/// An attribute for items in which the user expects lints, else nothing.
///
/// Hooks read variables and fields, so that `#[expect(unused_variables)]` or `#[expect(dead_code)]` may not come
/// true with hooks on. It must not be reported then, since without hooks it does.
pub(super) fn excuse(item: &TokenStream) -> Option<TokenStream> {
    expects(item.clone())
        .then(|| quote_spanned!(Span::mixed_site()=> #[allow(unfulfilled_lint_expectations)]))
}

/// Whether there is an `#[expect(..)]` anywhere, also within `cfg_attr`.
fn expects(tokens: TokenStream) -> bool {
    let mut after_pound = false;
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => {
            let attribute = after_pound && group.delimiter() == Delimiter::Bracket;
            after_pound = false;
            if attribute { names_expect(group.stream()) } else { expects(group.stream()) }
        }
        TokenTree::Punct(punct) => {
            // `#` or `#!`
            after_pound = punct.as_char() == '#' || (after_pound && punct.as_char() == '!');
            false
        }
        _ => {
            after_pound = false;
            false
        }
    })
}

fn names_expect(attribute: TokenStream) -> bool {
    attribute.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "expect",
        TokenTree::Group(group) => names_expect(group.stream()),
        _ => false,
    })
}
