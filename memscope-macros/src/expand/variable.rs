//! `track_var!`: a declaration whose variable is tracked whatever its type.

use super::function::around;
use super::hook::{Bind, Hooks};
use super::inert::extends_a_temporary;
use crate::bindings::Bindings;
use crate::errors::Errors;
use proc_macro2::{Punct, Spacing, Span, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::{Block, Local, Stmt};

/// What stands in `track_var!`.
#[derive(Debug)]
pub(crate) struct Declaration {
    krate: TokenStream,
    /// The user's declarations, as they were written; none where they cannot be compiled.
    tokens: TokenStream,
    /// The `let` to be tracked; `None` if something is wrong with it.
    local: Option<Local>,
}

const FORM: &str = "write `memscope::track_var!(let v = ...)`";

impl Declaration {
    /// Reads the way to memscope, a semicolon, and what the user wrote.
    pub(crate) fn read(input: TokenStream, errors: &mut Errors) -> Self {
        let mut input = input.into_iter();
        let krate = input.by_ref().take_while(|token| !is_punct(token, ';')).collect();
        let written: Vec<TokenTree> = input.collect();
        let mut declaration = Self { krate, tokens: TokenStream::new(), local: None };
        let Some(first) = written.first().cloned() else {
            errors.push_at(Span::call_site(), "`track_var!` has nothing to declare", FORM);
            return declaration;
        };
        // An attribute may stand before the `let`.
        if !written.iter().any(|token| is_word(token, "let")) {
            not_a_declaration(&first, &written, errors);
            return declaration;
        }
        let tokens = terminated(written);
        match Block::parse_within.parse2(tokens.clone()) {
            Ok(statements) => {
                declaration.tokens = tokens;
                declaration.local = tracked(statements, errors);
            }
            Err(error) => errors.push_at(error.span(), &error.to_string(), FORM),
        }
        declaration
    }

    /// The user's tokens, unchanged.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.tokens
    }

    /// The user's tokens, with hooks around them.
    pub(super) fn expand(self) -> TokenStream {
        let Some(local) = &self.local else { return self.tokens };
        let mut hooks = Hooks::new(Some(self.krate));
        let bindings = Bindings::of(&local.pat, &local.attrs);
        let (before, after) = around(&mut hooks, local, &bindings, &bindings.values, Bind::Always);
        [before, self.tokens, after].into_iter().collect()
    }
}

/// The one `let` among statements, if it is one that can be tracked.
fn tracked(statements: Vec<Stmt>, errors: &mut Errors) -> Option<Local> {
    let mut statements = statements.into_iter();
    let local = match statements.next()? {
        Stmt::Local(local) => local,
        other => {
            errors.push(other, "`track_var!` takes a declaration", FORM);
            return None;
        }
    };
    if let Some(second) = statements.next() {
        errors.push(
            second,
            "`track_var!` takes one declaration",
            "write a `memscope::track_var!` for each variable",
        );
        return None;
    }
    let Some(init) = &local.init else {
        errors.push(
            &local.pat,
            "a tracked variable needs its initial value: that is when it is born",
            "write `memscope::track_var!(let v = ...)` where the variable gets its value",
        );
        return None;
    };
    let bindings = Bindings::of(&local.pat, &local.attrs);
    if let Some(second) = bindings.values.get(1) {
        errors.push(
            &second.ident,
            "`track_var!` tracks one variable",
            "declare each by its own `memscope::track_var!`, or put `#[memscope::track]` on the function",
        );
        return None;
    }
    if bindings.values.is_empty() || bindings.has_references {
        errors.push(
            &local.pat,
            "this pattern does not declare a variable that owns its value",
            "write a name: `memscope::track_var!(let v = ...)`",
        );
        return None;
    }
    if extends_a_temporary(&init.expr) {
        errors.push(
            &init.expr,
            "this value refers to a temporary that is dropped together with the variable",
            "give the temporary a name: `let value = ...;` before, then refer to `&value` here",
        );
        return None;
    }
    Some(local)
}

fn not_a_declaration(first: &TokenTree, written: &[TokenTree], errors: &mut Errors) {
    let help = match first {
        TokenTree::Ident(name) if written.len() == 1 => {
            format!("track it where it is declared: `memscope::track_var!(let {name} = ...)`")
        }
        _ => FORM.to_owned(),
    };
    errors.push(first, "`track_var!` takes a declaration, which begins with `let`", &help);
}

/// Ends a declaration with a semicolon, if the user left it out.
fn terminated(written: Vec<TokenTree>) -> TokenStream {
    let end = match written.last() {
        Some(last) if !is_punct(last, ';') => {
            let mut semicolon = Punct::new(';', Spacing::Alone);
            semicolon.set_span(last.span());
            Some(TokenTree::Punct(semicolon))
        }
        _ => None,
    };
    written.into_iter().chain(end).collect()
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}
