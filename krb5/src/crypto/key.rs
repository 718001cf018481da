//! Keys, with which data is encrypted, decrypted and signed.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use md5::Digest;
use rand::Rng;

use super::mac::Mac;
use super::rc4_hmac::{HmacMd5Checksum, Rc4Usage};
use super::usage_cache::UsageCache;
use super::usage_keys::UsageKeys;
use super::{
    ChecksumType, EncryptionType, KeyUsage, aes_sha1, aes_sha2, camellia, constant_time_eq, cts,
    des3, des3_cipher, rc4_hmac,
};
use crate::{Error, ErrorCode};

/// The maximum number of PBKDF2 iterations (MIT's limit). No KDC asks for more; a higher number
/// only wastes CPU time.
const MAX_ITERATIONS: u32 = 0x100_0000;

/// The longest header of a ciphertext, by [`EncryptionKey::header_len`].
pub(crate) const MAX_HEADER: usize = 24;
/// The most bytes that follow an encrypted plaintext, padding included.
pub(crate) const MAX_TRAILER: usize = 27;

/// A key and its encryption type.
///
/// Keys for each [`KeyUsage`] are derived on first use and then kept; clones are cheap and share
/// them. [`Debug`](fmt::Debug) hides the key. Equality takes constant time.
///
/// ```
/// use kerbox_krb5::{EncryptionKey, EncryptionType, KeyUsage};
/// use rand::SeedableRng;
/// use rand::rngs::StdRng;
///
/// # fn main() -> Result<(), kerbox_krb5::Error> {
/// let mut rng = StdRng::seed_from_u64(1);
/// let key = EncryptionKey::random(EncryptionType::AES256_CTS_HMAC_SHA1_96, &mut rng)?;
/// let sealed = key.encrypt(KeyUsage::AP_REQ_AUTHENTICATOR, b"a secret", &mut rng);
/// assert_eq!(key.decrypt(KeyUsage::AP_REQ_AUTHENTICATOR, &sealed)?, b"a secret");
/// // Each usage has keys of its own.
/// assert!(key.decrypt(KeyUsage::KDC_REP_TICKET, &sealed).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EncryptionKey(Arc<Inner>);

struct Inner {
    enctype: EncryptionType,
    family: Family,
    bytes: [u8; 32],
    len: usize,
    usages: UsageCache<UsageKeys>,
    checksums: UsageCache<Mac>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    AesSha1,
    AesSha2,
    Camellia,
    Des3,
    Rc4,
}

impl EncryptionKey {
    /// Creates a key from its bytes. Fails if their number does not fit the type, or the type is
    /// not supported.
    pub fn new(enctype: EncryptionType, bytes: &[u8]) -> Result<Self, Error> {
        let family = Family::of(enctype)?;
        if bytes.len() != enctype.key_len() {
            return Err(Error::KeyLength {
                enctype,
                expected: enctype.key_len(),
                got: bytes.len(),
            });
        }
        let mut inner = Inner {
            enctype,
            family,
            bytes: [0; 32],
            len: bytes.len(),
            usages: UsageCache::new(),
            checksums: UsageCache::new(),
        };
        inner.bytes[..bytes.len()].copy_from_slice(bytes);
        Ok(Self(Arc::new(inner)))
    }

    /// Creates a key from `seed` (`random-to-key` of RFC 3961), which must have
    /// [`EncryptionType::seed_len`] bytes.
    pub fn random_to_key(enctype: EncryptionType, seed: &[u8]) -> Result<Self, Error> {
        match <&[u8; 21]>::try_from(seed) {
            Ok(seed) if enctype == EncryptionType::DES3_CBC_SHA1_KD => {
                Self::new(enctype, &des3::random_to_key(seed))
            }
            _ => Self::new(enctype, seed),
        }
    }

