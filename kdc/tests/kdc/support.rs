//! A KDC and its clients, at a time that stands still until a test moves it.

use std::time::Duration;

use kerbox_kdc::{
    Kdc, NewKeys, NewPrincipal, Peer, PrincipalDatabase, PrincipalEntry, RealmConfig, Reply,
};
use kerbox_krb5::client::{
    AsExchange, AsStep, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest,
};
use kerbox_krb5::messages::KrbError;
use kerbox_krb5::{EncryptionKey, Error, ErrorCode, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

pub(crate) const REALM: &str = "EXAMPLE.COM";

/// Drives both sides.
pub(crate) struct Pair {
    pub(crate) kdc: Kdc,
    pub(crate) now: Timestamp,
    pub(crate) peer: Peer,
    pub(crate) rng: StdRng,
}

/// Returns a principal of the realm.
pub(crate) fn principal(name: &str) -> Principal {
    Principal::parse(name, REALM).expect("a well-formed name")
}

impl Pair {
    /// Creates a realm with alice, bob and two services, all with random keys.
    pub(crate) fn new() -> Self {
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
        };
        for name in ["alice", "bob", "nn/localhost", "HTTP/localhost"] {
            pair.add(name, &[]);
        }
        pair
    }

    /// Adds a principal with random keys and these attributes.
    pub(crate) fn add(&mut self, name: &str, attributes: &[&str]) {
        let mut new = NewPrincipal::new(principal(name), NewKeys::Random);
        new.attributes = attributes.iter().map(ToString::to_string).collect();
        self.kdc
            .database_mut()
            .add(new, &mut self.rng)
            .expect("a new principal");
    }

    pub(crate) fn advance(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
    }

    pub(crate) fn keys(&self, name: &str) -> Vec<EncryptionKey> {
        let database = self.kdc.database();
        let entry = database.get(&principal(name)).expect("a known principal");
        entry.keys_of(None).map(|key| key.key().clone()).collect()
    }

    pub(crate) fn send(&self, request: &[u8]) -> Reply {
        self.kdc.handle(self.now, request, self.peer)
    }

    pub(crate) fn answer(&self, request: &[u8]) -> Vec<u8> {
        self.send(request).message.expect("an answer")
    }

    /// Runs an AS exchange to its end.
    pub(crate) fn initial(
        &mut self,
        request: InitialRequest,
        secret: Secret,
    ) -> Result<Credentials, Error> {
        let (mut exchange, mut bytes) = AsExchange::new(request, secret, self.now, &mut self.rng)?;
        loop {
            let answer = self.answer(&bytes);
            match exchange.step(&answer, &mut self.rng)? {
                AsStep::Send(next) => bytes = next,
                AsStep::Done(credentials) => return Ok(*credentials),
            }
        }
    }

    /// Gets a ticket-granting ticket; `change` adjusts the request.
    pub(crate) fn login_with(
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
    pub(crate) fn login(&mut self, name: &str) -> Credentials {
        self.login_with(name, |_| {}).expect("a ticket")
    }

    /// Runs a TGS exchange.
    pub(crate) fn tgs(
        &mut self,
        ticket: &Credentials,
        request: TgsRequest,
    ) -> Result<Credentials, Error> {
        let (exchange, bytes) = TgsExchange::new(ticket, request, self.now, &mut self.rng)?;
        exchange.finish(&self.answer(&bytes))
    }

    /// Gets a service ticket.
    pub(crate) fn service(&mut self, tgt: &Credentials, name: &str) -> Result<Credentials, Error> {
        self.tgs(tgt, TgsRequest::service(principal(name), tgt))
    }
}

/// Returns the number and the text of a refusal.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> (ErrorCode, String) {
    match result {
        Err(Error::Kdc(error)) => (error.code, error.text.unwrap_or_default()),
        other => panic!("expected a KRB-ERROR, got {other:?}"),
    }
}

/// Returns the KRB-ERROR in an answer.
#[track_caller]
pub(crate) fn krb_error(answer: &[u8]) -> KrbError {
    KrbError::decode(answer).expect("a KRB-ERROR")
}

/// Changes a principal of the database.
pub(crate) fn change(pair: &Pair, name: &str, change: impl FnOnce(&mut PrincipalEntry)) {
    pair.kdc
        .database_mut()
        .change(&principal(name), change)
        .expect("it is there");
}

/// Sets an attribute of a principal by kadmin's name.
pub(crate) fn set(pair: &Pair, name: &str, setting: &str) {
    change(pair, name, |entry| {
        entry.attributes.apply(setting).expect("kadmin's name");
    });
}

/// Asserts the number and the text of a refusal.
macro_rules! assert_refused {
    ($result:expr, $code:ident, $text:literal) => {
        assert_eq!(refused($result), (ErrorCode::$code, $text.to_owned()))
    };
}
pub(crate) use assert_refused;
