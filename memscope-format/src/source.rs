//! Reading parts of a file at their offsets, into owned buffers.
//!
//! No mapping: a file that shrinks under a mapping kills the reader. Several readers may use one source at once.

use crate::error::Error;
use std::fs::File;
use std::io;
use std::path::Path;

/// A file and the length it had when it was opened.
#[derive(Debug)]
pub(crate) struct Source {
    file: File,
    len: u64,
}

impl Source {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self { file, len })
    }

    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    /// Fills `bytes` from `offset` on.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`] if the file ends before.
    pub(crate) fn read_exact(&self, bytes: &mut [u8], offset: u64) -> Result<(), Error> {
        let mut filled = 0;
        while filled < bytes.len() {
            match read_at(&self.file, &mut bytes[filled..], offset + filled as u64) {
                Ok(0) => {
                    return Err(Error::Truncated {
                        offset,
                        expected: bytes.len() as u64,
                        found: filled as u64,
                    });
                }
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads `len` bytes from `offset` on; the caller has checked `len` against a limit.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`], before anything is allocated, if the file is not so long.
    pub(crate) fn read(&self, offset: u64, len: u64) -> Result<Vec<u8>, Error> {
        let found = self.len.saturating_sub(offset);
        if found < len {
            return Err(Error::Truncated { offset, expected: len, found });
        }
        let mut bytes = vec![0; len as usize];
        self.read_exact(&mut bytes, offset)?;
        Ok(bytes)
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, offset)
}
