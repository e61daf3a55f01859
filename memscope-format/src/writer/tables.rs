//! The definitions of a capture as its writer keeps them: encoded, each once, so that they can be repeated.

use crate::defs::{Definition, Defs, TableVisitor};
use crate::error::Error;
use crate::frame::FrameType;
use crate::records;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Definitions are cut into frames of about this many bytes, so that a damaged one costs few names.
const FRAME_LEN: usize = 256 << 10;

/// What names a definition. In the order of the frame types a hook comes behind its site and its type.
pub(crate) type Key = (FrameType, u32);

/// All definitions, as records.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    records: BTreeMap<Key, Box<[u8]>>,
    /// Those that are not in the file yet.
    unwritten: BTreeSet<Key>,
    len: u64,
}

/// The raw payload of a frame of definitions.
pub(crate) struct Part {
    pub(crate) frame_type: FrameType,
    pub(crate) payload: Vec<u8>,
    pub(crate) keys: Vec<Key>,
}

impl Tables {
    /// Adds definitions; those whose id is known replace the ones before.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] if one is too long for a record; those before it are added.
    pub(crate) fn add(&mut self, defs: &Defs, offset: u64) -> Result<(), Error> {
        let mut add = Add { tables: self, defs, offset };
        Defs::FRAMES.iter().try_for_each(|&table| Defs::visit(table, &mut add).unwrap_or(Ok(())))
    }

    fn put<T: Serialize>(&mut self, key: Key, definition: &T, offset: u64) -> Result<(), Error> {
        let mut record = Vec::new();
        records::append(&mut record, definition, offset)?;
        self.len += record.len() as u64;
        if let Some(before) = self.records.insert(key, record.into_boxed_slice()) {
            self.len -= before.len() as u64;
        }
        self.unwritten.insert(key);
        Ok(())
    }

    /// Bytes of all records.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// Notes that these are in the file.
    pub(crate) fn written(&mut self, keys: &[Key]) {
        for key in keys {
            self.unwritten.remove(key);
        }
    }

    /// Notes that all are in the file.
    pub(crate) fn all_written(&mut self) {
        self.unwritten.clear();
    }

    /// Notes that none is in the file, which is another one now.
    pub(crate) fn forget_written(&mut self) {
        self.unwritten = self.records.keys().copied().collect();
    }

    /// The next frame's worth of definitions behind a key: of all, or of those that are not in the file.
    pub(crate) fn part(&self, behind: Option<Key>, all: bool) -> Option<Part> {
        use std::ops::Bound::{Excluded, Unbounded};
        let range = (behind.map_or(Unbounded, Excluded), Unbounded);
        let mut part: Option<Part> = None;
        let mut add = |key: Key, record: &[u8]| {
            let part = part.get_or_insert_with(|| Part {
                frame_type: key.0,
                payload: Vec::new(),
                keys: Vec::new(),
            });
            if part.frame_type != key.0 || part.payload.len() >= FRAME_LEN {
                return false;
            }
            part.payload.extend_from_slice(record);
            part.keys.push(key);
            true
        };
        if all {
            let _ = self.records.range(range).all(|(&key, record)| add(key, record));
        } else {
            let mut unwritten = self.unwritten.range(range);
            let _ =
                unwritten.all(|&key| self.records.get(&key).is_none_or(|record| add(key, record)));
        }
        part
    }
}

/// Adds the definitions of a table.
struct Add<'a> {
    tables: &'a mut Tables,
    defs: &'a Defs,
    offset: u64,
}

impl TableVisitor for Add<'_> {
    type Output = Result<(), Error>;

    fn visit<T: Definition>(&mut self) -> Self::Output {
        let mut table = T::table(self.defs).iter();
        table.try_for_each(|def| self.tables.put((T::FRAME, def.id()), def, self.offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defs::{HookDef, ThreadDef};

    fn threads(ids: impl Iterator<Item = u32>, name_len: usize) -> Defs {
        let thread = |id| ThreadDef { id, name: Some("x".repeat(name_len)), os_id: None };
        Defs { threads: ids.map(thread).collect(), ..Defs::default() }
    }

    #[test]
    fn parts_are_of_one_type_and_not_much_longer_than_a_frame_should_be() {
        let mut tables = Tables::default();
        tables.add(&threads(1..101, 10_000), 0).unwrap();
        let hooks = vec![HookDef { id: 7, site: 1, type_id: 1 }];
        tables.add(&Defs { hooks, ..Defs::default() }, 0).unwrap();
        let mut keys = Vec::new();
        let mut parts = 0;
        while let Some(part) = tables.part(keys.last().copied(), false) {
            assert!(part.payload.len() < FRAME_LEN + 11_000);
            assert!(part.keys.iter().all(|key| key.0 == part.frame_type));
            keys.extend(part.keys);
            parts += 1;
        }
        assert_eq!((keys[0], keys.len(), parts), ((FrameType::HOOKS, 7), 101, 5));
        assert!(keys.is_sorted());
        tables.written(&keys[..100]);
        assert_eq!(tables.part(None, false).unwrap().keys, keys[100..]);
        tables.written(&keys);
        assert!(tables.part(None, false).is_none());
        assert_eq!(tables.part(None, true).unwrap().keys, keys[..1]);
    }

    #[test]
    fn a_definition_that_is_replaced_takes_no_more_room() {
        let mut tables = Tables::default();
        for round in 0..1000 {
            tables.add(&threads(1..3, round % 7), 0).unwrap();
        }
        assert!(tables.len() < 50, "{}", tables.len());
    }
}
