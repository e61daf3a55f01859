//! Runs tests, shows what they print as it comes, and counts them.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};

/// A test that is left out, or several.
pub(crate) struct Skipped {
    /// What its name, or those of several, contain.
    pub(crate) name: &'static str,
    /// What lies in how it is run, and not in memscope.
    pub(crate) reason: &'static str,
}

/// What came of running tests.
pub(crate) struct Tested {
    pub(crate) status: ExitStatus,
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tested {
    /// Fails if a test did, or there was none.
    pub(crate) fn or_failure(&self) -> Result<u64, String> {
        if self.status.success() && self.failed == 0 && self.passed > 0 {
            return Ok(self.passed);
        }
        Err(format!("{} tests passed, {} failed ({})", self.passed, self.failed, self.status))
    }
}

/// Runs `cargo test` as the command begins it: only tests with these words in their names, if there are any, and without some.
pub(crate) fn run<'a>(
    mut command: Command,
    only: &[&str],
    left_out: impl IntoIterator<Item = &'a Skipped>,
) -> Result<Tested, String> {
    command.arg("--").args(only);
    for test in left_out {
        eprintln!("xtask: left out: {}: {}", test.name, test.reason);
        command.args(["--skip", test.name]);
    }
    eprintln!("xtask: {command:?}");
    let child = command.stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("cannot run cargo: {error}"))?;
    let (mut passed, mut failures) = (0, 0);
    for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
        let line = line.map_err(|error| error.to_string())?;
        eprintln!("{line}");
        if let Some([of_line, failed]) = counts(&line) {
            passed += of_line;
            failures += failed;
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    Ok(Tested { status, passed, failed: failures })
}

/// How many tests of a binary passed and failed, where the line says so.
fn counts(line: &str) -> Option<[u64; 2]> {
    let rest = line.strip_prefix("test result: ")?;
    let number = |word: &str| {
        let part = rest.split(['.', ';']).find_map(|part| part.trim().strip_suffix(word))?;
        part.trim().parse().ok()
    };
    Some([number(" passed")?, number(" failed")?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted() {
        let ok = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out";
        assert_eq!(counts(ok), Some([12, 0]));
        let failed = "test result: FAILED. 90 passed; 4 failed; 0 ignored; 0 measured";
        assert_eq!(counts(failed), Some([90, 4]));
        assert_eq!(counts("test a ... ok"), None);
    }
}
