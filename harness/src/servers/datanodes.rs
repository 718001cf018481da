//! The DataNodes of a cluster, and the methods by which a test controls them.

use std::fmt;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kerbox_krb5::{Clock, Timestamp};
use minihdfs::config::HdfsConfig;
use minihdfs::datanode::{DataNode, DataNodeContext, LocalPeers};
use minihdfs::namenode::NameNode;
use minihdfs::protocol::DatanodeRegistration;
use minihdfs::rpc::{RpcEndpoint, RpcSecurity};
use minihdfs::user::AuthToLocal;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::runtime::Handle;

use crate::directory::Directory;
use crate::servers::listen::listen;
use crate::servers::running::Running;
use crate::spec::HdfsSpec;
use crate::world::{Fixture, Timed, World};
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
}

/// All DataNodes of a cluster, by number.
pub(crate) struct DataNodes {
    world: Arc<World>,
    runtime: Handle,
    namenode: Arc<NameNode>,
    peers: Arc<LocalPeers>,
    config: HdfsConfig,
    superuser: String,
    /// Caller authentication and user name mapping of their RPC ports.
    security: Option<RpcSecurity>,
    auth_to_local: AuthToLocal,
    /// The IP address that they listen on, the same as the NameNode's.
    listen_ip: IpAddr,
    /// The directory of their folders if it is not the fixture's; locked while in use.
    blocks: Option<Directory>,
    slots: Vec<Slot>,
}

/// The slot of one DataNode. It keeps address, identity and folder across restarts.
struct Slot {
    number: usize,
    address: SocketAddr,
    /// The RPC port, where Java's client asks for the length of a block that is being written.
    rpc_address: SocketAddr,
    uuid: Arc<str>,
    storage_id: Arc<str>,
    directory: PathBuf,
    clock: Clock,
    seed: u64,
    process: Mutex<Option<Process>>,
    /// Killed servers that may still be shutting down: a restart waits until their addresses are
    /// free.
    killed: Mutex<Vec<Running>>,
}

struct Process {
    node: Arc<DataNode>,
    server: Running,
    rpc: Running,
}

/// The two listening sockets of a DataNode.
struct Listeners {
    transfer: TcpListener,
    rpc: TcpListener,
}

impl DataNodes {
    /// Starts the DataNodes. They are registered with the NameNode when this returns.
    pub(crate) fn start(
        fixture: &Fixture,
        namenode: &Arc<NameNode>,
        config: &HdfsConfig,
        security: Option<RpcSecurity>,
        auth_to_local: AuthToLocal,
        spec: &HdfsSpec,
    ) -> Result<Self, Error> {
        let blocks = match &spec.blocks {
            Some(path) => Some(Directory::at(path)?),
            None => None,
        };
        let world = &fixture.world;
        let mut rng = StdRng::seed_from_u64(world.seed ^ DATANODES_STREAM);
        let mut datanodes = Self {
            world: Arc::clone(world),
            runtime: fixture.runtime.handle().clone(),
            namenode: Arc::clone(namenode),
            peers: Arc::default(),
            config: config.clone(),
            superuser: spec.superuser.clone(),
            security,
            auth_to_local,
            listen_ip: spec.listen.ip(),
            blocks,
            slots: Vec::with_capacity(spec.datanodes),
        };
        let any_port = SocketAddr::new(datanodes.listen_ip, 0);
        for number in 1..=spec.datanodes {
            let server = Server::DataNode(number);
            let (transfer, address) = listen(server, any_port)?;
            let (rpc, rpc_address) = listen(server, any_port)?;
            let slot = Slot {
                number,
                address,
                rpc_address,
                uuid: uuid(&mut rng).into(),
                storage_id: format!("DS-{}", uuid(&mut rng)).into(),
                directory: match &datanodes.blocks {
                    Some(blocks) => blocks.expect_blocks(&format!("dn{number}"))?,
                    None => world.files().expect_blocks(&format!("blocks/dn{number}"))?,
                },
                clock: world.new_clock(server),
                seed: rng.random(),
                process: Mutex::default(),
                killed: Mutex::default(),
            };
            datanodes.run(&slot, Listeners { transfer, rpc })?;
            datanodes.slots.push(slot);
        }
        Ok(datanodes)
    }

