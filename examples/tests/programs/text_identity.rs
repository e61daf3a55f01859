//! Without the feature `on`, annotations are not in the program.

use crate::build::{cargo, copy_workspace, scratch, succeed, write_if_different};
use crate::strip::strip;
use object::{Object, ObjectSection};
use std::fs;
use std::path::Path;
use walkdir::WalkDir;

/// A real program, and one that has every form and option.
const PROGRAMS: [&str; 2] = ["indexer", "forms"];

/// Builds the annotated programs and the same without annotations, in the same place: the same package, crate
/// metadata and paths. The machine code must be the same, byte for byte. With one more statement in `main` it must not: then the
/// comparison would see nothing.
#[test]
fn annotations_leave_no_trace_in_the_machine_code() {
    let scratch = scratch("text-identity");
    let workspace = scratch.join("workspace");
    copy_workspace(&workspace);
    let forms = include_bytes!("../forms/program.rs");
    write_if_different(&workspace.join("examples/src/bin/forms.rs"), forms);
    let annotated = texts(&workspace);

    assert!(strip_sources(&workspace.join("examples/src")) > 50, "found hardly any annotations");
    let stripped = texts(&workspace);
    for source in ["indexer/main.rs", "forms.rs"] {
        add_statement(&workspace.join("examples/src/bin").join(source));
    }
    let changed = texts(&workspace);

    for (((program, annotated), stripped), changed) in
        PROGRAMS.into_iter().zip(annotated).zip(stripped).zip(changed)
    {
        let (len, other) = (annotated.len(), stripped.len());
        assert!(len > 100_000, "{len} bytes of code are no program");
        assert_ne!(changed, stripped, "a statement more changes nothing in {program}");
        if let Some(at) = difference(&annotated, &stripped) {
            panic!(
                "the code of {program} differs from byte {at} on: {len} bytes annotated, {other} stripped"
            );
        }
    }
}

/// Builds the programs for release and returns their `.text` sections.
fn texts(workspace: &Path) -> [Vec<u8>; 2] {
    let target = workspace.join("target");
    let mut build = cargo(workspace, ["build", "--locked", "--release", "-p", "memscope-examples"]);
    for program in PROGRAMS {
        build.args(["--bin", program]);
    }
    build.arg("--target-dir").arg(&target);
    // Functions are laid out in the order of their symbols. The older mangling hashes the names of a struct's fields into
    // the symbols of all functions that are generic over it, so that a field without size could reorder them.
    build.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", "-C symbol-mangling-version=v0");
    // Where lines are is not machine code.
    build.env("CARGO_PROFILE_RELEASE_DEBUG", "0");
    succeed(&mut build);
    PROGRAMS.map(|program| {
        let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
        let program = fs::read(target.join("release").join(name)).unwrap();
        let program = object::File::parse(&*program).unwrap();
        program.section_by_name(".text").unwrap().uncompressed_data().unwrap().into_owned()
    })
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

/// Has `main` do something more.
fn add_statement(source: &Path) {
    let text = fs::read_to_string(source).unwrap();
    let main = text.find("fn main()").expect("a program");
    let body = main + text[main..].find("{\n").expect("a body") + 1;
    let (before, after) = text.split_at(body);
    fs::write(source, format!("{before} std::hint::black_box(7_u64);{after}")).unwrap();
}

fn difference(a: &[u8], b: &[u8]) -> Option<usize> {
    if a == b {
        return None;
    }
    Some(a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len())))
}
