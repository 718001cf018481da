//! The attacks on the servers, each in a task of its own and at its own pace.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kerbox_krb5::client::{AsExchange, InitialRequest, Secret, TgsExchange, TgsRequest};
use kerbox_krb5::{Clock, Principal};
use minihdfs::proto::common::rpc_sasl_proto::SaslState;
use minihdfs::proto::hdfs::{AddBlockRequestProto, GetFileInfoRequestProto};
use prost::Message;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Sandbox;
use super::rpc::{self, Tickets, ask_kdc, call, frame, log_in, sasl};

/// Slow connections held at each port.
const HELD: usize = 300;

pub(super) struct Attacks {
    tasks: JoinSet<()>,
    sent: Arc<AtomicUsize>,
}

impl Attacks {
    /// Stops the attacks; returns the number of exchanges.
    pub(super) fn end(mut self) -> usize {
        self.tasks.abort_all();
        self.sent.load(Ordering::Relaxed)
    }

    /// Repeats `attack` with a pause in between, whatever its result.
    fn repeat<F>(&mut self, pause: Duration, attack: impl Fn(u64) -> F + Send + 'static)
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let sent = self.sent.clone();
        self.tasks.spawn(async move {
            for number in 0.. {
                // A server may ignore the attack for as long as it likes.
                let _ = timeout(Duration::from_secs(5), attack(number)).await;
                sent.fetch_add(1, Ordering::Relaxed);
                sleep(pause).await;
            }
        });
    }
}

/// Starts all attacks.
pub(super) async fn begin(sandbox: &Sandbox) -> io::Result<Attacks> {
    let mut attacks = Attacks {
        tasks: JoinSet::new(),
        sent: Arc::default(),
    };
    let (kdc, namenode) = (sandbox.kdc, sandbox.namenode);
    let tickets = Arc::new(Tickets::get(kdc).await?);
    is_let_in(namenode, &tickets).await?;
    for port in sandbox.ports.clone() {
        for _ in 0..HELD {
            attacks.tasks.spawn(trickle(port));
        }
        attacks.repeat(Duration::from_millis(50), move |number| flood(port, number));
        attacks.repeat(Duration::from_millis(200), move |number| {
            garbage(port, number)
        });
    }
    let socket = sandbox.dir.join("control.sock");
    attacks.repeat(Duration::from_millis(500), move |_| silence(socket.clone()));
    let of = tickets.clone();
    attacks.repeat(Duration::from_millis(250), move |number| {
        names(kdc, of.clone(), number)
    });
    attacks.repeat(Duration::from_millis(100), move |number| {
        after_sasl(namenode, number)
    });
    for kind in 0..4 {
        let of = tickets.clone();
        attacks.repeat(Duration::from_millis(300), move |number| {
            calls(namenode, of.clone(), kind, number)
        });
    }
    for _ in 0..8 {
        let of = tickets.clone();
        attacks.repeat(Duration::from_millis(500), move |number| {
            deaf(namenode, of.clone(), number)
        });
    }
    Ok(attacks)
}

/// Makes sure that calls get as far as the NameNode's methods.
async fn is_let_in(namenode: SocketAddr, tickets: &Tickets) -> io::Result<()> {
    let mut stream = log_in(namenode, tickets, 1).await?;
    let info = GetFileInfoRequestProto {
        src: "/user/bob".to_owned(),
    };
    stream
        .write_all(&call("getFileInfo", &info.encode_to_vec()))
        .await?;
    let reply = rpc::reply(&mut stream).await?;
    let found = reply.windows(3).any(|bytes| bytes == b"bob");
    found
        .then_some(())
        .ok_or_else(|| io::Error::other("bob is not told of /user/bob"))
}

