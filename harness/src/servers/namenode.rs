//! The NameNode of a cluster, and the methods by which a test controls it.

use std::fmt;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use kerbox_events::StateChange;
use kerbox_krb5::{Clock, Timestamp};
use kerbox_net::{HeldPort, reachable};
use minihdfs::config::HdfsConfig;
use minihdfs::namenode::{LogDirectory, NameNode, NameNodeIdentity};
use minihdfs::rpc::{RpcEndpoint, RpcSecurity};
use minihdfs::user::AuthToLocal;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::runtime::Handle;

use crate::servers::configuration::{Configuration, MachineUsers};
use crate::servers::handle::server_methods;
use crate::servers::hosts::Hosts;
use crate::servers::listen::listen;
use crate::servers::namenode_link::{NameNodeLink, Reach};
use crate::servers::namenode_start::{Edits, NameNodeStart};
use crate::servers::running::Running;
use crate::servers::slot::{Process, Service, Slot};
#[cfg(feature = "web")]
use crate::servers::web::{NameNodeHttp, WebListeners};
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

/// The NameNode. A restart gives it another process: another core, which begins with what the last
/// one has left.
pub(crate) struct NameNodeService {
    pub(crate) world: Arc<World>,
    pub(crate) runtime: Handle,
    pub(crate) config: HdfsConfig,
    pub(crate) identity: NameNodeIdentity,
    /// The authentication of callers by tickets; `None` for simple security.
    pub(crate) security: Option<RpcSecurity>,
    pub(crate) auth_to_local: AuthToLocal,
    pub(crate) edits: Edits,
    pub(crate) link: Arc<NameNodeLink>,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) configuration: Arc<Configuration>,
    /// The number of starts so far.
    pub(crate) starts: AtomicU64,
    /// The address that it is bound to.
    pub(crate) bound: SocketAddr,
    pub(crate) clock: Clock,
    pub(crate) seed: u64,
    #[cfg(feature = "web")]
    pub(crate) http: NameNodeHttp,
}

/// The listening sockets of a NameNode.
pub(crate) struct NameNodeListeners {
    pub(crate) rpc: TcpListener,
    #[cfg(feature = "web")]
    pub(crate) web: WebListeners,
}

/// The folder for the files that administrators request of the NameNode, in the fixture's
/// directory.
struct LogFiles(Weak<World>);

impl LogDirectory for LogFiles {
    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        let Some(world) = self.0.upgrade() else {
            return Err(format!("Cannot write {name}: the fixture is ending"));
        };
        let written = world
            .files()
            .write(&format!("logs/{name}"), text.as_bytes());
        written.map(drop).map_err(|error| error.to_string())
    }
}

impl NameNodeService {
    /// Ends the core and makes another one.
    fn start_again(&self, start: u64) -> Result<(), Error> {
        let mut rng = StdRng::seed_from_u64(self.seed.wrapping_add(start));
        let parts = NameNodeStart {
            config: &self.config,
            identity: &self.identity,
            now: self.clock.now(),
            hook: self.world.hook(),
            edits: &self.edits,
        };
        let namenode = parts.again(&self.link.namenode(), &mut rng)?;
        self.link.replace(Arc::new(namenode));
        Ok(())
    }

    fn endpoint(&self, namenode: &Arc<NameNode>) -> RpcEndpoint {
        let security = self.security.clone().map(|security| RpcSecurity {
            tokens: Some(Arc::clone(namenode.delegation_tokens()) as _),
            ..security
        });
        RpcEndpoint::new(
            Server::NameNode(1),
            Arc::clone(namenode) as _,
            security,
            self.auth_to_local.clone(),
            &self.config,
            self.world.hook(),
        )
        .with_authorization(namenode.authorization().clone())
    }

    /// Checks the law of replay: the edits that are kept give the NameNode's state.
    pub(crate) fn check_replay(&self) -> Result<(), Error> {
        self.edits.check(self.clock.now(), &self.link.namenode())
    }
}

impl Service for NameNodeService {
    type Sockets = NameNodeListeners;

    fn server(&self) -> Server {
        Server::NameNode(1)
    }

    fn world(&self) -> &World {
        &self.world
    }

