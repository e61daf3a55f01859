//! What a report says of containers that grew, and of what a program left, against what the program did.

use crate::blocks::{RECORDS, captures};
use crate::play;
use memscope_format::report::{BlockOwner, Figure, Report};
use memscope_format::rows::SnapshotReason;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Mutex;

/// Elements of each container that grows: room for so many is what it has in the end.
const ROOM: usize = 1 << 10;
/// Bytes that are left by each way to leave some.
const LEFT: [usize; 4] = [5_001, 6_002, 7_003, 8_004];

/// A container that is made empty, and grows where no hook is.
#[memscope::track]
fn grows() {
    let mut numbers = Vec::new();
    let mut text = String::new();
    let mut rows: Vec<Vec<u8>> = Vec::new();
    for number in 0..ROOM as u64 {
        numbers.push(number);
        text.push('x');
        rows.push(vec![1; 40]);
    }
}

/// One that is made empty, and goes elsewhere.
#[memscope::track]
fn gives() -> Box<[u8]> {
    let mut given = Vec::new();
    for number in 0..ROOM {
        given.push(number as u8);
    }
    // Whether this takes it the body does not prove.
    given.into_boxed_slice()
}

static KEPT: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

struct Ring {
    next: Mutex<Option<Rc<Ring>>>,
    _bytes: [u8; LEFT[2] - 3],
}

#[memscope::track]
fn leaves() {
    let forgotten = vec![1_u8; LEFT[0]];
    std::mem::forget(forgotten);
    let leaked: &'static mut [u8; LEFT[1]] = Box::leak(Box::new([1_u8; LEFT[1]]));
    black_box(leaked);
    let cycle = Rc::new(Ring { next: Mutex::new(None), _bytes: [1; LEFT[2] - 3] });
    *cycle.next.lock().expect("nobody else") = Some(Rc::clone(&cycle));
    let kept = vec![1_u8; LEFT[3]];
    KEPT.lock().expect("nobody else").push(kept);
}

pub(crate) fn left() {
    grows();
    drop(black_box(gives()));
    leaves();
}

fn report(mode: &str) -> Report {
    let dir = tempfile::tempdir().expect("a directory");
    let output = play("left", &[("MEMSCOPE_ALLOC", mode), (RECORDS, "1")], dir.path());
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    Report::open(&captures(dir.path())).expect("a report")
}

#[test]
fn a_container_that_grew_has_the_room_that_it_had_in_the_end_and_its_blocks() {
    let report = report("full");
    let container = |name: &str| {
        let found = report.containers.iter().find(|known| known.site.name == name);
        found.unwrap_or_else(|| panic!("no {name}"))
    };
    for (name, bytes) in [("grows::numbers", 8), ("grows::text", 1), ("grows::rows", 24)] {
        let known = container(name);
        assert_eq!(known.last.len(), 1, "{known:?}");
        let at_drop = known.last_known(SnapshotReason::Drop).expect("a state at its drop");
        assert_eq!(at_drop.capacity_bytes.fidelity(), "inferred", "{at_drop:?}");
        assert_eq!(at_drop.capacity_bytes.value(), Some(&(ROOM as u64 * bytes)), "{name}");
        assert_eq!(at_drop.len_max.fidelity(), "unknown");
        let is_it =
            |owner: &BlockOwner| matches!(owner, BlockOwner::Site(site) if site.name == name);
        let blocks = report.blocks.iter().find(|of| is_it(&of.owner)).expect("a row");
        assert_eq!(blocks.allocations, Figure::Exact(1), "one block that grew: {blocks:?}");
        assert_eq!(blocks.allocated_bytes, Figure::Exact(ROOM as u64 * bytes));
        assert_eq!((&blocks.frees, &blocks.live_bytes), (&Figure::Exact(1), &Figure::Exact(0)));
    }
    // Where it was not dropped nothing is said of its end.
    let given = container("gives::given");
    assert!(given.last_known(SnapshotReason::Drop).is_none(), "{given:?}");
    // Nor where blocks are not recorded, or not all.
    for mode in ["counters", "sampled=1"] {
        let report = self::report(mode);
        let known = report.containers.iter().find(|known| known.site.name == "grows::numbers");
        let known = known.expect("it was born");
        assert!(known.last_known(SnapshotReason::Drop).is_none(), "{mode}: {known:?}");
    }
}

#[test]
fn what_a_program_leaves_is_found_by_what_it_was_for() {
    let report = report("full");
    let found: Vec<(&str, Option<u64>, &str)> = report
        .findings
        .iter()
        .filter(|finding| finding.rule == "left-at-exit")
        .map(|finding| {
            (finding.site.name.as_str(), finding.evidence[0].value, finding.message.as_str())
        })
        .collect();
    let one = |name: &str| {
        let mut those = found.iter().filter(|(site, ..)| *site == name);
        *those.next().unwrap_or_else(|| panic!("no {name} in {found:?}"))
    };
    let [forgotten, leaked, cycle, kept] = LEFT.map(|bytes| bytes as u64);
    let ended = "though every value of it had ended";
    for (name, least) in [("leaves::forgotten", forgotten), ("leaves::kept", kept)] {
        let (_, bytes, message) = one(name);
        assert_eq!(bytes, Some(least), "{message}");
        assert!(message.contains(ended), "{message}");
    }
    // Its handle was dropped where its scope ended, which the body does not prove.
    let (_, bytes, message) = one("leaves::cycle");
    assert!(bytes.is_some_and(|bytes| bytes >= cycle), "{message}");
    assert!(message.contains(ended), "{message}");
    // A reference owns nothing and has no site, so that it is the function's; and so is the block of the vector that keeps another.
    let (_, bytes, message) = one("leaves");
    assert!(bytes.is_some_and(|bytes| bytes >= leaked), "{message}");
    assert!(message.ends_with("left at exit"), "{message}");
    assert!(!found.iter().any(|(site, ..)| site.starts_with("grows")), "{found:?}");
}
