//! rc4-hmac (RFC 4757): weak, for tests of old clients only.

use std::ops::Range;

use hmac::{Hmac, KeyInit, Mac as _};
use md4::Md4;
use md5::{Digest, Md5};
use rc4::{Rc4, StreamCipher};
use sha1::Sha1;

use super::{KeyUsage, constant_time_eq};

/// The length of the MAC, which comes first.
const TAG: usize = 16;
/// The confounder's length in bytes.
pub(super) const CONFOUNDER: usize = 8;

/// The key of one usage, as a keyed HMAC.
pub(super) struct Rc4Usage(Hmac<Md5>);

/// Returns the number that goes into a derivation. Two of the usages have Microsoft's own numbers
/// (RFC 4757, 3, as MIT reads it).
fn usage_bytes(usage: KeyUsage) -> [u8; 4] {
    let number: u32 = match usage {
        KeyUsage::AS_REP_ENC_PART => 8,
        KeyUsage::GSS_ACCEPTOR_SIGN => 13,
        other => other.0,
    };
    number.to_le_bytes()
}

fn keyed(key: &[u8]) -> Hmac<Md5> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn hmac(keyed: &Hmac<Md5>, data: &[u8]) -> [u8; TAG] {
    keyed
        .clone()
        .chain_update(data)
        .finalize()
        .into_bytes()
        .into()
}

/// Computes a password's key (RFC 4757, 2): MD4 of the password in UTF-16, little-endian, without a
/// salt. Bytes that are not UTF-8 become U+FFFD.
pub(super) fn string_to_key(password: &[u8]) -> [u8; 16] {
    let units = String::from_utf8_lossy(password)
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect::<Vec<_>>();
    Md4::digest(units).into()
}

impl Rc4Usage {
    pub(super) fn new(base: &[u8], usage: KeyUsage) -> Self {
        Self(keyed(&hmac(&keyed(base), &usage_bytes(usage))))
    }

    /// Encrypts everything after the first 16 bytes, and writes the MAC into those.
    pub(super) fn encrypt(&self, output: &mut [u8]) {
        let (tag, data) = output.split_at_mut(TAG);
        tag.copy_from_slice(&hmac(&self.0, data));
        self.apply_keystream(tag, data);
    }

    pub(super) fn decrypt(&self, buffer: &mut [u8]) -> Option<Range<usize>> {
        let (tag, data) = buffer.split_at_mut_checked(TAG)?;
        if data.len() < CONFOUNDER {
            return None;
        }
        self.apply_keystream(tag, data);
        constant_time_eq(&hmac(&self.0, data), tag).then_some(TAG + CONFOUNDER..buffer.len())
    }

    fn apply_keystream(&self, tag: &[u8], data: &mut [u8]) {
        apply_keystream(&hmac(&self.0, tag), data);
    }
}

fn apply_keystream(key: &[u8; TAG], data: &mut [u8]) {
    let mut cipher = Rc4::new_from_slice(key).expect("RC4 takes keys of 16 bytes");
    cipher.apply_keystream(data);
}

/// The two keys of GSS-API's tokens, each as a keyed HMAC (RFC 4757, 7.3).
pub(crate) struct Rc4Token {
    numbers: Hmac<Md5>,
    messages: Hmac<Md5>,
}

impl Rc4Token {
    pub(super) fn new(key: &[u8; 16]) -> Self {
        let zero_salted = |key: &[u8]| keyed(&hmac(&keyed(key), &[0; 4]));
        Self {
            numbers: zero_salted(key),
            // RFC 4757, 7.3: the key for messages is the context's, with every byte xored.
            messages: zero_salted(&key.map(|byte| byte ^ 0xf0)),
        }
    }

    pub(super) fn apply_to_number(&self, checksum: [u8; 8], block: &mut [u8]) {
        apply_keystream(&hmac(&self.numbers, &checksum), block);
    }

    pub(super) fn apply_to_message(&self, number: u32, message: &mut [u8]) {
        apply_keystream(&hmac(&self.messages, &number.to_be_bytes()), message);
    }
}

/// The checksum HMAC-MD5 of RFC 4757, 4, keyed for one usage.
pub(super) struct HmacMd5Checksum {
    signing: Hmac<Md5>,
    usage: [u8; 4],
}

impl HmacMd5Checksum {
    pub(super) fn new(base: &[u8], usage: KeyUsage) -> Self {
        Self {
            signing: keyed(&hmac(&keyed(base), b"signaturekey\0")),
            usage: usage_bytes(usage),
        }
    }

    pub(super) fn compute(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut digest = Md5::new_with_prefix(self.usage);
        parts.iter().for_each(|part| digest.update(part));
        hmac(&self.signing, &digest.finalize())
    }
}

/// Computes the PRF: HMAC-SHA1 of the input, as in MIT's and Microsoft's implementations, since RFC
/// 4757 does not define one.
pub(super) fn prf(base: &[u8], input: &[u8]) -> Vec<u8> {
    let keyed = Hmac::<Sha1>::new_from_slice(base).expect("HMAC takes keys of any length");
    keyed.chain_update(input).finalize().into_bytes().to_vec()
}
