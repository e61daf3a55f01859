//! hotpath: measured functions, which it sums up as they run. In the package `alloc` it counts their allocations besides.

use harness::Peer;
use hotpath::{Format, HotpathGuard, HotpathGuardBuilder};
use std::hint::black_box;
use std::sync::Mutex;

#[cfg(feature = "alloc")]
#[global_allocator]
static ALLOCATOR: hotpath::CountingAllocator = hotpath::CountingAllocator::new();

struct Hotpath(Mutex<HotpathGuard>);

impl Peer for Hotpath {
    fn start(_: Option<&str>) -> Self {
        Self(Mutex::new(HotpathGuardBuilder::new("main").format(Format::None).build()))
    }

    #[inline(never)]
    #[hotpath::measure]
    fn scope(x: u64) -> u64 {
        let y = black_box(x);
        black_box(y + 1)
    }

    #[inline(never)]
    #[hotpath::measure]
    fn vec64() {
        let v = vec![0_u8; 64];
        black_box(&v);
    }

    fn finish(self) -> Option<u64> {
        drop(self.0);
        None
    }
}

fn main() {
    harness::main::<Hotpath>();
}
