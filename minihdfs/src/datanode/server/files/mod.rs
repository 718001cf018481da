//! Whole files, read and written by a DataNode as a client of HDFS (Hadoop's `DFSClient`). WebHDFS
//! clients leave that to the DataNode.
//!
//! The DataNode calls the NameNode's RPC port with the user's token, and the DataNodes' data ports
//! with the block tokens that it gets there. So every check and fault of those ports applies.
//!
//! - [`FileClient`]: one user's calls
//! - [`FileReader`], and `block_reader`; [`FileWriter`], and `block_writer`
//! - `pipeline_recovery`: writing on without a DataNode that has failed
//! - `checksum`: the checksum of a file; `salvage`: what is left of a corrupt one

mod block_reader;
mod block_writer;
mod checksum;
mod pipeline_recovery;
mod reader;
mod salvage;
mod writer;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use prost::Message;

use crate::HdfsError;
use crate::datanode::node::DataNode;
use crate::datanode::server::connection::Connection;
use crate::datanode::server::faults::dial;
use crate::proto::hdfs::DatanodeIdProto;
use crate::rpc::client::driver::{RpcClient, RpcTarget};
use crate::rpc::client::{ClientSettings, Identity, RpcError};
use crate::token::Token;

pub(crate) use crate::datanode::checksum::DataChecksum;
pub(crate) use checksum::FileChecksum;
pub(crate) use reader::FileReader;
pub(crate) use salvage::{Files, salvage};
pub(crate) use writer::FileWriter;

const CLIENT_PROTOCOL: (&str, u64) = ("org.apache.hadoop.hdfs.protocol.ClientProtocol", 1);

/// One user's client.
pub(crate) struct FileClient {
    node: Arc<DataNode>,
    rpc: RpcClient,
    identity: Identity,
    settings: Arc<ClientSettings>,
    /// The holder of leases.
    name: String,
}

impl FileClient {
    /// Creates a client that connects to the NameNode when it makes its first call.
    pub(crate) fn new(
        node: &Arc<DataNode>,
        namenode: SocketAddr,
        identity: Identity,
        settings: Arc<ClientSettings>,
    ) -> Self {
        let target = RpcTarget {
            address: namenode,
            protocol: CLIENT_PROTOCOL,
            identity: identity.clone(),
            settings: Arc::clone(&settings),
            tickets: None,
        };
        let rpc = node.with_rng(|rng| RpcClient::new(target, node.clock.clone(), rng));
        let id: String = rpc
            .client_id()
            .iter()
            .take(8)
            .map(|b| format!("{b:02x}"))
            .collect();
        Self {
            node: Arc::clone(node),
            rpc,
            identity,
            settings,
            name: format!("DFSClient_NONMAPREDUCE_{id}_1"),
        }
    }

    /// Calls a method of ClientProtocol.
    async fn call<A: Message + Default>(
        &self,
        method: &str,
        request: &impl Message,
    ) -> Result<A, HdfsError> {
        let called = self.rpc.call(method, request).await;
        called.map_err(|error| exception(&error))
    }

    /// Connects to the data port of a DataNode.
    async fn connect(&self, to: &DatanodeIdProto, token: &Token) -> io::Result<Connection> {
        reach(&self.node, &to.datanode_uuid).await?;
        Connection::connect(&self.node, to, token).await
    }
}

/// Fails if a fault keeps `node` from reaching the DataNode with this uuid, unless that is itself.
async fn reach(node: &DataNode, uuid: &str) -> io::Result<()> {
    if !node.hook.watching() || node.peers.number(uuid) == Some(node.number()) {
        return Ok(());
    }
    dial(node, uuid).await
}

/// Returns the exception of a call, without the server's stack trace.
fn exception(error: &RpcError) -> HdfsError {
    match error.remote() {
        Some(remote) => HdfsError::new(remote.class(), remote.message()),
        None => error.to_exception(),
    }
}
