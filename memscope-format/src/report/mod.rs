//! What a capture says: the figures, computed from its rows alone.
//!
//! [`Report::open`] reads one capture or several and computes all tables in one sweep over the rows in the order of
//! time. Memory is bounded by the chunks that overlap in time and by the values that live at once, not by the size
//! of the captures. Every figure is a [`Figure`]: exact, bounded by its error, estimated from samples with its error, a lower
//! bound, or unknown for a reason; nothing is guessed.
//!
//! ```no_run
//! use memscope_format::report::Report;
//!
//! let report = Report::open(&["target/memscope/app.memscope".into()])?;
//! if let Some(raw) = report.site("load::raw") {
//!     println!("born: {:?}, alive at exit: {:?}", raw.lives.born, raw.lives.alive_at_exit);
//! }
//! # Ok::<(), memscope_format::Error>(())
//! ```
//!
//! The rooms: `sweep` merges the streams by time; `fold` gives each row to those who count it, which are `lives`,
//! `drops`, `containers` with `contents`, `blocks` and `calls`; `heap` takes the last readings of the allocator, and `readings` the others, with marks; `totals` puts several
//! captures together; [`findings`] are drawn from the tables.

mod blocks;
mod calls;
mod captures;
mod containers;
mod contents;
mod copied;
mod distribution;
mod drops;
mod estimate;
mod figure;
pub mod findings;
mod fold;
mod heap;
pub mod human;
mod lives;
mod open;
mod place;
mod readings;
#[cfg(test)]
mod simulated;
mod sites;
mod spawns;
mod stacks;
mod sweep;
mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod totals;
#[cfg(test)]
mod twin;
mod zero_sized;

pub use blocks::{BlockFigures, BlockOwner};
pub use calls::{FunctionFigures, TaskFigures};
pub use captures::{CaptureFigures, DamageFigures, OtherFile, Unreadable};
pub use containers::{ContainerFigures, LastKnown};
pub use contents::{ContentFigures, HashFigures, SpreadFigures};
pub use drops::{DropFigures, PathStep, SetOff, SlowDrop};
pub use figure::Figure;
pub use findings::Finding;
pub use heap::{HeapFigures, HeapUse};
pub use lives::LifeFigures;
pub use open::{Options, Progress};
pub use place::Place;
pub use readings::{Mark, PerformanceFigures};
pub use sites::{SiteFigures, ThreadFigures, TypeFigures};
pub use spawns::SpawnFigures;
pub use stacks::{BlockCalls, Module, Stack, StackCall, StackFigures, StackFrame};
pub use zero_sized::{ZeroSizedField, ZeroSizedFigures};

use crate::metadata::Part;
use human::Count;
use serde::Serialize;

