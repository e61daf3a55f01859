//! What a writer does when its sink fails: it tries again, goes on in another sink, leaves out what may go, or fails and says
//! how many rows that costs.

use super::super::index::OpenIndex;
use super::frames::{Frame, Then};
use super::{Current, Step, WriterCore};
use crate::checkpoint::StreamTally;
use crate::error::Error;
use crate::frame::{FrameHeader, FrameType};
use std::io;

impl WriterCore {
    /// Tells that an action failed.
    pub fn failed(&mut self, error: io::Error) {
        if error.kind() == io::ErrorKind::Interrupted {
            return;
        }
        if let Some(pause) = self.options.retry.pause(self.repetitions) {
            self.repetitions += 1;
            self.pause = Some(pause);
        } else if self.movable {
            self.moving = Some(error);
        } else {
            self.give_up(error);
        }
    }

    /// Tells that an action failed, and that it is unknown how much the sink has taken: what came behind would be where the
    /// index does not say. So nothing is repeated, and no more is written until there is [another sink](super::Action::Move).
    pub fn failed_astray(&mut self, error: io::Error) {
        self.astray = true;
        if self.movable {
            self.moving = Some(error);
        } else {
            self.give_up(error);
        }
    }

    /// Tells that there is another sink: the capture goes on there, as a file that can be read by itself.
    ///
    /// It has the same id, all definitions, and numbers of frames that say how many came before; so neither file looks
    /// like the whole capture.
    pub fn moved(&mut self) {
        let Some(_) = self.moving.take() else { return };
        let kept: Vec<Step> = self.interrupted().into_iter().chain(self.steps.drain(..)).collect();
        let finishing = kept.iter().any(|step| match step {
            Step::Footer => true,
            Step::Frame(frame) => frame.header.frame_type == FrameType::FOOTER,
            _ => false,
        });
        self.offset = 0;
        self.astray = false;
        self.repetitions = 0;
        self.index = OpenIndex::default();
        self.checkpointed.0 = 0;
        self.repeated = None;
        self.tables.forget_written();
        self.metadata_written = self.metadata.is_none();
        self.rings.values_mut().for_each(|(_, written)| *written = false);
        for tally in self.tallies.values_mut() {
            *tally = StreamTally {
                frame_type: tally.frame_type,
                lost: tally.lost,
                ..StreamTally::default()
            };
        }
        self.steps.extend([Step::Header, Step::Unwritten]);
        let mut now = self.checkpointed.1;
        for step in kept {
            match step {
                Step::Index { now: then, .. } => now = then,
                Step::Frame(Frame { then: Then::Nothing, ref header, .. })
                    if !header.frame_type.holds_events() => {}
                Step::Frame(Frame { then: Then::Nothing | Then::Committed(_), .. })
                | Step::Call(_) => self.steps.push_back(step),
                _ => {}
            }
        }
        if finishing {
            self.finish(now);
        } else {
            self.push_flush();
        }
    }

    /// Tells that there is no other sink, now or later.
    pub fn not_moved(&mut self) {
        self.movable = false;
        if let Some(error) = self.moving.take() {
            self.give_up(error);
        }
    }

    /// The frame that is being written, as if it had not been begun.
    fn interrupted(&mut self) -> Option<Step> {
        let Current { bytes, frame, call, .. } = std::mem::take(&mut self.current);
        if let Some(call) = call {
            return Some(Step::Call(call));
        }
        let (header, then) = frame?;
        self.seq -= 1;
        Some(Step::Frame(Frame { header, bytes, then }))
    }

    /// Nothing helped: leaves out what is being written, if it may go, or fails.
    pub(super) fn give_up(&mut self, error: io::Error) {
        self.repetitions = 0;
        let chunk = self.current.frame.as_ref().map(|(header, _)| *header);
        let chunk = chunk.filter(|header| header.frame_type.holds_events());
        if let Some(header) = chunk
            && self.options.thinning.is_some()
        {
            self.thinned = true;
            if self.may_go(&header) {
                self.lose(&header);
                self.current = Current::default();
                return;
            }
        }
        let lost_before = self.lost_rows();
        if let Some(header) = chunk {
            self.lose(&header);
        }
        for step in std::mem::take(&mut self.steps) {
            if let Step::Frame(frame) = step {
                self.lose(&frame.header);
            }
        }
        let rows = self.lost_rows() - lost_before;
        self.abandon(if rows == 0 { error.into() } else { Error::Unwritten { rows, error } });
    }

    /// Forgets what was asked for.
    pub(super) fn abandon(&mut self, error: Error) {
        self.steps.clear();
        self.current = Current::default();
        self.failed = Some(error);
    }

    fn lost_rows(&self) -> u64 {
        self.tallies.values().fold(0, |lost, tally| lost.saturating_add(tally.lost))
    }

    /// Whether thinning leaves out frames of this type.
    pub(super) fn may_go(&self, header: &FrameHeader) -> bool {
        let keep = self.options.thinning.as_ref().map(|thinning| &thinning.keep);
        let stream = header.frame_type.stream();
        keep.zip(stream).is_some_and(|(keep, stream)| !keep.contains(&stream))
    }

    /// Counts the rows of a chunk as lost.
    pub(super) fn lose(&mut self, header: &FrameHeader) {
        if header.frame_type.holds_events() {
            let tally = self.tally(header.frame_type);
            tally.lost = tally.lost.saturating_add(header.rows.into());
        }
    }
}
