//! Quotas, and the counts that they limit (Hadoop's `DirectoryWithQuotaFeature`).

use std::ops::{AddAssign, SubAssign};

use crate::namenode::state::lengths::LONGEST;
use crate::namenode::state::storage_policy::ByType;

/// The limits that a directory sets on its subtree; `None` means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quota {
    /// The number of files and directories, including the directory itself.
    pub(crate) namespace: Option<u64>,
    /// The number of bytes over all replicas.
    pub(crate) space: Option<u64>,
    /// The number of bytes on storages of a type.
    pub(crate) types: ByType<Option<u64>>,
}

impl Quota {
    /// The quota of the root, which always has one. It is too large to be reached.
    pub(crate) const ROOT: Self = Self {
        namespace: Some(i64::MAX as u64),
        space: None,
        types: [None; 6],
    };
}

/// Exact counts of a subtree. Lengths come from clients, and their sum may exceed 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(super) files: u64,
    pub(super) directories: u64,
    pub(super) symlinks: u64,
    pub(super) length: u128,
    pub(super) space: u128,
}

impl Counts {
    /// The counts of an empty directory.
    pub(super) const DIRECTORY: Self = Self {
        files: 0,
        directories: 1,
        symlinks: 0,
        length: 0,
        space: 0,
    };
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.files = self.files.wrapping_add(more.files);
        self.directories = self.directories.wrapping_add(more.directories);
        self.symlinks = self.symlinks.wrapping_add(more.symlinks);
        self.length = self.length.wrapping_add(more.length);
        self.space = self.space.wrapping_add(more.space);
    }
}

impl SubAssign for Counts {
    fn sub_assign(&mut self, less: Self) {
        self.files = self.files.wrapping_sub(less.files);
        self.directories = self.directories.wrapping_sub(less.directories);
        self.symlinks = self.symlinks.wrapping_sub(less.symlinks);
        self.length = self.length.wrapping_sub(less.length);
        self.space = self.space.wrapping_sub(less.space);
    }
}

/// The quota of a directory, and the counts of its subtree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QuotaFeature {
    pub(super) quota: Quota,
    pub(super) counts: Counts,
}

/// The resources that a subtree uses, as the protocol's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) files: u64,
    pub(crate) directories: u64,
    pub(crate) symlinks: u64,
    /// Bytes of the files, without replication. Blocks being written count with their known length.
    pub(crate) length: u64,
    /// Bytes of all replicas. A block being written counts with its full size.
    pub(crate) space: u64,
}

impl Usage {
    pub(crate) fn inodes(self) -> u64 {
        self.files
            .saturating_add(self.directories)
            .saturating_add(self.symlinks)
    }
}

impl From<Counts> for Usage {
    fn from(counts: Counts) -> Self {
        let long = |bytes: u128| u64::try_from(bytes).map_or(LONGEST, |bytes| bytes.min(LONGEST));
        Self {
            files: counts.files,
            directories: counts.directories,
            symlinks: counts.symlinks,
            length: long(counts.length),
            space: long(counts.space),
        }
    }
}
