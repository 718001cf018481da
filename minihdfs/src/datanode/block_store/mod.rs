//! The replicas of one DataNode, in files that a person can find, read and damage.
//!
//! - `layout`: folders, names, meta files
//! - `replica`: one replica and its states
//! - [`ReplicaWriter`]: stores packets; [`ReplicaReader`]: produces packets
//! - `stages`: finding or creating the replica for each stage of a write pipeline
//! - `replica_recovery`: block recovery; `check`: replicas whose files were removed or truncated
//!
//! Methods do their file IO synchronously, because the page cache usually answers. Locks are held
//! for one packet at most.

mod check;
mod layout;
mod reader;
mod replica;
mod replica_recovery;
mod stages;
mod writer;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use check::Damage;
pub(crate) use reader::{ReadRange, ReplicaReader};
pub(crate) use writer::{ReplicaWriter, WriteError};

use crate::HdfsError;
use crate::protocol::{Block, ReplicaState, ReportedReplica};
use layout::{Layout, Place};
use replica::Replica;

/// The replicas of one DataNode (Hadoop's `FsDatasetImpl` with one volume).
#[derive(Debug)]
pub(crate) struct BlockStore {
    block_pool: Arc<str>,
    layout: Layout,
    replicas: Mutex<BTreeMap<u64, Arc<Replica>>>,
}

impl BlockStore {
    /// Opens the folder with the replicas of an earlier run. Those that were being written wait for
    /// recovery.
    pub(crate) fn open(directory: &Path, block_pool: Arc<str>) -> io::Result<Self> {
        let layout = Layout::create(directory, &block_pool)?;
        layout.clear_temporary()?;
        let mut replicas = BTreeMap::<u64, Arc<Replica>>::new();
        for (place, id, generation_stamp) in layout.scan()? {
            let replica = match Replica::load(&layout, place, id, generation_stamp) {
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
        Ok(Self {
            block_pool,
            layout,
            replicas: Mutex::new(replicas),
        })
    }

    /// Returns true if the folder of the replicas can be used.
    pub(crate) fn is_usable(&self) -> bool {
        self.layout.is_there()
    }

    /// Returns every replica, for a block report.
    pub(crate) fn report(&self) -> Vec<ReportedReplica> {
        let replicas: Vec<_> = self.replicas().values().cloned().collect();
        let reported = replicas.iter().map(|replica| replica.report());
        reported
            .filter(|replica| replica.state != ReplicaState::Temporary)
            .collect()
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

    /// Returns the total number of bytes of the replicas.
    pub(crate) fn used(&self) -> u64 {
        let replicas: Vec<_> = self.replicas().values().cloned().collect();
        replicas
            .iter()
            .map(|replica| replica.state().bytes_on_disk)
            .sum()
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

    /// Deletes a replica with this generation stamp or an older one. Returns the deleted replica,
    /// if any.
    pub(crate) fn delete(&self, block: Block) -> Result<Option<Block>, HdfsError> {
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
        let deleted = replica.block(&state);
        replica
            .remove_files(&self.layout, &state)
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
mod tests;
