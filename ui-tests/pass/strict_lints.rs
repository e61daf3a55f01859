//! A crate that denies everything stays clean, and one that forbids `unsafe` can be annotated.
#![forbid(
    unsafe_code,
    unused_must_use,
    unused_mut,
    unused_imports,
    unused_variables,
    unused_assignments,
    unreachable_code,
    dead_code,
    non_snake_case,
    deprecated
)]
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unreachable_pub,
    unused,
    unused_extern_crates,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    absolute_paths_not_starting_with_crate,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    keyword_idents,
    let_underscore,
    macro_use_extern_crate,
    meta_variable_misuse,
    non_ascii_idents,
    rust_2018_idioms,
    rust_2021_compatibility,
    rust_2024_compatibility,
    tail_expr_drop_order,
    if_let_rescope,
    variant_size_differences
)]

use memscope::Probe;
use std::collections::BTreeMap;

/// A page.
#[memscope::track]
#[derive(Debug, Clone, Default)]
struct Page {
    text: String,
    words: BTreeMap<String, Vec<u32>>,
    _private: Vec<u8>,
    probe: Probe<Self>,
}

#[memscope::track]
fn read(text: String, _unused: Vec<u8>, (left, _right): (String, String)) -> Option<Page> {
    let _guard = std::sync::Mutex::new(3);
    let mut page = Page::default();
    page.text = text + &left;
    let (word, _rest) = page.text.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()))?;
    let positions = vec![0];
    drop(page.words.insert(word, positions));
    if page.text.is_empty() {
        return None;
    }
    Some(page)
}

/// Diverges, in a function whose last statement is a declaration.
#[memscope::track]
fn diverges(code: Box<u8>) -> u8 {
    let chosen = loop {
        if *code > 1 {
            break code;
        }
        std::process::exit(1)
    };
    return *chosen;
}

fn main() {
    let page = read("a b".to_owned(), Vec::new(), (String::new(), String::new()));
    assert!(page.is_some_and(|page| page.words.len() == 1 && format!("{:?}", page.probe) != ""));
    assert_eq!(diverges(Box::new(2)), 2);
    memscope::track_var!(let mut inbox: Vec<u8> = Vec::new());
    inbox.push(1);
    assert_eq!(inbox, [1]);
}
