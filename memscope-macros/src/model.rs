//! What the attribute stands on.

use crate::data::Data;
use crate::errors::Errors;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{
    Attribute, Block, Expr, Ident, Item, ItemFn, ItemImpl, ItemMod, ItemStatic, ItemTrait, Local,
    Path, Signature, Stmt, Token, TraitItemFn, Type, Visibility,
};

/// An item that can be tracked.
#[derive(Debug)]
pub(crate) enum Subject {
    /// A function or method with a body.
    Function(ItemFn),
    /// A struct, enum or union.
    Type(Data),
    /// The methods of a type.
    Implementation(ItemImpl),
    /// A trait, for its provided methods.
    Trait(ItemTrait),
    /// A module, for all that is in it.
    Module(ItemMod),
    /// A static.
    Static(ItemStatic),
    /// What a `thread_local!` declares.
    ThreadLocals(Vec<ThreadLocal>),
}

/// A declaration in a `thread_local!`.
#[derive(Debug)]
pub(crate) struct ThreadLocal {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) init: Expr,
}

impl Parse for ThreadLocal {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        input.parse::<Token![static]>()?;
        let ident = input.parse()?;
        input.parse::<Token![:]>()?;
        let ty = input.parse()?;
        input.parse::<Token![=]>()?;
        let init = input.parse()?;
        // Only behind the last one it may be left out.
        if !input.is_empty() {
            input.parse::<Token![;]>()?;
        }
        Ok(Self { attributes, visibility, ident, ty, init })
    }
}

fn thread_locals(input: ParseStream<'_>) -> syn::Result<Vec<ThreadLocal>> {
    let mut all = Vec::new();
    while !input.is_empty() {
        all.push(input.parse()?);
    }
    Ok(all)
}

impl Subject {
    /// Reads an item. `None`, with an error at the token that says what it is, for what cannot be tracked.
    pub(crate) fn read(tokens: &TokenStream, errors: &mut Errors) -> Option<Self> {
        let item = match syn::parse2::<Item>(tokens.clone()) {
            Ok(Item::Fn(function)) => return Some(Self::Function(function)),
            Ok(Item::Impl(implementation)) => return Some(Self::Implementation(implementation)),
            Ok(Item::Trait(definition)) => return Some(Self::Trait(definition)),
            Ok(Item::Static(item)) => return Some(Self::Static(item)),
            Ok(Item::Macro(item)) if names_thread_local(&item.mac.path) => {
                return match item.mac.parse_body_with(thread_locals) {
                    Ok(all) => Some(Self::ThreadLocals(all)),
                    Err(error) => {
                        unreadable(&error, errors);
                        None
                    }
                };
            }
            Ok(Item::Mod(module)) if module.content.is_some() => {
                return Some(Self::Module(module));
            }
            Ok(item) => match Data::of(&item) {
                Some(data) => return Some(Self::Type(data)),
                None => item,
            },
            Err(error) => {
                if let Ok([Stmt::Local(local), ..]) =
                    Block::parse_within.parse2(tokens.clone()).as_deref()
                {
                    refuse_declaration(local, errors);
                    return None;
                }
                if is_expression(tokens) {
                    refuse_expression(tokens, errors);
                    return None;
                }
                unreadable(&error, errors);
                return None;
            }
        };
        let (at, what, help) = refusal(&item);
        errors.push(at, &format!("`#[memscope::track]` does not apply to {what}"), help);
        None
    }

    /// The attributes that stand on it beside ours.
    pub(crate) fn attributes(&self) -> &[Attribute] {
        match self {
            Self::Function(item) => &item.attrs,
            Self::Type(data) => &data.attributes,
            Self::Implementation(item) => &item.attrs,
            Self::Trait(item) => &item.attrs,
            Self::Module(item) => &item.attrs,
            Self::Static(item) => &item.attrs,
            // Those of the macro call itself mean nothing to what it declares.
            Self::ThreadLocals(_) => &[],
        }
    }

    /// What it is called in errors.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Function(_) => "a function",
            Self::Type(_) => "a type",
            Self::Implementation(_) => "an impl block",
            Self::Trait(_) => "a trait",
            Self::Module(_) => "a module",
            Self::Static(_) => "a static",
            Self::ThreadLocals(_) => "a thread-local",
        }
    }
}

