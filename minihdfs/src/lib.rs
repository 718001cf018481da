//! A small NameNode and its DataNodes, speaking the real Hadoop protocols.
//!
//! - [`config`]: the Hadoop configuration keys that the servers obey
//! - [`error`]: [`HdfsError`]: Java class, message, RPC status
//! - [`user`]: [`Caller`]: the caller's identity and authentication method; `auth_to_local`,
//!   groups, proxy users
//! - [`token`], [`secret_manager`]: delegation tokens, block tokens, encryption keys
//! - [`sasl`]: GSSAPI and DIGEST-MD5 as state machines without IO
//! - [`rpc`]: Hadoop RPC version 9
//! - `web`: WebHDFS (feature `web`)
//! - [`namenode`], [`datanode`]: the two servers; [`protocol`]: the values and calls that they
//!   exchange

pub(crate) mod base64;
pub mod config;
pub mod datanode;
mod decode;
pub mod error;
pub mod namenode;
pub mod proto;
pub mod protocol;
mod qop;
pub mod rpc;
pub mod sasl;
pub mod secret_manager;
mod storage_directory;
#[cfg(test)]
mod testing;
pub mod token;
pub mod user;
#[cfg(feature = "web")]
pub mod web;
pub mod writable;

pub use error::HdfsError;
pub use user::Caller;
