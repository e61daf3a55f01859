//! Tries the recorder for long.
//!
//! This very program is run again as a child: one that records at full rate and is killed at a random moment, again and again
//! ([`kills`]); and one that works at full rate for minutes, with all that its allocator does recorded ([`steady`]). What the
//! children did they say themselves; what their captures hold is compared with that.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "the command's output")]

mod children;
mod kills;
mod steady;

use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

/// Kills a program that records, and has one record for long; fails if anything is missing from their captures.
#[derive(Debug, Parser)]
struct Arguments {
    /// How often a program that records at full rate is killed
    #[arg(long, default_value_t = 0)]
    kills: u64,
    /// How long a program works at full rate
    #[arg(long, default_value_t = 0)]
    seconds: u64,
    #[command(subcommand)]
    child: Option<Child>,
}

/// What a child does.
#[derive(Debug, Clone, Copy, Subcommand)]
#[command(hide = true)]
enum Child {
    /// Records until it is killed
    Record,
    /// Works for so long
    Work { seconds: u64 },
}

fn main() -> ExitCode {
    let Arguments { kills, seconds, child } = Arguments::parse();
    match child {
        Some(Child::Record) => return children::record(),
        Some(Child::Work { seconds }) => return children::work(Duration::from_secs(seconds)),
        None => {}
    }
    let done = kills::run(kills).and_then(|()| steady::run(seconds));
    if let Err(failure) = &done {
        eprintln!("memscope-soak: {failure}");
    }
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// This program as a child, with its captures in a directory.
fn child(arguments: &[&str], captures: &Path) -> Result<Command, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MEMSCOPE") {
            command.env_remove(name);
        }
    }
    command.env("MEMSCOPE_DIR", captures);
    Ok(command)
}

/// The captures in a directory.
fn captures_in(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let is_capture = |path: &PathBuf| path.extension().is_some_and(|end| end == "memscope");
    let entries = directory.read_dir().map_err(|error| error.to_string())?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    Ok(paths.into_iter().filter(is_capture).collect())
}
