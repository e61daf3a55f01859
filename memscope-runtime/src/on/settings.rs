//! What a session is to be: what the program said, and what the environment says of the rest.

use super::heap;
use super::rate;
use super::registry::Choice;
use super::session::report;
use super::stacks::Stacks;
use crate::session_types::{Compression, Durability, HeapMode, Overflow, SessionError, Stream};
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use memscope_format::{Codec, writer};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// KiB that a ring may have.
const RING_KIB: core::ops::RangeInclusive<u64> = 64..=65536;

/// What the program said of a session; where it said nothing, the environment decides, as it is when the session starts.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub(super) directory: Option<PathBuf>,
    pub(super) fallback: Option<PathBuf>,
    pub(super) name: Option<String>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) ring_kib: Option<u64>,
    pub(super) durability: Option<Durability>,
    pub(super) compression: Option<Compression>,
    pub(super) one_in: Option<u32>,
    /// By the number of the stream.
    pub(super) streams: [Option<bool>; Stream::ALL.len()],
    pub(super) heap: Option<HeapMode>,
    pub(super) overflow: Overflow,
    pub(super) slow_drop: Option<Duration>,
    /// What the environment said; the program does not.
    stacks: Option<Stacks>,
    /// What it said of streams, which counts for those that the program says nothing of.
    streams_of_environment: Option<[bool; Stream::ALL.len()]>,
}

const DEFAULT_RING_KIB: u64 = 1024;

const DEFAULT_SLOW_DROP: Duration = Duration::from_micros(100);

impl Settings {
    /// The same, with what the environment says now of what the program did not. What it says that is wrong is told here.
    pub(super) fn with_environment(&self) -> Self {
        Self {
            ring_kib: Some(self.ring_kib.unwrap_or_else(ring_kib_of_environment)),
            durability: Some(self.durability.unwrap_or_else(durability_of_environment)),
            compression: Some(self.compression.unwrap_or_else(compression_of_environment)),
            slow_drop: Some(self.slow_drop.unwrap_or_else(slow_drop_of_environment)),
            stacks: Some(self.stacks.unwrap_or_else(stacks_of_environment)),
            streams_of_environment: Some(streams_of_environment()),
            ..self.clone()
        }
    }

    /// Refuses what cannot be.
    pub(super) fn check(&self) -> Result<(), SessionError> {
        if let Some(kib) = self.ring_kib
            && !RING_KIB.contains(&kib)
        {
            return Err(SessionError::RingSize { kib });
        }
        if let Some(one_in @ 0) = self.one_in {
            return Err(SessionError::Sampling { one_in });
        }
        if let Some(HeapMode::Sampled(bytes)) = self.heap
            && !heap::MEANS.contains(&bytes)
        {
            return Err(SessionError::HeapSampling { bytes });
        }
        match &self.name {
            Some(name) if !is_name(name) => Err(SessionError::Name { name: name.clone() }),
            _ => Ok(()),
        }
    }

    /// Where the capture of a program goes.
    pub(super) fn directory(&self, exe: &Path) -> PathBuf {
        let said = self.directory.clone().or_else(|| variable("MEMSCOPE_DIR").map(PathBuf::from));
        if let Some(dir) = said {
            return dir;
        }
        // Cargo marks its target directories as caches (https://bford.info/cachedir/).
        exe.ancestors()
            .skip(1)
            .find(|dir| dir.join("CACHEDIR.TAG").exists())
            .map_or_else(PathBuf::new, |target| target.join("memscope"))
    }

    /// Where it begins, or goes on, when it cannot be written there.
    pub(super) fn fallback(&self) -> Option<PathBuf> {
        self.fallback.clone().or_else(|| variable("MEMSCOPE_FALLBACK_DIR").map(PathBuf::from))
    }

    /// When its bytes must be on the device.
    pub(super) fn durability(&self) -> writer::Durability {
        match self.durability.unwrap_or_default() {
            Durability::System => writer::Durability::None,
            Durability::Checkpoint => writer::Durability::Checkpoint,
            Durability::Commit => writer::Durability::Commit,
        }
    }

    /// Slots of a ring.
    pub(super) fn ring_capacity(&self) -> u64 {
        let kib = self.ring_kib.unwrap_or(DEFAULT_RING_KIB);
        kib.next_power_of_two() * 1024 / memscope_format::raw::SLOT_LEN as u64
    }

    /// Of what call stacks are taken.
    pub(super) fn stacks(&self) -> Stacks {
        self.stacks.unwrap_or(Stacks::Sampled)
    }

    /// How long a drop takes at least that is slow.
    pub(super) fn slow_drop(&self) -> Duration {
        self.slow_drop.unwrap_or(DEFAULT_SLOW_DROP)
    }

