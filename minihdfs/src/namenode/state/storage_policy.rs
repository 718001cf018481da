//! Storage policies (`BlockStoragePolicySuite`), and the storage types of replicas under them.
//!
//! A policy decides in which storages new replicas are put, and what counts against quotas by
//! storage type. Without storages of another type than DISK, only policies that allow DISK can be
//! written under.

use std::fmt;

use crate::proto::hdfs::StorageTypeProto;
use StorageTypeProto::{Archive, Disk, Nvdimm, Provided, RamDisk, Ssd};

/// A built-in policy of HDFS (`BlockStoragePolicySuite`).
pub(crate) struct Policy {
    pub(crate) id: u8,
    pub(crate) name: &'static str,
    pub(crate) creation: &'static [StorageTypeProto],
    pub(crate) creation_fallback: &'static [StorageTypeProto],
    pub(crate) replication_fallback: &'static [StorageTypeProto],
}

const fn policy(
    id: u8,
    name: &'static str,
    creation: &'static [StorageTypeProto],
    creation_fallback: &'static [StorageTypeProto],
    replication_fallback: &'static [StorageTypeProto],
) -> Policy {
    Policy {
        id,
        name,
        creation,
        creation_fallback,
        replication_fallback,
    }
}

impl fmt::Display for Policy {
    /// Formats the policy like Hadoop's `BlockStoragePolicy`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = |types: &[StorageTypeProto]| {
            let names: Vec<&str> = types.iter().map(StorageTypeProto::as_str_name).collect();
            names.join(", ")
        };
        write!(
            f,
            "BlockStoragePolicy{{{}:{}, storageTypes=[{}], creationFallbacks=[{}], replicationFallbacks=[{}]}}",
            self.name,
            self.id,
            types(self.creation),
            types(self.creation_fallback),
            types(self.replication_fallback)
        )
    }
}

/// The index of the default policy.
pub(crate) const HOT: usize = 3;

/// The policy of files in memory, which are neither appended to nor truncated.
pub(crate) const LAZY_PERSIST: u8 = 15;

pub(crate) static POLICIES: [Policy; 8] = [
    policy(
        1,
        "PROVIDED",
        &[Provided, Disk],
        &[Provided, Disk],
        &[Provided, Disk],
    ),
    policy(2, "COLD", &[Archive], &[], &[]),
    policy(
        5,
        "WARM",
        &[Disk, Archive],
        &[Disk, Archive],
        &[Disk, Archive],
    ),
    policy(7, "HOT", &[Disk], &[], &[Archive]),
    policy(10, "ONE_SSD", &[Ssd, Disk], &[Ssd, Disk], &[Ssd, Disk]),
    policy(12, "ALL_SSD", &[Ssd], &[Disk], &[Disk]),
    policy(14, "ALL_NVDIMM", &[Nvdimm], &[Disk], &[Disk]),
    policy(
        LAZY_PERSIST,
        "LAZY_PERSIST",
        &[RamDisk, Disk],
        &[Disk],
        &[Disk],
    ),
];

/// Values for each storage type, by the type's number.
pub(crate) type ByType<T> = [T; 6];

/// Returns the place of a type in [`ByType`].
pub(crate) fn index(kind: StorageTypeProto) -> usize {
    kind as usize - 1
}

/// The types that quotas can be set for, in the order of Hadoop's `StorageType`.
pub(crate) const WITH_QUOTA: [StorageTypeProto; 5] = [Ssd, Disk, Archive, Provided, Nvdimm];

/// Returns the types of a file's replicas under a policy (`chooseStorageTypes`); none if no policy
/// is set. Memory is left out: what it holds is not counted.
fn types_of(policy: u8, replication: u16) -> impl Iterator<Item = StorageTypeProto> {
    let policy = POLICIES.iter().find(|known| known.id == policy);
    let types = policy.map_or(&[][..], |policy| policy.creation);
    let lasting = types.iter().copied().filter(|kind| *kind != RamDisk);
    let last = types.last().copied().filter(|kind| *kind != RamDisk);
    let repeated = std::iter::repeat_n(last, usize::from(replication)).flatten();
    lasting.chain(repeated).take(replication.into())
}

/// Returns the types for the replica at this position, the best one first
/// (`BlockStoragePolicy.chooseStorageTypes`): of a new block, or of a copy that is missing. Files
/// without a policy have the default one.
pub(crate) fn wanted(policy: u8, position: usize, is_new: bool) -> Vec<StorageTypeProto> {
    let known = POLICIES.iter().find(|known| known.id == policy);
    let policy = known.unwrap_or(&POLICIES[HOT]);
    let own = policy.creation.get(position);
    let own = own.or_else(|| policy.creation.last());
    let fallback = if is_new {
        policy.creation_fallback
    } else {
        policy.replication_fallback
    };
    own.into_iter().chain(fallback).copied().collect()
}

/// Returns a policy, or HOT for none. Hadoop charges files without a policy for types of storage
/// when they are opened again, cut or joined, but not when they get a block or another replication.
pub(crate) fn or_hot(policy: u8) -> u8 {
    if policy == 0 {
        POLICIES[HOT].id
    } else {
        policy
    }
}

/// Returns the bytes of each type that `bytes` of a file take.
pub(crate) fn by_type(policy: u8, replication: u16, bytes: u64) -> ByType<u64> {
    let mut space: ByType<u64> = ByType::default();
    for kind in types_of(policy, replication) {
        let space = &mut space[index(kind)];
        *space = space.saturating_add(bytes);
    }
    space
}

/// Adds what is taken.
pub(crate) fn plus(taken: ByType<u64>, more: ByType<u64>) -> ByType<u64> {
    std::array::from_fn(|index| taken[index].saturating_add(more[index]))
}

/// Subtracts what is freed, down to zero.
pub(crate) fn less(added: ByType<u64>, freed: ByType<u64>) -> ByType<u64> {
    std::array::from_fn(|index| added[index].saturating_sub(freed[index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_names_where_else_a_replica_may_be() {
        assert_eq!(wanted(0, 2, true), [Disk]);
        assert_eq!(wanted(7, 0, false), [Disk, Archive]);
        assert_eq!(wanted(2, 1, true), [Archive]);
        assert_eq!(wanted(10, 0, true), [Ssd, Ssd, Disk]);
        assert_eq!(wanted(10, 1, true), [Disk, Ssd, Disk]);
    }

    #[test]
    fn a_policy_names_the_type_of_each_replica() {
        let types = |policy, replication| types_of(policy, replication).collect::<Vec<_>>();
        assert_eq!(types(0, 3), []);
        assert_eq!(types(7, 2), [Disk, Disk]);
        assert_eq!(types(5, 3), [Disk, Archive, Archive]);
        assert_eq!(types(10, 1), [Ssd]);
        assert_eq!(types(10, 3), [Ssd, Disk, Disk]);
        assert_eq!(
            types(15, 2),
            [Disk, Disk],
            "LAZY_PERSIST: memory does not count"
        );
    }
}
