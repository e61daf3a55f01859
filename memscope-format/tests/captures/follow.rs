//! Captures that are read while they are written: each row is given once, and none is missing.

use crate::sample;
use memscope_format::rows::{Container, DropChain, Lifecycle, Zst};
use memscope_format::{Codec, Follow, Reader, rings_path};
use sample::rings::{drained_rings, rings_file};
use sample::{Rows, Sample};
use std::fs::{self, File};
use std::io::Write;

fn take(follow: &Follow, all: &mut Rows) {
    all.lifecycle.extend(follow.rows::<Lifecycle>().map(Result::unwrap));
    all.container.extend(follow.rows::<Container>().map(Result::unwrap));
    all.zst.extend(follow.rows::<Zst>().map(Result::unwrap));
    all.drop_chain.extend(follow.rows::<DropChain>().map(Result::unwrap));
}

/// Ten readers, each in its own pace, while another thread writes byte by byte and not frame by frame.
#[test]
fn ten_readers_follow_a_capture_that_is_being_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let bytes = Sample::of_three_cycles(Codec::Zstd).finish();
    let expected = Rows::of(&Reader::from_bytes(bytes.clone()).unwrap());
    let mut file = File::create(&path).unwrap();
    file.write_all(&bytes[..64]).unwrap();
    std::thread::scope(|scope| {
        for pace in 0..10 {
            let (path, expected) = (&path, &expected);
            scope.spawn(move || {
                let mut follow = Follow::new(path);
                let mut rows = Rows::default();
                let mut polls = 0;
                while !follow.has_ended() {
                    follow.poll().unwrap();
                    take(&follow, &mut rows);
                    polls += 1;
                    std::thread::sleep(std::time::Duration::from_millis(pace));
                }
                assert_eq!(&rows, expected);
                assert!(polls > 1);
            });
        }
        for part in bytes[64..].chunks(61) {
            file.write_all(part).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    });
}

#[test]
fn what_a_dead_writer_left_in_its_rings_comes_last() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let mut sample = Sample::of_three_cycles(Codec::Zstd);
    fs::write(&path, sample.killed()).unwrap();
    let mut rings = drained_rings(3);
    rings[0].put_cycle(0, 5000);
    fs::write(rings_path(&path), rings_file(&rings)).unwrap();
    let writer = File::options().read(true).write(true).open(rings_path(&path)).unwrap();
    writer.lock().unwrap();
    let mut follow = Follow::new(&path);
    let mut rows = Rows::default();
    follow.poll().unwrap();
    take(&follow, &mut rows);
    let committed = rows.len();
    // Chunks that are not committed do not count; their events are in the rings.
    sample.chunks();
    fs::write(&path, sample.killed()).unwrap();
    follow.poll().unwrap();
    take(&follow, &mut rows);
    assert!(committed > 0 && rows.len() == committed && !follow.has_ended());
    drop(writer);
    follow.poll().unwrap();
    take(&follow, &mut rows);
    assert!(follow.has_ended() && rows.len() > committed);
    follow.poll().unwrap();
    take(&follow, &mut rows);
    assert_eq!(rows, Rows::of(&Reader::open(&path).unwrap()));
}
