//! FAST: an armor around requests and replies, so that a password cannot be guessed from recorded
//! traffic (RFC 6113, 5.4).
//!
//! The outer request is used for its armor only. The inner request counts, and its body may differ
//! from the outer one (Heimdal's clients give no realm in the outer one).

mod armor;
mod challenge;

use kerbox_krb5::messages::{
    ApReq, Authenticator, FastArmoredReq, FastReq, KdcRequest, KdcRequestBody, PaData, PaDataType,
};
use kerbox_krb5::{EncryptionKey, ErrorCode, KeyUsage};

pub(crate) use armor::Fast;

use self::armor::combine;
use crate::context::Context;
use crate::header::{self, Header, is_local_tgs};
use crate::preauth;

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
