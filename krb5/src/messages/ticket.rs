//! `Ticket` and `EncTicketPart` (RFC 4120, 5.3).

use rand::Rng;
use rasn::prelude::*;
use rasn_kerberos as rk;

use super::data::{WireEncryptedData, from_wire, key_from_wire};
use super::der::{Reader, Writer};
use super::wire::{self, Bits, PrincipalName, Text, Time};
use super::{AuthorizationData, EncryptedData, HostAddress, TicketFlags, TransitedEncoding};
use crate::{EncryptionKey, Error, KeyUsage, Principal, Timestamp};

/// A ticket: its server, and the part that only the server can decrypt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The server. This name is not protected; only the key that decrypts the rest confirms it.
    pub server: Principal,
    /// The [`EncTicketPart`], encrypted with the server's key.
    pub enc_part: EncryptedData,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq, Eq, Hash)]
#[rasn(tag(explicit(application, 1)))]
pub(super) struct WireTicket {
    #[rasn(tag(explicit(0)))]
    tkt_vno: i64,
    #[rasn(tag(explicit(1)))]
    realm: Text,
    #[rasn(tag(explicit(2)))]
    sname: PrincipalName,
    #[rasn(tag(explicit(3)))]
    enc_part: WireEncryptedData,
}

impl Ticket {
    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(128 + self.enc_part.cipher.len());
        self.write(&mut writer);
        writer.finish()
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.application(1, |writer| {
            writer.field(3, |writer| self.enc_part.write(writer));
            writer.principal(1, &self.server);
            writer.field(0, |writer| writer.integer(5));
        });
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        match Self::read(&mut Reader::new(bytes)) {
            Some(ticket) => Ok(ticket),
            None => Self::decode_any(bytes),
        }
    }

    pub(super) fn decode_any(bytes: &[u8]) -> Result<Self, Error> {
        wire::decode::<WireTicket>("Ticket", bytes)?.try_into()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.application(1, |fields| {
            if fields.field(0, Reader::integer)? != 5 {
                return None;
            }
            Some(Self {
                server: fields.principal(1)?,
                enc_part: fields.field(3, EncryptedData::read)?,
            })
        })
    }
}

impl From<&Ticket> for WireTicket {
    fn from(ticket: &Ticket) -> Self {
        Self {
            tkt_vno: 5,
            realm: wire::realm_of(&ticket.server),
            sname: (&ticket.server).into(),
            enc_part: (&ticket.enc_part).into(),
        }
    }
}

impl TryFrom<WireTicket> for Ticket {
    type Error = Error;

    fn try_from(ticket: WireTicket) -> Result<Self, Error> {
        if ticket.tkt_vno != 5 {
            return Err(wire::malformed(
                "Ticket",
                format!("its tkt-vno is {}, not 5", ticket.tkt_vno),
            ));
        }
        Ok(Self {
            server: ticket.sname.in_realm(&ticket.realm.0),
            enc_part: ticket.enc_part.into(),
        })
    }
}

/// The content of a ticket, encrypted with the server's key.
#[derive(Clone, Debug, PartialEq)]
pub struct EncTicketPart {
    /// The ticket's flags.
    pub flags: TicketFlags,
    /// The session key, shared by client and server.
    pub key: EncryptionKey,
    /// The client.
    pub client: Principal,
    /// The realms between the client's and the server's.
    pub transited: TransitedEncoding,
    /// The time at which the client was authenticated.
    pub auth_time: Timestamp,
    /// The start of its validity; `auth_time` if absent.
    pub start_time: Option<Timestamp>,
    /// The end of its validity.
    pub end_time: Timestamp,
    /// The end of its renewability.
    pub renew_till: Option<Timestamp>,
    /// The addresses from which it may be used; all if empty.
    pub addresses: Vec<HostAddress>,
    /// Authorization data about the client.
    pub authorization_data: Vec<AuthorizationData>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq, Eq, Hash)]