    /// Creates a random key.
    pub fn random(enctype: EncryptionType, rng: &mut impl Rng) -> Result<Self, Error> {
        let mut seed = [0; 32];
        let seed = &mut seed[..enctype.seed_len()];
        rng.fill_bytes(seed);
        Self::random_to_key(enctype, seed)
    }

    /// Derives a key from a password (string-to-key). `params` is the `s2kparams` of ETYPE-INFO2:
    /// for AES and Camellia, the number of iterations in four bytes. Fails if it has another
    /// length, or gives zero (which would mean 2^32) or more than 2^24 iterations. The older types
    /// accept no parameters.
    ///
    /// This is slow by design: thousands of hashes.
    pub fn from_password(
        enctype: EncryptionType,
        password: &[u8],
        salt: &[u8],
        params: Option<&[u8]>,
    ) -> Result<Self, Error> {
        let family = Family::of(enctype)?;
        let mut key = [0; 32];
        let key = &mut key[..enctype.key_len()];
        match family {
            Family::AesSha1 => {
                let iterations = iterations(params, aes_sha1::DEFAULT_ITERATIONS)?;
                aes_sha1::string_to_key(password, salt, iterations, key);
            }
            Family::AesSha2 => {
                let iterations = iterations(params, aes_sha2::DEFAULT_ITERATIONS)?;
                aes_sha2::string_to_key(enctype, password, salt, iterations, key);
            }
            Family::Camellia => {
                let iterations = iterations(params, camellia::DEFAULT_ITERATIONS)?;
                camellia::string_to_key(enctype, password, salt, iterations, key);
            }
            Family::Des3 | Family::Rc4 if params.is_some_and(|params| !params.is_empty()) => {
                return Err(Error::StringToKeyParams {
                    params: params.unwrap_or_default().to_vec(),
                });
            }
            Family::Des3 => key.copy_from_slice(&des3::string_to_key(password, salt)),
            Family::Rc4 => key.copy_from_slice(&rc4_hmac::string_to_key(password)),
        }
        Self::new(enctype, key)
    }

    /// Returns the encryption type.
    #[must_use]
    pub fn enctype(&self) -> EncryptionType {
        self.0.enctype
    }

