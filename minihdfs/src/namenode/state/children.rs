//! The children of a directory, in the byte order of their names, which is the order of listings.

use crate::namenode::state::inode::InodeId;

/// The maximum number of children in one chunk.
const CHUNK: usize = 256;

/// The ids of children, sorted by name, in chunks. The names themselves are in the inodes only, and
/// whoever looks for one passes a function that returns them.
///
/// Unlike a B-tree of the standard library, it knows how many children follow a name without
/// visiting them, which each page of a listing says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Children {
    /// None is empty.
    chunks: Vec<Vec<InodeId>>,
    len: usize,
}

/// The place of a child, or the one at which it would be inserted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    chunk: usize,
    index: usize,
}

impl PartialEq for Children {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.ids().eq(other.ids())
    }
}

impl Children {
    /// Creates the list of children that are sorted by name.
    pub(super) fn from_sorted(ids: &[InodeId]) -> Self {
        Self {
            chunks: ids.chunks(CHUNK).map(<[_]>::to_vec).collect(),
            len: ids.len(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns all children.
    pub(crate) fn ids(&self) -> impl Iterator<Item = InodeId> {
        self.chunks.iter().flatten().copied()
    }

    /// Returns the child of this name.
    pub(super) fn get<'a>(
        &self,
        name: &str,
        name_of: impl Fn(InodeId) -> &'a str,
    ) -> Option<InodeId> {
        let Place { chunk, index } = self.find(name, name_of).ok()?;
        Some(self.chunks[chunk][index])
    }

    /// Returns the children whose names are above `name`, and their number.
    pub(super) fn after<'s, 'a, F: Fn(InodeId) -> &'a str>(
        &'s self,
        name: &str,
        name_of: F,
    ) -> (impl Iterator<Item = InodeId> + use<'s, 'a, F>, usize) {
        let (chunk, index) = match self.find(name, name_of) {
            Ok(place) => (place.chunk, place.index + 1),
            Err(place) => (place.chunk, place.index),
        };
        let before = self.chunks.iter().take(chunk).map(Vec::len).sum::<usize>() + index;
        let ids = self.chunks.iter().skip(chunk).flatten().skip(index);
        (ids.copied(), self.len.saturating_sub(before))
    }

    /// Returns the place of a name, or the one at which it would be.
    pub(super) fn find<'a>(
        &self,
        name: &str,
        name_of: impl Fn(InodeId) -> &'a str,
    ) -> Result<Place, Place> {
        let is_before =
            |chunk: &Vec<InodeId>| chunk.first().is_some_and(|first| name_of(*first) <= name);
        let chunk = self.chunks.partition_point(is_before).saturating_sub(1);
        let Some(ids) = self.chunks.get(chunk) else {
            return Err(Place { chunk, index: 0 });
        };
        ids.binary_search_by(|id| name_of(*id).cmp(name))
            .map(|index| Place { chunk, index })
            .map_err(|index| Place { chunk, index })
    }

    /// Adds a child at the place that its name would have.
    pub(super) fn insert(&mut self, Place { chunk, index }: Place, id: InodeId) {
        self.len += 1;
        let last = chunk + 1 >= self.chunks.len();
        let Some(ids) = self.chunks.get_mut(chunk) else {
            // Many directories have one child, and `push` would make room for four chunks.
            self.chunks.reserve_exact(1);
            self.chunks.push(vec![id]);
            return;
        };
        if ids.len() < CHUNK {
            ids.insert(index, id);
        } else if last && index == ids.len() {
            // Names often arrive in order; the chunks before the last are then full.
            self.chunks.push(vec![id]);
        } else {
            let mut upper = ids.split_off(CHUNK / 2);
            match index.checked_sub(CHUNK / 2) {
                Some(index) => upper.insert(index, id),
                None => ids.insert(index, id),
            }
            self.chunks.insert(chunk + 1, upper);
        }
    }

    /// Removes the child at a place.
    pub(super) fn remove(&mut self, Place { chunk, index }: Place) {
        self.len -= 1;
        let ids = &mut self.chunks[chunk];
        ids.remove(index);
        if ids.is_empty() {
            self.chunks.remove(chunk);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::Bound;

    use super::*;

    /// The names of some inodes, whose ids are their indices.
    struct Names(Vec<String>);

    impl Names {
        fn of(&self, id: InodeId) -> &str {
            &self.0[id as usize]
        }
    }

    #[test]
    fn children_are_what_a_tree_map_would_have() {
        let names = Names((0..1500).map(|number| format!("{number:03}")).collect());
        let name_of = |id| names.of(id);
        let (mut children, mut model) = (Children::default(), BTreeMap::new());
        let mut number = 1_u64;
        for round in 0..6000_u64 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(round);
            let id = (number >> 33) % 1500;
            let name = names.of(id);
            match children.find(name, name_of) {
                Ok(place) if number.is_multiple_of(5) => {
                    children.remove(place);
                    model.remove(name);
                }
                Err(place) => {
                    children.insert(place, id);
                    model.insert(name, id);
                }
                Ok(_) => assert_eq!(model.get(name), Some(&id)),
            }
        }
        assert_eq!(children.len(), model.len());
        assert!(children.ids().eq(model.values().copied()));
        for name in ["", "0", "500", "5000", "742", "zz"] {
            let bounds = (Bound::Excluded(name), Bound::Unbounded);
            let above: Vec<_> = model.range::<str, _>(bounds).map(|(_, id)| *id).collect();
            let (ids, count) = children.after(name, name_of);
            assert_eq!(ids.collect::<Vec<_>>(), above, "{name}");
            assert_eq!(count, above.len(), "{name}");
            assert_eq!(children.get(name, name_of), model.get(name).copied());
        }
    }

    #[test]
    fn names_in_order_fill_the_chunks() {
        let most = CHUNK as u64 * 3;
        let names = Names((0..most).map(|number| format!("{number:05}")).collect());
        let name_of = |id| names.of(id);
        let mut children = Children::default();
        for id in 0..most {
            let place = children.find(names.of(id), name_of).expect_err("it is new");
            children.insert(place, id);
        }
        assert_eq!(children.chunks.len(), 3);
        for id in 0..most {
            let place = children.find(names.of(id), name_of).expect("it is there");
            children.remove(place);
        }
        assert!(children.is_empty() && children.chunks.is_empty());
    }
}
