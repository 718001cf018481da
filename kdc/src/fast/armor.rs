//! The armor of an exchange, once opened: replies and errors are put into it.

use kerbox_krb5::crypto::krb_fx_cf2;
use kerbox_krb5::messages::{
    Checksum, EncryptedData, FastFinished, FastResponse, KrbError, PaData, PaDataType, Ticket,
    encode_fast_reply,
};
use kerbox_krb5::{EncryptionKey, ErrorCode, KeyUsage, NameType, Principal, Timestamp};
use rand::Rng;

/// The armor of an exchange.
pub(crate) struct Fast {
    pub(super) armor_key: EncryptionKey,
    pub(super) nonce: i64,
    pub(super) hides_client: bool,
    /// True if replies carry a strengthen key, which the RFC leaves to the KDC. Heimdal's clients
    /// up to 7.8 do not mix it into the reply key. They are recognized by the missing realm in the
    /// outer body.
    pub(super) strengthens: bool,
}

/// Derives a key with KRB-FX-CF2 (RFC 6113, 5.1).
pub(super) fn combine(
    first: &EncryptionKey,
    pepper: &str,
    second: &EncryptionKey,
    other_pepper: &str,
) -> Result<EncryptionKey, ErrorCode> {
    krb_fx_cf2(first, second, pepper.as_bytes(), other_pepper.as_bytes())
        .map_err(|error| error.code())
}

/// A reply's padata, and the key for its encrypted part.
pub(crate) struct Armored {
    pub(crate) padata: Vec<PaData>,
    pub(crate) reply_key: EncryptionKey,
}

impl Fast {
    /// Puts a reply's padata into the armor and strengthens the reply key.
    pub(crate) fn reply(
        &self,
        padata: Vec<PaData>,
        client: &Principal,
        ticket: &Ticket,
        reply_key: &EncryptionKey,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<Armored, ErrorCode> {
        let mut strengthen_key = None;
        let mut strengthened = reply_key.clone();
        if self.strengthens {
            let key =
                EncryptionKey::random(reply_key.enctype(), rng).map_err(|error| error.code())?;
            strengthened = combine(&key, "strengthenkey", reply_key, "replykey")?;
            strengthen_key = Some(key);
        }
        let response = FastResponse {
            padata,
            strengthen_key,
            finished: Some(FastFinished {
                timestamp: now,
                client: client.clone(),
                ticket_checksum: Checksum::keyed(
                    &self.armor_key,
                    KeyUsage::FAST_FINISHED,
                    &ticket.encode(),
                ),
            }),
            nonce: self.nonce,
        };
        Ok(Armored {
            padata: vec![self.seal(&response, rng)],
            reply_key: strengthened,
        })
    }

    /// Puts an error into the armor. Only its number is visible outside.
    pub(crate) fn error(
        &self,
        mut error: KrbError,
        e_data: Vec<PaData>,
        rng: &mut impl Rng,
    ) -> KrbError {
        error.data = None;
        let mut padata = e_data;
        padata.push(PaData::new(PaDataType::FX_ERROR, error.encode()));
        let response = FastResponse {
            padata,
            strengthen_key: None,
            finished: None,
            nonce: self.nonce,
        };
        if error.client.is_some() {
            error.client = error.client.map(|client| self.shown(client));
        }
        error.data = Some(PaData::encode_list(&[self.seal(&response, rng)]));
        error
    }

    /// Returns the client's name for use outside the armor.
    pub(crate) fn shown(&self, client: Principal) -> Principal {
        if self.hides_client {
            Principal::new("WELLKNOWN:ANONYMOUS", ["WELLKNOWN", "ANONYMOUS"])
                .with_name_type(NameType::WELLKNOWN)
        } else {
            client
        }
    }

    fn seal(&self, response: &FastResponse, rng: &mut impl Rng) -> PaData {
        let data = EncryptedData::seal(
            &self.armor_key,
            None,
            KeyUsage::FAST_REP,
            &response.encode(),
            rng,
        );
        PaData::new(PaDataType::FX_FAST, encode_fast_reply(&data))
    }
}
