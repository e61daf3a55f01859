//! What children do: they check by themselves, and fail if the counts are not the truth.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "what the parent is to know")]

use crate::truth::{Arena, Truth, peak, truth};
use crate::{blocks, left, reused, ringless};
use memscope::{Allocator, Heap, HeapCounts, ThreadHeap};
use std::alloc::{GlobalAlloc, Layout, alloc, alloc_zeroed, dealloc, realloc};
use std::cell::RefCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

/// Plays a scenario by its name.
pub(crate) fn play(scenario: &str) {
    match scenario {
        "kinds" => kinds(),
        "threads" => threads(),
        "many_threads" => many_threads(),
        "teardown" => teardown(),
        "before_and_after" => before_and_after(),
        "signals" => signals(),
        "fork" => fork(),
        "recording" => recording(),
        "peak" => peaks(),
        "off" => off(),
        "left" => left::left(),
        "reused" => reused::reused(),
        "ringless" => ringless::ringless(),
        other => blocks::play_blocks(other),
    }
}

/// The counts, which are the truth: whenever no other thread, such as that of the test harness, is about to allocate or free
/// while they are read.
fn checked() -> Heap {
    read_until_true().unwrap_or_else(|last| {
        panic!("not the truth, or other threads never rest, or reading allocates: {last:?}")
    })
}

/// The counts as soon as they are the truth; else what both were last.
fn read_until_true() -> Result<Heap, (Truth, Truth)> {
    let mut last = None;
    for _ in 0..10_000 {
        let before = truth();
        let heap = memscope::heap().expect("the allocator is watched");
        let counted = sum(heap.program, heap.memscope);
        if before == truth() && counted == before {
            return Ok(heap);
        }
        last = Some((before, counted));
        thread::yield_now();
    }
    Err(last.expect("it was read"))
}

fn sum(program: HeapCounts, memscope: HeapCounts) -> Truth {
    Truth {
        allocations: program.allocations + memscope.allocations,
        reallocations: program.reallocations + memscope.reallocations,
        frees: program.frees + memscope.frees,
        allocated_bytes: program.allocated_bytes + memscope.allocated_bytes,
        freed_bytes: program.freed_bytes + memscope.freed_bytes,
    }
}

fn of_thread() -> ThreadHeap {
    memscope::thread_heap().expect("the thread is counted")
}

/// What this thread did since: allocations, reallocations, frees, bytes allocated, bytes freed.
fn since(before: HeapCounts) -> [u64; 5] {
    let now = of_thread().counts;
    [
        now.allocations - before.allocations,
        now.reallocations - before.reallocations,
        now.frees - before.frees,
        now.allocated_bytes - before.allocated_bytes,
        now.freed_bytes - before.freed_bytes,
    ]
}

fn kinds() {
    let layout = |size, align| Layout::from_size_align(size, align).unwrap();
    let first = checked();
    if !blocks::records() {
        assert_eq!(first.memscope.allocations, first.memscope.frees);
    }
    let before = of_thread().counts;
    // SAFETY: sizes are not 0, and each block is used and freed with its layout.
    unsafe {
        let block = alloc(layout(100, 8));
        assert_eq!(since(before), [1, 0, 0, 100, 0]);
        let block = realloc(black_box(block), layout(100, 8), 5_000);
        assert_eq!(since(before), [1, 1, 0, 5_000, 0]);
        let block = realloc(black_box(block), layout(5_000, 8), 50);
        assert_eq!(since(before), [1, 2, 0, 5_000, 4_950]);
        let zeroed = alloc_zeroed(layout(64, 1));
        assert_eq!(black_box(zeroed).read(), 0);
        let aligned = alloc(layout(10, 8192));
        assert_eq!(aligned.addr() % 8192, 0);
        assert_eq!(since(before), [3, 2, 0, 5_074, 4_950]);
        // The system has no such block: nothing was allocated, and the old one stays.
        let huge = isize::MAX as usize - 4096;
        assert!(black_box(alloc(layout(black_box(huge), 8))).is_null());
        assert!(black_box(realloc(block, layout(50, 8), black_box(huge))).is_null());
        assert_eq!(since(before), [3, 2, 0, 5_074, 4_950]);
        checked();
        dealloc(block, layout(50, 8));
        dealloc(zeroed, layout(64, 1));
        dealloc(aligned, layout(10, 8192));
    }
    assert_eq!(since(before), [3, 2, 3, 5_074, 5_074]);
    let now = of_thread().counts;
    assert_eq!(now.live_bytes(), before.live_bytes());
    assert_eq!(now.live_blocks(), before.live_blocks());
    checked();
}

/// Blocks that one thread allocates and another one frees.
const HANDED_ON: usize = 10_000;

