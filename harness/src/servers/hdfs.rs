//! The servers of an HDFS and their setup: a NameNode, its DataNodes, configuration and security.

use std::net::SocketAddr;
#[cfg(feature = "web")]
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

#[cfg(feature = "web")]
use kerbox_krb5::Keytab;
use kerbox_krb5::{Clock, Principal, Timestamp};
use minihdfs::config::HdfsConfig;
use minihdfs::namenode::{NameNode, NameNodeIdentity};
use minihdfs::protocol::DatanodeProtocol;
use minihdfs::rpc::RpcSecurity;
use minihdfs::sasl::{GssapiSettings, ServiceKeytab};
use minihdfs::user::AuthToLocal;
#[cfg(feature = "web")]
use minihdfs::web::Console;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::client::hadoop_conf::{self, HadoopKeys};
use crate::servers::configuration::{self, Configuration};
use crate::servers::datanodes::{DataNodeParts, DataNodes, Datanode};
use crate::servers::hosts::Hosts;
#[cfg(feature = "web")]
use crate::servers::https::Https;
use crate::servers::listen::listen;
use crate::servers::logins::Logins;
use crate::servers::namenode::{NameNodeListeners, NameNodeServer, NameNodeService};
use crate::servers::namenode_link::NameNodeLink;
use crate::servers::namenode_start::{Edits, NameNodeStart};
use crate::servers::peers::Peers;
use crate::servers::slot::Slot;
#[cfg(feature = "web")]
use crate::servers::web::{BoundWeb, NameNodeHttp};
use crate::spec::{HdfsSpec, ReadAgain};
use crate::world::{Fixture, World};
use crate::{Error, Server};

/// Separates the NameNode's random stream from other streams of the same seed.
const NAMENODE_STREAM: u64 = 0x6E61_6D65_6E6F_6400;

/// The HDFS servers of a cluster.
pub(crate) struct Hdfs {
    pub(crate) address: SocketAddr,
    /// The keys at the start.
    pub(crate) keys: HadoopKeys,
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) warnings: Vec<String>,
    pub(crate) superuser: String,
    rpc: Slot<NameNodeService>,
    datanodes: DataNodes,
    /// The keytabs of the servers, by their principals' names.
    keytabs: Vec<(String, ServiceKeytab)>,
}

impl Drop for Hdfs {
    /// Checks the law of replay: the NameNode's edits give its state.
    ///
    /// # Panics
    /// Panics if they do not, so that the test fails. Never in a release build.
    fn drop(&mut self) {
        if !std::thread::panicking()
            && let Err(broken) = self.rpc.service.check_replay()
        {
            panic!("{broken}");
        }
    }
}

impl Hdfs {
    /// Starts all servers and writes Hadoop's XML files.
    pub(crate) fn start(
        fixture: &Fixture,
        logins: Option<&Logins>,
        spec: &HdfsSpec,
        read_again: Option<ReadAgain>,
    ) -> Result<Self, Error> {
        let world = &fixture.world;
        let (rpc, address) = listen(Server::NameNode(1), spec.listen)?;
        let keys = configuration::keys(address, logins, spec);
        let (config, warned) = configuration::typed(&keys, spec.symlinks)?;
        let of_namenode = security_of(logins, &keys, &config, "dfs.namenode.kerberos.principal")?;
        #[cfg(not(feature = "web"))]
        let listeners = NameNodeListeners { rpc };
        #[cfg(feature = "web")]
        let (keys, http, listeners) = with_web(world, logins, spec, (rpc, address, keys), &config)?;
        let configuration = Arc::new(Configuration::new(keys.clone(), spec, read_again));
        let clock = world.new_clock(Server::NameNode(1));
        let identity = identity_of(address, logins, spec);
        let edits = Edits::new(world, spec);
        let link = open_namenode(world, &clock, &config, &identity, spec, &edits)?;
        let auth_to_local = AuthToLocal::from_config(&config, identity.default_realm.as_str())?;
        let hosts = Arc::new(Hosts::new(config.datanode_admin.clone()));
        let service = NameNodeService {
            world: Arc::clone(world),
            runtime: fixture.runtime.handle().clone(),
            config: config.clone(),
            identity,
            security: of_namenode,
            auth_to_local: auth_to_local.clone(),
            edits,
            link: Arc::clone(&link),
            hosts: Arc::clone(&hosts),
            configuration: Arc::clone(&configuration),
            starts: AtomicU64::new(0),
            bound: SocketAddr::new(spec.listen.ip(), address.port()),
            clock,
            seed: world.seed ^ NAMENODE_STREAM,
            #[cfg(feature = "web")]
            http,
        };
        let rpc = Slot::start(service, listeners)?;
        let own = logins.filter(|it| it.have_datanodes(spec.datanodes));
        let of_datanodes = security_of(own, &keys, &config, "dfs.datanode.kerberos.principal")?;
        let keytabs = keytabs(&rpc.service, of_datanodes.as_ref());
        let peers = peers(world, logins, of_datanodes.as_ref(), &config, spec, &link);
        let (rules, ways) = ((of_datanodes, auth_to_local), (link, peers, hosts));
        let parts = datanode_parts(fixture, ways, &config, rules, spec, address);
        let datanodes = start_datanodes(parts, &rpc, spec)?;
        hadoop_conf::write(world.files(), &keys)?;
        Ok(Self {
            address,
            keys,
            configuration,
            warnings: configuration::about(&spec.keys, warned),
            superuser: spec.superuser.clone(),
            rpc,
            datanodes,
            keytabs,
        })
    }

