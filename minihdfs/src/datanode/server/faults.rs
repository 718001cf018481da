//! Journal entries of operations, and the effects of fault verdicts on them.

use std::future::pending;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use kerbox_events::{Event, Outcome, Verdict};

use super::connection::Connection;
use crate::datanode::node::DataNode;
use crate::proto::hdfs::Status;

/// An operation that is recorded in the journal exactly once. If it is aborted, or its DataNode
/// dies, it is recorded as disconnected.
pub(super) struct Operation<'a, E: Fn(Outcome) -> Event> {
    node: &'a DataNode,
    event: E,
    recorded: bool,
}

impl<'a, E: Fn(Outcome) -> Event> Operation<'a, E> {
    /// Begins an operation described by `event` and consults the faults about it.
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
            // The client may wait for a long time, so the drop is recorded at once.
            operation.recorded = true;
            node.record((operation.event)(Outcome::Dropped));
        }
        let ruling = obey(node, connection, verdict).await?;
        Ok((operation, ruling))
    }

    /// Records the end of the operation with this status.
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

/// The remaining action after a verdict that keeps the connection open.
pub(super) enum Ruling {
    /// Continue; with corrupted bytes if `spoil` is true.
    Go { spoil: bool },
    /// Reply with an error status and this message.
    Refuse { class: Arc<str>, message: Arc<str> },
}

/// Carries out a verdict.
///
/// # Errors
/// Fails if the connection must be closed.
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
            // The server cuts this connection together with all others.
            return pending().await;
        }
        Verdict::Drop => {
            // Stay silent until the client gives up.
            loop {
                connection.stream.readable().await?;
                connection.try_fill(1 << 16)?;
                let all = connection.inbox.bytes().len();
                connection.inbox.consume(all);
            }
        }
        // The other verdicts do not apply to data connections.
        _ => {}
    }
    Ok(Ruling::Go { spoil: false })
}
