//! The sources of a client's tickets.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kerbox_krb5::client::{Credentials, TgsExchange, TgsRequest};
use kerbox_krb5::{ErrorCode, Principal, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::rpc::client::TicketError;

/// The real time in which a KDC must answer.
const ANSWER: Duration = Duration::from_secs(10);
/// The maximum length of a KDC's answer.
const MAX_ANSWER: usize = 256 << 10;

/// A ticket that is on its way.
pub type TicketFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Credentials, TicketError>> + Send + 'a>>;

/// A source of service tickets. Connections share it.
pub trait TicketSource: Send + Sync {
    /// Returns a ticket for `server` that is valid at `now`.
    fn ticket<'a>(&'a self, server: &'a Principal, now: Timestamp) -> TicketFuture<'a>;

    /// Forgets the ticket for `server`, which may have refused it.
    fn discard(&self, server: &Principal);
}

/// Tickets that are requested with a ticket-granting ticket, each once while it is valid.
///
/// ```
/// use std::net::SocketAddr;
/// use std::sync::Arc;
/// use kerbox_krb5::client::Credentials;
/// use minihdfs::rpc::client::driver::KdcTickets;
/// use rand::Rng;
///
/// /// Shares a user's tickets among the clients of several servers.
/// fn tickets(kdc: SocketAddr, tgt: Credentials, rng: &mut impl Rng) -> Arc<KdcTickets> {
///     Arc::new(KdcTickets::new(kdc, tgt, rng))
/// }
/// ```
pub struct KdcTickets {
    kdc: SocketAddr,
    state: Mutex<State>,
}

struct State {
    tgt: Credentials,
    tickets: Vec<Credentials>,
    rng: StdRng,
}

impl KdcTickets {
    /// Creates a source that asks the KDC at this address, over TCP.
    #[must_use]
    pub fn new(kdc: SocketAddr, tgt: Credentials, rng: &mut impl Rng) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Self {
            kdc,
            state: Mutex::new(State {
                tgt,
                tickets: Vec::new(),
                rng: StdRng::from_seed(seed),
            }),
        }
    }

    /// Replaces the ticket-granting ticket, after a renewal or a new login.
    pub fn replace(&self, tgt: Credentials) {
        let mut state = self.state();
        state.tgt = tgt;
        state.tickets.clear();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the stored ticket, or the exchange that gets one.
    fn start(
        &self,
        server: &Principal,
        now: Timestamp,
    ) -> Result<Result<Credentials, (TgsExchange, Vec<u8>)>, TicketError> {
        let state = &mut *self.state();
        state.tickets.retain(|ticket| ticket.end_time > now);
        if let Some(ticket) = state.tickets.iter().find(|ticket| ticket.server == *server) {
            return Ok(Ok(ticket.clone()));
        }
        let request = TgsRequest::service(server.clone(), &state.tgt);
        let exchange = TgsExchange::new(&state.tgt, request, now, &mut state.rng)?;
        Ok(Err(exchange))
    }
}

/// Sends a request to the KDC, and returns its answer.
pub(super) async fn ask(kdc: SocketAddr, request: &[u8]) -> Result<Vec<u8>, TicketError> {
    let exchange = async {
        let mut stream = TcpStream::connect(kdc).await?;
        let length = u32::try_from(request.len()).map_err(io::Error::other)?;
        stream
            .write_all(&[&length.to_be_bytes(), request].concat())
            .await?;
        let length = stream.read_u32().await? as usize;
        if length > MAX_ANSWER {
            return Err(io::Error::other(format!(
                "its answer has {length} bytes, more than {MAX_ANSWER}"
            )));
        }
        let mut answer = Vec::new();
        stream.take(length as u64).read_to_end(&mut answer).await?;
        Ok(answer)
    };
    timeout(ANSWER, exchange)
        .await
        .unwrap_or_else(|elapsed| Err(elapsed.into()))
        .map_err(|error| TicketError::Unreachable {
            kdc,
            why: error.to_string(),
        })
}

impl TicketSource for KdcTickets {
    fn ticket<'a>(&'a self, server: &'a Principal, now: Timestamp) -> TicketFuture<'a> {
        Box::pin(async move {
            let (exchange, request) = match self.start(server, now)? {
                Ok(ticket) => return Ok(ticket),
                Err(exchange) => exchange,
            };
            let ticket = exchange.finish(&ask(self.kdc, &request).await?)?;
            if ticket.server != *server {
                // A referral to another realm, which this source does not follow.
                let code = ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN;
                return Err(kerbox_krb5::Error::from(code).into());
            }
            self.state().tickets.push(ticket.clone());
            Ok(ticket)
        })
    }

    fn discard(&self, server: &Principal) {
        self.state()
            .tickets
            .retain(|ticket| ticket.server != *server);
    }
}
