//! The HTTP port of a NameNode (feature `web`).

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;

use kerbox_krb5::Clock;
use kerbox_net::reachable;
use minihdfs::namenode::NameNode;
use minihdfs::sasl::GssapiSettings;
use minihdfs::user::AuthToLocal;
use minihdfs::web::{NameNodeWeb, NameNodeWebSettings, WebAuth, server};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::runtime::Handle;

use crate::client::hadoop_conf::HadoopKeys;
use crate::servers::listen::listen;
use crate::servers::running::Running;
use crate::world::World;
use crate::{Error, Server};

/// Separates the random stream of HTTP ports from other streams of the same seed.
const WEB_STREAM: u64 = 0x6874_7470_0000_0000;
/// Separates the random stream of the cookies' secret.
const SECRET_STREAM: u64 = 0x636F_6F6B_6965_0000;

/// The HTTP port of a NameNode, whether it serves or not.
pub(crate) struct NameNodeHttp {
    /// The acceptance of tickets for the HTTP principal; `None` without security.
    spnego: Option<GssapiSettings>,
    /// The address of the NameNode's RPC port.
    rpc_address: SocketAddr,
    /// The address that it is bound to.
    bound: SocketAddr,
    seed: u64,
}

impl NameNodeHttp {
    /// Sets up the port. `bound` is its address, and `seed` the fixture's.
    pub(crate) fn new(
        spnego: Option<GssapiSettings>,
        rpc_address: SocketAddr,
        bound: SocketAddr,
        seed: u64,
    ) -> Self {
        Self {
            spnego,
            rpc_address,
            bound,
            seed: seed ^ WEB_STREAM,
        }
    }

    /// Returns the port's core for a process of the NameNode. A restart keeps the secret of the
    /// cookies, as a secret in a file does.
    pub(crate) fn web(
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
        };
        NameNodeWeb::new(Arc::clone(namenode), settings)
    }

    /// Binds the port again after a stop.
    pub(crate) fn bind(&self) -> Result<TcpListener, Error> {
        Ok(listen(Server::NameNode(1), self.bound)?.0)
    }

    /// Starts serving.
    pub(crate) fn serve(
        &self,
        web: Arc<NameNodeWeb>,
        runtime: &Handle,
        listener: TcpListener,
        clock: Clock,
    ) -> Running {
        let seed = self.seed;
        Running::start(runtime, |shutdown| {
            server::serve_namenode(web, listener, clock, seed, shutdown)
        })
    }

    /// Returns the address where clients reach it.
    pub(crate) fn address(&self) -> SocketAddr {
        reachable(self.bound)
    }
}

/// Adds the address of the NameNode's HTTP port to the keys, unless they name one. Returns also the
/// address that the port is bound to.
pub(crate) fn with_http_address(
    mut keys: HadoopKeys,
    http: &TcpListener,
) -> Result<(HadoopKeys, SocketAddr), Error> {
    let server = Server::NameNode(1);
    let bound = http.local_addr().map_err(|source| Error::Bind {
        server,
        address: SocketAddr::from(([0, 0, 0, 0], 0)),
        source,
    })?;
    keys.entry("dfs.namenode.http-address".to_owned())
        .or_insert_with(|| authority(reachable(bound)));
    Ok((keys, bound))
}

/// Returns `host:port` of an HTTP port as clients write it. On a loopback interface the host is
/// `localhost`, because clients ask for a ticket for the host in the URL.
pub(crate) fn authority(address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_loopback() => format!("localhost:{}", address.port()),
        _ => address.to_string(),
    }
}