fn threads() {
    for _ in 0..3 {
        let before = checked();
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                thread::spawn(move || {
                    let (send, receive) = mpsc::sync_channel::<Vec<u8>>(64);
                    let other = thread::spawn(move || {
                        let start = of_thread().counts.live_blocks();
                        receive.into_iter().for_each(|block| drop(black_box(block)));
                        // It frees more than it allocates.
                        assert!(of_thread().counts.live_blocks() < start);
                    });
                    for i in 0..HANDED_ON {
                        let mut block = vec![1_u8; 1 + (i * 37 + worker) % 3_000];
                        block.extend_from_slice(&[2; 100]);
                        send.send(block).unwrap();
                    }
                    drop(send);
                    other.join().unwrap();
                })
            })
            .collect();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        let after = checked();
        let more = after.program.allocations - before.program.allocations;
        assert!(more >= 4 * HANDED_ON as u64);
        assert!(after.program.reallocations - before.program.reallocations >= 4 * HANDED_ON as u64);
    }
}

fn many_threads() {
    const THREADS: usize = 1_100;
    let all_run = Arc::new(Barrier::new(THREADS + 1));
    let without = Arc::new(AtomicU64::new(0));
    let threads: Vec<_> = (0..THREADS)
        .map(|i| {
            let (all_run, without) = (Arc::clone(&all_run), Arc::clone(&without));
            let builder = thread::Builder::new().stack_size(64 << 10);
            let run = move || {
                let block = black_box(vec![0_u8; 1 + i]);
                if memscope::thread_heap().is_none() {
                    without.fetch_add(1, Ordering::Relaxed);
                }
                all_run.wait();
                all_run.wait();
                drop(block);
            };
            builder.spawn(run).unwrap()
        })
        .collect();
    all_run.wait();
    assert!(without.load(Ordering::Relaxed) >= 76, "1024 threads have counters to themselves");
    checked();
    all_run.wait();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    checked();
}

