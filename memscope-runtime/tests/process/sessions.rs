//! Sessions that the program starts and stops, pauses and marks.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::chance::farthest;
use super::harness::{self, run, run_with};
use super::sampled::is_about;
use super::scenarios::sessions::{EACH, RATED, SESSIONS, THREADS};
use memscope_format::report::{Figure, Report};
use memscope_format::rows::{Call, DropChain, Lifecycle, LifecycleKind, Metric, Performance};
use memscope_format::{Codec, Reader};
use std::collections::{HashMap, HashSet};

#[test]
fn each_of_many_sessions_has_a_capture_with_all_that_happened_in_it() {
    let run = run("sessions");
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    assert_eq!(run.stderr(), "");
    let captures = run.captures();
    assert_eq!(captures.len() as u64, SESSIONS);
    assert_eq!(run.files().len() as u64, SESSIONS, "no rings are left");
    let mut ids = HashSet::new();
    let mut numbers = HashSet::new();
    for capture in &captures {
        assert!(capture.health().is_whole());
        let metadata = capture.metadata().unwrap();
        let labels: HashMap<&str, &str> =
            metadata.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(labels["session"], format!("session {}", labels["number"]));
        numbers.insert(labels["number"].to_owned());
        let births = harness::rows::<Lifecycle>(capture);
        let vectors = births
            .iter()
            .filter(|row| row.kind == LifecycleKind::Born)
            .filter(|row| capture.defs().site(row.site).unwrap().name.ends_with('v'));
        let values: Vec<u64> = vectors.map(|row| row.value).collect();
        assert_eq!(values.len() as u64, THREADS * EACH);
        let dropped: HashSet<u64> =
            harness::rows::<DropChain>(capture).iter().map(|row| row.value).collect();
        assert!(values.iter().all(|value| dropped.contains(value)));
        // No id is given twice, in whatever session.
        assert!(values.iter().all(|value| ids.insert(*value)));
    }
    assert_eq!(numbers.len() as u64, SESSIONS);
    // What a session mapped is given back in the next: one ring a thread, and the headers.
    let mapped = run.number("rings ");
    assert!(mapped <= SESSIONS + THREADS + 1, "{mapped} mappings of rings files");
}

#[test]
fn what_the_program_says_stands_before_what_the_environment_says() {
    let run = run_with("told", |command| {
        command
            .env("MEMSCOPE_RING_KIB", "4096")
            .env("MEMSCOPE_COMPRESSION", "small")
            .env("MEMSCOPE_DURABILITY", "commit")
            .env("MEMSCOPE_SAMPLE", "1/1000")
    });
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    let [directory] = run.files().try_into().unwrap();
    assert!(directory.ends_with("told"));
    let files = std::fs::read_dir(&directory).unwrap();
    let [path] = files.map(|file| file.unwrap().path()).collect::<Vec<_>>().try_into().unwrap();
    assert!(path.file_name().unwrap().to_str().unwrap().starts_with("by the program-"), "{path:?}");
    let capture = Reader::open(&path).unwrap();
    let metadata = capture.metadata().unwrap();
    // Rounded up to a power of two, in slots of 32 bytes.
    assert_eq!(metadata.ring_capacity, 128 * 1024 / 32);
    assert!(metadata.labels.contains(&("seed".to_owned(), "7".to_owned())));
    assert_eq!(capture.header().codec, Codec::None);
    assert_eq!(harness::rows::<DropChain>(&capture).len(), 100);
}

#[test]
fn an_end_of_a_value_of_an_earlier_session_is_no_contradiction() {
    let run = run("across");
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    let mut paths = run.paths();
    paths.sort();
    let [first, second] = paths.try_into().unwrap();
    let report = Report::open(&[first]).unwrap();
    let long = report.sites.iter().find(|site| site.site.name.ends_with("long")).unwrap();
    assert_eq!(long.lives.alive_at_exit.value(), Some(&1));
    // The program went on, and dropped it: at its exit nothing is alive.
    assert!(report.captures[0].complete && report.captures[0].stopped);
    assert!(!report.ended_at_exit());
    let report = Report::open(&[second]).unwrap();
    assert_eq!(report.captures[0].unmatched, 0, "{:?}", report.caveats);
    assert_eq!(report.captures[0].from_before, 1);
    assert!(report.caveats.iter().any(|caveat| caveat.contains("before the recording began")));
    let born = |name: &str| {
        let site = report.sites.iter().find(|site| site.site.name.ends_with(name)).unwrap();
        site.lives.born.value().copied()
    };
    assert_eq!([born("long"), born("unseen"), born("short")], [Some(0), Some(0), Some(1)]);
}

