//! SASL as Hadoop uses it: mechanisms as state machines that exchange tokens with the caller.
//!
//! - [`SaslServer`]: the server side of one handshake, by GSSAPI (RFC 4752) or DIGEST-MD5 (RFC
//!   2831)
//! - [`SaslClient`]: the client side; [`DigestMd5Client`] alone is what a DataNode uses that
//!   connects to the next
//! - [`WrapHalf`], [`UnwrapHalf`]: the security layer of an established connection, one half for
//!   each direction

mod client;
mod digest_md5;
mod error;
mod gssapi;
mod layer;
mod server;
mod step;

pub use crate::qop::QualityOfProtection;
pub use client::{Negotiated, SaslClient};
pub use digest_md5::{DigestCipher, DigestMd5Client, DigestMd5Settings};
pub use error::SaslError;
pub use gssapi::{GssapiSettings, ServiceKeytab};
pub use layer::{UnwrapHalf, WrapHalf};
pub use server::SaslServer;
pub use step::{ApOutcome, SaslStep};
