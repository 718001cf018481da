//! The server that a client calls.

use std::net::SocketAddr;
use std::sync::Arc;

use super::tickets::TicketSource;
use crate::rpc::client::{ClientSettings, Identity};

/// A server, and how to call it.
#[derive(Clone)]
pub struct RpcTarget {
    /// The server's address.
    pub address: SocketAddr,
    /// The protocol's name and version.
    pub protocol: (&'static str, u64),
    /// The user as whom to call.
    pub identity: Identity,
    /// The client's settings.
    pub settings: Arc<ClientSettings>,
    /// The source of Kerberos tickets, if the identity has any.
    pub tickets: Option<Arc<dyn TicketSource>>,
}