#[test]
fn a_process_records_one_value_in_so_many_where_the_source_does_not_say() {
    let scenarios = [
        ("rates", 100, true),
        ("rates of 10", 10, true),
        ("rates of 1", 1, true),
        ("rates without calls", 1, false),
    ];
    for (scenario, one_in, calls_are_recorded) in scenarios {
        // As in an attribute.
        let rate = if one_in == 10 { "1/100" } else { "0.01" };
        let run = run_with(scenario, |command| command.env("MEMSCOPE_SAMPLE", rate));
        assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
        assert_eq!(run.stderr(), "");
        let mut paths = run.paths();
        paths.sort();
        let [first, second] = paths.try_into().unwrap();
        for path in [&first, &second] {
            is_of_rate(path, one_in, calls_are_recorded);
        }
        // What was born in the first and ends in the second is none of its values.
        let report = Report::open(&[first]).unwrap();
        let lives = |report: &Report, name: &str| {
            report.sites.iter().find(|site| site.site.name == name).unwrap().lives.clone()
        };
        let estimate = |figure: &Figure<u64>, truth: u64| match one_in {
            1 => assert_eq!(*figure, Figure::Exact(truth)),
            _ => is_about("one in so many", figure, truth, one_in.into()),
        };
        estimate(&lives(&report, "Kept").alive_at_exit, RATED);
        let report = Report::open(&[second]).unwrap();
        assert_eq!(report.captures[0].unmatched, 0, "{:?}", report.caveats);
        // The task that was pending, too, if it was chosen.
        let from_before = report.captures[0].from_before;
        is_part("ends of values from before", from_before, RATED, one_in, 1.0);
        let kept = lives(&report, "Kept");
        for figure in [&kept.born, &kept.alive_at_exit] {
            assert_eq!(figure.value(), Some(&0), "{figure:?}");
        }
        let waits = report.functions.iter().find(|one| one.site.name == "waits").unwrap();
        let tasks = waits.tasks.as_ref().map(|tasks| (&tasks.started, &tasks.unfinished));
        match (one_in, calls_are_recorded) {
            // The one that hangs; that which ended was of the first session.
            (1, true) => assert_eq!(tasks, Some((&Figure::Exact(1), &Figure::Exact(1)))),
            (_, true) => {}
            (_, false) => assert_eq!(tasks, None),
        }
    }
}

/// Whether there are as many of what was chosen, one in so many, as chance allows, and so many that are always there at most.
fn is_part(what: &str, rows: u64, all: u64, one_in: u32, more: f64) {
    let share = 1.0 / f64::from(one_in);
    let expected = all as f64 * share;
    let room = match one_in {
        1 => 0.0,
        _ => farthest(expected * (1.0 - share), 1.0),
    };
    let off = rows as f64 - expected;
    assert!((-room..=room + more).contains(&off), "{rows} {what}, {expected} expected");
}

/// Whether a session of [`rates`](super::scenarios::sessions) has what it is to have.
fn is_of_rate(path: &std::path::Path, one_in: u32, calls_are_recorded: bool) {
    let report = Report::open(&[path.to_owned()]).unwrap();
    let site = |name: &str| {
        let mut sites = report.sites.iter();
        &sites.find(|site| site.site.name == name).unwrap().lives
    };
    let calls = &report.functions.iter().find(|one| one.site.name == "rated").unwrap().calls;
    let unknown =
        Figure::AtLeast { value: 0, why: "the program asked for no calls and tasks".into() };
    assert_eq!(*calls == unknown, !calls_are_recorded, "{calls:?}");
    for figure in [&site("plain").born, calls].into_iter().filter(|figure| **figure != unknown) {
        match one_in {
            1 => assert_eq!(*figure, Figure::Exact(RATED)),
            _ => is_about("one in so many", figure, RATED, one_in.into()),
        }
    }
    // What says its rate in the source keeps it.
    is_about("one in two", &site("own").born, RATED, 2);
    assert_eq!(site("each").born, Figure::Exact(RATED));
    for (name, one_in) in [("plain", one_in), ("own", 2), ("each", 1)] {
        is_part(name, rows_of(path, name), RATED, one_in, 0.0);
    }
}

