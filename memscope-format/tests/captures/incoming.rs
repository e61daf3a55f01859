//! A capture that arrives in parts has the rows that its file has.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::sample;
use memscope_format::frame::{FRAME_HEADER_LEN, FrameHeader};
use memscope_format::header::FILE_HEADER_LEN;
use memscope_format::incoming::{ArrivedChunk, Incoming, Item, Items};
use memscope_format::rows::{Lifecycle, Stream};
use memscope_format::{
    Codec, Damage, Defs, Error, Event, FileHeader, Metadata, Reader, StreamVisitor,
};
use sample::Sample;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a capture says, in one form for readers of every kind.
#[derive(Debug, Default, PartialEq)]
struct Content {
    header: Option<FileHeader>,
    metadata: Option<Metadata>,
    defs: Defs,
    /// By stream: rows, with what each stands for.
    rows: BTreeMap<&'static str, Vec<(String, u64)>>,
    complete: bool,
}

struct OfReader<'a>(&'a Reader, &'a mut Content);

impl StreamVisitor for OfReader<'_> {
    type Output = ();

    fn visit<R: Event>(&mut self) {
        let all = self.1.rows.entry(R::STREAM.name()).or_default();
        for chunk in self.0.chunks::<R>() {
            let Ok(rows) = self.0.read_chunk::<R>(&chunk) else { continue };
            let weights = self.0.weights::<R>(&chunk).unwrap();
            all.extend(rows.iter().map(|row| format!("{row:?}")).zip(weights));
        }
    }
}

struct OfChunk<'a>(&'a ArrivedChunk, &'a mut Content);

impl StreamVisitor for OfChunk<'_> {
    type Output = ();

    fn visit<R: Event>(&mut self) {
        let rows: Result<Vec<R>, Error> = self.0.rows::<R>().unwrap().collect();
        let Ok(rows) = rows else { return };
        assert_eq!(rows.len(), self.0.len() as usize);
        let weights = self.0.weights::<R>().unwrap().unwrap();
        let rows = rows.iter().map(|row| format!("{row:?}")).zip(weights);
        self.1.rows.entry(R::STREAM.name()).or_default().extend(rows);
    }
}

fn of_reader(bytes: &[u8]) -> Content {
    let reader = Reader::from_bytes(bytes.to_vec()).unwrap();
    let mut content = Content {
        header: Some(*reader.header()),
        metadata: reader.metadata().cloned(),
        defs: reader.defs().clone(),
        complete: reader.health().complete,
        ..Content::default()
    };
    Stream::ALL.iter().for_each(|stream| stream.visit(&mut OfReader(&reader, &mut content)));
    content.rows.retain(|_, rows| !rows.is_empty());
    content
}

impl Content {
    fn take(&mut self, item: Item, damage: &mut Vec<Damage>) {
        match item {
            Item::Header(header) => assert_eq!(self.header.replace(header), None),
            Item::Metadata(metadata) => self.metadata = Some(*metadata),
            Item::Definitions(defs) => self.defs.extend(*defs),
            Item::Chunk(chunk) => chunk.stream().visit(&mut OfChunk(&chunk, self)),
            Item::Damage(found) => damage.push(found),
            Item::End { complete } => self.complete = complete,
            _ => {}
        }
    }
}

/// Feeds parts of the lengths that come in turns.
fn of_parts(bytes: &[u8], lens: &[usize]) -> (Content, Vec<Damage>) {
    let (mut content, mut damage) = (Content::default(), Vec::new());
    let mut incoming = Incoming::new();
    let mut rest = bytes;
    for len in lens.iter().cycle() {
        let (part, others) = rest.split_at((*len).min(rest.len()));
        rest = others;
        incoming.feed(part);
        while let Some(item) = incoming.next_item() {
            content.take(item.unwrap(), &mut damage);
        }
        if rest.is_empty() {
            break;
        }
    }
    assert!(!incoming.has_ended());
    incoming.finish();
    while let Some(item) = incoming.next_item() {
        content.take(item.unwrap(), &mut damage);
    }
    assert!(incoming.has_ended());
    content.rows.retain(|_, rows| !rows.is_empty());
    (content, damage)
}

fn conformance() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let captures = files.filter(|path| path.extension().is_some_and(|ext| ext == "memscope"));
    let readable = captures.filter(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let codec = Codec::ALL.into_iter().find(|codec| name.ends_with(codec.name()));
        codec.is_none_or(Codec::is_available)
    });
    let all: Vec<_> = readable.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    assert!(all.len() >= 12);
    all
}

#[test]
fn a_capture_has_the_same_content_however_it_is_split() {
    for (path, bytes) in conformance() {
        let expected = of_reader(&bytes);
        assert!(!expected.rows.is_empty());
        for lens in [&[1][..], &[7], &[64], &[63, 65, 1], &[4096], &[usize::MAX]] {
            let (content, damage) = of_parts(&bytes, lens);
            assert!(content == expected, "{} in parts of {lens:?}", path.display());
            let damaged = path.file_stem().unwrap().to_str().unwrap().starts_with("damage-");
            assert!(!damaged || !damage.is_empty(), "{}", path.display());
        }
    }
}

#[test]
fn a_whole_capture_in_two_parts_is_split_anywhere() {
    let bytes = Sample::of_three_cycles(Codec::Zstd).finish();
    let expected = of_reader(&bytes);
    for first in 1..bytes.len() {
        let (content, damage) = of_parts(&bytes, &[first, usize::MAX]);
        assert!(content == expected && damage.is_empty(), "{first}");
    }
}

