//! Edition 2024, hooks off.

#[test]
fn accepted() {
    let cases = trybuild::TestCases::new();
    cases.pass("../pass/*.rs");
    cases.pass("../pass/edition_2024/*.rs");
    cases.pass("pass/*.rs");
}

/// With the texts that they are refused with where hooks are on: `fail` is a link. Left out are the cases that hooks are refused
/// in, not options or items.
#[test]
fn refused() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("fail/options/*.rs");
    cases.compile_fail("fail/items/[!d]*.rs");
    cases.compile_fail("fail/mistakes/[!ln]*.rs");
    cases.compile_fail("fail/mistakes/no_item.rs");
    cases.compile_fail("fail/variables/[!io]*.rs");
    cases.compile_fail("fail/variables/incomplete.rs");
    cases.compile_fail("fail/variables/options.rs");
    cases.compile_fail("fail/variables/own_nothing.rs");
}
