//! What the option `deep` records.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::harness::{Run, rows, run};
use crate::scenarios::KEYS;
use memscope_format::Reader;
use memscope_format::report::{Figure, Report};
use memscope_format::rows::{Call, Container, Content, SnapshotReason};
use std::os::unix::process::ExitStatusExt;

/// The rows of a site, or of the field of a type, that is called so.
fn of(capture: &Reader, name: &str) -> Vec<Content> {
    let defs = capture.defs();
    let named = |row: &Content| {
        let site = defs.sites.iter().find(|site| site.id == row.site).unwrap();
        let site = site.name.rsplit("::").next().unwrap();
        match row.field.checked_sub(1) {
            None => site == name,
            Some(field) => {
                let known = defs.types.iter().find(|def| def.id == row.type_id).unwrap();
                let field = &known.fields.as_ref().unwrap()[field as usize].name;
                format!("{site}.{field}") == name
            }
        }
    };
    rows(capture).into_iter().filter(named).collect()
}

/// Blocks, bytes in use and of room, unknown values and shared handles.
fn owned(row: &Content) -> [u64; 5] {
    [row.blocks, row.used_bytes, row.room_bytes, row.unknown, row.shared].map(Option::unwrap)
}

fn one(capture: &Reader, name: &str) -> Content {
    let found = of(capture, name);
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found[0]
}

/// Keys, distinct hashes, homes and the most keys of one.
fn spread(capture: &Reader, name: &str) -> [Option<u64>; 4] {
    let row = of(capture, name).into_iter().find(|row| row.keys.is_some()).unwrap();
    assert_eq!(row.blocks, None, "a row of its own");
    [row.keys, row.distinct, row.homes, row.fullest]
}

fn holds_all(run: &Run) {
    let capture = run.capture();
    let [blocks, used, room] = ["blocks ", "used ", "room "].map(|word| run.number(word));
    assert!(blocks > 5 && room > used, "{blocks} {used} {room}");

    let born = one(&capture, "books");
    assert_eq!((owned(&born), born.reason), ([blocks, used, room, 0, 0], SnapshotReason::Birth));
    let field = one(&capture, "Shelf.books");
    assert_eq!((owned(&field), field.reason), ([blocks, used, room, 0, 0], SnapshotReason::Drop));
    assert_eq!(owned(&one(&capture, "Shelf.shared")), [0, 0, 0, 0, 2]);
    assert_eq!(owned(&one(&capture, "Shelf.closed")), [0, 0, 0, 1, 0]);
    assert_eq!(owned(&one(&capture, "Shelf.plain")), [0; 5]);
    assert_eq!(owned(&one(&capture, "Shelf.title")), [0; 5]);
    assert_eq!(owned(&one(&capture, "jars")), [2, 5, 5, 0, 0]);
    assert_eq!(owned(&one(&capture, "Crate.jars")), [2, 5, 5, 0, 0]);
    // The last state too, where there is one: moved out of a `Tracked`, or kept to the end of the scope.
    for (name, bytes) in [("owned", 4), ("grown", 5)] {
        let life: Vec<_> = of(&capture, name).iter().map(|row| (row.reason, owned(row))).collect();
        let end = (SnapshotReason::Drop, [1, bytes, bytes, 0, 0]);
        assert_eq!(life, [(SnapshotReason::Birth, [0; 5]), end], "{name}");
    }
    // Not known of the end: whoever borrowed it could change it.
    let birth = of(&capture, "filled_later").into_iter().map(|row| (row.reason, owned(&row)));
    assert_eq!(birth.collect::<Vec<_>>(), [(SnapshotReason::Birth, [0; 5])]);

    // Nothing else was asked for; and each stands beside a state of the container at the same time.
    let contents = rows::<Content>(&capture);
    assert_eq!(contents.len(), 13 + 4 * 2, "{contents:?}");
    let states = rows::<Container>(&capture);
    let place = |row: &Container| (row.ts, row.value, row.site, row.field, row.reason);
    for row in contents {
        let here = (row.ts, row.value, row.site, row.field, row.reason);
        assert!(states.iter().any(|state| place(state) == here), "{row:?}");
    }
}

#[test]
fn what_containers_hold_is_what_the_program_counts() {
    let run = run("contents");
    assert!(run.capture().health().complete);
    holds_all(&run);
}

#[test]
fn it_survives_the_program() {
    let run = run("contents_killed");
    assert_eq!(run.status.signal(), Some(libc::SIGKILL));
    assert!(run.capture().health().recovered_events > 0);
    holds_all(&run);
}

#[test]
fn a_bad_hasher_shows_and_the_standard_one_does_not() {
    let run = run("contents");
    let capture = run.capture();
    assert_eq!(spread(&capture, "bad"), [Some(KEYS), Some(16), Some(16), Some(KEYS.div_ceil(16))]);
    let [keys, distinct, homes, fullest] = spread(&capture, "good").map(Option::unwrap);
    assert_eq!((keys, distinct), (KEYS, KEYS));
    // Of 2048 buckets random hashes take 791; fewer than 700, or ten in one, would be a wonder.
    assert!(homes > 700 && fullest < 10, "{homes} {fullest}");
    assert_eq!(of(&capture, "good")[1].buckets, Some(2048));
}

#[test]
fn what_hashing_does_is_not_recorded() {
    let run = run("contents");
    let capture = run.capture();
    assert_eq!(spread(&capture, "traced")[..2], [Some(2), Some(2)]);
    assert_eq!(spread(&capture, "*fragile"), [Some(2), None, None, None]);
    let defs = capture.defs();
    let site = |name: &str| defs.sites.iter().find(|site| site.name.ends_with(name)).unwrap().id;
    let calls = rows::<Call>(&capture).iter().filter(|row| row.site == site("hash")).count();
    assert_eq!(calls, 2, "those of the two insertions");
    assert_eq!(capture.lost(), 0);
    let behind = site("behind");
    assert_eq!(rows::<Container>(&capture).iter().filter(|row| row.site == behind).count(), 1);
}

#[test]
fn a_report_names_the_map_with_the_bad_hasher_and_no_other() {
    let run = run("contents");
    let [blocks, used, room] = ["blocks ", "used ", "room "].map(|word| run.number(word));
    let captures = run.files();
    let report = Report::open(&captures).unwrap();
    let found = report.findings.iter().filter(|finding| finding.rule == "poor-hash");
    let names: Vec<&str> = found.map(|finding| finding.site.name.as_str()).collect();
    assert_eq!(names, ["bad"]);

    let container = |name: &str| report.containers.iter().find(|one| one.name() == name).unwrap();
    let books = container("Shelf.books");
    assert_eq!(books.content_max_bytes, Some(Figure::Exact(room)));
    let last = books.last_known(SnapshotReason::Drop).unwrap().content.clone().unwrap();
    assert_eq!(
        [last.blocks, last.used_bytes, last.room_bytes],
        [blocks, used, room].map(Figure::Exact)
    );
    let closed = container("Shelf.closed").last[0].content.clone().unwrap();
    assert_eq!((closed.unknown, closed.blocks.fidelity()), (Figure::Exact(1), "at_least"));
    assert_eq!(container("shallow::shallow").last[0].content, None);
    let bad = container("bad").hashes.clone().unwrap().worst.unwrap();
    assert_eq!((bad.keys, bad.distinct), (KEYS, 16));
    let fragile = container("*fragile").hashes.clone().unwrap();
    assert_eq!((fragile.not_hashed, fragile.worst), (Figure::Exact(1), None));
}
