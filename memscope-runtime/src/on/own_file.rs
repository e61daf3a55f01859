//! Files of ours in a process that is the program's: it may close every descriptor that it does not know of, as daemons do, and have
//! files of its own under their numbers. So whether a descriptor still is our file is asked before each use; if it is not, the
//! file is opened again, and what has the number now is left alone.

use super::signals::unsignalled;
use core::mem::ManuallyDrop;
use memscope_format::writer::SyncData;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that was made here.
#[derive(Debug)]
pub(super) struct OwnFile {
    file: ManuallyDrop<File>,
    /// Where it is once it has the name that it keeps.
    path: PathBuf,
    identity: Identity,
}

/// What tells a file from all others that there are.
type Identity = Option<(u64, u64)>;

#[cfg(unix)]
fn identity(file: &File) -> Identity {
    use std::os::unix::fs::MetadataExt;
    file.metadata().ok().map(|file| (file.dev(), file.ino()))
}

/// Elsewhere a program cannot close what it has no handle of.
#[cfg(not(unix))]
fn identity(_: &File) -> Identity {
    None
}

impl OwnFile {
    /// Makes a file, which will have the name `path`, where there is none yet.
    pub(super) fn create(at: &Path, path: PathBuf) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create_new(true).open(at)?;
        let identity = identity(&file);
        Ok(Self { file: ManuallyDrop::new(out_of_the_way(file)), path, identity })
    }

    /// The path that it will keep.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The open file.
    pub(super) fn get(&mut self) -> io::Result<&File> {
        self.open_again()?;
        Ok(&self.file)
    }

    /// Opens the file again if the program has closed it; says whether that was so.
    pub(super) fn open_again(&mut self) -> io::Result<bool> {
        if self.is_open() {
            return Ok(false);
        }
        let again = reopening().open(&self.path)?;
        if identity(&again) != self.identity {
            return Err(io::Error::other("the program has closed it, and its path is another's"));
        }
        // What was closed must not be closed again.
        self.file = ManuallyDrop::new(out_of_the_way(again));
        Ok(true)
    }

    /// Whether the descriptor is that of this file.
    fn is_open(&self) -> bool {
        identity(&self.file) == self.identity
    }

    /// Whether it has no name any more, so that nobody can open it.
    pub(super) fn is_removed(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            self.file.metadata().is_ok_and(|file| file.nlink() == 0)
        }
        // Elsewhere a file that is open keeps its name.
        #[cfg(not(unix))]
        false
    }
}

/// How a file is opened again: what is written goes behind what is there.
fn reopening() -> OpenOptions {
    let mut options = File::options();
    options.read(true).append(true);
    options
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if self.is_open() {
            // SAFETY: it is not used again, and was not dropped before.
            unsafe { ManuallyDrop::drop(&mut self.file) };
        }
    }
}

impl Write for OwnFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.get()?;
        unsignalled(|| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SyncData for OwnFile {
    fn sync_data(&mut self) -> io::Result<()> {
        self.get()?.sync_data()
    }
}

/// Gives a file a descriptor that the program is unlikely to have next, if there is one: the numbers of its own are what they would be
/// without us.
#[cfg(unix)]
fn out_of_the_way(file: File) -> File {
    use std::os::fd::{AsRawFd, FromRawFd};
    /// Below 1024, which is how many a process may have by default.
    const LEAST: libc::c_int = 700;
    // SAFETY: the descriptor is open while `file` is there.
    let other = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, LEAST) };
    if other < 0 {
        return file;
    }
    // SAFETY: it was made just now, and is nobody else's.
    unsafe { File::from_raw_fd(other) }
}

#[cfg(not(unix))]
fn out_of_the_way(file: File) -> File {
    file
}
