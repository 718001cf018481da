//! AS-REQ and TGS-REQ (RFC 4120, 5.4.1).

use std::collections::BTreeSet;

use rasn::prelude::*;
use rasn_kerberos as rk;

use super::data::{WireEncryptedData, from_wire, to_wire};
use super::der::Reader;
use super::ticket::WireTicket;
use super::wire::{self, Bits, PrincipalName, Text, Time, check_version, optional};
use super::{EncryptedData, HostAddress, KdcOptions, MessageType, PaData, Ticket};
use crate::{EncryptionType, Error, ErrorCode, Principal, Timestamp};

/// An AS-REQ or a TGS-REQ.
///
/// ```
/// use kerbox_krb5::Timestamp;
/// use kerbox_krb5::client::{AsExchange, InitialRequest, Secret};
/// use kerbox_krb5::messages::{KdcRequest, KdcRequestBody, MessageType, PaData, PaDataType};
/// # use rand::SeedableRng;
/// # let mut rng = rand::rngs::StdRng::seed_from_u64(1);
///
/// let request = InitialRequest::new("alice@EXAMPLE.COM".parse()?);
/// let (now, secret) = (Timestamp::from_secs(1_700_000_000), Secret::Keys(Vec::new()));
/// let (_, bytes) = AsExchange::new(request, secret, now, &mut rng)?;
/// assert_eq!(MessageType::of(&bytes), Some(MessageType::AS_REQ));
/// let KdcRequest { padata, body, .. } = KdcRequest::decode(&bytes)?;
/// let KdcRequestBody { client, realm, .. } = body;
/// assert_eq!(client, Some("alice@EXAMPLE.COM".parse()?));
/// assert_eq!(realm, "EXAMPLE.COM");
/// assert!(PaData::find(&padata, PaDataType::ENC_TIMESTAMP).is_none());
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KdcRequest {
    /// [`MessageType::AS_REQ`] or [`MessageType::TGS_REQ`].
    pub message_type: MessageType,
    /// Pre-authentication data.
    pub padata: Vec<PaData>,
    /// The body.
    pub body: KdcRequestBody,
    /// The body's encoded bytes, as received or as they will be sent. Checksums cover these bytes.
    pub raw_body: Vec<u8>,
}

/// `KDC-REQ-BODY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KdcRequestBody {
    /// The KDC options.
    pub options: KdcOptions,
    /// The client (AS-REQ only), in `realm`.
    pub client: Option<Principal>,
    /// The server's realm; in an AS-REQ, also the client's.
    pub realm: String,
    /// The server, in `realm`.
    pub server: Option<Principal>,
    /// The requested start.
    pub from: Option<Timestamp>,
    /// The requested end. The epoch stands for "as late as possible".
    pub till: Timestamp,
    /// The requested end of renewability.
    pub rtime: Option<Timestamp>,
    /// A number that the reply repeats. Its range covers signed and unsigned 32-bit numbers, since
    /// clients send both.
    pub nonce: i64,
    /// The encryption types that the client can decrypt, best first. If a type is repeated, its
    /// first place counts.
    pub enctypes: Vec<EncryptionType>,
    /// The addresses from which the ticket may be used; all if empty.
    pub addresses: Vec<HostAddress>,
    /// Authorization data for the ticket (TGS-REQ only), encrypted with the session key or the
    /// subkey.
    pub enc_authorization_data: Option<EncryptedData>,
    /// Further tickets: user-to-user, S4U2Proxy.
    pub additional_tickets: Vec<Ticket>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireKdcRequest {
    #[rasn(tag(explicit(1)))]
    pvno: i64,
    #[rasn(tag(explicit(2)))]
    msg_type: i64,
    #[rasn(tag(explicit(3)))]
    padata: Option<Vec<rk::PaData>>,
    #[rasn(tag(explicit(4)))]
    req_body: Any,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 10)), delegate)]
