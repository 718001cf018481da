//! FAST: requests and replies inside an armor (RFC 6113, 5.4).

use rasn::prelude::*;
use rasn_kerberos as rk;

use super::data::{WireEncryptedData, from_wire, key_from_wire, key_to_wire, to_wire};
use super::wire::{self, Bits, PrincipalName, Text, Time, with_micros};
use super::{Checksum, EncryptedData, PaData};
use crate::{EncryptionKey, Error, Principal, Timestamp};

/// `KrbFastArmoredReq`, the value of a request's PA-FX-FAST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FastArmoredReq {
    /// The armor, as type and value; absent in a TGS request, where the request's own ticket is the
    /// armor.
    pub armor: Option<(i32, Vec<u8>)>,
    /// A checksum over the outer request's body, or over a TGS request's AP-REQ.
    pub checksum: Checksum,
    /// The [`FastReq`], encrypted with the armor key.
    pub enc_part: EncryptedData,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireArmor {
    #[rasn(tag(explicit(0)))]
    armor_type: i32,
    #[rasn(tag(explicit(1)))]
    armor_value: OctetString,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireArmoredReq {
    #[rasn(tag(explicit(0)))]
    armor: Option<WireArmor>,
    #[rasn(tag(explicit(1)))]
    req_checksum: rk::Checksum,
    #[rasn(tag(explicit(2)))]
    enc_fast_req: WireEncryptedData,
}

/// The only alternative of PA-FX-FAST-REQUEST.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(0)), delegate)]
struct WireFastRequest(WireArmoredReq);

impl FastArmoredReq {
    /// The armor type of an AP-REQ.
    pub const AP_REQUEST: i32 = 1;

    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireFastRequest(WireArmoredReq {
            armor: self.armor.as_ref().map(|(armor_type, value)| WireArmor {
                armor_type: *armor_type,
                armor_value: value.clone().into(),
            }),
            req_checksum: (&self.checksum).into(),
            enc_fast_req: (&self.enc_part).into(),
        }))
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let request = wire::decode::<WireFastRequest>("PA-FX-FAST-REQUEST", bytes)?.0;
        Ok(Self {
            armor: request
                .armor
                .map(|armor| (armor.armor_type, armor.armor_value.to_vec())),
            checksum: request.req_checksum.into(),
            enc_part: request.enc_fast_req.into(),
        })
    }
}

/// `KrbFastReq`: the request itself.
///
/// ```
/// use kerbox_krb5::messages::{FastArmoredReq, FastReq, FastResponse, PaData};
/// use kerbox_krb5::{EncryptionKey, Error, KeyUsage};
///
/// /// Opens a request inside its armor.
/// fn open(request: &[u8], armor_key: &EncryptionKey) -> Result<FastReq, Error> {
///     let armored = FastArmoredReq::decode(request)?;
///     FastReq::decode(&armored.enc_part.open(armor_key, KeyUsage::FAST_ENC)?)
/// }
///
/// /// Answers it without a ticket.
/// fn answer(padata: Vec<PaData>, nonce: i64) -> Vec<u8> {
///     FastResponse { padata, strengthen_key: None, finished: None, nonce }.encode()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FastReq {
    /// Flags, the highest bit first.
    pub options: u32,
    /// Pre-authentication data that replaces the outer data.
    pub padata: Vec<PaData>,
    /// The encoded `KDC-REQ-BODY`, which replaces the outer body.
    pub raw_body: Vec<u8>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireFastReq {
    #[rasn(tag(explicit(0)))]
    fast_options: Bits,
    #[rasn(tag(explicit(1)))]
    padata: Vec<rk::PaData>,
    #[rasn(tag(explicit(2)))]
    req_body: Any,
}

impl FastReq {
    /// Hide the client's name outside the armor.
    pub const HIDE_CLIENT_NAMES: u32 = 0x4000_0000;
    /// Critical options: a KDC must refuse those that it does not know.
    pub const CRITICAL: u32 = 0xFFFF_0000;

    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireFastReq {
            fast_options: Bits(self.options),
            padata: to_wire(&self.padata),
            req_body: Any::new(self.raw_body.clone()),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let request: WireFastReq = wire::decode("KrbFastReq", bytes)?;
        Ok(Self {
            options: request.fast_options.0,
            padata: from_wire(request.padata),
            raw_body: request.req_body.into_bytes(),
        })
    }
}

