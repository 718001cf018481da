//! The sockets of an RPC port: the one part of RPC that knows tokio.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use kerbox_events::{Event, Verdict};
use kerbox_krb5::Clock;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::endpoint::RpcEndpoint;
use super::session::{RpcSession, Step};

/// How many connections are served at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;
/// How long a client may take, in real time, until it has said who it is.
const HANDSHAKE: Duration = Duration::from_mins(2);
/// How long a client that is known may be silent. A client with a call outstanding pings every minute.
const IDLE: Duration = Duration::from_hours(1);
/// How long a client is given to take what was written.
const WRITE: Duration = Duration::from_mins(2);
/// How long to read on after the last answer, so that closing does not reset the connection under it.
const LINGER: Duration = Duration::from_secs(2);
/// How much is read at a time at least.
const READ: usize = 16 << 10;
/// How long to leave the listener alone when the system has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves RPC on a bound socket until `shutdown` resolves, or a fault kills the server; then every connection is cut.
///
/// `seed` begins the randomness of the handshakes: each connection has its own generator, in the order in which they come.
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
                        endpoint: Arc::clone(&endpoint),
                        clock: clock.clone(),
                        rng: StdRng::from_rng(&mut seeds),
                        peer,
                        kill: kill.clone(),
                    };
                    connections.spawn(connection.run(stream));
                }
                Err(error) => {
                    tracing::warn!(server = %endpoint.server(), %error, "a connection cannot be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

struct Connection {
    endpoint: Arc<RpcEndpoint>,
    clock: Clock,
    rng: StdRng,
    peer: SocketAddr,
    kill: mpsc::Sender<()>,
}

impl Connection {
    async fn run(mut self, mut stream: TcpStream) {
        self.record(true);
        if self.admitted().await
            && let Err(error) = self.serve(&mut stream).await
        {
            tracing::debug!(server = %self.endpoint.server(), peer = %self.peer, %error, "a connection ended");
        }
        self.record(false);
    }

    fn record(&self, opened: bool) {
        self.endpoint.hook().record(self.clock.now(), self.event(opened));
    }

    fn event(&self, opened: bool) -> Event {
        Event::Connection {
            server: self.endpoint.server(),
            peer: self.peer,
            opened,
        }
    }

    /// Lets faults answer the connection itself.
    async fn admitted(&self) -> bool {
        let hook = self.endpoint.hook();
        if !hook.watching() {
            return true;
        }
        match hook.ask(self.clock.now(), &self.event(true)) {
            Verdict::Delay(duration) => tokio::time::sleep(duration).await,
            Verdict::Drop => std::future::pending().await,
            Verdict::Disconnect => return false,
            Verdict::Kill => {
                self.kill();
                return false;
            }
            _ => {}
        }
        true
    }

    fn kill(&self) {
        // A full channel has a kill in it already.
        let _ = self.kill.try_send(());
    }

    async fn serve(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut session = RpcSession::new(Arc::clone(&self.endpoint), self.peer);
        loop {
            let step = session.advance(self.clock.now(), &mut self.rng);
            if step == Step::Kill {
                self.kill();
                return Ok(());
            }
            let output = session.output();
            if !output.is_empty() {
                timeout(WRITE, stream.write_all(output)).await??;
                output.clear();
                if output.capacity() > 1 << 20 {
                    output.shrink_to(READ);
                }
            }
            match step {
                Step::Write | Step::Kill => {}
                Step::Wait(duration) => tokio::time::sleep(duration).await,
                Step::Close => return close(stream).await,
                Step::Read => {
                    let patience = if session.caller().is_some() { IDLE } else { HANDSHAKE };
                    let input = session.input();
                    input.reserve(READ);
                    if timeout(patience, stream.read_buf(input)).await?? == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// Ends the connection so that the client gets to read the last answer: a close with unread input would reset it.
async fn close(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = vec![0; READ];
    let drained = async {
        while stream.read(&mut rest).await? > 0 {}
        Ok(())
    };
    // One that goes on sending is cut off.
    timeout(LINGER, drained).await.unwrap_or(Ok(()))
}
