//! des3-cbc-sha1-kd (RFC 3961, 6.3): weak, for tests of old clients only.

use sha1::{Digest, Sha1};

use super::des3_cipher::{BLOCK, Des3Cipher};
use super::key_usage::{KeyUsage, Purpose};
use super::mac::Mac;
use super::nfold::nfold;
use super::usage_keys::UsageKeys;

/// Spreads 168 bits over three DES keys. Each key takes seven bytes; the lowest bits of these, in
/// order, form its eighth byte. Then every lowest bit is replaced by parity. If a DES key is weak,
/// its last byte is changed.
pub(super) fn random_to_key(seed: &[u8; 21]) -> [u8; 24] {
    let mut key = [0; 24];
    for (part, seed) in key.chunks_exact_mut(8).zip(seed.chunks_exact(7)) {
        part[..7].copy_from_slice(seed);
        part[7] = (0..7).map(|index| (seed[index] & 1) << (index + 1)).sum();
        for byte in &mut *part {
            *byte = *byte & 0xfe | u8::from((*byte & 0xfe).count_ones().is_multiple_of(2));
        }
        if des::weak_key_test(part).is_err() {
            part[7] ^= 0xf0;
        }
    }
    key
}

/// Derives DK(base, constant) of RFC 3961, 5.1.
pub(super) fn derive(base: &[u8; 24], constant: &[u8]) -> [u8; 24] {
    let cipher = Des3Cipher::new(base);
    let mut block = nfold::<BLOCK>(constant);
    let mut seed = [0; 21];
    for piece in seed.chunks_mut(BLOCK) {
        cipher.encrypt(&mut block);
        piece.copy_from_slice(&block[..piece.len()]);
    }
    random_to_key(&seed)
}

pub(super) fn string_to_key(password: &[u8], salt: &[u8]) -> [u8; 24] {
    derive(
        &random_to_key(&nfold(&[password, salt].concat())),
        b"kerberos",
    )
}

pub(super) fn usage_keys(base: &[u8; 24], usage: KeyUsage) -> UsageKeys {
    UsageKeys::Des3 {
        cipher: Box::new(Des3Cipher::new(&derive(
            base,
            &Purpose::Encryption.constant(usage),
        ))),
        mac: Mac::whole_sha1(&derive(base, &Purpose::Integrity.constant(usage))),
    }
}

pub(super) fn checksum_mac(base: &[u8; 24], usage: KeyUsage) -> Mac {
    Mac::whole_sha1(&derive(base, &Purpose::Checksum.constant(usage)))
}

/// Computes the simplified profile's PRF (RFC 3961, 5.3): SHA-1, truncated to whole blocks,
/// encrypted under DK(key, "prf").
pub(super) fn prf(base: &[u8; 24], input: &[u8]) -> Vec<u8> {
    let mut output = Sha1::digest(input)[..16].to_vec();
    Des3Cipher::new(&derive(base, b"prf")).encrypt(&mut output);
    output
}
