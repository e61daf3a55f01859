//! Tuning tries what there is on the capture's own rows, and says what is best.

use crate::sample;
use memscope_format::rows::{Lifecycle, LifecycleKind};
use memscope_format::{Chunk, Codec, Compression, Writer, tune};
use sample::open;

#[test]
fn a_capture_of_millions_is_tried_by_a_sample_that_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let mut writer = Writer::new(Vec::new(), &sample::file_header(Codec::Zstd)).unwrap();
    let mut chunk = Chunk::new();
    let mut noise = 1_u64;
    for row in 0..600_000_u64 {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        let ts = row * 100 + noise % 90;
        let (kind, site) = (LifecycleKind::Born, (row % 7) as u32);
        let birth = Lifecycle { ts, kind, site, type_id: 1, value: row, origin: 0, thread: 1 };
        chunk.push(&birth).unwrap();
        if chunk.len() == 30_000 {
            writer.append(&chunk.seal(Compression::balanced()).unwrap()).unwrap();
        }
    }
    let reader = open(&path, &writer.finish().unwrap()).unwrap();
    let mut seen = Vec::new();
    let tuning = tune(&reader, |done, all| seen.push((done, all))).unwrap();
    assert_eq!(tuning.all_rows, 600_000);
    assert!((200_000..300_000).contains(&tuning.rows), "{}", tuning.rows);
    let trials = seen.len() as u64;
    assert_eq!(seen, (1..=trials).map(|done| (done, trials)).collect::<Vec<_>>());
    assert!(trials >= 24);
    // The smallest is among the best, and so is what is recommended; nothing is smaller for less.
    let recommended = tuning.recommended.unwrap();
    assert!(tuning.best.contains(&recommended));
    assert!(tuning.best.is_sorted_by_key(|trial| trial.bytes));
    for (place, trial) in tuning.best.iter().enumerate() {
        let larger = &tuning.best[place + 1..];
        assert!(
            larger.iter().all(|other| other.encode < trial.encode || other.decode < trial.decode)
        );
    }
    // Its figures are of what a writer makes.
    let smallest = tuning.best[0];
    assert!(smallest.bytes > tuning.rows && smallest.bytes < 3 * tuning.rows, "{smallest:?}");
    let json = serde_json::to_value(&tuning).unwrap();
    assert!(json["best"][0]["compression"]["codec"].is_string());
}

#[test]
fn nothing_is_recommended_for_a_capture_without_rows() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let writer = Writer::new(Vec::new(), &sample::file_header(Codec::Zstd)).unwrap();
    let tuning = tune(&open(&path, &writer.finish().unwrap()).unwrap(), |_, _| {}).unwrap();
    assert_eq!((tuning.rows, tuning.recommended, tuning.best.len()), (0, None, 0));
}
