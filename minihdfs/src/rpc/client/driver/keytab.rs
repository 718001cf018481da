//! Tickets that are requested with a keytab's keys, as a server does.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kerbox_krb5::client::{AsExchange, AsStep, Credentials, InitialRequest, Secret};
use kerbox_krb5::{EncryptionKey, Principal, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::tickets::{KdcTickets, TicketFuture, TicketSource, ask};
use crate::rpc::client::TicketError;

/// The time before the end of a ticket-granting ticket at which it is replaced.
const MARGIN: Duration = Duration::from_secs(60);

/// Tickets for a principal whose keys are known. It logs in when it needs a ticket, and again when
/// the login has ended.
///
/// ```
/// use std::net::SocketAddr;
/// use kerbox_krb5::{EncryptionKey, Principal};
/// use minihdfs::rpc::client::driver::KeytabTickets;
/// use rand::Rng;
///
/// /// Logs in as a DataNode whenever that is necessary.
/// fn tickets(
///     kdc: SocketAddr,
///     datanode: Principal,
///     keys: Vec<EncryptionKey>,
///     rng: &mut impl Rng,
/// ) -> KeytabTickets {
///     KeytabTickets::new(kdc, datanode, keys, rng)
/// }
/// ```
pub struct KeytabTickets {
    kdc: SocketAddr,
    principal: Principal,
    keys: Box<dyn Fn() -> Vec<EncryptionKey> + Send + Sync>,
    login: Mutex<Login>,
}

struct Login {
    /// The tickets of the last login, and when that ends.
    last: Option<(Arc<KdcTickets>, Timestamp)>,
    rng: StdRng,
}

impl KeytabTickets {
    /// Creates a source that asks the KDC at this address, over TCP.
    #[must_use]
    pub fn new(
        kdc: SocketAddr,
        principal: Principal,
        keys: Vec<EncryptionKey>,
        rng: &mut impl Rng,
    ) -> Self {
        Self::with_current_keys(kdc, principal, move || keys.clone(), rng)
    }

    /// Same as [`new`](Self::new), for keys that may have changed by the next login.
    #[must_use]
    pub fn with_current_keys(
        kdc: SocketAddr,
        principal: Principal,
        keys: impl Fn() -> Vec<EncryptionKey> + Send + Sync + 'static,
        rng: &mut impl Rng,
    ) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Self {
            kdc,
            principal,
            keys: Box::new(keys),
            login: Mutex::new(Login {
                last: None,
                rng: StdRng::from_seed(seed),
            }),
        }
    }

    fn login(&self) -> MutexGuard<'_, Login> {
        // A panic elsewhere leaves the last login as it was.
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the tickets of a login that is valid at `now`.
    async fn tickets(&self, now: Timestamp) -> Result<Arc<KdcTickets>, TicketError> {
        if let Some((tickets, end)) = &self.login().last
            && *end > now + MARGIN
        {
            return Ok(Arc::clone(tickets));
        }
        let tgt = self.log_in(now).await?;
        let end = tgt.end_time;
        let login = &mut *self.login();
        let tickets = Arc::new(KdcTickets::new(self.kdc, tgt, &mut login.rng));
        login.last = Some((Arc::clone(&tickets), end));
        Ok(tickets)
    }

    async fn log_in(&self, now: Timestamp) -> Result<Credentials, TicketError> {
        let request = InitialRequest::new(self.principal.clone());
        let secret = Secret::Keys((self.keys)());
        let (mut exchange, mut request) =
            AsExchange::new(request, secret, now, &mut self.login().rng)?;
        loop {
            let answer = ask(self.kdc, &request).await?;
            match exchange.step(&answer, &mut self.login().rng)? {
                AsStep::Send(next) => request = next,
                AsStep::Done(tgt) => return Ok(*tgt),
            }
        }
    }
}

impl TicketSource for KeytabTickets {
    fn ticket<'a>(&'a self, server: &'a Principal, now: Timestamp) -> TicketFuture<'a> {
        Box::pin(async move {
            let tickets = self.tickets(now).await?;
            tickets.ticket(server, now).await
        })
    }

    fn discard(&self, server: &Principal) {
        if let Some((tickets, _)) = &self.login().last {
            tickets.discard(server);
        }
    }
}
