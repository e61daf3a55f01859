//! Tables of hand-made reports.

use super::*;
use memscope_format::defs::ContainerKind;
use memscope_format::report::{
    ContainerFigures, ContentFigures, HashFigures, HeapFigures, LastKnown, PerformanceFigures,
    SpreadFigures,
};

pub(crate) fn place(name: &str, line: u32) -> Place {
    Place {
        name: name.to_owned(),
        kind: Some(SiteKind::Variable),
        module: "app".to_owned(),
        file: "src/main.rs".to_owned(),
        line,
        column: 9,
        tags: vec!["hot".to_owned()],
        escape: None,
    }
}

/// A capture of a recording that ended by itself, or did not.
pub(crate) fn capture(complete: bool) -> CaptureFigures {
    CaptureFigures {
        path: "app.memscope".into(),
        program: Some("app".to_owned()),
        args: Vec::new(),
        pid: Some(1),
        recordings: 1,
        started_unix_ns: Some(0),
        duration_ns: Figure::Exact(1),
        events: 1,
        lost: 0,
        bytes: 1,
        recovered: 0,
        complete,
        cut_off: u64::from(!complete),
        stopped: false,
        is_part: false,
        is_of_damaged: false,
        other_file: None,
        without: Vec::new(),
        live: false,
        rings: !complete,
        whole: true,
        damage: Vec::new(),
        unmatched: 0,
        from_before: 0,
        pauses: 0,
        paused_ns: 0,
        marks: Vec::new(),
        performance: PerformanceFigures::default(),
    }
}

pub(crate) fn empty() -> Report {
    Report {
        captures: Vec::new(),
        unreadable: Vec::new(),
        caveats: Vec::new(),
        heap: HeapFigures::default(),
        blocks: Vec::new(),
        stacks: Vec::new(),
        sites: Vec::new(),
        types: Vec::new(),
        containers: Vec::new(),
        slowest_drops: Vec::new(),
        zero_sized: Vec::new(),
        threads: Vec::new(),
        functions: Vec::new(),
        spawns: Vec::new(),
        findings: Vec::new(),
    }
}

#[test]
fn sites_of_one_name_are_told_apart_by_where_they_are() {
    let names = Names(HashMap::from([("load::v", 2), ("load::raw", 1)]));
    assert_eq!(names.tagged(&place("load::raw", 3)), "load::raw [hot]");
    assert_eq!(names.tagged(&place("load::v", 4)), "load::v src/main.rs:4:9 [hot]");
    assert_ne!(names.tagged(&place("load::v", 4)), names.tagged(&place("load::v", 7)));
}

#[test]
fn contents_and_collisions_have_columns_where_there_are_any() {
    let last = LastKnown {
        reason: SnapshotReason::Drop,
        containers: Figure::Exact(1),
        len_total: Figure::Exact(1_000),
        len_max: Figure::Exact(1_000),
        capacity_bytes: Figure::Exact(2_048),
        waste_bytes: Figure::Exact(48),
        waste_max_bytes: Figure::Exact(48),
        content: Some(ContentFigures {
            containers: Figure::Exact(1),
            blocks: Figure::Exact(1_000),
            used_bytes: Figure::Exact(1_024),
            room_bytes: Figure::AtLeast { value: 4_096, why: "so".into() },
            unknown: Figure::Exact(1),
            shared: Figure::Exact(0),
        }),
    };
    let inferred = |value| Figure::Inferred { value, rule: "buckets".into() };
    let worst = SpreadFigures {
        keys: 1_000,
        distinct: 16,
        buckets: inferred(2_048),
        collisions: inferred(984),
        expected_collisions: inferred(209),
        fullest: inferred(63),
    };
    let deep = ContainerFigures {
        site: place("index", 3),
        type_name: "std::collections::HashMap<u64, String>".to_owned(),
        field: None,
        kind: ContainerKind::HashMap,
        element_size: 32,
        snapshots: Figure::Exact(1),
        last: vec![last],
        growth_seen: Figure::unknown("read once"),
        strong_max: Figure::unknown("none"),
        weak_max: Figure::unknown("none"),
        content_max_bytes: Some(Figure::Exact(4_096)),
        hashes: Some(HashFigures {
            readings: Figure::Exact(1),
            not_hashed: Figure::Exact(0),
            worst: Some(worst),
        }),
    };
    let mut shallow = ContainerFigures {
        content_max_bytes: None,
        hashes: None,
        site: place("list", 4),
        ..deep.clone()
    };
    shallow.last[0].content = None;
    let text = |containers| containers_of(&Report { containers, ..empty() }).render(200);
    let both = text(vec![deep, shallow.clone()]);
    assert!(both.contains("Content") && both.contains("Collisions"), "{both}");
    for said in ["≥4.00 KiB", "1.00 KiB", "1,000", "~984", "~209", "~ inferred: buckets"] {
        assert!(both.contains(said), "{said}: {both}");
    }
    let neither = text(vec![shallow]);
    assert!(!neither.contains("Content") && !neither.contains("Collisions"), "{neither}");
}

fn containers_of(report: &Report) -> Table {
    containers(report, 9).0
}

#[test]
fn births_of_a_zero_sized_type_without_a_probe_are_unknown() {
    let lives = |births: fn() -> Figure<u64>, dropped| LifeFigures {
        born: births(),
        cloned: births(),
        alive_at_exit: births(),
        peak_alive: births(),
        ended: births(),
        median_life_ns: births(),
        p99_life_ns: births(),
        dropped: Figure::Exact(dropped),
        moved: Figure::Exact(0),
        scope_ended: Figure::Exact(0),
        unknown_end: Figure::Exact(0),
    };
    let permit = memscope_format::report::ZeroSizedFigures {
        type_name: "app::Permit".to_owned(),
        size: 0,
        align: 1,
        fields: Vec::new(),
        values: Some(lives(|| Figure::unknown("no probe"), 4)),
        variables: Some(lives(|| Figure::Exact(0), 0)),
    };
    let report = Report { zero_sized: vec![permit], ..empty() };
    let text = zero_sized(&report, 9).0.render(80);
    let row = text.lines().nth(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    let expected = ["Permit", "0", "B", "values", "?", "?", "?", "4"];
    assert_eq!(row.as_deref(), Some(&expected[..]), "{text}");
}
