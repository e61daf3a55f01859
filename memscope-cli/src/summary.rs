//! `memscope summary`: the report as tables.

use crate::args::SummaryArgs;
use crate::cells::Cells;
use crate::console::{Console, Reading};
use crate::failure::Failure;
use crate::find;
use crate::names::{short_type, short_types};
use crate::table::{Kind, Table};
use memscope_format::defs::SiteKind;
use memscope_format::report::human::{Bytes, Count, Nanos};
use memscope_format::report::{Figure, LifeFigures, Options, Report, SlowDrop};
use memscope_format::rows::{Outcome, SnapshotReason};
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
        let text = Summary { report: &report, width: console.width, top: args.top }.text();
        let next = match paths.as_slice() {
            [capture] => console.invocation.command("export --format json", capture),
            _ => console.invocation.command("info", &args.path),
        };
        writeln!(console.out, "{text}next: {next}")?;
    }
    if report.is_damaged() {
        return Err(Failure::Damaged(format!(
            "{}: what could be read is shown; `validate` says what is damaged",
            args.path.display()
        )));
    }
    Ok(())
}

/// Says how many events were lost, in every command with the same words.
pub(crate) fn loss(lost: u64) -> String {
    match lost {
        0 => "nothing lost".to_owned(),
        1 => "1 event lost".to_owned(),
        lost => format!("{} events lost", Count(lost)),
    }
}

struct Summary<'a> {
    report: &'a Report,
    width: usize,
    top: usize,
}

