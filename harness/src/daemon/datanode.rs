//! A DataNode under a NameNode in another process.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kerbox_krb5::{Clock, Principal};
use minihdfs::config::HdfsConfig;
use minihdfs::datanode::driver::{CallThread, RemoteNameNode, RemotePeers};
use minihdfs::datanode::{DataNode, DataNodeContext, LocalPeers};
use minihdfs::protocol::{DatanodeProtocol, DatanodeRegistration, NamespaceInfo};
use minihdfs::rpc::{RpcEndpoint, RpcSecurity};
use minihdfs::user::AuthToLocal;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::access::{KeytabLogin, access, principal};
use super::ports::Ports;
use crate::client::hadoop_conf;
use crate::directory::Directory;
use crate::persistent::SavedDatanode;
use crate::servers::data_folders::{DataFolders, storages, uuid as new_uuid};
use crate::servers::running::Running;
use crate::servers::timers::Timers;
use crate::spec::world::WorldSettings;
use crate::spec::{Security, Spec};
use crate::world::{Fixture, Timed, World};
use crate::{Error, Journal, Server};

/// The settings of a [`DatanodeDaemon`].
#[derive(Clone, Debug)]
#[must_use = "call `.start_blocking()`"]
pub struct DatanodeDaemonBuilder {
    namenode: SocketAddr,
    superuser: String,
    login: Option<KeytabLogin>,
    keys: BTreeMap<String, String>,
    clock: Clock,
    directory: Option<PathBuf>,
    persistent: Option<PathBuf>,
    seed: Option<u64>,
}

impl DatanodeDaemonBuilder {
    /// Sets a Hadoop key of the DataNode.
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.keys.insert(key.into(), value.into());
        self
    }

    /// Takes the superuser and the Hadoop keys of a fixture with this description.
    pub fn described_by(mut self, spec: &Spec) -> Self {
        let hdfs = &spec.hdfs;
        let realm = spec.realm.name.as_deref();
        let realm = realm.filter(|_| hdfs.security == Security::Kerberos);
        let (namenode, superuser) = (self.namenode, &hdfs.superuser);
        self.superuser.clone_from(superuser);
        self.keys = hadoop_conf::keys(namenode, hdfs.datanodes, superuser, realm);
        self.keys.insert(
            "hadoop.user.group.static.mapping.overrides".to_owned(),
            hadoop_conf::static_groups(&hdfs.groups),
        );
        self.keys.extend(hdfs.keys.clone());
        self
    }

    /// Sets the principal that it logs in as, the file with that one's keys, and the KDC.
    pub fn kerberos(
        mut self,
        principal: Principal,
        keytab: impl Into<PathBuf>,
        kdc: SocketAddr,
    ) -> Self {
        self.login = Some(KeytabLogin {
            principal,
            keytab: keytab.into(),
            kdc,
        });
        self
    }

    /// Sets the short name of the superuser, as whom it calls without Kerberos. The default is
    /// `hdfs`.
    pub fn superuser(mut self, name: impl Into<String>) -> Self {
        self.superuser = name.into();
        self
    }

    /// Sets its directory, which is new, empty, or one of an earlier run, whose files are removed.
    /// By default it is temporary.
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Keeps its identity and its replicas in a directory for the next start. The directory is new,
    /// empty, or that of an earlier DataNode of the same namespace. By default they are in its
    /// [`directory`](Self::directory), and a start removes them.
    pub fn persistent(mut self, path: impl Into<PathBuf>) -> Self {
        self.persistent = Some(path.into());
        self
    }

    /// Sets its clock. The default is the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the seed of all its randomness, which its identity is part of. By default each has
    /// another one.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Starts it. It has registered when this returns.
    ///
    /// # Errors
    /// Fails if the NameNode does not answer or refuses it, and if a port, the directory or the
    /// keytab cannot be used.
    pub fn start_blocking(self) -> Result<DatanodeDaemon, Error> {
        DatanodeDaemon::start(&self)
    }
}

/// A DataNode of Kerbox under a NameNode in another process, such as Hadoop's. With the feature
/// `web` it has an HTTP port (`dfs.datanode.http.address`) for the NameNode's WebHDFS.
///
/// ```no_run
/// use kerbox::{DatanodeDaemon, DatanodeDaemonBuilder};
///
/// let settings: DatanodeDaemonBuilder = DatanodeDaemon::of(([127, 0, 0, 1], 9000).into());
/// let datanode = settings.set("dfs.heartbeat.interval", "1").start_blocking()?;
/// println!("it serves blocks at {}", datanode.address());
/// # Ok::<(), kerbox::Error>(())
/// ```
pub struct DatanodeDaemon {
    node: Arc<DataNode>,
    ports: Vec<Running>,
    fixture: Fixture,
    address: SocketAddr,
    /// The folders of its replicas; locked while in use if they outlive it.
    _folders: DataFolders,
    /// The directory of its replicas if it is not the fixture's; locked while in use.
    _blocks: Option<Directory>,
}

impl DatanodeDaemon {
    /// Returns the settings of a DataNode of the NameNode with this RPC address.
    pub fn of(namenode: SocketAddr) -> DatanodeDaemonBuilder {
        DatanodeDaemonBuilder {
            namenode,
            superuser: "hdfs".to_owned(),
            login: None,
            keys: BTreeMap::new(),
            clock: Clock::system(),
            directory: None,
            persistent: None,
            seed: None,
        }
    }

