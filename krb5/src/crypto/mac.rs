//! MACs whose key-dependent state is computed once: truncated HMACs, and CMAC.

use camellia::{Camellia128, Camellia256};
use cmac::Cmac;
use hmac::digest;
use hmac::{Hmac, KeyInit};
use sha1::Sha1;
use sha2::{Sha256, Sha384};

use super::constant_time_eq;
use super::rc4_hmac::HmacMd5Checksum;

/// A keyed MAC, truncated as its encryption type requires.
pub(super) enum Mac {
    /// HMAC-SHA1-96 (RFC 3962).
    Sha1(Hmac<Sha1>),
    /// HMAC-SHA1, not truncated (RFC 3961, 6.3).
    WholeSha1(Hmac<Sha1>),
    /// HMAC-SHA256-128 (RFC 8009).
    Sha256(Hmac<Sha256>),
    /// HMAC-SHA384-192 (RFC 8009).
    Sha384(Box<Hmac<Sha384>>),
    /// CMAC (RFC 6803).
    Camellia128(Box<Cmac<Camellia128>>),
    /// CMAC (RFC 6803).
    Camellia256(Box<Cmac<Camellia256>>),
    /// The checksum of RFC 4757.
    Md5(HmacMd5Checksum),
}

/// The output of a [`Mac`]: at most 24 bytes.
pub(super) struct Tag {
    bytes: [u8; 24],
    len: usize,
}

impl Mac {
    pub(super) fn sha1(key: &[u8]) -> Self {
        Self::Sha1(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    pub(super) fn whole_sha1(key: &[u8]) -> Self {
        Self::WholeSha1(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    pub(super) fn sha256(key: &[u8]) -> Self {
        Self::Sha256(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    pub(super) fn sha384(key: &[u8]) -> Self {
        Self::Sha384(Box::new(
            Hmac::new_from_slice(key).expect("HMAC takes keys of any length"),
        ))
    }

    /// Returns its length in bytes.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Sha1(_) => 12,
            Self::WholeSha1(_) => 20,
            Self::Sha256(_) | Self::Camellia128(_) | Self::Camellia256(_) | Self::Md5(_) => 16,
            Self::Sha384(_) => 24,
        }
    }

    /// Computes the MAC of the concatenation of `parts`.
    pub(super) fn compute(&self, parts: &[&[u8]]) -> Tag {
        fn whole<M: hmac::Mac + Clone>(keyed: &M, parts: &[&[u8]]) -> digest::Output<M> {
            let mut mac = keyed.clone();
            parts.iter().for_each(|part| mac.update(part));
            mac.finalize().into_bytes()
        }
        match self {
            Self::Sha1(keyed) | Self::WholeSha1(keyed) => {
                Tag::new(&whole(keyed, parts), self.len())
            }
            Self::Sha256(keyed) => Tag::new(&whole(keyed, parts), self.len()),
            Self::Sha384(keyed) => Tag::new(&whole(&**keyed, parts), self.len()),
            Self::Camellia128(keyed) => Tag::new(&whole(&**keyed, parts), self.len()),
            Self::Camellia256(keyed) => Tag::new(&whole(&**keyed, parts), self.len()),
            Self::Md5(checksum) => Tag::new(&checksum.compute(parts), self.len()),
        }
    }

    /// Returns whether `tag` is the MAC of the concatenation of `parts`, in constant time.
    pub(super) fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        constant_time_eq(&self.compute(parts), tag)
    }
}

impl Tag {
    fn new(whole: &[u8], len: usize) -> Self {
        let mut bytes = [0; 24];
        bytes[..len].copy_from_slice(&whole[..len]);
        Self { bytes, len }
    }
}

impl std::ops::Deref for Tag {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}
