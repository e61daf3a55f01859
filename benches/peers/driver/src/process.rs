//! Builds and runs the programs.

use crate::subjects::{Subject, Workload};
use serde::Deserialize;
use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// What one process measured.
#[derive(Debug, Deserialize)]
pub(crate) struct Sample {
    /// Nanoseconds that a thread needs for a run.
    pub(crate) wall_ns: f64,
    /// Nanoseconds of all processors for a run, those of background threads included.
    pub(crate) cpu_ns: f64,
    /// Threads that the workload does not run on.
    pub(crate) background: u64,
    /// What the most memory that it had grew by.
    pub(crate) grown_kib: u64,
    /// Runs of all threads, those before the measurement included.
    pub(crate) runs: u64,
    /// Runs that the peer says it recorded, if it does.
    pub(crate) recorded: Option<u64>,
}

/// What one process is to do.
#[derive(Debug)]
pub(crate) struct Task<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) workload: Workload,
    pub(crate) threads: u64,
    pub(crate) runs: u64,
}

/// Where the programs are: beside this one.
fn programs() -> Result<PathBuf, String> {
    let here = env::current_exe().map_err(|error| error.to_string())?;
    here.parent().map(PathBuf::from).ok_or_else(|| format!("{} is nowhere", here.display()))
}

/// Builds the programs one by one, as this one was built: features of packages that are built together are united.
pub(crate) fn build(subjects: &[&Subject]) -> Result<(), String> {
    let mut packages: Vec<_> = subjects.iter().map(|subject| subject.package).collect();
    packages.sort_unstable();
    packages.dedup();
    let target = programs()?.join("..");
    for package in packages {
        let mut command = Command::new("cargo");
        command.args(["build", "--locked", "--package", package]).arg("--target-dir").arg(&target);
        if !cfg!(debug_assertions) {
            command.arg("--release");
        }
        let status = command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).status();
        let status = status.map_err(|error| format!("cannot start cargo: {error}"))?;
        if !status.success() {
            return Err(format!("{package} cannot be built"));
        }
    }
    Ok(())
}

impl Task<'_> {
    /// The program and its arguments; what it writes goes to the directory.
    pub(crate) fn command(
        &self,
        runner: &[String],
        directory: &TempDir,
    ) -> Result<Command, String> {
        let program = programs()?.join(self.subject.package);
        let mut command = match runner {
            [] => Command::new(program),
            [runner, arguments @ ..] => {
                let mut command = Command::new(runner);
                command.args(arguments).arg(program);
                command
            }
        };
        command
            .args([self.workload.name(), &self.threads.to_string(), &self.runs.to_string()])
            .args(self.subject.mode)
            .env("MEMSCOPE_DIR", directory.path())
            // It listens as always, but on this machine only.
            .env("TRACY_ONLY_LOCALHOST", "1")
            .envs(self.subject.environment.iter().copied())
            .current_dir(directory.path())
            .stdin(Stdio::null());
        Ok(command)
    }

    pub(crate) fn failed(&self, why: impl std::fmt::Display) -> String {
        let Self { subject, workload, threads, runs } = self;
        format!("{}, {} {threads} {runs}: {why}", subject.name, workload.name())
    }
}

/// A directory that lasts as long as a process.
pub(crate) fn directory() -> Result<TempDir, String> {
    tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))
}

/// Runs one process and reads what it prints.
pub(crate) fn sample(task: &Task<'_>) -> Result<Sample, String> {
    let directory = directory()?;
    let output = task.command(&[], &directory)?.output().map_err(|error| task.failed(error))?;
    if !output.status.success() {
        return Err(task.failed(format_args!(
            "{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )));
    }
    // Some peers print reports of their own.
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with("{\"wall_ns\""));
    let line = line.ok_or_else(|| task.failed("it printed no figures"))?;
    serde_json::from_str(line).map_err(|error| task.failed(error))
}
