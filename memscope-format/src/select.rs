//! Rows of a stream by time, thread, site and type, without reading what cannot hold any.
//!
//! Chunks are passed over by the times in the index. Of the others only the columns that decide are read, those first
//! that are smallest: a column that is coded by shape tells in a few bytes that a chunk has no row of a site. The rest of
//! a chunk is read when there are rows to be given.

use crate::chunk::Rows;
use crate::chunks::ChunkRef;
use crate::column::{Column, Planes, SHAPE, Words};
use crate::error::Error;
use crate::projection::{ColumnChunk, Columns, find};
use crate::reader::Reader;
use crate::record::Event;
use crate::source::{Blocking, Input, now};
use crate::stored::StoredChunk;
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::ops::{Bound, RangeBounds, RangeInclusive};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A selection of the rows of a stream; see [`Reader::select`].
///
/// Each condition narrows it; several sites, types or threads are alternatives to each other.
///
/// ```no_run
/// use memscope_format::{Reader, rows::Lifecycle};
///
/// let reader = Reader::open("target/memscope/serve-81234.memscope")?;
/// let second = reader.clock().ticks(3_000_000_000)..reader.clock().ticks(4_000_000_000);
/// for row in reader.select::<Lifecycle>().time(second).site(17).rows()? {
///     println!("{:?}", row?);
/// }
/// # Ok::<(), memscope_format::Error>(())
/// ```
pub struct Select<'a, R, I = Blocking> {
    reader: &'a Reader<I>,
    filter: Filter,
    stream: PhantomData<fn() -> R>,
}

/// What rows must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Filter {
    /// In ticks.
    time: RangeInclusive<u64>,
    /// For each column that has a condition its name and the words that are taken.
    words: [(&'static str, Vec<u64>); 3],
}

const SITE: usize = 0;
const TYPE: usize = 1;
const THREAD: usize = 2;

impl<'a, R: Event, I> Select<'a, R, I> {
    pub(crate) const fn new(reader: &'a Reader<I>) -> Self {
        let words = [("site", Vec::new()), ("type", Vec::new()), ("thread", Vec::new())];
        Self { reader, filter: Filter { time: 0..=u64::MAX, words }, stream: PhantomData }
    }

    /// Only rows of these times, in ticks; [`Clock::ticks`](crate::Clock::ticks) makes them of nanoseconds.
    #[must_use]
    pub fn time(mut self, ticks: impl RangeBounds<u64>) -> Self {
        let first = match ticks.start_bound() {
            Bound::Included(&first) => Some(first),
            Bound::Excluded(&before) => before.checked_add(1),
            Bound::Unbounded => Some(0),
        };
        let last = match ticks.end_bound() {
            Bound::Included(&last) => Some(last),
            Bound::Excluded(&end) => end.checked_sub(1),
            Bound::Unbounded => Some(u64::MAX),
        };
        self.filter.time = match (first, last) {
            (Some(first), Some(last)) => {
                first.max(*self.filter.time.start())..=last.min(*self.filter.time.end())
            }
            _ => RangeInclusive::new(1, 0),
        };
        self
    }

    /// Only rows of this site; called again, or of that one.
    #[must_use]
    pub fn site(self, site: u32) -> Self {
        self.or(SITE, site)
    }

    /// Only rows of values of this type; called again, or of that one.
    #[must_use]
    pub fn type_id(self, type_id: u32) -> Self {
        self.or(TYPE, type_id)
    }

    /// Only rows of this thread; called again, or of that one.
    #[must_use]
    pub fn thread(self, thread: u32) -> Self {
        self.or(THREAD, thread)
    }

    fn or(mut self, column: usize, word: u32) -> Self {
        self.filter.words[column].1.push(u64::from(word));
        self
    }

    /// The chunks that may hold such rows, by their times.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownColumn`] if a condition is of a column that the stream does not have.
    pub fn chunks(self) -> Result<SelectedChunks<'a, R, I>, Error> {
        for (name, taken) in &self.filter.words {
            if !taken.is_empty() {
                find::<R>(name)?;
            }
        }
        Ok(self.all_chunks())
    }

    /// As [`Select::chunks`], when the conditions are known to be of columns that there are.
    pub(crate) fn all_chunks(self) -> SelectedChunks<'a, R, I> {
        let Self { reader, filter, stream } = self;
        let mut chunks = reader.chunks::<R>();
        if R::TIME.is_some() {
            let (first, last) = (*filter.time.start(), *filter.time.end());
            chunks.retain(|chunk| chunk.t_max >= first && chunk.t_min <= last && first <= last);
        }
        SelectedChunks { reader, filter: filter.into(), chunks: chunks.into_iter(), stream }
    }
}

