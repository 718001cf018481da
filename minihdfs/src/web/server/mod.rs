//! The sockets of HTTP ports, the only part of `web` that depends on tokio and hyper.
//!
//! - [`serve_namenode`], [`serve_datanode`]: the ports of the two servers
//! - [`serve_httpfs`]: a port with the operations of both
//! - [`serve_console`]: the port of a realm's console
//! - [`Tls`]: what HTTPS ports wrap around connections
//! - `visit`: a connection's events, and what faults do to it
//! - `watched`: the time that a client may take; `progress`: what a connection is doing
//! - `body`: bodies of responses; `upload`: images that a checkpointer sends;
//!   `change`: what a console wants

mod body;
mod change;
mod console;
mod datanode;
mod httpfs;
mod namenode;
mod progress;
mod tls;
mod upload;
mod visit;
mod watched;

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
use hyper_util::rt::TokioIo;
use kerbox_net::{Accepted, Limits, Port};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use body::WebBody;
pub use console::serve_console;
pub use datanode::serve_datanode;
pub use httpfs::serve_httpfs;
pub use namenode::serve_namenode;
use progress::Progress;
pub use tls::Tls;
use visit::{Host, Visit};
use watched::Watched;

/// The limits on connections. Each holds at most two buffers of [`MAX_BUFFER`], and those that move
/// a file's bytes also a packet and the buffers of a data connection.
const LIMITS: Limits = Limits {
    connections: 1024,
    unknown: 128,
    unknown_bytes: usize::MAX,
    known_bytes: usize::MAX,
};

/// The maximum length of a request's head, and of the buffers of a connection. A ticket with
/// authorization data of Windows takes up to 64 KiB, base64 a third more.
const MAX_BUFFER: usize = 128 << 10;

/// The limits on reading a body that is not wanted, before the answer. Many clients send the body
/// first and read the answer afterwards.
const DRAIN: (Duration, u64) = (Duration::from_secs(30), 1 << 30);

/// A bound socket of an HTTP port, or of an HTTPS port if it has TLS.
#[derive(Debug)]
pub struct WebListener {
    /// The socket.
    pub socket: std::net::TcpListener,
    /// What it wraps around connections.
    pub tls: Option<Tls>,
}

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

/// The state of one connection, which answers its requests.
trait Answers: Send + Sync + 'static {
    /// Answers a request. An error closes the connection without an answer.
    fn answer(
        &self,
        visit: &Visit,
        request: Request<Incoming>,
    ) -> impl Future<Output = io::Result<Response<WebBody>>> + Send;
}

/// Serves HTTP/1.1 on a bound socket until `shutdown` resolves or a fault kills the server. Then
/// every connection is closed. `connection` makes the state of an accepted one.
async fn serve<A: Answers>(
    host: Host,
    listener: std::net::TcpListener,
    mut connection: impl FnMut() -> A,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut port = Port::new(listener, host.server, LIMITS)?;
    if let Some(rule) = host.idle {
        port = port.with_idle_rule(rule);
    }
    let stop = host.stop.clone();
    let served = port.serve(|accepted: Accepted| {
        let visit = Visit {
            host: host.clone(),
            peer: accepted.peer,
            place: accepted.place,
            progress: Progress::default(),
        };
        serve_visit(visit.begin(), accepted.stream, connection())
    });
    tokio::select! {
        () = stop.or(shutdown) => {}
        never = served => match never {},
    }
    port.shutdown().await;
    Ok(())
}

/// Serves a connection until the client closes it.
async fn serve_visit(visit: Visit, stream: TcpStream, connection: impl Answers) {
    if !visit.is_admitted().await {
        return;
    }
    match &visit.host.tls {
        None => serve_requests(&visit, stream, connection).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => {
                visit.place.protected("TLS");
                serve_requests(&visit, stream, connection).await;
            }
            Err(error) => {
                tracing::debug!(peer = %visit.peer, %error, "a TLS handshake failed");
            }
        },
    }
}

/// Answers the requests of a connection.
async fn serve_requests(
    visit: &Visit,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: impl Answers,
) {
    let connection = &connection;
    let served = http1::Builder::new()
        // The stream limits the time.
        .header_read_timeout(None::<Duration>)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(
            TokioIo::new(Watched::new(stream, visit)),
            service_fn(move |request| async move {
                let serving = visit.progress.serve();
                let answered = connection.answer(visit, request).await;
                answered.map(|response| response.map(|body| body.until_sent(serving)))
            }),
        )
        .await;
    if let Err(error) = served {
        tracing::debug!(peer = %visit.peer, %error, "an HTTP connection ended");
    }
}
