//! Contents of containers: what their elements own, and how well the keys of hash maps are spread.

use super::estimate::Sum;
use super::figure::{Figure, Grounds};
use crate::rows::{Content, SnapshotReason};
use serde::Serialize;

/// A row of [`Content`], as small as its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentRow {
    pub(crate) ts: u64,
    pub(crate) value: u64,
    pub(crate) site: u32,
    pub(crate) type_id: u32,
    pub(crate) field: u32,
    pub(crate) reason: SnapshotReason,
    pub(crate) thread: u32,
    pub(crate) found: Found,
}

/// What such a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Owned(Owned),
    Keys {
        keys: u64,
        /// `None` if they were not hashed.
        spread: Option<Spread>,
    },
    Nothing,
}

/// What the elements of a container own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) blocks: Option<u64>,
    pub(crate) used: u64,
    pub(crate) room: u64,
    pub(crate) unknown: u64,
    pub(crate) shared: u64,
}

/// How the keys of a map are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spread {
    pub(crate) keys: u64,
    pub(crate) distinct: u64,
    pub(crate) homes: u64,
    pub(crate) fullest: u64,
    pub(crate) buckets: u64,
}

impl From<Content> for ContentRow {
    fn from(row: Content) -> Self {
        let found = match (row.used_bytes, row.room_bytes, row.keys) {
            (Some(used), Some(room), _) => Found::Owned(Owned {
                blocks: row.blocks,
                used,
                room,
                unknown: row.unknown.unwrap_or(0),
                shared: row.shared.unwrap_or(0),
            }),
            (_, _, Some(keys)) => {
                let spread = (row.distinct.zip(row.homes)).zip(row.fullest.zip(row.buckets));
                let spread = spread.map(|((distinct, homes), (fullest, buckets))| Spread {
                    keys,
                    distinct,
                    homes,
                    fullest,
                    buckets,
                });
                Found::Keys { keys, spread }
            }
            _ => Found::Nothing,
        };
        let Content { ts, value, site, type_id, field, reason, thread, .. } = row;
        Self { ts, value, site, type_id, field, reason, thread, found }
    }
}

/// What the elements of several containers own.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct ContentTotals {
    /// Containers that were gone through.
    pub(crate) containers: Sum,
    /// Those of them whose blocks are counted.
    with_blocks: u64,
    blocks: Sum,
    used: Sum,
    room: Sum,
    unknown: Sum,
    shared: Sum,
}

impl ContentTotals {
    pub(crate) fn add(&mut self, owned: &Owned, weight: u64) {
        self.containers.count(weight);
        self.with_blocks += u64::from(owned.blocks.is_some());
        self.blocks.add(owned.blocks.unwrap_or(0), weight);
        self.used.add(owned.used, weight);
        self.room.add(owned.room, weight);
        self.unknown.add(owned.unknown, weight);
        self.shared.add(owned.shared, weight);
    }

    pub(crate) fn absorb(&mut self, other: Self) {
        self.containers.absorb(&other.containers);
        self.with_blocks += other.with_blocks;
        self.blocks.absorb(&other.blocks);
        self.used.absorb(&other.used);
        self.room.absorb(&other.room);
        self.unknown.absorb(&other.unknown);
        self.shared.absorb(&other.shared);
    }

    /// The figures; `sum` says how well a sum over `all` containers is known, of which these are some.
    pub(crate) fn figures(
        &self,
        all: Sum,
        sum: impl Fn(Sum) -> Figure<u64>,
    ) -> Option<ContentFigures> {
        if self.containers.recorded() == 0 {
            return None;
        }
        let missing = if self.containers.recorded() < all.recorded() {
            Some("the contents of some were not read")
        } else if self.unknown.recorded() > 0 {
            Some("some of their elements do not tell what they own")
        } else if self.shared.recorded() > 0 {
            Some("what several handles share is not counted")
        } else {
            None
        };
        let known = |value: Sum| match (sum(value), missing) {
            (Figure::Exact(value), Some(why)) => Figure::AtLeast { value, why: why.into() },
            (Figure::Sampled { .. }, Some(why)) => {
                Figure::AtLeast { value: value.recorded(), why: why.into() }
            }
            (figure, _) => figure,
        };
        let blocks = match self.with_blocks == self.containers.recorded() {
            true => known(self.blocks),
            false => {
                Figure::AtLeast { value: self.blocks.recorded(), why: "some do not tell".into() }
            }
        };
        Some(ContentFigures {
            containers: sum(self.containers),
            blocks,
            used_bytes: known(self.used),
            room_bytes: known(self.room),
            unknown: sum(self.unknown),
            shared: sum(self.shared),
        })
    }
}

/// What the elements of containers own in blocks of the heap: with what is in those blocks, and so on. The containers' own
/// blocks are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContentFigures {
    /// Containers that were gone through.
    pub containers: Figure<u64>,
    /// Blocks.
    pub blocks: Figure<u64>,
    /// Bytes of them that hold something.
    pub used_bytes: Figure<u64>,
    /// Bytes of them.
    pub room_bytes: Figure<u64>,
    /// Values among the elements that do not tell, or not wholly, what they own.
    pub unknown: Figure<u64>,
    /// Handles among the elements whose content has several owners, and is not counted.
    pub shared: Figure<u64>,
}

/// What is summed up of how the keys of maps are spread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SpreadTotals {
    readings: u64,
    not_hashed: u64,
    worst: Option<Spread>,
}

impl SpreadTotals {
    pub(crate) fn add(&mut self, spread: Option<Spread>) {
        self.absorb(Self {
            readings: 1,
            not_hashed: u64::from(spread.is_none()),
            worst: spread.filter(|spread| spread.keys > 0),
        });
    }

