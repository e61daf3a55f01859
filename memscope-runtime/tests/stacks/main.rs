//! Call stacks are those that libgcc's unwinder finds at the same place, whatever is on the stack.
//!
//! Each test runs this very binary again as a child, which says what the calls were, and compares that with its capture.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(feature = "alloc")))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod scenarios;
mod truth;

use memscope_format::Reader;
use memscope_format::defs::StackDef;
use memscope_format::rows::{DropChain, Heap, HeapKind};
use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Output};

/// Names the scenario that a child plays.
const SCENARIO: &str = "TEST_SCENARIO";

#[global_allocator]
static ALLOCATOR: memscope::Allocator = memscope::Allocator::new();

/// The child's side; does nothing in the run that the user started.
#[test]
fn child() {
    if let Ok(scenario) = std::env::var(SCENARIO) {
        scenarios::play(&scenario);
        std::process::exit(0);
    }
}

/// Plays a scenario in a child.
fn play(scenario: &str, environment: &[(&str, &str)], dir: &Path) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(SCENARIO, scenario)
        .env("MEMSCOPE_DIR", dir)
        .env("MEMSCOPE_ALLOC", "sampled=65536")
        .env_remove("MEMSCOPE")
        .env_remove("MEMSCOPE_STACKS")
        .env_remove("MEMSCOPE_SLOW_DROP")
        .env("RUST_BACKTRACE", "0")
        .envs(environment.iter().copied());
    command.output().unwrap()
}

/// What a child recorded, and what it said.
struct Played {
    capture: Reader,
    /// The calls around the function that allocated, by the size of the block, or the value's number.
    truth: Vec<(u64, Vec<u64>)>,
}

impl Played {
    /// One that leaves one capture.
    fn new(scenario: &str, environment: &[(&str, &str)]) -> Self {
        let mut all = Self::all(scenario, environment);
        assert_eq!(all.len(), 1, "{scenario}");
        all.remove(0)
    }

    /// One of each process.
    fn all(scenario: &str, environment: &[(&str, &str)]) -> Vec<Self> {
        let dir = tempfile::tempdir().unwrap();
        let output = play(scenario, environment, dir.path());
        let killed = scenario == "killed";
        let as_asked = output.status.success() != killed && output.stderr.is_empty();
        assert!(as_asked, "{scenario}: {output:?}");
        let is_capture = |path: &Path| path.extension().is_some_and(|ext| ext == "memscope");
        let mut captures: Vec<_> =
            dir.path().read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        captures.retain(|path| is_capture(path));
        let said = String::from_utf8(output.stdout).unwrap();
        let truth: Vec<_> = said.lines().filter_map(truth::parse).collect();
        let of = |path| Self { capture: Reader::open(path).unwrap(), truth: truth.clone() };
        captures.iter().map(of).collect()
    }

    fn stack(&self, id: u32) -> Option<&StackDef> {
        self.capture.defs().get(id)
    }

    /// The stacks of blocks, by size.
    fn blocks(&self) -> HashMap<u64, Option<u32>> {
        let begins = |row: &Heap| matches!(row.kind, HeapKind::Alloc | HeapKind::Realloc);
        let rows = self.capture.rows::<Heap>().map(Result::unwrap).filter(begins);
        rows.map(|row| (row.size, row.stack)).collect()
    }

    /// Checks that the stack of each block ends with the calls that there were, and with so many at most before them.
    fn holds(&self) {
        let blocks = self.blocks();
        assert!(!self.truth.is_empty());
        for (size, calls) in &self.truth {
            let stack = self.stack(blocks[size].expect("the block has a stack"));
            self.is(stack.expect("the stack is defined"), calls, size);
        }
    }

