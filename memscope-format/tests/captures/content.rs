//! Events that tell the contents of containers mean what the specification says, and what means nothing is refused.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::sample;
use memscope_format::UnreadableEvent;
use memscope_format::raw::RawChunk;
use memscope_format::rows::{Content, SnapshotReason};
use memscope_format::{Batch, Codec, HookTable, Reader, Writer};
use sample::{MARKER, RawEvent, SESSION, VECTOR};

fn hooks() -> HookTable {
    let mut hooks = HookTable::new();
    hooks.extend(&sample::defs());
    hooks
}

/// The rows of an event that was recorded by thread 1.
fn rows(event: &RawEvent) -> Result<Vec<Content>, UnreadableEvent> {
    let mut batch = Batch::new(Codec::None);
    batch.push(&hooks(), 3, 1, 8, &event.first, event.second.as_ref())?;
    assert_eq!(batch.events, 1);
    let mut writer = Writer::new(Vec::new(), &sample::file_header(Codec::None)).unwrap();
    for frame in batch.seal() {
        writer.append(&frame).unwrap();
    }
    let reader = Reader::from_bytes(writer.finish().unwrap()).unwrap();
    Ok(reader.rows().map(Result::unwrap).collect())
}

fn refused(event: &RawEvent) -> UnreadableEvent {
    let mut raw = RawChunk::new(3, 1);
    let error = rows(event).unwrap_err();
    assert_eq!(raw.push(&hooks(), 8, &event.first, event.second.as_ref()), Err(error));
    error
}

/// A row that says nothing.
fn nothing(site: u32, type_id: u32, field: u32, reason: SnapshotReason) -> Content {
    Content {
        ts: 5,
        value: 7,
        site,
        type_id,
        field,
        reason,
        blocks: None,
        used_bytes: None,
        room_bytes: None,
        unknown: None,
        shared: None,
        keys: None,
        distinct: None,
        homes: None,
        fullest: None,
        buckets: None,
        thread: 1,
    }
}

#[test]
fn contents_are_rows_of_their_own() {
    let event = sample::content(SESSION, 5, 7, 2, SnapshotReason::Drop, [40, 64, 3, 1, 2]);
    let expected = Content {
        blocks: Some(3),
        used_bytes: Some(40),
        room_bytes: Some(64),
        unknown: Some(1),
        shared: Some(2),
        ..nothing(2, 12, 2, SnapshotReason::Drop)
    };
    assert_eq!(rows(&event), Ok(vec![expected]));
    let many = u64::from(u32::MAX);
    let event = sample::content(SESSION, 5, 7, 2, SnapshotReason::Drop, [40, 64, many, 1, 2]);
    assert_eq!(rows(&event), Ok(vec![Content { blocks: None, ..expected }]));
}

#[test]
fn keys_that_were_not_hashed_are_known_by_their_number_alone() {
    let reason = SnapshotReason::Asked;
    let event = |words| sample::hashes(VECTOR, 5, 7, 0, reason, words);
    let keys = |keys, buckets| Content {
        keys: Some(keys),
        buckets: Some(buckets),
        ..nothing(1, 11, 0, reason)
    };
    let hashed = |row, distinct, homes, fullest| Content {
        distinct: Some(distinct),
        homes: Some(homes),
        fullest: Some(fullest),
        ..row
    };
    assert_eq!(rows(&event([100, 99, 70, 4, 128])), Ok(vec![hashed(keys(100, 128), 99, 70, 4)]));
    assert_eq!(rows(&event([1 << 40, 0, 0, 0, 1 << 41])), Ok(vec![keys(1 << 40, 1 << 41)]));
    assert_eq!(rows(&event([0; 5])), Ok(vec![hashed(keys(0, 0), 0, 0, 0)]));
}

#[test]
fn what_is_no_container_has_no_content() {
    let reason = SnapshotReason::Drop;
    for (hook, field) in [(MARKER, 0), (SESSION, 0), (SESSION, 1), (SESSION, 4), (VECTOR, 1)] {
        let words = [0; 5];
        for event in [
            sample::content(hook, 5, 7, field, reason, words),
            sample::hashes(hook, 5, 7, field, reason, words),
        ] {
            let expected =
                UnreadableEvent::UnknownSnapshot { hook, field: field as u32, reason: 2 };
            assert_eq!(refused(&event), expected);
        }
    }
}

#[test]
fn half_an_event_and_an_unknown_reason_are_refused() {
    let event = sample::content(VECTOR, 5, 7, 0, SnapshotReason::Drop, [0; 5]);
    let half = RawEvent { second: None, ..event.clone() };
    assert_eq!(refused(&half), UnreadableEvent::UnknownKind(half.first.header));
    for reason in [0, 7] {
        let mut event = event.clone();
        event.first.header &= !(7 << 40);
        event.first.header |= reason << 40;
        let reason = reason as u8;
        let expected = UnreadableEvent::UnknownSnapshot { hook: VECTOR, field: 0, reason };
        assert_eq!(refused(&event), expected);
    }
}
