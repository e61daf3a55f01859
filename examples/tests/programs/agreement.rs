//! What a capture says is what the program counted by itself.

use crate::build::{succeed, workspace_root};
use crate::recorded::{
    INDEXER, LRU_STORE, Lives, only_capture_in, printed, recorded, recording, reported, types,
};
use memscope_format::Reader;
use memscope_format::report::Report;
use memscope_format::rows::Zst;
use std::collections::BTreeMap;
use std::fs;

/// Runs a program with `--check`, whose capture must be complete and say the same of every type, row by row and in the
/// report. Returns what it counted, and the capture.
fn run(program: &str, arguments: &[&str]) -> (BTreeMap<String, Lives>, Reader) {
    let captures = tempfile::tempdir().unwrap();
    let mut command = recording(program, captures.path());
    let output = succeed(command.args(arguments).arg("--check").current_dir(workspace_root()));
    let counted = printed(&String::from_utf8(output.stdout).unwrap());
    let capture = only_capture_in(captures.path());
    let reader = Reader::open(&capture).unwrap();
    let health = reader.health();
    assert!(health.complete && health.damage.is_empty(), "{health:?}");
    assert_eq!((health.lost_events, health.recovered_events), (0, 0));
    let recorded = recorded(&reader);
    assert_eq!(types(&recorded), counted);
    assert_eq!(reported(&Report::open(&[capture]).unwrap()), recorded);
    (counted, reader)
}

fn indexer_agrees(threads: &str) {
    let (counted, reader) = run(INDEXER, &["--threads", threads, "--limit", "2MiB", "."]);
    let files = counted["Document"].born;
    assert!(files > 20 && counted["Posting"].born > 1_000, "{counted:?}");
    let every_file = Lives { born: files, ended: files };
    let sites = recorded(&reader);
    let of = |kind, name: &str| sites.get(&(kind, name.to_owned())).copied().unwrap_or_default();
    assert_eq!(of("argument", "index_text::text"), every_file);
    assert_eq!(of("variable", "index_text::document"), every_file);
    assert_eq!(of("variable", "index_text::postings"), every_file);
    // Without drop glue: recorded because `track_var!` asks for it.
    assert_eq!(of("variable", "id"), every_file);
    assert_eq!(of("variable", "folding"), every_file);
    // The only value that takes no space.
    assert_eq!(reader.rows::<Zst>().count() as u64, 2 * files);

    let mut names: Vec<_> =
        reader.defs().threads.iter().filter_map(|thread| thread.name.clone()).collect();
    names.sort_unstable();
    let workers = (0..threads.parse::<usize>().unwrap()).map(|number| format!("index-{number}"));
    assert!(workers.clone().all(|worker| names.contains(&worker)), "{names:?}");
}

#[test]
fn indexer_on_one_thread() {
    indexer_agrees("1");
}

#[test]
fn indexer_on_four_threads() {
    indexer_agrees("4");
}

#[test]
fn lru_store_frees_what_it_evicts() {
    let (counted, _) = run(LRU_STORE, &["--operations", "20000", "--capacity", "64KiB"]);
    assert!(counted["Entry"].born > 1_000);
    assert_eq!(counted["Entry"].alive(), 0);
}

#[test]
fn lru_store_with_cycles_leaves_entries_alive_at_exit() {
    let (counted, _) = run(LRU_STORE, &["--operations", "20000", "--capacity", "64KiB", "--cycle"]);
    assert!(counted["Entry"].alive() > 1_000, "{counted:?}");
}

#[test]
fn lru_store_replays_a_trace_from_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("short.trace");
    // Each value takes its 5 bytes of key and its own; 100 bytes hold the last three.
    fs::write(
        &trace,
        "put key:1 25\nput key:2 25\nput key:3 25\n# full\nput key:4 20\nget key:1\nremove key:3\n",
    )
    .unwrap();
    let (counted, _) = run(LRU_STORE, &["--capacity", "100", "--trace", trace.to_str().unwrap()]);
    assert_eq!(counted["Entry"], Lives { born: 4, ended: 4 });
}
