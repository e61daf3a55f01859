//! How hard a writer tries to make a capture small.

use crate::codec::Codec;

/// A codec and how it is used. Whatever the codec, bytes that it does not shrink are stored as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Compression {
    /// The codec. One that this build lacks stores bytes as they are.
    pub codec: Codec,
    /// For zstd from -131072 (fastest) to 22 (smallest), for brotli from 0 to 11; the others have none.
    pub level: i32,
    /// What is done with columns that look random: times, addresses, ids of values.
    pub noise: Noise,
}

/// What is done with columns whose bytes hardly repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Noise {
    /// They are stored as they are.
    Store,
    /// With zstd, bytes are coded by how frequent they are, without a search for repetitions: on captures of programs
    /// that takes half the time of a search, and the columns become a tenth larger. Other codecs treat them as any bytes.
    Count,
    /// They are treated as any bytes.
    Search,
}

impl Compression {
    /// The least time: zstd for what repeats, nothing for the rest.
    #[must_use]
    pub const fn high_performance() -> Self {
        Self { codec: Codec::Zstd, level: 1, noise: Noise::Store }
    }

    /// What captures are recorded with: zstd 1, which on columns of events is as small as zstd 3.
    #[must_use]
    pub const fn balanced() -> Self {
        Self { codec: Codec::Zstd, level: 1, noise: Noise::Count }
    }

    /// The least size: for captures that are kept.
    #[must_use]
    pub const fn memory_efficient() -> Self {
        Self { codec: Codec::Zstd, level: 12, noise: Noise::Search }
    }

    /// For definitions, which are text, and few.
    pub(crate) const fn text(codec: Codec) -> Self {
        let level = match codec {
            Codec::Brotli => 5,
            _ => 3,
        };
        Self { codec, level, noise: Noise::Search }
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::balanced()
    }
}

/// A codec as one uses it on events unless there is a reason not to.
impl From<Codec> for Compression {
    fn from(codec: Codec) -> Self {
        match codec {
            Codec::Brotli => Self { codec, level: 5, noise: Noise::Count },
            _ => Self { codec, ..Self::balanced() },
        }
    }
}
