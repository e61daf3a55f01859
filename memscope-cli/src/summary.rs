//! `memscope summary`: the report as text.

mod tables;

use crate::args::SummaryArgs;
use crate::console::{Console, Reading};
use crate::failure::Failure;
use crate::find;
use crate::table::Table;
use memscope_format::defs::SiteKind;
use memscope_format::report::human::{Bytes, Count, Nanos};
use memscope_format::report::{Options, Report};
use serde::Serialize;

/// Sites that were never reached are named up to so many.
const NEVER_REACHED: usize = 8;

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
    let options = Options::default().slowest_drops(args.top);
    let report = Report::open_with(&paths, &options, |progress| reading.advance(progress))
        .map_err(|error| Failure::opening(&paths[0], error))?;
    drop(reading);
    if args.json {
        let answer = Answer { events: report.events(), lost: report.lost(), report: &report };
        serde_json::to_writer_pretty(&mut console.out, &answer).map_err(std::io::Error::from)?;
        writeln!(console.out)?;
    } else {
        let text = text(&report, console.width, args.top);
        let next = match paths.as_slice() {
            [capture] => {
                let export = console.invocation.command("export --format json", capture);
                format!("{export} --output rows.jsonl")
            }
            _ => console.invocation.command("info", &args.path),
        };
        writeln!(console.out, "{text}next: {next}")?;
    }
    if report.is_damaged() {
        let what = "what could be read is shown; `$0 validate` says what is damaged";
        return Err(Failure::Damaged(format!("{}: {what}", args.path.display())));
    }
    Ok(())
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
    text.push('\n');
    let mut section = |title: &str, (mut table, rows): (Table, usize)| {
        if rows > top {
            table.footer(format!("… and {} more (--top {rows})", Count((rows - top) as u64)));
        }
        if !table.is_empty() {
            text += &format!("{title}\n{}\n", table.render(width));
        }
    };
    section("Sites", tables::sites(report, top));
    section("Types", tables::types(report, top));
    section("Containers, as last read", tables::containers(report, top));
    section("Slowest drops", tables::slowest_drops(report));
    section("Zero-sized", tables::zero_sized(report, top));
    section("Threads", tables::threads(report, top));
    text + &never_reached(report) + &findings(report)
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

fn never_reached(report: &Report) -> String {
    let is_place_of_values = |kind| kind != Some(SiteKind::Snapshot);
    let never = report
        .sites
        .iter()
        .filter(|site| !site.was_reached() && is_place_of_values(site.site.kind));
    let names: Vec<&str> = never.map(|site| site.site.name.as_str()).collect();
    match names.len() {
        0 => String::new(),
        1..=NEVER_REACHED => format!("never reached: {}\n", names.join(", ")),
        all => {
            let named = names[..NEVER_REACHED].join(", ");
            format!("never reached: {named} and {} more\n", Count((all - NEVER_REACHED) as u64))
        }
    }
}

fn findings(report: &Report) -> String {
    let lines = report.findings.iter().map(|finding| {
        let at = &finding.site;
        format!("finding: {} ({}, {}:{})\n", finding.message, finding.rule, at.file, at.line)
    });
    lines.collect()
}
