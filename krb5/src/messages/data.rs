//! The small structures that messages are built from (RFC 4120, 5.2).

use rand::Rng;
use rasn::prelude::*;
use rasn_kerberos as rk;

use super::der::{Reader, Writer};
use super::wire;
use crate::crypto::ChecksumType;
use crate::{EncryptionKey, EncryptionType, Error, ErrorCode, KeyUsage};

/// `EncryptedData`: a ciphertext, with the type and version of its key.
///
/// ```
/// use kerbox_krb5::messages::{Checksum, EncryptedData};
/// use kerbox_krb5::{EncryptionKey, EncryptionType, KeyUsage};
/// # use rand::SeedableRng;
/// # let mut rng = rand::rngs::StdRng::seed_from_u64(1);
///
/// let key = EncryptionKey::random(EncryptionType::AES256_CTS_HMAC_SHA1_96, &mut rng)?;
/// let usage = KeyUsage::KRB_PRIV_ENC_PART;
/// let sealed = EncryptedData::seal(&key, Some(1), usage, b"a secret", &mut rng);
/// let sealed = EncryptedData::decode(&sealed.encode())?;
/// assert_eq!(sealed.open(&key, usage)?, b"a secret");
///
/// let usage = KeyUsage::KRB_SAFE_CHECKSUM;
/// let checksum = Checksum::keyed(&key, usage, b"a message");
/// checksum.verify(&key, usage, b"a message")?;
/// assert!(checksum.verify(&key, usage, b"another").is_err());
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedData {
    /// The key's type.
    pub enctype: EncryptionType,
    /// The key's version, for long-lived keys.
    pub kvno: Option<u32>,
    /// The bytes.
    pub cipher: Vec<u8>,
}

impl EncryptedData {
    /// Encrypts `plaintext` with `key`.
    pub fn seal(
        key: &EncryptionKey,
        kvno: Option<u32>,
        usage: KeyUsage,
        plaintext: &[u8],
        rng: &mut impl Rng,
    ) -> Self {
        Self {
            enctype: key.enctype(),
            kvno,
            cipher: key.encrypt(usage, plaintext, rng),
        }
    }

    /// Decrypts with `key`. Fails with `KRB_AP_ERR_BAD_INTEGRITY` if the key or its type is wrong.
    pub fn open(&self, key: &EncryptionKey, usage: KeyUsage) -> Result<Vec<u8>, Error> {
        // The peer names the type. To try a key of another type on these bytes would prove nothing.
        if key.enctype() != self.enctype {
            return Err(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY.into());
        }
        key.decrypt(usage, &self.cipher)
    }

    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(32 + self.cipher.len());
        self.write(&mut writer);
        writer.finish()
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.sequence(|writer| {
            writer.field(2, |writer| writer.octets(&self.cipher));
            // As MIT writes it.
            let kvno = self.kvno.map(|kvno| i64::from(kvno as i32));
            writer.optional(1, kvno, Writer::integer);
            writer.field(0, |writer| writer.integer(self.enctype.0.into()));
        });
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        match Self::read(&mut Reader::new(bytes)) {
            Some(data) => Ok(data),
            None => Self::decode_any(bytes),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.sequence(|fields| {
            Some(Self {
                enctype: EncryptionType(fields.field(0, Reader::int32)?),
                kvno: fields.optional(1, Reader::integer)?.map(wire::wrapped_u32),
                cipher: fields.field(2, Reader::octets)?.to_vec(),
            })
        })
    }

    pub(super) fn decode_any(bytes: &[u8]) -> Result<Self, Error> {
        Ok(wire::decode::<WireEncryptedData>("EncryptedData", bytes)?.into())
    }
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq, Eq, Hash)]
pub(super) struct WireEncryptedData {
    #[rasn(tag(explicit(0)))]
    etype: i32,
    /// MIT writes a version from 2^31 up as the negative number of the same 32 bits; others write
    /// it unsigned.
    #[rasn(tag(explicit(1)))]
    kvno: Option<i64>,
    #[rasn(tag(explicit(2)))]
    cipher: OctetString,
}

impl From<&EncryptedData> for WireEncryptedData {
    fn from(data: &EncryptedData) -> Self {
        Self {
            etype: data.enctype.0,
            kvno: data.kvno.map(|kvno| i64::from(kvno as i32)),
            cipher: data.cipher.clone().into(),
        }
    }
}

impl From<WireEncryptedData> for EncryptedData {
    fn from(data: WireEncryptedData) -> Self {
        Self {
            enctype: EncryptionType(data.etype),
            kvno: data.kvno.map(wire::wrapped_u32),
            cipher: data.cipher.to_vec(),
        }
    }
}

