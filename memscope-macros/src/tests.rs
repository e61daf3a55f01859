//! What is emitted: snapshots of formatted expansions, and properties of the tokens themselves.

mod containers_of_items;
mod enums_and_unions;
mod functions;
mod structs;

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
            let sites = expansion.split("\\tf::").skip(1);
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
fn off_emits_the_item_unchanged_with_every_option() {
    let of_functions = r#"name = "x", skip(a), vars(b), args = none, ret, tags("io"), deep, sample = 1/3, crate = crate::m"#;
    let of_items = r#"name = "x", vars = all, args = none, ret, tags("io"), deep, sample = 0.01, crate = crate::m"#;
    let of_types = r#"name = "x", tags("io"), deep, sample = 0.5, drop = own, crate = crate::m"#;
    for (options, item, stays_alone) in [
        (of_functions, "fn f(a: A) -> Vec<u8> { let b = g(); b }", true),
        (of_functions, "async fn f(a: A) -> Vec<u8> { let b = g().await; b }", true),
        (of_functions, "fn f(a: A) -> impl Future<Output = T> { let b = g(); async { b } }", true),
        (of_items, "impl S { fn new(a: A) -> Self { let b = g(); Self { b } } }", true),
        (of_items, "trait T { fn f(a: A) -> Vec<u8> { let b = g(); b } }", true),
        (r#"tags("io"), crate = crate::m"#, "impl Drop for S { fn drop(&mut self) {} }", true),
        (r#"name = "x", tags("io")"#, "static S: Mutex<Vec<u8>> = f();", true),
        (r#"name = "x", tags("io")"#, "thread_local! { static S: Cell<u8> = f(); }", true),
        // What makes it a tracked type is beside it.
        (of_types, "struct S { a: A, probe: Probe<Self> }", false),
        (of_types, "enum E { A(B), C }", false),
    ] {
        let item: TokenStream = item.parse().unwrap();
        let emitted = track_item(options.parse().unwrap(), item.clone(), Mode::Off).to_string();
        assert!(!emitted.contains("compile_error"), "{emitted}");
        let beside = emitted.strip_prefix(&item.to_string()).unwrap();
        assert_eq!(beside.is_empty(), stays_alone, "{beside}");
        // What says that the probe is the type's own runs nowhere.
        let functions = beside.matches("fn ").count();
        assert_eq!(functions, beside.matches("fn has_own_probe").count(), "{beside}");
    }
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
        // An attribute that the lint of a crate that forbids unsafe code does not look at in what macros of others emit.
        let version = env!("CARGO_PKG_VERSION").replace('.', "_");
        let section = format!("unsafe (link_section = \"memscope_sites_{version}\")");
        assert!(!emitted.to_string().replace(&section, "").contains("unsafe"), "{emitted}");
        let mut relative = Relative(Vec::new());
        syn::visit::visit_file(&mut relative, &syn::parse2(emitted).unwrap());
        for path in relative.0 {
            let own = own.iter().any(|own| path.starts_with(own));
            let built_in = ["self", "Self", "inline", "automatically_derived", "cfg"];
            let language = [&built_in[..], &["__memscope_", "__MEMSCOPE_"]].concat();
            assert!(own || language.iter().any(|word| path.starts_with(word)), "{path}");
        }
    }
}
