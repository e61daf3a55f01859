//! `cargo xtask crates`: published crates, annotated all over, pass their own tests.
//!
//! Each crate is fetched from crates.io by `cargo vendor`, copied, and annotated: the attribute goes on every
//! function, impl block, trait and type that it can apply to, types with `drop = off`. Then the crate's own tests run
//! with hooks off, and with hooks on and recording, and must leave at least one complete capture.

mod annotate;
pub(crate) mod cost;

use crate::command::root;
use memscope_format::Reader;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate with tests of its own.
struct Published {
    name: &'static str,
    version: &'static str,
    /// What it stands for.
    kind: &'static str,
    /// The options of the attribute on functions, impl blocks and traits.
    options: &'static str,
    /// Arguments of `cargo test`, up to `--`.
    arguments: &'static [&'static str],
    /// Tests that are left out, each for a reason that lies in the test.
    left_out: &'static [&'static str],
}

/// The options where tests call hundreds of millions of functions.
const CALLED_OFTEN: &str = "sample = 1/1000";

const LIB: &[&str] = &["--lib"];
const ALL: &[&str] = &["--lib", "--tests"];

const CRATES: [Published; 12] = [
    published("smallvec", "1.15.1", "a vector with unsafe code", LIB),
    published("semver", "1.0.27", "a parser with a packed representation", ALL),
    published("either", "1.15.0", "a type with every trait of the standard library", LIB),
    Published {
        options: CALLED_OFTEN,
        ..published("hashbrown", "0.16.0", "hash tables, no_std, sampled", LIB)
    },
    published("indexmap", "2.12.0", "hash tables in order", ALL),
    published("bitflags", "2.10.0", "macros that write items", LIB),
    Published {
        options: CALLED_OFTEN,
        ..published("memchr", "2.7.6", "SIMD, no_std, property tests, sampled", LIB)
    },
    Published {
        // Runs on a thread with 16 KiB of stack, in which recording does not fit.
        left_out: &["no_stack_overflow_on_drop"],
        ..published("regex-syntax", "0.8.8", "a parser with deep enums", LIB)
    },
    published("async-channel", "2.5.0", "futures and threads", ALL),
    published("slab", "0.4.11", "a store of values, no_std", ALL),
    published("arrayvec", "0.7.6", "const generics, no_std", ALL),
    Published {
        options: CALLED_OFTEN,
        ..published("httparse", "1.10.1", "a parser of bytes, no_std, sampled", LIB)
    },
];

/// What CI runs: a collection, a parser, an async one.
const SHORT: [&str; 3] = ["smallvec", "semver", "async-channel"];

const fn published(
    name: &'static str,
    version: &'static str,
    kind: &'static str,
    arguments: &'static [&'static str],
) -> Published {
    Published { name, version, kind, options: "", arguments, left_out: &[] }
}

