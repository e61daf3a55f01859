//! What can be wrong with a capture.

use std::io;

/// Why a capture, or a part of it, could not be written or read.
///
/// Offsets are bytes from the start of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is something else.
    #[error("not a memscope capture: it begins with {found}")]
    NotACapture {
        /// Its first bytes, printable.
        found: String,
    },
    /// The file needs a newer reader.
    #[error("written by a newer memscope: this one reads {supported}, the file needs {found}")]
    TooNew {
        /// What this version reads.
        supported: String,
        /// What the file says of itself.
        found: String,
    },
    /// The file, or a structure in it, ends too early.
    #[error("truncated at offset {offset}: {expected} bytes expected, {found} found")]
    Truncated {
        /// Where the structure begins.
        offset: u64,
        /// Bytes it needs.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// Bytes that contradict each other or the format.
    #[error("corrupt at offset {offset}: expected {expected}, found {found}")]
    Corrupt {
        /// Where the structure begins.
        offset: u64,
        /// What the format asks for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A size beyond what a reader accepts.
    #[error("limit exceeded at offset {offset}: {what} is {found}, at most {limit} is accepted")]
    Limit {
        /// Where the structure begins; when writing, where it would have begun.
        offset: u64,
        /// What is too large.
        what: &'static str,
        /// The greatest value accepted.
        limit: u64,
        /// The value found.
        found: u64,
    },
    /// A stream has no such column.
    #[error("there is no column {name}; there are {known}")]
    UnknownColumn {
        /// What was asked for.
        name: String,
        /// The columns that there are.
        known: String,
    },
    /// The file is empty.
    #[error("the file is empty: nothing was recorded")]
    NoData,
    /// A sink failed, and nothing that was to be done about it helped.
    #[error("{rows} rows could not be written: {error}")]
    Unwritten {
        /// Rows that are lost by this failure.
        rows: u64,
        /// Why.
        error: io::Error,
    },
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Error {
    /// Makes the error for bytes that contradict the format.
    pub(crate) fn corrupt(
        offset: u64,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Corrupt { offset, expected: expected.into(), found: found.into() }
    }
}
