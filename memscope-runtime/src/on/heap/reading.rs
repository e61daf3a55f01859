//! The counts as rows of a capture.

use super::{Mode, counts};
use crate::heap_counts::HeapCounts;
use memscope_format::rows::{HeapUser, Metric, Performance};
use memscope_format::{Chunk, Codec, Sealed};

/// The counts of the process at this moment, as a frame; `None` if nothing counts.
pub(in crate::on) fn reading(ts: u64) -> Option<Sealed> {
    if !super::is_read() {
        return None;
    }
    // Before the counts: what is not told of is among them.
    let untold = (super::mode() == Mode::Full).then(counts::untold);
    let heap = super::read()?;
    let mut rows: Chunk<Performance> = Chunk::new();
    let mut add = |metric, user, value| {
        let row = Performance { ts, metric, subject: user as u64, value, thread: None };
        // A chunk has room for more.
        let _ = rows.push(&row);
    };
    let users = [(HeapUser::Program, heap.program), (HeapUser::Recorder, heap.memscope)];
    let untold = untold.map(|untold| (HeapUser::Untold, untold));
    for (user, counts) in users.into_iter().chain(untold) {
        let HeapCounts { allocations, reallocations, frees, allocated_bytes, freed_bytes } = counts;
        add(Metric::Allocations, user, allocations);
        add(Metric::Reallocations, user, reallocations);
        add(Metric::Frees, user, frees);
        add(Metric::AllocatedBytes, user, allocated_bytes);
        add(Metric::FreedBytes, user, freed_bytes);
        if user == HeapUser::Untold {
            continue;
        }
        // Negative where one freed what the other had allocated: that is not what it has.
        let lives =
            [(Metric::HeapBlocks, counts.live_blocks()), (Metric::HeapBytes, counts.live_bytes())];
        for (metric, live) in lives {
            if let Ok(live) = u64::try_from(live) {
                add(metric, user, live);
            }
        }
    }
    add(Metric::HeapPeak, HeapUser::Program, *heap.peak_bytes.start());
    add(Metric::HeapPeakBound, HeapUser::Program, *heap.peak_bytes.end());
    rows.seal(Codec::Zstd)
}
