//! What a capture holds of values of which some were recorded, against what the program counts by itself.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::chance::farthest;
use crate::harness::{Run, rows, run};
use crate::scenarios::sampled::{BOOKS, CALLS, CLONES, KEPT, OWNED, PAGES, PLAIN, TASKS};
use memscope_format::report::{Figure, Report};
use memscope_format::rows::{
    Call, CallOutcome, Container, DropChain, LeftOut, Lifecycle, LifecycleKind, Outcome, Task,
    TaskKind,
};
use memscope_format::{Event, Reader};
use std::collections::{BTreeMap, BTreeSet};

/// Pages that were made in all.
const ALL_PAGES: u64 = PAGES + 1 + CLONES + KEPT + BOOKS;

fn site(capture: &Reader, name: &str) -> u32 {
    // Other scenarios have types of such names too.
    let here = |file: &str| file.ends_with("sampled.rs");
    let mut sites = capture.defs().sites.iter();
    let site = sites.find(|site| site.name == name && here(&site.file));
    site.unwrap_or_else(|| panic!("no site {name}")).id
}

/// Whether the estimate of a number, one in so many of which was recorded, is as near to the truth as chance allows, and its error
/// that of the estimate: two standard errors, at the far end.
pub(crate) fn is_about(what: &str, figure: &Figure<u64>, truth: u64, one_in: u64) {
    let Figure::Sampled { value, error } = figure else { panic!("{what}: {figure:?}") };
    let (off, step) = (value.abs_diff(truth) as f64, (one_in - 1) as f64);
    let room = farthest(truth as f64 * step, one_in as f64);
    assert!(off <= room, "{what}: {value} ± {error}, in truth {truth}");
    let two_errors = 2.0 * ((*value as f64 * step + step * step).sqrt() + step);
    assert_eq!(*error, two_errors.ceil() as u64, "{what}: the error of {value}");
}

#[test]
fn estimates_are_what_the_program_counts() {
    let run = run("sampled");
    let report = report(&run);
    let lives = |name: &str| &report.site(name).unwrap_or_else(|| panic!("no {name}")).lives;
    let page = lives("Page");
    is_about("pages", &page.born, ALL_PAGES, 10);
    is_about("clones", &page.cloned, CLONES, 10);
    is_about("pages dropped", &page.dropped, ALL_PAGES - KEPT, 10);
    is_about("pages kept", &page.alive_at_exit, KEPT, 10);
    assert_eq!(page.peak_alive.fidelity(), "unknown");
    is_about("plain", &lives("Plain").dropped, PLAIN, 5);
    is_about("owned", &lives("owned").born, OWNED, 5);
    is_about("owned, dropped", &lives("owned").dropped, OWNED / 2, 5);
    is_about("owned, given back", &lives("owned").moved, OWNED / 2, 5);
    is_about("variables", &lives("read::words").born, CALLS, 8);
    is_about("arguments", &lives("read::text").scope_ended, CALLS, 8);
    // What is not sampled is exact, whatever lies in it or around it.
    let (variable, book) = (lives("page"), lives("Book"));
    assert_eq!(variable.born, Figure::Exact(PAGES));
    assert_eq!(variable.moved, Figure::Exact(PAGES / 4));
    assert_eq!(variable.dropped, Figure::Exact(PAGES - PAGES / 4));
    assert_eq!((&book.born, &book.dropped), (&Figure::Exact(BOOKS), &Figure::Exact(BOOKS)));
    is_about("variables of books", &lives("book").born, BOOKS, 2);
    is_about("books dropped in their variables", &lives("book").dropped, BOOKS, 2);
    let function = |name: &str| report.functions.iter().find(|one| one.site.name == name).unwrap();
    is_about("calls", &function("read").calls, CALLS, 8);
    is_about("unwound", &function("read").unwound, CALLS / 10, 8);
    assert_eq!(function("leaf").calls, Figure::Exact(CALLS));
    assert_eq!(function("reads").self_ns.fidelity(), "sampled");
    let visit = function("visit");
    // A task is chosen with its two or three polls.
    let two_polls = TASKS / 3;
    let polls = 3 * TASKS - two_polls;
    let squares = 9 * TASKS - 5 * two_polls;
    let off = visit.calls.value().unwrap().abs_diff(polls) as f64;
    assert!(off <= farthest(3.0 * squares as f64, 4.0 * 3.0), "{:?} of {polls}", visit.calls);
    assert_eq!(visit.calls.fidelity(), "sampled");
    let tasks = visit.tasks.as_ref().unwrap();
    is_about("tasks", &tasks.started, TASKS, 4);
    is_about("cancelled", &tasks.cancelled, TASKS / 3, 4);
    assert!(report.caveats.iter().any(|caveat| caveat.starts_with("sampled: ")));
}

fn report(run: &Run) -> Report {
    Report::open(&run.files()).unwrap()
}

