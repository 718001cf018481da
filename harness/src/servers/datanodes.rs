//! The DataNodes of a cluster, and the methods by which a test controls them.

use std::fmt;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kerbox_events::StateChange;
use kerbox_krb5::{Clock, Timestamp};
use kerbox_net::HeldPort;
use minihdfs::config::HdfsConfig;
use minihdfs::datanode::{DataNode, DataNodeContext};
use minihdfs::protocol::{DatanodeProtocol, DatanodeRegistration};
use minihdfs::rpc::{RpcEndpoint, RpcSecurity};
use minihdfs::user::AuthToLocal;
#[cfg(feature = "web")]
use minihdfs::web::server::{Tls, WebListener};
#[cfg(feature = "web")]
use minihdfs::web::{DataGates, DataNodeWeb, server};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::runtime::Handle;

use crate::directory::Directory;
use crate::servers::data_folders::{DataFolders, storages, uuid};
use crate::servers::descriptors;
use crate::servers::handle::server_methods;
use crate::servers::hosts::{Hosts, Order};
use crate::servers::listen::listen;
use crate::servers::namenode_link::{NameNodeLink, Place};
use crate::servers::peers::Peers;
use crate::servers::running::Running;
use crate::servers::slot::{Process, Service, Slot};
#[cfg(feature = "web")]
use crate::servers::web::NameNodeHttp;
#[cfg(feature = "web")]
use crate::servers::web_ports::WebPorts;
use crate::spec::HdfsSpec;
use crate::world::{Timed, World};
use crate::{Error, Server};

/// Separates the DataNodes' random stream from other streams of the same seed.
const DATANODES_STREAM: u64 = 0x6461_7461_6E6F_6400;

impl Timed for DataNode {
    fn next_deadline(&self) -> Option<Timestamp> {
        Some(Self::next_deadline(self))
    }

    fn tick(&self, now: Timestamp) {
        Self::tick(self, now);
    }

    fn hurry(&self, now: Timestamp) {
        Self::hurry(self, now);
    }
}

/// All DataNodes of a cluster, by number.
pub(crate) struct DataNodes {
    slots: Vec<Slot<DataNodeService>>,
    /// The directory of their folders if it is not the fixture's; locked while in use.
    _blocks: Option<Directory>,
}

/// The parts that all DataNodes share.
#[derive(Clone)]
pub(crate) struct DataNodeParts {
    pub(crate) world: Arc<World>,
    pub(crate) runtime: Handle,
    pub(crate) namenode: Arc<NameNodeLink>,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) peers: Peers,
    pub(crate) config: HdfsConfig,
    pub(crate) superuser: String,
    /// Caller authentication and user name mapping of their RPC ports.
    pub(crate) security: Option<RpcSecurity>,
    pub(crate) auth_to_local: AuthToLocal,
    /// The NameNode's RPC port, for clients of WebHDFS.
    #[cfg_attr(
        not(feature = "web"),
        allow(dead_code, reason = "HTTP ports alone use it")
    )]
    pub(crate) namenode_address: SocketAddr,
    #[cfg(feature = "web")]
    pub(crate) tls: Option<Tls>,
    #[cfg(feature = "web")]
    pub(crate) gates: Arc<DataGates>,
}

#[cfg(feature = "web")]
impl DataNodeParts {
    /// Sets the TLS of their HTTPS ports, and who else moves data by them.
    pub(crate) fn with_web(mut self, namenode: &NameNodeHttp) -> Self {
        self.tls = namenode.tls().cloned();
        self.gates = Arc::clone(namenode.gates());
        self
    }
}

