//! Block recovery by the primary DataNode (Hadoop's `BlockRecoveryWorker`).

use std::sync::Arc;

use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::error::Class;
use crate::protocol::{
    BlockSynchronization, DatanodePeers, DatanodeProtocol, DatanodeRegistration,
    InterDatanodeProtocol, RecoveredReplica, RecoveringBlock, ReplicaState, ReportedReplica,
};

/// A DataNode that has the block, and its replica.
struct Candidate {
    location: DatanodeRegistration,
    datanode: Arc<dyn InterDatanodeProtocol>,
    replica: ReportedReplica,
}

/// Makes all DataNodes that have the block agree on its length, and reports the result to the
/// NameNode.
pub(crate) fn recover_block(
    now: Timestamp,
    recovery: &RecoveringBlock,
    namenode: &dyn DatanodeProtocol,
    peers: &dyn DatanodePeers,
) -> Result<(), HdfsError> {
    let (candidates, failures) = find_candidates(recovery, peers)?;
    if let Some(failure) = failures.last()
        && failures.len() == recovery.locations.len()
    {
        return Err(HdfsError::io(format!(
            "All datanodes failed: block={}, the last one: {failure}",
            recovery.block
        )));
    }
    let mut synchronization = BlockSynchronization {
        block: recovery.block,
        new_generation_stamp: recovery.recovery_id,
        new_length: 0,
        delete_block: true,
        new_targets: Vec::new(),
    };
    if candidates.is_empty() {
        return namenode.commit_block_synchronization(now, &synchronization);
    }
    let (length, candidates) = agree(candidates, recovery.truncate_to)?;
    let new_id = recovery.copy_to.unwrap_or(recovery.block.id);
    let mut last_failure = None;
    for candidate in candidates {
        let Candidate {
            location,
            datanode,
            replica: ReportedReplica { block, .. },
        } = candidate;
        match datanode.update_replica_under_recovery(block, recovery.recovery_id, new_id, length) {
            Ok(storage_id) => synchronization.new_targets.push(RecoveredReplica {
                datanode: location,
                storage_id,
            }),
            Err(error) => last_failure = Some(error),
        }
    }
    if let (true, Some(error)) = (synchronization.new_targets.is_empty(), last_failure) {
        return Err(error);
    }
    synchronization.new_length = length;
    synchronization.delete_block = false;
    namenode.commit_block_synchronization(now, &synchronization)
}

/// Stops all writers of the block. An attempt that finds a later one is abandoned.
fn find_candidates(
    recovery: &RecoveringBlock,
    peers: &dyn DatanodePeers,
) -> Result<(Vec<Candidate>, Vec<HdfsError>), HdfsError> {
    let (mut candidates, mut failures) = (Vec::new(), Vec::new());
    for location in &recovery.locations {
        let datanode = match peers.connect(location) {
            Ok(datanode) => datanode,
            Err(error) => {
                failures.push(error);
                continue;
            }
        };
        match datanode.init_replica_recovery(recovery.block, recovery.recovery_id) {
            Ok(Some(replica))
                if replica.block.generation_stamp >= recovery.block.generation_stamp
                    && replica.block.length > 0 =>
            {
                candidates.push(Candidate {
                    location: location.clone(),
                    datanode,
                    replica,
                });
            }
            Ok(_) => {}
            Err(error) if *error.kind() == Class::RecoveryInProgress => {
                return Err(error);
            }
            Err(error) => failures.push(error),
        }
    }
    Ok((candidates, failures))
}

