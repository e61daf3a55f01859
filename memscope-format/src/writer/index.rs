//! The part of the index that a writer keeps in memory: what no checkpoint, or only some of the last, has named.

use crate::chunk::CHUNK_ROWS;
use crate::index::IndexEntry;

/// Frames without a checkpoint after which one is due.
pub(super) const FRAMES: usize = CHUNK_ROWS / 4;

/// So many checkpoints name what came since the one before; then one names the frames of all of them, so that a reader
/// has few to follow.
const LINKS: u32 = 64;

/// Frames that a coming checkpoint may name.
#[derive(Debug, Default)]
pub(super) struct OpenIndex {
    /// All frames behind the checkpoint at `base`.
    entries: Vec<IndexEntry>,
    /// The place of the first one behind the checkpoint at `last`.
    new: usize,
    base: Option<u64>,
    last: Option<u64>,
    /// Checkpoints behind `base`.
    links: u32,
}

/// What a checkpoint names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    /// The checkpoint that it follows on.
    pub(super) previous: Option<u64>,
    /// The places of the frames that it names.
    first: usize,
    end: usize,
}

impl OpenIndex {
    /// The index of a file that goes on behind a checkpoint.
    pub(super) fn behind(checkpoint: Option<u64>) -> Self {
        Self { base: checkpoint, last: checkpoint, ..Self::default() }
    }

    /// Adds a frame that the sink has taken.
    pub(super) fn push(&mut self, entry: IndexEntry) {
        self.entries.push(entry);
    }

    /// Where the last checkpoint begins.
    pub(super) const fn last(&self) -> Option<u64> {
        self.last
    }

    /// Frames since the last checkpoint.
    pub(super) const fn new_frames(&self) -> usize {
        self.entries.len() - self.new
    }

    /// Decides what the checkpoint that is about to be written names; the last of a file names all it can.
    pub(super) fn link(&self, last: bool) -> Link {
        let end = self.entries.len();
        if last || self.links >= LINKS || end >= CHUNK_ROWS {
            Link { previous: self.base, first: 0, end }
        } else {
            Link { previous: self.last, first: self.new, end }
        }
    }

    /// The frames that a checkpoint names.
    pub(super) fn named(&self, link: Link) -> &[IndexEntry] {
        self.entries.get(link.first..link.end).unwrap_or_default()
    }

    /// Notes that a checkpoint was written, at this offset.
    pub(super) fn checkpointed(&mut self, link: Link, offset: u64) {
        self.last = Some(offset);
        if link.first == 0 {
            self.entries.clear();
            self.base = self.last;
            self.links = 0;
        } else {
            self.links += 1;
        }
        self.new = self.entries.len();
    }
}
