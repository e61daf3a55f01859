//! memscope: one variable, from birth to drop. The packages beside this file differ in memscope's features alone.

use harness::Peer;
use std::hint::black_box;

struct Memscope;

impl Peer for Memscope {
    fn start(_: Option<&str>) -> Self {
        Self
    }

    #[inline(never)]
    fn scope(x: u64) -> u64 {
        memscope::track_var!(let y = black_box(x));
        black_box(y + 1)
    }

    #[inline(never)]
    fn vec64() {
        memscope::track_var!(let v = vec![0_u8; 64]);
        black_box(&v);
    }

    fn finish(self) -> Option<u64> {
        memscope::flush();
        None
    }
}

fn main() {
    harness::main::<Memscope>();
}
