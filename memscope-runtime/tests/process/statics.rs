//! What a capture holds of statics and thread-locals.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::harness::{rows, run};
use crate::scenarios::statics::THREADS;
use memscope_format::Reader;
use memscope_format::defs::{SiteDef, SiteKind};
use memscope_format::report::Report;
use memscope_format::rows::{Container, DropChain, Lifecycle, Outcome, SnapshotReason};

/// The containers of sites of a kind: site, field, why it was read, length and capacity.
fn states(capture: &Reader, kind: SiteKind) -> Vec<(String, u32, SnapshotReason, u64, u64)> {
    let mut states = Vec::new();
    for row in rows::<Container>(capture) {
        let site = capture.defs().site(row.site).unwrap();
        if site.kind == kind {
            let (len, capacity) = (row.len.unwrap(), row.capacity.unwrap());
            states.push((site.name.clone(), row.field, row.reason, len, capacity));
        }
    }
    states.sort_by(|a, b| (&a.0, a.1, a.3).cmp(&(&b.0, b.1, b.3)));
    states
}

#[test]
fn what_statics_hold_is_seen_at_exit_unless_it_is_locked() {
    use SnapshotReason::{Asked, Exit};
    let run = run("statics");
    let capture = run.capture();
    assert!(run.status.success(), "{}", run.stderr());
    let states_of = |kind| states(&capture, kind);
    let named =
        |name: &str, field, reason, len, capacity| (name.to_owned(), field, reason, len, capacity);
    assert_eq!(
        states_of(SiteKind::Static),
        [
            named("PLAIN", 0, Exit, 3, 10),
            named("POISONED", 0, Exit, 1, 8),
            named("SHARED", 0, Exit, 1, run.number("room ")),
            named("STORE", 1, Exit, 2, 2),
            named("STORE", 2, Exit, 0, 7),
        ]
    );
    assert_eq!(states_of(SiteKind::Snapshot), [named("PLAIN", 0, Asked, 0, 10)]);
    let is_one = |s: &&SiteDef| s.kind == SiteKind::Static && s.module.ends_with("::statics");
    let known: Vec<_> = capture.defs().sites.iter().filter(is_one).collect();
    assert_eq!(known.len(), 6, "those of which nothing was seen are known: {known:?}");
    let report = Report::open(&run.paths()).unwrap();
    let plain = report
        .containers
        .iter()
        .find(|known| known.site.name == "PLAIN" && known.site.kind == Some(SiteKind::Static));
    let at_exit = plain.unwrap().last_known(Exit).unwrap();
    assert_eq!(at_exit.capacity_bytes.value(), Some(&40));
    assert_eq!(at_exit.waste_bytes.value(), Some(&28));
}

#[test]
fn a_thread_local_lives_in_each_thread_that_uses_it() {
    use SnapshotReason::{Birth, Drop};
    let run = run("thread_locals");
    let capture = run.capture();
    assert!(run.status.success(), "{}", run.stderr());
    let mut expected = Vec::new();
    for (field, reason, len, capacity) in [(0, Birth, 2, 2), (0, Drop, 2, 2)] {
        let bare = ("BARE".to_owned(), field, reason, len, capacity);
        expected.extend(std::iter::repeat_n(bare, THREADS as usize));
    }
    expected.extend((1..=THREADS).map(|n| ("NAMES".to_owned(), 0, Drop, n, 8)));
    for (field, len, capacity) in [(1, 3, 3), (2, 0, 4)] {
        let owned = ("OWNED".to_owned(), field, Drop, len, capacity);
        expected.extend(std::iter::repeat_n(owned, THREADS as usize));
    }
    expected.push(("UNUSED".to_owned(), 0, Drop, 0, 0));
    let mut states = states(&capture, SiteKind::ThreadLocal);
    states.sort_by_key(|state| (state.0.clone(), state.1, state.2 as u8, state.3));
    assert_eq!(states, expected);

    let of = |name: &str| {
        let site = capture.defs().sites.iter().find(|site| site.name == name).unwrap().id;
        let born = rows::<Lifecycle>(&capture).iter().filter(|row| row.site == site).count();
        let drops = rows::<DropChain>(&capture).into_iter().filter(|row| row.site == site);
        let timed = drops.filter(|row| row.outcome == Outcome::Dropped && row.duration.is_some());
        (born as u64, timed.count() as u64)
    };
    assert_eq!(of("NAMES"), (THREADS, THREADS));
    assert_eq!(of("UNUSED"), (1, 1));
    assert_eq!(of("OWNED"), (THREADS, THREADS));
}
