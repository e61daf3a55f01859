//! What is done when the operating system refuses to write: a device that is always full, and a limit on a file's length.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod sample;

use memscope_format::rows::{Lifecycle, LifecycleKind, Stream, Zst};
use memscope_format::writer::{AsyncWriter, Retry, Thinning, WriterOptions};
use memscope_format::{Chunk, Codec, Error, Reader, Record, Sealed, Writer};
use sample::Rows;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Command;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncSeek, AsyncWrite};

const ROWS: u64 = 200;

fn birth(number: u64) -> Lifecycle {
    let value = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Lifecycle {
        ts: value,
        kind: LifecycleKind::Born,
        site: 1,
        type_id: 11,
        value,
        origin: 0,
        thread: 1,
    }
}

fn chunk<R: Record>(number: u64, row: impl Fn(u64) -> R) -> Sealed {
    let mut chunk = Chunk::new();
    for at in number * ROWS..(number + 1) * ROWS {
        chunk.push(&row(at)).unwrap();
    }
    chunk.seal(Codec::Zstd).unwrap()
}

/// A sink in memory whose device is full from some write on, as `/dev/full` tells.
struct Filling {
    bytes: Vec<u8>,
    writes: usize,
    full_from: usize,
    full: File,
    tried: usize,
}

impl Filling {
    fn new(full_from: usize) -> Self {
        let full = File::options().write(true).open("/dev/full").unwrap();
        Self { bytes: Vec::new(), writes: 0, full_from, full, tried: 0 }
    }
}

impl Write for Filling {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        if self.writes > self.full_from {
            self.tried += 1;
            return self.full.write(bytes);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_device_is_an_error_at_once_or_after_as_many_tries_as_were_asked_for() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let error = Writer::new(full, &sample::file_header(Codec::None)).unwrap_err();
    let Error::Io(error) = error else { panic!("{error}") };
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);

    for tries in [0, 3] {
        let pause = Duration::from_millis(4);
        let retry = Retry { tries, first_pause: pause, longest_pause: pause };
        let options = WriterOptions { retry, ..WriterOptions::default() };
        let header = sample::file_header(Codec::Zstd);
        let mut writer = Writer::with(Filling::new(2), &header, options).unwrap();
        writer.append(&chunk(0, birth)).unwrap();
        let since = Instant::now();
        let error = writer.append(&chunk(1, birth)).unwrap_err();
        assert!(since.elapsed() >= pause * tries);
        assert_eq!(writer.sink().tried, 1 + tries as usize);
        let Error::Unwritten { rows, error } = error else { panic!("{error}") };
        assert_eq!((rows, error.kind()), (ROWS, io::ErrorKind::StorageFull));
    }
}

#[test]
fn the_policies_compose_on_a_full_device() {
    let directory = tempfile::tempdir().unwrap();
    let retry = Retry { tries: 2, ..Retry::NEVER };
    let thinning = Some(Thinning { keep: vec![Stream::Lifecycle] });
    let options = WriterOptions { retry, thinning, ..WriterOptions::default() };
    // The header and two chunks; then two chunks elsewhere, which is full then too.
    let mut elsewhere = vec![Filling::new(3)];
    let header = sample::file_header(Codec::Zstd);
    let mut writer = Writer::with(Filling::new(3), &header, options)
        .unwrap()
        .or_elsewhere(move |_| elsewhere.pop());
    writer.append(&chunk(0, birth)).unwrap();
    writer.append(&chunk(0, |number| Zst(birth(number)))).unwrap();
    writer.append(&chunk(1, birth)).unwrap();
    assert_eq!(writer.sink().tried, 0, "it is another one");
    writer.append(&chunk(1, |number| Zst(birth(number)))).unwrap();
    // What is left out is no error, and is not tried again.
    writer.append(&chunk(2, |number| Zst(birth(number)))).unwrap();
    assert_eq!(writer.sink().tried, 3);
    writer.append(&chunk(3, |number| Zst(birth(number)))).unwrap();
    assert_eq!(writer.sink().tried, 3);
    let error = writer.append(&chunk(2, birth)).unwrap_err();
    assert!(matches!(error, Error::Unwritten { rows: ROWS, .. }), "{error}");
    assert_eq!(writer.sink().tried, 6);
    let lost: Vec<_> = writer.tallies().map(|tally| (tally.frame_type, tally.lost)).collect();
    assert_eq!(lost, [(Stream::Lifecycle as u16, ROWS), (Stream::Zst as u16, 2 * ROWS)]);
    let path = directory.path().join("x.memscope");
    let rows = Rows::of(&sample::open(&path, &writer.sink().bytes).unwrap());
    assert_eq!((rows.lifecycle.len() as u64, rows.zst.len() as u64), (ROWS, ROWS));
}

