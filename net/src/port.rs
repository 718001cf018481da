//! A listening TCP port: accepts connections and serves each of them in its own task.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::{Connections, IdleRule, Limits, Place};

/// The time to pause accepting after the system has run out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listening TCP port and its connections. Dropping it closes them.
///
/// ```
/// use kerbox_net::{Accepted, Limits, Port, bind::listen};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use tokio::net::TcpStream;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # const LIMITS: Limits =
/// #     Limits { connections: 9, unknown: 9, unknown_bytes: 1 << 20, known_bytes: 1 << 20 };
/// let listener = listen(([127, 0, 0, 1], 0).into())?;
/// let address = listener.local_addr()?;
/// let mut port = Port::new(listener, "greeter", LIMITS)?;
/// let client = async {
///     let mut greeting = String::new();
///     TcpStream::connect(address).await?.read_to_string(&mut greeting).await?;
///     Ok::<_, std::io::Error>(greeting)
/// };
/// tokio::select! {
///     _ = port.serve(|mut accepted: Accepted| async move {
///         let _ = accepted.stream.write_all(b"hello").await;
///     }) => {}
///     greeting = client => assert_eq!(greeting?, "hello"),
/// }
/// port.shutdown().await;
/// # Ok(())
/// # }
/// ```
pub struct Port {
    server: String,
    listener: TcpListener,
    connections: Connections,
}

/// A connection that a port has accepted. Nothing was read from it yet.
pub struct Accepted {
    /// The connection, without delay of small messages.
    pub stream: TcpStream,
    /// The peer's address.
    pub peer: SocketAddr,
    /// Its entry among the port's connections.
    pub place: Place,
}

impl Port {
    /// Takes over a bound socket. `server` is its name in the log.
    ///
    /// # Errors
    /// Fails if the socket cannot be used.
    pub fn new(
        listener: std::net::TcpListener,
        server: impl fmt::Display,
        limits: Limits,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self {
            server: server.to_string(),
            listener: TcpListener::from_std(listener)?,
            connections: Connections::new(limits),
        })
    }

    /// Sets the rule for idle connections. [`Gate::close_idle`](crate::Gate::close_idle) applies
    /// it.
    #[must_use]
    pub fn with_idle_rule(self, rule: IdleRule) -> Self {
        self.connections.set_idle_rule(rule);
        self
    }

    /// Accepts connections and runs `connection` for each of them, until it is dropped. If there
    /// are too many, another one is closed; see [`Limits`].
    pub async fn serve<F>(&mut self, mut connection: impl FnMut(Accepted) -> F) -> Infallible
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut starved = false;
        loop {
            tokio::select! {
                Some(()) = self.connections.ended() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        starved = false;
                        // Otherwise small messages would be held back. A socket that does not
                        // support it still works.
                        let _ = stream.set_nodelay(true);
                        self.connections.spawn(Some(peer), |place| {
                            connection(Accepted { stream, peer, place })
                        });
                    }
                    Err(error) => {
                        tracing::warn!(server = %self.server, %error, "a connection cannot be accepted");
                        // Linux reports that descriptors ran out even if no connection waits. A
                        // connection that was just accepted gets the pause to end by itself.
                        if starved {
                            self.connections.shed();
                        }
                        starved = true;
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }

    /// Closes the port and every connection. When this returns, their sockets are closed.
    pub async fn shutdown(self) {
        let Self {
            listener,
            mut connections,
            ..
        } = self;
        drop(listener);
        connections.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::pin::pin;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::Gate;
    use crate::bind::listen;

    const LIMITS: Limits = Limits {
        connections: 2,
        unknown: 2,
        unknown_bytes: 100,
        known_bytes: 100,
    };

    fn port() -> (Port, SocketAddr) {
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        let address = listener.local_addr().expect("bound");
        (
            Port::new(listener, "test", LIMITS).expect("a socket"),
            address,
        )
    }

    /// Echoes one byte, then waits.
    async fn echo(mut accepted: Accepted) {
        let mut byte = [0];
        let echoed = async {
            accepted.stream.read_exact(&mut byte).await?;
            accepted.stream.write_all(&byte).await
        };
        if echoed.await.is_ok() {
            std::future::pending::<()>().await;
        }
    }

    async fn connect(address: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(b"x").await.expect("sent");
        stream.read_exact(&mut [0]).await.expect("echoed");
        stream
    }

    #[tokio::test]
    async fn the_oldest_connection_makes_room_and_shutting_down_closes_the_others() {
        let (mut port, address) = port();
        let clients = async {
            let mut oldest = connect(address).await;
            let others = [connect(address).await, connect(address).await];
            let left = oldest.read(&mut [0]).await;
            assert!(left.is_err() || left.is_ok_and(|length| length == 0));
            others
        };
        let mut others = {
            let mut served = pin!(port.serve(echo));
            tokio::select! {
                never = &mut served => match never {},
                others = clients => others,
            }
        };
        port.shutdown().await;
        assert!(TcpStream::connect(address).await.is_err());
        for other in &mut others {
            let left = other.read(&mut [0]).await;
            assert!(left.is_err() || left.is_ok_and(|length| length == 0));
        }
    }

    #[tokio::test]
    async fn connections_are_cut_from_outside_by_their_address() {
        let (mut port, address) = {
            let gate = Gate::default();
            let (port, address) = gate.clone().run(async { port() }).await;
            ((port, gate), address)
        };
        let gate = port.1.clone();
        let clients = async {
            let mut clients = [connect(address).await, connect(address).await];
            let first = clients[0].local_addr().expect("connected");
            assert_eq!(gate.cut(&|peer| peer.address == Some(first)), 1);
            let left = clients[0].read(&mut [0]).await;
            assert!(left.is_err() || left.is_ok_and(|length| length == 0));
            clients[1].write_all(b"y").await.expect("it is still open");
            assert_eq!(gate.cut(&|_| true), 1);
            assert_eq!(gate.cut(&|_| true), 0);
        };
        let mut served = pin!(port.0.serve(echo));
        tokio::select! {
            never = &mut served => match never {},
            () = clients => {}
        }
    }
}
