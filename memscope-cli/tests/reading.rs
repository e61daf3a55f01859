//! What `summary`, `info`, `validate` and `export` show of captures with known content.

mod fixture;

use fixture::{Recording, memscope, memscope_in, with_capture};
use insta::assert_snapshot;
use std::io::BufRead;
use std::process::{Command, Stdio};

#[test]
fn summary_of_a_capture() {
    let (dir, _) = with_capture();
    assert_snapshot!(memscope(dir.path(), &["summary", "serve.memscope"]).all());
}

#[test]
fn summary_fits_a_narrow_terminal() {
    let (dir, _) = with_capture();
    let ran = memscope_in(dir.path(), 72, &["summary", "serve.memscope", "--top", "3"]);
    assert_snapshot!(ran.all());
    let tables = ran.stdout.lines().filter(|line| line.starts_with("  "));
    assert!(tables.clone().count() > 10);
    for line in tables {
        assert!(line.chars().count() <= 72, "{line}");
    }
}

#[test]
fn summary_of_a_directory_adds_up_its_captures() {
    let dir = tempfile::tempdir().unwrap();
    Recording::default().write(dir.path(), "a.memscope");
    Recording { pid: 81235, closed: false, lost: 2 }.write(dir.path(), "b.memscope");
    assert_snapshot!(memscope(dir.path(), &["summary", ".", "--top", "4"]).all());
}

/// As doctests leave them, a process each. With fewer descriptors than there are captures.
#[cfg(unix)]
#[test]
fn a_directory_of_hundreds_of_captures_reads_as_one() {
    const CAPTURES: u32 = 300;
    let dir = tempfile::tempdir().unwrap();
    for pid in 1..=CAPTURES {
        Recording { pid, ..Recording::default() }.write(dir.path(), &format!("{pid}.memscope"));
    }
    let mut shell = Command::new("sh");
    let limited = "ulimit -n 64; exec \"$0\" summary --json .";
    shell.args(["-c", limited, env!("CARGO_BIN_EXE_memscope")]).current_dir(dir.path());
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["captures"].as_array().map(Vec::len), Some(CAPTURES as usize));
    let sites = report["sites"].as_array().unwrap();
    let session = sites.iter().find(|site| site["name"] == "Session").unwrap();
    assert_eq!(session["born"]["value"], 3 * CAPTURES);
    assert_eq!(report["events"], 20 * CAPTURES);
}

#[test]
fn a_copy_beside_its_capture_is_not_counted_again() {
    let dir = tempfile::tempdir().unwrap();
    Recording::default().write(dir.path(), "a.memscope");
    let alone = memscope(dir.path(), &["summary", "--json", "."]).json();
    memscope(dir.path(), &["compact", "a.memscope"]);
    assert!(dir.path().join("a-compact.memscope").exists());
    let both = memscope(dir.path(), &["summary", "--json", "."]).json();
    assert_eq!((&both["sites"], &both["heap"]), (&alone["sites"], &alone["heap"]));
    assert!(both["caveats"].to_string().contains("it is a copy of what is in"), "{both}");
    assert!(!alone["caveats"].to_string().contains("copy"));
}

#[test]
fn summary_as_json_has_every_figure_with_its_fidelity() {
    let (dir, _) = with_capture();
    let report = memscope(dir.path(), &["summary", "--json", "serve.memscope"]).json();
    let named = |table: &str, key: &str, name: &str| {
        let rows = report[table].as_array().unwrap();
        rows.iter()
            .find(|row| row[key] == name)
            .unwrap_or_else(|| panic!("no {name} in {table}"))
            .clone()
    };
    assert_eq!((&report["events"], &report["lost"]), (&20.into(), &0.into()));
    let session = named("sites", "name", "Session");
    assert_eq!(session["kind"], "type");
    assert_eq!(session["born"], serde_json::json!({"value": 3, "fidelity": "exact"}));
    assert_eq!(session["alive_at_exit"]["value"], 1);
    assert_eq!(session["peak_alive"]["value"], 3);
    // They lived from 10 to 5004 and from 20 to 9500 microseconds.
    assert_eq!(session["median_life_ns"]["value"], 4_994_000);
    assert_eq!(session["p99_life_ns"]["value"], 9_480_000);
    assert_eq!(session["drops"]["total_ns"]["value"], 404_000);
    let plain = named("sites", "name", "Plain");
    assert_eq!(plain["born"]["fidelity"], "unknown");
    assert_eq!(plain["dropped"]["value"], 2);
    let pages = named("containers", "field", "pages");
    assert_eq!(pages["last"][0]["reason"], "drop");
    assert_eq!(pages["last"][0]["waste_bytes"]["value"], 2000 * 64);
    assert_eq!(named("zero_sized", "type", "serve::Permit")["variables"]["peak_alive"]["value"], 2);
    assert_eq!(named("threads", "name", "worker")["born"]["value"], 4);
    assert_eq!(report["slowest_drops"][0]["duration_ns"], 3_000_000);
    let rules: Vec<_> =
        report["findings"].as_array().unwrap().iter().map(|found| found["rule"].clone()).collect();
    assert_eq!(rules, ["alive-at-exit", "container-waste", "slow-drop"]);
}

