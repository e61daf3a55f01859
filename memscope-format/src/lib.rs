//! The `.memscope` capture format.
//!
//! A capture is a file of *frames*: typed chunks of event rows stored as columns, and the definition
//! tables that name what the rows refer to. This crate writes captures, reads them, recovers those whose
//! writer died, validates them and (feature `report`) computes what they say. `SPEC.md` beside this crate
//! is the normative text.
//!
//! Captures are recorded with zstd. Features add the other codecs: `lz4`, `brotli`, or both with `codecs`. With `tokio`
//! captures are written to what tokio writes to.
//!
//! It starts no thread unless one is asked for ([`Sealer::on_threads`]), prints nothing and holds no unsafe code.
//!
//! The rooms, in reading order:
//!
//! * what is recorded: [`rows`] (the streams), [`defs`] (what their ids stand for), [`metadata`], [`clock`];
//! * what a file consists of: [`header`], [`frame`], [`commit`], [`checkpoint`], [`index`], [`limits`];
//! * how rows become bytes: [`record`] (which columns a row has), `word`, [`mod@column`], `shapes`, [`directory`], [`chunk`],
//!   [`varint`], `codec`, `compression`; how definitions do: `records`;
//! * from the hooks to the file: [`raw`] (events in the rings), [`hooks`], [`batch`], [`writer`];
//!   rows of any origin: [`sealer`];
//! * back from the file: `source` (bytes at offsets), `files` (of which few are open), `scan` (hop and resync), `chain` (the index), `layout` (which frames there are),
//!   `leftover` (the rings of a dead program), `contents` (definitions, totals), [`health`], [`reader`], `parts` (of very many frames),
//!   `stored` (columns one by one), `cache`, `select` (some rows), `projection` (some columns), `follow`, and (feature
//!   `tokio`) `async_input`; what cannot be sought in: [`incoming`]; [`mod@validate`];
//! * how it is best compressed: [`mod@tune`];
//! * a capture written anew: [`rewrite`], `compact`, several as one: [`merge`], and (feature `convert`) as JSON Lines or
//!   MessagePack and back: `convert`;
//! * from rows to figures (feature `report`): `report`.
#![forbid(unsafe_code)]

#[cfg(feature = "tokio")]
mod async_input;
pub mod batch;
mod cache;
mod chain;
pub mod checkpoint;
pub mod chunk;
pub mod chunks;
pub mod clock;
mod codec;
pub mod column;
pub mod commit;
mod compact;
mod compression;
mod contents;
#[cfg(feature = "convert")]
pub mod convert;
pub mod defs;
pub mod directory;
mod error;
mod event;
mod files;
mod follow;
pub mod frame;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
pub mod header;
pub mod health;
pub mod hooks;
pub mod incoming;
pub mod index;
mod layout;
mod leftover;
pub mod limits;
pub mod merge;
pub mod metadata;
mod parts;
mod projection;
pub mod raw;
pub mod reader;
pub mod record;
mod records;
#[cfg(feature = "report")]
pub mod report;
pub mod rewrite;
pub mod rows;
mod scan;
pub mod sealer;
pub mod second_file;
mod select;
mod shapes;
mod source;
mod stored;
pub mod tune;
pub mod validate;
pub mod varint;
mod word;
pub mod writer;

#[cfg(feature = "tokio")]
pub use async_input::{Async, AsyncColumns, AsyncReader, AsyncRows};
pub use batch::Batch;
pub use checkpoint::{Checkpoint, StreamTally};
pub use chunk::{Chunk, Sealed};
pub use chunks::{ChunkRef, StreamTotal};
pub use clock::{Clock, ClockReading};
pub use codec::Codec;
pub use commit::{Commit, RingCommit};
pub use compact::compact;
pub use compression::{Compression, Noise};
pub use defs::Defs;
pub use error::Error;
pub use event::UnreadableEvent;
pub use files::OpenFiles;
pub use follow::Follow;
pub use header::{FileHeader, MAJOR, MINOR};
pub use health::{Damage, Health};
pub use hooks::HookTable;
pub use incoming::Incoming;
pub use leftover::rings_path;
pub use merge::{Alignment, Merge, Merged};
pub use metadata::Metadata;
pub use projection::{ColumnChunk, Columns};
pub use reader::{Opening, Reader};
pub use record::{Event, Record, StreamVisitor};
pub use rewrite::{Rewrite, Rewritten, recover};
pub use rows::Stream;
pub use sealer::{SealAt, Sealer};
pub use select::{ChunkRows, Select, SelectedChunk, SelectedChunks, SelectedRows};
pub use source::{Blocking, Source};
pub use tune::{Trial, Tuning, tune};
pub use validate::{Validation, validate};
pub use writer::{Durability, Writer, WriterOptions};
