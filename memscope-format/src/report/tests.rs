//! Whole reports on hand-made recordings, with expectations worked out by hand.

use super::testing::{Scene, field};
use super::{Figure, Report};
use crate::defs::{ContainerDef, ContainerKind, Defs, FieldDef, SiteKind, TypeDef};
use crate::rows::{LifecycleKind, Outcome, SnapshotReason};

fn exact(value: u64) -> Figure<u64> {
    Figure::Exact(value)
}

#[test]
fn a_site_tells_births_peak_ends_and_lifetimes() {
    let mut scene = Scene::new();
    let raw = scene.variable("load::raw", "alloc::string::String", 24);
    // Three lives of 10, 30 and 50 ns, two of them at once with a fourth that does not end.
    scene
        .born(raw, 1, 100)
        .dropped(raw, 1, 110, 2)
        .born(raw, 2, 200)
        .lifecycle(raw, 3, 210, LifecycleKind::Cloned)
        .drop_row(raw, 2, 230, Some(1), 0, Outcome::Unknown)
        .born(raw, 4, 235)
        .lifecycle(raw, 3, 260, LifecycleKind::Moved);
    let report = scene.report();
    let lives = &report.site("load::raw").unwrap().lives;
    assert_eq!(lives.born, exact(4));
    assert_eq!(lives.cloned, exact(1));
    assert_eq!(lives.alive_at_exit, exact(1));
    assert_eq!(lives.peak_alive, exact(2));
    assert_eq!(lives.ended, exact(3));
    assert_eq!(lives.median_life_ns, exact(30));
    assert_eq!(lives.p99_life_ns, exact(50));
    assert_eq!((&lives.dropped, &lives.unknown_end), (&exact(1), &exact(1)));
    assert_eq!((&lives.moved, &lives.scope_ended), (&exact(1), &exact(0)));
    assert_eq!(report.caveats, [""; 0]);
}

#[test]
fn births_ends_and_peaks_balance_whatever_the_order_of_rows() {
    // 40 overlapping lives of 100 ns, begun every 10 ns: at most 10 at once, since one ends as the 11th begins...
    // which counts as one more, births going first.
    let mut rows: Vec<(u64, bool, u64)> = (1..=40)
        .flat_map(|value| [(value * 10, true, value), (value * 10 + 100, false, value)])
        .collect();
    // Written back to front: only the sweep puts them in order, chunk by chunk.
    rows.reverse();
    let mut scene = Scene::new();
    let site = scene.variable("main::v", "alloc::string::String", 24);
    for (ts, birth, value) in rows {
        if birth {
            scene.born(site, value, ts)
        } else {
            scene.dropped(site, value, ts, 1)
        };
    }
    let lives = scene.report().site("main::v").unwrap().lives.clone();
    assert_eq!(
        (lives.born, lives.alive_at_exit, lives.peak_alive),
        (exact(40), exact(0), exact(11))
    );
    assert_eq!(lives.median_life_ns, exact(100));
}

#[test]
fn a_site_never_reached_is_listed_with_zeroes() {
    let mut scene = Scene::new();
    scene.variable("main::never", "u8", 1);
    scene.defs.hooks.clear();
    let report = scene.report();
    let site = report.site("main::never").unwrap();
    assert!(!site.was_reached());
    assert_eq!(site.lives.born, exact(0));
    assert_eq!(site.drops.total_ns, exact(0));
    assert!(!site.lives.median_life_ns.is_exact());
}

#[test]
fn a_type_without_a_probe_has_unknown_births_and_exact_drops() {
    let mut scene = Scene::new();
    let plain = scene.annotated("Plain", vec![field("id", "u64", 8)]);
    scene.drop_row(plain, 0, 50, None, 0, Outcome::Dropped).drop_row(
        plain,
        0,
        60,
        None,
        0,
        Outcome::Dropped,
    );
    let report = scene.report();
    let site = report.site("Plain").unwrap();
    assert_eq!(site.lives.dropped, exact(2));
    for figure in
        [&site.lives.born, &site.lives.alive_at_exit, &site.lives.peak_alive, &site.drops.total_ns]
    {
        assert_eq!(figure.fidelity(), "unknown");
    }
    let known = report.type_named("app::Plain").unwrap();
    assert_eq!(known.values.as_ref().unwrap().dropped, exact(2));
    assert_eq!(known.values.as_ref().unwrap().born.fidelity(), "unknown");
    assert_eq!(report.findings, []);
}

