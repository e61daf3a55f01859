//! Captures as a sequence of items that other programs read: JSON Lines and MessagePack, and back, without a loss.
//!
//! An item is an object whose key `stream` says what it is; [`Item`] lists them. Definitions come before rows, rows in the
//! order of the capture. In JSON Lines each item is a line; in MessagePack each is a map, one directly after another. Keys
//! that an item does not have are ignored when it is read, so that what `memscope export` adds does no harm.
//!
//! What does not come back is how rows were cut into chunks and compressed.

use crate::clock::ClockReading;
use crate::commit::Commit;
use crate::compression::Compression;
use crate::defs::{
    Defs, DerivationDef, HookDef, ModuleDef, RateDef, SiteDef, StackDef, StringDef, ThreadDef,
    TypeDef,
};
use crate::error::Error;
use crate::header::FileHeader;
use crate::health::Damage;
use crate::limits;
use crate::metadata::{Metadata, Origin};
use crate::reader::Reader;
use crate::record::Event;
use crate::rows::Stream;
use crate::rows::{
    Call, Container, Content, DropChain, FragmentationMap, Heap, Lifecycle, MemoryAnalysis,
    Performance, SecurityViolation, Task, TypeDistribution, UnsafeFfi, Zst,
};
use crate::sealer::Sealer;
use crate::writer::Writer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};

macro_rules! items {
    (
        definitions { $($table:ident: $def:ident, $frame:literal, $definition:ident;)* }
        rows { $($stream:ident, $name:literal, $row:ident;)* }
    ) => {
        /// One thing that a capture says.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "stream")]
        #[non_exhaustive]
        pub enum Item {
            /// The first item: which capture it is.
            #[serde(rename = "CAPTURE")]
            Capture {
                /// See [`FileHeader::file_id`].
                file_id: [u8; 16],
                /// See [`FileHeader::created_unix_ns`].
                created_unix_ns: u64,
            },
            /// What it is of.
            #[serde(rename = "METADATA")]
            Metadata(Metadata),
            $(
                /// A definition.
                #[serde(rename = $frame)]
                $def($definition),
            )*
            $(
                /// A row.
                #[serde(rename = $name)]
                $stream(Weighted<$row>),
            )*
            /// Rows that are known to be missing.
            #[serde(rename = "UNWRITTEN")]
            Unwritten {
                /// The stream that they are of.
                of: Stream,
                /// How many.
                rows: u64,
            },
            /// The last item: the totals. Without it the items are cut off.
            #[serde(rename = "END")]
            End {
                /// Raw events in the capture.
                events: u64,
                /// Raw events that are known to be lost.
                lost: u64,
                /// The last reading of the clock.
                clock: ClockReading,
            },
        }

        impl<W: Write, P: FnMut(u64, u64)> Out<'_, W, P> {
            /// Writes all definitions, then all rows.
            fn content(&mut self) -> Result<(), Error> {
                let defs = self.reader.defs();
                $(
                    for definition in &defs.$table {
                        self.put(&Item::$def(definition.clone()))?;
                    }
                )*
                $(self.rows(Item::$stream)?;)*
                Ok(())
            }
        }

        /// A capture in the making.
        struct Build<W: Write> {
            writer: Writer<W>,
            sealer: Sealer,
            /// Definitions that were not written yet.
            new: Defs,
            rows: u64,
        }

        impl<W: Write> Build<W> {
            fn new(writer: Writer<W>, compression: Compression) -> Self {
                Self {
                    writer,
                    sealer: Sealer::new(compression),
                    new: Defs::default(),
                    rows: 0,
                }
            }

            fn add(&mut self, item: Item) -> Result<(), Error> {
                match item {
                    Item::Metadata(metadata) => self.writer.metadata(&metadata)?,
                    $(Item::$def(definition) => self.new.$table.push(definition),)*
                    $(
                        Item::$stream(row) => self.row(&row)?,
                    )*
                    Item::Unwritten { of, rows } => self.writer.count_lost(of, rows),
                    Item::Capture { .. } | Item::End { .. } => {}
                }
                Ok(())
            }

            /// Writes what is left, closes the capture, and returns its rows.
            fn end(mut self, commit: &Commit) -> Result<u64, Error> {
                self.define()?;
                for frame in self.sealer.seal_all()? {
                    self.writer.append(&frame)?;
                }
                self.writer.commit(commit)?;
                self.writer.finish()?;
                Ok(self.rows)
            }
        }
    };
}