    /// Returns the key's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.bytes[..self.0.len]
    }

    /// Returns the number of random bytes that are encrypted before the plaintext.
    #[must_use]
    pub fn confounder_len(&self) -> usize {
        match self.0.family {
            Family::AesSha1 | Family::AesSha2 | Family::Camellia => cts::BLOCK,
            Family::Des3 => des3_cipher::BLOCK,
            Family::Rc4 => rc4_hmac::CONFOUNDER,
        }
    }

    /// Returns the number of bytes of a ciphertext before those of the plaintext: the confounder,
    /// preceded by the MAC with rc4-hmac.
    #[must_use]
    pub fn header_len(&self) -> usize {
        match self.0.family {
            Family::Rc4 => 16 + self.confounder_len(),
            _ => self.confounder_len(),
        }
    }

    /// Returns the number of bytes of a ciphertext after those of the plaintext: the MAC, except
    /// with rc4-hmac. (With des3-cbc-sha1-kd, up to seven bytes of padding are added.)
    #[must_use]
    pub fn trailer_len(&self) -> usize {
        match (self.0.family, self.0.len) {
            (Family::AesSha1, _) => 12,
            (Family::AesSha2, 16) | (Family::Camellia, _) => 16,
            (Family::AesSha2, _) => 24,
            (Family::Des3, _) => 20,
            (Family::Rc4, _) => 0,
        }
    }

    /// Returns the number of bytes of a [`checksum`](Self::checksum).
    #[must_use]
    pub fn checksum_len(&self) -> usize {
        match self.0.family {
            Family::Rc4 => 16,
            _ => self.trailer_len(),
        }
    }

    /// Encrypts with a random confounder and a MAC.
    #[must_use]
    pub fn encrypt(&self, usage: KeyUsage, plaintext: &[u8], rng: &mut impl Rng) -> Vec<u8> {
        let mut ciphertext = Vec::new();
        self.encrypt_into(usage, &[plaintext], rng, &mut ciphertext);
        ciphertext
    }

    /// Encrypts the concatenation of `parts` and appends the ciphertext to `output`.
    pub fn encrypt_into(
        &self,
        usage: KeyUsage,
        parts: &[&[u8]],
        rng: &mut impl Rng,
        output: &mut Vec<u8>,
    ) {
        let start = output.len();
        // The buffer grows once, and is encrypted in place, because packets are large.
        let plaintext_len: usize = parts.iter().map(|part| part.len()).sum();
        output.reserve(self.header_len() + plaintext_len + self.trailer_len());
        output.resize(start + self.header_len(), 0);
        parts.iter().for_each(|part| output.extend_from_slice(part));
        self.encrypt_in_place(usage, output, start, rng);
    }

    /// Encrypts what `buffer` holds from `start` on: [`header_len`](Self::header_len) bytes of
    /// room, and the plaintext. Appends the MAC, and with des3-cbc-sha1-kd the padding before it:
    /// at most [`MAX_TRAILER`] bytes.
    pub(crate) fn encrypt_in_place(
        &self,
        usage: KeyUsage,
        buffer: &mut Vec<u8>,
        start: usize,
        rng: &mut impl Rng,
    ) {
        // With rc4-hmac there is room for the MAC before the confounder.
        let header = start + self.header_len();
        rng.fill_bytes(&mut buffer[header - self.confounder_len()..header]);
        self.usage_keys(usage).encrypt(buffer, start);
    }

    /// Decrypts and checks the MAC. Fails with `KRB_AP_ERR_BAD_INTEGRITY`.
    pub fn decrypt(&self, usage: KeyUsage, ciphertext: &[u8]) -> Result<Vec<u8>, Error> {
        let mut buffer = ciphertext.to_vec();
        let plaintext = self.decrypt_in_place(usage, &mut buffer)?;
        buffer.truncate(plaintext.end);
        buffer.drain(..plaintext.start);
        Ok(buffer)
    }

    /// Decrypts a ciphertext in place, checks the MAC, and returns the range of the buffer that now
    /// holds the plaintext. Fails with `KRB_AP_ERR_BAD_INTEGRITY`; the content of the buffer is
    /// then unspecified. With des3-cbc-sha1-kd, the plaintext may be followed by zeros, up to a
    /// whole block.
    pub fn decrypt_in_place(
        &self,
        usage: KeyUsage,
        buffer: &mut [u8],
    ) -> Result<Range<usize>, Error> {
        let plaintext = self.usage_keys(usage).decrypt(buffer);
        plaintext.ok_or_else(|| ErrorCode::KRB_AP_ERR_BAD_INTEGRITY.into())
    }

    /// Computes the keyed checksum of the type that goes with this key's type (RFC 3961: required
    /// checksum mechanism).
    #[must_use]
    pub fn checksum(&self, usage: KeyUsage, data: &[u8]) -> Vec<u8> {
        self.checksum_of_parts(usage, &[data])
    }

    /// Computes the checksum of the concatenation of `parts`.
    #[must_use]
    pub fn checksum_of_parts(&self, usage: KeyUsage, parts: &[&[u8]]) -> Vec<u8> {
        self.checksum_mac(usage).compute(parts).to_vec()
    }

    /// Returns whether `checksum` is that of `data`, in constant time.
    #[must_use]
    pub fn verify_checksum(&self, usage: KeyUsage, data: &[u8], checksum: &[u8]) -> bool {
        self.verify_checksum_of_parts(usage, &[data], checksum)
    }

    /// Returns whether `checksum` is that of the concatenation of `parts`, in constant time.
    #[must_use]
    pub fn verify_checksum_of_parts(
        &self,
        usage: KeyUsage,
        parts: &[&[u8]],
        checksum: &[u8],
    ) -> bool {
        self.checksum_mac(usage).verify(parts, checksum)
    }

    /// Verifies a checksum of a type chosen by a peer, as MIT's KDC does. Fails with
    /// `KRB_AP_ERR_INAPP_CKSUM` if the type is unkeyed or needs a key of another type, with
    /// `KDC_ERR_SUMTYPE_NOSUPP` if the type is unknown, and with `KRB_AP_ERR_MODIFIED` if the
    /// checksum does not match `data`.
    ///
    /// There is one exception: with rc4-hmac, the authenticator of a TGS-REQ may carry plain MD5,
    /// since its encryption protects it. Heimdal's clients send nothing else, and MIT's KDC accepts
    /// it.
    pub fn verify_checksum_of_type(
        &self,
        checksum_type: ChecksumType,
        usage: KeyUsage,
        data: &[u8],
        checksum: &[u8],
    ) -> Result<(), Error> {
        let genuine = match checksum_type.enctype() {
            Some(enctype) if enctype == self.enctype() => {
                self.verify_checksum(usage, data, checksum)
            }
            None if checksum_type == ChecksumType::HMAC_MD5 => {
                constant_time_eq(&self.hmac_md5(usage, data), checksum)
            }
            None if self.takes_plain_md5(checksum_type, usage) => {
                constant_time_eq(&md5::Md5::digest(data), checksum)
            }
            None if !checksum_type.is_unkeyed() => {
                return Err(ErrorCode::KDC_ERR_SUMTYPE_NOSUPP.into());
            }
            // Anyone can compute an unkeyed checksum, so it proves nothing.
            _ => return Err(ErrorCode::KRB_AP_ERR_INAPP_CKSUM.into()),
        };
        if genuine {
            Ok(())
        } else {
            Err(ErrorCode::KRB_AP_ERR_MODIFIED.into())
        }
    }

    fn takes_plain_md5(&self, checksum_type: ChecksumType, usage: KeyUsage) -> bool {
        self.0.family == Family::Rc4
            && checksum_type == ChecksumType::RSA_MD5
            && usage == KeyUsage::TGS_REQ_AUTHENTICATOR_CHECKSUM
    }

    /// Computes the checksum HMAC-MD5, which accepts a key of any type. PA-FOR-USER always uses it
    /// (RFC 4757, 4; MS-SFU, 2.2.1).
    #[must_use]
    pub fn hmac_md5(&self, usage: KeyUsage, data: &[u8]) -> [u8; 16] {
        HmacMd5Checksum::new(self.as_bytes(), usage).compute(&[data])
    }

    /// Returns the checksum type that goes with this key's type.
    #[must_use]
    pub fn checksum_type(&self) -> ChecksumType {
        self.0.enctype.checksum_type()
    }

    /// Computes the pseudo-random function of the key's type (RFC 3961, 3962, 6803, 8009).
    #[must_use]
    pub fn prf(&self, input: &[u8]) -> Vec<u8> {
        match self.0.family {
            Family::AesSha1 => aes_sha1::prf(self.as_bytes(), input),
            Family::AesSha2 => aes_sha2::prf(self.as_bytes(), input),
            Family::Camellia => camellia::prf(self.as_bytes(), input),
            Family::Des3 => des3::prf(self.des3_bytes(), input),
            Family::Rc4 => rc4_hmac::prf(self.as_bytes(), input),
        }
    }

    fn usage_keys(&self, usage: KeyUsage) -> &UsageKeys {
        self.0.usages.get(usage, || match self.0.family {
            Family::AesSha1 => UsageKeys::PlainMac(aes_sha1::usage_keys(self.as_bytes(), usage)),
            Family::AesSha2 => UsageKeys::CipherMac(aes_sha2::usage_keys(self.as_bytes(), usage)),
            Family::Camellia => UsageKeys::PlainMac(camellia::usage_keys(self.as_bytes(), usage)),
            Family::Des3 => des3::usage_keys(self.des3_bytes(), usage),
            Family::Rc4 => UsageKeys::Rc4(Rc4Usage::new(self.as_bytes(), usage)),
        })
    }

    fn checksum_mac(&self, usage: KeyUsage) -> &Mac {
        self.0.checksums.get(usage, || match self.0.family {
            Family::AesSha1 => aes_sha1::checksum_mac(self.as_bytes(), usage),
            Family::AesSha2 => aes_sha2::checksum_mac(self.as_bytes(), usage),
            Family::Camellia => camellia::checksum_mac(self.as_bytes(), usage),
            Family::Des3 => des3::checksum_mac(self.des3_bytes(), usage),
            Family::Rc4 => Mac::Md5(HmacMd5Checksum::new(self.as_bytes(), usage)),
        })
    }

    fn des3_bytes(&self) -> &[u8; 24] {
        self.0.bytes.first_chunk().expect("the array is longer")
    }
}