const CHILD: &str = "MEMSCOPE_TEST_FULL_CHILD";

/// Runs a test again in a process whose files cannot grow beyond 32 KiB, and which is not killed for trying.
fn limited(test: &str, directory: &Path) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    // 64 blocks of 512 bytes.
    let shell = "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", shell])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    false
}

fn directory() -> PathBuf {
    PathBuf::from(std::env::var_os(CHILD).unwrap())
}

/// Both files are as long as they can be or whole, and have all rows together.
fn assert_all(directory: &Path, chunks: u64) {
    let [first, second] = ["first", "second"].map(|name| {
        let reader = Reader::open(directory.join(name)).unwrap();
        let rows = Rows::of(&reader);
        assert_eq!(rows.errors, [""; 0]);
        (reader, rows.lifecycle)
    });
    assert!((31 << 10..=32 << 10).contains(&first.0.bytes()), "{}", first.0.bytes());
    assert!(second.0.health().complete && !second.0.health().is_whole());
    let all: Vec<Lifecycle> = [first.1, second.1].concat();
    assert!(all == (0..chunks * ROWS).map(birth).collect::<Vec<_>>());
}

const CHUNKS: u64 = 16;

#[test]
fn a_capture_that_reaches_the_limit_of_its_file_goes_on_in_another() {
    let parent = tempfile::tempdir().unwrap();
    let name = "a_capture_that_reaches_the_limit_of_its_file_goes_on_in_another";
    if !limited(name, parent.path()) {
        return assert_all(parent.path(), CHUNKS);
    }
    let directory = directory();
    let second = directory.join("second");
    let file = File::create_new(directory.join("first")).unwrap();
    let mut writer =
        Writer::new(file, &sample::file_header(Codec::Zstd)).unwrap().or_elsewhere(move |error| {
            assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
            File::create_new(&second).ok()
        });
    for number in 0..CHUNKS {
        writer.append(&chunk(number, birth)).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn a_capture_of_tokio_that_reaches_the_limit_of_its_file_goes_on_in_another() {
    let parent = tempfile::tempdir().unwrap();
    let name = "a_capture_of_tokio_that_reaches_the_limit_of_its_file_goes_on_in_another";
    if !limited(name, parent.path()) {
        return assert_all(parent.path(), CHUNKS);
    }
    let directory = directory();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let second = directory.join("second");
        let file = tokio::fs::File::create_new(directory.join("first")).await.unwrap();
        let mut writer = AsyncWriter::new(file, &sample::file_header(Codec::Zstd))
            .await
            .unwrap()
            .or_elsewhere(move |error| {
                assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
                let second = second.clone();
                async move { tokio::fs::File::create_new(second).await.ok() }
            });
        for number in 0..CHUNKS {
            writer.append(&chunk(number, birth)).await.unwrap();
        }
        writer.finish().await.unwrap();
    });
}

