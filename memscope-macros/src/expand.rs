//! What is emitted: the user's tokens with hooks put in, or, with hooks off, the user's tokens.

mod bindings;
mod expectations;
mod function;
mod graft;
mod hook;
mod inert;
mod structure;
mod variable;

use crate::attr::Options;
use crate::model::Subject;
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
    subject: &Subject,
    options: &Options,
    tokens: TokenStream,
    mode: Mode,
) -> TokenStream {
    match (subject, mode) {
        (Subject::Function(function), Mode::On) => function::expand(function, options, tokens),
        (Subject::Function(_), Mode::Off) => tokens,
        (Subject::Structure(structure), Mode::On) => structure::expand(structure, options, tokens),
        (Subject::Structure(structure), Mode::Off) => {
            structure::expand_off(structure, options, tokens)
        }
    }
}

/// Emits the declaration of a tracked variable.
pub(crate) fn variable(declaration: Declaration, mode: Mode) -> TokenStream {
    match mode {
        Mode::On => declaration.expand(),
        Mode::Off => declaration.into_tokens(),
    }
}
