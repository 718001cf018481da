//! Inodes: files, directories and their attributes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::acl::Acl;
use super::xattr::XAttr;

/// The id of an inode (`fileId`): sequential and never reused.
pub(super) type InodeId = u64;

/// The id of the root, Hadoop's `INodeId.ROOT_INODE_ID`. The next inode is 16386.
pub(super) const ROOT: InodeId = 16_385;

/// The permission bits: rwx for owner, group and others, and the sticky bit 01000.
pub(super) const PERMISSION_BITS: u16 = 0o1777;

/// The sticky bit: in such a directory only owners may remove and rename entries.
pub(super) const STICKY: u16 = 0o1000;

/// Milliseconds since the epoch. Hadoop stores times this way, and clients can set them up to
/// Java's `Long.MAX_VALUE`, which is beyond the range of `Timestamp`.
pub(super) type Millis = i64;

/// A file or a directory.
#[derive(Debug)]
pub(super) struct Inode {
    pub(super) id: InodeId,
    /// The parent's id; the root is its own parent.
    pub(super) parent: InodeId,
    /// Empty for the root.
    pub(super) name: Arc<str>,
    pub(super) owner: Arc<str>,
    pub(super) group: Arc<str>,
    /// The [`PERMISSION_BITS`]. With an [`Acl`], the group bits are the mask.
    pub(super) mode: u16,
    pub(super) modification_time: Millis,
    /// 0 for directories.
    pub(super) access_time: Millis,
    pub(super) acl: Acl,
    pub(super) xattrs: Vec<XAttr>,
    /// The id of the storage policy; 0 to inherit the parent's.
    pub(super) storage_policy: u8,
    pub(super) kind: InodeKind,
}

/// The type of an inode, with the type's own fields.
#[derive(Debug)]
pub(super) enum InodeKind {
    Directory(Directory),
    File(File),
}

/// The fields of a directory.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// The children in the byte order of their names, which is the order of listings.
    pub(super) children: BTreeMap<Arc<str>, InodeId>,
    pub(super) quota: Quota,
}

/// The limits that a directory sets on its subtree; `None` means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Quota {
    /// The number of files and directories, including the directory itself.
    pub(super) namespace: Option<u64>,
    /// The number of bytes over all replicas.
    pub(super) space: Option<u64>,
}

impl Quota {
    /// The quota of the root, which always has one. It is too large to be reached.
    pub(super) const ROOT: Self = Self {
        namespace: Some(i64::MAX as u64),
        space: None,
    };
}

/// The fields of a file.
#[derive(Debug)]
pub(super) struct File {
    /// The ids of its blocks, in order.
    pub(super) blocks: Vec<u64>,
    pub(super) replication: u16,
    /// The size at which a writer starts the next block (`dfs.blocksize` of the creating client).
    pub(super) block_size: u64,
    /// The current writer; `None` if the file is closed.
    pub(super) writer: Option<Writer>,
}

/// The holder of a file's lease (`FileUnderConstructionFeature`).
#[derive(Clone, Debug)]
pub(super) struct Writer {
    /// The client's self-chosen name.
    pub(super) holder: Arc<str>,
    /// The address from which it opened the file.
    pub(super) machine: IpAddr,
}

impl Inode {
    pub(super) fn is_directory(&self) -> bool {
        matches!(self.kind, InodeKind::Directory(_))
    }

    pub(super) fn as_directory(&self) -> Option<&Directory> {
        match &self.kind {
            InodeKind::Directory(directory) => Some(directory),
            InodeKind::File(_) => None,
        }
    }

    pub(super) fn as_directory_mut(&mut self) -> Option<&mut Directory> {
        match &mut self.kind {
            InodeKind::Directory(directory) => Some(directory),
            InodeKind::File(_) => None,
        }
    }

    pub(super) fn as_file(&self) -> Option<&File> {
        match &self.kind {
            InodeKind::File(file) => Some(file),
            InodeKind::Directory(_) => None,
        }
    }

    pub(super) fn as_file_mut(&mut self) -> Option<&mut File> {
        match &mut self.kind {
            InodeKind::File(file) => Some(file),
            InodeKind::Directory(_) => None,
        }
    }
}
