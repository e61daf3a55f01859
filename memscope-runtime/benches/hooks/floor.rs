//! The least that any tool of this kind could cost at a hook: a reading of the clock and a 24-byte record.

use std::cell::UnsafeCell;

/// Records of the floor, 24 bytes each, written round and round.
const RECORDS: usize = 32 * 1024;

struct Floor {
    records: Box<[[u64; 3]]>,
    next: usize,
}

thread_local! {
    static FLOOR: UnsafeCell<Floor> = UnsafeCell::new(Floor {
        records: vec![[0; 3]; RECORDS].into_boxed_slice(),
        next: 0,
    });
}

/// A reading of the clock.
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction.
    unsafe {
        core::arch::x86_64::_rdtsc()
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        use std::sync::OnceLock;
        use std::time::Instant;
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_nanos() as u64
    }
}

#[inline(always)]
pub(crate) fn record(kind: u64, payload: u64) {
    let now = ticks();
    FLOOR.with(|floor| {
        // SAFETY: the reference lives for these lines only, on the one thread that has the variable.
        let floor = unsafe { &mut *floor.get() };
        floor.records[floor.next & (RECORDS - 1)] = [now, kind, payload];
        floor.next += 1;
    });
}
