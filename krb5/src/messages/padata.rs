//! Pre-authentication data (RFC 4120, 5.2.7, and the RFCs that extend it).

use rasn::prelude::*;
use rasn_kerberos as rk;

use super::data::from_wire;
use super::der::{Reader, Writer};
use super::wire::{self, Text, Time};
use super::{Checksum, EncryptedData};
use crate::{EncryptionType, Error, Principal, Timestamp};

/// The type number of pre-authentication data. Unknown numbers survive decoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PaDataType(pub i32);

impl PaDataType {
    /// PA-TGS-REQ: the AP-REQ of a TGS request.
    pub const TGS_REQ: Self = Self(1);
    /// PA-ENC-TIMESTAMP.
    pub const ENC_TIMESTAMP: Self = Self(2);
    /// PA-PW-SALT.
    pub const PW_SALT: Self = Self(3);
    /// PA-ETYPE-INFO.
    pub const ETYPE_INFO: Self = Self(11);
    /// PA-PK-AS-REQ, PKINIT (RFC 4556).
    pub const PK_AS_REQ: Self = Self(16);
    /// PA-PK-AS-REP, PKINIT (RFC 4556).
    pub const PK_AS_REP: Self = Self(17);
    /// PA-ETYPE-INFO2.
    pub const ETYPE_INFO2: Self = Self(19);
    /// PA-SVR-REFERRAL-INFO (RFC 6806).
    pub const SVR_REFERRAL_INFO: Self = Self(20);
    /// PA-PAC-REQUEST (MS-KILE).
    pub const PAC_REQUEST: Self = Self(128);
    /// PA-FOR-USER: S4U2Self (MS-SFU).
    pub const FOR_USER: Self = Self(129);
    /// PA-S4U-X509-USER: S4U2Self with a protected reply (MS-SFU).
    pub const FOR_X509_USER: Self = Self(130);
    /// PA-AS-CHECKSUM.
    pub const AS_CHECKSUM: Self = Self(132);
    /// PA-FX-COOKIE (RFC 6113).
    pub const FX_COOKIE: Self = Self(133);
    /// PA-FX-FAST (RFC 6113).
    pub const FX_FAST: Self = Self(136);
    /// PA-FX-ERROR (RFC 6113).
    pub const FX_ERROR: Self = Self(137);
    /// PA-ENCRYPTED-CHALLENGE (RFC 6113).
    pub const ENCRYPTED_CHALLENGE: Self = Self(138);
    /// PA-PKINIT-KX (RFC 8062).
    pub const PKINIT_KX: Self = Self(147);
    /// PA-REQ-ENC-PA-REP (RFC 6806).
    pub const REQ_ENC_PA_REP: Self = Self(149);
    /// PA-AS-FRESHNESS (RFC 8070).
    pub const AS_FRESHNESS: Self = Self(150);
    /// PA-SPAKE (RFC 9588).
    pub const SPAKE: Self = Self(151);
    /// PA-PAC-OPTIONS (MS-KILE).
    pub const PAC_OPTIONS: Self = Self(167);
}

/// `PA-DATA`: one element, whose value is still encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaData {
    /// The type.
    pub pa_type: PaDataType,
    /// The value.
    pub value: Vec<u8>,
}

impl PaData {
    /// Creates an element.
    #[must_use]
    pub fn new(pa_type: PaDataType, value: Vec<u8>) -> Self {
        Self { pa_type, value }
    }

    /// Returns the list's first element of this type.
    #[must_use]
    pub fn find(list: &[Self], pa_type: PaDataType) -> Option<&Self> {
        list.iter().find(|element| element.pa_type == pa_type)
    }

    /// Encodes a `METHOD-DATA`: the list that KDC_ERR_PREAUTH_REQUIRED carries as e-data.
    #[must_use]
    pub fn encode_list(list: &[Self]) -> Vec<u8> {
        let mut writer = Writer::new(16 + Self::room(list));
        writer.list(list, Self::write);
        writer.finish()
    }

    /// Returns about how long a list is once it is encoded.
    pub(super) fn room(list: &[Self]) -> usize {
        list.iter().map(|element| element.value.len() + 24).sum()
    }

    pub(super) fn write(writer: &mut Writer, element: &Self) {
        writer.pair(1, element.pa_type.0, &element.value);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (pa_type, value) = reader.pair(1)?;
        Some(Self {
            pa_type: PaDataType(pa_type),
            value: value.to_vec(),
        })
    }

    /// Decodes a `METHOD-DATA`.
    pub fn decode_list(bytes: &[u8]) -> Result<Vec<Self>, Error> {
        Ok(from_wire(wire::decode::<Vec<rk::PaData>>(
            "METHOD-DATA",
            bytes,
        )?))
    }
}

