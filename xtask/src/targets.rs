//! Checks that the runtime compiles for other systems.

use crate::command::Command;
use crate::toolchain::{has_program, has_target};

/// A system that is not the one this runs on.
struct Target {
    name: &'static str,
    /// The C compiler that zstd needs there, and Debian's package of it.
    compiler: Option<(&'static str, &'static str)>,
    /// What is checked, for which the target is named behind it.
    checks: &'static [&'static str],
    /// Whether CI checks it: it takes seconds.
    is_short: bool,
}

const RUNTIME: &[&str] = &[
    "cargo check -p memscope-runtime --target",
    "cargo check -p memscope-runtime --features on --target",
];

const TARGETS: [Target; 4] = [
    Target {
        name: "wasm32-unknown-unknown",
        compiler: None,
        checks: &[
            "cargo check -p memscope-runtime --features on,serde --target",
            "cargo check -p memscope-ui-tests-wasm --features on --target",
        ],
        is_short: true,
    },
    Target {
        name: "aarch64-unknown-linux-gnu",
        compiler: Some(("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu")),
        checks: RUNTIME,
        is_short: false,
    },
    Target {
        name: "x86_64-unknown-linux-musl",
        compiler: Some(("musl-gcc", "musl-tools")),
        checks: RUNTIME,
        is_short: false,
    },
    Target {
        name: "x86_64-pc-windows-gnu",
        compiler: Some(("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64")),
        checks: RUNTIME,
        is_short: false,
    },
];

/// Checks all, or those of CI. What is not installed is an error, or only said if it is `short`.
pub(crate) fn run(short: bool) -> Result<(), String> {
    let mut missing = Vec::new();
    for target in TARGETS.iter().filter(|target| !short || target.is_short) {
        if let Err(how) = target.is_installed() {
            eprintln!("xtask: {} is NOT CHECKED: {how}", target.name);
            missing.push(target.name);
            continue;
        }
        for check in target.checks {
            let command = Command::new(format!("{check} {}", target.name));
            eprintln!("xtask: {command}");
            command.run()?;
        }
    }
    if short || missing.is_empty() {
        return Ok(());
    }
    Err(format!("not checked: {}", missing.join(", ")))
}

impl Target {
    fn is_installed(&self) -> Result<(), String> {
        if !has_target(self.name) {
            return Err(format!("`rustup target add {}`", self.name));
        }
        match self.compiler {
            Some((program, package)) if !has_program(program) => {
                Err(format!("{program} is missing, {package} of Debian"))
            }
            _ => Ok(()),
        }
    }
}
