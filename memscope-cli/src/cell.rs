//! Figures as table cells, which never hide how well they are known.

use crate::wrap::wrapped_text;
use memscope_format::report::Figure;
use memscope_format::report::human::{Bytes, Count, Nanos};
use std::collections::{BTreeMap, BTreeSet};

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
            let (value, error) = (*value, *error);
            // A share of it is read at a glance, and short; one that is more than all of it says less than the error itself.
            let percent = (u128::from(error) * 100).div_ceil(u128::from(value.max(1)));
            let off = if percent <= 100 { format!("{percent} %") } else { text(error) };
            (format!("~{} ±{off}", text(value)), Mark::Sampled)
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

/// Explains the marks in cells, each once, in lines of so many columns. Cells come with the number of their column, whose title is
/// named where marks of one sign mean several things.
pub(crate) fn legend<'a>(
    cells: impl Iterator<Item = (usize, &'a Cell)>,
    titles: &[&str],
    width: usize,
) -> String {
    let mut marks: BTreeMap<&Mark, BTreeSet<usize>> = BTreeMap::new();
    for (column, cell) in cells {
        if let Some(mark) = &cell.mark {
            marks.entry(mark).or_default().insert(column);
        }
    }
    let greatest = marks
        .keys()
        .filter_map(|mark| if let Mark::Rounded(permille) = mark { Some(*permille) } else { None })
        .max();
    let mut lines = String::new();
    if let Some(permille) = greatest {
        lines += &format!("  ≈ within {}.{} %\n", permille / 10, permille % 10);
    }
    marks.retain(|mark, _| !matches!(mark, Mark::Rounded(_)));
    let meanings = |sign| marks.keys().filter(|mark| mark.sign() == sign).count();
    for (mark, columns) in &marks {
        let sign = mark.sign();
        let of = match meanings(sign) {
            1 => mark.word().to_owned(),
            _ => columns.iter().map(|column| titles[*column]).collect::<Vec<_>>().join(", "),
        };
        let of = if of.is_empty() { of } else { format!("{of}: ") };
        lines += &wrapped_text(&format!("{sign} {of}{}", mark.meaning()), width);
    }
    lines
}

impl Mark {
    /// What stands in the cell.
    fn sign(&self) -> char {
        match self {
            Self::Rounded(_) => '≈',
            Self::Bounded => '±',
            Self::Sampled | Self::Inferred(_) => '~',
            Self::AtLeast(_) => '≥',
            Self::Unknown(_) => '?',
        }
    }

    /// How well such a figure is known, where its meaning does not say it.
    fn word(&self) -> &'static str {
        match self {
            Self::Rounded(_) | Self::Bounded | Self::Sampled => "",
            Self::AtLeast(_) => "at least",
            Self::Inferred(_) => "inferred",
            Self::Unknown(_) => "unknown",
        }
    }

    fn meaning(&self) -> &str {
        match self {
            Self::Rounded(_) => "rounded",
            Self::Bounded => "at most so far off",
            Self::Sampled => "estimated from samples: at most so far off in about 95 of 100 cases",
            Self::AtLeast(why) | Self::Unknown(why) => why,
            Self::Inferred(rule) => rule,
        }
    }
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
            bytes(&Figure::Sampled { value: 41, error: 2048 }),
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
                "~12,000 ±7 %",
                "~41 B ±2.00 KiB"
            ]
        );
        let explained = |cells: &[Cell], width| {
            let columns = cells.iter().enumerate().map(|(at, cell)| (at % 3, cell));
            legend(columns, &["Born", "Peak", "Room"], width)
        };
        assert_eq!(
            explained(&cells[..7], 100),
            "  ≈ within 0.4 %\n  ± at most so far off\n  ≥ at least: events were lost\n  ? unknown: no births\n"
        );
        // Where a sign means several things, each is told with its columns, once.
        assert_eq!(
            explained(&cells[7..9], 60),
            "  ~ Peak: estimated from samples: at most so far off in\n    about 95 of 100 cases\n  ~ Born: so\n"
        );
        let unknown = ["no births", "no ends", "no births"].map(|why| count(&Figure::unknown(why)));
        assert_eq!(explained(&unknown, 100), "  ? Born, Room: no births\n  ? Peak: no ends\n");
        assert_eq!(explained(&cells[..1], 100), "");
    }
}