impl From<&PaData> for rk::PaData {
    fn from(element: &PaData) -> Self {
        Self {
            r#type: element.pa_type.0,
            value: element.value.clone().into(),
        }
    }
}

impl From<rk::PaData> for PaData {
    fn from(element: rk::PaData) -> Self {
        Self {
            pa_type: PaDataType(element.r#type),
            value: element.value.to_vec(),
        }
    }
}

/// One entry of `ETYPE-INFO2`: how to derive a key of this type from a password.
///
/// ```
/// use kerbox_krb5::messages::{EtypeInfo2Entry, EtypeInfoEntry};
/// use kerbox_krb5::EncryptionType;
///
/// let entry = EtypeInfo2Entry {
///     enctype: EncryptionType::AES256_CTS_HMAC_SHA1_96,
///     salt: Some("EXAMPLE.COMalice".to_owned()),
///     s2kparams: None,
/// };
/// let list = EtypeInfo2Entry::encode_list(&[entry.clone()]);
/// assert_eq!(EtypeInfo2Entry::decode_list(&list)?, [entry]);
///
/// // The older form, for rc4 and DES alone.
/// let entry = EtypeInfoEntry { enctype: EncryptionType::RC4_HMAC, salt: None };
/// let list = EtypeInfoEntry::encode_list(&[entry.clone()]);
/// assert_eq!(EtypeInfoEntry::decode_list(&list)?, [entry]);
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtypeInfo2Entry {
    /// The key's type.
    pub enctype: EncryptionType,
    /// The salt; `None` stands for the default salt.
    pub salt: Option<String>,
    /// The parameters of string-to-key; for AES, the number of iterations. `None` stands for the
    /// default.
    pub s2kparams: Option<Vec<u8>>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq, Eq, Hash)]
pub(super) struct WireEtypeInfo2Entry {
    #[rasn(tag(explicit(0)))]
    etype: i32,
    #[rasn(tag(explicit(1)))]
    salt: Option<Text>,
    #[rasn(tag(explicit(2)))]
    s2kparams: Option<OctetString>,
}

impl EtypeInfo2Entry {
    /// Encodes an `ETYPE-INFO2` as DER.
    #[must_use]
    pub fn encode_list(list: &[Self]) -> Vec<u8> {
        let mut writer = Writer::new(64 * list.len());
        writer.list(list, |writer, entry| {
            writer.sequence(|writer| {
                writer.optional(2, entry.s2kparams.as_deref(), Writer::octets);
                writer.optional(1, entry.salt.as_deref(), Writer::text);
                writer.field(0, |writer| writer.integer(entry.enctype.0.into()));
            });
        });
        writer.finish()
    }

    /// Decodes an `ETYPE-INFO2`.
    pub fn decode_list(bytes: &[u8]) -> Result<Vec<Self>, Error> {
        let list: Vec<WireEtypeInfo2Entry> = wire::decode("ETYPE-INFO2", bytes)?;
        Ok(list
            .into_iter()
            .map(|entry| Self {
                enctype: EncryptionType(entry.etype),
                salt: entry.salt.map(|salt| salt.0.into()),
                s2kparams: entry.s2kparams.map(|params| params.to_vec()),
            })
            .collect())
    }
}

/// One entry of `ETYPE-INFO`, the predecessor of [`EtypeInfo2Entry`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtypeInfoEntry {
    /// The key's type.
    pub enctype: EncryptionType,
    /// The salt; `None` stands for the default salt.
    pub salt: Option<Vec<u8>>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq, Eq, Hash)]
struct WireEtypeInfoEntry {
    #[rasn(tag(explicit(0)))]
    etype: i32,
    #[rasn(tag(explicit(1)))]
    salt: Option<OctetString>,
}

impl EtypeInfoEntry {
    /// Encodes an `ETYPE-INFO` as DER.
    #[must_use]
    pub fn encode_list(list: &[Self]) -> Vec<u8> {
        let list: Vec<_> = list
            .iter()
            .map(|entry| WireEtypeInfoEntry {
                etype: entry.enctype.0,
                salt: entry.salt.clone().map(Into::into),
            })
            .collect();
        wire::encode(&list)
    }

    /// Decodes an `ETYPE-INFO`.
    pub fn decode_list(bytes: &[u8]) -> Result<Vec<Self>, Error> {
        let list: Vec<WireEtypeInfoEntry> = wire::decode("ETYPE-INFO", bytes)?;
        Ok(list
            .into_iter()
            .map(|entry| Self {
                enctype: EncryptionType(entry.etype),
                salt: entry.salt.map(|salt| salt.to_vec()),
            })
            .collect())
    }
}