pub(super) struct WireAsRequest(WireKdcRequest);

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 12)), delegate)]
pub(super) struct WireTgsRequest(WireKdcRequest);

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireBody {
    #[rasn(tag(explicit(0)))]
    kdc_options: Bits,
    #[rasn(tag(explicit(1)))]
    cname: Option<PrincipalName>,
    #[rasn(tag(explicit(2)))]
    realm: Text,
    #[rasn(tag(explicit(3)))]
    sname: Option<PrincipalName>,
    #[rasn(tag(explicit(4)))]
    from: Option<Time>,
    #[rasn(tag(explicit(5)))]
    till: Time,
    #[rasn(tag(explicit(6)))]
    rtime: Option<Time>,
    #[rasn(tag(explicit(7)))]
    nonce: i64,
    #[rasn(tag(explicit(8)))]
    etype: Vec<i32>,
    #[rasn(tag(explicit(9)))]
    addresses: Option<Vec<rk::HostAddress>>,
    #[rasn(tag(explicit(10)))]
    enc_authorization_data: Option<WireEncryptedData>,
    #[rasn(tag(explicit(11)))]
    additional_tickets: Option<Vec<WireTicket>>,
}

impl KdcRequestBody {
    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireBody {
            kdc_options: Bits(self.options.0),
            cname: self.client.as_ref().map(Into::into),
            realm: Text(self.realm.as_str().into()),
            sname: self.server.as_ref().map(Into::into),
            from: self.from.map(Time),
            till: Time(self.till),
            rtime: self.rtime.map(Time),
            nonce: self.nonce,
            etype: self.enctypes.iter().map(|enctype| enctype.0).collect(),
            addresses: optional(to_wire(&self.addresses)),
            enc_authorization_data: self.enc_authorization_data.as_ref().map(Into::into),
            additional_tickets: optional(to_wire(&self.additional_tickets)),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        match Self::read(bytes) {
            Some(body) => Ok(body),
            None => Self::decode_any(bytes),
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Reader::new(bytes).sequence(|fields| {
            let options = KdcOptions(fields.field(0, Reader::bits)?);
            let client = fields.optional(1, Reader::name)?;
            let realm = fields.field(2, Reader::text)?;
            let server = fields.optional(3, Reader::name)?;
            let body = Self {
                options,
                client: client.map(|name| name.in_realm(&realm)),
                server: server.map(|name| name.in_realm(&realm)),
                realm: realm.into(),
                from: fields.optional(4, Reader::time)?,
                till: fields.field(5, Reader::time)?,
                rtime: fields.optional(6, Reader::time)?,
                nonce: fields.field(7, Reader::integer)?,
                enctypes: each_once(fields.field(8, Reader::int32_list)?),
                addresses: fields
                    .optional(9, |field| field.list(HostAddress::read))?
                    .unwrap_or_default(),
                enc_authorization_data: fields.optional(10, EncryptedData::read)?,
                additional_tickets: fields
                    .optional(11, |field| field.list(Ticket::read))?
                    .unwrap_or_default(),
            };
            let is_short = i32::try_from(body.nonce).is_ok() || u32::try_from(body.nonce).is_ok();
            is_short.then_some(body)
        })
    }

    fn decode_any(bytes: &[u8]) -> Result<Self, Error> {
        let body: WireBody = wire::decode("KDC-REQ-BODY", bytes)?;
        if i32::try_from(body.nonce).is_err() && u32::try_from(body.nonce).is_err() {
            return Err(wire::malformed(
                "KDC-REQ-BODY",
                "its nonce has more than 32 bits",
            ));
        }
        let realm = body.realm.0;
        Ok(Self {
            options: KdcOptions(body.kdc_options.0),
            client: body.cname.map(|name| name.in_realm(&realm)),
            server: body.sname.map(|name| name.in_realm(&realm)),
            realm: realm.into(),
            from: body.from.map(|time| time.0),
            till: body.till.0,
            rtime: body.rtime.map(|time| time.0),
            nonce: body.nonce,
            enctypes: each_once(body.etype),
            addresses: from_wire(body.addresses.unwrap_or_default()),
            enc_authorization_data: body.enc_authorization_data.map(Into::into),
            additional_tickets: body
                .additional_tickets
                .unwrap_or_default()
                .into_iter()
                .map(Ticket::try_from)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// Removes repeated types: a request may list hundreds of thousands.
fn each_once(enctypes: Vec<i32>) -> Vec<EncryptionType> {
    /// Up to here, comparing each with each costs less than a set.
    const FEW: usize = 16;
    // In the same memory.
    let mut enctypes: Vec<_> = enctypes.into_iter().map(EncryptionType).collect();
    if enctypes.len() > FEW {
        let mut seen = BTreeSet::new();
        enctypes.retain(|enctype| seen.insert(enctype.0));
        return enctypes;
    }
    let mut kept = 0;
    for index in 0..enctypes.len() {
        let enctype = enctypes[index];
        if !enctypes[..kept].contains(&enctype) {
            enctypes[kept] = enctype;
            kept += 1;
        }
    }
    enctypes.truncate(kept);
    enctypes
}

impl KdcRequest {
    /// Creates a request to send. The body is encoded once, here.
    #[must_use]
    pub fn new(message_type: MessageType, padata: Vec<PaData>, body: KdcRequestBody) -> Self {
        Self {
            raw_body: body.encode(),
            message_type,
            padata,
            body,
        }
    }

    /// Encodes as DER, with the body's bytes from `raw_body`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let request = WireKdcRequest {
            pvno: 5,
            msg_type: self.message_type.0.into(),
            padata: optional(to_wire(&self.padata)),
            req_body: Any::new(self.raw_body.clone()),
        };
        if self.message_type == MessageType::AS_REQ {
            wire::encode(&WireAsRequest(request))
        } else {
            wire::encode(&WireTgsRequest(request))
        }
    }

    /// Decodes an AS-REQ or a TGS-REQ.
    ///
    /// # Errors
    /// A message that is valid except for its `msg-type` gives `KRB_AP_ERR_MSG_TYPE`, because MIT's
    /// KDC sends a reply to it.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        match Self::read(bytes) {
            Some(request) => Ok(request),
            None => Self::decode_any(bytes),
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let message_type = MessageType::of(bytes)?;
        if !matches!(message_type, MessageType::AS_REQ | MessageType::TGS_REQ) {
            return None;
        }
        Reader::new(bytes).application(message_type.0, |fields| {
            if fields.field(1, Reader::integer)? != 5
                || fields.field(2, Reader::integer)? != i64::from(message_type.0)
            {
                return None;
            }
            let padata = fields.optional(3, |field| field.list(PaData::read))?;
            let raw_body = fields.field(4, Reader::raw_sequence)?;
            Some(Self {
                message_type,
                padata: padata.unwrap_or_default(),
                body: KdcRequestBody::read(raw_body)?,
                raw_body: raw_body.to_vec(),
            })
        })
    }

    pub(super) fn decode_any(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "KDC-REQ";
        let message_type = MessageType::of(bytes);
        let request = match message_type {
            Some(MessageType::AS_REQ) => wire::decode::<WireAsRequest>(WHAT, bytes)?.0,
            Some(MessageType::TGS_REQ) => wire::decode::<WireTgsRequest>(WHAT, bytes)?.0,
            _ => {
                return Err(wire::malformed(
                    WHAT,
                    "it is neither an AS-REQ nor a TGS-REQ",
                ));
            }
        };
        let message_type = message_type.unwrap_or(MessageType::AS_REQ);
        check_version(WHAT, request.pvno)?;
        let body = KdcRequestBody::decode_any(request.req_body.as_bytes())?;
        if request.msg_type != i64::from(message_type.0) {
            return Err(ErrorCode::KRB_AP_ERR_MSG_TYPE.into());
        }
        Ok(Self {
            message_type,
            padata: from_wire(request.padata.unwrap_or_default()),
            body,
            raw_body: request.req_body.into_bytes(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_is_repeated_counts_once() {
        let mut body = KdcRequestBody {
            options: KdcOptions::NONE,
            client: None,
            realm: "R".to_owned(),
            server: None,
            from: None,
            till: Timestamp::EPOCH,
            rtime: None,
            nonce: 1,
            enctypes: [18, 23, 18, -133, 23, 17].map(EncryptionType).to_vec(),
            addresses: Vec::new(),
            enc_authorization_data: None,
            additional_tickets: Vec::new(),
        };
        let read = |body: &KdcRequestBody| {
            let body = KdcRequestBody::decode(&body.encode()).expect("our own");
            body.enctypes
        };
        assert_eq!(read(&body), [18, 23, -133, 17].map(EncryptionType));
        body.enctypes = vec![EncryptionType::AES256_CTS_HMAC_SHA1_96; 300_000];
        assert_eq!(read(&body), [EncryptionType::AES256_CTS_HMAC_SHA1_96]);
    }
}
