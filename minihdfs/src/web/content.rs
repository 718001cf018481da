//! The bodies of responses: complete, made in parts while they are sent, or live.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use http::Response;
use kerbox_krb5::Timestamp;

use super::live_body::LiveBody;

/// A response with a body of either kind.
pub type WebAnswer = Response<WebContent>;

/// The body of a response.
#[derive(Debug)]
#[non_exhaustive]
pub enum WebContent {
    /// All of it.
    Whole(Bytes),
    /// Parts that follow each other. Their length is not known before.
    Parts(Parts),
    /// What happens from now on.
    Live(LiveBody),
}

/// A body that is made in parts, so that a long one takes little memory.
pub struct Parts {
    next: Box<Next>,
    length: Option<u64>,
}

/// Makes the part that is due at a time; `None` at the end.
type Next = dyn FnMut(Timestamp) -> Option<Part> + Send + Sync;

/// A part of a body.
pub(super) enum Part {
    /// Bytes to send.
    Bytes(Bytes),
    /// Work that must be done before the next part is made.
    Work(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl Parts {
    /// Creates a body of what `next` returns until it returns `None`.
    pub(super) fn new(
        mut next: impl FnMut(Timestamp) -> Option<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self::with_work(move |now| next(now).map(Part::Bytes))
    }

    /// Creates a body of what `next` returns until it returns `None`, with work in between.
    pub(super) fn with_work(
        next: impl FnMut(Timestamp) -> Option<Part> + Send + Sync + 'static,
    ) -> Self {
        Self {
            next: Box::new(next),
            length: None,
        }
    }

    /// Sets the length of all parts together, if it is known.
    pub(super) fn of_length(mut self, length: u64) -> Self {
        self.length = Some(length);
        self
    }

    /// Returns the length of all parts together; `None` if it is not known.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Returns the next part.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Part> {
        (self.next)(now)
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parts")
    }
}

impl From<Bytes> for WebContent {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}
