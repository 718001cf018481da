//! The choice of DataNodes for a block (Hadoop's `BlockPlacementPolicyDefault`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use kerbox_krb5::Timestamp;
use rand::Rng;
use rand::seq::SliceRandom;

use super::datanodes::{DatanodeIndex, DatanodeManager};
use crate::protocol::DatanodeRegistration;
use crate::token::StorageType;

/// The constraints on choosing DataNodes for a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placement<'a> {
    /// The number of DataNodes.
    pub(crate) count: usize,
    /// The DataNodes that have a replica already, the first one first.
    pub(crate) existing: &'a [DatanodeIndex],
    /// The DataNodes to exclude.
    pub(crate) excluded: &'a [DatanodeIndex],
    /// `host:port` of the preferred DataNodes.
    pub(crate) favored: &'a [String],
    /// The writer's address, if a DataNode at that address is to come first.
    pub(crate) writer: Option<IpAddr>,
    /// The free space required, in bytes.
    pub(crate) block_size: u64,
    /// The types of storage for each replica, the best one first; the last entry is for all
    /// further ones. None at all: any type.
    pub(crate) kinds: &'a [Vec<StorageType>],
}

impl DatanodeManager {
    /// Returns the number of DataNodes that Hadoop has excluded when it finds none: those that were
    /// excluded before, and the one at the writer's address, which it looks at first.
    pub(crate) fn examined(&self, placement: &Placement<'_>) -> usize {
        let own = self.all().any(|(index, node)| {
            node.alive
                && Some(node.registration.ip) == placement.writer
                && !placement.excluded.contains(&index)
        });
        placement.excluded.len() + usize::from(own)
    }

    /// Chooses DataNodes for a block: favored ones, one at the writer's address, then any others,
    /// on racks as Hadoop spreads them. Uses stale ones only as a last resort. Returns fewer than
    /// requested if there are not enough.
    pub(super) fn choose(
        &self,
        now: Timestamp,
        placement: &Placement<'_>,
        rng: &mut impl Rng,
    ) -> Vec<DatanodeIndex> {
        let mut candidates: Vec<DatanodeIndex> = self
            .all()
            .filter(|(index, node)| {
                let mut storages = node.storages.iter();
                self.is_in_service(*index)
                    && storages.any(|storage| storage.has_room(placement.block_size))
                    && !placement.excluded.contains(index)
            })
            .map(|(index, _)| index)
            .collect();
        candidates.shuffle(rng);
        let local = candidates
            .iter()
            .copied()
            .find(|index| Some(self.get(*index).registration.ip) == placement.writer);
        candidates.sort_by_key(|index| {
            let node = &self.get(*index).registration;
            let favored = placement
                .favored
                .iter()
                .any(|address| is_address_of(address, node));
            (self.is_stale(now, *index), !favored, Some(*index) != local)
        });
        let candidates = self.by_kind(candidates, placement);
        let racks = self.racks();
        if racks > 1 {
            return self.spread(candidates, placement, racks);
        }
        candidates.into_iter().take(placement.count).collect()
    }

