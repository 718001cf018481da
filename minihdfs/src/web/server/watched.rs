//! The time that a client may take: for the head of a request in real time, and between the
//! requests of a known client by its server's clock.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::progress::Phase;
use super::visit::Visit;

/// The real time in which the head of a request must arrive, and in which a client without a name
/// must begin to send one.
const HEAD: Duration = Duration::from_secs(60);

/// The stream of a connection, which ends it with an error if the client takes too long, and tells
/// its place when it becomes idle.
pub(super) struct Watched<'a, S> {
    stream: S,
    visit: &'a Visit,
    /// The end of the real time for the present phase.
    deadline: Pin<Box<Sleep>>,
    /// True if what was written has been handed to the system.
    is_flushed: bool,
    is_noted: bool,
}

impl<'a, S> Watched<'a, S> {
    pub(super) fn new(stream: S, visit: &'a Visit) -> Self {
        Self {
            stream,
            visit,
            deadline: Box::pin(sleep(HEAD)),
            is_flushed: true,
            is_noted: false,
        }
    }

    /// Notes that bytes have arrived.
    fn arrived(&mut self) {
        if matches!(self.visit.progress.get(), Phase::Answered | Phase::Waiting) {
            self.visit.progress.set(Phase::Head);
            self.visit.place.is_active();
            self.begin();
        }
    }

    /// Begins the real time of a phase.
    fn begin(&mut self) {
        self.deadline.as_mut().set(sleep(HEAD));
    }

    /// Lets the limits decide about a read that has found nothing.
    fn limit(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.visit.progress.get() == Phase::Answered {
            self.visit.progress.set(Phase::Waiting);
            self.is_noted = false;
            self.begin();
        }
        match self.visit.progress.get() {
            Phase::Serving => return Poll::Pending,
            Phase::Waiting if self.visit.place.is_known() => {
                self.note();
                return Poll::Pending;
            }
            Phase::Answered | Phase::Waiting | Phase::Head => {}
        }
        self.deadline
            .as_mut()
            .poll(context)
            .map(|()| Err(ErrorKind::TimedOut.into()))
    }

    /// Tells the place that the connection is idle, once it is.
    fn note(&mut self) {
        let is_idle = self.visit.progress.get() == Phase::Waiting && self.is_flushed;
        if is_idle && !self.is_noted && self.visit.place.is_known() {
            self.is_noted = true;
            let now = self.visit.host.clock.now();
            self.visit.place.idle_since(now.as_micros());
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<'_, S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                if buffer.filled().len() > before {
                    this.arrived();
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => this.limit(context),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<'_, S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.is_flushed = false;
        Pin::new(&mut this.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.is_flushed = false;
        Pin::new(&mut this.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            this.is_flushed = true;
            // No read may follow until the client sends something.
            if matches!(this.visit.progress.get(), Phase::Answered | Phase::Waiting) {
                // The read that the deadline causes returns the error.
                let _ = this.limit(context);
            }
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
