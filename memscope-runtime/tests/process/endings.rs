//! What a capture says of the ends of variables that the body proves.

use crate::harness::{rows, run};
use memscope_format::defs::Escape;
use memscope_format::rows::{
    Container, DropChain, Lifecycle, LifecycleKind, Outcome, SnapshotReason,
};
use std::collections::BTreeMap;

#[test]
fn ends_of_variables_are_said_where_the_body_proves_them_and_nowhere_else() {
    let run = run("endings");
    let capture = run.capture();
    let defs = capture.defs();
    let name = |site: u32| defs.site(site).unwrap().name.clone();
    let mut ends: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut drops = rows::<DropChain>(&capture);
    drops.sort_by_key(|row| row.ts);
    for row in drops {
        let how = match row.outcome {
            Outcome::Dropped => "dropped",
            Outcome::Unknown => "unknown",
            other => panic!("{other:?}"),
        };
        ends.entry(name(row.site)).or_default().push(how);
    }
    for row in rows::<Lifecycle>(&capture) {
        let how = match row.kind {
            LifecycleKind::Moved => "moved",
            LifecycleKind::Exit => "scope ended",
            _ => continue,
        };
        ends.entry(name(row.site)).or_default().push(how);
    }
    let expected = [
        // What is dropped in their stead are others of their type, which live longer.
        ("Link", vec!["dropped", "dropped"]),
        ("beside_others::by_a_macro", vec!["moved"]),
        ("beside_others::to_a_constant", vec!["moved"]),
        ("borrowed::only", vec!["dropped"]),
        ("captured::shared", vec!["moved"]),
        ("captured::thread", vec!["unknown"]),
        ("grown::argument", vec!["moved"]),
        ("grown::passed", vec!["moved"]),
        ("grown::returned", vec!["moved"]),
        // The second call returns before anything proves that the text is still there.
        ("kept::text", vec!["dropped", "unknown"]),
        ("misleading::collector", vec!["unknown"]),
        // Which of them the macro borrows is not known by their name, and the one that it gives away is.
        ("of_a_name::v", vec!["unknown", "moved"]),
        // The call that was to take it was not reached.
        ("unwound::late", vec!["scope ended", "moved"]),
    ];
    let mut expected: BTreeMap<String, Vec<&str>> =
        expected.into_iter().map(|(name, how)| (name.to_owned(), how)).collect();
    ends.values_mut().for_each(|how| how.sort_unstable_by(|a, b| b.cmp(a)));
    expected.values_mut().for_each(|how| how.sort_unstable_by(|a, b| b.cmp(a)));
    assert_eq!(ends, expected);

    let last: Vec<_> = rows::<Container>(&capture)
        .iter()
        .filter(|row| row.reason == SnapshotReason::Drop)
        .map(|row| (name(row.site), row.len.unwrap(), row.capacity.unwrap(), row.value != 0))
        .collect();
    assert!(last.iter().all(|(_, _, _, has_value)| *has_value), "{last:?}");
    let mut states: Vec<_> =
        last.iter().map(|(name, len, capacity, _)| (name.as_str(), *len, *capacity)).collect();
    states.sort_unstable();
    // Of those that are not `mut` the state at birth is the last one.
    let expected = [
        ("grown::argument", 2),
        ("grown::returned", 1),
        ("kept::text", 3),
        ("unwound::late", 1),
        ("unwound::late", 1),
    ];
    assert_eq!(states.iter().map(|(name, len, _)| (*name, *len)).collect::<Vec<_>>(), expected);
    assert_eq!(states[1].2, 8, "the capacity");

    let escape = |wanted: &str| {
        let site = defs.sites.iter().find(|site| site.name == wanted);
        site.unwrap_or_else(|| panic!("no site {wanted}")).escape
    };
    assert_eq!(escape("borrowed::only"), Some(Escape::Dropped));
    assert_eq!(escape("captured::shared"), Some(Escape::Captured));
    assert_eq!(escape("grown::passed"), Some(Escape::Passed));
    assert_eq!(escape("grown::returned"), None, "a method may take it");
}
