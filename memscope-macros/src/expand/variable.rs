//! `track_var!`: variables that are tracked whatever their type.

use super::Mode;
use super::function::around;
use super::hook::{Bind, Hooks, emitted};
use super::sites::Kind;
use crate::attr::{Options, option_form};
use crate::bindings::{Binding, Bindings};
use crate::errors::Errors;
use crate::ownership::Ending;
use proc_macro2::{Delimiter, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Block, Expr, ExprUnary, Local, Member, Stmt, Token, Type, UnOp};

/// What stands in `track_var!`.
#[derive(Debug)]
pub(crate) struct Declaration {
    krate: TokenStream,
    options: Options,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// `let` statements: the user's tokens of each, and what they say; `None` if something is wrong with it.
    Lets(Vec<(TokenStream, Option<Local>)>),
    /// Names of existing variables.
    Existing(Vec<Binding>),
    /// `own mut v: T = value`
    OwnVariable {
        mutability: Option<Token![mut]>,
        ident: Ident,
        ty: Option<Box<Type>>,
        value: Box<Expr>,
    },
    /// `own value`
    OwnValue(Box<Expr>),
    /// Something that cannot be expanded.
    Wrong,
}

const FORM: &str = "write `memscope::track_var!(let v = ...)`";
const OWN_FORM: &str =
    "write `memscope::track_var!(own v = ...)`, or `memscope::track_var!(own ...)` for a value";

impl Declaration {
    /// Reads the way to memscope, a semicolon, and what the user wrote.
    pub(crate) fn read(input: TokenStream, errors: &mut Errors) -> Self {
        let mut input = input.into_iter();
        let krate = input.by_ref().take_while(|token| !is_punct(token, ';')).collect();
        let mut written: Vec<TokenTree> = input.collect();
        let options = options(&mut written, errors);
        let form = Form::read(written, errors);
        check_options(&options, &form, errors);
        Self { krate, options, form }
    }

