//! The tables of functions, and of the tasks of async ones.

use super::tables::Names;
use crate::cell::{count, none, time};
use crate::table::{Kind, Table};
use memscope_format::report::{Figure, FunctionFigures, Report};

pub(super) fn called(report: &Report, top: usize) -> (Table, usize) {
    let is_called = |known: &&FunctionFigures| match known.calls {
        Figure::Exact(calls) => calls > 0,
        // Of a recording without calls.
        Figure::AtLeast { value, .. } => value > 0,
        _ => true,
    };
    let called: Vec<_> = report.functions.iter().filter(is_called).collect();
    let asynchronous = called.iter().any(|known| known.tasks.is_some());
    let mut table = Table::new()
        .column("Function", Kind::Text)
        .column("Calls", Kind::Figure)
        .column("Itself", Kind::Figure)
        .column("Total", Kind::Figure)
        .optional("Longest", Kind::Figure)
        .optional("Unwound", Kind::Figure);
    if asynchronous {
        table = table
            .column("Tasks", Kind::Figure)
            .optional("Completed", Kind::Figure)
            .optional("Cancelled", Kind::Figure)
            .optional("Unfinished", Kind::Figure);
        table.footer("of an async function, calls are polls".to_owned());
    }
    table = table.optional("Where", Kind::Path);
    let names = Names::of(report);
    for known in called.iter().take(top) {
        let mut row = vec![
            names.tagged(&known.site).into(),
            count(&known.calls),
            time(&known.self_ns),
            time(&known.total_ns),
            time(&known.longest_ns),
            count(&known.unwound),
        ];
        if asynchronous {
            row.extend(match &known.tasks {
                Some(tasks) => [
                    count(&tasks.started),
                    count(&tasks.completed),
                    count(&tasks.cancelled),
                    count(&tasks.unfinished),
                ],
                None => std::array::from_fn(|_| none()),
            });
        }
        row.push(format!("{}:{}", known.site.file, known.site.line).into());
        table.row(row);
    }
    (table, called.len())
}

pub(super) fn spawns(report: &Report, top: usize) -> (Table, usize) {
    let mut table = Table::new()
        .column("Function", Kind::Text)
        .column("Tasks", Kind::Figure)
        .column("Unfinished", Kind::Figure)
        .column("Spawned at", Kind::Path);
    let names = Names::of(report);
    for known in report.spawns.iter().take(top) {
        table.row([
            names.tagged(&known.site).into(),
            count(&known.tasks),
            count(&known.unfinished),
            known.spawned_at.as_deref().unwrap_or("unknown").into(),
        ]);
    }
    (table, report.spawns.len())
}

#[cfg(test)]
mod tests {
    use super::super::tables::tests::{empty, place};
    use super::*;
    use memscope_format::report::SpawnFigures;

    #[test]
    fn a_place_that_is_not_known_is_called_unknown() {
        let spawned = |at: Option<&str>, tasks| SpawnFigures {
            site: place("serve", 3),
            spawned_at: at.map(str::to_owned),
            tasks: Figure::Exact(tasks),
            unfinished: Figure::Exact(1),
        };
        let spawns = vec![spawned(Some("src/main.rs:41:22"), 4096), spawned(None, 7)];
        let (table, rows) = super::spawns(&Report { spawns, ..empty() }, usize::MAX);
        assert_eq!(rows, 2);
        let text = table.render(100);
        let lines: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1][2..], ["4,096", "1", "src/main.rs:41:22"], "{text}");
        assert_eq!(lines[2][2..], ["7", "1", "unknown"], "{text}");
    }
}
