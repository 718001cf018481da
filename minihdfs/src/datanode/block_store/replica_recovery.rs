//! Block recovery of one replica (InterDatanodeProtocol).

use super::replica::{Replica, State, java_name};
use super::{BlockStore, ReplicaState};
use crate::HdfsError;
use crate::protocol::{Block, ReportedReplica};

impl BlockStore {
    /// Stops the writer and puts the replica under recovery. Returns its earlier state, or `None`
    /// if there is no replica.
    ///
    /// # Errors
    /// Fails with `RecoveryInProgressException` after a recovery with this id or a later one, and
    /// with an IOException if the replica is stale.
    pub(crate) fn init_recovery(
        &self,
        block: Block,
        recovery_id: u64,
    ) -> Result<Option<ReportedReplica>, HdfsError> {
        let Ok(replica) = self.get(block) else {
            return Ok(None);
        };
        let mut state = replica.state();
        if state.replica_state == ReplicaState::Temporary {
            return Ok(None);
        }
        if state.generation_stamp >= recovery_id
            || state
                .recovery
                .is_some_and(|(present, _)| present >= recovery_id)
        {
            let present = state
                .recovery
                .map_or(state.generation_stamp, |(present, _)| present);
            return Err(HdfsError::recovery_in_progress(format!(
                "rur.getRecoveryID() >= recoveryId = {recovery_id}, block={}: it is at {present}",
                self.name(block)
            )));
        }
        if state.generation_stamp < block.generation_stamp {
            return Err(HdfsError::io(format!(
                "replica.getGenerationStamp() < block.getGenerationStamp(), block={}, replica={}",
                self.name(block),
                replica.describe(&state)
            )));
        }
        state.stop_writer();
        let before = state
            .recovery
            .map_or(state.replica_state, |(_, before)| before);
        state.recovery = Some((recovery_id, before));
        state.replica_state = ReplicaState::Rur;
        Ok(Some(ReportedReplica {
            block: replica.block(&state),
            state: before,
        }))
    }

    /// Finishes this replica's part of a recovery: truncates it to the agreed length and finalizes
    /// it. If the new block is another, that gets the bytes, and the replica stays as it is.
    pub(crate) fn update_under_recovery(
        &self,
        block: Block,
        recovery_id: u64,
        new_block_id: u64,
        new_length: u64,
    ) -> Result<(), HdfsError> {
        let replica = self.get(block)?;
        let copies = new_block_id != block.id;
        if copies {
            self.check_under_recovery(&replica, &replica.state(), recovery_id, new_length)?;
            let source = replica.source();
            let source = source.map_err(|error| self.failed("open", block, &error))?;
            let copy = Block {
                id: new_block_id,
                generation_stamp: recovery_id,
                length: new_length,
            };
            self.copy(&source, copy)?;
        }
        let mut state = replica.state();
        self.check_under_recovery(&replica, &state, recovery_id, new_length)?;
        let failed = |error| self.failed("recover", block, &error);
        let finalized = state.recovery.map(|(_, before)| before) == Some(ReplicaState::Finalized);
        let (length, generation_stamp) = if copies {
            (state.bytes_on_disk, state.generation_stamp)
        } else {
            (new_length, recovery_id)
        };
        // A writer may have left bytes after those that have checksums.
        if length < state.bytes_on_disk || !finalized {
            replica.truncate(&mut state, length).map_err(failed)?;
        }
        replica
            .finalize(&mut state, generation_stamp)
            .map_err(failed)
    }

    /// Fails unless a replica is under this recovery and has so many bytes.
    fn check_under_recovery(
        &self,
        replica: &Replica,
        state: &State,
        recovery_id: u64,
        new_length: u64,
    ) -> Result<(), HdfsError> {
        if state.recovery.map(|(id, _)| id) != Some(recovery_id) {
            return Err(HdfsError::io(format!(
                "replica {} in state {} is not under recovery {recovery_id}",
                self.name(replica.block(state)),
                java_name(state.replica_state)
            )));
        }
        if new_length > state.bytes_on_disk {
            return Err(HdfsError::io(format!(
                "The new length {new_length} exceeds the {} bytes of {}",
                state.bytes_on_disk,
                self.name(replica.block(state))
            )));
        }
        Ok(())
    }
}
