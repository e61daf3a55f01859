//! Containers that had much more room than they used in the end.

use super::{Evidence, Finding, Rule, said};
use crate::report::human::{Bytes, Count};
use crate::report::{ContainerFigures, Figure, Report};
use crate::rows::SnapshotReason;

/// Finds containers that in sum had a lot of room, most of it unused, when they were dropped or last asked for.
///
/// Readings at birth are no evidence: a container that was made with room for what is to come is as it should be.
#[derive(Debug, Clone, Copy)]
pub struct ContainerWaste {
    /// The least sum of unused bytes.
    pub at_least_bytes: u64,
    /// The least share of the room that was unused, in percent.
    pub at_least_percent: u64,
}

impl Default for ContainerWaste {
    fn default() -> Self {
        Self { at_least_bytes: 64 << 10, at_least_percent: 50 }
    }
}

impl Rule for ContainerWaste {
    fn name(&self) -> &'static str {
        "container-waste"
    }

    fn condition(&self) -> String {
        format!(
            "when dropped or last read, containers of one place had {} or more of room unused, {} % or more of it",
            Bytes(self.at_least_bytes),
            self.at_least_percent
        )
    }

    fn apply(&self, report: &Report) -> Vec<Finding> {
        let mut found: Vec<Finding> = report
            .containers
            .iter()
            .flat_map(|known| {
                [SnapshotReason::Drop, SnapshotReason::Asked, SnapshotReason::Exit]
                    .map(|reason| (known, reason))
            })
            .filter_map(|(known, reason)| self.check(known, reason))
            .collect();
        found.sort_by_key(|finding| std::cmp::Reverse(finding.evidence[0].value));
        found
    }
}

impl ContainerWaste {
    fn check(&self, known: &ContainerFigures, reason: SnapshotReason) -> Option<Finding> {
        let last = known.last_known(reason)?;
        // Of an estimate, as much as there is at least.
        let waste = match last.waste_bytes {
            Figure::Sampled { value, error } => value.saturating_sub(error),
            ref figure => *figure.value()?,
        };
        let room = *last.capacity_bytes.value()?;
        last.containers.value()?;
        let enough =
            u128::from(waste) * 100 >= u128::from(room) * u128::from(self.at_least_percent);
        if waste < self.at_least_bytes || !enough {
            return None;
        }
        let when = match reason {
            SnapshotReason::Drop => "when dropped",
            SnapshotReason::Exit => "at exit",
            _ => "when last read",
        };
        Some(Finding {
            rule: self.name(),
            condition: self.condition(),
            site: known.site.clone(),
            message: format!(
                "{}: {} of {} unused {when}, in {}",
                known.name(),
                said(&last.waste_bytes, |bytes| Bytes(bytes).to_string()),
                said(&last.capacity_bytes, |bytes| Bytes(bytes).to_string()),
                said(&last.containers, |containers| Count(containers).of("container")),
            ),
            evidence: vec![
                Evidence::of("waste_bytes", &last.waste_bytes),
                Evidence::of("capacity_bytes", &last.capacity_bytes),
                Evidence::of("containers", &last.containers),
                Evidence::of("waste_max_bytes", &last.waste_max_bytes),
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::Scene;

    /// A type with a field of `Vec<u64>`, which was read once for this reason.
    fn scene(reason: SnapshotReason, len: u64, capacity: u64) -> Report {
        let mut scene = Scene::new();
        let session = scene.type_with_vec("Session", "pages", 8);
        scene
            .born(session, 1, 10)
            .read(session, 1, 1, 20, reason, len, capacity)
            .dropped(session, 1, 30, 5);
        scene.report()
    }

    #[test]
    fn fires_on_room_unused_at_the_drop() {
        let found = ContainerWaste::default().apply(&scene(SnapshotReason::Drop, 1_000, 10_000));
        let [finding] = found.as_slice() else { panic!("72,000 bytes are wasted: {found:?}") };
        assert_eq!(
            finding.message,
            "Session.pages: 70.3 KiB of 78.1 KiB unused when dropped, in 1 container"
        );
        assert_eq!(
            finding.evidence[..2],
            [Evidence::new("waste_bytes", 72_000), Evidence::new("capacity_bytes", 80_000)]
        );
    }

    #[test]
    fn fires_on_what_the_program_asked_for() {
        assert_eq!(
            ContainerWaste::default().apply(&scene(SnapshotReason::Asked, 0, 10_000)).len(),
            1
        );
    }

    #[test]
    fn is_silent_about_room_reserved_at_birth() {
        assert_eq!(ContainerWaste::default().apply(&scene(SnapshotReason::Birth, 0, 10_000)), []);
    }

    #[test]
    fn is_silent_below_either_threshold() {
        assert_eq!(
            ContainerWaste::default().apply(&scene(SnapshotReason::Drop, 0, 8_191)),
            [],
            "one byte short of 64 KiB"
        );
        assert_eq!(
            ContainerWaste::default().apply(&scene(SnapshotReason::Drop, 51_000, 100_000)),
            [],
            "49 %"
        );
    }
}
