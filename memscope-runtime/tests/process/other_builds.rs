//! Programs and libraries that are built otherwise than this one: with `panic=abort`, and to be loaded while a program runs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::harness::{self, run_in, run_with};
use super::scenarios::MANY;
use super::scenarios::libraries::{LIBRARY, OF_LIBRARY};
use memscope_format::Reader;
use memscope_format::rows::{DropChain, Lifecycle};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds an example of this crate for the system that this was built for, as `cargo rustc` with more arguments does. Returns what
/// was built.
fn build(example: &str, file: &str, arguments: &[&str]) -> PathBuf {
    // Beside this binary, which is in target/PROFILE/deps, or in target/TARGET/PROFILE/deps if a target was named.
    let this = std::env::current_exe().unwrap();
    let built = this.ancestors().nth(3).unwrap();
    let name = built.file_name().and_then(|name| name.to_str()).unwrap();
    let is_target = name.starts_with(&format!("{}-", std::env::consts::ARCH));
    let (target, named) = match built.parent() {
        Some(outer) if is_target => (outer, Some(["--target", name])),
        _ => (built, None),
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["rustc", "--quiet", "--manifest-path"]);
    cargo.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    cargo.args(["--example", example, "--target-dir"]).arg(target);
    cargo.args(named.into_iter().flatten()).args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{cargo:?}: {}", String::from_utf8_lossy(&output.stderr));
    built.join("debug/examples").join(file)
}

#[test]
fn a_library_that_is_loaded_and_unloaded_has_a_capture_of_its_own() {
    let library = build("plugin", "libplugin.so", &[]);
    for (scenario, ends) in [("library", true), ("library_killed", false)] {
        let run = run_with(scenario, |command| command.env(LIBRARY, &library));
        let how = if ends { (Some(0), None) } else { (None, Some(libc::SIGKILL)) };
        assert_eq!((run.status.code(), run.status.signal()), how, "{}", run.stderr());
        assert_eq!(run.stderr(), "");
        let is_of_library = |capture: &Reader| {
            let sites = &capture.defs().sites;
            let found = sites.iter().any(|site| site.name.ends_with("of_plugin"));
            assert!(found == (sites.len() == 1), "the sites of each are its own");
            found
        };
        let captures = run.captures();
        let (of_library, others): (Vec<_>, Vec<_>) =
            captures.iter().partition(|c| is_of_library(c));
        let [of_library, of_program] = [of_library, others].map(|captures| {
            let [capture] = captures.try_into().unwrap();
            assert_eq!((capture.health().complete, capture.lost()), (ends, 0));
            assert!(capture.health().is_whole());
            capture.events()
        });
        // Each is asked twice, and has two threads.
        assert_eq!(of_library, 2 * 4 * OF_LIBRARY);
        assert_eq!(of_program, 2 * MANY * if ends { 5 } else { 4 });
    }
}

#[test]
fn a_program_that_is_built_to_abort_when_it_panics_loses_nothing() {
    let program = build("aborts", "aborts", &["--", "-C", "panic=abort"]);
    let run = run_in(harness::program(&program), |command| command);
    assert_eq!(run.status.signal(), Some(libc::SIGABRT), "{}", run.stderr());
    assert!(run.stderr().contains("as it is meant to"), "{}", run.stderr());
    let capture = run.capture();
    assert_eq!((capture.health().complete, capture.lost()), (false, 0));
    assert!(capture.health().is_whole());
    assert_eq!(harness::rows::<Lifecycle>(&capture).len(), 20_001);
    assert_eq!(harness::rows::<DropChain>(&capture).len(), 20_000, "the last drop did not end");
}
