//! The codecs that stored bytes may be compressed with.

use crate::column::Parts;
use crate::limits;
use std::cell::RefCell;
use std::fmt;
use zstd::bulk;
use zstd::zstd_safe::zstd_sys::ZSTD_EndDirective;
use zstd::zstd_safe::{
    self, CCtx, CParameter, DParameter, InBuffer, OutBuffer, ParamSwitch, ResetDirective,
};

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

/// A run of bytes from here on is worth a block for each of its parts.
const WORTH_A_BLOCK: usize = 4096;

/// Compresses one run of bytes after another, reusing its tables and its buffer.
pub(crate) struct Compressor {
    codec: Codec,
    level: i32,
    zstd: Option<CCtx<'static>>,
    /// For bytes without repetitions.
    noise: Option<CCtx<'static>>,
    scratch: Vec<u8>,
}

impl Compressor {
    /// zstd's level 1 is as small as its level 3 on event columns and faster.
    pub(crate) const EVENTS: i32 = 1;
    /// Definitions are text, and few.
    pub(crate) const TEXT: i32 = 3;
    /// So far below 0 that zstd hardly searches for repetitions: what is left is Huffman coding.
    const NOISE: i32 = -20;

    pub(crate) const fn new(codec: Codec, level: i32) -> Self {
        Self { codec, level, zstd: None, noise: None, scratch: Vec::new() }
    }

    /// Whether bytes stay as they are given.
    pub(crate) fn is_none(&self) -> bool {
        self.codec == Codec::None
    }

    /// Appends `raw` to `out`, compressed if that makes it smaller, and says how it is stored.
    pub(crate) fn append(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Codec {
        self.append_parts(Parts::One(raw), false, out)
    }

    /// As [`Compressor::append`], for bytes in parts that are unlike each other. Where bytes are `noisy` no time is
    /// spent on a search for repetitions.
    pub(crate) fn append_parts(
        &mut self,
        parts: Parts<'_>,
        noisy: bool,
        out: &mut Vec<u8>,
    ) -> Codec {
        let len = parts.len();
        if self.codec == Codec::Zstd && len >= WORTH_COMPRESSING {
            let start = out.len();
            if self.zstd(parts, len, noisy, out).is_some_and(|stored| stored < len) {
                return Codec::Zstd;
            }
            out.truncate(start);
        }
        for part in parts.iter() {
            out.extend_from_slice(part);
        }
        Codec::None
    }

    /// Appends one zstd frame; returns its length. `None` if there is no memory: then what is not compressed is still right.
    fn zstd(
        &mut self,
        parts: Parts<'_>,
        len: usize,
        noisy: bool,
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        let (context, level) =
            if noisy { (&mut self.noise, Self::NOISE) } else { (&mut self.zstd, self.level) };
        let context = match context {
            Some(context) => context,
            None => context.insert(compressor(level, noisy)?),
        };
        context.reset(ResetDirective::SessionOnly).ok()?;
        context.set_pledged_src_size(Some(len as u64)).ok()?;
        self.scratch.clear();
        self.scratch.reserve(zstd_safe::compress_bound(len) + 64);
        let mut buffer = OutBuffer::around(&mut self.scratch);
        let by_part = len >= WORTH_A_BLOCK;
        for part in parts.iter() {
            let mut input = InBuffer::around(part);
            // A block of its own gives each part its own code.
            let directive = if by_part {
                ZSTD_EndDirective::ZSTD_e_flush
            } else {
                ZSTD_EndDirective::ZSTD_e_continue
            };
            loop {
                let left = context.compress_stream2(&mut buffer, &mut input, directive).ok()?;
                if input.pos() == part.len() && (left == 0 || !by_part) {
                    break;
                }
                if buffer.pos() == buffer.capacity() {
                    return None;
                }
            }
        }
        let end = ZSTD_EndDirective::ZSTD_e_end;
        while context.compress_stream2(&mut buffer, &mut InBuffer::around(&[]), end).ok()? > 0 {
            if buffer.pos() == buffer.capacity() {
                return None;
            }
        }
        out.extend_from_slice(&self.scratch);
        Some(self.scratch.len())
    }
}

fn compressor(level: i32, noisy: bool) -> Option<CCtx<'static>> {
    let mut context = CCtx::try_create()?;
    context.set_parameter(CParameter::CompressionLevel(level)).ok()?;
    if noisy {
        context.set_parameter(CParameter::LiteralCompressionMode(ParamSwitch::Enable)).ok()?;
    }
    Some(context)
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
