//! A server's place in a fixture. It keeps the server's address, identity and files while the
//! server is stopped, paused, killed and started again.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use kerbox_net::{HeldPort, Peer};

use crate::servers::running::Running;
use crate::servers::timers::Timers;
use crate::world::{Timed, World};
use crate::{Error, Server};
use kerbox_events::StateChange;

/// Number of attempts to bind a port that was just closed. Until a child process has executed its
/// program, it holds copies of this process's descriptors, so the port may not be free at once.
const TRIES: u32 = 500;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// The parts of a server that differ: its sockets, and the tasks that serve on them.
pub(crate) trait Service {
    /// The bound sockets.
    type Sockets;

    fn server(&self) -> Server;

    fn world(&self) -> &World;

    /// Binds the sockets at the addresses that the server has had from its start.
    fn bind(&self) -> Result<Self::Sockets, Error>;

    /// Starts serving.
    fn serve(&self, sockets: Self::Sockets) -> Result<Process, Error>;

    /// Reserves the closed ports of a stopped server, so that it finds them free when it starts
    /// again.
    fn hold(&self) -> Vec<HeldPort>;

    /// Returns true if the server's core records its start and its end.
    fn records_itself(&self) -> bool {
        false
    }

    /// Does what a pause means besides its ports and timers.
    fn paused(&self) {}

    /// Ends that, before its ports and timers go on.
    fn resumed(&self) {}

    /// Writes a change of the server's state into the journal.
    fn record(&self, change: StateChange);
}

/// A running server.
pub(crate) struct Process {
    /// The task of each of its ports.
    pub(crate) ports: Vec<Running>,
    /// The core, if it has timers.
    pub(crate) timed: Option<Arc<dyn Timed>>,
    /// Ends the core.
    pub(crate) end: Box<dyn Fn() + Send + Sync>,
}

/// The place of one server.
pub(crate) struct Slot<S> {
    pub(crate) service: S,
    state: Mutex<State>,
    /// Ports of killed servers, which may still be closing. A restart waits for them.
    killed: Mutex<Vec<Running>>,
}

enum State {
    Up { process: Process, is_paused: bool },
    Down { _held: Vec<HeldPort> },
}

impl<S: Service> Slot<S> {
    /// Starts a server on its bound sockets.
    pub(crate) fn start(service: S, sockets: S::Sockets) -> Result<Self, Error> {
        let slot = Self {
            service,
            state: Mutex::new(State::Down { _held: Vec::new() }),
            killed: Mutex::default(),
        };
        slot.serve(sockets)?;
        Ok(slot)
    }

    fn serve(&self, sockets: S::Sockets) -> Result<(), Error> {
        let process = self.service.serve(sockets)?;
        self.add_timers(&process);
        *self.state() = State::Up {
            process,
            is_paused: false,
        };
        Ok(())
    }

    /// Returns whether the server runs and is not paused.
    pub(crate) fn serves(&self) -> bool {
        match &*self.state() {
            State::Up { process, is_paused } => !is_paused && process.is_running(),
            State::Down { .. } => false,
        }
    }

    /// Returns whether the server is paused.
    pub(crate) fn is_paused(&self) -> bool {
        match &*self.state() {
            State::Up { process, is_paused } => *is_paused && process.is_running(),
            State::Down { .. } => false,
        }
    }

    /// Ends the server and waits until its addresses are free. Returns whether it was running.
    pub(crate) fn stop(&self) -> bool {
        // Holding the lock while it ends would block the server's own fault from killing it.
        let Some(process) = self.take() else {
            return false;
        };
        (process.end)();
        process.ports.iter().for_each(Running::stop);
        // Only if the server is not started again meanwhile.
        if let State::Down { _held: held } = &mut *self.state() {
            *held = self.service.hold();
        }
        true
    }

    /// Ends the server, as [`stop`](Self::stop) does, and records that.
    pub(crate) fn shut_down(&self) {
        if self.stop() && !self.service.records_itself() {
            self.service.record(StateChange::Stopped);
        }
    }

    /// Starts the server, as [`restart`](Self::restart) does, and records that.
    pub(crate) fn start_again(&self) -> Result<(), Error> {
        self.restart()?;
        if !self.service.records_itself() {
            self.service.record(StateChange::Started);
        }
        Ok(())
    }

