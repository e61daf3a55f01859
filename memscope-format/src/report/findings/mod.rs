//! Findings: what in the figures deserves a look, each by a rule that names itself.

mod alive_at_exit;
mod container_waste;
mod left_at_exit;
mod poor_hash;
mod slow_drop;

pub use alive_at_exit::AliveAtExit;
pub use container_waste::ContainerWaste;
pub use left_at_exit::LeftAtExit;
pub use poor_hash::PoorHash;
pub use slow_drop::SlowDrops;

use super::{Figure, Place, Report};
use serde::Serialize;

/// A rule that turns figures into findings.
pub trait Rule {
    /// Returns the rule's name, as findings show it.
    fn name(&self) -> &'static str;

    /// Says when it fires.
    fn condition(&self) -> String;

    /// Returns what it finds in a report whose tables are complete, most important first.
    fn apply(&self, report: &Report) -> Vec<Finding>;
}

/// Returns the rules that every report is put to, with their usual thresholds.
#[must_use]
pub fn rules() -> Vec<Box<dyn Rule>> {
    vec![
        Box::new(AliveAtExit),
        Box::new(LeftAtExit::default()),
        Box::new(ContainerWaste::default()),
        Box::new(PoorHash::default()),
        Box::new(SlowDrops::default()),
    ]
}

/// Something that deserves a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The name of the rule that found it.
    pub rule: &'static str,
    /// When that rule fires.
    pub condition: String,
    /// The site that it is about.
    pub site: Place,
    /// What was found, in a sentence.
    pub message: String,
    /// The figures behind it.
    pub evidence: Vec<Evidence>,
}

/// A figure behind a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// What it is, with its unit.
    pub what: &'static str,
    /// The figure; `None` if it is unknown.
    pub value: Option<u64>,
    /// How well it is known, as [`Figure::fidelity`] says.
    pub fidelity: &'static str,
}

/// Says a figure in a sentence, with how well it is known.
fn said(figure: &Figure<u64>, words: impl Fn(u64) -> String) -> String {
    match figure {
        Figure::Exact(value) => words(*value),
        Figure::Bounded { value, error } => format!("{} (±{})", words(*value), words(*error)),
        Figure::Sampled { value, error } => {
            let percent = (u128::from(*error) * 100).div_ceil(u128::from((*value).max(1)));
            let off = if percent <= 100 { format!("{percent} %") } else { words(*error) };
            format!("about {} (±{off}, sampled)", words(*value))
        }
        Figure::AtLeast { value, .. } => format!("at least {}", words(*value)),
        Figure::Inferred { value, .. } => words(*value),
        Figure::Unknown { .. } => "unknown".to_owned(),
    }
}

impl Evidence {
    fn new(what: &'static str, value: u64) -> Self {
        Self::of(what, &Figure::Exact(value))
    }

    fn of(what: &'static str, figure: &Figure<u64>) -> Self {
        Self { what, value: figure.value().copied(), fidelity: figure.fidelity() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::human::Bytes;

    #[test]
    fn an_error_is_said_in_the_unit_of_its_figure_or_as_a_share_of_it() {
        let bytes = |figure| said(&figure, |bytes| Bytes(bytes).to_string());
        assert_eq!(bytes(Figure::Bounded { value: 4096, error: 2048 }), "4.00 KiB (±2.00 KiB)");
        let sampled = |value, error| bytes(Figure::Sampled { value, error });
        assert_eq!(sampled(40_960, 4096), "about 40.0 KiB (±10 %, sampled)");
        assert_eq!(sampled(1024, 4096), "about 1.00 KiB (±4.00 KiB, sampled)");
    }
}
