//! The tables of a report. Each function returns a table with its first rows, and how many rows there are.

use crate::cell::{Cell, bytes, count, none, time};
use crate::names::{short_type, short_types};
use crate::table::{Kind, Table};
use memscope_format::defs::{Escape, SiteKind, Variance};
use memscope_format::report::human::{Bytes, Count, Nanos};
use memscope_format::report::{
    CaptureFigures, Figure, LifeFigures, Place, Report, SlowDrop, ZeroSizedField,
};
use memscope_format::rows::{Outcome, SnapshotReason};
use std::collections::HashMap;

/// What such a row among the slowest drops means.
const DROP_OR_MOVE: &str = "drop or move: a scope's end; dropped there, or moved out before";

/// What such a row among the containers means.
const AT_BIRTH: &str = "at birth: how it grew later was not read; `memscope::snapshot!` reads it where you put it, and MEMSCOPE_ALLOC=full tells what block it had";

/// What the column of values that did not end is called: only a clean end is an exit.
pub(super) fn alive_title(report: &Report) -> &'static str {
    if report.ended_at_exit() { "At exit" } else { "At end" }
}

pub(super) fn sites(report: &Report, top: usize) -> (Table, usize) {
    let mut table = Table::new()
        .column("Site", Kind::Text)
        .column("Kind", Kind::Word)
        .column("Born", Kind::Figure)
        .column(alive_title(report), Kind::Figure)
        .column("Peak", Kind::Figure)
        .column("Median life", Kind::Figure)
        .optional("p99 life", Kind::Figure)
        .optional("Drop time", Kind::Figure)
        .optional("Dropped", Kind::Figure)
        .optional("Moved", Kind::Figure)
        .optional("Drop/move", Kind::Figure)
        .optional("Scope end", Kind::Figure)
        .optional("Escapes", Kind::Word)
        .optional("Where", Kind::Path);
    // What `snapshot!` reads, or a static holds, has its place among the containers: no birth is to be seen there.
    let lives = |kind| !matches!(kind, Some(SiteKind::Snapshot | SiteKind::Static));
    let sites = report.sites.iter().filter(|site| lives(site.site.kind));
    let names = Names::of(report);
    let reached: Vec<_> = sites.filter(|site| site.was_reached()).collect();
    for site in reached.iter().take(top) {
        let (place, lives) = (&site.site, &site.lives);
        let [born, alive, peak, median, p99] = life_cells(lives);
        table.row([
            names.tagged(place).into(),
            kind_word(place.kind).into(),
            born,
            alive,
            peak,
            median,
            p99,
            time(&site.drops.total_ns),
            count(&lives.dropped),
            count(&lives.moved),
            count(&lives.unknown_end),
            count(&lives.scope_ended),
            escape_words(place).into(),
            format!("{}:{}", place.file, place.line).into(),
        ]);
    }
    (table, reached.len())
}

pub(super) fn types(report: &Report, top: usize) -> (Table, usize) {
    let mut table = Table::new()
        .column("Type", Kind::Text)
        .column("Size", Kind::Figure)
        .column("Counted", Kind::Word)
        .column("Born", Kind::Figure)
        .column(alive_title(report), Kind::Figure)
        .column("Peak", Kind::Figure)
        .column("Median life", Kind::Figure)
        .optional("p99 life", Kind::Figure)
        .optional("Drop time", Kind::Figure)
        .optional("Itself", Kind::Figure)
        .optional("Longest drop", Kind::Figure);
    let lived: Vec<_> = report.types.iter().filter(|known| known.seen() > 0).collect();
    let short = short_types(lived.iter().map(|known| known.name.as_str()));
    for known in lived.iter().take(top) {
        let [born, alive, peak, median, p99] = life_cells(known.lives());
        table.row([
            short[known.name.as_str()].as_str().into(),
            Bytes(known.size).to_string().into(),
            if known.values.is_some() { "values" } else { "variables" }.into(),
            born,
            alive,
            peak,
            median,
            p99,
            time(&known.drops.total_ns),
            time(&known.drops.self_ns),
            time(&known.drops.longest_ns),
        ]);
    }
    (table, lived.len())
}