#[test]
fn a_type_with_a_probe_that_was_never_made_has_no_births() {
    let mut scene = Scene::new();
    scene.type_with_probe("Session");
    assert_eq!(scene.report().site("Session").unwrap().lives.born, exact(0));
}

#[test]
fn of_an_enum_values_without_a_probe_are_not_seen_to_be_born() {
    let mut scene = Scene::new();
    let probe = FieldDef {
        variant: Some("Text".into()),
        ..field("1", "memscope::probe::Probe<app::Message>", 8)
    };
    let message = scene.annotated("Message", vec![probe]);
    scene.born(message, 1, 10);
    let report = scene.report();
    let values = report.type_named("app::Message").unwrap().values.as_ref().unwrap();
    for lives in [values, &report.site("Message").unwrap().lives] {
        for figure in [&lives.born, &lives.alive_at_exit, &lives.peak_alive] {
            assert_eq!((figure.value(), figure.fidelity()), (Some(&1), "at_least"));
        }
    }
}

#[test]
fn values_and_the_variables_that_hold_them_are_told_apart() {
    let mut scene = Scene::new();
    let session = scene.type_with_probe("Session");
    let held = scene.variable("main::session", "app::Session", 8);
    scene.defs.hooks[held as usize].type_id = session + 100;
    scene.born(session, 1, 10).born(held, 2, 11);
    // The variable's row names the type of its hook.
    let mut report = scene.report();
    assert_eq!(report.site("Session").unwrap().lives.born, exact(1));
    assert_eq!(report.site("main::session").unwrap().lives.born, exact(1));
    let known = report.types.remove(0);
    assert_eq!(known.name, "app::Session");
    assert_eq!(known.values.unwrap().born, exact(1));
}

#[test]
fn nested_drops_of_one_type_count_once_in_its_total() {
    let mut scene = Scene::new();
    let node = scene.type_with_probe("Node");
    // A list of three nodes: 40..60 in 20..80 in 0..100.
    scene.nested(node, 60, 20, 2).nested(node, 80, 60, 1).dropped(node, 0, 100, 100);
    let report = scene.report();
    let drops = &report.site("Node").unwrap().drops;
    assert_eq!(
        (&drops.timed, &drops.total_ns, &drops.self_ns, &drops.longest_ns),
        (&exact(3), &exact(100), &exact(100), &exact(100))
    );
    let [slow] = report.slowest_drops.as_slice() else { panic!("one drop is outermost") };
    assert_eq!((&slow.nested, slow.levels, slow.began_ns), (&exact(2), 2, 0));
    assert_eq!((&slow.self_ns, &slow.nested_ns), (&exact(40), &exact(60)));
    assert_eq!(slow.thread.as_deref(), Some("main"));
    assert_eq!((&slow.set_off[0].drops, &slow.set_off[0].total_ns), (&exact(2), &exact(60)));
    assert_eq!((slow.path.len(), slow.path[0].run), (1, 2));
}

