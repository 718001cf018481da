//! UDP and TCP on one port (RFC 4120, 7.2).

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdTcpListener, UdpSocket as StdUdpSocket};
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::Clock;
use kerbox_krb5::messages::{frame, frame_length};
pub use kerbox_net::Sockets;
use kerbox_net::{Accepted, Answer, Datagrams, IdleRule, Limits, Linger, Port, Stop, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::{Kdc, Peer, Reply, Transport};

/// The limits on connections. Clients are not identified, so the oldest one makes room. Long
/// requests have a limit of their own, [`LONG_REQUESTS`].
const LIMITS: Limits = Limits {
    connections: MAX_CONNECTIONS,
    unknown: MAX_CONNECTIONS,
    unknown_bytes: usize::MAX,
    known_bytes: usize::MAX,
};
/// The maximum number of connections. Beyond it, the oldest one is closed.
pub const MAX_CONNECTIONS: usize = 512;
/// The time after which a silent connection is closed, in real time.
const SILENCE: Duration = Duration::from_secs(60);
/// The same by the KDC's clock, for connections on which no request has begun.
const IDLE: IdleRule = IdleRule {
    limit: SILENCE,
    threshold: 0,
};
/// The request length up to which no permit is needed. Clients' own requests are shorter, even with
/// a large PAC in the ticket.
const USUAL: usize = 64 * 1024;
/// The number of longer requests that are read at once. Without this limit, strangers could use up
/// a gibibyte.
const LONG_REQUESTS: usize = 16;
/// The limits on reading from a client that gets no answer.
const SILENT: Linger = Linger {
    time: SILENCE,
    bytes: 1 << 20,
};
/// The limits on reading after the answer.
const LINGER: Linger = Linger {
    time: Duration::from_secs(1),
    bytes: 1 << 20,
};

/// Serves until `shutdown` resolves, or a fault stops it.
///
/// ```
/// use std::sync::Arc;
/// use kerbox_kdc::server::{Sockets, serve};
/// use kerbox_kdc::{Kdc, PrincipalDatabase};
/// use kerbox_krb5::Clock;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let kdc = Arc::new(Kdc::new(PrincipalDatabase::new(), 1));
/// let sockets = Sockets::bind(([127, 0, 0, 1], 0).into())?;
/// println!("kdc = {}", sockets.local_addr()?);
/// let shutdown = std::future::ready(()); // at once
/// serve(kdc, sockets, Clock::system(), shutdown).await
/// # }
/// ```
pub async fn serve(
    kdc: Arc<Kdc>,
    sockets: Sockets,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_on(kdc, Some(sockets.udp), Some(sockets.tcp), clock, shutdown).await
}

/// Serves on one socket or both, which may have different ports, until `shutdown` resolves or a
/// fault stops it. When this returns, the sockets are closed.
///
/// TCP connections without a request are closed after a minute of real time, or once
/// [`Gate::close_idle`](kerbox_net::Gate::close_idle) is called after a minute of `clock`.
pub async fn serve_on(
    kdc: Arc<Kdc>,
    udp: Option<StdUdpSocket>,
    tcp: Option<StdTcpListener>,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let server = Server {
        kdc,
        clock,
        stop: Stop::default(),
        long_requests: Arc::new(Semaphore::new(LONG_REQUESTS)),
    };
    let datagrams = udp.map(Datagrams::new).transpose()?;
    let port = tcp.map(|tcp| Port::new(tcp, "KDC", LIMITS)).transpose()?;
    let mut port = port.map(|port| port.with_idle_rule(IDLE));
    let answered = async {
        match &datagrams {
            Some(datagrams) => {
                let local = local_ip(datagrams);
                datagrams.serve(answers(server.clone(), local)).await;
            }
            None => std::future::pending().await,
        }
    };
    let connections = async {
        match &mut port {
            Some(port) => {
                port.serve(|accepted| connection(server.clone(), accepted))
                    .await;
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = server.stop.or(shutdown) => {}
        () = answered => {}
        () = connections => {}
    }
    if let Some(datagrams) = datagrams {
        datagrams.shutdown().await;
    }
    if let Some(port) = port {
        port.shutdown().await;
    }
    Ok(())
}

#[derive(Clone)]
struct Server {
    kdc: Arc<Kdc>,
    clock: Clock,
    stop: Stop,
    long_requests: Arc<Semaphore>,
}

impl Server {
    fn handle(&self, request: &[u8], peer: Peer) -> Reply {
        self.noticed(self.kdc.handle(self.clock.now(), request, peer))
    }

    fn noticed(&self, reply: Reply) -> Reply {
        if reply.stop {
            self.stop.stop();
        }
        reply
    }

    /// Waits as long as a fault asks for. A request that it holds is handled afterwards.
    async fn settle(&self, mut reply: Reply, request: &[u8], peer: Peer) -> Reply {
        if let Some(latch) = reply.hold.take() {
            latch.await;
            reply = self.noticed(self.kdc.handle_held(self.clock.now(), request, peer));
        }
        if !reply.delay.is_zero() {
            sleep(reply.delay).await;
        }
        reply
    }
}

/// Returns the address that a socket receives at. One that is bound to all addresses does not
/// reveal which of them received a datagram.
fn local_ip(datagrams: &Datagrams) -> Option<IpAddr> {
    let local = datagrams.local_addr().ok()?.ip();
    (!local.is_unspecified()).then_some(local)
}

/// Returns how datagrams that arrive at `local` are answered.
fn answers(
    server: Server,
    local: Option<IpAddr>,
) -> impl Fn(&[u8], SocketAddr) -> Answer + Send + Sync + 'static {
    move |request, from| {
        let peer = Peer {
            address: Some(from.ip()),
            local,
            transport: Transport::Udp,
        };
        let reply = server.handle(request, peer);
        if reply.hold.is_none() && reply.delay.is_zero() {
            return datagram(reply).map_or(Answer::None, Answer::Now);
        }
        let (server, request) = (server.clone(), request.to_vec());
        Answer::Later(Box::pin(async move {
            datagram(server.settle(reply, &request, peer).await)
        }))
    }
}

/// Returns the datagram to send, if any.
fn datagram(reply: Reply) -> Option<Vec<u8>> {
    let mut message = reply.message?;
    message.truncate(reply.cut.unwrap_or(usize::MAX));
    Some(message)
}

/// Answers one request and closes, as MIT's KDC does: some clients read to the end.
async fn connection(server: Server, accepted: Accepted) {
    let Accepted {
        mut stream,
        peer,
        place,
    } = accepted;
    // Errors here are the client's problem: it sees the connection end.
    let peer = Peer {
        address: Some(peer.ip()),
        local: stream.local_addr().map(|address| address.ip()).ok(),
        transport: Transport::Tcp,
    };
    let mut header = [0; 4];
    place.idle_since(server.clock.now().as_micros());
    if within(SILENCE, stream.read_exact(&mut header))
        .await
        .is_err()
    {
        return;
    }
    place.is_active();
    let Ok(length) = frame_length(header) else {
        let _ = stream
            .write_all(&frame(&server.kdc.too_long(server.clock.now())))
            .await;
        return LINGER.close(stream).await;
    };
    let Ok(request) = within(SILENCE, read(&server, &mut stream, length)).await else {
        return;
    };
    let reply = server.handle(&request, peer);
    let reply = server.settle(reply, &request, peer).await;
    drop(request);
    let Some(message) = reply.message else {
        if reply.half_close && stream.shutdown().await.is_err() {
            return;
        }
        if !reply.close {
            // A fault says nothing and keeps the connection.
            SILENT.drain(&mut stream).await;
        }
        return;
    };
    let mut message = frame(&message);
    message.truncate(reply.cut.unwrap_or(usize::MAX));
    let sent = within(SILENCE, stream.write_all(&message)).await;
    if sent.is_ok() {
        LINGER.close(stream).await;
    }
}

/// Reads a request of this length. The buffer grows with the received bytes, not with the announced
/// length.
///
/// # Errors
/// Fails if the connection ends before the request does.
async fn read(server: &Server, stream: &mut TcpStream, length: usize) -> io::Result<Vec<u8>> {
    let _leave = if length > USUAL {
        let permit = server.long_requests.acquire().await;
        Some(permit.map_err(io::Error::other)?)
    } else {
        None
    };
    let mut request = Vec::new();
    let read = stream.take(length as u64).read_to_end(&mut request).await?;
    if read < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(request)
}
