//! Inodes: files, directories and their attributes.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::namenode::acl::Acl;
use crate::namenode::state::children::Children;
use crate::namenode::state::lengths::add;
use crate::namenode::state::quota::{Quota, QuotaFeature};
use crate::namenode::xattr::XAttr;
use crate::protocol::Block;

pub(crate) use crate::namenode::state::inode_id::{InodeId, ROOT};

/// The permission bits: rwx for owner, group and others, and the sticky bit 01000.
pub(crate) const PERMISSION_BITS: u16 = 0o1777;

/// The sticky bit: in such a directory only owners may remove and rename entries.
pub(crate) const STICKY: u16 = 0o1000;

/// Milliseconds since the epoch. Hadoop stores times this way, and clients can set them up to
/// Java's `Long.MAX_VALUE`, which is beyond the range of `Timestamp`.
pub(crate) type Millis = i64;

/// A file, a directory or a symbolic link. There may be millions, so what few of them have stands
/// apart.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Inode {
    pub(crate) id: InodeId,
    /// The parent's id; the root is its own parent.
    pub(crate) parent: InodeId,
    /// Empty for the root. Short names need no memory of their own.
    pub(crate) name: SmolStr,
    /// Shared by all inodes of this owner, and so is the group.
    pub(crate) owner: Arc<str>,
    pub(crate) group: Arc<str>,
    pub(crate) modification_time: Millis,
    /// 0 for directories.
    pub(crate) access_time: Millis,
    /// `None` if there are none.
    pub(super) features: Option<Box<Features>>,
    /// The [`PERMISSION_BITS`]. With an [`Acl`], the group bits are the mask.
    pub(crate) mode: u16,
    /// The id of the storage policy; 0 to inherit the parent's.
    pub(crate) storage_policy: u8,
    pub(crate) kind: InodeKind,
}

/// The attributes that few inodes have (Hadoop's `INode.Feature`).
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Features {
    acl: Acl,
    xattrs: Vec<XAttr>,
}

/// The list of an inode that has none.
static NO_ACL: Acl = Acl::EMPTY;

/// The type of an inode, with the type's own fields.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum InodeKind {
    Directory(Directory),
    File(File),
    /// A symbolic link with its target, which may be any text.
    Symlink(Box<str>),
}

/// The fields of a directory.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Directory {
    pub(crate) children: Children,
    /// Present if there is a quota.
    quota: Option<Box<QuotaFeature>>,
}

impl Directory {
    /// Returns the limits, if any.
    pub(crate) fn quota(&self) -> Quota {
        self.feature()
            .map_or_else(Quota::default, |feature| feature.quota)
    }

    pub(super) fn feature(&self) -> Option<&QuotaFeature> {
        self.quota.as_deref()
    }

    pub(super) fn feature_mut(&mut self) -> Option<&mut QuotaFeature> {
        self.quota.as_deref_mut()
    }

    pub(super) fn set_feature(&mut self, feature: Option<Box<QuotaFeature>>) {
        self.quota = feature;
    }

    /// Returns a copy with the limits and without children.
    pub(super) fn without_children(&self) -> Self {
        Self {
            children: Children::default(),
            quota: self.quota.clone(),
        }
    }
}

/// The fields of a file.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct File {
    /// Its blocks, in order.
    pub(crate) blocks: Vec<Block>,
    pub(crate) replication: u16,
    /// The size at which a writer starts the next block (`dfs.blocksize` of the creating client).
    pub(crate) block_size: u64,
    /// The current writer; `None` if the file is closed.
    pub(crate) writer: Option<Box<Writer>>,
}

/// The holder of a file's lease (`FileUnderConstructionFeature`).
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Writer {
    /// The client's self-chosen name.
    pub(crate) holder: Arc<str>,
    /// The address from which it opened the file.
    pub(crate) machine: Arc<str>,
    /// True if the last block is being written or cut, so that its length is not final.
    pub(crate) last_block_open: bool,
    /// The length to which the last block is being cut.
    pub(crate) truncate_to: Option<u64>,
    /// The block whose first bytes the last one gets, because a snapshot shows it.
    pub(crate) truncate_from: Option<Block>,
}

impl File {
    /// Returns the file's length and the space of its replicas. A block being written counts with
    /// its full size.
    pub(crate) fn usage(&self) -> (u64, u64) {
        let (mut length, mut space) = (0, 0_u64);
        for (block, charged) in self.charges() {
            length = add(length, block.length);
            space = add(space, charged.saturating_mul(self.replication.into()));
        }
        (length, space)
    }

    /// Returns the space of one replica of each block.
    pub(crate) fn charged(&self) -> u64 {
        self.charges()
            .fold(0, |sum, (_, charged)| add(sum, charged))
    }

    /// Returns the blocks with the bytes that one replica of each counts for.
    fn charges(&self) -> impl Iterator<Item = (&Block, u64)> {
        let open = self.writer.as_ref().is_some_and(|it| it.last_block_open);
        let last = self.blocks.len().wrapping_sub(1);
        self.blocks.iter().enumerate().map(move |(index, block)| {
            let charged = if open && index == last {
                block.length.max(self.block_size)
            } else {
                block.length
            };
            (block, charged)
        })
    }
}

impl Inode {
    /// Returns the access control list beside the permission bits.
    pub(crate) fn acl(&self) -> &Acl {
        self.features.as_ref().map_or(&NO_ACL, |it| &it.acl)
    }

    pub(super) fn set_acl(&mut self, acl: Acl) {
        self.change_features(|features| features.acl = acl);
    }

    /// Returns the extended attributes, those that were set last first.
    pub(crate) fn xattrs(&self) -> &[XAttr] {
        self.features.as_ref().map_or(&[], |it| &it.xattrs)
    }

    pub(super) fn change_xattrs(&mut self, change: impl FnOnce(&mut Vec<XAttr>)) {
        self.change_features(|features| change(&mut features.xattrs));
    }

    /// Changes what few inodes have. Nothing is kept of it when it is empty.
    fn change_features(&mut self, change: impl FnOnce(&mut Features)) {
        let mut features = self.features.take().unwrap_or_default();
        change(&mut features);
        self.features = (*features != Features::default()).then_some(features);
    }

    pub(crate) fn is_directory(&self) -> bool {
        matches!(self.kind, InodeKind::Directory(_))
    }

    pub(crate) fn as_directory(&self) -> Option<&Directory> {
        match &self.kind {
            InodeKind::Directory(directory) => Some(directory),
            _ => None,
        }
    }

    pub(super) fn as_directory_mut(&mut self) -> Option<&mut Directory> {
        match &mut self.kind {
            InodeKind::Directory(directory) => Some(directory),
            _ => None,
        }
    }

    /// Returns the target of a symbolic link.
    pub(crate) fn as_symlink(&self) -> Option<&str> {
        match &self.kind {
            InodeKind::Symlink(target) => Some(target),
            _ => None,
        }
    }

    pub(crate) fn as_file(&self) -> Option<&File> {
        match &self.kind {
            InodeKind::File(file) => Some(file),
            _ => None,
        }
    }

    pub(super) fn as_file_mut(&mut self) -> Option<&mut File> {
        match &mut self.kind {
            InodeKind::File(file) => Some(file),
            _ => None,
        }
    }
}
