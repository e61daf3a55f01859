//! What children do.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "what the parent is to know")]

pub(crate) mod constructors;
mod contents;
pub(crate) mod deaths;
mod endings;
pub(crate) mod executors;
pub(crate) mod forks;
pub(crate) mod libraries;
pub(crate) mod limits;
pub(crate) mod returns;
pub(crate) mod sampled;
pub(crate) mod sessions;
mod spawns;
pub(crate) mod statics;
mod streams;
mod tasks;
pub(crate) mod threads;

pub(crate) use contents::KEYS;
use memscope::{Durability, Probe};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Values of [`many`].
pub(crate) const MANY: u64 = 20_000;

/// Signals that `signals` handles.
pub(crate) const SIGNALS: u64 = 2_000;
/// Links of the list of `deep`.
pub(crate) const DEPTH: u64 = 1_000;

/// Ends this process by a signal, should it not end by itself: a test that hangs says nothing.
fn end_if_it_hangs() {
    // SAFETY: the call has no preconditions.
    unsafe { libc::alarm(120) };
}

/// Tells the parent which scenario is played.
pub(crate) fn say_played(scenario: &str) {
    // On a line of its own, whatever the harness has written.
    print!("\n{}", crate::harness::played(scenario));
}

/// Plays a scenario by its name.
pub(crate) fn play(scenario: &str) {
    end_if_it_hangs();
    match scenario {
        "ordered" => ordered(),
        "moved" => moved(),
        "containers" => containers(),
        "zero_sized" => zero_sized(),
        "variants" => variants(),
        "own_drop" => own_drop(),
        "tracked" => tracked(),
        "items" => items(),
        "endings" => endings::endings(),
        "calls" => tasks::calls(),
        "calls_unwinding" => tasks::calls_unwinding(),
        "tasks" => tasks::tasks(),
        "contents" => contents::contents(),
        "contents_killed" => {
            contents::contents();
            // SAFETY: a signal to this very process.
            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
        }
        "statics" => statics::statics(),
        "thread_locals" => statics::thread_locals(),
        "constructors" => constructors::constructors(),
        "tokio" => tasks::tokio(),
        "futures" => tasks::futures(),
        "polled_again" => tasks::polled_again(),
        "spawns" => spawns::spawns(),
        "executor_of_tokio" => executors::tokio(),
        "executor_of_smol" => executors::smol(),
        "executor_of_thieves" => executors::thieves(),
        "returns" => returns::returns(),
        "sampled" => sampled::sampled(),
        "sessions" => sessions::one_after_another(),
        "told" => sessions::told(),
        "across" => sessions::across(),
        "rates" => sessions::rates(None, true),
        "rates of 1" => sessions::rates(Some(1), true),
        "rates of 10" => sessions::rates(Some(10), true),
        "rates without calls" => sessions::rates(Some(1), false),
        "without nothing" => streams::without("nothing"),
        "without values" => streams::without("values"),
        "without calls" => streams::without("calls"),
        "without contents" => streams::without("contents"),
        "without readings" => streams::without("readings"),
        "contents_first" => streams::contents_first(),
        "paused" => sessions::paused(),
        "marks" => sessions::marks(),
        "refused" => sessions::refused(),
        "off" => sessions::off(),
        "counters" => sessions::counters(),
        "dropping" => sessions::dropping(),
        "nothing" => {}
        "many" => many(),
        "panic" => deaths::panicking(),
        "at_exit" => deaths::at_exit(),
        "burst" => threads::burst(),
        "threads" => threads::short(),
        "endless" => threads::endless(std::time::Duration::from_secs(2)),
        "teardown" => threads::teardown(),
        "runs_on" => threads::runs_on(),
        "fork" => forks::fork(),
        "busy_fork" => forks::while_others_record(),
        "early_fork" => forks::while_recording_starts(),
        "other_programs" => forks::other_programs(),
        "becomes_another" => forks::becomes_another(),
        "drain_mask" => threads::drain_mask(),
        "signals" => signals(),
        "error_number" => error_number(),
        "allocator" => allocator(),
        "namesakes" => namesakes(),
        "deep" => deep(),
        "flush" => threads::flush(),
        "flushed" => threads::flushed(),
        "limited" => crate::sinks::limited(),
        "limited_killed" => {
            crate::sinks::limited();
            // SAFETY: a signal to this very process.
            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
        }
        "commits" => crate::sinks::commits(None),
        "commits as told" => crate::sinks::commits(Some(Durability::Commit)),
        "commits when the system sees fit" => crate::sinks::commits(Some(Durability::System)),
        "library" => libraries::with_a_library(true),
        "library_killed" => libraries::with_a_library(false),
        _ if let Some(how) = scenario.strip_prefix("dies_") => deaths::die(how),
        _ if let Some(limit) = scenario.strip_prefix("limit_") => limits::play(limit),
        _ => panic!("no scenario is called {scenario}"),
    }
}

