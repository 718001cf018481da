//! The sockets of a DataNode, the only part of it that depends on tokio.
//!
//! - [`serve`]: accepts connections and carries out the NameNode's commands
//! - `connection`: a socket with its buffers, and its handshake
//! - `xceiver`: the operations of one connection; `request`: code shared by all operations
//! - `read_block`, `write_block` and its `streaming`, `transfer`, `replace_block`: the operations
//!   that move data
//! - `files`: whole files, read and written as a client of HDFS (feature `web`)
//! - `faults`: the effects of verdicts on a connection

mod block_checksum;
mod connection;
mod faults;
#[cfg(feature = "web")]
pub(crate) mod files;
mod read_block;
mod replace_block;
mod request;
mod streaming;
mod transfer;
mod write_block;
mod xceiver;

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;

use kerbox_events::{Event, Printable, Server};
use kerbox_net::{Accepted, IdleRule, Limits, Port, inherited};
use tokio::task::JoinSet;

use super::life::Work;
use super::node::DataNode;
use connection::Connection;

/// The limits on data connections (`dfs.datanode.max.transfer.threads`) and their memory. A writer
/// usually holds one packet of 64 KiB, and a reader that is slow holds 256 KiB.
const LIMITS: Limits = Limits {
    connections: 4096,
    unknown: 1024,
    unknown_bytes: 8 << 20,
    known_bytes: 128 << 20,
};

/// Serves the DataTransferProtocol on a bound socket until `shutdown` resolves or the DataNode is
/// stopped. Then every connection is closed.
///
/// Connections that wait too long for another operation are closed by the DataNode's clock, and
/// whenever [`Gate::close_idle`](kerbox_net::Gate::close_idle) is called.
///
/// # Errors
/// Fails if the socket cannot be used.
pub async fn serve(
    node: Arc<DataNode>,
    listener: std::net::TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let idle = IdleRule {
        limit: node.keepalive,
        threshold: 0,
    };
    let port = Port::new(listener, Server::DataNode(node.number()), LIMITS)?;
    let mut port = port.with_idle_rule(idle);
    {
        let served = port.serve(|accepted| connection(node.clone(), accepted));
        let mut served = pin!(served);
        let mut shutdown = pin!(shutdown);
        // Dropping the set aborts the transfers.
        let mut transfers = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                work = poll_fn(|cx| node.poll_work(cx)) => {
                    if carry_out(&node, work, &mut transfers).is_break() {
                        break;
                    }
                }
                Some(_) = transfers.join_next() => {}
                never = &mut served => match never {},
            }
        }
    }
    port.shutdown().await;
    Ok(())
}

/// Does what a DataNode has to do on its own. Breaks if it is to stop.
fn carry_out(
    node: &Arc<DataNode>,
    work: Vec<Work>,
    transfers: &mut JoinSet<()>,
) -> ControlFlow<()> {
    for work in work {
        match work {
            Work::Heartbeat => node.heartbeat(node.clock.now()),
            Work::Transfer(order) => {
                transfers.spawn(inherited(transfer::replicate(node.clone(), order)));
            }
            Work::Shutdown => {
                node.stop();
                return ControlFlow::Break(());
            }
            Work::Stop => return ControlFlow::Break(()),
        }
    }
    ControlFlow::Continue(())
}

/// Serves one connection.
async fn connection(node: Arc<DataNode>, accepted: Accepted) {
    let peer = accepted.peer;
    let _open = Open::new(&node, peer);
    let _xceiver = node.xceiver();
    let mut connection = Connection::accepted(accepted);
    let event = || opened(&node, peer, true);
    if faults::ask(&node, &mut connection, event).await.is_err() {
        return;
    }
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
}

/// A connection whose opening and end are recorded in the journal, however it ends.
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

    fn record(&self, is_open: bool) {
        self.node.record(opened(self.node, self.peer, is_open));
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.record(false);
    }
}

/// Returns the event of a connection that opened or ended.
fn opened(node: &DataNode, peer: SocketAddr, opened: bool) -> Event {
    Event::Connection {
        server: Server::DataNode(node.number()),
        peer,
        opened,
    }
}

impl DataNode {
    /// Resolves when the DataNode is not alive, whatever the reason. Its RPC port must stop at the
    /// same time.
    pub async fn stopped(&self) {
        poll_fn(|cx| self.poll_stopped(cx)).await;
    }
}

#[cfg(test)]
mod tests;
