//! The codecs that stored bytes may be compressed with.

use crate::limits;
use std::cell::RefCell;
use std::fmt;
use zstd::bulk;
use zstd::zstd_safe::{self, DParameter};

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
#[non_exhaustive]
pub enum Codec {
    /// Not at all.
    None = 0,
    /// One zstd frame.
    #[default]
    Zstd = 2,
}

impl Codec {
    /// Returns the codec with this id, if this version has it.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            0 => Some(Self::None),
            2 => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Below this many bytes a codec gains nothing over its own frame.
const WORTH_COMPRESSING: usize = 64;

/// Compresses one run of bytes after another, reusing its tables and its buffer.
pub(crate) struct Compressor {
    codec: Codec,
    level: i32,
    zstd: Option<bulk::Compressor<'static>>,
    scratch: Vec<u8>,
}

impl Compressor {
    /// zstd's level 1 is as small as its level 3 on event columns and faster.
    pub(crate) const EVENTS: i32 = 1;
    /// Definitions are text, and few.
    pub(crate) const TEXT: i32 = 3;

    pub(crate) const fn new(codec: Codec, level: i32) -> Self {
        Self { codec, level, zstd: None, scratch: Vec::new() }
    }

    /// Appends `raw` to `out`, compressed if that makes it smaller, and says how it is stored.
    pub(crate) fn append(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Codec {
        if self.codec == Codec::Zstd && raw.len() >= WORTH_COMPRESSING && self.squeeze(raw) {
            out.extend_from_slice(&self.scratch);
            return Codec::Zstd;
        }
        out.extend_from_slice(raw);
        Codec::None
    }

    /// Compresses into the scratch buffer; `false` if the result is no smaller. zstd fails only for want of
    /// memory, and then what is not compressed is still right.
    fn squeeze(&mut self, raw: &[u8]) -> bool {
        if self.zstd.is_none() {
            self.zstd = bulk::Compressor::new(self.level).ok();
        }
        let Some(zstd) = &mut self.zstd else { return false };
        self.scratch.clear();
        self.scratch.reserve(zstd_safe::compress_bound(raw.len()));
        zstd.compress_to_buffer(raw, &mut self.scratch).is_ok_and(|len| len < raw.len())
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").field("codec", &self.codec).finish_non_exhaustive()
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
        let mut out = Vec::new();
        let mut compressor = Compressor::new(Codec::Zstd, Compressor::EVENTS);
        assert_eq!(compressor.append(b"short", &mut out), Codec::None);
        assert_eq!(out, b"short");
        let repeated = [7; 5000];
        out.clear();
        assert_eq!(compressor.append(&repeated, &mut out), Codec::Zstd);
        assert!(out.len() < 50);
        assert_eq!(decompress(Codec::Zstd, &out, 5000).as_deref(), Some(repeated.as_slice()));
        assert_eq!(decompress(Codec::Zstd, &out, 4999), None);
        assert_eq!(decompress(Codec::Zstd, &out, 5001), None);
        assert_eq!(decompress(Codec::None, &out, 5000), None);
    }
}
