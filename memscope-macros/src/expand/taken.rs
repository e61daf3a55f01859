//! The arguments of an async function on their way into the future that its body is made into.
//!
//! The compiler moves every argument into an async function's body, in order, and only there takes apart those whose pattern is
//! more than a name. So what a pattern does not bind lives as long as the argument, and is dropped between its neighbours. With
//! a future around the body the same is to happen within that one.

use super::graft::Grafts;
use super::hook::emitted;
use crate::bindings::{Binding, Bindings, cfgs};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Pat, PatType, Receiver, ReceiverKind, Signature};

/// How a body takes the arguments.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// What stands before the body's future.
    pub(super) outside: TokenStream,
    /// What stands first in it.
    pub(super) first: TokenStream,
}

impl Taken {
    /// Takes all arguments of a function, those whose pattern is more than a name under another one.
    pub(super) fn of(signature: &mut Signature, grafts: &mut Grafts) -> Self {
        let mut taken = Self::default();
        for (number, argument) in signature.inputs.iter_mut().enumerate() {
            match argument {
                FnArg::Receiver(receiver) => taken.receiver(receiver),
                FnArg::Typed(argument) => match name(argument) {
                    Some(binding) => taken.name(&binding),
                    None => taken.pattern(argument, number, grafts),
                },
            }
        }
        taken
    }

    /// `self` cannot be bound anew. What the future has taken is dropped after what is bound in it, and `self`, which comes first,
    /// is the last argument to be dropped; but it must be taken as a whole.
    fn receiver(&mut self, receiver: &Receiver) {
        if !matches!(receiver.kind, ReceiverKind::Reference(..)) {
            let (this, cfgs) = (receiver.self_token, cfgs(&receiver.attrs));
            let span = emitted(this.span());
            self.first.extend(quote_spanned!(span=> #(#cfgs)* let _ = &#this;));
        }
    }

    fn name(&mut self, binding: &Binding) {
        let span = emitted(binding.ident.span());
        if binding.mutability.is_some() {
            self.outside.extend(use_as_mutable(binding, span));
        }
        let Binding { ident, cfgs, mutability } = binding;
        self.first.extend(quote_spanned!(span=> #(#cfgs)* let #mutability #ident = #ident;));
    }

    fn pattern(&mut self, argument: &mut PatType, number: usize, grafts: &mut Grafts) {
        let span = emitted(argument.pat.span());
        let whole = format_ident!("__memscope_arg_{number}", span = span);
        let (attributes, pattern) = (std::mem::take(&mut argument.attrs), &argument.pat);
        let cfgs = cfgs(&attributes);
        self.first.extend(match **pattern {
            Pat::Wild(_) => quote_spanned!(span=> #(#attributes)* let #whole = #whole;),
            // First as a whole: a pattern takes only what it binds. As mutable, for a `ref mut`.
            _ => quote_spanned! {span=>
                #(#cfgs)* let mut #whole = #whole;
                #(#cfgs)* let _ = &mut #whole;
                #(#attributes)* let #pattern = #whole;
            },
        });
        let written = quote!(#(#attributes)* #pattern);
        let renamed = quote_spanned!(span=> #(#cfgs)* #whole);
        *argument.pat = Pat::Verbatim(grafts.mark_instead(written, renamed));
    }
}

/// The variable that an argument is, if its pattern is just that. What lints are told of it must stand where it is bound.
fn name(argument: &PatType) -> Option<Binding> {
    let has_lints = cfgs(&argument.attrs).len() < argument.attrs.len();
    match &*argument.pat {
        Pat::Ident(pattern) if pattern.subpat.is_none() && !has_lints => {
            Bindings::of(&argument.pat, &argument.attrs).values.pop()
        }
        _ => None,
    }
}

/// Uses an argument as what it is declared as: that it is not changed before it is moved is nothing to warn of.
fn use_as_mutable(binding: &Binding, span: Span) -> TokenStream {
    let Binding { ident, cfgs, .. } = binding;
    quote_spanned!(span=> #(#cfgs)* let _ = &mut #ident;)
}
