//! How a capture is best compressed, found by trying it on its own rows.

use crate::chunk::{CHUNK_ROWS, Chunk, Rows, Sealed};
use crate::chunks::ChunkRef;
use crate::codec::Codec;
use crate::compression::{Compression, Noise};
use crate::error::Error;
use crate::reader::Reader;
use crate::record::{Event, StreamVisitor};
use crate::rows::Stream;
use serde::Serialize;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rows of a stream that are tried at most: chunks from its beginning to its end, evenly spaced.
const STREAM_ROWS: u64 = 1 << 18;
/// How often each way is tried; the least time counts.
const ROUNDS: u32 = 2;
/// The sizes of chunks that are tried, in rows.
const CHUNKS: [usize; 3] = [1 << 12, 1 << 14, CHUNK_ROWS];

/// A way to compress, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Trial {
    /// How columns were compressed.
    pub compression: Compression,
    /// Rows of a chunk.
    pub chunk_rows: usize,
    /// Bytes of all frames.
    pub bytes: u64,
    /// What it took to make frames of the rows.
    pub encode: Duration,
    /// What it took to make rows of the frames.
    pub decode: Duration,
}

impl Trial {
    /// Whether another is better or as good in everything, and better in something.
    fn is_beaten_by(&self, other: &Self) -> bool {
        let figures = |trial: &Self| {
            [u128::from(trial.bytes), trial.encode.as_nanos(), trial.decode.as_nanos()]
        };
        let (own, others) = (figures(self), figures(other));
        own != others && own.iter().zip(others).all(|(own, other)| other <= *own)
    }
}

/// What [`tune`] found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Tuning {
    /// Rows that were tried.
    pub rows: u64,
    /// Rows that the capture has. If they are more, the figures are those of a sample.
    pub all_rows: u64,
    /// The ways that no other beats in size, time to write and time to read at once; the smallest first.
    pub best: Vec<Trial>,
    /// The smallest of those that take at most twice as long as the fastest, to write and to read; of equal ones the
    /// fastest. `None` if the capture has no rows.
    pub recommended: Option<Trial>,
}

/// Tries codecs, levels and sizes of chunks on the rows of a capture.
///
/// Each way is timed on this machine as it is now: what else runs on it is part of the times. Takes seconds, and the memory of
/// the rows of one stream that are tried, some 30 MB. `progress` is called with the trials done and those to be done.
///
/// # Errors
///
/// If the capture cannot be read. Chunks that are damaged are left out.
pub fn tune(reader: &Reader, mut progress: impl FnMut(u64, u64)) -> Result<Tuning, Error> {
    let mut trials: Vec<Trial> = Vec::new();
    for compression in candidates() {
        let trial = |chunk_rows| Trial {
            compression,
            chunk_rows,
            bytes: 0,
            encode: Duration::ZERO,
            decode: Duration::ZERO,
        };
        trials.extend(CHUNKS.map(trial));
    }
    let all_rows = reader.streams().iter().map(|total| total.rows).sum();
    let with_rows = reader.streams().iter().filter(|total| total.rows > 0).count();
    let to_do = (with_rows * trials.len()) as u64;
    let mut trying = Trying { reader, trials, rows: 0, done: 0, to_do, progress: &mut progress };
    Stream::ALL.iter().try_for_each(|stream| stream.visit(&mut trying))?;
    let Trying { trials, rows, .. } = trying;
    let mut best: Vec<Trial> = Vec::new();
    if rows > 0 {
        let unbeaten = |trial: &&Trial| !trials.iter().any(|other| trial.is_beaten_by(other));
        best.extend(trials.iter().filter(unbeaten));
        best.sort_by_key(|trial| (trial.bytes, trial.encode, trial.decode));
    }
    let fastest = |time: fn(&Trial) -> Duration| best.iter().map(time).min().unwrap_or_default();
    let (encode, decode) = (fastest(|trial| trial.encode), fastest(|trial| trial.decode));
    let is_fast = |trial: &&Trial| trial.encode <= 2 * encode && trial.decode <= 2 * decode;
    // The fastest to write may be slow to read, and the other way round.
    let recommended = best.iter().find(is_fast).or_else(|| {
        best.iter().min_by_key(|trial| trial.encode.as_nanos() * trial.decode.as_nanos())
    });
    Ok(Tuning { rows, all_rows, recommended: recommended.copied(), best })
}

