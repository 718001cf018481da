//! The replicas of one DataNode, in files that a person can find, read and damage.
//!
//! - `layout`: folders, names, meta files
//! - `volumes`: the folders; `replica`: one replica and its states
//! - [`ReplicaWriter`]: stores packets; [`ReplicaReader`]: produces packets
//! - `stages`: finding or creating the replica for each stage of a write pipeline
//! - `moves`: moves between storages; `replica_recovery`: block recovery; `copy`: copies of a
//!   replica's first bytes
//! - `check`: replicas whose files were removed or truncated
//!
//! Methods do their file IO synchronously, because the page cache usually answers. Locks are held
//! for one packet at most.

mod check;
mod copy;
mod layout;
mod moves;
mod reader;
mod replica;
mod replica_recovery;
mod stages;
mod volumes;
mod writer;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use check::Damage;
pub(crate) use reader::{ReadRange, ReplicaReader};
pub use volumes::StorageFolder;
pub(crate) use writer::{ReplicaWriter, WriteError};

use crate::HdfsError;
use crate::protocol::{Block, DatanodeStorage, ReplicaState, ReportedReplica};
use crate::storage_directory::{TransitionError, pool_line};
use layout::Place;
use replica::Replica;
use volumes::Volumes;

/// The replicas of one DataNode (Hadoop's `FsDatasetImpl`).
#[derive(Debug)]
pub(crate) struct BlockStore {
    block_pool: Arc<str>,
    volumes: Volumes,
    replicas: Mutex<BTreeMap<u64, Arc<Replica>>>,
}

impl BlockStore {
    /// Opens the folders with the replicas of an earlier run. Those that were being written wait
    /// for recovery.
    pub(crate) fn open(folders: &[StorageFolder], block_pool: Arc<str>) -> io::Result<Self> {
        let volumes = Volumes::open(folders, &block_pool)?;
        let mut replicas = BTreeMap::<u64, Arc<Replica>>::new();
        for volume in volumes.working() {
            for (place, id, generation_stamp) in volume.layout.scan()? {
                let replica = match Replica::load(volume, place, id, generation_stamp) {
                    Ok(replica) => replica,
                    Err(error) => {
                        tracing::warn!(%id, generation_stamp, %error, "a replica cannot be read and is left alone");
                        continue;
                    }
                };
                let older = replicas
                    .get(&id)
                    .is_some_and(|known| known.state().generation_stamp >= generation_stamp);
                if !older {
                    replicas.insert(id, Arc::new(replica));
                }
            }
        }
        Ok(Self {
            block_pool,
            volumes,
            replicas: Mutex::new(replicas),
        })
    }

    /// Removes what was kept of the time before an upgrade, if there is anything.
    pub(crate) fn finalize_upgrade(&self) -> Result<(), TransitionError> {
        let line = pool_line(&self.block_pool);
        let mut volumes = self.volumes.working();
        volumes.try_for_each(|volume| volume.layout.pool().finalize(&line))
    }

    /// Returns the number of storages that have failed.
    pub(crate) fn failed_volumes(&self) -> usize {
        self.volumes.failed()
    }

    /// Returns the replicas of every storage that works, for block reports.
    pub(crate) fn reports(&self) -> Vec<(DatanodeStorage, Vec<ReportedReplica>)> {
        let storages = self.volumes.working().map(|volume| volume.storage());
        let mut reports: Vec<_> = storages.map(|it| (it.clone(), Vec::new())).collect();
        let replicas: Vec<_> = self.replicas().values().cloned().collect();
        for replica in replicas {
            let (storage, reported) = replica.report();
            let report = reports.iter_mut().find(|(of, _)| *of == storage);
            if let (Some((_, report)), true) = (report, reported.state != ReplicaState::Temporary) {
                report.push(reported);
            }
        }
        reports
    }

    /// Returns the replicas of all storages.
    #[cfg(test)]
    pub(crate) fn report(&self) -> Vec<ReportedReplica> {
        self.reports().into_iter().flat_map(|(_, it)| it).collect()
    }

    /// Returns the folders of the first storage.
    #[cfg(test)]
    fn layout(&self) -> &layout::Layout {
        &self.volumes.working().next().expect("one").layout
    }

