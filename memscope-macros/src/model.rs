//! What the attribute stands on.

use crate::errors::Errors;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::Parser;
use syn::{Block, Item, ItemFn, ItemStruct, Local, Stmt, TraitItemFn};

/// An item that can be tracked.
#[derive(Debug)]
pub(crate) enum Subject {
    /// A function or method with a body.
    Function(ItemFn),
    /// A struct of any form.
    Structure(ItemStruct),
}

impl Subject {
    /// Reads an item. `None`, with an error at the token that says what it is, for what cannot be tracked.
    pub(crate) fn read(tokens: &TokenStream, errors: &mut Errors) -> Option<Self> {
        let item = match syn::parse2::<Item>(tokens.clone()) {
            Ok(Item::Fn(function)) => return Some(Self::Function(function)),
            Ok(Item::Struct(structure)) => return Some(Self::Structure(structure)),
            Ok(other) => other,
            Err(error) => {
                if let Ok([Stmt::Local(local), ..]) =
                    Block::parse_within.parse2(tokens.clone()).as_deref()
                {
                    refuse_declaration(local, errors);
                    return None;
                }
                let wrong = format!("memscope cannot read this item: {error}");
                let help =
                    "it is left as it is; remove the attribute to see what the compiler says";
                errors.push_at(error.span(), &wrong, help);
                return None;
            }
        };
        let (at, what, help) = refusal(&item);
        errors.push(at, &format!("`#[memscope::track]` does not apply to {what}"), help);
        None
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

const TRACK_USERS: &str = "put the attribute on the functions that hold such values, or declare the variable \
                           with `memscope::track_var!`";
const NO_VALUES: &str =
    "put the attribute on a function or a struct; there are no values to see here";

/// Why an item cannot be tracked: the token that says so, what it is, and what to do instead.
fn refusal(item: &Item) -> (TokenStream, &'static str, &'static str) {
    match item {
        Item::Enum(item) => (item.enum_token.to_token_stream(), "enums yet", TRACK_USERS),
        Item::Union(item) => (item.union_token.to_token_stream(), "unions yet", TRACK_USERS),
        Item::Impl(item) => (
            item.impl_token.to_token_stream(),
            "impl blocks yet",
            "put the attribute on the methods whose variables you want to see",
        ),
        Item::Trait(item) => (
            item.trait_token.to_token_stream(),
            "traits yet",
            "put the attribute on the provided methods whose variables you want to see",
        ),
        Item::Mod(item) => (
            item.mod_token.to_token_stream(),
            "modules yet",
            "put the attribute on the functions and structs in the module",
        ),
        Item::Static(item) => (
            item.static_token.to_token_stream(),
            "statics yet",
            "a static lives until the process ends; put the attribute on the functions that use it",
        ),
        Item::Const(item) => (item.const_token.to_token_stream(), "constants", NO_VALUES),
        Item::Use(item) => (item.use_token.to_token_stream(), "imports", NO_VALUES),
        Item::ExternCrate(item) => (item.extern_token.to_token_stream(), "imports", NO_VALUES),
        Item::Type(item) => (
            item.type_token.to_token_stream(),
            "type aliases",
            "put the attribute on the struct that the alias stands for",
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
            "put the attribute on the functions and structs that the macro writes",
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
