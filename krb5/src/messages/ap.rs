//! AP-REQ, AP-REP and the authenticator (RFC 4120, 5.5).

use rasn::prelude::*;
use rasn_kerberos as rk;

use super::data::{WireEncryptedData, from_wire, key_from_wire, key_to_wire, to_wire};
use super::der::Reader;
use super::ticket::WireTicket;
use super::wire::{
    self, Bits, PrincipalName, Text, Time, check_header, optional, with_micros, wrapped_u32,
};
use super::{ApOptions, AuthorizationData, Checksum, EncryptedData, MessageType, Ticket};
use crate::{EncryptionKey, Error, Principal, Timestamp};

/// An AP-REQ: a ticket, and the proof that the sender knows its session key.
///
/// ```
/// use kerbox_krb5::messages::{ApReq, Authenticator};
/// use kerbox_krb5::{EncryptionKey, Error, KeyUsage};
///
/// /// Returns the authenticator of a request to a service with this key.
/// fn open(request: &[u8], key: &EncryptionKey) -> Result<Authenticator, Error> {
///     let ApReq { ticket, authenticator, .. } = ApReq::decode(request)?;
///     let part = ticket.open(key)?;
///     let usage = KeyUsage::AP_REQ_AUTHENTICATOR;
///     Authenticator::decode(&authenticator.open(&part.key, usage)?)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApReq {
    /// The client's options.
    pub options: ApOptions,
    /// The ticket.
    pub ticket: Ticket,
    /// The [`Authenticator`] in the ticket's session key.
    pub authenticator: EncryptedData,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 14)))]
pub(super) struct WireApReq {
    #[rasn(tag(explicit(0)))]
    pvno: i64,
    #[rasn(tag(explicit(1)))]
    msg_type: i64,
    #[rasn(tag(explicit(2)))]
    ap_options: Bits,
    #[rasn(tag(explicit(3)))]
    ticket: WireTicket,
    #[rasn(tag(explicit(4)))]
    authenticator: WireEncryptedData,
}

impl ApReq {
    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireApReq {
            pvno: 5,
            msg_type: MessageType::AP_REQ.0.into(),
            ap_options: Bits(self.options.0),
            ticket: (&self.ticket).into(),
            authenticator: (&self.authenticator).into(),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        match Self::read(bytes) {
            Some(request) => Ok(request),
            None => Self::decode_any(bytes),
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        const NUMBER: u8 = MessageType::AP_REQ.0;
        Reader::new(bytes).application(NUMBER, |fields| {
            if fields.field(0, Reader::integer)? != 5
                || fields.field(1, Reader::integer)? != i64::from(NUMBER)
            {
                return None;
            }
            Some(Self {
                options: ApOptions(fields.field(2, Reader::bits)?),
                ticket: fields.field(3, Ticket::read)?,
                authenticator: fields.field(4, EncryptedData::read)?,
            })
        })
    }

    pub(super) fn decode_any(bytes: &[u8]) -> Result<Self, Error> {
        let request: WireApReq = wire::decode("AP-REQ", bytes)?;
        check_header(
            "AP-REQ",
            request.pvno,
            request.msg_type,
            MessageType::AP_REQ.0.into(),
        )?;
        Ok(Self {
            options: ApOptions(request.ap_options.0),
            ticket: request.ticket.try_into()?,
            authenticator: request.authenticator.into(),
        })
    }
}

/// `Authenticator`.
#[derive(Clone, Debug, PartialEq)]
pub struct Authenticator {
    /// The client.
    pub client: Principal,
    /// A checksum of the application data that goes with the AP-REQ. Type 0x8003 carries the
    /// parameters of a GSS-API context instead.
    pub checksum: Option<Checksum>,
    /// The client's time, to the microsecond.
    pub ctime: Timestamp,
    /// The client's key for this session.
    pub subkey: Option<EncryptionKey>,
    /// The first sequence number of the client's messages.
    pub seq_number: Option<u32>,
    /// Authorization data that the client adds.
    pub authorization_data: Vec<AuthorizationData>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 2)))]
pub(super) struct WireAuthenticator {
    #[rasn(tag(explicit(0)))]
    authenticator_vno: i64,
    #[rasn(tag(explicit(1)))]
    crealm: Text,
    #[rasn(tag(explicit(2)))]
    cname: PrincipalName,
    #[rasn(tag(explicit(3)))]
    cksum: Option<rk::Checksum>,
    #[rasn(tag(explicit(4)))]
    cusec: i64,
    #[rasn(tag(explicit(5)))]
    ctime: Time,
    #[rasn(tag(explicit(6)))]
    subkey: Option<rk::EncryptionKey>,
    #[rasn(tag(explicit(7)))]
    seq_number: Option<i64>,
    #[rasn(tag(explicit(8)))]
    authorization_data: Option<Vec<rk::AuthorizationDataValue>>,
}

