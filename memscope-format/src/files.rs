//! Files of which only some are open at once, for who reads more captures than a process may have files.

use crate::source::Source;
use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Files that captures are read from, of which those are open that were read last.
///
/// A file that is not open is opened again when it is read; if there is another in its place by then, that is an error. Clones share
/// their files.
#[derive(Clone)]
pub struct OpenFiles(Arc<Pool>);

struct Pool {
    most: usize,
    /// By their numbers, the one that was read last at the back.
    open: Mutex<VecDeque<(u64, Arc<File>)>>,
    given: Mutex<u64>,
}

impl OpenFiles {
    /// Has so many files open at once, one at least, and one more for each thread that reads.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let (open, given) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Pool { most: most.max(1), open, given }))
    }

    /// Takes a file that was opened at a path.
    pub(crate) fn take(&self, path: &Path, file: File) -> io::Result<SharedFile> {
        let (path, identity) = (std::path::absolute(path)?, identity(&file)?);
        let number = {
            let mut given = self.0.given.lock().unwrap_or_else(PoisonError::into_inner);
            *given += 1;
            *given
        };
        self.keep(number, Arc::new(file));
        Ok(SharedFile { files: self.clone(), number, path, identity })
    }

    fn keep(&self, number: u64, file: Arc<File>) {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(other, _)| *other != number);
        while open.len() >= self.0.most {
            open.pop_front();
        }
        open.push_back((number, file));
    }

    fn open(&self, number: u64) -> Option<Arc<File>> {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let place = open.iter().position(|(other, _)| *other == number)?;
        let found = open.remove(place)?;
        let file = Arc::clone(&found.1);
        open.push_back(found);
        Some(file)
    }
}

impl fmt::Debug for OpenFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFiles").field("most", &self.0.most).finish_non_exhaustive()
    }
}

/// One of the files.
pub(crate) struct SharedFile {
    files: OpenFiles,
    number: u64,
    path: PathBuf,
    identity: Identity,
}

impl SharedFile {
    fn file(&self) -> io::Result<Arc<File>> {
        if let Some(file) = self.files.open(self.number) {
            return Ok(file);
        }
        let file = File::open(&self.path)?;
        if identity(&file)? != self.identity {
            let what = format!("{}: another file is there than before", self.path.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, what));
        }
        let file = Arc::new(file);
        self.files.keep(self.number, Arc::clone(&file));
        Ok(file)
    }
}

impl Source for SharedFile {
    fn len(&self) -> io::Result<u64> {
        Source::len(&*self.file()?)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        Source::read_at(&*self.file()?, bytes, offset)
    }
}

impl Drop for SharedFile {
    fn drop(&mut self) {
        let mut open = self.files.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(other, _)| *other != self.number);
    }
}

/// What tells a file from another at its path.
#[cfg(unix)]
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(file: &File) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    file.metadata().map(|file| (file.dev(), file.ino()))
}

/// What tells a file from another at its path: as far as the standard library knows, when it was made.
#[cfg(not(unix))]
type Identity = Option<std::time::SystemTime>;

#[cfg(not(unix))]
fn identity(file: &File) -> io::Result<Identity> {
    file.metadata().map(|file| file.created().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_files_few_are_open_and_all_can_be_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = |number: u8| directory.path().join(number.to_string());
        let files = OpenFiles::new(2);
        let open = || files.0.open.lock().unwrap().len();
        let sources: Vec<_> = (0..5_u8)
            .map(|number| {
                std::fs::write(path(number), [number; 9]).unwrap();
                files.take(&path(number), File::open(path(number)).unwrap()).unwrap()
            })
            .collect();
        let read = |number: u8| {
            let mut bytes = [0xff; 4];
            sources[usize::from(number)].read_at(&mut bytes, 3).map(|read| (read, bytes))
        };
        for number in [4, 0, 1, 2, 3, 4, 4, 0] {
            assert_eq!(read(number).unwrap(), (4, [number; 4]));
            assert_eq!(sources[usize::from(number)].len().unwrap(), 9);
            assert!(open() <= 2);
        }
        // One that is not open is found where it was, and no other is taken for it.
        std::fs::rename(path(1), path(9)).unwrap();
        assert_eq!(read(1).unwrap_err().kind(), io::ErrorKind::NotFound);
        std::fs::write(path(1), [7; 9]).unwrap();
        assert_eq!(read(1).unwrap_err().kind(), io::ErrorKind::NotFound);
        std::fs::rename(path(9), path(1)).unwrap();
        assert_eq!(read(1).unwrap(), (4, [1; 4]));
        drop(sources);
        assert_eq!(open(), 0);
    }
}
