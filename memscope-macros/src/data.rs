//! Structs, enums and unions alike: what a type is made of.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Fields, Generics, Ident, Index, Item, Member, Type};

/// A type's definition.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) form: Form,
    /// One for a struct or union; as many as there are for an enum.
    pub(crate) variants: Vec<Variant>,
}

/// Which kind of type it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Struct,
    Enum,
    Union,
}

/// What a value can consist of.
#[derive(Debug)]
pub(crate) struct Variant {
    /// Its name, in an enum.
    pub(crate) ident: Option<Ident>,
    /// The conditions under which it exists.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) deprecated: bool,
    pub(crate) fields: Vec<Field>,
}

/// A field, by name or number.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) member: Member,
    pub(crate) ty: Type,
    /// The conditions under which it exists.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) deprecated: bool,
}

impl Data {
    /// Reads an item, if it is a type.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        let (attributes, ident, generics, form, variants) = match item {
            Item::Struct(item) => {
                let variant = Variant::of(None, &[], fields(&item.fields));
                (&item.attrs, &item.ident, &item.generics, Form::Struct, vec![variant])
            }
            Item::Union(item) => {
                let fields = item.fields.named.iter().enumerate().map(Field::of).collect();
                let variant = Variant::of(None, &[], fields);
                (&item.attrs, &item.ident, &item.generics, Form::Union, vec![variant])
            }
            Item::Enum(item) => {
                let of = |one: &syn::Variant| {
                    Variant::of(Some(&one.ident), &one.attrs, fields(&one.fields))
                };
                let variants = item.variants.iter().map(of).collect();
                (&item.attrs, &item.ident, &item.generics, Form::Enum, variants)
            }
            _ => return None,
        };
        let (attributes, ident, generics) = (attributes.clone(), ident.clone(), generics.clone());
        Some(Self { attributes, ident, generics, form, variants })
    }

    /// Whether it, a variant or a field is deprecated.
    pub(crate) fn is_deprecated(&self) -> bool {
        deprecates(&self.attributes)
            || self.variants.iter().any(|variant| variant.deprecated)
            || self.fields().any(|field| field.deprecated)
    }

    /// All fields, in source order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.variants.iter().flat_map(|variant| &variant.fields)
    }
}

impl Variant {
    fn of(ident: Option<&Ident>, attributes: &[Attribute], fields: Vec<Field>) -> Self {
        let (cfgs, deprecated) = (crate::bindings::cfgs(attributes), deprecates(attributes));
        Self { ident: ident.cloned(), cfgs, deprecated, fields }
    }
}

fn deprecates(attributes: &[Attribute]) -> bool {
    crate::check::metas(attributes).iter().any(|meta| meta.path().is_ident("deprecated"))
}

fn fields(fields: &Fields) -> Vec<Field> {
    fields.iter().enumerate().map(Field::of).collect()
}

impl Field {
    fn of((index, field): (usize, &syn::Field)) -> Self {
        Self {
            member: match &field.ident {
                Some(ident) => Member::Named(ident.clone()),
                None => Member::Unnamed(Index { index: index as u32, span: field.ty.span() }),
            },
            ty: field.ty.clone(),
            cfgs: crate::bindings::cfgs(&field.attrs),
            deprecated: deprecates(&field.attrs),
        }
    }

    pub(crate) fn span(&self) -> Span {
        self.member.span()
    }

    /// Its name, or its number.
    pub(crate) fn name(&self) -> String {
        match &self.member {
            Member::Named(ident) => ident.unraw().to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        }
    }

    /// Whether its type is written as a `Probe`.
    pub(crate) fn is_probe(&self) -> bool {
        matches!(&self.ty, Type::Path(path)
            if path.path.segments.last().is_some_and(|last| last.ident == "Probe" && !last.arguments.is_none()))
    }

    /// The conditions of the field and of the variant that it stands in.
    pub(crate) fn all_cfgs(&self, variant: &Variant) -> TokenStream {
        let conditions = variant.cfgs.iter().chain(&self.cfgs).map(ToTokens::to_token_stream);
        quote!(#(#conditions)*)
    }
}
