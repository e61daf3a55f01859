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
    let dir = directory().unwrap_or_else(|| new_directory(&selection.captures()));
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
    tell(&made, &dir, !before.is_empty(), console)?;
    match ended.code {
        0 => Ok(()),
        code => Err(Failure::Child(code)),
    }
}

/// One that has no other captures, since all test processes are read together.
fn new_directory(captures: &Path) -> PathBuf {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    captures.join(format!("test-{}-{}", now.as_secs(), std::process::id()))
}

/// Says where the captures are, what they hold and what to do with them; or why there are none.
fn tell(
    made: &[PathBuf],
    dir: &Path,
    has_others: bool,
    console: &mut Console,
) -> Result<(), Failure> {
    if made.is_empty() {
        say(&format!("note: no capture: {}", why_none()));
        return Ok(());
    }
    let (mut events, mut bytes, mut lost, mut is_whole) = (0, 0, 0, true);
    for path in made {
        let reader = Reader::open(path)
            .map_err(|error| Failure::Damaged(format!("{}: {error}", from_here(path).display())))?;
        events += reader.events();
        bytes += reader.bytes();
        lost += reader.lost();
        is_whole &= reader.health().is_whole();
    }
    let (dir, count) = (from_here(dir), Count(made.len() as u64).of("test process"));
    writeln!(
        console.out,
        "captures: {} (of {count}: {}, {}, {})",
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
        say(
            "note: there are captures of before in that directory, which are read together with these",
        );
    }
    writeln!(console.out, "next:     {}", console.invocation.command("summary", &what))?;
    Ok(())
}