#[test]
fn a_prefix_has_what_a_reader_finds_in_it() {
    let bytes = Sample::of_three_cycles(Codec::Zstd).finish();
    for len in FILE_HEADER_LEN..bytes.len() {
        let (content, _) = of_parts(&bytes[..len], &[1000]);
        assert!(content == of_reader(&bytes[..len]), "{len}");
        assert!(!content.complete);
    }
}

#[test]
fn a_flipped_bit_anywhere_costs_no_more_rows_than_it_does_in_a_file() {
    let whole = Sample::of_three_cycles(Codec::None).finish();
    let intact = of_reader(&whole);
    for at in (FILE_HEADER_LEN..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        // A frame whose header is damaged a reader finds by the index; its rows neither gives.
        let (content, damage) = of_parts(&bytes, &[997]);
        assert!(content.rows == of_reader(&bytes).rows, "{at}");
        assert!(content == intact || !damage.is_empty() || content.rows != intact.rows, "{at}");
        let (other, same) = of_parts(&bytes, &[1]);
        assert!(other == content && same == damage, "{at}");
    }
}

#[test]
fn the_blocking_driver_gives_what_is_fed_by_hand() {
    for (_, bytes) in conformance() {
        let expected = of_parts(&bytes, &[usize::MAX]);
        let (mut content, mut damage) = (Content::default(), Vec::new());
        for item in Items::new(Trickle(&bytes, false)) {
            content.take(item.unwrap(), &mut damage);
        }
        content.rows.retain(|_, rows| !rows.is_empty());
        assert!((content, damage) == expected);
    }
}

/// Gives a few bytes at once, and is interrupted before each time.
struct Trickle<'a>(&'a [u8], bool);

impl std::io::Read for Trickle<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let len = bytes.len().min(self.0.len()).min(611);
        bytes[..len].copy_from_slice(&self.0[..len]);
        self.0 = &self.0[len..];
        Ok(len)
    }
}

#[tokio::test]
async fn the_driver_of_tokio_gives_what_is_fed_by_hand() {
    use memscope_format::incoming::AsyncItems;
    use tokio::io::AsyncWriteExt;

    for (_, bytes) in conformance() {
        let expected = of_parts(&bytes, &[usize::MAX]);
        let (mut theirs, ours) = tokio::io::duplex(311);
        let sending = async move { theirs.write_all(&bytes).await.unwrap() };
        let receiving = async {
            let (mut content, mut damage) = (Content::default(), Vec::new());
            let mut items = AsyncItems::new(ours);
            while let Some(item) = items.next().await {
                content.take(item.unwrap(), &mut damage);
            }
            content.rows.retain(|_, rows| !rows.is_empty());
            (content, damage)
        };
        let ((), found) = tokio::join!(sending, receiving);
        assert!(found == expected);
    }
}

#[test]
fn a_frame_becomes_items_with_its_last_byte() {
    let bytes = Sample::of_three_cycles(Codec::Zstd).finish();
    let mut incoming = Incoming::new();
    let mut chunks = 0;
    let mut at = FILE_HEADER_LEN;
    incoming.feed(&bytes[..at]);
    assert!(matches!(incoming.next_item(), Some(Ok(Item::Header(_)))));
    while at < bytes.len() {
        let (header, _) = FrameHeader::from_bytes(bytes[at..].first_chunk().unwrap()).unwrap();
        let end = at + header.frame_len() as usize;
        incoming.feed(&bytes[at..end - 1]);
        assert!(incoming.next_item().is_none());
        incoming.feed(&bytes[end - 1..end]);
        let item = incoming.next_item();
        if let Some(stream) = header.frame_type.stream() {
            let Some(Ok(Item::Chunk(chunk))) = item else { panic!("{item:?}") };
            assert_eq!((chunk.stream(), chunk.offset()), (stream, at as u64));
            assert_eq!(chunk.rows::<Lifecycle>().is_some(), stream == Stream::Lifecycle);
            chunks += 1;
        }
        assert!(incoming.next_item().is_none());
        at = end;
    }
    assert!(chunks > 5);
}

#[test]
fn what_is_kept_does_not_grow_with_the_capture_nor_with_what_is_damaged() {
    let bytes = Sample::of_three_cycles(Codec::Zstd).finish();
    let mut incoming = Incoming::new();
    let mut most = 0;
    let mut feed = |bytes: &[u8]| {
        for part in bytes.chunks(1000) {
            incoming.feed(part);
            while let Some(item) = incoming.next_item() {
                item.unwrap();
            }
            most = most.max(incoming.kept_bytes());
        }
    };
    feed(&bytes[..bytes.len() - FRAME_HEADER_LEN]);
    feed(&vec![0xF7; 4 << 20]);
    for _ in 0..100 {
        // Frames that come again are reported, and not kept.
        feed(&bytes[FILE_HEADER_LEN..]);
    }
    assert!(most < 10_000, "{most}");
}

#[test]
fn what_is_no_capture_is_refused_once_and_what_ends_early_too() {
    let errors = |bytes: &[u8]| -> Vec<Result<Item, Error>> { Items::new(bytes).collect() };
    let found = errors(&[b'x'; 500]);
    assert!(matches!(found[..], [Err(Error::NotACapture { .. })]), "{found:?}");
    let found = errors(&[]);
    assert!(matches!(found[..], [Err(Error::NoData)]), "{found:?}");
    let bytes = Sample::of_three_cycles(Codec::Zstd).finish();
    let found = errors(&bytes[..40]);
    let expected =
        matches!(found[..], [Err(Error::Truncated { offset: 0, expected: 64, found: 40 })]);
    assert!(expected, "{found:?}");
    let mut damaged = bytes[..100].to_vec();
    damaged[20] ^= 1;
    let found = errors(&damaged);
    assert!(matches!(found.last(), Some(Err(Error::Corrupt { offset: 0, .. }))), "{found:?}");
}
