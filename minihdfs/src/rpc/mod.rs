//! Hadoop RPC, wire version 9.
//!
//! - [`service`]: the interface of a server: [`RpcService`], and [`Protocol`], a table of methods
//! - [`RpcEndpoint`]: the state that all connections of a port share; [`RpcSecurity`]: its
//!   authentication
//! - [`RpcSession`]: one connection, without its socket
//! - [`serve`]: the accept loop
//! - [`client`]: the client side

pub mod client;
mod endpoint;
mod frame;
mod header;
pub mod server;
pub mod service;
mod session;
#[cfg(test)]
mod testing;
mod wire;

pub use endpoint::{RpcEndpoint, RpcSecurity};
pub use server::serve;
pub use session::{RpcSession, Step};

pub use service::{Call, Durable, Method, Protocol, RpcService, protocol};
