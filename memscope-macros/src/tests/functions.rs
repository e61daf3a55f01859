//! Functions and what is in their bodies.

use super::*;

#[test]
fn arguments_and_variables() {
    insta::assert_snapshot!(tracked(
        "",
        "pub(crate) fn load(id: u64, mut raw: Vec<u8>, path: &str) -> String {
                 let text = decode(raw)?;
                 let n = 3;
                 text
             }"
    ));
}

#[test]
fn every_depth() {
    insta::assert_snapshot!(tracked(
        "",
        "async fn deep() {
                 let outer = 'outer: loop {
                     if ready { let a = f(); break 'outer a }
                     match x { Some(_) => { let b = f(); } _ => { let c = f(); } }
                 };
                 let closure = move |x| { let d = f(x); d };
                 let future = async { let e = f().await; e };
                 unsafe { let g = f(); }
             }"
    ));
}

#[test]
fn futures() {
    insta::assert_snapshot!(
        [
            tracked("", "async fn plain(mut a: A, (b, _): (B, C), d: &str) -> Result<impl Tr, E> { let e = f(); g(a).await }"),
            tracked("", "fn block(a: A) -> impl Future<Output = T> + Send { let b = f(); async move { let c = f(); c } }"),
            tracked("", "fn boxed(&self) -> Pin<Box<dyn Future<Output = T> + '_>> { Box::pin(async { self.f() }) }"),
            tracked("", "async fn never() -> ! { loop { f() } }"),
        ].join("\n")
    );
}

#[test]
fn return_values() {
    insta::assert_snapshot!(
        [
            tracked("ret", "fn seen(c: bool) -> Vec<T> { if c { return f(|| { return 1 }); } match g() { Some(a) => a, _ => return h() } }"),
            tracked("ret", "fn not_seen(c: bool) -> io::Result<T> { let a = f()?; Ok(a) }"),
            tracked("ret", "fn inferred() -> impl Tr { |x| x }"),
            tracked("ret, vars = none", "async fn later() -> Vec<T> { f().await }"),
            tracked("ret", "impl S { fn new() -> Self { vec![1].into() } fn unit(&self) {} fn never() -> ! { f() } }"),
        ].join("\n")
    );
}

#[test]
fn patterns() {
    insta::assert_snapshot!(tracked(
        "",
        "fn patterns((left, right): Pair) {
                 let (a, ref b, _) = f();
                 let (c, d): (C, D) = f();
                 let Some(e) = f() else { return };
                 let (Ok(h) | Err(h)) = f();
                 let Point { x, y: Some(z), .. } = f() else { return };
                 let [first, .., None, last @ Last(_)] = f() else { return };
                 let ref whole = f();
                 let late;
                 let _ = f();
             }"
    ));
}

#[test]
fn methods() {
    insta::assert_snapshot!(
        [tracked("", "fn by_value(self) {}"), tracked("", "fn by_box(mut self: Box<Self>) {}"),]
            .join("\n")
    );
    assert!(hooks_no_value("fn by_reference(&self) {}"));
    assert!(hooks_no_value("fn by_mutable_reference(self: &mut Self) {}"));
}

#[test]
fn options_name_the_sites_and_the_crate() {
    insta::assert_snapshot!(tracked(
        r#"name = "loader", crate = crate::vendored::memscope"#,
        "fn r#type() { let r#match = f(); }"
    ));
}

#[test]
fn conditions_are_copied() {
    insta::assert_snapshot!(tracked(
        "",
        r#"fn conditional(#[cfg(unix)] a: String, #[allow(unused)] b: String) {
                 #[cfg(windows)]
                 #[rustfmt::skip]
                 let c = f();
                 let Both { #[cfg(test)] d, e } = f();
                 #[cfg_attr(unix, cfg(feature = "x"))]
                 let g = f();
                 #[cfg_attr(unix, allow(unused))]
                 let h = f();
             }"#
    ));
}