    /// Puts the candidates into the order in which their storages suit the replicas, and leaves out
    /// those that suit none.
    fn by_kind(
        &self,
        mut left: Vec<DatanodeIndex>,
        placement: &Placement<'_>,
    ) -> Vec<DatanodeIndex> {
        let Some(last) = placement.kinds.last() else {
            return left;
        };
        let has = |index: DatanodeIndex, kind: StorageType| {
            let mut storages = self.get(index).storages.iter();
            storages.any(|it| it.kind() == kind && it.has_room(placement.block_size))
        };
        let mut ordered = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let kinds = placement.kinds.get(ordered.len()).unwrap_or(last);
            let suited = kinds
                .iter()
                .find_map(|kind| left.iter().position(|index| has(*index, *kind)));
            let Some(suited) = suited else { break };
            ordered.push(left.remove(suited));
        }
        ordered
    }

    /// Returns the number of racks with live DataNodes.
    pub(super) fn racks(&self) -> usize {
        if !self.has_racks {
            return 1;
        }
        let living = self.iter().filter(|node| node.alive);
        let racks: BTreeSet<&Arc<str>> = living.map(|node| &node.location).collect();
        racks.len()
    }

    /// Returns true if all of several replicas are on one rack although there are others.
    pub(super) fn lack_a_rack(&self, replicas: &[DatanodeIndex]) -> bool {
        let [first, others @ ..] = replicas else {
            return false;
        };
        let on_first =
            |index: &DatanodeIndex| self.get(*index).location == self.get(*first).location;
        self.has_racks && !others.is_empty() && others.iter().all(on_first) && self.racks() > 1
    }

    /// Returns the replicas that are too many, so that the others are on as many racks as before.
    pub(super) fn surplus(
        &self,
        replicas: &[DatanodeIndex],
        replication: usize,
    ) -> Vec<DatanodeIndex> {
        let (mut kept, mut surplus) = (replicas.to_vec(), Vec::new());
        while kept.len() > replication {
            let rack = |index: DatanodeIndex| &self.get(index).location;
            let is_shared = |index: &DatanodeIndex| {
                let same = kept.iter().filter(|other| rack(**other) == rack(*index));
                same.count() > 1
            };
            let at = kept.iter().rposition(is_shared);
            let at = at.unwrap_or(kept.len() - 1);
            surplus.push(kept.remove(at));
        }
        surplus
    }

    /// Takes candidates in their order as the racks allow: the second replica on another rack than
    /// the first, the third on the second's if that is another one, and never too many on one.
    fn spread(
        &self,
        mut candidates: Vec<DatanodeIndex>,
        placement: &Placement<'_>,
        racks: usize,
    ) -> Vec<DatanodeIndex> {
        let total = (placement.existing.len() + placement.count).min(self.living());
        let most = most_per_rack(total, racks);
        let mut chosen = placement.existing.to_vec();
        let mut on_rack: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for index in &chosen {
            *on_rack.entry(&self.get(*index).location).or_default() += 1;
        }
        while chosen.len() < placement.existing.len() + placement.count {
            let has_room = |index: &DatanodeIndex| {
                let rack = &self.get(*index).location;
                on_rack.get(rack).copied().unwrap_or_default() < most
            };
            let suits = |index: &DatanodeIndex| has_room(index) && self.suits_rack(*index, &chosen);
            let next = candidates.iter().position(suits);
            let Some(next) = next.or_else(|| candidates.iter().position(has_room)) else {
                break;
            };
            let index = candidates.remove(next);
            *on_rack.entry(&self.get(index).location).or_default() += 1;
            chosen.push(index);
        }
        chosen.split_off(placement.existing.len())
    }

    /// Returns true if a DataNode is on the rack where the next replica belongs.
    fn suits_rack(&self, index: DatanodeIndex, chosen: &[DatanodeIndex]) -> bool {
        let rack = |index: DatanodeIndex| &self.get(index).location;
        match chosen {
            [first] => rack(index) != rack(*first),
            [first, second] if rack(*first) == rack(*second) => rack(index) != rack(*first),
            [_, second] => rack(index) == rack(*second),
            _ => true,
        }
    }
}

/// Returns the maximum number of replicas on one rack, of several (`getMaxNodesPerRack`).
fn most_per_rack(replicas: usize, racks: usize) -> usize {
    if replicas <= 1 {
        return replicas;
    }
    let most = (replicas - 1) / racks + 2;
    if most == replicas { most - 1 } else { most }
}

fn is_address_of(address: &str, node: &DatanodeRegistration) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| {
        port.parse() == Ok(node.transfer_port)
            && (host == &*node.host_name || host.parse() == Ok(node.ip))
    })
}

#[cfg(test)]
mod tests {
    use super::most_per_rack;

    #[test]
    fn no_rack_gets_all_replicas() {
        let most = [(1, 2), (2, 2), (3, 2), (4, 2), (3, 3), (10, 3)];
        let most = most.map(|(replicas, racks)| most_per_rack(replicas, racks));
        assert_eq!(most, [1, 1, 2, 3, 2, 5]);
    }
}
