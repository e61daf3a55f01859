//! Runs the fuzz targets, one after another, over and over until the time is up.

use crate::command::root;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long one target runs before the next has its turn.
const TURN: Duration = Duration::from_secs(60);

/// What a target has done so far.
#[derive(Debug, Default)]
struct Tally {
    executions: u64,
    findings: u64,
}

/// Fuzzes for so long in all. New inputs go to `fuzz/working`, findings to `fuzz/artifacts`; `fuzz/corpus` is only read.
pub(crate) fn run(time: Duration, only: &[String]) -> Result<(), String> {
    let targets = targets(only)?;
    cargo_fuzz(&["build".to_owned()])?;
    let started = Instant::now();
    let mut tallies: Vec<Tally> = targets.iter().map(|_| Tally::default()).collect();
    // Each has a turn, however short the time is.
    let turn = TURN.min(time / targets.len().max(1) as u32).max(Duration::from_secs(1));
    'rounds: loop {
        for (target, tally) in targets.iter().zip(&mut tallies) {
            if started.elapsed() >= time {
                break 'rounds;
            }
            let (executions, failed) = fuzz(target, turn)?;
            tally.executions += executions;
            tally.findings += u64::from(failed);
            eprintln!(
                "{target}: {executions} executions{}",
                if failed { ", a FINDING" } else { "" }
            );
        }
    }
    eprintln!("\n{:>12} {:>16} {:>9}", "target", "executions", "findings");
    for (target, tally) in targets.iter().zip(&tallies) {
        eprintln!("{target:>12} {:>16} {:>9}", tally.executions, tally.findings);
    }
    match tallies.iter().map(|tally| tally.findings).sum::<u64>() {
        0 => Ok(()),
        findings => Err(format!("{findings} findings, in fuzz/artifacts")),
    }
}

/// The targets, by the files that there are.
fn targets(only: &[String]) -> Result<Vec<String>, String> {
    let folder = root().join("fuzz/fuzz_targets");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut targets: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    targets.sort_unstable();
    if let Some(unknown) = only.iter().find(|name| !targets.contains(name)) {
        return Err(format!("there is no fuzz target {unknown}; there are {}", targets.join(", ")));
    }
    targets.retain(|target| only.is_empty() || only.contains(target));
    Ok(targets)
}

/// Runs one target; returns its executions, and whether it ended by a finding.
fn fuzz(target: &str, turn: Duration) -> Result<(u64, bool), String> {
    let working = root().join("fuzz/working").join(target);
    fs::create_dir_all(&working).map_err(|error| format!("{}: {error}", working.display()))?;
    let mut arguments = vec!["run".to_owned(), target.to_owned()];
    arguments.extend([working, root().join("fuzz/corpus").join(target)].map(text));
    arguments.push("--".to_owned());
    arguments.extend([
        format!("-max_total_time={}", turn.as_secs()),
        "-rss_limit_mb=512".to_owned(),
        "-malloc_limit_mb=256".to_owned(),
        "-timeout=20".to_owned(),
        "-max_len=16384".to_owned(),
        "-print_final_stats=1".to_owned(),
    ]);
    let mut child = command(&arguments)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start cargo fuzz: {error}"))?;
    let mut executions = 0;
    let mut last = Vec::new();
    for line in child.stderr.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
        let line = line.map_err(|error| error.to_string())?;
        if let Some(number) = line.strip_prefix("stat::number_of_executed_units:") {
            executions = number.trim().parse().unwrap_or(0);
        }
        last.push(line);
        if last.len() > 60 {
            last.remove(0);
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if !status.success() {
        eprintln!("{}", last.join("\n"));
    }
    Ok((executions, !status.success()))
}

fn text(path: PathBuf) -> String {
    Path::new(&path).to_string_lossy().into_owned()
}

fn cargo_fuzz(arguments: &[String]) -> Result<(), String> {
    let status =
        command(arguments).status().map_err(|error| format!("cannot start cargo fuzz: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err("cargo fuzz failed; `cargo install cargo-fuzz` and the nightly toolchain are needed"
            .to_owned())
    }
}

/// There is no unsafe code to watch, and without a sanitizer it is three times as fast.
fn command(arguments: &[String]) -> Command {
    let mut command = Command::new("cargo");
    let (first, rest) = arguments.split_at(1.min(arguments.len()));
    command.args(["+nightly", "fuzz"]).args(first).args(["--sanitizer", "none"]).args(rest);
    command.current_dir(root());
    // That of the toolchain that runs this.
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    command
}
