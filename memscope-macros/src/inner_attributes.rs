//! Attributes in the braces of async blocks, which syn does not read: an item stands for them while it does.

use crate::expand::regrouped;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{format_ident, quote};

/// What the items are called, with a number behind.
const NAME: &str = "__MEMSCOPE_INNER_ATTRIBUTES_";

/// Tokens of `#![attribute]`.
pub(crate) const LENGTH: usize = 3;

/// Those that were taken out, of each block, by the number of the item that stands for them.
#[derive(Debug, Default)]
pub(crate) struct Hidden(Vec<TokenStream>);

impl Hidden {
    /// Takes them out.
    pub(crate) fn take(tokens: TokenStream) -> (Self, TokenStream) {
        let mut hidden = Self::default();
        // Nearly never are there any, and to look takes less than to write all tokens anew.
        let rest = if are_in(&tokens) { hidden.hide(tokens) } else { tokens };
        (hidden, rest)
    }

    /// Puts them back: first in the braces that what stands for them is in by now.
    pub(crate) fn put_back(&self, tokens: TokenStream) -> TokenStream {
        if self.0.is_empty() {
            return tokens;
        }
        let (mut attributes, mut others) = (TokenStream::new(), Vec::new());
        let mut tokens = tokens.into_iter();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(ident) if self.of(&ident.to_string()).is_some() => {
                    attributes.extend(self.of(&ident.to_string()).cloned());
                    // The `const` before it; `: () = ();` behind it.
                    others.pop();
                    tokens.by_ref().take(5).for_each(drop);
                }
                TokenTree::Group(group) => {
                    let content = self.put_back(group.stream());
                    others.push(regrouped(&group, content).into());
                }
                token => others.push(token),
            }
        }
        attributes.extend(others);
        attributes
    }

    fn hide(&mut self, tokens: TokenStream) -> TokenStream {
        let each = with_async_blocks(tokens).map(|(token, is_block)| match token {
            TokenTree::Group(group) => self.hide_within(group, is_block).into(),
            token => token,
        });
        each.collect()
    }

    fn hide_within(&mut self, group: Group, is_async_block: bool) -> Group {
        let known = self.0.len();
        let mut content = group.stream();
        if is_async_block {
            let tokens: Vec<TokenTree> = content.into_iter().collect();
            let (attributes, rest) = tokens.split_at(inner_attributes(&tokens));
            let mut all = TokenStream::new();
            if !attributes.is_empty() {
                let name = format_ident!("{NAME}{}", self.0.len());
                self.0.push(attributes.iter().cloned().collect());
                all = quote!(const #name: () = (););
            }
            all.extend(rest.iter().cloned());
            content = all;
        }
        let content = self.hide(content);
        if self.0.len() == known { group } else { regrouped(&group, content) }
    }

    fn of(&self, name: &str) -> Option<&TokenStream> {
        self.0.get(name.strip_prefix(NAME)?.parse::<usize>().ok()?)
    }
}

/// Tokens, and whether each is the braces of an async block.
fn with_async_blocks(tokens: TokenStream) -> impl Iterator<Item = (TokenTree, bool)> {
    let mut is_async = false;
    tokens.into_iter().map(move |token| {
        let was_async = is_async;
        is_async = matches!(&token, TokenTree::Ident(ident) if ident == "async" || was_async && ident == "move");
        let is_braces = matches!(&token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        (token, was_async && is_braces)
    })
}

/// Whether there is an async block with such attributes.
fn are_in(tokens: &TokenStream) -> bool {
    with_async_blocks(tokens.clone()).any(|(token, is_block)| match token {
        TokenTree::Group(group) => {
            let content = group.stream();
            let first = || content.clone().into_iter().take(2).collect::<Vec<TokenTree>>();
            is_block && inner_attributes(&first()) > 0 || are_in(&content)
        }
        _ => false,
    })
}

/// How many of the tokens are inner attributes, all of which stand first.
fn inner_attributes(tokens: &[TokenTree]) -> usize {
    let is = |token: Option<&TokenTree>, wanted: char| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted);
    let mut count = 0;
    while is(tokens.get(count), '#') && is(tokens.get(count + 1), '!') {
        count += LENGTH;
    }
    count.min(tokens.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(source: &str) -> TokenStream {
        source.parse().unwrap()
    }

    #[test]
    fn what_is_taken_out_is_put_back_where_it_was() {
        let source =
            "fn f() { async { #![a] #![b(c)] async move { #![d] } ; g(async { #[e] x }) } }";
        let (hidden, rest) = Hidden::take(tokens(source));
        assert_eq!(hidden.0.len(), 2);
        assert!(syn::parse2::<syn::ItemFn>(rest.clone()).is_ok(), "{rest}");
        assert_eq!(hidden.put_back(rest).to_string(), tokens(source).to_string());
    }

    #[test]
    fn what_is_not_in_an_async_block_is_left() {
        let source = "async fn f() { #![a] async || { #![b] }; loop { #![c] } }";
        let (hidden, rest) = Hidden::take(tokens(source));
        assert!(hidden.0.is_empty());
        assert_eq!(rest.to_string(), tokens(source).to_string());
    }

    #[test]
    fn they_come_first_whatever_else_is_put_before_them() {
        let (hidden, rest) = Hidden::take(tokens("async { #![a] x }"));
        let TokenTree::Group(braces) = rest.into_iter().nth(1).unwrap() else { unreachable!() };
        let inside = braces.stream();
        let emitted = hidden.put_back(quote!(f(async { first; #inside })));
        assert_eq!(emitted.to_string(), tokens("f(async { #![a] first; x })").to_string());
    }
}