    /// Returns the keytabs of the servers that run as this principal.
    pub(crate) fn keytabs_of(&self, principal: &Principal) -> impl Iterator<Item = &ServiceKeytab> {
        let name = principal.to_string();
        let own = move |(of, _): &&(String, ServiceKeytab)| *of == name;
        self.keytabs.iter().filter(own).map(|(_, keytab)| keytab)
    }

    pub(crate) fn world(&self) -> &World {
        &self.rpc.service.world
    }

    /// Returns the HTTPS of the servers, if they have any.
    #[cfg(feature = "web")]
    pub(crate) fn https(&self) -> Option<&Https> {
        self.rpc.service.http.https()
    }

    /// Returns the NameNode's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.rpc.service.clock.now()
    }

    /// Returns the NameNode, or the last one if it does not run.
    pub(crate) fn namenode(&self) -> Arc<NameNode> {
        self.rpc.service.link.namenode()
    }

    /// Returns the way to the NameNode.
    pub(crate) fn link(&self) -> Arc<NameNodeLink> {
        Arc::clone(&self.rpc.service.link)
    }

    /// Returns the place for the verbs of the NameNode's console.
    #[cfg(feature = "web")]
    pub(crate) fn console(&self) -> &Console {
        self.rpc.service.http.console()
    }

    pub(crate) fn namenode_server(&self) -> NameNodeServer<'_> {
        NameNodeServer { slot: &self.rpc }
    }

    pub(crate) fn datanode(&self, number: usize) -> Result<Datanode<'_>, Error> {
        self.datanodes.get(number)
    }

    pub(crate) fn datanodes(&self) -> usize {
        self.datanodes.len()
    }

    /// Takes a server off the network, as a fault requested.
    pub(crate) fn kill(&self, server: Server) {
        match server {
            Server::NameNode(_) => self.rpc.kill(),
            Server::DataNode(number) => {
                // A DataNode that does not exist cannot have caused the fault.
                let _ = self.datanodes.get(number).map(|datanode| datanode.kill());
            }
            // A KDC stops on its own, and other servers have no verdict that kills them.
            _ => {}
        }
    }
}

fn identity_of(address: SocketAddr, logins: Option<&Logins>, spec: &HdfsSpec) -> NameNodeIdentity {
    NameNodeIdentity {
        superuser: spec.superuser.clone(),
        default_realm: logins.map_or_else(String::new, |it| it.realm.clone()),
        address: address.ip(),
    }
}

/// Creates the NameNode. A new namespace has the directories of its description.
fn open_namenode(
    world: &Arc<World>,
    clock: &Clock,
    config: &HdfsConfig,
    identity: &NameNodeIdentity,
    spec: &HdfsSpec,
    edits: &Edits,
) -> Result<Arc<NameNodeLink>, Error> {
    // What was kept may have changed since it was new.
    let is_new = !edits.exist() || world.persistent().is_some_and(|it| it.begins());
    let begins = |begins| match world.persistent() {
        Some(persistent) if is_new => persistent.set_begins(begins),
        _ => Ok(()),
    };
    begins(true)?;
    let parts = NameNodeStart {
        config,
        identity,
        now: clock.now(),
        hook: world.hook(),
        edits,
    };
    let mut rng = StdRng::seed_from_u64(world.seed ^ NAMENODE_STREAM);
    let namenode = Arc::new(parts.first(&mut rng)?);
    for directory in spec.directories.iter().filter(|_| is_new) {
        namenode.make_directory(
            clock.now(),
            &directory.path,
            &directory.owner,
            &directory.group,
            directory.mode,
        )?;
    }
    if is_new {
        let durable = namenode.wait_until_durable();
        durable.map_err(Error::io("write the first directories"))?;
        begins(false)?;
    }
    Ok(Arc::new(NameNodeLink::new(namenode)))
}

/// Starts the DataNodes, with the TLS of the NameNode.
#[cfg_attr(
    not(feature = "web"),
    expect(unused_variables, clippy::needless_pass_by_value)
)]
fn start_datanodes(
    parts: DataNodeParts,
    rpc: &Slot<NameNodeService>,
    spec: &HdfsSpec,
) -> Result<DataNodes, Error> {
    #[cfg(feature = "web")]
    let parts = parts.with_web(&rpc.service.http);
    DataNodes::start(&parts, spec)
}

