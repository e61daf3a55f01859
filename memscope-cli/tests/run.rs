//! `memscope run` and `memscope test` on a real package, which names the recorder in its own way.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what a fixture cannot do fails the test")]

use memscope_format::Reader;
use memscope_format::report::{Figure, Report};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// A program that records 10 values and then ends as its argument says.
const PROGRAM: &str = r#"
fn main() {
    let how = std::env::args().nth(1).unwrap_or_default();
    if how == "idle" {
        return;
    }
    (0..10).for_each(work);
    println!("the program's own output");
    match how.as_str() {
        "abort" => std::process::abort(),
        "" => {}
        code => std::process::exit(code.parse().unwrap()),
    }
}

#[scope::track(crate = scope)]
fn work(n: usize) {
    let squares: Vec<usize> = (0..n).map(|i| i * i).collect();
    assert_eq!(squares.len(), n);
}

#[test]
fn two_are_made() {
    (0..2).for_each(work);
}

#[test]
fn nine_are_asked_for() {
    assert_eq!(std::env::var("ASKED_FOR").as_deref(), Ok("9"), "they are not");
    (0..9).for_each(work);
}
"#;

/// Makes a package in the directory for tests, which stays, so that it is built once.
fn package() -> &'static Path {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("run-fixture");
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let runtime = workspace.join("memscope-runtime");
        let manifest = format!(
            "[package]\nname = \"run-fixture\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [dependencies]\nscope = {{ package = \"memscope-runtime\", path = {runtime:?} }}\n\n[workspace]\n"
        );
        std::fs::create_dir_all(dir.join("src")).unwrap();
        std::fs::write(dir.join("Cargo.toml"), manifest).unwrap();
        std::fs::write(dir.join("src/main.rs"), PROGRAM).unwrap();
        // The same versions as the workspace's, which are known to be there.
        std::fs::copy(workspace.join("Cargo.lock"), dir.join("Cargo.lock")).unwrap();
        dir
    })
}

/// The command that does something with the package.
fn memscope(what: &str) -> Command {
    let mut memscope = Command::new(env!("CARGO_BIN_EXE_memscope"));
    memscope
        .args([what, "--offline", "--manifest-path"])
        .arg(package().join("Cargo.toml"))
        // What the recorder is made of was built there before.
        .arg("--target-dir")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
        .env_remove("MEMSCOPE");
    memscope
}

/// Runs the program with captures going to a new directory.
fn run(how: &[&str], switch: Option<&str>) -> (Output, tempfile::TempDir) {
    let captures = tempfile::tempdir().unwrap();
    let mut memscope = memscope("run");
    memscope.arg("--").args(how).env("MEMSCOPE_DIR", captures.path());
    if let Some(switch) = switch {
        memscope.env("MEMSCOPE", switch);
    }
    (memscope.output().unwrap(), captures)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The only capture in a directory.
fn capture_in(dir: &Path) -> PathBuf {
    let files = dir.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let captures: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|end| end == "memscope")).collect();
    assert_eq!(captures.len(), 1, "{captures:?}");
    captures[0].clone()
}

fn born(capture: &Path) -> Figure<u64> {
    let report = Report::open(&[capture.to_owned()]).unwrap();
    report.site("work::squares").unwrap().lives.born.clone()
}

#[test]
fn says_where_the_capture_is_after_the_programs_own_output() {
    let (output, dir) = run(&[], None);
    let capture = capture_in(dir.path());
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let lines: Vec<&str> = stdout.lines().collect();
    let [own, found, next] = lines[..] else { panic!("three lines: {stdout}") };
    assert_eq!(own, "the program's own output");
    let reader = Reader::open(&capture).unwrap();
    assert!(
        found.starts_with(&format!("capture: {} ({} events, ", capture.display(), reader.events())),
        "{found}"
    );
    assert!(found.ends_with(", nothing lost)"), "{found}");
    let memscope = env!("CARGO_BIN_EXE_memscope");
    assert_eq!(next, format!("next:    {memscope} summary {}", capture.display()));
    assert_eq!(born(&capture), Figure::Exact(10));
}

#[test]
fn ends_with_the_programs_exit_code() {
    let (output, dir) = run(&["7"], None);
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("capture: "));
    assert_eq!(born(&capture_in(dir.path())), Figure::Exact(10));
}

#[test]
fn tells_of_a_signal_and_loses_nothing() {
    let (output, dir) = run(&["abort"], None);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(128 + 6), "{stderr}");
    assert!(stderr.contains("note: the program was ended by signal 6 (SIGABRT)"), "{stderr}");
    // How many of them the drain had written by then, and how many were recovered, is a matter of chance.
    assert!(stdout.contains(" (30 events") && stdout.contains("nothing lost"), "{stdout}");
    assert_eq!(born(&capture_in(dir.path())), Figure::Exact(10));
}

