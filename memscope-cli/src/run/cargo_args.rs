//! What the options for cargo say about which package is meant.

use crate::failure::Failure;
use std::ffi::OsString;
use std::path::PathBuf;

/// The options that this program has to know as well as cargo.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CargoArgs {
    pub(crate) packages: Vec<String>,
    pub(crate) bins: Vec<String>,
    pub(crate) workspace: bool,
    pub(crate) manifest_path: Option<PathBuf>,
    pub(crate) target_dir: Option<PathBuf>,
    /// Features that are asked for by name.
    pub(crate) features: Vec<String>,
    /// Whether the format of cargo's messages is chosen.
    pub(crate) message_format: bool,
    /// Those that `cargo metadata` has to have, too, to see the same workspace.
    pub(crate) shared: Vec<String>,
}

impl CargoArgs {
    /// Picks out of all options for cargo those that matter here; cargo itself judges the others.
    pub(crate) fn parse(args: &[OsString]) -> Result<Self, Failure> {
        let mut found = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let text = arg.to_string_lossy();
            let (name, attached) = split(&text);
            let mut value = || -> Result<String, Failure> {
                let next = || args.next().map(|value| value.to_string_lossy().into_owned());
                let value = attached.map(str::to_owned).or_else(next);
                value.ok_or_else(|| Failure::Usage(format!("cargo's option {name} needs a value")))
            };
            match name {
                "-p" | "--package" => found.packages.push(value()?),
                "--bin" | "--example" => found.bins.push(value()?),
                "--workspace" | "--all" => found.workspace = true,
                "--manifest-path" => found.manifest_path = Some(value()?.into()),
                "--target-dir" => found.target_dir = Some(value()?.into()),
                "-F" | "--features" => {
                    let separators = [',', ' '];
                    found.features.extend(value()?.split(separators).map(str::to_owned));
                }
                "--locked" | "--offline" | "--frozen" => found.shared.push(name.to_owned()),
                "--config" => found.shared.extend(["--config".to_owned(), value()?]),
                "--message-format" => found.message_format = true,
                _ => {}
            }
        }
        Ok(found)
    }
}

/// Splits an option from a value that is attached to it: `--package=app`, `-papp`.
fn split(arg: &str) -> (&str, Option<&str>) {
    if let Some((name, value)) = arg.split_once('=').filter(|(name, _)| name.starts_with("--")) {
        return (name, Some(value));
    }
    for name in ["-p", "-F"] {
        if let Some(value) = arg.strip_prefix(name).filter(|value| !value.is_empty()) {
            return (name, Some(value));
        }
    }
    (arg, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> CargoArgs {
        CargoArgs::parse(&args.iter().map(OsString::from).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn options_are_found_in_all_their_spellings() {
        let args = parsed(&[
            "-papp",
            "--package",
            "lib",
            "--package=x",
            "-p",
            "y",
            "--release",
            "--bin=serve",
        ]);
        assert_eq!(args.packages, ["app", "lib", "x", "y"]);
        assert_eq!(args.bins, ["serve"]);
        let args = parsed(&[
            "--manifest-path",
            "a/Cargo.toml",
            "--offline",
            "--config",
            "k=v",
            "--all",
            "--target-dir=t",
        ]);
        assert_eq!(args.manifest_path, Some("a/Cargo.toml".into()));
        assert_eq!(args.target_dir, Some("t".into()));
        assert_eq!(args.shared, ["--offline", "--config", "k=v"]);
        assert!(args.workspace);
    }

    #[test]
    fn features_are_told_apart() {
        let args = parsed(&["-F", "a,b/c", "--features=d e", "-Ff"]);
        assert_eq!(args.features, ["a", "b/c", "d", "e", "f"]);
    }

    #[test]
    fn what_cannot_work_is_refused() {
        assert!(parsed(&["--message-format=json"]).message_format);
        assert!(CargoArgs::parse(&["-p".into()]).is_err());
    }
}
