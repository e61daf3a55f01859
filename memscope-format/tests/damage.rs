//! The guarantee of the format: what is whole is read, what is not is reported, and nothing panics.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod sample;

use memscope_format::frame::{FRAME_HEADER_LEN, FrameHeader, FrameType};
use memscope_format::report::{OtherFile, Report};
use memscope_format::rows::{Lifecycle, LifecycleKind};
use memscope_format::second_file::{FIRST_FILE, SECOND_FILE};
use memscope_format::validate::FrameVerdict;
use memscope_format::{Codec, Commit, Error, Merge, Reader, Writer, recover, validate};
use proptest::prelude::*;
use sample::{Rows, Sample, open};
use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

fn small(codec: Codec) -> Vec<u8> {
    let mut sample = Sample::new(codec);
    for _ in 0..2 {
        sample.chunks();
        sample.commit();
    }
    sample.finish()
}

fn frames(path: &Path) -> Vec<FrameVerdict> {
    let validation = validate(path).unwrap();
    assert_eq!((&validation.errors, &validation.warnings), (&vec![], &vec![]));
    validation.frames
}

fn event_rows(frame: &FrameVerdict) -> usize {
    frame.frame_type.stream().map_or(0, |_| frame.rows as usize)
}

/// Of a truncated capture every whole frame is read, and the loss reported.
fn cut_at_every_byte(codec: Codec) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let bytes = small(codec);
    let all = Rows::of(&open(&path, &bytes).unwrap());
    let frames = frames(&path);
    assert!(frames.len() > 20);
    for cut in (0..bytes.len()).rev() {
        OpenOptions::new().write(true).open(&path).unwrap().set_len(cut as u64).unwrap();
        let reader = match Reader::open(&path) {
            Ok(reader) => reader,
            Err(error) => {
                sample::twin::agrees(&path, &Reader::open(&path));
                let expected = match error {
                    Error::NoData => cut == 0,
                    Error::Truncated { expected, found, .. } => {
                        (expected, found) == (64, cut as u64)
                    }
                    _ => false,
                };
                assert!(cut < 64 && expected, "cut at {cut}: {error}");
                continue;
            }
        };
        let whole = frames.iter().take_while(|frame| frame.offset + frame.bytes <= cut as u64);
        let expected: usize = whole.clone().map(event_rows).sum();
        let end = whole.last().map_or(64, |last| last.offset + last.bytes);
        let rows = Rows::of(&reader);
        assert!(rows.errors.is_empty(), "cut at {cut}: {:?}", rows.errors);
        assert_eq!(rows.len(), expected, "cut at {cut}");
        assert!(rows.are_part_of(&all), "cut at {cut}");
        let health = reader.health();
        assert!(!health.complete && !health.is_whole(), "cut at {cut}");
        // The half frame, from where the whole ones end.
        let damage: Vec<_> = health.damage.iter().map(|d| (d.offset, d.bytes)).collect();
        let left = cut as u64 - end;
        let expected = if left == 0 { vec![] } else { vec![(end, left)] };
        assert_eq!(damage, expected, "cut at {cut}");
        if cut % 9 == 0 {
            sample::twin::agrees(&path, &Ok(reader));
        }
    }
}

#[test]
fn of_a_truncated_capture_every_whole_frame_is_read_and_the_loss_reported() {
    cut_at_every_byte(Codec::None);
}

#[test]
fn of_a_truncated_capture_of_zstd_every_whole_frame_is_read_and_the_loss_reported() {
    cut_at_every_byte(Codec::Zstd);
}

#[test]
fn of_a_truncated_capture_of_lz4_every_whole_frame_is_read_and_the_loss_reported() {
    cut_at_every_byte(Codec::Lz4);
}

#[test]
fn of_a_truncated_capture_of_brotli_every_whole_frame_is_read_and_the_loss_reported() {
    cut_at_every_byte(Codec::Brotli);
}