/// `Checksum`: a type and the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// The type. [`Checksum::GSSAPI`] carries the GSS-API's fields instead of a checksum.
    pub checksum_type: ChecksumType,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Checksum {
    /// The type carried by authenticators of GSS-API contexts (RFC 4121, 4.1.1).
    pub const GSSAPI: ChecksumType = ChecksumType(0x8003);

    /// Computes the checksum of `data`, of the type that goes with the key.
    #[must_use]
    pub fn keyed(key: &EncryptionKey, usage: KeyUsage, data: &[u8]) -> Self {
        Self {
            checksum_type: key.checksum_type(),
            bytes: key.checksum(usage, data),
        }
    }

    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(32 + self.bytes.len());
        writer.pair(0, self.checksum_type.0, &self.bytes);
        writer.finish()
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Ok(wire::decode::<rk::Checksum>("Checksum", bytes)?.into())
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (checksum_type, bytes) = reader.pair(0)?;
        Some(Self {
            checksum_type: ChecksumType(checksum_type),
            bytes: bytes.to_vec(),
        })
    }

    /// Verifies that this is the keyed checksum of `data` under `key`. Rejects unkeyed types and
    /// types of other keys, as described at [`EncryptionKey::verify_checksum_of_type`].
    pub fn verify(&self, key: &EncryptionKey, usage: KeyUsage, data: &[u8]) -> Result<(), Error> {
        key.verify_checksum_of_type(self.checksum_type, usage, data, &self.bytes)
    }
}

impl From<&Checksum> for rk::Checksum {
    fn from(checksum: &Checksum) -> Self {
        Self {
            r#type: checksum.checksum_type.0,
            checksum: checksum.bytes.clone().into(),
        }
    }
}

impl From<rk::Checksum> for Checksum {
    fn from(checksum: rk::Checksum) -> Self {
        Self {
            checksum_type: ChecksumType(checksum.r#type),
            bytes: checksum.checksum.to_vec(),
        }
    }
}

/// `HostAddress`.
///
/// ```
/// use std::net::{IpAddr, Ipv4Addr};
/// use kerbox_krb5::messages::HostAddress;
///
/// let address = HostAddress::from(IpAddr::from(Ipv4Addr::LOCALHOST));
/// assert_eq!((address.address_type, &*address.address), (2, &[127, 0, 0, 1][..]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostAddress {
    /// The kind: 2 IPv4, 24 IPv6, 20 NetBIOS, 3 directional.
    pub address_type: i32,
    /// The bytes.
    pub address: Vec<u8>,
}

impl HostAddress {
    /// IPv4: four bytes.
    pub const IPV4: i32 = 2;
    /// IPv6: sixteen bytes.
    pub const IPV6: i32 = 24;

    pub(super) fn write(writer: &mut Writer, address: &Self) {
        writer.pair(0, address.address_type, &address.address);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (address_type, address) = reader.pair(0)?;
        Some(Self {
            address_type,
            address: address.to_vec(),
        })
    }
}

impl From<std::net::IpAddr> for HostAddress {
    /// Treats an IPv4-mapped IPv6 address as IPv4.
    fn from(address: std::net::IpAddr) -> Self {
        match address.to_canonical() {
            std::net::IpAddr::V4(address) => Self {
                address_type: Self::IPV4,
                address: address.octets().to_vec(),
            },
            std::net::IpAddr::V6(address) => Self {
                address_type: Self::IPV6,
                address: address.octets().to_vec(),
            },
        }
    }
}

impl From<&HostAddress> for rk::HostAddress {
    fn from(address: &HostAddress) -> Self {
        Self {
            addr_type: address.address_type,
            address: address.address.clone().into(),
        }
    }
}

impl From<rk::HostAddress> for HostAddress {
    fn from(address: rk::HostAddress) -> Self {
        Self {
            address_type: address.addr_type,
            address: address.address.to_vec(),
        }
    }
}

/// One element of `AuthorizationData`.
///
/// ```
/// use kerbox_krb5::messages::AuthorizationData;
///
/// let pac = AuthorizationData { ad_type: 128, data: vec![1, 2, 3] };
/// let list = AuthorizationData::encode_list(&[pac.clone()]);
/// assert_eq!(AuthorizationData::decode_list(&list)?, [pac]);
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationData {
    /// The element's type.
    pub ad_type: i32,
    /// The bytes.
    pub data: Vec<u8>,
}

impl AuthorizationData {
    /// AD-IF-RELEVANT: a list that a server may ignore.
    pub const IF_RELEVANT: i32 = 1;
    /// AD-KDC-ISSUED.
    pub const KDC_ISSUED: i32 = 4;
    /// AD-AND-OR.
    pub const AND_OR: i32 = 5;
    /// AD-MANDATORY-FOR-KDC.
    pub const MANDATORY_FOR_KDC: i32 = 8;
    /// AD-fx-fast-armor: marks a ticket that may be used only as armor.
    pub const FX_ARMOR: i32 = 71;
    /// AD-fx-fast-used.
    pub const FX_FAST_USED: i32 = 72;
    /// AD-WIN2K-PAC.
    pub const WIN2K_PAC: i32 = 128;
    /// KRB5_AUTHDATA_ETYPE_NEGOTIATION (RFC 4537).
    pub const ETYPE_NEGOTIATION: i32 = 129;
    /// AD-SIGNTICKET, the element that a ticket's signature covers in MIT's PACs.
    pub const SIGNTICKET: i32 = 512;