/// `PA-ENC-TS-ENC`: the time that a client encrypts to prove that it has the key.
///
/// ```
/// use kerbox_krb5::Timestamp;
/// use kerbox_krb5::messages::PaEncTsEnc;
///
/// let timestamp = Timestamp::from_micros(1_700_000_000_123_456);
/// let bytes = PaEncTsEnc { timestamp }.encode();
/// assert_eq!(PaEncTsEnc::decode(&bytes)?.timestamp, timestamp);
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaEncTsEnc {
    /// The client's time.
    pub timestamp: Timestamp,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq, Eq, Hash)]
pub(super) struct WirePaEncTsEnc {
    #[rasn(tag(explicit(0)))]
    patimestamp: Time,
    #[rasn(tag(explicit(1)))]
    pausec: Option<i64>,
}

impl PaEncTsEnc {
    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WirePaEncTsEnc {
            patimestamp: Time(self.timestamp),
            pausec: Some(self.timestamp.subsec_micros().into()),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        match Self::read(bytes) {
            Some(value) => Ok(value),
            None => Self::decode_any(bytes),
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        Reader::new(bytes).sequence(|fields| {
            let time = fields.field(0, Reader::time)?;
            let micros = fields.optional(1, Reader::integer)?;
            Some(Self {
                timestamp: wire::with_micros(Time(time), micros),
            })
        })
    }

    pub(super) fn decode_any(bytes: &[u8]) -> Result<Self, Error> {
        let value: WirePaEncTsEnc = wire::decode("PA-ENC-TS-ENC", bytes)?;
        Ok(Self {
            timestamp: wire::with_micros(value.patimestamp, value.pausec),
        })
    }
}

/// Decodes `KERB-PA-PAC-REQUEST`: whether the client wants a PAC (MS-KILE, 2.2.3).
#[must_use]
pub fn decode_pac_request(bytes: &[u8]) -> Option<bool> {
    #[derive(AsnType, Decode)]
    struct WirePacRequest {
        #[rasn(tag(explicit(0)))]
        include_pac: bool,
    }
    wire::decode::<WirePacRequest>("KERB-PA-PAC-REQUEST", bytes)
        .ok()
        .map(|request| request.include_pac)
}

/// `PA-FOR-USER-ENC`: S4U2Self's user, with a checksum made with the session key (MS-SFU, 2.2.1).
///
/// ```
/// use kerbox_krb5::messages::{Checksum, PaForUser};
/// use kerbox_krb5::{EncryptionKey, Error, KeyUsage, Principal};
///
/// /// Asks for a ticket in a user's name; `key` is the session key of the service's own ticket.
/// fn for_user(user: Principal, key: &EncryptionKey) -> Vec<u8> {
///     let auth_package = "Kerberos".to_owned();
///     let signed = PaForUser::checksummed(&user, &auth_package);
///     let checksum = Checksum::keyed(key, KeyUsage::PA_FOR_USER_CHECKSUM, &signed);
///     PaForUser { user, checksum, auth_package }.encode()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaForUser {
    /// The user for whom the ticket is requested.
    pub user: Principal,
    /// The checksum over name type, components, realm and package.
    pub checksum: Checksum,
    /// `Kerberos`.
    pub auth_package: String,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq, Eq, Hash)]
struct WirePaForUser {
    #[rasn(tag(explicit(0)))]
    user_name: wire::PrincipalName,
    #[rasn(tag(explicit(1)))]
    user_realm: Text,
    #[rasn(tag(explicit(2)))]
    cksum: rk::Checksum,
    #[rasn(tag(explicit(3)))]
    auth_package: Text,
}

impl PaForUser {
    /// Returns the bytes that the checksum covers: the name type in four little-endian bytes, then
    /// the components, the realm and the package.
    #[must_use]
    pub fn checksummed(user: &Principal, auth_package: &str) -> Vec<u8> {
        let mut bytes = user.name_type().0.to_le_bytes().to_vec();
        for component in user.components() {
            bytes.extend_from_slice(component.as_bytes());
        }
        bytes.extend_from_slice(user.realm().as_bytes());
        bytes.extend_from_slice(auth_package.as_bytes());
        bytes
    }

    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WirePaForUser {
            user_name: (&self.user).into(),
            user_realm: wire::realm_of(&self.user),
            cksum: (&self.checksum).into(),
            auth_package: Text(self.auth_package.as_str().into()),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let value: WirePaForUser = wire::decode("PA-FOR-USER", bytes)?;
        Ok(Self {
            user: value.user_name.in_realm(&value.user_realm.0),
            checksum: value.cksum.into(),
            auth_package: value.auth_package.0.into(),
        })
    }
}

/// Wraps an encrypted [`PaEncTsEnc`], the value of a PA-ENC-TIMESTAMP.
impl From<&EncryptedData> for PaData {
    fn from(data: &EncryptedData) -> Self {
        Self::new(PaDataType::ENC_TIMESTAMP, data.encode())
    }
}
