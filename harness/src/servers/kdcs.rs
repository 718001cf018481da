//! The servers of a realm's KDC. There is one, or several that share a database, each at its own
//! address.

use std::fmt;
use std::io;
#[cfg(feature = "web")]
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use kerbox_events::StateChange;
use kerbox_kdc::Kdc;
use kerbox_kdc::server::Sockets;
use kerbox_krb5::Clock;
use kerbox_net::bind::{hold_tcp, refuse_datagrams};
use kerbox_net::{HeldPort, reachable};
use tokio::runtime::Handle;

use crate::servers::handle::server_methods;
use crate::servers::running::Running;
use crate::servers::slot::{Process, Service, Slot};
use crate::servers::timers::IdleLimits;
use crate::spec::{RealmSpec, Transports};
use crate::world::{Timed, World};
use crate::{Error, Server};

/// All servers of a realm's KDC, by number.
pub(crate) struct Kdcs(Vec<Slot<KdcService>>);

/// The parts that the servers of a KDC share.
#[derive(Clone)]
pub(crate) struct KdcParts {
    pub(crate) world: Arc<World>,
    pub(crate) runtime: Handle,
    pub(crate) kdc: Arc<Kdc>,
    pub(crate) clock: Clock,
}

/// One server.
struct KdcService {
    parts: KdcParts,
    number: usize,
    /// The number of servers.
    count: usize,
    idle: Arc<IdleLimits>,
    /// The address that it is bound to.
    bound: SocketAddr,
    transports: Transports,
}

impl Kdcs {
    /// Starts the servers on their bound sockets.
    pub(crate) fn start(
        parts: &KdcParts,
        bound: Vec<Sockets>,
        spec: &RealmSpec,
    ) -> Result<Self, Error> {
        let count = bound.len();
        let idle = Arc::new(IdleLimits::default());
        parts
            .world
            .add_timed(Server::Kdc, Arc::clone(&idle) as Arc<dyn Timed>);
        let start = |(before, sockets): (usize, Sockets)| {
            let service = KdcService {
                parts: parts.clone(),
                number: before + 1,
                count,
                idle: Arc::clone(&idle),
                bound: sockets.local_addr().map_err(cannot_bind(spec.listen))?,
                transports: spec.transports,
            };
            Slot::start(service, sockets)
        };
        let slots = bound.into_iter().enumerate().map(start);
        Ok(Self(slots.collect::<Result<_, _>>()?))
    }

    /// Binds every server's sockets: the first server at the requested address, the others on free
    /// ports of the same interface.
    pub(crate) fn bind(spec: &RealmSpec) -> Result<Vec<Sockets>, Error> {
        let others = SocketAddr::new(spec.listen.ip(), 0);
        let addresses = std::iter::once(spec.listen).chain(std::iter::repeat(others));
        addresses
            .take(spec.kdcs)
            .map(|address| Sockets::bind(address).map_err(cannot_bind(address)))
            .collect()
    }

    /// Returns the addresses where clients reach them, in the order of their numbers.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.all().map(|server| server.address()).collect()
    }

    /// Returns the interface that they are bound to.
    #[cfg(feature = "web")]
    pub(crate) fn interface(&self) -> IpAddr {
        self.0[0].service.bound.ip()
    }

    /// Returns whether any of them is serving.
    pub(crate) fn any_serves(&self) -> bool {
        self.0.iter().any(Slot::serves)
    }

    pub(crate) fn get(&self, number: usize) -> Result<KdcServer<'_>, Error> {
        let slot = number.checked_sub(1).and_then(|before| self.0.get(before));
        let slot = slot.ok_or_else(|| Error::NoSuchServer {
            server: format!("KDC {number}"),
            has: format!("{} of them, numbered from 1", self.0.len()),
        })?;
        Ok(KdcServer { slot })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = KdcServer<'_>> {
        self.0.iter().map(|slot| KdcServer { slot })
    }
}

impl Service for KdcService {
    type Sockets = Sockets;

    fn server(&self) -> Server {
        Server::Kdc
    }

    fn world(&self) -> &World {
        &self.parts.world
    }

    fn bind(&self) -> Result<Sockets, Error> {
        Sockets::bind(self.bound).map_err(cannot_bind(self.bound))
    }

