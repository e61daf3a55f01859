//! With `MEMSCOPE_ALLOC=full` each block that was counted is in the capture, or counted as untold.

use crate::chance::farthest;
use crate::{play, valgrind};
use memscope_format::Reader;
use memscope_format::report::{BlockFigures, BlockOwner, Figure, HeapUse, Report};
use memscope_format::rows::{
    Heap, HeapKind, HeapUser, Lifecycle, LifecycleKind, Metric, Performance,
};
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;

/// Whether a child begins to record before it plays.
pub(crate) const RECORDS: &str = "TEST_RECORDS";

/// Whether this child records.
pub(crate) fn records() -> bool {
    std::env::var_os(RECORDS).is_some()
}

/// The child's side: begins to record if it is told to, by a hook or as a [`chosen`](crate::chosen) mode says.
pub(crate) fn begin() {
    if let Some(mode) = crate::chosen::mode() {
        let _ = memscope::Session::builder().heap(mode).start().expect("it can be");
    } else if records() {
        memscope::track_var!(let first = String::from("a hook begins the recording"));
        black_box(&first);
    }
}

/// Plays a scenario of this file.
pub(crate) fn play_blocks(scenario: &str) {
    match scenario {
        "sites" => sites(),
        "hookless" => hookless(),
        "short" => short(),
        "killed" => killed(),
        "compared" => valgrind::compared(),
        "estimated" => estimated(),
        "refused" => crate::chosen::refused(),
        "told_and_given" => crate::chosen::told_and_given(),
        other => panic!("no scenario {other}"),
    }
}

/// The captures in a directory.
pub(crate) fn captures(dir: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(dir).expect("it is there");
    let paths = files.map(|file| file.expect("it can be read").path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "memscope")).collect()
}

/// What was done to the heap: as `[allocations, reallocations, frees, bytes allocated, bytes freed]`.
type Done = [u64; 5];

const METRICS: [Metric; 5] = [
    Metric::Allocations,
    Metric::Reallocations,
    Metric::Frees,
    Metric::AllocatedBytes,
    Metric::FreedBytes,
];

fn plus(a: Done, b: Done) -> Done {
    std::array::from_fn(|at| a[at] + b[at])
}

/// The last readings of what one asked for.
fn counted(capture: &Reader, user: HeapUser) -> Done {
    let rows: Vec<Performance> = capture.rows().map(|row| row.expect("it is whole")).collect();
    METRICS.map(|metric| {
        let is_it = |row: &&Performance| (row.metric, row.subject) == (metric, user as u64);
        rows.iter().rfind(is_it).expect("a reading").value
    })
}

/// What the rows say.
#[derive(Debug, Default)]
struct Told {
    done: Done,
    /// Blocks at each address, the one that was allocated first at the front: a row of another thread may come late.
    live: HashMap<u64, VecDeque<u64>>,
    /// Blocks that were freed or reallocated, and of which no row says that they were allocated.
    unknown: u64,
    /// Rows that contradict the size that a block had.
    odd: u64,
}

impl Told {
    fn of(capture: &Reader) -> Self {
        let mut rows: Vec<Heap> = capture.rows().map(|row| row.expect("it is whole")).collect();
        rows.sort_by_key(|row| row.ts);
        let mut told = Self::default();
        rows.iter().for_each(|row| told.add(row));
        told
    }

    fn add(&mut self, row: &Heap) {
        let did = match row.kind {
            HeapKind::Alloc | HeapKind::AllocZeroed => {
                assert!(row.block.is_some());
                self.live.entry(row.addr).or_default().push_back(row.size);
                [1, 0, 0, row.size, 0]
            }
            HeapKind::Free => {
                self.take(row.addr, row.size);
                [0, 0, 1, 0, row.size]
            }
            HeapKind::Realloc => {
                let old = row.old_size.expect("a size before");
                self.take(row.old_addr.expect("an address before"), old);
                self.live.entry(row.addr).or_default().push_back(row.size);
                [0, 1, 0, row.size.saturating_sub(old), old.saturating_sub(row.size)]
            }
            _ => panic!("{row:?}"),
        };
        self.done = plus(self.done, did);
    }

    fn take(&mut self, addr: u64, size: u64) {
        let at = self.live.get_mut(&addr).filter(|blocks| !blocks.is_empty());
        match at {
            None => self.unknown += 1,
            Some(blocks) => match blocks.iter().position(|known| *known == size) {
                Some(place) => drop(blocks.remove(place)),
                None => self.odd += 1,
            },
        }
    }

