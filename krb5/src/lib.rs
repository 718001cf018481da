//! Kerberos V5 without a socket.
//!
//! - [`Timestamp`]; [`time`]: [`Clock`], the only code that reads the operating system's clock;
//!   [`sleep`]: waits for a time of a clock
//! - [`calendar`]: dates of the Gregorian calendar
//! - [`principal`]: [`Principal`] and [`NameType`]
//! - [`error_code`]: [`ErrorCode`], every KRB-ERROR number under its RFC 4120 name
//! - [`messages`]: every message as a value, with its DER encoding
//! - [`ticket`]: encrypts, decrypts and checks tickets
//! - [`client`]: the client's side of AS and TGS exchanges
//! - [`ap_exchange`]: checks tickets for a service, with replay cache and mutual authentication
//! - [`spake`]: the computations of SPAKE pre-authentication (RFC 9588)
//! - [`gss`]: GSS-API contexts and their messages (RFC 4121, 1964, 4757)
//! - [`crypto`]: [`EncryptionType`], [`EncryptionKey`], [`KeyUsage`], checksums
//! - [`keytab`]: [`Keytab`], the file with a service's keys
//! - [`ccache`]: [`CredentialCache`], the file with a client's tickets
//! - [`krb5_conf`]: [`Krb5Conf`], the configuration of clients

pub mod ap_exchange;
pub mod calendar;
pub mod ccache;
mod changes;
pub mod client;
pub mod crypto;
mod encryption_type;
pub mod error;
pub mod error_code;
pub mod gss;
pub mod keytab;
pub mod krb5_conf;
mod krb_error;
pub mod messages;
mod names;
pub mod principal;
mod private_file;
mod reader;
pub mod sleep;
mod sleepers;
pub mod spake;
mod stored_key;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod ticket;
pub mod time;
mod timestamp;

pub use ccache::{Credential, CredentialCache};
pub use crypto::{ChecksumType, EncryptionKey, EncryptionType, KeyUsage};
pub use error::Error;
pub use error_code::ErrorCode;
pub use keytab::{Keytab, KeytabEntry};
pub use krb5_conf::Krb5Conf;
pub use principal::{NameType, Principal};
pub use time::{Clock, RealTime};
pub use timestamp::Timestamp;
