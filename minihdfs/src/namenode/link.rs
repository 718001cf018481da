//! The in-process connection from DataNodes to the NameNode.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use kerbox_events::{Event, Server};
use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::protocol::{
    Block, BlockStatus, BlockSynchronization, DatanodeCommand, DatanodeLink, DatanodeRegistration,
    NameNodeLink, ReplicaState, ReportedReplica, StorageReport,
};

impl NameNodeLink for NameNode {
    fn block_pool_id(&self) -> Arc<str> {
        Arc::clone(&self.block_pool_id)
    }

    fn register(
        &self,
        now: Timestamp,
        registration: &DatanodeRegistration,
        datanode: Weak<dyn DatanodeLink>,
    ) -> Result<(), HdfsError> {
        self.lock().datanodes.register(now, registration, datanode);
        self.hook.record(
            now,
            Event::State {
                server: Server::DataNode(registration.number),
                change: "registered".into(),
            },
        );
        Ok(())
    }

    fn block_report(
        &self,
        now: Timestamp,
        datanode: &str,
        replicas: &[ReportedReplica],
    ) -> Result<(), HdfsError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let from = state
            .datanodes
            .index(datanode)
            .ok_or_else(|| unregistered(datanode))?;
        for replica in replicas {
            let (block, datanodes) = (replica.block, &mut state.datanodes);
            if state.blocks.is_known_corrupt(from, block) {
                // A replica known to be corrupt stays corrupt when it is reported again.
            } else if replica.state == ReplicaState::Finalized {
                let rng = &mut state.rng;
                state.blocks.received(now, from, block, datanodes, rng);
            } else {
                state.blocks.writing(from, block, datanodes);
            }
        }
        let reported: BTreeSet<u64> = replicas.iter().map(|replica| replica.block.id).collect();
        state.blocks.forget_unreported(
            now,
            from,
            |id| reported.contains(&id),
            &mut state.datanodes,
            &mut state.rng,
        );
        // An additional DataNode may have room for under-replicated blocks.
        state
            .blocks
            .check_all(now, &mut state.datanodes, &mut state.rng);
        Ok(())
    }

    fn heartbeat(
        &self,
        now: Timestamp,
        datanode: &str,
        report: StorageReport,
    ) -> Result<Vec<DatanodeCommand>, HdfsError> {
        let commands = self.lock().datanodes.heartbeat(now, datanode, report);
        Ok(commands.unwrap_or_else(|| vec![DatanodeCommand::Register]))
    }

    fn block_received_and_deleted(
        &self,
        now: Timestamp,
        datanode: &str,
        block: Block,
        status: BlockStatus,
    ) -> Result<(), HdfsError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let from = state
            .datanodes
            .index(datanode)
            .ok_or_else(|| unregistered(datanode))?;
        match status {
            BlockStatus::Receiving => state.blocks.writing(from, block, &mut state.datanodes),
            BlockStatus::Received => {
                state
                    .blocks
                    .received(now, from, block, &mut state.datanodes, &mut state.rng);
            }
            BlockStatus::Deleted => {
                state
                    .blocks
                    .deleted(now, from, block, &mut state.datanodes, &mut state.rng);
            }
        }
        Ok(())
    }

    fn report_bad_block(
        &self,
        now: Timestamp,
        datanode: &str,
        block: Block,
    ) -> Result<(), HdfsError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let at = state
            .datanodes
            .index(datanode)
            .ok_or_else(|| unregistered(datanode))?;
        state
            .blocks
            .mark_corrupt(now, at, block.id, &mut state.datanodes, &mut state.rng);
        Ok(())
    }

    fn commit_block_synchronization(
        &self,
        now: Timestamp,
        synchronization: BlockSynchronization,
    ) -> Result<(), HdfsError> {
        self.lock().finish_recovery(now, &synchronization)
    }
}

fn unregistered(datanode: &str) -> HdfsError {
    HdfsError::new(
        "org.apache.hadoop.hdfs.server.protocol.UnregisteredNodeException",
        format!("Data node {datanode} is not registered: it has to register first"),
    )
}