    fn live_bytes(&self) -> u64 {
        self.live.values().flatten().sum()
    }
}

/// What a report says, in the order of [`Done`].
fn of_report(blocks: &[BlockFigures], untold: Option<&HeapUse>) -> Done {
    let exact = |figure: &Figure<u64>| *figure.exact().expect("nothing is missing");
    let rows = blocks.iter().map(|of| {
        let bytes = [exact(&of.allocated_bytes), exact(&of.freed_bytes)];
        let live = i128::from(exact(&of.live_bytes));
        if of.owner != BlockOwner::Unknown {
            assert_eq!(i128::from(bytes[0]) - i128::from(bytes[1]), live, "{of:?}");
        }
        [exact(&of.allocations), exact(&of.reallocations), exact(&of.frees), bytes[0], bytes[1]]
    });
    let untold = untold.map(|of| {
        [&of.allocations, &of.reallocations, &of.frees, &of.allocated_bytes, &of.freed_bytes]
            .map(exact)
    });
    rows.chain(untold).fold([0; 5], plus)
}

/// Plays a scenario with all blocks recorded, and checks that its captures tell of each, and so does the report of them.
fn balanced(scenario: &str) -> Vec<(Reader, Told)> {
    balanced_with(scenario, &[("MEMSCOPE_ALLOC", "full"), (RECORDS, "1")])
}

