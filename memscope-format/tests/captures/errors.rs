//! Each kind of error says what is wrong and where, in fields and in words.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::sample;
use memscope_format::frame::{FRAME_HEADER_LEN, FrameHeader};
use memscope_format::header::FILE_HEADER_LEN;
use memscope_format::rows::{Lifecycle, Stream};
use memscope_format::{Codec, Error, FileHeader, MAJOR, MINOR, Reader, Writer, limits};
use sample::Sample;
use std::io;

fn opening(bytes: &[u8]) -> Error {
    Reader::from_bytes(bytes.to_vec()).unwrap_err()
}

#[test]
fn another_file_is_told_by_what_it_begins_with() {
    let error =
        opening(b"\x7FELF, which is long enough to be the header of something else entirely..");
    let Error::NotACapture { found } = &error else { panic!("{error:?}") };
    assert!(found.contains("ELF"), "{found}");
    assert_eq!(error.to_string(), format!("not a memscope capture: it begins with {found}"));
}

#[test]
fn a_newer_capture_is_told_by_both_versions() {
    let newer = FileHeader { major: 9, minor: 4, ..sample::file_header(Codec::Zstd) };
    let error = opening(&newer.to_bytes());
    let Error::TooNew { supported, found } = &error else { panic!("{error:?}") };
    assert!(supported.contains(&format!("{MAJOR}.{MINOR}")) && found.contains("9.4"));
    let said = error.to_string();
    assert!(said.contains(supported) && said.contains(found), "{said}");
}

#[test]
fn a_file_that_ends_in_its_header_is_told_by_how_much_is_missing() {
    let error = opening(&sample::file_header(Codec::Zstd).to_bytes()[..50]);
    assert!(matches!(error, Error::Truncated { offset: 0, expected: 64, found: 50 }), "{error:?}");
    assert_eq!(error.to_string(), "truncated at offset 0: 64 bytes expected, 50 found");
}

#[test]
fn a_damaged_chunk_is_told_by_its_place_and_both_checksums() {
    let mut bytes = Sample::of_three_cycles(Codec::None).finish();
    let mut at = FILE_HEADER_LEN;
    let header = loop {
        let (header, _) = FrameHeader::from_bytes(bytes[at..].first_chunk().unwrap()).unwrap();
        if header.frame_type == Stream::Lifecycle.frame_type() {
            break header;
        }
        at += header.frame_len() as usize;
    };
    bytes[at + FRAME_HEADER_LEN + 50] ^= 1;
    let payload = &bytes[at + FRAME_HEADER_LEN..at + header.frame_len() as usize];
    let computed = format!("{:08x}", crc32fast::hash(payload));
    let reader = Reader::from_bytes(bytes).unwrap();
    let error = reader.rows::<Lifecycle>().find_map(Result::err).unwrap();
    let Error::Corrupt { offset, expected, found } = &error else { panic!("{error:?}") };
    assert_eq!((*offset, found), (at as u64, &computed));
    let promised = format!("{:08x}", header.payload_crc);
    assert_eq!(expected, &format!("a LIFECYCLE payload with checksum {promised}"));
    let said = format!("corrupt at offset {at}: expected {expected}, found {computed}");
    assert_eq!(error.to_string(), said);
}

#[test]
fn what_is_beyond_a_limit_is_told_by_the_limit_and_the_size() {
    let mut writer = Writer::new(Vec::new(), &sample::file_header(Codec::None)).unwrap();
    let mut defs = sample::defs();
    defs.sites[0].name = "x".repeat(limits::RECORD_LEN);
    let error = writer.define(&defs).unwrap_err();
    let Error::Limit { offset, what, limit, found } = &error else { panic!("{error:?}") };
    assert_eq!((*what, *limit), ("record length", limits::RECORD_LEN as u64));
    assert!(found > limit && *offset >= FILE_HEADER_LEN as u64, "{error:?}");
    let said = format!(
        "limit exceeded at offset {offset}: record length is {found}, at most {limit} is accepted"
    );
    assert_eq!(error.to_string(), said);
}

#[test]
fn an_empty_file_and_one_that_is_not_there_are_told_apart() {
    let error = opening(b"");
    assert!(matches!(error, Error::NoData), "{error:?}");
    assert_eq!(error.to_string(), "the file is empty: nothing was recorded");
    let directory = tempfile::tempdir().unwrap();
    let error = Reader::open(directory.path().join("x.memscope")).unwrap_err();
    let Error::Io(system) = &error else { panic!("{error:?}") };
    assert_eq!((system.kind(), error.to_string()), (io::ErrorKind::NotFound, system.to_string()));
}