/// All tables of one capture, or of several put together.
///
/// Sites are the same if name, kind, module, file, line and column are, types if name and size are. Sums are sums;
/// peaks are those of one process, the greatest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The captures it was computed from.
    pub captures: Vec<CaptureFigures>,
    /// Files that were to be read and could not be.
    pub unreadable: Vec<Unreadable>,
    /// What has to be known before any figure is believed; nothing, if all went well.
    pub caveats: Vec<String>,
    /// What the allocator handed out.
    pub heap: HeapFigures,
    /// Blocks of the heap by what they were for, those first of which most bytes were allocated; none unless they were recorded.
    pub blocks: Vec<BlockFigures>,
    /// Blocks by the calls that led to them, those first of which most bytes were allocated; none unless stacks were taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stacks: Vec<StackFigures>,
    /// Every site, those without an event included; those with most values first.
    pub sites: Vec<SiteFigures>,
    /// Every type of a tracked value, those with most values first.
    pub types: Vec<TypeFigures>,
    /// Containers by the place that holds them, those with most waste first.
    pub containers: Vec<ContainerFigures>,
    /// The slowest drops that no other enclosed, slowest first. Of drops whose enclosing drop never ended only the
    /// sums are known, in the tables above.
    pub slowest_drops: Vec<SlowDrop>,
    /// Zero-sized types, and annotated types with zero-sized fields, by name.
    pub zero_sized: Vec<ZeroSizedFigures>,
    /// Threads by name, those with most events first.
    pub threads: Vec<ThreadFigures>,
    /// Functions, called or not, those that took most time of their own first.
    pub functions: Vec<FunctionFigures>,
    /// Tasks by where they were spawned, the places with most of them first; none unless tasks were recorded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spawns: Vec<SpawnFigures>,
    /// What deserves a look.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Returns the site with this name; of several, that with most values.
    #[must_use]
    pub fn site(&self, name: &str) -> Option<&SiteFigures> {
        self.sites.iter().find(|site| site.site.name == name)
    }

    /// Returns the type with this name, as [`core::any::type_name`] says; of several, that with most values.
    #[must_use]
    pub fn type_named(&self, name: &str) -> Option<&TypeFigures> {
        self.types.iter().find(|known| known.name == name)
    }

    /// Whether all recordings ended when their programs did, by themselves: only then "alive at exit" is that.
    #[must_use]
    pub fn ended_at_exit(&self) -> bool {
        self.captures.iter().all(|capture| capture.complete && !capture.stopped)
    }

    /// Whether a part of any capture, or a whole one, could not be read.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        !self.unreadable.is_empty() || self.captures.iter().any(CaptureFigures::is_damaged)
    }

    /// Events in all captures.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.captures.iter().map(|capture| capture.events).sum()
    }

    /// Events that are missing from the captures, as far as they were counted.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.captures.iter().map(|capture| capture.lost).sum()
    }

    /// Puts a report together and applies the rules to it.
    fn assemble(
        captures: Vec<CaptureFigures>,
        unreadable: Vec<Unreadable>,
        heap: HeapFigures,
        tables: totals::Tables,
    ) -> Self {
        let totals::Tables {
            sites,
            types,
            containers,
            slowest_drops,
            zero_sized,
            threads,
            functions,
            spawns,
            blocks,
            stacks,
            sampled,
        } = tables;
        let mut caveats = caveats(&captures, &unreadable);
        caveats.extend(sampling(&sampled));
        if blocks.iter().any(|of| matches!(of.allocations, Figure::Sampled { .. })) {
            caveats.push(SAMPLED_BLOCKS.to_owned());
        }
        let mut report = Self {
            captures,
            unreadable,
            caveats,
            heap,
            blocks,
            stacks,
            sites,
            types,
            containers,
            slowest_drops,
            zero_sized,
            threads,
            functions,
            spawns,
            findings: Vec::new(),
        };
        report.findings = findings::rules().iter().flat_map(|rule| rule.apply(&report)).collect();
        report
    }
}

/// Of how many recordings something is so: between these.
type Number = (u64, u64);

