//! What children do.

use crate::truth::{around, between, say};
use memscope::Probe;
use std::arch::asm;
use std::ffi::{CString, c_int, c_void};
use std::hint::black_box;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// Plays a scenario by its name.
pub(crate) fn play(scenario: &str) {
    // The first hook starts the recording.
    memscope::track_var!(let first = vec![1_u8; 3]);
    match scenario {
        "plain" => plain(),
        "later" => later(),
        "elsewhere" => elsewhere(),
        "signal" => signal(),
        "deep" => drop(deep(600)),
        "garbage" => garbage(),
        "loaded" => loaded(),
        "killed" => killed(),
        "forked" => forked(),
        "slow" => slow(),
        other => panic!("{other}"),
    }
    drop(first);
}

/// Sizes of blocks that are all recorded, and by which they are known.
const SIZE: usize = 1 << 20;

/// Allocates a block, and says which calls this is within.
#[inline(never)]
fn block(size: usize) -> Vec<u8> {
    let calls = around(block as *const () as usize);
    let block = black_box(Vec::with_capacity(black_box(size)));
    say(size as u64, &calls);
    block
}

#[inline(never)]
fn outer(size: usize) -> Vec<u8> {
    black_box(inner(size))
}

#[inline(never)]
fn inner(size: usize) -> Vec<u8> {
    let mut block = block(size);
    block.push(1);
    block
}

/// Two sessions of one thread; before the second the environment is another.
fn later() {
    plain();
    memscope::Session::current().unwrap().stop().unwrap();
    // SAFETY: no other thread reads the environment now.
    unsafe { std::env::set_var("MEMSCOPE_STACKS", "all") };
    let _second = memscope::Session::builder().name("second").start().unwrap();
    plain();
}

fn plain() {
    let blocks: Vec<_> = (0..2).map(|number| outer(SIZE + number)).collect();
    let third = inner(SIZE + 2);
    let fourth = block(SIZE + 3);
    let mut grows = black_box(vec![1_u8; 10]);
    grow(&mut grows, SIZE + 4);
    black_box((blocks, third, fourth, grows));
}

#[inline(never)]
fn grow(block: &mut Vec<u8>, size: usize) {
    let calls = around(grow as *const () as usize);
    block.reserve_exact(size - block.len());
    say(size as u64, &calls);
}

fn elsewhere() {
    let on_a_thread = || drop(outer(SIZE));
    thread::spawn(on_a_thread).join().unwrap();
    let mut numbers = [3, 1, 2];
    let mut size = SIZE;
    numbers.sort_by(|a: &i32, b| {
        size += 1;
        drop(outer(size));
        a.cmp(b)
    });
    extern "C" fn compare(a: *const c_void, b: *const c_void) -> c_int {
        drop(outer(SIZE + 100));
        a.addr().cmp(&b.addr()) as c_int
    }
    // SAFETY: it sorts an array of so many, of which nothing is read.
    unsafe { libc::qsort(numbers.as_mut_ptr().cast(), 2, 4, Some(compare)) };
    let boxed: Box<dyn Fn() -> Vec<u8>> = Box::new(|| outer(SIZE + 200));
    drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| black_box(boxed)())));
}

fn signal() {
    extern "C" fn handler(_: c_int) {
        drop(outer(SIZE));
    }
    let handler: extern "C" fn(c_int) = handler;
    // SAFETY: the handler is a function of that type, and nothing else runs that it could disturb: it is raised below.
    unsafe {
        libc::signal(libc::SIGUSR1, handler as *const () as libc::sighandler_t);
        libc::raise(libc::SIGUSR1);
    }
}

#[inline(never)]
fn deep(calls: u32) -> Vec<u8> {
    if calls == 0 { block(SIZE) } else { black_box(deep(black_box(calls - 1))) }
}

fn garbage() {
    let local = [0_u64; 64];
    let on_the_stack = local.as_ptr().addr() as u64;
    let heap = Box::new([0_u64; 64]);
    let words = [0, 1, on_the_stack, on_the_stack + 4, u64::MAX - 7, heap.as_ptr().addr() as u64];
    for (number, word) in (0..).zip(words) {
        with_register(SIZE + number, word);
    }
    black_box((local, heap));
}

