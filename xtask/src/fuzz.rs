//! Runs the fuzz targets, one after another, over and over until the time is up.

use crate::command::root;
use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// There is no unsafe code to watch, and without a sanitizer it is three times as fast.
const NO_SANITIZER: &str = "--sanitizer=none";

const NEEDED: &str = "`cargo install cargo-fuzz` and the nightly toolchain are needed";

/// How long one target runs before the next has its turn.
const TURN: Duration = Duration::from_secs(60);

/// How long one target runs in the short form: some of its corpus, which the tests replay, and some of what it makes of that.
const SHORT_TURN: Duration = Duration::from_secs(2);

/// How targets are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Build {
    /// To run long.
    Optimised,
    /// To run for seconds only.
    Quick,
}

impl Build {
    /// Prepares a subcommand of cargo fuzz, for which the targets are built so.
    fn command(self, subcommand: &str) -> Command {
        let mut command = cargo_fuzz(subcommand);
        command.arg(NO_SANITIZER);
        if self == Self::Quick {
            command.arg("--dev");
        }
        command
    }
}

/// What a target has done so far.
#[derive(Debug, Default)]
struct Tally {
    executions: u64,
    /// The inputs that made it fail.
    findings: Vec<String>,
}

/// Fuzzes for so long in all. New inputs go to `fuzz/working`, findings to `fuzz/artifacts`; `fuzz/corpus` is only read.
pub(crate) fn run(time: Duration, only: &[String]) -> Result<(), String> {
    let targets = targets(only)?;
    // Each has a turn, however short the time is.
    let turn = TURN.min(time / targets.len().max(1) as u32).max(Duration::from_secs(1));
    in_turns(&targets, Build::Optimised, turn, time)
}

/// Gives each target one short turn, if what that takes is installed.
pub(crate) fn run_short() -> Result<(), String> {
    let version = cargo_fuzz("--version").stdout(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        eprintln!("xtask: the fuzz targets are NOT RUN: {NEEDED}; the tests replay their corpus");
        return Ok(());
    }
    in_turns(&targets(&[])?, Build::Quick, SHORT_TURN, Duration::ZERO)
}

/// Gives the targets their turns until the time is up, each one at least.
fn in_turns(
    targets: &[String],
    build: Build,
    turn: Duration,
    time: Duration,
) -> Result<(), String> {
    let status = build.command("build").status();
    let status = status.map_err(|error| format!("cannot start cargo fuzz: {error}"))?;
    if !status.success() {
        return Err(format!("cargo fuzz failed; {NEEDED}"));
    }
    let started = Instant::now();
    let mut tallies: Vec<Tally> = targets.iter().map(|_| Tally::default()).collect();
    let mut round = 0_u64;
    while round == 0 || started.elapsed() < time {
        for (target, tally) in targets.iter().zip(&mut tallies) {
            if round > 0 && started.elapsed() >= time {
                break;
            }
            let done = fuzz(target, build, turn)?;
            let at = started.elapsed().as_secs();
            eprintln!(
                "{:>4}:{:02} {target}: {} executions{}",
                at / 60,
                at % 60,
                done.executions,
                if done.findings.is_empty() { "" } else { ", a FINDING" }
            );
            tally.executions += done.executions;
            tally.findings.extend(done.findings);
        }
        round += 1;
    }
    eprintln!("\n{:>10} {:>16} {:>9}", "target", "executions", "findings");
    for (target, tally) in targets.iter().zip(&tallies) {
        eprintln!("{target:>10} {:>16} {:>9}", tally.executions, tally.findings.len());
    }
    let executions: u64 = tallies.iter().map(|tally| tally.executions).sum();
    let findings: Vec<String> = tallies.into_iter().flat_map(|tally| tally.findings).collect();
    eprintln!("{:>10} {executions:>16} {:>9}", "all", findings.len());
    if findings.is_empty() {
        return Ok(());
    }
    Err(format!("{} findings:\n  {}", findings.len(), findings.join("\n  ")))
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

/// Gives one target a turn.
fn fuzz(target: &str, build: Build, turn: Duration) -> Result<Tally, String> {
    let working = root().join("fuzz/working").join(target);
    fs::create_dir_all(&working).map_err(|error| format!("{}: {error}", working.display()))?;
    let mut command = build.command("run");
    command
        .arg(target)
        .args([working, root().join("fuzz/corpus").join(target)])
        .arg("--")
        .arg(format!("-max_total_time={}", turn.as_secs()))
        .args(["-rss_limit_mb=512", "-malloc_limit_mb=256", "-timeout=20"])
        .args(["-max_len=16384", "-print_final_stats=1"]);
    if build == Build::Quick {
        // A commit that fails once fails again.
        command.arg("-seed=1");
    }
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start cargo fuzz: {error}"))?;
    let mut tally = Tally::default();
    let mut last = VecDeque::new();
    for line in child.stderr.take().map(BufReader::new).into_iter().flat_map(|all| all.split(b'\n'))
    {
        // What a panic says of an input need not be text.
        let line = line.map_err(|error| error.to_string())?;
        let line = String::from_utf8_lossy(&line).into_owned();
        if let Some(number) = line.strip_prefix("stat::number_of_executed_units:") {
            tally.executions = number.trim().parse().unwrap_or(0);
        }
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            tally.findings.push(path.to_owned());
        }
        last.push_back(line);
        if last.len() > 60 {
            last.pop_front();
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if !status.success() {
        eprintln!("{}", Vec::from(last).join("\n"));
        if tally.findings.is_empty() {
            tally.findings.push(format!("{target} failed ({status}) without an input"));
        }
    }
    Ok(tally)
}

fn cargo_fuzz(subcommand: &str) -> Command {
    let mut command = Command::new("cargo");
    command.args(["+nightly", "fuzz", subcommand]);
    command.current_dir(root());
    // That of the toolchain that runs this.
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    command
}