    /// Returns the storage that holds a replica.
    pub(crate) fn storage_of(&self, id: u64) -> Option<DatanodeStorage> {
        let replica = self.replicas().get(&id).cloned();
        replica.map(|replica| replica.state().volume.storage().clone())
    }

    /// Returns the replicas of storages whose folders have disappeared since the last time, which
    /// are not replicas any more.
    pub(crate) fn lose_volumes(&self) -> Vec<(DatanodeStorage, Vec<Block>)> {
        let lost = self.volumes.find_failures();
        let mut replicas = self.replicas();
        let lost = lost.into_iter().map(|volume| {
            let mut blocks = Vec::new();
            replicas.retain(|_, replica| {
                let mut state = replica.state();
                if !Arc::ptr_eq(&state.volume, &volume) {
                    return true;
                }
                state.stop_writer();
                blocks.push(replica.block(&state));
                false
            });
            (volume.storage().clone(), blocks)
        });
        lost.collect()
    }

    /// Stops the writers of all replicas: their next writes fail.
    pub(crate) fn evict_writers(&self) {
        let replicas: Vec<_> = self.replicas().values().cloned().collect();
        for replica in replicas {
            let mut state = replica.state();
            if state.replica_state == ReplicaState::Rbw {
                state.stop_writer();
            }
        }
    }

    /// Returns the number of bytes of the replicas in every storage that works.
    pub(crate) fn used(&self) -> Vec<(DatanodeStorage, u64)> {
        let storages = self.volumes.working().map(|volume| volume.storage());
        let mut used: Vec<_> = storages.map(|it| (it.clone(), 0_u64)).collect();
        let replicas: Vec<_> = self.replicas().values().cloned().collect();
        for replica in replicas {
            let state = replica.state();
            let storage = state.volume.storage();
            if let Some((_, used)) = used.iter_mut().find(|(of, _)| of == storage) {
                *used = used.saturating_add(state.bytes_on_disk);
            }
        }
        used
    }

    /// Returns the folder of every storage that works.
    pub(crate) fn folders(&self) -> Vec<StorageFolder> {
        let working = self.volumes.working();
        working.map(|volume| volume.folder.clone()).collect()
    }

    /// Returns the number of bytes of a replica that readers may see.
    pub(crate) fn visible_length(&self, block: Block) -> Result<u64, HdfsError> {
        let replica = self.get(block)?;
        let state = replica.state();
        if state.generation_stamp < block.generation_stamp {
            return Err(HdfsError::io(format!(
                "Replica generation stamp < block generation stamp, block={}, replica={}",
                self.name(block),
                replica.describe(&state)
            )));
        }
        state.visible_length().ok_or_else(|| self.not_found(block))
    }

    /// Deletes a replica with this generation stamp or an older one. Returns the deleted replica
    /// and its storage, if there was any.
    pub(crate) fn delete(
        &self,
        block: Block,
    ) -> Result<Option<(Block, DatanodeStorage)>, HdfsError> {
        let removed = {
            let mut replicas = self.replicas();
            match replicas.get(&block.id) {
                Some(replica) if replica.state().generation_stamp <= block.generation_stamp => {
                    replicas.remove(&block.id)
                }
                _ => None,
            }
        };
        let Some(replica) = removed else {
            return Ok(None);
        };
        let mut state = replica.state();
        state.stop_writer();
        let deleted = (replica.block(&state), state.volume.storage().clone());
        replica
            .remove_files(&state)
            .map_err(|error| self.failed("delete", block, &error))?;
        Ok(Some(deleted))
    }

    /// Formats `<pool>:blk_<id>_<generation stamp>`.
    pub(crate) fn name(&self, block: Block) -> String {
        format!("{}:{block}", self.block_pool)
    }

    fn get(&self, block: Block) -> Result<Arc<Replica>, HdfsError> {
        self.replicas()
            .get(&block.id)
            .cloned()
            .ok_or_else(|| self.not_found(block))
    }

    fn not_found(&self, block: Block) -> HdfsError {
        HdfsError::replica_not_found(format!("Replica not found for {}", self.name(block)))
    }

    fn failed(&self, what: &str, block: Block, error: &io::Error) -> HdfsError {
        HdfsError::io(format!("Cannot {what} {}: {error}", self.name(block)))
    }

    fn replicas(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Replica>>> {
        // Every change of the map is a single insertion or removal, so a panic leaves it
        // consistent.
        self.replicas.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(super) mod tests;
