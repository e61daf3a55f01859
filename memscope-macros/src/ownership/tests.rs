//! What is proved of variables, and what is not.

use super::*;
use crate::bindings::Bindings;
use quote::ToTokens;
use syn::parse::Parser;
use syn::visit_mut::VisitMut;
use syn::{ItemFn, Stmt};

/// What is proved of the variable `v`, which the body's first statement declares, and whether that is `mut`.
///
/// Statements are numbered from 0 in the order in which they begin.
fn of(declared: &str, rest: &str) -> (Option<Escape>, Vec<usize>, Option<usize>) {
    let function: ItemFn =
        syn::parse_str(&format!("fn f(a: A, tx: T) -> R {{ let {declared} = g(); {rest} }}"))
            .unwrap();
    let Some(Stmt::Local(local)) = function.block.stmts.first() else { unreachable!() };
    let binding = &Bindings::of(&local.pat, &[]).values[0];
    let ending = Ownership::of(&function.sig, &function.block).of_variable(binding, 0);
    let moves = ending.moves.into_iter().map(|(statement, _)| statement).collect();
    (ending.escape, moves, ending.kept.map(|(statement, _)| statement))
}

fn escape(rest: &str) -> Option<Escape> {
    of("v", rest).0
}

fn moves(rest: &str) -> Vec<usize> {
    of("v", rest).1
}

fn kept(rest: &str) -> Option<usize> {
    of("v", rest).2
}

#[test]
fn what_is_only_borrowed_is_dropped() {
    for rest in [
        "",
        "h(&v, &mut v.x, &v[0]);",
        "v[a] = 1; v += 2; *v = 3; v.x = 4; v == w && v < w",
        "if c { return h(&v) } h(|| &v)",
        "let w = &v; println!(\"{}\", w.f()); h(v[0].f())",
        "fn inner() { v } h()",
    ] {
        assert_eq!(escape(rest), Some(Escape::Dropped), "{rest}");
    }
}

#[test]
fn where_else_it_may_go() {
    for (rest, expected) in [
        ("if c { return v } else { &v }; v", Escape::Returned),
        ("match c { A => v, B => { h(); v } }", Escape::Returned),
        ("spawn(move || h(&v))", Escape::Captured),
        ("async move { v.len() + h(&v) }", Escape::Captured),
        ("h(v)", Escape::Passed),
        ("let w = v; w", Escape::Passed),
        ("S { v }", Escape::Passed),
        ("if c { return v } h(v)", Escape::Passed),
        ("for a in v {}", Escape::Passed),
        ("|| { return v }; h(v)", Escape::Passed),
    ] {
        let escape = escape(rest);
        // A closure that does not say `move` may take it or not.
        let expected = (!rest.starts_with('|') && !rest.contains(".len()")).then_some(expected);
        assert_eq!(escape, expected, "{rest}");
    }
}

#[test]
fn what_syntax_does_not_show_is_unknown() {
    for rest in [
        "v.f()",
        "v.x",
        "let w = v.x;",
        "let _ = v;",
        "let (a, b) = v;",
        "match v { A(a) => a }",
        "v()",
        "*v",
        "other!()",
        "println!(\"{v}\")",
        "assert!(v)",
        "macro_rules! m { () => { v } }",
        "v = w;",
        "(v, w) = w;",
        "let v = h(&v);",
        "h(|v| &v);",
        "S { ..v }",
        "|| v",
    ] {
        assert_eq!(escape(rest), None, "{rest}");
    }
}

#[test]
fn statements_that_move_it_first() {
    for (rest, at) in [
        ("h(); v", vec![2]),
        ("h(v)?; i()", vec![1]),
        ("let w = Some(v);", vec![1]),
        ("S { x: 1, y: &a, v }", vec![1]),
        ("tx.send((1, v)).await", vec![1]),
        ("self.all.push(v)", vec![1]),
        ("if c { return Ok(v); } h(v)", vec![2, 3]),
        ("loop { if c { break v } }", vec![3]),
        ("for x in v {}", vec![1]),
        ("a.x = v + 1;", vec![1]),
        ("spawn(1, move || v.f());", vec![1]),
        ("spawn(async move { h(v) });", vec![1]),
        ("if h(v) { i() }", vec![1]),
        ("match h(v) { A => i() }", vec![1]),
        ("let v = h(v); v", vec![1]),
        ("h(a.f(), 1 + 2, v)", vec![1]),
    ] {
        assert_eq!(moves(rest), at, "{rest}");
    }
}

#[test]
fn statements_that_may_be_left_before_they_move_it() {
    for rest in [
        "h(i()?, v)",
        "h(i().await, v)",
        "h(return, v)",
        "h(if c { 1 } else { 2 }, v)",
        "h(m!(), v)",
        "c && h(v)",
        "let w = if c { 1 } else { i(1) } + v;",
        "match c { A => h(v) }",
        "|| h(v)",
        "move |v| h(v)",
        "move || v.x.f()",
        "move || m!(v)",
        "|| { v }",
        "h(#[cfg(c)] v)",
        "let _ = v;",
        "_ = v;",
        "v.f()",
        "vec![v]",
        "const { v }",
    ] {
        assert_eq!(moves(rest), [], "{rest}");
    }
}

