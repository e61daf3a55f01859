//! Edition 2024, hooks on.

#[test]
fn accepted() {
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    cases.pass("pass/edition_2024/*.rs");
}

#[test]
fn refused() {
    trybuild::TestCases::new().compile_fail("fail/*/*.rs");
}
