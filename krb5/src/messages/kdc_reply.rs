//! AS-REP and TGS-REP (RFC 4120, 5.4.2).

use rand::Rng;
use rasn::prelude::*;
use rasn_kerberos as rk;

use super::data::{WireEncryptedData, from_wire, key_from_wire};
use super::der::Writer;
use super::ticket::WireTicket;
use super::wire::{self, Bits, PrincipalName, Text, Time, check_header};
use super::{EncryptedData, HostAddress, MessageType, PaData, Ticket, TicketFlags};
use crate::{EncryptionKey, Error, KeyUsage, Principal, Timestamp};

/// An AS-REP or a TGS-REP.
///
/// ```
/// use kerbox_krb5::messages::{EncKdcReplyPart, KdcReply, Ticket};
/// use kerbox_krb5::{EncryptionKey, Error, KeyUsage};
///
/// /// Returns an AS reply's ticket, with the session key and times that are meant for the client.
/// fn open(reply: &[u8], key: &EncryptionKey) -> Result<(Ticket, EncKdcReplyPart), Error> {
///     let reply = KdcReply::decode(reply)?;
///     let part = reply.enc_part.open(key, KeyUsage::AS_REP_ENC_PART)?;
///     Ok((reply.ticket, EncKdcReplyPart::decode(&part)?))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KdcReply {
    /// [`MessageType::AS_REP`] or [`MessageType::TGS_REP`].
    pub message_type: MessageType,
    /// Pre-authentication data.
    pub padata: Vec<PaData>,
    /// The client.
    pub client: Principal,
    /// The ticket.
    pub ticket: Ticket,
    /// The [`EncKdcReplyPart`], encrypted with the client's key.
    pub enc_part: EncryptedData,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireKdcReply {
    #[rasn(tag(explicit(0)))]
    pvno: i64,
    #[rasn(tag(explicit(1)))]
    msg_type: i64,
    #[rasn(tag(explicit(2)))]
    padata: Option<Vec<rk::PaData>>,
    #[rasn(tag(explicit(3)))]
    crealm: Text,
    #[rasn(tag(explicit(4)))]
    cname: PrincipalName,
    #[rasn(tag(explicit(5)))]
    ticket: WireTicket,
    #[rasn(tag(explicit(6)))]
    enc_part: WireEncryptedData,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 11)), delegate)]
pub(super) struct WireAsReply(WireKdcReply);

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 13)), delegate)]
pub(super) struct WireTgsReply(WireKdcReply);

impl KdcReply {
    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let number = if self.message_type == MessageType::AS_REP {
            MessageType::AS_REP.0
        } else {
            MessageType::TGS_REP.0
        };
        let ciphers = self.ticket.enc_part.cipher.len() + self.enc_part.cipher.len();
        let mut writer = Writer::new(192 + ciphers + PaData::room(&self.padata));
        writer.application(number, |writer| {
            writer.field(6, |writer| self.enc_part.write(writer));
            writer.field(5, |writer| self.ticket.write(writer));
            writer.principal(3, &self.client);
            writer.list_field(2, &self.padata, PaData::write);
            writer.field(1, |writer| writer.integer(self.message_type.0.into()));
            writer.field(0, |writer| writer.integer(5));
        });
        writer.finish()
    }

    /// Decodes an AS-REP or a TGS-REP.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "KDC-REP";
        let message_type = MessageType::of(bytes).unwrap_or(MessageType(0));
        let reply = match message_type {
            MessageType::AS_REP => wire::decode::<WireAsReply>(WHAT, bytes)?.0,
            MessageType::TGS_REP => wire::decode::<WireTgsReply>(WHAT, bytes)?.0,
            _ => {
                return Err(wire::malformed(
                    WHAT,
                    "it is neither an AS-REP nor a TGS-REP",
                ));
            }
        };
        check_header(WHAT, reply.pvno, reply.msg_type, message_type.0.into())?;
        Ok(Self {
            message_type,
            padata: from_wire(reply.padata.unwrap_or_default()),
            client: reply.cname.in_realm(&reply.crealm.0),
            ticket: reply.ticket.try_into()?,
            enc_part: reply.enc_part.into(),
        })
    }
}

