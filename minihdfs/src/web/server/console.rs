//! The HTTP port of a realm without a NameNode.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, Response};
use hyper::body::Incoming;
use kerbox_events::{Event, Facts, Hook, Server, Verdict};
use kerbox_krb5::{Clock, Timestamp};
use kerbox_net::Stop;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::body::WebBody;
use super::visit::{Host, Visit};
use super::{Answers, WebListener, change, drain, serve};
use crate::web::console::ConsoleWeb;

/// Serves the console of a realm on a port until `shutdown` resolves. Then every connection is
/// closed. No fault strikes it, because it is there to remove them.
///
/// `seed` seeds the randomness of authentication. Each connection has its own generator, in the
/// order in which they are accepted.
///
/// # Errors
/// Fails if the socket cannot be used.
pub async fn serve_console(
    web: Arc<ConsoleWeb>,
    listener: WebListener,
    clock: Clock,
    seed: u64,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut seeds = StdRng::seed_from_u64(seed);
    let host = Host {
        server: Server::Console,
        clock,
        hook: Arc::new(Unruled(Arc::clone(web.hook()))),
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

/// A hook that hears of everything and has no say.
struct Unruled(Arc<dyn Hook>);

impl Hook for Unruled {
    fn ask(&self, _now: Timestamp, _event: &Event) -> Verdict {
        Verdict::Pass
    }

    fn record(&self, now: Timestamp, event: Event) {
        self.0.record(now, event);
    }

    fn record_with(&self, now: Timestamp, event: Event, facts: Facts) {
        self.0.record_with(now, event, facts);
    }

    fn watching(&self) -> bool {
        false
    }
}

struct Connection {
    web: Arc<ConsoleWeb>,
    rng: Mutex<StdRng>,
}

impl Answers for Connection {
    async fn answer(
        &self,
        visit: &Visit,
        request: Request<Incoming>,
    ) -> io::Result<Response<WebBody>> {
        visit.place.is_active();
        let clock = &visit.host.clock;
        let (head, mut body) = request.into_parts();
        let request = visit.request(&head);
        let admitted = {
            // A generator is still usable after a panic.
            let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
            self.web.admit(clock.now(), &request, &mut *rng)
        };
        let visitor = match admitted {
            Ok(visitor) => visitor,
            Err(response) => {
                drain(&head, &mut body).await;
                return Ok(response.map(WebBody::from));
            }
        };
        visit.place.known(&visitor.caller.user.short);
        Ok(
            match change::read(visitor.call.is_change, &mut body).await {
                Ok(change) => {
                    let answer = self.web.call(clock.now(), visitor, &change).await;
                    answer.map(|content| WebBody::of(content, clock))
                }
                Err(response) => response.map(WebBody::from),
            },
        )
    }
}
