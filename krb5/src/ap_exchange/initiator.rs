//! The client's side of the AP exchange.

use rand::Rng;

use crate::client::Credentials;
use crate::crypto::constant_time_eq;
use crate::messages::{
    ApOptions, ApRep, ApReq, Authenticator, Checksum, EncApRepPart, EncryptedData,
};
use crate::{EncryptionKey, Error, ErrorCode, KeyUsage, Timestamp};

/// What goes into an authenticator besides name and time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApInitiatorOptions {
    /// Whether the service shall prove itself.
    pub mutual: bool,
    /// What the AP-REQ vouches for.
    pub checksum: Option<Checksum>,
    /// The key for the session; the ticket's session key serves without one.
    pub subkey: Option<EncryptionKey>,
    /// The number of the client's first message.
    pub seq_number: Option<u32>,
}

/// An AP-REQ that has been made, waiting for the AP-REP.
#[derive(Clone, Debug)]
pub struct ApInitiator {
    session_key: EncryptionKey,
    ctime: Timestamp,
}

impl ApInitiator {
    /// Makes an AP-REQ with a service ticket.
    pub fn new(
        credentials: &Credentials,
        options: ApInitiatorOptions,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> (Self, Vec<u8>) {
        let authenticator = Authenticator {
            client: credentials.client.clone(),
            checksum: options.checksum,
            ctime: now,
            subkey: options.subkey,
            seq_number: options.seq_number,
            authorization_data: Vec::new(),
        };
        let request = ApReq {
            options: if options.mutual {
                ApOptions::MUTUAL_REQUIRED
            } else {
                ApOptions::NONE
            },
            ticket: credentials.ticket.clone(),
            authenticator: EncryptedData::seal(
                &credentials.key,
                None,
                KeyUsage::AP_REQ_AUTHENTICATOR,
                &authenticator.encode(),
                rng,
            ),
        };
        let initiator = Self {
            session_key: credentials.key.clone(),
            ctime: now,
        };
        (initiator, request.encode())
    }

    /// Checks the AP-REP: refused with `KRB_AP_ERR_MUT_FAIL` if it does not give back our time.
    pub fn finish(&self, reply: &[u8]) -> Result<EncApRepPart, Error> {
        let reply = ApRep::decode(reply)?;
        let part = EncApRepPart::decode(
            &reply
                .enc_part
                .open(&self.session_key, KeyUsage::AP_REP_ENC_PART)?,
        )?;
        let [ours, theirs] = [self.ctime, part.ctime].map(|time| time.as_micros().to_be_bytes());
        if !constant_time_eq(&ours, &theirs) {
            return Err(ErrorCode::KRB_AP_ERR_MUT_FAIL.into());
        }
        Ok(part)
    }
}
