//! Copies authorization data from requests and tickets into new tickets (RFC 4120, 5.2.6).

use kerbox_krb5::messages::{AuthorizationData, Checksum, EncTicketPart, KdcRequestBody};
use kerbox_krb5::{EncryptionKey, KeyUsage, Principal};

use crate::context::Context;
use crate::error::KdcError;
use crate::header::Header;
use crate::pac;

/// AD-CAMMAC (RFC 7751).
const CAMMAC: i32 = 96;
/// AD-AUTHENTICATION-INDICATOR (RFC 8129).
const AUTHENTICATION_INDICATOR: i32 = 97;

/// Returns the authorization data that the client requests for its ticket, without elements that
/// only a KDC may issue.
pub(crate) fn of_request(
    body: &KdcRequestBody,
    header: &Header<'_>,
) -> Result<Vec<AuthorizationData>, KdcError> {
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
    if list
        .iter()
        .any(|element| element.ad_type == AuthorizationData::MANDATORY_FOR_KDC)
    {
        return Err(KdcError::MandatoryAuthdata);
    }
    Ok(list
        .into_iter()
        .filter(|element| !only_a_kdc_says(element))
        .collect())
}

/// Our own element: a checksum of the ticket, made with the ticket-granting service's key. The
/// number is from the range for local use.
const SIGNATURE: i32 = -1717;
/// RFC 3961 reserves the usages from 1024 up for applications.
const SIGNATURE_USAGE: KeyUsage = KeyUsage(1717);

/// Signs a ticket so that it can serve as evidence. Services ignore the element.
pub(crate) fn sign(part: &mut EncTicketPart, key: &EncryptionKey) {
    part.authorization_data
        .retain(|element| signature(element).is_none());
    let element = AuthorizationData {
        ad_type: SIGNATURE,
        data: Checksum::keyed(key, SIGNATURE_USAGE, &part.encode()).encode(),
    };
    part.authorization_data.push(AuthorizationData {
        ad_type: AuthorizationData::IF_RELEVANT,
        data: AuthorizationData::encode_list(&[element]),
    });
}

/// Returns whether the ticket is signed with a current or former key of the realm's ticket-granting
/// service.
pub(crate) fn is_signed(context: &Context<'_>, realm: &str, part: &EncTicketPart) -> bool {
    let mut unsigned = part.clone();
    let Some(signature) = unsigned
        .authorization_data
        .pop()
        .as_ref()
        .and_then(signature)
    else {
        return false;
    };
    // The PAC is added after signing, so it is not covered.
    pac::remove(&mut unsigned.authorization_data);
    let bytes = unsigned.encode();
    let keys = context
        .database
        .get(&Principal::krbtgt(realm, realm))
        .map(|entry| entry.keys());
    keys.unwrap_or_default()
        .iter()
        .any(|key| signature.verify(key.key(), SIGNATURE_USAGE, &bytes).is_ok())
}

/// Returns the signature in an element, if it contains one.
fn signature(element: &AuthorizationData) -> Option<Checksum> {
    if element.ad_type != AuthorizationData::IF_RELEVANT {
        return None;
    }
    match AuthorizationData::decode_list(&element.data)
        .ok()?
        .as_slice()
    {
        [inner] if inner.ad_type == SIGNATURE => Checksum::decode(&inner.data).ok(),
        _ => None,
    }
}

fn only_a_kdc_says(element: &AuthorizationData) -> bool {
    match element.ad_type {
        AuthorizationData::SIGNTICKET
        | AuthorizationData::KDC_ISSUED
        | AuthorizationData::WIN2K_PAC
        | CAMMAC
        | AUTHENTICATION_INDICATOR
        | SIGNATURE => true,
        AuthorizationData::IF_RELEVANT => {
            // One level is enough: readers do not look deeper.
            let inner = AuthorizationData::decode_list(&element.data).unwrap_or_default();
            inner.iter().any(|element| {
                element.ad_type != AuthorizationData::IF_RELEVANT && only_a_kdc_says(element)
            })
        }
        _ => false,
    }
}
