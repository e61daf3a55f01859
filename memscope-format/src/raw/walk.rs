//! Going over the events of a ring.

use super::{RawKind, Slot, SlotHeader, flags, mark_of_lap};

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

    /// Returns the next event: its position, its slot, and its second slot if it has one.
    ///
    /// `load` reads the slot at an index below the capacity. In a ring that is being written it must read the
    /// header first, with acquire ordering. Stops at the first slot that does not carry the lap mark of its
    /// position, and at a wide event whose second slot does not; called again, it looks there again.
    #[inline]
    pub fn next(&mut self, mut load: impl FnMut(u64) -> Slot) -> Option<(u64, Slot, Option<Slot>)> {
        loop {
            let position = self.position;
            let first = self.load(position, &mut load)?;
            let header = SlotHeader(first.header);
            match header.kind() {
                Some(RawKind::Pad) => self.position += 1,
                Some(RawKind::Snapshot) => return self.wide(position, first, &mut load),
                _ if header.flags() & flags::WIDE != 0 => {
                    return self.wide(position, first, &mut load);
                }
                _ => {
                    self.position += 1;
                    return Some((position, first, None));
                }
            }
        }
    }

    #[inline]
    fn wide(
        &mut self,
        position: u64,
        first: Slot,
        load: &mut impl FnMut(u64) -> Slot,
    ) -> Option<(u64, Slot, Option<Slot>)> {
        let second = self.load(position + 1, load)?;
        if SlotHeader(second.header).kind() != Some(RawKind::Cont) {
            return None;
        }
        self.position += 2;
        Some((position, first, Some(second)))
    }

    /// Loads the slot of a position, if it was written for this position.
    #[inline]
    fn load(&self, position: u64, load: &mut impl FnMut(u64) -> Slot) -> Option<Slot> {
        let slot = load(position & ((1 << self.bits) - 1));
        (SlotHeader(slot.header).lap() == mark_of_lap(position >> self.bits)).then_some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::lap_mark;

    const CAPACITY: u64 = 8;

    struct Ring([Slot; CAPACITY as usize]);

    impl Ring {
        fn put(&mut self, position: u64, kind: RawKind, flags: u8) {
            let header = SlotHeader::new(7, kind, flags, lap_mark(position, CAPACITY)).0;
            self.0[(position % CAPACITY) as usize] =
                Slot { w0: position, header, ..Slot::default() };
        }

        fn positions(&self, from: u64) -> (Vec<(u64, bool)>, u64) {
            let mut walk = Walk::new(CAPACITY, from);
            let events = std::iter::from_fn(|| walk.next(|index| self.0[index as usize]))
                .map(|(position, _, second)| (position, second.is_some()))
                .collect();
            (events, walk.position())
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