impl Family {
    fn of(enctype: EncryptionType) -> Result<Self, Error> {
        match enctype {
            EncryptionType::AES128_CTS_HMAC_SHA1_96 | EncryptionType::AES256_CTS_HMAC_SHA1_96 => {
                Ok(Self::AesSha1)
            }
            EncryptionType::AES128_CTS_HMAC_SHA256_128
            | EncryptionType::AES256_CTS_HMAC_SHA384_192 => Ok(Self::AesSha2),
            EncryptionType::CAMELLIA128_CTS_CMAC | EncryptionType::CAMELLIA256_CTS_CMAC => {
                Ok(Self::Camellia)
            }
            EncryptionType::DES3_CBC_SHA1_KD => Ok(Self::Des3),
            EncryptionType::RC4_HMAC => Ok(Self::Rc4),
            _ => Err(Error::EncryptionType { enctype }),
        }
    }
}

fn iterations(params: Option<&[u8]>, default: u32) -> Result<u32, Error> {
    let Some(params) = params else {
        return Ok(default);
    };
    let iterations = <[u8; 4]>::try_from(params).map(u32::from_be_bytes);
    match iterations {
        Ok(iterations @ 1..=MAX_ITERATIONS) => Ok(iterations),
        _ => Err(Error::StringToKeyParams {
            params: params.to_vec(),
        }),
    }
}

