//! Hadoop RPC, wire version 9: the server's side.
//!
//! - [`service`]: what a server implements: [`RpcService`], and [`Protocol`], a table of its
//!   methods
//! - [`RpcEndpoint`]: what all connections of a port share; [`RpcSecurity`]: how it authenticates
//! - [`RpcSession`]: one connection without its socket
//! - [`serve`]: the accept loop

mod endpoint;
mod frame;
mod header;
pub mod server;
pub mod service;
mod session;
mod wire;

pub use endpoint::{RpcEndpoint, RpcSecurity};
pub use server::serve;
pub use session::{RpcSession, Step};

pub use service::{Call, Method, Protocol, RpcService, protocol};
