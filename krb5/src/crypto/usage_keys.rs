//! The keys derived for one usage, and how each family of encryption types encrypts with them.

use std::ops::Range;

use super::block_cipher::BlockCipher;
use super::cts::BLOCK;
use super::des3_cipher::{self, Des3Cipher};
use super::mac::Mac;
use super::rc4_hmac::Rc4Usage;

/// The keys of one usage.
pub(super) enum UsageKeys {
    /// The MAC covers the plaintext (RFC 3962, RFC 6803).
    PlainMac(CtsKeys),
    /// The MAC covers the ciphertext (RFC 8009).
    CipherMac(CtsKeys),
    Des3 {
        cipher: Box<Des3Cipher>,
        mac: Mac,
    },
    Rc4(Rc4Usage),
}

/// Ke as an expanded key, Ki as a keyed HMAC.
pub(super) struct CtsKeys {
    pub(super) cipher: BlockCipher,
    pub(super) mac: Mac,
}

impl UsageKeys {
    /// Encrypts `output` from `start` on. That part must hold room for the bytes before the
    /// confounder, the confounder, and the plaintext.
    pub(super) fn encrypt(&self, output: &mut Vec<u8>, start: usize) {
        let tag = match self {
            Self::PlainMac(CtsKeys { cipher, mac }) => {
                let tag = mac.compute(&[&output[start..]]);
                cipher.cts_encrypt(&mut output[start..]);
                tag
            }
            Self::CipherMac(CtsKeys { cipher, mac }) => {
                cipher.cts_encrypt(&mut output[start..]);
                mac.compute(&[&[0; BLOCK], &output[start..]])
            }
            Self::Des3 { cipher, mac } => {
                let padded = (output.len() - start).next_multiple_of(des3_cipher::BLOCK);
                output.resize(start + padded, 0);
                let tag = mac.compute(&[&output[start..]]);
                cipher.encrypt(&mut output[start..]);
                tag
            }
            Self::Rc4(usage) => return usage.encrypt(&mut output[start..]),
        };
        output.extend_from_slice(&tag);
    }

    /// Decrypts in place and returns the range of the plaintext; `None` if the MAC is wrong or the
    /// length impossible.
    pub(super) fn decrypt(&self, buffer: &mut [u8]) -> Option<Range<usize>> {
        let split = |buffer: &mut [u8], block: usize, mac: &Mac| {
            let end = buffer.len().checked_sub(mac.len())?;
            (end >= block).then_some(end)
        };
        match self {
            Self::PlainMac(CtsKeys { cipher, mac }) => {
                let end = split(buffer, BLOCK, mac)?;
                let (data, tag) = buffer.split_at_mut(end);
                cipher.cts_decrypt(data);
                mac.verify(&[data], tag).then_some(BLOCK..end)
            }
            Self::CipherMac(CtsKeys { cipher, mac }) => {
                let end = split(buffer, BLOCK, mac)?;
                let (data, tag) = buffer.split_at_mut(end);
                if !mac.verify(&[&[0; BLOCK], data], tag) {
                    return None;
                }
                cipher.cts_decrypt(data);
                Some(BLOCK..end)
            }
            Self::Des3 { cipher, mac } => {
                let end = split(buffer, des3_cipher::BLOCK, mac)?;
                let (data, tag) = buffer.split_at_mut(end);
                if !end.is_multiple_of(des3_cipher::BLOCK) {
                    return None;
                }
                cipher.decrypt(data);
                mac.verify(&[data], tag).then_some(des3_cipher::BLOCK..end)
            }
            Self::Rc4(usage) => usage.decrypt(buffer),
        }
    }
}
