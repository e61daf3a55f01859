//! Going on with a capture without blocking.

use super::AsyncWriter;
use crate::async_input::Async;
use crate::contents::Contents;
use crate::error::Error;
use crate::health::Health;
use crate::leftover::rings_path;
use crate::reader::Reader;
use crate::writer::append::{being_written, closing, refuse, write_anew};
use crate::writer::{WriterCore, WriterOptions};
use std::io::{self, SeekFrom};
use std::path::Path;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncSeek, AsyncSeekExt, AsyncWrite};

impl AsyncWriter<File> {
    /// As [`Writer::append_to`](crate::Writer::append_to), without blocking: the same bytes are written.
    ///
    /// If the future is dropped before it is ready, the capture is what it was, or goes on as one whose writer died.
    ///
    /// # Errors
    ///
    /// As [`Writer::append_to`](crate::Writer::append_to).
    pub async fn append_to(
        path: impl AsRef<Path> + Send,
        options: WriterOptions,
    ) -> Result<(Self, Health), Error> {
        let path = path.as_ref().to_owned();
        let mut reader = Reader::open_async(&path).await?;
        let health = reader.health().clone();
        refuse(&health)?;
        if reader.contents.has_chunks_that_do_not_count() {
            let path_there = path.clone();
            let written = tokio::task::spawn_blocking(move || write_anew(&path_there));
            written.await.map_err(io::Error::from)??;
            reader = Reader::open_async(&path).await?;
        }
        let sink = File::options().append(true).open(&path).await?;
        let writer = Self::behind(&reader.contents, sink, options).await?;
        if health.recovered {
            writer.sink.sync_all().await?;
            tokio::fs::remove_file(rings_path(&path)).await?;
        }
        Ok((writer, health))
    }
}

impl<S: AsyncRead + AsyncWrite + AsyncSeek + Unpin + Send> AsyncWriter<S> {
    /// Goes on with a capture in something that can be read, written and seeked in, as
    /// [`AsyncWriter::append_to`] does with a file. Rings are not looked for.
    ///
    /// # Errors
    ///
    /// As [`Writer::append_to`](crate::Writer::append_to).
    pub async fn append_to_stream(
        stream: S,
        options: WriterOptions,
    ) -> Result<(Self, Health), Error> {
        let Reader { input, contents, .. } = Reader::opening().source_async(stream).await?;
        refuse(&contents.health)?;
        let mut sink = Async::into_stream(input);
        if sink.seek(SeekFrom::End(0)).await? != contents.bytes {
            return Err(being_written());
        }
        let writer = Self::behind(&contents, sink, options).await?;
        Ok((writer, contents.health))
    }
}

impl<W: AsyncWrite + AsyncSeek + Unpin + Send> AsyncWriter<W> {
    /// Goes on behind what a capture has, in a sink that writes to its end.
    async fn behind(contents: &Contents, sink: W, options: WriterOptions) -> Result<Self, Error> {
        let mut writer = Self::of(WriterCore::resume(contents, options)?, sink).seekable();
        if !contents.health.complete {
            for chunk in &contents.recovered {
                writer.append(chunk).await?;
            }
            writer.commit(&closing(contents)).await?;
        }
        Ok(writer)
    }
}
