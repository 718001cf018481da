//! KRB-PRIV, KRB-SAFE and KRB-CRED: messages protected with a session's key (RFC 4120, 5.6 to 5.8).

use rasn::prelude::*;
use rasn_kerberos as rk;

use super::data::{WireEncryptedData, from_wire, key_from_wire, key_to_wire, to_wire};
use super::ticket::WireTicket;
use super::wire::{
    self, Bits, PrincipalName, Text, Time, check_header, optional, with_micros, wrapped_u32,
};
use super::{Checksum, EncryptedData, HostAddress, MessageType, Ticket, TicketFlags};
use crate::{EncryptionKey, Error, Principal, Timestamp};

/// A KRB-PRIV.
///
/// ```
/// use kerbox_krb5::messages::KrbPriv;
/// use kerbox_krb5::{EncryptionKey, Error, KeyUsage};
///
/// /// Returns the encoded content of a message that was encrypted with a session key.
/// fn open(message: &[u8], key: &EncryptionKey) -> Result<Vec<u8>, Error> {
///     KrbPriv::decode(message)?.enc_part.open(key, KeyUsage::KRB_PRIV_ENC_PART)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KrbPriv {
    /// The [`EncKrbPrivPart`], encrypted with the session's key.
    pub enc_part: EncryptedData,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 21)))]
struct WireKrbPriv {
    #[rasn(tag(explicit(0)))]
    pvno: i64,
    #[rasn(tag(explicit(1)))]
    msg_type: i64,
    #[rasn(tag(explicit(3)))]
    enc_part: WireEncryptedData,
}

impl KrbPriv {
    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireKrbPriv {
            pvno: 5,
            msg_type: MessageType::KRB_PRIV.0.into(),
            enc_part: (&self.enc_part).into(),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let message: WireKrbPriv = wire::decode("KRB-PRIV", bytes)?;
        check_header(
            "KRB-PRIV",
            message.pvno,
            message.msg_type,
            MessageType::KRB_PRIV.0.into(),
        )?;
        Ok(Self {
            enc_part: message.enc_part.into(),
        })
    }
}

/// The protected content of a message. KRB-PRIV's `EncKrbPrivPart` and KRB-SAFE's `KRB-SAFE-BODY`
/// have the same fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserData {
    /// The data itself.
    pub user_data: Vec<u8>,
    /// The sender's time.
    pub timestamp: Option<Timestamp>,
    /// The message's sequence number.
    pub seq_number: Option<u32>,
    /// The sender's address.
    pub sender: HostAddress,
    /// The recipient's address.
    pub recipient: Option<HostAddress>,
}

/// `EncKrbPrivPart`.
pub type EncKrbPrivPart = UserData;

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireUserData {
    #[rasn(tag(explicit(0)))]
    user_data: OctetString,
    #[rasn(tag(explicit(1)))]
    timestamp: Option<Time>,
    #[rasn(tag(explicit(2)))]
    usec: Option<i64>,
    #[rasn(tag(explicit(3)))]
    seq_number: Option<i64>,
    #[rasn(tag(explicit(4)))]
    s_address: rk::HostAddress,
    #[rasn(tag(explicit(5)))]
    r_address: Option<rk::HostAddress>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 28)), delegate)]
struct WireEncKrbPrivPart(WireUserData);

impl UserData {
    /// Encodes an `EncKrbPrivPart` as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireEncKrbPrivPart(self.into()))
    }

    /// Decodes an `EncKrbPrivPart`.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Ok(wire::decode::<WireEncKrbPrivPart>("EncKrbPrivPart", bytes)?
            .0
            .into())
    }
}

impl From<&UserData> for WireUserData {
    fn from(data: &UserData) -> Self {
        Self {
            user_data: data.user_data.clone().into(),
            timestamp: data.timestamp.map(Time),
            usec: data.timestamp.map(|time| time.subsec_micros().into()),
            seq_number: data.seq_number.map(Into::into),
            s_address: (&data.sender).into(),
            r_address: data.recipient.as_ref().map(Into::into),
        }
    }
}

impl From<WireUserData> for UserData {
    fn from(data: WireUserData) -> Self {
        Self {
            user_data: data.user_data.to_vec(),
            timestamp: data.timestamp.map(|time| with_micros(time, data.usec)),
            seq_number: data.seq_number.map(wrapped_u32),
            sender: data.s_address.into(),
            recipient: data.r_address.map(Into::into),
        }
    }
}

/// A KRB-SAFE.
///
/// ```
/// use kerbox_krb5::messages::{Checksum, HostAddress, KrbSafe, UserData};
/// use kerbox_krb5::{EncryptionKey, KeyUsage};
///
/// /// Signs a message with a session key.
/// fn sign(user_data: Vec<u8>, sender: HostAddress, key: &EncryptionKey) -> Vec<u8> {
///     let seq_number = Some(1);
///     let body = UserData { user_data, timestamp: None, seq_number, sender, recipient: None };
///     let encoded = KrbSafe::encode_body(&body);
///     let checksum = Checksum::keyed(key, KeyUsage::KRB_SAFE_CHECKSUM, &encoded);
///     KrbSafe { body, checksum }.encode()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KrbSafe {
    /// The body.
    pub body: UserData,
    /// A checksum over the encoded body. (MIT's covers the whole message with an empty checksum;
    /// both forms occur.)
    pub checksum: Checksum,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 20)))]
