//! The terminal: results on stdout, notes on stderr, progress where somebody watches.

use crate::invocation::Invocation;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// The width of tables where there is no terminal: what goes to a file or a program is not to lack a column.
const WIDTH_WITHOUT_TERMINAL: usize = usize::MAX;

/// Where a command's results go.
pub(crate) struct Console {
    /// Results; errors of writing end the command.
    pub(crate) out: Box<dyn Write>,
    /// Columns that a line may take.
    pub(crate) width: usize,
    /// How the user called us.
    pub(crate) invocation: Invocation,
}

impl Console {
    /// Takes stdout for as long as the command runs.
    pub(crate) fn new(invocation: Invocation) -> Self {
        Self { out: Box::new(io::BufWriter::new(io::stdout().lock())), width: width(), invocation }
    }
}

/// Returns how wide tables may be: as the terminal, as `COLUMNS` says, or as they are.
fn width() -> usize {
    let terminal =
        || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    let columns = || std::env::var("COLUMNS").ok()?.parse().ok();
    terminal().or_else(columns).filter(|width| *width > 0).unwrap_or(WIDTH_WITHOUT_TERMINAL)
}

/// Writes a line to stderr.
pub(crate) fn say(line: &str) {
    // If stderr is gone, there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// A progress bar on stderr that appears when something takes longer than a second and somebody watches.
pub(crate) struct Reading {
    began: Instant,
    bar: Option<ProgressBar>,
}

impl Reading {
    /// Starts the clock.
    pub(crate) fn start() -> Self {
        Self { began: Instant::now(), bar: None }
    }

    /// Tells how far it has come, in whatever is counted.
    pub(crate) fn advance(&mut self, done: u64, in_all: u64) {
        if self.bar.is_none() {
            if self.began.elapsed() < Duration::from_secs(1) || !io::stderr().is_terminal() {
                return;
            }
            let bar = ProgressBar::with_draw_target(Some(in_all), ProgressDrawTarget::stderr());
            // The template is a constant; if it were wrong, the default one would do.
            if let Ok(style) =
                ProgressStyle::with_template("reading {wide_bar} {percent:>3} % {eta:>4}")
            {
                bar.set_style(style);
            }
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_length(in_all);
            bar.set_position(done);
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
