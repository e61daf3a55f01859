//! Runs cargo on copies of the workspace, each with a target directory of its own.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use walkdir::WalkDir;

/// The directory in the target directory that belongs to the tests.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&scratch).unwrap();
    scratch
}

pub(crate) fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Copies the workspace's manifests and members to a directory. What is there already and the same is left alone, so
/// that cargo builds again only what changed.
pub(crate) fn copy_workspace(to: &Path) {
    let root = workspace_root();
    let is_member =
        |path: &Path| path.join("Cargo.toml").is_file() && !path.join("CACHEDIR.TAG").exists();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && is_member(&path) {
            copy_tree(&path, &to.join(path.file_name().unwrap()));
        }
    }
    for file in ["Cargo.toml", "Cargo.lock", "README.md"] {
        write_if_different(&to.join(file), &fs::read(root.join(file)).unwrap());
    }
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in WalkDir::new(from) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let target = to.join(entry.path().strip_prefix(from).unwrap());
            write_if_different(&target, &fs::read(entry.path()).unwrap());
        }
    }
}

pub(crate) fn write_if_different(path: &Path, content: &[u8]) {
    if fs::read(path).is_ok_and(|present| present == content) {
        return;
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Prepares cargo, as the one that runs the tests, in a directory. Settings that the tests run under stay behind.
pub(crate) fn cargo(
    directory: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).current_dir(directory);
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_TARGET_DIR")
            || name.starts_with("MEMSCOPE")
        {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Runs a command to its end, which must be a success.
pub(crate) fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?} failed ({}):\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    output
}