/// `EncKDCRepPart`: the part of a reply that only the client can decrypt, with its own key or the
/// session key.
#[derive(Clone, Debug, PartialEq)]
pub struct EncKdcReplyPart {
    /// The session key of the ticket.
    pub key: EncryptionKey,
    /// The client's last requests: pairs of a type (0: no information) and a time.
    pub last_req: Vec<(i32, Timestamp)>,
    /// The request's nonce.
    pub nonce: i64,
    /// The time at which the client's key expires.
    pub key_expiration: Option<Timestamp>,
    /// The ticket's flags.
    pub flags: TicketFlags,
    /// The time at which the client was authenticated.
    pub auth_time: Timestamp,
    /// The start of its validity; `auth_time` if absent.
    pub start_time: Option<Timestamp>,
    /// The end of its validity.
    pub end_time: Timestamp,
    /// The end of its renewability.
    pub renew_till: Option<Timestamp>,
    /// The server.
    pub server: Principal,
    /// The addresses from which the ticket may be used; all if empty.
    pub addresses: Vec<HostAddress>,
    /// Authenticated pre-authentication data (RFC 6806, 11).
    pub encrypted_padata: Vec<PaData>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireLastReq {
    #[rasn(tag(explicit(0)))]
    lr_type: i32,
    #[rasn(tag(explicit(1)))]
    lr_value: Time,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireEncPart {
    #[rasn(tag(explicit(0)))]
    key: rk::EncryptionKey,
    #[rasn(tag(explicit(1)))]
    last_req: Vec<WireLastReq>,
    #[rasn(tag(explicit(2)))]
    nonce: i64,
    #[rasn(tag(explicit(3)))]
    key_expiration: Option<Time>,
    #[rasn(tag(explicit(4)))]
    flags: Bits,
    #[rasn(tag(explicit(5)))]
    auth_time: Time,
    #[rasn(tag(explicit(6)))]
    start_time: Option<Time>,
    #[rasn(tag(explicit(7)))]
    end_time: Time,
    #[rasn(tag(explicit(8)))]
    renew_till: Option<Time>,
    #[rasn(tag(explicit(9)))]
    srealm: Text,
    #[rasn(tag(explicit(10)))]
    sname: PrincipalName,
    #[rasn(tag(explicit(11)))]
    caddr: Option<Vec<rk::HostAddress>>,
    #[rasn(tag(explicit(12)))]
    encrypted_pa_data: Option<Vec<rk::PaData>>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 25)), delegate)]
pub(super) struct WireEncAsPart(WireEncPart);

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 26)), delegate)]
pub(super) struct WireEncTgsPart(WireEncPart);

impl EncKdcReplyPart {
    /// Encodes as DER for a reply of this type: as `EncASRepPart` or `EncTGSRepPart`.
    #[must_use]
    pub fn encode(&self, message_type: MessageType) -> Vec<u8> {
        self.write(message_type).finish()
    }

    /// Encrypts its encoding for a reply of this type. `kvno` is the key's version; `None` for a
    /// session key.
    pub fn seal(
        &self,
        message_type: MessageType,
        key: &EncryptionKey,
        kvno: Option<u32>,
        usage: KeyUsage,
        rng: &mut impl Rng,
    ) -> EncryptedData {
        EncryptedData {
            enctype: key.enctype(),
            kvno,
            cipher: self.write(message_type).seal(key, usage, rng),
        }
    }

    fn write(&self, message_type: MessageType) -> Writer {
        let number = if message_type == MessageType::AS_REP {
            25
        } else {
            26
        };
        let mut writer = Writer::new(256 + PaData::room(&self.encrypted_padata));
        writer.application(number, |writer| {
            writer.list_field(12, &self.encrypted_padata, PaData::write);
            writer.list_field(11, &self.addresses, HostAddress::write);
            writer.principal(9, &self.server);
            writer.optional(8, self.renew_till, Writer::time);
            writer.field(7, |writer| writer.time(self.end_time));
            writer.optional(6, self.start_time, Writer::time);
            writer.field(5, |writer| writer.time(self.auth_time));
            writer.field(4, |writer| writer.bits(self.flags.0));
            writer.optional(3, self.key_expiration, Writer::time);
            writer.field(2, |writer| writer.integer(self.nonce));
            writer.field(1, |writer| {
                writer.list(&self.last_req, |writer, (lr_type, time)| {
                    writer.sequence(|writer| {
                        writer.field(1, |writer| writer.time(*time));
                        writer.field(0, |writer| writer.integer((*lr_type).into()));
                    });
                });
            });
            writer.field(0, |writer| writer.key(&self.key));
        });
        writer
    }

    /// Decodes either form: some KDCs send one in place of the other (RFC 4120, 5.4.2).
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "EncKDCRepPart";
        let part = if bytes.first() == Some(&0x79) {
            wire::decode::<WireEncAsPart>(WHAT, bytes)?.0
        } else {
            wire::decode::<WireEncTgsPart>(WHAT, bytes)?.0
        };
        Ok(Self {
            key: key_from_wire(&part.key)?,
            last_req: part
                .last_req
                .iter()
                .map(|last| (last.lr_type, last.lr_value.0))
                .collect(),
            nonce: part.nonce,
            key_expiration: part.key_expiration.map(|time| time.0),
            flags: TicketFlags(part.flags.0),
            auth_time: part.auth_time.0,
            start_time: part.start_time.map(|time| time.0),
            end_time: part.end_time.0,
            renew_till: part.renew_till.map(|time| time.0),
            server: part.sname.in_realm(&part.srealm.0),
            addresses: from_wire(part.caddr.unwrap_or_default()),
            encrypted_padata: from_wire(part.encrypted_pa_data.unwrap_or_default()),
        })
    }
}
