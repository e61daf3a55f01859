//! Instructions of a run, by callgrind: two lengths of the same program, so that what it does besides cancels out.

use crate::process::{self, Task};
use crate::subjects::{Subject, Workload};
use std::fs;
use std::path::Path;

/// Both lengths fit the buffers, since how a thread waits while they are full depends on who is scheduled when.
const LENGTHS: [u64; 2] = [2_000, 12_000];

/// Has only those counted that are within the harness's runs. What other threads do depends on who is scheduled when, also how often
/// they look whether there is anything to do.
const WITHIN: &str = "--toggle-collect=harness::run*";

/// Instructions of a run, of the thread that runs it, while it does.
pub(crate) fn count(subject: &Subject, workload: Workload) -> Result<f64, String> {
    let [short, long] = LENGTHS.map(|runs| counted(subject, workload, runs));
    Ok((long? - short?) / (LENGTHS[1] - LENGTHS[0]) as f64)
}

/// Instructions of all runs of a process.
fn counted(subject: &Subject, workload: Workload, runs: u64) -> Result<f64, String> {
    let directory = process::directory()?;
    let task = Task { subject, workload, threads: 1, runs };
    let file = directory.path().join("instructions");
    let runner = [
        "valgrind".to_owned(),
        "--tool=callgrind".to_owned(),
        WITHIN.to_owned(),
        format!("--callgrind-out-file={}", file.display()),
    ];
    let mut command = task.command(&runner, &directory)?;
    // Tracy refuses a processor that does not say its clock is steady, as valgrind's.
    command.env("TRACY_NO_INVARIANT_CHECK", "1");
    // Which drops are slow depends on what valgrind translates meanwhile.
    command.env("MEMSCOPE_SLOW_DROP", "off");
    let output = command.output().map_err(|error| format!("cannot start valgrind: {error}"))?;
    if !output.status.success() {
        return Err(task.failed(String::from_utf8_lossy(&output.stderr)));
    }
    match total(&file).map_err(|error| task.failed(error))? {
        0.0 => Err(task.failed("callgrind counted nothing")),
        number => Ok(number),
    }
}

fn total(path: &Path) -> Result<f64, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals:"));
    let number = line.and_then(|line| line.trim().parse().ok());
    number.ok_or_else(|| format!("{} has no total", path.display()))
}