    fn run(&self, slot: &Slot, listeners: Listeners) -> Result<(), Error> {
        let registration = DatanodeRegistration {
            uuid: Arc::clone(&slot.uuid),
            ip: slot.address.ip(),
            host_name: "localhost".into(),
            transfer_port: slot.address.port(),
            ipc_port: slot.rpc_address.port(),
            info_port: 0,
        };
        let context = DataNodeContext {
            number: slot.number,
            namenode: Arc::clone(&self.namenode) as _,
            peers: Arc::clone(&self.peers) as _,
            storage_id: Arc::clone(&slot.storage_id),
            clock: slot.clock.clone(),
            hook: self.world.hook(),
            superuser: self.superuser.clone(),
        };
        let node = DataNode::open(
            registration,
            &slot.directory,
            &self.config,
            context,
            slot.seed,
        )?;
        self.peers.add(&node);
        self.namenode.set_datanode_number(&slot.uuid, slot.number);
        node.start(slot.clock.now())?;
        let served = Arc::clone(&node);
        let server = Running::start(&self.runtime, |shutdown| {
            minihdfs::datanode::serve(served, listeners.transfer, shutdown)
        });
        let number = Server::DataNode(slot.number);
        let endpoint = RpcEndpoint::new(
            number,
            Arc::clone(&node) as _,
            self.security.clone().map(|security| RpcSecurity {
                tokens: Some(Arc::clone(node.block_tokens()) as _),
                ..security
            }),
            self.auth_to_local.clone(),
            &self.config,
            self.world.hook(),
        );
        let served = Arc::clone(&node);
        let rpc = Running::start(&self.runtime, |shutdown| {
            // A fault that kills the DataNode closes this port as well.
            let end = async move {
                tokio::select! {
                    () = shutdown => {}
                    () = served.stopped() => {}
                }
            };
            minihdfs::rpc::serve(
                Arc::new(endpoint),
                listeners.rpc,
                slot.clock.clone(),
                slot.seed,
                end,
            )
        });
        self.world
            .add_timed(number, Arc::clone(&node) as Arc<dyn Timed>);
        *slot.process() = Some(Process { node, server, rpc });
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn get(&self, number: usize) -> Result<Datanode<'_>, Error> {
        let slot = number
            .checked_sub(1)
            .and_then(|index| self.slots.get(index));
        match slot {
            Some(slot) => Ok(Datanode { all: self, slot }),
            None => Err(Error::NoSuchServer {
                server: Server::DataNode(number).to_string(),
                has: format!("{} DataNodes, numbered from 1", self.slots.len()),
            }),
        }
    }
}

impl Slot {
    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn killed(&self) -> MutexGuard<'_, Vec<Running>> {
        self.killed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a random (version 4) UUID as text.
fn uuid(rng: &mut StdRng) -> String {
    let bits: u128 = rng.random();
    let bits = bits & !(0xF << 76) | (0x4 << 76);
    let bits = bits & !(0x3 << 62) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

/// One DataNode of a [`Cluster`](crate::Cluster), running or not.
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
    all: &'a DataNodes,
    slot: &'a Slot,
}

impl Datanode<'_> {
    /// Returns its 1-based number.
    #[must_use]
    pub fn number(&self) -> usize {
        self.slot.number
    }

    /// Returns the address of its DataTransferProtocol server; a restart keeps it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.slot.address
    }

    /// Returns the folder of its replicas, which a test may inspect or damage.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.slot.directory
    }

    /// Returns whether it is running.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.slot
            .process()
            .as_ref()
            .is_some_and(|process| process.server.is_running())
    }

    /// Stops it and waits until its address is free. The NameNode notices only the missing
    /// heartbeats.
    pub fn stop(&self) {
        if let Some(process) = self.slot.process().take() {
            process.node.stop();
            process.server.stop();
            process.rpc.stop();
            self.all
                .world
                .remove_timed(Server::DataNode(self.slot.number));
        }
    }

    /// Kills it: its connections are cut.
    pub fn kill(&self) {
        if let Some(process) = self.slot.process().take() {
            process.node.stop();
            process.server.kill();
            process.rpc.kill();
            self.slot.killed().extend([process.server, process.rpc]);
            self.all
                .world
                .remove_timed(Server::DataNode(self.slot.number));
        }
    }

    /// Starts it at its old address with the replicas in its folder. Stops it first if it is
    /// running.
    pub fn restart(&self) -> Result<(), Error> {
        self.stop();
        for killed in self.slot.killed().drain(..) {
            killed.stop();
        }
        let server = Server::DataNode(self.slot.number);
        let bound = |address: SocketAddr| SocketAddr::new(self.all.listen_ip, address.port());
        let (transfer, _) = listen(server, bound(self.slot.address))?;
        let (rpc, _) = listen(server, bound(self.slot.rpc_address))?;
        self.all.run(self.slot, Listeners { transfer, rpc })
    }
}

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
