//! What a capture holds after each way a process can live and die.
//!
//! Each test runs this very binary again as a child, with a scenario and a directory of its own, and reads the
//! captures that it left.

#[path = "../chance/mod.rs"]
mod chance;
mod constructors;
mod contents;
mod deaths;
mod endings;
mod executors;
mod forks;
mod harness;
mod limits;
mod other_builds;
mod returned;
mod sampled;
mod scenarios;
mod sessions;
mod sinks;
mod spawns;
mod statics;
mod streams;
mod threads;

use harness::{Run, run, run_with};
use memscope_format::defs::{FieldDef, MarkerDef, Variance};
use memscope_format::rows::SnapshotReason;
use memscope_format::rows::{Call, Task, TaskKind};
use memscope_format::rows::{Container, DropChain, Lifecycle, LifecycleKind, Outcome, Zst};
use std::collections::HashMap;

/// The child's side; does nothing in the run that the user started.
#[test]
fn child() {
    if let Ok(scenario) = std::env::var(harness::SCENARIO) {
        scenarios::say_played(&scenario);
        scenarios::play(&scenario);
    }
}

#[test]
fn events_come_in_the_order_in_which_they_happened() {
    let run = run("ordered");
    let capture = run.capture();
    assert!(capture.health().complete, "{:?}", capture.health());
    let story = harness::story(&capture);
    assert_eq!(
        story,
        [
            "born Outer",
            "born outer",
            "born inner",
            // The end of the scope drops `inner`, then `outer` and with it the Outer and its containers.
            "drop inner depth 0 dropped",
            "fields of Outer: names 1/4, bytes 3/3",
            "drop Outer depth 1 dropped",
            "drop outer depth 0 dropped",
        ]
    );
}

#[test]
fn a_value_that_moved_out_is_told_apart_by_its_drop_hook() {
    let run = run("moved");
    let capture = run.capture();
    let moved =
        |kind| harness::rows::<Lifecycle>(&capture).iter().filter(|row| row.kind == kind).count();
    assert_eq!(moved(LifecycleKind::Moved), 1, "the variable `a` was moved into `b`");
    let drops: Vec<_> = harness::named_drops(&capture);
    assert_eq!(drops, [("Owner".into(), Outcome::Dropped), ("b".into(), Outcome::Dropped)]);
}

#[test]
fn containers_are_read_for_real() {
    let run = run("containers");
    let capture = run.capture();
    let mut seen: Vec<String> = harness::rows::<Container>(&capture)
        .iter()
        .filter(|row| row.reason == SnapshotReason::Asked)
        .map(|row| {
            let count = |count: Option<u64>| count.map_or("-".into(), |count| count.to_string());
            format!(
                "{:?} {}/{} of {} strong {} weak {} {}",
                row.kind,
                count(row.len),
                count(row.capacity),
                row.element_size,
                count(row.strong),
                count(row.weak),
                if row.addr.is_some() { "at a block" } else { "-" },
            )
        })
        .collect();
    let map = HashMap::from([(1_u8, 2_u32)]);
    let queue = std::collections::VecDeque::from([1_u16, 2]);
    seen.sort();
    assert_eq!(
        seen,
        [
            "Arc -/- of 8 strong 1 weak 0 at a block".to_owned(),
            "BTreeMap 1/- of 2 strong - weak - -".to_owned(),
            "Box 1/1 of 8 strong - weak - at a block".to_owned(),
            format!("HashMap 1/{} of 8 strong - weak - -", map.capacity()),
            "Rc -/- of 8 strong 2 weak 1 at a block".to_owned(),
            "String 3/10 of 1 strong - weak - at a block".to_owned(),
            "Vec 2/5 of 4 strong - weak - at a block".to_owned(),
            format!("VecDeque 2/{} of 2 strong - weak - -", queue.capacity()),
        ]
    );
}

