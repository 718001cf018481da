//! AES and Camellia with an expanded key of either length.

use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherEncClosure, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes128Enc, Aes256, Aes256Enc};
use camellia::{Camellia128, Camellia256};

use super::cts;

/// An expanded key, for both directions.
pub(super) enum BlockCipher {
    Aes128(Aes128),
    Aes256(Aes256),
    Camellia128(Box<Camellia128>),
    Camellia256(Box<Camellia256>),
}

/// An expanded AES key that only encrypts: all that a derivation needs.
pub(super) enum AesEncryptor {
    Aes128(Aes128Enc),
    Aes256(Aes256Enc),
}

impl AesEncryptor {
    /// Expands a key of 16 or 32 bytes.
    pub(super) fn new(key: &[u8]) -> Self {
        if key.len() == 16 {
            Self::Aes128(Aes128Enc::new_from_slice(key).expect("16 bytes"))
        } else {
            Self::Aes256(Aes256Enc::new_from_slice(key).expect("a key of AES has 16 or 32 bytes"))
        }
    }

    /// Encrypts what the closure asks for.
    pub(super) fn encrypt(&self, closure: impl BlockCipherEncClosure<BlockSize = U16>) {
        match self {
            Self::Aes128(cipher) => cipher.encrypt_with_backend(closure),
            Self::Aes256(cipher) => cipher.encrypt_with_backend(closure),
        }
    }
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
}
