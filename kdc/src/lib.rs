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
//! - [`Kdc`]: AS and TGS exchanges
//! - [`PasswordPolicy`]: the rules for passwords that users choose
//! - [`IssuedTicket`]: a record of issued tickets
//! - [`KdcError`]: every reason for a refusal, with MIT's number and text
//! - [`server`]: UDP and TCP on one port

mod as_exchange;
mod authdata;
mod config;
mod context;
mod database;
mod error;
mod fast;
mod issued;
mod kdc;
mod kpasswd;
mod lookaside;
mod pac;
mod password_policy;
mod policy;
mod preauth;
mod referral;
mod reply;
mod s4u;
pub mod server;
mod tgs_checks;
mod tgs_exchange;
mod tgs_header;
mod transited;

pub use config::RealmConfig;
pub use database::{
    Attributes, DatabaseError, NewKeys, NewPrincipal, PrincipalDatabase, PrincipalEntry,
    PrincipalKey,
};
pub use error::KdcError;
pub use issued::IssuedTicket;
pub use kdc::{Kdc, Peer, Reply, Transport};
pub use pac::{Pac, PacAccount, PacDomain, Sid, SidError};
pub use password_policy::{PasswordPolicy, PasswordRefused};
pub use transited::CaPaths;
