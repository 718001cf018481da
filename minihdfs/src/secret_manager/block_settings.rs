//! The settings of block tokens.

use std::time::Duration;

use crate::config::HdfsConfig;

/// The settings of block tokens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockTokenSettings {
    /// The block pool of all tokens.
    pub block_pool_id: String,
    /// The interval between key updates (`dfs.block.access.key.update.interval`).
    pub key_update_interval: Duration,
    /// The lifetime of tokens and encryption keys (`dfs.block.access.token.lifetime`).
    pub token_lifetime: Duration,
    /// True if identifiers are encoded in protobuf (`dfs.block.access.token.protobuf.enable`).
    pub protobuf: bool,
    /// The cipher that encryption keys name for the client (`dfs.encrypt.data.transfer.algorithm`).
    pub encryption_algorithm: Option<String>,
}

impl BlockTokenSettings {
    /// Creates the settings from a configuration.
    #[must_use]
    pub fn new(config: &HdfsConfig, block_pool_id: impl Into<String>) -> Self {
        Self {
            block_pool_id: block_pool_id.into(),
            key_update_interval: config.block_key_update_interval,
            token_lifetime: config.block_token_lifetime,
            protobuf: config.block_token_protobuf,
            encryption_algorithm: config
                .encryption_algorithm
                .map(|algorithm| algorithm.name().to_owned()),
        }
    }
}
