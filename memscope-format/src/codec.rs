//! The codecs that stored bytes may be compressed with.

use crate::compression::{Compression, Noise};
use crate::error::Error;
use crate::limits;
use serde::Serialize;
use std::cell::RefCell;
use std::fmt;
use std::io::Cursor;
use std::ops::RangeInclusive;
use zstd::bulk;
use zstd::zstd_safe::{self, CCtx, CParameter, DParameter, ParamSwitch};

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[non_exhaustive]
pub enum Codec {
    /// Not at all.
    None = 0,
    /// One lz4 block; needs the feature `lz4`.
    Lz4 = 1,
    /// One zstd frame.
    #[default]
    Zstd = 2,
    /// One brotli stream; needs the feature `brotli`.
    Brotli = 3,
}

impl Codec {
    /// All codecs, in the order of their ids.
    pub const ALL: [Self; 4] = [Self::None, Self::Lz4, Self::Zstd, Self::Brotli];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
            Self::Brotli => "brotli",
        }
    }

    /// Whether this build has it.
    #[must_use]
    pub const fn is_available(self) -> bool {
        match self {
            Self::None | Self::Zstd => true,
            Self::Lz4 => cfg!(feature = "lz4"),
            Self::Brotli => cfg!(feature = "brotli"),
        }
    }

    /// Returns the codec with this id, if this version has it.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            0 => Some(Self::None),
            1 => Some(Self::Lz4),
            2 => Some(Self::Zstd),
            3 => Some(Self::Brotli),
            _ => None,
        }
    }
}

/// Below this many bytes a codec gains nothing over its own frame.
const WORTH_COMPRESSING: usize = 64;

/// The sizes that zstd allows for blocks.
const BLOCKS: RangeInclusive<usize> = 1 << 10..=1 << 17;
/// Bytes that a block of zstd has before its content.
const BLOCK_HEADER: usize = 3;

/// Compresses one run of bytes after another, reusing its tables.
pub(crate) struct Compressor {
    compression: Compression,
    zstd: Option<CCtx<'static>>,
    /// For bytes without repetitions.
    noise: Option<CCtx<'static>>,
}

impl Compressor {
    /// So far below 0 that zstd hardly searches for repetitions: what is left is Huffman coding.
    const NOISE: i32 = -200;

    pub(crate) const fn new(compression: Compression) -> Self {
        Self { compression, zstd: None, noise: None }
    }

    /// Whether it compresses so.
    pub(crate) fn is_for(&self, compression: Compression) -> bool {
        self.compression == compression
    }

    /// Appends `raw` to `out`, compressed if that makes it smaller, and says how it is stored.
    pub(crate) fn append(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Codec {
        self.append_planes(raw, raw.len(), false, out)
    }

    /// As [`Compressor::append`], for bytes that are unlike each other from one `plane` of so many to the next. Where they
    /// are `noisy` no time is spent on a search for repetitions.
    pub(crate) fn append_planes(
        &mut self,
        raw: &[u8],
        plane: usize,
        noisy: bool,
        out: &mut Vec<u8>,
    ) -> Codec {
        let stored = noisy && self.compression.noise == Noise::Store;
        if raw.len() >= WORTH_COMPRESSING && !stored {
            let start = out.len();
            let done = match self.compression.codec {
                Codec::None => None,
                Codec::Zstd => self.zstd(raw, plane, noisy, out),
                #[cfg(feature = "lz4")]
                Codec::Lz4 => lz4(raw, out),
                #[cfg(feature = "brotli")]
                Codec::Brotli => self.brotli(raw, out),
                #[cfg(not(all(feature = "lz4", feature = "brotli")))]
                _ => None,
            };
            let least = (raw.len() * usize::from(self.compression.least_gain) / 100).max(1);
            if done.is_some() && out.len() - start + least <= raw.len() {
                return self.compression.codec;
            }
            out.truncate(start);
        }
        out.extend_from_slice(raw);
        Codec::None
    }

    /// Appends one zstd frame. `None` if there is no memory: then what is not compressed is still right.
    fn zstd(&mut self, raw: &[u8], plane: usize, noisy: bool, out: &mut Vec<u8>) -> Option<()> {
        let count = noisy && self.compression.noise == Noise::Count;
        let (context, level) = if count {
            (&mut self.noise, Self::NOISE)
        } else {
            (&mut self.zstd, self.compression.level)
        };
        let context = match context {
            Some(context) => context,
            None => context.insert(compressor(level, count)?),
        };
        // A block of its own gives each plane its own code.
        let block = if BLOCKS.contains(&plane) { plane as u32 } else { 0 };
        context.set_parameter(CParameter::MaxBlockSize(block)).ok()?;
        out.reserve(
            zstd_safe::compress_bound(raw.len()) + BLOCK_HEADER * raw.len() / *BLOCKS.start(),
        );
        let end = out.len() as u64;
        let mut behind = Cursor::new(out);
        behind.set_position(end);
        context.compress2(&mut behind, raw).ok()?;
        Some(())
    }

    #[cfg(feature = "brotli")]
    fn brotli(&self, raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
        use std::io::Write as _;
        /// 2^22 bytes of window, as much as a column can use.
        const WINDOW: u32 = 22;
        let quality = self.compression.level.clamp(0, 11) as u32;
        let buffer = raw.len().min(1 << 16);
        let mut brotli = brotli::CompressorWriter::new(out, buffer, quality, WINDOW);
        brotli.write_all(raw).ok()?;
        brotli.flush().ok()?;
        brotli.into_inner();
        Some(())
    }
}

#[cfg(feature = "lz4")]
fn lz4(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    out.resize(start + lz4_flex::block::get_maximum_output_size(raw.len()), 0);
    let stored = lz4_flex::block::compress_into(raw, &mut out[start..]).ok()?;
    out.truncate(start + stored);
    Some(())
}

fn compressor(level: i32, count: bool) -> Option<CCtx<'static>> {
    let mut context = CCtx::try_create()?;
    context.set_parameter(CParameter::CompressionLevel(level)).ok()?;
    if count {
        context.set_parameter(CParameter::LiteralCompressionMode(ParamSwitch::Enable)).ok()?;
    }
    Some(context)
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").field("compression", &self.compression).finish_non_exhaustive()
    }
}

