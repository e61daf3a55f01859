//! The state of a writer that goes on with what another has written.

use super::super::index::OpenIndex;
use super::super::options::WriterOptions;
use super::WriterCore;
use crate::contents::Contents;
use crate::error::Error;
use crate::frame::FrameType;
use crate::index::IndexEntry;
use crate::records;
use std::time::Duration;

impl WriterCore {
    /// Goes on behind a capture; what was asked for is written to the end of its file.
    ///
    /// # Errors
    ///
    /// If the capture has a record that is too long to be written again.
    pub(in crate::writer) fn resume(
        contents: &Contents,
        options: WriterOptions,
    ) -> Result<Self, Error> {
        let header = &contents.header;
        let mut core = Self::new(header, options);
        core.steps.clear();
        core.offset = contents.bytes;
        let frames = contents.frames();
        core.seq = frames.iter().fold(0, |seq, frame| seq.max(frame.seq.saturating_add(1)));
        if frames.last().is_some_and(|last| last.end() < core.offset) {
            // Half a frame at the end had a number too.
            core.seq = core.seq.saturating_add(1);
        }
        if let Some(metadata) = &contents.metadata {
            let mut payload = header.to_bytes().to_vec();
            records::append(&mut payload, metadata, core.offset)?;
            core.metadata = Some(payload);
        }
        core.tables.add(&contents.defs, core.offset)?;
        core.tables.all_written();
        core.commit = contents.commit.clone();
        core.rings = contents.committed_rings().map(|ring| (ring.ring, (ring, true))).collect();
        for frame in frames.iter().filter(|frame| frame.frame_type.holds_events()) {
            let tally = core.tally(frame.frame_type);
            tally.chunks += 1;
            tally.rows += u64::from(frame.rows);
            tally.bytes += frame.frame_len();
        }
        for before in contents.checkpoint().iter().flat_map(|checkpoint| &checkpoint.streams) {
            core.tally(FrameType(before.frame_type)).lost = before.lost;
        }
        // The checkpoint that the frames were found by; without one, the next names them all.
        let newest = contents.checkpoint().and_then(|checkpoint| {
            let is_newest = |frame: &&IndexEntry| {
                frame.frame_type == FrameType::CHECKPOINT && frame.offset >= checkpoint.index
            };
            frames.iter().rev().find(is_newest)
        });
        let behind = newest
            .map_or(0, |newest| frames.partition_point(|frame| frame.offset <= newest.offset));
        core.index = OpenIndex::behind(newest.map(|newest| newest.offset));
        frames[behind..].iter().for_each(|frame| core.index.push(*frame));
        core.checkpointed = (newest.map_or(0, |newest| newest.end()), Duration::ZERO);
        core.repeated = contents
            .checkpoint()
            .and_then(|checkpoint| checkpoint.repeated)
            .map(|start| (start, core.checkpointed.0));
        Ok(core)
    }
}
