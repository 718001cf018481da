//! The NameNode's HTTP port.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use kerbox_events::{Ending, Exception, ReplyFault, Ruling, Server, rule};
use kerbox_krb5::Clock;
use kerbox_net::Stop;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::time::sleep;

use super::body::WebBody;
use super::visit::{Host, Visit};
use super::{Answers, WebListener, change, drain, serve, upload};
use crate::web::content::WebContent;
use crate::web::namenode::{Admitted, NameNodeWeb};

/// Serves WebHDFS on a port until `shutdown` resolves or a fault kills the server. Then
/// every connection is closed.
///
/// `seed` seeds the randomness of authentication. Each connection has its own generator, in the
/// order in which they are accepted.
///
/// # Errors
/// Fails if the socket cannot be used.
pub async fn serve_namenode(
    web: Arc<NameNodeWeb>,
    listener: WebListener,
    clock: Clock,
    seed: u64,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut seeds = StdRng::seed_from_u64(seed);
    let host = Host {
        server: Server::NameNode(1),
        clock,
        hook: Arc::clone(web.hook()),
        stop: Stop::default(),
        tls: listener.tls,
        idle: web.idle(),
    };
    let connection = || Connection {
        web: Arc::clone(&web),
        rng: Mutex::new(StdRng::from_rng(&mut seeds)),
    };
    serve(host, listener.socket, connection, shutdown).await
}

pub(super) struct Connection {
    pub(super) web: Arc<NameNodeWeb>,
    pub(super) rng: Mutex<StdRng>,
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
        let admitted = {
            // A generator is still usable after a panic.
            let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
            self.web.admit(visit.host.clock.now(), &request, &mut *rng)
        };
        if let Ok(admitted) = &admitted
            && let Some(upload) = admitted.upload()
        {
            visit.place.known(admitted.user());
            let now = visit.host.clock.now();
            let stored = upload::receive(now, &self.web, upload.clone(), &mut body).await;
            if let Err(response) = stored {
                // Java's client reads the answer when it has sent everything.
                drain(&head, &mut body).await;
                return Ok(response.map(WebBody::from));
            }
        }
        if let Some(is_change) = admitted.as_ref().ok().and_then(Admitted::verb)
            && let Ok(admitted) = admitted
        {
            visit.place.known(admitted.user());
            return Ok(match change::read(is_change, &mut body).await {
                Ok(change) => self.call(&visit.host, admitted, &change).await,
                Err(response) => response.map(WebBody::from),
            });
        }
        // Operations that move data get it on the DataNode.
        drain(&head, &mut body).await;
        match admitted {
            Err(response) => Ok(response.map(WebBody::from)),
            Ok(admitted) => {
                visit.place.known(admitted.user());
                self.serve(&visit.host, admitted).await
            }
        }
    }
}

impl Connection {
    /// Calls a verb of the console. No fault strikes it, because it is there to remove them.
    async fn call(&self, host: &Host, admitted: Admitted, change: &[u8]) -> Response<WebBody> {
        let answer = self.web.call(host.clock.now(), admitted, change).await;
        answer.map(|content| WebBody::of(content, &host.clock))
    }

    /// Carries out an operation as the faults allow it.
    pub(super) async fn serve(
        &self,
        host: &Host,
        admitted: Admitted,
    ) -> io::Result<Response<WebBody>> {
        let now = host.clock.now();
        let ruling = rule::<Exception>(&*host.hook, now, |outcome| admitted.event(outcome));
        let changes = match ruling {
            Ruling::Go(changes) => changes,
            Ruling::Hold(latch) => {
                latch.await;
                Default::default()
            }
            Ruling::Refuse(exception) => {
                let refused = self.web.refuse(now, admitted, exception);
                return Ok(refused.map(WebBody::from));
            }
            Ruling::End(Ending::Silent) => std::future::pending().await,
            // A client of HTTP sees the same end of both.
            Ruling::End(Ending::Close | Ending::HalfClose) => {
                return Err(ErrorKind::ConnectionAborted.into());
            }
            Ruling::End(Ending::Kill) => {
                host.stop.stop();
                return Err(ErrorKind::ConnectionAborted.into());
            }
        };
        if !changes.delay.is_zero() {
            sleep(changes.delay).await;
        }
        let served = self.web.serve(host.clock.now(), admitted);
        if let Some(durable) = self.web.durable() {
            durable.await?;
        }
        // Without the first answer a client of HTTP asks for no second one.
        if matches!(changes.reply, ReplyFault::Lost | ReplyFault::Joined) {
            return std::future::pending().await;
        }
        Ok(served.map(|content| {
            let content = match content {
                WebContent::Whole(bytes) if changes.corrupt => corrupted(&bytes).into(),
                content => content,
            };
            WebBody::of(content, &host.clock).with_fault(changes.reply)
        }))
    }
}

fn corrupted(body: &Bytes) -> Bytes {
    body.iter().map(|byte| byte ^ 0xff).collect()
}
