//! Random functions do the same with the attribute as without, in edition 2024.
//!
//! `cargo xtask differential` tries others, as `MEMSCOPE_SEED="n m"` does. The seed is in the name of the program that fails, and in what it says.

use memscope_ui_tests::programs;

#[test]
fn the_attribute_changes_nothing_that_a_function_does() {
    let cases = trybuild::TestCases::new();
    for program in programs(&[1, 3], env!("CARGO_TARGET_TMPDIR").as_ref()) {
        cases.pass(program);
    }
}
