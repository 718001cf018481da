//! A client with a ticket, and the service that it is for, without a KDC: the starting point for
//! tests of AP exchanges, GSS and SASL. Other crates' tests get it with the feature `testing`.

mod pair;

use std::time::Duration;

pub use pair::Pair;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::client::Credentials;
use crate::messages::{EncTicketPart, TicketFlags, TransitedEncoding};
use crate::{EncryptionKey, EncryptionType, Keytab, KeytabEntry, Principal, Timestamp};

/// The start of the ticket's validity; it ends an hour later.
pub const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// Decodes a test vector in hexadecimal.
///
/// # Panics
/// If it is not hexadecimal.
#[must_use]
pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("vectors are hexadecimal"))
        .collect()
}

/// `alice@EXAMPLE.COM`, a service, and what they share.
#[derive(Debug)]
pub struct Parties {
    /// The source of all other random data.
    pub rng: StdRng,
    /// The service.
    pub service: Principal,
    /// Its key.
    pub key: EncryptionKey,
    /// Its keytab, which holds that key as version 1.
    pub keytab: Keytab,
    /// The key version in the ticket.
    pub kvno: u32,
    /// The ticket's content. A test may change it before it calls
    /// [`credentials`](Self::credentials).
    pub part: EncTicketPart,
}

impl Parties {
    /// Creates the parties with random keys of this type, made from this seed. The service's name
    /// is given as `["nn", "localhost"]`.
    ///
    /// # Panics
    /// If the type has no keys.
    #[must_use]
    pub fn new(seed: u64, enctype: EncryptionType, service: [&str; 2]) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let [key, session_key] =
            [(); 2].map(|()| EncryptionKey::random(enctype, &mut rng).expect("a known type"));
        let service = Principal::new("EXAMPLE.COM", service);
        let kvno = 1;
        Self {
            rng,
            keytab: Keytab::from_iter([KeytabEntry::new(service.clone(), kvno, key.clone(), NOW)]),
            service,
            key,
            kvno,
            part: EncTicketPart {
                flags: TicketFlags::INITIAL,
                key: session_key,
                client: Principal::new("EXAMPLE.COM", ["alice"]),
                transited: TransitedEncoding::default(),
                auth_time: NOW,
                start_time: None,
                end_time: NOW + Duration::from_secs(3600),
                renew_till: None,
                addresses: Vec::new(),
                authorization_data: Vec::new(),
            },
        }
    }

    /// Returns the client's ticket, encrypted with the service's key.
    #[must_use]
    pub fn credentials(&mut self) -> Credentials {
        Credentials {
            client: self.part.client.clone(),
            server: self.service.clone(),
            key: self.part.key.clone(),
            ticket: self.part.seal(
                self.service.clone(),
                &self.key,
                Some(self.kvno),
                &mut self.rng,
            ),
            flags: self.part.flags,
            auth_time: self.part.auth_time,
            start_time: self.part.start(),
            end_time: self.part.end_time,
            renew_till: self.part.renew_till,
            addresses: self.part.addresses.clone(),
        }
    }
}
