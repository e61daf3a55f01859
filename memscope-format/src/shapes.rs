//! Shapes: the distinct combinations of the words of a chunk's coded columns.

use crate::record::Record;
use crate::varint;

/// Numbers the combinations as they come.
#[derive(Debug)]
pub(crate) struct Shapes<R: Record> {
    /// A hash table of shapes, each plus one; 0 is free. Its length is a power of two.
    slots: Vec<u32>,
    /// The first row of each shape.
    rows: Vec<R::Words>,
    /// The keys that were met last and the shapes that they stand for, each at the place that follows from it.
    keyed: Box<[Keyed; KEYS]>,
    /// Tells the keys of this chunk from those of earlier ones.
    chunk: u32,
}

/// A key and its shape.
#[derive(Debug, Clone, Copy, Default)]
struct Keyed {
    key: u64,
    shape: u32,
    chunk: u32,
}

/// 2^64 by the golden ratio, which spreads neighbours.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
/// Keys that are kept.
const KEYS: usize = 1024;

/// Slots of an empty table.
const SLOTS: usize = 1024;

impl<R: Record> Shapes<R> {
    /// Whether rows have shapes.
    pub(crate) const CODED: bool = {
        let mut coded = false;
        let mut place = 0;
        while place < R::COLUMNS.len() {
            coded |= R::COLUMNS[place].is_coded();
            place += 1;
        }
        coded
    };

    pub(crate) fn new() -> Self {
        let slots = if Self::CODED { SLOTS } else { 0 };
        Self {
            slots: vec![0; slots],
            rows: Vec::new(),
            keyed: Box::new([Keyed::default(); KEYS]),
            chunk: 1,
        }
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether all of them have the word 0 in a coded column.
    pub(crate) fn is_zero(&self, place: usize) -> bool {
        self.rows.iter().all(|row| row.as_ref()[place] == 0)
    }

    /// Forgets all shapes.
    pub(crate) fn clear(&mut self) {
        self.slots.truncate(SLOTS);
        self.slots.fill(0);
        self.rows.clear();
        self.chunk = self.chunk.wrapping_add(1);
        if self.chunk == 0 {
            self.keyed.fill(Keyed::default());
            self.chunk = 1;
        }
    }

    /// Where a key is kept, or beside that.
    #[inline(always)]
    const fn place(key: u64) -> usize {
        (key.wrapping_mul(FACTOR) >> 48) as usize % KEYS
    }

    /// The shape of all rows with this key; `None` if it is to be learnt.
    #[inline(always)]
    pub(crate) fn keyed(&self, key: u64) -> Option<u64> {
        let place = Self::place(key);
        [place, place ^ 1].into_iter().find_map(|place| {
            let known = &self.keyed[place % KEYS];
            (known.key == key && known.chunk == self.chunk).then_some(u64::from(known.shape))
        })
    }

    /// Keeps the key of a row, and returns the row's shape.
    #[cold]
    #[inline(never)]
    pub(crate) fn learn(&mut self, key: u64, row: &R::Words) -> u64 {
        let shape = self.shape(row);
        let place = Self::place(key);
        // Two keys of one place stay, whichever comes next.
        self.keyed[place ^ 1] = self.keyed[place];
        self.keyed[place] = Keyed { key, shape: shape as u32, chunk: self.chunk };
        shape
    }

    /// The shape of a row; a new one if there is none.
    #[inline(always)]
    pub(crate) fn shape(&mut self, row: &R::Words) -> u64 {
        let mut slot = self.slot(row);
        loop {
            let Some(shape) = self.slots[slot].checked_sub(1) else { return self.add(row, slot) };
            if Self::differences(row, &self.rows[shape as usize]) == 0 {
                return u64::from(shape);
            }
            slot = (slot + 1) % self.slots.len();
        }
    }

    /// 0 if the rows have the same shape.
    #[inline(always)]
    fn differences(row: &R::Words, other: &R::Words) -> u64 {
        let (row, other) = (row.as_ref(), other.as_ref());
        let mut differences = 0;
        for ((column, word), other) in R::COLUMNS.iter().zip(row).zip(other) {
            if column.is_coded() {
                differences |= word ^ other;
            }
        }
        differences
    }

    /// Where to look for a row's shape first.
    #[inline(always)]
    fn slot(&self, row: &R::Words) -> usize {
        let mut hash = 0_u64;
        for (place, (column, word)) in R::COLUMNS.iter().zip(row.as_ref()).enumerate() {
            if column.is_coded() {
                // Products that do not wait for each other.
                let factor = FACTOR.rotate_left(11 * place as u32);
                hash = hash.wrapping_add(word.wrapping_mul(factor));
            }
        }
        ((hash ^ hash >> 32).wrapping_mul(FACTOR) >> 32) as usize & (self.slots.len() - 1)
    }

    #[cold]
    fn add(&mut self, row: &R::Words, slot: usize) -> u64 {
        let shape = self.rows.len();
        self.rows.push(*row);
        self.slots[slot] = self.rows.len() as u32;
        if self.rows.len() * 2 > self.slots.len() {
            self.grow();
        }
        shape as u64
    }

    fn grow(&mut self) {
        let len = self.slots.len() * 2;
        self.slots.clear();
        self.slots.resize(len, 0);
        for (shape, row) in (1..).zip(&self.rows) {
            let mut slot = self.slot(row);
            while self.slots[slot] != 0 {
                slot = (slot + 1) % len;
            }
            self.slots[slot] = shape;
        }
    }

    /// Writes the words that the shapes have in a column, as varints; returns whether they are all equal, and then
    /// writes one.
    pub(crate) fn write(&self, place: usize, bytes: &mut Vec<u8>) -> bool {
        bytes.clear();
        let words = || self.rows.iter().map(|row| row.as_ref()[place]);
        let first = words().next().unwrap_or(0);
        if words().all(|word| word == first) {
            varint::put(bytes, first);
            return true;
        }
        words().for_each(|word| varint::put(bytes, word));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{Lifecycle, LifecycleKind};

    #[test]
    fn equal_rows_have_one_shape_and_others_another() {
        let row = |number: u64, value| {
            let (site, type_id) = (number as u32 % 60, number as u32 / 60);
            let kind = LifecycleKind::Born;
            Lifecycle { ts: value, kind, site, type_id, value, origin: 0, thread: 1 }.to_words()
        };
        let mut shapes = Shapes::<Lifecycle>::new();
        for _ in 0..2 {
            shapes.clear();
            // More than the table begins with.
            for number in 0..3000 {
                assert_eq!(shapes.shape(&row(number, number)), number);
            }
            for number in 0..3000 {
                assert_eq!(shapes.shape(&row(number, 7)), number);
            }
            assert_eq!(shapes.len(), 3000);
            let mut bytes = Vec::new();
            assert!(!shapes.write(3, &mut bytes));
            assert_eq!((bytes.len(), &bytes[58..62]), (3000, [0, 0, 1, 1].as_slice()));
            assert!(shapes.write(1, &mut bytes));
            assert_eq!(bytes, [1]);
        }
    }
}
