//! What the fuzzers began with and what they found, through the same functions.
//!
//! `cargo test -p memscope-format --test corpus -- --ignored` makes the inputs named `seed-*` anew, from the
//! captures in `conformance/`.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod sample;

use memscope_format::column::ColumnEncoding;
use memscope_format::frame::{Encoding, FRAME_HEADER_LEN, FrameType};
use memscope_format::fuzz::{TARGETS, seeds};
use memscope_format::{Chunk, Codec, Defs, Event, Stream, StreamVisitor, Writer, validate};
use sample::rings::{drained_rings, rings_file};
use sample::{Sample, frames};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

#[test]
fn every_input_of_the_corpus_is_read_or_refused() {
    for (name, target) in TARGETS {
        let mut inputs = 0;
        for entry in fs::read_dir(corpus().join(name)).unwrap() {
            target(&fs::read(entry.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs > 0, "{name}");
    }
}

/// Every target is run by the fuzzer, and by nothing else.
#[test]
fn every_target_is_a_target_of_the_fuzzer() {
    let folder = corpus().join("../fuzz_targets");
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort_unstable();
    let mut names = TARGETS.map(|(name, _)| name);
    names.sort_unstable();
    assert_eq!(files, names);
}

/// What the fuzzer begins with has every type of frames, encoding of columns and codec, so that it need not find them.
#[test]
fn the_seeds_cover_the_format() {
    let (mut types, mut encodings, mut codecs) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for entry in fs::read_dir(corpus().join("reader")).unwrap() {
        let path = entry.unwrap().path();
        if !validate(&path).is_ok_and(|verdict| verdict.is_valid()) {
            continue;
        }
        let capture = fs::read(path).unwrap();
        for (at, header) in frames(&capture) {
            types.insert(header.frame_type);
            codecs.insert(header.codec);
            if header.encoding == Encoding::Columns as u8 {
                let directory = &capture[at + FRAME_HEADER_LEN..];
                let columns = usize::from(u16::from_le_bytes([directory[0], directory[1]]));
                for entry in directory[8..8 + 16 * columns].chunks_exact(16) {
                    encodings.insert(entry[2]);
                    codecs.insert(entry[3]);
                }
            }
        }
    }
    let streams = Stream::ALL.into_iter().map(Stream::frame_type);
    let others = [
        FrameType::RAW,
        FrameType::METADATA,
        FrameType::COMMIT,
        FrameType::INDEX,
        FrameType::CHECKPOINT,
        FrameType::FOOTER,
    ];
    let all: BTreeSet<_> = streams.chain(Defs::FRAMES.iter().copied()).chain(others).collect();
    assert_eq!(types, all);
    let all = (0..u8::MAX).take_while(|&id| ColumnEncoding::from_id(id).is_some());
    assert_eq!(encodings, all.collect());
    assert_eq!(codecs, Codec::ALL.into_iter().map(|codec| codec as u8).collect());
}

/// A sample with checkpoints in between, of which the last names the one before.
fn of_checkpoints() -> Vec<u8> {
    let mut sample = Sample::new(Codec::Zstd);
    for _ in 0..5 {
        sample.chunks();
        sample.commit();
        sample.writer.checkpoint().unwrap();
    }
    sample.finish()
}

/// A sample with two rows of each stream.
fn of_each_stream() -> Vec<u8> {
    let mut sample = Sample::new(Codec::None);
    Stream::ALL.iter().for_each(|stream| stream.visit(&mut TwoRows(&mut sample.writer)));
    sample.finish()
}

struct TwoRows<'a>(&'a mut Writer<Vec<u8>>);

impl StreamVisitor for TwoRows<'_> {
    type Output = ();

    fn visit<R: Event>(&mut self) {
        // It is a word of every kind.
        let mut words = R::Words::default();
        words.as_mut().fill(1);
        let mut chunk = Chunk::<R>::new();
        for ts in [1, 2] {
            R::TIME.into_iter().for_each(|place| words.as_mut()[place] = ts);
            chunk.push(&R::from_words(&words).unwrap()).unwrap();
        }
        self.0.append(&chunk.seal(Codec::None).unwrap()).unwrap();
    }
}

#[test]
#[ignore = "writes the files"]
fn remake() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let mut captures: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    captures.retain(|path| path.extension().is_some_and(|extension| extension == "memscope"));
    captures.sort_unstable();
    let mut captures: Vec<Vec<u8>> = captures.iter().map(|path| fs::read(path).unwrap()).collect();
    captures.extend([of_checkpoints(), of_each_stream()]);
    let mut seeds = seeds(&captures);
    let mut rings = drained_rings(3);
    rings[0].put_cycle(0, 5000);
    let capture = Sample::of_three_cycles(Codec::Zstd).killed();
    let rings = rings_file(&rings);
    let share = (capture.len() * 256).div_ceil(capture.len() + rings.len());
    // The share cuts the input where the capture ends, with zeros up to there.
    let mut whole = capture;
    while whole.len() < (whole.len() + rings.len()) * share / 256 {
        whole.push(0);
    }
    seeds.insert("rings", vec![[&[share as u8], whole.as_slice(), &rings].concat()]);
    let columns = (0..9_u8).map(|encoding| {
        // Four rows: four words of a byte, two runs, or a word for each of two shapes.
        let raw: &[u8] = match encoding {
            0 => &[9],
            5 => &[1, 3, 2, 1],
            6 => &[1, 2],
            7 | 8 => &[1, 2, 3, 4, 0, 4, 1],
            _ => &[1, 2, 3, 4],
        };
        [&[encoding, 4, 0, 2, 0, 1], raw].concat()
    });
    seeds.insert("column", columns.collect());
    let codecs = Codec::ALL.into_iter().map(|codec| {
        let stored: &[u8] = match codec {
            Codec::Lz4 => &[0x1F, 7, 1, 0, 0x2B, 0x50, 7, 7, 7, 7, 7],
            Codec::Zstd => &[0x28, 0xB5, 0x2F, 0xFD, 0x20, 0x40, 0x55, 0, 0, 0x08, 7, 7, 1],
            _ => &[7; 64],
        };
        [&[codec as u8, 64, 0, 0], stored].concat()
    });
    seeds.insert("codec", codecs.collect());
    for (name, inputs) in seeds {
        let folder = corpus().join(name);
        fs::create_dir_all(&folder).unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_str().unwrap().starts_with("seed-") {
                fs::remove_file(path).unwrap();
            }
        }
        let mut inputs = inputs;
        inputs.sort_unstable();
        inputs.dedup();
        for (number, input) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), input).unwrap();
        }
    }
}