struct Last(&'static str);

impl Drop for Last {
    fn drop(&mut self) {
        // What this uses may be gone already.
        let _ = LAST.try_with(|last| last.borrow_mut().push(vec![1; 33]));
        drop(black_box(self.0.to_owned()));
    }
}

thread_local! {
    static FIRST: Last = const { Last("first") };
    static LAST: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Frees a box, and makes another one in the first two rounds.
extern "C" fn of_key(value: *mut libc::c_void) {
    // SAFETY: the value is a leaked box of this type.
    let rounds = *unsafe { Box::from_raw(value.cast::<u64>()) };
    if rounds > 0 {
        set_key(rounds - 1);
    }
}

static KEY: AtomicU64 = AtomicU64::new(0);

fn set_key(rounds: u64) {
    let value = Box::into_raw(Box::new(rounds)).cast();
    // SAFETY: the key was made by `teardown`.
    unsafe { libc::pthread_setspecific(KEY.load(Ordering::SeqCst) as libc::pthread_key_t, value) };
}

fn teardown() {
    let mut key = 0;
    // SAFETY: the destructor is a function of this program.
    assert_eq!(unsafe { libc::pthread_key_create(&raw mut key, Some(of_key)) }, 0);
    KEY.store(key.into(), Ordering::SeqCst);
    for _ in 0..20 {
        let before = checked().program;
        let run = || {
            FIRST.with(|_| LAST.with(|last| last.borrow_mut().push(vec![0; 33])));
            set_key(2);
        };
        thread::spawn(run).join().unwrap();
        let after = checked().program;
        // Two vectors and a text of thread-locals, and three boxes of the key.
        assert!(after.allocations - before.allocations >= 6);
    }
}

static EARLY: AtomicU64 = AtomicU64::new(0);

/// Run by the system before `main`.
extern "C" fn early() {
    let block = black_box(vec![3_u8; 777]);
    let counted = memscope::thread_heap().map_or(0, |heap| heap.counts.allocated_bytes);
    EARLY.store(counted, Ordering::SeqCst);
    std::mem::forget(block);
}

// SAFETY: what is in this section are functions of this type, called once with arguments that they may ignore.
#[unsafe(link_section = ".init_array")]
#[used]
static BEFORE_MAIN: extern "C" fn() = early;

extern "C" fn late() {
    let block = black_box(vec![4_u8; 888]);
    let is_true = read_until_true().is_ok();
    drop(block);
    if !is_true {
        std::process::abort();
    }
}

fn before_and_after() {
    assert!(EARLY.load(Ordering::SeqCst) >= 777);
    assert!(checked().program.live_bytes() >= 777);
    // SAFETY: the handler is a function of this program.
    unsafe { libc::atexit(late) };
}

static ARENA: Allocator<Arena> = Allocator::of(Arena);
static HANDLED: AtomicU64 = AtomicU64::new(0);

extern "C" fn handler(_: libc::c_int) {
    let layout = Layout::new::<[u64; 3]>();
    // SAFETY: the size is not 0, and the block, if there is one left, is freed as it was allocated.
    unsafe {
        let block = black_box(ARENA.alloc(layout));
        if !block.is_null() {
            ARENA.dealloc(block, layout);
        }
    }
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

fn signals() {
    const SIGNALS: u64 = 3_000;
    let interval = libc::timeval { tv_sec: 0, tv_usec: 50 };
    let timer = libc::itimerval { it_interval: interval, it_value: interval };
    let layout = Layout::new::<u64>();
    // SAFETY: the handler only uses what may be used at any time; the timer sends it signals.
    unsafe {
        libc::signal(libc::SIGALRM, handler as *const () as libc::sighandler_t);
        libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut());
    }
    // A static allocator, so that nearly all of the time is spent in counting.
    while HANDLED.load(Ordering::Relaxed) < SIGNALS {
        for _ in 0..100 {
            // SAFETY: as above. The arena may be used up; then there is no block.
            unsafe {
                let block = black_box(ARENA.alloc(layout));
                if !block.is_null() {
                    ARENA.dealloc(block, layout);
                }
            }
        }
    }
    // SAFETY: no timer is a timer.
    unsafe {
        let none: libc::itimerval = std::mem::zeroed();
        libc::setitimer(libc::ITIMER_REAL, &raw const none, std::ptr::null_mut());
    }
    checked();
}

fn fork() {
    let kept = black_box(vec![5_u8; 1_000]);
    checked();
    let before = of_thread();
    // SAFETY: the child only does what a program with other threads may do after a fork, on Linux.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let more = black_box(vec![6_u8; 2_000]);
        checked();
        let now = of_thread().counts;
        let is_right = now.live_bytes() == before.counts.live_bytes() + 2_000;
        drop(more);
        // SAFETY: the call has no preconditions.
        unsafe { libc::_exit(i32::from(!is_right)) };
    }
    let mut status = 0;
    // SAFETY: the pointer is to a variable.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert_eq!(status, 0);
    assert_eq!(of_thread(), before);
    checked();
    drop(kept);
}

/// Says what was counted, behind the capture's end.
extern "C" fn tell() {
    let heap = memscope::heap().unwrap();
    println!("{:?}", super::readings_of(&heap));
}

fn recording() {
    // SAFETY: the handler is a function of this program. It is run behind that of the recording, which begins later.
    unsafe { libc::atexit(tell) };
    let before = of_thread().counts;
    for i in 0..50_000_u64 {
        memscope::track_var!(let value = vec![i; 4]);
        black_box(&value);
    }
    assert_eq!(since(before), [50_000, 0, 50_000, 50_000 * 32, 50_000 * 32]);
    memscope::flush();
    let heap = memscope::heap().unwrap();
    assert!(heap.memscope.allocations > 100, "{heap:?}");
    // The path is the program's, from its allocation to its end.
    let before = of_thread().counts;
    assert!(memscope::capture_path().is_some());
    let [allocations, _, frees, allocated, freed] = since(before);
    assert_eq!((allocations, frees, allocated), (1, 1, freed));
    checked();
}

fn peaks() {
    // One thread after another, each of which is the only one that allocates.
    let block = black_box(vec![7_u8; 10 << 20]);
    drop(block);
    let (heap, real) = (checked(), peak());
    let width = heap.peak_bytes.end() - heap.peak_bytes.start();
    assert!(heap.peak_bytes.contains(&real) && width <= 4 * (32 << 10), "{heap:?} {real}");
    let thread_peak = of_thread().peak_bytes;
    assert!((10 << 20..11 << 20).contains(&thread_peak), "{thread_peak}");

    // Several at once, of which some only free.
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..4_usize)
        .map(|worker| {
            let (send, receive) = mpsc::sync_channel::<Vec<u8>>(8);
            let stop = Arc::clone(&stop);
            let frees = thread::spawn(move || receive.into_iter().for_each(drop));
            let allocates = thread::spawn(move || {
                let mut i = worker;
                while !stop.load(Ordering::Relaxed) {
                    i += 1;
                    send.send(vec![0; (i * 7919) % (3 << 20)]).unwrap();
                }
            });
            [frees, allocates]
        })
        .collect();
    thread::sleep(std::time::Duration::from_millis(300));
    stop.store(true, Ordering::Relaxed);
    workers.into_iter().flatten().for_each(|worker| worker.join().unwrap());
    let (heap, real) = (checked(), peak());
    // A block that is allocated and not counted yet is in the truth alone: one for each thread that allocates.
    assert!(*heap.peak_bytes.start() <= real, "{heap:?} {real}");
    assert!(real <= heap.peak_bytes.end() + 4 * (3 << 20), "{heap:?} {real}");
    let width = heap.peak_bytes.end() - heap.peak_bytes.start();
    // The two sums that bound it are apart by what was between them, a block for each thread at most.
    assert!(width <= 16 * (32 << 10) + 8 * (3 << 20), "{heap:?}");
}

fn off() {
    drop(black_box(vec![1_u8; 100]));
    assert_eq!(memscope::heap(), None);
    assert_eq!(memscope::thread_heap(), None);
}