items! {
    definitions {
        strings: String, "STRINGS", StringDef;
        threads: Thread, "THREADS", ThreadDef;
        sites: Site, "SITES", SiteDef;
        types: Type, "TYPES", TypeDef;
        hooks: Hook, "HOOKS", HookDef;
        rates: Rate, "RATES", RateDef;
        modules: Module, "MODULES", ModuleDef;
        stacks: Stack, "STACKS", StackDef;
        derivations: Derivation, "DERIVATIONS", DerivationDef;
    }
    rows {
        Lifecycle, "LIFECYCLE", Lifecycle;
        Container, "CONTAINER", Container;
        Zst, "ZST", Zst;
        DropChain, "DROP_CHAIN", DropChain;
        Call, "CALL", Call;
        Heap, "HEAP", Heap;
        Performance, "PERFORMANCE", Performance;
        Task, "TASKS", Task;
        Content, "CONTENT", Content;
        TypeDistribution, "TYPE_DISTRIBUTION", TypeDistribution;
        FragmentationMap, "FRAGMENTATION_MAP", FragmentationMap;
        SecurityViolation, "SECURITY_VIOLATIONS", SecurityViolation;
        UnsafeFfi, "UNSAFE_FFI", UnsafeFfi;
        MemoryAnalysis, "MEMORY_ANALYSIS", MemoryAnalysis;
    }
}

/// A row, and how many events it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weighted<R> {
    /// The row.
    #[serde(flatten)]
    pub row: R,
    /// 1 unless it was sampled.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: u64,
}

const fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
const fn is_one(weight: &u64) -> bool {
    *weight == 1
}

/// How items are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Notation {
    /// A line of JSON each.
    JsonLines,
    /// A map of MessagePack each.
    MessagePack,
}

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exported {
    /// Rows written.
    pub rows: u64,
    /// Rows of chunks that could not be read, and so are missing.
    pub unreadable_rows: u64,
}

/// Writes all that a capture says. Memory is that of a chunk; `progress` is called after each with the rows so far and the
/// rows in all.
///
/// # Errors
///
/// If the capture cannot be read for other reasons than damage, or the sink fails; [`Error::Limit`] if the capture has more
/// frames than are opened at once.
pub fn export(
    reader: &Reader,
    notation: Notation,
    sink: impl Write,
    progress: impl FnMut(u64, u64),
) -> Result<Exported, Error> {
    reader.health().opened_whole()?;
    let total = reader.streams().iter().map(|stream| stream.rows).sum();
    let mut out = Out {
        reader,
        notation,
        sink,
        unwritten: BTreeMap::new(),
        done: Exported::default(),
        read: 0,
        total,
        progress,
    };
    let FileHeader { file_id, created_unix_ns, .. } = *reader.header();
    out.put(&Item::Capture { file_id, created_unix_ns })?;
    if let Some(metadata) = reader.metadata() {
        out.put(&Item::Metadata(metadata.copied(Origin::of(reader.health()))))?;
    }
    out.content()?;
    for &(stream, rows) in reader.unwritten() {
        *out.unwritten.entry(stream).or_default() += rows;
    }
    for (of, rows) in std::mem::take(&mut out.unwritten) {
        out.put(&Item::Unwritten { of, rows })?;
    }
    let clock = reader.clock().last();
    let damaged = reader.damage_beside_chunks().map(Damage::lost_rows);
    let lost = damaged.fold(reader.lost(), u64::saturating_add);
    out.put(&Item::End { events: reader.events(), lost, clock })?;
    out.sink.flush()?;
    Ok(out.done)
}

struct Out<'a, W, P> {
    reader: &'a Reader,
    notation: Notation,
    sink: W,
    unwritten: BTreeMap<Stream, u64>,
    done: Exported,
    read: u64,
    total: u64,
    progress: P,
}