/// Events are counted exactly from what is left, also behind the last commit.
#[test]
fn of_a_truncated_capture_the_events_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let mut sample = Sample::of_three_cycles(Codec::Zstd);
    sample.chunks();
    let reader = open(&path, &sample.killed()).unwrap();
    assert_eq!(reader.events(), 4 * 2 * sample::CYCLE_EVENTS);
    assert_eq!(reader.last_commit().unwrap().events, 3 * 2 * sample::CYCLE_EVENTS);
    let never_committed = {
        let mut sample = Sample::new(Codec::None);
        sample.chunks();
        sample.killed()
    };
    assert_eq!(open(&path, &never_committed).unwrap().events(), 2 * sample::CYCLE_EVENTS);
}

/// Which bits of a byte are flipped: all of those that say where frames are and what is in them, and one of each third byte of
/// a payload, whose checksum tells one flipped bit as well as another. `cargo xtask damage` flips them all.
fn bits_to_flip(at: usize, frame: Option<&FrameVerdict>) -> Range<usize> {
    let in_payload = |frame: &FrameVerdict| at as u64 >= frame.offset + FRAME_HEADER_LEN as u64;
    let all = std::env::var_os("MEMSCOPE_EVERY_BIT").is_some();
    match frame.is_some_and(in_payload) && !all {
        true if at.is_multiple_of(3) => at % 8..at % 8 + 1,
        true => 0..0,
        false => 0..8,
    }
}

/// Flips bits of every byte of a capture. A closed one is read by its index and has everything but the rows twice; another
/// is read by hopping.
fn flip_bits(bytes: &[u8], closed: bool) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let original = open(&path, bytes).unwrap();
    let all = Rows::of(&original);
    let frames = validate(&path).unwrap().frames;
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    let mut put = |at: usize, byte: u8| {
        file.seek(SeekFrom::Start(at as u64)).unwrap();
        file.write_all(&[byte]).unwrap();
    };
    for (at, &byte) in bytes.iter().enumerate() {
        let frame = frames
            .iter()
            .find(|frame| (frame.offset..frame.offset + frame.bytes).contains(&(at as u64)));
        let expected = all.len() - frame.map_or(0, event_rows);
        for bit in bits_to_flip(at, frame) {
            put(at, byte ^ (1 << bit));
            let context = || format!("bit {bit} of byte {at}, in {frame:?}");
            let reader =
                Reader::open(&path).unwrap_or_else(|error| panic!("{}: {error}", context()));
            let rows = Rows::of(&reader);
            assert_eq!(rows.len(), expected, "{}", context());
            assert!(rows.are_part_of(&all), "{}", context());
            let reported = !rows.errors.is_empty() || !reader.health().damage.is_empty();
            // What is lost is reported at once; a flip in a copy that was not needed, by validation.
            assert!(reported || rows == all, "{}", context());
            let holds = |frame_type| frame.is_some_and(|frame| frame.frame_type == frame_type);
            if closed || !frame.is_some_and(|frame| frame.frame_type.is_definitions()) {
                assert_eq!(reader.defs(), original.defs(), "{}", context());
            }
            if closed || !holds(FrameType::METADATA) {
                assert_eq!(reader.metadata(), original.metadata(), "{}", context());
            }
            // Without its commit, an unclosed capture has the events that can be counted.
            assert_eq!(reader.events(), original.events(), "{}", context());
            assert_eq!(reader.header().file_id, original.header().file_id, "{}", context());
            if bit == at % 8 && at % 7 == 0 {
                sample::twin::agrees(&path, &Ok(reader));
            }
            // Validation is slower, and needs to see only that something is wrong with the byte.
            if bit == at % 8 {
                assert!(!validate(&path).unwrap().is_valid(), "{}", context());
            }
        }
        put(at, byte);
    }
}

fn closed(codec: Codec) {
    if codec.is_available() {
        flip_bits(&small(codec), true);
    }
}

#[test]
fn a_flipped_bit_in_a_closed_capture_costs_one_frame_at_most_and_is_reported() {
    closed(Codec::None);
}

#[test]
fn a_flipped_bit_in_a_closed_capture_of_zstd_costs_one_frame_at_most_and_is_reported() {
    closed(Codec::Zstd);
}

#[test]
fn a_flipped_bit_in_a_closed_capture_of_lz4_costs_one_frame_at_most_and_is_reported() {
    closed(Codec::Lz4);
}

