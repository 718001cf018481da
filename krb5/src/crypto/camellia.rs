//! camellia128-cts-cmac and camellia256-cts-cmac (RFC 6803).

use camellia::{Camellia128, Camellia256};
use cmac::{Cmac, KeyInit};
use sha1::Sha1;

use super::block_cipher::BlockCipher;
use super::cts::BLOCK;
use super::key_usage::Purpose;
use super::mac::Mac;
use super::usage_keys::CtsKeys;
use super::{EncryptionType, KeyUsage};

/// RFC 6803, 3: the iteration count if `s2kparams` is absent.
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
    pbkdf2::pbkdf2_hmac::<Sha1>(password, &salt, iterations, intermediate);
    derive(&mac(intermediate), b"kerberos", key);
}

/// Returns a CMAC with a key of either length.
fn mac(key: &[u8]) -> Mac {
    if key.len() == 16 {
        let keyed = Cmac::<Camellia128>::new_from_slice(key).expect("16 bytes");
        Mac::Camellia128(Box::new(keyed))
    } else {
        let keyed = Cmac::<Camellia256>::new_from_slice(key);
        Mac::Camellia256(Box::new(
            keyed.expect("a key of Camellia has 16 or 32 bytes"),
        ))
    }
}

/// Derives a key with KDF-FEEDBACK-CMAC (RFC 6803, 3); the base key is in the MAC. Each block is
/// the MAC of the previous block, its own number, the constant, a zero and the length in bits.
pub(super) fn derive(base: &Mac, constant: &[u8], key: &mut [u8]) {
    let bits = (key.len() as u32 * 8).to_be_bytes();
    let mut block = [0; BLOCK];
    for (number, piece) in (1_u32..).zip(key.chunks_mut(BLOCK)) {
        let parts = [&block, &number.to_be_bytes()[..], constant, &[0], &bits];
        let next = base.compute(&parts);
        block.copy_from_slice(&next);
        piece.copy_from_slice(&block[..piece.len()]);
    }
}

/// Returns the MAC whose key [`derive`] derives from `base`, with the same length.
fn derived_mac(base: &[u8], constant: &[u8]) -> Mac {
    let mut key = [0; 32];
    let key = &mut key[..base.len()];
    derive(&mac(base), constant, key);
    mac(key)
}

pub(super) fn usage_keys(base: &[u8], usage: KeyUsage) -> CtsKeys {
    let mut key = [0; 32];
    let key = &mut key[..base.len()];
    derive(&mac(base), &Purpose::Encryption.constant(usage), key);
    CtsKeys {
        cipher: BlockCipher::camellia(key),
        mac: derived_mac(base, &Purpose::Integrity.constant(usage)),
    }
}

pub(super) fn checksum_mac(base: &[u8], usage: KeyUsage) -> Mac {
    derived_mac(base, &Purpose::Checksum.constant(usage))
}

/// Computes the PRF (RFC 6803, 6): CMAC of the input under KDF-FEEDBACK-CMAC(key, "prf").
pub(super) fn prf(base: &[u8], input: &[u8]) -> Vec<u8> {
    derived_mac(base, b"prf").compute(&[input]).to_vec()
}

/// Runs [`derive`] with a key given as bytes.
#[cfg(test)]
pub(super) fn derive_of(base: &[u8], constant: &[u8], key: &mut [u8]) {
    derive(&mac(base), constant, key);
}