fn unreadable(error: &syn::Error, errors: &mut Errors) {
    let wrong = format!("memscope cannot read this item: {error}");
    let help = "it is left as it is; remove the attribute to see what the compiler says";
    errors.push_at(error.span(), &wrong, help);
}

fn names_thread_local(path: &Path) -> bool {
    path.segments.last().is_some_and(|last| last.ident == "thread_local")
}

/// Whether an item inside a tracked one has the attribute itself, whose own options then decide.
pub(crate) fn decides_itself(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let last = |path: &Path| path.segments.last().is_some_and(|last| last.ident == "track");
        crate::check::metas(std::slice::from_ref(attribute)).iter().any(|meta| last(meta.path()))
    })
}

/// Whether hooks can stand in a function's body.
pub(crate) fn can_have_hooks(attributes: &[Attribute], signature: &Signature) -> bool {
    signature.constness.is_none()
        && !attributes.iter().any(|one| crate::check::naked(one).is_some())
}

/// Whether an impl block is that of `Drop`.
pub(crate) fn implements_drop(implementation: &ItemImpl) -> bool {
    let of_trait = implementation.trait_.as_ref();
    of_trait.and_then(|(path, _)| path.segments.last()).is_some_and(|last| last.ident == "Drop")
}

/// What a type is called: the last name of its path.
pub(crate) fn type_name(ty: &Type) -> String {
    match ty {
        Type::Path(path) => match path.path.segments.last() {
            Some(last) => last.ident.unraw().to_string(),
            None => ty.to_token_stream().to_string(),
        },
        Type::Reference(inner) => type_name(&inner.elem),
        Type::Paren(inner) => type_name(&inner.elem),
        Type::Group(inner) => type_name(&inner.elem),
        other => other.to_token_stream().to_string(),
    }
}

/// The compiler refuses attributes of ours on statements too, but does not say what to write instead.
fn refuse_declaration(local: &Local, errors: &mut Errors) {
    errors.push(
        local.let_token,
        "`#[memscope::track]` does not apply to a declaration",
        "to track one variable, write `memscope::track_var!(let v = ...)`",
    );
}

/// Whether the attribute stands on an expression, or on a statement that is one.
pub(crate) fn is_expression(tokens: &TokenStream) -> bool {
    syn::parse2::<Item>(tokens.clone()).is_err() && syn::parse2::<Expr>(tokens.clone()).is_ok()
}

/// As with declarations.
fn refuse_expression(tokens: &TokenStream, errors: &mut Errors) {
    let first = tokens.clone().into_iter().next();
    errors.push(
        first,
        "`#[memscope::track]` does not apply to an expression",
        "put it on the function around, which tracks what closures, blocks and loops declare too; \
         to track one variable, write `memscope::track_var!(let v = ...)`",
    );
}

const NO_VALUES: &str = "put the attribute on a function, type, static, impl block, trait or module; there are no values to see here";

/// Why an item cannot be tracked: the token that says so, what it is, and what to do instead.
fn refusal(item: &Item) -> (TokenStream, &'static str, &'static str) {
    match item {
        Item::Mod(item) => (
            item.mod_token.to_token_stream(),
            "a module in another file",
            "put the attribute on the items in that file, or on a module that is written out here",
        ),
        Item::Const(item) => (item.const_token.to_token_stream(), "constants", NO_VALUES),
        Item::Use(item) => (item.use_token.to_token_stream(), "imports", NO_VALUES),
        Item::ExternCrate(item) => (item.extern_token.to_token_stream(), "imports", NO_VALUES),
        Item::Type(item) => (
            item.type_token.to_token_stream(),
            "type aliases",
            "put the attribute on the type that the alias stands for",
        ),
        Item::TraitAlias(item) => (item.trait_token.to_token_stream(), "trait aliases", NO_VALUES),
        Item::ForeignMod(item) => (
            item.abi.to_token_stream(),
            "foreign functions",
            "they have no body here; put the attribute on the functions that call them",
        ),
        Item::Macro(item) => (
            item.mac.path.to_token_stream(),
            "macros",
            "put the attribute on the functions and types that the macro writes",
        ),
        Item::Verbatim(tokens) => match syn::parse2::<TraitItemFn>(tokens.clone()) {
            Ok(function) => (
                function.sig.fn_token.to_token_stream(),
                "functions without a body",
                "put the attribute on the functions that implement it",
            ),
            Err(_) => (tokens.clone(), "this item", NO_VALUES),
        },
        other => (other.to_token_stream(), "this item", NO_VALUES),
    }
}