#[rasn(tag(explicit(application, 3)))]
pub(super) struct WireEncTicketPart {
    #[rasn(tag(explicit(0)))]
    flags: Bits,
    #[rasn(tag(explicit(1)))]
    key: rk::EncryptionKey,
    #[rasn(tag(explicit(2)))]
    crealm: Text,
    #[rasn(tag(explicit(3)))]
    cname: PrincipalName,
    #[rasn(tag(explicit(4)))]
    transited: rk::TransitedEncoding,
    #[rasn(tag(explicit(5)))]
    auth_time: Time,
    #[rasn(tag(explicit(6)))]
    start_time: Option<Time>,
    #[rasn(tag(explicit(7)))]
    end_time: Time,
    #[rasn(tag(explicit(8)))]
    renew_till: Option<Time>,
    #[rasn(tag(explicit(9)))]
    caddr: Option<Vec<rk::HostAddress>>,
    #[rasn(tag(explicit(10)))]
    authorization_data: Option<Vec<rk::AuthorizationDataValue>>,
}

impl EncTicketPart {
    /// Returns the start of its validity.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.start_time.unwrap_or(self.auth_time)
    }

    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.write().finish()
    }

    /// Encrypts its encoding.
    pub(crate) fn encrypt(
        &self,
        key: &EncryptionKey,
        kvno: Option<u32>,
        rng: &mut impl Rng,
    ) -> EncryptedData {
        EncryptedData {
            enctype: key.enctype(),
            kvno,
            cipher: self.write().seal(key, KeyUsage::KDC_REP_TICKET, rng),
        }
    }

    fn write(&self) -> Writer {
        let mut writer = Writer::new(256 + AuthorizationData::room(&self.authorization_data));
        writer.application(3, |writer| {
            writer.list_field(10, &self.authorization_data, AuthorizationData::write);
            writer.list_field(9, &self.addresses, HostAddress::write);
            writer.optional(8, self.renew_till, Writer::time);
            writer.field(7, |writer| writer.time(self.end_time));
            writer.optional(6, self.start_time, Writer::time);
            writer.field(5, |writer| writer.time(self.auth_time));
            let TransitedEncoding {
                encoding_type,
                contents,
            } = &self.transited;
            writer.field(4, |writer| writer.pair(0, *encoding_type, contents));
            writer.principal(2, &self.client);
            writer.field(1, |writer| writer.key(&self.key));
            writer.field(0, |writer| writer.bits(self.flags.0));
        });
        writer
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        match Self::read(bytes) {
            Some(part) => Ok(part),
            None => Self::decode_any(bytes),
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        Reader::new(bytes).application(3, |fields| {
            Some(Self {
                flags: TicketFlags(fields.field(0, Reader::bits)?),
                key: fields.field(1, Reader::key)?,
                client: fields.principal(2)?,
                transited: fields.field(4, TransitedEncoding::read)?,
                auth_time: fields.field(5, Reader::time)?,
                start_time: fields.optional(6, Reader::time)?,
                end_time: fields.field(7, Reader::time)?,
                renew_till: fields.optional(8, Reader::time)?,
                addresses: fields
                    .optional(9, |field| field.list(HostAddress::read))?
                    .unwrap_or_default(),
                authorization_data: fields
                    .optional(10, |field| field.list(AuthorizationData::read))?
                    .unwrap_or_default(),
            })
        })
    }

    pub(super) fn decode_any(bytes: &[u8]) -> Result<Self, Error> {
        let part: WireEncTicketPart = wire::decode("EncTicketPart", bytes)?;
        Ok(Self {
            flags: TicketFlags(part.flags.0),
            key: key_from_wire(&part.key)?,
            client: part.cname.in_realm(&part.crealm.0),
            transited: part.transited.into(),
            auth_time: part.auth_time.0,
            start_time: part.start_time.map(|time| time.0),
            end_time: part.end_time.0,
            renew_till: part.renew_till.map(|time| time.0),
            addresses: from_wire(part.caddr.unwrap_or_default()),
            authorization_data: from_wire(part.authorization_data.unwrap_or_default()),
        })
    }
}
