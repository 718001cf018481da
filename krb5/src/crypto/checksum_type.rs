//! Checksum types.

use super::EncryptionType;

/// A checksum type's number (RFC 3961, 8). Unknown numbers survive decoding.
///
/// ```
/// use kerbox_krb5::{ChecksumType, EncryptionKey, EncryptionType, KeyUsage};
///
/// let key = EncryptionKey::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[7; 16])?;
/// assert_eq!(key.checksum_type(), ChecksumType::HMAC_SHA1_96_AES128);
/// let checksum = key.checksum(KeyUsage::KRB_SAFE_CHECKSUM, b"a message");
/// assert!(key.verify_checksum(KeyUsage::KRB_SAFE_CHECKSUM, b"a message", &checksum));
/// assert!(!key.verify_checksum(KeyUsage::KRB_SAFE_CHECKSUM, b"a massage", &checksum));
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ChecksumType(pub i32);

impl ChecksumType {
    /// CRC32: unkeyed, not collision-proof.
    pub const CRC32: Self = Self(1);
    /// rsa-md4: unkeyed.
    pub const RSA_MD4: Self = Self(2);
    /// rsa-md5: unkeyed.
    pub const RSA_MD5: Self = Self(7);
    /// hmac-sha1-des3-kd, of des3-cbc-sha1-kd (RFC 3961, 6.3).
    pub const HMAC_SHA1_DES3_KD: Self = Self(12);
    /// SHA-1: unkeyed.
    pub const SHA1: Self = Self(14);
    /// hmac-sha1-96-aes128 (RFC 3962).
    pub const HMAC_SHA1_96_AES128: Self = Self(15);
    /// hmac-sha1-96-aes256 (RFC 3962).
    pub const HMAC_SHA1_96_AES256: Self = Self(16);
    /// cmac-camellia128 (RFC 6803).
    pub const CMAC_CAMELLIA128: Self = Self(17);
    /// cmac-camellia256 (RFC 6803).
    pub const CMAC_CAMELLIA256: Self = Self(18);
    /// hmac-sha256-128-aes128 (RFC 8009).
    pub const HMAC_SHA256_128_AES128: Self = Self(19);
    /// hmac-sha384-192-aes256 (RFC 8009).
    pub const HMAC_SHA384_192_AES256: Self = Self(20);
    /// HMAC-MD5, used by rc4-hmac and PA-FOR-USER (RFC 4757, 4).
    pub const HMAC_MD5: Self = Self(-138);

    /// Returns the encryption type that a key for this checksum must have. `None` for unkeyed
    /// checksums, for those that accept any key, and for unknown numbers.
    #[must_use]
    pub const fn enctype(self) -> Option<EncryptionType> {
        match self {
            Self::HMAC_SHA1_96_AES128 => Some(EncryptionType::AES128_CTS_HMAC_SHA1_96),
            Self::HMAC_SHA1_96_AES256 => Some(EncryptionType::AES256_CTS_HMAC_SHA1_96),
            Self::HMAC_SHA256_128_AES128 => Some(EncryptionType::AES128_CTS_HMAC_SHA256_128),
            Self::HMAC_SHA384_192_AES256 => Some(EncryptionType::AES256_CTS_HMAC_SHA384_192),
            Self::CMAC_CAMELLIA128 => Some(EncryptionType::CAMELLIA128_CTS_CMAC),
            Self::CMAC_CAMELLIA256 => Some(EncryptionType::CAMELLIA256_CTS_CMAC),
            Self::HMAC_SHA1_DES3_KD => Some(EncryptionType::DES3_CBC_SHA1_KD),
            _ => None,
        }
    }

    /// Returns whether the checksum is unkeyed, so that anyone can compute it and it proves
    /// nothing.
    #[must_use]
    pub const fn is_unkeyed(self) -> bool {
        matches!(
            self,
            Self::CRC32 | Self::RSA_MD4 | Self::RSA_MD5 | Self::SHA1
        )
    }
}

impl EncryptionType {
    /// Returns the type's required checksum mechanism (RFC 3961).
    #[must_use]
    pub const fn checksum_type(self) -> ChecksumType {
        match self {
            Self::AES128_CTS_HMAC_SHA1_96 => ChecksumType::HMAC_SHA1_96_AES128,
            Self::AES256_CTS_HMAC_SHA1_96 => ChecksumType::HMAC_SHA1_96_AES256,
            Self::AES128_CTS_HMAC_SHA256_128 => ChecksumType::HMAC_SHA256_128_AES128,
            Self::AES256_CTS_HMAC_SHA384_192 => ChecksumType::HMAC_SHA384_192_AES256,
            Self::CAMELLIA128_CTS_CMAC => ChecksumType::CMAC_CAMELLIA128,
            Self::CAMELLIA256_CTS_CMAC => ChecksumType::CMAC_CAMELLIA256,
            Self::DES3_CBC_SHA1_KD => ChecksumType::HMAC_SHA1_DES3_KD,
            Self::RC4_HMAC => ChecksumType::HMAC_MD5,
            _ => ChecksumType(0),
        }
    }
}
