//! Which columns each kind of row has, and how a row becomes words and back.

use crate::column::{Column, ColumnEncoding};
use crate::defs::ContainerKind;
use crate::frame::FrameType;
use crate::rows::{
    Container, DropChain, Lifecycle, LifecycleKind, Outcome, SnapshotReason, Stream, Zst,
};

/// A row that is stored as columns.
pub trait Record: Sized {
    /// An array with a word for each of [`Record::COLUMNS`].
    type Words: AsRef<[u64]> + AsMut<[u64]> + Copy + Default;

    /// The type of the frames that hold such rows.
    const FRAME: FrameType;
    /// Version of the columns' meaning.
    const VERSION: u16 = 1;
    /// The columns, in the order of the words.
    const COLUMNS: &'static [Column];
    /// The place of the column that says when; `None` if rows have no time.
    const TIME: Option<usize>;

    /// Turns the row into words.
    fn to_words(&self) -> Self::Words;

    /// Turns words into a row.
    ///
    /// # Errors
    ///
    /// The place of the first column whose word means nothing.
    fn from_words(words: &Self::Words) -> Result<Self, usize>;
}

/// A row of an event stream.
pub trait Event: Record {
    /// The stream.
    const STREAM: Stream;
}

/// Turns an optional number into a word: 0 for none. The greatest number becomes none too.
const fn some(value: Option<u64>) -> u64 {
    match value {
        Some(value) => value.wrapping_add(1),
        None => 0,
    }
}

/// Undoes [`some`].
const fn option(word: u64) -> Option<u64> {
    word.checked_sub(1)
}

/// Narrows the word of a column to the field's type.
fn narrow<T: TryFrom<u64>>(words: &[u64], column: usize) -> Result<T, usize> {
    T::try_from(words[column]).map_err(|_| column)
}

/// Finds the variant of a field's type that a column's word is the id of.
fn variant<T>(words: &[u64], column: usize, from_id: impl Fn(u8) -> Option<T>) -> Result<T, usize> {
    u8::try_from(words[column]).ok().and_then(from_id).ok_or(column)
}

const LIFECYCLE_COLUMNS: &[Column] = &[
    Column::noisy(1, "ts", ColumnEncoding::DeltaPlanes),
    Column::new(2, "kind", ColumnEncoding::Coded),
    Column::new(3, "site", ColumnEncoding::Coded),
    Column::new(4, "type", ColumnEncoding::Coded),
    Column::new(5, "value", ColumnEncoding::Delta),
    Column::new(6, "origin", ColumnEncoding::Delta),
    Column::new(7, "thread", ColumnEncoding::Planes),
];

impl Record for Lifecycle {
    type Words = [u64; 7];

    const FRAME: FrameType = FrameType::LIFECYCLE;
    const COLUMNS: &'static [Column] = LIFECYCLE_COLUMNS;
    const TIME: Option<usize> = Some(0);

    #[inline]
    fn to_words(&self) -> Self::Words {
        [
            self.ts,
            self.kind as u64,
            u64::from(self.site),
            u64::from(self.type_id),
            self.value,
            self.origin,
            u64::from(self.thread),
        ]
    }

    #[inline]
    fn from_words(words: &Self::Words) -> Result<Self, usize> {
        Ok(Self {
            ts: words[0],
            kind: variant(words, 1, LifecycleKind::from_id)?,
            site: narrow(words, 2)?,
            type_id: narrow(words, 3)?,
            value: words[4],
            origin: words[5],
            thread: narrow(words, 6)?,
        })
    }
}

impl Event for Lifecycle {
    const STREAM: Stream = Stream::Lifecycle;
}

impl Record for Zst {
    type Words = [u64; 7];

    const FRAME: FrameType = FrameType::ZST;
    const COLUMNS: &'static [Column] = LIFECYCLE_COLUMNS;
    const TIME: Option<usize> = Some(0);

    #[inline]
    fn to_words(&self) -> Self::Words {
        self.0.to_words()
    }

    #[inline]
    fn from_words(words: &Self::Words) -> Result<Self, usize> {
        Lifecycle::from_words(words).map(Self)
    }
}

impl Event for Zst {
    const STREAM: Stream = Stream::Zst;
}

