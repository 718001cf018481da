//! The console of a realm without a NameNode (feature `web`).

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use kerbox_events::StateChange;
use kerbox_krb5::{Clock, Principal};
use kerbox_net::{HeldPort, reachable};
use minihdfs::sasl::GssapiSettings;
use minihdfs::web::server::{WebListener, serve_console};
use minihdfs::web::{Console, ConsoleWeb, ConsoleWebSettings};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::runtime::Handle;

use crate::servers::handle::server_methods;
use crate::servers::realm_core::RealmCore;
use crate::servers::running::Running;
use crate::servers::slot::{Process, Service, Slot};
use crate::servers::timers::IdleLimits;
use crate::servers::web::WEB_STREAM;
use crate::servers::web_ports::bind_one;
use crate::spec::ConsoleSpec;
use crate::world::{Fixture, Timed, World};
use crate::{Error, Server};

/// The service to which browsers show their tickets.
const SERVICE: &str = "HTTP/localhost";
/// Separates the random stream of the cookies' secret. It is not a NameNode's: its cookies name
/// other users.
const SECRET_STREAM: u64 = 0x636F_6E73_6F6C_6500;

/// The console of a realm, whether it serves or not.
pub(crate) struct ConsoleService {
    world: Arc<World>,
    runtime: Handle,
    realm: Arc<RealmCore>,
    clock: Clock,
    spnego: GssapiSettings,
    administrators: Vec<Principal>,
    /// The place for its verbs.
    pub(crate) console: Arc<Console>,
    idle: Arc<IdleLimits>,
    /// The address that it is bound to.
    bound: SocketAddr,
}

impl ConsoleService {
    /// Starts the console of a realm.
    pub(crate) fn start(
        fixture: &Fixture,
        realm: &Arc<RealmCore>,
        spec: &ConsoleSpec,
    ) -> Result<Slot<Self>, Error> {
        let world = Arc::clone(&fixture.world);
        let interface = realm.kdcs.interface();
        let address = spec.listen.unwrap_or_else(|| SocketAddr::new(interface, 0));
        let (listener, bound) = bind_one(Server::Console, address, None)?;
        let named = spec.administrators.iter();
        let named = named.map(|name| Principal::parse(name, &realm.name));
        let service = Principal::parse(SERVICE, &realm.name)?;
        let mut spnego = GssapiSettings::new(service, realm.keytab_or_none(SERVICE)?, &[]);
        spnego.skew = realm.clock_skew;
        let idle = Arc::new(IdleLimits::default());
        world.add_timed(Server::Console, Arc::clone(&idle) as Arc<dyn Timed>);
        let service = Self {
            clock: world.new_clock(Server::Console),
            world,
            runtime: fixture.runtime.handle().clone(),
            realm: Arc::clone(realm),
            spnego,
            administrators: named.collect::<Result<_, _>>()?,
            console: Arc::default(),
            idle,
            bound,
        };
        Slot::start(service, listener)
    }

    /// Takes over the keys of its principal, if it is this one.
    pub(crate) fn follow_keys(&self, principal: &Principal) {
        if self.spnego.principal.as_ref() == Some(principal)
            && let Ok(keytab) = self.realm.keytab_or_none(SERVICE)
        {
            self.spnego.keytab.replace(keytab);
        }
    }
}

impl Service for ConsoleService {
    type Sockets = WebListener;

    fn server(&self) -> Server {
        Server::Console
    }

    fn world(&self) -> &World {
        &self.world
    }

    fn bind(&self) -> Result<WebListener, Error> {
        let (listener, _) = bind_one(Server::Console, self.bound, None)?;
        Ok(listener)
    }

    /// Starts serving. A restart reads the keys again, and keeps the secret of the cookies.
    fn serve(&self, listener: WebListener) -> Result<Process, Error> {
        let keytab = self.realm.keytab_or_none(SERVICE)?;
        self.spnego.keytab.replace(keytab);
        let seed = self.world.seed ^ WEB_STREAM;
        let settings = ConsoleWebSettings {
            spnego: self.spnego.clone(),
            realm: self.realm.name.clone(),
            administrators: self.administrators.clone(),
            hook: self.world.hook(),
            console: Arc::clone(&self.console),
        };
        let mut secret = StdRng::seed_from_u64(seed ^ SECRET_STREAM);
        let web = Arc::new(ConsoleWeb::new(settings, &mut secret));
        let clock = self.clock.clone();
        let port = Running::start(&self.runtime, |shutdown| {
            serve_console(web, listener, clock, seed, shutdown)
        });
        self.idle.add(1, &port);
        Ok(Process {
            ports: vec![port],
            timed: None,
            end: Box::new(|| {}),
        })
    }

    fn hold(&self) -> Vec<HeldPort> {
        Vec::from_iter(HeldPort::hold_connections(self.bound))
    }

    fn record(&self, change: StateChange) {
        self.world.record_state(Server::Console, change, "");
    }
}

/// The console of a realm, from [`Realm::console_server`](crate::Realm::console_server).
///
/// ```
/// let realm = kerbox::Realm::builder().console().start_blocking()?;
/// let console = realm.console_server().expect("it was asked for");
/// console.stop();
/// assert!(std::net::TcpStream::connect(console.address()).is_err());
/// console.restart()?; // at the same address; a browser's cookie still counts
/// assert!(console.is_running());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct ConsoleServer<'a> {
    pub(crate) slot: &'a Slot<ConsoleService>,
}

impl ConsoleServer<'_> {
    /// Returns its address; a restart keeps it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        reachable(self.slot.service.bound)
    }
}

server_methods!(ConsoleServer);

impl fmt::Debug for ConsoleServer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConsoleServer(at {})", self.address())
    }
}
