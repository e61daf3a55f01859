//! Building the program.

use super::package::Selection;
use crate::failure::Failure;
use cargo_metadata::{Message, TargetKind};
use std::ffi::OsString;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Cargo's own exit code when a build fails.
const BUILD_FAILED: u8 = 101;

/// Something that can be run.
#[derive(Debug)]
struct Executable {
    name: String,
    path: PathBuf,
}

/// Cargo, as it is called where this program was started by it.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Builds with recording on and returns the path of the one program that came of it.
pub(crate) fn program(cargo_args: &[OsString], selection: &Selection) -> Result<PathBuf, Failure> {
    let mut command = Command::new(cargo());
    command.arg("build").args(cargo_args).arg("--message-format=json-render-diagnostics");
    for feature in &selection.features {
        command.args(["--features", feature]);
    }
    let spawned = command.stdout(Stdio::piped()).spawn();
    let mut cargo = spawned.map_err(|error| Failure::io("cannot start cargo", error))?;
    let mut built = Vec::new();
    if let Some(messages) = cargo.stdout.take() {
        for message in Message::parse_stream(BufReader::new(messages)) {
            let message =
                message.map_err(|error| Failure::io("cannot read cargo's messages", error))?;
            if let Message::CompilerArtifact(artifact) = message
                && let Some(path) = artifact.executable
                && !artifact.profile.test
                && artifact
                    .target
                    .kind
                    .iter()
                    .any(|kind| matches!(kind, TargetKind::Bin | TargetKind::Example))
            {
                built.push(Executable { name: artifact.target.name, path: path.into() });
            }
        }
    }
    let status = cargo.wait().map_err(|error| Failure::io("cannot wait for cargo", error))?;
    if !status.success() {
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        return Err(Failure::Child(code.unwrap_or(BUILD_FAILED)));
    }
    choose(built, &selection.default_runs)
}

/// Chooses as `cargo run` does: the only one, or the one that the manifest names.
fn choose(mut built: Vec<Executable>, default_runs: &[String]) -> Result<PathBuf, Failure> {
    if built.len() > 1 && built.iter().any(|built| default_runs.contains(&built.name)) {
        built.retain(|built| default_runs.contains(&built.name));
    }
    match built.as_slice() {
        [only] => Ok(only.path.clone()),
        [] => {
            Err(Failure::Usage("there is no program to run: what was built has no `main`".into()))
        }
        several => {
            let mut names: Vec<&str> = several.iter().map(|built| built.name.as_str()).collect();
            names.sort_unstable();
            let names = names.join(", ");
            Err(Failure::Usage(format!(
                "there are several programs to run: {names}; choose one with `--bin NAME`"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str], default_runs: &[&str]) -> Result<PathBuf, String> {
        let built = names
            .iter()
            .map(|name| Executable { name: (*name).into(), path: format!("target/{name}").into() });
        let default_runs: Vec<String> = default_runs.iter().map(|name| (*name).into()).collect();
        choose(built.collect(), &default_runs).map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_only_program_or_the_default_one_is_run() {
        assert_eq!(chosen(&["a"], &[]), Ok("target/a".into()));
        assert_eq!(chosen(&["a", "b"], &["b"]), Ok("target/b".into()));
        assert_eq!(chosen(&["a"], &["b"]), Ok("target/a".into()), "`--bin a` was asked for");
    }

    #[test]
    fn none_or_several_are_refused_with_what_to_do() {
        assert_eq!(
            chosen(&["b", "a"], &[]),
            Err("there are several programs to run: a, b; choose one with `--bin NAME`".into())
        );
        assert!(chosen(&[], &[]).unwrap_err().contains("no program to run"));
    }
}
