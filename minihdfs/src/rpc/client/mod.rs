//! The client side of Hadoop RPC, wire version 9.
//!
//! - [`ClientConnection`]: one connection, without its socket
//! - [`Identity`]: the user as whom a client calls, and the credentials for it
//! - [`ClientSettings`]: Hadoop's `ipc.client.*`
//! - [`RetryPolicy`]: the calls that are made again, and when
//! - [`RpcError`]: the reasons why a call fails
//! - [`driver`]: connections with sockets and a clock

mod call;
mod connection;
pub mod driver;
mod error;
mod handshake;
mod identity;
mod messages;
mod response;
mod retry;
mod settings;
#[cfg(test)]
mod tests;

pub use call::{Outgoing, Reply};
pub use connection::{ClientConnection, ClientStep};
pub use error::{RemoteException, RpcError, TicketError};
pub use identity::Identity;
pub use retry::RetryPolicy;
pub use settings::ClientSettings;

use rand::Rng;

/// The identity of a client in the retry cache of a server: a random UUID.
pub type ClientId = [u8; 16];

/// Draws a client id.
pub fn new_client_id(rng: &mut impl Rng) -> ClientId {
    let mut id = [0; 16];
    rng.fill_bytes(&mut id);
    // Version 4, variant 1 (RFC 9562), as Java's UUID.randomUUID.
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    id
}
