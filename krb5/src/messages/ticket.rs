//! `Ticket` and `EncTicketPart` (RFC 4120, 5.3).

use rasn::prelude::*;
use rasn_kerberos as rk;

use super::data::{WireEncryptedData, from_wire, key_from_wire, key_to_wire, to_wire};
use super::wire::{self, Bits, PrincipalName, Text, Time, optional};
use super::{AuthorizationData, EncryptedData, HostAddress, TicketFlags, TransitedEncoding};
use crate::{EncryptionKey, Error, Principal, Timestamp};

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
        wire::encode(&WireTicket::from(self))
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        wire::decode::<WireTicket>("Ticket", bytes)?.try_into()
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
struct WireEncTicketPart {
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
        wire::encode(&WireEncTicketPart {
            flags: Bits(self.flags.0),
            key: key_to_wire(&self.key),
            crealm: wire::realm_of(&self.client),
            cname: (&self.client).into(),
            transited: (&self.transited).into(),
            auth_time: Time(self.auth_time),
            start_time: self.start_time.map(Time),
            end_time: Time(self.end_time),
            renew_till: self.renew_till.map(Time),
            caddr: optional(to_wire(&self.addresses)),
            authorization_data: optional(to_wire(&self.authorization_data)),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
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
