//! A command that can be shown as one would type it.

use std::fmt;
use std::path::Path;
use std::process;

/// A command that is run in the workspace's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    environment: Vec<(&'static str, String)>,
    line: String,
}

impl Command {
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self { environment: Vec::new(), line: line.into() }
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Runs the command in a shell, as a reader of the README would, and fails if it does.
    pub(crate) fn run(&self) -> Result<(), String> {
        let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut command = process::Command::new(shell);
        command
            .arg(flag)
            .arg(&self.line)
            .current_dir(root())
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        let status =
            command.status().map_err(|error| format!("cannot start `{shell}`: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("failed ({status}): {self}")) }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.environment {
            write!(f, "{name}='{value}' ")?;
        }
        f.write_str(&self.line)
    }
}

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
