//! How whole a capture is: a lossy one never looks complete.

use serde::{Deserialize, Serialize};

/// Beyond so many, damages are added up in the last one.
const MOST_DAMAGES: usize = 4096;

/// What is known of a capture's wholeness when it is opened.
///
/// With a footer, chunks are not read at opening, so damage in them is not here but in the errors of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Health {
    /// Whether the capture was closed by its writer: its last frame is a footer.
    pub complete: bool,
    /// Whether it is still being written: then it holds what was committed when it was opened.
    pub live: bool,
    /// Whether the rings of a program that died were found beside it: then it lacks nothing that was recorded,
    /// but for what is listed here.
    pub recovered: bool,
    /// Raw events that were found in those rings.
    pub recovered_events: u64,
    /// Raw events that are known to be lost: by the recorder's count, and those in the rings that mean nothing.
    pub lost_events: u64,
    /// Rows that whoever wrote the file had and could not write, left out, or could not read where it took them from.
    #[serde(default)]
    pub unwritten_rows: u64,
    /// The parts of the file that could not be read.
    pub damage: Vec<Damage>,
    /// Where the rest of the file begins, if it has more frames than are opened at once; see
    /// [`Opening::start`](crate::Opening::start).
    pub rest: Option<u64>,
}

impl Health {
    /// Whether nothing is known to be missing from what was recorded until now.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.lost_events == 0
            && self.unwritten_rows == 0
            && self.damage.is_empty()
            && self.rest.is_none()
            && (self.complete || self.live || self.recovered)
    }
}

/// Adds a damage that lies behind those listed.
pub(crate) fn list(damages: &mut Vec<Damage>, damage: Damage) {
    if damages.len() < MOST_DAMAGES {
        damages.push(damage);
    } else if let Some(last) = damages.last_mut() {
        last.absorb(damage);
    }
}

/// A part of a file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// Whether it is in the rings beside the capture.
    pub in_rings: bool,
    /// Where it begins, in bytes from the start of the file.
    pub offset: u64,
    /// Bytes it has.
    pub bytes: u64,
    /// Event rows lost with it; `None` if that is not known.
    pub rows: Option<u64>,
    /// What it is, in a few words.
    pub what: String,
}

impl Damage {
    /// Makes a damage of the capture file.
    pub(crate) fn new(offset: u64, bytes: u64, rows: Option<u64>, what: impl Into<String>) -> Self {
        Self { in_rings: false, offset, bytes, rows, what: what.into() }
    }

    /// Makes the damage of frames that are missing before the one at `offset`, by its number.
    pub(crate) fn missing(offset: u64, frames: u64) -> Self {
        Self::new(offset, 0, None, format!("{frames} frames are missing"))
    }

    /// Rows that are lost with it, as far as that is known and they are not among [`Health::lost_events`].
    pub(crate) fn lost_rows(&self) -> u64 {
        // Of the rings' events those that mean nothing were counted.
        self.rows.filter(|_| !self.in_rings).unwrap_or(0)
    }

    /// Whether it is that of frames before the first one, as a file has that goes on with another: numbers of frames go on there.
    pub(crate) fn is_missing_beginning(&self) -> bool {
        let begins = self.offset == crate::header::FILE_HEADER_LEN as u64 && !self.in_rings;
        begins && self.bytes == 0 && self.rows.is_none()
    }

    /// Makes a damage of the rings file.
    pub(crate) fn of_rings(
        offset: u64,
        bytes: u64,
        rows: Option<u64>,
        what: impl Into<String>,
    ) -> Self {
        Self { in_rings: true, ..Self::new(offset, bytes, rows, what) }
    }

    /// Takes in a damage that lies behind this one.
    fn absorb(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.rows = self.rows.zip(other.rows).map(|(rows, others)| rows.saturating_add(others));
        "more damage than is listed one by one".clone_into(&mut self.what);
    }
}
