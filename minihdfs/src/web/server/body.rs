//! Bodies of responses.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use kerbox_events::ReplyFault;

use crate::HdfsError;
use crate::datanode::files::FileReader;

/// A body of known length.
pub(super) struct WebBody {
    source: Source,
    /// The number of bytes that are still to be sent.
    left: u64,
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
}

/// A read under way, which gives the reader back for the next one.
type Reading = Pin<Box<dyn Future<Output = (FileReader, Read)> + Send>>;
type Read = Result<Option<Bytes>, HdfsError>;

impl From<Bytes> for WebBody {
    fn from(bytes: Bytes) -> Self {
        Self {
            left: bytes.len() as u64,
            source: Source::Bytes {
                bytes,
                piece: usize::MAX,
                cut: None,
            },
        }
    }
}

impl WebBody {
    /// Sends what a reader reads.
    pub(super) fn of_file(reader: FileReader) -> Self {
        Self {
            left: reader.left(),
            source: Source::File(read(reader)),
        }
    }

    /// Sends the body as a fault wants it.
    pub(super) fn with_fault(mut self, fault: ReplyFault) -> Self {
        if let Source::Bytes { piece, cut, .. } = &mut self.source {
            match fault {
                ReplyFault::None | ReplyFault::Lost | ReplyFault::Joined => {}
                ReplyFault::Cut(bytes) => *cut = Some(bytes),
                ReplyFault::Chopped(bytes) => *piece = bytes.max(1),
            }
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
            Self::Bytes { cut: Some(0), .. } => {
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
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let polled = ready!(self.source.poll(context));
        Poll::Ready(polled.map(|read| {
            let bytes = read?;
            self.left = self.left.saturating_sub(bytes.len() as u64);
            Ok(Frame::data(bytes))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
