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
use kerbox_net::Stop;
use tokio::time::{MissedTickBehavior, interval};

use super::body::WebBody;
use super::visit::{Host, Visit};
use super::{Answers, WebListener, drain, serve};
use crate::HdfsError;
use crate::datanode::files::FileWriter;
use crate::web::datanode::{self, DataNodeWeb, DataTask, Verb};
use crate::web::response::WebResponse;

/// The time between signs to a pipeline that its writer is alive.
const BEAT: Duration = Duration::from_secs(20);
/// The number of such times after which a silent client is given up.
const BEATS: u32 = 30;

/// Serves WebHDFS on a port until `shutdown` resolves or the DataNode is stopped. Then
/// every connection is closed.
///
/// # Errors
/// Fails if the socket cannot be used.
pub async fn serve_datanode(
    web: Arc<DataNodeWeb>,
    listener: WebListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let node = Arc::clone(&web.node);
    let host = Host {
        server: Server::DataNode(node.number()),
        clock: node.clock().clone(),
        hook: Arc::clone(node.hook()),
        stop: Stop::default(),
        tls: listener.tls,
        idle: web.idle,
    };
    let connection = || Connection {
        web: Arc::clone(&web),
    };
    let end = async {
        tokio::select! {
            () = shutdown => {}
            () = node.stopped() => {}
        }
    };
    serve(host, listener.socket, connection, end).await
}

struct Connection {
    web: Arc<DataNodeWeb>,
}

impl Answers for Connection {
    async fn answer(
        &self,
        visit: &Visit,
        request: Request<Incoming>,
    ) -> io::Result<Response<WebBody>> {
        visit.place.is_active();
        let (head, mut body) = request.into_parts();
        let request = visit.request(&head);
        let task = match self.web.admit(&request) {
            Ok(task) => task,
            Err(response) => {
                drain(&head, &mut body).await;
                return Ok(response.map(WebBody::from));
            }
        };
        match carry_out(visit, &self.web, task, &mut body).await {
            Ok(response) => Ok(response),
            Err(error) => {
                drain(&head, &mut body).await;
                Ok(datanode::refused(&error).map(WebBody::from))
            }
        }
    }
}

/// Moves the data of an operation.
pub(super) async fn carry_out(
    visit: &Visit,
    web: &DataNodeWeb,
    task: DataTask,
    body: &mut Incoming,
) -> Result<Response<WebBody>, HdfsError> {
    let DataTask { client, path, verb } = task;
    let whole = |response: WebResponse| Ok(response.map(WebBody::from));
    match verb {
        Verb::Open { offset, length } => {
            let reader = client.open(&path, offset, length).await?;
            is_known(visit);
            Ok(datanode::opened(Response::new(WebBody::of_file(reader))))
        }
        Verb::Checksum => {
            let sum = client.file_checksum(&path).await?;
            whole(datanode::checksum(&sum))
        }
        Verb::Create { request, location } => {
            let writer = client.create(*request, web.checksum).await?;
            is_known(visit);
            receive(visit, writer, body).await?;
            whole(datanode::written(Some(&location)))
        }
        Verb::Append => {
            let writer = client.append(&path, web.checksum).await?;
            is_known(visit);
            receive(visit, writer, body).await?;
            whole(datanode::written(None))
        }
    }
}

/// Marks the client as identified: the NameNode has let it in.
fn is_known(visit: &Visit) {
    visit.place.known(&visit.peer.ip().to_string());
}

/// Writes a request's body into a file, and closes the file also if the body ends too early.
async fn receive(
    visit: &Visit,
    mut writer: FileWriter,
    body: &mut Incoming,
) -> Result<(), HdfsError> {
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first one would come at once.
    beats.reset();
    let mut silent = 0;
    let broken = loop {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context));
        let frame = tokio::select! {
            frame = frame => match frame {
                Some(Ok(frame)) => frame,
                None => break None,
                Some(Err(error)) => break Some(HdfsError::io(error.to_string())),
            },
            // Also while bytes trickle in, because a packet is sent only when it is full.
            _ = beats.tick() => {
                silent += 1;
                if silent > BEATS {
                    break Some(HdfsError::io("The client sends no more data"));
                }
                writer.beat().await?;
                continue;
            }
        };
        silent = 0;
        visit.place.is_active();
        let data: Bytes = frame.into_data().unwrap_or_default();
        writer.write(&data).await?;
    };
    let closed = writer.close().await;
    broken.map_or(closed, Err)
}