#[test]
fn a_flipped_bit_in_a_closed_capture_of_brotli_costs_one_frame_at_most_and_is_reported() {
    closed(Codec::Brotli);
}

#[test]
fn a_flipped_bit_in_an_unclosed_capture_costs_one_frame_at_most_and_is_reported() {
    for codec in Codec::ALL.into_iter().filter(|codec| codec.is_available()) {
        let mut sample = Sample::new(codec);
        sample.chunks();
        sample.commit();
        flip_bits(&sample.killed(), false);
    }
}

#[test]
fn frames_whose_headers_are_damaged_are_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let mut bytes = small(Codec::None);
    let frames = {
        open(&path, &bytes).unwrap();
        frames(&path)
    };
    let all = Rows::of(&Reader::open(&path).unwrap());
    // Without index and footer, and with the headers of two neighbours gone.
    let end = frames.iter().find(|frame| frame.frame_type == FrameType::INDEX).unwrap().offset;
    bytes.truncate(end as usize);
    let events: Vec<_> = frames.iter().filter(|frame| event_rows(frame) > 0).collect();
    for frame in &events[1..3] {
        bytes[frame.offset as usize + 20] ^= 0x40;
    }
    let reader = open(&path, &bytes).unwrap();
    let rows = Rows::of(&reader);
    assert_eq!(rows.len(), all.len() - event_rows(events[1]) - event_rows(events[2]));
    assert!(rows.are_part_of(&all));
    let [damage] = reader.health().damage.as_slice() else { panic!("{:?}", reader.health()) };
    assert_eq!(
        (damage.offset, damage.bytes),
        (events[1].offset, events[1].bytes + events[2].bytes)
    );
    assert_eq!(damage.rows, None);
}

#[test]
fn frames_that_are_missing_altogether_are_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let bytes = Sample::of_three_cycles(Codec::Zstd).killed();
    open(&path, &bytes).unwrap();
    let frames = validate(&path).unwrap().frames;
    let [from, to] = [8, 10].map(|place: usize| frames[place].offset as usize);
    let cut = [&bytes[..from], &bytes[to..]].concat();
    let reader = open(&path, &cut).unwrap();
    let [damage] = reader.health().damage.as_slice() else { panic!("{:?}", reader.health()) };
    assert_eq!((damage.offset, damage.bytes, damage.rows), (from as u64, 0, None));
    assert_eq!(damage.what, "2 frames are missing");
}

