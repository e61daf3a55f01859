//! A ring that one thread writes to and another reads: what is read is what was written, in its order, and whole.
//!
//! `cargo xtask sanitize miri` runs the same with schedules and stores as weak as the language's memory
//! model allows, and looks for data races.

use super::Recorder;
use crate::on::clock::Source;
use crate::on::rings::RingMemory;
use core::sync::atomic::{AtomicBool, Ordering};
use memscope_format::raw::{Events, RawKind, Slot, Walk};
use std::thread;

/// That of a recorder which is bound while nothing is recorded.
const NO_SESSION: u64 = 0;

fn ring(capacity: u64) -> &'static Recorder {
    let memory = RingMemory::of_no_file(capacity as usize);
    let recorder = Recorder::new(NO_SESSION, 3, memory, capacity, Source::detect());
    let recorder = Box::leak(Box::new(recorder));
    recorder.take(1);
    recorder
}

/// Records the events of these numbers: each third takes two slots. They are ends, which wait for room.
fn write(recorder: &Recorder, numbers: core::ops::Range<u64>) {
    for number in numbers {
        let (w0, payload) = (number, [number + 1, !number]);
        let position = match number % 3 {
            2 => {
                let second = (number ^ 7, [number ^ 8, number ^ 9]);
                recorder.emit_wide(7, RawKind::End, 0, w0, payload, second)
            }
            _ => recorder.emit(7, RawKind::End, 0, w0, payload),
        };
        assert!(position.is_some(), "{number} was lost");
    }
}

/// Looks at an event: it must be that of this number.
fn check(number: u64, first: &Slot, second: Option<&Slot>) {
    assert_eq!([first.w0, first.p0, first.p1], [number, number + 1, !number]);
    let second = second.map(|second| [second.w0, second.p0, second.p1]);
    let expected = (number % 3 == 2).then_some([number ^ 7, number ^ 8, number ^ 9]);
    assert_eq!(second, expected, "{number}");
}

/// Reads what is written, as the drain does, until so many events are read; gives slots back if `drains`.
fn read(recorder: &Recorder, until: impl Fn(u64) -> bool, drains: bool) -> u64 {
    let mut walk = Walk::new(recorder.capacity(), recorder.drained());
    let mut number = 0;
    while !until(number) {
        // As many as end in the middle of events of two slots.
        let mut room = [Slot::default(); 5];
        let slots = recorder.memory().slots;
        let found = walk.read(&mut room, |index| slots[index as usize].load());
        let mut events = Events::new(found);
        for (_, first, second) in events.by_ref() {
            check(number, first, second);
            number += 1;
        }
        let taken = events.taken();
        walk.advance(taken);
        if drains {
            recorder.set_drained(walk.position());
        }
        if taken == 0 {
            thread::yield_now();
        }
    }
    number
}

#[test]
fn what_is_read_while_it_is_written_is_what_was_written() {
    let events = if cfg!(miri) { 60 } else { 300_000 };
    for capacity in [8, 16, 64] {
        let recorder = ring(capacity);
        thread::scope(|scope| {
            scope.spawn(|| write(recorder, 0..events));
            read(recorder, |number| number == events, true);
        });
        assert_eq!(recorder.memory().lost(), 0);
    }
}

/// As after a death: nothing is given back, and whatever is there is whole, and the first events.
#[test]
fn what_is_found_of_a_thread_that_stops_anywhere_is_whole() {
    for _ in 0..if cfg!(miri) { 3 } else { 300 } {
        let (recorder, stops) = (ring(256), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                // The first quarter needs nobody who makes room; nor do the others, at the first lap.
                for number in 0..128 {
                    if stops.load(Ordering::Relaxed) {
                        return;
                    }
                    write(recorder, number..number + 1);
                }
            });
            let seen = read(recorder, |number| number > 20, false);
            let again = read(recorder, |number| number >= seen, false);
            assert!(again >= seen);
            stops.store(true, Ordering::Relaxed);
        });
    }
}
