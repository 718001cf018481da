//! The ciphers of GSS-API tokens that are older than RFC 4121: they take a context's key as it is,
//! without a usage (RFC 1964 as MIT extends it to des3-cbc-sha1-kd; RFC 4757, 7).

use super::des3::{BLOCK, Des3Cipher};
use super::rc4_hmac::Rc4Token;
use super::{EncryptionKey, EncryptionType};

/// What encrypts the messages of a context, and the numbers that stand beside them.
pub(crate) enum TokenCipher {
    /// des3-cbc-sha1-kd.
    Des3(Des3Cipher),
    /// rc4-hmac.
    Rc4(Box<Rc4Token>),
}

impl TokenCipher {
    /// The cipher of a key of an old type; `None` for the types whose tokens are RFC 4121's.
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

    /// Encrypts the block of a sequence number, beside a checksum that begins with these bytes.
    pub(crate) fn encrypt_number(&self, checksum: [u8; BLOCK], block: &mut [u8; BLOCK]) {
        match self {
            Self::Des3(cipher) => cipher.encrypt_from(checksum, block),
            Self::Rc4(cipher) => cipher.apply_to_number(checksum, block),
        }
    }

    /// The inverse of [`encrypt_number`](Self::encrypt_number).
    pub(crate) fn decrypt_number(&self, checksum: [u8; BLOCK], block: &mut [u8; BLOCK]) {
        match self {
            Self::Des3(cipher) => cipher.decrypt_from(checksum, block),
            Self::Rc4(cipher) => cipher.apply_to_number(checksum, block),
        }
    }

    /// Encrypts the message with this number in place.
    pub(crate) fn seal(&self, number: u32, message: &mut [u8]) {
        match self {
            Self::Des3(cipher) => cipher.encrypt(message),
            Self::Rc4(cipher) => cipher.apply_to_message(number, message),
        }
    }

    /// Decrypts it in place; `None` if its length is impossible.
    pub(crate) fn open(&self, number: u32, message: &mut [u8]) -> Option<()> {
        match self {
            Self::Des3(_) if !message.len().is_multiple_of(BLOCK) => return None,
            Self::Des3(cipher) => cipher.decrypt(message),
            Self::Rc4(cipher) => cipher.apply_to_message(number, message),
        }
        Some(())
    }
}
