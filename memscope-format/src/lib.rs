//! The `.memscope` capture format.
//!
//! A capture is a file of *frames*: typed chunks of event rows stored as columns, and the definition
//! tables that name what the rows refer to. This crate writes captures, reads them, recovers those whose
//! writer died, validates them and (feature `report`) computes what they say. `SPEC.md` beside this crate
//! is the normative text.
//!
//! It starts no thread, prints nothing and holds no unsafe code.
#![forbid(unsafe_code)]

pub mod defs;
pub mod raw;
pub mod rows;
