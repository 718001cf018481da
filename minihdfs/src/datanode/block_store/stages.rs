//! Finding or creating the replica for each stage of a write pipeline (Hadoop's `FsDatasetImpl`).

use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::check::FileState;
use super::replica::{Replica, State, java_name};
use super::{BlockStore, Place, ReplicaState, ReplicaWriter};
use crate::HdfsError;
use crate::datanode::checksum::DataChecksum;
use crate::protocol::Block;
use crate::token::StorageType;

impl BlockStore {
    /// PIPELINE_SETUP_CREATE: creates a replica for a client, in a storage of this type.
    pub(crate) fn create_rbw(
        self: &Arc<Self>,
        block: Block,
        checksum: DataChecksum,
        kind: StorageType,
    ) -> Result<ReplicaWriter, HdfsError> {
        let rbw = (ReplicaState::Rbw, Place::Rbw);
        self.create(block, checksum, kind, rbw, |_| false)
    }

    /// Replication between DataNodes: creates a replica that readers do not see before it is
    /// complete. Replaces an older, incomplete one.
    pub(crate) fn create_temporary(
        self: &Arc<Self>,
        block: Block,
        checksum: DataChecksum,
        kind: StorageType,
    ) -> Result<ReplicaWriter, HdfsError> {
        let temporary = (ReplicaState::Temporary, Place::Temporary);
        self.create(block, checksum, kind, temporary, |state| {
            let unfinished = [ReplicaState::Temporary, ReplicaState::Rbw];
            unfinished.contains(&state.replica_state)
                && state.generation_stamp < block.generation_stamp
        })
    }

    /// TRANSFER_RBW and TRANSFER_FINALIZED: like a replication, but replaces any older replica,
    /// because the pipeline has moved on without it.
    pub(crate) fn create_transferred(
        self: &Arc<Self>,
        block: Block,
        checksum: DataChecksum,
        kind: StorageType,
    ) -> Result<ReplicaWriter, HdfsError> {
        let temporary = (ReplicaState::Temporary, Place::Temporary);
        self.create(block, checksum, kind, temporary, |state| {
            state.generation_stamp < block.generation_stamp
        })
    }

    fn create(
        self: &Arc<Self>,
        block: Block,
        checksum: DataChecksum,
        kind: StorageType,
        (replica_state, place): (ReplicaState, Place),
        gives_way: impl Fn(&State) -> bool,
    ) -> Result<ReplicaWriter, HdfsError> {
        let volume = self.volumes.choose(kind)?;
        let mut replicas = self.replicas();
        let entry = replicas.entry(block.id);
        if let Entry::Occupied(existing) = &entry {
            let mut state = existing.get().state();
            if !gives_way(&state) {
                return Err(HdfsError::replica_already_exists(format!(
                    "Block {} already exists in state {} and thus cannot be created.",
                    self.name(block),
                    java_name(state.replica_state)
                )));
            }
            state.stop_writer();
            existing
                .get()
                .remove_files(&state)
                .map_err(|error| self.failed("replace", block, &error))?;
        }
        if let Entry::Occupied(existing) = entry {
            existing.remove();
        }
        let replica = Replica::create(volume, block, replica_state, place, checksum)
            .map_err(|error| self.failed("create", block, &error))?;
        let replica = Arc::new(replica);
        replicas.insert(block.id, replica.clone());
        Ok(ReplicaWriter::new(self.clone(), replica, 0, checksum))
    }

    /// PIPELINE_SETUP_APPEND: reopens a finalized replica under a new generation stamp.
    pub(crate) fn append(
        self: &Arc<Self>,
        block: Block,
        new_stamp: u64,
        expected_length: u64,
        checksum: DataChecksum,
    ) -> Result<ReplicaWriter, HdfsError> {
        if new_stamp < block.generation_stamp {
            return Err(HdfsError::io(format!(
                "The new generation stamp {new_stamp} should be greater than the replica {}'s generation stamp",
                self.name(block)
            )));
        }
        let replica = self.get(block)?;
        let mut state = replica.state();
        if state.replica_state != ReplicaState::Finalized {
            return Err(self.unsuitable(
                "Cannot append to an unfinalized replica",
                &replica,
                &state,
            ));
        }
        if state.generation_stamp != block.generation_stamp {
            return Err(self.unsuitable(
                "Cannot append to a replica with unexpected generation stamp",
                &replica,
                &state,
            ));
        }
        self.check_length(&replica, &state, expected_length)?;
        self.check_checksum(&replica, &state, checksum)?;
        self.reopen(&replica, &mut state, new_stamp, checksum)
    }

    /// PIPELINE_SETUP_APPEND_RECOVERY: retries a failed append. The replica may be in the state
    /// before or after the first attempt.
    pub(crate) fn recover_append(
        self: &Arc<Self>,
        block: Block,
        new_stamp: u64,
        expected_length: u64,
        checksum: DataChecksum,
    ) -> Result<ReplicaWriter, HdfsError> {
        let replica = self.get(block)?;
        let mut state = replica.state();
        self.check_recoverable(&replica, &state, block, new_stamp)?;
        self.check_length(&replica, &state, expected_length)?;
        self.check_checksum(&replica, &state, checksum)?;
        state.stop_writer();
        self.reopen(&replica, &mut state, new_stamp, checksum)
    }

