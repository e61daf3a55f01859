//! What is said of files that are not a whole capture, and with which exit code.

mod fixture;

use fixture::{Recording, memscope, with_capture};
use insta::assert_snapshot;
use memscope_format::Reader;
use memscope_format::chunks::Place;
use memscope_format::raw::RINGS_MAGIC;
use memscope_format::rows::DropChain;
use std::path::Path;

/// Calls every command that reads a capture on a path; they must agree. Returns the line and the exit code.
fn refused(dir: &Path, name: &str) -> String {
    let commands: [&[&str]; 4] =
        [&["summary"], &["info", "--json"], &["validate"], &["export", "--format", "json"]];
    let mut said = commands.map(|command| {
        let ran = memscope(dir, &[command, &[name]].concat());
        assert_eq!(ran.stdout, "", "{command:?} shows nothing of what it cannot read");
        assert_eq!(
            ran.stderr.lines().count(),
            1,
            "{command:?} says it in one line: {}",
            ran.stderr
        );
        format!("{}exit code {}", ran.stderr, ran.code)
    });
    said.sort();
    assert_eq!(said.first(), said.last());
    said[0].clone()
}

#[test]
fn a_missing_file() {
    let dir = tempfile::tempdir().unwrap();
    assert_snapshot!(refused(dir.path(), "gone.memscope"), @r#"
    error: gone.memscope: no such file; `memscope run` prints where it puts a capture
    exit code 4
    "#);
}

#[test]
fn an_empty_file() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("empty.memscope"), b"").unwrap();
    assert_snapshot!(refused(dir.path(), "empty.memscope"), @r#"
    error: empty.memscope: the file is empty, nothing was recorded; record again with `memscope run`
    exit code 4
    "#);
}

#[test]
fn a_foreign_file() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("Cargo.toml"), "[package]\nname = \"app\"\n".repeat(10))
        .unwrap();
    assert_snapshot!(refused(dir.path(), "Cargo.toml"), @r#"
    error: Cargo.toml: not a memscope capture: it begins with "[package]\nna"; give a `.memscope` file, or a directory of them
    exit code 4
    "#);
}

#[test]
fn the_rings_beside_a_capture() {
    let dir = tempfile::tempdir().unwrap();
    let rings = [&RINGS_MAGIC[..], &[0; 8192]].concat();
    std::fs::write(dir.path().join("serve.memscope-rings"), rings).unwrap();
    assert_snapshot!(refused(dir.path(), "serve.memscope-rings"), @r#"
    error: serve.memscope-rings: this holds the rings beside a capture; give the capture itself: serve.memscope
    exit code 2
    "#);
}

#[test]
fn a_file_header_cut_off() {
    let (dir, path) = with_capture();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..40]).unwrap();
    assert_snapshot!(refused(dir.path(), "serve.memscope"), @r"
    error: serve.memscope: truncated at offset 0: 64 bytes expected, 40 found; it was cut off before anything was recorded; record again with `memscope run`
    exit code 3
    ");
}

#[test]
fn a_capture_from_the_future() {
    let (dir, path) = with_capture();
    let mut bytes = std::fs::read(&path).unwrap();
    let mut header = *Reader::open(&path).unwrap().header();
    header.major = 7;
    bytes[..64].copy_from_slice(&header.to_bytes());
    std::fs::write(&path, bytes).unwrap();
    assert_snapshot!(refused(dir.path(), "serve.memscope"), @r"
    error: serve.memscope: written by a newer memscope: this one reads format 0.3, the file needs format 7.3; update memscope-cli to the version that the program was recorded with
    exit code 3
    ");
}

#[test]
fn a_directory_without_captures() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("notes.txt"), "nothing").unwrap();
    let ran = memscope(dir.path(), &["summary", "."]);
    assert_snapshot!(ran.all(), @r#"
    --- stderr
    error: .: no capture (`*.memscope`) in this directory; `memscope run` makes one
    --- exit code 4
    "#);
}

#[test]
fn a_directory_where_one_capture_is_asked_for_must_hold_one() {
    let (dir, path) = with_capture();
    for command in [&["validate", "."][..], &["export", "--format", "json", "."]] {
        assert_eq!(memscope(dir.path(), command).code, 0, "{command:?}");
    }
    std::fs::copy(&path, dir.path().join("another.memscope")).unwrap();
    assert_snapshot!(memscope(dir.path(), &["validate", "."]).all(), @r#"
    --- stderr
    error: . holds 2 captures; give one of them
    --- exit code 2
    "#);
}

#[test]
fn an_export_over_its_own_input_is_refused() {
    let (dir, path) = with_capture();
    let before = std::fs::read(&path).unwrap();
    std::fs::hard_link(&path, dir.path().join("hard")).unwrap();
    let mut names = vec!["serve.memscope", "./serve.memscope", "hard"];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&path, dir.path().join("soft")).unwrap();
        names.push("soft");
    }
    for name in names {
        let args = ["export", "--format", "json", "serve.memscope", "-o", name];
        let ran = memscope(dir.path(), &args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{name}");
        assert!(ran.stderr.contains("is what is to be exported"), "{}", ran.stderr);
        assert!(std::fs::read(&path).unwrap() == before, "the capture is as it was");
    }
}