    fn start(builder: &DatanodeDaemonBuilder) -> Result<Self, Error> {
        let pairs = builder.keys.iter().map(|(key, value)| (&**key, &**value));
        let (config, _warnings) = HdfsConfig::from_pairs(pairs)?;
        let ports = Ports::bind(&config)?;
        let address = ports.address;
        let moment = builder.clock.real_now().as_micros().cast_unsigned();
        let seed = builder
            .seed
            .unwrap_or_else(|| (moment << 16) ^ u64::from(address.port()));
        let (fixture, _kills) = Fixture::start(WorldSettings {
            clock: builder.clock.clone(),
            seed,
            directory: builder.directory.clone(),
            persistent: builder.persistent.clone(),
            // One may wait for the NameNode while the other serves.
            workers: 2,
            ..WorldSettings::default()
        })?;
        // Each start in a persistent folder has another one.
        let seed = fixture.world.seed;
        let mut rng = StdRng::seed_from_u64(seed);
        let registration = ports.registration(new_uuid(&mut rng).into());
        let Opened {
            node,
            endpoint,
            folders,
            blocks,
        } = open(builder, &config, &fixture.world, registration, &mut rng)?;
        node.start(builder.clock.now())?;
        let ports = ports.serve(
            &node,
            endpoint,
            (builder.namenode, &config),
            (&builder.clock, seed),
            fixture.runtime.handle(),
        )?;
        let core = Arc::clone(&node) as Arc<dyn Timed>;
        let timers = Timers::new(&core, &ports);
        fixture
            .world
            .add_timed(Server::DataNode(1), Arc::new(timers));
        Ok(Self {
            node,
            ports,
            fixture,
            address,
            _folders: folders,
            _blocks: blocks,
        })
    }

    /// Returns the address of its DataTransferProtocol server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.fixture.world.path()
    }

    /// Returns the journal of its events.
    #[must_use]
    pub fn journal(&self) -> Journal {
        self.fixture.world.journal()
    }
}

impl Drop for DatanodeDaemon {
    fn drop(&mut self) {
        self.fixture.world.remove_timed(Server::DataNode(1));
        self.node.stop();
        self.ports.iter().for_each(Running::stop);
    }
}

impl fmt::Debug for DatanodeDaemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatanodeDaemon at {}", self.address)
    }
}

/// A DataNode, and its RPC port.
struct Opened {
    node: Arc<DataNode>,
    endpoint: RpcEndpoint,
    folders: DataFolders,
    blocks: Option<Directory>,
}

fn open(
    builder: &DatanodeDaemonBuilder,
    config: &HdfsConfig,
    world: &World,
    mut registration: DatanodeRegistration,
    rng: &mut StdRng,
) -> Result<Opened, Error> {
    let realm = builder
        .login
        .as_ref()
        .map_or("", |login| login.principal.realm());
    let principals = (
        principal_of(builder, "dfs.namenode.kerberos.principal", realm)?,
        principal_of(builder, "dfs.datanode.kerberos.principal", realm)?,
    );
    let login = builder.login.as_ref();
    let (superuser, clock) = (&builder.superuser, &builder.clock);
    let (access, security) = access(login, config, superuser, principals, clock, rng)?;
    let thread = Arc::new(CallThread::default());
    let namenode = RemoteNameNode::connect(&access, &thread, builder.namenode, rng)?;
    let namespace = namenode.version_request();
    let pool = Arc::clone(&namespace.block_pool_id);
    let (folders, blocks) = folders(world, config, &registration.uuid, &namespace, rng)?;
    registration.uuid = Arc::clone(&folders.uuid);
    let local = Arc::new(LocalPeers::default());
    let peers = RemotePeers::new(Arc::clone(&local), access, thread, pool, rng);
    let context = DataNodeContext {
        number: 1,
        namenode: Arc::new(namenode),
        peers: Arc::new(peers),
        storages: folders.storages.clone(),
        clock: clock.clone(),
        hook: world.hook(),
        superuser: superuser.clone(),
    };
    let node = DataNode::open(registration, config, context, world.seed)?;
    local.add(&node);
    let endpoint = RpcEndpoint::new(
        Server::DataNode(1),
        Arc::clone(&node) as _,
        security.map(|security| RpcSecurity {
            tokens: Some(Arc::clone(node.block_tokens()) as _),
            ..security
        }),
        AuthToLocal::from_config(config, realm)?,
        config,
        world.hook(),
    );
    Ok(Opened {
        node,
        endpoint,
        folders,
        blocks,
    })
}

/// Returns the principal of a server that a Hadoop key names.
fn principal_of(
    builder: &DatanodeDaemonBuilder,
    key: &str,
    realm: &str,
) -> Result<Option<Principal>, Error> {
    let name = builder.keys.get(key).map(String::as_str);
    principal(name.unwrap_or_default(), realm)
}

/// Returns the folders of a DataNode, and the directory of them if it is not the fixture's. Those
/// of a persistent folder have their own identity; `uuid` is for new ones.
fn folders(
    world: &World,
    config: &HdfsConfig,
    uuid: &Arc<str>,
    namespace: &NamespaceInfo,
    rng: &mut StdRng,
) -> Result<(DataFolders, Option<Directory>), Error> {
    let storage_id = format!("DS-{}", new_uuid(rng));
    let Some(persistent) = world.persistent() else {
        let directory = world.files().expect_blocks("blocks/dn1")?;
        let storages = storages(&directory, config, &storage_id.into());
        return Ok((DataFolders::of_fixture(storages, Arc::clone(uuid)), None));
    };
    let kept = persistent.datanode(SavedDatanode {
        uuid: uuid.to_string(),
        storage_id,
        block_pool_id: namespace.block_pool_id.to_string(),
    })?;
    let blocks = Directory::keeping(&persistent.blocks())?;
    let storages = storages(
        &blocks.expect_blocks("dn1")?,
        config,
        &kept.storage_id.into(),
    );
    let folders = DataFolders::kept(storages, namespace, &kept.uuid)?;
    Ok((folders, Some(blocks)))
}