impl Authenticator {
    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireAuthenticator {
            authenticator_vno: 5,
            crealm: wire::realm_of(&self.client),
            cname: (&self.client).into(),
            cksum: self.checksum.as_ref().map(Into::into),
            cusec: self.ctime.subsec_micros().into(),
            ctime: Time(self.ctime),
            subkey: self.subkey.as_ref().map(key_to_wire),
            seq_number: self.seq_number.map(Into::into),
            authorization_data: optional(to_wire(&self.authorization_data)),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        match Self::read(bytes) {
            Some(authenticator) => Ok(authenticator),
            None => Self::decode_any(bytes),
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        Reader::new(bytes).application(2, |fields| {
            if fields.field(0, Reader::integer)? != 5 {
                return None;
            }
            let client = fields.principal(1)?;
            let checksum = fields.optional(3, Checksum::read)?;
            let micros = fields.field(4, Reader::integer)?;
            let time = fields.field(5, Reader::time)?;
            Some(Self {
                client,
                checksum,
                ctime: with_micros(Time(time), Some(micros)),
                subkey: fields.optional(6, Reader::key)?,
                seq_number: fields.optional(7, Reader::integer)?.map(wrapped_u32),
                authorization_data: fields
                    .optional(8, |field| field.list(AuthorizationData::read))?
                    .unwrap_or_default(),
            })
        })
    }

    pub(super) fn decode_any(bytes: &[u8]) -> Result<Self, Error> {
        let value: WireAuthenticator = wire::decode("Authenticator", bytes)?;
        if value.authenticator_vno != 5 {
            return Err(wire::malformed(
                "Authenticator",
                format!("its version is {}, not 5", value.authenticator_vno),
            ));
        }
        Ok(Self {
            client: value.cname.in_realm(&value.crealm.0),
            checksum: value.cksum.map(Into::into),
            ctime: with_micros(value.ctime, Some(value.cusec)),
            subkey: value.subkey.as_ref().map(key_from_wire).transpose()?,
            seq_number: value.seq_number.map(wrapped_u32),
            authorization_data: from_wire(value.authorization_data.unwrap_or_default()),
        })
    }
}

/// An AP-REP: the server's proof that it could decrypt the AP-REQ.
///
/// ```
/// use kerbox_krb5::messages::{ApRep, EncApRepPart};
/// use kerbox_krb5::{EncryptionKey, Error, KeyUsage};
///
/// /// Returns the part of a service's answer that proves that it knows the session key.
/// fn open(answer: &[u8], session: &EncryptionKey) -> Result<EncApRepPart, Error> {
///     let ApRep { enc_part } = ApRep::decode(answer)?;
///     EncApRepPart::decode(&enc_part.open(session, KeyUsage::AP_REP_ENC_PART)?)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApRep {
    /// The [`EncApRepPart`] in the ticket's session key.
    pub enc_part: EncryptedData,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 15)))]
struct WireApRep {
    #[rasn(tag(explicit(0)))]
    pvno: i64,
    #[rasn(tag(explicit(1)))]
    msg_type: i64,
    #[rasn(tag(explicit(2)))]
    enc_part: WireEncryptedData,
}

impl ApRep {
    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireApRep {
            pvno: 5,
            msg_type: MessageType::AP_REP.0.into(),
            enc_part: (&self.enc_part).into(),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let reply: WireApRep = wire::decode("AP-REP", bytes)?;
        check_header(
            "AP-REP",
            reply.pvno,
            reply.msg_type,
            MessageType::AP_REP.0.into(),
        )?;
        Ok(Self {
            enc_part: reply.enc_part.into(),
        })
    }
}

/// `EncAPRepPart`.
#[derive(Clone, Debug, PartialEq)]
pub struct EncApRepPart {
    /// The authenticator's time, returned.
    pub ctime: Timestamp,
    /// The server's key for this session.
    pub subkey: Option<EncryptionKey>,
    /// The first sequence number of the server's messages.
    pub seq_number: Option<u32>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 27)))]
struct WireEncApRepPart {
    #[rasn(tag(explicit(0)))]
    ctime: Time,
    #[rasn(tag(explicit(1)))]
    cusec: i64,
    #[rasn(tag(explicit(2)))]
    subkey: Option<rk::EncryptionKey>,
    #[rasn(tag(explicit(3)))]
    seq_number: Option<i64>,
}

impl EncApRepPart {
    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireEncApRepPart {
            ctime: Time(self.ctime),
            cusec: self.ctime.subsec_micros().into(),
            subkey: self.subkey.as_ref().map(key_to_wire),
            seq_number: self.seq_number.map(Into::into),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let part: WireEncApRepPart = wire::decode("EncAPRepPart", bytes)?;
        Ok(Self {
            ctime: with_micros(part.ctime, Some(part.cusec)),
            subkey: part.subkey.as_ref().map(key_from_wire).transpose()?,
            seq_number: part.seq_number.map(wrapped_u32),
        })
    }
}
