//! The ciphers of GSS-API tokens older than RFC 4121. They use a context's key directly, without a
//! key usage (RFC 1964 as MIT extends it to des3-cbc-sha1-kd; RFC 4757, 7).

use super::des3_cipher::{BLOCK, Des3Cipher};
use super::rc4_hmac::Rc4Token;
use super::{EncryptionKey, EncryptionType};

/// The cipher for a context's messages and their sequence numbers.
pub(crate) enum TokenCipher {
    /// des3-cbc-sha1-kd.
    Des3(Des3Cipher),
    /// rc4-hmac.
    Rc4(Box<Rc4Token>),
}

impl TokenCipher {
    /// Returns the cipher for a key of an old type; `None` for types whose tokens follow RFC 4121.
    pub(crate) fn of(key: &EncryptionKey) -> Option<Self> {
        match key.enctype() {
            EncryptionType::DES3_CBC_SHA1_KD => {
                let bytes = key.as_bytes().first_chunk()?;
                Some(Self::Des3(Des3Cipher::new(bytes)))
            }
            EncryptionType::RC4_HMAC => {
                let bytes = key.as_bytes().first_chunk()?;
                Some(Self::Rc4(Box::new(Rc4Token::new(bytes))))
            }
            _ => None,
        }
    }

    /// Encrypts the block with a sequence number, next to a checksum that begins with these bytes.
    pub(crate) fn encrypt_number(&self, checksum: [u8; BLOCK], block: &mut [u8; BLOCK]) {
        match self {
            Self::Des3(cipher) => cipher.encrypt_from(checksum, block),
            Self::Rc4(cipher) => cipher.apply_to_number(checksum, block),
        }
    }

    /// Decrypts what [`encrypt_number`](Self::encrypt_number) encrypted.
    pub(crate) fn decrypt_number(&self, checksum: [u8; BLOCK], block: &mut [u8; BLOCK]) {
        match self {
            Self::Des3(cipher) => cipher.decrypt_from(checksum, block),
            Self::Rc4(cipher) => cipher.apply_to_number(checksum, block),
        }
    }

    /// Encrypts the message that has this number, in place.
    pub(crate) fn seal(&self, number: u32, message: &mut [u8]) {
        match self {
            Self::Des3(cipher) => cipher.encrypt(message),
            Self::Rc4(cipher) => cipher.apply_to_message(number, message),
        }
    }

    /// Decrypts the message that has this number, in place; `None` if its length is impossible.
    pub(crate) fn open(&self, number: u32, message: &mut [u8]) -> Option<()> {
        match self {
            Self::Des3(_) if !message.len().is_multiple_of(BLOCK) => return None,
            Self::Des3(cipher) => cipher.decrypt(message),
            Self::Rc4(cipher) => cipher.apply_to_message(number, message),
        }
        Some(())
    }
}
