//! The tables of the heap.

use super::tables::{Names, alive_title, kind_word};
use crate::cell::{bytes, count, none};
use crate::table::{Kind, Table};
use memscope_format::defs::SiteKind;
use memscope_format::report::human::{Bytes, Count};
use memscope_format::report::{BlockOwner, Place, Report};

/// What the allocator handed out.
pub(super) fn counts(report: &Report) -> (Table, usize) {
    let mut table = Table::new()
        .column("Heap of", Kind::Text)
        .column("Allocations", Kind::Figure)
        .optional("Reallocations", Kind::Figure)
        .optional("Frees", Kind::Figure)
        .column("Allocated", Kind::Figure)
        .optional("Freed", Kind::Figure)
        .column(alive_title(report), Kind::Figure)
        .column("Blocks", Kind::Figure)
        .column("Peak", Kind::Figure);
    let heap = &report.heap;
    let users = [
        ("the program", &heap.program, bytes(&heap.peak_bytes)),
        ("memscope", &heap.memscope, none()),
    ];
    for (user, used, peak) in users {
        table.row([
            user.into(),
            count(&used.allocations),
            count(&used.reallocations),
            count(&used.frees),
            bytes(&used.allocated_bytes),
            bytes(&used.freed_bytes),
            bytes(&used.live_bytes),
            count(&used.live_blocks),
            peak,
        ]);
    }
    (table, 2)
}

/// Blocks of the heap, by what they were allocated for.
pub(super) fn blocks(report: &Report, top: usize) -> (Table, usize) {
    let mut table = Table::new()
        .column("For", Kind::Text)
        .column("Kind", Kind::Word)
        .column("Blocks", Kind::Figure)
        .column("Allocated", Kind::Figure)
        .column(alive_title(report), Kind::Figure)
        .optional("Leaked", Kind::Figure)
        .optional("Blocks left", Kind::Figure)
        .optional("Freed", Kind::Figure)
        .optional("Resized", Kind::Figure)
        .optional("Where", Kind::Path);
    let names = Names::of(report);
    for known in report.blocks.iter().take(top) {
        let (name, kind, place) = match &known.owner {
            BlockOwner::Site(place) => (
                names.tagged(place),
                kind_word(place.kind),
                format!("{}:{}", place.file, place.line),
            ),
            BlockOwner::Nothing => ("(nothing tracked)".to_owned(), "-", String::new()),
            BlockOwner::Unknown => ("(older than the recording)".to_owned(), "-", String::new()),
        };
        let is_variable = matches!(&known.owner, BlockOwner::Site(place) if is_variable(place));
        let leaked = if is_variable { bytes(&known.leaked_bytes) } else { none() };
        table.row([
            name.into(),
            kind.into(),
            count(&known.allocations),
            bytes(&known.allocated_bytes),
            bytes(&known.live_bytes),
            leaked,
            count(&known.live_blocks),
            bytes(&known.freed_bytes),
            count(&known.reallocations),
            place.into(),
        ]);
    }
    if let Some(untold) = &report.heap.untold {
        // What is missing in the sums of the columns.
        table.row([
            "(counted, not recorded)".into(),
            "-".into(),
            count(&untold.allocations),
            bytes(&untold.allocated_bytes),
            none(),
            none(),
            none(),
            bytes(&untold.freed_bytes),
            count(&untold.reallocations),
            "".into(),
        ]);
    }
    (table, report.blocks.len())
}

/// Bytes from which on what the program left is worth a hint: the standard library leaves some, too.
const LEFT: u64 = 64 << 10;

/// Says how to see what the blocks were for that the program left, where that was not recorded.
pub(super) fn hint(report: &Report) -> String {
    let left = &report.heap.program;
    match (left.live_bytes.exact(), left.live_blocks.exact()) {
        (Some(bytes), Some(blocks))
            if *bytes >= LEFT && report.blocks.is_empty() && report.ended_at_exit() =>
        {
            format!(
                "hint: {} in {} were not freed when the program ended; record it with MEMSCOPE_ALLOC=full to see what they were for\n",
                Bytes(*bytes),
                Count(*blocks).of("block")
            )
        }
        _ => String::new(),
    }
}

fn is_variable(place: &Place) -> bool {
    place.kind == Some(SiteKind::Variable)
}

#[cfg(test)]
mod tests {
    use super::super::tables::tests::{capture, empty, place};
    use super::*;
    use memscope_format::report::{BlockFigures, Figure, HeapUse};

