//! The sockets of HTTP ports, the only part of `web` that depends on tokio and hyper.
//!
//! - [`serve_namenode`], [`serve_datanode`]: the ports of the two servers
//! - `visit`: a connection's events, and what faults do to it
//! - `body`: bodies of responses

mod body;
mod datanode;
mod namenode;
mod visit;

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::time::Duration;

use http::header::{AUTHORIZATION, EXPECT};
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use kerbox_net::Limits;
use tokio::net::TcpStream;
use tokio::time::timeout;

use body::WebBody;
pub use datanode::serve_datanode;
pub use namenode::serve_namenode;

/// The limits on connections. Each holds at most two buffers of [`MAX_BUFFER`].
const LIMITS: Limits = Limits {
    connections: 1024,
    unknown: 128,
    unknown_bytes: usize::MAX,
    known_bytes: usize::MAX,
};

/// The maximum length of a request's head, and of the buffers of a connection. A ticket with
/// authorization data of Windows takes up to 64 KiB, base64 a third more.
const MAX_BUFFER: usize = 128 << 10;

/// The time in which the head of a request must arrive, and the time that a connection may be idle.
const HEAD: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 60 });

/// The limits on reading a body that is not wanted, before the answer. Many clients send the body
/// first and read the answer afterwards.
const DRAIN: (Duration, u64) = (Duration::from_secs(30), 1 << 30);

/// Reads the rest of a body, unless its client waits for the answer first. In the middle of SPNEGO
/// curl sends the body whatever the answer is, to keep the connection.
async fn drain(head: &Parts, body: &mut Incoming) {
    let has = |name| head.headers.contains_key(name);
    if has(EXPECT) && !has(AUTHORIZATION) {
        return;
    }
    let (time, mut left) = DRAIN;
    let drained = async {
        while let Some(Ok(frame)) =
            poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await
        {
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // A client that goes on sending may miss the answer.
    let _ = timeout(time, drained).await;
}

/// Serves HTTP/1.1 on a connection until the client closes it.
async fn serve_connection<F>(
    stream: TcpStream,
    answer: impl Fn(Request<Incoming>) -> F,
) -> Result<(), hyper::Error>
where
    F: Future<Output = io::Result<Response<WebBody>>>,
{
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .await
}
