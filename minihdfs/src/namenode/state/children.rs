//! The children of a directory, in the byte order of their names, which is the order of listings.

use std::sync::Arc;

use crate::namenode::state::inode::InodeId;

/// The maximum number of children in one chunk.
const CHUNK: usize = 256;

/// A sorted map of names to inodes, in chunks: unlike a B-tree of the standard library, it knows
/// how many children follow a name without visiting them, which each page of a listing says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Children {
    /// None is empty.
    chunks: Vec<Vec<(Arc<str>, InodeId)>>,
    len: usize,
}

impl PartialEq for Children {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl Children {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the child of this name.
    pub(crate) fn get(&self, name: &str) -> Option<InodeId> {
        let (chunk, index) = self.find(name).ok()?;
        Some(self.chunks[chunk][index].1)
    }

    /// Adds a child, or replaces the one of the same name.
    pub(super) fn insert(&mut self, name: Arc<str>, id: InodeId) {
        let (chunk, index) = match self.find(&name) {
            Ok((chunk, index)) => {
                self.chunks[chunk][index].1 = id;
                return;
            }
            Err(place) => place,
        };
        self.len += 1;
        let last = chunk + 1 >= self.chunks.len();
        let Some(entries) = self.chunks.get_mut(chunk) else {
            self.chunks.push(vec![(name, id)]);
            return;
        };
        if entries.len() < CHUNK {
            entries.insert(index, (name, id));
        } else if last && index == entries.len() {
            // Names often arrive in order; the chunks before the last are then full.
            self.chunks.push(vec![(name, id)]);
        } else {
            let mut upper = entries.split_off(CHUNK / 2);
            match index.checked_sub(CHUNK / 2) {
                Some(index) => upper.insert(index, (name, id)),
                None => entries.insert(index, (name, id)),
            }
            self.chunks.insert(chunk + 1, upper);
        }
    }

    /// Removes the child of this name.
    pub(super) fn remove(&mut self, name: &str) {
        if let Ok((chunk, index)) = self.find(name) {
            self.len -= 1;
            self.chunks[chunk].remove(index);
            if self.chunks[chunk].is_empty() {
                self.chunks.remove(chunk);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, InodeId)> {
        let entries = self.chunks.iter().flatten();
        entries.map(|(name, id)| (name, *id))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = InodeId> {
        self.iter().map(|(_, id)| id)
    }

    /// Returns the children whose names are above `name`, and their number.
    pub(crate) fn after(&self, name: &str) -> (impl Iterator<Item = (&Arc<str>, InodeId)>, usize) {
        let (chunk, index) = match self.find(name) {
            Ok((chunk, index)) => (chunk, index + 1),
            Err(place) => place,
        };
        let before = self.chunks.iter().take(chunk).map(Vec::len).sum::<usize>() + index;
        let chunks = self.chunks.iter().skip(chunk);
        let entries = chunks.flatten().skip(index);
        (
            entries.map(|(name, id)| (name, *id)),
            self.len.saturating_sub(before),
        )
    }

    /// Returns the chunk and the index of a name, or those at which it would be.
    fn find(&self, name: &str) -> Result<(usize, usize), (usize, usize)> {
        let is_before = |chunk: &Vec<(Arc<str>, InodeId)>| {
            chunk.first().is_some_and(|(first, _)| **first <= *name)
        };
        let chunk = self.chunks.partition_point(is_before).saturating_sub(1);
        let Some(entries) = self.chunks.get(chunk) else {
            return Err((chunk, 0));
        };
        match entries.binary_search_by(|(known, _)| (**known).cmp(name)) {
            Ok(index) => Ok((chunk, index)),
            Err(index) => Err((chunk, index)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::Bound;

    use super::*;

    #[test]
    fn children_are_what_a_tree_map_would_have() {
        let (mut children, mut model) = (Children::default(), BTreeMap::new());
        let mut number = 1_u64;
        for round in 0..6000_u64 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(round);
            let name: Arc<str> = format!("{:03}", (number >> 33) % 1500).into();
            if number.is_multiple_of(5) {
                children.remove(&name);
                model.remove(&name);
            } else {
                children.insert(Arc::clone(&name), round);
                model.insert(name, round);
            }
        }
        assert_eq!(children.len(), model.len());
        assert!(
            children
                .iter()
                .eq(model.iter().map(|(name, id)| (name, *id)))
        );
        for name in ["", "0", "500", "5000", "742", "zz"] {
            let bounds = (Bound::Excluded(name), Bound::Unbounded);
            let above: Vec<_> = model.range::<str, _>(bounds).map(|(_, id)| *id).collect();
            let (entries, count) = children.after(name);
            assert_eq!(
                entries.map(|(_, id)| id).collect::<Vec<_>>(),
                above,
                "{name}"
            );
            assert_eq!(count, above.len(), "{name}");
            assert_eq!(children.get(name), model.get(name).copied());
        }
    }

    #[test]
    fn names_in_order_fill_the_chunks() {
        let mut children = Children::default();
        for number in 0..CHUNK * 3 {
            children.insert(format!("{number:05}").into(), 1);
        }
        assert_eq!(children.chunks.len(), 3);
        for number in 0..CHUNK * 3 {
            children.remove(&format!("{number:05}"));
        }
        assert!(children.is_empty() && children.chunks.is_empty());
    }
}