pub(super) fn containers(report: &Report, top: usize) -> (Table, usize) {
    let deep = report.containers.iter().any(|known| known.content_max_bytes.is_some());
    let hashed = report.containers.iter().any(|known| known.hashes.is_some());
    let mut table = Table::new()
        .column("Container", Kind::Text)
        .column("Kind", Kind::Word)
        .column("Last read", Kind::Word)
        .column("How many", Kind::Figure)
        .column("Longest", Kind::Figure)
        .column("Room", Kind::Figure)
        .optional("Unused", Kind::Figure)
        .optional("Most unused", Kind::Figure)
        .optional("Strong", Kind::Figure)
        .optional("Weak", Kind::Figure);
    if deep {
        table = table
            .column("Content", Kind::Figure)
            .optional("Of it used", Kind::Figure)
            .optional("Blocks", Kind::Figure);
        table.footer("content: what the elements own".to_owned());
    }
    if hashed {
        table = table.column("Collisions", Kind::Figure).optional("If random", Kind::Figure);
    }
    table = table.optional("Type", Kind::Text);
    let states =
        report.containers.iter().flat_map(|known| known.last.iter().map(move |last| (known, last)));
    let states: Vec<_> = states.collect();
    let names = Names::of(report);
    let shown = states.iter().take(top);
    if shown
        .clone()
        .any(|(known, last)| last.reason == SnapshotReason::Birth && known.kind.has_capacity())
    {
        table.footer(AT_BIRTH.to_owned());
    }
    for (known, last) in shown {
        let counted = known.kind.is_counted();
        let room = |figure| if known.kind.has_capacity() { bytes(figure) } else { none() };
        let handles = |figure| if counted { count(figure) } else { none() };
        let mut row = vec![
            names.whole(known.name(), &known.site).into(),
            format!("{:?}", known.kind).into(),
            reason_words(last.reason).into(),
            count(&last.containers),
            if counted { none() } else { count(&last.len_max) },
            room(&last.capacity_bytes),
            room(&last.waste_bytes),
            room(&last.waste_max_bytes),
            handles(&known.strong_max),
            handles(&known.weak_max),
        ];
        if deep {
            row.extend(match &last.content {
                Some(content) => {
                    [bytes(&content.room_bytes), bytes(&content.used_bytes), count(&content.blocks)]
                }
                None => std::array::from_fn(|_| none()),
            });
        }
        if hashed {
            let worst = known.hashes.as_ref().and_then(|hashes| hashes.worst.as_ref());
            row.extend(match worst {
                Some(worst) => [count(&worst.collisions), count(&worst.expected_collisions)],
                None => [none(), none()],
            });
        }
        row.push(short_type(&known.type_name).into());
        table.row(row);
    }
    (table, states.len())
}

pub(super) fn slowest_drops(report: &Report) -> (Table, usize) {
    let mut table = Table::new()
        .column("Took", Kind::Figure)
        .column("Itself", Kind::Figure)
        .column("Set off", Kind::Figure)
        .column("Site", Kind::Text)
        .column("Thread", Kind::Text);
    let several = report.captures.len() > 1;
    if several {
        table = table.column("Program", Kind::Text);
    }
    table = table
        .column("Known as", Kind::Word)
        .optional("Began at", Kind::Figure)
        .optional("Heaviest within", Kind::Text);
    if report.slowest_drops.iter().any(|slow| slow.outcome == Outcome::Unknown) {
        table.footer(DROP_OR_MOVE.to_owned());
    }
    let names = Names::of(report);
    for slow in &report.slowest_drops {
        let began: Cell = Nanos(slow.began_ns).to_string().into();
        let head = [
            Nanos(slow.duration_ns).to_string().into(),
            time(&slow.self_ns),
            count(&slow.nested),
            names.whole(slow.site.name.clone(), &slow.site).into(),
            slow.thread.as_deref().unwrap_or("(unnamed)").into(),
        ];
        let tail = [certainty(slow).into(), began, path(slow).into()];
        let of = several.then(|| {
            Cell::from(report.captures.get(slow.capture).map(program).unwrap_or_default())
        });
        table.row(head.into_iter().chain(of).chain(tail));
    }
    (table, report.slowest_drops.len())
}

pub(super) fn zero_sized(report: &Report, top: usize) -> (Table, usize) {
    let mut table = Table::new()
        .column("Type", Kind::Text)
        .column("Size", Kind::Figure)
        .column("Counted", Kind::Word)
        .column("Born", Kind::Figure)
        .column(alive_title(report), Kind::Figure)
        .column("Peak", Kind::Figure)
        .column("Dropped", Kind::Figure)
        .column("Fields without size", Kind::Text);
    for known in report.zero_sized.iter().take(top) {
        let fields = known.fields.iter().map(|field| {
            format!("{}: {}{}", field.name, short_type(&field.type_name), makes(field))
        });
        let fields = fields.collect::<Vec<_>>().join(", ");
        let mut row = |counted: &str, lives: Option<&LifeFigures>| {
            let cells = lives.map_or_else(|| std::array::from_fn(|_| none()), life_cells);
            let [born, alive, peak, ..] = cells;
            table.row([
                short_type(&known.type_name).into(),
                Bytes(known.size).to_string().into(),
                counted.into(),
                born,
                alive,
                peak,
                lives.map_or_else(none, |lives| count(&lives.dropped)),
                fields.as_str().into(),
            ]);
        };
        let held = |lives: &&LifeFigures| lives.born.value().is_some_and(|born| *born > 0);
        match (&known.values, &known.variables) {
            (None, None) => row("-", None),
            (None, variables) => row("variables", variables.as_ref()),
            // A value has a life of its own, and one in each variable that holds it.
            (values, variables) => {
                row("values", values.as_ref());
                if let Some(variables) = variables.as_ref().filter(held) {
                    row("variables", Some(variables));
                }
            }
        }
    }
    (table, report.zero_sized.len())
}

