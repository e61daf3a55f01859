//! Writing a capture.

use crate::chunk::{Chunk, Sealed};
use crate::codec::{Codec, Compressor};
use crate::commit::Commit;
use crate::compression::Compression;
use crate::defs::Defs;
use crate::error::Error;
use crate::frame::{Encoding, FrameHeader, FrameType, frame_flags};
use crate::header::FileHeader;
use crate::index::IndexEntry;
use crate::limits;
use crate::metadata::Metadata;
use crate::records;
use serde::Serialize;
use std::io::{self, Write};

/// Definitions are cut into frames of about this many bytes, so that a damaged one costs few names.
const DEFINITIONS_LEN: usize = 256 << 10;

/// Writes a capture to any sink, front to back, without going back.
///
/// Each frame reaches the sink in one or two writes. After an error the writer can be used on: the count of bytes is
/// what the sink took, the half frame is found by readers, and the gap in the numbers of the frames proves the loss.
#[derive(Debug)]
pub struct Writer<W: Write> {
    sink: W,
    header: FileHeader,
    /// Bytes that the sink has taken.
    offset: u64,
    seq: u64,
    index: Vec<IndexEntry>,
    metadata: Option<Metadata>,
    commit: Option<Commit>,
    compressor: Compressor,
}

impl<W: Write> Writer<W> {
    /// Writes the file header.
    ///
    /// # Errors
    ///
    /// If the sink fails.
    pub fn new(sink: W, header: &FileHeader) -> Result<Self, Error> {
        let mut writer = Self {
            sink,
            header: *header,
            offset: 0,
            seq: 0,
            index: Vec::new(),
            metadata: None,
            commit: None,
            compressor: Compressor::new(Compression::text(header.codec)),
        };
        writer.put(&header.to_bytes())?;
        Ok(writer)
    }

    /// Writes what the capture is of. It is written again at the end.
    ///
    /// # Errors
    ///
    /// If the sink fails, or the metadata is longer than [`limits::RECORD_LEN`].
    pub fn metadata(&mut self, metadata: &Metadata) -> Result<(), Error> {
        self.metadata = Some(metadata.clone());
        self.put_metadata(metadata, 0)
    }

    /// Writes definitions. This must come before the first event that names them.
    ///
    /// # Errors
    ///
    /// If the sink fails, or a definition is longer than [`limits::RECORD_LEN`].
    pub fn define(&mut self, defs: &Defs) -> Result<(), Error> {
        self.put_defs(defs, 0)
    }

    /// Writes a chunk.
    ///
    /// # Errors
    ///
    /// If the sink fails.
    pub fn append(&mut self, frame: &Sealed) -> Result<(), Error> {
        let header = FrameHeader { seq: self.seq, ..frame.header };
        self.seq += 1;
        let offset = self.offset;
        let head = header.to_bytes(self.header.tag());
        if frame.padded.len() <= 4096 {
            let mut whole = Vec::with_capacity(head.len() + frame.padded.len());
            whole.extend_from_slice(&head);
            whole.extend_from_slice(&frame.padded);
            self.put(&whole)?;
        } else {
            self.put(&head)?;
            self.put(&frame.padded)?;
        }
        self.index.push(IndexEntry::new(offset, &header));
        Ok(())
    }

    /// Writes that all chunks so far are whole, and flushes the sink.
    ///
    /// # Errors
    ///
    /// If the sink fails.
    pub fn commit(&mut self, commit: &Commit) -> Result<(), Error> {
        self.put_records(FrameType::COMMIT, 0, std::slice::from_ref(commit))?;
        self.commit = Some(commit.clone());
        Ok(self.sink.flush()?)
    }

    /// Repeats metadata, definitions and the last commit, writes index and footer, and returns the sink, flushed.
    ///
    /// # Errors
    ///
    /// If the sink fails. The capture lacks its footer then, and is otherwise whole.
    pub fn finish(self, defs: &Defs) -> Result<W, Error> {
        self.finish_counted(defs).map(|(sink, _)| sink)
    }

