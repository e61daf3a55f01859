//! All rows of a capture in the order of time, in bounded memory.

use super::contents::ContentRow;
use crate::rows::{Call, Container, DropChain, Heap, Lifecycle, Task, Zst};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A row of any stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    Lifecycle(Lifecycle),
    Zst(Zst),
    Container(Container),
    Content(ContentRow),
    DropChain(DropChain),
    Call(Call),
    Task(Task),
    Heap(Heap),
}

/// What has a place in time.
pub(crate) trait Timed {
    /// Its time.
    fn ts(&self) -> u64;
}

/// A row, and how many events it stands for.
impl Timed for (Row, u64) {
    fn ts(&self) -> u64 {
        self.0.ts()
    }
}

impl Timed for Row {
    fn ts(&self) -> u64 {
        match self {
            Self::Lifecycle(row) | Self::Zst(Zst(row)) => row.ts,
            Self::Container(row) => row.ts,
            Self::Content(row) => row.ts,
            Self::DropChain(row) => row.ts,
            Self::Call(row) => row.ts,
            Self::Task(row) => row.ts,
            Self::Heap(row) => row.ts,
        }
    }
}

/// The order of streams at one tick: a block is allocated before a value is born that holds it, and this before it is read,
/// and that before it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Heap,
    Lifecycle,
    Zst,
    Container,
    Content,
    DropChain,
    Call,
    Task,
}

/// Where a chunk lies in time, and how to get its rows.
#[derive(Debug, Clone)]
pub(crate) struct Span<C> {
    pub(crate) rank: Rank,
    pub(crate) t_min: u64,
    pub(crate) chunk: C,
}

/// A loaded chunk that has rows left; ordered by the time of its next row.
///
/// Within a thread rows of one stream never change places: chunks are sorted by a stable sort, and of chunks that
/// stand at the same tick the one written first goes first.
struct Cursor<T> {
    rank: Rank,
    order: usize,
    rows: std::vec::IntoIter<T>,
    ts: u64,
}

impl<T: Timed> Cursor<T> {
    fn open(rank: Rank, order: usize, mut rows: Vec<T>) -> Option<Self> {
        rows.sort_by_key(T::ts);
        let ts = rows.first()?.ts();
        Some(Self { rank, order, rows: rows.into_iter(), ts })
    }

    fn key(&self) -> (u64, Rank, usize) {
        (self.ts, self.rank, self.order)
    }
}

impl<T: Timed> PartialEq for Cursor<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T: Timed> Eq for Cursor<T> {}

impl<T: Timed> PartialOrd for Cursor<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Timed> Ord for Cursor<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// Gives all rows of all chunks to `each`, in the order of time.
///
/// Chunks are in the order they were written in. A chunk is loaded when time reaches its first row and freed after
/// its last, so that memory is bounded by how many chunks overlap in time. A chunk that cannot be loaded is `load`'s
/// to report; it returns no rows then.
pub(crate) fn sweep<C, T: Timed>(
    chunks: Vec<Span<C>>,
    mut load: impl FnMut(&C) -> Vec<T>,
    mut each: impl FnMut(T),
) {
    let mut waiting: Vec<(usize, Span<C>)> = chunks.into_iter().enumerate().collect();
    waiting.sort_by_key(|(order, span)| Reverse((span.t_min, *order)));
    let mut open: BinaryHeap<Reverse<Cursor<T>>> = BinaryHeap::new();
    loop {
        let now = open.peek().map(|Reverse(cursor)| cursor.ts);
        if let Some((order, span)) =
            waiting.pop_if(|(_, span)| now.is_none_or(|now| span.t_min <= now))
        {
            open.extend(Cursor::open(span.rank, order, load(&span.chunk)).map(Reverse));
            continue;
        }
        let Some(Reverse(mut cursor)) = open.pop() else { return };
        let next_chunk = waiting.last().map(|(_, span)| span.t_min);
        // Rows of one chunk mostly come in runs: the heap is asked again only when another cursor is due.
        while let Some(row) = cursor.rows.next() {
            each(row);
            let Some(next) = cursor.rows.as_slice().first() else { break };
            cursor.ts = next.ts();
            let due = next_chunk.is_some_and(|t_min| t_min <= cursor.ts)
                || open.peek().is_some_and(|Reverse(other)| *other < cursor);
            if due {
                open.push(Reverse(cursor));
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{LeftOut, LifecycleKind, Outcome};
    use std::cell::Cell;

    fn born(ts: u64, value: u64) -> Row {
        Row::Lifecycle(Lifecycle {
            ts,
            kind: LifecycleKind::Born,
            site: 1,
            type_id: 1,
            value,
            origin: 0,
            thread: 1,
        })
    }

    fn drop(ts: u64, value: u64) -> Row {
        Row::DropChain(DropChain {
            ts,
            duration: Some(0),
            value,
            site: 1,
            type_id: 1,
            depth: 0,
            outcome: Outcome::Dropped,
            panicking: false,
            thread: 1,
            left_out: LeftOut::default(),
            stack: None,
        })
    }

    fn span(rank: Rank, rows: &[Row]) -> Span<Vec<Row>> {
        Span { rank, t_min: rows.iter().map(Row::ts).min().unwrap_or(0), chunk: rows.to_vec() }
    }

    fn swept(chunks: Vec<Span<Vec<Row>>>) -> Vec<Row> {
        let mut rows = Vec::new();
        sweep(chunks, Clone::clone, |row| rows.push(row));
        rows
    }

    #[test]
    fn streams_and_chunks_merge_by_time() {
        // A chunk holds the rings one after the other, so that time goes back in it.
        let lives = span(Rank::Lifecycle, &[born(1, 1), born(5, 2), born(2, 3)]);
        let more = span(Rank::Lifecycle, &[born(4, 4), born(9, 5)]);
        let drops = span(Rank::DropChain, &[drop(5, 1), drop(3, 2)]);
        let expected =
            [born(1, 1), born(2, 3), drop(3, 2), born(4, 4), born(5, 2), drop(5, 1), born(9, 5)];
        assert_eq!(swept(vec![drops, lives, more]), expected);
    }

    #[test]
    fn rows_of_one_tick_keep_the_order_they_were_written_in() {
        let first = span(Rank::DropChain, &[drop(7, 1), drop(7, 2)]);
        let second = span(Rank::DropChain, &[drop(7, 3)]);
        assert_eq!(swept(vec![first, second]), [drop(7, 1), drop(7, 2), drop(7, 3)]);
    }

    #[test]
    fn empty_chunks_and_no_chunks_end() {
        assert_eq!(swept(vec![]), []);
        assert_eq!(
            swept(vec![span(Rank::Zst, &[]), span(Rank::Lifecycle, &[born(1, 1)])]),
            [born(1, 1)]
        );
    }

    #[test]
    fn chunks_are_loaded_when_time_reaches_them() {
        let spans: Vec<_> =
            (0..100_u64).map(|i| Span { rank: Rank::Lifecycle, t_min: 10 * i, chunk: i }).collect();
        let (loaded, done) = (Cell::new(0), Cell::new(0));
        let most = Cell::new(0);
        sweep(
            spans,
            |i| {
                loaded.set(loaded.get() + 1);
                // Each reaches over the next one.
                most.set(most.get().max(loaded.get() - done.get() / 15));
                (0..15).map(|t| born(10 * i + t, 0)).collect()
            },
            |_| done.set(done.get() + 1),
        );
        assert_eq!(done.get(), 1500);
        assert!(most.get() <= 3, "{} chunks were in memory at once", most.get());
    }
}
