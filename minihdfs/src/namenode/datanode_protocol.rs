//! The calls of DataNodes: DatanodeProtocol.

use std::sync::Arc;

use kerbox_events::{Event, Server, StateChange};
use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::namenode::blocks::DatanodeIndex;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::service::NameNode;
use crate::namenode::storage::LAYOUT_VERSION;
use crate::protocol::{
    BadBlock, BlockStatus, BlockSynchronization, DatanodeCommand, DatanodeError, DatanodeProtocol,
    DatanodeRegistration, DatanodeStorage, ExportedBlockKeys, HeartbeatReport, NamespaceInfo,
    ReceivedDeletedBlock, ReportedReplica, StorageInfo, WorkSignal,
};

impl NameNode {
    /// Returns the identity of the namespace, which its DataNodes keep: that of its files; if there
    /// are none, one made of the name of the block pool.
    pub(super) fn storage_info(&self) -> StorageInfo {
        if let Some(files) = self.storage() {
            let info = files.info();
            return StorageInfo {
                layout_version: info.layout_version,
                namespace_id: info.namespace_id,
                cluster_id: info.cluster_id.into(),
                c_time: info.c_time,
            };
        }
        let pool = &self.block_pool_id;
        let number = pool.split('-').nth(1).and_then(|it| it.parse().ok());
        StorageInfo {
            layout_version: LAYOUT_VERSION,
            namespace_id: number.unwrap_or_default(),
            cluster_id: format!("CID-{pool}").into(),
            c_time: self.formatted.as_millis(),
        }
    }
}

impl DatanodeProtocol for NameNode {
    fn version_request(&self) -> NamespaceInfo {
        NamespaceInfo {
            block_pool_id: Arc::clone(&self.block_pool_id),
            storage: self.storage_info(),
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
        let (number, changed) = {
            let mut ns = self.lock();
            let key = keys.as_ref().map(|keys| keys.current);
            let index = ns.blocks.datanodes.register(now, datanode, key)?;
            let changed = ns.blocks.follow_lists(now, index);
            let changed = changed.map(|changed| ns.admin_event(changed));
            (ns.blocks.datanodes.number(index), changed)
        };
        self.hook.record(
            now,
            Event::State {
                server: Server::DataNode(number),
                change: StateChange::Registered,
                subject: "".into(),
            },
        );
        if let Some(event) = changed {
            self.hook.record(now, event);
        }
        self.reported(now, self.lock());
        Ok(keys)
    }

    fn send_heartbeat(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        report: &HeartbeatReport,
    ) -> Result<Vec<DatanodeCommand>, HdfsError> {
        let mut ns = self.lock();
        ns.blocks.datanodes.check_allowed(now, datanode)?;
        let answered = ns.blocks.heartbeat(now, &datanode.uuid, report)?;
        let Some(index) = answered else {
            return Ok(vec![DatanodeCommand::Register]);
        };
        if ns.safe_mode.is_on() {
            // Replicas are neither copied nor deleted; the commands wait until safe mode ends.
            return Ok(Vec::new());
        }
        let mut commands = ns.blocks.datanodes.take_commands(index);
        // The DataNode has known the key since the last update, when it was the next one. So it is
        // early enough to send the new next one with a heartbeat.
        if self.config.uses_block_tokens() {
            let newest = self.block_tokens.current_key_id();
            if ns.blocks.datanodes.needs_block_key(index, newest) {
                commands.push(DatanodeCommand::UpdateKeys(self.block_tokens.export_keys()));
            }
        }
        Ok(commands)
    }

    fn block_report(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        storage: &DatanodeStorage,
        replicas: &[ReportedReplica],
    ) -> Result<Option<DatanodeCommand>, HdfsError> {
        let mut ns = self.lock();
        let from = registered(&ns, datanode)?;
        let at = ns.blocks.datanodes.storage(from, storage)?;
        ns.blocks.report(now, (from, at), replicas);
        self.reported(now, ns);
        // Harmless to a DataNode without an upgrade, as Hadoop's answer is.
        let finalized = self.is_upgrade_finalized();
        Ok(finalized.then_some(DatanodeCommand::Finalize))
    }

    fn block_received_and_deleted(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        storage: &DatanodeStorage,
        blocks: &[ReceivedDeletedBlock],
    ) -> Result<(), HdfsError> {
        let mut ns = self.lock();
        let from = registered(&ns, datanode)?;
        let at = ns.blocks.datanodes.storage(from, storage)?;
        for changed in blocks {
            let block = changed.block;
            match changed.status {
                BlockStatus::Receiving => ns.blocks.writing(from, block),
                BlockStatus::Received => {
                    let hint = changed.delete_hint.as_deref();
                    let replaced = hint.and_then(|uuid| ns.blocks.datanodes.index(uuid));
                    ns.blocks.received_instead(now, (from, at), block, replaced);
                }
                BlockStatus::Deleted => ns.blocks.deleted(now, (from, at), block),
            }
        }
        self.reported(now, ns);
        Ok(())
    }

    fn error_report(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        error: DatanodeError,
        message: &str,
    ) -> Result<(), HdfsError> {
        let mut ns = self.lock();
        let from = registered(&ns, datanode)?;
        let datanode = ns.blocks.datanodes.number(from);
        tracing::warn!(datanode, ?error, message, "a DataNode reports a problem");
        if error == DatanodeError::FatalDiskError {
            ns.blocks.bury(now, &[from]);
        }
        Ok(())
    }

    fn report_bad_blocks(&self, now: Timestamp, blocks: &[BadBlock]) -> Result<(), HdfsError> {
        let mut ns = self.lock();
        for BadBlock {
            block, datanode, ..
        } in blocks
        {
            let at = ns
                .blocks
                .datanodes
                .index(datanode)
                .ok_or_else(|| unregistered(datanode))?;
            ns.blocks.mark_corrupt(now, at, block.id);
        }
        Ok(())
    }

    fn commit_block_synchronization(
        &self,
        now: Timestamp,
        synchronization: &BlockSynchronization,
    ) -> Result<(), HdfsError> {
        let mut ns = self.lock();
        if ns.safe_mode.is_on() {
            let what = format_args!("Cannot commitBlockSynchronization while in safe mode");
            return Err(self.in_safe_mode(&ns, what));
        }
        ns.finish_recovery(now, synchronization)
    }

    fn attach_signal(&self, datanode: &DatanodeRegistration, signal: &Arc<WorkSignal>) {
        let mut ns = self.lock();
        ns.blocks.datanodes.attach_signal(&datanode.uuid, signal);
    }
}

fn registered(
    ns: &Namesystem,
    datanode: &DatanodeRegistration,
) -> Result<DatanodeIndex, HdfsError> {
    let index = ns.blocks.datanodes.index(&datanode.uuid);
    index.ok_or_else(|| unregistered(&datanode.uuid))
}

fn unregistered(datanode: &str) -> HdfsError {
    HdfsError::new(
        "org.apache.hadoop.hdfs.server.protocol.UnregisteredNodeException",
        format!("Data node {datanode} is not registered: it has to register first"),
    )
}
