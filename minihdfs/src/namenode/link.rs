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
        let ns = &mut *guard;
        let from = ns
            .datanodes
            .index(datanode)
            .ok_or_else(|| unregistered(datanode))?;
        for replica in replicas {
            let (block, datanodes) = (replica.block, &mut ns.datanodes);
            if ns.blocks.is_known_corrupt(from, block) {
                // A replica known to be corrupt stays corrupt when it is reported again.
            } else if replica.state == ReplicaState::Finalized {
                let rng = &mut ns.rng;
                ns.blocks.received(now, from, block, datanodes, rng);
            } else {
                ns.blocks.writing(from, block, datanodes);
            }
        }
        let reported: BTreeSet<u64> = replicas.iter().map(|replica| replica.block.id).collect();
        ns.blocks.forget_unreported(
            now,
            from,
            |id| reported.contains(&id),
            &mut ns.datanodes,
            &mut ns.rng,
        );
        // An additional DataNode may have room for under-replicated blocks.
        ns.blocks.check_all(now, &mut ns.datanodes, &mut ns.rng);
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
        let ns = &mut *guard;
        let from = ns
            .datanodes
            .index(datanode)
            .ok_or_else(|| unregistered(datanode))?;
        match status {
            BlockStatus::Receiving => ns.blocks.writing(from, block, &mut ns.datanodes),
            BlockStatus::Received => {
                ns.blocks
                    .received(now, from, block, &mut ns.datanodes, &mut ns.rng);
            }
            BlockStatus::Deleted => {
                ns.blocks
                    .deleted(now, from, block, &mut ns.datanodes, &mut ns.rng);
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
        let ns = &mut *guard;
        let at = ns
            .datanodes
            .index(datanode)
            .ok_or_else(|| unregistered(datanode))?;
        ns.blocks
            .mark_corrupt(now, at, block.id, &mut ns.datanodes, &mut ns.rng);
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
