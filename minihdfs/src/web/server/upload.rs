//! Images that a checkpointer sends: the body of a request, for code that reads and waits.

use std::future::poll_fn;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use http_body::Body;
use hyper::body::Incoming;
use kerbox_krb5::Timestamp;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::spawn_blocking;

use crate::web::namenode::NameNodeWeb;
use crate::web::response::WebResponse;
use crate::web::servlets::Upload;

/// The number of pieces that wait to be read.
const WAITING: usize = 16;

/// The pieces of a body, as they arrive.
struct Pieces {
    arriving: Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.arriving.blocking_recv() {
                Some(piece) => self.current = piece?,
                None => return Ok(0),
            }
        }
        let length = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

/// Stores the image in a request's body. Fails with the response.
pub(super) async fn receive(
    now: Timestamp,
    web: &Arc<NameNodeWeb>,
    upload: Upload,
    body: &mut Incoming,
) -> Result<(), Box<WebResponse>> {
    let (sender, arriving) = channel(WAITING);
    let web = Arc::clone(web);
    let storing = spawn_blocking(move || {
        let mut pieces = Pieces {
            arriving,
            current: Bytes::new(),
        };
        web.store(now, &upload, &mut pieces)
    });
    while let Some(frame) = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
        let piece = match frame {
            Ok(frame) => frame.into_data().map_or_else(|_| Ok(Bytes::new()), Ok),
            Err(error) => Err(io::Error::other(error)),
        };
        // Whoever stores it may have seen enough to refuse it.
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    drop(sender);
    storing
        .await
        .unwrap_or_else(|error| Err(Upload::failed(&error)))
}
