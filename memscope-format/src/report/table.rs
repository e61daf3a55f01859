//! What is summed up per definition id.

use std::collections::BTreeMap;

/// A value of `T` for each id of a definition table, and for ids that rows name but whose definition is lost.
///
/// Ids are dense in captures as written, so that a lookup is one comparison; any others are found as well.
#[derive(Debug)]
pub(crate) struct Table<T> {
    defined: Vec<(u32, T)>,
    undefined: BTreeMap<u32, T>,
}

impl<T: Default> Table<T> {
    /// Makes a table with a default value for each defined id.
    pub(crate) fn new(ids: impl IntoIterator<Item = u32>) -> Self {
        let mut defined: Vec<(u32, T)> = ids.into_iter().map(|id| (id, T::default())).collect();
        defined.sort_by_key(|(id, _)| *id);
        defined.dedup_by_key(|(id, _)| *id);
        Self { defined, undefined: BTreeMap::new() }
    }

    /// Returns the value for an id.
    pub(crate) fn at(&mut self, id: u32) -> &mut T {
        match self.place(id) {
            Some(place) => &mut self.defined[place].1,
            None => self.undefined.entry(id).or_default(),
        }
    }

    /// Returns all ids and their values.
    pub(crate) fn into_entries(self) -> impl Iterator<Item = (u32, T)> {
        self.defined.into_iter().chain(self.undefined)
    }

    fn place(&self, id: u32) -> Option<usize> {
        let first = self.defined.first()?.0;
        let guess = id.wrapping_sub(first) as usize;
        match self.defined.get(guess) {
            Some((found, _)) if *found == id => Some(guess),
            _ => self.defined.binary_search_by_key(&id, |(id, _)| *id).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_dense_sparse_and_undefined_ids() {
        let mut table = Table::<u64>::new([3, 4, 5, 900, 4]);
        for (id, value) in [(3, 30), (5, 50), (900, 9000), (1, 10), (7, 70), (u32::MAX, 1)] {
            *table.at(id) += value;
        }
        let entries: Vec<_> = table.into_entries().collect();
        assert_eq!(
            entries,
            [(3, 30), (4, 0), (5, 50), (900, 9000), (1, 10), (7, 70), (u32::MAX, 1)]
        );
    }
}
