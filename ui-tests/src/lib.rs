//! The tests are trybuild cases under `pass/` and `fail/`, and programs that are made up here.
#![forbid(unsafe_code)]

mod programs;

pub use programs::programs;
