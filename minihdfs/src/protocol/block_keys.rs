//! The keys of block tokens, as a NameNode hands them to its DataNodes.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use kerbox_krb5::Timestamp;

/// A key for block tokens (`BlockKeyProto`).
#[derive(Clone, PartialEq, Eq)]
pub struct BlockKey {
    /// The id, which tokens made with this key contain.
    pub id: i32,
    /// The time after which no valid token can have been made with this key.
    pub expiry: Timestamp,
    /// The secret, for HMAC-SHA1.
    pub secret: Bytes,
}

impl fmt::Debug for BlockKey {
    /// Leaves out the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockKey")
            .field("id", &self.id)
            .field("expiry", &self.expiry)
            .finish_non_exhaustive()
    }
}

/// All block keys of a NameNode (`ExportedBlockKeysProto`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExportedBlockKeys {
    /// The interval between key updates.
    pub key_update_interval: Duration,
    /// The lifetime of tokens.
    pub token_lifetime: Duration,
    /// The id of the key for new tokens, which is one of [`all`](Self::all).
    pub current: i32,
    /// The current key, the next one, and retired ones whose tokens may still be valid.
    pub all: Vec<BlockKey>,
}
