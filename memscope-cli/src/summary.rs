//! `memscope summary`: the report as text.

mod functions;
mod heap;
mod process;
mod stacks;
mod tables;

use crate::args::SummaryArgs;
use crate::console::{Console, Reading};
use crate::failure::Failure;
use crate::find;
use crate::symbols;
use crate::table::Table;
use memscope_format::defs::SiteKind;
use memscope_format::report::human::{Bytes, Count, Nanos};
use memscope_format::report::{Figure, Options, OtherFile, Report};
use memscope_format::second_file::merge_command;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Sites without an event are named up to so many.
const WITHOUT_EVENT: usize = 8;

/// Slowest drops that are listed where all rows are asked for.
const ALL_SLOWEST: usize = 1000;

#[derive(Serialize)]
struct Answer<'a> {
    events: u64,
    lost: u64,
    #[serde(flatten)]
    report: &'a Report,
}

/// Runs the command.
pub(crate) fn run(args: &SummaryArgs, console: &mut Console) -> Result<(), Failure> {
    let paths = find::captures(&args.path)?;
    let mut reading = Reading::start();
    let top = if args.top == 0 { usize::MAX } else { args.top };
    // Of the slowest drops a report keeps what it lists: as many as there are would be all drops of the program.
    let slowest = if args.top == 0 { ALL_SLOWEST } else { args.top };
    let options = Options::default().slowest_drops(slowest);
    let mut report = Report::open_with(&paths, &options, |progress| {
        reading.advance(progress.bytes, progress.bytes_in_all);
    })
    .map_err(|error| Failure::opening(&paths[0], error))?;
    drop(reading);
    let stacks = if args.json { usize::MAX } else { stacks::shown(top) };
    symbols::name(&mut report, stacks);
    if args.json {
        let answer = Answer { events: report.events(), lost: report.lost(), report: &report };
        serde_json::to_writer_pretty(&mut console.out, &answer).map_err(std::io::Error::from)?;
        writeln!(console.out)?;
    } else {
        let text = text(&report, console.width, top);
        let next = match whole(&report) {
            Some((first, second)) => merge_command(console.invocation.program(), first, second),
            None => next(&paths, args, console),
        };
        writeln!(console.out, "{text}next: {next}")?;
    }
    if report.is_damaged() {
        let what = "what could be read is shown; `$0 validate` says what is damaged";
        return Err(Failure::Damaged(format!("{}: {what}", args.path.display())));
    }
    Ok(())
}

/// The command that says more of what was summed up.
fn next(paths: &[PathBuf], args: &SummaryArgs, console: &Console) -> String {
    match paths {
        [capture] => {
            let export = console.invocation.command("export --format json", capture);
            format!("{export} --output rows.jsonl")
        }
        _ => console.invocation.command("info", &args.path),
    }
}

/// The two files of a recording of which one was read.
fn whole(report: &Report) -> Option<(&Path, &Path)> {
    report.captures.iter().find_map(|capture| match capture.other_file.as_ref()? {
        OtherFile::First(first) => Some((first.as_path(), capture.path.as_path())),
        OtherFile::Second(second) => Some((capture.path.as_path(), second.as_path())),
    })
}

/// Says what a recording lacks, in every command with the same words.
pub(crate) fn loss(lost: u64, whole: bool) -> String {
    match (lost, whole) {
        (0, true) => "nothing lost".to_owned(),
        (0, false) => "incomplete".to_owned(),
        (lost, _) => format!("{} lost", Count(lost).of("event")),
    }
}

