//! DataNodes that reach each other in one process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::DataNode;
use crate::HdfsError;
use crate::protocol::{DatanodePeers, DatanodeRegistration, InterDatanodeProtocol};

/// The DataNodes of one process, by uuid.
#[derive(Default)]
pub struct LocalPeers(Mutex<BTreeMap<Arc<str>, Weak<DataNode>>>);

impl LocalPeers {
    /// Adds a DataNode, in place of an earlier one with the same uuid.
    pub fn add(&self, node: &Arc<DataNode>) {
        let uuid = Arc::clone(&node.registration().uuid);
        self.nodes().insert(uuid, Arc::downgrade(node));
    }

    fn nodes(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Weak<DataNode>>> {
        // Entries are inserted in a single step, so a panic elsewhere leaves the map valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DatanodePeers for LocalPeers {
    fn connect(
        &self,
        datanode: &DatanodeRegistration,
    ) -> Result<Arc<dyn InterDatanodeProtocol>, HdfsError> {
        let node = self.nodes().get(&datanode.uuid).and_then(Weak::upgrade);
        match node {
            Some(node) => Ok(node),
            None => Err(HdfsError::io(format!(
                "DataNode {} at {} is gone",
                datanode.uuid,
                datanode.transfer_address()
            ))),
        }
    }

    fn number(&self, uuid: &str) -> Option<usize> {
        let node = self.nodes().get(uuid).and_then(Weak::upgrade);
        node.map(|node| node.number())
    }
}