    /// How chunks are compressed.
    pub(super) fn compression(&self) -> memscope_format::Compression {
        match self.compression.unwrap_or_default() {
            Compression::Balanced => memscope_format::Compression::balanced(),
            Compression::Fast => memscope_format::Compression::high_performance(),
            Compression::Small => memscope_format::Compression::memory_efficient(),
            Compression::None => Codec::None.into(),
        }
    }

    /// What is recorded where the source does not say: as it was `decided`, if it was. To ask for anything else then is an error.
    pub(super) fn choice(&self, decided: Option<Choice>) -> Result<Choice, SessionError> {
        let said = |stream| self.streams[stream as usize];
        let choice = decided.unwrap_or_else(|| Choice {
            one_in: self.one_in.unwrap_or_else(one_in_of_environment),
            values: self.records(Stream::Values),
            calls: self.records(Stream::Calls),
        });
        let asked = Choice {
            one_in: self.one_in.unwrap_or(choice.one_in),
            values: said(Stream::Values).unwrap_or(choice.values),
            calls: said(Stream::Calls).unwrap_or(choice.calls),
        };
        if asked == choice {
            return Ok(choice);
        }
        let Choice { one_in, values, calls } = choice;
        Err(SessionError::Decided { one_in, values, calls })
    }

    /// Whether a stream is to be recorded.
    pub(super) fn records(&self, stream: Stream) -> bool {
        let place = stream as usize;
        let of_environment = self.streams_of_environment.is_none_or(|streams| streams[place]);
        self.streams[place].unwrap_or(of_environment)
    }
}

fn one_in_of_environment() -> u32 {
    let Some(set) = variable("MEMSCOPE_SAMPLE") else { return 1 };
    let set = set.to_string_lossy();
    rate::one_in(&set).unwrap_or_else(|wrong| {
        let what = format_args!("is ignored, all values are recorded: {wrong}");
        report_odd("MEMSCOPE_SAMPLE", &set, what);
        1
    })
}

/// Those that are named, or all; without calls, if that is said, too.
fn streams_of_environment() -> [bool; Stream::ALL.len()] {
    let mut streams = [true; Stream::ALL.len()];
    if let Some(set) = variable("MEMSCOPE_STREAMS") {
        let set = set.to_string_lossy();
        let place = |name: &str| Stream::ALL.iter().position(|(_, known)| *known == name.trim());
        match set.split(',').map(place).collect::<Option<Vec<_>>>() {
            Some(named) => streams = core::array::from_fn(|place| named.contains(&place)),
            None => {
                let names = Stream::ALL.map(|(_, name)| name).join("`, `");
                let what = format_args!(
                    "is not known and ignored: it is some of `{names}`, with commas between them"
                );
                report_odd("MEMSCOPE_STREAMS", &set, what);
            }
        }
    }
    streams[Stream::Calls as usize] &= calls_of_environment();
    streams
}

fn calls_of_environment() -> bool {
    let Some(set) = variable("MEMSCOPE_CALLS") else { return true };
    let is_off = set == "off" || set == "0";
    if !is_off && set != "on" {
        let what = format_args!("is not known and ignored: it is `on` or `off`");
        report_odd("MEMSCOPE_CALLS", &set.to_string_lossy(), what);
    }
    !is_off
}

fn durability_of_environment() -> Durability {
    match variable("MEMSCOPE_DURABILITY").as_ref().and_then(|value| value.to_str()) {
        Some("checkpoint") => Durability::Checkpoint,
        Some("commit") => Durability::Commit,
        None => Durability::System,
        Some(other) => {
            let what = format_args!("is not known and ignored: it is `commit` or `checkpoint`");
            report_odd("MEMSCOPE_DURABILITY", other, what);
            Durability::System
        }
    }
}

fn stacks_of_environment() -> Stacks {
    match variable("MEMSCOPE_STACKS").as_ref().and_then(|value| value.to_str()) {
        Some("off" | "0") => Stacks::Off,
        Some("all") => Stacks::All,
        Some("sampled") | None => Stacks::Sampled,
        Some(other) => {
            let what = format_args!("is not known and ignored: it is `off`, `sampled` or `all`");
            report_odd("MEMSCOPE_STACKS", other, what);
            Stacks::Sampled
        }
    }
}

fn slow_drop_of_environment() -> Duration {
    let Some(set) = variable("MEMSCOPE_SLOW_DROP") else { return DEFAULT_SLOW_DROP };
    let set = set.to_string_lossy();
    time(&set).unwrap_or_else(|| {
        let what = format_args!(
            "is no time, as `2ms` (`ns`, `us`, `ms` or `s`), nor `off`: a drop of 100 µs is slow"
        );
        report_odd("MEMSCOPE_SLOW_DROP", &set, what);
        DEFAULT_SLOW_DROP
    })
}