#[test]
fn drops_that_were_never_timed_have_no_time() {
    let mut scene = Scene::new();
    let argument = scene.variable("load::raw", "alloc::string::String", 24);
    let number = scene.variable("load::id", "u64", 8);
    scene.defs.types[argument as usize].needs_drop = true;
    scene.defs.types[number as usize].needs_drop = false;
    for (site, value) in [(argument, 1), (number, 2)] {
        scene.born(site, value, 10).lifecycle(site, value, 20, LifecycleKind::Exit);
    }
    let report = scene.report();
    let drops = |site: &str| &report.site(site).unwrap().drops;
    for figure in
        [&drops("load::raw").total_ns, &drops("load::raw").self_ns, &drops("load::raw").longest_ns]
    {
        assert_eq!(figure.fidelity(), "unknown");
    }
    assert_eq!(report.type_named("alloc::string::String").unwrap().drops.total_ns.value(), None);
    assert_eq!(drops("load::id").total_ns, exact(0), "nothing runs when a number is dropped");

    // Once such a value's drop is timed elsewhere, the sum over the type is a lower bound.
    scene.born(argument, 3, 30).dropped(argument, 3, 50, 5);
    let report = scene.report();
    let total = &report.type_named("alloc::string::String").unwrap().drops.total_ns;
    assert_eq!((total.value(), total.fidelity()), (Some(&5), "at_least"));
}

#[test]
fn a_thread_whose_drops_were_not_timed_has_no_drop_time() {
    let mut scene = Scene::new();
    let plain = scene.annotated("Plain", Vec::new());
    scene.drop_row(plain, 0, 10, None, 0, Outcome::Dropped);
    assert_eq!(scene.report().threads[0].drop_ns.fidelity(), "unknown");
    scene.dropped(plain, 7, 20, 4);
    let drop_ns = scene.report().threads[0].drop_ns.clone();
    assert_eq!((drop_ns.value(), drop_ns.fidelity()), (Some(&4), "at_least"));
}

#[test]
fn ends_that_may_have_been_moves_make_a_threads_drops_uncertain() {
    let mut scene = Scene::new();
    let plain = scene.annotated("Plain", Vec::new());
    scene.drop_row(plain, 1, 10, None, 0, Outcome::Dropped);
    assert_eq!(scene.report().threads[0].drops, exact(1));
    for value in 2..5 {
        scene.drop_row(plain, value, 10 * value, Some(1), 0, Outcome::Unknown);
    }
    // From one to four.
    assert_eq!(scene.report().threads[0].drops, Figure::Bounded { value: 3, error: 2 });
}

#[test]
fn containers_are_listed_by_field() {
    let mut scene = Scene::new();
    let session = scene.type_with_vec("Session", "pages", 8);
    scene
        .born(session, 1, 10)
        .read(session, 1, 1, 20, SnapshotReason::Drop, 3, 4)
        .dropped(session, 1, 30, 5);
    let report = scene.report();
    let [pages] = report.containers.as_slice() else { panic!("one field is a container") };
    assert_eq!(pages.name(), "Session.pages");
    assert_eq!((pages.kind, pages.element_size), (ContainerKind::Vec, 8));
    assert_eq!(pages.last_known(SnapshotReason::Drop).unwrap().waste_bytes, exact(8));
}

#[test]
fn containers_of_different_variants_are_told_apart() {
    let mut scene = Scene::new();
    let held = |variant: &str| FieldDef {
        container: Some(ContainerDef { kind: ContainerKind::Vec, element_size: 8 }),
        variant: Some(variant.into()),
        ..field("0", "alloc::vec::Vec<u64>", 24)
    };
    let message = scene.annotated("Message", vec![held("Words"), held("Numbers")]);
    scene.read(message, 1, 1, 20, SnapshotReason::Drop, 3, 4).read(
        message,
        2,
        2,
        30,
        SnapshotReason::Drop,
        5,
        5,
    );
    let report = scene.report();
    let names: Vec<_> = report.containers.iter().map(|known| known.name()).collect();
    assert_eq!(names, ["Message::Words.0", "Message::Numbers.0"]);
}

#[test]
fn containers_of_one_place_in_two_processes_add_up() {
    let scene = |len| {
        let mut scene = Scene::new();
        let session = scene.type_with_vec("Session", "pages", 8);
        scene.read(session, 0, 1, 20, SnapshotReason::Drop, len, 10);
        scene
    };
    let report = Scene::merged(&[&scene(9), &scene(2)]);
    let last = report.containers[0].last_known(SnapshotReason::Drop).unwrap();
    assert_eq!(
        (&last.containers, &last.waste_bytes, &last.waste_max_bytes),
        (&exact(2), &exact(8 + 64), &exact(64))
    );
}