impl Summary<'_> {
    fn text(&self) -> String {
        let mut text = self.heading();
        for caveat in &self.report.caveats {
            text += &format!("note: {caveat}\n");
        }
        text.push('\n');
        text += &self.sites();
        text += &self.types();
        text += &self.containers();
        text += &self.slowest_drops();
        text += &self.zero_sized();
        text += &self.threads();
        text += &self.findings();
        text
    }

    fn heading(&self) -> String {
        let report = self.report;
        let bytes: u64 = report.captures.iter().map(|capture| capture.bytes).sum();
        let amount =
            format!("{} events, {}, {}", Count(report.events()), Bytes(bytes), loss(report.lost()));
        match report.captures.as_slice() {
            [capture] => {
                let program = capture.program.as_deref().unwrap_or("a program of unknown name");
                let pid = capture.pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
                let lasted = capture
                    .duration_ns
                    .value()
                    .map(|ns| format!(" in {}", Nanos(*ns)))
                    .unwrap_or_default();
                format!("{program}{pid}{lasted}: {amount}\n")
            }
            captures => format!("{} recordings: {amount}\n", captures.len()),
        }
    }

    /// What the column of values that did not end is called: only a clean end is an exit.
    fn alive_title(&self) -> &'static str {
        if self.report.ended_cleanly() { "At exit" } else { "At end" }
    }

    /// Puts a title above a table, and below it what its marks mean and how many rows there are beside.
    fn section(&self, title: &str, table: &Table, cells: &Cells, rows: usize) -> String {
        if table.is_empty() {
            return String::new();
        }
        let hidden = rows.saturating_sub(self.top);
        let more = match hidden {
            0 => String::new(),
            hidden => format!("  … and {} more (--top {rows})\n", Count(hidden as u64)),
        };
        format!("{title}\n{}{more}{}\n", table.render(self.width), cells.legend())
    }

    fn sites(&self) -> String {
        let mut cells = Cells::default();
        let mut table = Table::new()
            .column("Site", Kind::Text)
            .column("Kind", Kind::Word)
            .column("Born", Kind::Figure)
            .column(self.alive_title(), Kind::Figure)
            .column("Peak", Kind::Figure)
            .column("Median life", Kind::Figure)
            .optional("p99 life", Kind::Figure)
            .optional("Drop time", Kind::Figure)
            .optional("Dropped", Kind::Figure)
            .optional("Moved", Kind::Figure)
            .optional("Either", Kind::Figure)
            .optional("Scope end", Kind::Figure)
            .optional("Where", Kind::Text);
        let (reached, never): (Vec<_>, Vec<_>) =
            self.report.sites.iter().partition(|site| site.was_reached());
        for site in reached.iter().take(self.top) {
            let place = &site.site;
            let lives = &site.lives;
            let [born, alive, peak, median, p99] = life_cells(lives, &mut cells);
            table.row([
                place.name.clone(),
                kind_word(place.kind).to_owned(),
                born,
                alive,
                peak,
                median,
                p99,
                cells.time(&site.drops.total_ns),
                cells.count(&lives.dropped),
                cells.count(&lives.moved),
                cells.count(&lives.unknown_end),
                cells.count(&lives.scope_ended),
                format!("{}:{}", place.file, place.line),
            ]);
        }
        let mut text = self.section("Sites", &table, &cells, reached.len());
        if !never.is_empty() {
            let named: Vec<&str> =
                never.iter().take(NEVER_REACHED).map(|site| site.site.name.as_str()).collect();
            let more = never.len().saturating_sub(NEVER_REACHED);
            let more =
                if more > 0 { format!(" and {} more", Count(more as u64)) } else { String::new() };
            text += &format!("never reached: {}{more}\n\n", named.join(", "));
        }
        text
    }

    fn types(&self) -> String {
        let mut cells = Cells::default();
        let mut table = Table::new()
            .column("Type", Kind::Text)
            .column("Size", Kind::Figure)
            .column("Counted", Kind::Word)
            .column("Born", Kind::Figure)
            .column(self.alive_title(), Kind::Figure)
            .column("Peak", Kind::Figure)
            .column("Median life", Kind::Figure)
            .optional("p99 life", Kind::Figure)
            .optional("Drop time", Kind::Figure)
            .optional("Of it itself", Kind::Figure)
            .optional("Longest drop", Kind::Figure);
        let short = short_types(self.report.types.iter().map(|known| known.name.as_str()));
        for known in self.report.types.iter().take(self.top) {
            let [born, alive, peak, median, p99] = life_cells(known.lives(), &mut cells);
            table.row([
                short[known.name.as_str()].clone(),
                Bytes(known.size).to_string(),
                if known.values.is_some() { "values" } else { "variables" }.to_owned(),
                born,
                alive,
                peak,
                median,
                p99,
                cells.time(&known.drops.total_ns),
                cells.time(&known.drops.self_ns),
                cells.time(&known.drops.longest_ns),
            ]);
        }
        self.section("Types", &table, &cells, self.report.types.len())
    }

    fn containers(&self) -> String {
        let mut cells = Cells::default();
        let mut table = Table::new()
            .column("Container", Kind::Text)
            .column("Kind", Kind::Word)
            .column("Last read", Kind::Word)
            .column("How many", Kind::Figure)
            .column("Longest", Kind::Figure)
            .column("Room", Kind::Figure)
            .column("Unused", Kind::Figure)
            .optional("Most unused", Kind::Figure)
            .optional("Strong", Kind::Figure)
            .optional("Weak", Kind::Figure)
            .optional("Type", Kind::Text);
        let states = self
            .report
            .containers
            .iter()
            .flat_map(|known| known.last.iter().map(move |last| (known, last)));
        let states: Vec<_> = states.collect();
        for (known, last) in states.iter().take(self.top) {
            let room = |figure, cells: &mut Cells| {
                if known.kind.has_capacity() { cells.bytes(figure) } else { none() }
            };
            let counted = known.kind.is_counted();
            table.row([
                known.name(),
                format!("{:?}", known.kind),
                reason_words(last.reason).to_owned(),
                cells.count(&last.containers),
                if counted { none() } else { cells.count(&last.len_max) },
                room(&last.capacity_bytes, &mut cells),
                room(&last.waste_bytes, &mut cells),
                room(&last.waste_max_bytes, &mut cells),
                if counted { cells.count(&known.strong_max) } else { none() },
                if counted { cells.count(&known.weak_max) } else { none() },
                short_type(&known.type_name),
            ]);
        }
        self.section("Containers, as last read", &table, &cells, states.len())
    }

    fn slowest_drops(&self) -> String {
        let mut table = Table::new()
            .column("Took", Kind::Figure)
            .column("Itself", Kind::Figure)
            .column("Set off", Kind::Figure)
            .column("Site", Kind::Text)
            .column("Thread", Kind::Text)
            .optional("Began at", Kind::Figure)
            .optional("", Kind::Word)
            .optional("Heaviest within", Kind::Text);
        for slow in &self.report.slowest_drops {
            table.row([
                Nanos(slow.duration_ns).to_string(),
                Nanos(slow.self_ns).to_string(),
                Count(slow.nested).to_string(),
                slow.site.name.clone(),
                slow.thread.clone().unwrap_or_else(|| "(unnamed)".to_owned()),
                Nanos(slow.began_ns).to_string(),
                certainty(slow).to_owned(),
                path(slow),
            ]);
        }
        self.section("Slowest drops", &table, &Cells::default(), self.report.slowest_drops.len())
    }

    fn zero_sized(&self) -> String {
        let mut cells = Cells::default();
        let mut table = Table::new()
            .column("Type", Kind::Text)
            .column("Size", Kind::Figure)
            .column("Born", Kind::Figure)
            .column(self.alive_title(), Kind::Figure)
            .column("Peak", Kind::Figure)
            .column("Fields without size", Kind::Text);
        for known in self.report.zero_sized.iter().take(self.top) {
            let lives = known
                .values
                .as_ref()
                .filter(|lives| lives.born.value().is_some())
                .or(known.variables.as_ref());
            let [born, alive, peak, ..] = lives.map_or_else(
                || std::array::from_fn(|_| none()),
                |lives| life_cells(lives, &mut cells),
            );
            let fields = known
                .fields
                .iter()
                .map(|field| format!("{}: {}", field.name, short_type(&field.type_name)));
            let fields: Vec<String> = fields.collect();
            table.row([
                short_type(&known.type_name),
                Bytes(known.size).to_string(),
                born,
                alive,
                peak,
                fields.join(", "),
            ]);
        }
        self.section("Zero-sized", &table, &cells, self.report.zero_sized.len())
    }

    fn threads(&self) -> String {
        let mut cells = Cells::default();
        let mut table = Table::new()
            .column("Thread", Kind::Text)
            .column("Events", Kind::Figure)
            .column("Born", Kind::Figure)
            .column(self.alive_title(), Kind::Figure)
            .column("Peak", Kind::Figure)
            .optional("Drops", Kind::Figure)
            .optional("Drop time", Kind::Figure);
        for thread in self.report.threads.iter().take(self.top) {
            let name = thread.name.as_deref().unwrap_or("(unnamed)");
            let times = if thread.threads > 1 {
                format!(" ×{}", Count(thread.threads))
            } else {
                String::new()
            };
            table.row([
                format!("{name}{times}"),
                cells.count(&thread.events),
                cells.count(&thread.born),
                cells.count(&thread.alive_at_exit),
                cells.count(&thread.peak_alive),
                cells.count(&thread.drops),
                cells.time(&thread.drop_ns),
            ]);
        }
        self.section("Threads", &table, &cells, self.report.threads.len())
    }

    fn findings(&self) -> String {
        let lines = self.report.findings.iter().map(|finding| {
            let at = &finding.site;
            format!("finding: {} ({}, {}:{})\n", finding.message, finding.rule, at.file, at.line)
        });
        lines.collect()
    }
}

