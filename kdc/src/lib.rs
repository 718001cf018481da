//! A Kerberos KDC for tests: it answers as MIT's krb5kdc does, from a database that is a value, at
//! a time that is an argument.
//!
//! [`Kdc::handle`] takes a request and a time and gives an answer; the one file that knows sockets
//! is [`server`].
//!
//! - [`PrincipalDatabase`], [`PrincipalEntry`], [`Attributes`]: realms and principals, under
//!   kadmin's names
//! - [`RealmConfig`]: what a realm allows
//! - [`Pac`], [`PacDomain`], [`PacAccount`]: whether tickets carry one, and what it says
//! - [`CaPaths`]: ways between realms
//! - [`Kdc`]: AS and TGS exchanges
//! - [`PasswordPolicy`]: what passwords must be like that users choose
//! - [`IssuedTicket`]: who got which ticket
//! - [`KdcError`]: every refusal, with MIT's number and text
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
