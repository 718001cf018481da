//! Other servers that a DataNode calls, as far as faults let it reach them.

use std::convert::Infallible;
use std::sync::Arc;

use kerbox_events::{Event, Ruling, rule};
use kerbox_krb5::Timestamp;

use super::node::DataNode;
use crate::HdfsError;
use crate::protocol::{
    DatanodePeers, DatanodeProtocol, DatanodeRegistration, InterDatanodeProtocol,
};

impl DataNode {
    /// Returns the NameNode, for a call of this method. Consults the faults first.
    ///
    /// # Errors
    /// Fails if the NameNode cannot be reached.
    pub(super) fn namenode(
        &self,
        now: Timestamp,
        method: &'static str,
    ) -> Result<&dyn DatanodeProtocol, HdfsError> {
        let event = |_| Event::Report {
            datanode: self.number(),
            method,
        };
        match rule::<Infallible>(&*self.hook, now, event) {
            Ruling::End(_) => Err(unreachable(&format!(
                "DataNode {} cannot call {method} of the NameNode",
                self.number()
            ))),
            Ruling::Go(_) | Ruling::Hold(_) | Ruling::Refuse(_) => Ok(&*self.namenode),
        }
    }

    /// Consults the faults about reaching the DataNode with this uuid.
    pub(super) fn dial(&self, now: Timestamp, uuid: &str) -> Ruling<Infallible> {
        let event = |_| Event::Dial {
            datanode: self.number(),
            to: self.peers.number(uuid),
        };
        rule(&*self.hook, now, event)
    }

    /// Returns the other DataNodes, as far as they can be reached. These calls are made in the same
    /// process and do not wait for a fault.
    pub(super) fn peers_at(&self, now: Timestamp) -> impl DatanodePeers + use<'_> {
        Peers { node: self, now }
    }
}

struct Peers<'a> {
    node: &'a DataNode,
    now: Timestamp,
}

impl DatanodePeers for Peers<'_> {
    fn connect(
        &self,
        datanode: &DatanodeRegistration,
    ) -> Result<Arc<dyn InterDatanodeProtocol>, HdfsError> {
        match self.node.dial(self.now, &datanode.uuid) {
            Ruling::End(_) => Err(unreachable(&format!(
                "DataNode {} cannot reach the one at {}",
                self.node.number(),
                datanode.transfer_address()
            ))),
            Ruling::Go(_) | Ruling::Hold(_) | Ruling::Refuse(_) => {
                self.node.peers.connect(datanode)
            }
        }
    }
}

fn unreachable(what: &str) -> HdfsError {
    HdfsError::connect(format!("{what}: No route to host"))
}
