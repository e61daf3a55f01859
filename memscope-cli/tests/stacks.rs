//! The calls that `memscope summary` shows are those that the standard library's backtrace shows at the same place.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use serde_json::Value;
use std::backtrace::Backtrace;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;

#[global_allocator]
static ALLOCATOR: memscope::Allocator = memscope::Allocator::new();

/// Says that this run is the program that is recorded.
const CHILD: &str = "TEST_CHILD";

const SIZE: usize = 3 << 20;

#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    memscope::track_var!(let first = vec![1_u8; 3]);
    on_the_way(1);
    let numbers = black_box(vec![1]);
    numbers.iter().for_each(|number| on_the_way(1 + number));
    std::thread::Builder::new()
        .name("worker".to_owned())
        .spawn(|| on_the_way(4))
        .unwrap()
        .join()
        .unwrap();
    ends_slowly();
    drop(first);
}

#[inline(never)]
fn ends_slowly() {
    memscope::track_var!(let slow = Slow(()));
    black_box(&slow);
}

#[inline(never)]
fn on_the_way(number: usize) {
    black_box(inlined(black_box(number)));
}

#[inline(always)]
fn inlined(number: usize) -> usize {
    inlined_too(number) + 1
}

#[inline(always)]
fn inlined_too(number: usize) -> usize {
    allocates(number) + 1
}

/// Allocates a block of its own size, and says what is around it.
#[inline(never)]
#[expect(clippy::print_stdout, reason = "what the parent is to know")]
fn allocates(number: usize) -> usize {
    let block = black_box(Vec::<u8>::with_capacity(SIZE * black_box(number)));
    let calls = Backtrace::force_capture();
    println!("begin {}\n{calls}\nend", SIZE * number);
    block.capacity()
}

struct Slow(());

impl Drop for Slow {
    fn drop(&mut self) {
        std::thread::sleep(std::time::Duration::from_millis(3));
    }
}

/// A function, and the name of its file with the line, if that is known.
type Frame = (String, Option<(String, u64)>);

fn file_name(path: &str) -> String {
    Path::new(path).file_name().unwrap().to_str().unwrap().to_owned()
}

/// Reads what a backtrace says: a number and a function, and perhaps a line with a place.
fn parsed<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for line in lines.map(str::trim) {
        match line.strip_prefix("at ") {
            Some(place) => {
                let mut place = place.rsplitn(3, ':');
                let line = place.nth(1).unwrap().parse().unwrap();
                frames.last_mut().unwrap().1 = Some((file_name(place.next().unwrap()), line));
            }
            None => {
                let (_, function) = line.split_once(": ").unwrap();
                frames.push((function.to_owned(), None));
            }
        }
    }
    frames
}

/// The functions of a stack in the report.
fn shown(stack: &Value) -> Vec<Frame> {
    let calls = stack["calls"].as_array().unwrap().iter();
    let frames = calls.flat_map(|call| call["frames"].as_array().unwrap());
    let place = |frame: &Value| Some((file_name(frame["file"].as_str()?), frame["line"].as_u64()?));
    frames.map(|frame| (frame["function"].as_str().unwrap().to_owned(), place(frame))).collect()
}

/// Runs this program, or a copy, with recording; returns what it said and its capture.
fn record(program: &Path, dir: &Path) -> (String, PathBuf) {
    let mut command = Command::new(program);
    command
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .env("MEMSCOPE_DIR", dir)
        .env("MEMSCOPE_ALLOC", "sampled");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let files = dir.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let is_capture = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "memscope");
    (String::from_utf8(output.stdout).unwrap(), files.into_iter().find(is_capture).unwrap())
}

fn summary(capture: &Path, options: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_memscope"));
    let output = command.arg("summary").args(options).arg(capture).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_calls_are_those_of_a_backtrace() {
    let dir = tempfile::tempdir().unwrap();
    let (said, capture) = record(&std::env::current_exe().unwrap(), dir.path());
    let report: Value = serde_json::from_str(&summary(&capture, &["--json"])).unwrap();
    let stacks = report["stacks"].as_array().unwrap();
    let mut compared = 0;
    for said in said.split("begin ").skip(1) {
        let (head, rest) = said.split_once('\n').unwrap();
        let calls = parsed(rest.split("\nend").next().unwrap().lines());
        let size: u64 = head.parse().unwrap();
        let of_size = |stack: &&Value| stack["allocated_bytes"]["value"] == size;
        let stack = stacks.iter().find(of_size).unwrap_or_else(|| panic!("{size} {stacks:?}"));
        let shown = shown(&stack["calls"]["known"]);
        let begin = calls.iter().position(|(name, _)| name == "stacks::allocates").unwrap();
        let around = &calls[begin + 1..];
        assert!(shown.ends_with(around), "{shown:#?}\nis not\n{around:#?}");
        let before = &shown[shown.len() - around.len() - 1];
        assert_eq!(before.0, "stacks::allocates");
        // Functions that are inlined are there if the program has debug information.
        let is_known = around.iter().any(|(name, _)| name == "stacks::inlined_too");
        assert_eq!(is_known, calls[begin].1.is_some());
        compared += 1;
    }
    assert_eq!(compared, 3);
    let text = summary(&capture, &[]);
    let of_blocks = text.split("Blocks, by the calls that led to them").nth(1).unwrap();
    let first = of_blocks.lines().nth(2).unwrap();
    assert!(!first.contains("memscope::") && !first.contains("__rust"), "{text}");
    assert!(of_blocks.contains("stacks::on_the_way"), "{text}");
    let of_drops = text.split("Calls that the slowest drops ended in").nth(1).unwrap();
    assert!(of_drops.contains("stacks::ends_slowly"), "{text}");
}

#[test]
fn a_file_that_is_not_the_one_that_ran_gives_no_names() {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copied");
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let (_, capture) = record(&copy, dir.path());
    let names = |text: &str| text.contains("stacks::on_the_way");
    assert!(names(&summary(&capture, &[])));
    std::fs::remove_file(&copy).unwrap();
    let gone = summary(&capture, &[]);
    assert!(!names(&gone) && gone.contains("copied+0x"), "{gone}");
    assert!(gone.contains("the file cannot be read"), "{gone}");
    std::fs::copy(env!("CARGO_BIN_EXE_memscope"), &copy).unwrap();
    let other = summary(&capture, &["--json"]);
    assert!(!names(&other) && other.contains("the file is of another build"), "{other}");
}