/// Returns the codec with this id.
///
/// # Errors
///
/// If this version or this build does not have it.
pub(crate) fn available(id: u8) -> Result<Codec, Error> {
    match Codec::from_id(id) {
        Some(codec) if codec.is_available() => Ok(codec),
        Some(codec) => Err(Error::TooNew {
            supported: "the codecs that this build was given".to_owned(),
            found: format!("codec {}, which is a feature of memscope-format", codec.name()),
        }),
        None => Err(Error::TooNew {
            supported: format!("the codecs of format {}.{}", crate::MAJOR, crate::MINOR),
            found: format!("codec {id}"),
        }),
    }
}

/// Undoes [`Compressor::append`]: `raw_len` bytes exactly, or `None`.
///
/// The caller has checked `raw_len` against a limit: so many bytes are allocated.
pub(crate) fn decompress(codec: Codec, stored: &[u8], raw_len: usize) -> Option<Vec<u8>> {
    match codec {
        Codec::None => (stored.len() == raw_len).then(|| stored.to_vec()),
        Codec::Zstd => DECOMPRESSOR.with_borrow_mut(|kept| {
            let zstd = match kept {
                Some(zstd) => zstd,
                None => kept.insert(decompressor()?),
            };
            let mut raw = Vec::with_capacity(raw_len);
            let len = zstd.decompress_to_buffer(stored, &mut raw).ok()?;
            (len == raw_len).then_some(raw)
        }),
        #[cfg(feature = "lz4")]
        Codec::Lz4 => {
            let mut raw = vec![0; raw_len];
            let len = lz4_flex::block::decompress_into(stored, &mut raw).ok()?;
            (len == raw_len).then_some(raw)
        }
        #[cfg(feature = "brotli")]
        Codec::Brotli => {
            use std::io::Read as _;
            let mut raw = Vec::with_capacity(raw_len);
            let mut brotli = brotli::Decompressor::new(stored, 4096);
            // One more would be too many.
            brotli.by_ref().take(raw_len as u64 + 1).read_to_end(&mut raw).ok()?;
            (raw.len() == raw_len).then_some(raw)
        }
        #[cfg(not(all(feature = "lz4", feature = "brotli")))]
        _ => None,
    }
}

thread_local! {
    /// zstd's tables, which cost more to set up than a small column to decode.
    static DECOMPRESSOR: RefCell<Option<bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

fn decompressor() -> Option<bulk::Decompressor<'static>> {
    let mut zstd = bulk::Decompressor::new().ok()?;
    zstd.set_parameter(DParameter::WindowLogMax(limits::ZSTD_WINDOW_LOG)).ok()?;
    Some(zstd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_shrink_is_stored_as_it_is() {
        for codec in Codec::ALL.into_iter().filter(|codec| codec.is_available()) {
            let mut out = Vec::new();
            let mut compressor = Compressor::new(codec.into());
            assert_eq!(compressor.append(b"short", &mut out), Codec::None);
            assert_eq!(out, b"short");
            let repeated = [7; 5000];
            out.clear();
            assert_eq!(compressor.append(&repeated, &mut out), codec);
            assert!(codec == Codec::None || out.len() < 50);
            assert_eq!(decompress(codec, &out, 5000).as_deref(), Some(repeated.as_slice()));
            assert_eq!(decompress(codec, &out, 4999), None);
            assert_eq!(decompress(codec, &out, 5001), None);
            assert_eq!(decompress(Codec::None, &out[1..], 5000), None);
        }
    }

    /// The lowest bytes of counters are random, the higher ones nearly all alike: each gets a code of its own.
    #[test]
    fn parts_are_coded_apart() {
        let low = (0..20_000_u64).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8);
        let high = (0..20_000_u64).map(|n| u8::from(n % 16 == 0));
        let raw: Vec<u8> = low.chain(high).collect();
        let mut compressor = Compressor::new(Codec::Zstd.into());
        let (mut apart, mut together) = (Vec::new(), Vec::new());
        let codec = compressor.append_planes(&raw, 20_000, true, &mut apart);
        compressor.append_planes(&raw, raw.len(), true, &mut together);
        assert_eq!(decompress(codec, &apart, raw.len()), Some(raw));
        assert!(apart.len() < together.len(), "{} {}", apart.len(), together.len());
    }
}
