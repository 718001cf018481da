//! FAST: an armor around requests and replies, so that a password cannot be guessed from recorded
//! traffic (RFC 6113, 5.4).
//!
//! The outer request is used for its armor only. The inner request counts, and its body may differ
//! from the outer one (Heimdal's clients give no realm in the outer one).

use kerbox_krb5::crypto::krb_fx_cf2;
use kerbox_krb5::messages::{
    ApReq, Authenticator, Checksum, EncryptedData, FastArmoredReq, FastFinished, FastReq,
    FastResponse, KdcRequest, KdcRequestBody, KrbError, PaData, PaDataType, PaEncTsEnc, Ticket,
    encode_fast_reply,
};
use kerbox_krb5::{
    EncryptionKey, EncryptionType, ErrorCode, KeyUsage, NameType, Principal, Timestamp,
};
use rand::Rng;

use crate::PrincipalEntry;
use crate::context::Context;
use crate::database::RealmConfig;
use crate::header::{self, Header, is_local_tgs};
use crate::preauth::{self, KeysOf};

/// The armor of an exchange.
pub(crate) struct Fast {
    armor_key: EncryptionKey,
    nonce: i64,
    hides_client: bool,
    /// True if replies carry a strengthen key, which the RFC leaves to the KDC. Heimdal's clients
    /// up to 7.8 do not mix it into the reply key. They are recognized by the missing realm in the
    /// outer body.
    strengthens: bool,
}

/// Opens the armor of an AS request, if it has one. Returns it with the inner request.
pub(crate) fn open_as(
    context: &Context<'_>,
    request: &KdcRequest,
) -> Result<Option<(Fast, KdcRequest)>, ErrorCode> {
    let Some(element) = PaData::find(&request.padata, PaDataType::FX_FAST) else {
        return Ok(None);
    };
    let armored = FastArmoredReq::decode(&element.value).map_err(|error| error.code())?;
    let (armor_type, value) = armored
        .armor
        .as_ref()
        .ok_or(ErrorCode::KDC_ERR_PREAUTH_FAILED)?;
    if *armor_type != FastArmoredReq::AP_REQUEST {
        return Err(ErrorCode::KDC_ERR_PREAUTH_FAILED);
    }
    let armor_key = armor_key_of(context, value)?;
    open(request, &armored, armor_key, &request.raw_body).map(Some)
}

/// Opens the armor of a TGS request, which is the request's own ticket.
pub(crate) fn open_tgs(
    request: &KdcRequest,
    header: &Header<'_>,
) -> Result<Option<(Fast, KdcRequest)>, ErrorCode> {
    let Some(element) = PaData::find(&request.padata, PaDataType::FX_FAST) else {
        return Ok(None);
    };
    let armored = FastArmoredReq::decode(&element.value).map_err(|error| error.code())?;
    let subkey = header.subkey.as_ref().filter(|_| armored.armor.is_none());
    let subkey = subkey.ok_or(ErrorCode::KDC_ERR_PREAUTH_FAILED)?;
    let armor_key = combine(subkey, "subkeyarmor", &header.part.key, "ticketarmor")?;
    let ap_req = PaData::find(&request.padata, PaDataType::TGS_REQ)
        .ok_or(ErrorCode::KDC_ERR_PADATA_TYPE_NOSUPP)?;
    open(request, &armored, armor_key, &ap_req.value).map(Some)
}

fn open(
    request: &KdcRequest,
    armored: &FastArmoredReq,
    armor_key: EncryptionKey,
    checksummed: &[u8],
) -> Result<(Fast, KdcRequest), ErrorCode> {
    let code = |error: kerbox_krb5::Error| error.code();
    let plaintext = armored
        .enc_part
        .open(&armor_key, KeyUsage::FAST_ENC)
        .map_err(code)?;
    let inner = FastReq::decode(&plaintext).map_err(code)?;
    armored
        .checksum
        .verify(&armor_key, KeyUsage::FAST_REQ_CHKSUM, checksummed)
        .map_err(|error| match error.code() {
            // An unkeyed checksum proves nothing, even if it matches.
            ErrorCode::KRB_AP_ERR_INAPP_CKSUM => ErrorCode::KRB_AP_ERR_MODIFIED,
            code => code,
        })?;
    if inner.options & FastReq::CRITICAL & !FastReq::HIDE_CLIENT_NAMES != 0 {
        return Err(ErrorCode::KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTIONS);
    }
    let body = KdcRequestBody::decode(&inner.raw_body).map_err(code)?;
    let fast = Fast {
        armor_key,
        nonce: body.nonce,
        hides_client: inner.options & FastReq::HIDE_CLIENT_NAMES != 0,
        strengthens: request.body.realm == body.realm,
    };
    let request = KdcRequest {
        message_type: request.message_type,
        padata: inner.padata,
        body,
        raw_body: inner.raw_body,
    };
    Ok((fast, request))
}

