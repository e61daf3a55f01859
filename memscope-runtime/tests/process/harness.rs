//! Runs children and reads what they left.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "what a child said")]

use crate::scenarios;
use memscope_format::defs::Defs;
use memscope_format::rows::{Container, DropChain, Lifecycle, LifecycleKind, Outcome};
use memscope_format::{Event, Reader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

/// Names the scenario that a child plays.
pub(crate) const SCENARIO: &str = "TEST_SCENARIO";

/// A child that has ended, and its captures.
pub(crate) struct Run {
    dir: tempfile::TempDir,
    pub(crate) status: ExitStatus,
    output: Output,
}

impl Drop for Run {
    /// What the child said is half of why a test has failed.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let files = std::fs::read_dir(self.dir.path()).map(|entries| entries.count());
            eprintln!("child: {}, {files:?} files; it said:\n{}", self.status, self.stderr());
        }
    }
}

/// Plays a scenario in a child.
pub(crate) fn run(scenario: &str) -> Run {
    run_with(scenario, |command| command)
}

/// As [`run`], with more said about the child.
pub(crate) fn run_with(
    scenario: &str,
    configure: impl FnOnce(&mut Command) -> &mut Command,
) -> Run {
    let mut command = program(&std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]).env(SCENARIO, scenario);
    let run = run_in(command, configure);
    // What a child asserts is nothing if there was none.
    assert!(run.stdout().contains(&played(scenario)), "{scenario} was not played");
    run
}

/// What a child says before it plays a scenario.
pub(crate) fn played(scenario: &str) -> String {
    format!("plays {scenario}\n")
}

/// A program that was built as this one, to be started as this one was: by the emulator that `TEST_RUNNER` names, if it does.
pub(crate) fn program(path: &Path) -> Command {
    let runner = std::env::var("TEST_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace();
    let Some(emulator) = words.next() else { return Command::new(path) };
    let mut command = Command::new(emulator);
    command.args(words).arg(path);
    command
}

/// Runs a program with a directory of its own for captures.
pub(crate) fn run_in(
    mut command: Command,
    configure: impl FnOnce(&mut Command) -> &mut Command,
) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let of_others = std::env::vars_os().map(|(name, _)| name);
    for name in of_others.filter(|name| name.to_string_lossy().starts_with("MEMSCOPE")) {
        command.env_remove(name);
    }
    command.env("MEMSCOPE_DIR", dir.path()).env("RUST_BACKTRACE", "0");
    let output = configure(&mut command).output().unwrap();
    Run { dir, status: output.status, output }
}

impl Run {
    /// What the child left in its directory.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// What the child said.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// What it told its parent.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// A number that the child printed behind a word.
    pub(crate) fn number(&self, word: &str) -> u64 {
        let rest = self.stdout();
        let rest = rest.lines().find_map(|line| line.split_once(word)).unwrap().1;
        rest.trim().parse().unwrap()
    }

    /// Where the captures of the child are.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let is_capture = |file: &PathBuf| file.extension().is_some_and(|e| e == "memscope");
        self.files().into_iter().filter(is_capture).collect()
    }

    /// All captures of the child.
    pub(crate) fn captures(&self) -> Vec<Reader> {
        self.paths().into_iter().map(|path| Reader::open(path).unwrap()).collect()
    }

    /// The capture of a child that made one.
    pub(crate) fn capture(&self) -> Reader {
        let mut captures = self.captures();
        assert_eq!(captures.len(), 1, "{:?} {}", self.files(), self.stderr());
        captures.remove(0)
    }

    /// Asserts that nothing that [`scenarios::many`] recorded is missing.
    pub(crate) fn holds_all_of_many(&self, recovered: bool) {
        let capture = self.capture();
        let health = capture.health();
        assert_eq!(health.complete, !recovered, "{health:?}");
        assert_eq!(health.recovered_events > 0, recovered, "{health:?}");
        assert_eq!(capture.lost(), 0);
        assert_eq!(capture.events(), 2 * scenarios::MANY);
        let births = rows::<Lifecycle>(&capture);
        assert_eq!(births.len() as u64, scenarios::MANY);
        let mut values: Vec<u64> = births.iter().map(|row| row.value).collect();
        let mut ends: Vec<u64> = rows::<DropChain>(&capture).iter().map(|row| row.value).collect();
        values.sort_unstable();
        ends.sort_unstable();
        assert_eq!(values, ends, "each value that was born has ended once");
    }
}

/// All rows of a stream.
pub(crate) fn rows<R: Event>(capture: &Reader) -> Vec<R> {
    capture.rows::<R>().map(|row| row.unwrap()).collect()
}

fn site_name(defs: &Defs, site: u32) -> &str {
    let name = &defs.sites.iter().find(|def| def.id == site).unwrap().name;
    name.rsplit("::").next().unwrap()
}

/// The drops by the names of their sites, with their outcome.
pub(crate) fn named_drops(capture: &Reader) -> Vec<(String, Outcome)> {
    let name = |row: &DropChain| (site_name(capture.defs(), row.site).to_owned(), row.outcome);
    rows::<DropChain>(capture).iter().map(name).collect()
}

/// What happened, in order: the lines of a story that a test can tell by itself.
pub(crate) fn story(capture: &Reader) -> Vec<String> {
    let defs = capture.defs();
    let mut lines: Vec<(u64, u8, String)> = Vec::new();
    for row in rows::<Lifecycle>(capture) {
        let name = site_name(defs, row.site);
        let verb = if row.kind == LifecycleKind::Born { "born" } else { "gone" };
        lines.push((row.ts, 0, format!("{verb} {name}")));
    }
    let mut snapshots: Vec<(u64, u32, Vec<String>)> = Vec::new();
    for row in rows::<Container>(capture).iter().filter(|row| row.field != 0) {
        let field = row.field as usize - 1;
        let def = defs.types.iter().find(|def| def.id == row.type_id).unwrap();
        let name = &def.fields.as_ref().unwrap()[field].name;
        let state = format!("{name} {}/{}", row.len.unwrap(), row.capacity.unwrap());
        match snapshots.last_mut() {
            Some((ts, _, states)) if *ts == row.ts => states.push(state),
            _ => snapshots.push((row.ts, row.site, vec![state])),
        }
    }
    for (ts, site, states) in snapshots {
        let name = site_name(defs, site);
        lines.push((ts, 1, format!("fields of {name}: {}", states.join(", "))));
    }
    for row in rows::<DropChain>(capture) {
        let (name, outcome) = (site_name(defs, row.site), row.outcome);
        let outcome = format!("{outcome:?}").to_lowercase();
        lines.push((row.ts, 2, format!("drop {name} depth {} {outcome}", row.depth)));
    }
    lines.sort();
    lines.into_iter().map(|(_, _, line)| line).collect()
}
