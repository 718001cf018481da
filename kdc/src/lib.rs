//! A Kerberos KDC for tests. It answers like MIT's krb5kdc, from a database that is a value, at a
//! time that is an argument.
//!
//! [`Kdc::handle`] takes a request and a time and returns an answer. Only [`server`] uses sockets.
//!
//! - [`PrincipalDatabase`], [`PrincipalEntry`], [`Attributes`]: realms and principals, under
//!   kadmin's names
//! - [`RealmConfig`]: the settings of a realm
//! - [`Pac`], [`PacDomain`], [`PacAccount`]: whether tickets carry a PAC, and its content
//! - [`CaPaths`]: paths between realms
//! - [`DatabaseFile`], [`Keeper`]: a database that outlives its process
//! - [`Kdc`]: AS and TGS exchanges
//! - [`PasswordPolicy`]: the rules for passwords that users choose
//! - [`IssuedTicket`]: a record of issued tickets
//! - [`KdcError`]: every reason for a refusal, with MIT's number and text
//! - [`server`]: UDP and TCP on one port

mod as_exchange;
mod byte_hash;
mod context;
mod database;
mod error;
mod fast;
mod header;
mod issue;
mod issued;
mod kdc;
mod kpasswd;
mod learned;
mod opened;
mod pac;
mod policy;
mod preauth;
mod reply;
pub mod server;
mod spake;
#[cfg(feature = "testing")]
pub mod testing;
mod tgs_exchange;
mod transited;

pub use database::{
    Attributes, DamagedFile, DatabaseError, DatabaseFile, NewKeys, NewPrincipal, Pac, PacAccount,
    PacDomain, PasswordPolicy, PasswordRefused, PrincipalDatabase, PrincipalEntry, PrincipalKey,
    RealmConfig, Sid, SidError, SpakeConfig,
};
pub use error::KdcError;
pub use issued::IssuedTicket;
pub use kdc::{Kdc, Keeper, Peer, Reply, Transport};
pub use transited::CaPaths;
