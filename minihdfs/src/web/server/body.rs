//! Bodies of responses.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use kerbox_events::ReplyFault;
use kerbox_krb5::Clock;
use kerbox_net::inherited;
use tokio::task::JoinSet;

use super::progress::Serving;
use crate::HdfsError;
use crate::datanode::files::FileReader;
use crate::web::content::{Part, Parts, WebContent};
use crate::web::live_body::LiveBody;

/// The body of a response.
pub(super) struct WebBody {
    source: Source,
    /// The number of bytes that are still to be sent; `None` if it is not known.
    left: Option<u64>,
    /// Dropped once it has been sent.
    _serving: Option<Serving>,
}

enum Source {
    /// Bytes that are there, sent whole or, for a fault, in another way.
    Bytes {
        bytes: Bytes,
        /// The length of a piece.
        piece: usize,
        /// The bytes after which the connection ends, although more are announced.
        cut: Option<usize>,
    },
    /// The rest of a file.
    File(Reading),
    /// Parts that are made one after another.
    Parts {
        parts: Parts,
        clock: Clock,
        /// The bytes after which a fault ends the connection.
        cut: Option<usize>,
        /// Work that must be done before the next part.
        work: Option<JoinSet<()>>,
    },
    /// What happens from now on.
    Live(LiveBody),
}

/// A read under way, which gives the reader back for the next one.
type Reading = Pin<Box<dyn Future<Output = (FileReader, Read)> + Send>>;
type Read = Result<Option<Bytes>, HdfsError>;

impl From<Bytes> for WebBody {
    fn from(bytes: Bytes) -> Self {
        Self {
            left: Some(bytes.len() as u64),
            source: Source::Bytes {
                bytes,
                piece: usize::MAX,
                cut: None,
            },
            _serving: None,
        }
    }
}

impl WebBody {
    /// Sends what a reader reads.
    pub(super) fn of_file(reader: FileReader) -> Self {
        Self {
            left: Some(reader.left()),
            source: Source::File(read(reader)),
            _serving: None,
        }
    }

    /// Sends the content of a response. Parts are made at the times of `clock`.
    pub(super) fn of(content: WebContent, clock: &Clock) -> Self {
        match content {
            WebContent::Whole(bytes) => bytes.into(),
            WebContent::Parts(parts) => Self {
                left: parts.length(),
                source: Source::Parts {
                    parts,
                    clock: clock.clone(),
                    cut: None,
                    work: None,
                },
                _serving: None,
            },
            WebContent::Live(live) => Self {
                left: None,
                source: Source::Live(live),
                _serving: None,
            },
        }
    }

    /// Counts the request as being served until the body has been sent.
    pub(super) fn until_sent(self, serving: Serving) -> Self {
        Self {
            _serving: Some(serving),
            ..self
        }
    }

    /// Sends the body as a fault wants it. Parts are sent piece by piece anyway.
    pub(super) fn with_fault(mut self, fault: ReplyFault) -> Self {
        match (&mut self.source, fault) {
            (Source::Bytes { cut, .. } | Source::Parts { cut, .. }, ReplyFault::Cut(bytes)) => {
                *cut = Some(bytes);
            }
            (Source::Bytes { piece, .. }, ReplyFault::Chopped(bytes)) => *piece = bytes.max(1),
            _ => {}
        }
        self
    }
}

fn read(mut reader: FileReader) -> Reading {
    Box::pin(async move {
        let read = reader.next().await;
        (reader, read)
    })
}

impl Source {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match self {
            Self::Bytes { cut: Some(0), .. } | Self::Parts { cut: Some(0), .. } => {
                let error = io::Error::other("the response is cut by a fault");
                Poll::Ready(Some(Err(error)))
            }
            Self::Bytes { bytes, .. } if bytes.is_empty() => Poll::Ready(None),
            Self::Bytes { bytes, piece, cut } => {
                let left = cut.unwrap_or(usize::MAX);
                let length = bytes.len().min(*piece).min(left);
                if let Some(left) = cut {
                    *left -= length;
                }
                Poll::Ready(Some(Ok(bytes.split_to(length))))
            }
            Self::File(reading) => {
                let (reader, result) = ready!(reading.as_mut().poll(context));
                *reading = read(reader);
                Poll::Ready(result.map_err(io::Error::other).transpose())
            }
            Self::Parts {
                parts,
                clock,
                cut,
                work,
            } => {
                let mut part = loop {
                    if let Some(under_way) = work {
                        // It ends, or has panicked: then the next part says what is lacking.
                        let _ = ready!(under_way.poll_join_next(context));
                        *work = None;
                    }
                    match parts.next(clock.now()) {
                        Some(Part::Work(next)) => {
                            // A task of its own, which does not add to the depth of this stack.
                            let mut task = JoinSet::new();
                            task.spawn(inherited(next));
                            *work = Some(task);
                        }
                        Some(Part::Bytes(bytes)) => break Some(bytes),
                        None => break None,
                    }
                };
                if let (Some(part), Some(left)) = (&mut part, cut) {
                    part.truncate(*left);
                    *left -= part.len();
                }
                Poll::Ready(part.map(Ok))
            }
            Self::Live(live) => live.poll_next(context).map(|part| part.map(Ok)),
        }
    }
}

impl Body for WebBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left == Some(0) {
            return Poll::Ready(None);
        }
        let polled = ready!(self.source.poll(context));
        Poll::Ready(polled.map(|read| {
            let bytes = read?;
            let length = bytes.len() as u64;
            self.left = self.left.map(|left| left.saturating_sub(length));
            Ok(Frame::data(bytes))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}
