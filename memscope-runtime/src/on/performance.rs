//! What recording costs, and how the process does: readings that the drain takes once a second, and what the program wants to
//! be noted.

use super::recorder::Recorder;
use memscope_format::rows::{Metric, Performance};
use memscope_format::{Chunk, Codec, Sealed};
use std::time::{Duration, Instant};

/// How often at most the process is read.
const PERIOD: Duration = Duration::from_secs(1);

/// Processor time of the process from which on a reading is worth writing though no event was recorded.
const SOME_TIME_NS: u64 = 10_000_000;

/// Rows of PERFORMANCE that are to be written.
#[derive(Debug, Default)]
pub(super) struct Readings {
    notes: Vec<Performance>,
    /// When the process was read, and what its processor time was.
    last: Option<(Instant, u64)>,
    /// The longest cycle since then, in nanoseconds.
    longest_cycle: u64,
    /// Processor time of all cycles, in nanoseconds.
    drain_time: u64,
    /// Whether nothing is to be read.
    off: bool,
}

/// What the system says of the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Process {
    resident: Option<u64>,
    minor_faults: u64,
    major_faults: u64,
    user_ns: u64,
    system_ns: u64,
}

/// A cycle of the drain, which is timed.
#[derive(Debug)]
pub(super) struct Cycle {
    begun: Instant,
    thread_ns: u64,
}

impl Cycle {
    /// Begins one, on this thread.
    pub(super) fn begin() -> Self {
        Self { begun: Instant::now(), thread_ns: thread_ns() }
    }
}

impl Readings {
    /// Says whether anything is to be read. What the program notes is noted in any case.
    pub(super) fn switch(&mut self, on: bool) {
        self.off = !on;
    }

    /// Adds a row.
    pub(super) fn note(&mut self, row: Performance) {
        self.notes.push(row);
    }

    /// Whether there are rows to be written.
    pub(super) fn wait(&self) -> bool {
        !self.notes.is_empty()
    }

    /// Notes that a cycle has ended, on the thread that it began on.
    pub(super) fn ended(&mut self, cycle: &Cycle) {
        self.longest_cycle = self.longest_cycle.max(nanos(cycle.begun.elapsed()));
        self.drain_time += thread_ns().saturating_sub(cycle.thread_ns);
    }

    /// Reads the process and the rings, if a second has passed since that was last done and something was recorded or done
    /// since; at the `end` in any case.
    pub(super) fn read(
        &mut self,
        ts: u64,
        recorders: &[&'static Recorder],
        moved: bool,
        end: bool,
    ) {
        if self.off || !end && self.last.is_some_and(|(read, _)| read.elapsed() < PERIOD) {
            return;
        }
        let process = Process::read();
        let time = process.user_ns + process.system_ns;
        if !end
            && !moved
            && let Some((_, before)) = self.last
            && time - before.min(time) < SOME_TIME_NS
        {
            return;
        }
        self.last = Some((Instant::now(), time));
        let mut add = |metric, subject, value| {
            self.notes.push(Performance { ts, metric, subject, value, thread: None });
        };
        if let Some(resident) = process.resident {
            add(Metric::ResidentBytes, 0, resident);
        }
        if cfg!(unix) {
            add(Metric::MinorFaults, 0, process.minor_faults);
            add(Metric::MajorFaults, 0, process.major_faults);
            add(Metric::UserTime, 0, process.user_ns);
            add(Metric::SystemTime, 0, process.system_ns);
            add(Metric::DrainTime, 0, self.drain_time);
        }
        for recorder in recorders {
            let waiting = recorder.waiting_from(recorder.drained());
            add(Metric::RingFill, recorder.ring().into(), waiting);
        }
        let held_up = recorders.iter().map(|recorder| recorder.held_up_ns()).sum();
        add(Metric::HeldUp, 0, held_up);
        add(Metric::DrainCycle, 0, core::mem::take(&mut self.longest_cycle));
    }

    /// What is to be written now.
    pub(super) fn seal(&mut self) -> Option<Sealed> {
        let mut rows: Chunk<Performance> = Chunk::new();
        let mut left = Vec::new();
        for row in self.notes.drain(..) {
            if rows.push(&row).is_err() {
                left.push(row);
            }
        }
        self.notes = left;
        rows.seal(Codec::Zstd)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Process {
    #[cfg(unix)]
    fn read() -> Self {
        let nanos = |time: libc::timeval| {
            natural(time.tv_sec) * 1_000_000_000 + natural(time.tv_usec) * 1_000
        };
        let count = |count: libc::c_long| u64::try_from(count).unwrap_or(0);
        // SAFETY: the struct is plain numbers, for which zeros are values, and the call writes to it alone.
        let usage = unsafe {
            let mut usage: libc::rusage = core::mem::zeroed();
            libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
            usage
        };
        Self {
            resident: resident_bytes(),
            minor_faults: count(usage.ru_minflt),
            major_faults: count(usage.ru_majflt),
            user_ns: nanos(usage.ru_utime),
            system_ns: nanos(usage.ru_stime),
        }
    }

    /// Elsewhere nothing is read.
    #[cfg(not(unix))]
    fn read() -> Self {
        Self::default()
    }
}

/// A number of the system's, whose types differ from one to another; 0 if it is negative.
#[cfg(unix)]
fn natural(number: impl TryInto<u64>) -> u64 {
    number.try_into().unwrap_or(0)
}

/// Bytes of the process that are in memory: the second number of `statm`, in pages (proc(5)).
#[cfg(target_os = "linux")]
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    // SAFETY: the call has no preconditions.
    let page = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
    Some(pages * page)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn resident_bytes() -> Option<u64> {
    None
}

/// Processor time of this thread; 0 where that cannot be read.
fn thread_ns() -> u64 {
    #[cfg(unix)]
    {
        // SAFETY: the struct is plain numbers, and the call writes to it alone.
        let time = unsafe {
            let mut time: libc::timespec = core::mem::zeroed();
            libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time);
            time
        };
        natural(time.tv_sec) * 1_000_000_000 + natural(time.tv_nsec)
    }
    #[cfg(not(unix))]
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_taken_once_a_second_and_at_the_end() {
        let mut readings = Readings::default();
        let cycle = Cycle::begin();
        let mut sum = 0_u64;
        while sum == 0 || thread_ns() == cycle.thread_ns {
            sum = std::hint::black_box(sum + 1);
        }
        readings.ended(&cycle);
        readings.read(1, &[], true, false);
        let first = readings.notes.len();
        readings.read(2, &[], true, false);
        assert_eq!(readings.notes.len(), first, "not twice in a second");
        readings.read(3, &[], false, true);
        assert_eq!(readings.notes.len(), 2 * first);
        let of = |metric| {
            let rows = readings.notes.iter().filter(move |row| row.metric == metric);
            rows.map(|row| row.value).collect::<Vec<_>>()
        };
        assert!(of(Metric::DrainTime)[0] > 0);
        assert!(of(Metric::DrainCycle)[0] > 0 && of(Metric::DrainCycle)[1] == 0);
        if cfg!(target_os = "linux") {
            let resident = of(Metric::ResidentBytes);
            assert!((1 << 16..1 << 40).contains(&resident[0]), "{resident:?}");
        }
        assert!(of(Metric::UserTime)[1] >= of(Metric::UserTime)[0]);
        assert!(readings.seal().is_some());
        assert!(!readings.wait());
    }
}
