//! The NameNode of a cluster, and the methods by which a test controls it.

use std::fmt;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;

use kerbox_events::StateChange;
use kerbox_krb5::{Clock, Timestamp};
use kerbox_net::reachable;
use minihdfs::namenode::NameNode;
use minihdfs::rpc::RpcEndpoint;
use tokio::runtime::Handle;

use crate::servers::handle::server_methods;
use crate::servers::listen::listen;
use crate::servers::running::Running;
use crate::servers::slot::{Process, Service, Slot};
use crate::world::{Timed, World};
use crate::{Error, Server};

impl Timed for NameNode {
    fn next_deadline(&self) -> Option<Timestamp> {
        Self::next_deadline(self)
    }

    fn tick(&self, now: Timestamp) {
        Self::tick(self, now);
    }
}

/// The NameNode's RPC port, with its namespace in memory.
pub(crate) struct NameNodeService {
    pub(crate) world: Arc<World>,
    pub(crate) runtime: Handle,
    pub(crate) namenode: Arc<NameNode>,
    pub(crate) endpoint: Arc<RpcEndpoint>,
    /// The address that it is bound to.
    pub(crate) bound: SocketAddr,
    pub(crate) clock: Clock,
    pub(crate) seed: u64,
}

impl Service for NameNodeService {
    type Sockets = TcpListener;

    fn server(&self) -> Server {
        Server::NameNode(1)
    }

    fn world(&self) -> &World {
        &self.world
    }

    fn bind(&self) -> Result<TcpListener, Error> {
        Ok(listen(Server::NameNode(1), self.bound)?.0)
    }

    fn serve(&self, listener: TcpListener) -> Result<Process, Error> {
        let (endpoint, clock) = (Arc::clone(&self.endpoint), self.clock.clone());
        let rpc = Running::start(&self.runtime, |shutdown| {
            minihdfs::rpc::serve(endpoint, listener, clock, self.seed, shutdown)
        });
        Ok(Process {
            ports: vec![rpc],
            timed: Some(Arc::clone(&self.namenode) as Arc<dyn Timed>),
            end: Box::new(|| {}),
        })
    }

    fn record(&self, change: StateChange) {
        self.world.record_state(Server::NameNode(1), change, "");
    }
}

/// The NameNode of a [`Cluster`](crate::Cluster) as a server, running or not.
///
/// Its namespace is in memory and outlives a stop. The DataNodes of a fixture reach it without its
/// port, so they report to it even while it does not serve.
///
/// ```
/// let cluster = kerbox::Cluster::simple().start_blocking()?;
/// let namenode = cluster.namenode_server();
/// namenode.pause(); // clients connect, and wait for an answer
/// assert!(!namenode.is_running());
/// namenode.resume();
/// namenode.kill(); // clients are refused
/// namenode.restart()?;
/// assert!(namenode.is_running());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct NameNodeServer<'a> {
    pub(crate) slot: &'a Slot<NameNodeService>,
}

impl NameNodeServer<'_> {
    /// Returns the address of its RPC port; a restart keeps it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        reachable(self.slot.service.bound)
    }

    /// Kills it: its connections are cut.
    pub fn kill(&self) {
        self.slot.kill();
    }

    /// Closes all its connections at once, in the middle of whatever they do, and returns their
    /// number. It goes on accepting.
    pub fn cut_connections(&self) -> usize {
        self.slot.cut_of(None)
    }

    /// Closes the connections of the user with this short name at once, and returns their number.
    pub fn cut_connections_of(&self, user: &str) -> usize {
        self.slot.cut_of(Some(user))
    }

    /// Closes the connections from an address.
    pub(crate) fn cut_connections_from(&self, address: IpAddr) -> usize {
        self.slot
            .cut(&|peer| peer.address.is_some_and(|peer| peer.ip() == address))
    }
}

server_methods!(NameNodeServer);

impl fmt::Debug for NameNodeServer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NameNode at {}", self.address())
    }
}