#[test]
fn zero_sized_fields_and_values_are_listed() {
    let mut scene = Scene::new();
    scene.annotated(
        "Id",
        vec![field("raw", "u32", 4), field("kind", "core::marker::PhantomData<app::Doc>", 0)],
    );
    let known = TypeDef {
        id: 0,
        name: "app::Permit".into(),
        size: 0,
        align: 1,
        needs_drop: true,
        has_niche: false,
        container: None,
        fields: Some(vec![field("0", "()", 0)]),
    };
    let permit = scene.site(SiteKind::Variable, "main::permit", known);
    scene.variable("main::n", "u32", 4);
    scene.born(permit, 1, 10).born(permit, 2, 20).dropped(permit, 1, 30, 1);
    let report = scene.report();
    let [id, permit] = report.zero_sized.as_slice() else {
        panic!("two types have something without size")
    };
    assert_eq!((id.type_name.as_str(), id.size, id.fields.len()), ("app::Id", 4, 1));
    assert!(id.fields[0].marker && id.variables.is_none(), "its values take space");
    assert_eq!((permit.type_name.as_str(), permit.fields[0].marker), ("app::Permit", false));
    let lives = permit.variables.as_ref().unwrap();
    assert_eq!(
        (&lives.born, &lives.alive_at_exit, &lives.peak_alive),
        (&exact(2), &exact(1), &exact(2))
    );
}

#[test]
fn threads_are_listed_by_name_with_what_was_born_on_them() {
    let mut scene = Scene::new();
    let raw = scene.variable("load::raw", "alloc::string::String", 24);
    scene
        .born(raw, 1, 10)
        .thread("tests::evicts")
        .born(raw, 2, 20)
        .born(raw, 3, 25)
        .dropped(raw, 1, 30, 4);
    scene.dropped(raw, 2, 40, 3).read(raw, 3, 0, 45, SnapshotReason::Birth, 0, 0);
    let report = scene.report();
    let test = report
        .threads
        .iter()
        .find(|thread| thread.name.as_deref() == Some("tests::evicts"))
        .unwrap();
    assert_eq!(test.events, exact(4), "a reading at birth is part of the birth");
    assert_eq!(
        (&test.born, &test.alive_at_exit, &test.peak_alive),
        (&exact(2), &exact(1), &exact(2))
    );
    assert_eq!((&test.drops, &test.drop_ns), (&exact(2), &exact(7)));
    let main = report.threads.iter().find(|thread| thread.name.as_deref() == Some("main")).unwrap();
    assert_eq!((&main.born, &main.alive_at_exit, &main.drops), (&exact(1), &exact(0), &exact(0)));
}

/// Two processes that ran the same code.
fn two_processes() -> (Scene, Scene) {
    let process = |values: u64| {
        let mut scene = Scene::new();
        let raw = scene.variable("load::raw", "alloc::string::String", 24);
        for value in 1..=values {
            scene.born(raw, value, value * 10);
        }
        for value in 1..values {
            scene.dropped(raw, value, 1000 + value * 10, 3);
        }
        scene
    };
    (process(3), process(5))
}

#[test]
fn of_two_processes_counts_add_up_and_peaks_do_not() {
    let (first, second) = two_processes();
    let report = Scene::merged(&[&first, &second]);
    assert_eq!(report.captures.len(), 2);
    let [site] = report.sites.as_slice() else { panic!("it is the same site: {:?}", report.sites) };
    assert_eq!(site.lives.born, exact(8));
    assert_eq!(site.lives.alive_at_exit, exact(2));
    assert_eq!(site.lives.peak_alive, exact(5));
    assert_eq!(site.drops.timed, exact(6));
    assert_eq!(site.drops.total_ns, exact(18));
    let [main] = report.threads.as_slice() else { panic!("both have a main thread") };
    assert_eq!((main.threads, &main.peak_alive), (2, &exact(5)));
}

