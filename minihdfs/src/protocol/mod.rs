//! The values that a NameNode and its DataNodes exchange (DatanodeProtocol and
//! InterDatanodeProtocol), and the two protocols as traits. It is all that NameNode and DataNode
//! know of each other.

mod block;
mod commands;
mod links;
mod registration;
mod reports;
mod storage;

pub use block::{Block, ReplicaState, ReportedReplica};
pub use commands::{BlockRecovery, DatanodeCommand};
pub use links::{DatanodeLink, NameNodeLink};
pub use registration::DatanodeRegistration;
pub use reports::{BlockStatus, BlockSynchronization};
pub use storage::StorageReport;
