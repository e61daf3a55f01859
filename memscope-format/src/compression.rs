//! How hard a writer tries to make a capture small.

use crate::codec::Codec;
use serde::Serialize;

/// A codec and how it is used. Whatever the codec, bytes that it does not shrink are stored as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Compression {
    /// The codec. One that this build lacks stores bytes as they are.
    pub codec: Codec,
    /// For zstd from -131072 (fastest) to 22 (smallest), for brotli from 0 to 11; the others have none.
    pub level: i32,
    /// What is done with columns that look random: times, addresses, ids of values.
    pub noise: Noise,
    /// Of a column's bytes, how many hundredths the codec must save; else they are stored as they are, which is read faster.
    pub least_gain: u8,
}

/// What is done with columns whose bytes hardly repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
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
    /// The least time to write, at about twice the size of [`Compression::balanced`]: a hasty search in what repeats, nothing
    /// for the rest. [`Codec::None`] saves that search too and pays for the bytes, which have to be summed and moved: which
    /// of the two is faster depends on the capture.
    #[must_use]
    pub const fn high_performance() -> Self {
        Self { codec: Codec::Zstd, level: -50, noise: Noise::Store, least_gain: 0 }
    }

    /// What captures are recorded with: zstd 1, which on columns of events is as small as zstd 3.
    #[must_use]
    pub const fn balanced() -> Self {
        Self { codec: Codec::Zstd, level: 1, noise: Noise::Count, least_gain: 0 }
    }

    /// The least size: for captures that are kept.
    #[must_use]
    pub const fn memory_efficient() -> Self {
        Self { codec: Codec::Zstd, level: 12, noise: Noise::Search, least_gain: 0 }
    }

    /// The codec where it is worth it: as [`Compression::balanced`], but a column that it makes less than an eighth smaller is
    /// stored as it is.
    #[must_use]
    pub const fn auto() -> Self {
        Self { least_gain: 13, ..Self::balanced() }
    }

    /// For definitions, which are text, and few.
    pub(crate) const fn text(codec: Codec) -> Self {
        let level = match codec {
            Codec::Brotli => 5,
            _ => 3,
        };
        Self { codec, level, noise: Noise::Search, least_gain: 0 }
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
            Codec::Brotli => Self { codec, level: 5, ..Self::balanced() },
            _ => Self { codec, ..Self::balanced() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Chunk;
    use crate::rows::{Lifecycle, LifecycleKind};

    /// Times of which a byte is noise and half a byte is not, one value, few sites.
    fn sealed(compression: Compression) -> u64 {
        let mut chunk = Chunk::new();
        let mut noise = 1_u64;
        let mut ts = 0;
        for row in 0..20_000 {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            ts += noise % 128;
            let site = (row * row % 7) as u32;
            let kind = LifecycleKind::Born;
            let birth = Lifecycle { ts, kind, site, type_id: 1, value: row, origin: 0, thread: 1 };
            chunk.push(&birth).expect("it is not full");
        }
        chunk.seal(compression).expect("it has rows").frame_len()
    }

    #[test]
    fn the_presets_are_ordered_by_size() {
        let none = sealed(Codec::None.into());
        let high_performance = sealed(Compression::high_performance());
        let auto = sealed(Compression::auto());
        let balanced = sealed(Compression::balanced());
        let memory_efficient = sealed(Compression::memory_efficient());
        assert!(high_performance < none);
        assert!(balanced < high_performance);
        assert!(memory_efficient <= balanced);
        // The noise of the times shrinks by an eighth at most; the pattern of the sites shrinks by more.
        let without_noise = Compression { noise: Noise::Store, ..Compression::balanced() };
        assert_eq!(auto, sealed(without_noise));
    }
}
