//! Instructions of a run, by callgrind: two lengths of the same program, so that what it does besides cancels out.

use crate::process::{self, Task};
use crate::subjects::{Subject, Workload};
use std::fs;
use std::path::Path;

/// Instructions of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count {
    /// Of the thread that runs it.
    pub(crate) own: f64,
    /// Of all threads.
    pub(crate) all: f64,
}

/// Both lengths fit the buffers, since how a thread waits while they are full depends on who is scheduled when.
const LENGTHS: [u64; 2] = [2_000, 12_000];

pub(crate) fn count(subject: &Subject, workload: Workload) -> Result<Count, String> {
    let [short, long] =
        [counted(subject, workload, LENGTHS[0])?, counted(subject, workload, LENGTHS[1])?];
    let runs = (LENGTHS[1] - LENGTHS[0]) as f64;
    Ok(Count { own: (long.own - short.own) / runs, all: (long.all - short.all) / runs })
}

/// Instructions of a whole process.
fn counted(subject: &Subject, workload: Workload, runs: u64) -> Result<Count, String> {
    let directory = process::directory()?;
    let task = Task { subject, workload, threads: 1, runs };
    let file = directory.path().join("instructions");
    let runner = [
        "valgrind".to_owned(),
        "--tool=callgrind".to_owned(),
        // One file for each thread: `instructions-01` is the first's.
        "--separate-threads=yes".to_owned(),
        format!("--callgrind-out-file={}", file.display()),
    ];
    let mut command = task.command(&runner, &directory)?;
    // Tracy refuses a processor that does not say its clock is steady, as valgrind's.
    command.env("TRACY_NO_INVARIANT_CHECK", "1");
    let output = command.output().map_err(|error| format!("cannot start valgrind: {error}"))?;
    if !output.status.success() {
        return Err(task.failed(String::from_utf8_lossy(&output.stderr)));
    }
    let entries = fs::read_dir(directory.path()).map_err(|error| task.failed(error))?;
    let mut count = Count { own: 0.0, all: 0.0 };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(thread) = name.strip_prefix("instructions-") {
            let number = total(&path).map_err(|error| task.failed(error))?;
            count.all += number;
            if thread == "01" {
                count.own = number;
            }
        }
    }
    if count.own == 0.0 { Err(task.failed("callgrind counted nothing")) } else { Ok(count) }
}

fn total(path: &Path) -> Result<f64, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals:"));
    let number = line.and_then(|line| line.trim().parse().ok());
    number.ok_or_else(|| format!("{} has no total", path.display()))
}
