//! Streams that a session is without: there is nothing of them in the capture, and the report says so.

use super::harness::{Run, rows, run, run_with};
use memscope_format::metadata::Part;
use memscope_format::report::{Figure, Report};
use memscope_format::rows::{
    Call, Container, Content, DropChain, Lifecycle, Metric, Performance, SnapshotReason,
};

/// Whether the capture has values, calls, contents and readings; and in any case what is noted and what is asked for.
fn has(run: &Run) -> [bool; 4] {
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    let capture = run.capture();
    assert_eq!((capture.lost(), capture.health().is_whole()), (0, true));
    let readings = rows::<Performance>(&capture);
    assert!(readings.iter().any(|row| row.metric == Metric::Mark));
    let states = rows::<Container>(&capture);
    assert!(states.iter().any(|row| row.reason == SnapshotReason::Asked), "{states:?}");
    let values = rows::<Lifecycle>(&capture).len() + rows::<DropChain>(&capture).len();
    [
        values > 0,
        !rows::<Call>(&capture).is_empty(),
        !rows::<Content>(&capture).is_empty(),
        readings.iter().any(|row| row.metric == Metric::UserTime),
    ]
}

const PARTS: [(&str, Part); 4] = [
    ("values", Part::Values),
    ("calls", Part::Calls),
    ("contents", Part::Contents),
    ("readings", Part::Readings),
];

#[test]
fn a_session_is_without_what_it_asked_to_be() {
    let all = run("without nothing");
    assert_eq!(has(&all), [true; 4]);
    let report = Report::open(&all.paths()).unwrap();
    assert_eq!(report.captures[0].without, []);
    assert!(!report.caveats.iter().any(|caveat| caveat.starts_with("without")));
    for (place, (name, part)) in PARTS.into_iter().enumerate() {
        let without = run(&format!("without {name}"));
        // A value has its content with it.
        let expected = std::array::from_fn(|at| at != place && (name, at) != ("values", 2));
        assert_eq!(has(&without), expected, "{name}");
        let report = Report::open(&without.paths()).unwrap();
        assert_eq!(report.captures[0].without, [part]);
        assert!(
            report.caveats.iter().any(|caveat| caveat.starts_with("without")),
            "{:?}",
            report.caveats
        );
    }
}

#[test]
fn a_session_is_without_contents_from_its_first_event_on() {
    let contents = |streams: &str| {
        let run = run_with("contents_first", |command| command.env("MEMSCOPE_STREAMS", streams));
        rows::<Content>(&run.capture()).len()
    };
    assert!(contents("values,contents") > 0);
    assert_eq!(contents("values"), 0);
}

#[test]
fn what_was_not_recorded_is_unknown_and_not_zero() {
    let is_zero = |figure: &Figure<u64>| matches!(figure, Figure::Exact(0));
    let report = |name: &str| Report::open(&run(&format!("without {name}")).paths()).unwrap();
    let values = report("values");
    let words = values.sites.iter().find(|site| site.site.name == "called::words").unwrap();
    for figure in [&words.lives.born, &words.lives.alive_at_exit, &words.drops.timed] {
        assert!(!is_zero(figure), "{figure:?}");
    }
    assert!(matches!(&words.lives.born, Figure::AtLeast { value: 0, .. }));
    let calls = report("calls");
    let called = calls.functions.iter().find(|known| known.site.name == "called").unwrap();
    assert!(matches!(&called.calls, Figure::AtLeast { value: 0, .. }));
    let readings = report("readings");
    let performance = &readings.captures[0].performance;
    for figure in [&performance.user_ns, &performance.drain_ns, &performance.held_up_ns] {
        assert_eq!(figure.fidelity(), "unknown");
    }
    assert_eq!(readings.heap.program.allocations.fidelity(), "unknown");
    let contents = report("contents");
    let known = contents.containers.iter().filter(|known| known.site.name == "called::lengths");
    assert!(known.flat_map(|known| &known.last).all(|last| last.content.is_none()));
}

#[test]
fn the_environment_names_the_streams_that_are_recorded() {
    let with =
        |set: &str| run_with("without nothing", |command| command.env("MEMSCOPE_STREAMS", set));
    assert_eq!(has(&with("values, readings")), [true, false, false, true]);
    assert_eq!(has(&with("calls")), [false, true, false, false]);
    // The program says nothing of what it does not name.
    let both =
        run_with("without values", |command| command.env("MEMSCOPE_STREAMS", "values,calls"));
    assert_eq!(has(&both), [false, true, false, false]);
}
