//! UDP and TCP on one port (RFC 4120, 7.2).

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdTcpListener, UdpSocket as StdUdpSocket};
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::Clock;
use kerbox_krb5::messages::{frame, frame_length};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use crate::{Kdc, Peer, Transport};

/// The two sockets of a KDC, bound to the same port.
#[derive(Debug)]
pub struct Sockets {
    /// For datagrams.
    pub udp: StdUdpSocket,
    /// For connections.
    pub tcp: StdTcpListener,
}

impl Sockets {
    /// Binds both to `address`. For port 0, finds a port that is free for both.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        /// The system returns a port that is free for TCP, but it may be in use for UDP.
        const TRIES: usize = 100;
        let mut tries = 0;
        loop {
            let tcp = StdTcpListener::bind(address)?;
            match StdUdpSocket::bind(tcp.local_addr()?) {
                Ok(udp) => {
                    tcp.set_nonblocking(true)?;
                    udp.set_nonblocking(true)?;
                    return Ok(Self { udp, tcp });
                }
                Err(error)
                    if address.port() == 0
                        && error.kind() == io::ErrorKind::AddrInUse
                        && tries < TRIES =>
                {
                    tries += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the address at which clients reach the KDC.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// The maximum number of connections. Beyond it, the oldest one is closed.
pub const MAX_CONNECTIONS: usize = 512;
/// The maximum number of datagrams that a fault may delay at once. Further ones are lost, as
/// datagrams may be.
const MAX_DELAYED: usize = 4096;
/// The time after which a silent connection is closed, in real time.
const SILENCE: Duration = Duration::from_secs(60);
/// The request length up to which no permit is needed. Clients' own requests are shorter, even with
/// a large PAC in the ticket.
const USUAL: usize = 64 * 1024;
/// The number of longer requests that are read at once. Without this limit, strangers could use up
/// a gibibyte.
const LONG_REQUESTS: usize = 16;

/// Serves until `shutdown` resolves, or a fault stops it.
pub async fn serve(
    kdc: Arc<Kdc>,
    sockets: Sockets,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_on(kdc, Some(sockets.udp), Some(sockets.tcp), clock, shutdown).await
}

/// Serves on one socket or both, which may have different ports, until `shutdown` resolves or a
/// fault stops it.
pub async fn serve_on(
    kdc: Arc<Kdc>,
    udp: Option<StdUdpSocket>,
    tcp: Option<StdTcpListener>,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let udp = udp.map(UdpSocket::from_std).transpose()?.map(Arc::new);
    let tcp = tcp.map(TcpListener::from_std).transpose()?;
    let (stop, mut stopped) = mpsc::channel(1);
    let long_requests = Arc::new(Semaphore::new(LONG_REQUESTS));
    let server = Server {
        kdc,
        clock,
        stop,
        long_requests,
    };
    // Dropping the set at the end aborts all tasks in it.
    let mut tasks = JoinSet::new();
    if let Some(udp) = udp {
        tasks.spawn(datagrams(server.clone(), udp));
    }
    if let Some(tcp) = tcp {
        tasks.spawn(connections(server.clone(), tcp));
    }
    tokio::select! {
        () = shutdown => {}
        _ = stopped.recv() => {}
        Some(_) = tasks.join_next() => {}
    }
    // When this returns, the sockets are closed and their port is free.
    tasks.shutdown().await;
    Ok(())
}

#[derive(Clone)]
struct Server {
    kdc: Arc<Kdc>,
    clock: Clock,
    stop: mpsc::Sender<()>,
    long_requests: Arc<Semaphore>,
}

impl Server {
    fn handle(
        &self,
        request: &[u8],
        address: IpAddr,
        local: Option<IpAddr>,
        transport: Transport,
    ) -> crate::Reply {
        let peer = Peer {
            address: Some(address),
            local,
            transport,
        };
        let reply = self.kdc.handle(self.clock.now(), request, peer);
        if reply.stop {
            // If the channel is full, a stop is pending already.
            let _ = self.stop.try_send(());
        }
        reply
    }
}

async fn datagrams(server: Server, socket: Arc<UdpSocket>) {
    let mut buffer = vec![0; 65_536];
    let mut delayed = JoinSet::new();
    // A socket bound to all addresses does not reveal which one received a datagram.
    let local = socket
        .local_addr()
        .map(|address| address.ip())
        .ok()
        .filter(|address| !address.is_unspecified());
    loop {
        // This error is about an earlier answer that could not be delivered; the socket still
        // works.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        let reply = server.handle(&buffer[..length], from.ip(), local, Transport::Udp);
        let Some(message) = reply.message else {
            continue;
        };
        if reply.delay.is_zero() {
            let _ = socket.send_to(&message, from).await;
        } else if delayed.len() < MAX_DELAYED {
            let socket = socket.clone();
            delayed.spawn(async move {
                tokio::time::sleep(reply.delay).await;
                let _ = socket.send_to(&message, from).await;
            });
            while delayed.try_join_next().is_some() {}
        }
    }
}

async fn connections(server: Server, listener: TcpListener) {
    let mut open = JoinSet::new();
    let mut handles: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let Ok((stream, from)) = listener.accept().await else {
            // No descriptors are left: give the open connections time to end.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        while open.try_join_next().is_some() {}
        handles.retain(|handle| !handle.is_finished());
        if handles.len() >= MAX_CONNECTIONS
            && let Some(first) = handles.pop_front()
        {
            first.abort();
        }
        handles.push_back(open.spawn(connection(server.clone(), stream, from)));
    }
}

/// Closes a connection whose client may still be sending. Closing with unread bytes would reset it,
/// and the answer would be lost.
async fn end(mut stream: TcpStream) {
    /// Limits on further reading: the time, in real time, and the number of bytes.
    const PATIENCE: Duration = Duration::from_secs(1);
    const BYTES: u64 = 1 << 20;
    let _ = stream.shutdown().await;
    let _ = timeout(
        PATIENCE,
        tokio::io::copy(&mut stream.take(BYTES), &mut tokio::io::sink()),
    )
    .await;
}

/// Answers one request and closes, as MIT's KDC does: some clients read to the end.
async fn connection(server: Server, mut stream: TcpStream, from: SocketAddr) {
    // Errors here are the client's problem: it sees the connection end.
    let _ = stream.set_nodelay(true);
    let local = stream.local_addr().map(|address| address.ip()).ok();
    let mut header = [0; 4];
    let Ok(Ok(_)) = timeout(SILENCE, stream.read_exact(&mut header)).await else {
        return;
    };
    let Ok(length) = frame_length(header) else {
        let _ = stream
            .write_all(&frame(&server.kdc.too_long(server.clock.now())))
            .await;
        return end(stream).await;
    };
    let Ok(Some(request)) = timeout(SILENCE, read(&server, &mut stream, length)).await else {
        return;
    };
    let reply = server.handle(&request, from.ip(), local, Transport::Tcp);
    drop(request);
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    if let Some(message) = reply.message
        && timeout(SILENCE, stream.write_all(&frame(&message)))
            .await
            .is_err()
    {
        return;
    }
    if !reply.close {
        end(stream).await;
    }
}

/// Reads a request of this length. The buffer grows with the received bytes, not with the announced
/// length.
async fn read(server: &Server, stream: &mut TcpStream, length: usize) -> Option<Vec<u8>> {
    let _leave = if length > USUAL {
        Some(server.long_requests.acquire().await.ok()?)
    } else {
        None
    };
    let mut request = Vec::new();
    let read = stream.take(length as u64).read_to_end(&mut request).await;
    (read.ok()? == length).then_some(request)
}
