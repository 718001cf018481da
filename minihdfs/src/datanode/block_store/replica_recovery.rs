//! Block recovery of one replica (InterDatanodeProtocol).

use super::replica::java_name;
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
    /// it.
    pub(crate) fn update_under_recovery(
        &self,
        block: Block,
        recovery_id: u64,
        new_length: u64,
    ) -> Result<(), HdfsError> {
        let replica = self.get(block)?;
        let mut state = replica.state();
        if state.recovery.map(|(id, _)| id) != Some(recovery_id) {
            return Err(HdfsError::io(format!(
                "replica {} in state {} is not under recovery {recovery_id}",
                self.name(replica.block(&state)),
                java_name(state.replica_state)
            )));
        }
        if new_length > state.bytes_on_disk {
            return Err(HdfsError::io(format!(
                "The new length {new_length} exceeds the {} bytes of {}",
                state.bytes_on_disk,
                self.name(replica.block(&state))
            )));
        }
        let failed = |error| self.failed("recover", block, &error);
        let finalized = state.recovery.map(|(_, before)| before) == Some(ReplicaState::Finalized);
        // A writer may have left bytes after those that have checksums.
        if new_length < state.bytes_on_disk || !finalized {
            replica
                .truncate(&self.layout, &mut state, new_length)
                .map_err(failed)?;
        }
        replica
            .finalize(&self.layout, &mut state, recovery_id)
            .map_err(failed)
    }
}
