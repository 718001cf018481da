//! The sockets of a DataNode: the one part of it that knows tokio.
//!
//! - [`serve`]: accepts connections, and does what the NameNode ordered
//! - `connection`: a socket with its buffers, and the handshake on it
//! - `xceiver`: the operations of one connection; `request`: what they have in common
//! - `read_block`, `write_block` and its `streaming`, `transfer`: the ones that move data
//! - `faults`: what verdicts do to a connection

mod connection;
mod faults;
mod read_block;
mod request;
mod streaming;
mod transfer;
mod write_block;
mod xceiver;

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use kerbox_events::{Event, Printable, Server};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::node::{DataNode, Work};
use crate::server::{Connections, Limits};
use connection::Connection;

/// How many data connections there may be (`dfs.datanode.max.transfer.threads`), and what they
/// hold. A writer holds a packet of 64 KiB as a rule.
const LIMITS: Limits = Limits {
    connections: 4096,
    unknown: 1024,
    unknown_bytes: 8 << 20,
    known_bytes: 64 << 20,
};

/// How long to leave the listener alone when the system has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves the DataTransferProtocol on a bound socket until `shutdown` resolves or the DataNode is
/// stopped; then every connection is cut.
///
/// # Errors
/// The socket cannot be used.
pub async fn serve(
    node: Arc<DataNode>,
    listener: std::net::TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let mut shutdown = pin!(shutdown);
    // Their tasks end when they are dropped.
    let mut transfers = JoinSet::new();
    let mut connections = Connections::new(LIMITS);
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            work = poll_fn(|cx| node.poll_work(cx)) => {
                for work in work {
                    match work {
                        Work::Heartbeat => node.heartbeat(node.clock.now()),
                        Work::Transfer(order) => {
                            transfers.spawn(transfer::replicate(node.clone(), order));
                        }
                        Work::Stop => return Ok(()),
                    }
                }
            }
            Some(_) = transfers.join_next() => {}
            Some(()) = connections.ended() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let node = node.clone();
                    connections.spawn(|place| async move {
                        let _open = Open::new(&node, peer);
                        let _xceiver = node.xceiver();
                        let mut connection = Connection::accepted(stream, peer, place);
                        match xceiver::run(&node, &mut connection).await {
                            Ok(()) => connection.close().await,
                            Err(error) => {
                                let why = Printable(&error);
                                tracing::debug!(datanode = node.number(), %peer, error = %why, "a data connection ended");
                                if error.kind() == ErrorKind::InvalidData {
                                    connection.close().await;
                                }
                            }
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(datanode = node.number(), %error, "a data connection cannot be accepted");
                    connections.shed();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

/// A connection that the journal hears of: when it opens, and when it ends, in whatever way.
struct Open<'a> {
    node: &'a DataNode,
    peer: SocketAddr,
}

impl<'a> Open<'a> {
    fn new(node: &'a DataNode, peer: SocketAddr) -> Self {
        let open = Self { node, peer };
        open.record(true);
        open
    }

    fn record(&self, opened: bool) {
        self.node.record(Event::Connection {
            server: Server::DataNode(self.node.number()),
            peer: self.peer,
            opened,
        });
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.record(false);
    }
}

impl DataNode {
    /// Resolves when it does not live, whoever ended it: its RPC port shall end with it.
    pub async fn stopped(&self) {
        poll_fn(|cx| self.poll_stopped(cx)).await;
    }
}

#[cfg(test)]
mod tests;
