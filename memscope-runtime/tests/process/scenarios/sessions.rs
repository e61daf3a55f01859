//! Programs that start and stop sessions.

use super::threads::BURST;
use super::{MANY, many};
use memscope::{Compression, Durability, Overflow, Probe, Session, SessionError, mark};
use std::future::Future;
use std::hint::black_box;
use std::path::Path;
use std::sync::Barrier;
use std::task::{Context, Waker};
use std::time::Duration;

/// Values that each thread of [`one_after_another`] makes in a session.
pub(crate) const EACH: u64 = 500;
/// Sessions of [`one_after_another`].
pub(crate) const SESSIONS: u64 = 30;
/// Threads that record in each of them.
pub(crate) const THREADS: u64 = 3;

fn directory() -> std::path::PathBuf {
    std::env::var_os("MEMSCOPE_DIR").unwrap().into()
}

fn record(values: u64) {
    for i in 0..values {
        memscope::track_var!(let v = vec![i]);
        black_box(&v);
    }
}

/// Sessions one after another, in which the same threads record, and between which they do not stop to.
pub(super) fn one_after_another() {
    let start = Barrier::new(THREADS as usize + 1);
    let end = Barrier::new(THREADS as usize + 1);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..SESSIONS {
                    start.wait();
                    record(EACH);
                    end.wait();
                    // It may be that this is in no session, or in the next.
                    memscope::track_var!(let between = 1_u8);
                    black_box(&between);
                }
            });
        }
        for number in 0..SESSIONS {
            let session = Session::builder()
                .name(format!("session {number}"))
                .label("number", number.to_string())
                .ring_kib(if number % 2 == 0 { 64 } else { 128 })
                .compression(if number % 3 == 0 { Compression::None } else { Compression::Fast })
                .start()
                .unwrap();
            let path = session.capture_path().unwrap();
            start.wait();
            end.wait();
            assert_eq!(session.stop(), Ok(Some(path)));
            assert_eq!((memscope::capture_path(), memscope::stats()), (None, None));
        }
    });
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    println!("rings {}", maps.lines().filter(|line| line.contains("-rings")).count());
}

/// Values that [`rates`] makes of each sort in each of its sessions.
pub(crate) const RATED: u64 = 20_000;

