//! What the journal is told of an operation, and what the faults' verdicts do to it.

use std::future::pending;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use kerbox_events::{Event, Outcome, Verdict};

use super::connection::Connection;
use crate::datanode::node::DataNode;
use crate::proto::hdfs::Status;

/// An operation that the journal hears of exactly once: one that is cut off, or whose DataNode
/// dies, ends as disconnected.
pub(super) struct Operation<'a, E: Fn(Outcome) -> Event> {
    node: &'a DataNode,
    event: E,
    recorded: bool,
}

impl<'a, E: Fn(Outcome) -> Event> Operation<'a, E> {
    /// Begins one, which `event` describes, and has the faults asked about it.
    pub(super) async fn begin(
        node: &'a DataNode,
        connection: &mut Connection,
        event: E,
    ) -> io::Result<(Self, Ruling)> {
        let mut operation = Self {
            node,
            event,
            recorded: false,
        };
        let verdict = node.ask(&operation.event);
        if verdict == Verdict::Drop {
            // The client may wait for long: the journal shows the silence at once.
            operation.recorded = true;
            node.record((operation.event)(Outcome::Dropped));
        }
        let ruling = obey(node, connection, verdict).await?;
        Ok((operation, ruling))
    }

    /// It ended with this status.
    pub(super) fn end(mut self, status: Status) {
        self.recorded = true;
        self.node.record((self.event)(match status {
            Status::Success => Outcome::Ok,
            other => Outcome::Status(other.as_str_name()),
        }));
    }
}

impl<E: Fn(Outcome) -> Event> Drop for Operation<'_, E> {
    fn drop(&mut self) {
        if !self.recorded {
            self.node.record((self.event)(Outcome::Disconnected));
        }
    }
}

/// What remains to be done after a verdict that lets the connection live.
pub(super) enum Ruling {
    /// Go on; `true`: with spoilt bytes.
    Go { spoil: bool },
    /// Answer with an error status and this message.
    Refuse { class: Arc<str>, message: Arc<str> },
}

/// Obeys a verdict.
///
/// # Errors
/// The connection is to be closed.
pub(super) async fn obey(
    node: &DataNode,
    connection: &mut Connection,
    verdict: Verdict,
) -> io::Result<Ruling> {
    match verdict {
        Verdict::Exception { class, message } => return Ok(Ruling::Refuse { class, message }),
        Verdict::Corrupt => return Ok(Ruling::Go { spoil: true }),
        Verdict::Delay(duration) => tokio::time::sleep(duration).await,
        Verdict::Disconnect => {
            return Err(io::Error::new(
                ErrorKind::ConnectionAborted,
                "a fault closes the connection",
            ));
        }
        Verdict::Kill => {
            node.stop();
            // The server cuts this connection with all the others.
            return pending().await;
        }
        Verdict::Drop => {
            // Silent until the client gives up.
            loop {
                connection.stream.readable().await?;
                connection.try_fill(1 << 16)?;
                let all = connection.inbox.bytes().len();
                connection.inbox.consume(all);
            }
        }
        // The others are not for data connections.
        _ => {}
    }
    Ok(Ruling::Go { spoil: false })
}
