//! The HTTP and HTTPS ports of a NameNode (feature `web`).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use kerbox_krb5::Clock;
use kerbox_net::reachable;
use minihdfs::config::HdfsConfig;
use minihdfs::namenode::NameNode;
use minihdfs::sasl::GssapiSettings;
use minihdfs::user::AuthToLocal;
use minihdfs::web::server::{Tls, WebListener};
use minihdfs::web::{NameNodeWeb, NameNodeWebSettings, WebAuth, server};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::runtime::Handle;

use crate::client::hadoop_conf::HadoopKeys;
use crate::servers::https;
use crate::servers::running::Running;
use crate::servers::web_ports::WebPorts;
use crate::world::World;
use crate::{Error, Server};

/// Separates the random stream of HTTP ports from other streams of the same seed.
const WEB_STREAM: u64 = 0x6874_7470_0000_0000;
/// Separates the random stream of the cookies' secret.
const SECRET_STREAM: u64 = 0x636F_6F6B_6965_0000;

/// The HTTP ports of a NameNode, whether it serves or not.
pub(crate) struct NameNodeHttp {
    /// The acceptance of tickets for the HTTP principal; `None` without security.
    spnego: Option<GssapiSettings>,
    /// The address of the NameNode's RPC port.
    rpc_address: SocketAddr,
    /// The addresses that the ports are bound to.
    bound: WebPorts<SocketAddr>,
    tls: Option<Tls>,
    /// The configuration that `/conf` shows.
    configuration: Vec<(String, String)>,
    seed: u64,
}

/// The HTTP ports of a NameNode that is about to start.
pub(crate) struct BoundWeb {
    pub(crate) listeners: WebPorts<WebListener>,
    pub(crate) bound: WebPorts<SocketAddr>,
    pub(crate) tls: Option<Tls>,
}

impl BoundWeb {
    /// Binds the ports that the configuration wants, and puts their addresses into the keys.
    pub(crate) fn bind(
        world: &World,
        config: &HdfsConfig,
        interface: IpAddr,
        keys: &mut HadoopKeys,
    ) -> Result<Self, Error> {
        let tls = https::set_up(world, config, interface)?;
        let wanted = WebPorts::of_namenode(&config.http, interface);
        let (listeners, bound) = wanted.bind(Server::NameNode(1), tls.as_ref())?;
        for (key, address) in [
            ("dfs.namenode.http-address", bound.http),
            ("dfs.namenode.https-address", bound.https),
        ] {
            if let Some(address) = address {
                keys.insert(key.to_owned(), authority(reachable(address)));
            }
        }
        Ok(Self {
            listeners,
            bound,
            tls,
        })
    }
}

impl NameNodeHttp {
    /// Sets up the ports. `seed` is the fixture's.
    pub(crate) fn new(
        spnego: Option<GssapiSettings>,
        rpc_address: SocketAddr,
        web: &BoundWeb,
        keys: &HadoopKeys,
        seed: u64,
    ) -> Self {
        let pairs = keys.iter();
        Self {
            spnego,
            rpc_address,
            bound: web.bound,
            tls: web.tls.clone(),
            configuration: pairs
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            seed: seed ^ WEB_STREAM,
        }
    }

    /// Returns the ports' core for a process of the NameNode. A restart keeps the secret of the
    /// cookies, as a secret in a file does.
    fn web(
        &self,
        namenode: &Arc<NameNode>,
        auth_to_local: &AuthToLocal,
        world: &World,
    ) -> NameNodeWeb {
        let mut rng = StdRng::seed_from_u64(self.seed ^ SECRET_STREAM);
        let config = &namenode.config().web;
        let auth = match &self.spnego {
            Some(settings) => WebAuth::kerberos(settings.clone(), config, &mut rng),
            None => WebAuth::simple(config, &mut rng),
        };
        let settings = NameNodeWebSettings {
            auth,
            auth_to_local: auth_to_local.clone(),
            rpc_address: self.rpc_address.to_string(),
            hook: world.hook(),
            configuration: self.configuration.clone(),
        };
        NameNodeWeb::new(Arc::clone(namenode), settings)
    }

    /// Binds the ports again after a stop.
    pub(crate) fn bind(&self) -> Result<WebPorts<WebListener>, Error> {
        Ok(self.bound.bind(Server::NameNode(1), self.tls.as_ref())?.0)
    }

    /// Starts serving.
    pub(crate) fn serve(
        &self,
        namenode: &Arc<NameNode>,
        auth_to_local: &AuthToLocal,
        world: &World,
        runtime: &Handle,
        (listeners, clock): (WebPorts<WebListener>, &Clock),
    ) -> Vec<Running> {
        let web = Arc::new(self.web(namenode, auth_to_local, world));
        let seed = self.seed;
        let serve = |listener| {
            let (web, clock) = (Arc::clone(&web), clock.clone());
            Running::start(runtime, |shutdown| {
                server::serve_namenode(web, listener, clock, seed, shutdown)
            })
        };
        listeners.all().map(serve).collect()
    }

    /// Returns the acceptance of tickets, if there is any.
    pub(crate) fn spnego(&self) -> Option<&GssapiSettings> {
        self.spnego.as_ref()
    }

    /// Returns the TLS of the cluster's servers, if they have HTTPS ports.
    pub(crate) fn tls(&self) -> Option<Tls> {
        self.tls.clone()
    }

    /// Returns the addresses that the ports are bound to.
    pub(crate) fn bound(&self) -> WebPorts<SocketAddr> {
        self.bound
    }
}

/// Returns `host:port` of an HTTP port as clients write it. On a loopback interface the host is
/// `localhost`, because clients ask for a ticket for the host in the URL.
pub(crate) fn authority(address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_loopback() => format!("localhost:{}", address.port()),
        _ => address.to_string(),
    }
}
