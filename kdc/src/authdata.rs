//! Authorization data on its way from requests and tickets into new tickets (RFC 4120, 5.2.6).

use kerbox_krb5::KeyUsage;
use kerbox_krb5::messages::{AuthorizationData, KdcRequestBody};

use crate::error::KdcError;
use crate::tgs_header::Header;

/// AD-CAMMAC (RFC 7751).
const CAMMAC: i32 = 96;
/// AD-AUTHENTICATION-INDICATOR (RFC 8129).
const AUTHENTICATION_INDICATOR: i32 = 97;

/// What the client asks to have put into its ticket, without what only a KDC may say.
pub(crate) fn of_request(body: &KdcRequestBody, header: &Header<'_>) -> Result<Vec<AuthorizationData>, KdcError> {
    let Some(data) = &body.enc_authorization_data else {
        return Ok(Vec::new());
    };
    let (key, usage) = match &header.subkey {
        Some(subkey) => (subkey, KeyUsage::TGS_REQ_AUTH_DATA_SUBKEY),
        None => (&header.part.key, KeyUsage::TGS_REQ_AUTH_DATA_SESSION_KEY),
    };
    let list = data
        .open(key, usage)
        .and_then(|bytes| AuthorizationData::decode_list(&bytes))
        .map_err(|_| KdcError::HandleAuthdata)?;
    if list.iter().any(|element| element.ad_type == AuthorizationData::MANDATORY_FOR_KDC) {
        return Err(KdcError::MandatoryAuthdata);
    }
    Ok(list.into_iter().filter(|element| !only_a_kdc_says(element)).collect())
}

fn only_a_kdc_says(element: &AuthorizationData) -> bool {
    match element.ad_type {
        AuthorizationData::SIGNTICKET
        | AuthorizationData::KDC_ISSUED
        | AuthorizationData::WIN2K_PAC
        | CAMMAC
        | AUTHENTICATION_INDICATOR => true,
        AuthorizationData::IF_RELEVANT => {
            // One level is enough: nobody looks deeper.
            let inner = AuthorizationData::decode_list(&element.data).unwrap_or_default();
            inner
                .iter()
                .any(|element| element.ad_type != AuthorizationData::IF_RELEVANT && only_a_kdc_says(element))
        }
        _ => false,
    }
}
