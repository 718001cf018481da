//! Inodes: files and directories, and what stands on each.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::acl::Acl;
use super::xattr::XAttr;

/// The number of an inode (`fileId`): counted up, never used again.
pub(super) type InodeId = u64;

/// The root's: Hadoop's `INodeId.ROOT_INODE_ID`. The next inode is 16386.
pub(super) const ROOT: InodeId = 16_385;

/// The permission bits: rwx for owner, group and others, and the sticky bit 01000.
pub(super) const PERMISSION_BITS: u16 = 0o1777;

/// The sticky bit: in such a directory only owners remove and rename.
pub(super) const STICKY: u16 = 0o1000;

/// Milliseconds since the epoch: as Hadoop keeps times, and clients set them, up to Java's
/// `Long.MAX_VALUE`, which no `Timestamp` can tell.
pub(super) type Millis = i64;

/// A file or a directory.
#[derive(Debug)]
pub(super) struct Inode {
    pub(super) id: InodeId,
    /// The root is its own parent.
    pub(super) parent: InodeId,
    /// Empty for the root.
    pub(super) name: Arc<str>,
    pub(super) owner: Arc<str>,
    pub(super) group: Arc<str>,
    /// [`PERMISSION_BITS`]. With an [`Acl`] the group's bits are the mask.
    pub(super) mode: u16,
    pub(super) modification_time: Millis,
    /// 0 for directories.
    pub(super) access_time: Millis,
    pub(super) acl: Acl,
    pub(super) xattrs: Vec<XAttr>,
    /// The id of the storage policy; 0 if it is the parent's.
    pub(super) storage_policy: u8,
    pub(super) kind: InodeKind,
}

/// What an inode is.
#[derive(Debug)]
pub(super) enum InodeKind {
    Directory(Directory),
    File(File),
}

/// A directory's own part.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// In the byte order of the names, which is the order of listings.
    pub(super) children: BTreeMap<Arc<str>, InodeId>,
    pub(super) quota: Quota,
}

/// The limits that a directory sets on what is below it; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Quota {
    /// Files and directories, itself included.
    pub(super) namespace: Option<u64>,
    /// Bytes, each replica counted.
    pub(super) space: Option<u64>,
}

impl Quota {
    /// The root always has a quota, which nothing reaches.
    pub(super) const ROOT: Self = Self {
        namespace: Some(i64::MAX as u64),
        space: None,
    };
}

/// A file's own part.
#[derive(Debug)]
pub(super) struct File {
    /// The ids of its blocks, in order.
    pub(super) blocks: Vec<u64>,
    pub(super) replication: u16,
    /// The size at which a writer starts the next block (`dfs.blocksize` of its creator).
    pub(super) block_size: u64,
    /// Who is writing; `None` if the file is closed.
    pub(super) writer: Option<Writer>,
}

/// Who holds the lease of a file (`FileUnderConstructionFeature`).
#[derive(Clone, Debug)]
pub(super) struct Writer {
    /// The name that the client gave itself.
    pub(super) holder: Arc<str>,
    /// From where it opened the file.
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
