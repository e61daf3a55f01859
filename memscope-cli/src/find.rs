//! From what the user names to captures.

use crate::failure::Failure;
use memscope_format::Reader;
use memscope_format::raw::RINGS_MAGIC;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Returns the captures that a path names: itself, or those in the directory, by name.
///
/// # Errors
///
/// If there are none, or it is the rings file beside a capture.
pub(crate) fn captures(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return file(path).map(|file| vec![file]);
    }
    let cannot =
        |error| Failure::io(format!("cannot read the directory {}", path.display()), error);
    let mut found = Vec::new();
    for entry in path.read_dir().map_err(cannot)? {
        let file = entry.map_err(cannot)?.path();
        if file.extension().is_some_and(|extension| extension == "memscope") {
            found.push(file);
        }
    }
    if found.is_empty() {
        let what = "no capture (`*.memscope`) in this directory; `$0 run` makes one".into();
        return Err(Failure::NoCapture { path: path.to_owned(), what });
    }
    found.sort();
    Ok(found)
}

/// Returns the one capture that a path names, itself or as the only one in a directory, for commands that take one.
pub(crate) fn one_capture(path: &Path) -> Result<PathBuf, Failure> {
    let mut found = captures(path)?;
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        (_, others) => Err(Failure::Usage(format!(
            "{} holds {} captures; give one of them",
            path.display(),
            others + 1
        ))),
    }
}

/// Opens a capture.
pub(crate) fn open(path: &Path) -> Result<Reader, Failure> {
    Reader::open(path).map_err(|error| Failure::opening(path, error))
}

/// Opens a capture of which all is to be read.
pub(crate) fn open_whole(path: &Path) -> Result<Reader, Failure> {
    let reader = open(path)?;
    match reader.unread() {
        None => Ok(reader),
        Some(unread) => {
            let (path, what) = (path.display(), unread.what);
            Err(Failure::Damaged(format!("{path}: {what} (`$0 compact {path}`)")))
        }
    }
}

fn file(path: &Path) -> Result<PathBuf, Failure> {
    let mut magic = [0; RINGS_MAGIC.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    if read.is_ok() && magic == RINGS_MAGIC {
        let capture = path.to_string_lossy();
        let capture = capture.strip_suffix("-rings").unwrap_or("the `.memscope` file beside it");
        return Err(Failure::Rings { path: path.to_owned(), capture: capture.into() });
    }
    Ok(path.to_owned())
}