#[cfg(unix)]
#[test]
fn an_export_that_fails_leaves_what_was_there() {
    let (dir, _) = with_capture();
    let rows = dir.path().join("rows.jsonl");
    std::fs::write(&rows, "earlier").unwrap();
    // The file may not grow: writing ends with an error.
    let limited = format!(
        "trap '' XFSZ; ulimit -f 0; exec {} export --format json serve.memscope -o rows.jsonl",
        env!("CARGO_BIN_EXE_memscope")
    );
    let mut shell = std::process::Command::new("sh");
    let status = shell.args(["-c", &limited]).current_dir(dir.path()).status().unwrap();
    assert_eq!(status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(&rows).unwrap(), "earlier");
    assert_eq!(dir.path().read_dir().unwrap().count(), 2, "nothing else is left behind");
}

#[test]
fn an_output_that_cannot_be_written() {
    let (dir, _) = with_capture();
    let ran = memscope(
        dir.path(),
        &["export", "--format", "json", "serve.memscope", "-o", "no/such/dir"],
    );
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.starts_with("error: cannot write no/such/dir: "), "{}", ran.stderr);
}

#[test]
fn wrong_usage() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(memscope(dir.path(), &["summarise"]).code, 2);
    assert_eq!(memscope(dir.path(), &["summary"]).code, 2);
    assert_eq!(memscope(dir.path(), &["export", "x.memscope", "--format", "csv"]).code, 2);
    assert_eq!(memscope(dir.path(), &["--help"]).code, 0);
}

/// Flips a bit in the chunk of drops.
#[expect(clippy::unwrap_used, reason = "what a fixture cannot do fails the test")]
fn damaged_capture() -> tempfile::TempDir {
    let (dir, path) = with_capture();
    let chunk = Reader::open(&path).unwrap().chunks::<DropChain>().remove(0);
    let Place::Frame { offset, .. } = chunk.place else { panic!("it is in the file") };
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[offset as usize + chunk.bytes as usize / 2] ^= 0x10;
    std::fs::write(&path, bytes).unwrap();
    dir
}

#[test]
fn of_a_damaged_capture_the_rest_is_shown() {
    let dir = damaged_capture();
    assert_snapshot!(memscope(dir.path(), &["summary", "serve.memscope"]).all());
}

#[test]
fn validate_says_what_is_damaged() {
    let dir = damaged_capture();
    let ran = memscope(dir.path(), &["validate", "serve.memscope"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stdout.contains("1 of them damaged"), "{}", ran.stdout);
    assert!(ran.stderr.contains("damaged (1 error);"), "{}", ran.stderr);
    let json = memscope(dir.path(), &["validate", "--json", "serve.memscope"]);
    assert_eq!((json.code, &json.json()["valid"]), (3, &false.into()));
}

#[test]
fn info_says_what_is_damaged() {
    let dir = damaged_capture();
    let ran = memscope(dir.path(), &["info", "serve.memscope"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stdout.contains("state:    closed by its writer, and damaged"), "{}", ran.stdout);
    assert!(ran.stdout.contains("damage:   at offset "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("nothing lost"), "{}", ran.stdout);
    let json = memscope(dir.path(), &["info", "--json", "serve.memscope"]);
    assert_eq!((json.code, &json.json()["captures"][0]["whole"]), (3, &false.into()));
}

#[test]
fn export_of_a_damaged_capture_says_how_many_rows_are_missing() {
    let dir = damaged_capture();
    let ran = memscope(dir.path(), &["export", "--format", "json", "serve.memscope"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("7 rows cannot be read"), "{}", ran.stderr);
    assert_eq!(ran.stdout.lines().filter(|line| line.contains("LIFECYCLE")).count(), 9);
    assert!(!ran.stdout.contains("DROP_CHAIN"));
}

#[test]
fn a_capture_that_cannot_be_opened_does_not_hide_the_others() {
    let dir = tempfile::tempdir().unwrap();
    Recording::default().write(dir.path(), "a.memscope");
    std::fs::write(dir.path().join("b.memscope"), b"").unwrap();
    for command in ["summary", "info"] {
        let ran = memscope(dir.path(), &[command, ".", "--json"]);
        assert_eq!(ran.code, 3, "{command}");
        assert_eq!(ran.json()["events"], 20, "{command}");
    }
}
