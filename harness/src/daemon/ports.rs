//! The ports of a DataNode in a process of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use kerbox_krb5::Clock;
use minihdfs::config::HdfsConfig;
use minihdfs::datanode::DataNode;
use minihdfs::protocol::DatanodeRegistration;
use minihdfs::rpc::RpcEndpoint;
use tokio::runtime::Handle;

#[cfg(feature = "web")]
use super::web::HttpPort;
use crate::servers::listen::listen;
use crate::servers::running::Running;
use crate::{Error, Server};

/// Its bound ports, which are not served yet.
pub(super) struct Ports {
    transfer: TcpListener,
    rpc: TcpListener,
    #[cfg(feature = "web")]
    http: HttpPort,
    /// The address of DataTransferProtocol.
    pub(super) address: SocketAddr,
    rpc_port: u16,
}

impl Ports {
    /// Binds the ports. Those for data and RPC are any that are free.
    pub(super) fn bind(config: &HdfsConfig) -> Result<Self, Error> {
        let any_port = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
        let server = Server::DataNode(1);
        let (transfer, address) = listen(server, any_port)?;
        let (rpc, rpc_address) = listen(server, any_port)?;
        #[cfg(not(feature = "web"))]
        let _ = config;
        Ok(Self {
            transfer,
            rpc,
            #[cfg(feature = "web")]
            http: HttpPort::bind(config)?,
            address,
            rpc_port: rpc_address.port(),
        })
    }

    /// Returns what the NameNode hears of the DataNode.
    pub(super) fn registration(&self, uuid: Arc<str>) -> DatanodeRegistration {
        DatanodeRegistration {
            uuid,
            ip: self.address.ip(),
            host_name: "localhost".into(),
            transfer_port: self.address.port(),
            ipc_port: self.rpc_port,
            #[cfg(feature = "web")]
            info_port: self.http.port(),
            #[cfg(not(feature = "web"))]
            info_port: 0,
            info_secure_port: 0,
        }
    }

    /// Serves all of them. `namenode` is where the calls of WebHDFS go, and `seed` that of the
    /// limits' randomness.
    pub(super) fn serve(
        self,
        node: &Arc<DataNode>,
        endpoint: RpcEndpoint,
        (namenode, config): (SocketAddr, &HdfsConfig),
        (clock, seed): (&Clock, u64),
        runtime: &Handle,
    ) -> Result<Vec<Running>, Error> {
        #[cfg(feature = "web")]
        let http = Some(self.http.serve(node, namenode, config, runtime)?);
        #[cfg(not(feature = "web"))]
        let (http, _) = (None, (namenode, config));
        let transfer = Running::start(runtime, |shutdown| {
            minihdfs::datanode::serve(Arc::clone(node), self.transfer, shutdown)
        });
        let rpc = Running::start(runtime, |shutdown| {
            minihdfs::rpc::serve(Arc::new(endpoint), self.rpc, clock.clone(), seed, shutdown)
        });
        Ok([transfer, rpc].into_iter().chain(http).collect())
    }
}
