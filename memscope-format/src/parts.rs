//! Captures of more frames than are opened at once, part by part.

use crate::chunks::ChunkRef;
use crate::error::Error;
use crate::health::{Damage, Health};
use crate::limits;
use crate::reader::{Opening, Reader};
use crate::record::Event;
use std::ops::Deref;

impl Reader {
    /// Opens the next part of a capture that has more frames than are opened at once; `None` if this is the last.
    ///
    /// What was recorded before the end of the file is there in all parts; what the rings of a dead program hold, and the
    /// newest totals, is in the last one.
    ///
    /// # Errors
    ///
    /// As [`Reader::open`].
    pub fn next_part(&self) -> Result<Option<Self>, Error> {
        self.contents.health.rest.map(|start| Opening::of_next(self, start)).transpose()
    }

    /// Does something with this part and all that follow, of which there is one in memory besides this.
    pub(crate) fn each_part(
        &self,
        mut act: impl FnMut(&Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        act(self)?;
        let mut next = self.next_part()?;
        while let Some(part) = next {
            act(&part)?;
            next = part.next_part()?;
        }
        Ok(())
    }

    /// Reads the rows of a chunk, each with the number of events that it stands for.
    pub(crate) fn weighted_rows<R: Event>(
        &self,
        chunk: &ChunkRef,
    ) -> Result<impl Iterator<Item = (R, u64)> + use<R>, Error> {
        let weights = self.weights::<R>(chunk)?;
        Ok(self.read_chunk::<R>(chunk)?.into_iter().zip(weights))
    }
}

impl<I> Reader<I> {
    /// What lies behind the frames that were opened, if there are more than are opened at once; see
    /// [`Reader::next_part`].
    #[must_use]
    pub fn unread(&self) -> Option<Damage> {
        let offset = self.contents.health.rest?;
        let what = format!(
            "more than {} frames; those from here on are not read, unless the capture is compacted first",
            self.part.frames
        );
        Some(Damage::new(offset, self.contents.bytes.saturating_sub(offset), None, what))
    }

    /// What cannot be read of this part, but for the chunks of [`Reader::chunks`]: who reads these finds them.
    pub fn damage_beside_chunks(&self) -> impl Iterator<Item = &Damage> {
        let health = &self.contents.health;
        let is_of_chunk = |damage: &Damage| {
            !damage.in_rings && damage.rows.is_some() && self.contents.has_chunk_at(damage.offset)
        };
        health.damage.iter().filter(move |damage| !is_of_chunk(damage))
    }
}

impl Health {
    /// Refuses a capture that was not opened whole, for those who cannot go on with its next part.
    pub(crate) fn opened_whole(&self) -> Result<(), Error> {
        match self.rest {
            None => Ok(()),
            Some(offset) => {
                let limit = limits::FRAMES as u64;
                Err(Error::Limit { offset, what: "frames", limit, found: limit + 1 })
            }
        }
    }
}

/// The rows of a stream in all parts of a capture, each with the number of events that it stands for.
pub(crate) struct AllRows<'a, R> {
    part: Held<'a>,
    chunks: std::vec::IntoIter<ChunkRef>,
    rows: std::vec::IntoIter<(R, u64)>,
}

enum Held<'a> {
    First(&'a Reader),
    Opened(Box<Reader>),
}

impl Deref for Held<'_> {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        match self {
            Self::First(reader) => reader,
            Self::Opened(reader) => reader,
        }
    }
}

impl<'a, R: Event> AllRows<'a, R> {
    pub(crate) fn of(reader: &'a Reader) -> Self {
        let chunks = reader.chunks::<R>().into_iter();
        Self { part: Held::First(reader), chunks, rows: Vec::new().into_iter() }
    }

    /// The next row; `None` after the last.
    pub(crate) fn next_row(&mut self) -> Result<Option<(R, u64)>, Error> {
        loop {
            if let Some(row) = self.rows.next() {
                return Ok(Some(row));
            }
            if let Some(chunk) = self.chunks.next() {
                let rows: Vec<_> = self.part.weighted_rows::<R>(&chunk)?.collect();
                self.rows = rows.into_iter();
            } else if let Some(part) = self.part.next_part()? {
                self.chunks = part.chunks::<R>().into_iter();
                self.part = Held::Opened(Box::new(part));
            } else {
                return Ok(None);
            }
        }
    }
}
