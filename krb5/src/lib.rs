//! Kerberos V5 without a socket.
//!
//! - [`time`]: [`Timestamp`] and [`Clock`], the one place that reads the operating system's clock
//! - [`principal`]: [`Principal`] and [`NameType`]
//! - [`error_code`]: [`ErrorCode`], every KRB-ERROR number under its RFC 4120 name
//! - [`messages`]: every message as a value with its DER
//! - [`crypto`]: [`EncryptionType`], [`EncryptionKey`], [`KeyUsage`], checksums

pub mod crypto;
pub mod error;
pub mod error_code;
pub mod messages;
pub mod principal;
pub mod time;

pub use crypto::{ChecksumType, EncryptionKey, EncryptionType, KeyUsage};
pub use error::Error;
pub use error_code::ErrorCode;
pub use principal::{NameType, Principal};
pub use time::{Clock, Timestamp};