/// A file of tokio says only that the write of a frame failed, not that half of it is there.
#[test]
fn a_capture_of_tokio_knows_how_much_of_a_frame_the_file_took() {
    let parent = tempfile::tempdir().unwrap();
    let name = "a_capture_of_tokio_knows_how_much_of_a_frame_the_file_took";
    if !limited(name, parent.path()) {
        return;
    }
    let directory = directory();
    let (blocking, tokio) = (directory.join("blocking"), directory.join("tokio"));
    let retry = Retry { tries: 2, ..Retry::NEVER };
    let options = WriterOptions { retry, ..WriterOptions::default() };
    let header = sample::file_header(Codec::Zstd);
    let file = File::create_new(&blocking).unwrap();
    let mut writer = Writer::with(file, &header, options.clone()).unwrap();
    let failed_at = (0..CHUNKS).find(|number| writer.append(&chunk(*number, birth)).is_err());
    let failed_at = failed_at.unwrap();
    assert_eq!(writer.bytes(), 32 << 10);
    with_time().block_on(async {
        let file = tokio::fs::File::create_new(&tokio).await.unwrap();
        let mut writer = AsyncWriter::with(file, &header, options).await.unwrap().seekable();
        for number in 0..failed_at {
            writer.append(&chunk(number, birth)).await.unwrap();
        }
        let error = writer.append(&chunk(failed_at, birth)).await.unwrap_err();
        assert!(matches!(error, Error::Unwritten { rows: ROWS, .. }), "{error}");
        assert_eq!(writer.bytes(), 32 << 10);
    });
    assert!(std::fs::read(blocking).unwrap() == std::fs::read(tokio).unwrap());
}

/// A sink that takes all it is given, and says when it is flushed that it wrote only some of it, as a file of tokio does.
#[derive(Debug, Default)]
struct Late {
    file: io::Cursor<Vec<u8>>,
    /// Bytes until a write fails, once.
    left: Option<usize>,
    failed: bool,
}

impl AsyncWrite for Late {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let kept = self.left.map_or(bytes.len(), |left| left.min(bytes.len()));
        self.failed = kept < bytes.len();
        self.left = self.left.map(|left| left - kept).filter(|_| !self.failed);
        Write::write_all(&mut self.file, &bytes[..kept]).unwrap();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let failed = std::mem::take(&mut self.failed);
        Poll::Ready(if failed { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) })
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

impl AsyncSeek for Late {
    fn start_seek(mut self: Pin<&mut Self>, position: io::SeekFrom) -> io::Result<()> {
        io::Seek::seek(&mut self.file, position).map(|_| ())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.file.position()))
    }
}

/// A capture in a sink that may fail once, in the middle of a chunk.
async fn late(fails: bool, seekable: bool) -> AsyncWriter<Late> {
    let retry = Retry { tries: 1, ..Retry::NEVER };
    let options = WriterOptions { retry, ..WriterOptions::default() };
    let sink = Late { left: fails.then_some(5000), ..Late::default() };
    let writer = AsyncWriter::with(sink, &sample::file_header(Codec::Zstd), options).await.unwrap();
    if seekable { writer.seekable() } else { writer }
}

fn with_time() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

#[test]
fn a_frame_of_which_a_sink_of_tokio_took_half_is_gone_on_with() {
    let [whole, repeated] = [false, true].map(|fails| {
        with_time().block_on(async {
            let mut writer = late(fails, true).await;
            for number in 0..4 {
                writer.append(&chunk(number, birth)).await.unwrap();
            }
            writer.finish().await.unwrap().file.into_inner()
        })
    });
    assert!(whole.len() > 5000 && whole == repeated);
}

#[test]
fn a_sink_of_tokio_that_cannot_tell_what_it_took_is_written_to_no_more() {
    with_time().block_on(async {
        let mut writer = late(true, false).await;
        let mut number = 0;
        let error = loop {
            match writer.append(&chunk(number, birth)).await {
                Ok(()) => number += 1,
                Err(error) => break error,
            }
        };
        let Error::Unwritten { rows, error } = error else { panic!("{error}") };
        assert_eq!((rows, error.kind()), (ROWS, io::ErrorKind::StorageFull));
        for lost in 2..4 {
            let error = writer.append(&chunk(number, birth)).await.unwrap_err();
            assert!(matches!(error, Error::Unwritten { rows: ROWS, .. }), "{error}");
            assert_eq!(writer.tallies().map(|tally| tally.lost).sum::<u64>(), lost * ROWS);
        }
        assert!(writer.checkpoint().await.is_err());
        assert_eq!(writer.sink().file.get_ref().len(), 5000);
    });
}
