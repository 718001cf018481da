//! The storages of a DataNode, and the replicas in each (Hadoop's `DatanodeStorageInfo`).

use std::sync::Arc;

use super::id_set::IdSet;
use crate::HdfsError;
use crate::protocol::{DatanodeStorage, HeartbeatReport, StorageReport};
use crate::token::StorageType;

/// The most storages of one DataNode.
const MOST_STORAGES: usize = 1024;

/// The place of a storage among those of its DataNode. It is valid until the next heartbeat.
pub(crate) type StorageIndex = usize;

/// A storage.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) report: StorageReport,
    /// The blocks of which it has finalized replicas, good or bad.
    replicas: IdSet,
}

impl Storage {
    /// Returns the id and the type.
    pub(crate) fn named(&self) -> &DatanodeStorage {
        &self.report.storage
    }

    pub(crate) fn kind(&self) -> StorageType {
        self.report.storage.kind
    }

    /// Returns true if a block of this size fits. The room is unknown before the first heartbeat.
    pub(super) fn has_room(&self, block_size: u64) -> bool {
        let report = &self.report;
        !report.failed && (report.capacity == 0 || report.remaining >= block_size)
    }
}

/// The storages of one DataNode, in the order in which they were heard of.
#[derive(Debug, Default)]
pub(crate) struct Storages(Vec<Storage>);

impl Storages {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Storage> {
        self.0.iter()
    }

    /// Returns the place of a storage, which may be new. Its type may have changed.
    ///
    /// # Errors
    /// Fails if there are too many.
    pub(super) fn place(&mut self, named: &DatanodeStorage) -> Result<StorageIndex, HdfsError> {
        let known = self.0.iter().position(|it| it.named().id == named.id);
        if let Some(known) = known {
            self.0[known].report.storage.kind = named.kind;
            return Ok(known);
        }
        if self.0.len() >= MOST_STORAGES {
            return Err(HdfsError::io(format!(
                "Storage {} cannot be added: the DataNode has {MOST_STORAGES} others, and no more \
                 are possible",
                named.id
            )));
        }
        self.0.push(Storage {
            report: StorageReport::unknown(named.clone()),
            replicas: IdSet::default(),
        });
        Ok(self.0.len() - 1)
    }

    /// Returns the place of a storage that is named without its type, or of the first one.
    pub(super) fn known(&self, id: &str) -> StorageIndex {
        let known = self.0.iter().position(|it| *it.named().id == *id);
        known.unwrap_or_default()
    }

    /// Takes what a heartbeat says. Returns the blocks in storages that have failed: those that it
    /// says so of, and, if it says that some have, those that it leaves out. Storages that it
    /// leaves out are forgotten once they are empty.
    ///
    /// # Errors
    /// Fails if there are too many.
    pub(super) fn update(
        &mut self,
        heartbeat: &HeartbeatReport,
        some_have_failed: bool,
    ) -> Result<Vec<u64>, HdfsError> {
        let mut named = vec![false; self.0.len()];
        for report in &heartbeat.storages {
            let at = self.place(&report.storage)?;
            self.0[at].report.clone_from(report);
            named.resize(self.0.len(), false);
            named[at] = true;
        }
        let mut lost = Vec::new();
        for (storage, named) in self.0.iter_mut().zip(&named) {
            storage.report.failed |= !named && some_have_failed;
            if storage.report.failed {
                lost.extend(storage.replicas.iter());
            }
        }
        let mut named = named.iter();
        self.0.retain(|storage| {
            let named = named.next().copied().unwrap_or_default();
            named || !storage.report.failed && storage.replicas.len() > 0
        });
        Ok(lost)
    }

    /// Returns the storage with the replica of a block.
    pub(crate) fn with_replica(&self, block: u64) -> Option<&Storage> {
        match &self.0[..] {
            [only] => only.replicas.contains(block).then_some(only),
            several => several.iter().find(|it| it.replicas.contains(block)),
        }
    }

    /// Returns true if the replica of a block is in another storage than this one.
    pub(super) fn has_elsewhere(&self, at: StorageIndex, block: u64) -> bool {
        let others = self.0.iter().enumerate().filter(|(other, _)| *other != at);
        let mut others = others.map(|(_, storage)| storage);
        others.any(|storage| storage.replicas.contains(block))
    }

    /// Returns the storage for a new replica: of the first of these types that it has, the one with
    /// the most room; otherwise the one with the most room.
    pub(crate) fn suited(&self, kinds: &[StorageType]) -> Option<&Storage> {
        let roomiest = |kind: Option<StorageType>| {
            let usable = self.0.iter().filter(|it| !it.report.failed);
            let of_kind = usable.filter(|it| kind.is_none_or(|kind| it.kind() == kind));
            // Of equal ones the first, so that it stays the same.
            of_kind.rev().max_by_key(|it| it.report.remaining)
        };
        let mut kinds = kinds.iter().map(|kind| Some(*kind)).chain([None]);
        kinds.find_map(roomiest)
    }

