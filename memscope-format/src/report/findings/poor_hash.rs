//! Hash maps whose keys crowd in few buckets.

use super::{Evidence, Finding, Rule};
use crate::report::human::Count;
use crate::report::{ContainerFigures, Report, SpreadFigures};

/// Finds places with a hash map of which many more keys share the bucket that their search begins at than would of random
/// hashes.
///
/// Of a map of 64 keys in 128 buckets random hashes give 13.5 such keys, with a standard deviation of 2.7: that they reach what
/// the rule asks for, 29, is less likely than one in 10^7. Keys that crowd slow the map down, however good its hashes are otherwise.
#[derive(Debug, Clone, Copy)]
pub struct PoorHash {
    /// The least number of keys in the map.
    pub at_least_keys: u64,
    /// The least number of colliding keys, in percent of those that are to be expected.
    pub at_least_percent: u64,
    /// The least number of colliding keys beyond those that are to be expected.
    pub at_least_more: u64,
}

impl Default for PoorHash {
    fn default() -> Self {
        Self { at_least_keys: 64, at_least_percent: 200, at_least_more: 16 }
    }
}

impl Rule for PoorHash {
    fn name(&self) -> &'static str {
        "poor-hash"
    }

    fn condition(&self) -> String {
        format!(
            "of a hash map with {} keys or more, {} % or more of the keys that would collide with random hashes do, and {} keys more than those",
            self.at_least_keys, self.at_least_percent, self.at_least_more
        )
    }

    fn apply(&self, report: &Report) -> Vec<Finding> {
        let maps = report.containers.iter().filter_map(|known| {
            let worst = known.hashes.as_ref()?.worst.as_ref()?;
            self.fires(worst).then_some((known, worst))
        });
        let mut found: Vec<Finding> =
            maps.map(|(known, worst)| self.finding(known, worst)).collect();
        found.sort_by_key(|finding| std::cmp::Reverse(finding.evidence[0].value));
        found
    }
}

impl PoorHash {
    fn fires(&self, worst: &SpreadFigures) -> bool {
        let (Some(&collisions), Some(&expected)) =
            (worst.collisions.value(), worst.expected_collisions.value())
        else {
            return false;
        };
        worst.keys >= self.at_least_keys
            && u128::from(collisions) * 100
                >= u128::from(expected) * u128::from(self.at_least_percent)
            && collisions >= expected.saturating_add(self.at_least_more)
    }

    fn finding(&self, known: &ContainerFigures, worst: &SpreadFigures) -> Finding {
        let number = |figure: &crate::report::Figure<u64>| Count(*figure.value().unwrap_or(&0));
        Finding {
            rule: self.name(),
            condition: self.condition(),
            site: known.site.clone(),
            message: format!(
                "{}: {} of {} collide, of random hashes {} would; {}, at most {} of one bucket",
                known.name(),
                number(&worst.collisions),
                Count(worst.keys).of("key"),
                number(&worst.expected_collisions),
                match worst.distinct {
                    1 => "1 hash in all".to_owned(),
                    distinct => format!("{} hashes in all", Count(distinct)),
                },
                number(&worst.fullest),
            ),
            evidence: vec![
                Evidence::of("collisions", &worst.collisions),
                Evidence::of("expected_collisions", &worst.expected_collisions),
                Evidence::new("keys", worst.keys),
                Evidence::new("distinct", worst.distinct),
                Evidence::of("fullest", &worst.fullest),
                Evidence::of("buckets", &worst.buckets),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::Scene;
    use crate::rows::SnapshotReason;

    /// A map whose keys were hashed: keys, distinct hashes, homes, most keys of a home, buckets.
    fn found(words: [u64; 5]) -> Vec<Finding> {
        let mut scene = Scene::new();
        let index = scene.type_with_vec("Session", "index", 8);
        scene.born(index, 1, 10).read(index, 1, 1, 20, SnapshotReason::Drop, words[0], words[0]);
        scene.hashed(index, 1, 1, 20, SnapshotReason::Drop, words).dropped(index, 1, 30, 5);
        PoorHash::default().apply(&scene.report())
    }

    #[test]
    fn fires_on_keys_that_crowd() {
        let found = found([1_000, 16, 16, 63, 2_048]);
        let [finding] = found.as_slice() else { panic!("16 hashes are few: {found:?}") };
        assert_eq!(
            finding.message,
            "Session.index: 984 of 1,000 keys collide, of random hashes 209 would; 16 hashes in all, at most 63 of one bucket"
        );
        assert_eq!(finding.evidence[0].value, Some(984));
        assert_eq!(finding.evidence[0].fidelity, "inferred");
    }

    #[test]
    fn is_silent_about_random_hashes_and_about_better_ones() {
        assert_eq!(found([1_000, 1_000, 791, 5, 2_048]), []);
        // 75 less is more than seven standard deviations.
        assert_eq!(found([1_000, 1_000, 716, 6, 2_048]), []);
        assert_eq!(found([1_000, 1_000, 1_000, 1, 2_048]), []);
    }

    #[test]
    fn is_silent_about_few_keys_and_few_collisions() {
        assert_eq!(found([63, 1, 1, 63, 128]), []);
        assert_eq!(found([64, 64, 36, 4, 128]), [], "28 of 13 to be expected");
        assert_eq!(found([64, 64, 35, 4, 128]).len(), 1, "29");
        assert_eq!(found([64, 64, 49, 4, 1 << 20]), [], "15 of none to be expected");
    }

    #[test]
    fn is_silent_where_nothing_was_hashed() {
        let mut scene = Scene::new();
        let index = scene.type_with_vec("Session", "index", 8);
        scene.born(index, 1, 10).read(index, 1, 1, 20, SnapshotReason::Drop, 1_000, 1_792);
        scene.dropped(index, 1, 30, 5);
        assert_eq!(PoorHash::default().apply(&scene.report()), []);
    }
}
