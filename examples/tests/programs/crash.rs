//! A program that is killed leaves a capture with everything that it had acknowledged.
#![cfg(unix)]

use crate::build::workspace_root;
use crate::recorded::{INDEXER, captures_in, only_capture_in, recorded_types, recording};
use memscope_format::Reader;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const KILLS: u32 = 50;

#[test]
fn a_killed_program_loses_nothing_that_it_acknowledged() {
    let whole_run = {
        let captures = tempfile::tempdir().unwrap();
        let started = Instant::now();
        assert!(start(captures.path()).wait_with_output().unwrap().status.success());
        started.elapsed()
    };

    let random = RandomState::new();
    let mut interrupted = 0;
    for number in 0..KILLS {
        let moment = whole_run.mul_f64(random.hash_one(number) as f64 / u64::MAX as f64);
        let captures = tempfile::tempdir().unwrap();
        let (acknowledged, killed) = kill_after(moment, captures.path());
        if acknowledged == 0 && captures_in(captures.path()).is_empty() {
            continue;
        }
        let reader = Reader::open(only_capture_in(captures.path())).unwrap();
        let recorded: u64 =
            recorded_types(&reader).values().map(|lives| lives.born + lives.ended).sum();
        assert!(
            recorded >= acknowledged,
            "killed after {moment:?}: {acknowledged} acknowledged, {recorded} in the capture"
        );
        let health = reader.health();
        assert!(health.is_whole() && !health.live, "killed after {moment:?}: {health:?}");
        interrupted += u32::from(killed && acknowledged > 0 && health.recovered);
    }
    // Few moments lie before the first acknowledgement or after the end; were it most, this would prove nothing.
    assert!(
        interrupted >= KILLS / 2,
        "only {interrupted} of {KILLS} runs were killed while they recorded"
    );
}

fn start(captures: &Path) -> Child {
    let mut command: Command = recording(INDEXER, captures);
    command.args(["--threads", "2", "--limit", "2MiB", "--acknowledge=100", "."]);
    command
        .current_dir(workspace_root())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Starts the program and kills it. Returns the last count that it printed, and whether it was still running.
fn kill_after(moment: Duration, captures: &Path) -> (u64, bool) {
    let mut program = start(captures);
    let stdout = program.stdout.take().unwrap();
    let last = thread::spawn(move || last_acknowledged(stdout));
    thread::sleep(moment);
    // SIGKILL: nothing runs in the program after it.
    program.kill().unwrap();
    let killed = !program.wait().unwrap().success();
    (last.join().unwrap(), killed)
}

fn last_acknowledged(stdout: impl Read) -> u64 {
    let mut last = 0;
    let mut stdout = BufReader::new(stdout);
    let mut line = String::new();
    // A line without its end was cut off, and promises nothing.
    while stdout.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
        if let Some(count) = line.trim_end().strip_prefix("acknowledged ") {
            last = last.max(count.parse().unwrap());
        }
        line.clear();
    }
    last
}