/// Tests the named crates, or those of CI, or all.
pub(crate) fn run(only: &[String], short: bool) -> Result<(), String> {
    let dir = root().join("target/crates");
    fetch(&dir)?;
    let wanted = |one: &&Published| {
        if only.is_empty() {
            !short || SHORT.contains(&one.name)
        } else {
            only.iter().any(|name| name == one.name)
        }
    };
    let mut failed = Vec::new();
    for one in CRATES.iter().filter(wanted) {
        eprintln!("\n== {} {}: {}", one.name, one.version, one.kind);
        match test(one, &dir) {
            Ok(summary) => eprintln!("== {}: {summary}", one.name),
            Err(failure) => {
                eprintln!("== {}: FAILED: {failure}", one.name);
                failed.push(one.name);
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

/// One of the crates, by its name.
fn find(name: &str) -> Result<&'static Published, String> {
    CRATES.iter().find(|one| one.name == name).ok_or_else(|| format!("there is no crate {name}"))
}

/// Has cargo put the crates' sources into `vendor/`.
fn fetch(dir: &Path) -> Result<(), String> {
    let mut manifest = String::from(
        "[package]\nname = \"crates\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[lib]\npath = \"lib.rs\"\n\
         [dependencies]\n",
    );
    for one in &CRATES {
        manifest += &format!("{} = \"={}\"\n", one.name, one.version);
    }
    let unchanged = fs::read_to_string(dir.join("Cargo.toml")).is_ok_and(|old| old == manifest);
    if unchanged && dir.join("vendor").is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(at(dir))?;
    write(&dir.join("lib.rs"), "")?;
    write(&dir.join("Cargo.toml"), &manifest)?;
    succeed(cargo(dir, &["vendor", "--versioned-dirs", "--quiet"]))?;
    Ok(())
}

fn test(one: &Published, dir: &Path) -> Result<String, String> {
    let source = dir.join("vendor").join(format!("{}-{}", one.name, one.version));
    let copy = dir.join("annotated").join(one.name);
    if copy.exists() {
        fs::remove_dir_all(&copy).map_err(at(&copy))?;
    }
    let annotated = copy_annotated(&source, &copy, one.options)?;
    depend_on_memscope(&copy)?;
    let captures = copy.join("captures");
    let run = |features: &[&str]| {
        let mut command = cargo(&copy, &["test", "--quiet"]);
        command.args(one.arguments).args(features);
        // Lints are those of the crate's authors, for the code as they wrote it.
        command.arg("--").env("RUSTFLAGS", "--cap-lints=allow");
        for name in one.left_out {
            command.args(["--skip", name]);
        }
        command.env("CARGO_TARGET_DIR", dir.join("target")).env("MEMSCOPE_DIR", &captures);
        succeed(command)
    };
    let off = passed(&run(&[])?);
    let on = passed(&run(&["--features", "memscope/on"])?);
    if on != off || on == 0 {
        return Err(format!("{off} tests passed with hooks off, {on} with hooks on"));
    }
    let (written, events) = recorded(&captures)?;
    Ok(format!(
        "{annotated} attributes, {on} tests pass with hooks off and on, {events} events in {written} captures"
    ))
}

/// Counts captures and their events. Each must be complete and have lost nothing, and there must be some.
fn recorded(captures: &Path) -> Result<(usize, u64), String> {
    let (mut count, mut events) = (0, 0);
    for entry in fs::read_dir(captures).map_err(at(captures))? {
        let path = entry.map_err(at(captures))?.path();
        let capture = Reader::open(&path).map_err(at(&path))?;
        if !capture.health().complete || capture.lost() > 0 {
            return Err(format!("{}: not complete, {} lost", path.display(), capture.lost()));
        }
        count += 1;
        events += capture.events();
    }
    if events == 0 {
        return Err(format!("{count} captures without an event"));
    }
    Ok((count, events))
}

/// Adds up what libtest says of each binary.
fn passed(output: &str) -> u64 {
    let counts = output.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    counts.filter_map(|rest| rest.split(' ').next()?.parse::<u64>().ok()).sum()
}

/// Copies a crate, with attributes of these options in the Rust files under `src`; returns how many.
fn copy_annotated(from: &Path, to: &Path, options: &str) -> Result<usize, String> {
    copy(from, to, true, Some(options))
}

/// Copies a crate, as a workspace of its own.
fn copy_as_it_is(from: &Path, to: &Path) -> Result<(), String> {
    copy(from, to, true, None)?;
    append(&to.join("Cargo.toml"), "\n[workspace]\n")
}

fn copy(from: &Path, to: &Path, outermost: bool, options: Option<&str>) -> Result<usize, String> {
    fs::create_dir_all(to).map_err(at(to))?;
    let mut count = 0;
    for entry in fs::read_dir(from).map_err(at(from))? {
        let path = entry.map_err(at(from))?.path();
        let Some(name) = path.file_name() else { continue };
        let target = to.join(name);
        // The lock file that was published does not know memscope's dependencies.
        if name == "Cargo.lock" {
            continue;
        }
        let is_source = !outermost && path.extension().is_some_and(|extension| extension == "rs");
        if path.is_dir() {
            count += copy(&path, &target, false, options)?;
        } else if let Some(options) = options.filter(|_| is_source) {
            let text = fs::read_to_string(&path).map_err(at(&path))?;
            let (text, added) = annotate::file(&text, options);
            write(&target, &text)?;
            count += added;
        } else {
            fs::copy(&path, &target).map_err(at(&path))?;
        }
    }
    Ok(count)
}

fn depend_on_memscope(copy: &Path) -> Result<(), String> {
    let runtime = root().join("memscope-runtime");
    let dependency = format!(
        "\n[dependencies.memscope]\npackage = \"memscope-runtime\"\npath = {:?}\n\n[workspace]\n",
        fs::canonicalize(&runtime).map_err(at(&runtime))?
    );
    append(&copy.join("Cargo.toml"), &dependency)
}

fn append(path: &Path, more: &str) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(at(path))?;
    write(path, &(text + more))
}

fn cargo(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(dir);
    command
}

/// Runs a command and returns what it printed.
fn succeed(mut command: Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("cannot start {command:?}: {error}"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}\n{printed}\n{errors}"))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(at(path))
}

fn at<E: std::fmt::Display>(path: &Path) -> impl Fn(E) -> String {
    let path = PathBuf::from(path);
    move |error| format!("{}: {error}", path.display())
}
