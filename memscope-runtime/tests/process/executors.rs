//! Tasks on executors of several threads: each poll is known with its thread, whose task it is, and how that ended.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::harness::{Run, rows, run};
use super::scenarios::executors::{End, SPAWNED, end_of};
use super::spawns::{place_of, spawned_at};
use memscope_format::Reader;
use memscope_format::rows::{Call, CallOutcome, Task, TaskKind};
use std::collections::{BTreeMap, BTreeSet};

/// What became of a task: how it ended, and the threads that polled it, in order.
type Told = (TaskKind, Vec<u64>);

/// What the capture says of each spawned task and of the one within it, if that began.
fn recorded(capture: &Reader) -> Vec<(Told, Option<Told>)> {
    let name = |site| capture.defs().site(site).unwrap().name.clone();
    let threads: BTreeMap<u32, u64> =
        (capture.defs().threads.iter()).map(|thread| (thread.id, thread.os_id.unwrap())).collect();
    let mut polls: BTreeMap<u64, Vec<Call>> = BTreeMap::new();
    for call in rows::<Call>(capture) {
        polls.entry(call.task.unwrap()).or_default().push(call);
    }
    polls.values_mut().for_each(|calls| calls.sort_by_key(|call| call.ts));
    let tasks = rows::<Task>(capture);
    let told = |id: u64| -> Told {
        let ends: Vec<_> =
            tasks.iter().filter(|row| row.task == id && row.kind != TaskKind::Started).collect();
        assert_eq!(ends.len(), 1, "{id:x} ends once");
        let (last, before) = polls[&id].split_last().unwrap();
        assert!(before.iter().all(|poll| poll.outcome == CallOutcome::Pending));
        let outcome = match ends[0].kind {
            TaskKind::Completed => CallOutcome::Returned,
            TaskKind::Unwound => CallOutcome::Unwound,
            _ => CallOutcome::Pending,
        };
        assert_eq!(last.outcome, outcome);
        assert!(last.ts <= ends[0].ts);
        (ends[0].kind, polls[&id].iter().map(|poll| threads[&poll.thread]).collect())
    };
    let started = |wanted: &'static str| {
        tasks.iter().filter(move |row| row.kind == TaskKind::Started && name(row.site) == wanted)
    };
    let spawner: Vec<&Task> = started("spawner").collect();
    let [spawner] = spawner[..] else { panic!("{spawner:?}") };
    let within: BTreeMap<u64, u64> =
        started("within").map(|row| (row.parent.unwrap(), row.task)).collect();
    let spawned: Vec<_> = started("spawned").collect();
    let known: BTreeSet<u64> = spawned.iter().map(|row| row.task).collect();
    assert_eq!(known.len(), spawned.len(), "no two are called the same");
    assert!(within.keys().all(|parent| known.contains(parent)));
    // None is polled first within the poll of the task that spawned it.
    assert!(spawned.iter().all(|row| row.parent.is_none()));
    let source = include_str!("scenarios/executors.rs");
    let at = place_of(source, "executors.rs", "Watched::new(spawned(", "spawned(");
    for row in &spawned {
        assert!(spawned_at(capture, row).unwrap().ends_with(&at), "{at}");
        assert_eq!(row.spawner, Some(spawner.task));
    }
    // What is within was made where it was polled, whatever thread that was on.
    assert!(started("within").all(|row| row.spawned_at.is_some() && row.spawner == row.parent));
    spawned.iter().map(|row| (told(row.task), within.get(&row.task).map(|id| told(*id)))).collect()
}

/// The same as the program noted it.
fn noted(run: &Run) -> Vec<(Told, Option<Told>)> {
    let threads = |list: &str| list.split(',').map(|id| id.parse().unwrap()).collect();
    let lines = run.stdout();
    let lines = lines.lines().filter_map(|line| line.split_once("polls ")).map(|(_, rest)| rest);
    lines
        .map(|line| {
            let [number, outer, inner] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
            let kind = match end_of(number.parse().unwrap()) {
                End::Completes => TaskKind::Completed,
                End::Unwinds => TaskKind::Unwound,
                End::IsDropped => TaskKind::Cancelled,
            };
            (
                (kind, threads(outer)),
                Some(inner).filter(|i| !i.is_empty()).map(|i| (kind, threads(i))),
            )
        })
        .collect()
}

/// Plays the tasks on an executor; returns the threads of each.
fn agrees(scenario: &str) -> Vec<Vec<u64>> {
    let run = run(scenario);
    assert!(run.status.success(), "{}", run.stderr());
    let capture = run.capture();
    assert!(capture.health().is_whole() && capture.lost() == 0);
    let by_polls = |told: &(Told, Option<Told>)| format!("{told:?}");
    let (mut recorded, mut noted) = (recorded(&capture), noted(&run));
    assert_eq!(noted.len(), SPAWNED);
    recorded.sort_by_key(by_polls);
    noted.sort_by_key(by_polls);
    assert_eq!(recorded, noted);
    noted.into_iter().map(|((_, threads), _)| threads).collect()
}

#[test]
fn tasks_of_tokio_on_several_threads_are_as_the_program_counts_them() {
    agrees("executor_of_tokio");
}

#[test]
fn tasks_of_smol_on_several_threads_are_as_the_program_counts_them() {
    agrees("executor_of_smol");
}

#[test]
fn tasks_that_move_with_every_poll_are_as_the_program_counts_them() {
    let threads = agrees("executor_of_thieves");
    let moves = |polls: &[u64]| polls.windows(2).all(|two| two[0] != two[1]);
    assert!(threads.iter().all(|polls| moves(polls)));
    assert!(threads.iter().any(|polls| polls.len() > 40));
}