/// The same, with all blocks recorded because of this.
fn balanced_with(scenario: &str, environment: &[(&str, &str)]) -> Vec<(Reader, Told)> {
    let dir = tempfile::tempdir().expect("a directory");
    let output = play(scenario, environment, dir.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{scenario}: {output:?}");
    let open = |path: PathBuf| {
        let capture = Reader::open(&path).expect("a capture");
        assert!(
            capture.health().complete && capture.lost() == 0,
            "{scenario}: {:?}",
            capture.lost()
        );
        let told = Told::of(&capture);
        let untold = counted(&capture, HeapUser::Untold);
        assert_eq!(plus(told.done, untold), counted(&capture, HeapUser::Program), "{scenario}");
        assert_eq!(told.odd, 0, "{scenario}: sizes that are not those of the blocks");
        let report = Report::open(&[path]).expect("a report");
        let all = of_report(&report.blocks, report.heap.untold.as_ref());
        assert_eq!(all, counted(&capture, HeapUser::Program), "{scenario}");
        (capture, told)
    };
    captures(dir.path()).into_iter().map(open).collect()
}

#[test]
fn whatever_a_program_does_rows_and_counts_are_the_same() {
    for scenario in ["kinds", "threads", "teardown", "before_and_after", "signals"] {
        assert_eq!(balanced(scenario).len(), 1, "{scenario}");
    }
}

#[test]
fn a_session_that_asks_for_all_blocks_has_them_from_its_start_on() {
    for scenario in ["kinds", "threads", "teardown", "before_and_after", "signals"] {
        let recorded = balanced_with(scenario, &[(RECORDS, "full")]);
        let [(capture, told)] = &recorded[..] else { panic!("{scenario}") };
        assert!(told.done[0] > 0, "{scenario}");
        // What the process had allocated before is counted alone.
        assert!(counted(capture, HeapUser::Untold)[0] > 0, "{scenario}");
    }
}

#[test]
fn threads_without_counters_or_rings_are_counted_as_untold() {
    let recorded = balanced("many_threads");
    let untold = counted(&recorded[0].0, HeapUser::Untold);
    assert!(untold[0] >= 76, "{untold:?}");
}

#[test]
fn a_forked_child_and_its_parent_each_tell_their_own_blocks() {
    // The child records nothing after the fork: it has no capture.
    assert_eq!(balanced("fork").len(), 1);
}

#[test]
fn hooks_and_blocks_share_a_ring() {
    let recorded = balanced("recording");
    let (capture, told) = &recorded[0];
    // A vector of four in each round, and its birth between the two events of its block.
    assert!(told.done[0] >= 50_000 && told.done[2] >= 50_000, "{told:?}");

    let blocks = capture.rows::<Heap>().filter_map(|row| row.expect("it is whole").block);
    let births = capture.rows::<Lifecycle>().map(|row| row.expect("it is whole"));
    let blocks: std::collections::HashSet<u64> = blocks.collect();
    let next = births
        .filter(|birth| birth.kind == LifecycleKind::Born && blocks.contains(&(birth.value - 1)));
    assert!(next.count() >= 50_000);
}

#[memscope::track]
fn load() -> Vec<String> {
    let words: Vec<String> = (0..100).map(|word| format!("the word {word:05}")).collect();
    drop(black_box(vec![0_u8; 777]));
    let index: Vec<usize> = nested();
    black_box(&index);
    words
}

#[memscope::track]
fn nested() -> Vec<usize> {
    drop(black_box(vec![0_u8; 888]));
    let inner = black_box(vec![1_usize; 10]);
    inner
}

fn leave(early: bool) -> Option<u8> {
    memscope::track_var!(let value = Box::new(if early { None? } else { 5 }));
    Some(*value)
}

#[memscope::track]
fn left() {
    black_box(leave(true));
    drop(black_box(vec![0_u8; 999]));
}

/// Waits once, in the middle of an initialiser.
#[memscope::track]
async fn waits() {
    let mut waited = false;
    let later: Vec<u8> = {
        drop(black_box(vec![0_u8; 1_111]));
        std::future::poll_fn(|_| match std::mem::replace(&mut waited, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
        vec![0; 1_222]
    };
    drop(black_box(vec![0_u8; 1_333]));
    black_box(&later);
}

#[memscope::track]
fn polls() {
    let mut context = Context::from_waker(Waker::noop());
    for polled_to_its_end in [true, false] {
        let mut future = Box::pin(waits());
        assert!(future.as_mut().poll(&mut context).is_pending());
        drop(black_box(vec![0_u8; 1_444]));
        if polled_to_its_end {
            assert!(future.as_mut().poll(&mut context).is_ready());
        }
        drop(future);
        drop(black_box(vec![0_u8; 1_555]));
    }
}

fn sites() {
    black_box(load());
    left();
    polls();
}

#[test]
fn a_block_belongs_to_what_is_initialised_or_runs() {
    let recorded = balanced("sites");
    let (capture, _) = &recorded[0];
    let name = |id: u32| {
        let site = capture.defs().sites.iter().find(|site| site.id == id);
        site.expect("a site that is defined").name.clone()
    };
    let rows: Vec<Heap> = capture.rows().map(|row| row.expect("it is whole")).collect();
    // The test's own and that of its harness; the drain's is no thread of the program.
    let mut threads: Vec<u32> = rows.iter().map(|row| row.thread).collect();
    threads.sort_unstable();
    threads.dedup();
    assert!(threads.len() <= 2, "{threads:?}");
    let at = |size: u64, kind| {
        let of_size = rows.iter().filter(move |row| (row.size, row.kind) == (size, kind));
        of_size.map(|row| row.site.map(name)).collect::<Vec<_>>()
    };
    let words = at("the word 00000".len() as u64, HeapKind::Alloc);
    assert!(words.len() <= 100);
    let of_words = rows.iter().filter(|row| row.site.map(name).as_deref() == Some("load::words"));
    assert!(of_words.count() >= 100, "{words:?}");
    let here = |name: &str| vec![Some(name.to_owned())];
    assert_eq!(at(777, HeapKind::AllocZeroed), here("load"));
    // The innermost: the function runs while the variable is initialised.
    assert_eq!(at(888, HeapKind::AllocZeroed), here("nested"));
    assert_eq!(at(80, HeapKind::Alloc), here("nested::inner"));
    // An initialiser that was left behind is over.
    assert_eq!(at(999, HeapKind::AllocZeroed), here("left"));
    // While a task waits, and when it is gone, nothing of it is being initialised; when it goes on, it is known to run.
    let twice = |name: &str| [here(name), here(name)].concat();
    assert_eq!(at(1_111, HeapKind::AllocZeroed), twice("waits::later"));
    assert_eq!(at(1_222, HeapKind::AllocZeroed), here("waits"));
    assert_eq!(at(1_333, HeapKind::AllocZeroed), here("waits"));
    assert_eq!(at(1_444, HeapKind::AllocZeroed), twice("polls"));
    assert_eq!(at(1_555, HeapKind::AllocZeroed), twice("polls"));
}

const ROUNDS: u64 = 20_000;

/// Threads that meet no hook.
fn hookless() {
    let threads: Vec<_> = (0..4_u64)
        .map(|thread| {
            let (send, receive) = mpsc::channel::<Vec<u8>>();
            let taker = thread::spawn(move || receive.into_iter().for_each(drop));
            let giver = thread::spawn(move || {
                for round in 0..ROUNDS {
                    let mut block = vec![1; 10_000 + (round % 100 + thread) as usize];
                    block.push(2);
                    drop(send.send(block));
                }
            });
            [taker, giver]
        })
        .collect();
    threads.into_iter().flatten().for_each(|thread| thread.join().expect("it does not panic"));
}

#[test]
fn blocks_of_threads_without_a_hook_are_recorded() {
    let recorded = balanced("hookless");
    let (capture, told) = &recorded[0];
    let untold = counted(capture, HeapUser::Untold);
    assert!(told.done[0] >= 4 * ROUNDS && untold[0] < ROUNDS / 10, "{:?} {untold:?}", told.done);
    let rows: Vec<Heap> = capture.rows().map(|row| row.expect("it is whole")).collect();
    let threads: std::collections::HashSet<u32> = rows.iter().map(|row| row.thread).collect();
    assert!(threads.len() >= 9, "{threads:?}");
}

/// Threads that end as soon as they have a block.
fn short() {
    for _ in 0..3_000 {
        let block = thread::spawn(|| black_box(vec![3_u8; 4_321])).join();
        drop(block.expect("it does not panic"));
    }
}

#[test]
fn short_threads_hand_their_rings_on() {
    let recorded = balanced("short");
    let (capture, told) = &recorded[0];
    let rows: Vec<Heap> = capture.rows().map(|row| row.expect("it is whole")).collect();
    let blocks = rows.iter().filter(|row| row.size == 4_321 && row.kind == HeapKind::Alloc).count();
    assert_eq!(blocks, 3_000, "{told:?}");
    let rings: std::collections::HashSet<u64> =
        rows.iter().filter_map(|row| row.block).map(|block| block >> 48).collect();
    assert!(rings.len() < 100, "{}", rings.len());
}

/// Dies while blocks live.
fn killed() {
    let mut blocks = Vec::new();
    for round in 0..10_000_usize {
        blocks.push(vec![4_u8; 50_000 + round]);
        if round % 3 == 0 {
            blocks.swap_remove(round / 3 % blocks.len());
        }
    }
    std::process::abort();
}

#[test]
fn the_blocks_of_a_program_that_died_are_there_to_the_last() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = play("killed", &[("MEMSCOPE_ALLOC", "full"), (RECORDS, "1")], dir.path());
    assert!(!output.status.success());
    let paths = captures(dir.path());
    let capture = Reader::open(&paths[0]).expect("a capture");
    assert!(!capture.health().complete);
    let told = Told::of(&capture);
    let large = |size: &&u64| (50_000..60_000).contains(*size);
    let live = told.live.values().flatten().filter(large).count();
    assert_eq!(live, 10_000 - 3_334);
    assert_eq!(told.odd, 0);
    assert!(told.live_bytes() > live as u64 * 50_000);
}

/// Bytes of which one is chosen on average, and the small blocks of [`estimated`].
const MEAN: u64 = 4096;
const SMALL: u64 = 240_000;

/// Small blocks of one variable, large ones of another, and one that grows.
fn estimated() {
    // What is freed, and what is left.
    let mut kept = Vec::new();
    for round in 0..SMALL as usize {
        memscope::track_var!(let small = black_box(vec![5_u8; 16 + round % 100]));
        if round % 10 == 0 {
            kept.push(small);
        }
    }
    for round in 0..100_usize {
        memscope::track_var!(let large = black_box(vec![6_u8; 70_000 + round]));
        std::mem::forget(large);
    }
    let mut grown: Vec<u8> = Vec::new();
    while grown.len() < 5 << 20 {
        grown.extend_from_slice(&[7; 1000]);
    }
    std::mem::forget((kept, grown));
}

#[test]
fn what_samples_say_of_all_blocks_is_true_within_the_error() {
    let sampled = format!("sampled={MEAN}");
    estimates_are_true(&[("MEMSCOPE_ALLOC", sampled.as_str()), (RECORDS, "1")]);
    // A session that asks for them.
    estimates_are_true(&[(RECORDS, sampled.as_str())]);
}

fn estimates_are_true(environment: &[(&str, &str)]) {
    let dir = tempfile::tempdir().expect("a directory");
    let output = play("estimated", environment, dir.path());
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let path = captures(dir.path()).remove(0);
    let capture = Reader::open(&path).expect("a capture");
    assert_eq!((capture.health().complete, capture.lost()), (true, 0));
    let report = Report::open(&[path]).expect("a report");
    let of = |name: &str| {
        let is_it =
            |of: &&BlockFigures| matches!(&of.owner, BlockOwner::Site(site) if site.name == name);
        report.blocks.iter().find(is_it).expect("a row")
    };
    // Each block is chosen by itself, one in so many as it stands for: a whole number, at least the reciprocal of the probability
    // that a point lies on it.
    let stands_for = |size: u64| (1.0 / -(-(size as f64) / MEAN as f64).exp_m1()).ceil();
    // So many amounts, one for each block of a size: their sum, and the most by which the estimate may be off.
    let is_true = |figure: &Figure<u64>, sizes: &[u64], amount: fn(u64) -> u64| {
        let truth: u64 = sizes.iter().map(|size| amount(*size)).sum();
        let each = |size: &u64| (stands_for(*size), amount(*size) as f64);
        let variance =
            sizes.iter().map(each).map(|(one_in, amount)| (one_in - 1.0) * amount * amount);
        let most = sizes.iter().map(each).map(|(one_in, amount)| one_in * amount);
        let farthest = farthest(variance.sum(), most.fold(0.0, f64::max));
        let Figure::Sampled { value, error } = figure else { panic!("{figure:?}") };
        assert!(value.abs_diff(truth) as f64 <= farthest, "{figure:?} of {truth}, {farthest} off");
        // It is two standard errors of what was chosen, and says something of the truth.
        assert!(*error > 0 && *error < truth / 2, "{figure:?} of {truth}");
    };
    let (small, large) = (of("small"), of("large"));
    let sizes: Vec<u64> = (0..SMALL).map(|round| 16 + round % 100).collect();
    let left: Vec<u64> = sizes.iter().copied().step_by(10).collect();
    let freed: Vec<u64> =
        (0..SMALL).filter(|round| round % 10 != 0).map(|round| 16 + round % 100).collect();
    is_true(&small.allocations, &sizes, |_| 1);
    is_true(&small.allocated_bytes, &sizes, |size| size);
    is_true(&small.freed_bytes, &freed, |size| size);
    is_true(&small.live_bytes, &left, |size| size);
    // Each is larger than the mean, so that all are there.
    assert_eq!(large.allocated_bytes.value(), Some(&(100 * 70_000 + 99 * 50)));
    assert_eq!(large.live_blocks.value(), Some(&100));
    // The block that grew is found by what it grew to.
    let grown = capture.rows::<Heap>().map(|row| row.expect("it is whole"));
    let last = grown.filter(|row| row.kind == HeapKind::Alloc && row.size >= 5 << 20).count();
    assert_eq!(last, 1);
    assert!(
        report.caveats.iter().any(|caveat| caveat.contains("chosen by chance and by their size"))
    );
}

#[test]
fn sampling_survives_threads_signals_and_forks() {
    for scenario in ["threads", "many_threads", "teardown", "signals", "fork", "hookless", "short"]
    {
        let dir = tempfile::tempdir().expect("a directory");
        // Of 1000 bytes, the least that any of them allocates, none is chosen once in e^25 runs.
        let environment =
            [("MEMSCOPE_ALLOC", "sampled=40"), (RECORDS, "1"), ("MEMSCOPE_RING_KIB", "64")];
        let output = play(scenario, &environment, dir.path());
        assert!(output.status.success() && output.stderr.is_empty(), "{scenario}: {output:?}");
        let capture = Reader::open(&captures(dir.path())[0]).expect("a capture");
        assert!(capture.health().complete, "{scenario}");
        let told = Told::of(&capture);
        assert!(told.done[0] > 0, "{scenario}");
        // Only blocks that were recorded are recorded as freed.
        assert_eq!((told.unknown, told.odd), (0, 0), "{scenario}");
        if scenario == "many_threads" {
            // Each thread beyond those that have counters allocates what would be chosen.
            assert!(capture.lost() >= 76, "{}", capture.lost());
        }
    }
}
