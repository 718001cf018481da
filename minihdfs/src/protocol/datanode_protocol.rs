//! DatanodeProtocol: the NameNode as its DataNodes call it.

use std::sync::Arc;

use kerbox_krb5::Timestamp;

use super::{
    BadBlock, BlockSynchronization, DatanodeCommand, DatanodeError, DatanodeRegistration,
    DatanodeStorage, ExportedBlockKeys, HeartbeatReport, NamespaceInfo, ReceivedDeletedBlock,
    ReportedReplica, WorkSignal,
};
use crate::HdfsError;

/// A NameNode as its DataNodes call it.
///
/// A DataNode calls it without holding its own locks. Calls from a DataNode that is not registered
/// fail with `UnregisteredNodeException`, except a heartbeat, whose response orders it to register.
pub trait DatanodeProtocol: Send + Sync {
    /// Describes the namespace that the DataNode is about to serve.
    fn version_request(&self) -> NamespaceInfo;

    /// Registers a DataNode that starts or returns. Returns the block keys; `None` if block tokens
    /// are not used. A [`block_report`](Self::block_report) must follow immediately.
    fn register_datanode(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
    ) -> Result<Option<ExportedBlockKeys>, HdfsError>;

    /// Reports usage and load, every 3 s and whenever the [signal](Self::attach_signal) is raised.
    /// Returns the pending commands.
    fn send_heartbeat(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        report: &HeartbeatReport,
    ) -> Result<Vec<DatanodeCommand>, HdfsError>;

    /// Reports all replicas in one of the DataNode's storages. Returns a command.
    fn block_report(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        storage: &DatanodeStorage,
        replicas: &[ReportedReplica],
    ) -> Result<Option<DatanodeCommand>, HdfsError>;

    /// Reports changes of replicas in one of its storages. A finalized replica is reported before
    /// the writer's last packet is acknowledged, so that the following `complete` or `addBlock`
    /// finds it.
    fn block_received_and_deleted(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        storage: &DatanodeStorage,
        blocks: &[ReceivedDeletedBlock],
    ) -> Result<(), HdfsError>;

    /// Reports a problem of the DataNode. A NameNode declares a DataNode dead that can store
    /// nothing any more.
    fn error_report(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        error: DatanodeError,
        message: &str,
    ) -> Result<(), HdfsError>;

    /// Reports replicas that do not match their checksums.
    fn report_bad_blocks(&self, now: Timestamp, blocks: &[BadBlock]) -> Result<(), HdfsError>;

    /// Finishes a recovery that the NameNode ordered.
    ///
    /// # Errors
    /// Fails if the block is not under recovery, or is under a later one.
    fn commit_block_synchronization(
        &self,
        now: Timestamp,
        synchronization: &BlockSynchronization,
    ) -> Result<(), HdfsError>;

    /// Lets a NameNode in the same process raise `signal` when urgent commands wait for the
    /// DataNode. Hadoop has no such call: there, and in the default implementation, commands wait
    /// for the next heartbeat. In a fixture a test would wait with them.
    fn attach_signal(&self, datanode: &DatanodeRegistration, signal: &Arc<WorkSignal>) {
        let _ = (datanode, signal);
    }
}
