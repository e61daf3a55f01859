//! What can go wrong, in one line, and the exit codes.

use crate::console;
use crate::invocation::Invocation;
use memscope_format::report::human::Count;
use memscope_format::{Damage, Error};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The command was used wrongly.
pub(crate) const USAGE: u8 = 2;
/// The capture is damaged; what could be read was reported.
pub(crate) const DAMAGED: u8 = 3;
/// There is no capture.
pub(crate) const NO_CAPTURE: u8 = 4;

/// Why a command could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The reader of our output went away: nothing to complain about.
    #[error("the output was closed")]
    Closed,
    /// A capture cannot be opened.
    #[error("{path}: {source}; {hint}", hint = hint(source))]
    Capture { path: PathBuf, source: Error },
    /// There is nothing at the path, or no capture in it.
    #[error("{path}: {what}")]
    NoCapture { path: PathBuf, what: String },
    /// A capture was asked for by the name of the rings beside it.
    #[error("{path}: this holds the rings beside a capture; give the capture itself: {capture}")]
    Rings { path: PathBuf, capture: PathBuf },
    /// Parts of captures could not be read; what could be was shown.
    #[error("{0}")]
    Damaged(String),
    /// Something that the user asked for is not possible.
    #[error("{0}")]
    Usage(String),
    /// A program that was started for the user ended so; it has said why itself.
    #[error("ended with code {0}")]
    Child(u8),
    /// Reading or writing something other than a capture failed.
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
}

impl Failure {
    /// The failure to open a capture.
    pub(crate) fn opening(path: &Path, source: Error) -> Self {
        let path = path.to_owned();
        match source {
            Error::Io(error) if error.kind() == io::ErrorKind::NotFound => Self::missing(path),
            Error::NoData => {
                let what =
                    "the file is empty, nothing was recorded; record again with `$0 run`".into();
                Self::NoCapture { path, what }
            }
            source => Self::Capture { path, source },
        }
    }

    /// There is no file.
    pub(crate) fn missing(path: PathBuf) -> Self {
        let what = "no such file; `$0 run` prints where it puts a capture".into();
        Self::NoCapture { path, what }
    }

    /// Something other than reading a capture failed.
    pub(crate) fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    /// A part of a capture is not in what was made of it: that damage, and so many rows of chunks.
    pub(crate) fn incomplete<'a>(
        path: &Path,
        damage: impl IntoIterator<Item = &'a Damage>,
        unreadable_rows: u64,
    ) -> Self {
        let rows: Option<u64> = damage.into_iter().map(|damage| damage.rows).sum();
        let missing = match rows.map(|rows| rows + unreadable_rows) {
            None => "an unknown number of rows cannot be read and are missing".to_owned(),
            Some(0) => "no row is missing".to_owned(),
            Some(1) => "1 row cannot be read and is missing".to_owned(),
            Some(rows) => format!("{} cannot be read and are missing", Count(rows).of("row")),
        };
        Self::Damaged(format!("{}: damaged; {missing}", path.display()))
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Capture { source: Error::NotACapture { .. }, .. } | Self::NoCapture { .. } => {
                NO_CAPTURE
            }
            Self::Capture { .. } | Self::Damaged(_) => DAMAGED,
            Self::Rings { .. } | Self::Usage(_) | Self::Io { .. } => USAGE,
            Self::Child(code) => *code,
        }
    }

    /// Says it on stderr in one line and returns the exit code. As in a shell, `$0` is this program as it was called.
    pub(crate) fn report(&self, invocation: &Invocation) -> ExitCode {
        if !matches!(self, Self::Closed | Self::Child(_)) {
            console::say(&format!("error: {self}").replace("$0", invocation.program()));
        }
        ExitCode::from(self.code())
    }
}

impl From<io::Error> for Failure {
    /// The failure to write output.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::io("cannot write the output", error)
        }
    }
}

/// What to do about a capture that cannot be opened.
fn hint(error: &Error) -> &'static str {
    match error {
        Error::NotACapture { .. } => "give a `.memscope` file, or a directory of them",
        Error::TooNew { .. } => {
            "update memscope-cli to the version that the program was recorded with"
        }
        Error::Truncated { .. } => {
            "it was cut off before anything was recorded; record again with `$0 run`"
        }
        Error::Limit { what: "frames", .. } => {
            "it has more frames than are opened at once; `$0 compact` writes one that has fewer"
        }
        Error::Corrupt { .. } | Error::Limit { .. } => "`$0 validate` says what is wrong with it",
        _ => "check that it can be read",
    }
}
