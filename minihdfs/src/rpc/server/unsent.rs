//! Output that waits for the changes before it to be durable, while later calls are served.

use std::collections::VecDeque;
use std::io;

use crate::rpc::service::Durable;
use crate::rpc::session::RpcSession;

/// The number of waiting bytes above which no further call is served.
const MOST_BYTES: usize = 256 << 10;
/// The same for waits.
const MOST_WAITS: usize = 64;

/// Some of a connection's output, in its order.
pub(super) struct Output {
    pub(super) bytes: Vec<u8>,
    /// The number of bytes to write at once.
    pub(super) piece: usize,
    durable: Option<Durable>,
}

/// The output of a connection that was not sent yet.
#[derive(Default)]
pub(super) struct Unsent {
    waiting: VecDeque<Output>,
    bytes: usize,
}

impl Unsent {
    /// Takes the output of a session, which may be sent once `durable` resolves.
    pub(super) fn push(&mut self, session: &mut RpcSession, durable: Option<Durable>) {
        let piece = session.piece();
        let bytes = std::mem::take(session.output());
        session.written();
        self.bytes = self.bytes.saturating_add(bytes.len());
        self.waiting.push_back(Output {
            bytes,
            piece,
            durable,
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes > MOST_BYTES || self.waiting.len() >= MOST_WAITS
    }

    /// Returns the number of waiting bytes.
    pub(super) fn held(&self) -> usize {
        self.bytes
    }

    /// Returns the first output once it may be sent; `None` if there is none. If this is dropped
    /// before it resolves, nothing is lost.
    pub(super) async fn next(&mut self) -> io::Result<Option<Output>> {
        let Some(first) = self.waiting.front_mut() else {
            return Ok(None);
        };
        if let Some(durable) = &mut first.durable {
            durable.await?;
            // It must not be asked again.
            first.durable = None;
        }
        let first = self.waiting.pop_front();
        let taken = first.as_ref().map_or(0, |first| first.bytes.len());
        self.bytes = self.bytes.saturating_sub(taken);
        Ok(first)
    }
}
