//! The port of HttpFS.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use hyper::body::Incoming;
use kerbox_events::Server;
use kerbox_krb5::Clock;
use kerbox_net::Stop;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::body::WebBody;
use super::visit::{Host, Visit};
use super::{Answers, WebListener, datanode, drain, namenode, serve};
use crate::web::httpfs::{self, Errand, HttpFsWeb};
use crate::web::request::WebRequest;

/// Serves HttpFS on a port until `shutdown` resolves or a fault kills the server. Then every
/// connection is closed. Its events are the NameNode's.
///
/// `seed` seeds the randomness of authentication. Each connection has its own generator, in the
/// order in which they are accepted.
///
/// # Errors
/// Fails if the socket cannot be used.
pub async fn serve_httpfs(
    web: Arc<HttpFsWeb>,
    listener: WebListener,
    clock: Clock,
    seed: u64,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut seeds = StdRng::seed_from_u64(seed);
    let host = Host {
        server: Server::NameNode(1),
        clock,
        hook: Arc::clone(web.namenode.hook()),
        stop: Stop::default(),
        tls: listener.tls,
        idle: web.namenode.idle(),
    };
    let connection = || Connection {
        web: Arc::clone(&web),
        namenode: namenode::Connection {
            web: Arc::clone(&web.namenode),
            rng: Mutex::new(StdRng::from_rng(&mut seeds)),
        },
    };
    serve(host, listener.socket, connection, shutdown).await
}

struct Connection {
    web: Arc<HttpFsWeb>,
    namenode: namenode::Connection,
}

impl Answers for Connection {
    async fn answer(
        &self,
        visit: &Visit,
        request: Request<Incoming>,
    ) -> io::Result<Response<WebBody>> {
        visit.place.is_active();
        let (mut head, mut body) = request.into_parts();
        httpfs::rewrite(&mut head);
        let request = visit.request(&head);
        let admitted = {
            // A generator is still usable after a panic.
            let rng = self.namenode.rng.lock();
            let mut rng = rng.unwrap_or_else(PoisonError::into_inner);
            let now = visit.host.clock.now();
            self.web.admit(now, &request, &mut *rng)
        };
        let answered: io::Result<Response<WebBody>> = match admitted {
            Err(response) => Ok(response.map(WebBody::from)),
            Ok(admitted) => {
                visit.place.known(admitted.user());
                let answer = self.namenode.serve(&visit.host, admitted).await?;
                match self.web.errand(&request, &answer) {
                    Ok(None) => Ok(answer),
                    Ok(Some(errand)) => return self.run(visit, &request, &errand, body).await,
                    Err(response) => Ok(response.map(WebBody::from)),
                }
            }
        };
        drain(&head, &mut body).await;
        let mut answer = answered?;
        if httpfs::has_no_page(&head.method, &answer) {
            answer.headers_mut().remove(CONTENT_TYPE);
            return Ok(answer.map(|_| WebBody::from(Bytes::new())));
        }
        httpfs::typed(&head.method, &mut answer);
        Ok(answer)
    }
}

impl Connection {
    /// Moves data.
    async fn run(
        &self,
        visit: &Visit,
        request: &WebRequest<'_>,
        errand: &Errand,
        mut body: Incoming,
    ) -> io::Result<Response<WebBody>> {
        let task = errand.port.admit(&errand.request(request));
        let method = task.as_ref().map_or("", |task| task.verb.method());
        let moved = match task {
            Ok(task) => datanode::carry_out(visit, &errand.port, task, &mut body).await,
            Err(response) => Ok(response.map(WebBody::from)),
        };
        match moved {
            Ok(answer) => {
                let answer = errand.own(request, answer);
                Ok(match httpfs::place(&answer) {
                    Some(value) => answer.map(|_| WebBody::from(value)),
                    None => answer,
                })
            }
            Err(error) => {
                drain(request.head, &mut body).await;
                Ok(httpfs::refused(method, &error).map(WebBody::from))
            }
        }
    }
}
