//! The socket of an RPC port: the one part of it that knows tokio.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use kerbox_events::Event;
use kerbox_krb5::Clock;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::endpoint::HANDSHAKE_TIMEOUT;
use super::{RpcEndpoint, RpcSession, Step};

/// How many connections are served at once; more wait to be accepted.
pub const MAX_CONNECTIONS: usize = 4096;

/// How long to leave the listener alone when the system has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How much room there is for what arrives: most calls come whole in one read.
const READ_ROOM: usize = 8 << 10;

/// What a client may still send, and for how long, after it was told why its connection ends:
/// closing a socket with unread input resets it, and the client would not see the reason.
const DRAIN: (usize, Duration) = (1 << 20, Duration::from_secs(1));

/// Serves `endpoint` on a bound socket until `shutdown` resolves or a fault kills the server; then every connection is cut.
///
/// `seed` begins the randomness of the handshakes.
///
/// # Errors
/// The socket cannot be used.
pub async fn serve(
    endpoint: Arc<RpcEndpoint>,
    listener: std::net::TcpListener,
    clock: Clock,
    seed: u64,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let mut shutdown = pin!(shutdown);
    let mut seeds = StdRng::seed_from_u64(seed);
    let (kill, mut killed) = mpsc::channel(1);
    // Its tasks end when it is dropped.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            _ = killed.recv() => return Ok(()),
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, peer)) => {
                    let connection = Connection {
                        session: RpcSession::new(Arc::clone(&endpoint), peer),
                        stream,
                        clock: clock.clone(),
                        rng: StdRng::from_rng(&mut seeds),
                        kill: kill.clone(),
                    };
                    connections.spawn(watched(Arc::clone(&endpoint), peer, clock.clone(), connection));
                }
                Err(error) => {
                    tracing::warn!(server = %endpoint.server(), %error, "a connection cannot be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

async fn watched(endpoint: Arc<RpcEndpoint>, peer: SocketAddr, clock: Clock, connection: Connection) {
    let event = |opened| Event::Connection {
        server: endpoint.server(),
        peer,
        opened,
    };
    endpoint.hook().record(clock.now(), event(true));
    if let Err(error) = connection.run().await {
        tracing::debug!(server = %endpoint.server(), %peer, %error, "a connection broke");
    }
    endpoint.hook().record(clock.now(), event(false));
}

struct Connection {
    session: RpcSession,
    stream: TcpStream,
    clock: Clock,
    rng: StdRng,
    kill: mpsc::Sender<()>,
}

impl Connection {
    async fn run(mut self) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        loop {
            match self.session.advance(self.clock.now(), &mut self.rng) {
                Step::Read => {
                    self.write().await?;
                    if self.read().await? == 0 {
                        return Ok(());
                    }
                }
                Step::Write => self.write().await?,
                Step::Wait(duration) => {
                    self.write().await?;
                    tokio::time::sleep(duration).await;
                }
                Step::Close => {
                    self.write().await?;
                    return self.close().await;
                }
                Step::Kill => {
                    // A full channel has a kill in it already.
                    let _ = self.kill.try_send(());
                    return Ok(());
                }
            }
        }
    }

    async fn read(&mut self) -> io::Result<usize> {
        let identified = self.session.caller().is_some();
        let input = self.session.input();
        // A large frame grows the buffer as it arrives, by its own size at most.
        input.reserve(READ_ROOM.max(input.len() / 2));
        let reading = self.stream.read_buf(input);
        if identified {
            return reading.await;
        }
        timeout(HANDSHAKE_TIMEOUT, reading).await.unwrap_or(Ok(0))
    }

    async fn write(&mut self) -> io::Result<()> {
        let output = self.session.output();
        if output.is_empty() {
            return Ok(());
        }
        self.stream.write_all(output).await?;
        output.clear();
        if output.capacity() > 1 << 20 {
            *output = Vec::new();
        }
        Ok(())
    }

    /// Ends the connection so that the client can read what it was told last.
    async fn close(mut self) -> io::Result<()> {
        self.stream.shutdown().await?;
        let (most, time) = DRAIN;
        let mut rest = self.stream.take(most as u64);
        let drained = timeout(time, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
        drained.map_or(Ok(()), |drained| drained.map(drop))
    }
}
