//! How many bytes of a file a reader reads.

use memscope_format::{Reader, Source};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file, and how many bytes of it were read.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Source for Counted {
    fn len(&self) -> io::Result<u64> {
        Source::len(&self.file)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = Source::read_at(&self.file, bytes, offset)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Opens a capture, does something with it, and returns what that gives and how many bytes were read for it.
pub(crate) fn read<T>(path: &Path, task: impl FnOnce(&Reader) -> T) -> (T, u64) {
    let read = Arc::new(AtomicU64::new(0));
    let source = Counted { file: File::open(path).unwrap(), read: Arc::clone(&read) };
    let done = task(&Reader::opening().source(source).unwrap());
    (done, read.load(Ordering::Relaxed))
}