    fn block(owner: BlockOwner, left: Figure<u64>) -> BlockFigures {
        BlockFigures {
            owner,
            allocations: Figure::Exact(12),
            reallocations: Figure::Exact(3),
            frees: Figure::Exact(11),
            allocated_bytes: Figure::Exact(2048),
            freed_bytes: Figure::Exact(1024),
            live_blocks: Figure::Exact(1),
            live_bytes: Figure::Exact(1024),
            leaked_bytes: left,
        }
    }

    #[test]
    fn what_a_program_left_gives_a_hint_where_it_is_not_known_what_it_was_for() {
        let left = |bytes, complete| {
            let mut report = empty();
            report.heap.program.live_bytes = Figure::Exact(bytes);
            report.heap.program.live_blocks = Figure::Exact(1);
            report.captures = vec![capture(complete)];
            report
        };
        assert_eq!(
            hint(&left(LEFT, true)),
            "hint: 64.0 KiB in 1 block were not freed when the program ended; record it with MEMSCOPE_ALLOC=full to see what they were for\n"
        );
        assert_eq!(hint(&left(LEFT - 1, true)), "");
        assert_eq!(hint(&left(LEFT, false)), "");
        let mut recorded = left(LEFT, true);
        recorded.blocks = vec![block(BlockOwner::Nothing, Figure::unknown("nothing"))];
        assert_eq!(hint(&recorded), "");
    }

    /// With numbers as long as they get.
    #[test]
    fn estimates_fit_80_columns_and_tell_what_is_left() {
        let estimate = |value| Figure::Sampled { value, error: value / 3 };
        let mut of = block(BlockOwner::Site(Box::new(place("load::raw", 4))), estimate(999 << 20));
        for figure in
            [&mut of.allocations, &mut of.reallocations, &mut of.frees, &mut of.live_blocks]
        {
            *figure = estimate(88_888_888);
        }
        for figure in [&mut of.allocated_bytes, &mut of.freed_bytes, &mut of.live_bytes] {
            *figure = estimate(999 << 20);
        }
        let mut report = empty();
        report.blocks = vec![of];
        let used = || Figure::Exact(88_888_888);
        report.heap.program = HeapUse {
            allocations: used(),
            reallocations: used(),
            frees: used(),
            allocated_bytes: used(),
            freed_bytes: used(),
            live_blocks: used(),
            live_bytes: used(),
        };
        report.heap.peak_bytes = used();
        for (table, titles) in [
            (blocks(&report, 9).0, &["Blocks", "Allocated", "At exit"][..]),
            (counts(&report).0, &["Allocations", "Allocated", "At exit", "Blocks", "Peak"]),
        ] {
            let text = table.render(80);
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
            let first = text.lines().next().unwrap();
            assert!(titles.iter().all(|title| first.contains(title)), "{text}");
        }
    }

    #[test]
    fn what_was_not_recorded_is_a_row_of_its_own() {
        let leaked = Figure::Inferred { value: 1024, rule: "leaked".into() };
        let function = Place { kind: Some(SiteKind::Function), ..place("load", 3) };
        let mut report = empty();
        report.blocks = vec![
            block(BlockOwner::Site(Box::new(place("load::raw", 4))), leaked),
            block(BlockOwner::Site(Box::new(function)), Figure::unknown("a function")),
            block(BlockOwner::Nothing, Figure::unknown("nothing")),
            block(BlockOwner::Unknown, Figure::unknown("older")),
        ];
        let used = || Figure::Exact(7);
        report.heap.untold = Some(HeapUse {
            allocations: used(),
            reallocations: used(),
            frees: used(),
            allocated_bytes: used(),
            freed_bytes: used(),
            live_blocks: Figure::unknown("older"),
            live_bytes: Figure::unknown("older"),
        });
        let (table, rows) = blocks(&report, 9);
        let text = table.render(160);
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split("  ").filter(|w| !w.is_empty()).map(str::trim).collect())
            .collect();
        let sizes = ["12", "2.00 KiB", "1.00 KiB"];
        assert_eq!(rows, 4);
        assert_eq!(lines[1][..2], ["load::raw [hot]", "variable"]);
        assert_eq!(lines[1][2..5], sizes);
        assert_eq!(lines[1][5..], ["~1.00 KiB", "1", "1.00 KiB", "3", "src/main.rs:4"]);
        assert_eq!(lines[2][..2], ["load [hot]", "function"]);
        // What a function leaves is no leak of its own.
        assert_eq!(lines[2][5..9], ["-", "1", "1.00 KiB", "3"]);
        assert_eq!(lines[3][0], "(nothing tracked)");
        assert_eq!(lines[4][0], "(older than the recording)");
        assert_eq!(
            lines[5],
            ["(counted, not recorded)", "-", "7", "7 B", "-", "-", "-", "7 B", "7"]
        );
        assert!(text.contains("~ inferred: leaked"), "{text}");
    }
}
