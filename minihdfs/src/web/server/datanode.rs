//! A DataNode's HTTP port.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use kerbox_events::Server;
use kerbox_net::{Accepted, Place, Port, Stop};
use tokio::time::timeout;

use super::body::WebBody;
use super::visit::Visit;
use super::{LIMITS, drain, serve_connection};
use crate::HdfsError;
use crate::datanode::files::FileWriter;
use crate::web::datanode::{self, DataNodeWeb, DataTask, Verb};
use crate::web::request::WebRequest;
use crate::web::response::WebResponse;

/// The time after which a pipeline hears that its writer is alive, although the client sends
/// nothing.
const BEAT: Duration = Duration::from_secs(20);
/// The number of such times after which a silent client is given up.
const BEATS: u32 = 30;

/// Serves WebHDFS on a bound socket until `shutdown` resolves or the DataNode is stopped. Then
/// every connection is closed.
///
/// # Errors
/// Fails if the socket cannot be used.
pub async fn serve_datanode(
    web: Arc<DataNodeWeb>,
    listener: std::net::TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let node = Arc::clone(&web.node);
    let server = Server::DataNode(node.number());
    let mut port = Port::new(listener, server, LIMITS)?;
    let stop = Stop::default();
    let served = port.serve(|accepted: Accepted| {
        let visit = Visit {
            server,
            peer: accepted.peer,
            clock: node.clock().clone(),
            hook: Arc::clone(node.hook()),
            stop: stop.clone(),
        };
        let connection = Connection {
            web: Arc::clone(&web),
            visit: visit.begin(),
            place: accepted.place,
        };
        let stream = accepted.stream;
        async move {
            if !connection.visit.is_admitted().await {
                return;
            }
            let served = serve_connection(stream, |request| connection.answer(request)).await;
            if let Err(error) = served {
                tracing::debug!(peer = %connection.visit.peer, %error, "an HTTP connection ended");
            }
        }
    });
    tokio::select! {
        () = stop.or(shutdown) => {}
        () = node.stopped() => {}
        never = served => match never {},
    }
    port.shutdown().await;
    Ok(())
}

struct Connection {
    web: Arc<DataNodeWeb>,
    visit: Visit,
    place: Place,
}

impl Connection {
    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<WebBody>> {
        self.place.is_active();
        let (head, mut body) = request.into_parts();
        let request = WebRequest {
            head: &head,
            peer: self.visit.peer.ip(),
        };
        let task = match self.web.admit(&request) {
            Ok(task) => task,
            Err(response) => {
                drain(&head, &mut body).await;
                return Ok(response.map(WebBody::from));
            }
        };
        match self.carry_out(task, &mut body).await {
            Ok(response) => Ok(response),
            Err(error) => {
                drain(&head, &mut body).await;
                Ok(datanode::refused(&error).map(WebBody::from))
            }
        }
    }

    async fn carry_out(
        &self,
        task: DataTask,
        body: &mut Incoming,
    ) -> Result<Response<WebBody>, HdfsError> {
        let DataTask { client, path, verb } = task;
        let whole = |response: WebResponse| Ok(response.map(WebBody::from));
        match verb {
            Verb::Open { offset, length } => {
                let reader = client.open(&path, offset, length).await?;
                self.is_known();
                Ok(datanode::opened(Response::new(WebBody::of_file(reader))))
            }
            Verb::Checksum => {
                let sum = client.file_checksum(&path).await?;
                whole(datanode::checksum(&sum))
            }
            Verb::Create { request, location } => {
                let writer = client.create(*request, self.web.checksum).await?;
                self.is_known();
                self.receive(writer, body).await?;
                whole(datanode::written(Some(&location)))
            }
            Verb::Append => {
                let writer = client.append(&path, self.web.checksum).await?;
                self.is_known();
                self.receive(writer, body).await?;
                whole(datanode::written(None))
            }
        }
    }

    /// Marks the client as identified: the NameNode has let it in.
    fn is_known(&self) {
        self.place.known(&self.visit.peer.ip().to_string());
    }

    /// Writes a request's body into a file, and closes the file also if the body ends too early.
    async fn receive(&self, mut writer: FileWriter, body: &mut Incoming) -> Result<(), HdfsError> {
        let mut silent = 0;
        let broken = loop {
            let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context));
            let frame = match timeout(BEAT, frame).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => break None,
                Ok(Some(Err(error))) => break Some(HdfsError::io(error.to_string())),
                Err(_) if silent < BEATS => {
                    silent += 1;
                    writer.beat().await?;
                    continue;
                }
                Err(_) => break Some(HdfsError::io("The client sends no more data")),
            };
            silent = 0;
            self.place.is_active();
            let data: Bytes = frame.into_data().unwrap_or_default();
            writer.write(&data).await?;
        };
        let closed = writer.close().await;
        broken.map_or(closed, Err)
    }
}