/// One DataNode. It keeps address, identity and folder across restarts.
struct DataNodeService {
    parts: DataNodeParts,
    number: usize,
    address: SocketAddr,
    /// The RPC port, where Java's client asks for the length of a block that is being written.
    rpc_address: SocketAddr,
    /// The addresses that its HTTP ports are bound to.
    #[cfg(feature = "web")]
    web: WebPorts<SocketAddr>,
    /// The IP address that it listens on, the same as the NameNode's.
    listen_ip: IpAddr,
    folders: DataFolders,
    directory: PathBuf,
    /// Its location in the network, if it has one of its own.
    rack: Option<String>,
    clock: Clock,
    seed: u64,
}

/// The listening sockets of a DataNode.
struct Listeners {
    transfer: TcpListener,
    rpc: TcpListener,
    #[cfg(feature = "web")]
    web: WebPorts<WebListener>,
}

impl DataNodes {
    /// Starts the DataNodes. They are registered with the NameNode when this returns.
    pub(crate) fn start(parts: &DataNodeParts, spec: &HdfsSpec) -> Result<Self, Error> {
        descriptors::check(spec.datanodes, &parts.config.http)?;
        let world = &parts.world;
        let blocks = match (world.persistent(), &spec.blocks) {
            (Some(persistent), _) => Some(Directory::keeping(&persistent.blocks())?),
            (None, Some(path)) => Some(Directory::at(path)?),
            (None, None) => None,
        };
        let mut rng = StdRng::seed_from_u64(world.seed ^ DATANODES_STREAM);
        let any_port = SocketAddr::new(spec.listen.ip(), 0);
        #[cfg(feature = "web")]
        let wanted = WebPorts::of_datanodes(&parts.config.http, any_port.ip(), spec.datanodes)?;
        let namespace = parts.namenode.version_request();
        let mut slots = Vec::with_capacity(spec.datanodes);
        for number in 1..=spec.datanodes {
            let server = Server::DataNode(number);
            let (transfer, address) = listen(server, any_port)?;
            let (rpc, rpc_address) = listen(server, any_port)?;
            #[cfg(feature = "web")]
            let (web, web_bound) = wanted.bind(server, parts.tls.as_ref())?;
            let (uuid, storage_id) = (uuid(&mut rng), format!("DS-{}", uuid(&mut rng)).into());
            let directory = match &blocks {
                Some(blocks) => blocks.expect_blocks(&format!("dn{number}"))?,
                None => world.files().expect_blocks(&format!("blocks/dn{number}"))?,
            };
            let storages = storages(&directory, &parts.config, &storage_id);
            let service = DataNodeService {
                parts: parts.clone(),
                number,
                address,
                rpc_address,
                #[cfg(feature = "web")]
                web: web_bound,
                listen_ip: any_port.ip(),
                folders: match world.persistent() {
                    Some(_) => DataFolders::kept(storages, &namespace, &uuid)?,
                    None => DataFolders::of_fixture(storages, uuid.into()),
                },
                directory,
                rack: spec.racks.get(number - 1).cloned(),
                clock: world.new_clock(server),
                seed: rng.random(),
            };
            let listeners = Listeners {
                transfer,
                rpc,
                #[cfg(feature = "web")]
                web,
            };
            slots.push(Slot::start(service, listeners)?);
        }
        Ok(Self {
            slots,
            _blocks: blocks,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn get(&self, number: usize) -> Result<Datanode<'_>, Error> {
        let slot = number
            .checked_sub(1)
            .and_then(|index| self.slots.get(index));
        match slot {
            Some(slot) => Ok(Datanode { slot }),
            None => Err(Error::NoSuchServer {
                server: Server::DataNode(number).to_string(),
                has: format!("{} DataNodes, numbered from 1", self.slots.len()),
            }),
        }
    }
}

impl DataNodeService {
    fn place(&self) -> Place {
        Place {
            number: self.number,
            rack: self.rack.clone(),
        }
    }

    /// Orders something for this DataNode, or takes it back.
    fn order(&self, order: Option<Order>) -> Result<(), Error> {
        let parts = &self.parts;
        parts.hosts.order(self.address, order);
        let now = parts.world.new_clock(Server::NameNode(1)).now();
        parts.namenode.namenode().refresh_hosts(now)?;
        Ok(())
    }

    fn open(&self) -> Result<Arc<DataNode>, Error> {
        let parts = &self.parts;
        let registration = DatanodeRegistration {
            uuid: Arc::clone(&self.folders.uuid),
            ip: self.address.ip(),
            host_name: "localhost".into(),
            transfer_port: self.address.port(),
            ipc_port: self.rpc_address.port(),
            info_port: 0,
            info_secure_port: 0,
        };
        #[cfg(feature = "web")]
        let registration = DatanodeRegistration {
            info_port: self.web.http.map_or(0, |address| address.port()),
            info_secure_port: self.web.https.map_or(0, |address| address.port()),
            ..registration
        };
        let context = DataNodeContext {
            number: self.number,
            namenode: Arc::clone(&parts.namenode) as _,
            peers: Arc::clone(&parts.peers.all) as _,
            storages: self.folders.storages.clone(),
            clock: self.clock.clone(),
            hook: parts.world.hook(),
            superuser: parts.superuser.clone(),
        };
        let config = &parts.config;
        Ok(DataNode::open(registration, config, context, self.seed)?)
    }
}

impl Service for DataNodeService {
    type Sockets = Listeners;

    fn server(&self) -> Server {
        Server::DataNode(self.number)
    }

    fn world(&self) -> &World {
        &self.parts.world
    }

    fn bind(&self) -> Result<Listeners, Error> {
        let bound = |address: SocketAddr| SocketAddr::new(self.listen_ip, address.port());
        let (transfer, _) = listen(self.server(), bound(self.address))?;
        let (rpc, _) = listen(self.server(), bound(self.rpc_address))?;
        #[cfg(feature = "web")]
        let (web, _) = self.web.bind(self.server(), self.parts.tls.as_ref())?;
        Ok(Listeners {
            transfer,
            rpc,
            #[cfg(feature = "web")]
            web,
        })
    }

    fn hold(&self) -> Vec<HeldPort> {
        let bound = |address: SocketAddr| SocketAddr::new(self.listen_ip, address.port());
        let addresses = [self.address, self.rpc_address].map(bound).into_iter();
        #[cfg(feature = "web")]
        let addresses = addresses.chain(self.web.all());
        addresses.filter_map(HeldPort::hold_connections).collect()
    }

    fn serve(&self, listeners: Listeners) -> Result<Process, Error> {
        let node = self.open()?;
        let parts = &self.parts;
        parts.peers.local.add(&node);
        parts.namenode.set_place(&self.folders.uuid, self.place());
        node.start(self.clock.now())?;
        let served = Arc::clone(&node);
        let transfer = Running::start(&parts.runtime, |shutdown| {
            minihdfs::datanode::serve(served, listeners.transfer, shutdown)
        });
        let endpoint = RpcEndpoint::new(
            self.server(),
            Arc::clone(&node) as _,
            parts.security.clone().map(|security| RpcSecurity {
                tokens: Some(Arc::clone(node.block_tokens()) as _),
                ..security
            }),
            parts.auth_to_local.clone(),
            &parts.config,
            parts.world.hook(),
        );
        let (served, clock, seed) = (Arc::clone(&node), self.clock.clone(), self.seed);
        let rpc = Running::start(&parts.runtime, |shutdown| {
            // A fault that kills the DataNode closes this port as well.
            let end = async move {
                tokio::select! {
                    () = shutdown => {}
                    () = served.stopped() => {}
                }
            };
            minihdfs::rpc::serve(Arc::new(endpoint), listeners.rpc, clock, seed, end)
        });
        let ports = [transfer, rpc].into_iter();
        #[cfg(feature = "web")]
        let ports = {
            let (config, namenode) = (&parts.config, parts.namenode_address);
            let web = Arc::new(DataNodeWeb::new(Arc::clone(&node), namenode, config)?);
            parts.gates.add(&web);
            ports.chain(listeners.web.all().map(move |listener| {
                let web = Arc::clone(&web);
                Running::start(&parts.runtime, |shutdown| {
                    server::serve_datanode(web, listener, shutdown)
                })
            }))
        };
        let timed = Arc::clone(&node) as Arc<dyn Timed>;
        Ok(Process {
            ports: ports.collect(),
            timed: Some(timed),
            end: Box::new(move || node.stop()),
        })
    }

    fn records_itself(&self) -> bool {
        true
    }

    fn record(&self, change: StateChange) {
        self.parts.world.record_state(self.server(), change, "");
    }
}

/// One DataNode of a [`Cluster`](crate::Cluster), running or not. The NameNode notices a stop only
/// by the missing heartbeats; a restart finds the replicas in the DataNode's folder.
///
/// ```
/// let cluster = kerbox::Cluster::simple().datanodes(2).start_blocking()?;
/// let second = cluster.datanode(2)?;
/// second.kill();
/// assert!(!second.is_running());
/// second.restart()?;
/// assert!(second.is_running());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Datanode<'a> {
    slot: &'a Slot<DataNodeService>,
}

impl Datanode<'_> {
    /// Returns its 1-based number.
    #[must_use]
    pub fn number(&self) -> usize {
        self.slot.service.number
    }

