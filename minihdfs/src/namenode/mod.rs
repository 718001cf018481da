//! The NameNode: the namespace, the blocks, and access control.
//!
//! [`NameNode`] is a handle over one lock, under which calls that only read run beside each other.
//! It has no clock, sockets or threads. Each call passes in the time, [`tick`](NameNode::tick) does
//! the work that is due, and [`next_deadline`](NameNode::next_deadline) returns when the next work
//! is due.
//!
//! - `service`: the handle, its lock and its timers; `dispatch`: the calls that reach it; `events`:
//!   those of its timers; `start`: its beginning; `saved`: what is left for the next start
//! - `retry_cache`: responses for clients that repeat a call; `replayed_calls`: the same from edits
//! - `edit`, `cache_info`: the changes of what must survive; `state`: what must survive: the tree,
//!   its limits and quotas, leases; `replay`: the law that a state is a function of its edits
//! - `storage`: the edits and the state as files, in Hadoop's formats; `name_storage`: those files
//!   as the NameNode uses them; `upkeep`, `checkpoints`: when and how it looks after them
//! - `inotify`: edits as events for clients
//! - `safe_mode`: when the NameNode refuses changes
//! - `namesystem`: what the lock guards: the state, and what can be rebuilt from reports;
//!   `renewals`: how long each writer has been silent; `path`: paths as clients write them
//! - `id_map`, `id_table`: compact collections keyed by ids
//! - `acl`, `xattr`: access control lists and extended attributes, as inodes hold them; `access`:
//!   permissions, and changes of those lists
//! - `blocks`: blocks, their replicas, and DataNodes; `datanode_protocol`: the calls of DataNodes;
//!   `lease_recovery`: files whose writer has disappeared
//! - `snapshot_gc`, `snapshot_removal`: when and how snapshots are removed in order; `trash`: that
//!   of directories with snapshots
//! - `rpc`: the calls of DataNodes, other NameNodes and the balancer as messages
//! - `hosts`: which DataNodes may register, and which leave service
//! - `fsck`: the check of files and their blocks that `hdfs fsck` shows
//! - `overview`: the state in figures
//! - `inode_status`: an inode as responses show it
//! - `ops`: one function for each method of ClientProtocol; `side_protocols`: the small protocols
//!   of administration tools

mod access;
mod acl;
mod blocks;
mod cache_info;
mod checkpoints;
mod datanode_protocol;
mod dispatch;
mod edit;
mod edit_sink;
mod events;
#[cfg(feature = "web")]
mod fsck;
mod hosts;
mod id_map;
mod id_table;
mod inode_status;
mod inotify;
mod lease_recovery;
mod name_storage;
mod namesystem;
mod ops;
#[cfg(feature = "web")]
mod overview;
mod path;
mod renewals;
mod replay;
mod replayed_calls;
mod retry_cache;
mod rpc;
mod safe_mode;
mod saved;
mod service;
mod side_protocols;
mod snapshot_gc;
mod snapshot_removal;
mod start;
mod state;
pub mod storage;
mod storage_choice;
#[cfg(test)]
mod tests;
mod trash;
mod upkeep;
mod xattr;

pub use acl::AclEntry;
pub use cache_info::{CacheDirectiveInfo, CachePoolInfo};
pub use edit::{Edit, FileFields, PermissionStatus, RpcIds};
pub use edit_sink::{Durability, EditSink, MemoryEdits, NoEdits};
#[cfg(feature = "web")]
pub(crate) use fsck::{Fsck, FsckOptions, Remains};
pub use hosts::{HostEntry, HostFiles, HostLists};
pub use name_storage::{EditSegment, NameStorage, ReceivedImage, StorageInfo, StoredFile};
#[cfg(feature = "web")]
pub(crate) use overview::{DatanodeFigures, Overview};
pub use saved::Saved;
pub use service::{LogDirectory, NameNode, NameNodeIdentity};
pub use xattr::XAttr;
