//! Structs.

use super::*;

#[test]
fn fields_generics_and_probe() {
    insta::assert_snapshot!(tracked(
        "",
        "/// Docs.
             #[derive(Debug)]
             pub struct Session<'a, T: Clone + 'a = String, const N: usize = 4>
             where
                 T: Send,
             {
                 pub r#type: Vec<T>,
                 marker: PhantomData<&'a [T; N]>,
                 probe: Probe<Self>,
             }"
    ));
}

#[test]
fn tuple_struct_named_by_hand() {
    insta::assert_snapshot!(tracked(
        r#"name = "Id", drop = off, crate = crate::ms"#,
        "struct Id<T>(u64, PhantomData<T>) where T: Copy;"
    ));
}

#[test]
fn unit_struct() {
    insta::assert_snapshot!(tracked("", "struct Unit;"));
}

#[test]
fn conditional_fields_are_counted_when_compiled() {
    insta::assert_snapshot!(tracked("", "struct S { #[cfg(unix)] a: A, #[deprecated] b: B }"));
}