impl Record for Container {
    type Words = [u64; 14];

    const FRAME: FrameType = FrameType::CONTAINER;
    const COLUMNS: &'static [Column] = &[
        Column::noisy(1, "ts", ColumnEncoding::DeltaPlanes),
        Column::noisy(2, "value", ColumnEncoding::Delta),
        Column::new(3, "site", ColumnEncoding::Coded),
        Column::new(4, "type", ColumnEncoding::Coded),
        Column::new(5, "field", ColumnEncoding::Coded),
        Column::new(6, "kind", ColumnEncoding::Coded),
        Column::new(7, "reason", ColumnEncoding::Coded),
        Column::new(8, "len", ColumnEncoding::Planes),
        Column::new(9, "capacity", ColumnEncoding::Planes),
        Column::new(10, "element_size", ColumnEncoding::Coded),
        Column::noisy(11, "addr", ColumnEncoding::DeltaPlanes),
        Column::new(12, "strong", ColumnEncoding::Planes),
        Column::new(13, "weak", ColumnEncoding::Planes),
        Column::new(14, "thread", ColumnEncoding::Planes),
    ];
    const TIME: Option<usize> = Some(0);

    #[inline]
    fn to_words(&self) -> Self::Words {
        [
            self.ts,
            self.value,
            u64::from(self.site),
            u64::from(self.type_id),
            u64::from(self.field),
            self.kind as u64,
            self.reason as u64,
            some(self.len),
            some(self.capacity),
            u64::from(self.element_size),
            some(self.addr),
            some(self.strong),
            some(self.weak),
            u64::from(self.thread),
        ]
    }

    #[inline]
    fn from_words(words: &Self::Words) -> Result<Self, usize> {
        Ok(Self {
            ts: words[0],
            value: words[1],
            site: narrow(words, 2)?,
            type_id: narrow(words, 3)?,
            field: narrow(words, 4)?,
            kind: variant(words, 5, ContainerKind::from_id)?,
            reason: variant(words, 6, SnapshotReason::from_id)?,
            len: option(words[7]),
            capacity: option(words[8]),
            element_size: narrow(words, 9)?,
            addr: option(words[10]),
            strong: option(words[11]),
            weak: option(words[12]),
            thread: narrow(words, 13)?,
        })
    }
}

impl Event for Container {
    const STREAM: Stream = Stream::Container;
}

impl Record for DropChain {
    type Words = [u64; 9];

    const FRAME: FrameType = FrameType::DROP_CHAIN;
    const COLUMNS: &'static [Column] = &[
        Column::noisy(1, "ts", ColumnEncoding::DeltaPlanes),
        Column::noisy(2, "duration", ColumnEncoding::Planes),
        Column::noisy(3, "value", ColumnEncoding::Delta),
        Column::new(4, "site", ColumnEncoding::Coded),
        Column::new(5, "type", ColumnEncoding::Coded),
        Column::new(6, "depth", ColumnEncoding::Coded),
        Column::new(7, "outcome", ColumnEncoding::Coded),
        Column::new(8, "panicking", ColumnEncoding::Coded),
        Column::new(9, "thread", ColumnEncoding::Planes),
    ];
    const TIME: Option<usize> = Some(0);

    #[inline]
    fn to_words(&self) -> Self::Words {
        [
            self.ts,
            some(self.duration),
            self.value,
            u64::from(self.site),
            u64::from(self.type_id),
            u64::from(self.depth),
            self.outcome as u64,
            u64::from(self.panicking),
            u64::from(self.thread),
        ]
    }

    #[inline]
    fn from_words(words: &Self::Words) -> Result<Self, usize> {
        Ok(Self {
            ts: words[0],
            duration: option(words[1]),
            value: words[2],
            site: narrow(words, 3)?,
            type_id: narrow(words, 4)?,
            depth: narrow(words, 5)?,
            outcome: variant(words, 6, Outcome::from_id)?,
            panicking: match words[7] {
                0 => false,
                1 => true,
                _ => return Err(7),
            },
            thread: narrow(words, 8)?,
        })
    }
}

impl Event for DropChain {
    const STREAM: Stream = Stream::DropChain;
}
