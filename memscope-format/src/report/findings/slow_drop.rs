//! Drops that took long.

use super::{Evidence, Finding, Rule, said};
use crate::report::human::{Count, Nanos};
use crate::report::{Figure, Report, SlowDrop};
use crate::rows::Outcome;
use std::collections::HashSet;

/// Finds sites with an outermost drop that took long, and says what it set off; of each site the slowest drop.
///
/// Durations are wall time: a thread that had to wait, or was not given a core, took longer for it.
#[derive(Debug, Clone, Copy)]
pub struct SlowDrops {
    /// The least duration in nanoseconds.
    pub at_least_ns: u64,
}

impl Default for SlowDrops {
    fn default() -> Self {
        Self { at_least_ns: 1_000_000 }
    }
}

impl Rule for SlowDrops {
    fn name(&self) -> &'static str {
        "slow-drop"
    }

    fn condition(&self) -> String {
        format!("a drop took {} or more of wall time", Nanos(self.at_least_ns))
    }

    fn apply(&self, report: &Report) -> Vec<Finding> {
        let mut told = HashSet::new();
        let slow = report.slowest_drops.iter().filter(|slow| slow.duration_ns >= self.at_least_ns);
        slow.filter(|slow| told.insert(&slow.site)).map(|slow| self.finding(slow)).collect()
    }
}

impl SlowDrops {
    fn finding(&self, slow: &SlowDrop) -> Finding {
        let what = match slow.outcome {
            Outcome::Dropped => "dropping it",
            Outcome::Unknown => "the end of its scope",
        };
        let thread = slow.thread.as_deref().unwrap_or("a thread without name");
        Finding {
            rule: self.name(),
            condition: self.condition(),
            site: slow.site.clone(),
            message: format!(
                "{}: {what} took {} on {thread}{}",
                slow.site.name,
                Nanos(slow.duration_ns),
                set_off(slow),
            ),
            evidence: vec![
                Evidence::new("duration_ns", slow.duration_ns),
                Evidence::of("self_ns", &slow.self_ns),
                Evidence::of("nested", &slow.nested),
                Evidence::of("nested_untimed", &slow.nested_untimed),
                Evidence::new("value", slow.value),
                Evidence::new("began_ns", slow.began_ns),
            ],
        }
    }
}

/// Says what a drop set off, and how well the time of that is known.
fn set_off(slow: &SlowDrop) -> String {
    let nested = match slow.nested.value() {
        None | Some(0) => return String::new(),
        Some(_) => said(&slow.nested, |drops| Count(drops).of("drop")),
    };
    let share = match &slow.nested_ns {
        Figure::Unknown { .. } => "an unknown part".to_owned(),
        known => said(known, |ns| Nanos(ns).to_string()),
    };
    let untimed = match slow.nested_untimed.value().copied().unwrap_or(0) {
        0 => String::new(),
        1 => " (the time of 1 of them is not known)".to_owned(),
        untimed => format!(" (the time of {} of them is not known)", Count(untimed)),
    };
    let heaviest = match slow.set_off.first() {
        Some(heaviest) if heaviest.total_ns.value().is_some() => {
            let took = said(&heaviest.total_ns, |ns| Nanos(ns).to_string());
            format!(", most of all {} ({took})", heaviest.site)
        }
        _ => String::new(),
    };
    format!(", {share} of it in {nested} that it set off{untimed}{heaviest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::Scene;

    #[test]
    fn fires_once_for_a_site_with_its_slowest_drop() {
        let mut scene = Scene::new();
        let (tree, node) = (scene.type_with_probe("Tree"), scene.type_with_probe("Node"));
        scene.nested(node, 2_000_100, 1_500_000, 1).dropped(tree, 0, 2_000_200, 2_000_000);
        scene.dropped(tree, 0, 9_000_000, 1_000_000);
        let found = SlowDrops::default().apply(&scene.report());
        let [finding] = found.as_slice() else { panic!("one site is slow: {found:?}") };
        assert_eq!(
            finding.message,
            "Tree: dropping it took 2.00 ms on main, 1.50 ms of it in 1 drop that it set off, most of all Node (1.50 ms)"
        );
        assert_eq!(finding.evidence[0], Evidence::new("duration_ns", 2_000_000));
    }

    #[test]
    fn says_of_how_many_drops_the_time_is_not_known() {
        let mut scene = Scene::new();
        let (tree, leaf) = (scene.type_with_probe("Tree"), scene.annotated("Leaf", Vec::new()));
        for ts in [1_500_000, 1_600_000] {
            scene.drop_row(leaf, 0, ts, None, 1, Outcome::Dropped);
        }
        scene.dropped(tree, 0, 2_000_200, 2_000_000);
        let report = scene.report();
        assert_eq!(report.slowest_drops[0].self_ns.fidelity(), "unknown");
        assert_eq!(report.slowest_drops[0].set_off[0].total_ns.fidelity(), "unknown");
        assert_eq!(
            report.findings[0].message,
            "Tree: dropping it took 2.00 ms on main, an unknown part of it in 2 drops that it set off (the time of 2 of them is not known)"
        );
        assert_eq!(report.findings[0].evidence[1].value, None);
    }

    #[test]
    fn lost_events_show_in_what_it_says() {
        let mut scene = Scene::new();
        let (tree, node) = (scene.type_with_probe("Tree"), scene.type_with_probe("Node"));
        scene.nested(node, 2_000_100, 1_500_000, 1).dropped(tree, 0, 2_000_200, 2_000_000);
        let report = scene.lost(3).report();
        let found = SlowDrops::default().apply(&report);
        assert_eq!(
            found[0].message,
            "Tree: dropping it took 2.00 ms on main, at least 1.50 ms of it in 1 drop (±3 drops) that it set off, most of all Node (at least 1.50 ms)"
        );
    }

    #[test]
    fn is_silent_below_its_threshold() {
        let mut scene = Scene::new();
        let tree = scene.type_with_probe("Tree");
        scene.dropped(tree, 0, 2_000_000, 999_999);
        assert_eq!(SlowDrops::default().apply(&scene.report()), []);
    }
}
