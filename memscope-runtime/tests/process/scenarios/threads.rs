//! Threads that come, go and record without pause.

use super::many;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Values of each of the two threads of [`burst`].
pub(crate) const BURST: u64 = 100_000;
/// Threads of [`short`], in all and at a time.
pub(crate) const SHORT: [u64; 2] = [10_000, 10];
/// Values that the thread of [`runs_on`] has recorded before main returns.
pub(crate) const ACKNOWLEDGED_RUN_ON: u64 = 1_000;
/// Threads of [`endless`].
pub(crate) const ENDLESS_THREADS: u64 = 3;

fn record(values: u64) {
    for i in 0..values {
        memscope::track_var!(let v = Box::new(i));
        std::hint::black_box(&v);
    }
}

pub(super) fn burst() {
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| record(BURST));
        }
    });
}

/// The most memory that this process had so far, in KiB (proc(5)).
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Threads that record a value each.
pub(super) fn short() {
    let before = peak_kib();
    let [all, at_once] = SHORT;
    for _ in 0..all / at_once {
        std::thread::scope(|scope| {
            for _ in 0..at_once {
                scope.spawn(|| record(1));
            }
        });
    }
    println!("grew {}", peak_kib() - before);
}

/// Threads that record as fast as they can, for so long.
pub(super) fn endless(time: Duration) {
    let before = peak_kib();
    let ended = AtomicBool::new(false);
    let values = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..ENDLESS_THREADS {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    record(1_000);
                    values.fetch_add(1_000, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(time);
        ended.store(true, Ordering::Relaxed);
    });
    memscope::flush();
    println!("grew {}\nvalues {}", peak_kib() - before, values.into_inner());
}

/// Flushes of [`flushed`], before each of which a value is recorded.
pub(crate) const FLUSHES: u64 = 100;

/// A thread that flushes while others record as fast as they can; no flush may wait for these to end.
pub(super) fn flushed() {
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..ENDLESS_THREADS {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    record(1_000);
                }
            });
        }
        for number in 0..FLUSHES {
            memscope::track_var!(let mine = Box::new(number));
            std::hint::black_box(&mine);
            memscope::flush();
        }
        // Not through exit, which would write what is left.
        println!("flushed");
        // SAFETY: it ends the process, whatever runs.
        unsafe { libc::_exit(0) };
    });
}

/// Flushes, each behind one value more.
pub(crate) const FLUSHED: u64 = 50;

/// Says what the file holds behind each flush. The rings, which hold it as well, are not beside the copy that is read.
pub(super) fn flush() {
    assert_eq!(memscope::capture_path(), None);
    many();
    let copies = tempfile::tempdir().unwrap();
    for number in 0..FLUSHED {
        {
            memscope::track_var!(let v = vec![number]);
            std::hint::black_box(&v);
        }
        memscope::flush();
        let path = memscope::capture_path().unwrap();
        assert!(memscope_format::Reader::open(&path).unwrap().health().live);
        let copy = copies.path().join("copy.memscope");
        std::fs::copy(path, &copy).unwrap();
        let capture = memscope_format::Reader::open(copy).unwrap();
        let births = capture.rows::<memscope_format::rows::Lifecycle>().count();
        let ends = capture.rows::<memscope_format::rows::DropChain>().count();
        println!("read {} {births} {ends}", capture.events());
    }
}

struct RecordsWhenDropped;

impl Drop for RecordsWhenDropped {
    fn drop(&mut self) {
        record(1);
    }
}

thread_local! {
    static LATE: RecordsWhenDropped = const { RecordsWhenDropped };
}

/// Has this thread record when its thread-locals are destroyed.
pub(super) fn record_late() {
    LATE.with(|_| {});
}

pub(super) fn teardown() {
    let thread = std::thread::spawn(|| {
        record_late();
        record(1);
    });
    thread.join().unwrap();
    // This one records nothing before its thread-locals are destroyed.
    std::thread::spawn(record_late).join().unwrap();
}

pub(super) fn runs_on() {
    static DONE: AtomicU64 = AtomicU64::new(0);
    std::thread::spawn(|| {
        loop {
            record(1);
            DONE.fetch_add(1, Ordering::Release);
        }
    });
    while DONE.load(Ordering::Acquire) < ACKNOWLEDGED_RUN_ON {
        std::thread::yield_now();
    }
}

/// Looks at the signals that memscope's thread would take from those who wait for them.
pub(super) fn drain_mask() {
    many();
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let read = |dir: &std::path::Path, file: &str| std::fs::read_to_string(dir.join(file)).unwrap();
    let drain = tasks
        .map(|task| task.unwrap().path())
        .find(|task| read(task, "comm").trim() == "memscope-drain")
        .unwrap();
    let status = read(&drain, "status");
    let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap().trim();
    let blocked = u64::from_str_radix(blocked, 16).unwrap();
    let terminate = 1 << (libc::SIGTERM - 1);
    assert_ne!(blocked & terminate, 0, "{blocked:x}");
}
