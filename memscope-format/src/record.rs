//! Rows that are stored as columns: which columns they have, and how a row becomes words and back.

use crate::column::Column;
use crate::frame::FrameType;
use crate::rows::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// A row that is stored as columns.
pub trait Record: Copy {
    /// An array with a word for each of [`Record::COLUMNS`].
    type Words: AsRef<[u64]> + AsMut<[u64]> + Copy + Default + Send;

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

    /// Sets the field of the column with this id in rows, from a word for each. Returns whether all words mean something;
    /// the fields of those that do not are left as they are.
    fn set<'a>(rows: impl Iterator<Item = &'a mut Self>, id: u16, words: &[u64]) -> bool
    where
        Self: 'a;
}

/// A row of a [`Stream`].
pub trait Event:
    Record + Copy + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The stream.
    const STREAM: Stream;

    /// Whether the row counts as an event of its own: it is what one raw event said, or the first of its rows.
    fn is_event(&self) -> bool {
        true
    }

    /// Whether rows have a column with this name.
    #[must_use]
    fn has_column(name: &str) -> bool {
        place(Self::COLUMNS, name).is_some()
    }

    /// The number in the column with this name; `None` if there is no such column, or the row has none.
    #[inline]
    fn number(&self, column: &str) -> Option<u64> {
        let place = place(Self::COLUMNS, column)?;
        let word = self.to_words().as_ref()[place];
        if Self::COLUMNS[place].optional { word.checked_sub(1) } else { Some(word) }
    }
}

/// Finds a column by its name.
pub(crate) fn place(columns: &[Column], name: &str) -> Option<usize> {
    columns.iter().position(|column| column.name == name)
}

/// Does the same for rows of any stream; see [`Stream::visit`].
pub trait StreamVisitor {
    /// What it gives.
    type Output;

    /// Is called with the type of the stream's rows.
    fn visit<R: Event>(&mut self) -> Self::Output;
}

/// Implements [`Record`] and [`Event`] for a struct of which each field is a column: id, name, field and kind.
macro_rules! columns {
    (
        $row:ident: $frame:expr, time $time:expr;
        $($id:literal $name:literal $field:ident $kind:ident $($additional:ident)?;)*
    ) => {
        impl $crate::record::Record for $row {
            type Words = [u64; [$($id),*].len()];

            const FRAME: $crate::frame::FrameType = $frame;
            const COLUMNS: &'static [$crate::column::Column] = &[$({
                let column = $crate::column::Column::new(
                    $id,
                    $name,
                    $crate::column::ColumnKind::$kind,
                )$(.$additional())?;
                if $crate::record::is_optional::<$row, _>(|row| &row.$field) {
                    column.optional()
                } else {
                    column
                }
            }),*];
            const TIME: Option<usize> = $time;

            #[inline]
            fn to_words(&self) -> Self::Words {
                [$($crate::word::Word::to_word(&self.$field)),*]
            }

            #[inline]
            fn from_words(words: &Self::Words) -> Result<Self, usize> {
                let [$($field),*] = *words;
                Ok(Self {$(
                    $field: $crate::word::Word::from_word($field).ok_or_else(|| {
                        $crate::record::place(Self::COLUMNS, $name).unwrap_or(0)
                    })?,
                )*})
            }

            fn set<'a>(rows: impl Iterator<Item = &'a mut Self>, id: u16, words: &[u64]) -> bool {
                match id {
                    $($id => $crate::word::set(rows.map(|row| &mut row.$field), words),)*
                    _ => false,
                }
            }
        }
    };
}
pub(crate) use columns;

/// Whether the column of a field may say "none".
pub(crate) const fn is_optional<R, T: crate::word::Word>(_: fn(&R) -> &T) -> bool {
    T::OPTIONAL
}
