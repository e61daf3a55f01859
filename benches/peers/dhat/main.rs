//! dhat: every allocation with its call stack. It sees nothing of a scope.

use harness::Peer;
use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

struct Dhat(dhat::Profiler);

impl Peer for Dhat {
    fn start(_: Option<&str>) -> Self {
        Self(dhat::Profiler::new_heap())
    }

    #[inline(never)]
    fn scope(x: u64) -> u64 {
        let y = black_box(x);
        black_box(y + 1)
    }

    #[inline(never)]
    fn vec64() {
        let v = vec![0_u8; 64];
        black_box(&v);
    }

    /// What it does at the end, looking up symbols above all, is no run's cost.
    fn finish(self) -> Option<u64> {
        std::mem::forget(self.0);
        None
    }
}

fn main() {
    harness::main::<Dhat>();
}
