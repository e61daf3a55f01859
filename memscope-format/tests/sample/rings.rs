//! The rings file of the sample.

use super::{CAPACITY, FILE_ID, RawEvent, cycle, marked, reading};
use memscope_format::raw::{
    RING_HEADER_LEN, RINGS_MAGIC, RINGS_VERSION, SLOT_LEN, Slot, ring_offset,
};

/// A ring as the file has it.
#[derive(Clone)]
pub struct Ring {
    pub thread: u32,
    pub start: u64,
    pub drained: u64,
    pub lost: u64,
    pub slots: Vec<Slot>,
    /// Where the next event goes.
    pub position: u64,
}

impl Ring {
    pub fn new(thread: u32, start: u64) -> Self {
        let slots = vec![Slot::default(); CAPACITY as usize];
        Self { thread, start, drained: start, lost: 0, slots, position: start }
    }

    pub fn put(&mut self, event: &RawEvent) {
        let (first, second) = marked(event, self.position, CAPACITY);
        for slot in [Some(first), second].into_iter().flatten() {
            self.slots[(self.position % CAPACITY) as usize] = slot;
            self.position += 1;
        }
    }

    pub fn put_cycle(&mut self, ring: u16, start: u64) {
        for event in cycle(ring, self.position, start) {
            self.put(&event);
        }
    }
}

pub fn rings_file(rings: &[Ring]) -> Vec<u8> {
    let mut bytes = vec![0; ring_offset(rings.len() as u64, CAPACITY) as usize];
    let mut put =
        |at: u64, value: &[u8]| bytes[at as usize..][..value.len()].copy_from_slice(value);
    put(0, &RINGS_MAGIC);
    put(8, &RINGS_VERSION.to_le_bytes());
    put(12, &4711_u32.to_le_bytes());
    put(16, &FILE_ID);
    put(32, &CAPACITY.to_le_bytes());
    put(40, &(rings.len() as u64).to_le_bytes());
    put(48, &reading(9000).ticks.to_le_bytes());
    put(56, &reading(9000).mono_ns.to_le_bytes());
    put(64, &2_u64.to_le_bytes());
    for (number, ring) in (0..).zip(rings) {
        let at = ring_offset(number, CAPACITY);
        put(at, &ring.thread.to_le_bytes());
        put(at + 8, &ring.drained.to_le_bytes());
        put(at + 16, &ring.lost.to_le_bytes());
        put(at + 24, &ring.start.to_le_bytes());
        for (index, slot) in (0..).zip(&ring.slots) {
            let at = at + RING_HEADER_LEN as u64 + index * SLOT_LEN as u64;
            for (word, value) in (0..).zip([slot.w0, slot.header, slot.p0, slot.p1]) {
                put(at + 8 * word, &value.to_le_bytes());
            }
        }
    }
    bytes
}

/// Both rings after `cycles` cycles of the sample, drained up to there: the slots still hold the last events.
pub fn drained_rings(cycles: u64) -> Vec<Ring> {
    [0, 1]
        .into_iter()
        .map(|number: u16| {
            let mut ring = Ring::new(u32::from(number) + 1, 0);
            for cycle in 0..cycles {
                ring.put_cycle(number, 2000 + 1000 * cycle + u64::from(number));
            }
            ring.drained = ring.position;
            ring
        })
        .collect()
}
