//! `convert` and `recover`: what goes out comes back, and what is left of a capture is saved.

mod fixture;

#[cfg(unix)]
use fixture::Ran;
use fixture::{Recording, memscope, with_capture};
use memscope_format::Stream;
use memscope_format::frame::{FRAME_HEADER_LEN, FrameHeader};
#[cfg(unix)]
use std::process::Command;

fn exported(dir: &std::path::Path, capture: &str) -> String {
    let ran = memscope(dir, &["export", "--format", "json", capture]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    ran.stdout
}

#[test]
fn a_capture_goes_through_every_notation_and_codec_and_comes_back() {
    let (dir, _) = with_capture();
    let rows = exported(dir.path(), "serve.memscope");
    let mut from = "serve.memscope".to_owned();
    for (to, options) in [
        ("a.jsonl", vec![]),
        ("b.memscope", vec!["--codec", "lz4"]),
        ("c.msgpack", vec![]),
        ("d.memscope", vec!["--preset", "memory-efficient"]),
        ("e.memscope", vec!["--codec", "brotli", "--level", "9"]),
        ("f.memscope", vec!["--codec", "none"]),
    ] {
        let ran = memscope(dir.path(), &[&["convert", &from, to], options.as_slice()].concat());
        assert_eq!(ran.code, 0, "{}", ran.all());
        assert!(ran.stderr.starts_with(&format!("wrote: {to} (")), "{}", ran.all());
        from = to.to_owned();
        if to.ends_with(".memscope") {
            assert_eq!(exported(dir.path(), to), rows, "{to}");
            assert_eq!(memscope(dir.path(), &["validate", to]).code, 0);
        }
    }
}

#[test]
fn streams_are_kept_by_name() {
    let (dir, _) = with_capture();
    let words = ["convert", "serve.memscope", "x.memscope", "--stream", "drop-chain"];
    assert_eq!(memscope(dir.path(), &words).code, 0);
    let rows = exported(dir.path(), "x.memscope");
    assert!(rows.contains("\"stream\":\"DROP_CHAIN\""));
    assert!(!rows.contains("\"stream\":\"LIFECYCLE\""));
    let ran =
        memscope(dir.path(), &["convert", "serve.memscope", "y.memscope", "--stream", "drops"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("no stream drops; there are LIFECYCLE, "), "{}", ran.stderr);
}

#[test]
fn nothing_is_written_over_the_input_or_for_an_unknown_name() {
    let (dir, path) = with_capture();
    let before = std::fs::read(&path).unwrap();
    let ran = memscope(dir.path(), &["convert", "serve.memscope", "serve.memscope"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let ran = memscope(dir.path(), &["convert", "serve.memscope", "serve.csv"]);
    assert_eq!(ran.code, 2);
    assert!(!dir.path().join("serve.csv").exists());
    std::fs::write(dir.path().join("bad.jsonl"), "{}\n").unwrap();
    let ran = memscope(dir.path(), &["convert", "bad.jsonl", "new.memscope"]);
    assert_eq!(ran.code, 3, "{}", ran.all());
    assert!(!dir.path().join("new.memscope").exists());
}

#[test]
fn what_is_left_is_saved() {
    let (dir, path) = with_capture();
    let ran = memscope(dir.path(), &["recover", "serve.memscope"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let whole = exported(dir.path(), "serve.memscope");
    assert_eq!(exported(dir.path(), "serve-recovered.memscope"), whole);

    let mut bytes = std::fs::read(&path).unwrap();
    let mut at = 64;
    loop {
        let (header, _) = FrameHeader::from_bytes(bytes[at..].first_chunk().unwrap()).unwrap();
        if header.frame_type == Stream::DropChain.frame_type() {
            break;
        }
        at += header.frame_len() as usize;
    }
    bytes[at + FRAME_HEADER_LEN + 5] ^= 8;
    std::fs::write(&path, bytes).unwrap();
    let ran = memscope(dir.path(), &["recover", "serve.memscope", "-o", "saved.memscope"]);
    assert_eq!(ran.code, 3, "{}", ran.all());
    assert!(
        ran.stderr.contains("damaged; 7 rows cannot be read and are missing"),
        "{}",
        ran.stderr
    );
    let saved = exported(dir.path(), "saved.memscope");
    let expected = whole.lines().filter(|line| !line.contains("\"stream\":\"DROP_CHAIN\""));
    assert_eq!(saved.lines().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    let ran = memscope(dir.path(), &["recover", "serve.memscope", "-o", "saved.memscope"]);
    assert_eq!(ran.code, 2, "a file is never written over: {}", ran.all());
}

#[test]
fn a_capture_is_written_anew_with_the_same_rows() {
    let (dir, path) = with_capture();
    let whole = exported(dir.path(), "serve.memscope");
    for arguments in [
        &["compact", "serve.memscope"][..],
        &["compact", "serve.memscope", "--smallest", "-o", "s.memscope"],
    ] {
        let ran = memscope(dir.path(), arguments);
        assert_eq!(ran.code, 0, "{}", ran.all());
        assert!(ran.stderr.contains("compared"), "{}", ran.all());
    }
    assert_eq!(exported(dir.path(), "serve-compact.memscope"), whole);
    assert_eq!(exported(dir.path(), "s.memscope"), whole);
    let ran = memscope(dir.path(), &["compact", "serve.memscope"]);
    assert_eq!(ran.code, 2, "a file is never written over: {}", ran.all());
    // What is damaged is not made smaller by leaving it out.
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 400].fill(0);
    std::fs::write(&path, bytes).unwrap();
    let ran = memscope(dir.path(), &["compact", "serve.memscope", "-o", "t.memscope"]);
    assert_eq!(ran.code, 3, "{}", ran.all());
}

#[test]
fn captures_of_several_processes_become_one() {
    let dir = tempfile::tempdir().unwrap();
    let several = dir.path().join("several");
    std::fs::create_dir(&several).unwrap();
    Recording::default().write(&several, "a.memscope");
    Recording { pid: 81235, lost: 2, ..Recording::default() }.write(&several, "b.memscope");
    let ran = memscope(dir.path(), &["merge", "several", "-o", "all.memscope"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let said = "wrote: all.memscope (44 rows of 2 recordings)\ntimes: one counter, times are as they were recorded\n\
                next: memscope summary all.memscope\n";
    assert_eq!(ran.stderr, said);
    assert_eq!(memscope(dir.path(), &["validate", "all.memscope"]).code, 0);
    // It is of no process of its own.
    for command in ["summary", "info"] {
        let shown = memscope(dir.path(), &[command, "all.memscope"]).stdout;
        assert!(shown.contains("serve") && !shown.contains("(pid 0)"), "{shown}");
    }
    // The report of one is that of both.
    let sessions = |path: &str| {
        let report = memscope(dir.path(), &["summary", "--json", path]).json();
        let sites = report["sites"].as_array().unwrap().clone();
        let session = sites.into_iter().find(|site| site["name"] == "Session").unwrap();
        (report["events"].clone(), report["lost"].clone(), session["born"]["value"].clone())
    };
    assert_eq!(sessions("all.memscope"), (40.into(), 2.into(), 6.into()));
    let ran = memscope(dir.path(), &["merge", "several/a.memscope", "several", "-o", "x.memscope"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(ran.stderr.contains("the same frames twice"), "{}", ran.stderr);
    assert!(!dir.path().join("x.memscope").exists());
}

#[test]
fn a_capture_is_cut_by_time() {
    let (dir, _) = with_capture();
    // A birth at 100 us, its exit at 150 us: the first is in, the second is not.
    let words =
        ["convert", "serve.memscope", "x.memscope", "--from-time", "0.1ms", "--to-time", "150us"];
    let ran = memscope(dir.path(), &words);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let times = |file: &str| {
        let rows = exported(dir.path(), file);
        let all = rows.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let mut times: Vec<u64> = all.filter_map(|row| row["ts_ns"].as_u64()).collect();
        times.sort_unstable();
        times
    };
    let mut expected = times("serve.memscope");
    expected.retain(|ns| (100_000..150_000).contains(ns));
    assert_eq!(times("x.memscope"), expected);
    assert!(expected.first() == Some(&100_000) && expected.len() > 2);
    let ran =
        memscope(dir.path(), &["convert", "serve.memscope", "y.memscope", "--from-time", "1"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("is no time"), "{}", ran.stderr);
}

#[test]
fn tuning_says_what_is_best_and_why() {
    let (dir, _) = with_capture();
    let ran = memscope(dir.path(), &["tune", "serve.memscope"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stdout.contains("Tried on all 22 rows"), "{}", ran.all());
    assert_eq!(ran.stdout.lines().filter(|line| line.trim_start().starts_with("* ")).count(), 2);
    let ran = memscope(dir.path(), &["tune", "serve.memscope", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(json["best"].as_array().unwrap().contains(&json["recommended"]), "{}", ran.all());
}

/// A process may have few files open, and make many captures.
#[cfg(unix)]
#[test]
fn more_captures_than_files_may_be_open_become_one() {
    let dir = tempfile::tempdir().unwrap();
    let several = dir.path().join("several");
    std::fs::create_dir(&several).unwrap();
    for pid in 1..=100 {
        Recording { pid, ..Recording::default() }.write(&several, &format!("{pid}.memscope"));
    }
    let program = env!("CARGO_BIN_EXE_memscope");
    let merge = format!("ulimit -n 32 && exec {program} merge several -o all.memscope");
    let output = Command::new("sh").args(["-c", &merge]).current_dir(dir.path()).output().unwrap();
    let ran = Ran::new(output, program);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stderr.starts_with("wrote: all.memscope (2,200 rows of 100 recordings)"));
    let report = memscope(dir.path(), &["summary", "--json", "all.memscope"]).json();
    assert_eq!(report["events"], 2000);
}

/// Of a capture that was merged, how many of its recordings were cut off.
#[test]
fn what_was_merged_says_how_much_of_it_was_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let several = dir.path().join("several");
    std::fs::create_dir(&several).unwrap();
    for pid in 1..=3 {
        let recording = Recording { pid, closed: pid != 2, ..Recording::default() };
        recording.write(&several, &format!("{pid}.memscope"));
    }
    assert_eq!(memscope(dir.path(), &["merge", "several", "-o", "all.memscope"]).code, 0);
    let said = |path: &str| {
        let summary = memscope(dir.path(), &["summary", path]).stdout;
        let notes = summary.lines().filter(|line| line.starts_with("note: "));
        notes.take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    let [cut, torn] = said("all.memscope").try_into().unwrap();
    assert!(cut.starts_with("note: cut off: 1 of 3 recordings did not end by itself"), "{cut}");
    assert!(torn.starts_with("note: the last events of 1 of 3 recordings are missing"), "{torn}");
    assert_eq!(said("several"), [cut, torn]);
}
