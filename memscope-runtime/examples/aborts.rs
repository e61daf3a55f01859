//! A program that records and then panics in a drop. `tests/process` builds it with `panic=abort`.

use std::hint::black_box;

/// Values that are made and dropped before.
const VALUES: u64 = 20_000;

struct Panics(#[expect(dead_code, reason = "so that it has a size")] u8);

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("as it is meant to");
    }
}

fn main() {
    for i in 0..VALUES {
        memscope::track_var!(let value = vec![i]);
        black_box(&value);
    }
    memscope::track_var!(let last = Panics(1));
    black_box(&last);
}
