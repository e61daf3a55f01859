//! Chunks of what a drain in haste wrote as raw events.

use crate::compression::Compression;
use crate::error::Error;
use crate::parts::AllRows;
use crate::reader::Reader;
use crate::record::{Event, StreamVisitor};
use crate::rewrite::{Rewrite, Rewritten};
use crate::rows::Stream;
use crate::validate::{Validation, validate};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// Writes a capture anew with all its events in chunks, however they were written, reads that again and compares it with
/// the capture, row by row and weight by weight. One that has more frames than are opened at once is read part by part.
///
/// The memory is that of a chunk of each stream. `progress` is called with the rows written so far and the rows in all,
/// and then, from 0 on, with those compared.
///
/// # Errors
///
/// If the capture cannot be opened, some of it cannot be read ([`recover`](crate::recover) leaves that out), `to` exists or
/// cannot be written, or it does not have the same rows. What was written is left for a look then.
pub fn compact(
    capture: impl AsRef<Path>,
    to: impl AsRef<Path>,
    compression: impl Into<Compression>,
    mut progress: impl FnMut(u64, u64),
) -> Result<(Rewritten, Validation), Error> {
    let reader = Reader::open(capture)?;
    let mut rows = 0;
    reader.each_part(|part| {
        rows += part.streams().iter().map(|total| total.rows).sum::<u64>();
        match part.health().damage.first() {
            None => Ok(()),
            Some(damage) => {
                let whole = "a capture without damage, to be made smaller";
                Err(Error::corrupt(damage.offset, whole, &damage.what))
            }
        }
    })?;
    let file = BufWriter::new(File::create_new(to.as_ref())?);
    let rewrite = Rewrite { compression: compression.into(), ..Rewrite::default() };
    let (done, file) = rewrite.write(&reader, file, &mut progress)?;
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    let written = Reader::open(to.as_ref())?;
    let mut compare = Compare { reader: &reader, written: &written, compared: 0, rows, progress };
    Stream::ALL.iter().try_for_each(|stream| stream.visit(&mut compare))?;
    let validation = validate(to.as_ref())?;
    if let Some(error) = validation.errors.first() {
        return Err(Error::corrupt(error.offset, "a capture as it was written", &error.what));
    }
    Ok((done, validation))
}

/// Compares two captures stream by stream.
struct Compare<'a, P> {
    reader: &'a Reader,
    written: &'a Reader,
    compared: u64,
    rows: u64,
    progress: P,
}

impl<P: FnMut(u64, u64)> StreamVisitor for Compare<'_, P> {
    type Output = Result<(), Error>;

    fn visit<R: Event>(&mut self) -> Self::Output {
        /// Rows from one call of `progress` to the next.
        const STEP: u64 = 1 << 16;
        let mut written = AllRows::<R>::of(self.written);
        let mut rows = AllRows::<R>::of(self.reader);
        while let Some(row) = rows.next_row()? {
            let again = written.next_row()?;
            if again != Some(row) {
                return Err(other_rows::<R>(&format!("{row:?}"), &format!("{again:?}")));
            }
            self.compared += 1;
            if self.compared.is_multiple_of(STEP) || self.compared == self.rows {
                (self.progress)(self.compared, self.rows);
            }
        }
        match written.next_row()? {
            None => Ok(()),
            Some(more) => Err(other_rows::<R>("no more rows", &format!("{more:?}"))),
        }
    }
}

fn other_rows<R: Event>(expected: &str, found: &str) -> Error {
    Error::corrupt(0, format!("{expected} in {}", R::STREAM.name()), found)
}
