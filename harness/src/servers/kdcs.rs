//! The servers of a realm's KDC. There is one, or several that share a database, each at its own
//! address.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use kerbox_kdc::Kdc;
use kerbox_kdc::server::Sockets;
use kerbox_krb5::Clock;
use kerbox_net::bind::{hold_tcp, refuse_datagrams};
use kerbox_net::{HeldPort, reachable};
use tokio::runtime::Handle;

use crate::servers::running::Running;
use crate::spec::{RealmSpec, Transports};
use crate::world::World;
use crate::{Error, Server};

/// Number of attempts to bind a port that was just closed. Until a child process has executed its
/// program, it holds copies of this process's descriptors, so the port may not be free at once.
const TRIES: u32 = 500;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// All servers of a realm's KDC, by number.
pub(crate) struct Kdcs {
    world: Arc<World>,
    kdc: Arc<Kdc>,
    clock: Clock,
    runtime: Handle,
    listen_ip: IpAddr,
    transports: Transports,
    slots: Vec<Slot>,
}

/// The slot of one server, which keeps its address across restarts.
struct Slot {
    number: usize,
    address: SocketAddr,
    state: Mutex<State>,
}

enum State {
    Serving(Running),
    /// The sockets are open but not read. The system itself still accepts connections and
    /// datagrams.
    Silent {
        _sockets: Sockets,
    },
    /// Connections and datagrams are refused, and no other process can take the port. `None` if
    /// another process took it first.
    Closed {
        _held: Option<HeldPort>,
    },
}

impl Kdcs {
    /// Starts the servers on their bound sockets.
    pub(crate) fn start(
        world: &Arc<World>,
        runtime: &Handle,
        kdc: &Arc<Kdc>,
        clock: &Clock,
        bound: Vec<Sockets>,
        spec: &RealmSpec,
    ) -> Result<Self, Error> {
        let mut kdcs = Self {
            world: Arc::clone(world),
            kdc: Arc::clone(kdc),
            clock: clock.clone(),
            runtime: runtime.clone(),
            listen_ip: spec.listen.ip(),
            transports: spec.transports,
            slots: Vec::with_capacity(bound.len()),
        };
        for (before, sockets) in bound.into_iter().enumerate() {
            let address = sockets.local_addr().map_err(cannot_bind(spec.listen))?;
            let slot = Slot {
                number: before + 1,
                address: reachable(address),
                state: Mutex::new(State::Closed { _held: None }),
            };
            *slot.state() = kdcs.serve(sockets)?;
            kdcs.slots.push(slot);
        }
        Ok(kdcs)
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
        self.slots.iter().map(|slot| slot.address).collect()
    }

    /// Returns whether any of them is serving.
    pub(crate) fn any_serves(&self) -> bool {
        self.slots.iter().any(Slot::serves)
    }

    pub(crate) fn get(&self, number: usize) -> Result<KdcServer<'_>, Error> {
        let slot = number
            .checked_sub(1)
            .and_then(|before| self.slots.get(before));
        let slot = slot.ok_or_else(|| Error::NoSuchServer {
            server: format!("KDC {number}"),
            has: format!("{} of them, numbered from 1", self.slots.len()),
        })?;
        Ok(KdcServer { all: self, slot })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = KdcServer<'_>> {
        self.slots.iter().map(|slot| KdcServer { all: self, slot })
    }

    fn serve(&self, mut sockets: Sockets) -> Result<State, Error> {
        let mut closed = None;
        match self.transports {
            Transports::Both => {}
            Transports::Tcp => {
                let address = sockets.udp.local_addr();
                let connected = address.and_then(|address| refuse_datagrams(&sockets.udp, address));
                connected.map_err(Error::io("close the KDC's UDP port"))?;
            }
            Transports::Udp => {
                let cannot = || Error::io("close the KDC's TCP port");
                let address = sockets.tcp.local_addr().map_err(cannot())?;
                // The server still needs a TCP socket: give it one at an address that clients do
                // not know.
                let elsewhere = Sockets::bind(SocketAddr::new(address.ip(), 0)).map_err(cannot())?;
                sockets.tcp = elsewhere.tcp;
                closed = hold_tcp(address);
            }
        }
        let (kdc, clock) = (Arc::clone(&self.kdc), self.clock.clone());
        let serve = |shutdown| async move {
            let _closed = closed;
            kerbox_kdc::server::serve(kdc, sockets, clock, shutdown).await
        };
        Ok(State::Serving(Running::start(&self.runtime, serve)))
    }

    fn record(&self, slot: &Slot, change: &str) {
        let change = if self.slots.len() == 1 {
            change.to_owned()
        } else {
            format!("{change}: {} of {}", slot.number, self.slots.len())
        };
        self.world.record_state(Server::Kdc, &change);
    }
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        // The state is replaced whole, so a panic elsewhere leaves it valid.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serves(&self) -> bool {
        matches!(&*self.state(), State::Serving(running) if running.is_running())
    }

    /// Ends the server or releases the held port; the port is free afterwards.
    fn end(&self) {
        let before = std::mem::replace(&mut *self.state(), State::Closed { _held: None });
        if let State::Serving(running) = before {
            running.stop();
        }
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
    all: &'a Kdcs,
    slot: &'a Slot,
}

impl KdcServer<'_> {
    /// Returns its 1-based number.
    #[must_use]
    pub fn number(&self) -> usize {
        self.slot.number
    }

    /// Returns its address; a restart keeps it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.slot.address
    }

    /// Returns whether it answers.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.slot.serves()
    }

    /// Stops it and closes its port, so that clients are refused at once, until
    /// [`restart`](Self::restart).
    pub fn stop(&self) {
        self.slot.end();
        let held = HeldPort::hold(self.bound());
        *self.slot.state() = State::Closed { _held: held };
        self.all.record(self.slot, "stopped");
    }

    /// Makes it accept connections and requests without answering, like a host that is overloaded
    /// or behind a misconfigured firewall, until [`restart`](Self::restart). Unlike
    /// [`Fault::silence`](crate::Fault::silence), this leaves the realm's other servers alone.
    pub fn silence(&self) -> Result<(), Error> {
        self.slot.end();
        let sockets = self.bind()?;
        *self.slot.state() = State::Silent { _sockets: sockets };
        self.all.record(self.slot, "silent");
        Ok(())
    }

    /// Makes it serve again at the same address, from the same database.
    pub fn restart(&self) -> Result<(), Error> {
        self.slot.end();
        *self.slot.state() = self.all.serve(self.bind()?)?;
        self.all.record(self.slot, "started");
        Ok(())
    }

    fn bound(&self) -> SocketAddr {
        SocketAddr::new(self.all.listen_ip, self.slot.address.port())
    }

    fn bind(&self) -> Result<Sockets, Error> {
        let mut tries = 0;
        loop {
            match Sockets::bind(self.bound()) {
                Err(error) if error.kind() == ErrorKind::AddrInUse && tries < TRIES => {
                    tries += 1;
                    thread::sleep(BETWEEN_TRIES);
                }
                bound => return bound.map_err(cannot_bind(self.bound())),
            }
        }
    }
}

impl fmt::Debug for KdcServer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "KdcServer({} at {})",
            self.slot.number, self.slot.address
        )
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
