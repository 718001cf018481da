//! Compares replicas with their files, which may have been removed or truncated externally
//! (Hadoop's `DirectoryScanner`, and its `BlockSender`'s handling of missing files).

use std::io;
use std::sync::Arc;

use super::layout;
use super::replica::{Replica, State};
use super::{BlockStore, ReplicaState};
use crate::protocol::{Block, DatanodeStorage};

/// Damage to a replica.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Damage {
    /// One of its files is missing. The replica is dropped and its other file removed from its
    /// storage.
    Lost(Block, DatanodeStorage),
    /// One of its files has the wrong length.
    Corrupt(Block),
}

/// The state of a replica's two files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FileState {
    Intact,
    Missing,
    WrongLength,
}

impl BlockStore {
    /// Returns the ids of all replicas.
    pub(crate) fn ids(&self) -> Vec<u64> {
        self.replicas().keys().copied().collect()
    }

    /// Compares a replica with its files. Returns `None` if there is no such replica, or it is
    /// undamaged.
    ///
    /// # Errors
    /// Fails if the files cannot be examined, or the remaining one cannot be removed.
    pub(crate) fn check_files(&self, id: u64) -> io::Result<Option<Damage>> {
        let Some(replica) = self.replicas().get(&id).cloned() else {
            return Ok(None);
        };
        let mut state = replica.state();
        if state.replica_state == ReplicaState::Temporary {
            return Ok(None);
        }
        let block = replica.block(&state);
        match replica.file_state(&state)? {
            FileState::Intact => Ok(None),
            FileState::WrongLength => Ok(Some(Damage::Corrupt(block))),
            FileState::Missing => {
                state.stop_writer();
                replica.remove_files(&state)?;
                let storage = state.volume.storage().clone();
                drop(state);
                self.forget(&replica);
                Ok(Some(Damage::Lost(block, storage)))
            }
        }
    }

    /// Removes the replica from the map, unless another one has replaced it.
    pub(super) fn forget(&self, replica: &Arc<Replica>) {
        let mut replicas = self.replicas();
        if replicas
            .get(&replica.id)
            .is_some_and(|known| Arc::ptr_eq(known, replica))
        {
            replicas.remove(&replica.id);
        }
    }
}

impl Replica {
    /// Compares the lengths of the files with the state. Files of a replica being written may be
    /// longer, because of a packet that was only partly stored.
    pub(super) fn file_state(&self, state: &State) -> io::Result<FileState> {
        let layout = &state.volume.layout;
        let data = layout.data(state.place, self.id);
        let meta = layout.meta(state.place, self.id, state.generation_stamp);
        let lengths = layout::length_of_file(&data)
            .and_then(|data| Ok((data, layout::length_of_file(&meta)?)));
        let (data, meta) = match lengths {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FileState::Missing),
            lengths => lengths?,
        };
        let expected = layout::meta_length(state.checksum, state.bytes_on_disk);
        let finalized = state.replica_state == ReplicaState::Finalized;
        let intact = meta >= expected
            && (data == state.bytes_on_disk || !finalized && data > state.bytes_on_disk);
        Ok(if intact {
            FileState::Intact
        } else {
            FileState::WrongLength
        })
    }
}
