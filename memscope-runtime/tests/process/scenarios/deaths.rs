//! Processes that end, one way or another.

use super::many;
use super::threads::record_late;
use memscope::Probe;

/// Nodes of the list of [`stack_overflow`]: far more than a stack has room for the drops of.
pub(crate) const NODES: u64 = 100_000;

/// Records, and ends as the rest of the scenario's name says.
pub(super) fn die(how: &str) {
    if how == "by_stack_overflow" {
        return stack_overflow();
    }
    many();
    match how {
        "at_once" => {
            // SAFETY: the call has no preconditions.
            unsafe { libc::_exit(8) }
        }
        "by_exit" => std::process::exit(7),
        "by_abort" => std::process::abort(),
        "by_hook" => {
            std::panic::set_hook(Box::new(|_| std::process::abort()));
            panicking();
        }
        "by_access" => {
            // SAFETY: not at all, which is the point: the address is mapped by nobody.
            unsafe { std::ptr::without_provenance_mut::<u8>(16).write_volatile(1) };
        }
        number => {
            let signal = number.parse().unwrap();
            // SAFETY: a signal to this very process, which kills it also if whoever started the tests ignores it, as `nohup` does.
            unsafe {
                libc::signal(signal, libc::SIG_DFL);
                libc::kill(libc::getpid(), signal);
            }
        }
    }
}

struct Panics;

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("as the scenario wants");
    }
}

#[memscope::track]
pub(super) fn panicking() {
    let caught = std::panic::catch_unwind(|| {
        memscope::track_var!(let outer = vec![1_u8]);
        memscope::track_var!(let inner = Panics);
        std::hint::black_box((&outer, &inner));
    });
    assert!(caught.is_err());
}

#[memscope::track]
struct Node {
    next: Option<Box<Node>>,
    probe: Probe<Self>,
}

/// Drops a list that is too long to be dropped node within node.
fn stack_overflow() {
    let mut list = None;
    for _ in 0..NODES {
        list = Some(Box::new(Node { next: list, probe: Probe::new() }));
    }
    std::hint::black_box(&list.as_ref().map(|node| (&node.next, &node.probe)));
}

extern "C" fn records_at_exit() {
    memscope::track_var!(let v = vec![1]);
    std::hint::black_box(&v);
}

/// Records in what runs at exit: before memscope's own handler, after it, and in a thread-local of the thread that exits.
pub(super) fn at_exit() {
    // SAFETY: a function that lives as long as the program.
    unsafe { libc::atexit(records_at_exit) };
    many();
    // SAFETY: as above.
    unsafe { libc::atexit(records_at_exit) };
    record_late();
    std::process::exit(7);
}