#[test]
fn says_why_there_is_no_capture() {
    let (idle, _) = run(&["idle"], None);
    assert_eq!((idle.status.code(), text(&idle.stdout).as_str()), (Some(0), ""));
    assert!(
        text(&idle.stderr).contains("note: no capture: nothing that is annotated ran"),
        "{}",
        text(&idle.stderr)
    );
    let (off, _) = run(&[], Some("off"));
    assert_eq!(text(&off.stdout), "the program's own output\n");
    assert!(
        text(&off.stderr).contains("note: no capture: MEMSCOPE=off is set"),
        "{}",
        text(&off.stderr)
    );
}

#[test]
fn a_package_without_the_recorder_is_told_how_to_add_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("src")).unwrap();
    std::fs::write(dir.path().join("src/main.rs"), "fn main() {}").unwrap();
    let manifest =
        "[package]\nname = \"plain\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
    std::fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_memscope"))
        .arg("run")
        .current_dir(dir.path())
        .output()
        .unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.starts_with("error: plain does not depend on memscope-runtime"), "{stderr}");
    let line = "`memscope = { package = \"memscope-runtime\", path = \"";
    assert!(stderr.contains(&format!("add {line}")), "{stderr}");

    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../memscope-runtime");
    let misnamed = format!("{manifest}\n[dependencies]\nmemscope = {{ path = {runtime:?} }}\n");
    std::fs::write(dir.path().join("Cargo.toml"), misnamed).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_memscope"))
        .args(["run", "--manifest-path"])
        .arg(dir.path().join("Cargo.toml"))
        .output()
        .unwrap();
    let stderr = text(&output.stderr);
    assert!(stderr.contains(&format!("write {line}")), "{stderr}");
    assert_eq!(stderr.lines().count(), 1);
}

#[test]
fn a_build_that_fails_ends_with_cargos_code() {
    let output = Command::new(env!("CARGO_BIN_EXE_memscope"))
        .args(["run", "--offline", "--bin", "no-such-program", "--manifest-path"])
        .arg(package().join("Cargo.toml"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(101), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("no-such-program"));
}

#[test]
fn a_directory_that_is_no_package_is_said_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_memscope"))
        .arg("run")
        .current_dir(dir.path())
        .output()
        .unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.starts_with("error: cargo cannot read the workspace: could not find `Cargo.toml`"),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

/// Of each test, how many variables it made, by what is said on stdout.
fn made_by_tests(stdout: &str, from: &Path) -> Vec<(String, u64)> {
    let line = stdout.lines().find(|line| line.starts_with("captures: ")).unwrap();
    assert!(line.contains(" (1 capture: ") && line.ends_with(", nothing lost)"), "{line}");
    let dir = line.trim_start_matches("captures: ").split(" (").next().unwrap();
    let capture = capture_in(&from.join(dir));
    let shown = capture.strip_prefix(from).unwrap_or(&capture);
    let next = format!("next:     {} summary {}", env!("CARGO_BIN_EXE_memscope"), shown.display());
    assert!(stdout.ends_with(&format!("{next}\n")), "{stdout}");
    let report = Report::open(&[capture]).unwrap();
    let threads = report.threads.iter().filter_map(|thread| {
        let births = *thread.born.exact().unwrap();
        thread.name.clone().zip((births > 0).then_some(births))
    });
    let mut made: Vec<_> = threads.collect();
    made.sort();
    made
}

#[test]
fn tests_are_recorded_one_by_one_and_end_with_cargos_code() {
    let output = memscope("test").env("ASKED_FOR", "9").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let expected = [("nine_are_asked_for".to_owned(), 9), ("two_are_made".to_owned(), 2)];
    assert_eq!(made_by_tests(&text(&output.stdout), Path::new("")), expected);
    let output = memscope("test").args(["--", "--test-threads=2"]).output().unwrap();
    assert_eq!(output.status.code(), Some(101), "{}", text(&output.stderr));
    // What failed is recorded as well, as far as it came.
    assert_eq!(made_by_tests(&text(&output.stdout), Path::new("")), expected[1..]);
    let output = memscope("test").args(["two_", "--", "--exact"]).output().unwrap();
    assert!(text(&output.stderr).contains("note: no capture: nothing that is annotated ran"));
    let output = memscope("test").args(["--test", "no-such-test"]).output().unwrap();
    assert_eq!(output.status.code(), Some(101));
    assert!(text(&output.stderr).contains("note: no capture: the tests were not run, or "));
    // Cargo runs the tests elsewhere.
    let captures = tempfile::tempdir().unwrap();
    let mut test = memscope("test");
    test.arg("two_").current_dir(captures.path()).env("MEMSCOPE_DIR", "relative");
    let output = test.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(made_by_tests(&text(&output.stdout), captures.path()), expected[1..]);
}
