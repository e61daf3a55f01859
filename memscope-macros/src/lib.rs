//! The macros of memscope. Use them through memscope-runtime, which re-exports [`macro@track`] and wraps
//! [`track_var!`](macro@track_var); the code that they emit names that crate and the language's own `core`, nothing else.
//!
//! What they do not do: they do not wrap a body in a closure or a block, do not print a body anew, never emit
//! `unsafe`, and emit the item even when they report an error.
//!
//! The way through the crate: `attr` reads the options and `model` the item, `check` finds what must not be,
//! `errors` gathers what is wrong from all three, and `expand` emits.

mod attr;
mod check;
mod errors;
mod expand;
mod model;
mod nearest;
#[cfg(test)]
mod tests;

use attr::Options;
use errors::Errors;
use expand::{Declaration, Mode};
use model::Subject;
use proc_macro2::TokenStream;

/// Tracks the variables of a function, or the values of a struct.
///
/// On a function or method: every by-value argument and every variable that a `let` declares, from birth to the
/// end of its scope. On a struct: its layout, and each drop of a value with the states of its containers.
///
/// Options: `name = "..."` is what sites are called instead of the item's name; `crate = path` is where memscope is,
/// if not at `::memscope`; `drop = off`, on a struct, leaves out the `Drop` implementation.
#[proc_macro_attribute]
pub fn track(
    options: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    track_item(options.into(), item.into(), Mode::BUILT).into()
}

/// Tracks one variable. Called by the macro of the same name in memscope-runtime, which puts the path to itself
/// and a semicolon before what the user wrote.
#[doc(hidden)]
#[proc_macro]
pub fn track_var(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    track_variable(input.into(), Mode::BUILT).into()
}

fn track_item(options: TokenStream, tokens: TokenStream, mode: Mode) -> TokenStream {
    let mut errors = Errors::new();
    let options = Options::read(options, &mut errors);
    // Options that are wrong are left out; they do not keep the item from being expanded.
    let mut emitted = match Subject::read(&tokens, &mut errors) {
        Some(subject) if check::suits(&subject, &options, &mut errors) => {
            expand::item(&subject, &options, tokens, mode)
        }
        _ => tokens,
    };
    emitted.extend(errors.to_compile_errors());
    emitted
}

fn track_variable(input: TokenStream, mode: Mode) -> TokenStream {
    let mut errors = Errors::new();
    let declaration = Declaration::read(input, &mut errors);
    let mut emitted = expand::variable(declaration, mode);
    emitted.extend(errors.to_compile_errors());
    emitted
}