    /// The tokens with hooks, or, with hooks off, those that mean the same without.
    pub(super) fn expand(self, mode: Mode) -> TokenStream {
        let krate = self.krate;
        let mut hooks = Hooks::with(&self.options);
        hooks.found_at(krate.clone());
        let name = self.options.name.map(|name| name.value());
        let called = |ident: &Ident| name.clone().unwrap_or_else(|| ident.unraw().to_string());
        match self.form {
            Form::Lets(statements) => statements
                .into_iter()
                .flat_map(|(tokens, local)| match local {
                    Some(local) if mode == Mode::On => {
                        let bindings = Bindings::of(&local.pat, &local.attrs);
                        hooks.call_next(name.clone());
                        let wanted: Vec<_> = bindings
                            .values
                            .iter()
                            .map(|one| (one.clone(), Ending::default()))
                            .collect();
                        let (before, after, _) =
                            around(&mut hooks, &local, &bindings, &wanted, Bind::Always);
                        [before, tokens, after]
                    }
                    _ => [TokenStream::new(), tokens, TokenStream::new()],
                })
                .collect(),
            Form::Existing(variables) => variables
                .iter()
                .map(|variable| {
                    let ident = &variable.ident;
                    match mode {
                        Mode::On => {
                            hooks.call_next(name.clone());
                            hooks
                                .scoped(Kind::Variable, variable, Bind::Always, &Ending::default())
                                .0
                        }
                        Mode::Off => quote_spanned!(emitted(ident.span())=> let _ = &#ident;),
                    }
                })
                .collect(),
            Form::OwnVariable { mutability, ident, ty, value } => {
                let span = emitted(ident.span());
                let owned = own(&hooks, &called(&ident), ident.span(), &value, mode);
                let ty = ty.map(|ty| quote_spanned!(span=> : #krate::Tracked<#ty>));
                quote_spanned!(span=> let #mutability #ident #ty = #owned;)
            }
            Form::OwnValue(value) => {
                let written = value.to_token_stream().to_string();
                own(&hooks, &name.unwrap_or(written), value.span(), &value, mode)
            }
            Form::Wrong => TokenStream::new(),
        }
    }
}

/// An expression that makes a `Tracked`.
fn own(hooks: &Hooks, name: &str, at: Span, value: &Expr, mode: Mode) -> TokenStream {
    let span = emitted(at);
    let krate = hooks.krate(span);
    match mode {
        Mode::On => {
            let site = hooks.site(Kind::Variable, name, at);
            let sight = hooks.sight(span);
            quote_spanned!(span=> #krate::__private::tracked(#site, #value, #sight))
        }
        Mode::Off => quote_spanned!(span=> #krate::__private::tracked(#value)),
    }
}

impl Form {
    fn read(written: Vec<TokenTree>, errors: &mut Errors) -> Self {
        let Some(first) = written.first().cloned() else {
            errors.push_at(Span::call_site(), "`track_var!` has nothing to declare", FORM);
            return Self::Wrong;
        };
        if is_word(&first, "own") && !matches!(written.get(1), None | Some(TokenTree::Punct(_))) {
            return Self::own(written.into_iter().skip(1).collect(), errors);
        }
        if let Some((option, declaration)) = bare_option(&written) {
            let wrong = "options stand in an attribute before the declaration";
            let help = format!("write `memscope::track_var!(#[track({option})] let v = ...)`");
            errors.push(first, wrong, &help);
            return Self::lets(declaration.to_vec(), errors);
        }
        // An attribute may stand before the `let`.
        if written.iter().any(|token| is_word(token, "let")) {
            return Self::lets(written, errors);
        }
        let mut entries: Vec<&[TokenTree]> = written.split(|token| is_punct(token, ',')).collect();
        entries.pop_if(|behind_the_last_comma| behind_the_last_comma.is_empty());
        let name = |entry: &[TokenTree]| {
            let tokens: TokenStream = entry.iter().cloned().collect();
            let name = Existing::parse.parse2(tokens.clone());
            name.inspect_err(|_| not_a_name(tokens, errors)).ok().map(|existing| existing.0)
        };
        // All are gone through, for their errors.
        let names: Vec<Option<Binding>> = entries.into_iter().map(name).collect();
        names.into_iter().collect::<Option<_>>().map_or(Self::Wrong, Self::Existing)
    }

    fn own(written: TokenStream, errors: &mut Errors) -> Self {
        if let Some(word) = written.clone().into_iter().next().filter(|word| is_word(word, "let")) {
            errors.push(word, "`own` stands in the place of `let`", OWN_FORM);
            return Self::Wrong;
        }
        let variable = |input: ParseStream<'_>| {
            let mutability = input.parse()?;
            let ident = input.parse()?;
            let ty = input.parse::<Option<Token![:]>>()?.map(|_| input.parse()).transpose()?;
            input.parse::<Token![=]>()?;
            let value = input.parse()?;
            input.parse::<Option<Token![;]>>()?;
            Ok(Self::OwnVariable { mutability, ident, ty, value })
        };
        if let Ok(form) = variable.parse2(written.clone()) {
            return form;
        }
        let value = |input: ParseStream<'_>| {
            let value = input.parse()?;
            input.parse::<Option<Token![;]>>()?;
            Ok(Self::OwnValue(value))
        };
        value.parse2(written).unwrap_or_else(|error| {
            errors.push_at(error.span(), &error.to_string(), OWN_FORM);
            Self::Wrong
        })
    }

    fn lets(written: Vec<TokenTree>, errors: &mut Errors) -> Self {
        let statements = terminated(written).into_iter().map(|tokens| {
            match Block::parse_within.parse2(tokens.clone()) {
                Ok(statements) => (tokens, tracked(statements, errors)),
                Err(error) => {
                    not_a_declaration(tokens, &error, errors);
                    (TokenStream::new(), None)
                }
            }
        });
        Self::Lets(statements.collect())
    }
}

/// `v` or `mut v`.
struct Existing(Binding);

impl Existing {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        // As the variable was declared; it makes no difference.
        input.parse::<Option<Token![mut]>>()?;
        let ident =
            if input.peek(Token![self]) { input.call(Ident::parse_any)? } else { input.parse()? };
        Ok(Self(Binding { ident, cfgs: Vec::new(), mutability: None }))
    }
}

/// Takes `#[track(...)]` away from the beginning.
fn options(written: &mut Vec<TokenTree>, errors: &mut Errors) -> Options {
    let [first, TokenTree::Group(group), ..] = &written[..] else { return Options::default() };
    if !is_punct(first, '#') || group.delimiter() != Delimiter::Bracket {
        return Options::default();
    }
    let Ok(list) = syn::parse2::<syn::MetaList>(group.stream()) else { return Options::default() };
    if list.path.segments.last().is_none_or(|last| last.ident != "track") {
        return Options::default();
    }
    written.drain(..2);
    Options::read(list.tokens, errors)
}

fn check_options(options: &Options, form: &Form, errors: &mut Errors) {
    for option in &options.given {
        let name = option.unraw().to_string();
        let several = match form {
            Form::Lets(lets) => {
                let count = |local: &Local| Bindings::of(&local.pat, &[]).values.len();
                lets.iter().flat_map(|(_, local)| local).map(count).sum::<usize>() > 1
            }
            Form::Existing(variables) => variables.len() > 1,
            _ => false,
        };
        match name.as_str() {
            "tags" | "deep" | "sample" => {}
            "name" if !several => {}
            "name" => errors.push(
                option,
                "the option `name` would be that of several variables",
                "write a `memscope::track_var!` for each",
            ),
            _ => errors.push(
                option,
                &format!("the option `{name}` does not apply to a variable"),
                "the options of a variable are `name = \"...\"`, `tags(\"...\")`, `deep` and `sample = 0.01`",
            ),
        }
    }
}

/// The `let` of a statement, if it is one that can be tracked.
fn tracked(statements: Vec<Stmt>, errors: &mut Errors) -> Option<Local> {
    let local = match statements.into_iter().next()? {
        Stmt::Local(local) => local,
        other => {
            errors.push(other, "`track_var!` takes declarations", FORM);
            return None;
        }
    };
    if local.init.is_none() {
        errors.push(
            &local.pat,
            "a tracked variable needs its initial value: that is when it is born",
            "write `memscope::track_var!(let v = ...)` where the variable gets its value",
        );
        return None;
    }
    if Bindings::of(&local.pat, &local.attrs).values.is_empty() {
        errors.push(
            &local.pat,
            "this pattern does not declare a variable that owns its value",
            "write a name: `memscope::track_var!(let v = ...)`",
        );
        return None;
    }
    Some(local)
}

/// An option, as it is to be written, that stands where it would without the attribute, as in `name = "x", let v = 1`; and the
/// declaration behind.
fn bare_option(written: &[TokenTree]) -> Option<(&'static str, &[TokenTree])> {
    let at = written.iter().position(|token| is_word(token, "let"))?;
    let (before, declaration) = written.split_at(at);
    match before {
        [TokenTree::Ident(first), .., last] if is_punct(last, ',') => {
            Some((option_form(&first.unraw().to_string())?, declaration))
        }
        _ => None,
    }
}

/// Reports what the parser says of a declaration, in the words of who wrote it.
fn not_a_declaration(tokens: TokenStream, error: &syn::Error, errors: &mut Errors) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let at_comma = tokens
        .iter()
        .any(|token| is_punct(token, ',') && token.span().start() == error.span().start());
    if at_comma {
        return errors.push_at(
            error.span(),
            "this comma ends no declaration",
            "write `;` between declarations; options stand before: `memscope::track_var!(#[track(...)] let v = ...)`",
        );
    }
    // The semicolon may be ours.
    if let [word, TokenTree::Punct(_)] = &tokens[..] {
        return errors.push(word, "the declaration has no name and no value", FORM);
    }
    // As long as the list of what a pattern begins with.
    let wrong = match error.to_string() {
        list if list.starts_with("expected one of") => "expected a name or a pattern".to_owned(),
        wrong => wrong,
    };
    errors.push_at(error.span(), &wrong, FORM);
}

/// Reports what stands where the name of a variable was expected, with what was probably meant.
fn not_a_name(tokens: TokenStream, errors: &mut Errors) {
    let declaration = |input: ParseStream<'_>| {
        let mutability: Option<Token![mut]> = input.parse()?;
        let ident: Ident = input.parse()?;
        input.parse::<Option<Token![:]>>()?.map(|_| input.parse::<Type>()).transpose()?;
        input.parse::<Token![=]>()?;
        input.parse::<TokenStream>()?;
        Ok(if mutability.is_some() { format!("mut {ident}") } else { ident.to_string() })
    };
    if let Ok(declared) = declaration.parse2(tokens.clone()) {
        let help = format!("write `memscope::track_var!(let {declared} = ...)`");
        return errors.push(tokens, "a declaration begins with `let`", &help);
    }
    let named = match syn::parse2::<Expr>(tokens.clone()).ok() {
        Some(Expr::Reference(reference)) => Some(*reference.expr),
        other => other,
    };
    let place = named.as_ref().and_then(written_place);
    match (named, place) {
        (Some(Expr::Path(_)), Some(name)) => errors.push(
            tokens,
            "a variable is named alone; it is only borrowed",
            &format!("write `memscope::track_var!({name})`"),
        ),
        (_, Some(place)) => errors.push(
            tokens,
            &format!("`{place}` is no variable, and has no end of its own"),
            &format!("write `memscope::snapshot!({place})` for what it holds now"),
        ),
        _ => errors.push(
            tokens,
            "`track_var!` takes a declaration, which begins with `let`, or names of variables",
            "write `memscope::track_var!(let v = ...)`; for a value, `memscope::track_var!(own ...)`",
        ),
    }
}

/// A variable, a part of one or what it refers to, as one would write it.
fn written_place(place: &Expr) -> Option<String> {
    match place {
        Expr::Path(path) => path.path.get_ident().map(Ident::to_string),
        Expr::Field(field) => {
            let member = match &field.member {
                Member::Named(ident) => ident.to_string(),
                Member::Unnamed(index) => index.index.to_string(),
            };
            Some(format!("{}.{member}", written_place(&field.base)?))
        }
        Expr::Unary(ExprUnary { op: UnOp::Deref(_), expr, .. }) => {
            Some(format!("*{}", written_place(expr)?))
        }
        _ => None,
    }
}

/// Splits after semicolons; ends the last declaration with one, if the user left it out.
fn terminated(written: Vec<TokenTree>) -> Vec<TokenStream> {
    let end = written.last().filter(|last| !is_punct(last, ';')).map(|last| {
        let mut semicolon = Punct::new(';', Spacing::Alone);
        semicolon.set_span(last.span());
        TokenTree::Punct(semicolon)
    });
    let all: Vec<TokenTree> = written.into_iter().chain(end).collect();
    let statements = all.split_inclusive(|token| is_punct(token, ';'));
    statements.map(|statement| statement.iter().cloned().collect()).collect()
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}
