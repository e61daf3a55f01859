//! What is run on bytes that someone made up: the bodies of the fuzz targets, so that `fuzz/` and the replay of its corpus
//! under `cargo test` are the same. Not for others; there only with the feature `fuzz`.
//!
//! Each says by a panic that a promise was broken. Bytes that are refused are fine.

mod captures;
mod events;
mod parts;
mod repair;
mod seeds;

pub use seeds::seeds;

/// A target: what its folder of the corpus is called, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 14] = [
    ("header", parts::header),
    ("frame", parts::frame),
    ("column", parts::column),
    ("codec", parts::codec),
    ("records", parts::records),
    ("raw", events::raw),
    ("slots", events::slots),
    ("reader", captures::reader),
    ("repaired", captures::repaired),
    ("recover", captures::recover),
    ("rings", captures::rings),
    ("import", captures::import),
    ("incoming", captures::incoming),
    ("append", captures::append),
];

/// Runs the target with this name.
///
/// # Panics
///
/// If a promise is broken, or there is no such target.
pub fn run(name: &str, data: &[u8]) {
    match TARGETS.iter().find(|(known, _)| *known == name) {
        Some((_, target)) => target(data),
        None => panic!("there is no target {name}"),
    }
}
