//! What of Rust and of this machine's programs is installed.

use std::process::{Command, Stdio};

/// The nightly toolchain's cargo.
pub(crate) fn nightly_cargo() -> Command {
    let mut command = Command::new("cargo");
    command.arg("+nightly");
    // Those of the toolchain that runs this, and flags that would come before those on the command line.
    for name in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN", "RUSTFLAGS"] {
        command.env_remove(name);
    }
    command
}

/// What a command prints, if it can be run and succeeds.
fn printed(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The target that the nightly toolchain runs on; an error says how to install that.
pub(crate) fn nightly_host() -> Result<String, String> {
    let version = printed(nightly_cargo().args(["--version", "--verbose"]));
    let host = version.iter().flat_map(|text| text.lines()).find_map(|l| l.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| {
        "the nightly toolchain is missing: `rustup toolchain install nightly`".to_owned()
    })
}

/// Fails if the nightly toolchain lacks a component, and says how to install it.
pub(crate) fn need_of_nightly(component: &str) -> Result<(), String> {
    let list = ["component", "list", "--installed", "--toolchain", "nightly"];
    let installed = printed(Command::new("rustup").args(list)).unwrap_or_default();
    if installed.lines().any(|line| line.starts_with(component)) {
        return Ok(());
    }
    Err(format!("{component} is missing: `rustup component add {component} --toolchain nightly`"))
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
