//! The checks of CI.

use crate::command::Command;
use crate::readme;

/// A check: a name and what it runs.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) commands: fn() -> Result<Vec<Command>, String>,
}

/// All checks: those that fail soonest first.
pub(crate) const ALL: [Step; 12] = [
    Step { name: "format", commands: format },
    Step { name: "lint", commands: lint },
    Step { name: "docs", commands: docs },
    Step { name: "features", commands: features },
    Step { name: "targets", commands: targets },
    Step { name: "conformance", commands: conformance },
    Step { name: "readme", commands: readme::commands },
    Step { name: "crates", commands: crates },
    Step { name: "peers", commands: peers },
    Step { name: "instructions", commands: instructions },
    Step { name: "soak", commands: soak },
    Step { name: "fuzz", commands: fuzz },
];

pub(crate) fn names() -> [&'static str; 12] {
    ALL.map(|step| step.name)
}

/// Published crates, annotated all over: the short form.
fn crates() -> Result<Vec<Command>, String> {
    Ok(vec![Command::new("cargo xtask crates --short")])
}

/// The benchmark beside peers: memscope and the floor alone, once.
fn peers() -> Result<Vec<Command>, String> {
    Ok(vec![
        Command::new("cargo fmt --manifest-path benches/peers/Cargo.toml --all --check"),
        Command::new("cargo xtask peers --short"),
    ])
}

/// Other systems: those for which no C compiler is needed.
fn targets() -> Result<Vec<Command>, String> {
    Ok(vec![Command::new("cargo xtask targets --short")])
}

/// The hot path, optimised: how many instructions it is, if valgrind is there.
fn instructions() -> Result<Vec<Command>, String> {
    Ok(vec![Command::new("cargo xtask instructions --optional")])
}

/// Programs that record are killed, and one works for some seconds.
fn soak() -> Result<Vec<Command>, String> {
    Ok(vec![
        Command::new("cargo clippy -p memscope-soak --features on --all-targets -- -D warnings"),
        Command::new("cargo xtask soak --short --seconds 5"),
    ])
}

/// Each fuzz target for some seconds, if the nightly toolchain is there.
fn fuzz() -> Result<Vec<Command>, String> {
    Ok(vec![Command::new("cargo xtask fuzz --short")])
}

fn format() -> Result<Vec<Command>, String> {
    Ok(vec![Command::new("cargo fmt --all --check")])
}

fn lint() -> Result<Vec<Command>, String> {
    Ok(vec![
        // The tests of several crates switch recording on, and that holds for all that is built with them.
        Command::new("cargo clippy --workspace --all-targets -- -D warnings"),
        Command::new(
            "cargo clippy -p memscope-runtime -p memscope-macros -p memscope-examples -- -D warnings",
        ),
    ])
}

fn docs() -> Result<Vec<Command>, String> {
    let deny = |line: &str| Command::new(line).env("RUSTDOCFLAGS", "-D warnings");
    Ok(vec![
        deny("cargo doc --workspace --no-deps"),
        deny("cargo doc -p memscope-runtime --features on --no-deps"),
    ])
}

/// The combinations that neither `lint` nor the README's `cargo test --workspace` builds. The tests of the format are
/// always built with all of its features, by its development dependency on itself.
fn features() -> Result<Vec<Command>, String> {
    Ok(vec![
        // The hooks off: alone, so that no other crate switches them on.
        Command::new("cargo check -p memscope-runtime"),
        Command::new("cargo check -p memscope-runtime --features record"),
        // The tests of the workspace define allocators of their own, so that none of it is built with this.
        Command::new("cargo test --workspace --features memscope-runtime/on --test installed"),
        Command::new("cargo test -p memscope-macros --doc"),
        Command::new("cargo check -p memscope-format"),
        Command::new("cargo check -p memscope-format --features report"),
        Command::new("cargo check -p memscope-format --features tokio"),
    ])
}

/// The decoder in Python, in an environment of its own that has the packages it needs. The whole workspace is named so that
/// dependencies have the features that `cargo test --workspace` builds them with, once.
fn conformance() -> Result<Vec<Command>, String> {
    let packages = "zstandard lz4 brotli msgpack";
    Ok(vec![
        Command::new("python3 -m venv target/conformance"),
        Command::new(format!(
            "target/conformance/bin/python -m pip install --quiet --disable-pip-version-check {packages}"
        )),
        Command::new(
            "MEMSCOPE_PYTHON=\"$PWD/target/conformance/bin/python\" \
             cargo test --workspace --test conformance --test convert",
        ),
    ])
}