/// The ways that are worth trying, of the codecs that this build has.
fn candidates() -> impl Iterator<Item = Compression> {
    let zstd = |level, noise| Compression { level, noise, ..Codec::Zstd.into() };
    let brotli = |level| Compression { level, ..Codec::Brotli.into() };
    [
        Codec::None.into(),
        Codec::Lz4.into(),
        Compression::high_performance(),
        Compression::auto(),
        zstd(-5, Noise::Count),
        Compression::balanced(),
        zstd(1, Noise::Search),
        zstd(3, Noise::Search),
        zstd(6, Noise::Search),
        Compression::memory_efficient(),
        brotli(1),
        brotli(5),
    ]
    .into_iter()
    .filter(|compression| compression.codec.is_available())
}

/// Tries every way on stream after stream.
struct Trying<'a, P> {
    reader: &'a Reader,
    trials: Vec<Trial>,
    rows: u64,
    done: u64,
    to_do: u64,
    progress: &'a mut P,
}

impl<P: FnMut(u64, u64)> StreamVisitor for Trying<'_, P> {
    type Output = Result<(), Error>;

    fn visit<R: Event>(&mut self) -> Self::Output {
        let mut rows: Vec<R> = Vec::new();
        for chunk in sample(&self.reader.chunks::<R>()) {
            match self.reader.read_chunk::<R>(&chunk) {
                Ok(found) => rows.extend(found),
                Err(error @ Error::Io(_)) => return Err(error),
                Err(_) => {}
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        self.rows += rows.len() as u64;
        for trial in &mut self.trials {
            let (mut encode, mut decode) = (Duration::MAX, Duration::MAX);
            let mut bytes = 0;
            for _ in 0..ROUNDS {
                let begun = Instant::now();
                let frames = written(&rows, trial.compression, trial.chunk_rows);
                encode = encode.min(begun.elapsed());
                let begun = Instant::now();
                read::<R>(&frames)?;
                decode = decode.min(begun.elapsed());
                bytes = frames.iter().map(Sealed::frame_len).sum();
            }
            trial.bytes += bytes;
            trial.encode += encode;
            trial.decode += decode;
            self.done += 1;
            (self.progress)(self.done, self.to_do);
        }
        Ok(())
    }
}

/// Chunks from all of a stream, evenly spaced, of [`STREAM_ROWS`] in all but for the last.
fn sample(chunks: &[ChunkRef]) -> Vec<ChunkRef> {
    let rows: u64 = chunks.iter().map(|chunk| u64::from(chunk.rows)).sum();
    let (mut before, mut taken) = (0, 0);
    let mut sample = Vec::new();
    for chunk in chunks {
        // As many of the rows so far as of all.
        if taken * rows <= before * STREAM_ROWS.min(rows) {
            sample.push(*chunk);
            taken += u64::from(chunk.rows);
        }
        before += u64::from(chunk.rows);
    }
    sample
}

fn written<R: Event>(rows: &[R], compression: Compression, chunk_rows: usize) -> Vec<Sealed> {
    let mut chunk = Chunk::new();
    let mut frames = Vec::new();
    for part in rows.chunks(chunk_rows) {
        for row in part {
            // A part is no longer than a chunk.
            let _ = chunk.push(row);
        }
        frames.extend(chunk.seal(compression));
    }
    frames
}

fn read<R: Event>(frames: &[Sealed]) -> Result<(), Error> {
    for Sealed { header, padded } in frames {
        black_box(crc32fast::hash(padded));
        for row in Rows::<R>::decode(header, &padded[..header.stored_len as usize], 0)? {
            black_box(row?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worse_in_everything_is_beaten() {
        let trial = |bytes, encode, decode| Trial {
            compression: Compression::balanced(),
            chunk_rows: 1,
            bytes,
            encode: Duration::from_nanos(encode),
            decode: Duration::from_nanos(decode),
        };
        let one = trial(10, 10, 10);
        assert!(one.is_beaten_by(&trial(10, 10, 9)) && one.is_beaten_by(&trial(1, 1, 1)));
        assert!(!one.is_beaten_by(&trial(9, 9, 11)) && !one.is_beaten_by(&one));
    }

    #[test]
    fn a_sample_is_from_all_of_a_stream() {
        let place = crate::chunks::Place::Recovered(0);
        let chunk = |number: u64| ChunkRef {
            stream: Stream::Lifecycle,
            rows: 1 << 14,
            t_min: number,
            t_max: number,
            bytes: 0,
            place,
        };
        let chunks: Vec<_> = (0..160).map(chunk).collect();
        let sampled: Vec<u64> = sample(&chunks).iter().map(|chunk| chunk.t_min).collect();
        assert_eq!(sampled, (0..16).map(|number| number * 10).collect::<Vec<_>>());
        assert_eq!(sample(&chunks[..9]).len(), 9);
    }
}
