//! The way from the DataNodes of a fixture to its NameNode, which may be paused, down, or another
//! one since a restart.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kerbox_krb5::Timestamp;
use minihdfs::HdfsError;
use minihdfs::namenode::NameNode;
use minihdfs::protocol::{
    BadBlock, BlockSynchronization, DatanodeCommand, DatanodeError, DatanodeProtocol,
    DatanodeRegistration, DatanodeStorage, ExportedBlockKeys, HeartbeatReport, NamespaceInfo,
    ReceivedDeletedBlock, ReportedReplica, WorkSignal,
};

/// The NameNode of a fixture, as its DataNodes reach it: only while it serves.
pub(crate) struct NameNodeLink {
    namespace: NamespaceInfo,
    end: Mutex<End>,
}

struct End {
    namenode: Arc<NameNode>,
    reach: Reach,
    /// The places of DataNodes, by uuid.
    places: BTreeMap<Arc<str>, Place>,
}

/// The facts that a NameNode cannot learn from a DataNode.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Its number in events.
    pub(crate) number: usize,
    /// Its location in the network, if it has one of its own.
    pub(crate) rack: Option<String>,
}

impl Place {
    fn set(&self, namenode: &NameNode, uuid: &str) {
        namenode.set_datanode_number(uuid, self.number);
        if let Some(rack) = &self.rack {
            namenode.set_datanode_location(uuid, rack);
        }
    }
}

/// The fate of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It arrives.
    Up,
    /// It gets no answer in time.
    Paused,
    /// It is refused.
    Down,
}

impl NameNodeLink {
    /// Creates the way to a NameNode that does not serve yet.
    pub(crate) fn new(namenode: Arc<NameNode>) -> Self {
        Self {
            namespace: namenode.version_request(),
            end: Mutex::new(End {
                namenode,
                reach: Reach::Down,
                places: BTreeMap::new(),
            }),
        }
    }

    /// Returns the NameNode, or the last one if it does not serve.
    pub(crate) fn namenode(&self) -> Arc<NameNode> {
        Arc::clone(&self.end().namenode)
    }

    /// Sets another NameNode in place of the last one.
    pub(crate) fn replace(&self, namenode: Arc<NameNode>) {
        let mut end = self.end();
        for (uuid, place) in &end.places {
            place.set(&namenode, uuid);
        }
        end.namenode = namenode;
    }

    /// Sets what happens to calls from now on.
    pub(crate) fn set(&self, reach: Reach) {
        self.end().reach = reach;
    }

    /// Sets the place of a DataNode, also for the NameNodes to come.
    pub(crate) fn set_place(&self, uuid: &Arc<str>, place: Place) {
        let mut end = self.end();
        place.set(&end.namenode, uuid);
        end.places.insert(Arc::clone(uuid), place);
    }

    /// Returns the NameNode if a call arrives.
    fn reach(&self) -> Result<Arc<NameNode>, HdfsError> {
        let end = self.end();
        match end.reach {
            Reach::Up => Ok(Arc::clone(&end.namenode)),
            Reach::Paused => Err(HdfsError::socket_timeout(
                "the NameNode is paused and does not answer",
            )),
            Reach::Down => Err(HdfsError::connect("Connection refused: no NameNode runs")),
        }
    }

    fn end(&self) -> MutexGuard<'_, End> {
        // The fields change in single steps, so a panic elsewhere leaves them valid.
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DatanodeProtocol for NameNodeLink {
    fn version_request(&self) -> NamespaceInfo {
        self.namespace.clone()
    }

    fn register_datanode(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
    ) -> Result<Option<ExportedBlockKeys>, HdfsError> {
        self.reach()?.register_datanode(now, datanode)
    }

    fn send_heartbeat(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        report: &HeartbeatReport,
    ) -> Result<Vec<DatanodeCommand>, HdfsError> {
        self.reach()?.send_heartbeat(now, datanode, report)
    }

    fn block_report(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        storage: &DatanodeStorage,
        replicas: &[ReportedReplica],
    ) -> Result<Option<DatanodeCommand>, HdfsError> {
        self.reach()?.block_report(now, datanode, storage, replicas)
    }

    fn block_received_and_deleted(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        storage: &DatanodeStorage,
        blocks: &[ReceivedDeletedBlock],
    ) -> Result<(), HdfsError> {
        self.reach()?
            .block_received_and_deleted(now, datanode, storage, blocks)
    }

    fn error_report(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        error: DatanodeError,
        message: &str,
    ) -> Result<(), HdfsError> {
        self.reach()?.error_report(now, datanode, error, message)
    }

    fn report_bad_blocks(&self, now: Timestamp, blocks: &[BadBlock]) -> Result<(), HdfsError> {
        // ClientProtocol has a method of the same name.
        DatanodeProtocol::report_bad_blocks(&*self.reach()?, now, blocks)
    }

    fn commit_block_synchronization(
        &self,
        now: Timestamp,
        synchronization: &BlockSynchronization,
    ) -> Result<(), HdfsError> {
        self.reach()?
            .commit_block_synchronization(now, synchronization)
    }

    fn attach_signal(&self, datanode: &DatanodeRegistration, signal: &Arc<WorkSignal>) {
        if let Ok(namenode) = self.reach() {
            namenode.attach_signal(datanode, signal);
        }
    }
}
