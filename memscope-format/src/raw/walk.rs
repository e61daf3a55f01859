//! Going over the events of a ring.

use super::{RawKind, Slot, SlotHeader, mark_of_lap};

/// Goes over the events of a ring from a position to the last that is whole.
#[derive(Debug, Clone)]
pub struct Walk {
    /// The capacity, as a power of two: positions are split by shifts, since a division costs more than all the rest.
    bits: u32,
    position: u64,
}

impl Walk {
    /// Starts at `position` in a ring of `capacity` slots, a power of two.
    #[must_use]
    pub const fn new(capacity: u64, position: u64) -> Self {
        Self { bits: capacity.ilog2(), position }
    }

    /// Where the next event begins, or will begin.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Reads the slots from here on into `room`, and returns those that are written: as many as follow one upon another.
    ///
    /// `load` reads the slot at an index below the capacity. In a ring that is being written it must read the
    /// header first, with acquire ordering. The walk stays where it is: [`Walk::advance`] says what of them was taken.
    #[inline]
    pub fn read<'a>(&self, room: &'a mut [Slot], mut load: impl FnMut(u64) -> Slot) -> &'a [Slot] {
        let capacity = 1 << self.bits;
        let mut read = 0;
        while read < room.len() {
            let position = self.position + read as u64;
            let (index, lap) = (position & (capacity - 1), position >> self.bits);
            let mark = mark_of_lap(lap);
            let before = read;
            // To the end of the lap, so that a slot costs one comparison.
            for (slot, index) in room[before..].iter_mut().zip(index..capacity) {
                *slot = load(index);
                if SlotHeader(slot.header).lap() != mark {
                    return &room[..read];
                }
                read += 1;
            }
        }
        room
    }

    /// Goes so many slots on.
    #[inline]
    pub const fn advance(&mut self, slots: usize) {
        self.position += slots as u64;
    }
}

/// Goes over the events in slots that follow one upon another in a ring.
///
/// An event is the number of its slot among them, its slot, and its second slot if it has one. Pads are passed over. It ends
/// at a wide event whose second slot is not there, or is none.
#[derive(Debug, Clone)]
pub struct Events<'a> {
    slots: &'a [Slot],
    taken: usize,
}

impl<'a> Events<'a> {
    /// Starts at the first of the slots.
    #[must_use]
    pub const fn new(slots: &'a [Slot]) -> Self {
        Self { slots, taken: 0 }
    }

    /// The slots of the events that were given, with the pads between them.
    #[must_use]
    pub const fn taken(&self) -> usize {
        self.taken
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = (usize, &'a Slot, Option<&'a Slot>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let at = self.taken;
            let first = self.slots.get(at)?;
            let header = SlotHeader(first.header);
            if header.is_wide() {
                let second = self.slots.get(at + 1)?;
                if SlotHeader(second.header).kind() != Some(RawKind::Cont) {
                    return None;
                }
                self.taken = at + 2;
                return Some((at, first, Some(second)));
            }
            self.taken = at + 1;
            if header.kind() != Some(RawKind::Pad) {
                return Some((at, first, None));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::{flags, lap_mark};

    const CAPACITY: u64 = 8;

    struct Ring([Slot; CAPACITY as usize]);

    impl Ring {
        fn put(&mut self, position: u64, kind: RawKind, flags: u8) {
            let header = SlotHeader::new(7, kind, flags, lap_mark(position, CAPACITY)).0;
            self.0[(position % CAPACITY) as usize] =
                Slot { w0: position, header, ..Slot::default() };
        }

        fn positions(&self, from: u64) -> (Vec<(u64, bool)>, u64) {
            let mut found = Vec::new();
            // However many are read at once.
            for slots in [2, 3, 4, CAPACITY as usize, 20] {
                let mut walk = Walk::new(CAPACITY, from);
                let (mut events, mut room) = (Vec::new(), vec![Slot::default(); slots]);
                loop {
                    let slots = walk.read(&mut room, |index| self.0[index as usize]);
                    let mut here = Events::new(slots);
                    for (at, first, second) in here.by_ref() {
                        assert_eq!(first.w0, walk.position() + at as u64);
                        events.push((first.w0, second.is_some()));
                    }
                    if here.taken() == 0 {
                        break;
                    }
                    walk.advance(here.taken());
                }
                found.push((events, walk.position()));
            }
            found.dedup();
            assert_eq!(found.len(), 1, "{found:?}");
            found.swap_remove(0)
        }
    }

    #[test]
    fn an_empty_ring_has_no_events() {
        assert_eq!(Ring([Slot::default(); 8]).positions(0), (vec![], 0));
    }

    #[test]
    fn pads_are_skipped_and_wide_events_take_two_slots() {
        let mut ring = Ring([Slot::default(); 8]);
        ring.put(0, RawKind::Born, 0);
        ring.put(1, RawKind::Pad, 0);
        ring.put(2, RawKind::Snapshot, flags::WIDE);
        ring.put(3, RawKind::Cont, 0);
        ring.put(4, RawKind::Born, flags::WIDE);
        ring.put(5, RawKind::Cont, 0);
        ring.put(6, RawKind::End, 0);
        assert_eq!(ring.positions(0), (vec![(0, false), (2, true), (4, true), (6, false)], 7));
    }

    #[test]
    fn a_torn_wide_event_is_not_an_event() {
        let mut ring = Ring([Slot::default(); 8]);
        ring.put(0, RawKind::Born, 0);
        ring.put(1, RawKind::Snapshot, flags::WIDE);
        assert_eq!(ring.positions(0), (vec![(0, false)], 1));
        ring.put(2, RawKind::Born, 0);
        assert_eq!(ring.positions(0), (vec![(0, false)], 1));
        ring.put(2, RawKind::Cont, 0);
        assert_eq!(ring.positions(0), (vec![(0, false), (1, true)], 3));
    }

    #[test]
    fn slots_of_the_lap_before_are_not_events() {
        let mut ring = Ring([Slot::default(); 8]);
        for position in 0..11 {
            ring.put(position, RawKind::Born, 0);
        }
        let (events, end) = ring.positions(3);
        assert_eq!(events.first(), Some(&(3, false)));
        assert_eq!((events.len(), end), (8, 11));
    }
}