#[test]
fn where_the_compiler_runs_the_code_nothing_is_put() {
    for item in [
        "fn f() { const { let a = f(); }; }",
        "fn f() { [0; { let a = f(); a }]; }",
        "fn f(x: [u8; { let a = f(); a }]) { g::<{ let a = f(); a }>() }",
        "fn f() { const A: u8 = { let a = f(); a }; const fn inner() { let b = f(); } }",
    ] {
        assert!(hooks_no_value(item), "{item}");
    }
}

#[test]
fn what_syntax_shows_to_have_no_drop_gets_no_hook() {
    for item in [
        "fn f(a: &str, b: *const T, c: fn(T) -> T, d: [u8; 4], e: (bool, &T), g: ()) {}",
        "fn f() { let a = 1; let b = \"x\"; let c = &g(); let d: &T = g(); let e = (-1.5); }",
        "fn f() { let a = todo!(); let b = return; loop { let c = break; } }",
    ] {
        assert!(hooks_no_value(item), "{item}");
    }
}

#[test]
fn a_temporary_that_lives_as_long_as_the_variable_is_not_counted_into_its_drop() {
    for (init, enclosed) in [
        ("Holder { a: &f(), b }", false),
        ("(&f(), b)", false),
        ("if c { [&f()] } else { d }", false),
        ("Some(&f())", false),
        ("pin!(f())", false),
        ("Holder { a: &Unit, b }", false),
        ("Holder { a: &module::_CONSTANT.0, b }", false),
        ("hold!(b)", false),
        ("own::hold!(b)", false),
        ("hold!(b).c()", true),
        ("vec![b]", true),
        ("std::format!(\"{b}\")", true),
        ("Holder { a: &a, b: &b.c[0] }", true),
        ("f(&g())", true),
        ("[f(), g()]", true),
    ] {
        let expansion = tracked("", &format!("fn f() {{ let v = {init}; }}"));
        assert_eq!(expansion.contains("Slot::new"), enclosed, "{expansion}");
        assert_eq!(expansion.contains("scoped("), !enclosed, "{expansion}");
    }
}

#[test]
fn expected_lints_may_not_come_true() {
    let expansion = tracked("", "fn f() { #[expect(unused_variables)] let v = g(); }");
    assert!(expansion.starts_with("#[allow(unfulfilled_lint_expectations)]"), "{expansion}");
    let expansion = tracked("", "fn f() { let v = expect([expect]); }");
    assert!(!expansion.contains("allow"), "{expansion}");
}

/// The headers of an expansion's functions, each in one line up to the body's brace, with the `#[track_caller]` before it.
fn headers(item: &str) -> Vec<String> {
    let expansion = tracked("", item);
    let (mut headers, mut header) = (Vec::new(), Vec::new());
    for line in expansion.lines().map(str::trim) {
        if line == "#[track_caller]" || line.contains("fn ") || !header.is_empty() {
            header.push(line);
        }
        if line.ends_with('{') && !header.is_empty() {
            headers.push(std::mem::take(&mut header).join(" "));
        }
    }
    headers
}

#[test]
fn an_async_function_becomes_one_that_is_called() {
    assert_eq!(
        headers(
            "/// Says.
             #[inline] pub(crate) async unsafe fn f<'a, F: Fn(A) -> B>(a: &'a F) -> fn(u8) -> &'a u8 where F: Tr { g().await }"
        ),
        [
            "#[track_caller] pub(crate) unsafe fn f<'a, F: Fn(A) -> B>( a: &'a F, ) -> impl ::core::future::Future<Output = fn(u8) -> &'a u8> where F: Tr, {",
        ]
    );
    assert_eq!(
        headers("impl S { pub async fn m(&self) {} async fn n() -> impl Tr {} fn o() {} }"),
        [
            "#[track_caller] pub fn m(&self) -> impl ::core::future::Future<Output = ()> {",
            "#[track_caller] fn n() -> impl ::core::future::Future<Output = impl Tr> {",
            "fn o() {",
        ]
    );
    assert_eq!(
        headers("fn outer() { async fn inner() {} }"),
        [
            "fn outer() {",
            "#[track_caller] fn inner() -> impl ::core::future::Future<Output = ()> {"
        ]
    );
}