fn text(report: &Report, width: usize, top: usize) -> String {
    let mut text = heading(report);
    for caveat in &report.caveats {
        text += &format!("note: {caveat}\n");
    }
    // A table of nothing but question marks says no more.
    let of_heap = match &report.heap.program.allocations {
        Figure::Unknown { why } => {
            text += &format!("note: what the heap holds is unknown: {why}\n");
            None
        }
        _ => Some(heap::counts(report)),
    };
    text += &process::lines(report);
    text.push('\n');
    let section = |title: &str, (mut table, rows): (Table, usize)| {
        if rows > top {
            table.footer(format!("… and {} more (--top {rows})", Count((rows - top) as u64)));
        }
        if table.is_empty() { String::new() } else { format!("{title}\n{}\n", table.render(width)) }
    };
    text += &of_heap.map(|table| section("Heap", table)).unwrap_or_default();
    text += &section("Blocks, by what they were for", heap::blocks(report, top));
    text += &stacks::of_blocks(report, top);
    text += &section("Sites", tables::sites(report, top));
    text += &section("Types", tables::types(report, top));
    text += &section("Containers, as last read", tables::containers(report, top));
    text += &section("Slowest drops", tables::slowest_drops(report));
    text += &stacks::of_slow_drops(report, top);
    text += &section("Functions", functions::called(report, top));
    text += &section("Tasks, by where they were spawned", functions::spawns(report, top));
    text += &section("Zero-sized", tables::zero_sized(report, top));
    text += &section("Threads", tables::threads(report, top));
    text + &without_event(report) + &findings(report) + &heap::hint(report)
}

fn heading(report: &Report) -> String {
    let bytes = report.captures.iter().map(|capture| capture.bytes).sum();
    let whole = report.captures.iter().all(|capture| capture.whole);
    let events = Count(report.events()).of("event");
    let amount = format!("{events}, {}, {}", Bytes(bytes), loss(report.lost(), whole));
    match report.captures.as_slice() {
        [capture] => {
            let program = tables::program(capture);
            let lasted = capture.duration_ns.value().map(|ns| format!(" in {}", Nanos(*ns)));
            format!("{program}{}: {amount}\n", lasted.unwrap_or_default())
        }
        captures => format!("{} recordings: {amount}\n", captures.len()),
    }
}

/// Names the sites of which nothing was recorded. That is no proof that the program did not get there: of a variable
/// without drop glue nothing is recorded either, and of a type that tells of its drops alone only those.
fn without_event(report: &Report) -> String {
    // A constructor records nothing of values that tell of their birth themselves.
    let is_place_of_values =
        |kind| !matches!(kind, Some(SiteKind::Snapshot | SiteKind::Constructor));
    let never = report
        .sites
        .iter()
        .filter(|site| !site.was_reached() && is_place_of_values(site.site.kind));
    let names: Vec<&str> = never.map(|site| site.site.name.as_str()).collect();
    let named = match names.len() {
        0 => return String::new(),
        1..=WITHOUT_EVENT => names.join(", "),
        all => {
            let named = names[..WITHOUT_EVENT].join(", ");
            format!("{named} and {} more", Count((all - WITHOUT_EVENT) as u64))
        }
    };
    let types = report.sites.iter().any(|site| !site.was_reached() && site.site.is_type());
    let variables =
        report.sites.iter().any(|site| !site.was_reached() && is_variable(site.site.kind));
    let mut why = vec!["never reached"];
    if variables {
        why.push("a variable of a type without drop glue");
    }
    if types {
        why.push("a type without `Probe` of which no value was dropped");
    }
    if !report.ended_at_exit() {
        why.push("reached only when the recording was over");
    }
    format!("no event: {named} ({})\n", why.join(", or "))
}

fn is_variable(kind: Option<SiteKind>) -> bool {
    matches!(kind, Some(SiteKind::Variable | SiteKind::Argument))
}

fn findings(report: &Report) -> String {
    let lines = report.findings.iter().map(|finding| {
        let at = &finding.site;
        format!("finding: {} ({}, {}:{})\n", finding.message, finding.rule, at.file, at.line)
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::tables::tests::{capture, empty};
    use super::*;

    #[test]
    fn either_file_of_a_recording_tells_of_the_whole() {
        let files = |other| {
            let mut report = empty();
            report.captures = vec![capture(true)];
            report.captures[0].other_file = other;
            let names = |path: &Path| path.display().to_string();
            whole(&report).map(|(first, second)| (names(first), names(second)))
        };
        let of = |first: &str, second: &str| Some((first.to_owned(), second.to_owned()));
        assert_eq!(files(None), None);
        assert_eq!(files(Some(OtherFile::First("a".into()))), of("a", "app.memscope"));
        assert_eq!(files(Some(OtherFile::Second("b".into()))), of("app.memscope", "b"));
    }
}
