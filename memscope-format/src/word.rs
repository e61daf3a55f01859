//! The fields of rows as 64-bit words.

/// What a column stores of a field.
pub(crate) trait Word: Sized {
    /// Whether the word 0 stands for "none", and others for the number before them.
    const OPTIONAL: bool = false;

    /// Turns the field into a word.
    fn to_word(&self) -> u64;

    /// Turns a word into the field; `None` if it means nothing.
    fn from_word(word: u64) -> Option<Self>;
}

/// Sets fields, each from its word. Returns whether all words mean something.
#[inline]
pub(crate) fn set<'a, T: Word + 'a>(
    fields: impl Iterator<Item = &'a mut T>,
    words: &[u64],
) -> bool {
    let mut valid = true;
    for (field, &word) in fields.zip(words) {
        match T::from_word(word) {
            Some(value) => *field = value,
            None => valid = false,
        }
    }
    valid
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Word for $number {
            #[inline]
            fn to_word(&self) -> u64 {
                u64::from(*self)
            }

            #[inline]
            fn from_word(word: u64) -> Option<Self> {
                word.try_into().ok()
            }
        }
    )*};
}

numbers!(u16, u32, u64);

impl Word for bool {
    #[inline]
    fn to_word(&self) -> u64 {
        u64::from(*self)
    }

    #[inline]
    fn from_word(word: u64) -> Option<Self> {
        match word {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

/// The greatest number becomes none too.
impl<T: Word> Word for Option<T> {
    const OPTIONAL: bool = true;

    #[inline]
    fn to_word(&self) -> u64 {
        self.as_ref().map_or(0, |number| number.to_word().wrapping_add(1))
    }

    #[inline]
    fn from_word(word: u64) -> Option<Self> {
        word.checked_sub(1).map_or(Some(None), |number| T::from_word(number).map(Some))
    }
}

/// Declares an enum of which each variant has an id in the file: `ALL`, `from_id`, and its [`Word`].
macro_rules! ids {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $($(#[$about:meta])* $variant:ident = $id:literal,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$about])* $variant = $id,)*
        }

        impl $name {
            /// All of them, in the order of their ids.
            pub const ALL: [Self; [$($id),*].len()] = [$(Self::$variant),*];

            /// Returns the one with this id, if there is one.
            #[must_use]
            #[inline]
            pub const fn from_id(id: u8) -> Option<Self> {
                Some(match id {
                    $($id => Self::$variant,)*
                    _ => return None,
                })
            }
        }

        impl $crate::word::Word for $name {
            #[inline]
            fn to_word(&self) -> u64 {
                *self as u64
            }

            #[inline]
            fn from_word(word: u64) -> Option<Self> {
                u8::try_from(word).ok().and_then(Self::from_id)
            }
        }
    };
}
pub(crate) use ids;
