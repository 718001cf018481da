//! The way from the DataNodes of a fixture to others: to each other in the process, and by RPC to
//! those in processes of their own, such as Hadoop's.

use std::net::SocketAddr;
use std::sync::Arc;

use kerbox_krb5::{EncryptionKey, Keytab, Principal};
use minihdfs::config::HdfsConfig;
use minihdfs::datanode::LocalPeers;
use minihdfs::datanode::driver::{CallThread, RemoteAccess, RemotePeers};
use minihdfs::rpc::RpcSecurity;
use minihdfs::rpc::client::driver::{KeytabTickets, TicketSource};
use minihdfs::rpc::client::{ClientSettings, Identity};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::world::World;

/// Separates this random stream from other streams of the same seed.
const PEERS_STREAM: u64 = 0x7065_6572_7300;

/// The DataNodes that those of a fixture reach.
#[derive(Clone)]
pub(crate) struct Peers {
    pub(crate) local: Arc<LocalPeers>,
    pub(crate) all: Arc<RemotePeers>,
}

impl Peers {
    /// Creates the way. The fixture's DataNodes call others as their own principal, with tickets of
    /// the fixture's KDC; without security as the superuser.
    pub(crate) fn new(
        world: &World,
        kdc: Option<SocketAddr>,
        security: Option<&RpcSecurity>,
        config: &HdfsConfig,
        superuser: &str,
        pool: Arc<str>,
    ) -> Self {
        let mut rng = StdRng::seed_from_u64(world.seed ^ PEERS_STREAM);
        let gssapi = security.map(|security| &security.gssapi);
        let principal = gssapi.and_then(|gssapi| gssapi.principal.clone());
        let tickets = kdc.zip(gssapi).zip(principal.clone());
        let tickets = tickets.map(|((kdc, gssapi), principal)| {
            let (keytab, of) = (gssapi.keytab.clone(), principal.clone());
            let keys = move || newest_keys(&keytab.get(), &of);
            let source = KeytabTickets::with_current_keys(kdc, principal, keys, &mut rng);
            Arc::new(source) as Arc<dyn TicketSource>
        });
        let access = RemoteAccess {
            identity: principal
                .as_ref()
                .map_or_else(|| Identity::simple(superuser), Identity::kerberos),
            tickets,
            settings: calls_of_servers(config),
            namenode: None,
            datanode: principal,
            clock: world.clock.clone(),
        };
        let local = Arc::new(LocalPeers::default());
        let thread = Arc::new(CallThread::default());
        let all = RemotePeers::new(Arc::clone(&local), access, thread, pool, &mut rng);
        Self {
            local,
            all: Arc::new(all),
        }
    }
}

/// Returns the settings for calls from server to server, which are made again by a timer of their
/// own if they fail.
pub(crate) fn calls_of_servers(config: &HdfsConfig) -> ClientSettings {
    ClientSettings {
        protection: config.rpc_protection.clone(),
        connect_max_retries: 0,
        connect_max_retries_on_timeouts: 0,
        ..ClientSettings::default()
    }
}

/// Returns the newest keys of a principal.
pub(crate) fn newest_keys(keytab: &Keytab, principal: &Principal) -> Vec<EncryptionKey> {
    let own = || {
        keytab
            .entries()
            .filter(|entry| entry.principal() == principal)
    };
    let newest = own().map(|entry| entry.kvno()).max();
    let newest = own().filter(|entry| Some(entry.kvno()) == newest);
    newest.filter_map(|entry| entry.key().cloned()).collect()
}
