//! What the faults' verdicts do to a data connection.

use std::future::pending;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use kerbox_events::Verdict;

use super::connection::Connection;
use crate::datanode::node::DataNode;

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
pub(super) async fn obey(node: &DataNode, connection: &mut Connection, verdict: Verdict) -> io::Result<Ruling> {
    match verdict {
        Verdict::Exception { class, message } => return Ok(Ruling::Refuse { class, message }),
        Verdict::Corrupt => return Ok(Ruling::Go { spoil: true }),
        Verdict::Delay(duration) => tokio::time::sleep(duration).await,
        Verdict::Disconnect => return Err(io::Error::new(ErrorKind::ConnectionAborted, "a fault closes the connection")),
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
