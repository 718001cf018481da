//! AES/CTR/NoPadding (`dfs.encrypt.data.transfer.cipher.suites`).

use ctr::cipher::{KeyIvInit, StreamCipher};

use crate::HdfsError;

/// AES/CTR/NoPadding for one direction of a connection.
pub(crate) struct AesCtr(Aes);

enum Aes {
    Bits128(ctr::Ctr128BE<aes::Aes128>),
    Bits192(ctr::Ctr128BE<aes::Aes192>),
    Bits256(ctr::Ctr128BE<aes::Aes256>),
}

impl AesCtr {
    /// Creates a cipher from a key of 16, 24 or 32 bytes and an IV of 16.
    pub(crate) fn new(key: &[u8], iv: &[u8]) -> Result<Box<Self>, HdfsError> {
        let cipher = match key.len() {
            16 => KeyIvInit::new_from_slices(key, iv).map(Aes::Bits128),
            24 => KeyIvInit::new_from_slices(key, iv).map(Aes::Bits192),
            32 => KeyIvInit::new_from_slices(key, iv).map(Aes::Bits256),
            _ => Err(ctr::cipher::InvalidLength),
        };
        cipher.map(|cipher| Box::new(Self(cipher))).map_err(|_| {
            HdfsError::io(format!(
                "AES/CTR/NoPadding needs a key of 16, 24 or 32 bytes and an IV of 16; there are {} and {}",
                key.len(),
                iv.len()
            ))
        })
    }

    /// Encrypts or decrypts the next bytes.
    pub(super) fn apply(&mut self, bytes: &mut [u8]) {
        match &mut self.0 {
            Aes::Bits128(cipher) => cipher.apply_keystream(bytes),
            Aes::Bits192(cipher) => cipher.apply_keystream(bytes),
            Aes::Bits256(cipher) => cipher.apply_keystream(bytes),
        }
    }
}
