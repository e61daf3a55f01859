//! Whole captures: read, written anew, gone on with.

use super::repair::repair;
use crate::chunk::Chunk;
use crate::commit::Commit;
use crate::frame::FRAME_HEADER_LEN;
use crate::incoming::{Incoming, Item};
use crate::limits;
use crate::reader::Reader;
use crate::record::{Event, StreamVisitor};
use crate::rewrite::Rewrite;
use crate::rows::{Lifecycle, LifecycleKind, Stream};
use crate::source::InMemory;
use crate::validate::Validation;
use crate::writer::{Writer, WriterOptions};
use crate::{Codec, Error};

/// A file, as it is.
pub(super) fn reader(data: &[u8]) {
    if let Ok(reader) = Reader::from_bytes(data.to_vec()) {
        read_all(&reader);
    }
}

/// A file whose checksums are made right first, so that what is behind them is reached.
pub(super) fn repaired(data: &[u8]) {
    reader(&repair(data));
}

/// A file written anew: what could be read is in it, and it is valid.
pub(super) fn recover(data: &[u8]) {
    let Ok(reader) = Reader::from_bytes(repair(data)) else { return };
    let Ok((done, bytes)) = Rewrite::default().write(&reader, Vec::new(), |_, _| {}) else {
        return;
    };
    assert_eq!(done.bytes, bytes.len() as u64);
    let again = Reader::from_bytes(bytes).unwrap_or_else(|error| panic!("{error}"));
    // What the first writer could not write is said again.
    let whole = again.health().damage.iter().all(|damage| damage.bytes == 0);
    assert!(again.health().complete && whole, "{:?}", again.health());
    let rows: u64 = again.streams().iter().map(|stream| stream.rows).sum();
    assert_eq!(rows, done.rows);
    assert_eq!(again.defs(), reader.defs());
    // Rows that name what is not defined, or no time of their chunk, are kept, and no damage.
    let verdict = Validation::of(&again).unwrap_or_else(|error| panic!("{error}"));
    assert!(verdict.frames.iter().all(|frame| frame.problem.is_none()), "{:?}", verdict.errors);
}

/// The rings of a program that died: the number of bytes of a capture, in 256ths of the bytes, then the capture and the
/// rings file.
pub(super) fn rings(data: &[u8]) {
    let Some((&share, data)) = data.split_first() else { return };
    let (capture, rings) = data.split_at(data.len() * usize::from(share) / 256);
    let opening = Reader::opening().rings(InMemory(rings.to_vec()));
    if let Ok(reader) = opening.source(InMemory(capture.to_vec())) {
        read_all(&reader);
    }
}

/// A capture in another notation: the first byte says which. What is accepted is a valid capture, and comes back as the
/// same items.
pub(super) fn import(data: &[u8]) {
    use crate::convert::{Notation, export, import};
    let Some((&notation, data)) = data.split_first() else { return };
    let notation = if notation % 2 == 0 { Notation::JsonLines } else { Notation::MessagePack };
    let mut bytes = Vec::new();
    let Ok(rows) = import(data, notation, &mut bytes, Codec::None.into()) else { return };
    let reader = Reader::from_bytes(bytes).unwrap_or_else(|error| panic!("{error}"));
    assert!(reader.health().complete && reader.health().damage.is_empty());
    let mut items = Vec::new();
    let exported = export(&reader, notation, &mut items, |_, _| {});
    let exported = exported.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((exported.rows, exported.unreadable_rows), (rows, 0));
    let mut again = Vec::new();
    let rows_again = import(items.as_slice(), notation, &mut again, Codec::None.into());
    assert_eq!(rows_again.ok(), Some(rows), "what was exported is imported");
}

/// A capture that arrives: the number of lengths, modulo 16, and then these (0 is 256), in which the rest is cut into parts,
/// in turns. The items are those of the rest in one part.
///
/// If the first bit is set, checksums are made right first.
pub(super) fn incoming(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let (lens, bytes) = rest.split_at(usize::from(first % 16).min(rest.len()));
    let bytes = if first & 0x80 == 0 { bytes.to_vec() } else { repair(bytes) };
    let lens = lens.iter().map(|&len| if len == 0 { 256 } else { usize::from(len) });
    assert_eq!(of_parts(&bytes, lens.cycle()), of_parts(&bytes, [bytes.len()].into_iter()));
}

/// What a capture that arrives in parts of these lengths becomes, and then all at once.
fn of_parts(mut bytes: &[u8], lens: impl Iterator<Item = usize>) -> (Vec<Item>, Option<String>) {
    let (mut items, mut refused) = (Vec::new(), None);
    let mut incoming = Incoming::new();
    let mut take = |incoming: &mut Incoming| {
        while let Some(item) = incoming.next_item() {
            match item {
                Ok(item) => {
                    if let Item::Chunk(chunk) = &item {
                        chunk.stream().visit(&mut Arrived(chunk));
                    }
                    items.push(item);
                }
                Err(error) => refused = Some(error.to_string()),
            }
        }
    };
    for len in lens {
        if bytes.is_empty() {
            break;
        }
        let (part, rest) = bytes.split_at(len.min(bytes.len()));
        bytes = rest;
        incoming.feed(part);
        take(&mut incoming);
        // A frame, what may be the next one, and what has come of a third.
        assert!(incoming.kept_bytes() <= 3 * (limits::STORED_LEN as usize + FRAME_HEADER_LEN));
    }
    incoming.feed(bytes);
    take(&mut incoming);
    incoming.finish();
    take(&mut incoming);
    assert!(incoming.has_ended(), "it ends");
    (items, refused)
}

/// Decodes the rows of a chunk that has arrived.
struct Arrived<'a>(&'a crate::incoming::ArrivedChunk);

