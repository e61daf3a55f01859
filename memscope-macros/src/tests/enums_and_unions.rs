//! Enums and unions.

use super::*;

#[test]
fn variants_of_every_form() {
    insta::assert_snapshot!(tracked(
        "",
        "enum E<T> { Unit, Tuple(A, T), Named { r#type: B, probe: Probe<Self> } }"
    ));
}

#[test]
fn conditional_variants_are_counted_when_compiled() {
    insta::assert_snapshot!(tracked(
        "drop = off",
        "#[cfg(unix)] enum E { #[cfg(a)] A(X), B(#[cfg(b)] Y, Z) }"
    ));
}

#[test]
fn without_fields_nothing_is_visited() {
    for item in ["enum E {}", "enum E { A = 1, B }", "union U { a: u8 }"] {
        let expansion = tracked("drop = off", item);
        assert!(!expansion.contains("visit_fields"), "{expansion}");
    }
}