pub(super) fn threads(report: &Report, top: usize) -> (Table, usize) {
    let mut table = Table::new()
        .column("Thread", Kind::Text)
        .column("Events", Kind::Figure)
        .column("Born", Kind::Figure)
        .column(alive_title(report), Kind::Figure)
        .column("Peak", Kind::Figure)
        .optional("Drops", Kind::Figure)
        .optional("Drop time", Kind::Figure);
    for thread in report.threads.iter().take(top) {
        let name = thread.name.as_deref().unwrap_or("(unnamed)");
        let name = match thread.threads {
            1 => name.to_owned(),
            threads => format!("{name} ×{}", Count(threads)),
        };
        table.row([
            name.into(),
            count(&thread.events),
            count(&thread.born),
            count(&thread.alive_at_exit),
            count(&thread.peak_alive),
            count(&thread.drops),
            time(&thread.drop_ns),
        ]);
    }
    (table, report.threads.len())
}

/// Names a recorded process.
pub(super) fn program(capture: &CaptureFigures) -> String {
    let program = capture.program.as_deref().unwrap_or("a program of unknown name");
    match capture.pid {
        Some(pid) => format!("{program} (pid {pid})"),
        None => program.to_owned(),
    }
}

/// Born, alive, peak, median and 99th percentile of the lifetime.
fn life_cells(lives: &LifeFigures) -> [Cell; 5] {
    let lasted = |figure| if lives.ended == Figure::Exact(0) { none() } else { time(figure) };
    [
        count(&lives.born),
        count(&lives.alive_at_exit),
        count(&lives.peak_alive),
        lasted(&lives.median_life_ns),
        lasted(&lives.p99_life_ns),
    ]
}

/// What sites are called: where two would be called the same, each by its place in the source, too.
pub(super) struct Names<'a>(HashMap<&'a str, usize>);

impl<'a> Names<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let mut uses = HashMap::new();
        for site in &report.sites {
            *uses.entry(site.site.name.as_str()).or_default() += 1;
        }
        for function in &report.functions {
            *uses.entry(function.site.name.as_str()).or_default() += 1;
        }
        Self(uses)
    }

    /// What is called so, at a site.
    pub(super) fn whole(&self, called: String, place: &Place) -> String {
        match self.0.get(place.name.as_str()) {
            None | Some(1) => called,
            _ => format!("{called} {}:{}:{}", place.file, place.line, place.column),
        }
    }

    /// A site, with its tags.
    pub(super) fn tagged(&self, place: &Place) -> String {
        let name = self.whole(place.name.clone(), place);
        if place.tags.is_empty() { name } else { format!("{name} [{}]", place.tags.join(", ")) }
    }
}

pub(super) fn kind_word(kind: Option<SiteKind>) -> &'static str {
    match kind {
        Some(SiteKind::Variable) => "variable",
        Some(SiteKind::Argument) => "argument",
        Some(SiteKind::Type) => "type",
        Some(SiteKind::Snapshot) => "snapshot",
        Some(SiteKind::Return) => "return value",
        Some(SiteKind::Static) => "static",
        Some(SiteKind::ThreadLocal) => "thread-local",
        Some(SiteKind::Constructor) => "constructor",
        Some(SiteKind::Function) => "function",
        Some(SiteKind::AsyncFunction) => "async function",
        _ => "?",
    }
}

/// Says what a marker makes of its type: ` (T contravariant; not Send)`. What is unknown is left out.
fn makes(field: &ZeroSizedField) -> String {
    let Some(marker) = &field.makes else { return String::new() };
    let variance = marker.variance.iter().filter_map(|(name, variance)| {
        let variance = match (*variance)? {
            Variance::Covariant => "covariant",
            Variance::Contravariant => "contravariant",
            Variance::Invariant => "invariant",
            _ => return None,
        };
        Some(format!("{name} {variance}"))
    });
    let lacks = [(marker.send, "not Send"), (marker.sync, "not Sync")];
    let lacks = lacks.iter().filter(|(has, _)| *has == Some(false)).map(|(_, text)| *text);
    let parts = [variance.collect::<Vec<_>>().join(", "), lacks.collect::<Vec<_>>().join(", ")];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join("; ")) }
}

/// Says where the values of a variable may go.
fn escape_words(place: &Place) -> &'static str {
    match (place.kind, place.escape) {
        (_, Some(Escape::Dropped)) => "no",
        (_, Some(Escape::Returned)) => "returned",
        (_, Some(Escape::Captured)) => "captured",
        (_, Some(Escape::Passed)) => "passed on",
        (Some(SiteKind::Variable | SiteKind::Argument), None) => "unknown",
        _ => "-",
    }
}

fn reason_words(reason: SnapshotReason) -> &'static str {
    match reason {
        SnapshotReason::Birth => "at birth",
        SnapshotReason::Drop => "at drop",
        SnapshotReason::Asked => "when asked",
        SnapshotReason::Exit => "at exit",
        _ => "?",
    }
}

/// Says what is known of a drop: where there is no proof, it may have been the scope's end after a move.
fn certainty(slow: &SlowDrop) -> &'static str {
    match (slow.outcome, slow.panicking) {
        (Outcome::Unknown, _) => "drop or move",
        (_, true) => "drop in a panic",
        _ => "drop",
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

#[cfg(test)]
pub(super) mod tests;