    /// As [`Writer::finish`]; returns also the bytes that the sink has taken.
    pub(crate) fn finish_counted(mut self, defs: &Defs) -> Result<(W, u64), Error> {
        if let Some(metadata) = self.metadata.take() {
            self.put_metadata(&metadata, frame_flags::REPEAT)?;
        }
        self.put_defs(defs, frame_flags::REPEAT)?;
        if let Some(commit) = self.commit.take() {
            self.put_records(FrameType::COMMIT, frame_flags::REPEAT, &[commit])?;
        }
        let index_offset = self.offset;
        let mut index_frames = 0;
        let mut chunk = Chunk::<IndexEntry>::new();
        let entries = std::mem::take(&mut self.index);
        for part in entries.chunks(crate::chunk::CHUNK_ROWS) {
            for entry in part {
                // A part is no longer than a chunk.
                let _ = chunk.push(entry);
            }
            if let Some(frame) = chunk.seal_with(&mut self.compressor) {
                self.append(&frame)?;
                index_frames += 1;
            }
        }
        let footer = FrameHeader {
            rows: index_frames,
            t_min: index_offset,
            t_max: self.offset + crate::frame::FRAME_HEADER_LEN as u64,
            ..Sealed::template(FrameType::FOOTER, Encoding::Empty)
        };
        self.append(&Sealed::new(footer, Vec::new()))?;
        self.sink.flush()?;
        Ok((self.sink, self.offset))
    }

    /// Bytes that the sink has taken.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.offset
    }

    /// Refers to the sink, for what only its type can do; writing to it would spoil the capture.
    #[must_use]
    pub const fn sink(&self) -> &W {
        &self.sink
    }

    fn put_metadata(&mut self, metadata: &Metadata, flags: u16) -> Result<(), Error> {
        let mut payload = self.header.to_bytes().to_vec();
        records::append(&mut payload, metadata, self.offset)?;
        self.put_payload(FrameType::METADATA, flags, &payload, 1)
    }

    fn put_defs(&mut self, defs: &Defs, flags: u16) -> Result<(), Error> {
        self.put_records(FrameType::THREADS, flags, &defs.threads)?;
        self.put_records(FrameType::SITES, flags, &defs.sites)?;
        self.put_records(FrameType::TYPES, flags, &defs.types)?;
        self.put_records(FrameType::HOOKS, flags, &defs.hooks)
    }

    fn put_records<T: Serialize>(
        &mut self,
        frame_type: FrameType,
        flags: u16,
        items: &[T],
    ) -> Result<(), Error> {
        let mut payload = Vec::new();
        let mut rows = 0;
        for item in items {
            records::append(&mut payload, item, self.offset)?;
            rows += 1;
            if payload.len() >= DEFINITIONS_LEN {
                self.put_payload(frame_type, flags, &payload, rows)?;
                payload.clear();
                rows = 0;
            }
        }
        if rows > 0 {
            self.put_payload(frame_type, flags, &payload, rows)?;
        }
        Ok(())
    }

    fn put_payload(
        &mut self,
        frame_type: FrameType,
        flags: u16,
        raw: &[u8],
        rows: u32,
    ) -> Result<(), Error> {
        debug_assert!(raw.len() <= limits::STORED_LEN as usize);
        let mut stored = Vec::new();
        let codec: Codec = self.compressor.append(raw, &mut stored);
        let header = FrameHeader {
            flags,
            codec: codec as u8,
            raw_len: raw.len() as u32,
            rows,
            ..Sealed::template(frame_type, Encoding::Bincode)
        };
        self.append(&Sealed::new(header, stored))
    }

    /// Writes all of `bytes`, counting what the sink takes even if it then fails.
    fn put(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            match self.sink.write(bytes) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(written) => {
                    self.offset += written as u64;
                    bytes = &bytes[written.min(bytes.len())..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
