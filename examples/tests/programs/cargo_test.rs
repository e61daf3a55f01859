//! `cargo test --features memscope/on` records, with nothing else to set up.

use crate::build::{cargo, scratch, succeed, workspace_root, write_if_different};
use crate::recorded::{captures_in, recorded, types};
use memscope_format::Reader;
use memscope_format::defs::SiteKind;
use memscope_format::rows::{Lifecycle, LifecycleKind};
use std::collections::{BTreeSet, HashMap};
use std::fs;

const MANIFEST: &str = r#"
[package]
name = "shop"
version = "0.1.0"
edition = "2024"

[dependencies]
memscope = { package = "memscope-runtime", path = "@runtime@" }

[workspace]
"#;

const LIBRARY: &str = r#"
#[memscope::track]
pub struct Basket {
    pub items: Vec<String>,
    _probe: memscope::Probe<Self>,
}

impl Basket {
    pub fn of(count: usize) -> Self {
        let items = (0..count).map(|n| n.to_string()).collect();
        Self { items, _probe: memscope::Probe::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::Basket;

    #[test]
    fn an_empty_basket() {
        assert!(Basket::of(0).items.is_empty());
    }

    #[test]
    fn a_full_basket() {
        assert_eq!(Basket::of(3).items.len(), 3);
    }
}
"#;

const INTEGRATION: &str = r#"
#[test]
fn several_baskets() {
    let baskets: Vec<_> = (0..10).map(shop::Basket::of).collect();
    assert_eq!(baskets.len(), 10);
}
"#;

/// No value of the annotated type lives in it.
const INTEGRATION_WITHOUT_VALUES: &str = r#"
#[test]
fn nothing_to_record() {}
"#;

/// A program that has an allocator already; with its feature `wrapped` within memscope's.
const OWN_ALLOCATOR: &str = r#"
use std::alloc::System;

#[cfg(not(feature = "wrapped"))]
#[global_allocator]
static ALLOCATOR: System = System;

#[cfg(feature = "wrapped")]
#[global_allocator]
static ALLOCATOR: memscope::Allocator = memscope::Allocator::of(System);

fn main() {
    let before = memscope::heap().map(|heap| heap.program.live_bytes());
    let block = std::hint::black_box(vec![0_u8; 1 << 20]);
    let after = memscope::heap().map(|heap| heap.program.live_bytes());
    println!("{:?}", after.zip(before).map(|(after, before)| after - before));
    drop(block);
}
"#;

#[test]
fn an_allocator_of_the_programs_own_is_an_error_that_names_memscope_and_can_be_put_into_its() {
    let scratch = scratch("cargo-test");
    let own = scratch.join("own-allocator");
    let runtime = workspace_root().join("memscope-runtime");
    let manifest = MANIFEST.replace("\"shop\"", "\"own-allocator\"");
    let manifest = manifest.replace("@runtime@", &runtime.display().to_string().replace('\\', "/"));
    let manifest = format!("{manifest}\n[features]\nwrapped = []\n");
    write_if_different(&own.join("Cargo.toml"), manifest.as_bytes());
    fs::copy(workspace_root().join("Cargo.lock"), own.join("Cargo.lock")).unwrap();
    write_if_different(&own.join("src/main.rs"), OWN_ALLOCATOR.as_bytes());
    let run = |features| {
        let mut run = cargo(&own, ["run", "--quiet", "--features", features, "--target-dir"]);
        let captures = tempfile::tempdir().unwrap();
        run.arg(scratch.join("target")).env("MEMSCOPE_DIR", captures.path()).output().unwrap()
    };
    let clash = run("memscope/on");
    let said = String::from_utf8_lossy(&clash.stderr);
    assert!(!clash.status.success());
    // The words that the README has.
    assert!(said.contains("conflicts with global allocator in: memscope"), "{said}");
    assert_eq!(said.matches("error: ").count(), 2, "that one, and what cargo says of it: {said}");
    let wrapped = run("wrapped,memscope/record");
    let said = String::from_utf8_lossy(&wrapped.stdout);
    assert_eq!(said, "Some(1048576)\n", "{}", String::from_utf8_lossy(&wrapped.stderr));
}

/// A procedural macro, whose annotated code runs within the compiler.
const MACRO: &str = r#"
use proc_macro::TokenStream;

#[proc_macro]
pub fn answer(_: TokenStream) -> TokenStream {
    text(vec!["42".to_owned()])
}

#[memscope::track]
fn text(words: Vec<String>) -> TokenStream {
    let lines: Vec<String> = words.iter().map(|word| format!("{word}_u8")).collect();
    lines.concat().parse().unwrap()
}
"#;

const USES_THE_MACRO: &str =
    "fn main() { assert_eq!([answer::answer!(), answer::answer!()], [42, 42]); }";

#[test]
fn an_annotated_macro_is_recorded_in_the_compiler_that_runs_it() {
    let scratch = scratch("cargo-test");
    let user = scratch.join("macro-user");
    let runtime = workspace_root().join("memscope-runtime").display().to_string();
    let manifest = MANIFEST.replace("@runtime@", &runtime.replace('\\', "/"));
    let (package, _) = MANIFEST.split_once("[dependencies]").unwrap();
    let of_user = package.replace("\"shop\"", "\"macro-user\"")
        + "[dependencies]\nanswer = { path = \"answer\" }\n[features]\non = [\"answer/on\"]\n[workspace]\n";
    let of_macro = manifest.replace("\"shop\"", "\"answer\"").replace("[workspace]", "")
        + "[lib]\nproc-macro = true\n[features]\non = [\"memscope/on\"]\n";
    write_if_different(&user.join("Cargo.toml"), of_user.as_bytes());
    write_if_different(&user.join("answer/Cargo.toml"), of_macro.as_bytes());
    write_if_different(&user.join("answer/src/lib.rs"), MACRO.as_bytes());
    fs::copy(workspace_root().join("Cargo.lock"), user.join("Cargo.lock")).unwrap();
    // Another program each time, so that it is compiled.
    let program = format!("// {:?}\n{USES_THE_MACRO}", std::time::SystemTime::now());
    write_if_different(&user.join("src/main.rs"), program.as_bytes());
    let captures = tempfile::tempdir().unwrap();
    let mut run = cargo(&user, ["run", "--features", "on", "--target-dir"]);
    succeed(run.arg(scratch.join("target")).env("MEMSCOPE_DIR", captures.path()));
    let [capture] = captures_in(captures.path()).try_into().unwrap();
    let reader = Reader::open(capture).unwrap();
    assert!(reader.health().complete && reader.lost() == 0, "{:?}", reader.health());
    assert!(reader.metadata().unwrap().program.starts_with("rustc"));
    let born = reader.rows::<Lifecycle>().map(Result::unwrap);
    let born = born
        .filter(|row| row.kind == LifecycleKind::Born)
        .map(|row| reader.defs().site(row.site).unwrap().name.clone());
    assert_eq!(born.collect::<Vec<_>>(), ["text::words", "text::lines"].repeat(2));
}

#[test]
fn each_test_process_writes_one_capture_with_its_tests_names() {
    let scratch = scratch("cargo-test");
    let shop = scratch.join("shop");
    let runtime = workspace_root().join("memscope-runtime");
    write_if_different(
        &shop.join("Cargo.toml"),
        MANIFEST.replace("@runtime@", &runtime.display().to_string().replace('\\', "/")).as_bytes(),
    );
    // The same versions as in this workspace; cargo leaves out what the small crate does not need.
    fs::copy(workspace_root().join("Cargo.lock"), shop.join("Cargo.lock")).unwrap();
    write_if_different(&shop.join("src/lib.rs"), LIBRARY.as_bytes());
    write_if_different(&shop.join("tests/several.rs"), INTEGRATION.as_bytes());
    write_if_different(&shop.join("tests/nothing.rs"), INTEGRATION_WITHOUT_VALUES.as_bytes());

    let captures = tempfile::tempdir().unwrap();
    let mut test = cargo(&shop, ["test", "--features", "memscope/on", "--target-dir"]);
    succeed(test.arg(scratch.join("target")).env("MEMSCOPE_DIR", captures.path()));

    // The unit tests and `several`; `nothing` and the doctests record nothing.
    let captures = captures_in(captures.path());
    let mut seen: Vec<(BTreeSet<String>, u64)> = captures
        .iter()
        .map(|path| {
            let reader = Reader::open(path).unwrap();
            assert!(reader.health().complete, "{:?}", reader.health());
            (threads_of_births(&reader), types(&recorded(&reader))["Basket"].born)
        })
        .collect();
    seen.sort_by_key(|(_, born)| *born);
    let names =
        |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let expected = [
        (names(&["tests::a_full_basket", "tests::an_empty_basket"]), 2),
        (names(&["several_baskets"]), 10),
    ];
    assert_eq!(seen, expected);
}

/// The names of the threads that values of annotated types were born on.
fn threads_of_births(reader: &Reader) -> BTreeSet<String> {
    let defs = reader.defs();
    let types: BTreeSet<u32> =
        defs.sites.iter().filter(|site| site.kind == SiteKind::Type).map(|site| site.id).collect();
    let names: HashMap<u32, Option<String>> =
        defs.threads.iter().map(|thread| (thread.id, thread.name.clone())).collect();
    let rows = reader.rows::<Lifecycle>().map(|row| row.unwrap());
    let of_types = rows.filter(|row| types.contains(&row.site));
    of_types.map(|row| names[&row.thread].clone().unwrap_or_default()).collect()
}
