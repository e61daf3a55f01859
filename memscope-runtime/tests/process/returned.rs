//! What a capture holds of return values, futures among them.

use crate::harness::{rows, run};
use crate::scenarios;
use memscope_format::defs::SiteKind;
use memscope_format::report::Report;
use memscope_format::rows::{Container, Lifecycle, LifecycleKind, Task, TaskKind, Zst};
use std::collections::BTreeSet;

#[test]
fn each_return_counts_once_however_it_was_done() {
    let run = run("returns");
    let capture = run.capture();
    let defs = capture.defs();
    let site = |name: &str| {
        let name = format!("{name}::return value");
        let site = defs.sites.iter().find(|site| site.name == name);
        let site = site.unwrap_or_else(|| panic!("no site {name}"));
        assert_eq!(site.kind, SiteKind::Return, "{site:?}");
        site.id
    };
    // A value of no size is a row of another stream.
    let mut lives: Vec<Lifecycle> = rows::<Lifecycle>(&capture);
    lives.extend(rows::<Zst>(&capture).iter().map(|row| row.0));
    let returned = |name: &str| {
        let site = site(name);
        let of = |kind| {
            let rows = lives.iter().filter(move |row| row.site == site && row.kind == kind);
            rows.map(|row| (row.value, row.ts, row.type_id)).collect::<BTreeSet<_>>()
        };
        let born = of(LifecycleKind::Born);
        assert_eq!(born, of(LifecycleKind::Moved), "{name}: each is moved out when it is born");
        let types = born.iter().map(|(_, _, type_id)| defs.type_def(*type_id).unwrap());
        let mut types: Vec<_> = types.map(|def| (def.name.as_str(), def.size)).collect();
        types.sort_unstable();
        let mut counts: Vec<(&str, u64, u64)> = Vec::new();
        for (name, size) in types {
            match counts.last_mut() {
                Some((last, _, count)) if *last == name => *count += 1,
                _ => counts.push((name, size, 1)),
            }
        }
        counts
    };
    let calls = scenarios::returns::CALLS;
    assert_eq!(returned("list"), [("alloc::vec::Vec<u16>", 24, calls * 3 / 4)]);
    let counted = "core::option::Option<alloc::rc::Rc<u8>>";
    assert_eq!(returned("question_mark"), [(counted, 8, calls)]);
    assert_eq!(returned("nothing"), [("()", 0, calls)]);
    let boxed = "alloc::boxed::Box<dyn core::ops::function::FnOnce() -> u64>";
    assert_eq!(returned("hidden"), [(boxed, 16, calls)]);
    let both = [("alloc::string::String", 24, calls), ("u64", 8, calls)];
    assert_eq!(returned("generic"), both);
    let result = "core::result::Result<alloc::string::String, core::num::error::ParseIntError>";
    assert_eq!(returned("later"), [(result, 24, calls)]);
    assert_eq!(returned("text"), [("alloc::string::String", 24, calls)]);

    // Neither the calls that unwound, nor those that began while the thread did.
    assert_eq!(returned("in_a_destructor"), [("u64", 8, calls)]);

    let states = |name: &str| {
        let site = site(name);
        let rows = rows::<Container>(&capture).into_iter();
        let states = rows.filter(|row| row.site == site).map(|row| (row.len, row.capacity));
        states.collect::<Vec<_>>()
    };
    // What the macro returned was not seen.
    assert_eq!(states("list"), vec![(Some(2), Some(8)); calls as usize / 2]);
    assert_eq!(states("text"), vec![(Some(3), Some(3)); calls as usize]);
    let report = Report::open(&run.paths()).unwrap();
    let list = report.site("list::return value").unwrap();
    assert_eq!(list.lives.moved.value(), Some(&(calls * 3 / 4)));
    assert_eq!(list.lives.alive_at_exit.value(), Some(&0));
    assert_eq!(list.lives.born.value(), Some(&(calls * 3 / 4)));
}

#[test]
fn an_async_block_is_a_task_wherever_in_a_body_it_is_made() {
    let capture = run("futures").capture();
    let story: Vec<_> = rows::<Task>(&capture)
        .iter()
        .map(|row| (capture.defs().site(row.site).unwrap().name.as_str(), row.kind))
        .collect();
    let ended = |name| [(name, TaskKind::Started), (name, TaskKind::Completed)];
    let expected = [
        ended("returns_a_variable"),
        // A third time it gives a future that it has not made.
        ended("returns_one_of_several"),
        ended("returns_one_of_several"),
        [("never_ends", TaskKind::Started), ("never_ends", TaskKind::Cancelled)],
    ];
    assert_eq!(story, expected.concat());
}

#[test]
fn a_task_ends_once_however_often_it_is_polled() {
    let run = run("polled_again");
    let capture = run.capture();
    let mut story: Vec<_> = rows::<Task>(&capture)
        .iter()
        .map(|row| (capture.defs().site(row.site).unwrap().name.as_str(), row.kind))
        .collect();
    story.sort_by_key(|(name, _)| *name);
    let expected = [
        ("fails_at_once", TaskKind::Started),
        ("fails_at_once", TaskKind::Unwound),
        ("returns_at_once", TaskKind::Started),
        ("returns_at_once", TaskKind::Completed),
    ];
    assert_eq!(story, expected);
}

#[test]
fn tasks_carry_the_ids_that_tokio_gave_them() {
    let run = run("tokio");
    let capture = run.capture();
    assert!(run.status.success(), "{}", run.stderr());
    let begins = rows::<Task>(&capture).into_iter().filter(|row| row.kind == TaskKind::Started);
    let ids: Vec<_> = begins
        .map(|row| (capture.defs().site(row.site).unwrap().name.clone(), row.executor_id))
        .collect();
    let both = |id| [("named_by_tokio".to_owned(), id), ("within".to_owned(), id)];
    let told = [Some(run.number("id0 ")), Some(run.number("id1 ")), None];
    assert_eq!(ids, told.map(both).concat());
}
