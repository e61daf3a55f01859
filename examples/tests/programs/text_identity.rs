//! Without the feature `on`, annotations are not in the program.

use crate::build::{cargo, copy_workspace, scratch, succeed};
use crate::strip::strip;
use object::{Object, ObjectSection};
use std::fs;
use std::path::Path;
use walkdir::WalkDir;

/// Builds the annotated program and the same without annotations, in the same place: the same package, crate
/// metadata and paths. The machine code must be the same, byte for byte. With the feature it must not: then the
/// comparison would see nothing.
#[test]
fn annotations_leave_no_trace_in_the_machine_code() {
    let scratch = scratch("text-identity");
    let workspace = scratch.join("workspace");
    copy_workspace(&workspace);
    let annotated = text_of_indexer(&workspace, &[]);
    let recording = text_of_indexer(&workspace, &["--features", "memscope/on"]);

    assert!(strip_sources(&workspace.join("examples/src")) > 20, "found hardly any annotations");
    let stripped = text_of_indexer(&workspace, &[]);

    assert!(annotated.len() > 100_000, "{} bytes of code are no program", annotated.len());
    assert_ne!(recording, annotated, "the feature `on` changes nothing");
    if let Some(at) = difference(&annotated, &stripped) {
        panic!(
            "the code differs from byte {at} on: {} bytes annotated, {} bytes stripped",
            annotated.len(),
            stripped.len()
        );
    }
}

/// Builds the indexer for release and returns its `.text` section.
fn text_of_indexer(workspace: &Path, features: &[&str]) -> Vec<u8> {
    let arguments =
        ["build", "--locked", "--release", "-p", "memscope-examples", "--bin", "indexer"];
    let target = workspace.join("target");
    let mut build = cargo(workspace, arguments);
    build.args(features).arg("--target-dir").arg(&target);
    // Functions are laid out in the order of their symbols. The older mangling hashes the names of a struct's fields into
    // the symbols of all functions that are generic over it, so that a field without size could reorder them.
    build.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", "-C symbol-mangling-version=v0");
    succeed(&mut build);
    let name = format!("indexer{}", std::env::consts::EXE_SUFFIX);
    let program = fs::read(target.join("release").join(name)).unwrap();
    let program = object::File::parse(&*program).unwrap();
    program.section_by_name(".text").unwrap().uncompressed_data().unwrap().into_owned()
}

/// Removes the annotations of all sources, and returns how many there were.
fn strip_sources(directory: &Path) -> usize {
    let mut total = 0;
    for entry in WalkDir::new(directory) {
        let entry = entry.unwrap();
        if entry.path().extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let (stripped, removed) = strip(&fs::read_to_string(entry.path()).unwrap());
        assert!(
            !stripped.contains("memscope::"),
            "{} still names memscope",
            entry.path().display()
        );
        if removed > 0 {
            fs::write(entry.path(), stripped).unwrap();
            total += removed;
        }
    }
    total
}

fn difference(a: &[u8], b: &[u8]) -> Option<usize> {
    if a == b {
        return None;
    }
    Some(a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len())))
}
