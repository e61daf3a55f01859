//! What is emitted: snapshots of formatted expansions, and properties of the tokens themselves.

use super::*;
use quote::quote;

/// The expansion of an annotated item, formatted.
fn tracked(options: &str, item: &str) -> String {
    formatted(track_item(options.parse().unwrap(), item.parse().unwrap(), Mode::On))
}

/// The expansion of `track_var!` in a function, formatted.
fn tracked_variable(declaration: &str) -> String {
    let declaration: TokenStream = declaration.parse().unwrap();
    let statements = track_variable(quote!(::memscope; #declaration), Mode::On);
    formatted(quote!(fn f() { #statements }))
}

fn formatted(tokens: TokenStream) -> String {
    let text = tokens.to_string();
    match syn::parse2(tokens) {
        Ok(file) => with_one_file(&prettyplease::unparse(&file)),
        Err(error) => panic!("not a file of Rust: {error}\n{text}"),
    }
}

/// Parsed strings are numbered by how many were parsed before, which is nothing to compare.
fn with_one_file(text: &str) -> String {
    let mut parts = text.split("\"<parsed string ");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, rest) = part.split_once(">\"").unwrap();
        whole += "\"src/lib.rs\"";
        whole += rest;
    }
    whole
}

/// Whether of a function nothing but its calls is recorded.
fn hooks_no_value(item: &str) -> bool {
    let emitted = tracked("", item);
    !emitted.contains("Slot") && !emitted.contains("scoped")
}

/// The messages of the errors in emitted code.
fn errors(emitted: &TokenStream) -> Vec<String> {
    let file: syn::File = syn::parse2(emitted.clone()).unwrap();
    let message = |item: &syn::Item| match item {
        syn::Item::Macro(item) if item.mac.path.segments.last()?.ident == "compile_error" => {
            Some(item.mac.parse_body::<syn::LitStr>().unwrap().value())
        }
        _ => None,
    };
    file.items.iter().filter_map(message).collect()
}

mod functions {
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
            [
                tracked("", "fn by_value(self) {}"),
                tracked("", "fn by_box(mut self: Box<Self>) {}"),
            ].join("\n")
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
}

mod structs {
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
}

mod enums_and_unions {
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
}

mod containers_of_items {
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
}

#[test]
fn statics_and_thread_locals() {
    let thread_locals = r#"thread_local! {
        /// Docs.
        #[cfg(unix)] pub(crate) static A: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        static B: Cell<u8> = f()
    }"#;
    let expansions = [
        tracked(
            r#"name = "names", tags("io")"#,
            "#[cfg(unix)] pub static NAMES: Mutex<Vec<String>> = f();",
        ),
        tracked("", thread_locals),
    ];
    insta::assert_snapshot!(expansions.join("\n"));
    for item in [thread_locals, "static S: u8 = 1;"] {
        let item: TokenStream = item.parse().unwrap();
        let emitted = track_item(TokenStream::new(), item.clone(), Mode::Off);
        assert_eq!(emitted.to_string(), item.to_string());
        assert_eq!(tracked("skip", &item.to_string()), formatted(item));
    }
}

mod options {
    use super::*;

    #[test]
    fn choose_variables_and_arguments() {
        let item = "fn f(a: String, b: String) { let c = g(); let (d, r#e) = g(); }";
        let chosen = |options: &str| {
            let expansion = tracked(options, item);
            let sites = expansion.split("\"f::").skip(1);
            sites.filter_map(|rest| rest.chars().next()).collect::<String>()
        };
        assert_eq!(chosen(""), "abcde");
        assert_eq!(chosen("skip(a, e)"), "bcd");
        assert_eq!(chosen("vars = none"), "ab");
        assert_eq!(chosen("args = none"), "cde");
        assert_eq!(chosen("vars(d), args(b)"), "bd");
        assert_eq!(chosen("vars = all, args = all"), "abcde");
        assert_eq!(chosen("vars = none, args = none"), "");
        assert_eq!(chosen("skip"), "");
    }

    #[test]
    fn contents_are_looked_at_where_that_is_asked_for() {
        let deep = "::memscope::__private::Deep(0, 0, 0)";
        let function = "fn f(a: String) -> Vec<u8> { let b = g(); let (c, d) = g(); b }";
        assert_eq!(tracked("ret", function).matches(deep).count(), 0);
        // The guard of what is returned, the call that is shown it, and four values.
        assert_eq!(tracked("ret, deep", function).matches(deep).count(), 6);
        assert_eq!(tracked("deep", &format!("impl S {{ {function} }}")).matches(deep).count(), 4);
        for declaration in ["let v = f()", "v", "own v = f()", "own f()"] {
            let expansion = tracked_variable(&format!("#[track(deep)] {declaration}"));
            assert_eq!(expansion.matches(deep).count(), 1, "{expansion}");
        }
        let of_type = "const DEEP: bool = true;";
        assert!(tracked("deep", "struct S { a: A }").contains(of_type));
        assert!(tracked("deep", "mod m { enum E { A(B) } }").contains(of_type));
        assert!(!tracked("", "struct S { a: A }").contains("DEEP"));
        let off = track_item(quote!(deep), function.parse().unwrap(), Mode::Off).to_string();
        assert_eq!(off, function.parse::<TokenStream>().unwrap().to_string());
        assert!(!tracked("", "union U { a: A }").contains("Owns"), "it does not tell");
    }

    #[test]
    fn wrong_ones_are_reported_all_at_once() {
        let wrong = |options: &str, item: &str| {
            errors(&track_item(options.parse().unwrap(), item.parse().unwrap(), Mode::On))
                .join("\n")
        };
        let function = "fn f(path: &str, raw: String) { let text = g(); }";
        let told = [
            wrong("vars(txet, raw), args(path, x), skip(y), skip(text)", function),
            wrong("skip, name = \"x\"", function),
            wrong("vars(text), skip(text)", function),
            wrong("vars = some, args(), tags(), tags(io), skip(1)", function),
            wrong("vars(a), skip(b), args(c), drop = off", "impl S {}"),
            wrong("name = \"x\", drop = off", "mod m {}"),
            wrong("vars = none, args = all, skip(a)", "struct S;"),
            wrong("deep = all, deep", function),
            wrong("deep(text)", "struct S { a: A }"),
            wrong("deep, vars = none, args = none", function),
            wrong("deep", "enum E { A, B }"),
            wrong("deep", "union U { a: u8 }"),
        ];
        insta::assert_snapshot!(told.join("\n\n"));
    }
}

mod variables {
    use super::*;

    #[test]
    fn forms() {
        let forms = [
            "let v = Vec::new()",
            "let mut v: Vec<u8> = Vec::new();",
            "#[cfg(unix)] let Some(v) = f() else { return };",
            "let n = 3",
            "let (a, b) = f()",
            "let a = &f(); let b = 2",
            "a, mut b",
            "own mut v: Vec<T> = f()",
            "own v = f();",
            "own f(1)",
            "#[track(name = \"cache\", tags(\"io\"))] let v = f()",
        ];
        insta::assert_snapshot!(forms.map(tracked_variable).join("\n"));
    }

    #[test]
    fn off_is_the_declaration() {
        let emitted = track_variable(quote!(::memscope; let mut v: T = f()), Mode::Off);
        assert_eq!(emitted.to_string(), quote!(let mut v: T = f();).to_string());
        let off =
            |input: TokenStream| track_variable(quote!(::memscope; #input), Mode::Off).to_string();
        let emitted = off(quote!(#[track(tags("io"))] let a = 1; let b = 2));
        assert_eq!(emitted, quote!(let a = 1; let b = 2;).to_string());
        assert_eq!(off(quote!(a, b)), quote!(let _ = &a; let _ = &b;).to_string());
        let owned =
            quote!(let mut v: ::memscope::Tracked<T> = ::memscope::__private::tracked(f()););
        assert_eq!(off(quote!(own mut v: T = f())), owned.to_string());
    }
}

#[test]
fn off_emits_the_item_unchanged() {
    let function = quote!(
        #[inline]
        fn f(a: String) {
            let v = g();
        }
    );
    let emitted = track_item(TokenStream::new(), function.clone(), Mode::Off);
    assert_eq!(emitted.to_string(), function.to_string());

    let structure = quote!(
        struct S<T: Copy>(T)
        where
            T: Send;
    );
    let emitted = track_item(TokenStream::new(), structure, Mode::Off);
    insta::assert_snapshot!(formatted(emitted));
}

#[test]
fn all_errors_at_once_and_the_item_beside_them() {
    let item = quote!(
        struct S {
            a: A,
        }
    );
    let options = "nmae = \"x\", drop = of, crate = \"x\", skip, name = \"S\", name = \"T\", 7";
    for mode in [Mode::On, Mode::Off] {
        let emitted = track_item(options.parse().unwrap(), item.clone(), mode);
        insta::allow_duplicates! {
            insta::assert_snapshot!(errors(&emitted).join("\n"));
        }
        assert!(emitted.to_string().starts_with(&item.to_string()));
    }
}

#[test]
fn what_cannot_be_tracked_is_emitted_beside_the_error() {
    for item in [
        "mod m;",
        "static mut S: u8 = 1;",
        "thread_local! { fn f() {} }",
        "const C: u8 = 1;",
        "use a::b;",
        "type A = B;",
        "extern crate a;",
        "extern \"C\" { fn f(); }",
        "macro_rules! m { () => {}; }",
        "const fn f() { let v = g(); }",
        "#[unsafe(naked)] fn f() { let v = g(); }",
        "#[repr(C, packed(2))] struct P(u8, u16);",
        "#[cfg_attr(unix, repr(packed))] struct P(u8, u16);",
        "#[derive(Clone, ::core::marker::Copy)] struct C(u8);",
        "struct D { a: u8, tail: [u8] }",
        "struct D<T>(T) where T: ?Sized;",
        "struct S { probe: Probe<Self>, a: u8 }",
        "enum E { A(u8), B(memscope::Probe<Self>, u8) }",
        "#[derive(Copy)] enum E { A }",
        "#[inline] #[memscope::track(skip)] fn f() {}",
        "#[cfg_attr(unix, memscope::track)] impl S {}",
    ] {
        for mode in [Mode::On, Mode::Off] {
            let tokens: TokenStream = item.parse().unwrap();
            let emitted = track_item(TokenStream::new(), tokens.clone(), mode);
            assert_eq!(errors(&emitted).len(), 1, "{item}");
            assert!(emitted.to_string().starts_with(&tokens.to_string()), "{emitted}");
        }
    }
}

/// Finds paths that a user's own names could get in the way of.
struct Relative(Vec<String>);

impl<'ast> syn::visit::Visit<'ast> for Relative {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.0.push(quote!(#path).to_string());
        }
        syn::visit::visit_path(self, path);
    }
}

#[test]
fn emitted_code_relies_on_no_name_in_scope() {
    for (item, own) in [
        (
            quote!(
                struct S<T>(V<T>, P<Self>);
            ),
            &["S", "T", "V", "P", "visitor"][..],
        ),
        (
            quote!(
                fn f(a: A) {
                    let v = g();
                    let w = h() else { return };
                }
            ),
            &["A", "g", "h", "a", "v", "w"],
        ),
    ] {
        let emitted = track_item(TokenStream::new(), item, Mode::On);
        assert!(!emitted.to_string().contains("unsafe"), "{emitted}");
        let mut relative = Relative(Vec::new());
        syn::visit::visit_file(&mut relative, &syn::parse2(emitted).unwrap());
        for path in relative.0 {
            let own = own.iter().any(|own| path.starts_with(own));
            let language =
                ["self", "Self", "inline", "automatically_derived", "__memscope_", "__MEMSCOPE_"];
            assert!(own || language.iter().any(|word| path.starts_with(word)), "{path}");
        }
    }
}