    /// Returns the storage that holds the replica of a block, or will.
    pub(crate) fn of(
        &self,
        block: u64,
        kinds: impl FnOnce() -> Vec<StorageType>,
    ) -> DatanodeStorage {
        let storage = match &self.0[..] {
            [only] => Some(only),
            _ => self.with_replica(block).or_else(|| self.suited(&kinds())),
        };
        storage.map_or_else(
            || DatanodeStorage::disk(Arc::from("")),
            |storage| storage.named().clone(),
        )
    }

    /// Puts a replica into a storage, and out of the others.
    pub(super) fn insert(&mut self, at: StorageIndex, block: u64) {
        for (other, storage) in self.0.iter_mut().enumerate() {
            if other == at {
                storage.replicas.insert(block);
            } else {
                storage.replicas.remove(block);
            }
        }
    }

    pub(super) fn remove(&mut self, block: u64) {
        for storage in &mut self.0 {
            storage.replicas.remove(block);
        }
    }

    /// Returns the blocks in a storage, in ascending order.
    pub(super) fn blocks_in(&self, at: StorageIndex) -> Vec<u64> {
        let storage = self.0.get(at);
        storage.map_or_else(Vec::new, |storage| storage.replicas.iter().collect())
    }

    /// Returns the blocks in all storages.
    pub(super) fn blocks(&self) -> impl Iterator<Item = u64> {
        self.0.iter().flat_map(|storage| storage.replicas.iter())
    }

    /// Returns the number of blocks.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|storage| storage.replicas.len()).sum()
    }

    /// Adds up a size of the storages that work.
    pub(super) fn total(&self, size: impl Fn(&StorageReport) -> u64) -> u64 {
        let working = self.0.iter().filter(|storage| !storage.report.failed);
        let sizes = working.map(|storage| size(&storage.report));
        sizes.fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(id: &str, kind: StorageType, remaining: u64) -> StorageReport {
        StorageReport {
            capacity: 100,
            remaining,
            ..StorageReport::unknown(DatanodeStorage {
                id: id.into(),
                kind,
            })
        }
    }

    fn heartbeat(storages: &[StorageReport]) -> HeartbeatReport {
        HeartbeatReport {
            storages: storages.to_vec(),
            ..HeartbeatReport::default()
        }
    }

    #[test]
    fn a_storage_that_fails_loses_its_replicas_only() {
        let (disk, ssd) = (
            report("a", StorageType::Disk, 50),
            report("b", StorageType::Ssd, 70),
        );
        let mut storages = Storages::default();
        let both = heartbeat(&[disk.clone(), ssd]);
        assert_eq!(storages.update(&both, true), Ok(vec![]));
        for (at, block) in [(0, 1), (0, 2), (1, 2), (1, 3)] {
            storages.insert(at, block);
        }
        assert_eq!((storages.blocks_in(0), storages.len()), (vec![1], 3));
        assert!(storages.has_elsewhere(0, 3) && !storages.has_elsewhere(0, 1));
        let one = heartbeat(&[disk]);
        assert_eq!(storages.update(&one, false), Ok(vec![]), "it may come back");
        assert_eq!(storages.iter().count(), 2);
        assert_eq!(storages.update(&one, true), Ok(vec![2, 3]));
        assert_eq!((storages.iter().count(), storages.len()), (1, 1));
        assert_eq!(storages.total(|it| it.remaining), 50);
    }

    #[test]
    fn the_type_that_is_wanted_first_decides_and_then_the_room() {
        let mut storages = Storages::default();
        let all = [
            report("a", StorageType::Disk, 50),
            report("b", StorageType::Ssd, 10),
            report("c", StorageType::Disk, 60),
            report("d", StorageType::Disk, 60),
        ];
        storages.update(&heartbeat(&all), true).expect("few");
        let suited = |kinds: &[StorageType]| storages.suited(kinds).map(|it| &*it.named().id);
        assert_eq!(suited(&[StorageType::Ssd, StorageType::Disk]), Some("b"));
        assert_eq!(
            suited(&[StorageType::Archive, StorageType::Disk]),
            Some("c")
        );
        assert_eq!(suited(&[StorageType::Archive]), Some("c"));
    }

    #[test]
    fn there_is_a_limit_to_the_number_of_storages() {
        let mut storages = Storages::default();
        let named = |number: usize| DatanodeStorage::disk(format!("DS-{number}").into());
        for number in 0..MOST_STORAGES {
            assert_eq!(storages.place(&named(number)), Ok(number));
        }
        let refused = storages.place(&named(MOST_STORAGES)).expect_err("full");
        assert!(
            refused.message().contains("DS-1024 cannot be added"),
            "{refused}"
        );
    }
}
