//! Moves of replicas between the storages of a DataNode (`FsDatasetImpl.moveBlockAcrossStorage`).

use std::io;
use std::path::Path;

use super::layout::{self, Layout, Place};
use super::{BlockStore, ReplicaState};
use crate::HdfsError;
use crate::protocol::Block;
use crate::token::StorageType;

impl BlockStore {
    /// Moves a finalized replica to a storage of this type, and returns it.
    ///
    /// # Errors
    /// Fails if the replica is in such a storage already or is not finalized, if there is no such
    /// storage, and if its files cannot be copied; then it stays where it is.
    pub(crate) fn move_across(&self, block: Block, kind: StorageType) -> Result<Block, HdfsError> {
        let replica = self.get(block)?;
        let mut state = replica.state();
        if state.replica_state != ReplicaState::Finalized
            || state.generation_stamp != block.generation_stamp
        {
            return Err(HdfsError::replica_not_found(format!(
                "Replica is not finalized: {}",
                replica.describe(&state)
            )));
        }
        if state.volume.storage().kind == kind {
            return Err(HdfsError::replica_already_exists(format!(
                "Replica {} already exists on storage {}",
                replica.describe(&state),
                kind.as_str_name()
            )));
        }
        let volume = self.volumes.choose(kind)?;
        let stamp = state.generation_stamp;
        copy(&state.volume.layout, &volume.layout, block.id, stamp)
            .map_err(|error| self.failed("move", block, &error))?;
        if let Err(error) = replica.remove_files(&state) {
            tracing::warn!(%block, %error, "a replica that was moved stays on disk as well");
        }
        state.volume = volume;
        Ok(replica.block(&state))
    }
}

/// Copies the files of a finalized replica by way of the folder for unfinished ones.
fn copy(from: &Layout, to: &Layout, id: u64, stamp: u64) -> io::Result<()> {
    let files = [
        |layout: &Layout, place, id, _| layout.data(place, id),
        |layout: &Layout, place, id, stamp| layout.meta(place, id, stamp),
    ];
    std::fs::create_dir_all(to.folder(Place::Finalized, id))?;
    for path in files {
        let (old, new) = (
            path(from, Place::Finalized, id, stamp),
            path(to, Place::Temporary, id, stamp),
        );
        copy_new(&old, &new)?;
    }
    for path in files {
        let (unfinished, finished) = (
            path(to, Place::Temporary, id, stamp),
            path(to, Place::Finalized, id, stamp),
        );
        std::fs::rename(unfinished, finished)?;
    }
    Ok(())
}

/// Copies a file, and leaves one that is there already.
fn copy_new(old: &Path, new: &Path) -> io::Result<()> {
    let mut from = layout::open(old, false)?;
    let mut to = std::fs::File::create_new(new)?;
    io::copy(&mut from, &mut to).map(drop)
}