/// Returns the key of an armor that is an AP-REQ with one of our ticket-granting tickets.
fn armor_key_of(context: &Context<'_>, ap_req: &[u8]) -> Result<EncryptionKey, ErrorCode> {
    let code = |error: kerbox_krb5::Error| error.code();
    let ap_req = ApReq::decode(ap_req).map_err(code)?;
    let (server, part, _) = header::open(context, &ap_req.ticket).map_err(|code| match code {
        ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN => ErrorCode::KRB_AP_ERR_NOT_US,
        code => code,
    })?;
    let authenticator = ap_req
        .authenticator
        .open(&part.key, KeyUsage::AP_REQ_AUTHENTICATOR)
        .and_then(|bytes| Authenticator::decode(&bytes))
        .map_err(code)?;
    if authenticator.client != part.client {
        return Err(ErrorCode::KRB_AP_ERR_BADMATCH);
    }
    let realm = context.realm(server.principal.realm());
    part.check_valid(context.now, realm.clock_skew)
        .map_err(code)?;
    preauth::check_skew(authenticator.ctime, context.now, realm)?;
    // Checked last, as in MIT's KDC, which learns the ticket's server only by decrypting it.
    if !is_local_tgs(&ap_req.ticket.server) {
        return Err(ErrorCode::KDC_ERR_SERVER_NOMATCH);
    }
    let subkey = authenticator.subkey.ok_or(ErrorCode::KDC_ERR_POLICY)?;
    combine(&subkey, "subkeyarmor", &part.key, "ticketarmor")
}

/// Derives a key with KRB-FX-CF2 (RFC 6113, 5.1).
fn combine(
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
    /// Verifies an encrypted challenge (RFC 6113, 5.4.6), and returns the KDC's own for the reply.
    pub(crate) fn verify_challenge(
        &self,
        client: &PrincipalEntry,
        enctypes: &[EncryptionType],
        value: &[u8],
        now: Timestamp,
        realm: &RealmConfig,
        rng: &mut impl Rng,
    ) -> Result<(KeysOf, PaData), ErrorCode> {
        let failed = ErrorCode::KDC_ERR_PREAUTH_FAILED;
        let data = EncryptedData::decode(value).map_err(|_| failed)?;
        // Try the keys in the client's order of preference, so that the first one is usually right.
        let keys = enctypes.iter().flat_map(|enctype| {
            client
                .keys_of(None)
                .filter(move |key| key.enctype() == *enctype)
        });
        for key in keys {
            let client_key = combine(
                &self.armor_key,
                "clientchallengearmor",
                key.key(),
                "challengelongterm",
            )?;
            let Ok(plaintext) = data.open(&client_key, KeyUsage::ENC_CHALLENGE_CLIENT) else {
                continue;
            };
            let challenge = PaEncTsEnc::decode(&plaintext).map_err(|_| failed)?;
            preauth::check_skew(challenge.timestamp, now, realm)?;
            let kdc_key = combine(
                &self.armor_key,
                "kdcchallengearmor",
                key.key(),
                "challengelongterm",
            )?;
            let answer = PaEncTsEnc { timestamp: now }.encode();
            let answer =
                EncryptedData::seal(&kdc_key, None, KeyUsage::ENC_CHALLENGE_KDC, &answer, rng);
            let keys_of = if key.is_of_password() {
                KeysOf::Password
            } else {
                KeysOf::Keytab
            };
            return Ok((
                keys_of,
                PaData::new(PaDataType::ENCRYPTED_CHALLENGE, answer.encode()),
            ));
        }
        Err(failed)
    }

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