    /// Encodes a list as DER.
    #[must_use]
    pub fn encode_list(list: &[Self]) -> Vec<u8> {
        let mut writer = Writer::new(16 + Self::room(list));
        writer.list(list, Self::write);
        writer.finish()
    }

    /// Returns about how long a list is once it is encoded.
    pub(super) fn room(list: &[Self]) -> usize {
        list.iter().map(|element| element.data.len() + 24).sum()
    }

    pub(super) fn write(writer: &mut Writer, element: &Self) {
        writer.pair(0, element.ad_type, &element.data);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (ad_type, data) = reader.pair(0)?;
        Some(Self {
            ad_type,
            data: data.to_vec(),
        })
    }

    /// Decodes a list from DER.
    pub fn decode_list(bytes: &[u8]) -> Result<Vec<Self>, Error> {
        match Reader::new(bytes).list(Self::read) {
            Some(list) => Ok(list),
            None => Self::decode_any_list(bytes),
        }
    }

    /// Returns whether an encoded list has an element of this type.
    ///
    /// ```
    /// use kerbox_krb5::messages::AuthorizationData;
    ///
    /// let pac = AuthorizationData { ad_type: AuthorizationData::WIN2K_PAC, data: vec![1] };
    /// let list = AuthorizationData::encode_list(&[pac]);
    /// assert!(AuthorizationData::list_has(&list, AuthorizationData::WIN2K_PAC));
    /// assert!(!AuthorizationData::list_has(b"no list", AuthorizationData::WIN2K_PAC));
    /// ```
    #[must_use]
    pub fn list_has(bytes: &[u8], ad_type: i32) -> bool {
        match Reader::new(bytes).list(|reader| reader.pair(0)) {
            Some(list) => list.iter().any(|(kind, _)| *kind == ad_type),
            None => Self::decode_any_list(bytes)
                .is_ok_and(|list| list.iter().any(|element| element.ad_type == ad_type)),
        }
    }

    pub(super) fn decode_any_list(bytes: &[u8]) -> Result<Vec<Self>, Error> {
        Ok(from_wire(wire::decode::<Vec<rk::AuthorizationDataValue>>(
            "AuthorizationData",
            bytes,
        )?))
    }
}

impl From<&AuthorizationData> for rk::AuthorizationDataValue {
    fn from(element: &AuthorizationData) -> Self {
        Self {
            r#type: element.ad_type,
            data: element.data.clone().into(),
        }
    }
}

impl From<rk::AuthorizationDataValue> for AuthorizationData {
    fn from(element: rk::AuthorizationDataValue) -> Self {
        Self {
            ad_type: element.r#type,
            data: element.data.to_vec(),
        }
    }
}

/// `TransitedEncoding`: the realms through which a cross-realm client came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitedEncoding {
    /// The encoding: 1 is DOMAIN-X500-COMPRESS.
    pub encoding_type: i32,
    /// The list in that encoding.
    pub contents: Vec<u8>,
}

impl TransitedEncoding {
    /// DOMAIN-X500-COMPRESS (RFC 4120, 3.3.3.2).
    pub const DOMAIN_X500_COMPRESS: i32 = 1;

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (encoding_type, contents) = reader.pair(0)?;
        Some(Self {
            encoding_type,
            contents: contents.to_vec(),
        })
    }
}

impl Default for TransitedEncoding {
    fn default() -> Self {
        Self {
            encoding_type: Self::DOMAIN_X500_COMPRESS,
            contents: Vec::new(),
        }
    }
}

impl From<&TransitedEncoding> for rk::TransitedEncoding {
    fn from(transited: &TransitedEncoding) -> Self {
        Self {
            r#type: transited.encoding_type,
            contents: transited.contents.clone().into(),
        }
    }
}

impl From<rk::TransitedEncoding> for TransitedEncoding {
    fn from(transited: rk::TransitedEncoding) -> Self {
        Self {
            encoding_type: transited.r#type,
            contents: transited.contents.to_vec(),
        }
    }
}

pub(super) fn key_to_wire(key: &EncryptionKey) -> rk::EncryptionKey {
    rk::EncryptionKey {
        r#type: key.enctype().0,
        value: key.as_bytes().to_vec().into(),
    }
}

pub(super) fn key_from_wire(key: &rk::EncryptionKey) -> Result<EncryptionKey, Error> {
    EncryptionKey::new(EncryptionType(key.r#type), &key.value)
}

pub(super) fn to_wire<'a, W: From<&'a T>, T>(list: &'a [T]) -> Vec<W> {
    list.iter().map(W::from).collect()
}

pub(super) fn from_wire<T: From<W>, W>(list: Vec<W>) -> Vec<T> {
    list.into_iter().map(T::from).collect()
}
