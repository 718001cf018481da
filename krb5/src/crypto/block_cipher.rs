//! AES and Camellia with an expanded key of either length.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use camellia::{Camellia128, Camellia256};

use super::cts;

/// An expanded key, for both directions.
pub(super) enum BlockCipher {
    Aes128(Aes128),
    Aes256(Aes256),
    Camellia128(Box<Camellia128>),
    Camellia256(Box<Camellia256>),
}

impl BlockCipher {
    /// Expands a key of 16 or 32 bytes. The length was checked when the key was created.
    pub(super) fn aes(key: &[u8]) -> Self {
        if key.len() == 16 {
            Self::Aes128(Aes128::new_from_slice(key).expect("16 bytes"))
        } else {
            Self::Aes256(Aes256::new_from_slice(key).expect("a key of AES has 16 or 32 bytes"))
        }
    }

    /// Expands a Camellia key in the same way.
    pub(super) fn camellia(key: &[u8]) -> Self {
        if key.len() == 16 {
            let cipher = Camellia128::new_from_slice(key).expect("16 bytes");
            Self::Camellia128(Box::new(cipher))
        } else {
            let cipher = Camellia256::new_from_slice(key);
            Self::Camellia256(Box::new(
                cipher.expect("a key of Camellia has 16 or 32 bytes"),
            ))
        }
    }

    /// Encrypts with CBC-CTS and a zero IV, in place. `data` must hold at least one block.
    pub(super) fn cts_encrypt(&self, data: &mut [u8]) {
        match self {
            Self::Aes128(cipher) => cts::encrypt(cipher, data),
            Self::Aes256(cipher) => cts::encrypt(cipher, data),
            Self::Camellia128(cipher) => cts::encrypt(&**cipher, data),
            Self::Camellia256(cipher) => cts::encrypt(&**cipher, data),
        }
    }

    /// Decrypts what [`cts_encrypt`](Self::cts_encrypt) encrypted.
    pub(super) fn cts_decrypt(&self, data: &mut [u8]) {
        match self {
            Self::Aes128(cipher) => cts::decrypt(cipher, data),
            Self::Aes256(cipher) => cts::decrypt(cipher, data),
            Self::Camellia128(cipher) => cts::decrypt(&**cipher, data),
            Self::Camellia256(cipher) => cts::decrypt(&**cipher, data),
        }
    }

    /// Encrypts one block.
    pub(super) fn encrypt_block(&self, block: &mut [u8; cts::BLOCK]) {
        match self {
            Self::Aes128(cipher) => cipher.encrypt_block(block.into()),
            Self::Aes256(cipher) => cipher.encrypt_block(block.into()),
            Self::Camellia128(cipher) => cipher.encrypt_block(block.into()),
            Self::Camellia256(cipher) => cipher.encrypt_block(block.into()),
        }
    }
}