/// Holds connections, and sends one correct byte every ten seconds.
async fn trickle(port: SocketAddr) {
    loop {
        if let Ok(mut stream) = TcpStream::connect(port).await {
            for byte in rpc::PREAMBLE.iter().chain([&0, &0, &0x10, &0]) {
                if stream.write_all(&[*byte]).await.is_err() {
                    break;
                }
                sleep(Duration::from_secs(10)).await;
            }
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Opens connections, sends a few bytes, and leaves them idle for a moment.
async fn flood(port: SocketAddr, number: u64) -> io::Result<()> {
    let mut held = Vec::new();
    for _ in 0..10 {
        let mut stream = TcpStream::connect(port).await?;
        stream
            .write_all(&rpc::PREAMBLE[..number as usize % 8])
            .await?;
        held.push(stream);
    }
    sleep(Duration::from_millis(100)).await;
    Ok(())
}

/// Sends random bytes and wrong lengths after a correct beginning.
async fn garbage(port: SocketAddr, number: u64) -> io::Result<()> {
    const BEGINNINGS: [&[u8]; 7] = [
        b"",
        rpc::PREAMBLE,
        b"hrpc\x09\x00\x00\x7f\xff\xff\xff",
        b"hrpc\x09\x00\xdf\xff\xff\xff\xff",
        b"\xde\xad\xbe\xef",
        b"\x00\x1c\x50\xff\xff\xff\xff\x0f",
        b"\x7f\xff\xff\xff",
    ];
    let mut bytes = BEGINNINGS[number as usize % BEGINNINGS.len()].to_vec();
    let start = bytes.len();
    bytes.resize(start + 20_000, 0);
    StdRng::seed_from_u64(number).fill_bytes(&mut bytes[start..]);
    let mut stream = TcpStream::connect(port).await?;
    stream.write_all(&bytes).await?;
    stream.shutdown().await?;
    let mut rest = vec![0; 4096];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// Holds a connection to the control socket with an unfinished request.
async fn silence(socket: std::path::PathBuf) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(b"{").await?;
    sleep(Duration::from_secs(2)).await;
    Ok(())
}

/// Sends names of nearly the maximum length to the KDC.
async fn names(kdc: SocketAddr, tickets: Arc<Tickets>, number: u64) -> io::Result<()> {
    let mut rng = StdRng::seed_from_u64(number);
    let now = Clock::system().now();
    let long = "x".repeat(60_000);
    let deep = "a.".repeat(30_000) + "a";
    let realm = tickets.tgt.client.realm().to_owned();
    let request = match number % 4 {
        0 => Principal::new(&realm, [long.as_str()]),
        1 => Principal::new(&long, ["alice"]),
        2 => Principal::new(&realm, ["krbtgt", &deep]),
        _ => Principal::new(&realm, ["host", &long]),
    };
    let message = if number % 4 < 2 {
        let secret = Secret::Password("x".to_owned());
        AsExchange::new(InitialRequest::new(request), secret, now, &mut rng)
            .map(|(_, message)| message)
    } else {
        let service = TgsRequest::service(request, &tickets.tgt);
        TgsExchange::new(&tickets.tgt, service, now, &mut rng).map(|(_, message)| message)
    };
    if let Ok(message) = message {
        ask_kdc(kdc, &message).await?;
    }
    Ok(())
}

/// Starts a handshake correctly, then sends random bytes.
async fn after_sasl(namenode: SocketAddr, number: u64) -> io::Result<()> {
    let mut stream = TcpStream::connect(namenode).await?;
    let mut bytes = vec![0; 100_000];
    StdRng::seed_from_u64(number).fill_bytes(&mut bytes);
    let state = [
        SaslState::Initiate,
        SaslState::Response,
        SaslState::Wrap,
        SaslState::Negotiate,
    ][number as usize % 4];
    let said = [
        rpc::PREAMBLE,
        &sasl(SaslState::Negotiate, None),
        &sasl(state, Some(bytes.clone())),
        &frame(&[&bytes]),
    ]
    .concat();
    stream.write_all(&said).await?;
    while rpc::reply(&mut stream)
        .await
        .is_ok_and(|reply| !reply.is_empty())
    {}
    Ok(())
}

/// Makes calls as an authenticated user: long names, requests that grow when they are decoded,
/// frames that do not end.
async fn calls(
    namenode: SocketAddr,
    tickets: Arc<Tickets>,
    kind: u64,
    number: u64,
) -> io::Result<()> {
    let mut stream = log_in(namenode, &tickets, number << 8 | kind).await?;
    let empties = [0x0a, 0].repeat(1 << 20);
    let said = match kind {
        0 => call(&"m".repeat(5 << 20), &[]),
        1 => call("reportBadBlocks", &empties),
        2 => {
            let add = AddBlockRequestProto {
                src: "/user/bob/x".to_owned(),
                client_name: "c".to_owned(),
                ..Default::default()
            };
            call(
                "addBlock",
                &[add.encode_to_vec(), [0x22, 0].repeat(1 << 20)].concat(),
            )
        }
        _ => {
            let path = "/p".repeat(2 << 20);
            call(
                "getFileInfo",
                &GetFileInfoRequestProto { src: path }.encode_to_vec(),
            )
        }
    };
    stream.write_all(&said).await?;
    rpc::reply(&mut stream).await?;
    // A frame of 30 MiB that does not end.
    stream.write_all(&(30_u32 << 20).to_be_bytes()).await?;
    stream.write_all(&empties).await?;
    sleep(Duration::from_millis(500)).await;
    Ok(())
}

/// Makes calls without ever reading an answer.
async fn deaf(namenode: SocketAddr, tickets: Arc<Tickets>, number: u64) -> io::Result<()> {
    let mut stream = log_in(namenode, &tickets, number << 8 | 0x80).await?;
    let info = GetFileInfoRequestProto {
        src: "/user/bob".to_owned(),
    };
    let calls = call("getFileInfo", &info.encode_to_vec()).repeat(500);
    for _ in 0..20 {
        timeout(Duration::from_secs(1), stream.write_all(&calls)).await??;
    }
    sleep(Duration::from_secs(2)).await;
    Ok(())
}
