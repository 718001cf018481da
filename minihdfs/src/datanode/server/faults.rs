//! Journal entries of operations, and the effects of fault verdicts on them.

use std::convert::Infallible;
use std::future::pending;
use std::io::{self, ErrorKind};

use kerbox_events::{Changes, Ending, Event, Exception, Outcome, Ruling, rule};
use tokio::io::AsyncWriteExt;

use super::connection::Connection;
use crate::datanode::node::DataNode;
use crate::proto::hdfs::Status;

/// An operation that is recorded in the journal exactly once. If it is aborted, or its DataNode
/// dies, it is recorded as disconnected.
pub(super) struct Running<'a, E: Fn(Outcome) -> Event> {
    node: &'a DataNode,
    event: E,
    recorded: bool,
}

impl<'a, E: Fn(Outcome) -> Event> Running<'a, E> {
    /// Begins an operation described by `event` and consults the faults about it. They may refuse
    /// it.
    pub(super) async fn begin(
        node: &'a DataNode,
        connection: &mut Connection,
        event: E,
    ) -> io::Result<(Self, Result<Changes, Exception>)> {
        let ruling = rule(&*node.hook, node.clock.now(), &event);
        let operation = Self {
            node,
            event,
            recorded: matches!(ruling, Ruling::End(_)),
        };
        let changes = carry_out(node, connection, ruling).await?;
        Ok((operation, changes))
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

impl<E: Fn(Outcome) -> Event> Drop for Running<'_, E> {
    fn drop(&mut self) {
        if !self.recorded {
            self.node.record((self.event)(Outcome::Disconnected));
        }
    }
}

/// Consults the faults about something that cannot be refused.
///
/// # Errors
/// Fails if the connection must be closed.
pub(super) async fn ask(
    node: &DataNode,
    connection: &mut Connection,
    event: impl Fn() -> Event,
) -> io::Result<Changes> {
    let ruling = rule(&*node.hook, node.clock.now(), |_| event());
    match carry_out::<Infallible>(node, connection, ruling).await? {
        Ok(changes) => Ok(changes),
        Err(never) => match never {},
    }
}

/// Carries out a ruling, as far as it can be done before the operation.
///
/// # Errors
/// Fails if the connection must be closed.
async fn carry_out<R>(
    node: &DataNode,
    connection: &mut Connection,
    ruling: Ruling<R>,
) -> io::Result<Result<Changes, R>> {
    match ruling {
        Ruling::Go(changes) => {
            if !changes.delay.is_zero() {
                tokio::time::sleep(changes.delay).await;
            }
            Ok(Ok(changes))
        }
        Ruling::Hold(latch) => {
            latch.await;
            Ok(Ok(Changes::default()))
        }
        Ruling::Refuse(refusal) => Ok(Err(refusal)),
        Ruling::End(Ending::HalfClose) => {
            connection.flush().await?;
            connection.stream.shutdown().await?;
            silence(connection).await
        }
        Ruling::End(Ending::Close) => Err(io::Error::new(
            ErrorKind::ConnectionAborted,
            "a fault closes the connection",
        )),
        Ruling::End(Ending::Kill) => {
            node.stop();
            // The server cuts this connection together with all others.
            pending().await
        }
        Ruling::End(Ending::Silent) => silence(connection).await,
    }
}

/// Returns the error of a disk that cannot read or store what it is asked to.
pub(super) fn disk_error() -> io::Error {
    io::Error::other("Input/output error")
}

/// Stays silent until the client gives up.
async fn silence<T>(connection: &mut Connection) -> io::Result<T> {
    loop {
        connection.stream.readable().await?;
        connection.try_fill(1 << 16)?;
        let all = connection.inbox.bytes().len();
        connection.inbox.consume(all);
    }
}

/// Consults the faults about reaching the DataNode with this uuid.
///
/// # Errors
/// Fails if it cannot be reached.
pub(super) async fn dial(node: &DataNode, uuid: &str) -> io::Result<()> {
    if !node.hook.watching() {
        return Ok(());
    }
    match node.dial(node.clock.now(), uuid) {
        Ruling::Go(changes) => {
            if !changes.delay.is_zero() {
                tokio::time::sleep(changes.delay).await;
            }
            Ok(())
        }
        Ruling::Hold(latch) => {
            latch.await;
            Ok(())
        }
        Ruling::Refuse(never) => match never {},
        // Only the first of these fits the event.
        Ruling::End(Ending::Close | Ending::Silent | Ending::HalfClose | Ending::Kill) => {
            Err(io::Error::new(
                ErrorKind::HostUnreachable,
                "a fault makes the next DataNode unreachable",
            ))
        }
    }
}