    /// Ends the server as if its process were killed: its connections are cut. Does not wait.
    pub(crate) fn kill(&self) {
        if let Some(process) = self.take() {
            (process.end)();
            process.ports.iter().for_each(Running::kill);
            lock(&self.killed).extend(process.ports);
        }
    }

    /// Pauses the server, as SIGSTOP does: it accepts and answers nothing, sends nothing and runs
    /// no timers, and its connections stay open. Does nothing if it does not run.
    pub(crate) fn pause(&self, change: StateChange) {
        let mut state = self.state();
        if let State::Up { process, is_paused } = &mut *state
            && !*is_paused
        {
            self.service.paused();
            process.ports.iter().for_each(Running::pause);
            *is_paused = true;
            if process.timed.is_some() {
                self.service.world().remove_timed(self.service.server());
            }
            drop(state);
            self.service.record(change);
        }
    }

    /// Closes those of the server's connections that match, and returns their number.
    pub(crate) fn cut(&self, matches: &dyn Fn(&Peer<'_>) -> bool) -> usize {
        match &*self.state() {
            State::Up { process, .. } => process.ports.iter().map(|port| port.cut(matches)).sum(),
            State::Down { .. } => 0,
        }
    }

    /// Shows each of the server's open connections.
    pub(crate) fn show(&self, see: &mut dyn FnMut(&Peer<'_>)) {
        let gates: Vec<_> = match &*self.state() {
            State::Up { process, .. } => process.ports.iter().filter_map(Running::gate).collect(),
            State::Down { .. } => Vec::new(),
        };
        gates.iter().for_each(|gate| gate.show(see));
    }

    /// Closes the server's connections, of all users or of this one, and returns their number.
    pub(crate) fn cut_of(&self, user: Option<&str>) -> usize {
        self.cut(&|peer| user.is_none() || peer.user == user)
    }

    /// Resumes the paused server: it serves what has arrived meanwhile, and runs the timers that
    /// are due.
    pub(crate) fn resume(&self) {
        let mut state = self.state();
        if let State::Up { process, is_paused } = &mut *state
            && *is_paused
        {
            *is_paused = false;
            self.service.resumed();
            self.add_timers(process);
            process.ports.iter().for_each(Running::resume);
            drop(state);
            self.service.record(StateChange::Resumed);
        }
    }

    /// Starts the server at its old addresses; ends it first if it is running.
    pub(crate) fn restart(&self) -> Result<(), Error> {
        self.stop();
        for killed in lock(&self.killed).drain(..) {
            killed.stop();
        }
        *self.state() = State::Down { _held: Vec::new() };
        let sockets = self.bind()?;
        self.serve(sockets)
    }

    fn bind(&self) -> Result<S::Sockets, Error> {
        let mut tries = 0;
        loop {
            match self.service.bind() {
                Err(Error::Bind { source, .. })
                    if source.kind() == ErrorKind::AddrInUse && tries < TRIES =>
                {
                    tries += 1;
                    thread::sleep(BETWEEN_TRIES);
                }
                bound => return bound,
            }
        }
    }

    /// Takes the process out of its slot.
    fn take(&self) -> Option<Process> {
        let before = std::mem::replace(&mut *self.state(), State::Down { _held: Vec::new() });
        match before {
            State::Up { process, .. } => {
                if process.timed.is_some() {
                    self.service.world().remove_timed(self.service.server());
                }
                Some(process)
            }
            down @ State::Down { .. } => {
                *self.state() = down;
                None
            }
        }
    }

    fn add_timers(&self, process: &Process) {
        if let Some(timed) = &process.timed {
            let timers = Timers::new(timed, &process.ports);
            let world = self.service.world();
            world.add_timed(self.service.server(), Arc::new(timers));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Process {
    fn is_running(&self) -> bool {
        self.ports.iter().all(Running::is_running)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The guarded values are replaced whole, so a panic elsewhere leaves them valid.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::net::{SocketAddr, TcpStream, UdpSocket};
    use std::time::Duration;

    use kerbox_krb5::client::{AsExchange, InitialRequest, Secret};
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use crate::{Cluster, Event, Realm};

    /// Long enough for an answer of a server on this machine, short enough for a test that expects
    /// none.
    const MOMENT: Duration = Duration::from_millis(300);

    /// A client that has asked the NameNode's port for something that it refuses in words.
    fn asked(address: SocketAddr) -> TcpStream {
        let mut client = TcpStream::connect(address).expect("the system accepts");
        client
            .write_all(b"GET / HTTP/1.0\r\n\r\n")
            .expect("the system takes it");
        client
    }

    fn answer(client: &mut TcpStream, within: Duration) -> Result<String, ErrorKind> {
        client.set_read_timeout(Some(within)).expect("a limit");
        let mut bytes = [0; 16];
        match client.read(&mut bytes) {
            Ok(length) => Ok(String::from_utf8_lossy(&bytes[..length]).into_owned()),
            Err(error) => Err(error.kind()),
        }
    }

    #[test]
    fn a_paused_namenode_answers_after_it_is_resumed() {
        let cluster = Cluster::simple().start_blocking().expect("it starts");
        let namenode = cluster.namenode_server();
        let mut before = TcpStream::connect(namenode.address()).expect("it accepts");
        namenode.pause();
        assert!(namenode.is_paused() && !namenode.is_running());
        before
            .write_all(b"GET / HTTP/1.0\r\n\r\n")
            .expect("the system takes it");
        let mut during = asked(namenode.address());
        for client in [&mut before, &mut during] {
            let none = answer(client, MOMENT).expect_err("a paused server answers nothing");
            assert!(matches!(none, ErrorKind::WouldBlock | ErrorKind::TimedOut));
        }
        namenode.resume();
        assert!(namenode.is_running());
        for client in [&mut before, &mut during] {
            let answer = answer(client, Duration::from_secs(10)).expect("it is resumed");
            assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        }
        namenode.pause();
        let mut waiting = asked(namenode.address());
        namenode.stop(); // a paused server can be stopped, and answers nothing more
        assert!(answer(&mut waiting, Duration::from_secs(10)).map_or(true, |text| text.is_empty()));
        assert!(TcpStream::connect(namenode.address()).is_err());
        namenode.restart().expect("its own port");
        let mut after = asked(namenode.address());
        assert!(answer(&mut after, Duration::from_secs(10)).is_ok());
        let states = cluster.journal().count(|event| {
            matches!(event, Event::State { .. }) && event.to_string().contains("NameNode")
        });
        assert_eq!(states, 5, "paused, resumed, paused, stopped, started");
    }

    #[test]
    fn a_paused_kdc_answers_after_it_is_resumed() {
        let realm = Realm::builder().kdcs(2).start_blocking();
        let realm = realm.expect("it starts");
        let first = realm.kdc_server(1).expect("there");
        first.pause();
        let client = UdpSocket::bind("127.0.0.1:0").expect("a port");
        client.connect(first.address()).expect("an address");
        let request = InitialRequest::new(realm.principal("alice").expect("a name"));
        let secret = Secret::Password("alice".to_owned());
        let mut rng = StdRng::seed_from_u64(1);
        let (_, request) =
            AsExchange::new(request, secret, realm.clock().now(), &mut rng).expect("a request");
        client.send(&request).expect("sent");
        client.set_read_timeout(Some(MOMENT)).expect("a limit");
        assert!(client.recv(&mut [0; 4096]).is_err());
        assert!(realm.login_blocking("alice").is_ok(), "the second serves");
        first.resume();
        let ten = Some(Duration::from_secs(10));
        client.set_read_timeout(ten).expect("a limit");
        assert!(client.recv(&mut [0; 4096]).is_ok());
    }

    #[test]
    fn a_paused_datanode_sends_no_heartbeats() {
        let cluster = Cluster::simple().start_blocking().expect("it starts");
        let datanode = cluster.datanode(1).expect("there");
        datanode.pause();
        let dead = |event: &Event| event.to_string().contains("dead");
        cluster
            .advance_blocking(Duration::from_secs(15 * 60))
            .expect("a move");
        assert_eq!(cluster.journal().count(dead), 1);
        datanode.resume();
        assert!(datanode.is_running());
        cluster
            .advance_blocking(Duration::from_secs(15 * 60))
            .expect("a move");
        assert_eq!(cluster.journal().count(dead), 1);
        datanode.pause();
        datanode.restart().expect("its own ports");
        assert!(datanode.is_running());
    }
}
