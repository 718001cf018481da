//! A connection's events, and what faults do to it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http::request::Parts;
use kerbox_events::{Ending, Event, Hook, Ruling, Server, rule};
use kerbox_krb5::Clock;
use kerbox_net::{IdleRule, Place, Stop};
use tokio::time::sleep;

use super::progress::Progress;
use super::tls::Tls;
use crate::web::request::WebRequest;

/// The server that a port belongs to.
#[derive(Clone)]
pub(super) struct Host {
    pub(super) server: Server,
    pub(super) clock: Clock,
    pub(super) hook: Arc<dyn Hook>,
    /// Ends the port.
    pub(super) stop: Stop,
    /// The TLS of an HTTPS port.
    pub(super) tls: Option<Tls>,
    /// The rule for connections that wait for another request; without it they may wait.
    pub(super) idle: Option<IdleRule>,
}

/// One connection of a port. Its opening and its end are recorded, however it ends.
pub(super) struct Visit {
    pub(super) host: Host,
    pub(super) peer: SocketAddr,
    pub(super) place: Place,
    pub(super) progress: Progress,
}

impl Visit {
    /// Records the opening.
    pub(super) fn begin(self) -> Self {
        self.record(true);
        self
    }

    /// Returns a request of the connection, by its head.
    pub(super) fn request<'a>(&self, head: &'a Parts) -> WebRequest<'a> {
        WebRequest {
            head,
            peer: self.peer.ip(),
            is_https: self.host.tls.is_some(),
        }
    }

    fn record(&self, opened: bool) {
        let Host { clock, hook, .. } = &self.host;
        hook.record(clock.now(), self.event(opened));
    }

    fn event(&self, opened: bool) -> Event {
        Event::Connection {
            server: self.host.server,
            peer: self.peer,
            opened,
        }
    }

    /// Lets faults decide the fate of the connection. Returns false if it ends.
    pub(super) async fn is_admitted(&self) -> bool {
        let Host { clock, hook, .. } = &self.host;
        match rule::<Infallible>(&**hook, clock.now(), |_| self.event(true)) {
            Ruling::Go(changes) => {
                if !changes.delay.is_zero() {
                    sleep(changes.delay).await;
                }
            }
            Ruling::Hold(latch) => latch.await,
            Ruling::Refuse(never) => match never {},
            Ruling::End(Ending::Silent) => std::future::pending().await,
            // A client of HTTP sees the same end of both.
            Ruling::End(Ending::Close | Ending::HalfClose) => return false,
            Ruling::End(Ending::Kill) => {
                self.host.stop.stop();
                return false;
            }
        }
        true
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.record(false);
    }
}
