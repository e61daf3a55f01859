//! What watching an allocator costs, beside the allocator itself.
//!
//! `cargo bench -p memscope-runtime --bench alloc` prints all figures in one run. Compare figures of one run only. The mode
//! is that of `MEMSCOPE_ALLOC`, `counters` by default. A recording runs in each, so that there is a second thread.

use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use memscope::Allocator;
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// An allocator that does next to nothing: what is left is what watching costs.
struct Bump;

static mut BLOCK: [u64; 512] = [0; 512];

// SAFETY: there is one block, which one caller at a time has, and which is as large and aligned as all that is asked here.
unsafe impl GlobalAlloc for Bump {
    #[inline]
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        (&raw mut BLOCK).cast()
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        black_box(block);
    }
}

#[inline(never)]
fn pair<A: GlobalAlloc>(allocator: &A, size: usize) {
    let layout = Layout::from_size_align(black_box(size), 8).expect("a small size");
    // SAFETY: the size is not 0, and the block is freed as it was allocated.
    unsafe {
        let block = black_box(allocator.alloc(layout));
        allocator.dealloc(block, layout);
    }
}

#[inline(never)]
fn growth<A: GlobalAlloc>(allocator: &A) {
    let layout = |size| Layout::from_size_align(size, 8).expect("a small size");
    // SAFETY: the sizes are not 0, and the block is freed with the last one.
    unsafe {
        let mut block = allocator.alloc(layout(black_box(16)));
        for size in [16, 32, 64, 128] {
            block = black_box(allocator.realloc(block, layout(size), 2 * size));
        }
        allocator.dealloc(block, layout(256));
    }
}

/// Pairs in a burst that finds room in the ring.
const BURST: u64 = 2_000;

/// Times bursts, behind each of which the drain is waited for.
fn in_bursts<A: GlobalAlloc>(bencher: &mut Bencher<'_>, allocator: &A) {
    bencher.iter_custom(|pairs| {
        let mut time = Duration::ZERO;
        for begun in (0..pairs).step_by(BURST as usize) {
            memscope::flush();
            let start = Instant::now();
            for _ in 0..BURST.min(pairs - begun) {
                pair(allocator, 64);
            }
            time += start.elapsed();
        }
        time
    });
}

fn watched(c: &mut Criterion) {
    // Blocks are recorded from the first hook on; and with its second thread the system's allocator is slower.
    memscope::track_var!(let first = String::from("a hook"));
    black_box(&first);
    let mut group = c.benchmark_group("pair");
    group.bench_function("nothing", |b| b.iter(|| pair(&Bump, 64)));
    group.bench_function("nothing, watched", |b| b.iter(|| pair(&Allocator::of(Bump), 64)));
    group.bench_function("system", |b| b.iter(|| pair(&System, 64)));
    group.bench_function("system, watched", |b| b.iter(|| pair(&Allocator::new(), 64)));
    group.bench_function("system, 4 KiB", |b| b.iter(|| pair(&System, 4096)));
    group.bench_function("system, 4 KiB, watched", |b| b.iter(|| pair(&Allocator::new(), 4096)));
    group.finish();
    let mut group = c.benchmark_group("pair in a burst");
    group.bench_function("nothing", |b| in_bursts(b, &Bump));
    group.bench_function("nothing, watched", |b| in_bursts(b, &Allocator::of(Bump)));
    group.bench_function("system", |b| in_bursts(b, &System));
    group.bench_function("system, watched", |b| in_bursts(b, &Allocator::new()));
    group.finish();
    let mut group = c.benchmark_group("growth");
    group.bench_function("system", |b| b.iter(|| growth(&System)));
    group.bench_function("system, watched", |b| b.iter(|| growth(&Allocator::new())));
    group.finish();
}

criterion_group!(benches, watched);
criterion_main!(benches);
