//! Encryption, checksums and key derivation (RFC 3961, 3962, 4757, 6803, 8009).
//!
//! - [`EncryptionType`]: numbers and names of encryption types
//! - [`EncryptionKey`]: encrypts, decrypts, makes and verifies checksums; caches derived keys
//! - [`KeyUsage`]: the purposes of keys, under the RFC's names
//! - [`ChecksumType`]: numbers of checksum types
//! - [`krb_fx_cf2`]: combines two keys (RFC 6113)
//! - [`TripleDes`]: the bare cipher, for DIGEST-MD5

mod aes_sha1;
mod aes_sha2;
mod block_cipher;
mod camellia;
mod cf2;
mod checksum_type;
mod cts;
mod des3;
mod des3_cipher;
mod key;
mod key_usage;
mod mac;
mod nfold;
mod rc4_hmac;
mod token_cipher;
mod triple_des;
mod usage_cache;
mod usage_keys;

use ctutils::CtEq;

pub use crate::encryption_type::EncryptionType;
pub use cf2::krb_fx_cf2;
pub(crate) use cf2::prf_plus;
pub use checksum_type::ChecksumType;
pub use key::EncryptionKey;
pub(crate) use key::{MAX_HEADER, MAX_TRAILER};
pub use key_usage::KeyUsage;
pub use nfold::nfold;
pub(crate) use token_cipher::TokenCipher;
pub use triple_des::TripleDes;

/// Compares two byte strings in a time that does not depend on where they differ.
#[must_use]
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).to_bool()
}
