//! What AS and TGS replies and errors have in common.

use kerbox_krb5::messages::{Checksum, KdcRequest, KrbError, PaData, PaDataType, PaPacOptions};
use kerbox_krb5::{EncryptionKey, KeyUsage, Principal, Timestamp};

use crate::error::Refusal;
use crate::s4u;

/// PA-FX-COOKIE: clients give it back (RFC 6113, 5.2). This KDC keeps its state elsewhere, so it says only that there is one.
pub(crate) fn cookie() -> PaData {
    PaData::new(PaDataType::FX_COOKIE, b"KERBOX".to_vec())
}

/// The authenticated padata of a reply: for a client that asks for it, a checksum over its request (RFC 6806, 11), and that
/// resource-based delegation is known here.
pub(crate) fn encrypted_padata(request: &KdcRequest, raw: &[u8], reply_key: &EncryptionKey) -> Vec<PaData> {
    let mut padata = Vec::new();
    if PaData::find(&request.padata, PaDataType::REQ_ENC_PA_REP).is_some() {
        let checksum = Checksum::keyed(reply_key, KeyUsage::AS_REQ, raw);
        padata.push(PaData::new(PaDataType::REQ_ENC_PA_REP, checksum.encode()));
    }
    if s4u::resource_based(request) {
        let options = PaPacOptions(PaPacOptions::RESOURCE_BASED);
        padata.push(PaData::new(PaDataType::PAC_OPTIONS, options.encode()));
    }
    padata
}

/// The KRB-ERROR of a refusal. `server` is the one that was asked for.
pub(crate) fn error(refusal: Refusal, server: Principal, now: Timestamp) -> KrbError {
    KrbError {
        ctime: None,
        stime: now,
        code: refusal.error.code(),
        client: refusal.client,
        server,
        text: Some(refusal.error.text().to_owned()),
        data: (!refusal.e_data.is_empty()).then(|| PaData::encode_list(&refusal.e_data)),
    }
}