struct WireKrbSafe {
    #[rasn(tag(explicit(0)))]
    pvno: i64,
    #[rasn(tag(explicit(1)))]
    msg_type: i64,
    #[rasn(tag(explicit(2)))]
    body: WireUserData,
    #[rasn(tag(explicit(3)))]
    cksum: rk::Checksum,
}

impl KrbSafe {
    /// Encodes only the body as DER: the bytes that the checksum covers.
    #[must_use]
    pub fn encode_body(body: &UserData) -> Vec<u8> {
        wire::encode(&WireUserData::from(body))
    }

    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireKrbSafe {
            pvno: 5,
            msg_type: MessageType::KRB_SAFE.0.into(),
            body: (&self.body).into(),
            cksum: (&self.checksum).into(),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let message: WireKrbSafe = wire::decode("KRB-SAFE", bytes)?;
        check_header(
            "KRB-SAFE",
            message.pvno,
            message.msg_type,
            MessageType::KRB_SAFE.0.into(),
        )?;
        Ok(Self {
            body: message.body.into(),
            checksum: message.cksum.into(),
        })
    }
}

/// A KRB-CRED: tickets that a client passes to a service.
///
/// ```
/// use kerbox_krb5::messages::{EncKrbCredPart, KrbCred, KrbCredInfo, Ticket};
/// use kerbox_krb5::{EncryptionKey, Error, KeyUsage};
///
/// /// Returns the tickets that a client has delegated, each with its session key.
/// fn delegated(message: &[u8], key: &EncryptionKey) -> Result<Vec<(Ticket, KrbCredInfo)>, Error> {
///     let KrbCred { tickets, enc_part } = KrbCred::decode(message)?;
///     let part = EncKrbCredPart::decode(&enc_part.open(key, KeyUsage::KRB_CRED_ENC_PART)?)?;
///     Ok(tickets.into_iter().zip(part.ticket_info).collect())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KrbCred {
    /// The tickets.
    pub tickets: Vec<Ticket>,
    /// The [`EncKrbCredPart`], encrypted with the session's key; enctype 0 means that it is not
    /// encrypted.
    pub enc_part: EncryptedData,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 22)))]
struct WireKrbCred {
    #[rasn(tag(explicit(0)))]
    pvno: i64,
    #[rasn(tag(explicit(1)))]
    msg_type: i64,
    #[rasn(tag(explicit(2)))]
    tickets: Vec<WireTicket>,
    #[rasn(tag(explicit(3)))]
    enc_part: WireEncryptedData,
}

impl KrbCred {
    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireKrbCred {
            pvno: 5,
            msg_type: MessageType::KRB_CRED.0.into(),
            tickets: to_wire(&self.tickets),
            enc_part: (&self.enc_part).into(),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let message: WireKrbCred = wire::decode("KRB-CRED", bytes)?;
        check_header(
            "KRB-CRED",
            message.pvno,
            message.msg_type,
            MessageType::KRB_CRED.0.into(),
        )?;
        Ok(Self {
            tickets: message
                .tickets
                .into_iter()
                .map(Ticket::try_from)
                .collect::<Result<_, _>>()?,
            enc_part: message.enc_part.into(),
        })
    }
}

/// `EncKrbCredPart`.
#[derive(Clone, Debug, PartialEq)]
pub struct EncKrbCredPart {
    /// The session key and details of each ticket, in the order of the tickets.
    pub ticket_info: Vec<KrbCredInfo>,
    /// The sender's time.
    pub timestamp: Option<Timestamp>,
    /// The sender's address.
    pub sender: Option<HostAddress>,
    /// The recipient's address.
    pub recipient: Option<HostAddress>,
}

/// `KrbCredInfo`: the session key and details of one ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct KrbCredInfo {
    /// The session key.
    pub key: EncryptionKey,
    /// The client.
    pub client: Option<Principal>,
    /// The ticket's flags.
    pub flags: Option<TicketFlags>,
    /// The time at which the client was authenticated.
    pub auth_time: Option<Timestamp>,
    /// The start of the ticket's validity.
    pub start_time: Option<Timestamp>,
    /// The end of its validity.
    pub end_time: Option<Timestamp>,
    /// The end of its renewability.
    pub renew_till: Option<Timestamp>,
    /// The server.
    pub server: Option<Principal>,
    /// The addresses from which the ticket may be used; all if empty.
    pub addresses: Vec<HostAddress>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 29)))]
