//! Impl blocks, traits and modules: everything inside, as if each item had the attribute, but no drop hook is
//! added to any type.
//!
//! An item inside that has the attribute itself is left to it; what cannot be tracked stays as it is.

use super::Mode;
use super::data::{tracked, tracked_off};
use super::function::Hooking;
use super::header::{Header, are_inert};
use super::hook::emitted;
use crate::attr::DropOption;
use crate::bindings::cfgs;
use crate::check::can_be_looked_into;
use crate::data::Data;
use crate::model::{can_have_hooks, decides_itself, implements_drop, type_name};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, Block, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl, ItemMod, ItemTrait, Signature,
    Stmt, TraitItem,
};

/// Whether the type of an `impl Drop` is known to be tracked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DropHook {
    /// The attribute stands on this very block: the type must be.
    Asked,
    /// The compiler finds out.
    IfTracked,
}

impl Hooking<'_> {
    pub(super) fn expand_implementation(
        mut self,
        mut item: ItemImpl,
        tokens: TokenStream,
    ) -> TokenStream {
        if self.mode == Mode::Off {
            return tokens;
        }
        let name = self.options.name.as_ref().map(syn::LitStr::value);
        let beside = self.implementation(&mut item, name, DropHook::Asked);
        let mut emitted = self.put_into(tokens, item.into_token_stream());
        emitted.extend(beside);
        emitted
    }

    pub(super) fn expand_trait(mut self, mut item: ItemTrait, tokens: TokenStream) -> TokenStream {
        if self.mode == Mode::Off {
            return tokens;
        }
        let name = self.options.name.as_ref().map(syn::LitStr::value);
        self.definition(&mut item, name);
        self.put_into(tokens, item.into_token_stream())
    }

    pub(super) fn expand_module(mut self, mut item: ItemMod, tokens: TokenStream) -> TokenStream {
        self.module(&mut item);
        self.put_into(tokens, item.into_token_stream())
    }

    /// Tracks what stands in an item within a body; gives what belongs beside it.
    pub(super) fn item_in_body(&mut self, item: &mut Item) -> TokenStream {
        self.item(item, false)
    }

    fn item(&mut self, item: &mut Item, types_too: bool) -> TokenStream {
        if attributes(item).is_none_or(decides_itself) {
            return TokenStream::new();
        }
        match item {
            Item::Fn(function) => {
                let ItemFn { attrs, vis, sig, block, .. } = function;
                self.method(attrs, vis, sig, block, &[]);
            }
            Item::Impl(item) => return self.implementation(item, None, DropHook::IfTracked),
            Item::Trait(item) => self.definition(item, None),
            Item::Mod(item) => self.module(item),
            item if types_too => return self.definition_of_type(item),
            _ => {}
        }
        TokenStream::new()
    }

    fn implementation(
        &mut self,
        item: &mut ItemImpl,
        name: Option<String>,
        hook: DropHook,
    ) -> TokenStream {
        if self.mode == Mode::Off {
            return TokenStream::new();
        }
        let drops = implements_drop(item);
        let outer = self.own_type.replace(type_name(&item.self_ty));
        let may_rewrite = self.may_rewrite && are_inert(&item.attrs);
        let may_rewrite_outside = std::mem::replace(&mut self.may_rewrite, may_rewrite);
        self.hooks.enter(name.unwrap_or_else(|| type_name(&item.self_ty)));
        for member in &mut item.items {
            if let ImplItem::Fn(function) = member {
                let first: Vec<Stmt> =
                    drops.then(|| self.drop_hook(function, hook)).flatten().into_iter().collect();
                let ImplItemFn { attrs, vis, modifiers, sig, block, .. } = function;
                let defaultness = &modifiers.defaultness;
                self.method(attrs, &quote!(#vis #defaultness), sig, block, &first);
            }
        }
        self.hooks.leave();
        self.may_rewrite = may_rewrite_outside;
        self.own_type = outer;
        if drops { self.marked_as_hooked(item) } else { TokenStream::new() }
    }

    /// The statement at the beginning of a type's own drop.
    fn drop_hook(&mut self, drop: &ImplItemFn, hook: DropHook) -> Option<Stmt> {
        let receiver = drop.sig.receiver()?.self_token;
        let span = emitted(drop.sig.ident.span());
        let krate = self.hooks.krate(span);
        let statement = match hook {
            DropHook::Asked => quote_spanned!(span=> #krate::__private::drop_hook(#receiver);),
            DropHook::IfTracked => {
                quote_spanned!(span=> #krate::__private::drop_hook_if_tracked(#receiver, 0);)
            }
        };
        Some(self.grafts.mark(statement))
    }

    /// Says of the type that its own drop has a hook.
    fn marked_as_hooked(&self, item: &ItemImpl) -> TokenStream {
        let span = emitted(item.self_ty.span());
        let krate = self.hooks.krate(span);
        let cfgs = cfgs(&item.attrs);
        let (generics, _, where_clause) = item.generics.split_for_impl();
        let self_ty = &item.self_ty;
        quote_spanned! {span=>
            #(#cfgs)*
            #[automatically_derived]
            impl #generics #krate::__private::DropHasHook for #self_ty #where_clause {}
        }
    }

    fn definition(&mut self, item: &mut ItemTrait, name: Option<String>) {
        self.hooks.enter(name.unwrap_or_else(|| item.ident.unraw().to_string()));
        // That an async function of a trait is one is what lints are about.
        let may_rewrite_outside = std::mem::replace(&mut self.may_rewrite, false);
        for member in &mut item.items {
            if let TraitItem::Fn(function) = member
                && let Some(body) = &mut function.default
            {
                self.method(&function.attrs, &TokenStream::new(), &mut function.sig, body, &[]);
            }
        }
        self.hooks.leave();
        self.may_rewrite = may_rewrite_outside;
    }

    fn method(
        &mut self,
        attributes: &[Attribute],
        qualifiers: &impl ToTokens,
        signature: &mut Signature,
        body: &mut Block,
        first: &[Stmt],
    ) {
        if self.mode == Mode::On && !decides_itself(attributes) {
            if can_have_hooks(attributes, signature) {
                let header = Header::of(attributes, qualifiers, signature);
                self.body(signature.ident.unraw().to_string(), signature, body, header);
            }
            body.stmts.splice(0..0, first.iter().cloned());
        }
    }

    fn module(&mut self, item: &mut ItemMod) {
        let Some((_, items)) = &mut item.content else { return };
        for mut item in std::mem::take(items) {
            let beside = self.item(&mut item, true);
            items.push(item);
            if !beside.is_empty() {
                items.push(self.grafts.mark_item(beside));
            }
        }
    }

    fn definition_of_type(&self, item: &Item) -> TokenStream {
        match Data::of(item) {
            Some(data) if !can_be_looked_into(&data) => TokenStream::new(),
            Some(data) if self.mode == Mode::Off => tracked_off(&data, &self.hooks),
            Some(data) => tracked(&data, None, &self.hooks, &DropOption::Off),
            None => TokenStream::new(),
        }
    }
}

/// The attributes of an item that can be tracked or hold such items.
fn attributes(item: &Item) -> Option<&[Attribute]> {
    Some(match item {
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        _ => return None,
    })
}
