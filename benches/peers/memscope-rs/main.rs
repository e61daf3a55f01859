//! memscope-rs: `track!`, which notes that a variable is there. That it is dropped must be told by hand, as in the mode
//! `drop`; a value that owns no memory it does not take.

use harness::Peer;
use memscope_rs::tracker::Tracker;
use std::hint::black_box;
use std::sync::LazyLock;

static TRACKER: LazyLock<Tracker> = LazyLock::new(Tracker::new);

/// With or without drops.
struct MemscopeRs<const DROPS: bool>;

impl<const DROPS: bool> Peer for MemscopeRs<DROPS> {
    fn start(_: Option<&str>) -> Self {
        Self
    }

    #[inline(never)]
    fn scope(x: u64) -> u64 {
        let y = black_box(x);
        black_box(y + 1)
    }

    #[inline(never)]
    fn vec64() {
        let v = vec![0_u8; 64];
        memscope_rs::track!(TRACKER, v);
        black_box(&v);
        if DROPS {
            let _known = TRACKER.track_deallocation(v.as_ptr() as usize);
        }
    }

    fn finish(self) -> Option<u64> {
        None
    }
}

fn main() {
    if std::env::args().any(|word| word == "drop") {
        harness::main::<MemscopeRs<true>>();
    } else {
        harness::main::<MemscopeRs<false>>();
    }
}
