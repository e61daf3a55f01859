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
///
/// # Errors
///
/// If there is no test of which a word says that it is to be run, or left out.
pub(crate) fn run(
    begin: impl Fn() -> Command,
    only: &[&str],
    left_out: &[&Skipped],
) -> Result<Tested, String> {
    let words: Vec<&str> =
        only.iter().copied().chain(left_out.iter().map(|test| test.name)).collect();
    if !words.is_empty() {
        all_match(&words, &listed(begin())?)?;
    }
    let mut command = begin();
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

/// What `cargo test` prints of the tests that there are.
fn listed(mut command: Command) -> Result<String, String> {
    command.args(["--", "--list"]).stderr(Stdio::inherit());
    let output = command.output().map_err(|error| format!("cannot run cargo: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("tests could not be listed ({})", output.status)),
    }
}

/// Fails if a word is in no test's name: that test has another one by now.
fn all_match(words: &[&str], listed: &str) -> Result<(), String> {
    let names: Vec<&str> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let is_in_none = |word: &&&str| !names.iter().any(|name| name.contains(**word));
    let unknown: Vec<&str> = words.iter().filter(is_in_none).copied().collect();
    match unknown.is_empty() {
        true => Ok(()),
        false => Err(format!("no test has in its name: {}", unknown.join(", "))),
    }
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
    fn a_word_that_is_in_no_tests_name_is_an_error() {
        let listed = "recorder::tests::laps: test\nforks::busy: test\nhooks: benchmark\n\n2 tests, 1 benchmark\n";
        assert_eq!(all_match(&["forks::", "laps"], listed), Ok(()));
        let wrong = all_match(&["forks::", "threads::", "hooks", "2 tests"], listed);
        assert_eq!(wrong, Err("no test has in its name: threads::, hooks, 2 tests".to_owned()));
    }

    #[test]
    fn results_are_counted() {
        let ok = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out";
        assert_eq!(counts(ok), Some([12, 0]));
        let failed = "test result: FAILED. 90 passed; 4 failed; 0 ignored; 0 measured";
        assert_eq!(counts(failed), Some([90, 4]));
        assert_eq!(counts("test a ... ok"), None);
    }
}
