//! Impl blocks, traits and modules: what is in them.

use super::*;

#[test]
fn impl_blocks() {
    insta::assert_snapshot!(tracked(
        r#"tags("io")"#,
        "impl<T> Store for Shop<'_, T> where T: Copy {
                 type Item = T;
                 const N: usize = { let a = f(); 3 };
                 fn open(self, path: &str) -> Self { let file = g(); file }
                 #[memscope::track(skip)]
                 fn left_out() { let v = g(); }
                 const fn by_the_compiler() { let v = g(); }
                 m! {}
             }"
    ));
}

#[test]
fn constructors() {
    let made = |function: &str| {
        let expansion =
            tracked("vars = none, args = none", &format!("impl<T> S<T> {{ {function} }}"));
        expansion.matches("__private::constructed(").count()
    };
    for (function, literals) in [
        ("fn a() -> Self { Self { a: f() } }", 1),
        ("fn a() -> S<T> { S(f()) }", 1),
        ("fn a() -> Result<Self, E> { if c { return Err(f()); } g()?; Ok(Self { a }) }", 1),
        ("fn a() -> Arc<Mutex<Self>> { Arc::new(Mutex::new(Self::Variant(1))) }", 1),
        ("fn a() -> (Self, S<u8>, [Option<Self>; 1]) { (Self {}, S {}, [Some(S())]) }", 3),
        ("fn a() -> Self { let mut one = Self { a }; one.f(); one }", 1),
        ("fn a() -> Option<Self> { let one = Self { a }; one.f().then_some(one) }", 1),
        (
            "fn a() -> Self { match f() { 0 => return Self::A { a }, 1 => Self::B(1), _ => Self::f(1) } }",
            2,
        ),
        ("async fn a() -> Self { Self { a: f().await } }", 1),
        // Handed on, or made elsewhere.
        ("fn a(self) -> Self { self }", 0),
        ("fn a() -> Self { Self::new() }", 0),
        ("fn a() -> Self { Self::MAKE(1) }", 0),
        ("fn a() -> &'static Self { &Self { a: 1 } }", 0),
        ("fn a() -> u8 { Self { a }.b() }", 0),
        ("fn a() -> impl Iterator<Item = Self> { f().map(|a| Self { a }) }", 0),
        ("const fn a() -> Self { Self { a: 1 } }", 0),
        ("fn a() -> Self { let one = Self { a: &f() }; one }", 0),
    ] {
        assert_eq!(made(function), literals, "{function}");
    }
}

#[test]
fn the_drop_of_a_type_itself() {
    let item = "impl<T: Copy> Drop for S<T> where T: X { fn drop(&mut self) { let v = f(); } }";
    insta::assert_snapshot!(tracked("", item));
    insta::assert_snapshot!(tracked("", &format!("mod m {{ {item} }}")));
}

#[test]
fn traits() {
    insta::assert_snapshot!(tracked(
        r#"name = "Shape""#,
        "trait T { fn required(&self, a: String); fn provided(a: String) { let v = f(); } }"
    ));
}

#[test]
fn modules() {
    let item = "pub mod m {
                 #![allow(unused)]
                 use a::b;
                 #[cfg(unix)] struct S { a: A }
                 #[repr(packed)] struct P { a: A }
                 #[memscope::track] struct Own { a: A }
                 #[cfg_attr(unix, memscope::track(skip))] fn g() { let v = f(); }
                 fn f() { let v = f(); fn inner() { let w = f(); } struct Local(A); }
                 mod deeper { impl super::S { fn f(self) {} } }
                 mod elsewhere;
             }";
    insta::assert_snapshot!(tracked("", item));
    let off = track_item(TokenStream::new(), item.parse().unwrap(), Mode::Off);
    insta::assert_snapshot!(formatted(off));
}
