//! The children of a directory in the order of their names, which is that of listings.

use crate::namenode::state::inode_id::InodeId;
use crate::namenode::state::name::Name;

/// The maximum number of children in one chunk.
const CHUNK: usize = 256;

/// The number of fingerprints that are compared at once.
const ROW: usize = 32;

/// The ids of children, sorted by name, in chunks. The names themselves are in the inodes only, and
/// whoever looks for one passes a function that returns them. A fingerprint of each name spares a
/// lookup most of them.
///
/// Unlike a B-tree of the standard library, it knows how many children follow a name without
/// visiting them, which each page of a listing says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Children {
    /// None is empty.
    chunks: Vec<Chunk>,
    len: usize,
}

#[derive(Clone, Debug, Default)]
struct Chunk {
    ids: Vec<InodeId>,
    /// The fingerprint of each child's name.
    fingerprints: Vec<u16>,
}

impl Chunk {
    fn of(id: InodeId, fingerprint: u16) -> Self {
        Self {
            ids: vec![id],
            fingerprints: vec![fingerprint],
        }
    }

    /// Returns the children whose names have this fingerprint.
    fn with_fingerprint(&self, wanted: u16) -> impl Iterator<Item = InodeId> {
        // Compilers turn the comparison of a whole row into a few instructions.
        let rows = self.fingerprints.chunks(ROW).zip(self.ids.chunks(ROW));
        let alike = rows.filter(move |(row, _)| {
            row.iter()
                .fold(false, |any, print| any | (*print == wanted))
        });
        alike.flat_map(move |(row, ids)| {
            let pairs = row.iter().zip(ids);
            pairs.filter_map(move |(print, id)| (*print == wanted).then_some(*id))
        })
    }

    fn insert(&mut self, index: usize, id: InodeId, fingerprint: u16) {
        self.ids.insert(index, id);
        self.fingerprints.insert(index, fingerprint);
    }

    fn split_off(&mut self, index: usize) -> Self {
        Self {
            ids: self.ids.split_off(index),
            fingerprints: self.fingerprints.split_off(index),
        }
    }
}

/// Returns a hash of a name. Names that a client makes collide cost it a comparison each.
fn fingerprint(name: &str) -> u16 {
    let mix =
        |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let (words, rest) = name.as_bytes().as_chunks::<8>();
    let hash = words.iter().fold(name.len() as u64, |hash, word| {
        mix(hash, u64::from_le_bytes(*word))
    });
    let hash = rest
        .iter()
        .fold(hash, |hash, byte| mix(hash, u64::from(*byte)));
    (hash >> 48) as u16
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
    pub(super) fn from_sorted<'a>(ids: &[InodeId], name_of: impl Fn(InodeId) -> &'a str) -> Self {
        let chunk = |ids: &[InodeId]| Chunk {
            ids: ids.to_vec(),
            fingerprints: ids.iter().map(|id| fingerprint(name_of(*id))).collect(),
        };
        Self {
            chunks: ids.chunks(CHUNK).map(chunk).collect(),
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
        self.chunks.iter().flat_map(|chunk| &chunk.ids).copied()
    }

    /// Returns the child of this name.
    pub(super) fn get<'a>(
        &self,
        name: &str,
        name_of: impl Fn(InodeId) -> &'a str,
    ) -> Option<InodeId> {
        let chunk = self.chunks.get(self.chunk(name, &name_of))?;
        let mut alike = chunk.with_fingerprint(fingerprint(name));
        alike.find(|id| name_of(*id) == name)
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
        let before = self.chunks.iter().take(chunk).map(|chunk| chunk.ids.len());
        let before = before.sum::<usize>() + index;
        let ids = self.chunks.iter().skip(chunk);
        let ids = ids.flat_map(|chunk| &chunk.ids).skip(index);
        (ids.copied(), self.len.saturating_sub(before))
    }

    /// Returns the place of a name, or the one at which it would be.
    pub(super) fn find<'a>(
        &self,
        name: &str,
        name_of: impl Fn(InodeId) -> &'a str,
    ) -> Result<Place, Place> {
        let chunk = self.chunk(name, &name_of);
        let Some(Chunk { ids, .. }) = self.chunks.get(chunk) else {
            return Err(Place { chunk, index: 0 });
        };
        ids.binary_search_by(|id| Name(name_of(*id)).cmp(&Name(name)))
            .map(|index| Place { chunk, index })
            .map_err(|index| Place { chunk, index })
    }

    /// Returns the index of the chunk that a name would be in.
    fn chunk<'a>(&self, name: &str, name_of: impl Fn(InodeId) -> &'a str) -> usize {
        let is_before = |chunk: &Chunk| {
            chunk
                .ids
                .first()
                .is_some_and(|first| Name(name_of(*first)) <= Name(name))
        };
        // What comes before the first chunk would be in it as well.
        let later = self.chunks.get(1..).unwrap_or_default();
        later.partition_point(is_before)
    }

    /// Adds a child at the place that its name would have.
    pub(super) fn insert(&mut self, Place { chunk, index }: Place, id: InodeId, name: &str) {
        self.len += 1;
        let print = fingerprint(name);
        let last = chunk + 1 >= self.chunks.len();
        let Some(lower) = self.chunks.get_mut(chunk) else {
            // Many directories have one child, and `push` would make room for four chunks.
            self.chunks.reserve_exact(1);
            self.chunks.push(Chunk::of(id, print));
            return;
        };
        if lower.ids.len() < CHUNK {
            lower.insert(index, id, print);
        } else if last && index == lower.ids.len() {
            // Names often arrive in order; the chunks before the last are then full.
            self.chunks.push(Chunk::of(id, print));
        } else {
            let mut upper = lower.split_off(CHUNK / 2);
            match index.checked_sub(CHUNK / 2) {
                Some(index) => upper.insert(index, id, print),
                None => lower.insert(index, id, print),
            }
            self.chunks.insert(chunk + 1, upper);
        }
    }

    /// Removes the child at a place.
    pub(super) fn remove(&mut self, Place { chunk, index }: Place) {
        self.len -= 1;
        let holder = &mut self.chunks[chunk];
        holder.ids.remove(index);
        holder.fingerprints.remove(index);
        if holder.ids.is_empty() {
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
                    children.insert(place, id, name);
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
            children.insert(place, id, names.of(id));
        }
        assert_eq!(children.chunks.len(), 3);
        for id in 0..most {
            let place = children.find(names.of(id), name_of).expect("it is there");
            children.remove(place);
        }
        assert!(children.is_empty() && children.chunks.is_empty());
    }
}
