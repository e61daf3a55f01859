//! The file header: 64 bytes that say what the file is, written once and never patched.

use crate::codec::Codec;
use crate::error::Error;

/// First bytes of a capture. The line ends and the control byte betray a transfer that was not binary.
pub const MAGIC: [u8; 12] = *b"MEMSCOPE\r\n\x1A\n";
/// Bytes of the file header.
pub const FILE_HEADER_LEN: usize = 64;
/// The major version that this crate writes; greater ones are refused.
pub const MAJOR: u16 = 0;
/// The minor version that this crate writes. While the major version is 0 each minor one is a format of its own.
pub const MINOR: u16 = 3;
/// The incompatible features that this crate knows: none yet.
pub const KNOWN_INCOMPAT: u64 = 0;

/// What the first 64 bytes of a capture say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileHeader {
    /// Major version of the format.
    pub major: u16,
    /// Minor version of the format.
    pub minor: u16,
    /// Features that a reader must know.
    pub incompat: u64,
    /// Features that a reader may ignore.
    pub compat: u64,
    /// Tells this capture's frames and rings file from those of others.
    pub file_id: [u8; 16],
    /// When it was created, in nanoseconds of the Unix epoch.
    pub created_unix_ns: u64,
    /// The codec that the writer was asked to use.
    pub codec: Codec,
}

impl FileHeader {
    /// Makes the header of a capture in this crate's version of the format.
    #[must_use]
    pub const fn new(file_id: [u8; 16], created_unix_ns: u64, codec: Codec) -> Self {
        Self { major: MAJOR, minor: MINOR, incompat: 0, compat: 0, file_id, created_unix_ns, codec }
    }

    /// The part of the file's id that is in every frame's sync mark.
    #[must_use]
    pub const fn tag(&self) -> [u8; 4] {
        let id = self.file_id;
        [id[0], id[1], id[2], id[3]]
    }

    /// Encodes the header.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; FILE_HEADER_LEN] {
        let mut bytes = [0; FILE_HEADER_LEN];
        bytes[..12].copy_from_slice(&MAGIC);
        bytes[12..14].copy_from_slice(&self.major.to_le_bytes());
        bytes[14..16].copy_from_slice(&self.minor.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.incompat.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.compat.to_le_bytes());
        bytes[32..48].copy_from_slice(&self.file_id);
        bytes[48..56].copy_from_slice(&self.created_unix_ns.to_le_bytes());
        bytes[56] = self.codec as u8;
        let crc = crc32fast::hash(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Decodes a header.
    ///
    /// # Errors
    ///
    /// [`Error::NotACapture`] if the magic number is another, [`Error::Corrupt`] if the checksum is wrong, and
    /// [`Error::TooNew`] if this version cannot read what follows.
    pub fn from_bytes(bytes: &[u8; FILE_HEADER_LEN]) -> Result<Self, Error> {
        if bytes[..12] != MAGIC {
            return Err(Error::NotACapture { found: printable(&bytes[..12]) });
        }
        let found = u32_at(bytes, 60);
        let computed = crc32fast::hash(&bytes[..60]);
        if found != computed {
            return Err(Error::corrupt(
                0,
                format!("a file header with checksum {computed:08x}"),
                format!("{found:08x}"),
            ));
        }
        let (major, minor) = (u16_at(bytes, 12), u16_at(bytes, 14));
        if (major, minor) != (MAJOR, MINOR) {
            return Err(Error::TooNew {
                supported: format!("format {MAJOR}.{MINOR}"),
                found: format!("format {major}.{minor}"),
            });
        }
        let incompat = u64_at(bytes, 16);
        if incompat & !KNOWN_INCOMPAT != 0 {
            return Err(Error::TooNew {
                supported: format!("features {KNOWN_INCOMPAT:#x}"),
                found: format!("features {incompat:#x}"),
            });
        }
        let mut file_id = [0; 16];
        file_id.copy_from_slice(&bytes[32..48]);
        Ok(Self {
            major,
            minor,
            incompat,
            compat: u64_at(bytes, 24),
            file_id,
            created_unix_ns: u64_at(bytes, 48),
            // The codec here is for information; each column names its own.
            codec: Codec::from_id(bytes[56]).unwrap_or(Codec::None),
        })
    }
}

/// Shows the first bytes of a foreign file.
pub(crate) fn printable(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

/// Reads a little-endian number that the caller knows to be there; 0 beyond the end.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

/// As [`u16_at`].
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// As [`u16_at`].
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_and_each_of_its_bits_counts() {
        let header = FileHeader::new(*b"0123456789abcdef", 1_700_000_000_000_000_000, Codec::Zstd);
        let bytes = header.to_bytes();
        assert_eq!(FileHeader::from_bytes(&bytes).unwrap(), header);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(FileHeader::from_bytes(&damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn another_version_or_feature_is_refused_by_name() {
        let mut header = FileHeader::new([1; 16], 0, Codec::None);
        header.major = 3;
        let error = FileHeader::from_bytes(&header.to_bytes()).unwrap_err().to_string();
        assert!(error.contains(&format!("format 3.{MINOR}")), "{error}");
        header.major = MAJOR;
        header.incompat = 0x10;
        let error = FileHeader::from_bytes(&header.to_bytes()).unwrap_err().to_string();
        assert!(error.contains("features 0x10"), "{error}");
    }
}
