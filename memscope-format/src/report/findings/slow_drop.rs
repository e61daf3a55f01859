//! Drops that took long.

use super::{Evidence, Finding, Rule};
use crate::report::human::{Count, Nanos};
use crate::report::{Report, SlowDrop};
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
        let set_off = match slow.set_off.first() {
            None => String::new(),
            Some(heaviest) => format!(
                ", {} of it in {} that it set off, most of all {} ({})",
                Nanos(slow.duration_ns - slow.self_ns),
                Count(slow.nested).of("drop"),
                heaviest.site,
                Nanos(heaviest.total_ns),
            ),
        };
        Finding {
            rule: self.name(),
            condition: self.condition(),
            site: slow.site.clone(),
            message: format!(
                "{}: {what} took {} on {thread}{set_off}",
                slow.site.name,
                Nanos(slow.duration_ns)
            ),
            evidence: vec![
                Evidence::new("duration_ns", slow.duration_ns),
                Evidence::new("self_ns", slow.self_ns),
                Evidence::new("nested", slow.nested),
                Evidence::new("value", slow.value),
                Evidence::new("began_ns", slow.began_ns),
            ],
        }
    }
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
    fn is_silent_below_its_threshold() {
        let mut scene = Scene::new();
        let tree = scene.type_with_probe("Tree");
        scene.dropped(tree, 0, 2_000_000, 999_999);
        assert_eq!(SlowDrops::default().apply(&scene.report()), []);
    }
}
