//! `memscope test`: build tests with recording on, run them, say where their captures are.

use crate::args::TestArgs;
use crate::console::{Console, say};
use crate::failure::Failure;
use crate::run::build::cargo;
use crate::run::cargo_args::CargoArgs;
use crate::run::package::Selection;
use crate::run::{captures_in, child, directory, from_here, why_none};
use crate::summary::loss;
use memscope_format::Reader;
use memscope_format::report::human::{Bytes, Count};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Runs the command; tests that do not succeed are a [`Failure::Child`] with cargo's exit code.
pub(crate) fn run(args: &TestArgs, console: &mut Console) -> Result<(), Failure> {
    let selection = Selection::of(&CargoArgs::parse(&args.cargo)?)?;
    let dir = directory()?.unwrap_or_else(|| new_directory(&selection.captures()));
    let before = captures_in(&dir);
    let mut words: Vec<OsString> = vec!["test".into()];
    words.extend_from_slice(&args.cargo);
    words.extend(
        selection.features.iter().flat_map(|feature| ["--features".into(), feature.into()]),
    );
    words.push("--".into());
    words.extend_from_slice(&args.tests);
    let ended = child::run(Path::new(&cargo()), &words, &dir)?;
    let made: Vec<PathBuf> = captures_in(&dir).difference(&before).cloned().collect();
    let told = match made.is_empty() {
        true => {
            say(&format!(
                "note: no capture: {}",
                if ended.code == 0 { why_none() } else { NOT_RUN }
            ));
            Ok(())
        }
        false => tell(&made, &dir, !before.is_empty(), console),
    };
    match ended.code {
        0 => told,
        code => {
            if let Err(failure) = told {
                say(&format!("error: {failure}"));
            }
            Err(Failure::Child(code))
        }
    }
}

/// Why there is no capture where cargo did not succeed.
const NOT_RUN: &str = "the tests were not run, or nothing that is annotated was";

/// One that has no other captures, since all that a run makes are read together.
fn new_directory(captures: &Path) -> PathBuf {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    captures.join(format!("test-{}-{}", now.as_secs(), std::process::id()))
}

/// Says where the captures are, what they hold and what to do with them. Fails if some cannot be read, when all is said of
/// the others.
fn tell(
    made: &[PathBuf],
    dir: &Path,
    has_others: bool,
    console: &mut Console,
) -> Result<(), Failure> {
    let (mut events, mut bytes, mut lost, mut is_whole) = (0, 0, 0, true);
    let mut unreadable = Vec::new();
    for path in made {
        match Reader::open(path) {
            Ok(reader) => {
                events += reader.events();
                bytes += reader.bytes();
                lost += reader.lost();
                is_whole &= reader.health().is_whole();
            }
            Err(error) => {
                is_whole = false;
                unreadable.push(format!("{}: {error}", from_here(path).display()));
            }
        }
    }
    let (dir, count) = (from_here(dir), Count(made.len() as u64).of("capture"));
    writeln!(
        console.out,
        "captures: {} ({count}: {}, {}, {})",
        dir.display(),
        Count(events).of("event"),
        Bytes(bytes),
        loss(lost, is_whole)
    )?;
    let what = match made {
        [only] => from_here(only),
        _ => dir,
    };
    if has_others && made.len() > 1 {
        say("note: earlier captures in that directory are read together with these");
    }
    writeln!(console.out, "next:     {}", console.invocation.command("summary", &what))?;
    if unreadable.is_empty() { Ok(()) } else { Err(Failure::Damaged(unreadable.join("; "))) }
}