impl<W: Write, P: FnMut(u64, u64)> Out<'_, W, P> {
    fn put(&mut self, item: &Item) -> Result<(), Error> {
        match self.notation {
            Notation::JsonLines => {
                serde_json::to_writer(&mut self.sink, item).map_err(io::Error::from)?;
                self.sink.write_all(b"\n")?;
            }
            Notation::MessagePack => {
                rmp_serde::encode::write_named(&mut self.sink, item).map_err(
                    |error| match error {
                        rmp_serde::encode::Error::InvalidValueWrite(error) => error.into(),
                        error => io::Error::other(error),
                    },
                )?;
            }
        }
        Ok(())
    }

    fn rows<R: Event>(&mut self, item: impl Fn(Weighted<R>) -> Item) -> Result<(), Error> {
        for chunk in self.reader.chunks::<R>() {
            let rows = self.reader.read_chunk::<R>(&chunk);
            match rows.and_then(|rows| Ok((rows, self.reader.weights::<R>(&chunk)?))) {
                Ok((rows, weights)) => {
                    for (row, weight) in rows.into_iter().zip(weights) {
                        self.put(&item(Weighted { row, weight }))?;
                        self.done.rows += 1;
                    }
                }
                Err(error @ Error::Io(_)) => return Err(error),
                Err(_) => {
                    let rows = u64::from(chunk.rows);
                    self.done.unreadable_rows += rows;
                    *self.unwritten.entry(R::STREAM).or_default() += rows;
                }
            }
            self.read += u64::from(chunk.rows);
            (self.progress)(self.read, self.total);
        }
        Ok(())
    }
}

/// Makes a capture of items, in the memory of a chunk of each stream; returns the rows.
///
/// # Errors
///
/// [`Error::Truncated`] if there is no last item, [`Error::Corrupt`] with the offset of what is not an item, and if the
/// source or the sink fails.
pub fn import(
    source: impl BufRead,
    notation: Notation,
    sink: impl Write,
    compression: Compression,
) -> Result<u64, Error> {
    let mut source = Counted { source, read: 0 };
    let header = match next(&mut source, notation)? {
        Some(Item::Capture { file_id, created_unix_ns }) => {
            FileHeader::new(file_id, created_unix_ns, compression.codec)
        }
        Some(_) => return Err(Error::corrupt(0, "an item of the stream CAPTURE", "another")),
        None => return Err(Error::NoData),
    };
    let mut build = Build::new(Writer::new(sink, &header)?, compression);
    while let Some(item) = next(&mut source, notation)? {
        if let Item::End { events, lost, clock } = item {
            return build.end(&Commit { cycle: 1, clock, events, lost, rings: Vec::new() });
        }
        build.add(item)?;
    }
    Err(Error::Truncated { offset: source.read, expected: 1, found: 0 })
}

/// Reads an item; `None` at the end.
fn next(source: &mut Counted<impl BufRead>, notation: Notation) -> Result<Option<Item>, Error> {
    let offset = source.read;
    let not_an_item = |found: String| Error::corrupt(offset, "an item", found);
    match notation {
        Notation::JsonLines => {
            let mut line = Vec::new();
            let limit = 2 * limits::RECORD_LEN as u64;
            source.by_ref().take(limit).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                return Ok(None);
            }
            serde_json::from_slice(&line).map(Some).map_err(|error| not_an_item(error.to_string()))
        }
        Notation::MessagePack => {
            if source.fill_buf()?.is_empty() {
                return Ok(None);
            }
            match rmp_serde::from_read(source.by_ref().take(2 * limits::RECORD_LEN as u64)) {
                Ok(item) => Ok(Some(item)),
                Err(error) => Err(not_an_item(error.to_string())),
            }
        }
    }
}

/// Counts the bytes that were taken from a source.
struct Counted<S> {
    source: S,
    read: u64,
}

impl<S: BufRead> Read for Counted<S> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(bytes)?;
        self.read += read as u64;
        Ok(read)
    }
}

impl<S: BufRead> BufRead for Counted<S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.read += amount as u64;
        self.source.consume(amount);
    }
}

impl<W: Write> Build<W> {
    /// Writes the definitions that came since this was called before.
    fn define(&mut self) -> Result<(), Error> {
        if !self.new.is_empty() {
            self.writer.define(&std::mem::take(&mut self.new))?;
        }
        Ok(())
    }
    fn row<R: Event>(&mut self, row: &Weighted<R>) -> Result<(), Error> {
        self.define()?;
        if let Some(frame) = self.sealer.push(&row.row, row.weight)? {
            self.writer.append(&frame)?;
        }
        self.rows += 1;
        Ok(())
    }
}
