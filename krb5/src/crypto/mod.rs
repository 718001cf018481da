//! Encryption, checksums and key derivation (RFC 3961, 3962, 8009).

use rand::Rng;

use crate::Error;

/// An encryption type's number (RFC 3961, 8). Unknown numbers survive decoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EncryptionType(pub i32);

impl EncryptionType {
    /// aes128-cts-hmac-sha1-96 (RFC 3962).
    pub const AES128_CTS_HMAC_SHA1_96: Self = Self(17);
    /// aes256-cts-hmac-sha1-96 (RFC 3962).
    pub const AES256_CTS_HMAC_SHA1_96: Self = Self(18);
    /// aes128-cts-hmac-sha256-128 (RFC 8009).
    pub const AES128_CTS_HMAC_SHA256_128: Self = Self(19);
    /// aes256-cts-hmac-sha384-192 (RFC 8009).
    pub const AES256_CTS_HMAC_SHA384_192: Self = Self(20);
}

/// What a key is used for (RFC 4120, 7.5.1): a part of every derivation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyUsage(pub u32);

/// A key and its encryption type. Clones share what has been derived from it.
#[derive(Clone)]
pub struct EncryptionKey {
    enctype: EncryptionType,
    bytes: Vec<u8>,
}

impl EncryptionKey {
    /// The key of these bytes; refused if their number does not fit the type, or the type is not known.
    pub fn new(enctype: EncryptionType, bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self {
            enctype,
            bytes: bytes.to_vec(),
        })
    }

    /// A random key.
    pub fn random(_enctype: EncryptionType, _rng: &mut impl Rng) -> Result<Self, Error> {
        unimplemented!()
    }

    /// The key of a password (string-to-key); `params` is the `s2kparams` of ETYPE-INFO2.
    pub fn from_password(_enctype: EncryptionType, _password: &[u8], _salt: &[u8], _params: Option<&[u8]>) -> Result<Self, Error> {
        unimplemented!()
    }

    /// Its type.
    #[must_use]
    pub fn enctype(&self) -> EncryptionType {
        self.enctype
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Encrypts with a random confounder and a trailing MAC.
    pub fn encrypt(&self, _usage: KeyUsage, _plaintext: &[u8], _rng: &mut impl Rng) -> Vec<u8> {
        unimplemented!()
    }

    /// Decrypts and checks the MAC; refused with `KRB_AP_ERR_BAD_INTEGRITY`.
    pub fn decrypt(&self, _usage: KeyUsage, _ciphertext: &[u8]) -> Result<Vec<u8>, Error> {
        unimplemented!()
    }

    /// The keyed checksum of the type that goes with this key's type (RFC 3961: mandatory checksum).
    #[must_use]
    pub fn checksum(&self, _usage: KeyUsage, _data: &[u8]) -> Vec<u8> {
        unimplemented!()
    }

    /// Whether `checksum` is that of `data`, in constant time.
    #[must_use]
    pub fn verify_checksum(&self, _usage: KeyUsage, _data: &[u8], _checksum: &[u8]) -> bool {
        unimplemented!()
    }

    /// The number of the checksum type that goes with this key's type (15, 16, 19, 20).
    #[must_use]
    pub fn checksum_type(&self) -> i32 {
        unimplemented!()
    }

    /// The pseudo-random function of the key's type (RFC 3961, 3962, 8009).
    #[must_use]
    pub fn prf(&self, _input: &[u8]) -> Vec<u8> {
        unimplemented!()
    }
}
