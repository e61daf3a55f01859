//! Random functions do the same with the attribute as without, in edition 2024.
//!
//! `MEMSCOPE_SEED=n` tries others.

use memscope_ui_tests::{Seed, program};

#[test]
fn the_attribute_changes_nothing_that_a_function_does() {
    let seed = std::env::var("MEMSCOPE_SEED").map_or(1, |seed| seed.parse().unwrap());
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("random_{seed}.rs"));
    std::fs::write(&path, program(Seed(seed), 60)).unwrap();
    trybuild::TestCases::new().pass(path);
}
