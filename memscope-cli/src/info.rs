//! `memscope info`: what a capture holds.

use crate::args::InfoArgs;
use crate::console::Console;
use crate::failure::Failure;
use crate::find;
use crate::table::{Kind, Table};
use crate::time::utc;
use memscope_format::metadata::{FIRST_POSITION, Part};
use memscope_format::report::human::{Bytes, Count, Nanos};
use memscope_format::second_file::{FIRST_FILE, SECOND_FILE};
use memscope_format::validate::validate;
use memscope_format::{Damage, Defs, Metadata, Reader, Stream};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// What captures hold: of one, or of several in sum.
#[derive(Debug, Default, Serialize)]
struct Holdings {
    /// Hook firings.
    events: u64,
    lost: u64,
    /// Bytes of the capture files.
    bytes: u64,
    /// Events recovered from the rings of programs that did not end by themselves.
    recovered: u64,
    streams: BTreeMap<&'static str, StreamHoldings>,
    sites: usize,
    types: usize,
    threads: usize,
}

#[derive(Debug, Default, Clone, Copy, Serialize)]
struct StreamHoldings {
    rows: u64,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct Capture {
    path: String,
    format: String,
    program: Option<String>,
    args: Vec<String>,
    pid: Option<u32>,
    target: Option<String>,
    memscope_version: Option<String>,
    clock_source: Option<String>,
    labels: Vec<(String, String)>,
    without: Vec<Part>,
    started_unix_ns: Option<u64>,
    duration_ns: Option<u64>,
    complete: bool,
    live: bool,
    whole: bool,
    damage: Vec<Damage>,
    #[serde(flatten)]
    holdings: Holdings,
}

#[derive(Debug, Serialize)]
struct Answer {
    #[serde(flatten)]
    all: Holdings,
    captures: Vec<Capture>,
}

/// Runs the command.
pub(crate) fn run(args: &InfoArgs, console: &mut Console) -> Result<(), Failure> {
    let paths = find::captures(&args.path)?;
    let alone = paths.len() == 1;
    let mut captures = Vec::new();
    let mut all = Sum::default();
    let mut unreadable = Vec::new();
    for path in &paths {
        match find::open(path).and_then(|reader| Ok((damage(path, &reader)?, reader))) {
            Ok((damage, reader)) => {
                let capture = capture(path, &reader, damage);
                all.add(&capture.holdings, reader.defs());
                captures.push(capture);
            }
            Err(failure) if alone => return Err(failure),
            Err(failure) => unreadable.push(failure.to_string()),
        }
    }
    let answer = Answer { all: all.holdings, captures };
    if args.json {
        serde_json::to_writer_pretty(&mut console.out, &answer).map_err(std::io::Error::from)?;
        writeln!(console.out)?;
    } else {
        let text = text(&answer, console.width);
        let next = console.invocation.command("summary", &args.path);
        writeln!(console.out, "{text}next: {next}")?;
    }
    let damaged = answer.captures.iter().filter(|capture| !capture.damage.is_empty());
    unreadable
        .extend(damaged.map(|capture| format!("{}: a part of it cannot be read", capture.path)));
    if unreadable.is_empty() { Ok(()) } else { Err(Failure::Damaged(unreadable.join("; "))) }
}

/// Adds up what captures hold; the same site or type in two of them is one.
#[derive(Debug, Default)]
struct Sum {
    holdings: Holdings,
    sites: HashSet<(String, String, String, u32, u32)>,
    types: HashSet<(String, u64)>,
}

impl Sum {
    fn add(&mut self, other: &Holdings, defs: &Defs) {
        for site in &defs.sites {
            let names = (site.name.clone(), site.module.clone(), site.file.clone());
            self.sites.insert((names.0, names.1, names.2, site.line, site.column));
        }
        self.types.extend(defs.types.iter().map(|known| (known.name.clone(), known.size)));
        let sum = &mut self.holdings;
        sum.events += other.events;
        sum.lost += other.lost;
        sum.bytes += other.bytes;
        sum.recovered += other.recovered;
        sum.threads += other.threads;
        sum.sites = self.sites.len();
        sum.types = self.types.len();
        for (name, held) in &other.streams {
            let total = sum.streams.entry(name).or_default();
            total.rows += held.rows;
            total.bytes += held.bytes;
        }
    }
}

/// Lists all that is damaged: opening a capture that was closed reads none of its events.
fn damage(path: &Path, reader: &Reader) -> Result<Vec<Damage>, Failure> {
    let mut damage = reader.health().damage.clone();
    damage.extend(reader.unread());
    let validation = validate(path).map_err(|error| Failure::opening(path, error))?;
    let unknown =
        |offset: u64, damage: &[Damage]| damage.iter().all(|known| known.offset != offset);
    for error in &validation.errors {
        if unknown(error.offset, &damage) {
            let frame = validation.frames.iter().find(|frame| frame.offset == error.offset);
            damage.push(Damage {
                in_rings: false,
                offset: error.offset,
                bytes: frame.map_or(0, |frame| frame.bytes),
                rows: None,
                what: error.what.clone(),
            });
        }
    }
    Ok(damage)
}

fn capture(path: &Path, reader: &Reader, damage: Vec<Damage>) -> Capture {
    let (metadata, health, clock, defs) =
        (reader.metadata(), reader.health(), reader.clock(), reader.defs());
    // Those that hold nothing are left out, but for what every program records.
    let streams = reader.streams().into_iter();
    let streams = streams.filter(|held| held.rows > 0 || held.stream <= Stream::DropChain);
    let streams = streams
        .map(|held| (held.stream.name(), StreamHoldings { rows: held.rows, bytes: held.bytes }));
    let header = reader.header();
    Capture {
        path: path.display().to_string(),
        format: format!("{}.{}", header.major, header.minor),
        program: metadata.map(|metadata| metadata.program.clone()),
        args: metadata.map(|metadata| metadata.args.clone()).unwrap_or_default(),
        pid: metadata.and_then(Metadata::process),
        target: metadata.map(|metadata| metadata.target.clone()),
        memscope_version: metadata.map(|metadata| metadata.memscope_version.clone()),
        clock_source: metadata.map(|metadata| metadata.clock_source.clone()),
        labels: metadata.map(|metadata| metadata.labels.clone()).unwrap_or_default(),
        without: metadata.map(Metadata::without).unwrap_or_default(),
        started_unix_ns: metadata.map(|metadata| metadata.started_unix_ns),
        duration_ns: clock.is_calibrated().then(|| clock.last().mono_ns - clock.first().mono_ns),
        complete: health.complete,
        live: health.live,
        whole: health.is_whole() && damage.is_empty(),
        damage,
        holdings: Holdings {
            events: reader.events(),
            lost: reader.lost(),
            bytes: reader.bytes(),
            recovered: health.recovered_events,
            streams: streams.collect(),
            sites: defs.sites.len(),
            types: defs.types.len(),
            threads: defs.threads.len(),
        },
    }
}

fn text(answer: &Answer, width: usize) -> String {
    let mut text = String::new();
    match answer.captures.as_slice() {
        [capture] => text += &about(capture),
        captures => text += &list(captures, width),
    }
    let all = &answer.all;
    let whole = answer.captures.iter().all(|capture| capture.whole);
    text +=
        &format!("events:   {}, {}\n", Count(all.events), crate::summary::loss(all.lost, whole));
    text += &format!("size:     {}\n", Bytes(all.bytes));
    text += &format!(
        "names:    {}, {}, {}\n",
        Count(all.sites as u64).of("site"),
        Count(all.types as u64).of("type"),
        Count(all.threads as u64).of("thread")
    );
    let mut streams = Table::new()
        .column("Stream", Kind::Word)
        .column("Rows", Kind::Figure)
        .column("Bytes", Kind::Figure);
    for (name, held) in &all.streams {
        streams.row([
            (*name).into(),
            Count(held.rows).to_string().into(),
            Bytes(held.bytes).to_string().into(),
        ]);
    }
    text + &streams.render(width)
}

fn about(capture: &Capture) -> String {
    let unknown = || "unknown (its metadata is lost)".to_owned();
    let program = capture.program.as_ref().map(|program| {
        let words: Vec<&str> = std::iter::once(program.as_str())
            .chain(capture.args.iter().map(String::as_str))
            .collect();
        let pid = capture.pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
        format!("{}{pid}", words.join(" "))
    });
    let recorded = capture.started_unix_ns.map(|started| {
        let lasted =
            capture.duration_ns.map(|ns| format!(", for {}", Nanos(ns))).unwrap_or_default();
        format!("{}{lasted}", utc(started))
    });
    let by = capture.memscope_version.as_ref().zip(capture.target.as_ref());
    let by = by.map(|(version, target)| {
        format!(
            "memscope {version} on {target}, clock {}",
            capture.clock_source.as_deref().unwrap_or("unknown")
        )
    });
    let mut text = format!("capture:  {} (format {})\n", capture.path, capture.format);
    text += &format!("program:  {}\n", program.unwrap_or_else(unknown));
    text += &format!("recorded: {}\n", recorded.unwrap_or_else(unknown));
    text += &format!("by:       {}\n", by.unwrap_or_else(unknown));
    let of_users = |name: &str| {
        ![FIRST_POSITION, FIRST_FILE, SECOND_FILE].contains(&name)
            && Part::ALL.iter().all(|part| part.label() != name)
    };
    for (name, value) in capture.labels.iter().filter(|(name, _)| of_users(name)) {
        text += &format!("label:    {name} = {value}\n");
    }
    for part in &capture.without {
        text += &format!("without:  {}, as the program asked\n", part.words());
    }
    text += &format!("state:    {}\n", state(capture));
    for damage in &capture.damage {
        text += &format!(
            "damage:   at offset {}, {}: {}\n",
            damage.offset,
            Bytes(damage.bytes),
            damage.what
        );
    }
    text
}

fn state(capture: &Capture) -> String {
    let recovered = capture.holdings.recovered;
    match (capture.complete, capture.live) {
        (true, _) if capture.damage.is_empty() => "complete".to_owned(),
        (true, _) => "closed by its writer, and damaged since".to_owned(),
        (_, true) => "still being written".to_owned(),
        _ if recovered > 0 => format!("cut off, {} recovered", Count(recovered).of("event")),
        _ => "cut off".to_owned(),
    }
}

fn list(captures: &[Capture], width: usize) -> String {
    let mut table = Table::new()
        .column("Capture", Kind::Path)
        .column("Events", Kind::Figure)
        .column("Lost", Kind::Figure)
        .column("Size", Kind::Figure)
        .optional("State", Kind::Text);
    for capture in captures {
        let name = Path::new(&capture.path).file_name().unwrap_or_default();
        table.row([
            name.to_string_lossy().into_owned().into(),
            Count(capture.holdings.events).to_string().into(),
            Count(capture.holdings.lost).to_string().into(),
            Bytes(capture.holdings.bytes).to_string().into(),
            state(capture).into(),
        ]);
    }
    table.render(width)
}
