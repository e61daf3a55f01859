//! Figures as table cells, which never hide how well they are known.

use memscope_format::report::Figure;
use memscope_format::report::human::{Bytes, Count, Nanos};
use std::collections::BTreeSet;

/// Writes figures, and remembers what has to be explained below the table.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    unknown: BTreeSet<String>,
    at_least: BTreeSet<String>,
    /// Whether a figure was shown with its error.
    bounded: bool,
    /// Whether an error was too small to show beside rounding, and the greatest such, in 1/1000 of the figure.
    rounded_permille: Option<u64>,
}

impl Cells {
    /// A count of things.
    pub(crate) fn count(&mut self, figure: &Figure<u64>) -> String {
        self.cell(figure, |value| Count(value).to_string())
    }

    /// An amount of bytes.
    pub(crate) fn bytes(&mut self, figure: &Figure<u64>) -> String {
        self.cell(figure, |value| Bytes(value).to_string())
    }

    /// A duration.
    pub(crate) fn time(&mut self, figure: &Figure<u64>) -> String {
        self.cell(figure, |value| Nanos(value).to_string())
    }

    fn cell(&mut self, figure: &Figure<u64>, text: impl Fn(u64) -> String) -> String {
        match figure {
            Figure::Exact(value) => text(*value),
            Figure::Bounded { value, error } => {
                // Three digits are shown: an error of half a percent is hardly more than the rounding.
                let permille = (u128::from(*error) * 1000).div_ceil(u128::from((*value).max(1)));
                if permille <= 5 {
                    self.rounded_permille = self.rounded_permille.max(Some(permille as u64));
                    format!("≈{}", text(*value))
                } else {
                    self.bounded = true;
                    format!("{} ±{}", text(*value), text(*error))
                }
            }
            Figure::AtLeast { value, why } => {
                self.at_least.insert(why.to_string());
                format!("≥{}", text(*value))
            }
            Figure::Unknown { why } => {
                self.unknown.insert(why.to_string());
                "?".to_owned()
            }
        }
    }

    /// Explains the marks that were used, each in a line.
    pub(crate) fn legend(&self) -> String {
        let mut lines = String::new();
        if let Some(permille) = self.rounded_permille {
            lines += &format!("  ≈ within {}.{} %\n", permille / 10, permille % 10);
        }
        if self.bounded {
            lines += "  ± at most so far off\n";
        }
        for (mark, reasons) in [("≥ at least", &self.at_least), ("? unknown", &self.unknown)] {
            for why in reasons {
                lines += &format!("  {mark}: {why}\n");
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_explained_once_each() {
        let mut cells = Cells::default();
        assert_eq!(cells.legend(), "");
        assert_eq!(cells.count(&Figure::Exact(1204)), "1,204");
        assert_eq!(cells.legend(), "");
        assert_eq!(cells.count(&Figure::Bounded { value: 1204, error: 30 }), "1,204 ±30");
        assert_eq!(cells.time(&Figure::Bounded { value: 1_000_000, error: 3_900 }), "≈1.00 ms");
        assert_eq!(
            cells.bytes(&Figure::AtLeast { value: 2048, why: "events were lost".into() }),
            "≥2.00 KiB"
        );
        assert_eq!(cells.count(&Figure::unknown("no births")), "?");
        assert_eq!(cells.count(&Figure::unknown("no births")), "?");
        assert_eq!(
            cells.legend(),
            "  ≈ within 0.4 %\n  ± at most so far off\n  ≥ at least: events were lost\n  ? unknown: no births\n"
        );
    }
}