/// Shows a figure that does not exist, which is not one that is unknown.
fn none() -> String {
    "-".to_owned()
}

/// Born, alive, peak, median and 99th percentile of the lifetime.
fn life_cells(lives: &LifeFigures, cells: &mut Cells) -> [String; 5] {
    let lasted = |figure, cells: &mut Cells| {
        if lives.ended == Figure::Exact(0) { none() } else { cells.time(figure) }
    };
    [
        cells.count(&lives.born),
        cells.count(&lives.alive_at_exit),
        cells.count(&lives.peak_alive),
        lasted(&lives.median_life_ns, cells),
        lasted(&lives.p99_life_ns, cells),
    ]
}

fn kind_word(kind: Option<SiteKind>) -> &'static str {
    match kind {
        Some(SiteKind::Variable) => "variable",
        Some(SiteKind::Argument) => "argument",
        Some(SiteKind::Type) => "type",
        Some(SiteKind::Snapshot) => "snapshot",
        _ => "?",
    }
}

fn reason_words(reason: SnapshotReason) -> &'static str {
    match reason {
        SnapshotReason::Birth => "at birth",
        SnapshotReason::Drop => "at drop",
        SnapshotReason::Asked => "when asked",
        _ => "?",
    }
}

/// Says what is special about a drop.
fn certainty(slow: &SlowDrop) -> &'static str {
    match (slow.panicking, slow.outcome) {
        (true, _) => "panicking",
        (false, Outcome::Unknown) => "drop or move",
        (false, _) => "",
    }
}

/// Writes the heaviest path below a drop: `Tree > Node ×1,204 > Leaf`.
fn path(slow: &SlowDrop) -> String {
    let steps = slow.path.iter().map(|step| match step.run {
        1 => step.site.clone(),
        run => format!("{} ×{}", step.site, Count(run)),
    });
    steps.collect::<Vec<_>>().join(" > ")
}
