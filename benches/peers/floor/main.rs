//! The least that any tool could cost that notes a beginning and an end: the floor of memscope's own benchmarks.
//!
//! In the mode `plain` nothing is noted; in the mode `parked` a second thread sleeps, since the system's allocator is
//! slower in a program that has more than one.

#[path = "../../../memscope-runtime/benches/hooks/floor.rs"]
mod floor;

use harness::Peer;
use std::hint::black_box;
use std::thread;

struct Floor;

impl Peer for Floor {
    fn start(mode: Option<&str>) -> Self {
        if mode == Some("parked") {
            thread::spawn(|| {
                loop {
                    thread::park();
                }
            });
        }
        Self
    }

    #[inline(never)]
    fn scope(x: u64) -> u64 {
        floor::record(1, x);
        let y = black_box(x);
        let z = black_box(y + 1);
        floor::record(2, z);
        z
    }

    #[inline(never)]
    fn vec64() {
        let v = vec![0_u8; 64];
        floor::record(1, v.len() as u64);
        black_box(&v);
        floor::record(2, v.len() as u64);
    }
}

struct Plain;

impl Peer for Plain {
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
        black_box(&v);
    }
}

fn main() {
    if std::env::args().any(|word| word == "plain") {
        harness::main::<Plain>();
    } else {
        harness::main::<Floor>();
    }
}
