//! Structs: what the compiler knows of their fields, and a hook in their drop.

use super::bindings::cfgs;
use super::expectations::excuse;
use super::hook::{Hooks, Kind, emitted};
use crate::attr::Options;
use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Index, ItemStruct, Member};

pub(super) fn expand(
    structure: &ItemStruct,
    options: &Options,
    tokens: TokenStream,
) -> TokenStream {
    let span = emitted(structure.ident.span());
    let hooks = hooks(options);
    let trackable = trackable(structure, options, &hooks, span);
    let drop = options.drop_off.is_none().then(|| drop_hook(structure, &hooks, span));
    let expect = excuse(&tokens);
    quote_spanned! {span=>
        #expect
        #tokens
        const _: () = {
            #trackable
            #drop
        };
    }
}

/// With hooks off: only what makes the type a tracked one, so that bounds hold.
pub(super) fn expand_off(
    structure: &ItemStruct,
    options: &Options,
    tokens: TokenStream,
) -> TokenStream {
    let span = emitted(structure.ident.span());
    let krate = hooks(options).krate(span);
    let header = header(structure, &quote_spanned!(span=> #krate::Trackable), span);
    quote_spanned!(span=> #tokens #header {})
}

fn hooks(options: &Options) -> Hooks {
    Hooks::new(options.krate.as_ref().map(ToTokens::to_token_stream), None)
}

/// `impl .. Trait for Struct ..`, with the attributes that keep lints away.
fn header(structure: &ItemStruct, interface: &TokenStream, span: Span) -> TokenStream {
    let ident = &structure.ident;
    let (impl_generics, type_generics, where_clause) = structure.generics.split_for_impl();
    let allow_deprecated =
        deprecates(structure).then(|| quote_spanned!(span=> #[allow(deprecated)]));
    quote_spanned! {span=>
        #allow_deprecated
        #[automatically_derived]
        impl #impl_generics #interface for #ident #type_generics #where_clause
    }
}

/// Whether the struct or a field is deprecated: our naming it is no use of it.
fn deprecates(structure: &ItemStruct) -> bool {
    let fields = structure.fields.iter().flat_map(|field| &field.attrs);
    let is = |attribute: &Attribute| attribute.path().is_ident("deprecated");
    structure.attrs.iter().chain(fields).any(is)
}

fn trackable(structure: &ItemStruct, options: &Options, hooks: &Hooks, span: Span) -> TokenStream {
    let krate = hooks.krate(span);
    let header = header(structure, &quote_spanned!(span=> #krate::Trackable), span);
    let name = match &options.name {
        Some(name) => name.value(),
        None => structure.ident.unraw().to_string(),
    };
    let site = hooks.site(Kind::Type, &name, structure.ident.span());
    let fields: Vec<Field<'_>> = Field::all(structure);
    let described = fields.iter().map(|field| field.describe(&krate));
    let drop_hook = options.drop_off.is_none();
    let visit = (!fields.is_empty()).then(|| visit_fields(&fields, hooks, span));
    quote_spanned! {span=>
        #header {
            const SHAPE: #krate::__private::Shape = #krate::__private::Shape::Struct {
                fields: &[#(#described),*],
                drop_hook: #drop_hook,
            };
            fn site() -> ::core::option::Option<&'static #krate::__private::Site> {
                ::core::option::Option::Some(#site)
            }
            #visit
        }
    }
}

fn visit_fields(fields: &[Field<'_>], hooks: &Hooks, span: Span) -> TokenStream {
    let krate = hooks.krate(span);
    // Where fields may be configured out, their numbers are only known when compiled.
    let counted = fields.iter().any(|field| !field.cfgs.is_empty());
    let visits = fields.iter().enumerate().map(|(index, field)| {
        let Field { member, cfgs, .. } = field;
        let span = emitted(member.span());
        let inspected = hooks.inspect(quote_spanned!(span=> self.#member), field.span());
        if counted {
            quote_spanned! {span=>
                #(#cfgs)* {
                    #krate::__private::FieldVisitor::field(visitor, index, #inspected);
                    index += 1;
                }
            }
        } else {
            let index = Literal::usize_unsuffixed(index);
            quote_spanned!(span=> #krate::__private::FieldVisitor::field(visitor, #index, #inspected);)
        }
    });
    let start = counted.then(|| quote_spanned!(span=> let mut index = 0;));
    quote_spanned! {span=>
        #[inline]
        fn visit_fields(&self, visitor: &mut #krate::__private::FieldVisitor<'_>) {
            #start
            #(#visits)*
        }
    }
}

fn drop_hook(structure: &ItemStruct, hooks: &Hooks, span: Span) -> TokenStream {
    let krate = hooks.krate(span);
    let header = header(structure, &quote_spanned!(span=> ::core::ops::Drop), span);
    quote_spanned! {span=>
        #header {
            #[inline]
            fn drop(&mut self) {
                #krate::__private::drop_hook(self)
            }
        }
    }
}

/// A field, by name or number.
struct Field<'a> {
    member: Member,
    ty: &'a syn::Type,
    cfgs: Vec<Attribute>,
}

impl<'a> Field<'a> {
    fn all(structure: &'a ItemStruct) -> Vec<Self> {
        let numbered = |(index, field): (u32, &'a syn::Field)| Self {
            member: match &field.ident {
                Some(ident) => Member::Named(ident.clone()),
                None => Member::Unnamed(Index { index, span: field.ty.span() }),
            },
            ty: &field.ty,
            cfgs: cfgs(&field.attrs),
        };
        (0..).zip(&structure.fields).map(numbered).collect()
    }

    fn span(&self) -> Span {
        self.member.span()
    }

    /// What the compiler knows of it.
    fn describe(&self, krate: &TokenStream) -> TokenStream {
        let Self { member, ty, cfgs } = self;
        let span = emitted(self.span());
        let name = match member {
            Member::Named(ident) => ident.unraw().to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        };
        quote_spanned! {span=>
            #(#cfgs)*
            #krate::__private::Field::new::<#ty>(
                #name,
                ::core::mem::offset_of!(Self, #member),
                #krate::__private::shape_of!(#ty),
            )
        }
    }
}