/// What each row of a site stands for.
fn weights<R: Event>(capture: &Reader) -> BTreeSet<(u64, u64)> {
    let mut found = BTreeSet::new();
    for chunk in capture.chunks::<R>() {
        let rows = capture.read_chunk::<R>(&chunk).unwrap();
        for (row, weight) in rows.iter().zip(capture.weights::<R>(&chunk).unwrap()) {
            found.insert((row.number("site").unwrap(), weight));
        }
    }
    found
}

#[test]
fn a_value_is_recorded_with_all_its_events_or_not_at_all() {
    let run = run("sampled");
    let capture = run.capture();
    assert_eq!(capture.lost(), 0);
    let lives = rows::<Lifecycle>(&capture);
    let of = |kinds: &[LifecycleKind]| {
        lives.iter().filter(|row| kinds.contains(&row.kind)).collect::<Vec<_>>()
    };
    let births = of(&[LifecycleKind::Born, LifecycleKind::Cloned]);
    let mut living: BTreeMap<u64, u32> = births.iter().map(|row| (row.value, row.site)).collect();
    assert_eq!(living.len(), births.len(), "each value is born once");
    let drops = rows::<DropChain>(&capture);
    let ended = of(&[LifecycleKind::Exit, LifecycleKind::Moved]);
    let ends = ended.iter().map(|row| (row.value, row.site));
    let ends = ends.chain(drops.iter().map(|row| (row.value, row.site)));
    let plain = site(&capture, "Plain");
    for (value, site) in ends.filter(|(_, site)| *site != plain) {
        assert_eq!(living.remove(&value), Some(site), "an end without a birth");
    }
    let page = site(&capture, "Page");
    assert!(living.values().all(|site| *site == page), "only pages are kept");
    let known: BTreeSet<u64> = births.iter().map(|row| row.value).collect();
    for state in rows::<Container>(&capture) {
        assert!(state.site == plain || known.contains(&state.value), "{state:?}");
    }
    let tasks = rows::<Task>(&capture);
    let of_kind = |started: bool| {
        let rows = tasks.iter().filter(|row| (row.kind == TaskKind::Started) == started);
        rows.map(|row| row.task).collect::<BTreeSet<_>>()
    };
    assert_eq!(of_kind(true), of_kind(false), "each task began and ended");
    let visit = site(&capture, "visit");
    let polls = rows::<Call>(&capture);
    let polled: BTreeSet<_> =
        polls.iter().filter(|row| row.site == visit).filter_map(|row| row.task).collect();
    assert_eq!(polled, of_kind(true));

    let rates = [("Page", 10), ("Plain", 5), ("Book", 1), ("book", 2), ("read::words", 8)];
    let mut weights = weights::<Lifecycle>(&capture);
    weights.extend(self::weights::<DropChain>(&capture));
    for (name, rate) in rates {
        let id = u64::from(site(&capture, name));
        let found: Vec<_> = weights.iter().filter(|(site, _)| *site == id).collect();
        assert_eq!(found, [&(id, rate)], "{name}");
    }
}

#[test]
fn what_was_left_out_around_a_drop_or_a_call_is_told() {
    let run = run("sampled");
    let capture = run.capture();
    let (book, page) = (site(&capture, "Book"), site(&capture, "Page"));
    let drops = rows::<DropChain>(&capture);
    let books: Vec<&DropChain> = drops.iter().filter(|row| row.site == book).collect();
    assert_eq!(books.len() as u64, BOOKS);
    let mut within = 0;
    for row in &books {
        // Within its variable's drop, which was recorded or not.
        assert_eq!(row.left_out.has(LeftOut::AROUND), row.depth == 0, "{row:?}");
        within += u64::from(row.left_out.has(LeftOut::WITHIN));
    }
    let begun = |row: &DropChain| row.ts - row.duration.unwrap();
    let in_books = drops
        .iter()
        .filter(|row| row.site == page)
        .filter(|row| books.iter().any(|book| begun(book) <= begun(row) && row.ts <= book.ts));
    assert_eq!(
        in_books.count() as u64 + within,
        BOOKS,
        "the page of each was recorded or left out"
    );
    let pages = drops.iter().filter(|row| row.site == page);
    assert!(pages.clone().all(|row| row.left_out == LeftOut::default() && row.duration.is_some()));
    assert!(drops.iter().filter(|row| row.site == page).all(|row| row.outcome == Outcome::Dropped));

    let calls = rows::<Call>(&capture);
    let of = |name| {
        let site = site(&capture, name);
        calls.iter().filter(move |row| row.site == site)
    };
    assert_eq!(of("leaf").count() as u64, CALLS);
    assert!(of("leaf").all(|row| row.left_out.has(LeftOut::AROUND) == (row.depth == 1)));
    assert!(of("read").all(|row| row.depth == 1 && row.left_out == LeftOut::default()));
    assert!(of("read").any(|row| row.outcome == CallOutcome::Unwound));
    assert!(of("reads").all(|row| row.depth == 0 && row.left_out == LeftOut::WITHIN));
}
