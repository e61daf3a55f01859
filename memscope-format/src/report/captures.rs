//! The captures that a report was computed from, and how far each can be relied on.

use super::figure::{Figure, Grounds, Missing};
use super::readings::{Mark, PerformanceFigures};
use crate::header::FILE_HEADER_LEN;
use crate::metadata::Part;
use serde::{Serialize, Serializer};
use std::path::{Path, PathBuf};

/// A capture that a report was computed from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaptureFigures {
    /// Where it lies.
    #[serde(serialize_with = "as_text")]
    pub path: PathBuf,
    /// The recorded program; `None` if its metadata is lost.
    pub program: Option<String>,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its process id; `None` too of a capture that was merged of several.
    pub pid: Option<u32>,
    /// Recordings that are in it: one, unless several were merged.
    pub recordings: u64,
    /// When recording began, in nanoseconds of the Unix epoch.
    pub started_unix_ns: Option<u64>,
    /// How long it was recorded, in nanoseconds: from the first reading of the clock to the last.
    pub duration_ns: Figure<u64>,
    /// Events in it, recovered ones included.
    pub events: u64,
    /// Events that could not be recorded.
    pub lost: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// Events that were recovered from the rings of a program that did not end by itself.
    pub recovered: u64,
    /// Whether the recording ended by itself; of several, all of them.
    pub complete: bool,
    /// Recordings in it that did not end by themselves.
    pub cut_off: u64,
    /// Whether the program stopped the recording, or one of them, and went on.
    pub stopped: bool,
    /// Whether it is a part that was cut out of a recording, of some streams or of some time.
    pub is_part: bool,
    /// Whether it is a copy of a recording of which a part could not be read.
    pub is_of_damaged: bool,
    /// Where the rest of it is, if it is one of the two files of a recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_file: Option<OtherFile>,
    /// What the program asked it to be without: of that nothing is known, not even that there was none.
    pub without: Vec<Part>,
    /// Whether it is still being written.
    pub live: bool,
    /// Whether the rings of a program that did not end by itself were there to recover events from.
    pub rings: bool,
    /// Whether nothing that was recorded until now is missing from it.
    pub whole: bool,
    /// Parts of it that cannot be read.
    pub damage: Vec<DamageFigures>,
    /// Events that do not fit the others: ends of values whose birth is not there, births of values that live.
    pub unmatched: u64,
    /// Ends of values that were born before the recording began: in an earlier session of the process, or in one that it was
    /// forked from.
    pub from_before: u64,
    /// How often the program paused the recording.
    pub pauses: u64,
    /// How long it was paused, in nanoseconds.
    pub paused_ns: u64,
    /// What the program marked, in the order of time.
    pub marks: Vec<Mark>,
    /// How the process and the recorder did.
    pub performance: PerformanceFigures,
}

/// The other file of a recording that could not be written any more where it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherFile {
    /// It began there.
    First(#[serde(serialize_with = "as_text")] PathBuf),
    /// It goes on there.
    Second(#[serde(serialize_with = "as_text")] PathBuf),
}

/// A part of a capture that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DamageFigures {
    /// Where it begins in the file.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// Rows that it held; `None` if that is not known.
    pub rows: Option<u64>,
    /// What is wrong with it.
    pub what: String,
}

/// A file that could not be read at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Where it lies.
    #[serde(serialize_with = "as_text")]
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
}

/// What is missing where nobody knows what was in a part that cannot be read.
const UNREADABLE: Missing = Missing::Uncounted("a part of the recording cannot be read");

/// Writes a path as text, whatever bytes it has: not every path is UTF-8.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

impl CaptureFigures {
    /// Whether events at its end are missing, and nobody knows how many: the recording did not end by itself, and
    /// the rings that the last events were in are not there.
    pub(crate) fn end_is_missing(&self) -> bool {
        !self.complete && !self.live && !self.rings
    }

    /// Whether a part of it cannot be read, and is not in the recording's other file.
    pub(crate) fn is_damaged(&self) -> bool {
        let is_elsewhere = |damage: &DamageFigures| match self.other_file {
            // What came before it, and nothing that is missing further on.
            Some(OtherFile::First(_)) => {
                damage.bytes == 0 && damage.offset == FILE_HEADER_LEN as u64
            }
            // The frame that could not be written.
            Some(OtherFile::Second(_)) => damage.offset + damage.bytes >= self.bytes,
            None => false,
        };
        !self.damage.iter().all(is_elsewhere)
    }

    /// Returns what figures from this capture stand on.
    pub(crate) fn grounds(&self) -> Grounds {
        let lost = if self.lost == 0 { Missing::Nothing } else { Missing::Events(self.lost) };
        let end = if self.end_is_missing() {
            Missing::Uncounted("the recording was cut off, and its last events are missing")
        } else {
            Missing::Nothing
        };
        let part = if self.is_part {
            Missing::Uncounted("the capture is a part that was cut out of a recording")
        } else {
            Missing::Nothing
        };
        let copied = if self.is_of_damaged { UNREADABLE } else { Missing::Nothing };
        let damage = self.damage.iter().map(|damage| match damage.rows {
            Some(0) => Missing::Nothing,
            Some(rows) => Missing::Events(rows),
            None => UNREADABLE,
        });
        Grounds {
            missing: damage.fold(lost.and(end).and(part).and(copied), Missing::and),
            no_clock: !self.duration_ns.is_exact(),
            no_calls: self.without.contains(&Part::Calls),
            no_values: self.without.contains(&Part::Values),
        }
    }
}