fn compression_of_environment() -> Compression {
    match variable("MEMSCOPE_COMPRESSION").as_ref().and_then(|value| value.to_str()) {
        Some("balanced") | None => Compression::Balanced,
        Some("fast") => Compression::Fast,
        Some("small") => Compression::Small,
        Some("none") => Compression::None,
        Some(other) => {
            let what = format_args!(
                "is not known and ignored: it is `balanced`, `fast`, `small` or `none`"
            );
            report_odd("MEMSCOPE_COMPRESSION", other, what);
            Compression::Balanced
        }
    }
}

fn ring_kib_of_environment() -> u64 {
    let set = variable("MEMSCOPE_RING_KIB");
    let asked = set.as_ref().and_then(|kib| kib.to_str()?.parse().ok());
    let kib: u64 = asked.unwrap_or(DEFAULT_RING_KIB).clamp(*RING_KIB.start(), *RING_KIB.end());
    if let Some(set) = set
        && asked != Some(kib)
    {
        let what = format_args!("is not a number from 64 to 65536: a ring has {kib} KiB");
        report_odd("MEMSCOPE_RING_KIB", &set.to_string_lossy(), what);
    }
    kib
}

/// Variables of the environment that mean something.
const VARIABLES: [&str; 12] = [
    "MEMSCOPE",
    "MEMSCOPE_ALLOC",
    "MEMSCOPE_CALLS",
    "MEMSCOPE_COMPRESSION",
    "MEMSCOPE_DIR",
    "MEMSCOPE_DURABILITY",
    "MEMSCOPE_FALLBACK_DIR",
    "MEMSCOPE_RING_KIB",
    "MEMSCOPE_SAMPLE",
    "MEMSCOPE_SLOW_DROP",
    "MEMSCOPE_STACKS",
    "MEMSCOPE_STREAMS",
];

/// Says what is wrong with a variable's value: once in a process, whatever sessions it has, and not again in its forked children.
fn report_odd(name: &str, set: &str, what: fmt::Arguments<'_>) {
    static REPORTED: AtomicU32 = AtomicU32::new(0);
    let bit = VARIABLES.iter().position(|known| *known == name).map_or(0, |place| 1 << place);
    if REPORTED.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
        report(format_args!("{name}={set} {what}"));
    }
}

/// Says, once in a process, which variables are called as if they meant something, and do not.
pub(super) fn report_unknown() {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    if REPORTED.swap(true, Ordering::Relaxed) {
        return;
    }
    let set = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    let mut unknown: Vec<String> = set.filter(|name| is_misspelt(name)).collect();
    unknown.sort_unstable();
    if !unknown.is_empty() {
        report(format_args!(
            "not known and ignored: {} (there are {})",
            unknown.join(", "),
            VARIABLES.join(", ")
        ));
    }
}

fn is_misspelt(name: &str) -> bool {
    name.starts_with("MEMSCOPE_") && !VARIABLES.contains(&name)
}

/// A length of time; `off` is longer than any.
fn time(text: &str) -> Option<Duration> {
    if text == "off" {
        return Some(Duration::MAX);
    }
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = (text[..unit].parse::<u64>().ok()?, &text[unit..]);
    let ns = match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => return None,
    };
    number.checked_mul(ns).map(Duration::from_nanos)
}

/// Whether a text can begin the name of a file.
fn is_name(name: &str) -> bool {
    let fits = |c: char| !matches!(c, '/' | '\\') && !c.is_control();
    (1..=100).contains(&name.len()) && name.chars().all(fits)
}

/// A variable of the environment that is set to something.
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Whether the environment says that nothing is to be recorded.
pub(super) fn is_switched_off() -> bool {
    std::env::var_os("MEMSCOPE").is_some_and(|value| value == "off" || value == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let times = ["1ns", "100us", "7µs", "20ms", "3s", "off"].map(|text| time(text).unwrap());
        let ns = [1, 100_000, 7_000, 20_000_000, 3_000_000_000].map(Duration::from_nanos);
        assert_eq!((&times[..5], times[5]), (&ns[..], Duration::MAX));
        for odd in
            ["", "1", "ms", "-1ms", "1.5ms", "1 ms", "1m", "20000000000s", "99999999999999999999ns"]
        {
            assert_eq!(time(odd), None, "{odd}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let with_kib = |kib| Settings { ring_kib: Some(kib), ..Settings::default() }.check();
        assert_eq!([64, 1000, 65536].map(with_kib), [Ok(()), Ok(()), Ok(())]);
        assert_eq!(with_kib(63), Err(SessionError::RingSize { kib: 63 }));
        assert_eq!(with_kib(1 << 20), Err(SessionError::RingSize { kib: 1 << 20 }));
        let long = "x".repeat(101);
        let with_name =
            |name: &str| Settings { name: Some(name.to_owned()), ..Settings::default() };
        for name in ["warm-up", "größer", &long[1..]] {
            assert_eq!(with_name(name).check(), Ok(()));
        }
        for name in ["", "../up", "a\\b", "a\nb", &long] {
            assert_eq!(with_name(name).check(), Err(SessionError::Name { name: name.to_owned() }));
        }
    }
}
