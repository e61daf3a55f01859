//! A program that is killed leaves a capture with everything that it had acknowledged.
#![cfg(unix)]

use crate::build::workspace_root;
use crate::recorded::{INDEXER, captures_in, only_capture_in, recorded, recording, types};
use memscope_format::Reader;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::thread;
use std::time::Duration;

const KILLS: u64 = 50;

/// The longest wait between what the program printed and its end.
const LONGEST_DELAY: Duration = Duration::from_millis(3);

#[test]
fn a_killed_program_loses_nothing_that_it_acknowledged() {
    let whole_run = {
        let captures = tempfile::tempdir().unwrap();
        let mut program = Program::start(captures.path());
        program.read_until(u64::MAX);
        assert!(program.process.wait().unwrap().success());
        program.acknowledged
    };
    assert!(whole_run > 5_000, "{whole_run}");

    let random = RandomState::new();
    let mut recovered = 0;
    for number in 0..KILLS {
        // Somewhere between the start and the end, however fast the machine is.
        let progress = random.hash_one((number, "progress")) % whole_run;
        let delay =
            LONGEST_DELAY.mul_f64(random.hash_one((number, "delay")) as f64 / u64::MAX as f64);
        let moment = format!("killed {delay:?} after {progress} of {whole_run}");

        let captures = tempfile::tempdir().unwrap();
        let acknowledged = kill(progress, delay, captures.path());
        if acknowledged == 0 && captures_in(captures.path()).is_empty() {
            continue;
        }
        let reader = Reader::open(only_capture_in(captures.path())).unwrap();
        let hooks_run: u64 =
            types(&recorded(&reader)).values().map(|lives| lives.born + lives.ended).sum();
        assert!(
            hooks_run >= acknowledged,
            "{moment}: {acknowledged} acknowledged, {hooks_run} recorded"
        );
        let health = reader.health();
        assert!(health.is_whole() && !health.live, "{moment}: {health:?}");
        recovered += u64::from(health.recovered);
    }
    // The others had not begun to record, or were at their end already; were it most, this would prove little.
    assert!(recovered >= KILLS / 2, "only {recovered} of {KILLS} captures were cut off");
}

/// Lets the program acknowledge so much, kills it, and returns what it had acknowledged by then.
fn kill(progress: u64, delay: Duration, captures: &Path) -> u64 {
    let mut program = Program::start(captures);
    program.read_until(progress);
    thread::sleep(delay);
    // SIGKILL: nothing runs in the program after it.
    program.process.kill().unwrap();
    program.process.wait().unwrap();
    program.read_until(u64::MAX);
    program.acknowledged
}

struct Program {
    process: Child,
    stdout: BufReader<ChildStdout>,
    /// The last count that was read.
    acknowledged: u64,
}

impl Program {
    fn start(captures: &Path) -> Self {
        let mut command = recording(INDEXER, captures);
        command.args(["--threads", "2", "--limit", "512KiB", "--acknowledge=100", "."]);
        command.current_dir(workspace_root()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        Self { process, stdout, acknowledged: 0 }
    }

    /// Reads until this count, or to the end of the output.
    fn read_until(&mut self, count: u64) {
        let mut line = String::new();
        // A line without its end was cut off, and promises nothing.
        while self.acknowledged < count
            && self.stdout.read_line(&mut line).unwrap() > 0
            && line.ends_with('\n')
        {
            if let Some(count) = line.trim_end().strip_prefix("acknowledged ") {
                self.acknowledged = self.acknowledged.max(count.parse().unwrap());
            }
            line.clear();
        }
    }
}
