//! A NameNode for tests that stores reports and delivers commands.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::protocol::{
    BadBlock, BlockStatus, BlockSynchronization, DatanodeCommand, DatanodeError, DatanodeProtocol,
    DatanodeRegistration, DatanodeStorage, ExportedBlockKeys, HeartbeatReport, NamespaceInfo,
    ReceivedDeletedBlock, ReportedReplica, WorkSignal,
};

pub(super) const POOL: &str = "BP-1-127.0.0.1-1";

#[derive(Default)]
pub(super) struct TestNameNode {
    told: Mutex<Vec<(String, BlockStatus)>>,
    bad: Mutex<Vec<String>>,
    errors: Mutex<Vec<(DatanodeError, String)>>,
    keys: Mutex<Option<ExportedBlockKeys>>,
    signals: Mutex<BTreeMap<String, Arc<WorkSignal>>>,
    commands: Mutex<BTreeMap<String, Vec<DatanodeCommand>>>,
    synchronization: Mutex<Option<BlockSynchronization>>,
    is_down: AtomicBool,
    hints: Mutex<Vec<String>>,
    /// The tasks waiting in [`until`](Self::until).
    waiting: Mutex<Vec<Waker>>,
}

impl TestNameNode {
    /// Returns the DataNodes that reported a finalized replica, in order.
    pub(super) fn finalized(&self) -> Vec<String> {
        let told = self.told.lock().expect("whole");
        let received = told
            .iter()
            .filter(|(_, status)| *status == BlockStatus::Received);
        received.map(|(datanode, _)| datanode.clone()).collect()
    }

    /// Returns the DataNodes whose replicas were to be deleted after a move.
    pub(super) fn hints(&self) -> Vec<String> {
        self.hints.lock().expect("whole").clone()
    }

    /// Returns the DataNodes that reported a deleted replica.
    pub(super) fn deleted(&self) -> Vec<String> {
        let told = self.told.lock().expect("whole");
        let deleted = told
            .iter()
            .filter(|(_, status)| *status == BlockStatus::Deleted);
        deleted.map(|(datanode, _)| datanode.clone()).collect()
    }

    /// Returns the DataNodes that reported a corrupt replica.
    pub(super) fn bad(&self) -> Vec<String> {
        self.bad.lock().expect("whole").clone()
    }

    /// Returns the problems that DataNodes reported.
    pub(super) fn errors(&self) -> Vec<(DatanodeError, String)> {
        self.errors.lock().expect("whole").clone()
    }

    /// Sets the block keys for DataNodes that register.
    pub(super) fn set_keys(&self, keys: ExportedBlockKeys) {
        *self.keys.lock().expect("whole") = Some(keys);
    }

    /// Refuses all connections from now on, or accepts them again.
    pub(super) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    fn reached(&self) -> Result<(), HdfsError> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(HdfsError::connect("Connection refused"));
        }
        Ok(())
    }

    /// Returns the DataNodes that have registered.
    pub(super) fn registered(&self) -> Vec<String> {
        self.signals
            .lock()
            .expect("whole")
            .keys()
            .cloned()
            .collect()
    }

    /// Forgets the DataNodes that have registered.
    pub(super) fn forget(&self) {
        self.signals.lock().expect("whole").clear();
    }

    /// Asks the DataNode for a heartbeat.
    pub(super) fn raise_signal(&self, datanode: &str) {
        self.signals.lock().expect("whole")[datanode].raise();
    }

    /// Queues a command for the DataNode's next heartbeat.
    pub(super) fn order(&self, datanode: &str, command: DatanodeCommand) {
        self.commands
            .lock()
            .expect("whole")
            .entry(datanode.to_owned())
            .or_default()
            .push(command);
    }

    /// Returns the result of the last recovery.
    pub(super) fn synchronization(&self) -> Option<BlockSynchronization> {
        self.synchronization.lock().expect("whole").clone()
    }

    /// Waits until the stored reports satisfy `condition`.
    pub(super) async fn until(&self, condition: impl Fn(&Self) -> bool) {
        poll_fn(|context| {
            // Register the waker first, so that no change in between is missed.
            self.waiting
                .lock()
                .expect("whole")
                .push(context.waker().clone());
            if condition(self) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    fn changed(&self) {
        self.waiting
            .lock()
            .expect("whole")
            .drain(..)
            .for_each(Waker::wake);
    }
}

impl DatanodeProtocol for TestNameNode {
    fn version_request(&self) -> NamespaceInfo {
        NamespaceInfo {
            block_pool_id: POOL.into(),
            ..NamespaceInfo::default()
        }
    }

    fn register_datanode(
        &self,
        _: Timestamp,
        _: &DatanodeRegistration,
    ) -> Result<Option<ExportedBlockKeys>, HdfsError> {
        self.reached()?;
        Ok(self.keys.lock().expect("whole").clone())
    }

    fn send_heartbeat(
        &self,
        _: Timestamp,
        datanode: &DatanodeRegistration,
        _: &HeartbeatReport,
    ) -> Result<Vec<DatanodeCommand>, HdfsError> {
        self.reached()?;
        let mut commands = self.commands.lock().expect("whole");
        Ok(commands.remove(&*datanode.uuid).unwrap_or_default())
    }

    fn block_report(
        &self,
        _: Timestamp,
        _: &DatanodeRegistration,
        _: &DatanodeStorage,
        _: &[ReportedReplica],
    ) -> Result<Option<DatanodeCommand>, HdfsError> {
        Ok(None)
    }

    fn block_received_and_deleted(
        &self,
        _: Timestamp,
        datanode: &DatanodeRegistration,
        _: &DatanodeStorage,
        blocks: &[ReceivedDeletedBlock],
    ) -> Result<(), HdfsError> {
        self.reached()?;
        let changes = blocks
            .iter()
            .map(|block| (datanode.uuid.to_string(), block.status));
        self.told.lock().expect("whole").extend(changes);
        let hints = blocks
            .iter()
            .filter_map(|block| block.delete_hint.as_deref());
        let hints = hints.map(str::to_owned);
        self.hints.lock().expect("whole").extend(hints);
        self.changed();
        Ok(())
    }

    fn error_report(
        &self,
        _: Timestamp,
        _: &DatanodeRegistration,
        error: DatanodeError,
        message: &str,
    ) -> Result<(), HdfsError> {
        let report = (error, message.to_owned());
        self.errors.lock().expect("whole").push(report);
        self.changed();
        Ok(())
    }

    fn report_bad_blocks(&self, _: Timestamp, blocks: &[BadBlock]) -> Result<(), HdfsError> {
        let datanodes = blocks.iter().map(|bad| bad.datanode.to_string());
        self.bad.lock().expect("whole").extend(datanodes);
        self.changed();
        Ok(())
    }

    fn commit_block_synchronization(
        &self,
        _: Timestamp,
        synchronization: &BlockSynchronization,
    ) -> Result<(), HdfsError> {
        *self.synchronization.lock().expect("whole") = Some(synchronization.clone());
        Ok(())
    }

    fn attach_signal(&self, datanode: &DatanodeRegistration, signal: &Arc<WorkSignal>) {
        let mut signals = self.signals.lock().expect("whole");
        signals.insert(datanode.uuid.to_string(), Arc::clone(signal));
    }
}
