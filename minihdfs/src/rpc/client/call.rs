//! Calls and their ends.

use bytes::Bytes;

use super::RpcError;

/// A call to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outgoing {
    /// The number of the call, which is not negative. It identifies the call in the server's retry
    /// cache too, so a repetition keeps it.
    pub call_id: i32,
    /// The number of earlier attempts.
    pub retry_count: i32,
    /// The last transaction that the client has seen, for servers that must have it too.
    pub state_id: Option<i64>,
    /// The method, for instance `getFileInfo`.
    pub method: String,
    /// The encoded request message.
    pub request: Vec<u8>,
}

/// The end of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The number of the call.
    pub call_id: i32,
    /// The encoded response message, or the reason why there is none.
    pub outcome: Result<Vec<u8>, RpcError>,
    /// The server's last transaction, if it sends that.
    pub state_id: Option<i64>,
    /// The state of a router, which the client sends back as it is.
    pub federated_state: Option<Bytes>,
}