    fn bind(&self) -> Result<NameNodeListeners, Error> {
        Ok(NameNodeListeners {
            rpc: listen(Server::NameNode(1), self.bound)?.0,
            #[cfg(feature = "web")]
            web: self.http.bind()?,
        })
    }

    fn hold(&self) -> Vec<HeldPort> {
        let addresses = [self.bound].into_iter();
        #[cfg(feature = "web")]
        let addresses = addresses.chain(self.http.addresses());
        addresses.filter_map(HeldPort::hold_connections).collect()
    }

    fn serve(&self, listeners: NameNodeListeners) -> Result<Process, Error> {
        let start = self.starts.fetch_add(1, Ordering::SeqCst);
        if start > 0 {
            self.start_again(start)?;
        }
        let namenode = self.link.namenode();
        namenode.set_log_directory(Box::new(LogFiles(Arc::downgrade(&self.world))));
        let files = Arc::clone(&self.configuration);
        let rules = namenode.authorization();
        rules.set_sources(files as _, Arc::new(MachineUsers))?;
        let hosts = Arc::clone(&self.hosts);
        namenode.set_host_files(self.clock.now(), hosts as _)?;
        self.link.set(Reach::Up);
        // The DataNodes would notice with their next heartbeat. No client has to wait for that.
        self.world.hurry_datanodes();
        let endpoint = Arc::new(self.endpoint(&namenode));
        let clock = self.clock.clone();
        let rpc = Running::start(&self.runtime, |shutdown| {
            minihdfs::rpc::serve(endpoint, listeners.rpc, clock, self.seed, shutdown)
        });
        let ports = std::iter::once(rpc);
        #[cfg(feature = "web")]
        let ports = ports.chain(self.http.serve(
            &namenode,
            &self.auth_to_local,
            &self.world,
            &self.runtime,
            (listeners.web, &self.clock),
        ));
        let link = Arc::clone(&self.link);
        Ok(Process {
            ports: ports.collect(),
            timed: Some(namenode as Arc<dyn Timed>),
            end: Box::new(move || link.set(Reach::Down)),
        })
    }

    fn paused(&self) {
        self.link.set(Reach::Paused);
    }

    fn resumed(&self) {
        self.link.set(Reach::Up);
        // Before its timers run, so that no DataNode is declared dead by the pause.
        self.world.hurry_datanodes();
    }

    fn record(&self, change: StateChange) {
        self.world.record_state(Server::NameNode(1), change, "");
    }
}

/// The NameNode of a [`Cluster`](crate::Cluster) as a server, running or not.
///
/// While it is stopped or paused, its DataNodes do not reach it either; they repeat what they have
/// to report. [`restart`](Self::restart) gives it another process, which begins with what an edit
/// log keeps: the namespace, open files with their leases, delegation tokens and their master keys,
/// and the calls that clients may repeat. It has new block keys, and is in safe mode until its
/// DataNodes have registered again and reported enough replicas (`dfs.namenode.safemode.*`). Those
/// that run do so before `restart` returns.
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

    /// Returns the address of its HTTP port, or of its HTTPS port if `dfs.http.policy` is
    /// `HTTPS_ONLY`; a restart keeps it.
    #[cfg(feature = "web")]
    #[must_use]
    pub fn http_address(&self) -> SocketAddr {
        self.slot.service.http.bound().address()
    }

    /// Returns the address of its port without TLS, if `dfs.http.policy` wants one.
    #[cfg(feature = "web")]
    pub(crate) fn plain_address(&self) -> Option<SocketAddr> {
        self.slot.service.http.bound().plain_address()
    }

    /// Returns the address of its HTTPS port, if `dfs.http.policy` wants one; a restart keeps it.
    #[cfg(feature = "web")]
    #[must_use]
    pub fn https_address(&self) -> Option<SocketAddr> {
        self.slot.service.http.bound().secure_address()
    }

    /// Returns the address of HttpFS, if it is served; a restart keeps it.
    #[cfg(feature = "web")]
    #[must_use]
    pub fn httpfs_address(&self) -> Option<SocketAddr> {
        self.slot.service.http.httpfs().map(reachable)
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
