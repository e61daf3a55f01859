//! What sampling left out around a row.

use crate::raw::left_out;
use crate::word::Word;
use serde::{Deserialize, Serialize};

/// What was left out, when it was sampled, around a call or a drop, or within it. A sum of these numbers; 0 is nothing.
///
/// Depths count what was recorded alone. So this tells whether a call (or drop) was made by the recorded one around it, or by one
/// in between that was left out; and whether the time of what a call made itself is all among the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeftOut(u8);

impl LeftOut {
    /// The call directly around it was left out.
    pub const AROUND: Self = Self(left_out::AROUND);
    /// Calls directly within it were left out.
    pub const WITHIN: Self = Self(left_out::WITHIN);
    /// Drops directly within it were left out that would have had no duration.
    pub const UNTIMED_WITHIN: Self = Self(left_out::UNTIMED_WITHIN);

    /// Whether it includes all that `other` says.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What either says.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether nothing was left out.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.0 == 0
    }

    /// What its number says; bits that mean nothing are ignored.
    pub(crate) const fn of_bits(bits: u8) -> Self {
        Self(bits & 7)
    }
}

impl Word for LeftOut {
    #[inline]
    fn to_word(&self) -> u64 {
        self.0.into()
    }

    #[inline]
    fn from_word(word: u64) -> Option<Self> {
        (word < 8).then(|| Self::of_bits(word as u8))
    }
}
