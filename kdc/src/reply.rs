//! Parts that AS and TGS replies and errors share.

use kerbox_krb5::messages::{Checksum, KdcRequest, KrbError, PaData, PaDataType, PaPacOptions};
use kerbox_krb5::{EncryptionKey, KeyUsage, Principal, Timestamp};
use rand::Rng;

use crate::error::Refusal;
use crate::fast::Fast;

/// Returns PA-FX-COOKIE, which clients send back (RFC 6113, 5.2). This KDC stores no state in the
/// cookie, so it only marks its presence.
pub(crate) fn cookie() -> PaData {
    PaData::new(PaDataType::FX_COOKIE, b"KERBOX".to_vec())
}

/// Returns the authenticated padata of a reply: a checksum over the request, if the client asks for
/// it (RFC 6806, 11), and the support for resource-based delegation.
pub(crate) fn encrypted_padata(
    request: &KdcRequest,
    raw: &[u8],
    reply_key: &EncryptionKey,
) -> Vec<PaData> {
    let mut padata = Vec::new();
    if PaData::find(&request.padata, PaDataType::REQ_ENC_PA_REP).is_some() {
        let checksum = Checksum::keyed(reply_key, KeyUsage::AS_REQ, raw);
        padata.push(PaData::new(PaDataType::REQ_ENC_PA_REP, checksum.encode()));
        // Announces FAST where an attacker cannot remove it. MIT's clients store this in their
        // cache.
        padata.push(PaData::new(PaDataType::FX_FAST, Vec::new()));
    }
    if resource_based(request) {
        let options = PaPacOptions(PaPacOptions::RESOURCE_BASED);
        padata.push(PaData::new(PaDataType::PAC_OPTIONS, options.encode()));
    }
    padata
}

/// Returns whether the client asks for resource-based delegation.
pub(crate) fn resource_based(request: &KdcRequest) -> bool {
    PaData::find(&request.padata, PaDataType::PAC_OPTIONS)
        .and_then(|element| PaPacOptions::decode(&element.value).ok())
        .is_some_and(|options| options.0 & PaPacOptions::RESOURCE_BASED != 0)
}

/// Returns the client's name for the unprotected part of a reply.
pub(crate) fn shown(fast: Option<&Fast>, client: Principal) -> Principal {
    match fast {
        Some(fast) => fast.shown(client),
        None => client,
    }
}

/// Creates the KRB-ERROR of a refusal. `server` is the requested one.
pub(crate) fn error(
    refusal: Refusal,
    server: Principal,
    fast: Option<&Fast>,
    now: Timestamp,
    rng: &mut impl Rng,
) -> KrbError {
    let e_data = refusal.e_data;
    let error = KrbError {
        ctime: None,
        stime: now,
        code: refusal.error.code(),
        client: refusal.client,
        server,
        text: Some(refusal.error.text().to_owned()),
        data: (!e_data.is_empty() && fast.is_none()).then(|| PaData::encode_list(&e_data)),
    };
    match fast {
        Some(fast) => fast.error(error, e_data, rng),
        None => error,
    }
}
