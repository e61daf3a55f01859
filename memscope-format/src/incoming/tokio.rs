//! Reading a capture as it arrives from what tokio reads from.

use super::{Incoming, Item, READ_AT_ONCE};
use crate::error::Error;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The items of a capture that is read from beginning to end, without blocking; see [`Items`](super::Items).
///
/// ```no_run
/// use memscope_format::incoming::{AsyncItems, Item};
///
/// # async fn example(socket: impl tokio::io::AsyncRead + Unpin) -> Result<(), memscope_format::Error> {
/// let mut items = AsyncItems::new(socket);
/// while let Some(item) = items.next().await {
///     if let Item::Chunk(chunk) = item? {
///         println!("{} rows of {}", chunk.len(), chunk.stream().name());
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct AsyncItems<S> {
    source: S,
    incoming: Incoming,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + Unpin> AsyncItems<S> {
    /// Reads a capture from where `source` is; it needs no buffer of its own.
    #[must_use]
    pub fn new(source: S) -> Self {
        Self { source, incoming: Incoming::new(), buffer: vec![0; READ_AT_ONCE] }
    }

    /// The next item; `None` after [`Item::End`], or after an error that [`Incoming::next_item`] gave. After an error of the
    /// source it is read again. If the future is dropped, nothing is lost.
    pub async fn next(&mut self) -> Option<Result<Item, Error>> {
        loop {
            if let Some(item) = self.incoming.next_item() {
                return Some(item);
            }
            if self.incoming.has_ended() {
                return None;
            }
            match self.source.read(&mut self.buffer).await {
                Ok(0) => self.incoming.finish(),
                Ok(read) => self.incoming.feed(&self.buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Some(Err(error.into())),
            }
        }
    }
}
