//! Edition 2021, hooks on.

#[test]
fn accepted() {
    trybuild::TestCases::new().pass("../pass/*.rs");
}

/// With the texts that they are refused with in edition 2024: `fail` is a link.
#[test]
fn refused() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("fail/options/*.rs");
    cases.compile_fail("fail/variables/*.rs");
}