impl<'a, R: Event> Select<'a, R> {
    /// Reads the rows, in the order of [`Reader::rows`]. A damaged chunk is one error, after which come the rows of the
    /// next.
    ///
    /// # Errors
    ///
    /// As [`Select::chunks`].
    pub fn rows(self) -> Result<SelectedRows<'a, R>, Error> {
        Ok(SelectedRows { chunks: self.chunks()?, current: None })
    }

    /// Reads columns of the rows, by their names in the specification, chunk by chunk. A damaged chunk is one error,
    /// after which comes the next.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownColumn`] if the stream has no such column.
    pub fn columns(self, names: &[&str]) -> Result<Columns<'a, R>, Error> {
        Columns::new(self.chunks()?, names)
    }

    /// Calls `map` with each chunk, on so many threads at once, and returns what it returned in the order of the
    /// chunks.
    ///
    /// Threads are started here and have ended when this returns. Each reads and decodes the chunks that it is given.
    ///
    /// ```no_run
    /// use memscope_format::{Reader, rows::DropChain};
    /// use std::num::NonZeroUsize;
    ///
    /// let reader = Reader::open("target/memscope/serve-81234.memscope")?;
    /// let threads = std::thread::available_parallelism()?;
    /// let drops = reader.select::<DropChain>().par_map(threads, |chunk| chunk.rows().map(Iterator::count))?;
    /// let drops = drops.into_iter().sum::<Result<usize, _>>()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Select::chunks`]; those of the chunks are for `map` to return.
    pub fn par_map<T: Send>(
        self,
        threads: NonZeroUsize,
        map: impl Fn(SelectedChunk<'a, R>) -> T + Sync,
    ) -> Result<Vec<T>, Error> {
        let chunks: Vec<SelectedChunk<'a, R>> = self.chunks()?.collect();
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::with_capacity(chunks.len()));
        std::thread::scope(|scope| {
            for _ in 0..threads.get().min(chunks.len()) {
                scope.spawn(|| {
                    while let number = next.fetch_add(1, Ordering::Relaxed)
                        && let Some(chunk) = chunks.get(number)
                    {
                        let mapped = map(chunk.clone());
                        done.lock().unwrap_or_else(PoisonError::into_inner).push((number, mapped));
                    }
                });
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(number, _)| *number);
        Ok(done.into_iter().map(|(_, mapped)| mapped).collect())
    }
}

impl<R: Event, I> fmt::Debug for Select<'_, R, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select")
            .field("stream", &R::STREAM)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

/// The chunks of a selection, none of which was read yet; see [`Select::chunks`].
pub struct SelectedChunks<'a, R, I = Blocking> {
    reader: &'a Reader<I>,
    filter: Arc<Filter>,
    chunks: std::vec::IntoIter<ChunkRef>,
    stream: PhantomData<fn() -> R>,
}

impl<'a, R: Event, I> Iterator for SelectedChunks<'a, R, I> {
    type Item = SelectedChunk<'a, R, I>;

    fn next(&mut self) -> Option<Self::Item> {
        let chunk = self.chunks.next()?;
        let (reader, filter) = (self.reader, Arc::clone(&self.filter));
        Some(SelectedChunk { reader, filter, chunk, stream: PhantomData })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunks.size_hint()
    }
}

impl<R: Event, I> fmt::Debug for SelectedChunks<'_, R, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelectedChunks")
            .field("stream", &R::STREAM)
            .field("filter", &self.filter)
            .field("chunks", &self.chunks)
            .finish_non_exhaustive()
    }
}

/// A chunk of a selection, and what its rows must be like.
pub struct SelectedChunk<'a, R, I = Blocking> {
    reader: &'a Reader<I>,
    filter: Arc<Filter>,
    chunk: ChunkRef,
    stream: PhantomData<fn() -> R>,
}

impl<'a, R: Event> SelectedChunk<'a, R> {
    /// Reads the rows of the chunk that are selected.
    ///
    /// # Errors
    ///
    /// If the chunk is damaged.
    pub fn rows(&self) -> Result<ChunkRows<R>, Error> {
        now(self.select_rows())
    }

