//! `memscope run`: build a program with recording on, run it, say where its capture is.

pub(crate) mod build;
pub(crate) mod cargo_args;
pub(crate) mod child;
pub(crate) mod package;

use crate::args::RunArgs;
use crate::console::{Console, say};
use crate::failure::Failure;
use crate::summary::loss;
use cargo_args::CargoArgs;
use child::Ended;
use memscope_format::Reader;
use memscope_format::report::human::{Bytes, Count};
use package::Selection;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where captures go, as the recorder reads it.
const DIR: &str = "MEMSCOPE_DIR";
/// Whether anything is recorded, as the recorder reads it.
const SWITCH: &str = "MEMSCOPE";

/// Runs the command; a program that does not succeed is a [`Failure::Child`] with its exit code.
pub(crate) fn run(args: &RunArgs, console: &mut Console) -> Result<(), Failure> {
    let cargo = CargoArgs::parse(&args.cargo)?;
    if cargo.message_format {
        let what =
            "--message-format cannot be chosen: cargo's messages are read to find the program";
        return Err(Failure::Usage(what.into()));
    }
    let selection = Selection::of(&cargo)?;
    let program = build::program(&args.cargo, &selection)?;
    let dir = directory()?.unwrap_or_else(|| selection.captures());
    let before = captures_in(&dir);
    let ended = child::run(&program, &args.program, &dir)?;
    let made: Vec<PathBuf> = captures_in(&dir).difference(&before).cloned().collect();
    tell(&made, &dir, &ended, console)?;
    match ended.code {
        0 => Ok(()),
        code => Err(Failure::Child(code)),
    }
}

/// Says where the capture is, what it holds and what to do with it; or why there is none.
fn tell(made: &[PathBuf], dir: &Path, ended: &Ended, console: &mut Console) -> Result<(), Failure> {
    let readers = made.iter().map(|path| (path, Reader::open(path)));
    let (own, others): (Vec<_>, Vec<_>) = readers.partition(|(_, reader)| {
        let metadata = reader.as_ref().ok().and_then(Reader::metadata);
        metadata.is_some_and(|metadata| metadata.pid == ended.pid)
    });
    if let Some(signal) = &ended.signal {
        say(&format!("note: the program was ended by {signal}"));
    }
    for (path, reader) in &own {
        let shown = from_here(path);
        match reader {
            Ok(reader) => {
                writeln!(console.out, "capture: {} ({})", shown.display(), holds(reader))?;
                writeln!(
                    console.out,
                    "next:    {}",
                    console.invocation.command("summary", &shown)
                )?;
            }
            Err(error) => return Err(Failure::Damaged(format!("{}: {error}", shown.display()))),
        }
    }
    if own.is_empty() {
        say(&format!("note: no capture: {}", why_none()));
    }
    if !others.is_empty() {
        // Programs that it started record as well, each into its own capture.
        let dir = from_here(dir);
        let summary = console.invocation.command("summary", &dir);
        writeln!(
            console.out,
            "also:    {} of other processes; all together: {summary}",
            Count(others.len() as u64).of("capture")
        )?;
    }
    Ok(())
}

fn holds(reader: &Reader) -> String {
    let health = reader.health();
    let recovered = match health.recovered_events {
        0 => String::new(),
        events => format!(", {} of them recovered", Count(events)),
    };
    let state = if health.live { ", still being written" } else { "" };
    format!(
        "{}{recovered}, {}, {}{state}",
        Count(reader.events()).of("event"),
        Bytes(reader.bytes()),
        loss(reader.lost(), health.is_whole())
    )
}

/// Where the environment wants captures. Cargo runs each test where its package is, so that it is said from the root on.
pub(crate) fn directory() -> Result<Option<PathBuf>, Failure> {
    let Some(dir) = std::env::var_os(DIR).filter(|dir| !dir.is_empty()) else { return Ok(None) };
    let absolute = std::path::absolute(dir);
    absolute.map(Some).map_err(|error| Failure::io("cannot tell where captures are to go", error))
}

pub(crate) fn why_none() -> &'static str {
    if std::env::var_os(SWITCH).is_some_and(|value| value == "off" || value == "0") {
        "MEMSCOPE=off is set"
    } else {
        "nothing that is annotated ran (`#[memscope::track]`, `track_var!`), a session wrote to a directory of its own, or it could not record and said so above"
    }
}

pub(crate) fn captures_in(dir: &Path) -> BTreeSet<PathBuf> {
    let files =
        dir.read_dir().into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "memscope")).collect()
}

/// Spells a path from the current directory on, if it lies in it.
pub(crate) fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok())
        .filter(|rest| !rest.as_os_str().is_empty())
        .unwrap_or(path)
        .to_owned()
}
