//! The sizes that the format promises, on a program's events that are the same in every run.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

#[path = "../benches/program/mod.rs"]
mod program;

use memscope_format::record::StreamVisitor;
use memscope_format::{
    Batch, Codec, Commit, Compression, Event, FileHeader, HookTable, Reader, Stream, Writer,
};

/// A closed capture of the synthetic program, as a drain writes it.
fn capture(compression: Compression) -> Reader {
    let mut hooks = HookTable::new();
    hooks.extend(&program::defs());
    let header = FileHeader::new([7; 16], 0, compression.codec);
    let mut writer = Writer::new(Vec::new(), &header).unwrap();
    writer.define(&program::defs()).unwrap();
    let mut batch = Batch::new(compression);
    program::fill(&mut batch, &hooks, &program::Program::new().events(1 << 18));
    let commit = Commit { cycle: 1, events: batch.events, ..Commit::default() };
    for frame in batch.seal() {
        writer.append(&frame).unwrap();
    }
    writer.commit(&commit).unwrap();
    Reader::from_bytes(writer.finish().unwrap()).unwrap()
}

/// All rows as lines of JSON.
struct Lines<'a>(&'a Reader);

impl StreamVisitor for Lines<'_> {
    type Output = Vec<u8>;

    fn visit<R: Event>(&mut self) -> Vec<u8> {
        let mut lines = Vec::new();
        for row in self.0.rows::<R>() {
            serde_json::to_writer(&mut lines, &row.unwrap()).unwrap();
            lines.push(b'\n');
        }
        lines
    }
}

#[test]
fn an_event_takes_seven_bytes_at_most_and_a_fifteenth_of_json() {
    let reader = capture(Compression::balanced());
    let events = reader.events() as f64;
    let json: Vec<Vec<u8>> =
        Stream::ALL.iter().map(|stream| stream.visit(&mut Lines(&reader))).collect();
    let lines: usize = json.iter().map(Vec::len).sum();
    let zstd: usize = json.iter().map(|lines| zstd::bulk::compress(lines, 3).unwrap().len()).sum();
    let bytes = reader.bytes() as f64;
    let figures = (bytes / events, lines as f64 / bytes, zstd as f64 / bytes);
    assert!(figures.0 <= 7.0 && figures.1 >= 15.0 && figures.2 >= 2.3, "{figures:?}");
}

#[test]
fn columns_alone_are_three_times_the_size_at_most() {
    let bytes = |compression| capture(compression).bytes();
    assert!(bytes(Codec::None.into()) <= 3 * bytes(Compression::balanced()));
}