    fn is(&self, stack: &StackDef, calls: &[u64], what: &u64) {
        let own = stack.addresses.len().checked_sub(calls.len());
        assert!(
            !stack.truncated && stack.addresses.ends_with(calls),
            "{what}: {:x?} is not {calls:x?}",
            stack
        );
        // The function that allocates, the standard library's and memscope's.
        assert!(own.is_some_and(|own| (1..24).contains(&own)), "{what}: {own:?}");
        let modules = &self.capture.defs().modules;
        for address in &stack.addresses {
            let of = modules.iter().filter(|module| (module.start..module.end).contains(address));
            assert_eq!(of.count(), 1, "{address:x}: {modules:x?}");
        }
    }
}

#[test]
fn a_sampled_block_has_the_calls_that_led_to_it() {
    let played = Played::new("plain", &[]);
    played.holds();
    assert_eq!(played.truth.len(), 5);
    // Those of one path are one.
    let blocks = played.blocks();
    let ids: Vec<_> = played.truth.iter().map(|(size, _)| blocks[size]).collect();
    assert_eq!(ids[0], ids[1]);
    assert!(ids[2..].iter().all(|id| *id != ids[0]));
}

#[test]
fn calls_in_threads_and_through_c_and_the_standard_library_are_followed() {
    Played::new("elsewhere", &[]).holds();
}

#[test]
fn a_signal_handler_has_the_calls_that_it_interrupted() {
    Played::new("signal", &[]).holds();
}

#[test]
fn of_a_deep_recursion_the_innermost_calls_are_known_and_that_there_were_more() {
    let played = Played::new("deep", &[]);
    let (size, calls) = &played.truth[0];
    let stack = played.stack(played.blocks()[size].unwrap()).unwrap();
    assert!(stack.truncated && calls.len() > 500);
    assert_eq!(stack.addresses.len(), 128);
    let first = stack.addresses.iter().position(|address| *address == calls[0]).unwrap();
    assert_eq!(stack.addresses[first..], calls[..128 - first]);
}

#[test]
fn a_register_that_is_no_frame_pointer_ends_a_stack_and_nothing_else() {
    let played = Played::new("garbage", &[]);
    let blocks = played.blocks();
    let words = played.truth.iter().filter(|(size, _)| *size < scenarios::AROUND as u64);
    assert_eq!(words.clone().count(), 6);
    for (size, inner) in words {
        let around = size + scenarios::AROUND as u64;
        let (_, around) = played.truth.iter().find(|(what, _)| *what == around).unwrap();
        let stack = played.stack(blocks[size].unwrap()).unwrap();
        // Up to the function that has changed the register all calls are there.
        let calls = &stack.addresses;
        let place = calls.windows(inner.len()).position(|calls| calls == inner);
        let place = place.unwrap_or_else(|| panic!("{calls:x?} has not {inner:x?}"));
        assert!((1..24).contains(&place), "the function that allocates, and what is called by it");
        // What calls that is true, or it is said that it is not known.
        let outer = &calls[place + inner.len()..];
        assert!(around.starts_with(outer), "{outer:x?} is not {around:x?}");
        assert!(stack.truncated || outer.len() == around.len(), "{stack:x?} {around:x?}");
    }
}

#[test]
fn a_library_that_was_loaded_later_is_known_soon() {
    let played = Played::new("loaded", &[]);
    played.holds();
    let paths = |module: &memscope_format::defs::ModuleDef| module.path.clone();
    let modules: Vec<_> = played.capture.defs().modules.iter().map(paths).collect();
    assert!(modules.iter().any(|path| path.ends_with("libcaller.so")), "{modules:?}");
}

#[test]
fn a_killed_process_leaves_stacks_that_are_true_or_unknown() {
    let played = Played::new("killed", &[]);
    let blocks = played.blocks();
    let [(flushed, calls), (last, last_calls)] = played.truth.as_slice() else {
        panic!("{:?}", played.truth)
    };
    let stack = |size| played.stack(blocks[size].expect("the row was recovered"));
    played.is(stack(flushed).unwrap(), calls, flushed);
    if let Some(stack) = stack(last) {
        played.is(stack, last_calls, last);
    }
}