#[test]
fn info_of_a_capture() {
    let (dir, _) = with_capture();
    assert_snapshot!(memscope(dir.path(), &["info", "serve.memscope"]).all());
}

#[test]
fn info_of_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    Recording::default().write(dir.path(), "a.memscope");
    Recording { pid: 81235, closed: false, lost: 2 }.write(dir.path(), "b.memscope");
    assert_snapshot!(memscope(dir.path(), &["info", "."]).all());
}

#[test]
fn info_as_json_has_the_promised_keys() {
    let (dir, path) = with_capture();
    let info = memscope(dir.path(), &["info", "--json", "serve.memscope"]).json();
    let size = path.metadata().unwrap().len();
    assert_eq!(info["bytes"], size);
    for (key, value) in
        [("events", 20), ("lost", 0), ("recovered", 0), ("sites", 6), ("types", 5), ("threads", 3)]
    {
        assert_eq!(info[key], value, "{key}");
    }
    for (stream, rows) in [("LIFECYCLE", 9), ("CONTAINER", 4), ("ZST", 2), ("DROP_CHAIN", 7)] {
        assert_eq!(info["streams"][stream]["rows"], rows, "{stream}");
        assert!(info["streams"][stream]["bytes"].as_u64().unwrap() > 0);
    }
    assert_eq!(info["captures"][0]["program"], "serve");
    assert_eq!(info["captures"][0]["labels"][0][1], "abc123");
}

#[test]
fn validate_a_whole_capture() {
    let (dir, _) = with_capture();
    let ran = memscope(dir.path(), &["validate", "serve.memscope"]);
    assert_snapshot!(ran.all());
    assert_eq!(
        memscope(dir.path(), &["validate", "--json", "serve.memscope"]).json()["valid"],
        true
    );
}

#[test]
fn export_gives_one_object_a_row_with_names_and_times() {
    let (dir, _) = with_capture();
    let ran = memscope(dir.path(), &["export", "--format", "json", "serve.memscope"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, "next: memscope summary serve.memscope\n"));
    let mut streams = Vec::new();
    for line in ran.stdout.lines() {
        assert!(line.starts_with(r#"{"stream":""#), "{line}");
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        streams.push(object["stream"].as_str().unwrap().to_owned());
    }
    let counts = streams.chunk_by(|a, b| a == b).map(|same| format!("{} {}", same.len(), same[0]));
    assert_eq!(
        counts.collect::<Vec<_>>(),
        [
            "3 THREADS",
            "6 SITES",
            "5 TYPES",
            "5 HOOKS",
            "9 LIFECYCLE",
            "4 CONTAINER",
            "2 ZST",
            "7 DROP_CHAIN"
        ]
    );
    let of =
        |stream: &str| ran.stdout.lines().filter(|line| line.contains(stream)).collect::<Vec<_>>();
    assert_snapshot!(
        [
            of("LIFECYCLE")[0],
            of("CONTAINER")[3],
            of(r#""ZST""#)[0],
            of("DROP_CHAIN")[0],
            of("DROP_CHAIN")[5]
        ]
        .join("\n")
    );
}

#[test]
fn export_to_a_file() {
    let (dir, _) = with_capture();
    let args = ["export", "--format", "json", "serve.memscope"];
    let piped = memscope(dir.path(), &args);
    let ran = memscope(dir.path(), &[&args[..], &["-o", "rows.jsonl"]].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert_eq!(std::fs::read_to_string(dir.path().join("rows.jsonl")).unwrap(), piped.stdout);
}

#[test]
fn a_reader_that_goes_away_ends_the_output_quietly() {
    let (dir, _) = with_capture();
    for command in
        [&["export", "--format", "json"][..], &["summary"], &["info", "--json"], &["validate"]]
    {
        // A pipe that nobody reads any more, before the first byte is written.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut memscope = Command::new(env!("CARGO_BIN_EXE_memscope"));
        let output = memscope
            .args(command)
            .arg("serve.memscope")
            .current_dir(dir.path())
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{command:?}");
        assert_eq!(output.status.code(), Some(0), "{command:?}");
    }
}

#[test]
fn cargo_memscope_speaks_of_itself_as_the_user_does() {
    let (dir, _) = with_capture();
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-memscope"))
        .args(["memscope", "validate", "serve.memscope"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let last = output.stdout.lines().map_while(Result::ok).last();
    assert_eq!(last.as_deref(), Some("next: cargo memscope summary serve.memscope"));
}

#[test]
fn what_goes_to_a_pipe_has_all_columns() {
    let (dir, _) = with_capture();
    let mut memscope = Command::new(env!("CARGO_BIN_EXE_memscope"));
    memscope.args(["summary", "serve.memscope"]).current_dir(dir.path()).env_remove("COLUMNS");
    let text = String::from_utf8(memscope.output().unwrap().stdout).unwrap();
    assert!(text.contains("Scope end  Escapes   Where\n"), "{text}");
    assert!(!text.contains("left out"), "{text}");
}

#[test]
fn top_0_shows_all_rows() {
    let (dir, _) = with_capture();
    let rows = |top| memscope(dir.path(), &["summary", "--top", top, "serve.memscope"]).stdout;
    assert!(rows("1").contains("more (--top 5)"));
    assert_eq!(rows("0"), rows("20"));
}