/// Says what limits the figures, for all captures at once.
fn caveats(captures: &[CaptureFigures], unreadable: &[Unreadable]) -> Vec<String> {
    let sum = |amount: &dyn Fn(&CaptureFigures) -> u64| captures.iter().map(amount).sum::<u64>();
    let all = sum(&|capture| capture.recordings);
    let whose = |(least, most): Number| match (least == most, all) {
        (_, 1) => "the recording".to_owned(),
        (true, all) => format!("{} of {}", Count(least), Count(all).of("recording")),
        (false, all) => format!("some of {}", Count(all).of("recording")),
    };
    // Of one that was merged it is known that it is so of some.
    let concerned = |test: &dyn Fn(&CaptureFigures) -> bool| {
        let concerned = captures.iter().filter(|capture| test(capture));
        concerned.fold((0, 0), |(least, most), capture| (least + 1, most + capture.recordings))
    };
    let is_any = |(_, most): Number| most > 0;
    let mut caveats = Vec::new();

    let live = concerned(&|capture| capture.live);
    if is_any(live) {
        caveats.push(format!("still being written: {}; figures are as of now", whose(live)));
    }
    let cut = sum(&|capture| capture.cut_off);
    if cut > 0 {
        let recovered = match sum(&|capture| capture.recovered) {
            0 => String::new(),
            events => format!(", {} recovered", Count(events).of("event")),
        };
        caveats.push(format!(
            "cut off: {} did not end by itself{recovered}; \"at end\" means the end of the recording",
            whose((cut, cut))
        ));
        let torn = concerned(&|capture| capture.end_is_missing());
        if is_any(torn) {
            caveats.push(format!(
                "the last events of {} are missing: they were in a rings file that is not beside it",
                whose((torn.0, torn.1.min(cut)))
            ));
        }
    }
    let parts = concerned(&|capture| capture.is_part);
    if is_any(parts) {
        caveats.push(format!(
            "a part: {} was cut, to some streams or some time; what is not in it is unknown",
            whose(parts)
        ));
    }
    let of_damaged = concerned(&|capture| capture.is_of_damaged);
    if is_any(of_damaged) {
        caveats.push(format!(
            "a copy: of {} a part could not be read; what was in it is unknown",
            whose(of_damaged)
        ));
    }
    for capture in captures {
        let file = capture.path.display();
        caveats.extend(capture.other_file.as_ref().map(|other| match other {
            OtherFile::First(first) => {
                format!("one of two files: the recording of {file} began in {}", first.display())
            }
            OtherFile::Second(second) => {
                format!("one of two files: the recording of {file} goes on in {}", second.display())
            }
        }));
    }
    for part in Part::ALL {
        let without = concerned(&|capture| capture.without.contains(&part));
        if is_any(without) {
            caveats.push(format!(
                "without {}: {}, as the program asked; {}",
                part.words(),
                whose(without),
                part.unknown_without()
            ));
        }
    }
    let lost = sum(&|capture| capture.lost);
    if lost > 0 {
        caveats.push(format!(
            "{} lost: figures that this may have changed say so",
            Count(lost).of("event")
        ));
    }
    let damaged = concerned(&CaptureFigures::is_damaged);
    if is_any(damaged) {
        let bytes =
            captures.iter().flat_map(|capture| &capture.damage).map(|damage| damage.bytes).sum();
        caveats.push(format!(
            "damaged: {}, of which {} cannot be read",
            whose(damaged),
            human::Bytes(bytes)
        ));
    }
    let unmatched = sum(&|capture| capture.unmatched);
    if unmatched > 0 {
        caveats.push(format!(
            "{} at odds with the others (ends without birth, second births): not counted as lives",
            Count(unmatched).of("event")
        ));
    }
    let from_before = sum(&|capture| capture.from_before);
    if from_before > 0 {
        caveats.push(format!(
            "{} of values that were born before the recording began: not counted as lives",
            Count(from_before).of("end")
        ));
    }
    let pauses = sum(&|capture| capture.pauses);
    if pauses > 0 {
        let paused = human::Nanos(sum(&|capture| capture.paused_ns));
        let times = if pauses == 1 { "once".to_owned() } else { Count(pauses).of("time") };
        caveats.push(format!(
            "paused: {times}, {paused} in all; what began meanwhile is in no figure"
        ));
    }
    let clockless = concerned(&|capture| !capture.duration_ns.is_exact());
    if is_any(clockless) {
        caveats.push(format!("no clock readings: {}; times are unknown", whose(clockless)));
    }
    caveats.extend(
        unreadable.iter().map(|file| format!("not read: {}: {}", file.path.display(), file.what)),
    );
    caveats
}

const SAMPLED_BLOCKS: &str = "sampled: of the blocks of the heap some were recorded, chosen by chance and by their size; a reallocation is taken for a free and an allocation, and figures with ~ are estimates, within their error in about 95 of 100 recordings";

/// Says that figures are estimates, where some sites recorded but one value in some.
fn sampling(sampled: &[(Place, u64)]) -> Option<String> {
    let (most, one_in) = sampled.first()?;
    let least = sampled.last().map_or(*one_in, |(_, one_in)| *one_in);
    let which = match sampled.len() {
        1 => most.name.clone(),
        sites => Count(sites as u64).of("site"),
    };
    let rate = match least == *one_in {
        true => format!("one in {}", Count(least)),
        false => format!("one in {} to {}", Count(least), Count(*one_in)),
    };
    Some(format!(
        "sampled: of {which}, {rate} was recorded, chosen by chance; figures with ~ are estimates, within their error in about 95 of 100 recordings"
    ))
}
