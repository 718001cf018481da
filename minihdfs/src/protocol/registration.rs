//! The identity and addresses of a DataNode.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The registration of a DataNode (`DatanodeRegistrationProto`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DatanodeRegistration {
    /// The number of the DataNode in the fixture, counted from 1 like its folder `dn1`.
    pub number: usize,
    /// Its identity, which survives restarts.
    pub uuid: Arc<str>,
    /// The id of its one storage (`DS-…`), of type DISK.
    pub storage_id: Arc<str>,
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