#[test]
fn a_forked_child_defines_the_stacks_that_its_parent_knew() {
    let processes = Played::all("forked", &[]);
    assert_eq!(processes.len(), 2);
    for mut played in processes {
        // Each has one of the blocks.
        let blocks = played.blocks();
        played.truth.retain(|(size, _)| blocks.contains_key(size));
        assert_eq!(played.truth.len(), 1);
        played.holds();
    }
}

#[test]
fn each_block_has_a_stack_if_that_is_wanted_and_none_if_not() {
    let full = ("MEMSCOPE_ALLOC", "full");
    let all = Played::new("plain", &[full, ("MEMSCOPE_STACKS", "all")]);
    all.holds();
    let rows = all.capture.rows::<Heap>().map(Result::unwrap);
    let without = |row: &Heap| row.kind != HeapKind::Free && row.stack.is_none();
    assert_eq!(rows.filter(without).count(), 0);
    for environment in [&[full][..], &[("MEMSCOPE_STACKS", "off")]] {
        let none = Played::new("plain", environment);
        assert!(none.truth.iter().all(|(size, _)| none.blocks()[size].is_none()));
        assert_eq!(none.capture.defs().stacks, []);
    }
}

#[test]
fn a_later_session_takes_the_stacks_that_the_environment_says_then() {
    let both = Played::all("later", &[("MEMSCOPE_ALLOC", "full")]);
    assert_eq!(both.len(), 2);
    for Played { capture, .. } in both {
        let wanted = capture.metadata().unwrap().labels.iter().any(|(key, _)| key == "session");
        let rows = capture.rows::<Heap>().map(Result::unwrap);
        let blocks: Vec<Heap> = rows.filter(|row| row.kind == HeapKind::Alloc).collect();
        assert!(blocks.len() > 2);
        assert!(blocks.iter().all(|row| row.stack.is_some() == wanted), "{wanted}");
    }
}

#[test]
fn a_slow_drop_has_the_calls_that_it_was_within() {
    // Each has a stack if, and only if, it took so long; near that, the clock's scale is not known so well when it ends.
    let slow = |played: &Played, at_least_ms: f64| {
        let sites = &played.capture.defs().sites;
        let holder = sites.iter().find(|site| site.name == "Holder").unwrap().id;
        let rows = played.capture.rows::<DropChain>().map(Result::unwrap);
        let rows: Vec<_> = rows.filter(|row| row.site == holder).collect();
        for row in &rows {
            let ns = played.capture.clock().duration_ns(row.duration.unwrap());
            let times = ns as f64 / 1e6 / at_least_ms;
            assert!(row.stack.is_some() == (times > 1.0) || (0.9..1.1).contains(&times), "{row:?}");
        }
        rows.iter().map(|row| row.stack).collect::<Vec<_>>()
    };
    let played = Played::new("slow", &[]);
    let stacks = slow(&played, 0.1);
    assert_eq!(stacks.len(), 3);
    for (stack, (what, calls)) in stacks[1..].iter().zip(&played.truth) {
        played.is(played.stack(stack.unwrap()).unwrap(), calls, what);
    }
    for environment in [("MEMSCOPE_SLOW_DROP", "off"), ("MEMSCOPE_STACKS", "off")] {
        assert_eq!(slow(&Played::new("slow", &[environment]), f64::INFINITY), [None; 3]);
    }
    let higher = Played::new("slow", &[("MEMSCOPE_SLOW_DROP", "15ms")]);
    assert!(slow(&higher, 15.0)[2].is_some());
}

#[test]
fn what_is_not_known_is_said() {
    let dir = tempfile::tempdir().unwrap();
    for (name, value) in [("MEMSCOPE_STACKS", "some"), ("MEMSCOPE_SLOW_DROP", "soon")] {
        let said = String::from_utf8(play("plain", &[(name, value)], dir.path()).stderr).unwrap();
        assert!(said.starts_with(&format!("memscope: {name}={value} is")), "{said}");
    }
}