    /// PIPELINE_SETUP_STREAMING_RECOVERY: rebuilds a broken pipeline. Unacknowledged packets are
    /// sent again.
    pub(crate) fn recover_rbw(
        self: &Arc<Self>,
        block: Block,
        new_stamp: u64,
        (min_bytes, max_bytes): (u64, u64),
        checksum: DataChecksum,
    ) -> Result<ReplicaWriter, HdfsError> {
        let replica = self.get(block)?;
        let mut state = replica.state();
        if state.replica_state != ReplicaState::Rbw {
            return Err(self.unsuitable("Cannot recover a non-RBW replica", &replica, &state));
        }
        self.check_stamp(&replica, &state, block, new_stamp)?;
        if state.bytes_acked < min_bytes || state.bytes_on_disk > max_bytes {
            return Err(self.unsuitable(
                &format!(
                    "Unmatched length replica: BytesAcked = {}, BytesRcvd = {}, expected between {min_bytes} and {max_bytes};",
                    state.bytes_acked, state.bytes_on_disk
                ),
                &replica,
                &state,
            ));
        }
        self.check_checksum(&replica, &state, checksum)?;
        state.stop_writer();
        let acked = state.bytes_acked;
        if state.bytes_on_disk > acked {
            replica
                .truncate(&mut state, acked)
                .map_err(|error| self.failed("recover", block, &error))?;
        }
        self.reopen(&replica, &mut state, new_stamp, checksum)
    }

    /// PIPELINE_CLOSE_RECOVERY: finalizes the replica. Only the end of the pipeline failed, so
    /// there is nothing left to write.
    pub(crate) fn recover_close(
        &self,
        block: Block,
        new_stamp: u64,
        expected_length: u64,
    ) -> Result<Block, HdfsError> {
        let replica = self.get(block)?;
        let mut state = replica.state();
        self.check_recoverable(&replica, &state, block, new_stamp)?;
        self.check_length(&replica, &state, expected_length)?;
        replica
            .finalize(&mut state, new_stamp)
            .map_err(|error| self.failed("finalize", block, &error))?;
        Ok(replica.block(&state))
    }

    /// Returns the replica under the new generation stamp, with the caller as its writer.
    fn reopen(
        self: &Arc<Self>,
        replica: &Arc<Replica>,
        state: &mut State,
        new_stamp: u64,
        checksum: DataChecksum,
    ) -> Result<ReplicaWriter, HdfsError> {
        let number = replica
            .relocate(state, Place::Rbw, new_stamp)
            .and_then(|()| replica.attach_writer(state))
            .map_err(|error| self.failed("open", replica.block(state), &error))?;
        state.replica_state = ReplicaState::Rbw;
        Ok(ReplicaWriter::new(
            self.clone(),
            replica.clone(),
            number,
            checksum,
        ))
    }

    fn check_recoverable(
        &self,
        replica: &Replica,
        state: &State,
        block: Block,
        new_stamp: u64,
    ) -> Result<(), HdfsError> {
        if !matches!(
            state.replica_state,
            ReplicaState::Finalized | ReplicaState::Rbw
        ) {
            return Err(self.unsuitable(
                "Cannot append to a replica that is neither FINALIZED nor RBW",
                replica,
                state,
            ));
        }
        self.check_stamp(replica, state, block, new_stamp)
    }

    fn check_stamp(
        &self,
        replica: &Replica,
        state: &State,
        block: Block,
        new_stamp: u64,
    ) -> Result<(), HdfsError> {
        if (block.generation_stamp..=new_stamp).contains(&state.generation_stamp) {
            return Ok(());
        }
        Err(self.unsuitable(
            &format!(
                "Cannot append to a replica with unexpected generation stamp, expected between {} and {new_stamp}",
                block.generation_stamp
            ),
            replica,
            state,
        ))
    }

    /// Fails if the chunk size differs from the replica's, or if the replica has lost bytes on disk
    /// (Hadoop's `LocalReplicaInPipeline.createStreams`). Called before anything is changed.
    fn check_checksum(
        &self,
        replica: &Replica,
        state: &State,
        requested: DataChecksum,
    ) -> Result<(), HdfsError> {
        if requested.bytes_per_checksum() != state.checksum.bytes_per_checksum() {
            return Err(HdfsError::io(format!(
                "Client requested checksum {} when appending to an existing block with different chunk size: {}",
                requested.describe(),
                state.checksum.describe()
            )));
        }
        let files = replica
            .file_state(state)
            .map_err(|error| self.failed("open", replica.block(state), &error))?;
        if files == FileState::Intact {
            return Ok(());
        }
        Err(HdfsError::io(format!(
            "Corrupted block: {}:{}",
            self.block_pool,
            replica.describe(state)
        )))
    }

    fn check_length(
        &self,
        replica: &Replica,
        state: &State,
        expected: u64,
    ) -> Result<(), HdfsError> {
        if state.bytes_on_disk == expected {
            return Ok(());
        }
        Err(HdfsError::io(format!(
            "Corrupted replica {} with a length of {} expected length is {expected}",
            self.name(replica.block(state)),
            state.bytes_on_disk
        )))
    }

    fn unsuitable(&self, why: &str, replica: &Replica, state: &State) -> HdfsError {
        HdfsError::replica_not_found(format!(
            "{why} {}:{}",
            self.block_pool,
            replica.describe(state)
        ))
    }
}
