//! The ids of inodes.

/// The id of an inode (`fileId`): sequential and never reused.
pub(crate) type InodeId = u64;

/// The id of the root, Hadoop's `INodeId.ROOT_INODE_ID`. The next inode is 16386.
pub(crate) const ROOT: InodeId = 16_385;
