//! The recordings that captures are of: one that could not be written any more where it began is two files.

use crate::chunks::Place;
use crate::error::Error;
use crate::health::Damage;
use crate::metadata::Origin;
use crate::reader::Reader;
use crate::record::{Event, StreamVisitor};
use crate::rows::Stream;
use std::collections::BTreeMap;

/// A recording, as the files say that have it.
#[derive(Debug)]
pub(super) struct Recording<'a> {
    /// In the order of their frames; one at least.
    pub(super) files: Vec<&'a Reader>,
    /// The place of each among the captures that were given.
    pub(super) places: Vec<usize>,
}

impl<'a> Recording<'a> {
    /// Finds the recordings that captures are of, in the order in which these were given.
    ///
    /// # Errors
    ///
    /// If two captures have the same frames.
    pub(super) fn all(captures: &'a [Reader]) -> Result<Vec<Self>, Error> {
        let mut recordings: Vec<Vec<(usize, &Reader)>> = Vec::new();
        for given in captures.iter().enumerate() {
            let same = |files: &&mut Vec<(usize, &Reader)>| {
                files.iter().any(|(_, file)| file.header().file_id == given.1.header().file_id)
            };
            match recordings.iter_mut().find(same) {
                Some(files) => files.push(given),
                None => recordings.push(vec![given]),
            }
        }
        recordings.into_iter().map(Self::of).collect()
    }

    fn of(mut files: Vec<(usize, &'a Reader)>) -> Result<Self, Error> {
        files.sort_by_key(|(_, file)| numbers(file));
        let (places, files): (Vec<usize>, Vec<&Reader>) = files.into_iter().unzip();
        for pair in files.windows(2) {
            let refused = |found| {
                let expected = "captures of several recordings, or several files of one";
                Err(Error::corrupt(0, expected, found))
            };
            if let (Some((_, last)), Some((first, _))) = (numbers(pair[0]), numbers(pair[1]))
                && first <= last
            {
                return refused("the same frames twice");
            }
            // A recording goes on in another file only where the first could not be closed; a whole one has copies.
            if pair[0].health().complete {
                return refused("a whole capture, and another of the same recording");
            }
        }
        Ok(Self { files, places })
    }

    /// The file that it began in, as far as it was given.
    pub(super) fn first(&self) -> &'a Reader {
        self.files[0]
    }

    /// In which state it is.
    pub(super) fn origin(&self) -> Origin {
        Origin {
            complete: self.files.iter().any(|file| file.health().complete),
            recovered: self.files.iter().any(|file| file.health().recovered),
            torn: self.is_torn(),
        }
    }

    /// Whether there is a part that cannot be read, or is in none of the files, and nobody knows what was in it.
    fn is_torn(&self) -> bool {
        self.damage().any(|(_, damage)| damage.rows.is_none()) || self.gaps().next().is_some()
    }

    /// Events that are known to be lost; each file counts those before it, too.
    pub(super) fn lost(&self) -> u64 {
        let counted = self.files.iter().map(|file| file.lost()).max().unwrap_or(0);
        self.damage().map(|(_, damage)| damage.lost_rows()).fold(counted, u64::saturating_add)
    }

    /// Rows that could not be written, by stream; each file counts those before it, too.
    pub(super) fn unwritten(&self) -> BTreeMap<Stream, u64> {
        let mut unwritten = BTreeMap::new();
        for &(stream, rows) in self.files.iter().flat_map(|file| file.unwritten()) {
            let most = unwritten.entry(stream).or_insert(0);
            *most = rows.max(*most);
        }
        unwritten
    }

    /// The places of the captures of which a part cannot be read, or is missing before them.
    pub(super) fn damaged(&self) -> impl Iterator<Item = usize> {
        self.damage().map(|(place, _)| place).chain(self.gaps())
    }

    /// What cannot be read besides chunks, with the place of the capture. That a file lacks what is in the others is no damage,
    /// nor is what it has of the frame that could not be written there.
    fn damage(&self) -> impl Iterator<Item = (usize, &'a Damage)> {
        let last = self.files.len() - 1;
        let files = self.files.iter().zip(&self.places).enumerate();
        files.flat_map(move |(number, (file, place))| {
            let is_elsewhere = move |damage: &Damage| {
                number > 0 && damage.is_missing_beginning()
                    || number < last
                        && !damage.in_rings
                        && damage.offset.saturating_add(damage.bytes) >= file.bytes()
            };
            let damage = file.damage_beside_chunks().filter(move |damage| !is_elsewhere(damage));
            damage.map(|damage| (*place, damage))
        })
    }

    /// The places of the captures before which frames are missing, as the numbers of those before say.
    fn gaps(&self) -> impl Iterator<Item = usize> {
        let pairs = self.files.windows(2).zip(&self.places[1..]);
        let missing = pairs.filter(|(pair, _)| {
            let [before, behind] =
                [pair[0].contents.frames().last(), pair[1].contents.frames().first()];
            before
                .zip(behind)
                .is_some_and(|(before, behind)| behind.seq > before.seq.saturating_add(1))
        });
        missing.map(|(_, place)| *place)
    }
}

/// The first and the last number of a file's event frames.
pub(crate) fn numbers(reader: &Reader) -> Option<(u64, u64)> {
    struct Numbers<'a>(&'a Reader, Option<(u64, u64)>);
    impl StreamVisitor for Numbers<'_> {
        type Output = ();

        fn visit<R: Event>(&mut self) {
            for chunk in self.0.chunks::<R>() {
                if let Place::Frame { seq, .. } = chunk.place {
                    let (first, last) = self.1.unwrap_or((seq, seq));
                    self.1 = Some((first.min(seq), last.max(seq)));
                }
            }
        }
    }
    let mut numbers = Numbers(reader, None);
    Stream::ALL.iter().for_each(|stream| stream.visit(&mut numbers));
    numbers.1
}
