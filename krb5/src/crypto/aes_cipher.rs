//! AES with an expanded key of either length.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};

use super::cts;

/// An expanded AES key, for both directions.
pub(super) enum AesCipher {
    Aes128(Aes128),
    Aes256(Aes256),
}

impl AesCipher {
    /// Expands a key of 16 or 32 bytes; the key's length was checked when the key was made.
    pub(super) fn new(key: &[u8]) -> Self {
        if key.len() == 16 {
            Self::Aes128(Aes128::new_from_slice(key).expect("16 bytes"))
        } else {
            Self::Aes256(Aes256::new_from_slice(key).expect("a key of AES has 16 or 32 bytes"))
        }
    }

    /// CBC-CTS with a zero IV, in place, on at least one block.
    pub(super) fn cts_encrypt(&self, data: &mut [u8]) {
        match self {
            Self::Aes128(cipher) => cts::encrypt(cipher, data),
            Self::Aes256(cipher) => cts::encrypt(cipher, data),
        }
    }

    /// The inverse of [`cts_encrypt`](Self::cts_encrypt).
    pub(super) fn cts_decrypt(&self, data: &mut [u8]) {
        match self {
            Self::Aes128(cipher) => cts::decrypt(cipher, data),
            Self::Aes256(cipher) => cts::decrypt(cipher, data),
        }
    }

    /// Encrypts one block.
    pub(super) fn encrypt_block(&self, block: &mut [u8; cts::BLOCK]) {
        match self {
            Self::Aes128(cipher) => cipher.encrypt_block(block.into()),
            Self::Aes256(cipher) => cipher.encrypt_block(block.into()),
        }
    }
}