#[test]
fn attributes_under_a_condition_are_looked_at() {
    let header = "#[track_caller] fn f() -> impl ::core::future::Future<Output = ()> {";
    for attributes in [
        "#[cfg_attr(docsrs, doc(cfg(x)))]",
        "#[cfg_attr(x, cold, cfg_attr(y, clippy::msrv = \"1\"))]",
    ] {
        assert_eq!(headers(&format!("{attributes} async fn f() {{}}")), [header]);
    }
}

#[test]
fn attributes_in_the_braces_of_an_async_function_stay_first() {
    for item in [
        "async fn f() { #![allow(unused)] #![cfg_attr(x, cold)] g().await }",
        "impl S { async fn f() { #![allow(unused)] #![cfg_attr(x, cold)] g().await } }",
        "trait T { async fn f() { #![allow(unused)] #![cfg_attr(x, cold)] g().await } }",
        "#[must_use] async fn f() { #![allow(unused)] #![cfg_attr(x, cold)] g().await }",
        // Printed again, for the comma that is left out.
        "async fn f() { #![allow(unused)] #![cfg_attr(x, cold)] match g().await { A => {} B => {} } }",
    ] {
        let expansion = tracked("", item);
        let lines: Vec<&str> = expansion.lines().map(str::trim).collect();
        let header = lines.iter().position(|line| line.contains("fn f(")).unwrap();
        assert_eq!(
            lines[header + 1..][..2],
            ["#![allow(unused)]", "#![cfg_attr(x, cold)]"],
            "{expansion}"
        );
        assert_eq!(expansion.matches("#!").count(), 2, "{expansion}");
        assert!(expansion.contains("polled::<"), "{expansion}");
    }
}

#[test]
fn attributes_in_the_braces_of_async_blocks_stay_there() {
    for (item, hooks) in [
        (
            "fn f() -> impl Future<Output = ()> { async { #![allow(unused)] let x = g(); } }",
            "polled",
        ),
        ("fn f() { h(async move { #![allow(unused)] #![a] let x = g(); }) }", "Slot"),
        ("impl S { fn f() -> BoxFuture<()> { async { #![allow(unused)] x }.boxed() } }", "polled"),
        ("async fn f() { match async { #![allow(unused)] }.await { () => {} x => {} } }", "polled"),
    ] {
        let tokens: TokenStream = item.parse().unwrap();
        let off = track_item(TokenStream::new(), tokens.clone(), Mode::Off).to_string();
        assert_eq!(off, tokens.to_string());
        let on = track_item(TokenStream::new(), tokens, Mode::On).to_string();
        let plain = on.replace(' ', "");
        let first = ["async{#![allow(unused)]", "asyncmove{#![allow(unused)]"];
        assert!(first.iter().any(|first| plain.contains(first)), "{on}");
        assert!(on.contains(hooks) && !on.contains("compile_error"), "{on}");
    }
}

#[test]
fn an_async_function_stays_one_where_others_look_at_it() {
    for (item, header) in [
        ("#[tokio::main] async fn main() {}", "async fn main() {"),
        ("#[must_use] async fn f() {}", "async fn f() {"),
        ("#[cfg_attr(x, must_use)] async fn f() {}", "async fn f() {"),
        ("#[cfg_attr(x, cold, cfg_attr(y, tokio::main))] async fn f() {}", "async fn f() {"),
        ("async extern \"Rust\" fn f() {}", "async extern \"Rust\" fn f() {"),
        ("async fn f() -> ! { g().await }", "async fn f() -> ! {"),
        ("trait T { async fn f() {} }", "async fn f() {"),
        ("#[async_trait] impl T for S { async fn f() {} }", "async fn f() {"),
    ] {
        assert_eq!(headers(item), [header]);
    }
}
