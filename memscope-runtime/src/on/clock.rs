//! The clock of events: a raw counter, scaled to nanoseconds only when a capture is read.
//!
//! On x86-64 with an invariant time-stamp counter (CPUID 8000_0007h, EDX bit 8: it runs at a constant rate in
//! all power states, so that it is the same on all cores) it is that counter, on AArch64 the virtual count
//! register, elsewhere the monotonic clock itself. `quanta` reads the same counter, but calibrates it for up to
//! 200 ms at the first use, which every short process would pay; here two readings of both clocks at the start
//! and one at each commit are all there is, and the reader does the division.

use memscope_format::ClockReading;
use std::time::Instant;

/// Where ticks come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A counter register of the processor.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    Counter,
    /// Nanoseconds of the monotonic clock.
    Monotonic,
}

impl Source {
    /// Returns the best source of this machine.
    pub(super) fn detect() -> Self {
        // It knows no instruction that reads a counter.
        if cfg!(miri) {
            return Self::Monotonic;
        }
        #[cfg(target_arch = "x86_64")]
        {
            use core::arch::x86_64::__cpuid;
            const EXTENDED: u32 = 0x8000_0000;
            const POWER: u32 = 0x8000_0007;
            const INVARIANT_TSC: u32 = 1 << 8;
            if __cpuid(EXTENDED).eax >= POWER && __cpuid(POWER).edx & INVARIANT_TSC != 0 {
                return Self::Counter;
            }
        }
        #[cfg(target_arch = "aarch64")]
        return Self::Counter;
        #[cfg(not(target_arch = "aarch64"))]
        Self::Monotonic
    }

    /// The source's name, as captures carry it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Counter => "tsc",
            #[cfg(target_arch = "aarch64")]
            Self::Counter => "cntvct",
            Self::Monotonic => "monotonic",
        }
    }

    /// Reads the clock.
    #[inline(always)]
    pub(super) fn ticks(self) -> u64 {
        match self {
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            Self::Counter => counter(),
            Self::Monotonic => monotonic_ns(),
        }
    }

    /// Whether reading it is one instruction.
    #[inline(always)]
    pub(super) const fn is_counter(self) -> bool {
        match self {
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            Self::Counter => true,
            Self::Monotonic => false,
        }
    }

    /// Reads this clock and the monotonic one at the same moment.
    ///
    /// Of several tries the tightest counts: the two clocks cannot be read at once, and a thread that is
    /// preempted in between would spoil the scale.
    pub(super) fn reading(self) -> ClockReading {
        let mut best: Option<(u64, ClockReading)> = None;
        for _ in 0..5 {
            let before = self.ticks();
            let mono_ns = monotonic_ns();
            let width = self.ticks().wrapping_sub(before);
            if best.is_none_or(|(narrowest, _)| width < narrowest) {
                best = Some((width, ClockReading { ticks: before + width / 2, mono_ns }));
            }
        }
        best.map_or(ClockReading { ticks: self.ticks(), mono_ns: monotonic_ns() }, |(_, r)| r)
    }
}

/// Reads the counter register, where [`Source::is_counter`]; without a call.
#[inline(always)]
pub(super) fn counter() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: every x86-64 processor has the instruction.
        unsafe { core::arch::x86_64::_rdtsc() }
    }
    #[cfg(target_arch = "aarch64")]
    {
        let ticks: u64;
        // SAFETY: the virtual count register can be read at every exception level.
        unsafe {
            core::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack));
        }
        ticks
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    monotonic_ns()
}

/// Nanoseconds since this process first asked.
fn monotonic_ns() -> u64 {
    static START: once_cell::sync::OnceCell<Instant> = once_cell::sync::OnceCell::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Ticks of a nanosecond between two readings.
    fn scale(from: ClockReading, to: ClockReading) -> f64 {
        (to.ticks - from.ticks) as f64 / (to.mono_ns - from.mono_ns) as f64
    }

    fn readings() -> [ClockReading; 3] {
        let source = Source::detect();
        [0, 1, 2].map(|_| {
            std::thread::sleep(Duration::from_millis(40));
            source.reading()
        })
    }

    /// A reader scales by two readings what was recorded between them, and behind them.
    #[test]
    fn ticks_are_nanoseconds_by_one_scale() {
        let [first, second, third] = readings();
        let ratio = scale(first, second) / scale(second, third);
        assert!((0.99..1.01).contains(&ratio), "{ratio}");
    }

    #[test]
    fn no_reading_is_before_the_last() {
        let source = Source::detect();
        let mut last = source.ticks();
        for _ in 0..100_000 {
            let now = source.ticks();
            assert!(now >= last, "{now} after {last}");
            last = now;
        }
    }

    /// The processor says itself how many ticks a second has.
    #[cfg(target_arch = "aarch64")]
    #[test]
    fn the_virtual_counter_runs_as_the_processor_says() {
        let frequency: u64;
        // SAFETY: the register can be read at every exception level.
        unsafe {
            core::arch::asm!("mrs {}, cntfrq_el0", out(reg) frequency, options(nomem, nostack));
        }
        let [first, _, last] = readings();
        let ratio = scale(first, last) * 1e9 / frequency as f64;
        assert!((0.99..1.01).contains(&ratio), "{ratio} of {frequency}");
    }
}
