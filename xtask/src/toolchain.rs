//! What of Rust and of this machine's programs is installed.

use std::process::{Command, Stdio};

/// What a command prints, if it can be run and succeeds.
fn printed(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether the toolchain that runs this has the standard library of a target.
pub(crate) fn has_target(target: &str) -> bool {
    let list = ["target", "list", "--installed"];
    printed(Command::new("rustup").args(list))
        .is_some_and(|text| text.lines().any(|line| line == target))
}

/// Whether a program can be started.
pub(crate) fn has_program(name: &str) -> bool {
    printed(Command::new(name).arg("--version")).is_some()
}
