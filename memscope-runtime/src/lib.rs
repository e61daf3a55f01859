//! memscope: lifecycle and drop hooks for Rust values, recorded into a `.memscope` capture.
//!
//! Annotate a type or a function with [`track`], or one variable with [`track_var!`], and build with the
//! feature `on`. The program then writes one capture file, which `memscope summary` reads: which variable and
//! type holds the memory, how containers grew, what drops cost and set off.
//!
//! ```
//! use memscope::Probe;
//!
//! #[memscope::track]
//! struct Session {
//!     user: String,
//!     pages: Vec<u32>,
//!     probe: Probe<Self>, // identity: births, clones and drops of every Session
//! }
//!
//! #[memscope::track]
//! fn load(user: &str) -> Session {
//!     let pages: Vec<u32> = (0..10).collect();
//!     Session { user: user.to_owned(), pages, probe: Probe::new() }
//! }
//!
//! memscope::track_var!(let mut inbox = Vec::new());
//! inbox.push(load("ada"));
//! memscope::snapshot!(inbox);
//! # assert_eq!((inbox[0].user.as_str(), inbox[0].pages.len()), ("ada", 10));
//! # let _ = &inbox[0].probe;
//! ```
//!
//! # Switching it on
//!
//! Without the feature `on` every macro emits its input unchanged and [`Probe`] takes no space: the program is
//! the one you would have had without memscope. With it, recording starts at the first event. The environment
//! decides the rest:
//!
//! | variable | meaning |
//! |---|---|
//! | `MEMSCOPE=off` | record nothing |
//! | `MEMSCOPE_DIR` | the directory for captures; by default `memscope` in the cargo target directory that the program lies in, else the current directory |
//! | `MEMSCOPE_RING_KIB` | size of a thread's ring, 64 to 65536, by default 1024 |
//!
//! The library never prints, except one line on stderr when it could not record. It never stops the program:
//! what could not be recorded is counted, and the capture says how much.
#![cfg_attr(not(feature = "on"), forbid(unsafe_code))]

#[cfg(not(feature = "on"))]
mod off;
#[cfg(feature = "on")]
mod on;

#[cfg(not(feature = "on"))]
use off as mode;
#[cfg(feature = "on")]
use on as mode;

mod probe_traits;

pub use memscope_macros::track;
pub use mode::{Probe, Trackable, capture_path, flush};

#[doc(hidden)]
pub mod __private {
    //! What the macros' output names. Not for users: it changes without notice.
    #[cfg(feature = "on")]
    pub use crate::mode::private::*;
    pub use memscope_macros::track_var;
}

/// Declares a variable and tracks it from its birth to the end of its scope, whatever its type.
///
/// Takes what a function's body could have in its place: one `let` with an initialiser, with or without `mut`, a type,
/// attributes, an `else` block or a semicolon. The pattern declares one variable.
///
/// ```
/// fn first(text: &str) -> Option<String> {
///     memscope::track_var!(let mut words: Vec<&str> = text.split(' ').collect());
///     words.sort_unstable();
///     memscope::track_var!(let Some(word) = words.first() else { return None });
///     memscope::track_var!(let length = word.len()); // nothing to drop, and recorded all the same
///     (length > 0).then(|| word.to_string())
/// }
///
/// assert_eq!(first("b a").as_deref(), Some("a"));
/// ```
///
/// Records the same as [`track`](macro@track) on a function does for each of its variables, as a site of the variable's
/// name. It declares the variable in the scope that it stands in, and stands in a statement's place only. Without the
/// feature `on` it is the declaration.
///
/// Refused are a `let` without initialiser, existing variables, several variables, and an initialiser that keeps a
/// temporary alive, such as `&make()`: the temporary is dropped together with the variable, and would be counted in.
#[macro_export]
macro_rules! track_var {
    ($($declaration:tt)*) => { $crate::__private::track_var! { $crate; $($declaration)* } };
}
