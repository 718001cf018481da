//! aes128-cts-hmac-sha1-96 and aes256-cts-hmac-sha1-96 (RFC 3962 over RFC 3961's simplified
//! profile).

use aes::cipher::array::Array;
use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherEncBackend, BlockCipherEncClosure, BlockSizeUser};
use sha1::{Digest, Sha1};

use super::KeyUsage;
use super::block_cipher::{AesEncryptor, BlockCipher};
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
    derive(&AesEncryptor::new(intermediate), b"kerberos", key);
}

/// Derives DK(base, constant) of RFC 3961, 5.1.
pub(super) fn derive(base: &AesEncryptor, constant: &[u8], key: &mut [u8]) {
    base.encrypt(Derivation([(nfold(constant), key)]));
}

/// The derivation of keys from constants, which are folded, in one call of the cipher.
struct Derivation<'a, const N: usize>([([u8; BLOCK], &'a mut [u8]); N]);

impl<const N: usize> BlockSizeUser for Derivation<'_, N> {
    type BlockSize = U16;
}

impl<const N: usize> BlockCipherEncClosure for Derivation<'_, N> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        for (constant, key) in self.0 {
            let mut block = Array::from(constant);
            for piece in key.chunks_mut(BLOCK) {
                backend.encrypt_block_inplace(&mut block);
                piece.copy_from_slice(&block[..piece.len()]);
            }
        }
    }
}

fn folded(usage: KeyUsage, purpose: Purpose) -> [u8; BLOCK] {
    nfold_usage(purpose.constant(usage))
}

pub(super) fn usage_keys(base: &[u8], usage: KeyUsage) -> CtsKeys {
    let (mut integrity, mut encryption) = ([0; 32], [0; 32]);
    let integrity = &mut integrity[..base.len()];
    let encryption = &mut encryption[..base.len()];
    AesEncryptor::new(base).encrypt(Derivation([
        (folded(usage, Purpose::Integrity), &mut *integrity),
        (folded(usage, Purpose::Encryption), &mut *encryption),
    ]));
    CtsKeys {
        cipher: BlockCipher::aes(encryption),
        mac: Mac::sha1(integrity),
    }
}

pub(super) fn checksum_mac(base: &[u8], usage: KeyUsage) -> Mac {
    let mut key = [0; 32];
    let key = &mut key[..base.len()];
    let constant = folded(usage, Purpose::Checksum);
    AesEncryptor::new(base).encrypt(Derivation([(constant, &mut *key)]));
    Mac::sha1(key)
}

/// Computes the PRF (RFC 3962, 6): the first block of SHA-1, encrypted under DK(key, "prf").
pub(super) fn prf(base: &[u8], input: &[u8]) -> Vec<u8> {
    let mut key = [0; 32];
    let key = &mut key[..base.len()];
    derive(&AesEncryptor::new(base), b"prf", key);
    let mut first = [0; BLOCK];
    first.copy_from_slice(&Sha1::digest(input)[..BLOCK]);
    let mut block = [0; BLOCK];
    AesEncryptor::new(key).encrypt(Derivation([(first, &mut block)]));
    block.to_vec()
}
