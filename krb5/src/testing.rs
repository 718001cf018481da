//! A client with a ticket and the service that it is for, without a KDC: where tests of AP
//! exchanges, of GSS and of SASL begin. Here, and for other crates' tests by the feature `testing`.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::client::Credentials;
use crate::messages::{EncTicketPart, TicketFlags, TransitedEncoding};
use crate::{EncryptionKey, EncryptionType, Keytab, KeytabEntry, Principal, Timestamp};

/// When the ticket begins; it ends an hour later.
pub const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// The bytes of a vector in hexadecimal.
///
/// # Panics
/// It is not hexadecimal.
#[must_use]
pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("vectors are hexadecimal"))
        .collect()
}

/// `alice@EXAMPLE.COM`, a service, and what they have in common.
#[derive(Debug)]
pub struct Parties {
    /// What else is random comes from here.
    pub rng: StdRng,
    /// The service.
    pub service: Principal,
    /// Its key.
    pub key: EncryptionKey,
    /// Its keytab, which holds that key as version 1.
    pub keytab: Keytab,
    /// The version of the key that the ticket names.
    pub kvno: u32,
    /// What the ticket says; a test may change it before it asks for
    /// [`credentials`](Self::credentials).
    pub part: EncTicketPart,
}

impl Parties {
    /// Keys of this type, random by this seed; the service's name as `["nn", "localhost"]`.
    ///
    /// # Panics
    /// The type has no keys.
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
                end_time: NOW + Duration::from_hours(1),
                renew_till: None,
                addresses: Vec::new(),
                authorization_data: Vec::new(),
            },
        }
    }

    /// The client's ticket, sealed in the service's key.
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
