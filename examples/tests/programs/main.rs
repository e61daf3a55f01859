//! The example programs as whole processes: what they print, what their captures hold, what they are built to.
#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod agreement;
mod build;
mod cargo_test;
mod crash;
mod recorded;
mod strip;
mod text_identity;