impl PartialEq for EncryptionKey {
    fn eq(&self, other: &Self) -> bool {
        self.enctype() == other.enctype() && constant_time_eq(self.as_bytes(), other.as_bytes())
    }
}

impl Eq for EncryptionKey {}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKey({})", self.enctype())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::block_cipher::AesEncryptor;
    use crate::testing::unhex;

    #[test]
    fn derived_keys_are_the_published_ones() {
        let lines = include_str!("../../testdata/crypto_vectors.txt").lines();
        for line in lines.filter_map(|line| line.strip_prefix("derive ")) {
            let fields: Vec<_> = line.split(' ').collect();
            let [enctype, key, constant, expected] = fields[..] else {
                panic!("{line}")
            };
            let (key, constant, expected) = (unhex(key), unhex(constant), unhex(expected));
            let mut derived = vec![0; expected.len()];
            match Family::of(EncryptionType(enctype.parse().expect("a number"))) {
                Ok(Family::AesSha1) => {
                    aes_sha1::derive(&AesEncryptor::new(&key), &constant, &mut derived);
                }
                Ok(Family::AesSha2) => {
                    aes_sha2::Kdf::new(&key).derive(&constant, &[], &mut derived);
                }
                Ok(Family::Camellia) => camellia::derive_of(&key, &constant, &mut derived),
                Ok(Family::Des3) => {
                    derived =
                        des3::derive(key[..].try_into().expect("24 bytes"), &constant).to_vec();
                }
                Ok(Family::Rc4) | Err(_) => panic!("no derivation of its own: {line}"),
            }
            assert_eq!(derived, expected, "{line}");
        }
    }
}
