//! The values as messages of Hadoop RPC, in both directions.

pub(crate) mod block_list;
pub(crate) mod blocks;
pub(crate) mod commands;
pub(crate) mod keys;
pub(crate) mod registration;
pub(crate) mod reports;
