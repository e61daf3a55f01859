//! Edition 2021, hooks on.

#[test]
fn accepted() {
    trybuild::TestCases::new().pass("../pass/*.rs");
}
