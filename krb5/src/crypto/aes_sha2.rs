//! aes128-cts-hmac-sha256-128 and aes256-cts-hmac-sha384-192 (RFC 8009).

use hmac::{Hmac, KeyInit};
use sha2::{Sha256, Sha384};

use super::block_cipher::BlockCipher;
use super::key_usage::Purpose;
use super::mac::Mac;
use super::usage_keys::CtsKeys;
use super::{EncryptionType, KeyUsage};

/// RFC 8009, 4: the iteration count if `s2kparams` is absent.
pub(super) const DEFAULT_ITERATIONS: u32 = 32_768;

pub(super) fn string_to_key(
    enctype: EncryptionType,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    key: &mut [u8],
) {
    let name = enctype.name().unwrap_or_default().as_bytes();
    let salt = [name, &[0], salt].concat();
    let mut intermediate = [0; 32];
    let intermediate = &mut intermediate[..key.len()];
    match key.len() {
        16 => pbkdf2::pbkdf2_hmac::<Sha256>(password, &salt, iterations, intermediate),
        _ => pbkdf2::pbkdf2_hmac::<Sha384>(password, &salt, iterations, intermediate),
    }
    Kdf::new(intermediate).derive(b"kerberos", &[], key);
}

/// KDF-HMAC-SHA2 of RFC 8009, 3, with its key set. Base keys of 16 bytes use SHA-256, those of 32
/// bytes SHA-384.
pub(super) enum Kdf {
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
}

impl Kdf {
    pub(super) fn new(base: &[u8]) -> Self {
        if base.len() == 16 {
            Self::Sha256(Hmac::new_from_slice(base).expect("HMAC takes keys of any length"))
        } else {
            Self::Sha384(Hmac::new_from_slice(base).expect("HMAC takes keys of any length"))
        }
    }

    /// Fills `output`, which never needs more than one block of the hash.
    pub(super) fn derive(&self, label: &[u8], context: &[u8], output: &mut [u8]) {
        fn first_block<M: hmac::Mac + Clone>(keyed: &M, parts: [&[u8]; 5], output: &mut [u8]) {
            let mut mac = keyed.clone();
            parts.iter().for_each(|part| mac.update(part));
            output.copy_from_slice(&mac.finalize().into_bytes()[..output.len()]);
        }
        let bits = (output.len() as u32 * 8).to_be_bytes();
        let parts = [&[0, 0, 0, 1], label, &[0], context, &bits];
        match self {
            Self::Sha256(keyed) => first_block(keyed, parts, output),
            Self::Sha384(keyed) => first_block(keyed, parts, output),
        }
    }

    /// Returns the MAC for this usage and purpose. Its HMAC key has 128 bits with SHA-256, 192 with
    /// SHA-384.
    fn mac(&self, usage: KeyUsage, purpose: Purpose) -> Mac {
        let mut key = [0; 24];
        match self {
            Self::Sha256(_) => {
                self.derive(&purpose.constant(usage), &[], &mut key[..16]);
                Mac::sha256(&key[..16])
            }
            Self::Sha384(_) => {
                self.derive(&purpose.constant(usage), &[], &mut key);
                Mac::sha384(&key)
            }
        }
    }
}

pub(super) fn usage_keys(base: &[u8], usage: KeyUsage) -> CtsKeys {
    let kdf = Kdf::new(base);
    let mut key = [0; 32];
    let key = &mut key[..base.len()];
    kdf.derive(&Purpose::Encryption.constant(usage), &[], key);
    CtsKeys {
        cipher: BlockCipher::aes(key),
        mac: kdf.mac(usage, Purpose::Integrity),
    }
}

pub(super) fn checksum_mac(base: &[u8], usage: KeyUsage) -> Mac {
    Kdf::new(base).mac(usage, Purpose::Checksum)
}

/// Computes the PRF (RFC 8009, 5): KDF-HMAC-SHA2(key, "prf", input), as long as the hash.
pub(super) fn prf(base: &[u8], input: &[u8]) -> Vec<u8> {
    let mut output = vec![0; if base.len() == 16 { 32 } else { 48 }];
    Kdf::new(base).derive(b"prf", input, &mut output);
    output
}
