//! Statics and thread-locals: what is in them.

use super::expectations::excuse;
use super::hook::{Hooks, emitted};
use super::sites::Kind;
use crate::attr::Options;
use crate::bindings::cfgs;
use crate::model::ThreadLocal;
use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::{Ident, ItemStatic};

/// Emits a static, and beside it what looks into it when the program ends.
pub(super) fn expand_static(
    item: &ItemStatic,
    options: &Options,
    tokens: &TokenStream,
) -> TokenStream {
    let hooks = Hooks::with(options);
    let ident = &item.ident;
    let span = emitted(ident.span());
    let krate = hooks.krate(span);
    let site = hooks.site(Kind::Static, &called(ident, options), ident.span());
    let cfgs = cfgs(&item.attrs);
    let expect = excuse(tokens);
    quote_spanned! {span=>
        #expect #tokens
        #(#cfgs)*
        #[allow(deprecated)]
        const _: () = {
            fn look(contents: #krate::__private::Contents) {
                #krate::__private::follow(&#ident, contents, 0)
            }
            #krate::__private::inventory::submit! {
                #krate::__private::StaticRef::new(#site, look)
            }
        };
    }
}

/// Emits thread-locals that record the value of each thread.
pub(super) fn expand_thread_locals(all: &[ThreadLocal], options: &Options) -> TokenStream {
    let hooks = Hooks::with(options);
    all.iter().map(|one| thread_local(one, options, &hooks)).collect()
}

fn thread_local(one: &ThreadLocal, options: &Options, hooks: &Hooks) -> TokenStream {
    let ThreadLocal { attributes, visibility, ident, ty, init } = one;
    let span = emitted(ident.span());
    let krate = hooks.krate(span);
    let site = hooks.site(Kind::ThreadLocal, &called(ident, options), ident.span());
    quote_spanned! {span=>
        #(#attributes)*
        #visibility static #ident: #krate::__private::ThreadLocal<#ty> = {
            #krate::__private::thread_local! {
                #[allow(non_upper_case_globals)]
                static __memscope_first: ::core::cell::Cell<::core::option::Option<#ty>> =
                    const { ::core::cell::Cell::new(::core::option::Option::None) };
                #[allow(non_upper_case_globals)]
                static __memscope_value: #krate::__private::Held<#ty> =
                    #krate::__private::Held::<#ty>::make(#site, &__memscope_first, || #init, 0, 0);
            }
            #krate::__private::ThreadLocal::new(&__memscope_value, &__memscope_first)
        };
    }
}

fn called(ident: &Ident, options: &Options) -> String {
    match &options.name {
        Some(name) => name.value(),
        None => ident.unraw().to_string(),
    }
}
