//! Sets of block ids.

use std::collections::BTreeMap;

/// A set of ids that were assigned by counting. Takes two to four bytes per id: the ids of a page
/// share all but their last 16 bits.
#[derive(Debug, Default)]
pub(super) struct IdSet {
    pages: BTreeMap<u64, Vec<u16>>,
    len: usize,
}

/// Returns the page of an id, and its place on the page.
fn split(id: u64) -> (u64, u16) {
    (id >> 16, id as u16)
}

impl IdSet {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds an id.
    pub(super) fn insert(&mut self, id: u64) {
        let (page, place) = split(id);
        let places = self.pages.entry(page).or_default();
        // Ids are assigned in ascending order, so the place is usually the last one.
        if places.last().is_none_or(|last| *last < place) {
            places.push(place);
            self.len += 1;
        } else if let Err(at) = places.binary_search(&place) {
            places.insert(at, place);
            self.len += 1;
        }
    }

    /// Returns true if it has an id.
    pub(super) fn contains(&self, id: u64) -> bool {
        let (page, place) = split(id);
        let places = self.pages.get(&page);
        places.is_some_and(|places| places.binary_search(&place).is_ok())
    }

    /// Removes an id.
    pub(super) fn remove(&mut self, id: u64) {
        let (page, place) = split(id);
        let Some(places) = self.pages.get_mut(&page) else {
            return;
        };
        let Ok(at) = places.binary_search(&place) else {
            return;
        };
        places.remove(at);
        self.len -= 1;
        if places.is_empty() {
            self.pages.remove(&page);
        } else if places.len() < places.capacity() / 4 {
            places.shrink_to(places.len() * 2);
        }
    }

    /// Returns the ids in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u64> {
        self.pages.iter().flat_map(|(page, places)| {
            places
                .iter()
                .map(move |place| page << 16 | u64::from(*place))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn it_holds_what_a_set_of_numbers_holds() {
        let (mut ids, mut model) = (IdSet::default(), BTreeSet::new());
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..20_000 {
            let id = (1 << 30) + rng.random_range(0..3_000) * 97;
            if rng.random_bool(0.6) {
                ids.insert(id);
                model.insert(id);
            } else {
                ids.remove(id);
                model.remove(&id);
            }
            assert_eq!(ids.len(), model.len());
        }
        assert!(ids.iter().eq(model.iter().copied()));
        model.iter().for_each(|id| ids.remove(*id));
        assert_eq!((ids.len(), ids.pages.len()), (0, 0), "no page is left");
    }
}
