//! Going on with a capture that was closed, or that its writer left.

use super::{Writer, WriterCore, WriterOptions};
use crate::commit::Commit;
use crate::contents::Contents;
use crate::error::Error;
use crate::health::Health;
use crate::leftover::rings_path;
use crate::reader::Reader;
use crate::rewrite::Rewrite;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

impl Writer<File> {
    /// Goes on with a capture: what is written now comes behind what is there, whose definitions, numbers, totals and index
    /// go on. Returns also how whole the capture was before.
    ///
    /// Nothing that is there is lost: behind a damaged end the writer goes on, and readers find both. What a program that
    /// died left in its rings is brought into the file first, and the rings are removed; if the file has chunks that only
    /// the rings can tell from events in them, it is written anew beside, and replaced at once.
    ///
    /// It has read the capture's index, definitions and rings, but no rows, when it returns. Commits must go on from
    /// [`Writer::last_commit`], in number and events.
    ///
    /// # Errors
    ///
    /// As [`Reader::open`]; [`io::ErrorKind::WouldBlock`] if the capture has rings whose program lives; [`Error::Limit`] if it
    /// has more frames than a reader takes at once; and if the file cannot be written. That another writer goes on with a
    /// capture without rings is not found out: there must be only one.
    pub fn append_to(
        path: impl AsRef<Path>,
        options: WriterOptions,
    ) -> Result<(Self, Health), Error> {
        let path = path.as_ref();
        let mut reader = Reader::open(path)?;
        let health = reader.health().clone();
        refuse(&health)?;
        if reader.contents.has_chunks_that_do_not_count() {
            write_anew(path)?;
            reader = Reader::open(path)?;
        }
        let sink = File::options().append(true).open(path)?;
        let writer = Self::behind(&reader.contents, sink, options)?;
        if health.recovered {
            writer.sink.sync_all()?;
            std::fs::remove_file(rings_path(path))?;
        }
        Ok((writer, health))
    }
}

impl<W: Write> Writer<W> {
    /// Goes on behind what a capture has, in a sink that writes to its end.
    pub(crate) fn behind(
        contents: &Contents,
        sink: W,
        options: WriterOptions,
    ) -> Result<Self, Error> {
        let mut writer = Self::of(WriterCore::resume(contents, options)?, sink);
        if !contents.health.complete {
            for chunk in &contents.recovered {
                writer.append(chunk)?;
            }
            writer.commit(&closing(contents))?;
        }
        Ok(writer)
    }
}

/// Refuses to go on with what is not to be written to, or cannot be known whole.
pub(super) fn refuse(health: &Health) -> Result<(), Error> {
    if health.live {
        return Err(being_written());
    }
    health.opened_whole()
}

/// Another writes to the capture.
pub(super) fn being_written() -> Error {
    let what = "the capture is being written by another process";
    io::Error::new(io::ErrorKind::WouldBlock, what).into()
}

/// The commit that brings into the file what only its rings, or a count, had.
pub(super) fn closing(contents: &Contents) -> Commit {
    Commit {
        cycle: contents.commit.as_ref().map_or(1, |commit| commit.cycle.saturating_add(1)),
        clock: contents.clock.last(),
        events: contents.events,
        lost: contents.health.lost_events,
        rings: contents.taken_rings().to_vec(),
    }
}

/// Replaces a capture by one that has what counts in it, and in its rings.
pub(super) fn write_anew(path: &Path) -> Result<(), Error> {
    let reader = Reader::open(path)?;
    let mut unfinished = OsString::from(path);
    unfinished.push("-new");
    let unfinished = PathBuf::from(unfinished);
    // One that is there already is another's.
    let file = File::create_new(&unfinished)?;
    let replaced = replace(&reader, file, &unfinished, path);
    if replaced.is_err() {
        // What was there is untouched.
        let _ = std::fs::remove_file(&unfinished);
    }
    replaced
}

fn replace(reader: &Reader, file: File, unfinished: &Path, path: &Path) -> Result<(), Error> {
    let (_, file) = Rewrite::default().write(reader, file, |_, _| {})?;
    file.set_permissions(std::fs::metadata(path)?.permissions())?;
    file.sync_all()?;
    Ok(std::fs::rename(unfinished, path)?)
}
