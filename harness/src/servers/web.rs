//! The HTTP and HTTPS ports of a NameNode (feature `web`).

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use kerbox_krb5::Clock;
use kerbox_net::reachable;
use minihdfs::config::HdfsConfig;
use minihdfs::namenode::NameNode;
use minihdfs::sasl::GssapiSettings;
use minihdfs::secret_manager::{DelegationTokenSecretManager, DelegationTokenSettings};
use minihdfs::user::AuthToLocal;
use minihdfs::web::server::{Tls, WebListener};
use minihdfs::web::{
    Console, DataGates, HttpFsWeb, NameNodeWeb, NameNodeWebSettings, WebAuth, server,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::runtime::Handle;

use crate::client::hadoop_conf::HadoopKeys;
use crate::servers::https::Https;
use crate::servers::running::Running;
use crate::servers::web_ports::{WebPorts, bind_one};
use crate::spec::HdfsSpec;
use crate::world::World;
use crate::{Error, Server};

/// Separates the random stream of HTTP ports from other streams of the same seed.
pub(crate) const WEB_STREAM: u64 = 0x6874_7470_0000_0000;
/// Separates the random stream of the cookies' secret.
const SECRET_STREAM: u64 = 0x636F_6F6B_6965_0000;

/// Separates the random stream of HttpFS's tokens.
const TOKEN_STREAM: u64 = 0x6874_7470_6673_0000;

/// The HTTP ports of a NameNode, whether it serves or not.
pub(crate) struct NameNodeHttp {
    /// The acceptance of tickets for the HTTP principal; `None` without security.
    spnego: Option<GssapiSettings>,
    /// The address of the NameNode's RPC port.
    rpc_address: SocketAddr,
    /// The addresses that the ports are bound to.
    bound: WebPorts<SocketAddr>,
    /// The address that HttpFS is bound to, if it is served.
    httpfs: Option<SocketAddr>,
    httpfs_tokens: OnceLock<Arc<DelegationTokenSecretManager>>,
    /// The ports by which it moves data.
    gates: Arc<DataGates>,
    https: Option<Https>,
    /// The configuration that `/conf` shows.
    configuration: Vec<(String, String)>,
    console: Arc<Console>,
    seed: u64,
}

/// The sockets of a NameNode's HTTP ports.
pub(crate) struct WebListeners {
    ports: WebPorts<WebListener>,
    httpfs: Option<WebListener>,
}

/// The HTTP ports of a NameNode that is about to start.
pub(crate) struct BoundWeb {
    listeners: WebListeners,
    bound: WebPorts<SocketAddr>,
    httpfs: Option<SocketAddr>,
    https: Option<Https>,
}

impl BoundWeb {
    /// Binds the ports that the configuration wants, and puts their addresses into the keys.
    pub(crate) fn bind(
        world: &World,
        spec: &HdfsSpec,
        config: &HdfsConfig,
        keys: &mut HadoopKeys,
    ) -> Result<Self, Error> {
        let https = Https::set_up(world, spec, config, keys)?;
        let wanted = WebPorts::of_namenode(&config.http, spec.listen.ip());
        let tls = https.as_ref().map(Https::tls);
        let (ports, bound) = wanted.bind(Server::NameNode(1), tls)?;
        let address = SocketAddr::new(spec.listen.ip(), config.http.httpfs_port);
        let httpfs = spec.httpfs.then(|| bind_httpfs(address, bound, tls));
        let (httpfs, httpfs_bound) = httpfs.transpose()?.unzip();
        for (key, address) in [
            ("dfs.namenode.http-address", bound.http),
            ("dfs.namenode.https-address", bound.https),
        ] {
            if let Some(address) = address {
                keys.insert(key.to_owned(), authority(reachable(address)));
            }
        }
        Ok(Self {
            listeners: WebListeners { ports, httpfs },
            bound,
            httpfs: httpfs_bound,
            https,
        })
    }
}

impl NameNodeHttp {
    /// Sets up the ports, and returns their sockets. `seed` is the fixture's.
    pub(crate) fn new(
        spnego: Option<GssapiSettings>,
        rpc_address: SocketAddr,
        web: BoundWeb,
        keys: &HadoopKeys,
        seed: u64,
    ) -> (Self, WebListeners) {
        let pairs = keys.iter();
        let http = Self {
            spnego,
            rpc_address,
            bound: web.bound,
            httpfs: web.httpfs,
            httpfs_tokens: OnceLock::new(),
            gates: Arc::default(),
            https: web.https,
            configuration: pairs
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            console: Arc::default(),
            seed: seed ^ WEB_STREAM,
        };
        (http, web.listeners)
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
            gates: Arc::clone(&self.gates),
            console: Arc::clone(&self.console),
        };
        NameNodeWeb::new(Arc::clone(namenode), settings)
    }

    /// Binds the ports again after a stop.
    pub(crate) fn bind(&self) -> Result<WebListeners, Error> {
        let (ports, _) = self.bound.bind(Server::NameNode(1), self.tls())?;
        let bind = |address| bind_httpfs(address, self.bound, self.tls());
        let httpfs = self.httpfs.map(bind).transpose()?;
        let httpfs = httpfs.map(|(listener, _)| listener);
        Ok(WebListeners { ports, httpfs })
    }

    /// Starts serving.
    pub(crate) fn serve(
        &self,
        namenode: &Arc<NameNode>,
        auth_to_local: &AuthToLocal,
        world: &World,
        runtime: &Handle,
        (listeners, clock): (WebListeners, &Clock),
    ) -> Vec<Running> {
        let web = Arc::new(self.web(namenode, auth_to_local, world));
        let seed = self.seed;
        let httpfs = listeners.httpfs.map(|listener| {
            let web = self.web(namenode, auth_to_local, world);
            let web = Arc::new(HttpFsWeb::new(web, self.tokens(clock)));
            Running::start(runtime, |shutdown| {
                server::serve_httpfs(web, listener, clock.clone(), seed, shutdown)
            })
        });
        let serve = |listener| {
            let (web, clock) = (Arc::clone(&web), clock.clone());
            Running::start(runtime, |shutdown| {
                server::serve_namenode(web, listener, clock, seed, shutdown)
            })
        };
        let ports = listeners.ports.all().map(serve);
        ports.chain(httpfs).collect()
    }

    /// Returns the tokens of HttpFS, which outlive the NameNode's processes.
    fn tokens(&self, clock: &Clock) -> Arc<DelegationTokenSecretManager> {
        let tokens = self.httpfs_tokens.get_or_init(|| {
            let mut rng = StdRng::seed_from_u64(self.seed ^ TOKEN_STREAM);
            let settings = DelegationTokenSettings::default();
            let tokens = DelegationTokenSecretManager::with_key(settings, clock.now(), &mut rng);
            Arc::new(tokens)
        });
        Arc::clone(tokens)
    }

    /// Returns the place for the console's verbs.
    pub(crate) fn console(&self) -> &Console {
        &self.console
    }

    /// Returns the acceptance of tickets, if there is any.
    pub(crate) fn spnego(&self) -> Option<&GssapiSettings> {
        self.spnego.as_ref()
    }

    /// Returns the TLS of the cluster's servers, if they have HTTPS ports.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.https().map(Https::tls)
    }

    /// Returns the HTTPS of the cluster's servers, if they have any.
    pub(crate) fn https(&self) -> Option<&Https> {
        self.https.as_ref()
    }

    /// Returns the ports by which it moves data.
    pub(crate) fn gates(&self) -> &Arc<DataGates> {
        &self.gates
    }

    /// Returns the address that HttpFS is bound to.
    pub(crate) fn httpfs(&self) -> Option<SocketAddr> {
        self.httpfs
    }

    /// Returns the address of each port, that of HttpFS too.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = SocketAddr> + use<> {
        self.bound.all().chain(self.httpfs)
    }

    /// Returns the addresses that the ports are bound to.
    pub(crate) fn bound(&self) -> WebPorts<SocketAddr> {
        self.bound
    }
}

/// Binds the port of HttpFS, with TLS if the NameNode's other ports all have it.
fn bind_httpfs(
    address: SocketAddr,
    others: WebPorts<SocketAddr>,
    tls: Option<&Tls>,
) -> Result<(WebListener, SocketAddr), Error> {
    let tls = tls.filter(|_| others.http.is_none());
    bind_one(Server::NameNode(1), address, tls)
}

/// Returns `host:port` of an HTTP port as clients write it. On a loopback interface the host is
/// `localhost`, because clients ask for a ticket for the host in the URL.
pub(crate) fn authority(address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_loopback() => format!("localhost:{}", address.port()),
        _ => address.to_string(),
    }
}