#[memscope::track]
fn rated(value: u64) -> u64 {
    memscope::track_var!(let plain = vec![value]);
    memscope::track_var!(#[track(sample = 1/2)] let own = vec![value]);
    memscope::track_var!(#[track(sample = 1)] let each = vec![value]);
    black_box(plain[0] + own[0] + each[0])
}

/// Sessions that record one value in so many; a value of the first, and a task, live on in the second.
pub(super) fn rates(one_in: Option<u32>, calls: bool) {
    let mut builder = Session::builder().name("first").calls(calls);
    if let Some(one_in) = one_in {
        builder = builder.sample(one_in);
    }
    let first = builder.start().unwrap();
    (0..RATED).for_each(|value| assert!(rated(value) >= value));
    let kept: Vec<Kept> = (0..RATED).map(|_| kept(1)).collect();
    let mut task = Box::pin(waits(false));
    let mut context = Context::from_waker(Waker::noop());
    assert!(task.as_mut().poll(&mut context).is_pending());
    first.stop().unwrap();
    // What was not decided for all sessions is for each of them.
    let other = Session::builder().sample(one_in.unwrap_or(100) + 1).start();
    assert!(matches!(other, Err(SessionError::Decided { .. })), "{other:?}");
    let second = Session::builder().name("second").start().unwrap();
    (0..RATED).for_each(|value| assert!(rated(value) >= value));
    let mut hangs = Box::pin(waits(false));
    assert!(hangs.as_mut().poll(&mut context).is_pending());
    std::mem::forget(hangs);
    drop((kept, task));
    second.stop().unwrap();
}

#[memscope::track]
async fn waits(ready: bool) {
    if !ready {
        std::future::pending::<()>().await;
    }
}

/// A session that is told all that it can be, against an environment that says otherwise.
pub(super) fn told() {
    let session = Session::builder()
        .directory(directory().join("told"))
        .name("by the program")
        .label("seed", "7")
        .ring_kib(65)
        .compression(Compression::None)
        .durability(Durability::Checkpoint)
        .overflow(Overflow::Wait(Duration::from_secs(1)))
        .sample(1)
        .slow_drop(Duration::MAX)
        .start()
        .unwrap();
    record(100);
    session.stop().unwrap();
}

/// A value that lives through several sessions.
pub(super) fn across() {
    let first = Session::builder().start().unwrap();
    memscope::track_var!(let long = vec![1_u8]);
    assert_eq!(first.stop().unwrap().map(|path| path.exists()), Some(true));
    memscope::track_var!(let unseen = vec![2_u8]);
    let _second = Session::builder().start().unwrap();
    memscope::track_var!(let short = vec![3_u8]);
    black_box((&long, &unseen, &short));
}

#[memscope::track]
pub(super) struct Kept {
    bytes: Vec<u8>,
    probe: Probe<Self>,
}

pub(super) fn kept(len: usize) -> Kept {
    Kept { bytes: vec![0; len], probe: Probe::new() }
}

#[memscope::track]
fn called() {
    black_box(());
}

/// What lives through a pause, what begins in one, and what begins after it.
pub(super) fn paused() {
    let before = kept(1);
    let outlives = kept(2);
    let session = Session::current().unwrap();
    called();
    session.pause().unwrap();
    session.pause().unwrap();
    assert!(memscope::stats().unwrap().paused);
    called();
    drop(before);
    let during = kept(3);
    drop(kept(4));
    session.resume().unwrap();
    assert!(!memscope::stats().unwrap().paused);
    called();
    drop(during);
    drop(kept(5));
    black_box((&outlives.bytes, &outlives.probe));
}

/// Marks phases.
pub(super) fn marks() {
    mark("load");
    record(10);
    mark("sort");
    mark("load");
    record(10);
    // They are in the file though this does not end as it should.
    std::process::abort();
}

/// What cannot be is refused, and says what to do.
pub(super) fn refused() {
    let name = Session::builder().name("a/b").start().unwrap_err();
    assert_eq!(name, SessionError::Name { name: "a/b".into() });
    // Nothing starts by itself where the program wanted something else.
    record(1);
    assert!(Session::current().is_none());
    let size = Session::builder().ring_kib(1).start().unwrap_err();
    assert_eq!(size, SessionError::RingSize { kib: 1 });
    let place = Session::builder().directory("/dev/null/captures").start().unwrap_err();
    assert!(matches!(&place, SessionError::CannotStart { what } if what.contains("/dev/null")));
    assert!(place.to_string().contains("SessionBuilder::directory"), "{place}");
    record(1);
    assert!(Session::current().is_none());
    let session = Session::builder().directory(directory().join("made")).start().unwrap();
    record(1);
    let second = Session::builder().start().unwrap_err();
    let SessionError::AlreadyRecording { capture } = &second else { panic!("{second}") };
    assert_eq!(Some(capture), session.capture_path().as_ref());
    assert!(second.to_string().contains("Session::current()"), "{second}");
    let again = Session::current().unwrap();
    session.stop().unwrap();
    assert_eq!(again.pause(), Err(SessionError::Stopped));
    assert_eq!(again.resume(), Err(SessionError::Stopped));
    assert_eq!(again.stop(), Err(SessionError::Stopped));
}

/// With `MEMSCOPE=off`.
pub(super) fn off() {
    let session = Session::builder().directory(directory()).start().unwrap();
    record(10);
    mark("phase");
    assert_eq!((session.capture_path(), memscope::stats()), (None, None));
    assert_eq!((session.pause(), session.resume(), session.stop()), (Ok(()), Ok(()), Ok(None)));
}

/// Live counters, against what is in the file.
pub(super) fn counters() {
    let session = Session::builder().start().unwrap();
    many();
    memscope::flush();
    let stats = memscope::stats().unwrap();
    assert_eq!((stats.events, stats.lost, stats.lag), (2 * MANY, 0, Duration::ZERO));
    assert_eq!((stats.rings, stats.fullest_ring_permille, stats.paused), (1, 0, false));
    let path = session.capture_path().unwrap();
    assert_eq!(stats.bytes, Path::new(&path).metadata().unwrap().len());
    record(1);
    let stats = memscope::stats().unwrap();
    assert!(stats.events >= 2 * MANY && stats.lost == 0);
}

/// Rings that are always full, of threads that do not wait. Says how many values there were.
pub(super) fn dropping() {
    let _session = Session::builder().ring_kib(64).overflow(Overflow::Discard).start().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| record(BURST));
        }
    });
    println!("values {}", 2 * BURST);
}
