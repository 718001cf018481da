//! The children that are gone from a directory and that snapshots keep.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::namenode::state::inode::InodeId;
use crate::namenode::state::kept::moment::Moment;
use crate::namenode::state::name::Name;

/// The most children in a sorted list. To put one into a longer list would take too long.
const FEW: usize = 64;

/// The name of a child and the moment at which it went.
pub(in crate::namenode::state) type Departure = (Name<SmolStr>, Moment);

/// A child that a directory had.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in crate::namenode::state) struct Gone {
    pub(in crate::namenode::state) id: InodeId,
    /// The moment from which on it was there.
    pub(in crate::namenode::state) from: Moment,
}

/// The children that are gone from a directory, in the order of their departures.
#[derive(Clone, Debug)]
pub(in crate::namenode::state) enum GoneChildren {
    /// Sorted.
    Few(Vec<(Departure, Gone)>),
    Many(BTreeMap<Departure, Gone>),
}

impl Default for GoneChildren {
    fn default() -> Self {
        Self::NONE
    }
}

impl PartialEq for GoneChildren {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl FromIterator<(Departure, Gone)> for GoneChildren {
    fn from_iter<I: IntoIterator<Item = (Departure, Gone)>>(children: I) -> Self {
        let mut all = Self::NONE;
        for (departure, gone) in children {
            all.insert(departure, gone);
        }
        all
    }
}

impl GoneChildren {
    pub(in crate::namenode::state) const NONE: Self = Self::Few(Vec::new());

    pub(in crate::namenode::state) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Returns all, in the order of their departures.
    pub(in crate::namenode::state) fn iter(&self) -> impl Iterator<Item = (&Departure, &Gone)> {
        let (few, many) = match self {
            Self::Few(all) => (all.as_slice(), None),
            Self::Many(all) => (&[][..], Some(all)),
        };
        let few = few.iter().map(|(departure, gone)| (departure, gone));
        few.chain(many.into_iter().flatten())
    }

    /// Returns those that went under this name at this moment or later, and those with later names.
    pub(in crate::namenode::state) fn since(
        &self,
        first: Departure,
    ) -> impl Iterator<Item = (&Departure, &Gone)> + use<'_> {
        let (few, many) = match self {
            Self::Few(all) => {
                let earlier = all.partition_point(|(departure, _)| *departure < first);
                (&all[earlier..], None)
            }
            Self::Many(all) => (&[][..], Some(all.range(first..))),
        };
        let few = few.iter().map(|(departure, gone)| (departure, gone));
        few.chain(many.into_iter().flatten())
    }

    /// Adds a child, in place of an earlier one with the same departure.
    pub(in crate::namenode::state) fn insert(&mut self, departure: Departure, gone: Gone) {
        let few = match self {
            Self::Many(all) => {
                all.insert(departure, gone);
                return;
            }
            Self::Few(all) => all,
        };
        match few.binary_search_by(|(it, _)| it.cmp(&departure)) {
            Ok(index) => few[index].1 = gone,
            Err(index) if few.len() < FEW => {
                // Of most directories few children go, and `insert` would make room for four.
                if few.len() == few.capacity() {
                    few.reserve_exact(1 + few.len() / 2);
                }
                few.insert(index, (departure, gone));
            }
            Err(_) => {
                let all = std::mem::take(few).into_iter();
                *self = Self::Many(all.chain([(departure, gone)]).collect());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_what_a_tree_map_would_have() {
        let (mut children, mut model) = (GoneChildren::NONE, BTreeMap::new());
        assert!(children.is_empty());
        let mut number = 1_u64;
        for round in 0..4 * FEW as u64 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(round);
            let name = format!("{:02}", (number >> 33) % 80);
            let departure = (Name(SmolStr::from(name)), (number >> 60) as Moment);
            let gone = Gone { id: round, from: 0 };
            children.insert(departure.clone(), gone);
            model.insert(departure.clone(), gone);
            assert!(children.iter().eq(&model));
            assert!(
                children
                    .since(departure.clone())
                    .eq(model.range(&departure..))
            );
            assert_eq!(
                model.clone().into_iter().collect::<GoneChildren>(),
                children
            );
        }
        assert!(matches!(children, GoneChildren::Many(_)));
    }
}