#[test]
fn zero_sized_values_are_counted_and_their_types_described() {
    let run = run("zero_sized");
    let capture = run.capture();
    let zst: Vec<_> = harness::rows::<Zst>(&capture).iter().map(|row| row.0.kind).collect();
    let [born, exit] = [LifecycleKind::Born, LifecycleKind::Exit];
    assert_eq!(zst, [born, born, exit, exit]);
    let typed = capture.defs().types.iter().find(|def| def.name.ends_with("Id<u64>")).unwrap();
    let fields = typed.fields.as_ref().unwrap();
    assert_eq!(fields.iter().map(|f| f.is_zero_sized()).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(fields.iter().map(|f| f.is_marker()).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn markers_are_described_as_the_language_and_the_compiler_have_it() {
    let run = run("zero_sized");
    let capture = run.capture();
    let fields = |name: &str| {
        let types = &capture.defs().types;
        let typed = types.iter().find(|def| def.name.contains(name)).unwrap();
        let marker = |field: &FieldDef| (field.name.clone(), field.marker.clone());
        typed.fields.iter().flatten().map(marker).collect::<HashMap<_, _>>()
    };
    let marker = |variance: &[(&str, Variance)], send, sync| {
        let variance =
            variance.iter().map(|(name, variance)| ((*name).to_owned(), Some(*variance)));
        Some(MarkerDef { variance: variance.collect(), send, sync })
    };
    let id = fields("Id<");
    // Whether it can be sent depends on the parameter, of which generic code knows nothing.
    assert_eq!(id["owner"], marker(&[("T", Variance::Covariant)], None, None));
    assert_eq!((&id["number"], &id["unit"]), (&None, &None));
    let marked = fields("Marked<");
    let [yes, no] = [Some(true), Some(false)];
    assert_eq!(marked["taken"], marker(&[("T", Variance::Contravariant)], yes, yes));
    assert_eq!(marked["pointed"], marker(&[("T", Variance::Invariant)], no, no));
    assert_eq!(marked["lent"], marker(&[("'a", Variance::Covariant)], yes, yes));
    assert_eq!(marked["celled"], marker(&[], yes, no));
    assert_eq!(marked["other"], None, "it is no marker of the standard library");
}

#[test]
fn the_fields_of_the_variant_that_a_value_is_are_read_when_it_drops() {
    let run = run("variants");
    let capture = run.capture();
    let message = capture.defs().types.iter().find(|def| def.name.ends_with("Message")).unwrap();
    let fields: Vec<_> = message
        .fields
        .iter()
        .flatten()
        .map(|field| (field.variant.as_deref(), field.name.as_str(), field.offset))
        .collect();
    assert_eq!(
        fields,
        [
            (Some("Texts"), "0", None),
            (Some("Texts"), "1", None),
            (Some("Named"), "text", None),
            (Some("Named"), "probe", None),
        ]
    );
    assert_eq!(
        harness::story(&capture),
        [
            "born Message",
            "fields of Message: text 1/9",
            "drop Message depth 0 dropped",
            "fields of Message: 0 0/3",
            "drop Message depth 0 dropped",
            "drop Message depth 0 dropped",
        ]
    );
}

#[test]
fn a_hook_in_a_drop_of_its_own_proves_what_happened() {
    let run = run("own_drop");
    let capture = run.capture();
    assert_eq!(
        harness::story(&capture),
        [
            "born moved",
            "born dropped",
            "fields of Closes: log 0/0",
            "drop Closes depth 1 dropped",
            "drop dropped depth 0 dropped",
            // The capture's first value: it would have had no id at position 0 of ring 0.
            "gone moved",
        ]
    );
}

#[test]
fn a_tracked_value_tells_how_it_ended_and_what_it_held() {
    let run = run("tracked");
    let capture = run.capture();
    let last: Vec<_> = harness::rows::<Container>(&capture)
        .iter()
        .filter(|row| row.reason == SnapshotReason::Drop)
        .map(|row| (row.kind, row.len, row.capacity, row.value != 0))
        .collect();
    use memscope_format::defs::ContainerKind::{String, Vec as Vector};
    assert_eq!(
        last,
        [
            (String, Some(3), Some(3), true),
            (Vector, Some(2), Some(7), true),
            (Vector, Some(2), Some(2), true),
        ]
    );
    let kinds: Vec<_> = harness::rows::<Lifecycle>(&capture)
        .iter()
        .map(|row| (row.kind, row.origin != 0))
        .collect();
    assert_eq!(
        kinds,
        [
            (LifecycleKind::Born, false),
            (LifecycleKind::Cloned, true),
            (LifecycleKind::Born, false),
            (LifecycleKind::Moved, false),
        ]
    );
    let drops = harness::rows::<DropChain>(&capture);
    assert!(drops.iter().all(|row| row.outcome == Outcome::Dropped && row.duration.is_some()));
    assert_eq!(drops.len(), 2);
}

#[test]
fn a_module_is_tracked_with_all_that_is_in_it() {
    let run = run("items");
    let capture = run.capture();
    let defs = capture.defs();
    let mut sites: Vec<_> = defs
        .sites
        .iter()
        .filter(|site| site.module.ends_with("shop"))
        .map(|site| format!("{} {:?} [{}]", site.name, site.kind, site.tags.join(" ")))
        .collect();
    sites.sort();
    assert_eq!(
        sites,
        [
            "Till Type [shop]",
            "Till::count Function [shop]",
            "Till::count::coins Variable [shop]",
            "Till::count::self Argument [shop]",
            "by_itself Function [io slow]",
            "by_itself::chosen Variable [io slow]",
        ]
    );
    let born: Vec<_> = harness::rows::<Lifecycle>(&capture)
        .iter()
        .filter(|row| row.kind == LifecycleKind::Born)
        .map(|row| defs.site(row.site).unwrap().name.clone())
        .collect();
    assert_eq!(born, ["by_itself::chosen", "Till::count::self", "Till::count::coins"]);
}

/// A row of CALL in words: its function, its depth and how it ended.
fn called(capture: &memscope_format::Reader) -> Vec<String> {
    let name = |site| capture.defs().site(site).map_or("?", |site| &site.name);
    let call = |row: &Call| format!("{} depth {} {:?}", name(row.site), row.depth, row.outcome);
    harness::rows::<Call>(capture).iter().map(call).collect()
}

#[test]
fn every_call_is_recorded_with_what_encloses_it_and_how_it_ended() {
    let run = run("calls");
    let capture = run.capture();
    assert_eq!(
        called(&capture),
        [
            "leaf depth 1 Returned",
            "caller depth 0 Returned",
            "fails depth 1 Unwound",
            "caller depth 0 Unwound",
            "leaf depth 0 Returned",
        ]
    );
    let calls = harness::rows::<Call>(&capture);
    assert!(calls.iter().all(|call| call.task.is_none()));
    let [leaf, caller] = [&calls[0], &calls[1]];
    let begun = |call: &Call| call.ts - call.duration.unwrap();
    assert!(begun(caller) <= begun(leaf) && leaf.ts <= caller.ts);
}

/// A thread does not tell of a second panic. Of a poll it is known by itself.
#[test]
fn how_a_call_ended_that_began_while_its_thread_unwound_is_unknown() {
    let run = run("calls_unwinding");
    let capture = run.capture();
    assert_eq!(
        called(&capture),
        [
            "leaf depth 0 Unknown",
            "fails depth 0 Unknown",
            "returns_at_once depth 0 Returned",
            "fails_at_once depth 0 Unwound",
        ]
    );
}

#[test]
fn every_poll_of_a_task_is_recorded_on_whatever_thread_and_how_the_task_ended() {
    let run = run("tasks");
    let capture = run.capture();
    let name = |site| capture.defs().site(site).unwrap().name.clone();
    // There is no order between the rows of two threads but that of their times.
    let mut tasks = harness::rows::<Task>(&capture);
    tasks.sort_by_key(|row| row.ts);
    let ids: Vec<u64> =
        tasks.iter().filter(|row| row.kind == TaskKind::Started).map(|row| row.task).collect();
    let number = |task: u64| ids.iter().position(|id| *id == task).unwrap();
    let story: Vec<_> = tasks
        .iter()
        .map(|row| {
            let parent = row.parent.map(|parent| format!(" in {}", number(parent)));
            let parent = parent.unwrap_or_default();
            format!("{} {} {:?}{parent}", number(row.task), name(row.site), row.kind)
        })
        .collect();
    assert_eq!(
        story,
        [
            "0 outer Started",
            "1 inner Started in 0",
            "1 inner Completed",
            "0 outer Completed",
            "2 dropped Started",
            "2 dropped Cancelled",
            "3 fails_later Started",
            "3 fails_later Unwound",
            "4 returns_a_box Started",
            "4 returns_a_box Completed",
        ]
    );
    let mut calls = harness::rows::<Call>(&capture);
    calls.sort_by_key(|row| row.ts);
    let polls: Vec<_> = calls
        .iter()
        .map(|row| format!("{} {:?}", number(row.task.unwrap()), row.outcome))
        .collect();
    assert_eq!(
        polls,
        [
            // The inner one is polled within the outer one, and ends its polls first.
            "1 Pending",
            "0 Pending",
            // From here on another thread polls.
            "1 Returned",
            "0 Pending",
            "0 Returned",
            "2 Pending",
            "3 Pending",
            "3 Unwound",
            "4 Returned",
        ]
    );
    let threads: Vec<u32> = calls.iter().map(|row| row.thread).collect();
    assert!(threads[0] == threads[1] && threads[1] != threads[2]);
    // What a cancelled task held is dropped before the task ends.
    let drops = harness::rows::<DropChain>(&capture);
    let held = drops.iter().find(|drop| name(drop.site) == "dropped::held").unwrap();
    let cancelled = tasks.iter().find(|row| row.kind == TaskKind::Cancelled).unwrap();
    assert!(held.ts <= cancelled.ts);
}

#[test]
fn no_event_leaves_no_file() {
    assert!(run("nothing").files().is_empty());
}

/// Also where the capture begins in another directory, so that all of it is looked at twice.
#[test]
fn a_setting_that_means_nothing_is_said_once_and_changes_nothing() {
    for (name, value) in [
        ("MEMSCOPE_ALLOC", "yes"),
        ("MEMSCOPE_CALLS", "none"),
        ("MEMSCOPE_COMPRESSION", "best"),
        ("MEMSCOPE_DURABILITY", "always"),
        ("MEMSCOPE_RING_KIB", "1"),
        ("MEMSCOPE_SAMPLE", "0.3"),
        ("MEMSCOPE_SLOW_DROP", "long"),
        ("MEMSCOPE_STACKS", "some"),
        ("MEMSCOPE_STREAMS", "values,heap"),
    ] {
        for is_elsewhere in [false, true] {
            let other = tempfile::tempdir().unwrap();
            let run = run_with("many", |command| {
                if is_elsewhere {
                    command
                        .env("MEMSCOPE_DIR", "/dev/null")
                        .env("MEMSCOPE_FALLBACK_DIR", other.path());
                }
                command.env(name, value)
            });
            assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
            let said = run.stderr();
            assert_eq!(said.matches(&format!("{name}={value}")).count(), 1, "{said}");
            assert_eq!(said.lines().count(), 1 + usize::from(is_elsewhere), "{said}");
            if !is_elsewhere {
                assert_eq!(run.capture().events(), 2 * scenarios::MANY, "{name}");
            }
        }
    }
}

#[test]
fn a_setting_that_means_nothing_is_said_once_by_a_process_of_many_sessions_and_its_children() {
    for scenario in ["sessions", "fork"] {
        let run = run_with(scenario, |command| {
            command.env("MEMSCOPE_STREAMS", "values,heap").env("MEMSCOPE_DURABILITY", "always")
        });
        assert!(run.status.success());
        let said = run.stderr();
        assert_eq!(said.lines().count(), 2, "{said}");
    }
}

#[test]
fn a_misspelt_variable_of_the_environment_is_said_once() {
    let misspelt = |scenario| {
        run_with(scenario, |command| {
            command.env("MEMSCOPE_ALOC", "full").env("MEMSCOPE_DIRECTORY", "/dev/null")
        })
    };
    // One that starts sessions again and again, and one that forks.
    for scenario in ["sessions", "fork"] {
        let run = misspelt(scenario);
        assert!(run.status.success());
        let said = run.stderr();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("memscope: not known"), "{said}");
        assert!(said.contains("MEMSCOPE_ALOC, MEMSCOPE_DIRECTORY"), "{said}");
        assert!(said.contains("there are MEMSCOPE, MEMSCOPE_ALLOC,"), "{said}");
    }
}

#[test]
fn switched_off_leaves_no_file_and_no_trace() {
    let run = run_with("many", |command| command.env("MEMSCOPE", "off"));
    assert!(run.status.success());
    assert!(run.files().is_empty());
    assert_eq!(run.stderr(), "");
}

#[test]
fn rows_carry_the_name_of_the_test_that_made_them() {
    let run: Run = run("many");
    let capture = run.capture();
    let names: Vec<_> = capture.defs().threads.iter().map(|t| t.name.as_deref()).collect();
    assert_eq!(names, [Some("child")]);
}

#[test]
fn events_of_signal_handlers_are_recorded_or_counted() {
    let run = run("signals");
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    let capture = run.capture();
    assert!(capture.health().complete);
    let values = run.number("values");
    let rows = harness::rows::<Lifecycle>(&capture);
    let born = rows.iter().filter(|row| row.kind == LifecycleKind::Born).count() as u64;
    // Each value is born once, or its birth is counted as lost; the ends of some may be lost besides.
    let made = values + scenarios::MANY;
    assert!(born <= made && born + capture.lost() >= made, "{born} of {made}, {}", capture.lost());
}

#[test]
fn the_error_number_of_a_failed_call_is_there_behind_hooks() {
    let run = run_with("error_number", |command| command.env("MEMSCOPE_RING_KIB", "64"));
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    assert_eq!(run.capture().events(), 2 * scenarios::MANY);
}

#[test]
fn hooks_in_an_allocator_are_recorded_or_counted() {
    let run = run("allocator");
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    let capture = run.capture();
    assert!(capture.health().complete);
    assert!(capture.events() >= 2_000, "{} events", capture.events());
    assert!(capture.lost() > 0, "memscope itself allocates, and that cannot be recorded");
}

#[test]
fn types_of_one_name_are_told_apart() {
    let run = run("namesakes");
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    let capture = run.capture();
    let sizes: Vec<u32> =
        harness::rows::<Container>(&capture).iter().map(|row| row.element_size).collect();
    assert_eq!(sizes, [1, 800]);
}

#[test]
fn drops_are_counted_however_deep() {
    let run = run("deep");
    let capture = run.capture();
    let drops = harness::rows::<DropChain>(&capture);
    let links: Vec<_> = drops.iter().filter(|row| row.value != 0).collect();
    assert_eq!(links.len() as u64, scenarios::DEPTH);
    let deepest = links.iter().map(|row| u64::from(row.depth)).max();
    assert_eq!(deepest, Some(scenarios::DEPTH - 1));
    for row in links {
        assert_eq!(row.duration.is_some(), row.depth < 256, "{row:?}");
    }
}
