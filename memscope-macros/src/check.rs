//! What an item must not be or have, beyond its syntax. The same with hooks on and off.

use crate::attr::Options;
use crate::errors::Errors;
use crate::model::Subject;
use quote::ToTokens;
use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Generics, Ident, ItemFn, ItemStruct, Meta, Token, Type, TypeParamBound,
    WherePredicate,
};

/// Finds what is wrong with an item, or with options that do not suit it. Returns whether all is well.
pub(crate) fn suits(subject: &Subject, options: &Options, errors: &mut Errors) -> bool {
    let before = errors.len();
    match subject {
        Subject::Function(function) => check_function(function, options, errors),
        Subject::Structure(structure) => check_structure(structure, options, errors),
    }
    errors.len() == before
}

fn check_function(function: &ItemFn, options: &Options, errors: &mut Errors) {
    if let Some(constness) = &function.sig.constness {
        errors.push(
            constness,
            "a `const fn` cannot be tracked: it also runs in the compiler, where nothing can be recorded",
            "remove `const`, or put the attribute on the functions that call it",
        );
    }
    if let Some(naked) = function.attrs.iter().find_map(naked) {
        errors.push(
            naked,
            "a naked function cannot be tracked: its body is only assembly",
            "remove the attribute `#[memscope::track]`",
        );
    }
    if let Some(drop_off) = &options.drop_off {
        errors.push(
            drop_off,
            "the option `drop` is for structs; a function has no drop hook",
            "remove the option",
        );
    }
}

/// The word `naked` in `#[naked]` or `#[unsafe(naked)]`.
fn naked(attribute: &Attribute) -> Option<Ident> {
    let path = attribute.path();
    if path.is_ident("naked") {
        return path.get_ident().cloned();
    }
    if !path.is_ident("unsafe") {
        return None;
    }
    attribute.parse_args::<Ident>().ok().filter(|inner| inner == "naked")
}

fn check_structure(structure: &ItemStruct, options: &Options, errors: &mut Errors) {
    for meta in metas(&structure.attrs) {
        if meta.path().is_ident("repr")
            && let Some(packed) = listed(&meta, "packed")
        {
            errors.push(
                packed,
                "a packed struct cannot be tracked: its fields cannot be referred to",
                "remove `packed`, or put the attribute on the functions that hold such values",
            );
        }
        if options.drop_off.is_none()
            && meta.path().is_ident("derive")
            && let Some(copy) = listed(&meta, "Copy")
        {
            errors.push(
                copy,
                "a `Copy` type cannot have a drop hook",
                "write `#[memscope::track(drop = off)]`, or remove `Copy`",
            );
        }
    }
    if let Some(tail) = structure.fields.iter().last()
        && may_be_unsized(&tail.ty, &structure.generics)
    {
        errors.push(
            &tail.ty,
            "a struct whose last field can be unsized cannot be tracked",
            "keep the field behind a `Box`, or put the attribute on the functions that hold such values",
        );
    }
}

/// The attributes' contents, with those inside `cfg_attr`.
fn metas(attributes: &[Attribute]) -> Vec<Meta> {
    let mut metas = Vec::new();
    let mut rest: Vec<Meta> = attributes.iter().map(|attribute| attribute.meta.clone()).collect();
    while let Some(meta) = rest.pop() {
        if meta.path().is_ident("cfg_attr")
            && let Meta::List(list) = &meta
            && let Ok(inner) = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
        {
            rest.extend(inner.into_iter().skip(1));
        } else {
            metas.push(meta);
        }
    }
    metas
}

/// The path in a list such as `repr(C, packed(2))` that ends in this word.
fn listed(meta: &Meta, word: &str) -> Option<syn::Path> {
    let mut found = None;
    let Meta::List(list) = meta else { return None };
    // What does not parse is for the attribute's owner to report.
    let _ = list.parse_nested_meta(|nested: ParseNestedMeta<'_>| {
        if nested.path.segments.last().is_some_and(|segment| segment.ident == word) {
            found = Some(nested.path.clone());
        }
        if nested.input.peek(syn::token::Paren) {
            let content;
            syn::parenthesized!(content in nested.input);
            content.parse::<proc_macro2::TokenStream>()?;
        }
        Ok(())
    });
    found
}

/// Whether the type itself is a slice, `str`, a trait object or a `?Sized` parameter.
fn may_be_unsized(ty: &Type, generics: &Generics) -> bool {
    match ty {
        Type::Slice(_) | Type::TraitObject(_) => true,
        Type::Path(path) if path.qself.is_none() => {
            let Some(ident) = path.path.get_ident() else { return false };
            ident == "str" || is_relaxed(ident, generics)
        }
        _ => false,
    }
}

/// Whether `?Sized` is said of a type parameter.
fn is_relaxed(parameter: &Ident, generics: &Generics) -> bool {
    let relaxes = |bounds: &Punctuated<TypeParamBound, Token![+]>| {
        bounds.iter().any(|bound| bound.to_token_stream().to_string().replace(' ', "") == "?Sized")
    };
    let inline = generics.type_params().any(|own| own.ident == *parameter && relaxes(&own.bounds));
    let in_where =
        generics.where_clause.iter().flat_map(|clause| &clause.predicates).any(|predicate| {
            matches!(predicate, WherePredicate::Type(bound)
            if matches!(&bound.bounded_ty, Type::Path(path) if path.path.is_ident(parameter))
                && relaxes(&bound.bounds))
        });
    inline || in_where
}
