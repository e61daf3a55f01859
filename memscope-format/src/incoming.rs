//! Reading what cannot be sought in (a pipe, a socket, stdin): a capture is taken as it arrives, in parts of any size.
//!
//! [`Incoming`] does no input of its own. [`Items`] feeds it from a [`Read`] and, with the feature `tokio`, `AsyncItems`
//! from what tokio reads from.

#[cfg(feature = "tokio")]
mod tokio;
mod window;

#[cfg(feature = "tokio")]
pub use self::tokio::AsyncItems;

use self::window::Window;
use crate::chunk::Rows;
use crate::commit::Commit;
use crate::contents::{decode_defs, decode_records, frame_damage, too_many_defs};
use crate::defs::{DefTables, Defs};
use crate::error::Error;
use crate::frame::{FRAME_HEADER_LEN, FrameHeader, FrameType};
use crate::header::{FILE_HEADER_LEN, FileHeader};
use crate::health::Damage;
use crate::hooks::HookTable;
use crate::index::IndexEntry;
use crate::layout::{read_header, refuse_unknown, tag_of_first};
use crate::metadata::Metadata;
use crate::raw;
use crate::record::Event;
use crate::rows::Stream;
use crate::scan::{Scanner, read_frame};
use crate::source::{Blocking, Input, now};
use crate::stored::StoredChunk;
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Bytes that the drivers read at once.
const READ_AT_ONCE: usize = 64 << 10;

/// A capture that arrives.
///
/// Feed it bytes, and take items until there are none; then feed it more. It keeps what was fed and not yet used, two frames
/// at most beyond that (32 MiB, by their [limit](crate::limits::STORED_LEN)), and the definitions, up to 64 MiB.
///
/// A frame becomes items when its last byte has come. Damage is an item, behind which come those of the next frame that can
/// be found; a frame that may be damaged is held until it is known what follows it.
///
/// The index is not used, and rings are not looked for: of a capture whose writer died these are the rows in the file.
///
/// ```
/// use memscope_format::incoming::{Incoming, Item};
/// use memscope_format::rows::Lifecycle;
///
/// # fn parts() -> Vec<Vec<u8>> { Vec::new() }
/// let mut incoming = Incoming::new();
/// for part in parts() {
///     incoming.feed(&part);
///     while let Some(item) = incoming.next_item() {
///         if let Item::Chunk(chunk) = item? {
///             for row in chunk.rows::<Lifecycle>().into_iter().flatten() {
///                 println!("{:?}", row?);
///             }
///         }
///     }
/// }
/// incoming.finish();
/// # Ok::<(), memscope_format::Error>(())
/// ```
pub struct Incoming {
    window: Window,
    /// Reads the window; `None` when it has come to the end of the capture, or to an error.
    reading: Option<Reading>,
}

type Reading = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// What a capture that arrives consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item {
    /// The file header; if that was damaged, its copy in the metadata.
    Header(FileHeader),
    /// The metadata. Where it comes again, the newest counts.
    Metadata(Box<Metadata>),
    /// Definitions that are new, or differ from those with the same ids before. They come before the rows that name them.
    Definitions(Box<Defs>),
    /// Rows of a stream.
    Chunk(ArrivedChunk),
    /// What was committed until here, with a newer clock reading.
    Commit(Box<Commit>),
    /// Bytes that could not be read.
    Damage(Damage),
    /// The last item, after [`Incoming::finish`].
    End {
        /// Whether the capture was closed by its writer: its last frame is a footer that says so.
        complete: bool,
    },
}

/// Rows of one stream that have arrived, not yet decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct ArrivedChunk {
    stream: Stream,
    header: FrameHeader,
    /// Without padding.
    payload: Vec<u8>,
    /// Where the frame begins.
    offset: u64,
}

impl ArrivedChunk {
    /// The stream of the rows.
    #[must_use]
    pub const fn stream(&self) -> Stream {
        self.stream
    }

    /// How many rows there are.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.header.rows
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Earliest and latest time of the rows, in ticks; 0 where rows have no time.
    #[must_use]
    pub const fn time(&self) -> (u64, u64) {
        (self.header.t_min, self.header.t_max)
    }

    /// Where the frame begins that holds the rows, in bytes from the start of the capture.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The process that the rows come from, when captures were merged; else 0.
    #[must_use]
    pub const fn source(&self) -> u32 {
        self.header.source
    }

    /// Decodes the rows; `None` if they are of another stream than `R`.
    ///
    /// # Errors
    ///
    /// Instead of the rows if the columns are damaged, and instead of a row, the last, if it means nothing.
    pub fn rows<R: Event>(&self) -> Option<impl Iterator<Item = Result<R, Error>> + use<R>> {
        if R::STREAM != self.stream {
            return None;
        }
        let offset = self.offset + FRAME_HEADER_LEN as u64;
        let (rows, error) = match Rows::<R>::decode(&self.header, &self.payload, offset) {
            Ok(rows) => (Some(rows), None),
            Err(error) => (None, Some(Err(error))),
        };
        let mut failed = false;
        let rows = rows.into_iter().flatten().take_while(move |row| {
            let go_on = !failed;
            failed |= row.is_err();
            go_on
        });
        Some(rows.chain(error))
    }

