//! Figures as table cells, which never hide how well they are known.

use memscope_format::report::Figure;
use memscope_format::report::human::{Bytes, Count, Nanos};
use std::collections::BTreeSet;

/// A cell: its text, and what a mark in it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    mark: Option<Mark>,
}

/// What has to be explained below a table; in the order it is explained in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    /// An error too small to be shown beside the rounding, in thousandths of the figure.
    Rounded(u64),
    Bounded,
    Sampled,
    AtLeast(String),
    Inferred(String),
    Unknown(String),
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), mark: None }
    }
}

/// A count of things.
pub(crate) fn count(figure: &Figure<u64>) -> Cell {
    cell(figure, |value| Count(value).to_string())
}

/// An amount of bytes.
pub(crate) fn bytes(figure: &Figure<u64>) -> Cell {
    cell(figure, |value| Bytes(value).to_string())
}

/// A duration.
pub(crate) fn time(figure: &Figure<u64>) -> Cell {
    cell(figure, |value| Nanos(value).to_string())
}

/// A figure that does not exist, which is not one that is unknown.
pub(crate) fn none() -> Cell {
    Cell::from("-")
}

fn cell(figure: &Figure<u64>, text: impl Fn(u64) -> String) -> Cell {
    let (text, mark) = match figure {
        Figure::Exact(value) => return Cell::from(text(*value)),
        Figure::Bounded { value, error } => {
            // Three digits are shown: an error of half a percent is hardly more than the rounding.
            let permille = (u128::from(*error) * 1000).div_ceil(u128::from((*value).max(1)));
            match permille {
                0..=5 => (format!("≈{}", text(*value)), Mark::Rounded(permille as u64)),
                _ => (format!("{} ±{}", text(*value), text(*error)), Mark::Bounded),
            }
        }
        Figure::Sampled { value, error } => {
            (format!("~{} ±{}", text(*value), text(*error)), Mark::Sampled)
        }
        Figure::AtLeast { value, why } => {
            (format!("≥{}", text(*value)), Mark::AtLeast(why.to_string()))
        }
        Figure::Inferred { value, rule } => {
            (format!("~{}", text(*value)), Mark::Inferred(rule.to_string()))
        }
        Figure::Unknown { why } => ("?".to_owned(), Mark::Unknown(why.to_string())),
    };
    Cell { text, mark: Some(mark) }
}

/// Explains the marks in cells, each once, in a line.
pub(crate) fn legend<'a>(cells: impl Iterator<Item = &'a Cell>) -> String {
    let marks: BTreeSet<&Mark> = cells.filter_map(|cell| cell.mark.as_ref()).collect();
    let greatest = marks
        .iter()
        .filter_map(|mark| if let Mark::Rounded(permille) = mark { Some(*permille) } else { None })
        .max();
    let mut lines = String::new();
    if let Some(permille) = greatest {
        lines += &format!("  ≈ within {}.{} %\n", permille / 10, permille % 10);
    }
    for mark in marks {
        match mark {
            Mark::Rounded(_) => {}
            Mark::Bounded => lines += "  ± at most so far off\n",
            Mark::Sampled => {
                lines += "  ~ estimated from samples: at most so far off in about 95 of 100 cases\n"
            }
            Mark::AtLeast(why) => lines += &format!("  ≥ at least: {why}\n"),
            Mark::Inferred(rule) => lines += &format!("  ~ inferred: {rule}\n"),
            Mark::Unknown(why) => lines += &format!("  ? unknown: {why}\n"),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_explained_once_each() {
        let cells = [
            count(&Figure::Exact(1204)),
            count(&Figure::unknown("no births")),
            bytes(&Figure::AtLeast { value: 2048, why: "events were lost".into() }),
            time(&Figure::Bounded { value: 1_000_000, error: 3_900 }),
            time(&Figure::Bounded { value: 1_000_000, error: 1 }),
            count(&Figure::Bounded { value: 1204, error: 30 }),
            count(&Figure::unknown("no births")),
            count(&Figure::Inferred { value: 8, rule: "so".into() }),
            count(&Figure::Sampled { value: 12_000, error: 800 }),
        ];
        let texts: Vec<&str> = cells.iter().map(|cell| cell.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "1,204",
                "?",
                "≥2.00 KiB",
                "≈1.00 ms",
                "≈1.00 ms",
                "1,204 ±30",
                "?",
                "~8",
                "~12,000 ±800"
            ]
        );
        assert_eq!(
            legend(cells.iter()),
            "  ≈ within 0.4 %\n  ± at most so far off\n  ~ estimated from samples: at most so far off in about 95 of 100 cases\n  ≥ at least: events were lost\n  ~ inferred: so\n  ? unknown: no births\n"
        );
        assert_eq!(legend(cells[..1].iter()), "");
    }
}
