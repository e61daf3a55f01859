//! What the example programs share.
//!
//! * [`census`]: a count of the values of a type, kept by the programs themselves. It owes nothing to memscope, so
//!   that what a capture says can be checked against it.
//! * [`byte_size`]: amounts of memory on the command line and in output.
#![forbid(unsafe_code)]

pub mod byte_size;
pub mod census;

/// Compiles and runs the README's program.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