    /// Decodes how many events each row stands for, 1 unless it was sampled; `None` if they are of another stream than `R`.
    ///
    /// # Errors
    ///
    /// If they are damaged.
    pub fn weights<R: Event>(&self) -> Option<Result<Vec<u64>, Error>> {
        let payload = Cow::Borrowed(self.payload.as_slice());
        (R::STREAM == self.stream).then(|| {
            let stored = StoredChunk::<Blocking>::in_memory::<R>(&self.header, payload)?;
            now(stored.weights())
        })
    }
}

impl fmt::Debug for ArrivedChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrivedChunk")
            .field("stream", &self.stream)
            .field("rows", &self.len())
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl Incoming {
    /// Expects a capture from its first byte on.
    #[must_use]
    pub fn new() -> Self {
        let window = Window::default();
        let reading = read(window.clone());
        Self { window, reading: Some(Box::pin(reading)) }
    }

    /// Takes the next bytes of the capture. What comes after the end, or after an error, is ignored.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.reading.is_some() {
            self.window.put(bytes);
        }
    }

    /// Says that no more bytes come: what is left becomes items, of which [`Item::End`] is the last.
    pub fn finish(&mut self) {
        self.window.end();
    }

    /// The next item; `None` if more bytes are needed for one, or after the end.
    ///
    /// # Errors
    ///
    /// If this is not a capture, or needs a newer reader: then nothing more comes. Damage is no error.
    pub fn next_item(&mut self) -> Option<Result<Item, Error>> {
        if let Some(reading) = &mut self.reading
            && let Poll::Ready(done) =
                reading.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            self.reading = None;
            return done.err().map(Err);
        }
        self.window.take_item().map(Ok)
    }

    /// Whether nothing more comes: the end was given, or an error.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.reading.is_none()
    }

    /// Bytes that are kept now: what was fed and may still be needed. Definitions are not counted.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.window.kept()
    }
}

impl Default for Incoming {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("kept_bytes", &self.kept_bytes())
            .field("has_ended", &self.has_ended())
            .finish_non_exhaustive()
    }
}

/// Goes through a capture as it arrives; waits wherever bytes are missing, and behind each item until it is taken.
async fn read(window: Window) -> Result<(), Error> {
    let mut refused = None;
    let mut decoder = Decoder {
        window: &window,
        header: false,
        known: DefTables::limited(),
        hooks: HookTable::new(),
        closed_at: None,
    };
    let tag = match read_header(&window).await {
        Ok(header) => {
            decoder.header = true;
            window.give(Item::Header(header)).await;
            Some(header.tag())
        }
        // Frames that follow say the same as the magic number, if it is damaged.
        Err(error @ (Error::NotACapture { .. } | Error::Corrupt { .. })) => {
            let tag = tag_of_first(&window).await;
            if tag.is_none() && matches!(error, Error::NotACapture { .. }) {
                return Err(error);
            }
            refused = Some(error);
            tag
        }
        Err(error) => return Err(error),
    };
    let mut at = FILE_HEADER_LEN as u64;
    let mut scanner = Scanner::new(&window, at, None, tag);
    // The last frame, if it is not given yet.
    let mut held: Option<IndexEntry> = None;
    while window.has(at, 1).await {
        window.pass(held.map_or(at, |frame| frame.offset));
        // What another frame follows on is as long as its header says, damaged or not.
        if scanner.header_at(at).await?.is_some()
            && let Some(frame) = held.take()
        {
            decoder.give(&frame, read_frame(&window, &frame).await).await?;
        }
        let before = scanner.found.frames.last().copied();
        at = scanner.step(at).await?;
        if refused.is_some() && scanner.found.tag.is_some() {
            refused = None;
            let len = FILE_HEADER_LEN as u64;
            window.give(Item::Damage(Damage::new(0, len, Some(0), "a damaged file header"))).await;
        }
        let last = scanner.found.frames.last().copied();
        held = held.filter(|_| last.is_some());
        for damage in std::mem::take(&mut scanner.found.damage) {
            window.give(Item::Damage(damage)).await;
        }
        if let Some(frame) = last.filter(|_| last != before) {
            scanner.found.frames = vec![frame];
            match scanner.verify(&frame).await? {
                Some(read) => decoder.give(&frame, Ok(read)).await?,
                None => held = Some(frame),
            }
        }
    }
    if let Some(frame) = held {
        decoder.give(&frame, read_frame(&window, &frame).await).await?;
    }
    if let Some(refused) = refused {
        return Err(refused);
    }
    let complete = decoder.closed_at == Some(at);
    window.give(Item::End { complete }).await;
    Ok(())
}