/// A sink that fails once, in the middle of a write.
struct Failing {
    bytes: Vec<u8>,
    fail_at: usize,
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() == self.fail_at {
            self.fail_at = usize::MAX;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        let taken = bytes.len().min(self.fail_at - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_goes_on_after_a_failed_write_and_the_half_frame_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let frame = |ts| {
        let mut chunk = memscope_format::Chunk::new();
        for step in 0..50 {
            chunk
                .push(&memscope_format::rows::Zst(Lifecycle {
                    ts: ts + step,
                    kind: LifecycleKind::Born,
                    site: step as u32,
                    type_id: 1,
                    value: step,
                    origin: 0,
                    thread: 1,
                }))
                .unwrap();
        }
        chunk.seal(Codec::None).unwrap()
    };
    let len = frame(0).frame_len();
    for fail_at in [64 + 1, 64 + 63, 64 + 64, 64 + 200, 64 + len as usize - 1] {
        let sink = Failing { bytes: Vec::new(), fail_at };
        let mut writer = Writer::new(sink, &sample::file_header(Codec::None)).unwrap();
        assert!(matches!(writer.append(&frame(0)), Err(Error::Unwritten { rows: 50, .. })));
        assert_eq!(writer.bytes(), fail_at as u64);
        writer.append(&frame(1000)).unwrap();
        writer.append(&frame(2000)).unwrap();
        let unclosed = writer.sink().bytes.clone();
        let closed = writer.finish().unwrap().bytes;
        for bytes in [unclosed, closed] {
            let reader = open(&path, &bytes).unwrap();
            let rows = Rows::of(&reader);
            assert_eq!((rows.zst.len(), rows.errors.len()), (100, 0), "{fail_at}");
            let damage = &reader.health().damage;
            assert_eq!((damage[0].offset, damage[0].bytes), (64, fail_at as u64 - 64));
            // The checkpoint says what was in it.
            let unwritten = if reader.health().complete {
                vec![(memscope_format::Stream::Zst, 50)]
            } else {
                vec![]
            };
            assert_eq!(reader.unwritten(), unwritten);
            assert_eq!(damage.len(), 1);
            assert!(!reader.health().is_whole());
        }
    }
}

/// Rewrites the header of the frame at `offset`, with a right checksum.
fn forge(bytes: &mut [u8], offset: u64, change: impl Fn(&mut FrameHeader)) {
    let at = offset as usize;
    let head: [u8; FRAME_HEADER_LEN] = bytes[at..at + FRAME_HEADER_LEN].try_into().unwrap();
    let (mut header, tag) = FrameHeader::from_bytes(&head).unwrap();
    change(&mut header);
    bytes[at..at + FRAME_HEADER_LEN].copy_from_slice(&header.to_bytes(tag));
}

#[test]
fn forged_headers_are_refused_before_anything_is_allocated() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    for codec in [Codec::None, Codec::Zstd] {
        let bytes = small(codec);
        open(&path, &bytes).unwrap();
        let all = Rows::of(&Reader::open(&path).unwrap());
        for frame in frames(&path) {
            let changes: [&dyn Fn(&mut FrameHeader); 9] = [
                &|header| header.stored_len = u32::MAX,
                &|header| header.stored_len = 0,
                &|header| header.stored_len += 8,
                &|header| header.raw_len = u32::MAX,
                &|header| header.raw_len ^= 1,
                &|header| header.rows = u32::MAX,
                &|header| header.rows += 1,
                &|header| header.encoding = 77,
                &|header| header.version = 9,
            ];
            for (number, change) in changes.into_iter().enumerate() {
                let mut forged = bytes.clone();
                forge(&mut forged, frame.offset, change);
                let context = || format!("change {number} of {frame:?}");
                let reader = open(&path, &forged).unwrap_or_else(|e| panic!("{}: {e}", context()));
                let rows = Rows::of(&reader);
                assert!(rows.len() + event_rows(&frame) >= all.len(), "{}", context());
                assert!(rows.are_part_of(&all), "{}", context());
                let _ = validate(&path);
                // The same without an index.
                forged.truncate(forged.len() - FRAME_HEADER_LEN);
                Rows::of(&open(&path, &forged).unwrap());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_behind_a_header_are_read_or_refused(
        head in 0_usize..1000,
        noise: Vec<u8>,
        spots in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.memscope");
        let mut bytes = small(Codec::Zstd);
        bytes.truncate(head.min(bytes.len()));
        bytes.extend(noise);
        for (spot, byte) in spots {
            if !bytes.is_empty() {
                let at = spot.index(bytes.len());
                bytes[at] = byte;
            }
        }
        if let Ok(reader) = open(&path, &bytes) {
            Rows::of(&reader);
            let _ = validate(&path);
        }
    }

    /// The checksums are right, so that what is behind them is reached.
    #[test]
    fn any_payload_with_a_right_checksum_is_read_or_refused(
        frame_type in prop_oneof![1_u16..5, 0x201_u16..0x205, 0x301_u16..0x305],
        codec in 0_u8..4,
        encoding in 0_u8..4,
        rows in 0_u32..2000,
        raw_len in 0_u32..100_000,
        payload in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.memscope");
        let mut padded = payload.clone();
        padded.resize(payload.len().next_multiple_of(8), 0);
        let header = FrameHeader {
            frame_type: FrameType(frame_type),
            flags: 0,
            codec,
            encoding,
            version: 1,
            seq: 0,
            stored_len: payload.len() as u32,
            raw_len,
            rows,
            source: 0,
            t_min: 64,
            t_max: (64 + 64 + padded.len()) as u64,
            payload_crc: crc32(&padded),
        };
        let file_header = sample::file_header(Codec::None);
        let mut bytes = file_header.to_bytes().to_vec();
        bytes.extend(header.to_bytes(file_header.tag()));
        bytes.extend(&padded);
        let reader = open(&path, &bytes).unwrap();
        Rows::of(&reader);
        let _ = validate(&path).unwrap();
    }
}

/// CRC-32 as zip has it, bit by bit: the twin of the one that the crate uses.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// Definitions that were lost are no reason not to have the rows.
#[test]
fn what_is_left_is_recovered_when_definitions_are_lost() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let mut bytes = Sample::of_three_cycles(Codec::Zstd).killed();
    open(&path, &bytes).unwrap();
    let types = validate(&path)
        .unwrap()
        .frames
        .into_iter()
        .find(|frame| frame.frame_type == FrameType::TYPES);
    bytes[types.unwrap().offset as usize + FRAME_HEADER_LEN] ^= 1;
    let reader = open(&path, &bytes).unwrap();
    assert!(reader.defs().types.is_empty());
    let rows = Rows::of(&reader);
    let recovered = directory.path().join("y.memscope");
    let (done, validation) = recover(&path, &recovered, |_, _| {}).unwrap();
    assert_eq!((done.rows as usize, done.unreadable_rows), (rows.len(), 0));
    assert!(validation.is_valid() && !validation.warnings.is_empty(), "{validation:?}");
    assert_eq!(Rows::of(&Reader::open(&recovered).unwrap()), rows);
}

#[test]
fn a_footer_that_says_another_length_does_not_close_a_capture() {
    let bytes = small(Codec::Zstd);
    assert!(Reader::from_bytes(bytes.clone()).unwrap().health().complete);
    let (_, footer) = *sample::frames(&bytes).last().unwrap();
    let tag = sample::file_header(Codec::Zstd).tag();
    for more in [0, FRAME_HEADER_LEN as u64] {
        let again = FrameHeader { seq: footer.seq + 1, t_max: footer.t_max + more, ..footer };
        let bytes = [bytes.as_slice(), &again.to_bytes(tag)].concat();
        assert_eq!(Reader::from_bytes(bytes).unwrap().health().complete, more > 0);
    }
}

/// A recording that went on in a second file: its first file, as if it had not had to; the second one; and the first one as it was left.
fn with_second_file(directory: &Path) -> [(PathBuf, Vec<u8>); 3] {
    let paths = ["first.memscope", "second.memscope"].map(|name| directory.join(name));
    let labels = [FIRST_FILE, SECOND_FILE].map(str::to_owned).into_iter();
    let labels = labels.zip(paths.iter().map(|path| path.to_string_lossy().into_owned()));
    let metadata = memscope_format::Metadata { labels: labels.collect(), ..sample::metadata() };
    let chunk = |number: u64| {
        let mut chunk = memscope_format::Chunk::new();
        let row = Lifecycle {
            ts: 1000 + number,
            kind: LifecycleKind::Born,
            site: 1,
            type_id: 11,
            value: 100 + number,
            origin: 0,
            thread: 1,
        };
        chunk.push(&row).unwrap();
        chunk.seal(Codec::None).unwrap()
    };
    let written = |fail_at| {
        let sink = |fail_at| Failing { bytes: Vec::new(), fail_at };
        let mut other = vec![sink(usize::MAX)];
        let mut writer = Writer::new(sink(fail_at), &sample::file_header(Codec::None))
            .unwrap()
            .or_elsewhere(move |_| other.pop());
        writer.metadata(&metadata).unwrap();
        writer.define(&sample::defs()).unwrap();
        let mut ends = Vec::new();
        for number in 0..8 {
            writer.append(&chunk(number)).unwrap();
            ends.push(writer.sink().bytes.len());
            let commit = |cycle| Commit { cycle, events: number + 1, lost: 3, ..Commit::default() };
            if number % 5 == 1 {
                writer.commit(&commit(number)).unwrap();
            }
        }
        (writer.finish().unwrap().bytes, ends)
    };
    let (first, ends) = written(usize::MAX);
    let end = ends[2] + 9;
    let (second, _) = written(end);
    let [path, others] = paths;
    let left = first[..end].to_vec();
    [(path.clone(), first), (others, second), (path, left)]
}

/// What is said of a second file, that frames are missing before it, is said of no gap further on, nor of a first file.
#[test]
fn a_gap_in_either_file_of_a_recording_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let [first, second, _] = with_second_file(directory.path());
    let report = |(path, bytes): &(PathBuf, Vec<u8>)| {
        open(path, bytes).unwrap();
        Report::open(std::slice::from_ref(path)).unwrap()
    };
    let is_first = |report: &Report| matches!(&report.captures[0].other_file, Some(OtherFile::First(path)) if *path == first.0);
    let whole = report(&first);
    assert!(!whole.is_damaged() && whole.captures[0].other_file.is_none());
    let second_only = report(&second);
    assert!(!second_only.is_damaged() && is_first(&second_only), "{:?}", second_only.captures);
    for (path, bytes) in [&first, &second] {
        let frames = sample::frames(bytes);
        let chunks = frames.iter().filter(|(_, header)| header.frame_type.stream().is_some());
        // Neither the first chunk nor the last.
        let (at, header) = chunks.clone().nth(2).unwrap();
        assert!(chunks.count() > 4);
        let cut = [&bytes[..*at], &bytes[at + header.frame_len() as usize..]].concat();
        let report = report(&(path.clone(), cut));
        assert!(report.is_damaged(), "{:?}", report.captures);
        assert_eq!(is_first(&report), *path == second.0);
    }
    // A first file whose beginning is gone began nowhere else, though a checkpoint repeats the label.
    let (path, bytes) = &first;
    let (header, _) = sample::frames(bytes)[0];
    let behind = header + sample::frames(bytes)[0].1.frame_len() as usize;
    let headless = report(&(path.clone(), [&bytes[..header], &bytes[behind..]].concat()));
    assert!(headless.is_damaged() && headless.captures[0].other_file.is_none());
}

/// What a file of a recording lacks is in the other: put together they lack nothing, and each counts what was lost before it.
#[test]
fn two_files_of_a_recording_make_one_that_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let [all, second, first] = with_second_file(directory.path());
    let path = directory.path().join("merged.memscope");
    let merged = |files: [&Vec<u8>; 2]| {
        let files = files.map(|bytes| Reader::from_bytes(bytes.clone()).unwrap());
        let (done, bytes) = Merge::default().write(&files, Vec::new(), |_, _| {}).unwrap();
        open(&path, &bytes).unwrap();
        (done, Report::open(std::slice::from_ref(&path)).unwrap())
    };
    open(&all.0, &all.1).unwrap();
    let whole = Report::open(&[all.0]).unwrap();
    // As they were left, with half a frame at the end of the first one.
    let (done, report) = merged([&first.1, &second.1]);
    assert_eq!((done.sources, done.damaged.len(), done.unreadable_rows), (1, 0, 0));
    assert!(report.ended_at_exit() && !report.is_damaged());
    assert_eq!((&report.sites, &report.caveats), (&whole.sites, &whole.caveats));
    assert_eq!((report.lost(), report.events()), (3, whole.events()));
    let of = |report: &Report| (report.captures[0].pid, report.captures[0].args.clone());
    assert_eq!(of(&report), of(&whole));
    // Of which something is missing, between them or within one.
    let frames = sample::frames(&first.1[..first.1.len() - 9]);
    let (last, _) = *frames.last().unwrap();
    let (inner, header) = *frames.iter().find(|(_, of)| of.frame_type.stream().is_some()).unwrap();
    let gap = [&first.1[..inner], &first.1[inner + header.frame_len() as usize..]].concat();
    for (first, damaged) in [(first.1[..last].to_vec(), 1), (gap, 0)] {
        let (done, report) = merged([&first, &second.1]);
        assert_eq!(done.damaged.into_iter().collect::<Vec<_>>(), [damaged]);
        assert!(report.captures[0].is_of_damaged && !report.captures[0].whole);
        assert!(report.caveats.iter().any(|caveat| caveat.contains("could not be read")));
        assert!(report.sites.iter().all(|site| !site.lives.born.is_exact()));
    }
}