    fn serve(&self, sockets: Sockets) -> Result<Process, Error> {
        let Sockets { udp, tcp } = sockets;
        let (mut closed_udp, mut closed_tcp) = (None, None);
        let (udp, tcp) = match self.transports {
            Transports::Both => (Some(udp), Some(tcp)),
            Transports::Tcp => {
                let refusing = refuse_datagrams(&udp, self.bound);
                refusing.map_err(Error::io("close the KDC's UDP port"))?;
                closed_udp = Some(udp);
                (None, Some(tcp))
            }
            Transports::Udp => {
                drop(tcp);
                closed_tcp = hold_tcp(self.bound);
                (Some(udp), None)
            }
        };
        let (kdc, clock) = (Arc::clone(&self.parts.kdc), self.parts.clock.clone());
        let serve = |shutdown| async move {
            let _closed = (closed_udp, closed_tcp);
            kerbox_kdc::server::serve_on(kdc, udp, tcp, clock, shutdown).await
        };
        let port = Running::start(&self.parts.runtime, serve);
        self.idle.add(self.number, &port);
        Ok(Process {
            ports: vec![port],
            timed: None,
            end: Box::new(|| {}),
        })
    }

    fn hold(&self) -> Vec<HeldPort> {
        Vec::from_iter(HeldPort::hold(self.bound))
    }

    fn record(&self, change: StateChange) {
        let which = if self.count == 1 {
            String::new()
        } else {
            format!("{} of {}", self.number, self.count)
        };
        self.parts.world.record_state(Server::Kdc, change, &which);
    }
}

/// One server of a realm's KDC, from [`Realm::kdc_server`](crate::Realm::kdc_server).
///
/// ```
/// let realm = kerbox::Realm::builder().kdcs(2).start_blocking()?;
/// realm.kdc_server(1)?.stop();
/// realm.login_blocking("alice")?; // by the second
/// realm.kdc_server(1)?.restart()?;
/// assert!(realm.kdc_server(1)?.is_running());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct KdcServer<'a> {
    slot: &'a Slot<KdcService>,
}

impl KdcServer<'_> {
    /// Returns its 1-based number.
    #[must_use]
    pub fn number(&self) -> usize {
        self.slot.service.number
    }

    /// Returns its address; a restart keeps it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        reachable(self.slot.service.bound)
    }

    /// Closes all its connections at once, in the middle of whatever they do, and returns their
    /// number. It goes on accepting.
    pub fn cut_connections(&self) -> usize {
        self.slot.cut_of(None)
    }

    /// Makes it accept connections and requests without answering, like a host that is overloaded
    /// or behind a misconfigured firewall, until [`restart`](Self::restart) or
    /// [`resume`](Self::resume). Unlike [`Fault::silence`](crate::Fault::silence), this leaves the
    /// realm's other servers alone.
    pub fn silence(&self) -> Result<(), Error> {
        if !self.slot.serves() {
            self.slot.restart()?;
        }
        self.slot.pause(StateChange::Silent);
        Ok(())
    }
}

server_methods!(KdcServer);

impl fmt::Debug for KdcServer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KdcServer({} at {})", self.number(), self.address())
    }
}

fn cannot_bind(address: SocketAddr) -> impl Fn(io::Error) -> Error {
    move |source| Error::Bind {
        server: Server::Kdc,
        address,
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpStream, UdpSocket};
    use std::time::Duration;

    use crate::Realm;

    #[test]
    fn servers_share_a_database_and_stop_one_by_one() {
        let realm = Realm::builder()
            .kdcs(3)
            .start_blocking()
            .expect("three ports");
        assert_eq!(realm.kdc_addresses().len(), 3);
        assert_eq!(realm.kdc_address(), realm.kdc_addresses()[0]);
        let conf = std::fs::read_to_string(realm.path().join("krb5.conf")).expect("there");
        for address in realm.kdc_addresses() {
            assert!(conf.contains(&format!(" kdc = {address}\n")), "{conf}");
        }
        assert!(realm.kdc_server(0).is_err());
        assert!(
            realm
                .kdc_server(4)
                .expect_err("three")
                .to_string()
                .contains("3 of them")
        );
        let [first, second] = [1, 2].map(|number| realm.kdc_server(number).expect("there"));
        first.stop();
        second.silence().expect("its own port");
        assert!(!first.is_running() && !second.is_running());
        assert!(TcpStream::connect(first.address()).is_err());
        assert!(TcpStream::connect(second.address()).is_ok());
        let datagrams = UdpSocket::bind("127.0.0.1:0").expect("a port");
        datagrams
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a time");
        datagrams.connect(first.address()).expect("an address");
        datagrams.send(b"x").expect("sent");
        let refused = datagrams.recv(&mut [0; 8]).expect_err("a closed port");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        assert!(
            realm.login_blocking("alice").is_ok(),
            "the third still serves"
        );
        first.restart().expect("its own port");
        assert!(first.is_running());
        realm.stop_kdc();
        assert!(realm.login_blocking("bob").is_err());
        realm.restart_kdc().expect("their own ports");
        assert!(realm.login_blocking("bob").is_ok());
    }
}
