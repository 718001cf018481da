//! Tables keyed by ids that the NameNode assigns by counting.

use crate::namenode::id_map::IdMap;

/// A table keyed by ids. Its values stand in pages of 64 consecutive ids, so that a full page
/// wastes nothing, where a hash table is half empty after it has grown.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct IdTable<V> {
    pages: IdMap<Page<V>>,
}

#[derive(Clone, PartialEq, Debug)]
struct Page<V> {
    /// The places on the page that have a value, one bit each.
    present: u64,
    /// The values, in the order of their ids.
    values: Vec<V>,
}

impl<V> Default for Page<V> {
    fn default() -> Self {
        Self {
            present: 0,
            values: Vec::new(),
        }
    }
}

impl<V> Page<V> {
    /// Returns the index of the value at a place, or where it would be inserted.
    fn index(&self, bit: u64) -> Result<usize, usize> {
        let below = self.present & (bit - 1);
        if below == bit - 1 {
            // All ids below have values, as on nearly every page: counting bits takes longer.
            let index = bit.trailing_zeros() as usize;
            return if self.present & bit == 0 {
                Err(index)
            } else {
                Ok(index)
            };
        }
        let index = below.count_ones() as usize;
        if self.present & bit == 0 {
            Err(index)
        } else {
            Ok(index)
        }
    }
}

/// Returns the page of an id, and the bit of its place on the page.
fn split(id: u64) -> (u64, u64) {
    (id >> 6, 1 << (id & 63))
}

impl<V> Default for IdTable<V> {
    fn default() -> Self {
        Self {
            pages: IdMap::default(),
        }
    }
}

impl<V> IdTable<V> {
    pub(super) fn len(&self) -> usize {
        self.pages.values().map(|page| page.values.len()).sum()
    }

    /// Returns all values, in no particular order.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.pages.values().flat_map(|page| &page.values)
    }

    /// Returns all ids, in ascending order.
    pub(super) fn ids(&self) -> Vec<u64> {
        let on_page = |(page, content): (&u64, &Page<V>)| {
            let (first, present) = (page << 6, content.present);
            (0..64)
                .filter(move |bit| present >> bit & 1 == 1)
                .map(move |bit| first | bit)
                .collect::<Vec<_>>()
        };
        let mut ids: Vec<u64> = self.pages.iter().flat_map(on_page).collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn get(&self, id: u64) -> Option<&V> {
        let (page, bit) = split(id);
        let page = self.pages.get(&page)?;
        page.values.get(page.index(bit).ok()?)
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut V> {
        let (page, bit) = split(id);
        let page = self.pages.get_mut(&page)?;
        let index = page.index(bit).ok()?;
        page.values.get_mut(index)
    }

    /// Sets the value of an id and returns it.
    pub(super) fn insert(&mut self, id: u64, value: V) -> &mut V {
        let (page, bit) = split(id);
        let page = self.pages.entry(page).or_default();
        let index = match page.index(bit) {
            Ok(index) => {
                page.values[index] = value;
                index
            }
            Err(index) => {
                // On a page with one value, `insert` alone would make room for four.
                if page.values.len() == page.values.capacity() {
                    page.values.reserve_exact(page.values.len().max(1));
                }
                page.values.insert(index, value);
                page.present |= bit;
                index
            }
        };
        &mut page.values[index]
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<V> {
        let (number, bit) = split(id);
        let page = self.pages.get_mut(&number)?;
        let value = page.values.remove(page.index(bit).ok()?);
        page.present &= !bit;
        if page.values.is_empty() {
            self.pages.remove(&number);
        } else if page.values.len() < page.values.capacity() / 4 {
            page.values.shrink_to(page.values.len() * 2);
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn it_holds_what_a_map_of_numbers_holds() {
        let (mut table, mut model) = (IdTable::default(), BTreeMap::new());
        let mut rng = StdRng::seed_from_u64(1);
        for number in 0..20_000 {
            let id = (1 << 30) + rng.random_range(0..1_000);
            if rng.random_bool(0.6) {
                *table.insert(id, 0) += number;
                model.insert(id, number);
            } else {
                assert_eq!(table.remove(id), model.remove(&id));
            }
            assert_eq!(table.get(id), model.get(&id));
            assert_eq!(table.get_mut(id), model.get_mut(&id));
        }
        assert_eq!(table.len(), model.len());
        let (mut values, mut known): (Vec<_>, Vec<_>) = (
            table.values().copied().collect(),
            model.values().copied().collect(),
        );
        values.sort_unstable();
        known.sort_unstable();
        assert_eq!(values, known);
        assert_eq!(table.ids(), model.keys().copied().collect::<Vec<_>>());
        for (id, number) in model {
            assert_eq!(table.remove(id), Some(number));
        }
        assert_eq!(table.pages.len(), 0, "no page is left");
    }
}
