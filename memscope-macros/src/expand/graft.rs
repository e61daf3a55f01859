//! Puts statements into the user's tokens and leaves everything else as it was written.
//!
//! A syntax tree that is printed again loses what it does not model: where a brace opens and closes, how
//! punctuation was spaced, invisible groups. So statements are first put into the tree as numbered marks; then
//! the printed tree is walked side by side with the original tokens, which are kept wherever there is no mark.

use super::header::Header;
use crate::inner_attributes;
use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Expr, Item, Stmt};

const MARK: &str = "__memscope_graft";

/// What is to be put in, by the number of its mark.
#[derive(Debug, Default)]
pub(super) struct Grafts(Vec<Graft>);

#[derive(Debug)]
enum Graft {
    /// Statements, or items, where the mark stands.
    Statements(TokenStream),
    /// Something around all that follows the mark in its braces.
    Around(Wrap),
    /// A call that the marked expression becomes the first argument of.
    Call(Call),
    /// What stands in the place of the marked tokens.
    Instead(TokenStream),
}

/// Makes `expression` into `function(expression, more)`.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) function: TokenStream,
    pub(super) more: TokenStream,
    /// Where the parentheses are.
    pub(super) span: Span,
}

impl Call {
    fn of(&self, expression: TokenStream) -> TokenStream {
        let Self { function, more, span } = self;
        let mut arguments = Group::new(Delimiter::Parenthesis, quote!(#expression, #more));
        arguments.set_span(*span);
        quote!(#function #arguments)
    }
}

/// Makes `{ body }` into `{ outside before(task, keyword { first body }) after }`.
#[derive(Debug)]
pub(super) struct Wrap {
    pub(super) outside: TokenStream,
    pub(super) before: TokenStream,
    pub(super) task: TokenStream,
    pub(super) keyword: TokenStream,
    pub(super) first: TokenStream,
    pub(super) after: TokenStream,
    /// What stands before the braces, if it is to be another.
    pub(super) header: Option<Header>,
}

/// A wrap, and the number of tokens before what it is around: attributes, which stay first in the braces.
#[derive(Debug, Clone, Copy)]
struct Placed<'a> {
    wrap: &'a Wrap,
    behind: usize,
}

impl Wrap {
    /// The braces inside are the user's, with their edition.
    fn around(&self, braces: &Group, body: TokenStream) -> TokenStream {
        let Self { outside, before, task, keyword, first, after, header: _ } = self;
        let body = regrouped(braces, quote!(#first #body));
        quote!(#outside #before(#task, #keyword #body) #after)
    }
}

impl Grafts {
    /// Keeps statements, and returns the mark that stands for them in the tree.
    pub(super) fn mark(&mut self, statements: TokenStream) -> Stmt {
        Stmt::Item(self.mark_item(statements))
    }

    /// The same, among items.
    pub(super) fn mark_item(&mut self, statements: TokenStream) -> Item {
        self.mark_of(Graft::Statements(statements))
    }

    /// A mark to stand first in braces, but for attributes: what follows there is wrapped.
    pub(super) fn mark_around(&mut self, wrap: Wrap) -> Stmt {
        Stmt::Item(self.mark_of(Graft::Around(wrap)))
    }

    /// Makes an expression the first argument of a call.
    pub(super) fn mark_call(&mut self, expression: &mut Expr, call: Call) {
        let marked = self.mark_tokens(expression.to_token_stream(), Graft::Call(call));
        *expression = Expr::Verbatim(marked);
    }

    /// Puts tokens in the place of others.
    pub(super) fn mark_instead(&mut self, written: TokenStream, now: TokenStream) -> TokenStream {
        self.mark_tokens(written, Graft::Instead(now))
    }

    fn mark_tokens(&mut self, tokens: TokenStream, graft: Graft) -> TokenStream {
        let mark = self.number(graft);
        // Invisible braces, so that it is known where the tokens end.
        let marked = Group::new(Delimiter::None, tokens);
        quote!(#mark #marked)
    }

    fn mark_of(&mut self, graft: Graft) -> Item {
        Item::Verbatim(self.number(graft))
    }

    fn number(&mut self, graft: Graft) -> TokenStream {
        let mark = Ident::new(MARK, Span::call_site());
        let number = Literal::usize_unsuffixed(self.0.len());
        self.0.push(graft);
        quote!(#mark #number)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Replaces the marks in the printed tree, with the original tokens between them.
    pub(super) fn put_into(&self, original: TokenStream, printed: TokenStream) -> TokenStream {
        self.merge_or_print(original, printed)
            .expect("without an original there is nothing to differ from")
    }

    /// The tree may print tokens that were left out, such as a match arm's comma: then, in this group, its own are used.
    fn merge_or_print(&self, original: TokenStream, printed: TokenStream) -> Option<TokenStream> {
        self.merge(Some(original), printed.clone()).or_else(|| self.merge(None, printed))
    }

    /// `None` if original and printed tokens differ in more than marks.
    fn merge(&self, original: Option<TokenStream>, printed: TokenStream) -> Option<TokenStream> {
        let mut originals = original.map(IntoIterator::into_iter);
        let merged = self.merge_with(&mut originals, printed)?;
        originals.is_none_or(|mut rest| rest.next().is_none()).then_some(merged)
    }

    /// The same with the next of the original tokens, as many as were printed.
    fn merge_with(
        &self,
        originals: &mut Option<IntoIter>,
        printed: TokenStream,
    ) -> Option<TokenStream> {
        let mut merged = Vec::new();
        let mut printed = printed.into_iter();
        while let Some(token) = printed.next() {
            if matches!(&token, TokenTree::Ident(ident) if ident == MARK) {
                match self.graft(printed.next())? {
                    Graft::Statements(statements) => merged.extend(statements.clone()),
                    Graft::Around(_) => return None,
                    Graft::Call(call) => {
                        let TokenTree::Group(marked) = printed.next()? else { return None };
                        merged.extend(call.of(self.merge_with(originals, marked.stream())?));
                    }
                    Graft::Instead(tokens) => {
                        let TokenTree::Group(marked) = printed.next()? else { return None };
                        self.merge_with(originals, marked.stream())?;
                        merged.extend(tokens.clone());
                    }
                }
                continue;
            }
            if let Some(header) = self.header(&token) {
                header.rewrite(&mut merged)?;
            }
            let Some(originals) = originals else {
                merged.extend([self.replace_within(token)?]);
                continue;
            };
            match (originals.next()?, token) {
                (TokenTree::Group(original), TokenTree::Group(printed)) => {
                    if original.delimiter() != printed.delimiter() {
                        return None;
                    }
                    merged.extend([TokenTree::Group(self.merge_groups(original, &printed)?)]);
                }
                (original, printed) if same(&original, &printed) => merged.extend([original]),
                _ => return None,
            }
        }
        Some(merged.into_iter().collect())
    }

    /// The header that braces want to have before them.
    fn header(&self, token: &TokenTree) -> Option<&Header> {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                self.split_wrap(group.stream()).0?.wrap.header.as_ref()
            }
            _ => None,
        }
    }

    fn merge_groups(&self, original: Group, printed: &Group) -> Option<Group> {
        if !has_mark(printed.stream()) {
            return Some(original);
        }
        let (wrap, printed) = self.split_wrap(printed.stream());
        let merged = self.merge_or_print(original.stream(), printed)?;
        Some(wrapped(wrap, &original, merged))
    }

    /// The wrap whose mark stands first, or first behind attributes of what the braces belong to; and what there is without it.
    fn split_wrap(&self, printed: TokenStream) -> (Option<Placed<'_>>, TokenStream) {
        let mut tokens = printed.clone().into_iter().peekable();
        let mut attributes: Vec<TokenTree> = Vec::new();
        while matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == '#') {
            attributes.extend(tokens.by_ref().take(inner_attributes::LENGTH));
        }
        if let Some(TokenTree::Ident(ident)) = tokens.next()
            && ident == MARK
            && let Some(Graft::Around(wrap)) = self.graft(tokens.next())
        {
            let placed = Placed { wrap, behind: attributes.len() };
            return (Some(placed), attributes.into_iter().chain(tokens).collect());
        }
        (None, printed)
    }

    fn replace_within(&self, token: TokenTree) -> Option<TokenTree> {
        match token {
            TokenTree::Group(group) if has_mark(group.stream()) => {
                let (wrap, printed) = self.split_wrap(group.stream());
                let replaced = self.merge(None, printed)?;
                Some(TokenTree::Group(wrapped(wrap, &group, replaced)))
            }
            token => Some(token),
        }
    }

    fn graft(&self, number: Option<TokenTree>) -> Option<&Graft> {
        let number: usize = number?.to_string().parse().ok()?;
        self.0.get(number)
    }
}

fn wrapped(placed: Option<Placed<'_>>, braces: &Group, content: TokenStream) -> Group {
    let Some(Placed { wrap, behind }) = placed else { return regrouped(braces, content) };
    let mut content = content.into_iter();
    let mut emitted: TokenStream = content.by_ref().take(behind).collect();
    emitted.extend(wrap.around(braces, content.collect()));
    regrouped(braces, emitted)
}

/// A group with other content. Its span, and so the edition of its braces, is that of the original.
pub(crate) fn regrouped(original: &Group, content: TokenStream) -> Group {
    let mut group = Group::new(original.delimiter(), content);
    group.set_span(original.span());
    group
}

fn has_mark(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == MARK,
        TokenTree::Group(group) => has_mark(group.stream()),
        _ => false,
    })
}

/// Whether two tokens that are not groups are the same word, number or character.
fn same(original: &TokenTree, printed: &TokenTree) -> bool {
    match (original, printed) {
        (TokenTree::Punct(original), TokenTree::Punct(printed)) => {
            original.as_char() == printed.as_char()
        }
        (TokenTree::Ident(original), TokenTree::Ident(printed)) => original == printed,
        (TokenTree::Literal(original), TokenTree::Literal(printed)) => {
            original.to_string() == printed.to_string()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(source: &str) -> TokenStream {
        source.parse().unwrap()
    }

    #[test]
    fn statements_go_where_the_mark_stands() {
        let mut grafts = Grafts::default();
        let Stmt::Item(Item::Verbatim(mark)) = grafts.mark(tokens("put ( in ) ;")) else {
            unreachable!()
        };
        let printed = tokens(&format!("{{ a {{ {mark} b }} [ c ] }}"));
        let merged = grafts.put_into(tokens("{ a { b } [ c ] }"), printed);
        assert_eq!(merged.to_string(), tokens("{ a { put ( in ) ; b } [ c ] }").to_string());
    }

    #[test]
    fn a_marked_expression_becomes_an_argument_and_keeps_its_tokens() {
        let mut grafts = Grafts::default();
        let call = |function| Call {
            function: tokens(function),
            more: tokens("more"),
            span: Span::call_site(),
        };
        let mut inner: Expr = syn::parse_str("f(a)").unwrap();
        grafts.mark_call(&mut inner, call("inner"));
        let mut outer = Expr::Verbatim(quote!(g(#inner, b)));
        grafts.mark_call(&mut outer, call("outer"));
        let merged = grafts.put_into(tokens("x = g(f(a), b) + 1"), quote!(x = #outer + 1));
        let expected = tokens("x = outer(g(inner(f(a), more), b), more) + 1");
        assert_eq!(merged.to_string(), expected.to_string());
    }

    #[test]
    fn tokens_give_way_to_others() {
        let mut grafts = Grafts::default();
        let mark = grafts.mark_instead(tokens("(a, _)"), tokens("c"));
        let merged = grafts.put_into(tokens("f((a, _): T)"), quote!(f(#mark: T)));
        assert_eq!(merged.to_string(), tokens("f(c: T)").to_string());
    }

    #[test]
    fn where_the_tree_prints_other_tokens_they_are_used() {
        let mut grafts = Grafts::default();
        let Stmt::Item(Item::Verbatim(mark)) = grafts.mark(tokens("put ;")) else { unreachable!() };
        let printed = tokens(&format!("{{ a , {{ {mark} b , }} }}"));
        let merged = grafts.put_into(tokens("{ a , { b } }"), printed);
        assert_eq!(merged.to_string(), tokens("{ a , { put ; b , } }").to_string());
    }

    #[test]
    fn what_the_tree_leaves_out_is_noticed() {
        let grafts = Grafts::default();
        assert!(grafts.merge(Some(tokens("a b")), tokens("a")).is_none());
        assert!(grafts.merge(Some(tokens("a")), tokens("a b")).is_none());
        assert!(grafts.merge(Some(tokens("(a)")), tokens("[a]")).is_none());
    }

    #[test]
    fn braces_keep_their_place() {
        let mut grafts = Grafts::default();
        let Stmt::Item(Item::Verbatim(mark)) = grafts.mark(tokens("put ;")) else { unreachable!() };
        let original = tokens("x\n\n{ a }");
        let merged = grafts.put_into(original, tokens(&format!("x {{ {mark} a }}")));
        let group = merged.into_iter().nth(1).unwrap();
        assert_eq!(group.span().start().line, 3);
    }
}