#[test]
fn lost_events_of_one_process_bound_the_figures_of_all() {
    let (first, second) = two_processes();
    let report = Scene::merged(&[&first.lost(2), &second]);
    let site = report.site("load::raw").unwrap();
    assert_eq!(site.lives.born, Figure::Bounded { value: 8, error: 2 });
    assert_eq!(site.lives.alive_at_exit, Figure::Bounded { value: 2, error: 2 });
    assert!(matches!(site.drops.total_ns, Figure::AtLeast { value: 18, .. }));
    assert!(matches!(site.drops.self_ns, Figure::Unknown { .. }));
    assert_eq!(report.caveats, ["2 events lost: figures that this may have changed say so"]);
}

#[test]
fn a_cut_recording_says_so_and_stays_exact() {
    let report = two_processes().0.cut().report();
    assert!(!report.ended_at_exit());
    assert_eq!(report.site("load::raw").unwrap().lives.alive_at_exit, exact(1));
    assert_eq!(
        report.caveats,
        ["cut off: the recording did not end by itself; \"at end\" means the end of the recording"]
    );
}

#[test]
fn an_end_without_birth_changes_no_balance_and_is_told() {
    let mut scene = Scene::new();
    let raw = scene.variable("load::raw", "alloc::string::String", 24);
    scene.born(raw, 1, 10).dropped(raw, 77, 20, 1);
    let report = scene.report();
    let lives = &report.site("load::raw").unwrap().lives;
    assert_eq!(
        (&lives.born, &lives.alive_at_exit, &lives.dropped),
        (&exact(1), &exact(1), &exact(1))
    );
    assert_eq!(report.captures[0].unmatched, 1);
    assert_eq!(report.caveats.len(), 1);
}

#[test]
fn ids_without_definition_are_reported_under_their_number() {
    let mut scene = Scene::new();
    let raw = scene.variable("load::raw", "alloc::string::String", 24);
    scene.born(raw, 1, 10);
    scene.defs = Defs::default();
    let report: Report = scene.report();
    assert_eq!(report.sites[0].site.name, "site 0 (definition lost)");
    assert_eq!(report.sites[0].lives.born, exact(1));
    assert_eq!(report.types[0].name, "type 100 (definition lost)");
}

#[test]
fn a_variable_that_is_a_container_is_named_by_its_site() {
    let mut scene = Scene::new();
    let known = TypeDef {
        id: 0,
        name: "alloc::vec::Vec<u64>".into(),
        size: 24,
        align: 8,
        needs_drop: true,
        has_niche: false,
        container: Some(ContainerDef { kind: ContainerKind::Vec, element_size: 8 }),
        fields: None,
    };
    let raw = scene.site(SiteKind::Variable, "load::raw", known);
    scene.born(raw, 1, 10).read(raw, 1, 0, 10, SnapshotReason::Birth, 0, 16).dropped(raw, 1, 20, 2);
    let report = scene.report();
    assert_eq!(report.containers[0].name(), "load::raw");
    assert_eq!(
        report.containers[0].last_known(SnapshotReason::Birth).unwrap().capacity_bytes,
        exact(128)
    );
}

#[test]
fn the_first_value_of_a_recording_may_have_the_id_0() {
    let mut scene = Scene::new();
    let raw = scene.variable("load::raw", "alloc::string::String", 24);
    let plain = scene.annotated("Plain", vec![field("id", "u64", 8)]);
    scene.born(raw, 0, 10).dropped(plain, 0, 15, 1).dropped(raw, 0, 20, 1);
    let report = scene.report();
    let lives = &report.site("load::raw").unwrap().lives;
    assert_eq!((&lives.born, &lives.alive_at_exit), (&exact(1), &exact(0)));
    assert_eq!(lives.median_life_ns, exact(10), "the drop without identity at 15 is not its own");
    assert_eq!(report.caveats, [""; 0]);
}
