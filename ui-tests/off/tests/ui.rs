//! Edition 2024, hooks off.

#[test]
fn accepted() {
    let cases = trybuild::TestCases::new();
    cases.pass("../pass/*.rs");
    cases.pass("../pass/edition_2024/*.rs");
    cases.pass("pass/*.rs");
}
