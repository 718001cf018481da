//! The values that a NameNode and its DataNodes exchange, and the calls that carry them:
//! DatanodeProtocol and InterDatanodeProtocol. It is all that NameNode and DataNode know of each
//! other.
//!
//! The values are plain: they can be cloned, compared, and encoded, and point to nothing. A
//! DataNode is known by its uuid and its addresses. The two traits have two transports: a call in
//! the same process, and Hadoop RPC, whose messages `wire` makes of them.

mod block;
mod block_keys;
mod commands;
mod datanode_protocol;
mod inter_datanode_protocol;
mod registration;
mod reports;
mod signal;
mod storage;
pub(crate) mod wire;

pub use block::{Block, ReplicaState, ReportedReplica};
pub use block_keys::{BlockKey, ExportedBlockKeys};
pub use commands::{DatanodeCommand, RecoveringBlock};
pub use datanode_protocol::DatanodeProtocol;
pub use inter_datanode_protocol::{DatanodePeers, InterDatanodeProtocol};
pub use registration::{DatanodeRegistration, NamespaceInfo, StorageInfo};
pub use reports::{
    BadBlock, BlockStatus, BlockSynchronization, DatanodeError, ReceivedDeletedBlock,
    RecoveredReplica,
};
pub use signal::WorkSignal;
pub use storage::{DatanodeStorage, HeartbeatReport, StorageReport};
