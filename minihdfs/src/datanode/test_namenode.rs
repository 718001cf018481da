//! A NameNode for tests that stores reports and delivers commands.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Poll, Waker};

use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::protocol::{
    Block, BlockStatus, BlockSynchronization, DatanodeCommand, DatanodeLink, DatanodeRegistration,
    NameNodeLink, ReportedReplica, StorageReport,
};

pub(super) const POOL: &str = "BP-1-127.0.0.1-1";

#[derive(Default)]
pub(super) struct TestNameNode {
    told: Mutex<Vec<(String, BlockStatus)>>,
    bad: Mutex<Vec<String>>,
    commands: Mutex<BTreeMap<String, Vec<DatanodeCommand>>>,
    synchronization: Mutex<Option<BlockSynchronization>>,
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

impl NameNodeLink for TestNameNode {
    fn block_pool_id(&self) -> Arc<str> {
        POOL.into()
    }

    fn register(
        &self,
        _: Timestamp,
        _: &DatanodeRegistration,
        _: Weak<dyn DatanodeLink>,
    ) -> Result<(), HdfsError> {
        Ok(())
    }

    fn block_report(&self, _: Timestamp, _: &str, _: &[ReportedReplica]) -> Result<(), HdfsError> {
        Ok(())
    }

    fn heartbeat(
        &self,
        _: Timestamp,
        datanode: &str,
        _: StorageReport,
    ) -> Result<Vec<DatanodeCommand>, HdfsError> {
        Ok(self
            .commands
            .lock()
            .expect("whole")
            .remove(datanode)
            .unwrap_or_default())
    }

    fn block_received_and_deleted(
        &self,
        _: Timestamp,
        datanode: &str,
        _: Block,
        status: BlockStatus,
    ) -> Result<(), HdfsError> {
        self.told
            .lock()
            .expect("whole")
            .push((datanode.to_owned(), status));
        self.changed();
        Ok(())
    }

    fn report_bad_block(&self, _: Timestamp, datanode: &str, _: Block) -> Result<(), HdfsError> {
        self.bad.lock().expect("whole").push(datanode.to_owned());
        self.changed();
        Ok(())
    }

    fn commit_block_synchronization(
        &self,
        _: Timestamp,
        synchronization: BlockSynchronization,
    ) -> Result<(), HdfsError> {
        *self.synchronization.lock().expect("whole") = Some(synchronization);
        Ok(())
    }
}