    /// Returns the address of its DataTransferProtocol server; a restart keeps it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.slot.service.address
    }

    /// Returns the address of its RPC port, which `hdfs dfsadmin` takes; a restart keeps it.
    #[must_use]
    pub fn rpc_address(&self) -> SocketAddr {
        self.slot.service.rpc_address
    }

    /// Returns the address of its HTTP port, or of its HTTPS port if `dfs.http.policy` is
    /// `HTTPS_ONLY`; a restart keeps it.
    #[cfg(feature = "web")]
    #[must_use]
    pub fn http_address(&self) -> SocketAddr {
        self.slot.service.web.address()
    }

    /// Returns the folder of its replicas, which a test may inspect or damage.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.slot.service.directory
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

    /// Closes the connections from an address.
    pub(crate) fn cut_connections_from(&self, address: IpAddr) -> usize {
        self.slot
            .cut(&|peer| peer.address.is_some_and(|peer| peer.ip() == address))
    }

    /// Decommissions it, as an entry in `dfs.hosts.exclude` and `hdfs dfsadmin -refreshNodes` do:
    /// its blocks are copied to others, and then it counts as decommissioned. It serves meanwhile
    /// and afterwards, and gets no new blocks.
    ///
    /// ```
    /// let cluster = kerbox::Cluster::simple().datanodes(2).start_blocking()?;
    /// cluster.datanode(1)?.decommission()?;
    /// cluster.advance_blocking(std::time::Duration::from_secs(30))?;
    /// let decommissioned = |event: &kerbox::Event| event.to_string().contains("decommissioned");
    /// assert_eq!(cluster.journal().count(decommissioned), 1);
    /// cluster.datanode(1)?.recommission()?;
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    pub fn decommission(&self) -> Result<(), Error> {
        self.slot.service.order(Some(Order::Decommission))
    }

    /// Puts it into maintenance, until this time of the fixture's clock or until
    /// [`recommission`](Self::recommission): blocks that only it has are copied, and then it may be
    /// away without being replaced. No reader is sent to it.
    pub fn maintenance(&self, until: Option<Timestamp>) -> Result<(), Error> {
        self.slot.service.order(Some(Order::Maintenance(until)))
    }

    /// Ends its decommissioning or maintenance.
    pub fn recommission(&self) -> Result<(), Error> {
        self.slot.service.order(None)
    }
}

server_methods!(Datanode);

impl fmt::Debug for Datanode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataNode {} at {}", self.number(), self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_of_version_4() {
        let mut rng = StdRng::seed_from_u64(1);
        let uuid = uuid(&mut rng);
        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "4");
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    }
}