/// `KrbFastResponse`: the content of a reply or an error inside the armor.
#[derive(Clone, Debug, PartialEq)]
pub struct FastResponse {
    /// Pre-authentication data that replaces the outer data.
    pub padata: Vec<PaData>,
    /// A key that is combined with the reply key to strengthen it.
    pub strengthen_key: Option<EncryptionKey>,
    /// Binds a reply's ticket to the armor. Present only in a reply with a ticket.
    pub finished: Option<FastFinished>,
    /// The request's nonce.
    pub nonce: i64,
}

/// `KrbFastFinished`.
///
/// ```
/// use kerbox_krb5::Timestamp;
/// use kerbox_krb5::messages::{Checksum, FastFinished, Ticket};
/// use kerbox_krb5::{EncryptionKey, KeyUsage, Principal};
///
/// /// Ends an exchange that issues a ticket.
/// fn finished(
///     ticket: &Ticket,
///     client: Principal,
///     timestamp: Timestamp,
///     armor: &EncryptionKey,
/// ) -> FastFinished {
///     let ticket_checksum = Checksum::keyed(armor, KeyUsage::FAST_FINISHED, &ticket.encode());
///     FastFinished { timestamp, client, ticket_checksum }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FastFinished {
    /// The KDC's time.
    pub timestamp: Timestamp,
    /// The client; it takes precedence over the name in the outer reply.
    pub client: Principal,
    /// A checksum over the ticket.
    pub ticket_checksum: Checksum,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireFinished {
    #[rasn(tag(explicit(0)))]
    timestamp: Time,
    #[rasn(tag(explicit(1)))]
    usec: i64,
    #[rasn(tag(explicit(2)))]
    crealm: Text,
    #[rasn(tag(explicit(3)))]
    cname: PrincipalName,
    #[rasn(tag(explicit(4)))]
    ticket_checksum: rk::Checksum,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireResponse {
    #[rasn(tag(explicit(0)))]
    padata: Vec<rk::PaData>,
    #[rasn(tag(explicit(1)))]
    strengthen_key: Option<rk::EncryptionKey>,
    #[rasn(tag(explicit(2)))]
    finished: Option<WireFinished>,
    #[rasn(tag(explicit(3)))]
    nonce: i64,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireArmoredRep {
    #[rasn(tag(explicit(0)))]
    enc_fast_rep: WireEncryptedData,
}

/// The only alternative of PA-FX-FAST-REPLY.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(0)), delegate)]
struct WireFastReply(WireArmoredRep);

impl FastResponse {
    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireResponse {
            padata: to_wire(&self.padata),
            strengthen_key: self.strengthen_key.as_ref().map(key_to_wire),
            finished: self.finished.as_ref().map(|finished| WireFinished {
                timestamp: Time(finished.timestamp),
                usec: finished.timestamp.subsec_micros().into(),
                crealm: wire::realm_of(&finished.client),
                cname: (&finished.client).into(),
                ticket_checksum: (&finished.ticket_checksum).into(),
            }),
            nonce: self.nonce,
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let response: WireResponse = wire::decode("KrbFastResponse", bytes)?;
        Ok(Self {
            padata: from_wire(response.padata),
            strengthen_key: response
                .strengthen_key
                .as_ref()
                .map(key_from_wire)
                .transpose()?,
            finished: response.finished.map(|finished| FastFinished {
                timestamp: with_micros(finished.timestamp, Some(finished.usec)),
                client: finished.cname.in_realm(&finished.crealm.0),
                ticket_checksum: finished.ticket_checksum.into(),
            }),
            nonce: response.nonce,
        })
    }
}

/// Encodes the value of a reply's PA-FX-FAST: a [`FastResponse`] encrypted with the armor key.
#[must_use]
pub fn encode_fast_reply(enc_part: &EncryptedData) -> Vec<u8> {
    wire::encode(&WireFastReply(WireArmoredRep {
        enc_fast_rep: enc_part.into(),
    }))
}

/// Decodes the value of a reply's PA-FX-FAST.
pub fn decode_fast_reply(bytes: &[u8]) -> Result<EncryptedData, Error> {
    Ok(wire::decode::<WireFastReply>("PA-FX-FAST-REPLY", bytes)?
        .0
        .enc_fast_rep
        .into())
}
