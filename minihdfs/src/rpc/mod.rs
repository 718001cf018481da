//! Hadoop RPC, wire version 9: the server's side.
//!
//! - [`service`]: what a server implements: [`RpcService`], and [`Protocol`], a table of its methods

mod header;
pub mod service;
mod wire;

pub use service::{Call, Method, Protocol, RpcService, protocol};