    /// Reads columns of the rows that are selected, by their names in the specification.
    ///
    /// # Errors
    ///
    /// If the chunk is damaged, or [`Error::UnknownColumn`].
    pub fn columns(&self, names: &[&str]) -> Result<ColumnChunk, Error> {
        let columns = names.iter().map(|name| find::<R>(name)).collect::<Result<Vec<_>, _>>()?;
        let nothing = || ColumnChunk { rows: 0, columns: vec![Vec::new(); names.len()] };
        Ok(self.read_columns(&columns)?.unwrap_or_else(nothing))
    }

    /// As [`SelectedChunk::columns`]; `None` if no row is selected.
    pub(crate) fn read_columns(&self, columns: &[Column]) -> Result<Option<ColumnChunk>, Error> {
        now(self.select_columns(columns))
    }
}

impl<R: Event, I> SelectedChunk<'_, R, I> {
    /// The chunk.
    #[must_use]
    pub const fn chunk(&self) -> &ChunkRef {
        &self.chunk
    }
}

#[expect(private_bounds, reason = "what readers of both kinds do is not called from outside")]
impl<R: Event, I: Input> SelectedChunk<'_, R, I> {
    /// Whether every row is selected, by what the index says.
    fn is_whole(&self) -> bool {
        self.filter.takes_all_times::<R>(&self.chunk)
            && self.filter.words.iter().all(|(_, taken)| taken.is_empty())
    }

    /// See [`SelectedChunk::rows`].
    pub(crate) async fn select_rows(&self) -> Result<ChunkRows<R>, Error> {
        if self.is_whole() {
            let rows = self.reader.chunk_rows(&self.chunk).await?;
            return Ok(ChunkRows { rows: Some(rows), picked: None });
        }
        let stored = self.reader.stored::<R>(&self.chunk).await?;
        let picked = self.pick(&stored).await?;
        if let Picked::Some(rows) = &picked
            && rows.is_empty()
        {
            return Ok(ChunkRows { rows: None, picked: None });
        }
        let rows = Some(stored.decode().await?);
        let picked = match picked {
            Picked::All => None,
            Picked::Some(rows) => Some(rows.into_iter()),
        };
        Ok(ChunkRows { rows, picked })
    }

    /// See [`SelectedChunk::read_columns`].
    pub(crate) async fn select_columns(
        &self,
        columns: &[Column],
    ) -> Result<Option<ColumnChunk>, Error> {
        let stored = self.reader.stored::<R>(&self.chunk).await?;
        let picked = if self.is_whole() { Picked::All } else { self.pick(&stored).await? };
        let rows = match &picked {
            Picked::All => stored.rows() as usize,
            Picked::Some(rows) if rows.is_empty() => return Ok(None),
            Picked::Some(rows) => rows.len(),
        };
        let (words, shapes) = stored.words(columns).await?;
        let words = words.iter().zip(columns).map(|(words, column)| {
            let all = match &picked {
                Picked::All => words.expand(rows, &shapes),
                Picked::Some(rows) => words.expand_some(rows, &shapes),
            };
            all.ok_or_else(|| stored.unknown_shape(*column))
        });
        Ok(Some(ColumnChunk { rows, columns: words.collect::<Result<_, Error>>()? }))
    }

    /// Finds out which rows are selected, from as few columns as that takes.
    async fn pick(&self, stored: &StoredChunk<'_, I>) -> Result<Picked, Error> {
        let mut picked = Picked::All;
        // The shapes that columns which are coded by shape leave, and the column that has words for the fewest.
        let mut shapes_left: Option<(Vec<bool>, Column)> = None;
        let conditions = self.filter.words.iter().filter(|(_, taken)| !taken.is_empty());
        let mut each = Vec::new();
        for (name, taken) in conditions {
            let column = find::<R>(name)?;
            let words = stored.column(column).await?;
            match &*words {
                Words::Constant(word) if taken.contains(word) => {}
                Words::Constant(_) => return Ok(Picked::Some(Vec::new())),
                Words::Coded(table) => {
                    let (left, fewest) =
                        shapes_left.get_or_insert_with(|| (vec![true; table.len()], column));
                    if table.len() < left.len() {
                        left.truncate(table.len());
                        *fewest = column;
                    }
                    for (left, word) in left.iter_mut().zip(table) {
                        *left &= taken.contains(word);
                    }
                }
                Words::Each(_) => each.push((words, taken)),
            }
        }
        for (words, taken) in &each {
            let Words::Each(words) = &**words else { continue };
            picked.retain(words, |word| taken.contains(&word));
        }
        if let Some((left, fewest)) = shapes_left {
            if !left.contains(&true) {
                return Ok(Picked::Some(Vec::new()));
            }
            let shapes = stored.column(SHAPE).await?;
            let greatest = match &*shapes {
                Words::Each(shapes) => shapes.greatest(),
                Words::Constant(shape) => *shape,
                Words::Coded(_) => return Err(stored.unknown_shape(SHAPE)),
            };
            if greatest >= left.len() as u64 {
                return Err(stored.unknown_shape(fewest));
            }
            match &*shapes {
                Words::Each(shapes) if left.contains(&false) => {
                    picked.retain(shapes, |shape| left.get(shape as usize) == Some(&true));
                }
                Words::Constant(shape) if !left[*shape as usize] => {
                    return Ok(Picked::Some(Vec::new()));
                }
                _ => {}
            }
        }
        let Some(time) = R::TIME.and_then(|place| R::COLUMNS.get(place)) else { return Ok(picked) };
        if picked.is_none() || self.filter.takes_all_times::<R>(&self.chunk) {
            return Ok(picked);
        }
        match &*stored.column(*time).await? {
            Words::Each(words) => picked.retain(words, |word| self.filter.time.contains(&word)),
            Words::Constant(word) if self.filter.time.contains(word) => {}
            _ => return Ok(Picked::Some(Vec::new())),
        }
        Ok(picked)
    }
}

