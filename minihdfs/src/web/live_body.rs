//! Bodies that are sent as things happen.

use std::fmt;
use std::task::{Context, Poll};

use bytes::Bytes;

/// A body that goes on as long as there is something to tell.
///
/// ```
/// use std::task::Poll;
/// use bytes::Bytes;
/// use minihdfs::web::LiveBody;
///
/// let mut parts = vec![Bytes::from_static(b"data: 1\n\n")];
/// let body = LiveBody::new(move |_| Poll::Ready(parts.pop()));
/// # let _ = body;
/// ```
pub struct LiveBody(Box<Next>);

/// Polls for the next part; `None` is the end.
type Next = dyn FnMut(&mut Context<'_>) -> Poll<Option<Bytes>> + Send + Sync;

impl LiveBody {
    /// Creates a body of what `next` returns until it returns `None`.
    pub fn new(
        next: impl FnMut(&mut Context<'_>) -> Poll<Option<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(next))
    }

    /// Polls for the next part; `None` is the end.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        (self.0)(context)
    }
}

impl fmt::Debug for LiveBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LiveBody")
    }
}
