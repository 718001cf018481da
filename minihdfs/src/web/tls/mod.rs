//! The certificates of HTTPS ports, without IO: an authority of the fixture's own, the certificates
//! that it signs, and the trust store in which Java's clients find it.
//!
//! - `key`: keys from the fixture's randomness
//! - `authority`: the authority and the certificates
//! - `trust_store`: Java's key store format

mod authority;
mod key;
mod trust_store;

pub use authority::{CertificateAuthority, ServerCertificate, Validity};
