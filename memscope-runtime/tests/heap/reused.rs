//! A block's address may be another thread's before the call that gave it up has returned.

use crate::blocks::{RECORDS, captures};
use crate::play;
use memscope::Allocator;
use memscope_format::Reader;
use memscope_format::rows::{Heap, HeapKind};
use std::alloc::{GlobalAlloc, Layout};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering::SeqCst};
use std::thread;

/// The mean distance of what is recorded: the greatest there may be, so that a block of a byte is recorded once in 2^31.
const MEAN: usize = 1 << 31;

/// Has room for two blocks, of any size, since nobody writes to them. Whichever is given up is given to another thread at once, which
/// gives it up, too; only then does the call return.
struct Handing;

static PLACES: [u128; 2] = [0; 2];
static FREE: [AtomicPtr<u8>; 2] = [const { AtomicPtr::new(null_mut()) }; 2];
/// Whether blocks are given to another thread.
static HANDS: AtomicBool = AtomicBool::new(false);

impl Handing {
    fn give_up(&self, block: *mut u8) {
        let place = FREE.iter().find(|place| place.load(SeqCst).is_null());
        place.expect("room for each block").store(block, SeqCst);
        if HANDS.swap(false, SeqCst) {
            let other = thread::spawn(|| {
                let layout = Layout::new::<u8>();
                // SAFETY: nobody uses the block.
                unsafe { HANDED.dealloc(HANDED.alloc(layout), layout) };
            });
            other.join().expect("it does not panic");
        }
    }
}

// SAFETY: no block is used by anybody, nor given to two at a time.
unsafe impl GlobalAlloc for Handing {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        // The one that was given up last.
        let taken = FREE.iter().rev().map(|place| place.swap(null_mut(), SeqCst));
        taken.into_iter().find(|block| !block.is_null()).unwrap_or(null_mut())
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        self.give_up(block);
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if new_size == usize::MAX {
            return null_mut();
        }
        // SAFETY: as above.
        let new = unsafe { self.alloc(layout) };
        self.give_up(block);
        new
    }
}

static HANDED: Allocator<Handing> = Allocator::of(Handing);

/// Frees, moves, and fails to move a block that is recorded; each time its address is another thread's in between.
pub(crate) fn reused() {
    for (place, free) in PLACES.iter().zip(&FREE) {
        free.store(std::ptr::from_ref(place).cast_mut().cast(), SeqCst);
    }
    let sized = |size| Layout::from_size_align(size, 1).expect("a layout");
    // SAFETY: nobody uses the blocks.
    unsafe {
        let freed = HANDED.alloc(sized(MEAN));
        HANDS.store(true, SeqCst);
        HANDED.dealloc(freed, sized(MEAN));

        let moved = HANDED.alloc(sized(MEAN + 1));
        HANDS.store(true, SeqCst);
        let moved = HANDED.realloc(moved, sized(MEAN + 1), MEAN + 2);
        HANDED.dealloc(moved, sized(MEAN + 2));

        let stays = HANDED.alloc(sized(MEAN + 3));
        assert!(HANDED.realloc(stays, sized(MEAN + 3), usize::MAX).is_null());
        HANDED.dealloc(stays, sized(MEAN + 3));
    }
    assert!(!HANDS.load(SeqCst));
}

#[test]
fn the_end_of_a_block_is_not_taken_for_that_of_the_next_one_at_its_address() {
    let dir = tempfile::tempdir().expect("a directory");
    let sampled = format!("sampled={MEAN}");
    let output = play("reused", &[("MEMSCOPE_ALLOC", &sampled), (RECORDS, "1")], dir.path());
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let capture = Reader::open(&captures(dir.path())[0]).expect("a capture");
    assert_eq!((capture.health().complete, capture.lost()), (true, 0));
    let mut rows: Vec<Heap> = capture.rows().map(|row| row.expect("it is whole")).collect();
    rows.sort_by_key(|row| row.ts);
    let told: Vec<_> = rows.iter().map(|row| (row.kind, row.size - MEAN as u64)).collect();
    use HeapKind::{Alloc, Free};
    let of = |more| [(Alloc, more), (Free, more)];
    // The move is a free and an allocation, the one that failed is neither.
    assert_eq!(told, [of(0), of(1), of(2), of(3)].concat());
}