impl StreamVisitor for Arrived<'_> {
    type Output = ();

    fn visit<R: Event>(&mut self) {
        let rows: Option<Result<Vec<R>, Error>> = self.0.rows::<R>().map(Iterator::collect);
        if let Some(Ok(rows)) = rows {
            assert_eq!(rows.len(), self.0.len() as usize, "as many rows as were said");
        }
        let _ = self.0.weights::<R>();
    }
}

/// A capture that is gone on with: what was there is there to the byte, what could be read can be, and so can what was added.
///
/// If the first bit of the first byte is set, checksums are made right first.
pub(super) fn append(data: &[u8]) {
    let Some((&first, bytes)) = data.split_first() else { return };
    let bytes = if first & 0x80 == 0 { bytes.to_vec() } else { repair(bytes) };
    let Ok(before) = Reader::from_bytes(bytes.clone()) else { return };
    let Ok(after) = gone_on(&before, bytes.clone()) else { return };
    assert!(after.starts_with(&bytes), "nothing is changed");
    let after = Reader::from_bytes(after).unwrap_or_else(|error| panic!("{error}"));
    assert!(after.health().complete, "{:?}", after.health());
    let mut compare = Appended { before: &before, after: &after };
    Stream::ALL.iter().for_each(|stream| stream.visit(&mut compare));
}

/// The row that [`append`] adds.
const ADDED: Lifecycle = Lifecycle {
    ts: 7,
    kind: LifecycleKind::Born,
    site: 1,
    type_id: 1,
    value: 7,
    origin: 0,
    thread: 1,
};

fn gone_on(before: &Reader, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    let mut writer = Writer::behind(&before.contents, bytes, WriterOptions::default())?;
    let last = writer.last_commit().cloned().unwrap_or_default();
    let mut chunk = Chunk::new();
    chunk.push(&ADDED).unwrap_or_else(|error| panic!("{error}"));
    if let Some(chunk) = chunk.seal(Codec::Zstd) {
        writer.append(&chunk)?;
    }
    let (cycle, events) = (last.cycle.saturating_add(1), last.events.saturating_add(1));
    writer.commit(&Commit { cycle, events, rings: Vec::new(), ..last })?;
    writer.finish()
}

/// Compares the rows of a capture with those that it has now.
struct Appended<'a> {
    before: &'a Reader,
    after: &'a Reader,
}

impl StreamVisitor for Appended<'_> {
    type Output = ();

    fn visit<R: Event>(&mut self) {
        let rows = |reader: &Reader| reader.rows::<R>().flatten().collect::<Vec<R>>();
        let (before, mut after) = (rows(self.before), rows(self.after));
        if R::STREAM == Stream::Lifecycle {
            let added = after.pop().map(|row| row.to_words().as_ref().to_vec());
            assert_eq!(added, Some(crate::Record::to_words(&ADDED).to_vec()), "what was added");
        }
        assert!(before == after, "what was there: {} and {} rows", before.len(), after.len());
    }
}

/// Reads all that a capture has, in each way there is; they agree.
fn read_all(reader: &Reader) {
    Stream::ALL.iter().for_each(|stream| stream.visit(&mut EachWay(reader)));
    let _ = reader.clock().ns(u64::MAX);
    let _ = Validation::of(reader);
}

struct EachWay<'a>(&'a Reader);

impl StreamVisitor for EachWay<'_> {
    type Output = ();

    fn visit<R: Event>(&mut self) {
        stream::<R>(self.0);
    }
}

fn stream<R: Event>(reader: &Reader) {
    let names: Vec<&str> = R::COLUMNS.iter().map(|column| column.name).collect();
    for chunk in reader.chunks::<R>() {
        assert!(chunk.rows <= limits::ROWS);
        let rows = reader.read_chunk::<R>(&chunk);
        if let Ok(rows) = &rows {
            assert_eq!(rows.len(), chunk.rows as usize, "as many rows as were said");
        }
        let _ = reader.weights::<R>(&chunk);
    }
    let columns = reader.columns::<R>(&names).into_iter().flatten();
    for chunk in columns.flatten() {
        assert!(chunk.columns.iter().all(|words| words.len() == chunk.rows));
    }
    // A selection is what a filter of all rows would leave.
    let all: Vec<R> = reader.rows::<R>().flatten().collect();
    let Some(row) = all.get(all.len() / 2) else { return };
    let word = |row: &R, name: &str| {
        let place = R::COLUMNS.iter().position(|column| column.name == name);
        place.map(|place| row.to_words().as_ref()[place])
    };
    let (Some(site), Some(ts)) = (word(row, "site"), word(row, "ts")) else { return };
    let expected =
        all.iter().filter(|row| word(row, "site") == Some(site) && word(row, "ts") >= Some(ts));
    let selected = reader.select::<R>().site(site as u32).time(ts..).rows();
    let selected: Vec<R> = selected.into_iter().flatten().flatten().collect();
    // Chunks whose header says other times than their rows have are passed over by the header.
    if in_chunk_order(reader, &all) {
        assert!(expected.eq(&selected), "a selection is a filter");
    }
}

/// Whether the rows of each chunk lie within the times that its header says, and all chunks can be read.
fn in_chunk_order<R: Event>(reader: &Reader, all: &[R]) -> bool {
    let time = |row: &R| R::TIME.map_or(0, |place| row.to_words().as_ref()[place]);
    let mut rest = all.iter();
    reader.chunks::<R>().iter().all(|chunk| {
        reader.read_chunk::<R>(chunk).is_ok_and(|rows| {
            rows.iter().all(|row| (chunk.t_min..=chunk.t_max).contains(&time(row)))
                && rest.by_ref().take(rows.len()).count() == rows.len()
        })
    })
}