    pub(crate) fn absorb(&mut self, other: Self) {
        self.readings += other.readings;
        self.not_hashed += other.not_hashed;
        let excess = |spread: &Spread| spread.collisions() as f64 - spread.expected();
        self.worst = match (self.worst, other.worst) {
            (Some(own), Some(other)) if excess(&other) > excess(&own) => Some(other),
            (own, other) => own.or(other),
        };
    }

    pub(crate) fn figures(&self, grounds: &Grounds) -> Option<HashFigures> {
        (self.readings > 0).then(|| HashFigures {
            readings: grounds.count(self.readings),
            not_hashed: grounds.count(self.not_hashed),
            worst: self.worst.map(|spread| spread.figures()),
        })
    }
}

/// The rule by which the number of buckets follows from a map's capacity.
const BUCKETS: &str = "the least power of two of buckets that has the map's capacity";

impl Spread {
    /// Keys that another key was at their home before.
    const fn collisions(&self) -> u64 {
        self.keys.saturating_sub(self.homes)
    }

    /// The collisions to be expected if each key had any home with the same probability: n - B (1 - (1 - 1/B)^n).
    fn expected(&self) -> f64 {
        let (keys, buckets) = (self.keys as f64, self.buckets.max(1) as f64);
        keys + buckets * (keys * (-1.0 / buckets).ln_1p()).exp_m1()
    }

    fn figures(&self) -> SpreadFigures {
        let inferred = |value| Figure::Inferred { value, rule: BUCKETS.into() };
        SpreadFigures {
            keys: self.keys,
            distinct: self.distinct,
            buckets: inferred(self.buckets),
            collisions: inferred(self.collisions()),
            expected_collisions: inferred(self.expected().round() as u64),
            fullest: inferred(self.fullest),
        }
    }
}

/// How the keys of the hash maps of one place are spread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HashFigures {
    /// How often the keys of one were to be hashed.
    pub readings: Figure<u64>,
    /// How often they were not: there were too many, hashing them panicked, or the thread did already.
    pub not_hashed: Figure<u64>,
    /// The reading that found most collisions beyond those to be expected; `None` if none found a key.
    pub worst: Option<SpreadFigures>,
}

/// How the keys of one hash map are spread over its buckets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpreadFigures {
    /// Keys.
    pub keys: u64,
    /// Different hashes of these, of 64 bits.
    pub distinct: u64,
    /// Buckets of the map.
    pub buckets: Figure<u64>,
    /// Keys whose search begins at a bucket where that of another key does too, all but one of each bucket.
    pub collisions: Figure<u64>,
    /// How many there would be of random hashes, in the mean.
    pub expected_collisions: Figure<u64>,
    /// The most keys whose search begins at one bucket.
    pub fullest: Figure<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(keys: u64, homes: u64, buckets: u64) -> Spread {
        Spread { keys, distinct: keys, homes, fullest: 1, buckets }
    }

    #[test]
    fn expected_collisions_are_those_of_balls_thrown_into_bins() {
        let expected = |keys, buckets| spread(keys, 0, buckets).expected();
        assert!(expected(1, 4).abs() < 1e-9, "a single key collides with nothing");
        // Two keys in four buckets meet in one of four cases.
        assert!((expected(2, 4) - 0.25).abs() < 1e-9);
        // Three: of 64 cases 24 have three homes, 36 two and 4 one.
        assert!((expected(3, 4) - 44.0 / 64.0).abs() < 1e-9);
        assert!((expected(1000, 2048) - 208.6).abs() < 0.1);
    }

    #[test]
    fn the_worst_reading_is_told() {
        let mut totals = SpreadTotals::default();
        totals.add(Some(spread(100, 80, 128)));
        totals.add(Some(spread(10, 1, 16)));
        totals.add(None);
        totals.add(Some(spread(0, 0, 0)));
        let figures = totals.figures(&Grounds::default()).unwrap();
        assert_eq!(figures.readings, Figure::Exact(4));
        assert_eq!(figures.not_hashed, Figure::Exact(1));
        let worst = figures.worst.unwrap();
        assert_eq!((worst.keys, worst.collisions.value()), (10, Some(&9)));
        assert_eq!(worst.buckets.fidelity(), "inferred");
        assert_eq!(SpreadTotals::default().figures(&Grounds::default()), None);
    }

    #[test]
    fn what_is_not_counted_makes_a_sum_a_lower_bound() {
        let owned = Owned { blocks: Some(2), used: 10, room: 20, unknown: 0, shared: 0 };
        let figures = |rows: &[Owned], all: u64| {
            let mut totals = ContentTotals::default();
            rows.iter().for_each(|row| totals.add(row, 1));
            totals.figures(all.into(), |sum: Sum| Figure::Exact(sum.estimate()))
        };
        assert_eq!(figures(&[], 1), None);
        let whole = figures(&[owned, owned], 2).unwrap();
        assert_eq!(whole.blocks, Figure::Exact(4));
        assert_eq!((whole.used_bytes, whole.room_bytes), (Figure::Exact(20), Figure::Exact(40)));
        for (row, all) in
            [(owned, 2), (Owned { unknown: 1, ..owned }, 1), (Owned { shared: 1, ..owned }, 1)]
        {
            let partly = figures(&[row], all).unwrap();
            assert_eq!(partly.room_bytes.fidelity(), "at_least");
            assert_eq!(partly.blocks.fidelity(), "at_least");
            assert_eq!(partly.unknown, Figure::Exact(row.unknown));
        }
        let untold = figures(&[Owned { blocks: None, ..owned }], 1).unwrap();
        assert_eq!(untold.blocks.fidelity(), "at_least");
        assert_eq!(untold.room_bytes, Figure::Exact(20));
    }
}
