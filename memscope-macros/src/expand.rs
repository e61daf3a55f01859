//! What is emitted: the user's tokens with hooks put in, or, with hooks off, the user's tokens.

mod constructors;
mod data;
mod expectations;
mod function;
mod future;
mod graft;
mod header;
mod hook;
mod inert;
mod members;
mod returns;
mod sites;
mod statics;
mod taken;
mod variable;

use crate::attr::Options;
use crate::check::conditions_of_parameters;
use crate::model::Subject;
use function::Hooking;
pub(crate) use graft::regrouped;
pub(crate) use inert::{is_inert_argument, is_inert_declaration};
use proc_macro2::TokenStream;
pub(crate) use variable::Declaration;

/// Whether hooks are emitted: the crate's feature `on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Hooks are emitted.
    On,
    /// The input is emitted unchanged.
    Off,
}

impl Mode {
    /// What this crate was built for.
    pub(crate) const BUILT: Self = if cfg!(feature = "on") { Self::On } else { Self::Off };
}

/// Emits an annotated item. `tokens` are those that `subject` was read from.
pub(crate) fn item(
    subject: Subject,
    options: &Options,
    tokens: TokenStream,
    mode: Mode,
) -> TokenStream {
    if options.skip_item.is_some() {
        return tokens;
    }
    let hooking = || Hooking::new(options, mode);
    match subject {
        Subject::Function(function) => hooking().expand_function(function, tokens),
        Subject::Type(data) => data::expand(&data, options, tokens, mode),
        Subject::Implementation(item) => hooking().expand_implementation(item, tokens),
        Subject::Trait(item) => hooking().expand_trait(item, tokens),
        Subject::Module(item) => hooking().expand_module(item, tokens),
        Subject::Static(_) | Subject::ThreadLocals(_) if mode == Mode::Off => tokens,
        Subject::Static(item) => statics::expand_static(&item, options, &tokens),
        Subject::ThreadLocals(all) => statics::expand_thread_locals(&all, options),
    }
}

/// Emits an item that something is wrong with, so that nothing but that is reported.
pub(crate) fn refused(subject: &Subject, options: &Options, tokens: TokenStream) -> TokenStream {
    match subject {
        // A `Probe` among the fields wants a tracked type.
        Subject::Type(data) if conditions_of_parameters(data).is_empty() => {
            data::expand(data, options, tokens, Mode::Off)
        }
        _ => tokens,
    }
}

/// Emits the declaration of a tracked variable.
pub(crate) fn variable(declaration: Declaration, mode: Mode) -> TokenStream {
    declaration.expand(mode)
}