/// Births of a variable that are rows.
fn rows_of(path: &std::path::Path, name: &str) -> u64 {
    let capture = Reader::open(path).unwrap();
    let births = harness::rows::<Lifecycle>(&capture);
    let is_it = |row: &&Lifecycle| capture.defs().site(row.site).unwrap().name == name;
    births.iter().filter(is_it).filter(|row| row.kind == LifecycleKind::Born).count() as u64
}

#[test]
fn a_pause_leaves_out_whole_values_and_the_capture_says_so() {
    let run = run("paused");
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    let capture = run.capture();
    assert_eq!((capture.lost(), capture.health().is_whole()), (0, true));
    let births = harness::rows::<Lifecycle>(&capture);
    let drops = harness::rows::<DropChain>(&capture);
    let mut born: Vec<u64> = births.iter().map(|row| row.value).collect();
    let mut dropped: Vec<u64> = drops.iter().map(|row| row.value).collect();
    born.sort_unstable();
    dropped.sort_unstable();
    // Those from before and after the pause, the one that was dropped in it included; not the two from within.
    assert_eq!(born.len(), 3);
    assert_eq!(born, dropped);
    assert_eq!(harness::rows::<Call>(&capture).len(), 2);
    let pauses: Vec<u64> = harness::rows::<Performance>(&capture)
        .iter()
        .filter(|row| row.metric == Metric::Paused)
        .map(|row| row.value)
        .collect();
    assert_eq!(pauses, [1, 0]);
    let report = Report::open(&run.paths()).unwrap();
    assert!(
        report.caveats.iter().any(|caveat| caveat.starts_with("paused:")),
        "{:?}",
        report.caveats
    );
}

#[test]
fn marks_are_in_the_file_whatever_comes_next() {
    let run = run("marks");
    let report = Report::open(&run.paths()).unwrap();
    let marks: Vec<(&str, u64)> =
        report.captures[0].marks.iter().map(|mark| (mark.phase.as_str(), mark.count)).collect();
    assert_eq!(marks, [("load", 1), ("sort", 1), ("load", 2)]);
    let times: Vec<u64> = report.captures[0].marks.iter().map(|mark| mark.at_ns).collect();
    assert!(times.is_sorted());
}

#[test]
fn what_cannot_be_is_refused_and_said() {
    let run = run("refused");
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    assert_eq!(run.stderr(), "", "errors are for the program to tell");
    assert!(run.captures().is_empty(), "the one session went elsewhere");
}

#[test]
fn a_session_that_is_switched_off_records_nothing_and_is_no_error() {
    let run = run_with("off", |command| command.env("MEMSCOPE", "off"));
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    assert!(run.files().is_empty());
}

#[test]
fn live_counters_agree_with_the_file() {
    let run = run("counters");
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
}

#[test]
fn a_policy_of_not_waiting_loses_whole_values_and_counts_them() {
    let run = run("dropping");
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    let capture = run.capture();
    let mut born: Vec<u64> =
        harness::rows::<Lifecycle>(&capture).iter().map(|row| row.value).collect();
    let mut dropped: Vec<u64> =
        harness::rows::<DropChain>(&capture).iter().map(|row| row.value).collect();
    born.sort_unstable();
    dropped.sort_unstable();
    assert!(capture.lost() > 0, "the drain kept up with {} values", born.len());
    assert_eq!(born.len() as u64 + capture.lost(), run.number("values "));
    assert_eq!(born, dropped, "no end is without its birth, nor a birth without its end");
}
