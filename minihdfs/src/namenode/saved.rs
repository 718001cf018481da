//! The state that a NameNode leaves behind for the one that starts after it.

use std::sync::Arc;

use kerbox_krb5::Timestamp;

use crate::namenode::retry_cache::RetryCache;
use crate::namenode::state::State;

/// The state that a NameNode leaves behind when it [ends](crate::namenode::NameNode::end): the
/// result of its edits. It holds neither the places of replicas, nor the DataNodes that were alive,
/// nor the keys of block tokens.
#[derive(Debug)]
pub struct Saved {
    pub(super) state: State,
    /// The responses to the calls that made the latest edits.
    pub(super) retry_cache: RetryCache,
    /// The time at which the namespace was formatted.
    pub(super) formatted: Timestamp,
    pub(super) block_pool_id: Arc<str>,
    /// The namespace is that of an image, and nothing is known of its blocks.
    pub(super) is_image: bool,
}
