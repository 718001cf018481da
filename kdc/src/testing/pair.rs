//! A KDC and its clients, driven by a test.

use std::time::Duration;

use kerbox_krb5::client::{
    AsExchange, AsStep, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest,
};
use kerbox_krb5::{EncryptionKey, Error, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::{Kdc, NewKeys, NewPrincipal, Peer, PrincipalDatabase, RealmConfig, Reply};

/// The realm of [`Pair`].
pub const REALM: &str = "EXAMPLE.COM";

/// A KDC, its clients, and the time of both, as the tests of QUIC implementations have it.
///
/// ```
/// use kerbox_kdc::testing::Pair;
///
/// let mut pair = Pair::new();
/// let alice = pair.login("alice");
/// assert!(pair.service(&alice, "nn/localhost").is_ok());
/// pair.advance(11 * 3600);
/// assert!(pair.service(&alice, "nn/localhost").is_err(), "the ticket is over");
/// ```
pub struct Pair {
    /// The KDC.
    pub kdc: Kdc,
    /// The time. It stands still until a test moves it.
    pub now: Timestamp,
    /// The address and transport of the clients.
    pub peer: Peer,
    /// The source of the clients' random data.
    pub rng: StdRng,
    /// Every request that a client's exchange has sent, and its answer.
    pub exchanged: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Default for Pair {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns a principal of the realm.
///
/// # Panics
/// If the name is not well-formed.
#[must_use]
pub fn principal(name: &str) -> Principal {
    Principal::parse(name, REALM).expect("a well-formed name")
}

impl Pair {
    /// Creates a realm with alice, bob and two services, all with random keys.
    #[must_use]
    pub fn new() -> Self {
        let mut rng = StdRng::seed_from_u64(7);
        let mut database = PrincipalDatabase::new();
        database
            .add_realm(RealmConfig::new(REALM), &mut rng)
            .expect("a first realm");
        let mut pair = Self {
            kdc: Kdc::new(database, 1),
            now: Timestamp::from_micros(1_700_000_000_123_456),
            peer: Peer::LOCAL,
            rng,
            exchanged: Vec::new(),
        };
        for name in ["alice", "bob", "nn/localhost", "HTTP/localhost"] {
            pair.add(name, &[]);
        }
        pair
    }

    /// Adds a principal with random keys and these attributes.
    ///
    /// # Panics
    /// If there is one of this name, or no such attribute.
    pub fn add(&mut self, name: &str, attributes: &[&str]) {
        let mut new = NewPrincipal::new(principal(name), NewKeys::Random);
        new.attributes = attributes.iter().map(ToString::to_string).collect();
        self.kdc
            .database_mut()
            .add(new, &mut self.rng)
            .expect("a new principal");
    }

    /// Moves the time.
    pub fn advance(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
    }

    /// Returns a principal's keys.
    ///
    /// # Panics
    /// If there is no such principal.
    #[must_use]
    pub fn keys(&self, name: &str) -> Vec<EncryptionKey> {
        let database = self.kdc.database();
        let entry = database.get(&principal(name)).expect("a known principal");
        entry.keys_of(None).map(|key| key.key().clone()).collect()
    }

    /// Returns the KDC's reply to a request.
    #[must_use]
    pub fn send(&self, request: &[u8]) -> Reply {
        self.kdc.handle(self.now, request, self.peer)
    }

    /// Returns the message that answers a request.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn answer(&self, request: &[u8]) -> Vec<u8> {
        self.send(request).message.expect("an answer")
    }

    /// Sends a client's request, and keeps it and its answer.
    fn exchange(&mut self, request: Vec<u8>) -> Vec<u8> {
        let answer = self.answer(&request);
        self.exchanged.push((request, answer.clone()));
        answer
    }

    /// Runs an AS exchange to its end.
    ///
    /// # Errors
    /// Fails if the KDC refuses.
    pub fn initial(
        &mut self,
        request: InitialRequest,
        secret: Secret,
    ) -> Result<Credentials, Error> {
        let (mut exchange, mut bytes) = AsExchange::new(request, secret, self.now, &mut self.rng)?;
        loop {
            let answer = self.exchange(bytes);
            match exchange.step(&answer, &mut self.rng)? {
                AsStep::Send(next) => bytes = next,
                AsStep::Done(credentials) => return Ok(*credentials),
            }
        }
    }

    /// Gets a ticket-granting ticket; `change` adjusts the request.
    ///
    /// # Errors
    /// Fails if the KDC refuses.
    pub fn login_with(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut InitialRequest),
    ) -> Result<Credentials, Error> {
        let mut request = InitialRequest::new(principal(name));
        request.renewable_lifetime = Duration::from_secs(7 * 24 * 3600);
        change(&mut request);
        let secret = Secret::Keys(self.keys(name));
        self.initial(request, secret)
    }

    /// Gets a ticket-granting ticket for 10 hours, renewable for 7 days.
    ///
    /// # Panics
    /// If the KDC refuses.
    pub fn login(&mut self, name: &str) -> Credentials {
        self.login_with(name, |_| {}).expect("a ticket")
    }

    /// Runs a TGS exchange.
    ///
    /// # Errors
    /// Fails if the KDC refuses.
    pub fn tgs(&mut self, ticket: &Credentials, request: TgsRequest) -> Result<Credentials, Error> {
        let (exchange, bytes) = TgsExchange::new(ticket, request, self.now, &mut self.rng)?;
        exchange.finish(&self.exchange(bytes))
    }

    /// Gets a service ticket.
    ///
    /// # Errors
    /// Fails if the KDC refuses.
    pub fn service(&mut self, tgt: &Credentials, name: &str) -> Result<Credentials, Error> {
        self.tgs(tgt, TgsRequest::service(principal(name), tgt))
    }
}