/// Allocates while the register that may be a frame pointer has any word. Says the calls around it, too.
#[inline(never)]
fn with_register(size: usize, word: u64) {
    extern "C" fn called(size: usize) {
        let block = inner_in_assembly(size);
        black_box(block);
    }
    say((size + AROUND) as u64, &around(with_register as *const () as usize));
    // SAFETY: the register has its word again afterwards, which a register keeps that no function of C changes; the stack pointer,
    // which is what the tables go by, stays where it is.
    unsafe {
        asm!(
            "mov r12, rbp",
            "mov rbp, {word}",
            "call {called}",
            "mov rbp, r12",
            word = in(reg) word,
            called = sym called,
            in("rdi") size,
            out("r12") _,
            clobber_abi("C"),
        );
    }
}

/// What is added to a block's size, to say the calls around those that are said of it.
pub(crate) const AROUND: usize = 1 << 40;

/// As [`block`], of which the calls are said up to the one that has the register: libgcc would follow it.
#[inline(never)]
fn inner_in_assembly(size: usize) -> Vec<u8> {
    let [this, last] = [inner_in_assembly as *const (), with_register as *const ()];
    let calls = between(this as usize, last as usize);
    let block = black_box(Vec::with_capacity(black_box(size)));
    say(size as u64, &calls);
    block
}

fn loaded() {
    let dir = std::env::var_os("MEMSCOPE_DIR").unwrap();
    let library = std::path::Path::new(&dir).join("libcaller.so");
    let source = "#[unsafe(no_mangle)] pub extern \"C\" fn call_back(f: extern \"C\" fn(usize) -> usize, n: usize) -> usize { f(n) + 1 }";
    let file = library.with_extension("rs");
    std::fs::write(&file, source).unwrap();
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
    rustc.args(["--crate-type=cdylib", "--edition=2024", "-o"]).arg(&library).arg(&file);
    assert!(rustc.status().unwrap().success());
    let name = CString::new(library.to_str().unwrap()).unwrap();
    // SAFETY: the library does nothing when it is loaded, and has a function of this type.
    let call_back: extern "C" fn(extern "C" fn(usize) -> usize, usize) -> usize = unsafe {
        let handle = libc::dlopen(name.as_ptr(), libc::RTLD_NOW);
        assert!(!handle.is_null());
        std::mem::transmute(libc::dlsym(handle, c"call_back".as_ptr()))
    };
    extern "C" fn quiet(size: usize) -> usize {
        black_box(Vec::<u8>::with_capacity(size)).capacity()
    }
    extern "C" fn spoken(size: usize) -> usize {
        outer(size).capacity()
    }
    // The first of these calls says that there is something new; what it is, is asked for by another thread.
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(500) {
        call_back(quiet, SIZE);
        thread::sleep(Duration::from_millis(20));
    }
    call_back(spoken, SIZE + 1);
}

fn killed() {
    drop(outer(SIZE));
    memscope::flush();
    let last = inner(SIZE + 1);
    // SAFETY: it ends this process.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    drop(last);
}

fn forked() {
    let at = |size: usize| drop(outer(size));
    let mut size = SIZE;
    // By the same calls before and after.
    loop {
        memscope::track_var!(let starts = vec![1_u8]);
        at(size);
        drop(starts);
        if size > SIZE {
            std::process::exit(0);
        }
        // SAFETY: the other thread, that of the test harness, only waits; nothing of it is needed in the child.
        let child = unsafe { libc::fork() };
        if child != 0 {
            // SAFETY: it waits for the child that was made above.
            unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
            return;
        }
        size += 1;
    }
}

/// A value that takes its time to be dropped.
#[memscope::track]
struct Slow {
    takes: Duration,
    _probe: Probe<Self>,
}

impl Drop for Patience {
    fn drop(&mut self) {
        thread::sleep(self.0);
    }
}

struct Patience(Duration);

#[memscope::track]
struct Holder {
    inner: Patience,
    slow: Slow,
    _probe: Probe<Self>,
}

fn slow() {
    for takes in [0, 5, 30] {
        let takes = Duration::from_millis(takes);
        let slow = Slow { takes, _probe: Probe::new() };
        let holder = Holder { inner: Patience(slow.takes), slow, _probe: Probe::new() };
        end(holder);
    }
}

#[inline(never)]
fn end(holder: Holder) {
    let calls = around(end as *const () as usize);
    let takes = holder.inner.0.as_millis() as u64;
    drop(black_box(holder));
    if takes > 0 {
        say(takes, &calls);
    }
}