/// Makes and drops one value after another.
pub(crate) fn many() {
    for i in 0..MANY {
        memscope::track_var!(let v = vec![i]);
        std::hint::black_box(&v);
    }
}

#[memscope::track]
struct Outer {
    names: Vec<String>,
    bytes: String,
    probe: Probe<Self>,
}

impl Outer {
    fn new() -> Self {
        let mut names = Vec::with_capacity(4);
        names.push("ada".to_owned());
        Self { names, bytes: "xyz".to_owned(), probe: Probe::new() }
    }
}

#[memscope::track]
fn ordered() {
    let outer = Outer::new();
    let inner = vec![1_u8];
    std::hint::black_box((&outer.names, &outer.bytes, &outer.probe, &inner));
}

#[memscope::track]
struct Owner {
    probe: Probe<Self>,
}

#[memscope::track]
fn moved() {
    let a = Owner { probe: Probe::new() };
    let b = a;
    std::hint::black_box(&b.probe);
}

fn containers() {
    let mut vector = Vec::<u32>::with_capacity(5);
    vector.extend([1, 2]);
    let mut string = String::with_capacity(10);
    string.push_str("abc");
    let counted = Rc::new(1_u64);
    let (_other, _weak) = (Rc::clone(&counted), Rc::downgrade(&counted));
    let atomic = Arc::new(1_u64);
    let boxed = Box::new(1_u64);
    let map = HashMap::from([(1_u8, 2_u32)]);
    let tree = BTreeMap::from([(1_u8, 2_u8)]);
    let queue = VecDeque::from([1_u16, 2]);
    memscope::snapshot!(vector);
    memscope::snapshot!(string);
    memscope::snapshot!(counted);
    memscope::snapshot!(atomic);
    memscope::snapshot!(boxed);
    memscope::snapshot!(map);
    memscope::snapshot!(tree);
    memscope::snapshot!(queue);
}

#[memscope::track(drop = off)]
struct Id<T> {
    number: u64,
    owner: PhantomData<T>,
    unit: (),
}

/// A type that is called as the markers of the standard library are.
mod misleading {
    pub(super) struct PhantomData<T>(pub(super) [T; 0]);
}

#[memscope::track(drop = off)]
struct Marked<'a, T> {
    taken: PhantomData<fn(T)>,
    pointed: PhantomData<*mut T>,
    lent: PhantomData<&'a str>,
    celled: PhantomData<std::cell::Cell<u8>>,
    other: misleading::PhantomData<T>,
}

fn zero_sized() {
    let (taken, pointed, lent, celled) = (PhantomData, PhantomData, PhantomData, PhantomData);
    let other = misleading::PhantomData([]);
    memscope::track_var!(let marked = Marked::<u16> { taken, pointed, lent, celled, other });
    std::hint::black_box((
        marked.taken,
        marked.pointed,
        marked.lent,
        marked.celled,
        &marked.other.0,
    ));
    memscope::track_var!(let marker = PhantomData::<u8>);
    memscope::track_var!(let id = Id::<u64> { number: 1, owner: PhantomData, unit: () });
    std::hint::black_box((marker, id.number, id.owner, id.unit));
}

#[memscope::track]
enum Message {
    Empty,
    Texts(Vec<String>, u8),
    Named { text: String, probe: Probe<Self> },
}

fn variants() {
    let mut text = String::with_capacity(9);
    text.push('x');
    drop(Message::Named { text, probe: Probe::new() });
    drop(Message::Texts(Vec::with_capacity(3), 1));
    drop(Message::Empty);
}

#[memscope::track(drop = off)]
struct Closes {
    log: Vec<u8>,
}

#[memscope::track]
impl Drop for Closes {
    fn drop(&mut self) {
        self.log.push(1);
    }
}

#[memscope::track]
fn own_drop() {
    let moved = Closes { log: Vec::new() };
    let dropped = moved;
    std::hint::black_box(&dropped.log);
}

#[memscope::track(tags("shop"))]
mod shop {
    pub(super) struct Till {
        pub(super) coins: Vec<u8>,
    }

    impl Till {
        pub(super) fn count(self) -> usize {
            let coins = self.coins;
            coins.len()
        }

        #[memscope::track(name = "by_itself", vars(chosen), tags("io", "slow"))]
        pub(super) fn itself(&self) -> usize {
            let chosen = self.coins.clone();
            let left_out = chosen.clone();
            left_out.len()
        }

        #[memscope::track(skip)]
        pub(super) fn skipped(&self) -> usize {
            let coins = self.coins.clone();
            coins.len()
        }
    }
}

