//! The cost of an exchange that is served, beside a bare echo of datagrams of the same lengths:
//! `cargo bench -p kerbox-kdc --bench served`, for one kind of exchange with `-- AS` or `-- TGS`.
//! With `-- cold`, the client overwrites the caches before each request.
//!
//! Prints CPU time of the server's thread, the kernel's share included. An idle CPU that must be
//! woken for each answer takes most of it, so the machine decides how long an echo takes; with
//! client and server on the same CPU (`taskset -c 0`), none is idle, and runs differ by 2 %.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, mpsc};

use kerbox_kdc::server::{Sockets, serve};
use kerbox_kdc::{Kdc, NewKeys, NewPrincipal, PrincipalDatabase, RealmConfig};
use kerbox_krb5::client::{
    AsExchange, AsStep, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest,
};
use kerbox_krb5::{Clock, EncryptionKey, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

const REALM: &str = "EXAMPLE.COM";
const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
/// Exchanges in a run. Each has a request of its own, since a repeated one gets the old answer.
const EXCHANGES: usize = 4_000;
const RUNS: usize = 5;
/// The bytes that the client overwrites with `cold`: more than a CPU's caches hold.
const COLD: usize = 8 << 20;
/// The bytes that a cache holds or leaves together.
const CACHE_LINE: usize = 64;

/// A server on a thread of its own.
struct Server {
    address: SocketAddr,
    /// The thread's folder in /proc.
    thread: String,
}

impl Server {
    fn start<F: Future<Output = ()>>(
        sockets: Sockets,
        server: impl FnOnce(Sockets) -> F + Send + 'static,
    ) -> Self {
        let address = sockets.local_addr().expect("bound");
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let thread = std::fs::read_link("/proc/thread-self").unwrap_or_default();
            tell.send(format!("/proc/{}", thread.display()))
                .expect("main listens");
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime")
                .block_on(server(sockets));
        });
        let thread = told.recv().expect("the thread runs");
        Self { address, thread }
    }

    /// Returns the thread's CPU time in nanoseconds.
    fn cpu(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("{}/schedstat", self.thread));
        let stat = stat.unwrap_or_default();
        let nanoseconds = stat.split(' ').next().map(str::parse);
        nanoseconds.and_then(Result::ok).unwrap_or_default()
    }

    /// Sends each run's requests one after another. Returns the lowest CPU time for a request, and
    /// the last answer.
    fn ask(&self, runs: &[Vec<Vec<u8>>], is_cold: bool) -> (u64, Vec<u8>) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        socket.connect(self.address).expect("a socket");
        let mut answer = vec![0; 1 << 16];
        let mut overwritten = vec![0_u8; if is_cold { COLD } else { 0 }];
        let (mut lowest, mut length) = (u64::MAX, 0);
        for run in runs {
            let before = self.cpu();
            for request in run {
                let lines = overwritten.iter_mut().step_by(CACHE_LINE);
                lines.for_each(|byte| *byte = byte.wrapping_add(1));
                std::hint::black_box(&overwritten);
                socket.send(request).expect("sent");
                length = socket.recv(&mut answer).expect("an answer");
            }
            lowest = lowest.min((self.cpu() - before) / run.len() as u64);
        }
        answer.truncate(length);
        (lowest, answer)
    }
}

/// Answers each datagram with these bytes: the least that a server on tokio can do.
async fn echo(sockets: Sockets, answer: Vec<u8>) {
    sockets.udp.set_nonblocking(true).expect("a socket");
    let socket = tokio::net::UdpSocket::from_std(sockets.udp).expect("a socket");
    let mut buffer = vec![0; 1 << 16];
    while let Ok((_, client)) = socket.recv_from(&mut buffer).await {
        if socket.send_to(&answer, client).await.is_err() {
            return;
        }
    }
}

fn sockets() -> Sockets {
    Sockets::bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port")
}

fn kdc(rng: &mut StdRng) -> Kdc {
    let mut database = PrincipalDatabase::new();
    let realm = RealmConfig::new(REALM);
    database.add_realm(realm, rng).expect("a first realm");
    for name in ["alice", "nn/localhost"] {
        let principal = Principal::parse(name, REALM).expect("a name");
        let principal = NewPrincipal::new(principal, NewKeys::Random);
        database.add(principal, rng).expect("new");
    }
    Kdc::new(database, 2)
}

/// Alice, with her keys.
struct Alice {
    keys: Vec<EncryptionKey>,
    rng: StdRng,
}

impl Alice {
    fn new(kdc: &Kdc, rng: StdRng) -> Self {
        let database = kdc.database();
        let alice = Principal::new(REALM, ["alice"]);
        let keys = database.get(&alice).expect("she exists").keys();
        let keys = keys.iter().map(|key| key.key().clone()).collect();
        Self { keys, rng }
    }

    fn login(&mut self) -> (AsExchange, Vec<u8>) {
        let mut request = InitialRequest::new(Principal::new(REALM, ["alice"]));
        request.preauthenticate = true;
        let secret = Secret::Keys(self.keys.clone());
        AsExchange::new(request, secret, NOW, &mut self.rng).expect("a request")
    }

    fn ticket(&mut self, server: &Server) -> Credentials {
        let (mut exchange, request) = self.login();
        let (_, answer) = server.ask(&[vec![request]], false);
        match exchange.step(&answer, &mut self.rng).expect("a ticket") {
            AsStep::Done(credentials) => *credentials,
            AsStep::Send(_) => unreachable!("it was authenticated at once"),
        }
    }

    fn ask_for_service(&mut self, tgt: &Credentials) -> Vec<u8> {
        let request = TgsRequest::service(Principal::new(REALM, ["nn", "localhost"]), tgt);
        let exchange = TgsExchange::new(tgt, request, NOW, &mut self.rng);
        exchange.expect("a request").1
    }
}

fn beside_an_echo(
    name: &str,
    server: &Server,
    is_cold: bool,
    mut request: impl FnMut() -> Vec<u8>,
) {
    let run = |_| (0..EXCHANGES).map(|_| request()).collect();
    let runs: Vec<Vec<Vec<u8>>> = (0..RUNS).map(run).collect();
    let (served, answer) = server.ask(&runs, is_cold);
    let echo = Server::start(sockets(), move |sockets| echo(sockets, answer));
    let (echoed, _) = echo.ask(&runs, is_cold);
    println!(
        "{name:<28} {served:>8} ns of CPU, {:.2} times an echo's {echoed}",
        served as f64 / echoed as f64
    );
}

fn main() {
    let mut rng = StdRng::seed_from_u64(1);
    let kdc = Arc::new(kdc(&mut rng));
    let mut alice = Alice::new(&kdc, rng);
    let server = Server::start(sockets(), |sockets| async {
        serve(kdc, sockets, Clock::frozen(NOW), std::future::pending())
            .await
            .expect("a socket");
    });
    let tgt = alice.ticket(&server);
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let is_asked = |argument: &str| asked.iter().any(|it| it == argument);
    let is_cold = is_asked("cold");
    if is_asked("AS") || !is_asked("TGS") {
        let login = || alice.login().1;
        beside_an_echo("AS with pre-authentication", &server, is_cold, login);
    }
    if is_asked("TGS") || !is_asked("AS") {
        let ask = || alice.ask_for_service(&tgt);
        beside_an_echo("TGS", &server, is_cold, ask);
    }
}
