//! What memscope's macros accept, and how they explain what they do not accept.
//!
//! The programs in `pass/` must compile and run to their end; those in `fail/` must not compile, with the very
//! words in the `.stderr` beside them. `pass/` also runs in edition 2021 (`edition-2021/`), and both also with
//! hooks off (`off/`). To write the words anew after a change: `TRYBUILD=overwrite cargo test -p memscope-ui-tests`.
