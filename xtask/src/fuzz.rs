//! Runs the fuzz targets, one after another, over and over until the time is up.

use crate::command::root;
use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// There is no unsafe code to watch, and without a sanitizer it is three times as fast.
const NO_SANITIZER: &str = "--sanitizer=none";

const NEEDED: &str = "`cargo install cargo-fuzz` and the nightly toolchain are needed";

/// How long one target runs before the next has its turn.
const TURN: Duration = Duration::from_secs(60);

/// How long one target runs in the short form: its corpus, and then some.
const SHORT_TURN: Duration = Duration::from_secs(3);

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
    in_turns(&targets, turn, time)
}

/// Gives each target one short turn, if what that takes is installed.
pub(crate) fn run_short() -> Result<(), String> {
    let version = command(&["--version".to_owned()]).stdout(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        eprintln!("xtask: the fuzz targets are NOT RUN: {NEEDED}; the tests replay their corpus");
        return Ok(());
    }
    in_turns(&targets(&[])?, SHORT_TURN, Duration::ZERO)
}

/// Gives the targets their turns until the time is up, each one at least.
fn in_turns(targets: &[String], turn: Duration, time: Duration) -> Result<(), String> {
    build()?;
    let started = Instant::now();
    let mut tallies: Vec<Tally> = targets.iter().map(|_| Tally::default()).collect();
    let mut round = 0_u64;
    while round == 0 || started.elapsed() < time {
        for (target, tally) in targets.iter().zip(&mut tallies) {
            if round > 0 && started.elapsed() >= time {
                break;
            }
            let done = fuzz(target, turn)?;
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
fn fuzz(target: &str, turn: Duration) -> Result<Tally, String> {
    let working = root().join("fuzz/working").join(target);
    fs::create_dir_all(&working).map_err(|error| format!("{}: {error}", working.display()))?;
    let mut arguments = vec!["run".to_owned(), NO_SANITIZER.to_owned(), target.to_owned()];
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

fn text(path: PathBuf) -> String {
    Path::new(&path).to_string_lossy().into_owned()
}

fn build() -> Result<(), String> {
    let build = command(&["build".to_owned(), NO_SANITIZER.to_owned()]).status();
    let status = build.map_err(|error| format!("cannot start cargo fuzz: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo fuzz failed; {NEEDED}")) }
}

fn command(arguments: &[String]) -> Command {
    let mut command = Command::new("cargo");
    command.args(["+nightly", "fuzz"]).args(arguments);
    command.current_dir(root());
    // That of the toolchain that runs this.
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    command
}
