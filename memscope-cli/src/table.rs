//! Tables as text that fit the terminal.

use crate::cell::{Cell, legend};
use crate::names::{fit, fit_end};
use crate::wrap::{wrapped, wrapped_text};
use unicode_width::UnicodeWidthStr;

/// The least columns that a text column is cut to.
const LEAST_TEXT: usize = 12;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text, aligned left, which may lose its middle to fit.
    Text,
    /// A path, aligned left, which may lose its beginning to fit.
    Path,
    /// A short word, aligned left, never cut.
    Word,
    /// A figure, aligned right, never cut.
    Figure,
}

#[derive(Debug, Clone)]
struct Column {
    title: &'static str,
    kind: Kind,
    /// Whether it may be left out where there is no room.
    optional: bool,
}

/// A table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    /// What is said below the rows.
    footers: Vec<String>,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a column that is always shown.
    pub(crate) fn column(mut self, title: &'static str, kind: Kind) -> Self {
        self.columns.push(Column { title, kind, optional: false });
        self
    }

    /// Adds a column that is left out where there is no room; of several, the last one goes first.
    pub(crate) fn optional(mut self, title: &'static str, kind: Kind) -> Self {
        self.columns.push(Column { title, kind, optional: true });
        self
    }

    /// Adds a row, with a cell for each column.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells: Vec<Cell> = cells.into_iter().collect();
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        self.rows.push(cells);
    }

    /// Says something below the rows.
    pub(crate) fn footer(&mut self, text: String) {
        self.footers.push(text);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Lays the table out in so many columns, and explains the marks in it below; each line ends with a line feed.
    pub(crate) fn render(&self, width: usize) -> String {
        let natural: Vec<usize> =
            (0..self.columns.len()).map(|at| self.natural_width(at)).collect();
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        let least = |at: usize| match self.columns[at].kind {
            Kind::Text | Kind::Path => natural[at].min(LEAST_TEXT),
            Kind::Word | Kind::Figure => natural[at],
        };
        let total = |shown: &[usize], width_of: &dyn Fn(usize) -> usize| {
            shown.iter().map(|at| width_of(*at) + 2).sum::<usize>()
        };
        while total(&shown, &least) > width
            && let Some(last) = shown.iter().rposition(|at| self.columns[*at].optional)
        {
            shown.remove(last);
        }
        let mut widths = natural.clone();
        let mut excess = total(&shown, &|at| natural[at]).saturating_sub(width);
        while excess > 0 {
            // The widest text gives way first.
            let texts = shown.iter().copied().filter(|at| widths[*at] > least(*at));
            let Some(widest) = texts.max_by_key(|at| widths[*at]) else { break };
            widths[widest] -= 1;
            excess -= 1;
        }
        let titles: Vec<Cell> =
            self.columns.iter().map(|column| Cell::from(column.title)).collect();
        let mut text = String::new();
        for row in std::iter::once(&titles).chain(&self.rows) {
            self.render_line(row, &shown, &widths, &mut text);
        }
        for footer in &self.footers {
            text += &wrapped_text(footer, width);
        }
        text += &self.left_out(&shown, width);
        let cells = self.rows.iter().flat_map(|row| shown.iter().map(|at| (*at, &row[*at])));
        let titles: Vec<&str> = self.columns.iter().map(|column| column.title).collect();
        text + &legend(cells, &titles, width)
    }

    /// Says which columns there was no room for.
    fn left_out(&self, shown: &[usize], width: usize) -> String {
        let titles = (0..self.columns.len()).filter(|at| !shown.contains(at));
        let titles: Vec<&str> = titles.map(|at| self.columns[at].title).collect();
        if titles.is_empty() {
            return String::new();
        }
        let last = titles.len() - 1;
        let words = titles.iter().enumerate().map(|(at, title)| {
            let end = if at == last { ';' } else { ',' };
            format!("{title}{end}")
        });
        let words: Vec<String> =
            words.chain(["widen the terminal,".to_owned(), "or use --json".to_owned()]).collect();
        wrapped("  left out:", words.iter().map(String::as_str), width)
    }

    fn render_line(&self, row: &[Cell], shown: &[usize], widths: &[usize], text: &mut String) {
        let mut line = String::new();
        for at in shown {
            let cut = if self.columns[*at].kind == Kind::Path { fit_end } else { fit };
            let cell = cut(&row[*at].text, widths[*at]);
            let padding = " ".repeat(widths[*at] - cell.width());
            line.push_str("  ");
            match self.columns[*at].kind {
                Kind::Figure => line.extend([padding, cell]),
                Kind::Text | Kind::Path | Kind::Word => line.extend([cell, padding]),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }

    fn natural_width(&self, at: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[at].text.width());
        cells.max().unwrap_or(0).max(self.columns[at].title.width())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memscope_format::report::Figure;

    fn table() -> Table {
        let mut table = Table::new()
            .column("Site", Kind::Text)
            .column("Kind", Kind::Word)
            .column("Born", Kind::Figure)
            .optional("Peak", Kind::Figure)
            .optional("Where", Kind::Path);
        table.row(["load::raw", "variable", "4,096", "312", "src/main.rs:41"].map(Cell::from));
        table.row(
            ["a::very::long::function::name", "argument", "7", "1", "src/lib.rs:3"].map(Cell::from),
        );
        table
    }

    #[test]
    fn figures_are_aligned_right_and_texts_left() {
        assert_eq!(
            table().render(100),
            "  Site                           Kind       Born  Peak  Where\n\
             \x20 load::raw                      variable  4,096   312  src/main.rs:41\n\
             \x20 a::very::long::function::name  argument      7     1  src/lib.rs:3\n"
        );
    }

    #[test]
    fn marks_are_explained_only_where_they_are_shown() {
        let mut table = Table::new().column("Site", Kind::Text).optional("Peak", Kind::Figure);
        table.row([Cell::from("load::raw"), crate::cell::count(&Figure::unknown("no births"))]);
        table.footer("… and 1 more".to_owned());
        assert_eq!(
            table.render(80),
            "  Site       Peak\n  load::raw     ?\n  … and 1 more\n  ? unknown: no births\n"
        );
        assert_eq!(
            table.render(24),
            "  Site       Peak\n  load::raw     ?\n  … and 1 more\n  ? unknown: no births\n"
        );
        assert_eq!(
            table.render(14),
            "  Site\n  load::raw\n  … and 1 more\n  left out:\n    Peak;\n    widen the terminal,\n    or use --json\n"
        );
    }

    #[test]
    fn lines_fit_the_width_by_cutting_texts_then_dropping_columns() {
        for width in 33..80 {
            let text = table().render(width);
            assert!(text.lines().all(|line| line.width() <= width), "{width}:\n{text}");
            assert!(text.contains("4,096"), "figures are never cut");
        }
        assert!(table().render(60).contains("a::very::…ion::name"), "{}", table().render(60));
        assert!(
            table()
                .render(40)
                .ends_with("left out: Where; widen the terminal,\n    or use --json\n")
        );
    }
}
