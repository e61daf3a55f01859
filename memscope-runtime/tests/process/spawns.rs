//! Where tasks were spawned, and by which.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::harness::{rows, run};
use memscope_format::Reader;
use memscope_format::rows::{Task, TaskKind};

/// What a capture says of where a task was spawned.
pub(crate) fn spawned_at(capture: &Reader, task: &Task) -> Option<String> {
    let text = |id| capture.defs().strings.iter().find(|known| known.id == id).unwrap();
    task.spawned_at.map(|id| text(id).text.clone())
}

/// Where a call stands in the only line of a source that has these words, as a capture names it, without the directories.
pub(crate) fn place_of(source: &str, file: &str, words: &str, call: &str) -> String {
    let lines = (1..).zip(source.lines());
    let found: Vec<_> = lines.filter(|(_, line)| line.contains(words)).collect();
    let [(number, line)] = found[..] else { panic!("{words}: {found:?}") };
    format!("{file}:{number}:{}", line.find(call).unwrap() + 1)
}

#[test]
fn a_task_is_spawned_where_its_function_is_called() {
    let source = include_str!("scenarios/spawns.rs");
    let capture = run("spawns").capture();
    let begins: Vec<Task> =
        rows(&capture).into_iter().filter(|row: &Task| row.kind == TaskKind::Started).collect();
    let known: Vec<(String, String)> = begins
        .iter()
        .filter_map(|row| {
            let name = &capture.defs().site(row.site).unwrap().name;
            let at = spawned_at(&capture, row)?;
            let (_, line) = at.split_once("spawns.rs:").unwrap();
            let (line, column) = line.split_once(':').unwrap();
            let line = source.lines().nth(line.parse::<usize>().unwrap() - 1).unwrap();
            let call: String = line.chars().skip(column.parse::<usize>().unwrap() - 1).collect();
            Some((name.rsplit("::").next().unwrap().to_owned(), call))
        })
        .collect();
    // Each begins where its call does: of a method that is its name.
    for (name, call) in &known {
        assert!(call.starts_with(&format!("{name}(")), "{name}: {call}");
    }
    let marks = source.lines().filter_map(|line| line.split_once("// known: ")).map(|(_, all)| all);
    let mut marked: Vec<&str> = marks.flat_map(|all| all.split(' ')).collect();
    let within = ["greet", "plain"];
    marked.extend(within);
    marked.sort_unstable();
    let mut names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, marked);
    let unknown: Vec<&str> = begins
        .iter()
        .filter(|row| row.spawned_at.is_none())
        .map(|row| capture.defs().site(row.site).unwrap().name.rsplit("::").next().unwrap())
        .collect();
    assert_eq!(
        unknown,
        // From `plain` on they are called by the compiler: through a pointer, as a value, as an `AsyncFn`.
        [
            "wave",
            "has_another_attribute",
            "makes_a_block",
            "ends_never",
            "has_an_abi",
            "plain",
            "takes",
            "made_by_a_macro",
            "takes",
            "takes",
            "takes",
            "takes",
            "greet",
            "greet",
            "on_several_lines",
            "has_another_attribute"
        ]
    );
}

#[test]
fn a_task_that_was_made_within_another_names_it() {
    let capture = run("spawns").capture();
    let begins = rows::<Task>(&capture).into_iter().filter(|row| row.kind == TaskKind::Started);
    let spawned: Vec<Task> = begins.filter(|row| row.spawner.is_some()).collect();
    let maker = rows::<Task>(&capture)
        .into_iter()
        .find(|row| capture.defs().site(row.site).unwrap().name == "maker")
        .unwrap();
    let [made] = spawned[..] else { panic!("{spawned:?}") };
    assert_eq!(made.spawner, Some(maker.task));
    // It was polled when its maker had ended.
    assert_eq!(made.parent, None);
    let source = include_str!("scenarios/spawns.rs");
    let at = place_of(source, "spawns.rs", "Box::pin(plain())", "plain");
    assert!(spawned_at(&capture, &made).unwrap().ends_with(&at), "{at}");
}