/// Chooses the block's length and the replicas to keep: the finalized ones if there are any, with
/// replicas being written that have the same length; otherwise those in the best state.
fn agree(
    candidates: Vec<Candidate>,
    truncate_to: Option<u64>,
) -> Result<(u64, Vec<Candidate>), HdfsError> {
    let finalized = |candidate: &Candidate| candidate.replica.state == ReplicaState::Finalized;
    let length = |candidate: &Candidate| candidate.replica.block.length;
    if let Some(wanted) = truncate_to {
        let kept: Vec<_> = candidates
            .into_iter()
            .filter(|candidate| length(candidate) >= wanted)
            .collect();
        if kept.is_empty() {
            return Err(HdfsError::io(format!(
                "No replica has the {wanted} bytes that the block is to be cut to"
            )));
        }
        return Ok((wanted, kept));
    }
    if let Some(first) = candidates.iter().find(|candidate| finalized(candidate)) {
        let agreed = length(first);
        if candidates
            .iter()
            .any(|candidate| finalized(candidate) && length(candidate) != agreed)
        {
            return Err(HdfsError::io(format!(
                "Inconsistent size of finalized replicas: {:?}",
                candidates
                    .iter()
                    .map(|candidate| candidate.replica)
                    .collect::<Vec<_>>()
            )));
        }
        let keep = |candidate: &Candidate| {
            finalized(candidate)
                || candidate.replica.state == ReplicaState::Rbw && length(candidate) == agreed
        };
        return Ok((agreed, candidates.into_iter().filter(keep).collect()));
    }
    // RBW is better than RWR. The length is the one that all replicas in that state have.
    let being_written = candidates
        .iter()
        .any(|candidate| candidate.replica.state == ReplicaState::Rbw);
    let best = if being_written {
        ReplicaState::Rbw
    } else {
        ReplicaState::Rwr
    };
    let kept: Vec<_> = candidates
        .into_iter()
        .filter(|candidate| candidate.replica.state == best)
        .collect();
    let agreed = kept.iter().map(length).min().unwrap_or_default();
    Ok((agreed, kept))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::datanode::test_namenode::TestNameNode;
    use crate::protocol::{Block, DatanodeRegistration};

    const BLOCK: Block = Block {
        id: 7,
        generation_stamp: 1001,
        length: 0,
    };

    /// A DataNode that has a replica, or fails.
    struct Node {
        replica: Result<Option<ReportedReplica>, HdfsError>,
        updated: Mutex<Option<u64>>,
        copied_to: Mutex<Option<u64>>,
    }

    /// The nodes by the numbers that are their uuids.
    struct Peers(Vec<Arc<Node>>);

    impl DatanodePeers for Peers {
        fn connect(
            &self,
            datanode: &DatanodeRegistration,
        ) -> Result<Arc<dyn InterDatanodeProtocol>, HdfsError> {
            let number: usize = datanode.uuid.parse().expect("a number");
            Ok(Arc::clone(&self.0[number]) as _)
        }
    }

    impl InterDatanodeProtocol for Node {
        fn init_replica_recovery(
            &self,
            _block: Block,
            _recovery_id: u64,
        ) -> Result<Option<ReportedReplica>, HdfsError> {
            self.replica.clone()
        }

        fn update_replica_under_recovery(
            &self,
            block: Block,
            _recovery_id: u64,
            new_block_id: u64,
            new_length: u64,
        ) -> Result<Arc<str>, HdfsError> {
            *self.copied_to.lock().expect("whole") =
                Some(new_block_id).filter(|id| *id != block.id);
            *self.updated.lock().expect("whole") = Some(new_length);
            Ok("DS".into())
        }
    }

    fn has(state: ReplicaState, length: u64) -> Result<Option<ReportedReplica>, HdfsError> {
        Ok(Some(ReportedReplica {
            block: Block { length, ..BLOCK },
            state,
        }))
    }

    /// Runs a recovery. Returns the report to the NameNode, and the length to which each DataNode
    /// truncated its replica.
    fn recover(
        replicas: Vec<Result<Option<ReportedReplica>, HdfsError>>,
        truncate_to: Option<u64>,
    ) -> Result<(BlockSynchronization, Vec<Option<u64>>), HdfsError> {
        let (told, updated, _) = recover_into(replicas, truncate_to, None)?;
        Ok((told, updated))
    }

    /// A recovery's report, and for each DataNode the length of its replica and the block that it
    /// copied the bytes to.
    type Recovered = (BlockSynchronization, Vec<Option<u64>>, Vec<Option<u64>>);

    fn recover_into(
        replicas: Vec<Result<Option<ReportedReplica>, HdfsError>>,
        truncate_to: Option<u64>,
        copy_to: Option<u64>,
    ) -> Result<Recovered, HdfsError> {
        let nodes: Vec<_> = replicas
            .into_iter()
            .map(|replica| {
                Arc::new(Node {
                    replica,
                    updated: Mutex::default(),
                    copied_to: Mutex::default(),
                })
            })
            .collect();
        let location = |index: usize| DatanodeRegistration {
            uuid: index.to_string().into(),
            ip: [127, 0, 0, 1].into(),
            host_name: "localhost".into(),
            transfer_port: 0,
            ipc_port: 0,
            info_port: 0,
            info_secure_port: 0,
        };
        let recovery = RecoveringBlock {
            block: BLOCK,
            recovery_id: 1005,
            truncate_to,
            copy_to,
            locations: (0..nodes.len()).map(location).collect(),
        };
        let namenode = TestNameNode::default();
        let peers = Peers(nodes);
        recover_block(Timestamp::EPOCH, &recovery, &namenode, &peers)?;
        let told = namenode.synchronization().expect("told");
        let nodes = peers.0.iter();
        let updated = nodes
            .clone()
            .map(|node| *node.updated.lock().expect("whole"));
        let copied = nodes.map(|node| *node.copied_to.lock().expect("whole"));
        Ok((told, updated.collect(), copied.collect()))
    }

    fn uuids(synchronization: &BlockSynchronization) -> Vec<&str> {
        let targets = synchronization.new_targets.iter();
        targets.map(|target| &*target.datanode.uuid).collect()
    }

    #[test]
    fn replicas_being_written_are_cut_to_what_all_have() {
        let replicas = vec![
            has(ReplicaState::Rbw, 900),
            has(ReplicaState::Rbw, 700),
            has(ReplicaState::Rwr, 100),
        ];
        let (told, updated) = recover(replicas, None).expect("recoverable");
        assert_eq!(
            (
                told.new_length,
                told.new_generation_stamp,
                told.delete_block
            ),
            (700, 1005, false)
        );
        assert_eq!(updated, [Some(700), Some(700), None]);
        assert_eq!(uuids(&told), ["0", "1"]);
    }

    #[test]
    fn a_finalized_replica_decides_and_takes_those_of_its_length_along() {
        let replicas = vec![
            has(ReplicaState::Rbw, 900),
            has(ReplicaState::Finalized, 700),
            has(ReplicaState::Rbw, 700),
        ];
        let (told, updated) = recover(replicas, None).expect("recoverable");
        assert_eq!(told.new_length, 700);
        assert_eq!(updated, [None, Some(700), Some(700)]);
        let contradicting = vec![
            has(ReplicaState::Finalized, 900),
            has(ReplicaState::Finalized, 700),
        ];
        assert!(recover(contradicting, None).is_err());
    }

    #[test]
    fn a_block_that_nobody_has_a_byte_of_is_dropped() {
        let (told, _) =
            recover(vec![Ok(None), has(ReplicaState::Rbw, 0)], None).expect("recoverable");
        assert!(told.delete_block && told.new_targets.is_empty() && told.new_length == 0);
    }

    #[test]
    fn dead_datanodes_are_passed_over_unless_all_are() {
        let dead = || Err(HdfsError::io("does not run"));
        let (told, _) =
            recover(vec![dead(), has(ReplicaState::Rbw, 5)], None).expect("one is left");
        assert_eq!(uuids(&told), ["1"]);
        let error = recover(vec![dead(), dead()], None).expect_err("none is left");
        assert!(
            error.message().starts_with("All datanodes failed"),
            "{error}"
        );
    }

    #[test]
    fn a_later_recovery_wins() {
        let refused = Err(HdfsError::recovery_in_progress("a later one"));
        let error = recover(vec![has(ReplicaState::Rbw, 5), refused], None).expect_err("gives way");
        assert_eq!(error.message(), "a later one");
    }

    #[test]
    fn a_truncation_cuts_to_its_own_length() {
        let replicas = vec![
            has(ReplicaState::Finalized, 900),
            has(ReplicaState::Finalized, 900),
        ];
        let (told, updated) = recover(replicas, Some(300)).expect("longer than that");
        assert_eq!(
            (told.new_length, updated),
            (300, vec![Some(300), Some(300)])
        );
        assert!(recover(vec![has(ReplicaState::Finalized, 200)], Some(300)).is_err());
    }

    #[test]
    fn a_block_that_a_snapshot_shows_is_copied_and_stays() {
        let replicas = vec![
            has(ReplicaState::Finalized, 900),
            Err(HdfsError::io("does not run")),
        ];
        let (told, updated, copied) = recover_into(replicas, Some(300), Some(9)).expect("copied");
        assert_eq!((told.block.id, told.new_length), (BLOCK.id, 300));
        assert_eq!(updated, [Some(300), None]);
        assert_eq!(copied, [Some(9), None]);
    }
}
