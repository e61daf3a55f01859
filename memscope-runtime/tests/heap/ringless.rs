//! Threads that find no room for a ring while others record.

use crate::blocks::{RECORDS, captures};
use crate::play;
use memscope::Session;
use memscope_format::Reader;
use memscope_format::rows::{Heap, HeapKind};
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;

/// Blocks that such a thread allocates in each of two sessions.
const BLOCKS: u64 = 1_000;

/// Lets no file grow beyond so many bytes, or as long as it may.
fn limit_files(most: Option<u64>) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is this process's own, and the variable this function's.
    let set = unsafe {
        libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit);
        limit.rlim_cur = most.unwrap_or(limit.rlim_max);
        libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit)
    };
    assert_eq!(set, 0);
}

/// The child's side: a thread allocates while the file of the rings may not grow by another, and in a session in which it may.
pub(crate) fn ringless() {
    limit_files(Some(3 << 19));
    let turn = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..2 {
                for _ in 0..BLOCKS {
                    drop(black_box(vec![1_u8; 1_000]));
                }
                turn.wait();
                turn.wait();
            }
        });
        turn.wait();
        Session::current().expect("a hook began it").stop().expect("it ends");
        limit_files(None);
        let second = Session::builder().start().expect("it starts");
        turn.wait();
        turn.wait();
        second.stop().expect("it ends");
        turn.wait();
    });
}

#[test]
fn sampled_blocks_that_nobody_records_are_counted_as_lost() {
    let dir = tempfile::tempdir().expect("a directory");
    // Each block of so many bytes is chosen.
    let environment =
        [("MEMSCOPE_ALLOC", "sampled=1000"), (RECORDS, "1"), ("MEMSCOPE_RING_KIB", "1024")];
    let output = play("ringless", &environment, dir.path());
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let found = captures(dir.path()).into_iter().map(|path| {
        let capture = Reader::open(path).expect("a capture");
        assert!(capture.health().complete);
        let rows = capture.rows::<Heap>().map(|row| row.expect("it is whole"));
        let blocks = rows.filter(|row| row.kind == HeapKind::Alloc && row.size == 1_000);
        (capture.lost(), blocks.count() as u64)
    });
    let mut found: Vec<(u64, u64)> = found.collect();
    found.sort_unstable();
    let [with_room, without] = found[..] else { panic!("{found:?}") };
    assert_eq!(with_room, (0, BLOCKS));
    // Few others are as large, or are chosen.
    assert!((BLOCKS..BLOCKS + 100).contains(&without.0) && without.1 == 0, "{without:?}");
}
