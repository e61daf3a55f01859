//! `cargo xtask cost`: what the attribute on everything costs the compiler.
//!
//! A crate is built as it was published, annotated with hooks off, and annotated with hooks on, in turn; only the crate itself is
//! built anew each time. What counts is processor time, where the system tells that of children, since the wall clock also
//! measures what else the machine does; of several rounds, the least.

use super::{at, cargo, copy_annotated, copy_as_it_is, depend_on_memscope, fetch, find, succeed};
use crate::command::root;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How a crate is built.
struct Form {
    name: &'static str,
    dir: PathBuf,
    features: &'static [&'static str],
}

/// Measures the named crates, or some that are large.
pub(crate) fn run(only: &[String], rounds: u32) -> Result<(), String> {
    let dir = root().join("target/crates");
    fetch(&dir)?;
    let default = ["regex-syntax".to_owned(), "indexmap".to_owned(), "semver".to_owned()];
    let names = if only.is_empty() { &default[..] } else { only };
    eprintln!("| crate | attributes | command | plain, s | off / plain | on / plain |");
    eprintln!("|---|--:|---|--:|--:|--:|");
    for name in names {
        measure(name, &dir, rounds)?;
    }
    Ok(())
}

fn measure(name: &str, dir: &Path, rounds: u32) -> Result<(), String> {
    let one = find(name)?;
    let source = dir.join("vendor").join(format!("{}-{}", one.name, one.version));
    let copies = dir.join("cost").join(name);
    if copies.exists() {
        fs::remove_dir_all(&copies).map_err(at(&copies))?;
    }
    let (plain, annotated) = (copies.join("plain"), copies.join("annotated"));
    copy_as_it_is(&source, &plain)?;
    let attributes = copy_annotated(&source, &annotated, one.options)?;
    depend_on_memscope(&annotated)?;
    let forms = [
        Form { name: "plain", dir: plain, features: &[] },
        Form { name: "off", dir: annotated.clone(), features: &[] },
        Form { name: "on", dir: annotated, features: &["--features", "memscope/on"] },
    ];
    for command in ["check", "build"] {
        let mut least = [f64::INFINITY; 3];
        for round in 0..=rounds {
            for (form, least) in forms.iter().zip(&mut least) {
                let seconds = compile(form, command, dir)
                    .map_err(|error| format!("{name}, {}: {error}", form.name))?;
                // The first one has built the dependencies.
                if round > 0 {
                    *least = least.min(seconds);
                }
            }
        }
        let [plain, off, on] = least;
        let (off, on) = (off / plain, on / plain);
        eprintln!("| {name} | {attributes} | {command} | {plain:.2} | {off:.2} | {on:.2} |");
    }
    Ok(())
}

/// Compiles the crate itself; returns the seconds that took.
fn compile(form: &Form, command: &str, dir: &Path) -> Result<f64, String> {
    let library = form.dir.join("src/lib.rs");
    let text = fs::read(&library).map_err(at(&library))?;
    // Written again, it is newer than what was made of it.
    fs::write(&library, text).map_err(at(&library))?;
    let mut cargo = cargo(&form.dir, &[command, "--lib", "--quiet"]);
    cargo
        .args(form.features)
        .env("RUSTFLAGS", "--cap-lints=allow")
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_TARGET_DIR", dir.join("cost/target").join(form.name));
    let (started, before) = (Instant::now(), time_of_children());
    succeed(cargo)?;
    let after = time_of_children();
    Ok(match (before, after) {
        (Some(before), Some(after)) => after - before,
        _ => started.elapsed().as_secs_f64(),
    })
}

/// The processor time, in seconds, of the children that have ended, on Linux.
fn time_of_children() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // After the name, which stands in parentheses, the first field is the third.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
    // A tick is a hundredth of a second wherever Rust runs.
    Some((ticks(16)? + ticks(17)?) / 100.0)
}
