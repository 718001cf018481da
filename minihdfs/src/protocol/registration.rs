//! The identities of a namespace and of a DataNode.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A NameNode's namespace (`NamespaceInfoProto`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamespaceInfo {
    /// The id of its block pool: `BP-<random>-<ip>-<ms>`.
    pub block_pool_id: Arc<str>,
}

/// The identity and the addresses of a DataNode (`DatanodeRegistrationProto`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DatanodeRegistration {
    /// Its identity, which survives restarts.
    pub uuid: Arc<str>,
    /// The address for clients.
    pub ip: IpAddr,
    /// Its host name, for clients with `dfs.client.use.datanode.hostname`.
    pub host_name: Arc<str>,
    /// The port of the DataTransferProtocol.
    pub transfer_port: u16,
    /// The port of ClientDatanodeProtocol.
    pub ipc_port: u16,
    /// The HTTP port; 0 if there is none.
    pub info_port: u16,
}

impl DatanodeRegistration {
    /// Returns the address of the DataTransferProtocol.
    #[must_use]
    pub fn transfer_address(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.transfer_port)
    }
}