fn tracked() {
    memscope::track_var!(own mut dropped = Vec::<u8>::with_capacity(7));
    dropped.extend([1, 2]);
    let copy = dropped.clone();
    let moved = memscope::tracked!(String::from("abc"));
    assert_eq!((moved.into_inner().as_str(), copy.len()), ("abc", 2));
    drop(dropped);
}

fn items() {
    let till = shop::Till { coins: vec![1] };
    assert_eq!((till.itself(), till.skipped(), till.count()), (1, 1, 1));
}

static HANDLED: AtomicU64 = AtomicU64::new(0);

/// Records in a signal handler that interrupts recording.
fn signals() {
    extern "C" fn handler(_: libc::c_int) {
        memscope::track_var!(let handled = 1_u64);
        std::hint::black_box(&handled);
        HANDLED.fetch_add(1, Ordering::Relaxed);
    }
    let handler: extern "C" fn(libc::c_int) = handler;
    // The first event of a thread, and the first of a site, allocate and take a lock: neither may be in the middle of anything.
    many();
    handler(0);
    // SAFETY: the handler records, which is what is tried, and counts; the other call has no preconditions.
    let this = unsafe {
        libc::signal(libc::SIGALRM, handler as libc::sighandler_t);
        libc::pthread_self()
    };
    let is_over = || HANDLED.load(Ordering::Relaxed) >= SIGNALS;
    let mut made = 0_u64;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over() {
                // To that thread, not to the process, whose others record nothing that could be interrupted.
                // SAFETY: it waits for this one.
                unsafe { libc::pthread_kill(this, libc::SIGALRM) };
                std::thread::sleep(std::time::Duration::from_micros(50));
            }
        });
        while !is_over() {
            memscope::track_var!(let value = made);
            made += 1;
            std::hint::black_box(&value);
        }
    });
    println!("values {}", made + HANDLED.load(Ordering::Relaxed));
}

/// Asks for the error number of a failed call behind hooks: the first, which start the recording, and those that wait for room.
fn error_number() {
    for i in 0..MANY {
        // SAFETY: no descriptor has this number, so that nothing is closed.
        assert_eq!(unsafe { libc::close(-1) }, -1);
        memscope::track_var!(let v = vec![i]);
        std::hint::black_box(&v);
        drop(v);
        assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EBADF), "{i}");
    }
}

/// An allocator that a user has annotated.
#[cfg(not(feature = "alloc"))]
struct Tracking;

#[cfg(not(feature = "alloc"))]
// SAFETY: everything is handed on to the system's allocator.
unsafe impl std::alloc::GlobalAlloc for Tracking {
    unsafe fn alloc(&self, layout: std::alloc::Layout) -> *mut u8 {
        if TRACK_ALLOCATIONS.load(Ordering::Relaxed) {
            memscope::track_var!(let size = layout.size());
            std::hint::black_box(&size);
        }
        // SAFETY: as the caller promises.
        unsafe { std::alloc::System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: std::alloc::Layout) {
        // SAFETY: as the caller promises.
        unsafe { std::alloc::System.dealloc(block, layout) }
    }
}

#[cfg(not(feature = "alloc"))]
#[global_allocator]
static ALLOCATOR: Tracking = Tracking;

static TRACK_ALLOCATIONS: AtomicBool = AtomicBool::new(false);

fn allocator() {
    TRACK_ALLOCATIONS.store(true, Ordering::Relaxed);
    for i in 0..1_000_u64 {
        std::hint::black_box(vec![i; 4]);
    }
    std::thread::spawn(|| std::hint::black_box(vec![1; 4])).join().unwrap();
    TRACK_ALLOCATIONS.store(false, Ordering::Relaxed);
}

/// Two types with one name and other sizes.
fn namesakes() {
    fn small() {
        #[derive(Clone, Copy)]
        struct S(#[expect(dead_code, reason = "its size is what counts")] u8);
        memscope::track_var!(let v = vec![S(1); 3]);
        std::hint::black_box(&v);
    }
    fn large() {
        #[derive(Clone, Copy)]
        struct S(#[expect(dead_code, reason = "its size is what counts")] [u8; 800]);
        memscope::track_var!(let v = vec![S([1; 800]); 3]);
        std::hint::black_box(&v);
    }
    small();
    large();
}

#[memscope::track]
struct Link {
    next: Option<Box<Link>>,
    probe: Probe<Self>,
}

/// A drop that goes deeper than a recorder keeps account of.
fn deep() {
    let mut list = None;
    for _ in 0..DEPTH {
        list = Some(Box::new(Link { next: list, probe: Probe::new() }));
    }
    std::hint::black_box(&list.as_ref().map(|link| (&link.next, &link.probe)));
}
