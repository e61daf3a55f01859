//! What a capture is of.

use crate::clock::ClockReading;
use crate::health::Health;
use serde::{Deserialize, Serialize};

/// The program that was recorded, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Metadata {
    /// Name of the program.
    pub program: String,
    /// Its arguments, without the program's name.
    pub args: Vec<String>,
    /// Its process id; 0 of a capture that was merged of several.
    pub pid: u32,
    /// Path of its executable.
    pub exe: String,
    /// Version of memscope that recorded it.
    pub memscope_version: String,
    /// What it ran on, as `os-arch`.
    pub target: String,
    /// When recording began, in nanoseconds of the Unix epoch.
    pub started_unix_ns: u64,
    /// Which clock the ticks are of.
    pub clock_source: String,
    /// Two readings of it; the second may be as old as the first.
    pub clock: [ClockReading; 2],
    /// Slots of a ring.
    pub ring_capacity: u64,
    /// What the user says of the recording.
    pub labels: Vec<(String, String)>,
}

/// The label that says from which position on, in each ring, values have their ids: those below were born before the recording
/// began, in another session of the process or in one that it was forked from.
pub const FIRST_POSITION: &str = "session.first_position";
/// The label that says how the recording ended where the program went on: [`STOPPED`].
pub const ENDED: &str = "session.ended";
/// What a label says of a recording that the program stopped.
pub const STOPPED: &str = "stopped";
/// What a label says of what was switched off: that of a [`Part`].
pub const OFF: &str = "off";

/// What a program can ask its recording to be without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// Births and ends of values, but for those of statics and thread-locals.
    Values,
    /// Calls of functions, and tasks.
    Calls,
    /// What the elements of containers own, and how keys are spread.
    Contents,
    /// Readings of the process, its heap and the recorder.
    Readings,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Values, Self::Calls, Self::Contents, Self::Readings];

    /// The label that says [`OFF`] in a recording without it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Values => "session.values",
            Self::Calls => "session.calls",
            Self::Contents => "session.contents",
            Self::Readings => "session.readings",
        }
    }

    /// What it is called in a sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Values => "births and ends of values",
            Self::Calls => "calls and tasks",
            Self::Contents => "contents of containers",
            Self::Readings => "readings of the process",
        }
    }

    /// What is unknown without it.
    #[cfg(feature = "report")]
    pub(crate) const fn unknown_without(self) -> &'static str {
        match self {
            Self::Values => "figures of values are unknown, or at least what others say",
            Self::Calls => "figures of functions are unknown, or at least what others say",
            Self::Contents => {
                "what the elements of containers own, and how their keys are spread, is unknown"
            }
            Self::Readings => {
                "what the process took, what its heap held and how the recorder kept up is unknown"
            }
        }
    }
}
/// The label of a copy that has only some streams; it names them.
pub(crate) const CUT_STREAMS: &str = "cut.streams";
/// The label of a copy of a part of the time; it says which ticks.
pub(crate) const CUT_TICKS: &str = "cut.ticks";
/// The label of a copy of a recording that did not end by itself: a copy ends like any other file.
pub(crate) const CUT_END: &str = "cut.end";
/// What [`CUT_END`] says where the last events were in the rings, and so are in the copy.
pub(crate) const END_KEPT: &str = "the program died, and its last events are here";
/// What it says otherwise.
pub(crate) const END_LOST: &str = "the recording stops before its end";
/// The label of a copy of a recording of which a part could not be read; it says so.
pub(crate) const CUT_DAMAGE: &str = "cut.damage";
const UNREADABLE: &str = "a part could not be read, and nobody knows what was in it";

/// In which state a recording is that is copied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    /// Whether it ended by itself.
    pub(crate) complete: bool,
    /// Whether its last events were in the rings, if it did not.
    pub(crate) recovered: bool,
    /// Whether a part of it cannot be read, and nobody knows what was in it.
    pub(crate) torn: bool,
}

impl Origin {
    /// That of a recording that is one file.
    pub(crate) fn of(health: &Health) -> Self {
        Self {
            complete: health.complete,
            recovered: health.recovered,
            torn: health.damage.iter().any(|damage| damage.rows.is_none()),
        }
    }

    /// That of a recording of which another part follows.
    pub(crate) fn and_then(self, next: Self) -> Self {
        Self { torn: self.torn || next.torn, ..next }
    }
}

impl Metadata {
    /// The same for a copy of a recording that is in this state.
    pub(crate) fn copied(&self, of: Origin) -> Self {
        let mut copy = self.clone();
        let mut say = |name: &str, what: &str| {
            if self.label(name).next().is_none() {
                copy.labels.push((name.to_owned(), what.to_owned()));
            }
        };
        if !of.complete {
            say(CUT_END, if of.recovered { END_KEPT } else { END_LOST });
        }
        if of.torn {
            say(CUT_DAMAGE, UNREADABLE);
        }
        copy
    }

    /// The number of the process; `None` of a capture that was merged of several.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        (self.pid != 0).then_some(self.pid)
    }

    /// What the program asked for the recording, or for one of those that were merged into it, to be without.
    #[must_use]
    pub fn without(&self) -> Vec<Part> {
        let is_off = |part: &Part| self.label(part.label()).any(|said| said == OFF);
        Part::ALL.into_iter().filter(is_off).collect()
    }

    /// Recordings that it is of: one, or as many as were merged.
    #[cfg(feature = "report")]
    pub(crate) fn recordings(&self) -> u64 {
        let keys = || self.labels.iter().map(|(key, _)| key.as_str());
        let is_merged = |source: &str| {
            let its_own = format!("{source}label.source.");
            keys().any(|key| key.starts_with(&its_own))
        };
        let sources = keys().filter_map(|key| key.strip_suffix("file_id"));
        let sources = sources.filter(|source| source.starts_with("source.") && !is_merged(source));
        (sources.count() as u64).max(1)
    }

    /// What a label says, of the recording or of those that were merged into it.
    pub(crate) fn label<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let is_one = move |key: &str| {
            key.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.labels.iter().filter(move |(key, _)| is_one(key)).map(|(_, value)| value.as_str())
    }
}
