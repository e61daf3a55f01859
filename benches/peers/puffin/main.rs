//! puffin, whose scopes are off until they are switched on.

use harness::Peer;
use std::hint::black_box;

struct Puffin;

impl Peer for Puffin {
    fn start(_: Option<&str>) -> Self {
        Self
    }

    #[inline(never)]
    fn scope(x: u64) -> u64 {
        puffin::profile_scope!("scope");
        let y = black_box(x);
        black_box(y + 1)
    }

    #[inline(never)]
    fn vec64() {
        puffin::profile_scope!("vec64");
        let v = vec![0_u8; 64];
        black_box(&v);
    }
}

fn main() {
    harness::main::<Puffin>();
}
