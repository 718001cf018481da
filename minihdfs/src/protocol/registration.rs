//! The identities of a namespace and of a DataNode.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The identity of a NameNode's or DataNode's storage (`StorageInfoProto`). DataNodes belong to the
/// NameNode with the same namespace, cluster and time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StorageInfo {
    /// The version of the files' format, a negative number.
    pub layout_version: i32,
    /// The number of the namespace.
    pub namespace_id: u32,
    /// The name of the cluster.
    pub cluster_id: Arc<str>,
    /// The time at which the namespace was formatted or upgraded last, in milliseconds since the
    /// epoch.
    pub c_time: i64,
}

impl StorageInfo {
    /// Returns what must be the same for a NameNode and its DataNodes
    /// (`Storage.getRegistrationID`).
    #[must_use]
    pub fn registration_id(&self) -> String {
        let (namespace, cluster) = (self.namespace_id, &self.cluster_id);
        format!("NS-{namespace}-{cluster}-{}", self.c_time)
    }
}

impl fmt::Display for StorageInfo {
    /// Formats it as Hadoop does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "lv={};cid={};nsid={};c={}",
            self.layout_version, self.cluster_id, self.namespace_id, self.c_time
        )
    }
}

/// A NameNode's namespace (`NamespaceInfoProto`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NamespaceInfo {
    /// The id of its block pool: `BP-<random>-<ip>-<ms>`.
    pub block_pool_id: Arc<str>,
    /// The identity of its storage.
    pub storage: StorageInfo,
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
    /// The HTTPS port; 0 if there is none.
    pub info_secure_port: u16,
}

impl DatanodeRegistration {
    /// Returns the address of the DataTransferProtocol.
    #[must_use]
    pub fn transfer_address(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.transfer_port)
    }
}
