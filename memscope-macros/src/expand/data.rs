//! Types: what the compiler knows of their fields, and a hook in their drop.

use super::Mode;
use super::expectations::excuse;
use super::hook::{Hooks, emitted};
use super::sites::Kind;
use crate::attr::{DropOption, Options};
use crate::data::{Data, Field, Form, Variant};
use crate::markers::Marker;
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

/// Emits a type with what belongs to it.
pub(super) fn expand(
    data: &Data,
    options: &Options,
    tokens: TokenStream,
    mode: Mode,
) -> TokenStream {
    let hooks = Hooks::with(options);
    let name = options.name.as_ref().map(syn::LitStr::value);
    let span = emitted(data.ident.span());
    if mode == Mode::Off {
        let implementation = tracked_off(data, &hooks);
        return quote_spanned!(span=> #tokens #implementation);
    }
    let beside = tracked(data, name, &hooks, &options.drop);
    let expect = excuse(&tokens);
    quote_spanned!(span=> #expect #tokens #beside)
}

/// What makes a type a tracked one, beside its definition.
pub(super) fn tracked(
    data: &Data,
    name: Option<String>,
    hooks: &Hooks,
    drop_hook: &DropOption,
) -> TokenStream {
    let span = emitted(data.ident.span());
    let cfgs = conditions(data);
    let is_written = matches!(drop_hook, DropOption::Written);
    let trackable = trackable(data, name, hooks, is_written);
    let content = content(data, hooks, span);
    let drop = match drop_hook {
        DropOption::Written => implementation_of_drop(data, hooks, span),
        DropOption::Off => TokenStream::new(),
        DropOption::Own(word) => own_drop_is_hooked(data, hooks, word),
    };
    quote_spanned! {span=>
        #(#cfgs)*
        const _: () = {
            #trackable
            #content
            #drop
        };
    }
}

/// With hooks off: only what makes the type a tracked one, so that bounds hold.
pub(super) fn tracked_off(data: &Data, hooks: &Hooks) -> TokenStream {
    let span = emitted(data.ident.span());
    let krate = hooks.krate(span);
    let cfgs = conditions(data);
    let header = header(data, &quote_spanned!(span=> #krate::Trackable), span);
    let own_probe = own_probe(data, hooks);
    quote_spanned!(span=> #(#cfgs)* #header { #own_probe })
}

/// What compiles only if the fields that are written as probes are those of the type itself.
fn own_probe(data: &Data, hooks: &Hooks) -> Option<TokenStream> {
    let span = emitted(data.ident.span());
    let probes = data.variants.iter().flat_map(|variant| {
        let probes = variant.fields.iter().filter(|field| field.is_probe());
        probes.map(|probe| {
            let (cfgs, ty) = (probe.all_cfgs(variant), &probe.ty);
            let span = emitted(ty.span());
            let krate = hooks.krate(span);
            quote_spanned! {span=>
                #cfgs #krate::__private::FieldOf::<#ty>::any().stands_in::<Self>();
            }
        })
    });
    let probes: TokenStream = probes.collect();
    (!probes.is_empty()).then(|| quote_spanned!(span=> #[inline] fn has_own_probe() { #probes }))
}

fn conditions(data: &Data) -> Vec<syn::Attribute> {
    crate::bindings::cfgs(&data.attributes)
}

/// `impl .. Trait for Type ..`, with the attributes that keep lints away.
fn header(data: &Data, interface: &TokenStream, span: Span) -> TokenStream {
    let ident = &data.ident;
    let (impl_generics, type_generics, where_clause) = data.generics.split_for_impl();
    // Our naming it is no use of it.
    let allow_deprecated =
        data.is_deprecated().then(|| quote_spanned!(span=> #[allow(deprecated)]));
    quote_spanned! {span=>
        #allow_deprecated
        #[automatically_derived]
        impl #impl_generics #interface for #ident #type_generics #where_clause
    }
}

fn trackable(data: &Data, name: Option<String>, hooks: &Hooks, drop_hook: bool) -> TokenStream {
    let span = emitted(data.ident.span());
    let krate = hooks.krate(span);
    let header = header(data, &quote_spanned!(span=> #krate::Trackable), span);
    let name = name.unwrap_or_else(|| data.ident.unraw().to_string());
    let site = hooks.site(Kind::Type, &name, data.ident.span());
    let described = data.variants.iter().flat_map(|variant| {
        variant.fields.iter().map(|field| describe(data, variant, field, &krate))
    });
    // Where the type has a drop of its own, an attribute on that `impl Drop` puts the hook there.
    let drop_hook = if drop_hook {
        quote_spanned!(span=> true)
    } else {
        quote_spanned!(span=> #krate::__private::own_drop_has_hook::<Self, _>(0))
    };
    let visit = match data.form {
        Form::Struct => visit_struct(data, hooks, span),
        Form::Enum => visit_enum(data, hooks, span),
        // Which of its fields is the one that holds a value, a union does not tell.
        Form::Union => None,
    };
    let own_probe = own_probe(data, hooks);
    let deep = hooks.is_deep().then(|| quote_spanned!(span=> const DEEP: bool = true;));
    quote_spanned! {span=>
        #header {
            const SHAPE: #krate::__private::Shape = #krate::__private::Shape::Fields {
                fields: &[#(#described),*],
                drop_hook: #drop_hook,
            };
            #deep
            #own_probe
            fn site() -> ::core::option::Option<&'static #krate::__private::Site> {
                ::core::option::Option::Some(#site)
            }
            #visit
        }
    }
}

/// What the compiler knows of a field.
fn describe(data: &Data, variant: &Variant, field: &Field, krate: &TokenStream) -> TokenStream {
    let Field { member, ty, .. } = field;
    let span = emitted(field.span());
    let name = field.name();
    let cfgs = field.all_cfgs(variant);
    let shape = quote_spanned!(span=> #krate::__private::shape_of!(#ty));
    let marking = marking(data, field, krate);
    match &variant.ident {
        // The offsets of an enum's fields are not to be had.
        Some(variant) if data.form == Form::Enum => {
            let variant = variant.unraw().to_string();
            quote_spanned! {span=>
                #cfgs #krate::__private::Field::of_variant::<#ty>(#variant, #name, #shape) #marking
            }
        }
        _ => quote_spanned! {span=>
            #cfgs
            #krate::__private::Field::new::<#ty>(
                #name,
                ::core::mem::offset_of!(Self, #member),
                #shape,
            ) #marking
        },
    }
}

/// What a marker makes of the type: the compiler says of the field's type whether it can be sent or shared.
fn marking(data: &Data, field: &Field, krate: &TokenStream) -> Option<TokenStream> {
    let Marker { variance, holds_pointer, is_concrete } = Marker::of(&field.ty, data)?;
    let span = emitted(field.span());
    let ty = &field.ty;
    let variance = variance.iter().map(|(name, variance)| match variance {
        Some(variance) => {
            let variance = format_ident!("{variance:?}", span = span);
            quote_spanned! {span=>
                (#name, ::core::option::Option::Some(#krate::__private::Variance::#variance))
            }
        }
        None => quote_spanned!(span=> (#name, ::core::option::Option::None)),
    });
    Some(quote_spanned! {span=>
        .marking(&#krate::__private::Marker {
            variance: &[#(#variance),*],
            send: #krate::__private::can_be_sent::<#ty, _>(0, #holds_pointer, #is_concrete),
            sync: #krate::__private::can_be_shared::<#ty, _>(0, #holds_pointer, #is_concrete),
        })
    })
}

fn visit_struct(data: &Data, hooks: &Hooks, span: Span) -> Option<TokenStream> {
    let variant = data.variants.first()?;
    let place = |field: &Field| {
        let member = &field.member;
        let span = emitted(field.span());
        quote_spanned!(span=> &self.#member)
    };
    let visits = Visits { data, hooks, span }.of(variant, 0, place)?;
    Some(visit_fields(&hooks.krate(span), &visits, span))
}

fn visit_enum(data: &Data, hooks: &Hooks, span: Span) -> Option<TokenStream> {
    data.fields().next()?;
    let mut before = 0;
    let arms: Vec<TokenStream> = data
        .variants
        .iter()
        .map(|variant| {
            let cfgs = &variant.cfgs;
            let ident = variant.ident.as_ref();
            let bound = |field: &Field| {
                format_ident!("__memscope_field_{}", field.name(), span = emitted(field.span()))
            };
            let patterns = variant.fields.iter().map(|field| {
                let (member, cfgs, bound) = (&field.member, &field.cfgs, bound(field));
                quote_spanned!(span=> #(#cfgs)* #member: #bound)
            });
            let place = |field: &Field| {
                let bound: Ident = bound(field);
                quote_spanned!(span=> #bound)
            };
            let visits = Visits { data, hooks, span }.of(variant, before, place);
            before += variant.fields.len();
            quote_spanned!(span=> #(#cfgs)* Self::#ident { #(#patterns),* } => { #visits })
        })
        .collect();
    let body = quote_spanned!(span=> match self { #(#arms)* });
    Some(visit_fields(&hooks.krate(span), &body, span))
}

fn visit_fields(krate: &TokenStream, body: &TokenStream, span: Span) -> TokenStream {
    quote_spanned! {span=>
        #[inline]
        fn visit_fields(&self, visitor: &mut impl #krate::__private::FieldVisitor) {
            #body
        }
    }
}

/// The statements that show the fields of a variant to a visitor.
struct Visits<'a> {
    data: &'a Data,
    hooks: &'a Hooks,
    span: Span,
}

impl Visits<'_> {
    /// `before` are the fields of the variants before; `place` gives a reference to a field.
    fn of(
        &self,
        variant: &Variant,
        before: usize,
        place: impl Fn(&Field) -> TokenStream,
    ) -> Option<TokenStream> {
        if variant.fields.is_empty() {
            return None;
        }
        let span = self.span;
        // Where fields may be configured out, their numbers are only known when compiled.
        let counted = self.data.variants.iter().any(|variant| {
            !variant.cfgs.is_empty() || variant.fields.iter().any(|field| !field.cfgs.is_empty())
        });
        if !counted {
            return Some(
                variant
                    .fields
                    .iter()
                    .enumerate()
                    .map(|(index, field)| {
                        let index = Literal::usize_unsuffixed(before + index);
                        self.show(field, &place(field), &quote_spanned!(span=> #index))
                    })
                    .collect(),
            );
        }
        let index = quote_spanned!(span=> index);
        let all = self.data.variants.iter();
        let fields = all.flat_map(|own| own.fields.iter().map(move |field| field.all_cfgs(own)));
        let skipped: TokenStream =
            fields.take(before).map(|cfgs| quote_spanned!(span=> #cfgs { #index += 1; })).collect();
        let visits = variant.fields.iter().map(|field| {
            let cfgs = &field.cfgs;
            let shown = self.show(field, &place(field), &index);
            quote_spanned!(span=> #(#cfgs)* { #shown #index += 1; })
        });
        Some(quote_spanned!(span=> let mut #index = 0; #skipped #(#visits)*))
    }

    fn show(&self, field: &Field, place: &TokenStream, index: &TokenStream) -> TokenStream {
        let span = emitted(field.span());
        let krate = self.hooks.krate(span);
        let sight = self.hooks.deep_sight(span);
        quote_spanned!(span=> #krate::__private::FieldVisitor::field(visitor, #index, #place, #sight);)
    }
}

/// What lets containers of such values tell what these own. Of a union's fields nobody knows which it holds.
fn content(data: &Data, hooks: &Hooks, span: Span) -> Option<TokenStream> {
    let krate = hooks.krate(span);
    let header = header(data, &quote_spanned!(span=> #krate::__private::Owns), span);
    let measure = match data.fields().next() {
        Some(_) => quote_spanned!(span=> #krate::Trackable::visit_fields(self, visitor)),
        None => quote_spanned!(span=> let _ = visitor;),
    };
    (data.form != Form::Union).then(|| {
        quote_spanned! {span=>
            #header {
                fn measure(&self, visitor: &mut #krate::__private::Measure) {
                    #measure
                }
            }
        }
    })
}

fn implementation_of_drop(data: &Data, hooks: &Hooks, span: Span) -> TokenStream {
    let krate = hooks.krate(span);
    let header = header(data, &quote_spanned!(span=> ::core::ops::Drop), span);
    quote_spanned! {span=>
        #header {
            #[inline]
            fn drop(&mut self) {
                #krate::__private::drop_hook(self)
            }
        }
    }
}

/// Makes it an error, at the word that says otherwise, if no `impl Drop` of the type has the attribute.
fn own_drop_is_hooked(data: &Data, hooks: &Hooks, word: &Ident) -> TokenStream {
    let span = emitted(word.span());
    let krate = hooks.krate(span);
    let ident = &data.ident;
    let (impl_generics, type_generics, where_clause) = data.generics.split_for_impl();
    quote_spanned! {span=>
        #[allow(dead_code)]
        fn own_drop_is_hooked #impl_generics (of: &#ident #type_generics) #where_clause {
            #krate::__private::is_hooked(of)
        }
    }
}