struct WireEncKrbCredPart {
    #[rasn(tag(explicit(0)))]
    ticket_info: Vec<WireKrbCredInfo>,
    #[rasn(tag(explicit(1)))]
    nonce: Option<i64>,
    #[rasn(tag(explicit(2)))]
    timestamp: Option<Time>,
    #[rasn(tag(explicit(3)))]
    usec: Option<i64>,
    #[rasn(tag(explicit(4)))]
    s_address: Option<rk::HostAddress>,
    #[rasn(tag(explicit(5)))]
    r_address: Option<rk::HostAddress>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireKrbCredInfo {
    #[rasn(tag(explicit(0)))]
    key: rk::EncryptionKey,
    #[rasn(tag(explicit(1)))]
    prealm: Option<Text>,
    #[rasn(tag(explicit(2)))]
    pname: Option<PrincipalName>,
    #[rasn(tag(explicit(3)))]
    flags: Option<Bits>,
    #[rasn(tag(explicit(4)))]
    auth_time: Option<Time>,
    #[rasn(tag(explicit(5)))]
    start_time: Option<Time>,
    #[rasn(tag(explicit(6)))]
    end_time: Option<Time>,
    #[rasn(tag(explicit(7)))]
    renew_till: Option<Time>,
    #[rasn(tag(explicit(8)))]
    srealm: Option<Text>,
    #[rasn(tag(explicit(9)))]
    sname: Option<PrincipalName>,
    #[rasn(tag(explicit(10)))]
    caddr: Option<Vec<rk::HostAddress>>,
}

impl EncKrbCredPart {
    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireEncKrbCredPart {
            ticket_info: to_wire(&self.ticket_info),
            nonce: None,
            timestamp: self.timestamp.map(Time),
            usec: self.timestamp.map(|time| time.subsec_micros().into()),
            s_address: self.sender.as_ref().map(Into::into),
            r_address: self.recipient.as_ref().map(Into::into),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let part: WireEncKrbCredPart = wire::decode("EncKrbCredPart", bytes)?;
        Ok(Self {
            ticket_info: part
                .ticket_info
                .into_iter()
                .map(KrbCredInfo::try_from)
                .collect::<Result<_, _>>()?,
            timestamp: part.timestamp.map(|time| with_micros(time, part.usec)),
            sender: part.s_address.map(Into::into),
            recipient: part.r_address.map(Into::into),
        })
    }
}

impl From<&KrbCredInfo> for WireKrbCredInfo {
    fn from(info: &KrbCredInfo) -> Self {
        Self {
            key: key_to_wire(&info.key),
            prealm: info.client.as_ref().map(wire::realm_of),
            pname: info.client.as_ref().map(Into::into),
            flags: info.flags.map(|flags| Bits(flags.0)),
            auth_time: info.auth_time.map(Time),
            start_time: info.start_time.map(Time),
            end_time: info.end_time.map(Time),
            renew_till: info.renew_till.map(Time),
            srealm: info.server.as_ref().map(wire::realm_of),
            sname: info.server.as_ref().map(Into::into),
            caddr: optional(to_wire(&info.addresses)),
        }
    }
}

impl TryFrom<WireKrbCredInfo> for KrbCredInfo {
    type Error = Error;

    fn try_from(info: WireKrbCredInfo) -> Result<Self, Error> {
        let principal =
            |name: Option<PrincipalName>, realm: Option<Text>| Some(name?.in_realm(&realm?.0));
        Ok(Self {
            key: key_from_wire(&info.key)?,
            client: principal(info.pname, info.prealm),
            flags: info.flags.map(|flags| TicketFlags(flags.0)),
            auth_time: info.auth_time.map(|time| time.0),
            start_time: info.start_time.map(|time| time.0),
            end_time: info.end_time.map(|time| time.0),
            renew_till: info.renew_till.map(|time| time.0),
            server: principal(info.sname, info.srealm),
            addresses: from_wire(info.caddr.unwrap_or_default()),
        })
    }
}

/// `ChangePasswdData`: a client's request to a password service, sent in a KRB-PRIV (RFC 3244, 2).
///
/// ```
/// use kerbox_krb5::messages::ChangePasswordData;
///
/// let target = Some("alice@EXAMPLE.COM".parse()?);
/// let change = ChangePasswordData { password: b"a better one".to_vec(), target };
/// let read = ChangePasswordData::decode(&change.encode())?;
/// assert_eq!((read.password, read.target), (change.password, change.target));
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ChangePasswordData {
    /// The new password.
    pub password: Vec<u8>,
    /// The principal whose password changes; the client itself if absent.
    pub target: Option<Principal>,
}

#[derive(AsnType, Clone, Decode, Encode)]
struct WireChangePasswordData {
    #[rasn(tag(explicit(0)))]
    new_passwd: OctetString,
    #[rasn(tag(explicit(1)))]
    targ_name: Option<PrincipalName>,
    #[rasn(tag(explicit(2)))]
    targ_realm: Option<Text>,
}

impl ChangePasswordData {
    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireChangePasswordData {
            new_passwd: self.password.clone().into(),
            targ_name: self.target.as_ref().map(Into::into),
            targ_realm: self.target.as_ref().map(wire::realm_of),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let data: WireChangePasswordData = wire::decode("ChangePasswdData", bytes)?;
        Ok(Self {
            password: data.new_passwd.to_vec(),
            target: data
                .targ_name
                .zip(data.targ_realm)
                .map(|(name, realm)| name.in_realm(&realm.0)),
        })
    }
}
