//! A client and a service, driven by a test.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{NOW, Parties};
use crate::ap_exchange::ApAcceptor;
use crate::client::Credentials;
use crate::gss::{GssAcceptor, GssContext, GssInitiator, GssInitiatorOptions};
use crate::{EncryptionType, Keytab, Principal, Timestamp};

/// A client with a ticket, the service with its keytab, and the time of both.
#[derive(Debug)]
pub struct Pair {
    /// The time. It stands still until a test moves it.
    pub now: Timestamp,
    /// The source of the client's random data.
    pub rng: StdRng,
    /// The service's keytab.
    pub keytab: Keytab,
    /// The service.
    pub service: Principal,
    /// The client's ticket.
    pub credentials: Credentials,
}

impl Pair {
    /// Creates [`Parties`], and gives the client its ticket.
    ///
    /// # Panics
    /// If the type has no keys.
    #[must_use]
    pub fn new(seed: u64, enctype: EncryptionType, service: [&str; 2]) -> Self {
        let mut parties = Parties::new(seed, enctype, service);
        let credentials = parties.credentials();
        let Parties {
            rng,
            keytab,
            service,
            ..
        } = parties;
        Self {
            now: NOW,
            rng,
            keytab,
            service,
            credentials,
        }
    }

    /// Returns the service's side.
    #[must_use]
    pub fn acceptor(&self) -> GssAcceptor<'_> {
        GssAcceptor::new(ApAcceptor::new(&self.keytab, Some(&self.service)))
    }

    /// Returns the client's side and its first token.
    ///
    /// # Panics
    /// If the client's ticket has a key of an unknown type.
    pub fn initiate(&mut self, options: GssInitiatorOptions) -> (GssInitiator, Vec<u8>) {
        GssInitiator::new(&self.credentials, options, self.now, &mut self.rng)
            .expect("a known type")
    }

    /// Establishes a context. Returns the client's side and the service's.
    ///
    /// # Panics
    /// If one of them refuses.
    pub fn establish(
        &mut self,
        options: GssInitiatorOptions,
        acceptor_subkey: bool,
    ) -> (GssContext, GssContext) {
        let (initiator, token) = self.initiate(options);
        let mut acceptor = self.acceptor();
        acceptor.subkey = acceptor_subkey;
        let mut rng = StdRng::seed_from_u64(6);
        let (theirs, answer) = acceptor
            .accept(self.now, &token, &mut rng)
            .expect("everything is right");
        let ours = initiator
            .finish(answer.as_deref())
            .expect("the service has proved itself");
        (ours, theirs)
    }
}
