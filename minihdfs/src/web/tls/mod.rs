//! The certificates of HTTPS ports, without IO: an authority of the fixture's own, the certificates
//! that it signs, and the trust store in which Java's clients find it.
//!
//! - `key`: keys from the fixture's randomness
//! - `authority`: the authority and the certificates
//! - `jks`, `pkcs12`: trust stores in the formats that Java reads

mod authority;
mod jks;
mod key;
mod pkcs12;

pub use authority::{CertificateAuthority, ServerCertificate, Validity};
