//! The frames that a writer makes, and what each of them changes.

use super::super::index::Link;
use super::super::tables::{Key, Part};
use super::WriterCore;
use crate::chunk::Sealed;
use crate::commit::Commit;
use crate::error::Error;
use crate::frame::{Encoding, FRAME_HEADER_LEN, FrameHeader, FrameType};
use crate::limits;
use crate::records;
use serde::Serialize;
use std::time::Duration;

/// A frame that lacks only its number.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) header: FrameHeader,
    /// Room for the header, then the padded payload.
    pub(super) bytes: Vec<u8>,
    pub(super) then: Then,
}

/// What a frame changes once the sink has taken it.
#[derive(Debug)]
pub(super) enum Then {
    /// Nothing: it is a chunk, or part of a checkpoint.
    Nothing,
    Metadata,
    Defined(Vec<Key>),
    Committed(Commit),
    Checkpointed {
        link: Link,
        now: Duration,
    },
}

impl Frame {
    pub(super) fn new(sealed: &Sealed, then: Then) -> Self {
        let mut bytes = Vec::with_capacity(FRAME_HEADER_LEN + sealed.padded.len());
        bytes.resize(FRAME_HEADER_LEN, 0);
        bytes.extend_from_slice(&sealed.padded);
        Self { header: sealed.header, bytes, then }
    }
}

impl WriterCore {
    pub(super) fn metadata_frame(&mut self, flags: u16) -> Option<Frame> {
        let payload = self.metadata.take()?;
        let frame = self.frame(FrameType::METADATA, flags, &payload, 1, Then::Metadata);
        self.metadata = Some(payload);
        Some(frame)
    }

    pub(super) fn definitions(&mut self, part: Part, flags: u16) -> Frame {
        let Part { frame_type, payload, keys } = part;
        let rows = keys.len() as u32;
        self.frame(frame_type, flags, &payload, rows, Then::Defined(keys))
    }

    pub(super) fn commit_frame(&mut self, commit: Commit, flags: u16) -> Result<Frame, Error> {
        let frame = self.records_frame(FrameType::COMMIT, flags, &commit)?;
        Ok(Frame { then: Then::Committed(commit), ..frame })
    }

    pub(super) fn records_frame<T: Serialize>(
        &mut self,
        frame_type: FrameType,
        flags: u16,
        record: &T,
    ) -> Result<Frame, Error> {
        let mut payload = Vec::new();
        records::append(&mut payload, record, self.offset)?;
        Ok(self.frame(frame_type, flags, &payload, 1, Then::Nothing))
    }

    fn frame(
        &mut self,
        frame_type: FrameType,
        flags: u16,
        raw: &[u8],
        rows: u32,
        then: Then,
    ) -> Frame {
        debug_assert!(raw.len() <= limits::STORED_LEN as usize);
        let mut stored = Vec::new();
        let codec = self.compressor.append(raw, &mut stored);
        let header = FrameHeader {
            flags,
            codec: codec as u8,
            raw_len: raw.len() as u32,
            rows,
            ..Sealed::template(frame_type, Encoding::Bincode)
        };
        Frame::new(&Sealed::new(header, stored), then)
    }
}