/// Returns the parts that all DataNodes share.
fn datanode_parts(
    fixture: &Fixture,
    (namenode, peers, hosts): (Arc<NameNodeLink>, Peers, Arc<Hosts>),
    config: &HdfsConfig,
    (security, auth_to_local): (Option<RpcSecurity>, AuthToLocal),
    spec: &HdfsSpec,
    namenode_address: SocketAddr,
) -> DataNodeParts {
    DataNodeParts {
        world: Arc::clone(&fixture.world),
        runtime: fixture.runtime.handle().clone(),
        namenode,
        hosts,
        peers,
        config: config.clone(),
        superuser: spec.superuser.clone(),
        security,
        auth_to_local,
        namenode_address,
        #[cfg(feature = "web")]
        tls: None,
        #[cfg(feature = "web")]
        gates: Arc::default(),
    }
}

/// Binds the NameNode's HTTP ports, whose addresses go into the keys.
#[cfg(feature = "web")]
fn with_web(
    world: &World,
    logins: Option<&Logins>,
    spec: &HdfsSpec,
    (rpc, address, mut keys): (TcpListener, SocketAddr, HadoopKeys),
    config: &HdfsConfig,
) -> Result<(HadoopKeys, NameNodeHttp, NameNodeListeners), Error> {
    let spnego = spnego(logins, &keys, config)?;
    let bound = BoundWeb::bind(world, spec, config, &mut keys)?;
    let (http, web) = NameNodeHttp::new(spnego, address, bound, &keys, world.seed);
    Ok((keys, http, NameNodeListeners { rpc, web }))
}

/// Returns the way of the DataNodes to those of other processes.
fn peers(
    world: &World,
    logins: Option<&Logins>,
    security: Option<&RpcSecurity>,
    config: &HdfsConfig,
    spec: &HdfsSpec,
    link: &NameNodeLink,
) -> Peers {
    let pool = link.version_request().block_pool_id;
    let kdc = logins.and_then(Logins::kdc_address);
    Peers::new(world, kdc, security, config, &spec.superuser, pool)
}

/// Returns the keytabs of the servers with their principals' names.
fn keytabs(
    namenode: &NameNodeService,
    datanodes: Option<&RpcSecurity>,
) -> Vec<(String, ServiceKeytab)> {
    let of_rpc = namenode.security.iter().chain(datanodes);
    let keytabs = of_rpc.filter_map(keytab_of);
    #[cfg(feature = "web")]
    let keytabs = keytabs.chain(namenode.http.spnego().and_then(keytab_in));
    keytabs.collect()
}

/// Returns the keytab of a server with its principal's name.
fn keytab_of(security: &RpcSecurity) -> Option<(String, ServiceKeytab)> {
    keytab_in(&security.gssapi)
}

fn keytab_in(settings: &GssapiSettings) -> Option<(String, ServiceKeytab)> {
    let principal = settings.principal.as_ref()?;
    Some((principal.to_string(), settings.keytab.clone()))
}

/// Returns the caller authentication of a server, whose principal the given key names; `None`
/// without security.
fn security_of(
    logins: Option<&Logins>,
    keys: &HadoopKeys,
    config: &HdfsConfig,
    key: &str,
) -> Result<Option<RpcSecurity>, Error> {
    let Some(logins) = logins else {
        return Ok(None);
    };
    let name = keys
        .get(key)
        .map(String::as_str)
        .unwrap_or_default()
        .replace("_HOST", "localhost");
    let principal = Principal::parse(&name, &logins.realm)?;
    let keytab = logins.keytab_of(&name)?;
    let mut gssapi = GssapiSettings::new(principal, keytab, &config.rpc_protection);
    gssapi.skew = logins.clock_skew;
    Ok(Some(RpcSecurity {
        gssapi,
        tokens: None,
    }))
}

/// Returns the acceptance of tickets for the HTTP principal; `None` without security. A realm
/// without that principal has no such tickets, so the keytab is empty.
#[cfg(feature = "web")]
fn spnego(
    logins: Option<&Logins>,
    keys: &HadoopKeys,
    config: &HdfsConfig,
) -> Result<Option<GssapiSettings>, Error> {
    let Some(logins) = logins else {
        return Ok(None);
    };
    let name = keys
        .get("dfs.web.authentication.kerberos.principal")
        .map(String::as_str)
        .unwrap_or_default()
        .replace("_HOST", "localhost");
    let principal = Principal::parse(&name, &logins.realm)?;
    let keytab = match logins.keytab_of(&name) {
        // A realm of the fixture's own may do without.
        Err(_) if !logins.are_elsewhere() => Keytab::default(),
        found => found?,
    };
    let mut gssapi = GssapiSettings::new(principal, keytab, &config.rpc_protection);
    gssapi.skew = logins.clock_skew;
    Ok(Some(gssapi))
}
