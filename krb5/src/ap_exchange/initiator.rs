//! The client's side of the AP exchange.

use rand::Rng;

use crate::client::Credentials;
use crate::crypto::constant_time_eq;
use crate::messages::{
    ApOptions, ApRep, ApReq, Authenticator, Checksum, EncApRepPart, EncryptedData,
};
use crate::{EncryptionKey, Error, ErrorCode, KeyUsage, Timestamp};

/// The content of an authenticator, apart from name and time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApInitiatorOptions {
    /// If true, the service must authenticate itself.
    pub mutual: bool,
    /// A checksum of the data that the AP-REQ authenticates.
    pub checksum: Option<Checksum>,
    /// The key for the session. Without one, the ticket's session key is used.
    pub subkey: Option<EncryptionKey>,
    /// The sequence number of the client's first message.
    pub seq_number: Option<u32>,
}

/// An AP-REQ that was created and waits for the AP-REP.
#[derive(Clone, Debug)]
pub struct ApInitiator {
    session_key: EncryptionKey,
    ctime: Timestamp,
}

impl ApInitiator {
    /// Creates an AP-REQ from a service ticket.
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

    /// Checks the AP-REP. Fails with `KRB_AP_ERR_MUT_FAIL` if it does not return our time.
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