/// Makes items of frames.
struct Decoder<'a> {
    window: &'a Window,
    /// Whether the file header was given.
    header: bool,
    known: DefTables,
    hooks: HookTable,
    /// Where the last frame ends, if it is a footer that says so.
    closed_at: Option<u64>,
}

impl Decoder<'_> {
    /// Gives what a frame holds, or what is wrong with it.
    async fn give(
        &mut self,
        frame: &IndexEntry,
        read: Result<(FrameHeader, Vec<u8>), Error>,
    ) -> Result<(), Error> {
        refuse_unknown(frame)?;
        let is_end = frame.frame_type == FrameType::FOOTER && frame.t_max == frame.end();
        self.closed_at = is_end.then(|| frame.end());
        let decoded = match read {
            Ok((header, payload)) => self.decode(frame, header, payload),
            Err(error) => Err(error),
        };
        match decoded {
            Ok(items) => {
                for item in items {
                    self.window.give(item).await;
                }
                Ok(())
            }
            Err(error @ Error::Io(_)) => Err(error),
            Err(error) => {
                self.window.give(Item::Damage(frame_damage(frame, &error))).await;
                Ok(())
            }
        }
    }

    fn decode(
        &mut self,
        frame: &IndexEntry,
        header: FrameHeader,
        payload: Vec<u8>,
    ) -> Result<Vec<Item>, Error> {
        let offset = frame.offset;
        if let Some(stream) = frame.frame_type.stream() {
            return Ok(vec![Item::Chunk(ArrivedChunk { stream, header, payload, offset })]);
        }
        match frame.frame_type {
            FrameType::RAW => {
                let at = offset + FRAME_HEADER_LEN as u64;
                let chunks = raw::decode(&header, &payload, at, &self.hooks)?;
                let source = header.source;
                let chunks = chunks.into_iter().filter_map(|sealed| {
                    let stream = sealed.frame_type().stream()?;
                    let header = FrameHeader { source, ..sealed.header };
                    let mut payload = sealed.padded;
                    payload.truncate(header.stored_len as usize);
                    Some(Item::Chunk(ArrivedChunk { stream, header, payload, offset }))
                });
                Ok(chunks.collect())
            }
            FrameType::METADATA => {
                let (copy, records) =
                    decode_records::<Metadata>(&header, &payload, frame, FILE_HEADER_LEN)?;
                let copy = copy.first_chunk().and_then(|bytes| FileHeader::from_bytes(bytes).ok());
                let copy = copy.filter(|_| !std::mem::replace(&mut self.header, true));
                let metadata = records.into_iter().map(|one| Item::Metadata(Box::new(one)));
                Ok(copy.map(Item::Header).into_iter().chain(metadata).collect())
            }
            FrameType::COMMIT => {
                let (_, records) = decode_records::<Commit>(&header, &payload, frame, 0)?;
                Ok(records.into_iter().map(|one| Item::Commit(Box::new(one))).collect())
            }
            _ => Ok(self.defs(decode_defs(&header, &payload, frame)?, frame)),
        }
    }

    fn defs(&mut self, defs: Defs, frame: &IndexEntry) -> Vec<Item> {
        let (mut new, changed, left_out) = self.known.add_news(defs);
        // Whatever order a frame has them in, the last with an id holds.
        self.hooks.extend(&new);
        self.hooks.extend(&changed);
        new.extend(changed);
        let new = Some(new).filter(|new| !new.is_empty());
        let new = new.map(|new| Item::Definitions(Box::new(new)));
        let damage = (left_out > 0).then(|| Item::Damage(too_many_defs(frame, left_out)));
        new.into_iter().chain(damage).collect()
    }
}

/// The items of a capture that is read from beginning to end, waiting for its bytes.
///
/// ```no_run
/// use memscope_format::incoming::{Item, Items};
///
/// for item in Items::new(std::io::stdin().lock()) {
///     if let Item::Chunk(chunk) = item? {
///         println!("{} rows of {}", chunk.len(), chunk.stream().name());
///     }
/// }
/// # Ok::<(), memscope_format::Error>(())
/// ```
#[derive(Debug)]
pub struct Items<S> {
    source: S,
    incoming: Incoming,
    buffer: Vec<u8>,
}

impl<S> Items<S> {
    /// Reads a capture from where `source` is; it needs no buffer of its own.
    #[must_use]
    pub fn new(source: S) -> Self {
        Self { source, incoming: Incoming::new(), buffer: vec![0; READ_AT_ONCE] }
    }
}

impl<S: Read> Iterator for Items<S> {
    type Item = Result<Item, Error>;

    /// The next item; `None` after [`Item::End`], or after an error that [`Incoming::next_item`] gave. After an error of the
    /// source it is read again.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.incoming.next_item() {
                return Some(item);
            }
            if self.incoming.has_ended() {
                return None;
            }
            match self.source.read(&mut self.buffer) {
                Ok(0) => self.incoming.finish(),
                Ok(read) => self.incoming.feed(&self.buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Some(Err(error.into())),
            }
        }
    }
}