impl<R: Event, I> Clone for SelectedChunk<'_, R, I> {
    fn clone(&self) -> Self {
        let Self { reader, chunk, .. } = *self;
        Self { reader, chunk, filter: Arc::clone(&self.filter), stream: PhantomData }
    }
}

impl<R: Event, I> fmt::Debug for SelectedChunk<'_, R, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelectedChunk").field("chunk", &self.chunk).finish_non_exhaustive()
    }
}

impl Filter {
    /// Whether no row of a chunk is of another time.
    fn takes_all_times<R: Event>(&self, chunk: &ChunkRef) -> bool {
        R::TIME.is_none() || (self.time.contains(&chunk.t_min) && self.time.contains(&chunk.t_max))
    }
}

/// The rows of a chunk that are selected.
enum Picked {
    All,
    /// Those with these numbers, ascending.
    Some(Vec<u32>),
}

impl Picked {
    /// Keeps the rows whose word is taken.
    fn retain(&mut self, words: &Planes, takes: impl Fn(u64) -> bool) {
        let mut taken = Vec::new();
        match self {
            Self::All => words.visit(|first, words| {
                // The rows of a chunk are fewer than 2^32.
                let rows = (first as u32..).zip(words).filter(|(_, word)| takes(**word));
                taken.extend(rows.map(|(row, _)| row));
            }),
            Self::Some(rows) => {
                let words = words.some(rows).unwrap_or_default();
                let rows = rows.iter().zip(words).filter(|(_, word)| takes(*word));
                taken.extend(rows.map(|(row, _)| row));
            }
        }
        *self = Self::Some(taken);
    }

    const fn is_none(&self) -> bool {
        matches!(self, Self::Some(rows) if rows.is_empty())
    }
}

/// The rows of a chunk that are selected; see [`SelectedChunk::rows`].
pub struct ChunkRows<R: Event> {
    /// `None` if there are none.
    rows: Option<Rows<R>>,
    /// The numbers of those that are left; `None` for all.
    picked: Option<std::vec::IntoIter<u32>>,
}

impl<R: Event> Iterator for ChunkRows<R> {
    type Item = Result<R, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.rows.as_mut()?;
        match &mut self.picked {
            None => rows.next(),
            Some(picked) => Some(rows.get(picked.next()?)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match (&self.rows, &self.picked) {
            (None, _) => (0, Some(0)),
            (Some(_), Some(picked)) => picked.size_hint(),
            (Some(rows), None) => rows.size_hint(),
        }
    }
}

impl<R: Event> fmt::Debug for ChunkRows<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkRows").field("left", &self.size_hint().0).finish_non_exhaustive()
    }
}

/// The rows of a selection; see [`Select::rows`].
#[derive(Debug)]
pub struct SelectedRows<'a, R: Event> {
    chunks: SelectedChunks<'a, R>,
    current: Option<ChunkRows<R>>,
}

impl<R: Event> Iterator for SelectedRows<'_, R> {
    type Item = Result<R, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.current.as_mut().and_then(Iterator::next) {
                Some(Ok(row)) => return Some(Ok(row)),
                Some(Err(error)) => {
                    self.current = None;
                    return Some(Err(error));
                }
                None => {}
            }
            match self.chunks.next()?.rows() {
                Ok(rows) => self.current = Some(rows),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
