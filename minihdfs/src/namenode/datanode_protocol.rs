//! The calls of DataNodes: DatanodeProtocol.

use std::collections::BTreeSet;
use std::sync::Arc;

use kerbox_events::{Event, Server, StateChange};
use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::namenode::datanode_manager::DatanodeIndex;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::service::NameNode;
use crate::protocol::{
    BadBlock, BlockStatus, BlockSynchronization, DatanodeCommand, DatanodeError, DatanodeProtocol,
    DatanodeRegistration, ExportedBlockKeys, NamespaceInfo, ReceivedDeletedBlock, ReplicaState,
    ReportedReplica, StorageReport, WorkSignal,
};

impl DatanodeProtocol for NameNode {
    fn version_request(&self) -> NamespaceInfo {
        NamespaceInfo {
            block_pool_id: Arc::clone(&self.block_pool_id),
        }
    }

    fn register_datanode(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
    ) -> Result<Option<ExportedBlockKeys>, HdfsError> {
        let keys = self
            .config
            .uses_block_tokens()
            .then(|| self.block_tokens.export_keys());
        let number = {
            let mut ns = self.lock();
            let key = keys.as_ref().map(|keys| keys.current);
            let index = ns.datanodes.register(now, datanode, key);
            ns.datanodes.number(index)
        };
        self.hook.record(
            now,
            Event::State {
                server: Server::DataNode(number),
                change: StateChange::Registered,
                subject: "".into(),
            },
        );
        Ok(keys)
    }

    fn send_heartbeat(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        report: &StorageReport,
    ) -> Result<Vec<DatanodeCommand>, HdfsError> {
        let mut ns = self.lock();
        let answered = ns.datanodes.heartbeat(now, &datanode.uuid, report);
        let Some((index, mut commands)) = answered else {
            return Ok(vec![DatanodeCommand::Register]);
        };
        // The DataNode has known the key since the last update, when it was the next one. So it is
        // early enough to send the new next one with a heartbeat.
        if self.config.uses_block_tokens() {
            let newest = self.block_tokens.current_key_id();
            if ns.datanodes.needs_block_key(index, newest) {
                commands.push(DatanodeCommand::UpdateKeys(self.block_tokens.export_keys()));
            }
        }
        Ok(commands)
    }

    fn block_report(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        storage_id: &str,
        replicas: &[ReportedReplica],
    ) -> Result<(), HdfsError> {
        let mut guard = self.lock();
        let ns = &mut *guard;
        let from = registered(ns, datanode)?;
        ns.datanodes.set_storage(from, storage_id);
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

    fn block_received_and_deleted(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        _storage_id: &str,
        blocks: &[ReceivedDeletedBlock],
    ) -> Result<(), HdfsError> {
        let mut guard = self.lock();
        let ns = &mut *guard;
        let from = registered(ns, datanode)?;
        for ReceivedDeletedBlock { block, status } in blocks.iter().copied() {
            let (datanodes, rng) = (&mut ns.datanodes, &mut ns.rng);
            match status {
                BlockStatus::Receiving => ns.blocks.writing(from, block, datanodes),
                BlockStatus::Received => ns.blocks.received(now, from, block, datanodes, rng),
                BlockStatus::Deleted => ns.blocks.deleted(now, from, block, datanodes, rng),
            }
        }
        Ok(())
    }

    fn error_report(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        error: DatanodeError,
        message: &str,
    ) -> Result<(), HdfsError> {
        let mut guard = self.lock();
        let ns = &mut *guard;
        let from = registered(ns, datanode)?;
        let datanode = ns.datanodes.number(from);
        tracing::warn!(datanode, ?error, message, "a DataNode reports a problem");
        if error == DatanodeError::FatalDiskError {
            ns.datanodes.bury(from);
            ns.blocks.check_all(now, &mut ns.datanodes, &mut ns.rng);
        }
        Ok(())
    }

    fn report_bad_blocks(&self, now: Timestamp, blocks: &[BadBlock]) -> Result<(), HdfsError> {
        let mut guard = self.lock();
        let ns = &mut *guard;
        for BadBlock { block, datanode } in blocks {
            let at = ns
                .datanodes
                .index(datanode)
                .ok_or_else(|| unregistered(datanode))?;
            let (datanodes, rng) = (&mut ns.datanodes, &mut ns.rng);
            ns.blocks.mark_corrupt(now, at, block.id, datanodes, rng);
        }
        Ok(())
    }

    fn commit_block_synchronization(
        &self,
        now: Timestamp,
        synchronization: &BlockSynchronization,
    ) -> Result<(), HdfsError> {
        self.lock().finish_recovery(now, synchronization)
    }

    fn attach_signal(&self, datanode: &DatanodeRegistration, signal: &Arc<WorkSignal>) {
        let mut ns = self.lock();
        ns.datanodes.attach_signal(&datanode.uuid, signal);
    }
}

fn registered(
    ns: &Namesystem,
    datanode: &DatanodeRegistration,
) -> Result<DatanodeIndex, HdfsError> {
    let index = ns.datanodes.index(&datanode.uuid);
    index.ok_or_else(|| unregistered(&datanode.uuid))
}

fn unregistered(datanode: &str) -> HdfsError {
    HdfsError::new(
        "org.apache.hadoop.hdfs.server.protocol.UnregisteredNodeException",
        format!("Data node {datanode} is not registered: it has to register first"),
    )
}
