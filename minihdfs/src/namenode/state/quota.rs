//! The resources that a subtree uses. A directory with a quota keeps the counts of its subtree
//! (`DirectoryWithQuotaFeature`), so that a check costs no more than the depth of the path.

use std::ops::{AddAssign, SubAssign};

use crate::namenode::state::inode::{Inode, InodeId, InodeKind, Quota, ROOT};
use crate::namenode::state::limits::LONGEST;
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::snapshot::view::View;

/// Exact counts of a subtree. Lengths come from clients, and their sum may exceed 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    files: u64,
    directories: u64,
    symlinks: u64,
    length: u128,
    space: u128,
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

    /// Counts one inode, without what is below it.
    fn of(inode: &Inode) -> Self {
        match &inode.kind {
            InodeKind::Directory(_) => Self::DIRECTORY,
            InodeKind::File(file) => {
                let (length, space) = file.usage();
                Self {
                    files: 1,
                    length: length.into(),
                    space: space.into(),
                    ..Self::default()
                }
            }
            InodeKind::Symlink(_) => Self {
                symlinks: 1,
                ..Self::default()
            },
        }
    }
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

impl View<'_> {
    /// Returns the usage of the subtree at `top` in this view.
    pub(crate) fn usage(self, top: InodeId) -> Usage {
        if self.snapshot().is_none() {
            return self.namespace().usage(top);
        }
        let mut counts = Counts::default();
        let mut pending = vec![top];
        while let Some(id) = pending.pop() {
            counts += Counts::of(self.inode(id));
            pending.extend(self.children(id));
        }
        counts.into()
    }
}

impl Namespace {
    /// Returns the usage of the subtree at `top`.
    pub(crate) fn usage(&self, top: InodeId) -> Usage {
        self.count(top, true).into()
    }

    /// Counts the subtree at `top`, with the counts kept in it or from scratch.
    pub(super) fn count(&self, top: InodeId, with_kept: bool) -> Counts {
        let mut counts = Counts::default();
        let mut pending = vec![top];
        while let Some(id) = pending.pop() {
            let inode = self.inode(id);
            match inode.as_directory() {
                Some(directory) => match directory.feature().filter(|_| with_kept) {
                    Some(feature) => counts += feature.counts,
                    None => {
                        counts += Counts::DIRECTORY;
                        pending.extend(directory.children.ids());
                    }
                },
                None => counts += Counts::of(inode),
            }
        }
        counts
    }

    /// Counts one inode, without what is below it.
    pub(super) fn count_one(&self, id: InodeId) -> Counts {
        Counts::of(self.inode(id))
    }

    /// Changes the counts kept in `directory` and above it.
    pub(super) fn charge(&mut self, directory: InodeId, added: Counts, removed: Counts) {
        if added == removed {
            return;
        }
        let mut id = directory;
        loop {
            let inode = self.inode_mut(id);
            let parent = inode.parent;
            if let Some(feature) = inode.as_directory_mut().and_then(|it| it.feature_mut()) {
                feature.counts += added;
                feature.counts -= removed;
            }
            if id == ROOT {
                return;
            }
            id = parent;
        }
    }

    /// Returns true if counts are kept in `directory` or between it and `below`, exclusive.
    pub(super) fn keeps_counts(&self, directory: InodeId, below: InodeId) -> bool {
        let mut id = directory;
        while id != below {
            let inode = self.inode(id);
            if inode
                .as_directory()
                .is_some_and(|it| it.feature().is_some())
            {
                return true;
            }
            id = inode.parent;
        }
        false
    }

    /// Sets the quota of a directory. Counts its subtree if it had none.
    pub(super) fn set_quota(&mut self, id: InodeId, quota: Quota) {
        let counts = self.count(id, true);
        if let Some(directory) = self.inode_mut(id).as_directory_mut() {
            let wanted = quota != Quota::default() || id == ROOT;
            directory.set_feature(wanted.then(|| Box::new(QuotaFeature { quota, counts })));
        }
    }

    /// Fails if counts that are kept are not those of the subtree, and says which.
    pub(crate) fn check_counts(&self) -> Result<(), String> {
        for inode in self.iter() {
            let kept = inode.as_directory().and_then(|it| it.feature());
            let Some(kept) = kept.map(|feature| feature.counts) else {
                continue;
            };
            let counts = self.count(inode.id, false);
            if kept != counts {
                return Err(format!(
                    "{} has {counts:?}, but keeps {kept:?}",
                    self.full_path(inode.id)
                ));
            }
        }
        Ok(())
    }
}
