//! aes128-cts-hmac-sha1-96 and aes256-cts-hmac-sha1-96 (RFC 3962 over RFC 3961's simplified
//! profile).

use sha1::{Digest, Sha1};

use super::KeyUsage;
use super::block_cipher::BlockCipher;
use super::cts::BLOCK;
use super::key_usage::Purpose;
use super::mac::Mac;
use super::nfold::{nfold, nfold_usage};
use super::usage_keys::CtsKeys;

/// RFC 3962, 4: the iteration count if `s2kparams` is absent.
pub(super) const DEFAULT_ITERATIONS: u32 = 4096;

pub(super) fn string_to_key(password: &[u8], salt: &[u8], iterations: u32, key: &mut [u8]) {
    let mut intermediate = [0; 32];
    let intermediate = &mut intermediate[..key.len()];
    pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, intermediate);
    derive(&BlockCipher::aes(intermediate), b"kerberos", key);
}

/// Derives DK(base, constant) of RFC 3961, 5.1.
pub(super) fn derive(base: &BlockCipher, constant: &[u8], key: &mut [u8]) {
    derive_folded(base, nfold(constant), key);
}

fn derive_folded(base: &BlockCipher, mut block: [u8; BLOCK], key: &mut [u8]) {
    for piece in key.chunks_mut(BLOCK) {
        base.encrypt_block(&mut block);
        piece.copy_from_slice(&block[..piece.len()]);
    }
}

fn derive_for(base: &BlockCipher, usage: KeyUsage, purpose: Purpose, key: &mut [u8]) {
    derive_folded(base, nfold_usage(purpose.constant(usage)), key);
}

pub(super) fn usage_keys(base: &[u8], usage: KeyUsage) -> CtsKeys {
    let cipher = BlockCipher::aes(base);
    let mut key = [0; 32];
    let key = &mut key[..base.len()];
    derive_for(&cipher, usage, Purpose::Integrity, key);
    let mac = Mac::sha1(key);
    derive_for(&cipher, usage, Purpose::Encryption, key);
    CtsKeys {
        cipher: BlockCipher::aes(key),
        mac,
    }
}

pub(super) fn checksum_mac(base: &[u8], usage: KeyUsage) -> Mac {
    let mut key = [0; 32];
    let key = &mut key[..base.len()];
    derive_for(&BlockCipher::aes(base), usage, Purpose::Checksum, key);
    Mac::sha1(key)
}

/// Computes the PRF (RFC 3962, 6): the first block of SHA-1, encrypted under DK(key, "prf").
pub(super) fn prf(base: &[u8], input: &[u8]) -> Vec<u8> {
    let mut key = [0; 32];
    let key = &mut key[..base.len()];
    derive(&BlockCipher::aes(base), b"prf", key);
    let mut block = [0; BLOCK];
    block.copy_from_slice(&Sha1::digest(input)[..BLOCK]);
    BlockCipher::aes(key).encrypt_block(&mut block);
    block.to_vec()
}