#[test]
fn a_mark_does_not_look_at_what_may_be_borrowed_for_change() {
    for (rest, at) in [
        ("v.f(); h(v)", vec![2]),
        ("h(1, &a, w, v)", vec![1]),
        ("h(a.f(), v)", vec![1]),
        ("tx.send(v)", vec![1]),
        // Each of these variables may hold a reference to `v`, that is not used any more when `v` is moved.
        ("let r = &mut v; h(r.f(), v)", vec![]),
        ("let r = &mut v; h(*r, v)", vec![]),
        ("let r = &mut v; h(r.x, v)", vec![]),
        ("let r = || v.f(); h(r(), v)", vec![]),
        ("let r = &mut v; r.f(v)", vec![]),
        ("let r = &mut v; h(r == 1, v)", vec![]),
    ] {
        assert_eq!(of("mut v", rest).1, at, "{rest}");
        assert!(!moves(rest).is_empty(), "a variable that is not `mut` is not borrowed so: {rest}");
    }
}

#[test]
fn it_stays_behind_the_last_statement_that_proves_it() {
    for (rest, at) in [
        ("v.f(); h(&v); i();", Some(2)),
        ("v.f(); if h(&v) { i() } h(&v);", Some(2)),
        ("h(v.f()); let w = a == v; h(w);", Some(2)),
        ("other!(); h(&v);", Some(2)),
        ("loop { v.f(); } { h() }; h(&v); h(&v.x);", Some(5)),
        // From the beginning.
        ("h(&v);", None),
        // The last word is another's.
        ("h(&v); v.f();", None),
        ("h(&v); println!(\"{v:?}\");", None),
        ("h(&v); other!();", None),
        ("v.f(); h(&v, v.f());", None),
        // Not always, or not as a whole.
        ("v.f(); if c { h(&v) } else { i() };", None),
        ("v.f(); c && h(&v);", None),
        ("v.f(); h(|| &v);", None),
        ("v.f(); h(&v.x);", None),
        ("v.f(); h(&*v);", None),
        ("v.f(); #[cfg(c)] h(&v);", None),
        // A mark behind it would be behind the block's value.
        ("v.f(); h(&v)", None),
        // What is unsafe may change it unseen.
        ("v.f(); h(&v); unsafe { i() }", None),
        ("v.f(); h(&v); let v = 1;", None),
    ] {
        assert_eq!(kept(rest), at, "{rest}");
    }
}

#[test]
fn a_variable_that_is_given_another_value_is_not_followed() {
    for rest in ["h(v); v = i(); h(&v);", "v.f(); v = i(); h(&v); h(v)", "h(v); (v, a) = i();"] {
        assert_eq!(of("mut v", rest), (None, vec![], None), "{rest}");
    }
    assert_eq!(of("mut v", "other!(); h(v)"), (None, vec![], None), "the macro may do that");
}

#[test]
fn a_variable_of_a_closure_is_not_captured_by_it() {
    let function: ItemFn =
        syn::parse_str("fn f() { let c = move || { let v = g(); v.f(); h(&v); v }; }").unwrap();
    let ownership = Ownership::of(&function.sig, &function.block);
    let v: syn::Pat = Parser::parse_str(syn::Pat::parse_single, "v").unwrap();
    let ending = ownership.of_variable(&Bindings::of(&v, &[]).values[0], 1);
    assert_eq!(ending.moves.len(), 1);
    assert_eq!(ending.moves[0].0, 4);
}

/// Statements are numbered as where hooks are put in: see `expand::function`.
#[test]
fn statements_are_numbered_in_the_order_of_the_syntax_tree() {
    struct Numbers(Vec<String>);
    impl VisitMut for Numbers {
        fn visit_block_mut(&mut self, block: &mut Block) {
            for statement in &mut block.stmts {
                self.0.push(statement.to_token_stream().to_string());
                self.visit_stmt_mut(statement);
            }
        }
        fn visit_expr_repeat_mut(&mut self, repeat: &mut syn::ExprRepeat) {
            self.visit_expr_mut(&mut repeat.expr);
        }
        fn visit_expr_const_mut(&mut self, _: &mut syn::ExprConst) {}
        fn visit_type_mut(&mut self, _: &mut syn::Type) {}
        fn visit_pat_mut(&mut self, _: &mut syn::Pat) {}
        fn visit_angle_bracketed_generic_arguments_mut(
            &mut self,
            _: &mut syn::AngleBracketedGenericArguments,
        ) {
        }
        fn visit_item_mut(&mut self, _: &mut syn::Item) {}
        fn visit_attribute_mut(&mut self, _: &mut syn::Attribute) {}
    }
    let mut function: ItemFn = syn::parse_str(
        "fn f() {
            z[{ n1; n2; n3 }] = { n4; n5 };
            x.f({ n6 }).g(|_: [u8; { 0 }]| { n7 }, move || async { n8 });
            let Some(y) = ({ n9 }, [{ n10 }; { 0 }]) else { return { n11 } };
            match { n12 } { A if { 0 } => { n13 } B => { n14 } }
            if let Some(x) = { n15 } && { n16 } { n17 } else if { n18 } { n19 } else { n20 }
            for x in { n21 } { n22 }
            while { n23 } { n24 }
            'a: loop { break 'a { n25 } }
            S { a: { n26 }, ..{ n27 } };
            h::<{ 0 }>({ n28 }).await?;
            unsafe { n29 }; const { 0 };
            fn inner() { 0 }
            z[{ n30 }] += { n31 };
            ({ n32 }, { n33 }) = { n34 };
            &mut { n35 }; -{ n36 } as u8; z = { n37 }..{ n38 };
            { n39 }
        }",
    )
    .unwrap();
    let ownership = Ownership::of(&function.sig, &function.block);
    let mut numbers = Numbers(Vec::new());
    numbers.visit_block_mut(&mut function.block);
    assert_eq!(ownership.statements.len(), numbers.0.len());
    for number in 1..=39 {
        let name = format!("n{number}");
        let statement = numbers.0.iter().position(|one| one.trim_end_matches(" ;") == name);
        let uses = &ownership.uses[&name];
        assert_eq!(statement, Some(uses[0].statement), "{name}");
    }
}
